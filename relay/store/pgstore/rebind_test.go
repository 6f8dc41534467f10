package pgstore_test

import (
	"strings"
	"testing"
	"time"

	"relevo/relay/store/storetest"
)

func TestRekey(t *testing.T) {
	t.Parallel()
	storetest.Rekey(t, opener(t))
}

// TestTheSecretIsNotReboundWhileANodeLives holds a node's name.
func TestTheSecretIsNotReboundWhileANodeLives(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	node, s := d.open(), d.open()
	ctx := t.Context()
	if err := node.BindSecret(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if mine, err := node.TakeJob(ctx, "node:berlin", "1", time.Time{}, time.Hour); err != nil || !mine {
		t.Fatal(mine, err)
	}
	for _, to := range []string{"a", "b"} {
		if err := s.RebindSecret(ctx, "a", to); err == nil || !strings.Contains(err.Error(), `node "berlin" of this database is alive`) {
			t.Errorf("from a to %s: %v", to, err)
		}
	}
	if err := node.BindSecret(ctx, "a"); err != nil {
		t.Errorf("a refusal changed the check value: %v", err)
	}
	if err := node.ReleaseJob(ctx, "node:berlin", "1"); err != nil {
		t.Fatal(err)
	}
	if mine, err := node.TakeJob(ctx, "expire", "1", time.Time{}, time.Hour); err != nil || !mine { // no node's name
		t.Fatal(mine, err)
	}
	for range 2 { // the second one as where the first one's answer was lost
		if err := s.RebindSecret(ctx, "a", "b"); err != nil {
			t.Error(err)
		}
	}
	if err := node.BindSecret(ctx, "b"); err != nil {
		t.Error(err)
	}
}
