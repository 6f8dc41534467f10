package relay

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// Receive takes one callback of a provider on a channel's address. It returns
// after all of it is durable. ErrNotFound where the address leads nowhere,
// ErrForged where the call is not the provider's, and ErrUnreadable where it
// makes no sense; on any other error the provider should call again.
func (r *Relay) Receive(ctx context.Context, channel, key string, c Callback) (Received, error) {
	ch, err := r.byCallback(ctx, channel, key)
	if err != nil {
		return Received{}, err
	}
	d, ok := r.Drivers[ch.Kind].(Receiver)
	if !ok {
		return Received{}, errors.Join(ErrNotFound, errNoReceiver)
	}
	c.VerifyToken = ch.VerifyToken
	open, err := r.opened(ch)
	if err != nil {
		return Received{}, err
	}
	first, err := r.receiveFor(ctx, open, d, c)
	if err != nil && !errors.Is(err, ErrForged) || c.Method == http.MethodGet {
		return first, err
	}
	// a provider may know one address for several numbers of an owner
	siblings, failed := r.Channels(ctx, ch.Workspace)
	if failed != nil {
		return Received{}, failed
	}
	for _, s := range siblings {
		if s.ID == ch.ID || s.Kind != ch.Kind {
			continue
		}
		s, damaged := r.opened(s)
		if damaged != nil {
			r.Log.Error("a channel's settings cannot be opened; callbacks are not looked at for it", "channel", s.ID, "error", damaged)
			continue
		}
		switch _, other := r.receiveFor(ctx, s, d, c); {
		case other == nil && err != nil:
			err = nil
		case other != nil && !errors.Is(other, ErrForged):
			return Received{}, other
		}
	}
	return first, err
}

// KnowsCallback is nil where a callback address leads to a channel, else
// ErrNotFound.
func (r *Relay) KnowsCallback(ctx context.Context, channel, key string) error {
	_, err := r.byCallback(ctx, channel, key)
	return err
}

// receiveFor takes what a callback says of one channel, whose settings are in
// the clear.
func (r *Relay) receiveFor(ctx context.Context, ch Channel, d Receiver, c Callback) (Received, error) {
	got, err := d.Receive(ch, c)
	if err != nil {
		return Received{}, unread(err)
	}
	if got.tellsOfInbound(c) {
		if err := r.noteCallback(ctx, ch, c.At); err != nil {
			return Received{}, err
		}
	}
	if err := r.Report(ctx, ch.ID, got.Reports); err != nil {
		return Received{}, err
	}
	if _, err := r.inbounds(ctx, ch.Workspace, ch.ID, got.Inbound); err != nil {
		return Received{}, err
	}
	if err := r.changeTemplates(ctx, ch, c.At, got.Templates); err != nil {
		return Received{}, err
	}
	if got.Fault != "" {
		err = r.faultReported(ctx, ch, got.Fault)
	}
	return got, err
}

// unread marks a driver's error, unless it says itself what it means.
func unread(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, ErrForged) {
		return err
	}
	return errors.Join(ErrUnreadable, err)
}

// tellsOfInbound reports whether a callback shows that what people write comes
// to this server: by itself, or as a report on the one address of a channel for
// all. An address of reports alone may have gone out with each message, and
// templates and faults have subscriptions of their own.
func (g Received) tellsOfInbound(c Callback) bool {
	return len(g.Inbound) > 0 || c.Part == "" && len(g.Reports) > 0
}

// byCallback finds the channel of a callback address. The key is compared in
// constant time.
func (r *Relay) byCallback(ctx context.Context, channel, key string) (ch Channel, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		workspace, err := tx.WorkspaceByCallback(ctx, channel)
		if err != nil {
			return err
		}
		ch, err = tx.Channel(ctx, workspace, channel)
		return err
	})
	if err == nil && (ch.CallbackKey == "" || !ch.DeletedAt.IsZero() || subtle.ConstantTimeCompare([]byte(ch.CallbackKey), []byte(key)) != 1) {
		err = ErrNotFound
	}
	return ch, err
}

// Callbacks are noted once in callbackEvery. A pause of callbackGap ends what
// is known of them: they may have gone elsewhere meanwhile.
const (
	callbackEvery = time.Hour
	callbackGap   = 24 * time.Hour
)

// noteCallback remembers since when callbacks of a channel have been coming
// from where messages of people come too.
func (r *Relay) noteCallback(ctx context.Context, ch Channel, at time.Time) error {
	if at.Sub(ch.CallbackAt) < callbackEvery {
		return nil
	}
	return r.update(ctx, ch.Workspace, func(tx Tx) error {
		cur, err := tx.Channel(ctx, ch.Workspace, ch.ID)
		if err != nil || at.Sub(cur.CallbackAt) < callbackEvery {
			return err
		}
		if at.Sub(cur.CallbackAt) > callbackGap {
			cur.CallbacksSince = at.UTC()
		}
		cur.CallbackAt = at.UTC()
		return tx.PutChannel(ctx, cur)
	})
}

// faultReported holds a channel of which the provider says that it sends no
// more.
func (r *Relay) faultReported(ctx context.Context, ch Channel, reason string) error {
	return r.update(ctx, ch.Workspace, func(tx Tx) error {
		if err := holdLanes(ctx, tx, lanesOf(ch)); err != nil {
			return err
		}
		_, cur, err := liveChannel(ctx, tx, ch.Workspace, ch.ID)
		if err != nil || cur.State == Held {
			return err
		}
		return holdChannel(ctx, tx, cur, reason)
	})
}
