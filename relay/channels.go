package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"relevo/queue"
)

// NewChannel is what a channel is made from. Zero values take the defaults.
type NewChannel struct {
	Kind, Name string
	// Phone is + and digits, or empty where the kind has none.
	Phone                  string
	SpacingMin, SpacingMax *time.Duration
	Concurrency            int
	MaxFileBytes           int64
	AtLeastOnce            bool
	NoFilesIn, NoFilesOut  bool
	Fallback               *TemplateRef
	Settings               json.RawMessage
}

// ChannelPatch changes what is not nil.
type ChannelPatch struct {
	Name, Phone            *string
	SpacingMin, SpacingMax *time.Duration
	Concurrency            *int
	MaxFileBytes           *int64
	AtLeastOnce            *bool
	NoFilesIn, NoFilesOut  *bool
	// Fallback without a name removes it.
	Fallback *TemplateRef
	Settings json.RawMessage
}

// CreateChannel connects an account. A number may be connected once in a
// workspace: CodeConflict.
func (r *Relay) CreateChannel(ctx context.Context, workspace string, n NewChannel) (Channel, error) {
	now := time.Now().UTC()
	least, most := r.Set.SpacingMin, r.Set.SpacingMax
	if most == 0 {
		least, most = DefaultSpacingMin, DefaultSpacingMax
	}
	c := Channel{
		ID: NewID("ch_"), Workspace: workspace, Kind: n.Kind, Name: n.Name, Phone: n.Phone, State: Connected,
		SpacingMin: orElse(n.SpacingMin, least), SpacingMax: orElse(n.SpacingMax, most),
		Concurrency: max(1, n.Concurrency), MaxFileBytes: n.MaxFileBytes, AtLeastOnce: n.AtLeastOnce,
		NoFilesIn: n.NoFilesIn, NoFilesOut: n.NoFilesOut, Fallback: n.Fallback,
		ConnectedAt: now, CreatedAt: now, CallbackKey: rand.Text(), VerifyToken: rand.Text(),
	}
	if c.MaxFileBytes == 0 {
		c.MaxFileBytes = DefaultMaxFileBytes
	}
	if c.Name == "" {
		c.Name = c.Kind
	}
	if err := r.checkChannel(&c); err != nil {
		return c, err
	}
	if err := r.connect(&c, n.Settings); err != nil {
		return c, err
	}
	err := r.update(ctx, workspace, func(tx Tx) error {
		w, err := liveWorkspace(ctx, tx, workspace)
		if err != nil {
			return err
		}
		if err := ownSender(ctx, tx, c); err != nil {
			return err
		}
		if err := putLanes(ctx, tx, c, now); err != nil {
			return err
		}
		if err := tx.PutCallback(ctx, c.ID, workspace); err != nil {
			return err
		}
		if err := putChannel(ctx, tx, c); err != nil {
			return err
		}
		return emitChannel(ctx, tx, w, EventConnected, c)
	})
	return c, err
}

func orElse[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Bounds of what an owner may set on a channel.
const (
	maxSpacing     = time.Hour
	maxConcurrency = 64
	maxFileLimit   = 100 << 20 // WhatsApp takes no larger document
)

func (r *Relay) checkChannel(c *Channel) error {
	name, err := cleanName(c.Name)
	if err != nil {
		return err
	}
	c.Name = name
	d, ok := r.Drivers[c.Kind]
	if f := c.Fallback; f != nil {
		f.Language = LanguageCode(f.Language)
		_, windowed := d.(Windowed)
		_, has := d.(Templater)
		if !windowed || !has || !ValidTemplateName(f.Name) || !ValidLanguage(f.Language) {
			return RefuseField(CodeInvalidField, "fallback_template", "fallback_template is the name and language of a template of this channel, on a kind that has a session window and templates.",
				`For example {"name":"news","language":"en"}; its body has one variable, which takes the text.`)
		}
	}
	switch {
	case !ok:
		return RefuseField(CodeInvalidField, "kind", "This server has no channels of that kind.", "This server has: "+strings.Join(r.kinds(), ", ")+".")
	case c.SpacingMin < 0 || c.SpacingMax < c.SpacingMin || c.SpacingMax > maxSpacing:
		return RefuseField(CodeInvalidField, "spacing_ms", "The spacing's min is 0 or more, its max at least min and at most an hour.", "For example {\"min\":1500,\"max\":2500}.")
	case c.Concurrency < 1 || c.Concurrency > maxConcurrency || c.Concurrency > 1 && c.SpacingMax > 0:
		return RefuseField(CodeInvalidField, "concurrency", "Concurrency is 1, or up to 64 with a spacing of 0.", "Set spacing_ms to {\"min\":0,\"max\":0} first; only official APIs allow it.")
	case c.MaxFileBytes < 1 || c.MaxFileBytes > maxFileLimit:
		return RefuseField(CodeInvalidField, "max_file_bytes", "The file limit is 1 byte to 100 MiB (104,857,600 bytes).", "")
	}
	return nil
}

func (r *Relay) kinds() []string {
	kinds := make([]string, 0, len(r.Drivers))
	for k := range r.Drivers {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// putChannel keeps a workspace's roster in step with the channel.
func putChannel(ctx context.Context, tx Tx, c Channel) error {
	refs, err := tx.Channels(ctx, c.Workspace)
	if err != nil {
		return err
	}
	refs = slices.DeleteFunc(refs, func(r ChannelRef) bool { return r.ID == c.ID })
	if c.DeletedAt.IsZero() {
		for _, ref := range refs {
			if c.Phone != "" && ref.Phone == c.Phone {
				return RefuseField(CodeConflict, "phone", "This number is connected in this workspace already.", "Change or delete that channel first.")
			}
		}
		refs = append(refs, ChannelRef{ID: c.ID, Phone: c.Phone, State: c.State, ConnectedAt: c.ConnectedAt})
	}
	if err := tx.PutChannels(ctx, c.Workspace, refs); err != nil {
		return err
	}
	return tx.PutChannel(ctx, c)
}

// putLanes makes or updates the lanes of a channel.
func putLanes(ctx context.Context, tx Tx, c Channel, now time.Time) error {
	return eachLane(ctx, tx, c, func(l *queue.Lane) {
		resumed := (l.Hold != "" || l.Paused) && c.State != Held && !c.Paused
		l.Workspace, l.Group = c.Workspace, c.ID
		l.Spacing = queue.Spacing{Min: c.SpacingMin, Max: c.SpacingMax}
		if most := now.Add(c.SpacingMax); l.Lease.Item == "" && l.NextFree.After(most) {
			l.NextFree = most // a shorter pace begins with the rest that is running
		}
		l.Paused = c.Paused
		l.Hold = ""
		if c.State == Held {
			l.Hold = c.Reason
		}
		if !c.DeletedAt.IsZero() {
			l.Hold = deleted
		}
		if resumed && l.Lease.Item == "" && l.Depth > 0 {
			*l = l.Rest(now)
		}
	})
}

// lanesOf are the ids of a channel's lanes, in the order in which whoever needs
// several loads them.
func lanesOf(c Channel) []string {
	ids := make([]string, max(1, c.Concurrency))
	for i := range ids {
		ids[i] = SubLane(c, i)
	}
	slices.Sort(ids)
	return ids
}

// holdLanes loads lanes, so that what follows may come to them in any order.
func holdLanes(ctx context.Context, tx Tx, ids []string) error {
	slices.Sort(ids)
	for _, id := range ids {
		if _, err := tx.Lane(ctx, id); err != nil && !errors.Is(err, queue.ErrNoLane) {
			return err
		}
	}
	return nil
}

func eachLane(ctx context.Context, tx Tx, c Channel, edit func(*queue.Lane)) error {
	for _, id := range lanesOf(c) {
		l, err := tx.Lane(ctx, id)
		if errors.Is(err, queue.ErrNoLane) {
			l, err = queue.Lane{ID: id}, nil
		}
		if err != nil {
			return err
		}
		edit(&l)
		if err := tx.PutLane(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// Channel finds one that was not deleted. CodeNotFound.
func (r *Relay) Channel(ctx context.Context, workspace, id string) (c Channel, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		_, c, err = liveChannel(ctx, tx, workspace, id)
		return err
	})
	return c, err
}

// Channels are a workspace's, the latest connected first.
func (r *Relay) Channels(ctx context.Context, workspace string) (list []Channel, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if _, err := liveWorkspace(ctx, tx, workspace); err != nil {
			return err
		}
		if list, err = channelsOf(ctx, tx, workspace); err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b Channel) int { return b.ConnectedAt.Compare(a.ConnectedAt) })
		return nil
	})
	return list, err
}

// channelsOf are the channels of a workspace's roster.
func channelsOf(ctx context.Context, tx Tx, workspace string) ([]Channel, error) {
	refs, err := tx.Channels(ctx, workspace)
	if err != nil {
		return nil, err
	}
	list := make([]Channel, 0, len(refs))
	for _, ref := range refs {
		c, err := tx.Channel(ctx, workspace, ref.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// editChannel changes a channel and its lanes in one transaction.
func (r *Relay) editChannel(ctx context.Context, workspace, id string, edit func(Tx, *Channel) error) (c Channel, err error) {
	err = r.update(ctx, workspace, func(tx Tx) error {
		if _, c, err = liveChannel(ctx, tx, workspace, id); err != nil {
			return err
		}
		if err := edit(tx, &c); err != nil {
			return err
		}
		if err := putLanes(ctx, tx, c, time.Now()); err != nil {
			return err
		}
		return putChannel(ctx, tx, c)
	})
	if err == nil {
		r.dispatcher.Wake()
	}
	return c, err
}

// UpdateChannel changes a channel. Concurrency changes only while nothing is
// queued (CodeConflict): messages to one recipient would change lanes.
func (r *Relay) UpdateChannel(ctx context.Context, workspace, id string, p ChannelPatch) (Channel, error) {
	fresh := [2]string{rand.Text(), rand.Text()} // for a channel from before there were callbacks
	return r.editChannel(ctx, workspace, id, func(tx Tx, c *Channel) error {
		before := *c
		set(&c.Name, p.Name)
		set(&c.Phone, p.Phone)
		set(&c.SpacingMin, p.SpacingMin)
		set(&c.SpacingMax, p.SpacingMax)
		set(&c.Concurrency, p.Concurrency)
		set(&c.MaxFileBytes, p.MaxFileBytes)
		set(&c.AtLeastOnce, p.AtLeastOnce)
		set(&c.NoFilesIn, p.NoFilesIn)
		set(&c.NoFilesOut, p.NoFilesOut)
		if p.Fallback != nil {
			if c.Fallback = p.Fallback; p.Fallback.Name == "" {
				c.Fallback = nil
			}
		}
		bad := r.checkChannel(c)
		if bad == nil && p.Fallback != nil {
			bad = fallbackFits(ctx, tx, *c)
		}
		if p.Settings != nil && bad == nil {
			if bad = r.connect(c, p.Settings); bad == nil {
				bad = ownSender(ctx, tx, *c)
			}
		}
		if c.CallbackKey == "" {
			c.CallbackKey, c.VerifyToken = fresh[0], fresh[1]
		}
		if c.Concurrency != before.Concurrency {
			both := lanesOf(before)
			if bad == nil {
				both = append(both, lanesOf(*c)...)
			}
			if err := holdLanes(ctx, tx, both); err != nil {
				return err
			}
			var queued int
			if err := eachLane(ctx, tx, before, func(l *queue.Lane) { queued += l.Depth }); err != nil {
				return err
			}
			if queued > 0 {
				return RefuseField(CodeConflict, "concurrency", "Concurrency can change only while nothing is queued on this channel.", "Pause sending calls, wait for the queue to empty, then try again.")
			}
		}
		return bad
	})
}

// DeleteChannel takes a channel away: what is queued is canceled and refunded,
// calls in flight settle.
func (r *Relay) DeleteChannel(ctx context.Context, workspace, id string) error {
	err := r.update(ctx, workspace, func(tx Tx) error { return closeChannel(ctx, tx, workspace, id) })
	if err != nil {
		return err
	}
	return r.drainChannel(ctx, workspace, id)
}

// closeChannel accepts and sends nothing through a channel any more.
func closeChannel(ctx context.Context, tx Tx, workspace, id string) error {
	_, c, err := liveChannel(ctx, tx, workspace, id)
	if err != nil {
		return err
	}
	c.DeletedAt, c.State, c.Paused, c.Reason = time.Now().UTC(), Disconnected, true, deleted
	c.Settings = nil // credentials are kept no longer than they are used
	if err := putLanes(ctx, tx, c, c.DeletedAt); err != nil {
		return err
	}
	return putChannel(ctx, tx, c)
}
