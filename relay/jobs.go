package relay

import (
	"context"
	"errors"
	"time"

	"relevo/quota"
)

// Job is a piece of upkeep that runs on a schedule. It is idempotent: running
// it twice, late, or never for a while changes nothing in the end.
type Job struct {
	Name string
	// Schedule is a cron expression in UTC.
	Schedule string
	Run      func(ctx context.Context) error
}

// Jobs are the relay's own.
func (r *Relay) Jobs() []Job {
	return []Job{
		{Name: "expire", Schedule: "@every 5s", Run: r.ExpireDue},
		{Name: "drain", Schedule: "@every 1m", Run: r.DrainDeleted},
		{Name: "opt-outs", Schedule: "@every 10s", Run: r.LeaveAlone},
		{Name: "reconcile", Schedule: "@every " + reconcileEvery.String(), Run: r.Reconcile},
		{Name: "refill", Schedule: "@every 5s", Run: r.RefillAll},
		{Name: "templates", Schedule: "7 * * * *", Run: r.SyncAllTemplates},
		{Name: "credentials", Schedule: "23 6 * * *", Run: r.CheckCredentials},
		{Name: "retention", Schedule: "17 * * * *", Run: r.Prune},
	}
}

// RefillAll posts the refills and expiries that are due by now, of every
// workspace with a plan.
func (r *Relay) RefillAll(ctx context.Context) error {
	for page := (Page{Limit: 200}); ; {
		list, next, err := r.Store.Workspaces(ctx, page)
		if err != nil {
			return err
		}
		for _, w := range list {
			if w.Plan == nil {
				continue
			}
			if err := r.refill(ctx, w.ID); err != nil {
				r.Log.Error("refill", "workspace", w.ID, "error", err)
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

func (r *Relay) refill(ctx context.Context, workspace string) error {
	for more := true; more; {
		err := r.update(ctx, workspace, func(tx Tx) error {
			more = false
			w, err := liveWorkspace(ctx, tx, workspace)
			if err != nil || w.Plan == nil {
				return err
			}
			now := time.Now()
			if next, err := w.Plan.Next(w.Plan.Since); err != nil || next.After(now) {
				return err
			}
			before, err := tx.Account(ctx, w.ID)
			if err != nil {
				return err
			}
			plan, again, err := quota.Refill(ctx, tx, w.ID, *w.Plan, now)
			if err != nil {
				return err
			}
			if err := fill(ctx, tx, &w, before); err != nil {
				return err
			}
			more, w.Plan = again, &plan
			return tx.PutWorkspace(ctx, w)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// KeepCounts is how long counters are kept: a year and a month: enough to compare a month with the same
// one of the year before.
const KeepCounts = 396 * 24 * time.Hour

// Prune forgets what has been kept long enough: messages, keys, counters, what
// is left of deleted workspaces, the audit log, files.
func (r *Relay) Prune(ctx context.Context) error {
	now := time.Now()
	return errors.Join(
		r.prune(ctx, r.Store.PruneMessages, now.Add(-r.Set.KeepMessages)),
		r.prune(ctx, r.Store.PruneInbounds, now.Add(-r.Set.KeepMessages)),
		r.prune(ctx, r.Store.PruneKeys, now.Add(-r.Set.KeepKeys)),
		r.prune(ctx, r.pruneEvents, now),
		r.pruneWaiting(ctx, now),
		r.prune(ctx, r.Store.PruneCounts, now.Add(-KeepCounts)),
		r.prune(ctx, r.Store.PruneDeleted, now.Add(-r.Set.KeepMessages)),
		r.prune(ctx, r.pruneNotes, now),
		r.PruneFiles(ctx),
	)
}

func (r *Relay) prune(ctx context.Context, some func(context.Context, time.Time, int) (int, error), before time.Time) error {
	for {
		n, err := some(ctx, before, batch)
		if err != nil || n == 0 {
			return err
		}
	}
}
