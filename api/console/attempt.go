package console

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"relevo/quota"
	"relevo/relay"
)

// attemptPage is one call with all that is known of it.
type attemptPage struct {
	Row attemptRow
	// Lines are its body, with a caret under the fault; More is how many lines
	// are left out. Binary: the body is no text.
	Lines  []codeLine
	More   int
	Binary bool
	// Edit is the body in the editor, Nonce makes its idempotency key.
	Edit, Nonce string
	Checked     *checked
	Story       story
}

// story is what became of a call: a message, or two.
type story struct {
	Row   attemptRow
	Parts []storyPart
	// Moving: something may still happen to it soon.
	Moving bool
}

// storyPart is one message with its moves in the ledger.
type storyPart struct {
	relay.Message
	Channel string
	Ledger  []quota.Entry
}

// Entries are the moves of a message's units, in the order of time.
func entriesOf(ctx context.Context, tx relay.Tx, m relay.Message) (all []quota.Entry, err error) {
	for n := 1; n <= max(m.Charge, 1); n++ {
		for _, kind := range []quota.Kind{quota.KindDebit, quota.KindRedebit, quota.KindSpend, quota.KindRefund} {
			e, found, err := tx.Entry(ctx, m.Workspace, kind, relay.ChargeRef(m.ID, n))
			if err != nil {
				return nil, err
			}
			if found {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// movingFor is how long a page waits for news of a message that was handed
// over.
const movingFor = 15 * time.Minute

func (p *call) story(row attemptRow) (story, error) {
	s := story{Row: row}
	if row.MessageID == "" || row.Test || row.Captured {
		return s, nil
	}
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		s.Parts, s.Moving = nil, false
		names := map[string]string{}
		first, err := tx.Message(p.ctx, p.WS.ID, row.MessageID)
		if errors.Is(err, relay.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ids := first.Parts
		if len(ids) == 0 {
			ids = []string{first.ID}
		}
		for _, id := range ids {
			m, err := tx.Message(p.ctx, p.WS.ID, id)
			if errors.Is(err, relay.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			part := storyPart{Message: m}
			if part.Channel, err = channelName(p.ctx, tx, p.WS.ID, m.Channel, names); err != nil {
				return err
			}
			if part.Ledger, err = entriesOf(p.ctx, tx, m); err != nil {
				return err
			}
			s.Parts = append(s.Parts, part)
			s.Moving = s.Moving || !m.Status.Settled() || (m.Status == relay.Sent || m.Status == relay.Delivered) && time.Since(m.HandedAt) < movingFor
		}
		return nil
	})
	return s, err
}

func (p *call) attemptRow(a relay.Attempt) attemptRow {
	return attemptRow{Attempt: a, Outcome: outcomeOf(a), Status: p.c.Status(a.ErrorCode), To: a.Recipient}
}

func (p *call) attemptPage() (d attemptPage, err error) {
	p.Page = "attempts"
	a, err := p.attempt(p.r.PathValue("id"))
	if err != nil {
		return d, err
	}
	d.Row = p.attemptRow(a)
	d.Binary = !utf8.Valid(a.Body)
	d.Lines, d.More = codeLines(a.Body, a.Line, a.Column)
	if !d.Binary {
		d.Edit = string(a.Body)
	}
	d.Nonce = rand.Text()
	d.Story, err = p.story(d.Row)
	if len(d.Story.Parts) > 0 {
		d.Row.To, d.Row.Channel = d.Story.Parts[0].To(), d.Story.Parts[0].Channel
	}
	return d, err
}

func showAttempt(p *call) error {
	d, err := p.attemptPage()
	if err != nil {
		return err
	}
	if d.Edit != "" {
		if d.Checked, err = p.check([]byte(d.Edit), p.At("attempts", d.Row.ID, "send")); err != nil {
			return err
		}
	}
	return p.show("attempt", d)
}

// showStory is asked for again and again while a message moves.
func showStory(p *call) error {
	a, err := p.attempt(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := p.story(p.attemptRow(a))
	if err != nil {
		return err
	}
	if !p.Htmx() {
		return p.goTo(p.At("attempts", a.ID))
	}
	return p.part("attempt", "story", s)
}

// downloadBody hands the body out as it came; no browser shows it.
func downloadBody(p *call) error {
	a, err := p.attempt(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	h := p.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+a.ID+`.txt"`)
	_, _ = p.w.Write(a.Body) // a client that went away
	return nil
}

// edited is the body of the editor.
func (p *call) edited() (body []byte, nonce string) {
	nonce = p.field("nonce")
	if nonce == "" || len(nonce) > 64 {
		nonce = rand.Text()
	}
	return []byte(strings.ReplaceAll(p.r.PostFormValue("body"), "\r\n", "\n")), nonce
}

// checkEdited shows what would come of the body in the editor.
func checkEdited(p *call) error {
	body, nonce := p.edited()
	c, err := p.check(body, p.At("attempts", p.r.PathValue("id"), "send"))
	if err != nil {
		return err
	}
	if p.Htmx() {
		return p.part("attempt", "hook-checked-edit", c)
	}
	d, err := p.attemptPage()
	if err != nil {
		return err
	}
	d.Edit, d.Nonce, d.Checked = string(body), nonce, c
	return p.show("attempt", d)
}

// sendEdited calls the webhook with the body of the editor; it becomes a call
// of its own.
func sendEdited(p *call) error {
	body, nonce := p.edited()
	posted, err := p.post(body, nonce)
	if err != nil {
		return err
	}
	if posted.Status == http.StatusOK {
		return p.toAttempt("compose.sent")
	}
	d, err := p.attemptPage()
	if err != nil {
		return err
	}
	p.refusedCall(posted)
	d.Edit, d.Nonce = string(body), nonce
	if d.Checked, err = p.check(body, p.At("attempts", d.Row.ID, "send")); err != nil {
		return err
	}
	return p.showAs(unprocessable, "attempt", d)
}

// StatusKind is how a status looks in a timeline.
func (p *call) StatusKind(s relay.Status) string {
	switch s {
	case relay.Sent, relay.Delivered, relay.Read:
		return "good"
	case relay.Failed, relay.Expired, relay.Canceled, relay.Unconfirmed:
		return "bad"
	}
	return ""
}
