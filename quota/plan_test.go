package quota_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // summer time, wherever the test runs

	"pgregory.net/rapid"

	"relevo/quota"
)

func TestTheNextRefillFollowsTheScheduleInUTC(t *testing.T) {
	for _, c := range []struct{ schedule, after, want string }{
		{"0 0 1 * *", "2026-03-02T10:00:00Z", "2026-04-01T00:00:00Z"},
		{"0 0 1 * *", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"},
		{"0 0 1 * *", "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z"},
		{"  0 0 1 * *\t", "2026-03-02T10:00:00Z", "2026-04-01T00:00:00Z"},
		{"30 6 * * 1", "2026-03-02T10:00:00Z", "2026-03-09T06:30:00Z"},
		{"0 0 29 2 *", "2026-03-02T10:00:00Z", "2028-02-29T00:00:00Z"},
		{"@hourly", "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"},
		{"@daily", "2026-03-02T10:00:00Z", "2026-03-03T00:00:00Z"},
		{"@weekly", "2026-03-02T10:00:00Z", "2026-03-08T00:00:00Z"},
		{"@monthly", "2026-03-02T10:00:00Z", "2026-04-01T00:00:00Z"},
		{"@yearly", "2026-03-02T10:00:00Z", "2027-01-01T00:00:00Z"},
		{"@every 12h", "2026-03-02T10:00:00Z", "2026-03-02T22:00:00Z"},
		// Europe's clocks leave out 02:00 to 03:00 of 29 March, and have it
		// twice on 25 October; UTC does neither.
		{"30 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-29T02:30:00Z"},
		{"30 2 * * *", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"},
		{"30 0 * * *", "2026-10-25T00:30:00Z", "2026-10-26T00:30:00Z"},
		{"30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"0 0 1 * *", "2026-04-01T01:00:00+02:00", "2026-04-01T00:00:00Z"},
	} {
		t.Run(c.schedule+" after "+c.after, func(t *testing.T) {
			berlin, err := time.LoadLocation("Europe/Berlin")
			if err != nil {
				t.Fatal(err)
			}
			for _, zone := range []*time.Location{time.UTC, berlin, time.Local} {
				got, err := quota.Plan{Schedule: c.schedule}.Next(instant(t, c.after).In(zone))
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equal(instant(t, c.want)) || got.Location() != time.UTC {
					t.Errorf("asked in %s: got %s, want %s", zone, got, c.want)
				}
			}
		})
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAScheduleThatCannotBeReadIsRefusedInWords(t *testing.T) {
	for schedule, reason := range map[string]string{
		"":                           "five fields",
		" \t":                        "five fields",
		"TZ=":                        "five fields",
		"TZ=Europe/Berlin":           "five fields", // no space behind it
		"TZ=Europe/Berlin 0 0 1 * *": "five fields",
		"tz=UTC 0 0 1 * *":           "five fields",
		"CRON_TZ=UTC":                "five fields",
		"CRON_TZ=UTC 0 0 1 * *":      "five fields",
		"0 0 31 2 *":                 "no date",
		"0 0 30 2 *":                 "no date",
		"0 0 31 4,6,9,11 *":          "no date",
		"0 0 1 *":                    ": ",
		"0 0 0 1 * *":                ": ",
		"60 0 1 * *":                 ": ",
		"0 0 0 * *":                  ": ",
		"0 0 1 * * MON-":             ": ",
		"often":                      ": ",
		"@often":                     ": ",
		"@every":                     ": ",
		"@every soon":                ": ",
		"@every 12":                  ": ",
	} {
		at, err := quota.Plan{Schedule: schedule}.Next(start)
		if !errors.Is(err, quota.ErrSchedule) || !at.IsZero() {
			t.Errorf("%q: got %s and error %v, want the zero time and ErrSchedule", schedule, at, err)
			continue
		}
		if after, _ := strings.CutPrefix(err.Error(), quota.ErrSchedule.Error()); !strings.Contains(after, reason) {
			t.Errorf("%q: the error %q does not say %q", schedule, err, reason)
		}
	}
}

func TestNoScheduleMakesNextPanicOrGoBack(t *testing.T) {
	word := rapid.SampledFrom([]string{"*", "0", "7", "59", "60", "-", "/", ",", "1-5", "*/15", "?", "L", "MON", "jan", "@", "@every", "@daily", "1h", "-1s", "0s", "TZ=", "CRON_TZ=", "=", " ", "  ", "\x00", "é"})
	rapid.Check(t, func(rt *rapid.T) {
		p := quota.Plan{Schedule: strings.Join(rapid.SliceOfN(word, 0, 12).Draw(rt, "words"), rapid.SampledFrom([]string{"", " "}).Draw(rt, "glue"))}
		at, err := p.Next(start)
		if err == nil && !at.After(start) {
			rt.Fatalf("%q: %s is not after %s", p.Schedule, at, start)
		}
		if err != nil && !errors.Is(err, quota.ErrSchedule) {
			rt.Fatalf("%q: error %v", p.Schedule, err)
		}
	})
}

// refill runs a plan up to now, as a store does: until there is no more.
func refill(t *testing.T, b *books, p quota.Plan, now time.Time) (_ quota.Plan, calls int) {
	t.Helper()
	for more := true; more; calls++ {
		var err error
		if p, more, err = quota.Refill(t.Context(), b, account, p, now); err != nil {
			t.Fatal(err)
		}
	}
	return p, calls
}

func TestAYearOfMonthlyRefills(t *testing.T) {
	for _, c := range []struct {
		name            string
		rollOver        bool
		granted         int64
		grants, expires int
	}{
		// 30 of each month's 100 are spent
		{"what is left expires", false, 12*30 + 100, 13, 12},
		{"what is left rolls over", true, 13 * 100, 13, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBooks()
			p := quota.Plan{Units: 100, Schedule: "@monthly", RollOver: c.rollOver, Since: start}
			for month := range 13 {
				now := time.Date(2026, time.April+time.Month(month), 1, 3, 0, 0, 0, time.UTC)
				p, _ = refill(t, b, p, now)
				if want := now.Add(-3 * time.Hour); !p.Since.Equal(want) {
					t.Errorf("refilled up to %s, want %s", p.Since, want)
				}
				if month == 12 {
					break
				}
				ref := "m" + strconv.Itoa(month)
				for _, m := range []move{debit(ref, 30), spend(ref)} {
					if err := m(b, now.Add(time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
			}
			wantBalance(t, b, balance{c.granted, c.granted - 360, 0, 360})
			got := map[quota.Kind]int{}
			for _, e := range b.posted {
				got[e.Kind]++
			}
			if got[quota.KindGrant] != c.grants || got[quota.KindExpire] != c.expires {
				t.Errorf("%d grants and %d expiries, want %d and %d", got[quota.KindGrant], got[quota.KindExpire], c.grants, c.expires)
			}
		})
	}
}

func TestMissedNightsEndInTheSameBalanceAsPunctualOnes(t *testing.T) {
	for _, rollOver := range []bool{false, true} {
		p := quota.Plan{Units: 50, Schedule: "0 3 * * *", RollOver: rollOver, Since: start}
		punctual, late := newBooks(), newBooks()
		pp, end := p, start.AddDate(0, 0, 250)
		for now := start; !now.After(end); now = now.Add(time.Hour) {
			pp, _ = refill(t, punctual, pp, now)
		}
		pl, calls := refill(t, late, p, end)
		if punctual.balance() != late.balance() || !pp.Since.Equal(pl.Since) {
			t.Errorf("roll over %t: punctual %v up to %s, late %v up to %s", rollOver, punctual.balance(), pp.Since, late.balance(), pl.Since)
		}
		if calls != 3 {
			t.Errorf("250 nights took %d calls, want 3 of at most 100 each", calls)
		}
		before := late.clone()
		if _, calls := refill(t, late, p, end); calls != 3 || !late.equal(before) {
			t.Errorf("a plan that was run again from its beginning moved units")
		}
	}
}

func TestOneCallOfRefillPostsAtMost100Periods(t *testing.T) {
	for _, c := range []struct {
		hours, grants int
		more          bool
	}{{0, 0, false}, {1, 1, false}, {99, 99, false}, {100, 100, true}, {101, 100, true}, {24 * 365 * 5, 100, true}} {
		b := newBooks()
		p := quota.Plan{Units: 1, Schedule: "@hourly", RollOver: true, Since: start}
		p, more, err := quota.Refill(t.Context(), b, account, p, start.Add(time.Duration(c.hours)*time.Hour))
		if err != nil || more != c.more || len(b.posted) != c.grants {
			t.Errorf("%d hours late: %d grants, more %t, error %v; want %d, %t", c.hours, len(b.posted), more, err, c.grants, c.more)
		}
		if want := start.Add(time.Duration(c.grants) * time.Hour); !p.Since.Equal(want) {
			t.Errorf("%d hours late: refilled up to %s, want %s", c.hours, p.Since, want)
		}
	}
}

func TestAPeriodTakesBackOnlyItsOwnUnits(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, 2+n, 3, 0, 0, 0, time.UTC) }
	b := after(t, grant("paid", 1000)) // is nobody's to expire
	p := quota.Plan{Units: 100, Schedule: "0 3 * * *", Since: start}
	p, _ = refill(t, b, p, day(1))
	wantBalance(t, b, balance{1100, 1100, 0, 0})

	mustMove(t, b, debit("m", 30), day(1)) // the plan's units go first
	if e := b.newest(t); e.FromExpiring != 30 || e.Period != "2026-03-03T03:00:00Z" {
		t.Errorf("the debit took %d of period %q, want 30 of 2026-03-03T03:00:00Z", e.FromExpiring, e.Period)
	}
	mustMove(t, b, debit("n", 90), day(1))
	if e := b.newest(t); e.FromExpiring != 70 {
		t.Errorf("the debit took %d of the period, want the 70 that it had left", e.FromExpiring)
	}
	mustMove(t, b, refund("m"), day(1)) // within the period: back to it
	if got := b.accounts[account].Expiring; got != 30 {
		t.Errorf("%d units expire after a refund within the period, want 30", got)
	}
	p, _ = refill(t, b, p, day(2)) // 30 leave, 100 come
	wantBalance(t, b, balance{1170, 1080, 90, 0})
	mustMove(t, b, refund("n"), day(2)) // its period is over: the units stay
	if got := b.accounts[account].Expiring; got != 100 {
		t.Errorf("%d units expire after a refund of an older period, want 100", got)
	}
	mustMove(t, b, redebit("n#2", 110), day(2))
	if e := b.newest(t); e.FromExpiring != 100 || e.Period != "2026-03-04T03:00:00Z" {
		t.Errorf("the redebit took %d of period %q, want 100 of 2026-03-04T03:00:00Z", e.FromExpiring, e.Period)
	}
	p.RollOver = true
	_, _ = refill(t, b, p, day(3))
	wantBalance(t, b, balance{1270, 1160, 0, 110})
	if got := b.accounts[account].Expiring; got != 0 {
		t.Errorf("%d units expire with a plan that rolls over, want 0", got)
	}
}

func TestAnExpiryByHandTakesThePeriodsUnitsFirst(t *testing.T) {
	b := after(t, grant("paid", 1000))
	p, _ := refill(t, b, quota.Plan{Units: 100, Schedule: "@daily", Since: start}, start.AddDate(0, 0, 1))
	mustMove(t, b, expire("by hand", 40), start.AddDate(0, 0, 1))
	if got := b.accounts[account].Expiring; got != 60 {
		t.Errorf("%d units expire, want the 60 that are left of the period", got)
	}
	refill(t, b, p, start.AddDate(0, 0, 2))
	wantBalance(t, b, balance{1100, 1100, 0, 0})
}

func TestWhatIsLeftWhenAPlanComesToRollOverStays(t *testing.T) {
	b := newBooks()
	p, _ := refill(t, b, quota.Plan{Units: 100, Schedule: "@daily", Since: start}, start.AddDate(0, 0, 1))
	p.RollOver = true
	refill(t, b, p, start.AddDate(0, 0, 2))
	wantBalance(t, b, balance{200, 200, 0, 0})
}

func mustMove(t *testing.T, b *books, m move, now time.Time) {
	t.Helper()
	if err := m(b, now); err != nil {
		t.Fatal(err)
	}
}

func TestEveryIsCountedFromWhenThePlanWasSet(t *testing.T) {
	b := newBooks()
	p := quota.Plan{Units: 1, Schedule: "@every 7h", RollOver: true, Since: start}
	refill(t, b, p, start.Add(22*time.Hour))
	want := []string{"plan:2026-03-02T17:00:00Z", "plan:2026-03-03T00:00:00Z", "plan:2026-03-03T07:00:00Z"}
	if len(b.posted) != len(want) {
		t.Fatalf("%d refills in 22 hours, want %d", len(b.posted), len(want))
	}
	for i, e := range b.posted {
		if e.Ref != want[i] {
			t.Errorf("refill %d is named %s, want %s", i, e.Ref, want[i])
		}
	}
}

func TestARefillThatCannotBePostedLeavesThePlanWhereItWas(t *testing.T) {
	wrong := newBooks()
	wrong.accounts[account] = quota.Account{ID: account, Granted: 1}
	away := newBooks()
	away.failAt = 1
	for _, c := range []struct {
		name string
		b    *books
		p    quota.Plan
		want error
	}{
		{"a schedule that cannot be read", newBooks(), quota.Plan{Units: 1, Schedule: "often", Since: start}, quota.ErrSchedule},
		{"units out of range", newBooks(), quota.Plan{Schedule: "@daily", Since: start}, quota.ErrUnits},
		{"wrong books", wrong, quota.Plan{Units: 1, Schedule: "@daily", Since: start}, quota.ErrUnbalanced},
		{"no store", away, quota.Plan{Units: 1, Schedule: "@daily", Since: start}, errStore},
	} {
		p, more, err := quota.Refill(context.Background(), c.b, account, c.p, start.AddDate(0, 0, 3))
		if !errors.Is(err, c.want) || more || p != c.p || len(c.b.posted) != 0 {
			t.Errorf("%s: plan %+v, more %t, error %v, %d entries; want the plan as it was and %v", c.name, p, more, err, len(c.b.posted), c.want)
		}
	}
}
