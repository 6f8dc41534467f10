package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func ledger() []ruleCase {
	return []ruleCase{
		{"AGrantOfTheSameReferenceHappensOnce", ledgerCase(grantOnce)},
		{"ADebitTakesAllOrNothing", ledgerCase(allOrNothing)},
		{"SpendRefundAndRedebitHappenOnceEach", ledgerCase(onceEach)},
		{"ARedebitTakesWhatThereIsAndNotesTheShortfall", ledgerCase(shortfall)},
		{"AFrozenAccountTakesNoDebit", ledgerCase(frozen)},
		{"WithoutADebitThereIsNothingToSpendOrGiveBack", ledgerCase(noCharge)},
		{"BooksThatDoNotBalanceAreNotBuiltOn", unbalanced},
		{"APlanRefillsOncePerPeriod", ledgerCase(refillOnce)},
		{"MissedPeriodsAreMadeUpForOneByOne", ledgerCase(missedPeriods)},
		{"APlanThatRollsOverKeepsTheRest", ledgerCase(rollOver)},
		{"UnitsOfAnEndedPeriodComeBackToStay", ledgerCase(refundAcross)},
		{"UnitsOfThisPeriodComeBackToExpireWithIt", ledgerCase(refundWithin)},
		{"ManyPeriodsAreCaughtUpInSteps", ledgerCase(manyPeriods)},
		{"RacingForTheLastUnitOneWins", lastUnit},
	}
}

// books are the ledger's rules over one account.
type books struct {
	*bench
	ws string
}

func ledgerCase(fn func(t *testing.T, k books)) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		k := books{b, relay.NewID("ws_")}
		k.do(func(tx relay.Tx) error { return quota.Grant(t.Context(), tx, k.ws, "g", 10, time.Now()) })
		fn(t, k)
	}
}

func (k books) do(fn func(relay.Tx) error) {
	k.t.Helper()
	k.update(func(_ *report, tx relay.Tx) error { return fn(tx) })
}

func (k books) grant(ref string, n int64) error {
	return k.store.Update(k.t.Context(), func(tx relay.Tx) error { return quota.Grant(k.t.Context(), tx, k.ws, ref, n, time.Now()) })
}

func (k books) debit(ref string, n int64) error {
	return k.store.Update(k.t.Context(), func(tx relay.Tx) error { return quota.Debit(k.t.Context(), tx, k.ws, ref, n, time.Now()) })
}

func (k books) spend(ref string) error {
	return k.store.Update(k.t.Context(), func(tx relay.Tx) error { return quota.Spend(k.t.Context(), tx, k.ws, ref, time.Now()) })
}

func (k books) refund(ref string) error {
	return k.store.Update(k.t.Context(), func(tx relay.Tx) error { return quota.Refund(k.t.Context(), tx, k.ws, ref, time.Now()) })
}

func (k books) redebit(ref string, n int64) error {
	return k.store.Update(k.t.Context(), func(tx relay.Tx) error { return quota.Redebit(k.t.Context(), tx, k.ws, ref, n, time.Now()) })
}

// refill posts what is due at a time, until nothing is.
func (k books) refill(p quota.Plan, now time.Time) quota.Plan {
	k.t.Helper()
	for more := true; more; {
		var next quota.Plan
		k.do(func(tx relay.Tx) (err error) {
			next, more, err = quota.Refill(k.t.Context(), tx, k.ws, p, now)
			return err
		})
		p = next
	}
	return p
}

func (k books) ok(errs ...error) {
	k.t.Helper()
	if err := errors.Join(errs...); err != nil {
		k.t.Fatal(err)
	}
}

func (k books) has(granted, available, reserved, spent int64) {
	k.t.Helper()
	var a quota.Account
	k.view(func(t *report, tx relay.Tx) (err error) {
		a, err = tx.Account(k.t.Context(), k.ws)
		return err
	})
	got := [4]int64{a.Granted, a.Available, a.Reserved, a.Spent}
	if want := [4]int64{granted, available, reserved, spent}; got != want {
		k.t.Errorf("granted, available, reserved, spent are %v, want %v", got, want)
	}
	if err := a.Check(); err != nil {
		k.t.Error(err)
	}
}

func grantOnce(t *testing.T, k books) {
	k.ok(k.grant("g", 10))
	k.has(10, 10, 0, 0)
	var conflict *quota.ConflictError
	if err := k.grant("g", 11); !errors.As(err, &conflict) || conflict.Have != 10 {
		t.Errorf("other units: got %v, want a conflict with 10", err)
	}
	for _, n := range []int64{0, -1, quota.MaxUnits + 1} {
		if err := k.grant("h", n); !errors.Is(err, quota.ErrUnits) {
			t.Errorf("%d units: got %v, want ErrUnits", n, err)
		}
	}
	k.has(10, 10, 0, 0)
}

func allOrNothing(t *testing.T, k books) {
	k.ok(k.debit("a", 7))
	var short *quota.ExhaustedError
	if err := k.debit("b", 4); !errors.As(err, &short) || short.Need != 4 || short.Have != 3 {
		t.Errorf("got %v, want need 4, have 3", err)
	}
	k.has(10, 3, 7, 0)
	k.ok(k.debit("a", 7), k.debit("b", 3))
	k.has(10, 0, 10, 0)
}

func onceEach(t *testing.T, k books) {
	k.ok(k.debit("a", 2), k.spend("a"), k.spend("a"))
	k.has(10, 8, 0, 2)
	k.ok(k.refund("a"), k.refund("a"))
	k.has(10, 10, 0, 0)
	k.ok(k.spend("a")) // after a refund it moves nothing
	k.has(10, 10, 0, 0)
	k.ok(k.redebit("a#2", 2), k.redebit("a#2", 2))
	k.has(10, 8, 0, 2)
	k.ok(k.refund("a#2"), k.refund("a#2"))
	k.has(10, 10, 0, 0)
	k.ok(k.debit("b", 3), k.refund("b"), k.refund("b")) // still reserved
	k.has(10, 10, 0, 0)
}

func shortfall(t *testing.T, k books) {
	k.ok(k.debit("a", 9), k.redebit("x", 5))
	k.has(10, 0, 9, 1)
	k.view(func(t *report, tx relay.Tx) error {
		e, found, err := tx.Entry(t.Context(), k.ws, quota.KindRedebit, "x")
		if !found || e.Units != 1 || e.Shortfall != 4 {
			t.Errorf("the redebit is %+v (%v), want 1 unit and a shortfall of 4", e, found)
		}
		return err
	})
	k.ok(k.grant("more", 10)) // a shortfall is never collected
	k.has(20, 10, 9, 1)
	k.ok(k.refund("x")) // gives back what was taken, no more
	k.has(20, 11, 9, 0)
}

func frozen(t *testing.T, k books) {
	k.ok(k.debit("a", 1))
	k.do(func(tx relay.Tx) error {
		a, err := tx.Account(t.Context(), k.ws)
		if err != nil {
			return err
		}
		a.Frozen = true
		return tx.PutAccount(t.Context(), a)
	})
	if err := k.debit("b", 1); !errors.Is(err, quota.ErrFrozen) {
		t.Errorf("got %v, want ErrFrozen", err)
	}
	k.ok(k.spend("a")) // what is under way ends
	k.has(10, 9, 0, 1)
}

func noCharge(t *testing.T, k books) {
	for what, err := range map[string]error{"spend": k.spend("none"), "refund": k.refund("none")} {
		if !errors.Is(err, quota.ErrNoCharge) {
			t.Errorf("%s: got %v, want ErrNoCharge", what, err)
		}
	}
	k.has(10, 10, 0, 0)
}

func unbalanced(t *testing.T, b *bench) {
	k := books{b, relay.NewID("ws_")}
	wrong := quota.Account{ID: k.ws, Granted: 10, Available: 11}
	k.do(func(tx relay.Tx) error { return tx.PutAccount(t.Context(), wrong) })
	for what, err := range map[string]error{"grant": k.grant("g", 1), "debit": k.debit("a", 1)} {
		if !errors.Is(err, quota.ErrUnbalanced) {
			t.Errorf("%s: got %v, want ErrUnbalanced", what, err)
		}
	}
}

func daily(units int64, rollOver bool, since time.Time) quota.Plan {
	return quota.Plan{Units: units, Schedule: "0 0 * * *", RollOver: rollOver, Since: since}
}

var day1 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func refillOnce(t *testing.T, k books) {
	p := daily(5, false, day1)
	p = k.refill(p, day1.Add(time.Hour))
	k.has(10, 10, 0, 0) // nothing is due
	old := p
	p = k.refill(p, day1.Add(day))
	k.has(15, 15, 0, 0)
	k.refill(old, day1.Add(day)) // run twice from the same plan
	k.refill(p, day1.Add(day))
	k.has(15, 15, 0, 0)
}

func missedPeriods(t *testing.T, k books) {
	p := k.refill(daily(5, false, day1), day1.Add(day))
	k.ok(k.debit("a", 2))
	k.refill(p, day1.Add(4*day)) // three nights at once: 3 + 5 + 5 expire
	k.has(10+5-3+5-5+5-5+5, 15, 2, 0)
	entries, err := everything(func(p relay.Page) ([]relay.LedgerLine, string, error) { return k.store.Entries(t.Context(), k.ws, p) })
	if err != nil {
		t.Fatal(err)
	}
	n := map[quota.Kind]int{}
	for _, e := range entries {
		n[e.Kind]++
	}
	if n[quota.KindGrant] != 5 || n[quota.KindExpire] != 3 {
		t.Errorf("%d grants and %d expiries, want 5 and 3: one a period", n[quota.KindGrant], n[quota.KindExpire])
	}
}

func rollOver(t *testing.T, k books) {
	k.refill(daily(5, true, day1), day1.Add(3*day))
	k.has(25, 25, 0, 0)
}

func refundAcross(t *testing.T, k books) {
	p := k.refill(daily(5, false, day1), day1.Add(day))
	k.ok(k.debit("a", 4)) // out of the plan's units
	p = k.refill(p, day1.Add(2*day))
	k.has(10+5-1+5, 15, 4, 0)
	k.ok(k.refund("a"))
	k.has(19, 19, 0, 0)
	k.refill(p, day1.Add(3*day)) // only this period's 5 expire
	k.has(19, 19, 0, 0)
}

func refundWithin(t *testing.T, k books) {
	p := k.refill(daily(5, false, day1), day1.Add(day))
	k.ok(k.debit("a", 4), k.refund("a"))
	k.refill(p, day1.Add(2*day)) // all 5 expire
	k.has(15, 15, 0, 0)
}

func manyPeriods(t *testing.T, k books) {
	k.refill(quota.Plan{Units: 1, Schedule: "@every 1h", RollOver: true, Since: day1}, day1.Add(250*time.Hour))
	k.has(260, 260, 0, 0)
}

func lastUnit(t *testing.T, b *bench) {
	for round := range 20 {
		k := books{b, relay.NewID("ws_")}
		k.ok(k.grant("g", 1))
		var won atomic.Int32
		var g sync.WaitGroup
		gun := make(chan struct{})
		for i := range 8 {
			g.Go(func() {
				<-gun
				var short *quota.ExhaustedError
				switch err := k.debit(fmt.Sprint(i), 1); {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &short):
					t.Errorf("debit: %v", err)
				}
			})
		}
		close(gun)
		g.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d debits took the one unit", round, won.Load())
		}
		k.has(1, 0, 1, 0)
	}
}
