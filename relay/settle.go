package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"relevo/queue"
	"relevo/quota"
)

// settle writes what came of a try: T3. One transaction says everything: the
// lane freed, the status moved, the units settled. A stale holder decides
// nothing about the lane; the outcome that it saw is recorded all the same.
//
// An outcome in hand is written even while stopping. It is tried again for as
// long as the store is short of room or cannot be reached, and through any other fault until the
// lease ends.
func (r *Relay) settle(ctx context.Context, l queue.Lease, o outcome) {
	ctx = context.WithoutCancel(ctx)
	if o.end.IsZero() {
		o.end = time.Now()
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.update(ctx, WorkspaceOfLane(l.Lane), func(tx Tx) error { return r.settleTx(ctx, tx, l, o) })
		if err == nil {
			return
		}
		r.Log.Error("settle", "message", l.Item, "verdict", o.word(), "error", err)
		if errors.Is(err, ErrInDoubt) || errors.Is(err, ErrClosed) || errors.Is(err, ErrNotFound) || errors.Is(err, quota.ErrUnbalanced) {
			return // whoever finds the ended lease takes the outcome for unknown
		}
		if !errors.Is(err, ErrDiskFull) && !errors.Is(err, ErrUnavailable) && time.Now().After(l.Until) {
			r.Log.Error("ALARM: the outcome of a call cannot be written; it becomes unknown", "message", l.Item, "verdict", o.word())
			return
		}
		time.Sleep(wait)
	}
}

func (r *Relay) settleTx(ctx context.Context, tx Tx, l queue.Lease, o outcome) error {
	m, err := tx.Message(ctx, WorkspaceOfLane(l.Lane), l.Item)
	if err != nil {
		return err
	}
	ch, err := tx.Channel(ctx, m.Workspace, m.Channel)
	if err != nil {
		return err
	}
	if o.verdict == Unsure && !o.sent && ch.AtLeastOnce && evidence(&m) == nil {
		o.verdict, o.note = Deferred, join(o.note, "sent again, as this channel's owner chose")
		m.Doubted = true
	}
	if o.verdict == ChannelFault && !o.sent { // all of the channel's lanes stop
		if err := holdLanes(ctx, tx, lanesOf(ch)); err != nil {
			return err
		}
	}
	c := o.change(l.Try)
	switch c.Status {
	case Queued:
		err = r.putBack(ctx, tx, l, &m, ch, o)
	default:
		err = queue.Finish(ctx, tx, l, o.end)
	}
	if err != nil && !errors.Is(err, queue.ErrLeaseLost) && !errors.Is(err, queue.ErrNoItem) {
		return err
	}
	if stale := err != nil; stale {
		c.Note = join(c.Note, "reported by a holder whose lease had ended")
		if c.Status == Queued || c.Status == Unknown {
			c.Applied = false
			remember(&m, c)
			return tx.PutMessage(ctx, m)
		}
	}
	if o.providerID != "" {
		m.ProviderID = o.providerID
	}
	if _, err := change(ctx, tx, &m, c); err != nil {
		return err
	}
	switch doubt := m.Doubted && evidence(&m) != nil; {
	case m.Status != Queued || doubt:
	case o.unwanted:
		return endQueued(ctx, tx, &m, optedOutChange(o.end))
	case !ch.DeletedAt.IsZero():
		return endQueued(ctx, tx, &m, canceledChange(o.end))
	}
	return applyReports(ctx, tx, &m, o.end)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// change is the line of history that an outcome becomes.
func (o outcome) change(try int) Change {
	c := Change{At: o.end, Try: try, Note: o.note}
	switch {
	case o.sent:
		c.Status = Sent
	case o.verdict == Refused:
		c.Status, c.Failure, c.Note = Failed, o.failure(), ""
	case o.verdict == Unsure:
		c.Status = Unknown
	default:
		c.Status = Queued
	}
	return c
}

// putBack returns a message that did not go out: behind its retry delay, or
// to the head of a lane that is on hold from now on.
func (r *Relay) putBack(ctx context.Context, tx Tx, l queue.Lease, m *Message, ch Channel, o outcome) error {
	if o.verdict == ChannelFault {
		if err := queue.Retry(ctx, tx, l, time.Time{}, o.end); err != nil {
			return err
		}
		return holdChannel(ctx, tx, ch, o.note)
	}
	after := o.after
	if after <= 0 {
		after = queue.Backoff(l.Try)
	}
	due := o.end.Add(after).UTC()
	if err := queue.Retry(ctx, tx, l, due, o.end); err != nil {
		return err
	}
	chat, err := tx.Chat(ctx, m.Workspace, m.Channel, m.Recipient)
	if errors.Is(err, ErrNotFound) || err == nil && !due.After(chat.WaitsUntil) {
		return nil
	}
	if err != nil {
		return err
	}
	chat.WaitsUntil = due
	return tx.PutChat(ctx, chat)
}

// applyReports applies what the provider reported while the call was still
// out: it went into the history then, and counts now that the outcome is in.
func applyReports(ctx context.Context, tx Tx, m *Message, now time.Time) error {
	if m.Status == Queued {
		if c := evidence(m); m.Doubted && c != nil {
			return wentOut(ctx, tx, m, Change{At: now, Status: c.Status, Note: reportedAt(c)})
		}
		return nil // it did not go out, whatever was said, and is on its lane
	}
	for _, c := range early(m) {
		if _, ok := moves[m.Status][c.Status]; !ok {
			continue
		}
		if _, err := change(ctx, tx, m, Change{At: now, Status: c.Status, Failure: c.Failure, Note: reportedAt(&c)}); err != nil {
			return err
		}
	}
	return nil
}

func reportedAt(c *Change) string { return "reported at " + c.At.Format(time.RFC3339) }

// early are the reports that came during the latest call, oldest first. The
// line that its outcome wrote, if it has, is the last one of the history.
func early(m *Message) (reports []Change) {
	for i := len(m.History) - 1; i >= 0; i-- {
		c := m.History[i]
		if c.Applied && i < len(m.History)-1 {
			break
		}
		if c.Note == NoteReport {
			reports = append(reports, c)
		}
	}
	slices.Reverse(reports)
	return reports
}

// evidence is an early report that the message has gone out; nil without one.
func evidence(m *Message) *Change {
	for _, c := range early(m) {
		if positive(c.Status) {
			return &c
		}
	}
	return nil
}

// positive reports whether a status says that a message has gone out.
func positive(s Status) bool { return s == Sent || s == Delivered || s == Read }

// wentOut ends a doubted message that turns out to have gone out with an
// earlier try: it must not leave again. It takes the table's own way there.
func wentOut(ctx context.Context, tx Tx, m *Message, c Change) error {
	if err := leaveLane(ctx, tx, m); err != nil {
		return err
	}
	for _, s := range []Status{Sending, Sent, c.Status} {
		if s == m.Status {
			continue
		}
		step := c
		step.Status = s
		if _, err := change(ctx, tx, m, step); err != nil {
			return err
		}
	}
	return nil
}
