package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// planRef is what references of a plan's entries begin with.
const planRef = "plan:"

func isRefill(ref string) bool { return strings.HasPrefix(ref, planRef) }

// kinds are those of entries, in the order in which they happen.
var kinds = []string{"grant", "debit", "spend", "refund", "redebit", "expire"}

// ledger is a part of the list of all moves of units.
type ledger struct {
	Lines []ledgerLine
	// Kind narrows it; Kinds may be chosen.
	Kind  string
	Kinds []string
	// More leads to what is older, CSV to all of it.
	More, CSV string
}

// ledgerLine is one move in words.
type ledgerLine struct {
	At time.Time
	// Kind, Tone and Text say what it was; To is to whom the message went.
	Kind, Tone, Text, To string
	// Change is what became of the available units: 0 where they were only
	// reserved before.
	Change, Units int64
	// Balance is what was available afterwards; unknown on a folded line.
	Balance   int64
	MessageID string
	Folded    int64
	Ref       string
}

// linesShown is about how many are on one page, and maxPagesRead how many pages
// of the store a filtered list looks through for them.
const (
	linesShown   = 50
	maxPagesRead = 40
)

func (p *call) ledger() (l ledger, err error) {
	l.Kinds = kinds
	if k := p.query("kind"); slices.Contains(kinds, k) {
		l.Kind = k
	}
	page := relay.Page{Cursor: p.query("cursor"), Limit: linesShown}
	var found []relay.LedgerLine
	for range maxPagesRead {
		lines, next, err := p.c.Relay.Store.Entries(p.ctx, p.WS.ID, page)
		if err != nil {
			return l, err
		}
		for _, e := range lines {
			if l.Kind == "" || string(e.Kind) == l.Kind {
				found = append(found, e)
			}
		}
		if page.Cursor = next; next == "" || len(found) >= linesShown/2 {
			break
		}
	}
	l.CSV = "/w/" + p.WS.ID + "/quota.csv?" + query("kind", l.Kind)
	if page.Cursor != "" {
		l.More = p.At("quota") + "?" + query("kind", l.Kind, "cursor", page.Cursor)
	}
	l.Lines, err = p.inWords(found)
	return l, err
}

// inWords says what entries were, with the messages that they were for.
func (p *call) inWords(lines []relay.LedgerLine) (list []ledgerLine, err error) {
	messages := map[string]relay.Message{}
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		for _, l := range lines {
			if _, known := messages[l.MessageID]; known || l.MessageID == "" {
				continue
			}
			m, err := tx.Message(p.ctx, p.WS.ID, l.MessageID)
			if err != nil && !errors.Is(err, relay.ErrNotFound) {
				return err
			}
			messages[l.MessageID] = m
		}
		return nil
	})
	for _, l := range lines {
		list = append(list, p.line(l, messages[l.MessageID]))
	}
	return list, err
}

// failureAt is why a message's units came back at that time: a report may have
// said since then that it arrived. Nil where nobody knew.
func failureAt(m relay.Message, at time.Time) *relay.Failure {
	failure := m.Failure
	for _, c := range m.History {
		if !c.Applied || c.At.After(at.Add(time.Second)) { // the entry and the change are of one moment
			continue
		}
		if c.Failure != nil {
			failure = c.Failure
		} else if c.Status == relay.Unconfirmed {
			failure = nil
		}
	}
	return failure
}

// line says one entry in words.
func (p *call) line(l relay.LedgerLine, m relay.Message) ledgerLine {
	v := ledgerLine{At: l.At, Kind: string(l.Kind), Units: l.Units, MessageID: l.MessageID, Folded: l.Folded, To: m.Recipient, Ref: l.Ref}
	switch l.Kind {
	case quota.KindGrant, quota.KindRefund:
		v.Change, v.Tone = l.Units, "good"
	case quota.KindDebit, quota.KindRedebit, quota.KindExpire:
		v.Change, v.Tone = -l.Units, "off"
	default:
		v.Tone = "off"
	}
	if l.Folded > 0 {
		v.Text = p.N("quota.folded", l.Folded, "Day", p.Day(l.At))
		return v
	}
	v.Balance = l.AvailableAfter
	v.Text = p.reason(l, m)
	return v
}

// reason says why units moved.
func (p *call) reason(l relay.LedgerLine, m relay.Message) string {
	switch l.Kind {
	case quota.KindGrant:
		if isRefill(l.Ref) {
			return p.T("quota.line.refill")
		}
		return p.T("quota.line.grant", "Reference", l.Ref)
	case quota.KindExpire:
		return p.T("quota.line.expire")
	case quota.KindDebit:
		return p.T("quota.line.debit")
	case quota.KindSpend:
		return p.T("quota.line.spend")
	case quota.KindRedebit:
		if l.Shortfall > 0 {
			return p.N("quota.short", l.Shortfall)
		}
		return p.T("quota.line.redebit")
	}
	if failure := failureAt(m, l.At); failure != nil {
		return p.T("error." + string(failure.Code))
	}
	return p.T("quota.line.refund_unsure")
}

// ledgerColumns are the same in every language: programs read them.
var ledgerColumns = []string{"at", "kind", "units", "available_change", "available_after", "reference", "message_id", "to", "reason"}

func downloadLedger(p *call) error {
	kind := p.query("kind")
	return p.download("ledger", ledgerColumns, func(s sheet, page relay.Page) (int, string, error) {
		entries, next, err := p.c.Relay.Store.Entries(p.ctx, p.WS.ID, page)
		if err != nil {
			return 0, "", err
		}
		read := len(entries)
		entries = slices.DeleteFunc(entries, func(e relay.LedgerLine) bool { return slices.Contains(kinds, kind) && string(e.Kind) != kind })
		lines, err := p.inWords(entries)
		for _, l := range lines {
			after := ""
			if l.Folded == 0 {
				after = strconv.FormatInt(l.Balance, 10)
			}
			s.row(l.At.UTC().Format(time.RFC3339Nano), l.Kind, strconv.FormatInt(l.Units, 10), strconv.FormatInt(l.Change, 10), after, l.Ref, l.MessageID, l.To, l.Text)
		}
		return read, next, err
	})
}
