package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"relevo/quota"
	"relevo/relay"
)

func transactions() []ruleCase {
	return []ruleCase{
		{"AnErrorIsReturnedAsItIsAndLeavesNothing", anErrorLeavesNothing},
		{"ATransactionSeesItsOwnWrites", ownWrites},
		{"APanicFailsAloneAndIsRaisedInItsCaller", aPanic},
		{"AContextThatEndedBeforeWithdrawsTheTransaction", withdrawn},
		{"AWriteInAViewIsRefused", writeInView},
		{"ManyConcurrentTransactionsEachHappenOnce", manyConcurrent},
		{"AFailedFunctionOfAGroupLeavesNothingToTheOthers", failuresAmongOthers},
		{"AfterCloseEverythingIsRefused", afterClose},
	}
}

var errMine = errors.New("mine")

func anErrorLeavesNothing(t *testing.T, b *bench) {
	w := sampleWorkspace()
	err := b.store.Update(t.Context(), func(tx relay.Tx) error {
		if err := fillRows(t.Context(), tx, w); err != nil {
			return err
		}
		return errMine
	})
	if err != errMine {
		t.Errorf("got error %v, want the function's own", err)
	}
	b.view(func(t *report, tx relay.Tx) error {
		_, err := tx.Workspace(t.Context(), w.ID)
		if !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("a workspace of a failed transaction was found: %v", err)
		}
		a, err := tx.Account(t.Context(), w.ID)
		equal(t, "account", a, quota.Account{ID: w.ID})
		return err
	})
	if list, _, err := b.store.Workspaces(t.Context(), relay.Page{Limit: 10}); err != nil || len(list) > 0 {
		t.Errorf("%d workspaces are listed (%v), want none", len(list), err)
	}
}

func ownWrites(t *testing.T, b *bench) {
	w := sampleWorkspace()
	b.update(func(t *report, tx relay.Tx) error {
		if err := fillRows(t.Context(), tx, w); err != nil {
			return err
		}
		return checkRows(t, tx, w)
	})
	b.update(func(t *report, tx relay.Tx) error { return checkRows(t, tx, w) })
}

func aPanic(t *testing.T, b *bench) {
	w := sampleWorkspace()
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("recovered %v, want the function's own panic", p)
			}
		}()
		_ = b.store.Update(t.Context(), func(tx relay.Tx) error {
			_ = tx.PutWorkspace(t.Context(), w)
			panic("boom")
		})
	}()
	b.update(func(t *report, tx relay.Tx) error {
		if _, err := tx.Workspace(t.Context(), w.ID); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("a workspace of a panicked transaction was found: %v", err)
		}
		return nil
	})
}

func withdrawn(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	err := b.store.Update(ctx, func(relay.Tx) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("got error %v, ran %v; want context.Canceled and not run", err, ran)
	}
	err = b.store.View(ctx, func(relay.Tx) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("view: got error %v, ran %v; want context.Canceled and not run", err, ran)
	}
}

func writeInView(t *testing.T, b *bench) {
	err := b.store.View(t.Context(), func(tx relay.Tx) error { return tx.PutWorkspace(t.Context(), sampleWorkspace()) })
	if err == nil {
		t.Error("a write in a View was taken")
	}
	err = b.store.View(t.Context(), func(tx relay.Tx) error { return tx.PutLane(t.Context(), sampleLane(relay.NewID("ch_"))) })
	if err == nil {
		t.Error("a lane written in a View was taken")
	}
}

func manyConcurrent(t *testing.T, b *bench) {
	const callers, each = 16, 20
	w := sampleWorkspace()
	gun := make(chan struct{})
	var g sync.WaitGroup
	for c := range callers {
		g.Go(func() {
			<-gun
			for i := range each {
				err := b.store.Update(t.Context(), func(tx relay.Tx) error {
					return quota.Grant(t.Context(), tx, w.ID, fmt.Sprintf("%d-%d", c, i), 1, w.CreatedAt)
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	close(gun)
	g.Wait()
	b.view(func(t *report, tx relay.Tx) error {
		a, err := tx.Account(t.Context(), w.ID)
		if a.Granted != callers*each || a.Available != callers*each {
			t.Errorf("granted %d, want %d: a transaction did not see the ones before it", a.Granted, callers*each)
		}
		return err
	})
}

func failuresAmongOthers(t *testing.T, b *bench) {
	w := sampleWorkspace()
	gun := make(chan struct{})
	var g sync.WaitGroup
	for i := range 60 {
		g.Go(func() {
			<-gun
			defer func() {
				if p := recover(); (p != nil) != (i%3 == 2) {
					t.Errorf("caller %d recovered %v", i, p)
				}
			}()
			err := b.store.Update(t.Context(), func(tx relay.Tx) error {
				if err := quota.Grant(t.Context(), tx, w.ID, fmt.Sprint(i), 1, w.CreatedAt); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return errMine
				case 2:
					panic("boom")
				}
				return nil
			})
			if (err == errMine) != (i%3 == 1) {
				t.Errorf("caller %d got %v", i, err)
			}
		})
	}
	close(gun)
	g.Wait()
	b.view(func(t *report, tx relay.Tx) error {
		a, err := tx.Account(t.Context(), w.ID)
		if a.Granted != 20 {
			t.Errorf("granted %d, want 20: those of the functions that succeeded", a.Granted)
		}
		return err
	})
}

func afterClose(t *testing.T, b *bench) {
	b.close()
	nothing := func(relay.Tx) error { return nil }
	if err := b.store.Update(t.Context(), nothing); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("Update after Close: %v, want ErrClosed", err)
	}
	if err := b.store.View(t.Context(), nothing); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("View after Close: %v, want ErrClosed", err)
	}
	b.store = watch(t, b.open(t, b.dir))
}
