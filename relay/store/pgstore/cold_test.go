package pgstore_test

import (
	"context"
	"testing"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// expiring puts a message on a lane whose time is over before it leaves.
func expiring(t *testing.T, s relay.Store, lane string, n byte) {
	t.Helper()
	ctx, now := context.WithoutCancel(t.Context()), time.Now()
	m := relay.Message{ID: relay.FormatMessageID([9]byte{8: n}), Workspace: relay.WorkspaceOfLane(lane), Lane: lane, Channel: "ch_1",
		Recipient: "+1", Status: relay.Queued, Units: 1, Charge: 1, Text: "x", CreatedAt: now, ExpiresAt: now}
	err := s.Update(ctx, func(tx relay.Tx) error {
		if _, err := queue.Push(ctx, tx, queue.Item{ID: m.ID, Lane: lane, Recipient: m.Recipient, Expires: m.ExpiresAt}); err != nil {
			return err
		}
		if err := quota.Debit(ctx, tx, m.Workspace, m.ID, 1, now); err != nil {
			return err
		}
		return tx.PutMessage(ctx, m)
	})
	if err != nil {
		t.Error(err)
	}
}

// counted is a store that counts how often a claim's transaction runs.
type counted struct {
	relay.Store
	runs int
}

// Claim counts each run.
func (s *counted) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	return s.Store.Claim(ctx, node, n, now, take, func() { s.runs++; reset() })
}

// TestANodeThatKnowsNothingClaimsFromManyLanesAtOnce lets messages of many
// workspaces expire while no node runs.
func TestANodeThatKnowsNothingClaimsFromManyLanesAtOnce(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	s := d.open()
	const lanes = 100
	for n := range lanes {
		expiring(t, s, newLane(t, s), byte(n))
	}
	cold := &counted{Store: d.open()}
	if _, err := relayOver(t, cold).Claim(t.Context(), lanes); err != nil || cold.runs > 10 {
		t.Errorf("the first claim of %d lanes took %d runs (%v), want about as many as for one", lanes, cold.runs, err)
	}
	refs, err := cold.Expired(t.Context(), time.Now(), lanes)
	if err != nil || len(refs) > 0 {
		t.Errorf("after it, %d messages still wait on their lanes (%v)", len(refs), err)
	}
}

// TestANodeThatKnowsNothingDeletesALargeWorkspace changes many rows in one
// transaction, each of which leads to the next.
func TestANodeThatKnowsNothingDeletesALargeWorkspace(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	w, _ := workspaceOf(t, relayOver(t, d.open()), 120)
	cold := relayOver(t, d.open())
	if err := cold.DeleteWorkspace(t.Context(), w.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
}
