package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
)

// selection is what somebody is asked about before it is done.
type selection struct {
	// Do is "cancel" or "again".
	Do   string
	Rows []messageRow
	// Units come back, or are taken.
	Units int64
	// Left is what the quota has.
	Left int64
	// Out counts those of the selection for which it cannot be done.
	Out int
	// Back is where the list is.
	Back string
}

// IDs are those of the messages for which it is done.
func (s selection) IDs() (ids []string) {
	for _, m := range s.Rows {
		ids = append(ids, m.ID)
	}
	return ids
}

// askAboutSelected asks before several messages are canceled or sent again.
func askAboutSelected(p *call) error {
	p.Page = "messages"
	s := selection{Do: p.field("do"), Back: p.backTo()}
	if s.Do != "again" {
		s.Do = "cancel"
	}
	chosen, err := p.selected()
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return p.notDone(s.Back, "message.none_chosen")
	}
	found, err := p.mayBeDone(chosen, s.Do)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return p.notDone(s.Back, "message.none_"+s.Do)
	}
	s.Out = len(chosen) - len(found)
	for _, m := range found {
		s.Units += m.Units
	}
	a, err := p.c.Relay.Account(p.ctx, p.WS.ID)
	if err != nil {
		return err
	}
	s.Left = a.Available
	if s.Rows, err = p.rows(found); err != nil {
		return err
	}
	return p.showAs(http.StatusOK, "messages_ask", s)
}

// mayBeDone are the messages of a selection that can be canceled, or sent
// again; second parts that go with a chosen first one are taken along.
func (p *call) mayBeDone(ids []string, do string) (found []relay.Message, err error) {
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		found = nil
		for i := 0; i < len(ids); i++ {
			m, err := tx.Message(p.ctx, p.WS.ID, ids[i])
			if isNotFound(err) {
				continue
			}
			if err != nil {
				return err
			}
			if (messageRow{Message: m}).May() != do {
				continue
			}
			found = append(found, m)
			if len(m.Parts) == 2 && !slices.Contains(ids, m.Parts[1]) {
				ids = append(slices.Clone(ids), m.Parts[1])
			}
		}
		return nil
	})
	return found, err
}

// backTo is the page of messages or of the queue that a form leads back to.
func (p *call) backTo() string {
	to := p.field("to")
	for _, area := range []string{p.At("messages"), p.At("queue")} {
		if to == back(to) && (to == area || strings.HasPrefix(to, area+"/") || strings.HasPrefix(to, area+"?")) {
			return to
		}
	}
	return p.At("messages")
}

func cancelSelected(p *call) error {
	ids, err := p.selected()
	if err != nil {
		return err
	}
	sum, err := p.c.Relay.CancelMany(p.ctx, p.WS.ID, ids)
	if err != nil {
		return err
	}
	p.noteMany("message_canceled", sum.Messages, "")
	p.flashUnits(p.canceledText(sum))
	return p.goTo(p.backTo())
}

// noteMany writes into the audit log what was done with how many messages;
// nothing where it was none.
func (p *call) noteMany(action string, n int, channel string) {
	p.noted = true
	if n > 0 {
		p.note(action, strings.TrimSpace(strconv.Itoa(n)+" "+channel))
	}
}

// canceledText says what a cancellation came to.
func (p *call) canceledText(sum relay.Cancellation) string {
	var said []string
	if sum.Messages > 0 {
		said = append(said, p.N("message.canceled", sum.Messages), p.N("message.came_back", sum.Units))
	}
	if sum.Late > 0 {
		said = append(said, p.N("message.late", sum.Late))
	}
	if len(said) == 0 {
		return p.T("message.none_cancel")
	}
	return strings.Join(said, " ")
}

// flashUnits tells what moved units, with a link to the ledger.
func (p *call) flashUnits(text string) {
	p.c.sessions.Put(p.ctx, sessionFlash, text)
	p.c.sessions.Put(p.ctx, sessionFlashTo, p.At("quota"))
}

// sendSelectedAgain sends several again, the oldest first, until the quota is
// used up.
func sendSelectedAgain(p *call) error {
	to := p.backTo()
	chosen, err := p.selected()
	if err != nil {
		return err
	}
	found, err := p.mayBeDone(chosen, "again")
	if err != nil {
		return err
	}
	if len(found) == 0 { // a second click
		p.noted = true
		return p.done(to, "message.twice")
	}
	slices.SortFunc(found, func(a, b relay.Message) int { return strings.Compare(a.ID, b.ID) })
	var sent, refused int
	var units int64
	var why *Problem
	taken := map[string]bool{}
	for _, m := range found {
		if taken[m.PartOf] { // it went with its first part
			sent, units = sent+1, units+m.Units
			continue
		}
		_, err := p.c.Relay.Resend(p.ctx, p.WS.ID, m.ID)
		if problem, ok := p.refusal(err); err != nil && ok {
			why, refused = problem, refused+1
			continue
		}
		if err != nil {
			return err
		}
		taken[m.ID] = true
		sent, units = sent+1, units+m.Units
	}
	p.noteMany("message_resent", sent, "")
	said := []string{p.N("message.sent_again", sent), p.N("message.cost", units)}
	if refused > 0 {
		said = append(said, p.N("message.refused", refused), why.Message)
	}
	p.flashUnits(strings.Join(said, " "))
	return p.goTo(to)
}
