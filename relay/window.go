package relay

import (
	"context"
	"time"
)

// Window is when a chat's session window ends: until then its channel takes
// free text. ok is false where the channel's kind has no window, or the chat
// is a group.
func (r *Relay) Window(ch Channel, c Chat) (end time.Time, ok bool) {
	d, ok := r.Drivers[ch.Kind].(Windowed)
	if !ok || c.Group {
		return time.Time{}, false
	}
	if c.LastInboundAt.IsZero() {
		return time.Time{}, true
	}
	return c.LastInboundAt.Add(d.Window()), true
}

// closed reports whether it is certain that the session window will be closed
// at a time: the channel's callbacks have been coming without a gap for as
// long as a window lasts, so that nothing the recipient wrote was missed.
func (r *Relay) closed(ch Channel, c Chat, now, at time.Time) bool {
	d, ok := r.Drivers[ch.Kind].(Windowed)
	if !ok || c.Group {
		return false
	}
	w := d.Window()
	if ch.CallbacksSince.IsZero() || now.Sub(ch.CallbacksSince) < w || now.Sub(ch.CallbackAt) > callbackGap {
		return false
	}
	return !at.Before(c.LastInboundAt.Add(w))
}

// windowOver is what the owner reads of a message that found the window
// closed.
const windowOver = "The recipient has not written within the last 24 hours, so WhatsApp takes nothing but a template now; its units were given back."

// windowClosed is the refusal of a free text outside the window.
func windowClosed() *Error {
	return RefuseField(CodeWindowClosed, "text", "This person has not written within the last 24 hours, so WhatsApp takes nothing but a template now.",
		"Send an approved template instead, or wait until they write.")
}

// outsideWindow refuses at accept what the provider would certainly refuse.
func (t *acceptance) outsideWindow(rt route) *Error {
	if t.a.Template == nil && t.r.closed(rt.channel, rt.chat, t.call.At, later(t.call.At, t.a.SendAt)) {
		return windowClosed()
	}
	return nil
}

// late reports whether a message that is about to leave is certainly outside
// the window by now.
func (r *Relay) late(ctx context.Context, tx Tx, m Message, now time.Time) (bool, error) {
	ch, err := tx.Channel(ctx, m.Workspace, m.Channel)
	if err != nil {
		return false, err
	}
	if _, ok := r.Drivers[ch.Kind].(Windowed); !ok || m.Template != nil {
		return false, nil
	}
	c, err := tx.Chat(ctx, m.Workspace, m.Channel, m.Recipient)
	if err != nil {
		return false, err
	}
	return r.closed(ch, c, now, now), nil
}
