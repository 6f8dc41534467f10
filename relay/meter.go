package relay

import (
	"context"
	"time"

	"relevo/quota"
)

// Meter is how far a workspace's quota was told to be used up.
type Meter struct {
	// Full is what was available right after the last grant or refill.
	Full int64 `json:"full"`
	// Told is the highest mark that was told since then, in percent used: 80,
	// 95, or 100 for nothing left. A grant sets it back to 0, so each mark is
	// told once between two grants. 100 is told again also once so much came
	// back that less than 95 percent are used.
	Told int `json:"told,omitzero"`
}

// Marks of a meter, in percent used.
const (
	markLow   = 80
	markLower = 95
	markEmpty = 100
)

// Mark is the highest mark that a balance has reached; 0 for none. Full is 0 in
// a workspace from before there were meters, until its next grant.
func (m Meter) Mark(available int64) int {
	switch used := m.Full - available; {
	case available <= 0:
		return markEmpty
	case m.Full <= 0:
		return 0
	case used*100 >= m.Full*markLower:
		return markLower
	case used*100 >= m.Full*markLow:
		return markLow
	}
	return 0
}

// fill sets the meter where more is available than before. It does not write
// the workspace.
func fill(ctx context.Context, tx Tx, w *Workspace, before quota.Account) error {
	a, err := tx.Account(ctx, w.ID)
	if err == nil && (a.Available > before.Available || a.Period != before.Period) {
		w.Meter = Meter{Full: a.Available}
	}
	return err
}

// tellMeterOf is tellMeter, where anybody wants to hear of it.
func tellMeterOf(ctx context.Context, tx Tx, w Workspace, debited int64, now time.Time) error {
	if !w.hears(EventLow, EventExhausted) {
		return nil
	}
	return tellMeter(ctx, tx, w.ID, debited, now)
}

// tellMeter tells of a mark that a debit reached, or of a refusal for want of
// units. debited is what was taken just now; 0 with a refusal.
func tellMeter(ctx context.Context, tx Tx, workspace string, debited int64, now time.Time) error {
	w, err := tx.Workspace(ctx, workspace) // a new chat may have written it
	if err != nil {
		return err
	}
	a, err := tx.Account(ctx, workspace)
	if err != nil {
		return err
	}
	was := w.Meter
	if w.Meter.Told == markEmpty && w.Meter.Mark(a.Available+debited) < markLower {
		w.Meter.Told = markLower
	}
	mark := w.Meter.Mark(a.Available)
	if debited == 0 {
		mark = markEmpty // a call needed more than there is
	}
	told := mark > w.Meter.Told
	if told {
		w.Meter.Told = mark
	}
	if w.Meter == was {
		return nil
	}
	if err := tx.PutWorkspace(ctx, w); err != nil || !told {
		return err
	}
	what := EventLow
	if mark == markEmpty {
		what = EventExhausted
	}
	body := quotaBodyOf(a, w.Meter)
	return emit(ctx, tx, w, news{what: what, at: now, data: func() any { return body }})
}
