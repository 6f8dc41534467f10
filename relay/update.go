package relay

import (
	"context"
	"errors"

	"relevo/quota"
)

// update runs fn in a transaction of one workspace. Where the books of its
// account turn out not to balance, nothing is written, the account is frozen
// and the alarm raised.
func (r *Relay) update(ctx context.Context, workspace string, fn func(Tx) error) error {
	err := r.transact(ctx, fn)
	if errors.Is(err, quota.ErrUnbalanced) {
		r.freeze(ctx, workspace, err)
	}
	return err
}

// transact runs fn in a transaction and, after the commit, tells Watch which
// units moved, and who delivers events that there are some.
func (r *Relay) transact(ctx context.Context, fn func(Tx) error) error {
	t := tally{ids: &r.events}
	err := r.Store.Update(ctx, func(tx Tx) error {
		t.begin(tx)
		return fn(&t)
	})
	if err == nil {
		r.tell(&t)
	}
	return err
}

func (r *Relay) tell(t *tally) {
	if t.rung {
		r.wakeEvents()
	}
	if r.Watch.Moved == nil {
		return
	}
	for _, e := range t.moved {
		r.Watch.Moved(string(e.Kind), e.Units)
	}
}

// tally is a Tx that notes the entries posted through it, and whether a bell
// was rung. It has the ids of events.
type tally struct {
	Tx
	ids   *IDs
	moved []quota.Entry
	rung  bool
}

// begin forgets what an earlier run came to.
func (t *tally) begin(tx Tx) { t.Tx, t.moved, t.rung = tx, t.moved[:0], false }

// PostEntry notes the entry.
func (t *tally) PostEntry(ctx context.Context, e quota.Entry) error {
	t.moved = append(t.moved, e)
	return t.Tx.PostEntry(ctx, e)
}

// PutCard notes a bell.
func (t *tally) PutCard(ctx context.Context, c Card) error {
	t.rung = t.rung || c.Kind == kindBell
	return t.Tx.PutCard(ctx, c)
}

func (r *Relay) freeze(ctx context.Context, workspace string, cause error) {
	r.Log.Error("ALARM: the books of a workspace do not balance; it accepts nothing until an operator has looked",
		"workspace", workspace, "error", cause)
	if r.Watch.Unbalanced != nil {
		r.Watch.Unbalanced()
	}
	err := r.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		a, err := tx.Account(ctx, workspace)
		if err != nil || a.Frozen {
			return err
		}
		a.Frozen = true
		return tx.PutAccount(ctx, a)
	})
	if err != nil {
		r.Log.Error("freeze workspace", "workspace", workspace, "error", err)
	}
}
