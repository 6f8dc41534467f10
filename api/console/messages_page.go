package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// messagePage is everything about one message.
type messagePage struct {
	messageRow
	Channel relay.Channel
	// Second is the other part that Cancel and Send again take along; nil for
	// none.
	Second *relay.Message
	// Back is what comes back by canceling, Cost what sending again costs.
	Back, Cost int64
	// Left is what the quota has.
	Left    int64
	Lines   []messageLine
	Entries []quota.Entry
	// Attempt is the id of the call that made it, where it is among the newest.
	Attempt string
	// FileThere: the file can be opened here.
	FileThere bool
	// Values are those of the template.
	Values []templateValue
	// Seen tells one state of the page from another.
	Seen string
}

// Live reports whether more is likely to happen to it soon.
func (m messagePage) Live() bool {
	return !m.Status.Settled() || m.Status == relay.Sent && time.Since(m.CreatedAt) < time.Hour
}

// Confirmable reports whether somebody may say that it arrived.
func (m messagePage) Confirmable() bool {
	return m.Status == relay.Unknown || m.Status == relay.Unconfirmed
}

// Spent reports whether its units were spent at some time: it was handed over.
func (m messagePage) Spent() bool {
	return slices.ContainsFunc(m.Entries, func(e quota.Entry) bool { return e.Kind == quota.KindSpend })
}

// Unsure reports whether its units came back because nobody knew.
func (m messagePage) Unsure() bool {
	return slices.ContainsFunc(m.History, func(c relay.Change) bool { return c.Applied && c.Status == relay.Unconfirmed })
}

// NoteText is a line's note in the page's language; empty for one that is told
// as it is.
func (p *call) NoteText(note string) string {
	switch note {
	case relay.NoteReport:
		return p.T("message.note_report")
	case relay.NoteConfirmed:
		return p.T("message.note_confirmed")
	case relay.NoteFirstPart:
		return p.T("message.note_first")
	}
	return ""
}

// messageLine is one line of the history.
type messageLine struct {
	relay.Change
	// Why is what the failure says in the page's language.
	Why *Problem
}

// Detail is the failure in English where its translation says less; empty for
// what is always the same.
func (l messageLine) Detail() string {
	if l.Why == nil || l.Failure.Code == relay.CodeCanceled || l.Failure.Code == relay.CodeExpired {
		return ""
	}
	return l.Why.Detail
}

// Look is how the line's dot looks.
func (l messageLine) Look() string {
	switch {
	case !l.Applied:
		return ""
	case l.Status == relay.Failed, l.Status == relay.Expired, l.Status == relay.Unconfirmed:
		return "bad"
	case l.Status == relay.Sent, l.Status == relay.Delivered, l.Status == relay.Read:
		return "good"
	}
	return ""
}

type templateValue struct{ Name, Value string }

// message finds one of the workspace by its id, in full or from 3EB0 on.
func (p *call) message(id string) (m relay.Message, err error) {
	if strings.HasPrefix(id, "3EB0") {
		id = "wa_backend:" + id
	}
	if !relay.ValidMessageID(id) {
		return m, relay.ErrNotFound
	}
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		m, err = tx.Message(p.ctx, p.WS.ID, id)
		return err
	})
	return m, err
}

func showMessage(p *call) error {
	d, err := p.openMessage()
	if err != nil {
		return err
	}
	p.Page = "messages"
	return p.show("message", d)
}

// showMessageStory is what changes about a message; nothing where nothing did.
func showMessageStory(p *call) error {
	d, err := p.openMessage()
	if err != nil {
		return err
	}
	if p.query("seen") == d.Seen {
		p.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return p.part("message", "story", d)
}

func (p *call) openMessage() (d messagePage, err error) {
	m, err := p.message(p.r.PathValue("id"))
	if err != nil {
		return d, err
	}
	rows, err := p.rows([]relay.Message{m})
	if err != nil {
		return d, err
	}
	d.messageRow, d.Back, d.Cost = rows[0], m.Units, m.Units
	if err := p.readAround(&d); err != nil {
		return d, err
	}
	if d.Second != nil {
		if d.Second.Status == relay.Queued {
			d.Back += d.Second.Units
		}
		if (messageRow{Message: *d.Second}).May() == "again" {
			d.Cost += d.Second.Units
		}
	}
	for _, c := range m.History {
		line := messageLine{Change: c}
		if c.Failure != nil {
			line.Why = p.problemOf(&relay.Error{Code: c.Failure.Code, Message: c.Failure.Message})
		}
		d.Lines = append(d.Lines, line)
	}
	if m.Template != nil {
		d.Values = p.templateValues(m.Template)
	}
	d.Attempt, err = p.attemptOf(m)
	d.FileThere = p.fileIsHere(m)
	d.Seen = fmt.Sprintf("%s-%d-%d-%d-%s", m.Status, len(m.History), d.Place.Number, len(d.Entries), d.Place.Why)
	return d, err
}

// readAround reads what stands beside a message.
func (p *call) readAround(d *messagePage) error {
	m := d.Message
	return p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		d.Entries, d.Second = nil, nil
		var err error
		if d.Channel, err = tx.Channel(p.ctx, p.WS.ID, m.Channel); err != nil && !isNotFound(err) {
			return err
		}
		a, err := tx.Account(p.ctx, p.WS.ID)
		if err != nil {
			return err
		}
		d.Left = a.Available
		for n := 1; n <= m.Charge; n++ {
			for _, kind := range []quota.Kind{quota.KindDebit, quota.KindSpend, quota.KindRefund, quota.KindRedebit} {
				e, found, err := tx.Entry(p.ctx, p.WS.ID, kind, relay.ChargeRef(m.ID, n))
				if err != nil {
					return err
				}
				if found {
					d.Entries = append(d.Entries, e)
				}
			}
		}
		slices.SortFunc(d.Entries, func(a, b quota.Entry) int { return a.At.Compare(b.At) })
		if len(m.Parts) < 2 {
			return nil
		}
		second, err := tx.Message(p.ctx, p.WS.ID, m.Parts[1])
		if err == nil {
			d.Second = &second
		}
		if isNotFound(err) {
			return nil
		}
		return err
	})
}

// attemptOf is the call that made a message, where it is among the newest 100.
func (p *call) attemptOf(m relay.Message) (id string, err error) {
	all, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, 100)
	for _, a := range all {
		if a.MessageID != "" && (a.MessageID == m.ID || a.MessageID == m.PartOf) && !a.Replayed {
			return a.ID, err
		}
	}
	return "", err
}

func (p *call) templateValues(t *relay.TemplateCall) (list []templateValue) {
	for i, v := range t.Variables {
		name := p.T("message.value", "N", i+1)
		if i < len(t.Names) && t.Names[i] != "" {
			name = t.Names[i]
		}
		list = append(list, templateValue{name, v})
	}
	for i, v := range t.Buttons {
		if v != "" {
			list = append(list, templateValue{p.T("message.button", "N", i+1), v})
		}
	}
	return list
}

// fileIsHere reports whether a message's file is kept here yet.
func (p *call) fileIsHere(m relay.Message) bool {
	if m.File == nil || m.File.Key == "" || p.c.Relay.Files == nil {
		return false
	}
	body, err := p.c.Relay.Files.Open(m.File.Key)
	if err != nil {
		return false
	}
	_ = body.Close() // nothing was written
	return true
}

// openMessageFile leads to a message's file, by an address that works for a
// minute.
func openMessageFile(p *call) error {
	m, err := p.message(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	link := p.c.Relay.FileLink(m, time.Now().Add(time.Minute))
	if link == "" {
		return errNoPage
	}
	if i := strings.Index(link, "/files/"); i > 0 {
		link = link[i:] // of the host that is asked
	}
	http.Redirect(p.w, p.r, link, http.StatusSeeOther)
	return nil
}

func cancelMessage(p *call) error {
	m, err := p.message(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	sum, err := p.c.Relay.CancelMany(p.ctx, p.WS.ID, []string{m.ID})
	if err != nil {
		return err
	}
	if sum.Messages == 0 {
		return p.againMessage(&relay.Error{Code: relay.CodeNotCancelable, Message: p.T("error.not_cancelable")})
	}
	p.flashUnits(p.canceledText(sum))
	return p.goTo(p.At("messages", m.ID))
}

// againMessage shows the page of a message with what was wrong.
func (p *call) againMessage(err error) error {
	d, failed := p.openMessage()
	if failed != nil {
		return errors.Join(err, failed)
	}
	p.Page = "messages"
	return p.again(err, "message", d)
}

func sendMessageAgain(p *call) error {
	m, err := p.message(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	if m.ResentAs != "" { // a second click
		p.noted = true
		return p.done(p.At("messages", m.ResentAs), "message.twice")
	}
	fresh, err := p.c.Relay.Resend(p.ctx, p.WS.ID, m.ID)
	if err != nil {
		return p.againMessage(err)
	}
	return p.done(p.At("messages", fresh.ID), "message.is_again")
}

func confirmMessage(p *call) error {
	m, err := p.message(p.r.PathValue("id"))
	if err != nil {
		return err
	}
	if _, err := p.c.Relay.Confirm(p.ctx, p.WS.ID, m.ID); err != nil {
		return p.againMessage(err)
	}
	p.flashUnits(p.T("message.confirmed"))
	return p.goTo(p.At("messages", m.ID))
}
