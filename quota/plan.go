package quota

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Plan refills an account on a schedule.
type Plan struct {
	// Units granted at each refill, 1 to MaxUnits.
	Units int64 `json:"units"`
	// Schedule is a cron expression of five fields, or @hourly, @daily,
	// @weekly, @monthly, @yearly, read in UTC; or @every 12h, counted from
	// when the plan was set.
	Schedule string `json:"schedule"`
	// RollOver keeps what is left of a period; without it the rest of the
	// period's units expires at the next refill.
	RollOver bool `json:"roll_over"`
	// Since is the time up to which refills have been posted: when the plan
	// was set, then the latest refill.
	Since time.Time `json:"since"`
}

// ErrSchedule means that a schedule cannot be read or never comes.
var ErrSchedule = errors.New("schedule cannot be read")

// Next is the first refill after t. It returns ErrSchedule, with the reason,
// where the schedule cannot be read or has no such time.
func (p Plan) Next(t time.Time) (time.Time, error) {
	spec := strings.TrimSpace(p.Schedule)
	// cron panics on "TZ=" without a space, and a plan is in UTC anyway.
	if spec == "" || strings.Contains(strings.ToUpper(spec), "TZ=") {
		return time.Time{}, fmt.Errorf("%w: write five fields (minute hour day month weekday), read in UTC", ErrSchedule)
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %v", ErrSchedule, err)
	}
	next := s.Next(t.UTC())
	if next.IsZero() {
		return time.Time{}, fmt.Errorf("%w: it has no date in the next five years", ErrSchedule)
	}
	return next, nil
}

// maxRefills bounds what one call of Refill posts, so that a store that was
// off for long catches up in several short transactions.
const maxRefills = 100

// Refill posts every refill and expiry of a plan that was due by now, oldest
// first, at most 100 periods in one call. Each entry is named by its period,
// so running it twice, late or after missed nights ends in the same balance.
// It returns the plan with Since moved on; the caller stores it. More is true
// where another call has more to post.
func Refill(ctx context.Context, tx Tx, account string, p Plan, now time.Time) (_ Plan, more bool, err error) {
	for range maxRefills {
		at, err := p.Next(p.Since)
		if err != nil {
			return p, false, err
		}
		if at.After(now) {
			return p, false, nil
		}
		if err := refillOne(ctx, tx, account, p, at, now); err != nil {
			return p, false, err
		}
		p.Since = at
	}
	return p, true, nil
}

func refillOne(ctx context.Context, tx Tx, account string, p Plan, at, now time.Time) error {
	period := at.UTC().Format(time.RFC3339)
	a, err := load(ctx, tx, account)
	if err != nil {
		return err
	}
	ref := "plan:" + period
	if _, found, err := tx.Entry(ctx, account, KindGrant, ref); err != nil || found {
		return err
	}
	if a.Expiring > 0 && !p.RollOver {
		if err := Expire(ctx, tx, account, ref, a.Expiring, now); err != nil {
			return err
		}
	}
	if err := Grant(ctx, tx, account, ref, p.Units, now); err != nil {
		return err
	}
	if a, err = load(ctx, tx, account); err != nil {
		return err
	}
	a.Period, a.Expiring = period, 0
	if !p.RollOver {
		a.Expiring = p.Units
	}
	return tx.PutAccount(ctx, a)
}
