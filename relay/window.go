package relay

import (
	"context"
	"errors"
	"fmt"
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

// closed reports whether the session window will certainly be closed at a time,
// unless the recipient writes: the channel's callbacks have been coming without
// a gap for as long as a window lasts, so that nothing they wrote was missed.
func (r *Relay) closed(ch Channel, c Chat, now, at time.Time) bool {
	d, ok := r.Drivers[ch.Kind].(Windowed)
	if !ok || c.Group {
		return false
	}
	w := d.Window()
	if ch.CallbacksSince.IsZero() || now.Sub(ch.CallbacksSince) < w || now.Sub(ch.CallbackAt) > callbackGap {
		return false
	}
	if c.User == "" && now.Sub(ch.NamelessAt) < w+callbackEvery {
		return false // it may have been this person
	}
	return !at.Before(c.LastInboundAt.Add(w))
}

// Shut reports whether a channel will certainly take nothing but a template for
// a chat now; a channel with a fallback template takes texts all the same.
func (r *Relay) Shut(ch Channel, c Chat, now time.Time) bool { return r.closed(ch, c, now, now) }

// windowOver is what the owner reads of a message that found the window
// closed.
const windowOver = "The recipient has not written within the last 24 hours, so WhatsApp takes nothing but a template now; its units were given back."

// windowClosed is the refusal of a free text outside the window.
func windowClosed() *Error {
	return RefuseField(CodeWindowClosed, "text", "This person has not written within the last 24 hours, so WhatsApp takes nothing but a template now.",
		"Send an approved template instead, or wait until they write.")
}

// outsideWindow refuses at accept what the provider would refuse as things are,
// or makes it a call of the channel's fallback template. What is to leave later
// is judged by that time: a text that only goes out if the person happens to
// write before is none to promise.
func (t *acceptance) outsideWindow(rt *route) *Error {
	if t.a.Template != nil || !t.r.closed(rt.channel, rt.chat, t.call.At, later(t.call.At, t.a.SendAt)) {
		return nil
	}
	f := rt.channel.Fallback
	if f == nil || t.a.FileURL != "" {
		return windowClosed()
	}
	t.a.Text, t.a.Template = "", f.call(t.a.Text)
	rt.warnings = append(rt.warnings, "this person has not written within the last 24 hours, so the text goes as the template "+f.Name)
	return nil
}

// fallbackFits refuses a fallback template that certainly cannot take a text:
// its list was read, and it is not there or has not one variable. The other
// errors are the store's.
func fallbackFits(ctx context.Context, tx Tx, c Channel) error {
	if c.Fallback == nil || c.TemplatesAt.IsZero() {
		return nil
	}
	found, err := tx.TemplatesByName(ctx, c.Workspace, c.ID, c.Fallback.Name)
	if err != nil {
		return err
	}
	for _, t := range found {
		if LanguageCode(t.Language) != c.Fallback.Language {
			continue
		}
		if n := len(t.Variables()); n != 1 || t.headerFile() != "" {
			return RefuseField(CodeInvalidField, "fallback_template", fmt.Sprintf("The template %q takes %s; a fallback takes one, for the text, and no file.", t.Name, variableCount(t.Variables())), "Choose or submit another one.")
		}
		return nil
	}
	return RefuseField(CodeInvalidField, "fallback_template", fmt.Sprintf("This channel has no template %q in %q.", c.Fallback.Name, c.Fallback.Language), "Read the list of templates again, or choose another one.")
}

// call puts a text into the only variable of a template.
func (f TemplateRef) call(text string) *TemplateCall {
	return &TemplateCall{Name: f.Name, Language: f.Language, Variables: []string{flattened(text)}}
}

// mayHaveWindow spares the claim of a message a look at its channel where the
// kind is known to have no window.
func (r *Relay) mayHaveWindow(channel string) bool {
	kind := r.breakers.kind(channel)
	_, ok := r.Drivers[kind].(Windowed)
	return ok || kind == ""
}

// late reports whether a message that is about to leave is certainly outside
// the window by now, and cannot go as the channel's fallback template: that is
// what it becomes where it can.
func (r *Relay) late(ctx context.Context, tx Tx, m *Message, now time.Time) (bool, error) {
	if m.Template != nil || !r.mayHaveWindow(m.Channel) {
		return false, nil
	}
	ch, err := tx.Channel(ctx, m.Workspace, m.Channel)
	if err != nil {
		return false, err
	}
	if _, ok := r.Drivers[ch.Kind].(Windowed); !ok {
		return false, nil
	}
	c, err := tx.Chat(ctx, m.Workspace, m.Channel, m.Recipient)
	if errors.Is(err, ErrNotFound) { // erased meanwhile
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !r.closed(ch, c, now, now) {
		return false, nil
	}
	if ch.Fallback == nil || m.File != nil || len(m.Parts) > 0 {
		return true, nil
	}
	m.Text, m.Template = "", ch.Fallback.call(m.Text)
	return false, nil
}
