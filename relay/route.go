package relay

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// route is where an action goes: its channel, chat and lane.
type route struct {
	channel   Channel
	chat      Chat
	to        string // the form of the recipient that goes to the provider
	lane      string
	preparing bool // a file has to be fetched first
	dedupe    bool // remember the content too
	eta       time.Time
	warnings  []string
}

// route finds the chat and the channel. It writes nothing.
func (t *acceptance) route(ctx context.Context, tx Tx, w Workspace) (route, *Error, error) {
	t.a = t.asked // a transaction may run again
	rt := route{preparing: t.a.FileURL != "", dedupe: w.Webhook.DedupeSeconds > 0}
	refusal, err := t.find(ctx, tx, w.ID, &rt)
	if err != nil || refusal != nil {
		return rt, refusal, err
	}
	t.to = rt.to
	out, err := optedOut(ctx, tx, w, rt.chat)
	if err != nil {
		return rt, nil, err
	}
	if out {
		return rt, refusedOut(t.a.To), nil
	}
	if refusal := t.outsideWindow(&rt); refusal != nil {
		return rt, refusal, nil
	}
	if t.a.Template != nil {
		if refusal, err := t.templated(ctx, tx, &rt); err != nil || refusal != nil {
			return rt, refusal, err
		}
	}
	if refusal := t.r.fits(t.a, rt.channel); refusal != nil {
		return rt, refusal, nil
	}
	rt.lane = LaneFor(rt.channel, rt.chat.Recipient)
	lane, err := tx.Lane(ctx, rt.lane)
	if err != nil {
		return rt, nil, fmt.Errorf("lane of channel %s: %w", rt.channel.ID, err)
	}
	rt.eta = lane.ETA(lane.Depth, t.call.At)
	if wait := rt.chat.WaitsUntil; wait.After(t.call.At) {
		rt.warnings = append(rt.warnings, "an earlier message to this recipient is due at "+wait.UTC().Format(time.RFC3339)+"; this one leaves after it")
		rt.eta = later(rt.eta, wait)
	}
	rt.eta = later(rt.eta, t.a.SendAt)
	return rt, nil, nil
}

// openChat makes the chat where it is new, and notes on it that a message goes
// to it, and until when later messages to this recipient wait.
func (t *acceptance) openChat(ctx context.Context, tx Tx, w Workspace, rt *route) (err error) {
	c, changed := &rt.chat, false
	if t.call.At.Sub(c.LastOutboundAt) >= outboundEvery {
		c.LastOutboundAt, changed = t.call.At.UTC(), true
	}
	if t.a.SendAt.After(c.WaitsUntil) {
		c.WaitsUntil, changed = t.a.SendAt, true
	}
	switch {
	case c.ID == "":
		*c, err = newChat(ctx, tx, w, *c)
	case changed:
		err = tx.PutChat(ctx, *c)
	}
	return err
}

// outboundEvery is how exactly a chat knows when it was last written to: not
// every message is worth a write.
const outboundEvery = 5 * time.Minute

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (t *acceptance) find(ctx context.Context, tx Tx, workspace string, rt *route) (*Error, error) {
	to := t.a.To
	switch {
	case to.ChatID != "":
		return t.findChat(ctx, tx, workspace, to.ChatID, rt)
	case to.ChatName != "":
		return t.findByName(ctx, tx, workspace, rt)
	}
	ch, refusal, err := chooseChannel(ctx, tx, workspace, t.a.AccountPhone)
	if err != nil || refusal != nil {
		return refusal, err
	}
	rt.channel = ch
	recipient := to.recipient()
	rt.chat, err = chatOf(ctx, tx, workspace, ch.ID, recipient)
	if errors.Is(err, ErrNotFound) {
		rt.chat, err = chatWith(workspace, ch.ID, recipient, t.call.At), nil
	}
	if rt.to = recipient; rt.chat.Confirmed {
		rt.to = rt.chat.address()
	}
	return nil, err
}

// recipient is the one form in which a person or group is known: a user's JID
// is the same person as the number in it.
func (to Address) recipient() string {
	if to.Phone != "" {
		return to.Phone
	}
	if user, ok := strings.CutSuffix(to.JID, "@s.whatsapp.net"); ok {
		return "+" + user
	}
	return to.JID
}

func (t *acceptance) findChat(ctx context.Context, tx Tx, workspace, id string, rt *route) (*Error, error) {
	chat, err := tx.ChatByID(ctx, workspace, id)
	if errors.Is(err, ErrNotFound) {
		return RefuseField(CodeChatNotFound, "chat_id", fmt.Sprintf("There is no chat %s in this workspace.", id),
			"Take the number from the chat list, or send to a phone number instead."), nil
	}
	if err != nil {
		return nil, err
	}
	rt.chat, rt.to = chat, chat.address()
	rt.channel, err = tx.Channel(ctx, workspace, chat.Channel)
	if err == nil && !rt.channel.DeletedAt.IsZero() {
		return RefuseField(CodeChatNotFound, "chat_id", fmt.Sprintf("Chat %s belongs to a channel that was deleted.", id),
			"Send to the phone number through another channel."), nil
	}
	return nil, err
}

func (t *acceptance) findByName(ctx context.Context, tx Tx, workspace string, rt *route) (*Error, error) {
	if t.a.AccountPhone != "" { // so that an unknown account is not told as an unknown name
		if _, refusal, err := chooseChannel(ctx, tx, workspace, t.a.AccountPhone); err != nil || refusal != nil {
			return refusal, err
		}
	}
	ids, err := tx.ChatsByName(ctx, workspace, t.a.To.ChatName)
	if err != nil {
		return nil, err
	}
	var found []Chat
	for _, id := range ids {
		var one route
		refusal, err := t.findChat(ctx, tx, workspace, id, &one)
		if err != nil {
			return nil, err
		}
		if refusal != nil || t.a.AccountPhone != "" && Identity(one.channel.Phone) != Identity(t.a.AccountPhone) {
			continue
		}
		found = append(found, one.chat)
		rt.chat, rt.channel, rt.to = one.chat, one.channel, one.to
	}
	switch len(found) {
	case 0:
		return RefuseField(CodeChatNotFound, "chat_name", "There is no chat with exactly this name.",
			"Names are compared letter by letter; take it from the chat list, or use chat_id."), nil
	case 1:
		return nil, nil
	}
	return RefuseField(CodeChatAmbiguous, "chat_name", fmt.Sprintf("%d chats have this name; nothing was sent.", len(found)),
		"Use chat_id, which names exactly one chat."), nil
}

// chooseChannel is the channel of an account's number or, without one, the
// latest connected; where none is, the latest that is on hold.
func chooseChannel(ctx context.Context, tx Tx, workspace, phone string) (Channel, *Error, error) {
	refs, err := tx.Channels(ctx, workspace)
	if err != nil {
		return Channel{}, nil, err
	}
	if phone != "" {
		refs = slices.DeleteFunc(refs, func(r ChannelRef) bool { return Identity(r.Phone) != Identity(phone) })
		if len(refs) == 0 {
			return Channel{}, RefuseField(CodeAccountNotFound, "whatsapp_account_phone", "No channel of this workspace has this number.",
				"Leave the field out to use the latest connected channel, or take a number from the channel list."), nil
		}
	}
	best := -1
	for i, r := range refs {
		if r.State != Disconnected && (best < 0 || preferred(r, refs[best])) {
			best = i
		}
	}
	if best < 0 {
		return Channel{}, Refusef(CodeNoChannel, "This workspace has no connected WhatsApp account. Connect a channel first."), nil
	}
	ch, err := tx.Channel(ctx, workspace, refs[best].ID)
	return ch, nil, err
}

func preferred(a, b ChannelRef) bool {
	if a.State != b.State {
		return a.State == Connected
	}
	return a.ConnectedAt.After(b.ConnectedAt)
}

// fits refuses what the channel can never carry.
func (r *Relay) fits(a Action, ch Channel) *Error {
	if a.FileURL != "" && ch.NoFilesOut {
		return RefuseField(CodeInvalidField, "file_url", "This channel sends no files: its owner has switched them off.", "Send the link as text, or switch files on for the channel.")
	}
	lim, ok := r.Drivers[ch.Kind].(Limiter)
	if !ok {
		return nil
	}
	if n := utf8.RuneCountInString(a.Text); lim.MaxTextRunes() > 0 && n > lim.MaxTextRunes() {
		return RefuseField(CodeTextTooLong, "text", fmt.Sprintf("The text has %d characters; this channel takes at most %d.", n, lim.MaxTextRunes()),
			"Shorten it, or send it as several messages.")
	}
	return nil
}

// LaneFor is the lane of a recipient on a channel: the channel's only one, or
// a sub-lane by the recipient's hash.
func LaneFor(ch Channel, recipient string) string {
	if ch.Concurrency <= 1 {
		return SubLane(ch, 0)
	}
	h := fnv.New32a()
	h.Write([]byte(recipient))
	return SubLane(ch, int(h.Sum32()%uint32(ch.Concurrency)))
}

// SubLane is the id of a channel's n-th lane, n from 0: ws_…/ch_…, and with
// several lanes ws_…/ch_…/n.
func SubLane(ch Channel, n int) string {
	if ch.Concurrency <= 1 {
		return ch.Workspace + "/" + ch.ID
	}
	return fmt.Sprintf("%s/%s/%d", ch.Workspace, ch.ID, n)
}

// WorkspaceOfLane is the workspace that a lane's id begins with.
func WorkspaceOfLane(lane string) string {
	workspace, _, _ := strings.Cut(lane, "/")
	return workspace
}

// newChat gives a conversation its number.
func newChat(ctx context.Context, tx Tx, w Workspace, c Chat) (Chat, error) {
	for taken := true; taken; w.NextChat++ {
		c.ID = fmt.Sprint(w.NextChat)
		_, err := tx.ChatByID(ctx, w.ID, c.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return c, err
		}
		taken = err == nil
	}
	if err := tx.PutWorkspace(ctx, w); err != nil {
		return c, err
	}
	return c, tx.PutChat(ctx, c)
}

// parts are the messages that an action becomes: one, or a text and a file
// each on its own where the channel has no caption for such a file.
func (t *acceptance) parts(rt route) []Message {
	m := Message{
		ID: t.ids[0], Workspace: t.call.Workspace, Channel: rt.channel.ID, ChatID: rt.chat.ID, Recipient: rt.chat.Recipient, Lane: rt.lane,
		Status: Queued, Units: 1, Charge: 1, Text: t.a.Text, Template: t.a.Template,
		CreatedAt: t.call.At.UTC(), SendAt: t.a.SendAt, ExpiresAt: t.r.expiry(t.a, rt, t.call.At), Nonce: t.nonce,
	}
	if rt.to != m.Recipient {
		m.Address = rt.to
	}
	m.History = []Change{{At: m.CreatedAt, Status: Queued, Applied: true}}
	if t.a.FileURL == "" {
		return []Message{m}
	}
	file := &File{URL: t.a.FileURL, Name: t.a.FileName, Kind: KindOf(t.a.FileName)}
	if t.a.Template != nil {
		file.Kind = t.headerKind(file.Kind)
	}
	if t.a.Text == "" {
		m.File = file
		return []Message{m}
	}
	if t.r.captions(rt.channel, file.Kind, t.a.Text) {
		m.File, m.Units = file, 2
		return []Message{m}
	}
	second := m
	second.ID, second.Text, second.File, second.PartOf = t.ids[1], "", file, m.ID
	m.Parts = t.ids[:]
	return []Message{m, second}
}

func (r *Relay) captions(ch Channel, kind FileKind, text string) bool {
	d := r.Drivers[ch.Kind]
	if lim, ok := d.(Limiter); ok && lim.MaxCaptionRunes() > 0 && utf8.RuneCountInString(text) > lim.MaxCaptionRunes() {
		return false
	}
	c, ok := d.(Captioner)
	return ok && c.Captions(kind)
}

// expiry is the caller's wish to the letter, else the later of the default
// and twice the time that it is likely to wait.
func (r *Relay) expiry(a Action, rt route, now time.Time) time.Time {
	if a.ExpiresIn > 0 {
		return now.Add(a.ExpiresIn).UTC()
	}
	return later(now.Add(r.Set.ExpireAfter), now.Add(2*rt.eta.Sub(now))).UTC()
}

func unitsOf(parts []Message) (n int64) {
	for _, m := range parts {
		n += m.Units
	}
	return n
}

var kinds = map[string]FileKind{
	".jpg": Image, ".jpeg": Image, ".png": Image,
	".mp4": Video, ".3gp": Video, ".3gpp": Video,
	".aac": Audio, ".amr": Audio, ".mp3": Audio, ".m4a": Audio, ".ogg": Audio, ".opus": Audio,
}

// KindOf is how WhatsApp shows a file of that name. The types are those of
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media.
func KindOf(name string) FileKind {
	if k, ok := kinds[strings.ToLower(path.Ext(name))]; ok {
		return k
	}
	return Document
}

func isGroup(recipient string) bool { return strings.HasSuffix(recipient, "@g.us") }
