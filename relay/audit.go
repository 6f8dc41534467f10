package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Note is a line of the audit log: who did what, when. It holds no secret, no
// text and no phone number.
type Note struct {
	// At is set by Note.
	At time.Time `json:"at"`
	// Workspace is whose log it is in; empty for the server's own.
	Workspace string `json:"-"`
	By        Actor  `json:"by"`
	// Action is what was done, as in webhook_rotated; the console has words
	// for each.
	Action string `json:"action"`
	// Subject is what it was done to: an id, a name, a number of units.
	Subject string `json:"subject,omitzero"`
}

// Actor is who did something.
type Actor struct {
	// Kind is user, key or operator (the operator's key).
	Kind string `json:"kind"`
	// ID is the user's or the key's; empty for the operator's key.
	ID string `json:"id,omitzero"`
	// Name is what they were called then.
	Name string `json:"name,omitzero"`
	// Via is console, api or cli.
	Via string `json:"via,omitzero"`
}

// KeepNotes is a year and a month: what was done a year ago can still be looked
// up when the bill of the year comes.
const KeepNotes = 400 * 24 * time.Hour

const (
	kindAudit = "audit"
	// maxSubject and maxNotesRead bound a line, and what one page of a
	// filtered list looks through.
	maxSubject   = 200
	maxNotesRead = 4000
)

// Note appends to the audit log. It is written even where ctx has ended: what
// it tells of has happened.
func (r *Relay) Note(ctx context.Context, n Note) error {
	n.At = time.Now().UTC().Truncate(time.Microsecond)
	n.Subject = plainSubject(n.Subject)
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	card := Card{Kind: kindAudit, Workspace: n.Workspace, Key: n.At.Format("20060102150405.000000") + "-" + rand.Text()[:8], Due: n.At.Add(KeepNotes), Value: b}
	return r.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error { return tx.PutCard(ctx, card) })
}

// plainSubject hides all of a phone number but its end, and what is no text.
func plainSubject(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return ' '
		}
		return c
	}, strings.TrimSpace(s))
	if number := strings.TrimSuffix(s, "@s.whatsapp.net"); len(number) > 7 && strings.Trim(number, "+0123456789 -()") == "" {
		s = "…" + number[len(number)-4:]
	}
	if all := []rune(s); len(all) > maxSubject {
		s = string(all[:maxSubject-1]) + "…"
	}
	return s
}

// Notes lists an audit log, newest first: those that match says true of; nil
// takes all. A page of a filtered list may be short, even empty, and have a
// next one.
func (r *Relay) Notes(ctx context.Context, workspace string, match func(Note) bool, p Page) (list []Note, next string, err error) {
	for read := 0; len(list) < p.Limit && read < maxNotesRead; {
		var cards []Card
		cards, next, err = r.Store.Cards(ctx, CardFilter{Kind: kindAudit, Workspace: workspace, Newest: true}, Page{Cursor: p.Cursor, Limit: p.Limit})
		if err != nil {
			return nil, "", err
		}
		for _, c := range cards {
			n := Note{Workspace: workspace}
			if err := json.Unmarshal(c.Value, &n); err != nil {
				return nil, "", err
			}
			if match == nil || match(n) {
				list = append(list, n)
			}
		}
		if next == "" {
			break
		}
		read, p.Cursor = read+len(cards), next
	}
	return list, next, nil
}

// pruneNotes forgets what is old enough.
func (r *Relay) pruneNotes(ctx context.Context, now time.Time, n int) (int, error) {
	return r.Store.PruneCards(ctx, kindAudit, now, n)
}
