package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/store/pgstore"
)

// deadlocks counts those that PostgreSQL broke up in a database.
func (d *served) deadlocks(s *pgstore.Store) (n int) {
	d.Helper()
	err := s.Pool().QueryRow(context.WithoutCancel(d.Context()), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// raiseCard adds one to a counter, which is made by the first.
func raiseCard(ctx context.Context, tx relay.Tx, key string) error {
	r, err := tx.Card(ctx, "counter", "", key)
	n := 0
	if err == nil {
		err = json.Unmarshal(r.Value, &n)
	}
	if err != nil && !errors.Is(err, relay.ErrNotFound) {
		return err
	}
	return tx.PutCard(ctx, relay.Card{Kind: "counter", Key: key, Value: json.RawMessage(fmt.Sprint(n + 1))})
}

// countersOf are all counters by key.
func countersOf(t *testing.T, s relay.Store) map[string]int {
	t.Helper()
	list, _, err := s.Cards(t.Context(), relay.CardFilter{Kind: "counter"}, relay.Page{Limit: 100})
	out := map[string]int{}
	for _, r := range list {
		var n int
		err = errors.Join(err, json.Unmarshal(r.Value, &n))
		out[r.Key] = n
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNodesRaiseCountersAndNeverLockEachOtherOut lets callers on three nodes
// hold one card and write another blindly, in opposite orders.
func TestNodesRaiseCountersAndNeverLockEachOtherOut(t *testing.T) {
	t.Parallel()
	const callers, each, keys = 12, 40, 4
	d := newServed(t)
	nodes := []relay.Store{d.open(), d.open(), d.open()}
	last := d.open()
	ctx := t.Context()
	err := last.Update(ctx, func(tx relay.Tx) error { // those that are there can be held
		for k := range keys {
			for _, kind := range []string{"counter", "blind"} {
				if err := tx.PutCard(ctx, relay.Card{Kind: kind, Key: fmt.Sprint(k), Value: json.RawMessage("0")}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				err := nodes[c%len(nodes)].Update(ctx, func(tx relay.Tx) error {
					hold, put := fmt.Sprint((c+i)%keys), fmt.Sprint((c+i+1+i%2)%keys)
					if _, err := tx.Card(ctx, "blind", "", hold); err != nil {
						return err
					}
					return errors.Join(tx.PutCard(ctx, relay.Card{Kind: "blind", Key: put, Due: time.Now(), Value: json.RawMessage("1")}),
						raiseCard(ctx, tx, hold), raiseCard(ctx, tx, "new"))
				})
				if err != nil {
					t.Errorf("caller %d: %v", c, err)
				}
			}
		})
	}
	all.Wait()
	counts := countersOf(t, last)
	if counts["new"] != callers*each {
		t.Errorf("the counter that nobody had made counts %d, want %d", counts["new"], callers*each)
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if sum != 2*callers*each {
		t.Errorf("%d were counted, want %d", sum, 2*callers*each)
	}
	for _, s := range nodes {
		if err := s.Close(); err != nil { // its connections tell what they met
			t.Error(err)
		}
	}
	if n := d.deadlocks(last); n > 0 {
		t.Errorf("PostgreSQL broke up %d deadlocks", n)
	}
}

// TestABlindPutWaitsForWhoHoldsTheCard holds a card from outside and sees that
// the put comes after it.
func TestABlindPutWaitsForWhoHoldsTheCard(t *testing.T) {
	t.Parallel()
	d, ctx := newServed(t), t.Context()
	s := d.open()
	put := func(value string) error {
		return s.Update(ctx, func(tx relay.Tx) error {
			return tx.PutCard(ctx, relay.Card{Kind: "note", Key: "k", Value: json.RawMessage(value)})
		})
	}
	if err := put("1"); err != nil {
		t.Fatal(err)
	}
	holder, err := s.Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(ctx, `UPDATE card SET record = '2'`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- put("3") }()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-done:
			t.Fatalf("the put did not wait (%v)", err)
		default:
		}
		if err := s.Pool().QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(holder.Commit(ctx), <-done); err != nil {
		t.Fatal(err)
	}
	err = s.View(ctx, func(tx relay.Tx) error {
		r, err := tx.Card(ctx, "note", "", "k")
		if string(r.Value) != "3" {
			t.Errorf("the card says %s, want what was put last", r.Value)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
