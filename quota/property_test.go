package quota_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relevo/quota"
)

// TestTheBooksBalanceAfterEveryMove makes any moves in any order, with
// references used again and a clock that goes back, beside a plain model.
func TestTheBooksBalanceAfterEveryMove(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &run{rt: rt, books: newBooks(), now: start, model: newModel()}
		r.plan = quota.Plan{Units: 7, Schedule: "@daily", Since: start}
		rt.Repeat(map[string]func(*rapid.T){
			"": r.check, "clock": r.clock, "grant": r.grant, "expire": r.expire, "debit": r.debit, "debit again": r.debit,
			"spend": r.spend, "refund": r.refund, "redebit": r.redebit, "set plan": r.setPlan, "refill": r.refill, "freeze": r.freeze,
		})
	})
}

// run is the books under test beside the model of them.
type run struct {
	rt    *rapid.T
	books *books
	now   time.Time
	plan  quota.Plan
	model *model
}

// model keeps four sums and, for each charge, where its units are.
type model struct {
	available, reserved, spent int64
	expiring                   int64
	period                     string
	frozen                     bool
	grants, expired            map[string]int64
	debits, redebits           map[string]*held
	refunded                   map[string]bool
}

// held is the units of one charge; own is the part out of a plan's period.
type held struct {
	units, own int64
	period     string
	spent      bool
}

func newModel() *model {
	return &model{grants: map[string]int64{}, expired: map[string]int64{}, debits: map[string]*held{}, redebits: map[string]*held{}, refunded: map[string]bool{}}
}

// take removes units from what is available, the plan's first.
func (m *model) take(units int64) *held {
	h := &held{units: units, own: min(units, m.expiring), period: m.period}
	m.available -= units
	m.expiring -= h.own
	return h
}

func (m *model) expire(ref string, units int64) (moves bool) {
	if _, used := m.expired[ref]; used {
		return false
	}
	units = max(0, min(units, m.available))
	m.expired[ref] = units
	m.take(units)
	return true
}

// charge is the redebit of a reference, else its debit.
func (m *model) charge(ref string) *held {
	if h := m.redebits[ref]; h != nil {
		return h
	}
	return m.debits[ref]
}

func (r *run) ref() string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "a#2", "b#2"}).Draw(r.rt, "ref")
}

func (r *run) units() int64 { return rapid.Int64Range(-1, 12).Draw(r.rt, "units") }

// do makes a move. One that moves nothing, refused or repeated, must write
// nothing.
func (r *run) do(m move, moves bool, want error) {
	r.rt.Helper()
	before := r.books.clone()
	err := m(r.books, r.now)
	if !sameRefusal(err, want) {
		r.rt.Fatalf("got error %v, want %v", err, want)
	}
	if !moves && !r.books.equal(before) {
		r.rt.Fatal("something was written by a move that moves nothing")
	}
	if moves && len(r.books.posted) != len(before.posted)+1 {
		r.rt.Fatalf("%d entries were posted by one move", len(r.books.posted)-len(before.posted))
	}
}

func (r *run) grant(*rapid.T) {
	ref, units := r.ref(), r.units()
	old, used := r.model.grants[ref]
	switch {
	case units < 1:
		r.do(grant(ref, units), false, quota.ErrUnits)
	case used && old != units:
		r.do(grant(ref, units), false, &quota.ConflictError{Ref: ref, Have: old})
	case used:
		r.do(grant(ref, units), false, nil)
	default:
		r.do(grant(ref, units), true, nil)
		r.model.grants[ref] = units
		r.model.available += units
	}
}

func (r *run) expire(*rapid.T) {
	ref, units := r.ref(), r.units()
	r.do(expire(ref, units), r.model.expire(ref, units), nil)
}

func (r *run) debit(*rapid.T) {
	ref, units := r.ref(), r.units()
	switch {
	case units < 1:
		r.do(debit(ref, units), false, quota.ErrUnits)
	case r.model.frozen:
		r.do(debit(ref, units), false, quota.ErrFrozen)
	case r.model.debits[ref] != nil:
		r.do(debit(ref, units), false, nil)
	case r.model.available < units:
		r.do(debit(ref, units), false, &quota.ExhaustedError{Need: units, Have: r.model.available})
	default:
		r.do(debit(ref, units), true, nil)
		r.model.debits[ref] = r.model.take(units)
		r.model.reserved += units
	}
}

func (r *run) spend(*rapid.T) {
	ref := r.ref()
	h := r.model.charge(ref)
	switch {
	case h == nil:
		r.do(spend(ref), false, quota.ErrNoCharge)
	case h.spent, r.model.refunded[ref]:
		r.do(spend(ref), false, nil)
	default:
		r.do(spend(ref), true, nil)
		h.spent = true
		r.model.reserved -= h.units
		r.model.spent += h.units
	}
}

func (r *run) refund(*rapid.T) {
	ref := r.ref()
	h := r.model.charge(ref)
	switch {
	case h == nil:
		r.do(refund(ref), false, quota.ErrNoCharge)
		return
	case r.model.refunded[ref]:
		r.do(refund(ref), false, nil)
		return
	case h.spent:
		r.model.spent -= h.units
	default:
		r.model.reserved -= h.units
	}
	r.do(refund(ref), true, nil)
	r.model.refunded[ref] = true
	r.model.available += h.units
	if h.period == r.model.period {
		r.model.expiring += h.own
	}
}

func (r *run) redebit(*rapid.T) {
	ref, units := r.ref(), r.units()
	switch {
	case units < 1:
		r.do(redebit(ref, units), false, quota.ErrUnits)
	case r.model.redebits[ref] != nil:
		r.do(redebit(ref, units), false, nil)
	default:
		r.do(redebit(ref, units), true, nil)
		h := r.model.take(min(units, r.model.available))
		h.spent = true
		r.model.redebits[ref] = h
		r.model.spent += h.units
		if e := r.books.posted[len(r.books.posted)-1]; e.Units+e.Shortfall != units {
			r.rt.Fatalf("a redebit of %d moved %d and is short of %d", units, e.Units, e.Shortfall)
		}
	}
}

func (r *run) clock(*rapid.T) {
	r.now = r.now.Add(rapid.SampledFrom([]time.Duration{-time.Hour, 0, 1, 999, time.Second, 15 * time.Hour, 24 * time.Hour, 60 * time.Hour}).Draw(r.rt, "passes"))
}

func (r *run) setPlan(*rapid.T) {
	r.plan = quota.Plan{Units: rapid.Int64Range(1, 9).Draw(r.rt, "units"), Schedule: "@daily", RollOver: rapid.Bool().Draw(r.rt, "roll over"), Since: r.now}
}

// refill runs the plan; the model refills at every midnight since.
func (r *run) refill(*rapid.T) {
	was := r.plan.Since
	p, more, err := quota.Refill(context.Background(), r.books, account, r.plan, r.now)
	if err != nil {
		r.rt.Fatalf("refill: %v", err)
	}
	nights := 0
	midnight := was.Truncate(24 * time.Hour).Add(24 * time.Hour)
	for ; nights < 100 && !midnight.After(r.now); nights++ {
		r.plan.Since = midnight
		r.model.refill(r.plan, midnight.Format(time.RFC3339))
		midnight = midnight.Add(24 * time.Hour)
	}
	if !p.Since.Equal(r.plan.Since) || more != (nights == 100) {
		r.rt.Fatalf("refilled from %s up to %s, more %t; want up to %s", was, p.Since, more, r.plan.Since)
	}
}

func (m *model) refill(p quota.Plan, period string) {
	ref := "plan:" + period
	if _, used := m.grants[ref]; used {
		return
	}
	if m.expiring > 0 && !p.RollOver {
		m.expire(ref, m.expiring)
	}
	m.grants[ref] = p.Units
	m.available += p.Units
	m.period, m.expiring = period, 0
	if !p.RollOver {
		m.expiring = p.Units
	}
}

func (r *run) freeze(*rapid.T) {
	a := r.books.accounts[account]
	r.model.frozen = !r.model.frozen
	a.ID, a.Frozen = account, r.model.frozen
	r.books.accounts[account] = a
}

// check holds account, ledger and model against each other.
func (r *run) check(*rapid.T) {
	a, m := r.books.accounts[account], r.model
	if a.Granted != a.Available+a.Reserved+a.Spent || min(a.Granted, a.Available, a.Reserved, a.Spent) < 0 {
		r.rt.Fatalf("the books do not balance: %+v", a)
	}
	if a.Expiring < 0 || a.Expiring > a.Available {
		r.rt.Fatalf("%d of %d units expire", a.Expiring, a.Available)
	}
	got := [5]int64{a.Available, a.Reserved, a.Spent, a.Expiring, a.Granted}
	if want := [5]int64{m.available, m.reserved, m.spent, m.expiring, m.available + m.reserved + m.spent}; got != want {
		r.rt.Fatalf("available, reserved, spent, expiring, granted are %v; the model says %v", got, want)
	}
	r.checkLedger(a)
}

// checkLedger goes through the entries in the order they were posted. That
// each is there once, the books themselves assert.
func (r *run) checkLedger(a quota.Account) {
	var available int64
	var last time.Time
	for _, e := range r.books.posted {
		switch e.Kind {
		case quota.KindGrant, quota.KindRefund:
			available += e.Units
		case quota.KindExpire, quota.KindDebit, quota.KindRedebit:
			available -= e.Units
		}
		if e.AvailableAfter != available {
			r.rt.Fatalf("after %s %s the ledger says %d available, its entries sum up to %d", e.Kind, e.Ref, e.AvailableAfter, available)
		}
		if !e.At.After(last) || !e.At.Equal(e.At.Truncate(time.Microsecond)) {
			r.rt.Fatalf("%s %s was posted at %s, the entry before it at %s", e.Kind, e.Ref, e.At, last)
		}
		if e.Units < 0 || e.Shortfall < 0 || e.FromExpiring < 0 || e.FromExpiring > e.Units {
			r.rt.Fatalf("impossible entry %+v", e)
		}
		last = e.At
	}
	if !a.LastAt.Equal(last) {
		r.rt.Fatalf("the account was last moved at %s, its newest entry is of %s", a.LastAt, last)
	}
}
