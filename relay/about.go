package relay

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Forms are all forms of a number that ring the same phone; of anything else,
// itself.
func Forms(phone string) []string {
	id := Identity(phone)
	other := ""
	switch {
	case len(id) == 13 && strings.HasPrefix(id, "+52"):
		other = "+521" + id[3:]
	case len(id) == 13 && strings.HasPrefix(id, "+54"):
		other = "+549" + id[3:]
	case len(id) == 13 && strings.HasPrefix(id, "+55"):
		other = id[:5] + "9" + id[5:]
	}
	if other == "" || Identity(other) != id {
		return []string{id}
	}
	return []string{id, other}
}

// names are what somebody is called where they are looked for in other texts:
// the forms of their number, and the ids under which providers know them.
func names(who string, chats []Chat) (all []string) {
	add := func(s string) {
		for _, f := range Forms(s) {
			if f != "" && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	add(who)
	for _, c := range chats {
		add(c.Recipient)
		add(c.User)
	}
	return all
}

// minMention is the shortest number that is looked for within other digits, as
// E.164 has no international number of fewer than seven.
const minMention = 7

// mentions reports whether a text holds one of the names: a number by its
// digits, whatever stands between them, anything else as it is written.
func mentions(text string, names []string) bool {
	plain := unescaped(text)
	digits := ""
	for _, n := range names {
		number, isNumber := strings.CutPrefix(n, "+")
		if !isNumber || len(number) < minMention || strings.Trim(number, "0123456789") != "" {
			if strings.Contains(text, n) || strings.Contains(plain, n) {
				return true
			}
			continue
		}
		if digits == "" {
			digits = joined(plain)
		}
		if strings.Contains(digits, number) {
			return true
		}
	}
	return false
}

// unescaped is a form as it was meant, and any other text as it is.
func unescaped(text string) string {
	if strings.ContainsRune(text, '%') {
		if s, err := url.QueryUnescape(text); err == nil {
			return s
		}
	}
	return text
}

// joined is a text without what people write between the digits of a number.
func joined(text string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -().+/\t\u00a0\u202f\u2010\u2011", c) {
			return -1
		}
		return c
	}, text)
}

// ChatsAbout are the conversations with somebody, over all channels, also those
// that were removed since. It looks through all chats of the workspace.
func (r *Relay) ChatsAbout(ctx context.Context, workspace, who string) (about []Chat, err error) {
	known, err := r.ChatsWith(ctx, workspace, who)
	if err != nil {
		return nil, err
	}
	all := names(who, known)
	err = r.eachChat(ctx, workspace, func(c Chat) error {
		if !c.Group && (slices.Contains(all, Identity(c.Recipient)) || c.User != "" && slices.Contains(all, c.User)) {
			about = append(about, c)
		}
		return nil
	})
	return about, err
}

// AttemptsAbout are the attempts of a workspace, newest first, that mention
// somebody, or that made a message in one of their chats.
func (r *Relay) AttemptsAbout(ctx context.Context, workspace, who string, chats []Chat) ([]Attempt, error) {
	all, err := r.Store.Attempts(ctx, workspace, maxAttempts)
	if err != nil {
		return nil, err
	}
	known, about := names(who, chats), []Attempt(nil)
	err = r.Store.View(ctx, func(tx Tx) error {
		about = nil
		for _, a := range all {
			mine := a.mentions(known) || a.namesChat(chats)
			if !mine && a.MessageID != "" {
				m, err := tx.Message(ctx, workspace, a.MessageID)
				mine = err == nil && slices.ContainsFunc(chats, func(c Chat) bool { return c.ID == m.ChatID })
			}
			if mine {
				about = append(about, a)
			}
		}
		return nil
	})
	return about, err
}

// maxAttempts is how many attempts of a workspace a store keeps.
const maxAttempts = 100

// mentions reports whether a call holds one of the names, in its body or in
// what was said of it.
func (a Attempt) mentions(names []string) bool {
	return mentions(string(a.Body), names) || mentions(a.Recipient, names) || mentions(a.Message, names) || mentions(a.Excerpt, names) || mentions(strings.Join(a.Warnings, "\n"), names)
}

// chatNamed finds where a body says which chat it means, as JSON or as a form.
var chatNamed = regexp.MustCompile(`(?i)chat[ _-]?(?:id"?\s*[:=]\s*"?([0-9]+)|name"?\s*[:=]\s*(?:("(?:[^"\\]|\\.)*")|([^&"\n]+)))`)

// namesChat reports whether a call names one of the chats: one that was refused
// made no message that would lead there.
func (a Attempt) namesChat(chats []Chat) bool {
	if len(chats) == 0 {
		return false
	}
	for _, m := range chatNamed.FindAllStringSubmatch(unescaped(string(a.Body)), -1) {
		id, name := m[1], strings.ReplaceAll(m[3], "+", " ") // of a form without anything else escaped
		if m[2] != "" && json.Unmarshal([]byte(m[2]), &name) != nil {
			continue
		}
		name = ChatName(name)
		if slices.ContainsFunc(chats, func(c Chat) bool { return id != "" && c.ID == id || name != "" && c.Name == name }) {
			return true
		}
	}
	return false
}

// WrittenInGroups calls fn with what somebody wrote in groups, where its
// provider told that it was they: newest first of each group. It looks through
// all that was written in groups, a page at a time.
func (r *Relay) WrittenInGroups(ctx context.Context, workspace, who string, chats []Chat, fn func(InboundMessage) error) error {
	known := names(who, chats)
	return r.eachChat(ctx, workspace, func(c Chat) error {
		if !c.Group {
			return nil
		}
		return r.EachInbound(ctx, c, func(m InboundMessage) error {
			if m.Author == "" || !slices.Contains(known, Identity(m.Author)) {
				return nil
			}
			return fn(m)
		})
	})
}

func (r *Relay) eachChat(ctx context.Context, workspace string, fn func(Chat) error) error {
	for p := (Page{Limit: batch}); ; {
		list, next, err := r.Store.Chats(ctx, workspace, "", p)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := fn(c); err != nil {
				return err
			}
		}
		if p.Cursor = next; next == "" {
			return nil
		}
	}
}

// EachInbound calls fn with what was written in a chat, newest first, a page at
// a time.
func (r *Relay) EachInbound(ctx context.Context, c Chat, fn func(InboundMessage) error) error {
	for p := (Page{Limit: batch}); ; {
		list, next, err := r.Store.Inbounds(ctx, c.Workspace, c.Channel, c.Recipient, p)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := fn(m); err != nil {
				return err
			}
		}
		if p.Cursor = next; next == "" {
			return nil
		}
	}
}
