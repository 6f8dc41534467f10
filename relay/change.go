package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"relevo/queue"
	"relevo/quota"
)

// maxHistory bounds what a provider's repetitions may add to a message.
const maxHistory = 60

// change is the one function that changes a status. It follows the table of
// moves, pays what the move owes, writes the history, the counters and the
// events, and ends the second part with the first. A move that is not in the table goes
// into the history and changes nothing. It writes m.
//
// Whoever holds the message's lane has let go of it before: lanes come before
// accounts.
func change(ctx context.Context, tx Tx, m *Message, c Change) (applied bool, err error) {
	owed, ok := moves[m.Status][c.Status]
	if !ok {
		remember(m, c)
		return false, tx.PutMessage(ctx, *m)
	}
	second, err := endsWith(ctx, tx, m, c.Status)
	if err != nil {
		return false, err
	}
	if err := pay(ctx, tx, m, owed, c.At); err != nil {
		return false, err
	}
	if err := count(ctx, tx, m, c); err != nil {
		return false, err
	}
	settleStatus(m, c)
	if err := tx.PutMessage(ctx, *m); err != nil {
		return false, err
	}
	if err := emitChange(ctx, tx, m); err != nil {
		return false, err
	}
	if second == nil {
		return true, nil
	}
	_, err = change(ctx, tx, second, Change{At: c.At, Status: c.Status, Failure: c.Failure, Note: NoteFirstPart})
	return true, err
}

func settleStatus(m *Message, c Change) {
	c.Applied = true
	m.Status = c.Status
	m.Failure = c.Failure
	if c.Status == Unknown {
		m.UnknownAt = c.At
	}
	remember(m, c)
}

// remember appends to the history. What changes nothing is told once after
// each change; of a history that has grown long it is dropped, unless the
// message is being sent: then it counts once the outcome is in. Changes are
// always told, in place of the oldest after the first.
func remember(m *Message, c Change) {
	n := len(m.History)
	if !c.Applied {
		for i := n - 1; i >= 0 && !m.History[i].Applied; i-- {
			if m.History[i].Status == c.Status && m.History[i].Note == c.Note {
				return
			}
		}
		if n >= maxHistory && m.Status != Sending {
			return
		}
	}
	c.At = c.At.UTC()
	history := slices.Clone(m.History)
	if n >= maxHistory {
		history = slices.Delete(history, 1, 2)
	}
	m.History = append(history, c)
}

// endsWith finds the second part where it is still queued and must end with
// the first, and takes it off its lane.
func endsWith(ctx context.Context, tx Tx, m *Message, to Status) (*Message, error) {
	if len(m.Parts) < 2 || to != Failed && to != Canceled && to != Expired {
		return nil, nil
	}
	second, err := tx.Message(ctx, m.Workspace, m.Parts[1])
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil || second.Status != Queued {
		return nil, err
	}
	if err := leaveLane(ctx, tx, &second); err != nil {
		return nil, err
	}
	return &second, nil
}

// leaveLane takes a queued message's item off its lane, and drops the work of
// fetching its file.
func leaveLane(ctx context.Context, tx Tx, m *Message) error {
	if err := queue.Remove(ctx, tx, m.Lane, m.ID); err != nil {
		return fmt.Errorf("item of a queued message: %w", err)
	}
	f, err := tx.Fetch(ctx, m.Workspace, m.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.DeleteFetch(ctx, f)
}

// chargeRef names what a message was paid under: its id, and for the n-th
// payment (after a redebit) the id and n.
func chargeRef(m *Message) string { return ChargeRef(m.ID, m.Charge) }

// ChargeRef is the ledger's reference of the n-th payment of a message, n from
// 1. Stores split it again with MessageOfRef.
func ChargeRef(id string, n int) string {
	if n <= 1 {
		return id
	}
	return fmt.Sprintf("%s#%d", id, n)
}

// MessageOfRef is the message that a ledger's reference names; false where it
// names something else (a grant, a period).
func MessageOfRef(ref string) (id string, ok bool) {
	n := len(idPrefix) + 18
	if len(ref) < n || len(ref) > n && ref[n] != '#' || !ValidMessageID(ref[:n]) {
		return "", false
	}
	return ref[:n], true
}

func pay(ctx context.Context, tx Tx, m *Message, owed effect, now time.Time) error {
	switch owed {
	case spend:
		return quota.Spend(ctx, tx, m.Workspace, chargeRef(m), now)
	case refund:
		return quota.Refund(ctx, tx, m.Workspace, chargeRef(m), now)
	case redebit:
		m.Charge++
		return quota.Redebit(ctx, tx, m.Workspace, chargeRef(m), m.Units, now)
	}
	return nil
}

// count keeps the channel's counters: sent is what was handed over, failed the
// part of it that failed as far as we know, delivered the part that arrived.
func count(ctx context.Context, tx Tx, m *Message, c Change) error {
	n := Counts{Channel: m.Channel}
	if m.Status == Sending && c.Status != Queued {
		n.Sent = 1
		m.HandedAt = c.At
	}
	if m.HandedAt.IsZero() {
		return nil
	}
	n.Failed = failing(c.Status) - failing(m.Status)
	n.Delivered = arrived(c.Status) - arrived(m.Status)
	if n.Sent == 0 && n.Failed == 0 && n.Delivered == 0 {
		return nil
	}
	return tx.Count(ctx, m.Workspace, m.HandedAt, n)
}

func arrived(s Status) int64 {
	if s == Delivered || s == Read {
		return 1
	}
	return 0
}

func failing(s Status) int64 {
	if s == Failed || s == Unconfirmed {
		return 1
	}
	return 0
}
