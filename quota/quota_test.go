package quota_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/quota"
)

func TestEachMoveTakesUnitsFromWhereItSaysToWhereItSays(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves []move
		want  balance // granted, available, reserved, spent
	}{
		{"a grant is available", []move{grant("g", 10)}, balance{10, 10, 0, 0}},
		{"the largest grant", []move{grant("g", quota.MaxUnits)}, balance{quota.MaxUnits, quota.MaxUnits, 0, 0}},
		{"two grants add up", []move{grant("g", 10), grant("h", 5)}, balance{15, 15, 0, 0}},
		{"the same grant again", []move{grant("g", 10), grant("g", 10)}, balance{10, 10, 0, 0}},
		{"an expiry leaves the books", []move{grant("g", 10), expire("p", 4)}, balance{6, 6, 0, 0}},
		{"an expiry takes no more than there is", []move{grant("g", 10), debit("m", 3), expire("p", 99)}, balance{3, 0, 3, 0}},
		{"an expiry of less than nothing", []move{grant("g", 10), expire("p", -4)}, balance{10, 10, 0, 0}},
		{"the same expiry again", []move{grant("g", 10), expire("p", 4), expire("p", 6)}, balance{6, 6, 0, 0}},
		{"a debit is reserved", []move{grant("g", 10), debit("m", 2)}, balance{10, 8, 2, 0}},
		{"a debit of everything", []move{grant("g", 2), debit("m", 2)}, balance{2, 0, 2, 0}},
		{"the same debit again", []move{grant("g", 10), debit("m", 2), debit("m", 2)}, balance{10, 8, 2, 0}},
		{"a spend is final", []move{grant("g", 10), debit("m", 2), spend("m")}, balance{10, 8, 0, 2}},
		{"the same spend again", []move{grant("g", 10), debit("m", 2), debit("n", 2), spend("m"), spend("m")}, balance{10, 6, 2, 2}},
		{"a refund of what is reserved", []move{grant("g", 10), debit("m", 2), refund("m")}, balance{10, 10, 0, 0}},
		{"a refund of what is spent", []move{grant("g", 10), debit("m", 2), spend("m"), refund("m")}, balance{10, 10, 0, 0}},
		{"the same refund again", []move{grant("g", 10), debit("m", 2), debit("n", 2), refund("m"), refund("m")}, balance{10, 8, 2, 0}},
		{"a spend after a refund", []move{grant("g", 10), debit("m", 2), debit("n", 2), refund("m"), spend("m")}, balance{10, 8, 2, 0}},
		{"a redebit is spent at once", []move{grant("g", 10), debit("m", 2), refund("m"), redebit("m#2", 2)}, balance{10, 8, 0, 2}},
		{"the same redebit again", []move{grant("g", 10), redebit("m#2", 2), redebit("m#2", 2)}, balance{10, 8, 0, 2}},
		{"a redebit takes no more than there is", []move{grant("g", 3), debit("m", 2), redebit("n#2", 2)}, balance{3, 0, 2, 1}},
		{"a redebit of an empty account", []move{redebit("m#2", 2)}, balance{}},
		{"a spend after a redebit", []move{grant("g", 10), redebit("m#2", 2), spend("m#2")}, balance{10, 8, 0, 2}},
		{"a refund of a redebit", []move{grant("g", 10), redebit("m#2", 2), refund("m#2")}, balance{10, 10, 0, 0}},
		{"a refund of what a redebit could take", []move{grant("g", 3), debit("n", 2), redebit("m#2", 2), refund("m#2")}, balance{3, 1, 2, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := after(t, c.moves...)
			wantBalance(t, b, c.want)
			if err := b.accounts[account].Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARefusalSaysWhyAndWritesNothing(t *testing.T) {
	frozen := func(b *books, _ time.Time) error {
		a := b.accounts[account]
		a.Frozen = true
		b.accounts[account] = a
		return nil
	}
	fill := func(b *books, _ time.Time) error {
		b.accounts[account] = quota.Account{ID: account, Granted: quota.MaxUnits*1000 - 5, Available: quota.MaxUnits*1000 - 5}
		return nil
	}
	lose := func(b *books, _ time.Time) error {
		b.accounts[account] = quota.Account{ID: account, Granted: 10, Available: 9}
		return nil
	}
	for _, c := range []struct {
		name   string
		before []move
		refuse move
		want   error
	}{
		{"a grant of nothing", nil, grant("g", 0), quota.ErrUnits},
		{"a negative grant", nil, grant("g", -1), quota.ErrUnits},
		{"too large a grant", nil, grant("g", quota.MaxUnits+1), quota.ErrUnits},
		{"a grant over the most of all times", []move{fill}, grant("g", 6), quota.ErrUnits},
		{"a grant with other units", []move{grant("g", 10)}, grant("g", 11), &quota.ConflictError{Ref: "g", Have: 10}},
		{"a debit of nothing", []move{grant("g", 10)}, debit("m", 0), quota.ErrUnits},
		{"a negative debit", []move{grant("g", 10)}, debit("m", -1), quota.ErrUnits},
		{"too large a debit", []move{grant("g", quota.MaxUnits)}, debit("m", math.MaxInt32+1), quota.ErrUnits},
		{"a debit of more than there is", []move{grant("g", 1)}, debit("m", 2), &quota.ExhaustedError{Need: 2, Have: 1}},
		{"a debit of an unknown account", nil, debit("m", 1), &quota.ExhaustedError{Need: 1, Have: 0}},
		{"a debit of a frozen account", []move{grant("g", 10), frozen}, debit("m", 1), quota.ErrFrozen},
		{"a spend of nothing", []move{grant("g", 10)}, spend("m"), quota.ErrNoCharge},
		{"a refund of nothing", []move{grant("g", 10)}, refund("m"), quota.ErrNoCharge},
		{"a refund of a grant", []move{grant("g", 10)}, refund("g"), quota.ErrNoCharge},
		{"a redebit of nothing", []move{grant("g", 10)}, redebit("m", 0), quota.ErrUnits},
		{"too large a redebit", []move{grant("g", 10)}, redebit("m", math.MaxInt32+1), quota.ErrUnits},
		{"a grant to wrong books", []move{lose}, grant("g", 1), quota.ErrUnbalanced},
		{"an expiry of wrong books", []move{lose}, expire("p", 1), quota.ErrUnbalanced},
		{"a debit of wrong books", []move{lose}, debit("m", 1), quota.ErrUnbalanced},
		{"a redebit of wrong books", []move{lose}, redebit("m", 1), quota.ErrUnbalanced},
		{"a spend of wrong books", []move{lose}, spend("m"), quota.ErrUnbalanced},
		{"a refund of wrong books", []move{lose}, refund("m"), quota.ErrUnbalanced},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := after(t, c.before...)
			before := b.clone()
			err := c.refuse(b, start.Add(time.Hour))
			if !sameRefusal(err, c.want) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if !b.equal(before) {
				t.Errorf("a refusal wrote something:\n%s", cmp.Diff(before.entries, b.entries))
			}
		})
	}
}

// sameRefusal compares typed refusals by value, the others by identity.
func sameRefusal(got, want error) bool {
	var exhausted, wantExhausted *quota.ExhaustedError
	var conflict, wantConflict *quota.ConflictError
	switch {
	case errors.As(want, &wantExhausted):
		return errors.As(got, &exhausted) && *exhausted == *wantExhausted
	case errors.As(want, &wantConflict):
		return errors.As(got, &conflict) && *conflict == *wantConflict
	}
	return errors.Is(got, want)
}

func TestTheLastUnitsOfAllTimesCanBeGranted(t *testing.T) {
	b := newBooks()
	b.accounts[account] = quota.Account{ID: account, Granted: quota.MaxUnits*1000 - 5, Available: quota.MaxUnits*1000 - 5}
	if err := grant("g", 5)(b, start); err != nil {
		t.Error(err)
	}
}

func TestAFrozenAccountStillSettlesWhatWasDebited(t *testing.T) {
	b := after(t, grant("g", 10), debit("m", 1), debit("n", 2))
	a := b.accounts[account]
	a.Frozen = true
	b.accounts[account] = a
	for _, m := range []move{spend("m"), refund("n"), grant("h", 5)} {
		if err := m(b, start.Add(time.Minute)); err != nil {
			t.Error(err)
		}
	}
	wantBalance(t, b, balance{15, 14, 0, 1})
	if !b.accounts[account].Frozen {
		t.Error("a move thawed the account")
	}
}

func TestARedebitNotesWhatItCouldNotTake(t *testing.T) {
	for _, c := range []struct{ have, units, moved, shortfall int64 }{
		{5, 2, 2, 0}, {2, 2, 2, 0}, {1, 2, 1, 1}, {0, 2, 0, 2},
	} {
		b := newBooks()
		b.accounts[account] = quota.Account{ID: account, Granted: c.have, Available: c.have}
		if err := redebit("m#2", c.units)(b, start); err != nil {
			t.Fatal(err)
		}
		if e := b.newest(t); e.Units != c.moved || e.Shortfall != c.shortfall {
			t.Errorf("redebit of %d with %d available moved %d, short of %d; want %d, %d", c.units, c.have, e.Units, e.Shortfall, c.moved, c.shortfall)
		}
	}
}

func TestAnEntrySaysWhatMovedAndWhatWasLeft(t *testing.T) {
	b := after(t, grant("g", 10), debit("m", 2), spend("m"), refund("m"), redebit("m#2", 2), expire("p", 3))
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	want := []quota.Entry{
		{Account: account, Kind: quota.KindGrant, Ref: "g", Units: 10, At: at(0), AvailableAfter: 10},
		{Account: account, Kind: quota.KindDebit, Ref: "m", Units: 2, At: at(1), AvailableAfter: 8},
		{Account: account, Kind: quota.KindSpend, Ref: "m", Units: 2, At: at(2), AvailableAfter: 8},
		{Account: account, Kind: quota.KindRefund, Ref: "m", Units: 2, At: at(3), AvailableAfter: 10},
		{Account: account, Kind: quota.KindRedebit, Ref: "m#2", Units: 2, At: at(4), AvailableAfter: 8},
		{Account: account, Kind: quota.KindExpire, Ref: "p", Units: 3, At: at(5), AvailableAfter: 5},
	}
	if diff := cmp.Diff(want, b.posted); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if got := b.accounts[account].LastAt; !got.Equal(at(5)) {
		t.Errorf("the account was last moved at %s, want %s", got, at(5))
	}
}

func TestEntryTimesIncreaseWhileTheClockDoesNot(t *testing.T) {
	for _, c := range []struct {
		name string
		now  time.Time
		want time.Time
	}{
		{"the clock stands still", start, start.Add(time.Microsecond)},
		{"the clock went back", start.Add(-time.Hour), start.Add(time.Microsecond)},
		{"the clock moved by less than is kept", start.Add(999 * time.Nanosecond), start.Add(time.Microsecond)},
		{"the clock moved by a microsecond", start.Add(1001 * time.Nanosecond), start.Add(time.Microsecond)},
		{"another zone", start.Add(time.Second).In(time.FixedZone("", 3600)), start.Add(time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := after(t, grant("g", 10))
			if err := grant("h", 1)(b, c.now); err != nil {
				t.Fatal(err)
			}
			if got := b.newest(t).At; got != c.want {
				t.Errorf("posted at %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnErrorOfTheStoreComesBackFromEveryRule(t *testing.T) {
	for name, m := range map[string]move{
		"grant": grant("h", 1), "expire": expire("p", 1), "debit": debit("n", 1), "spend": spend("m"),
		"refund": refund("m"), "redebit": redebit("m#2", 1),
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				b := after(t, grant("g", 10), debit("m", 1))
				b.failAt = n
				err := m(b, start.Add(time.Hour))
				if b.failAt > 0 { // it needs fewer operations than n
					if n < 5 || err != nil {
						t.Errorf("%d operations in all, the last error %v", n-1, err)
					}
					return
				}
				if !errors.Is(err, errStore) {
					t.Errorf("operation %d failed, and the rule returned %v", n, err)
				}
			}
		})
	}
}

func TestCheckFindsEveryWrongBalance(t *testing.T) {
	good := quota.Account{ID: account, Granted: 10, Available: 5, Reserved: 3, Spent: 2, Expiring: 5}
	if err := good.Check(); err != nil {
		t.Errorf("good books: %v", err)
	}
	for name, spoil := range map[string]func(*quota.Account){
		"a unit too many":        func(a *quota.Account) { a.Available++ },
		"a unit lost":            func(a *quota.Account) { a.Spent-- },
		"reserved below zero":    func(a *quota.Account) { a.Reserved, a.Spent = -1, 6 },
		"spent below zero":       func(a *quota.Account) { a.Reserved, a.Spent = 6, -1 },
		"available below zero":   func(a *quota.Account) { a.Available, a.Expiring, a.Reserved = -1, -1, 9 },
		"granted below zero":     func(a *quota.Account) { *a = quota.Account{Granted: -1, Reserved: -1} },
		"expiring below zero":    func(a *quota.Account) { a.Expiring = -1 },
		"expiring and not there": func(a *quota.Account) { a.Expiring = 6 },
	} {
		a := good
		spoil(&a)
		if err := a.Check(); !errors.Is(err, quota.ErrUnbalanced) {
			t.Errorf("%s: Check says %v", name, err)
		}
	}
}

func TestARefusalNamesTheNumbers(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&quota.ExhaustedError{Need: 2, Have: 1}, "need 2, have 1"},
		{&quota.ConflictError{Ref: "inv-7", Have: 10}, `"inv-7" exists with 10 units`},
	} {
		if got := c.err.Error(); !strings.Contains(got, c.want) {
			t.Errorf("%q does not contain %q", got, c.want)
		}
	}
}
