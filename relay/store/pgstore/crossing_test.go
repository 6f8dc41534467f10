package pgstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"relevo/relay"
)

// meet lets the first runs of two functions wait for each other.
type meet struct {
	once [2]sync.Once
	both sync.WaitGroup
}

func newMeet() *meet {
	m := &meet{}
	m.both.Add(2)
	return m
}

func (m *meet) wait(n int) { m.once[n].Do(func() { m.both.Done(); m.both.Wait() }) }

func noted(key string) relay.Card {
	return relay.Card{Kind: "note", Key: key, Due: time.Now(), Value: json.RawMessage(`1`)}
}

// TestWhoHoldsACardAndPutsAnotherBlindlyLocksNobodyOut has two nodes that each
// hold one card and, by what they read in it, put the other one's.
func TestWhoHoldsACardAndPutsAnotherBlindlyLocksNobodyOut(t *testing.T) {
	t.Parallel()
	d, ctx := newServed(t), t.Context()
	last := d.open()
	keys := []string{"a", "b"}
	err := last.Update(ctx, func(tx relay.Tx) error {
		return errors.Join(tx.PutCard(ctx, noted(keys[0])), tx.PutCard(ctx, noted(keys[1])))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		var all sync.WaitGroup
		m := newMeet()
		for n, hold := range keys {
			s := d.open() // it has seen neither of them
			put := keys[1-n]
			all.Go(func() {
				err := s.Update(ctx, func(tx relay.Tx) error {
					if _, err := tx.Card(ctx, "note", "", hold); err != nil {
						return err
					}
					m.wait(n)
					return tx.PutCard(ctx, noted(put))
				})
				if err := errors.Join(err, s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if n := d.deadlocks(last); n > 0 {
		t.Errorf("PostgreSQL broke up %d deadlocks", n)
	}
}

// TestWhoPutsManyNewCardsLocksNobodyOut has two nodes that each look for new
// cards which the other one puts blindly.
func TestWhoPutsManyNewCardsLocksNobodyOut(t *testing.T) {
	t.Parallel()
	const rounds, many = 10, 200
	d, ctx := newServed(t), t.Context()
	nodes := []relay.Store{d.open(), d.open()}
	last := d.open()
	for i := range rounds {
		var all sync.WaitGroup
		m := newMeet()
		for n, s := range nodes {
			first := true
			all.Go(func() {
				err := s.Update(ctx, func(tx relay.Tx) error {
					for k := range many {
						look := fmt.Sprint(i, "/", n, "/", k)
						if _, err := tx.Card(ctx, "note", "", look); err != nil && !errors.Is(err, relay.ErrNotFound) {
							return err
						}
						if err := errors.Join(tx.PutCard(ctx, noted(look)), tx.PutCard(ctx, noted(fmt.Sprint(i, "/", 1-n, "/", k)))); err != nil {
							return err
						}
					}
					if !first { // the first run only finds out what is asked for
						m.wait(n)
					}
					first = false
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for _, s := range nodes {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := d.deadlocks(last); n > 0 {
		t.Errorf("PostgreSQL broke up %d deadlocks", n)
	}
}
