package console

import (
	"errors"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// use is how the units go.
type use struct {
	// Today is how many were used since midnight, of the workspace's clock.
	// About: it is counted from messages, because there were too many to add
	// up.
	Today int64
	About bool
	// Until is when they are used up at today's pace; the zero time where
	// nothing was used or that is more than a year ahead.
	Until time.Time
	// Percent of Base are used. Since says from when Base counts, and Of which
	// words say so: refill, grant, all. Level is 0, 80, 95 or 100.
	Percent, Base int64
	Of            string
	Since         time.Time
	Level         int
}

// maxLinesRead bounds what is added up for one page; who sends more than that
// in a day has their use counted from messages.
const maxLinesRead = 4000

// midnight is when the day of a time began, by the workspace's clock.
func (p *call) midnight(t time.Time) time.Time {
	t = t.In(p.Zone())
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func (p *call) use(a quota.Account) (u use, err error) {
	now := time.Now()
	from := p.midnight(now)
	latest, whole, err := p.today(from, &u)
	if err != nil {
		return u, err
	}
	if !whole {
		sums, err := p.c.Relay.Store.Counts(p.ctx, p.WS.ID, from, now)
		if err != nil {
			return u, err
		}
		var sent int64
		for _, c := range sums {
			sent += c.Sent - c.Failed
		}
		u.Today, u.About = max(u.Today, sent), true
	}
	if u.Today > 0 {
		elapsed := max(now.Sub(from), time.Hour)
		if left := float64(a.Available) / float64(u.Today) * float64(elapsed); left < float64(366*24*time.Hour) {
			u.Until = now.Add(time.Duration(left))
		}
	}
	return u, p.percent(a, latest, &u)
}

// today adds up the units since midnight, and finds the latest grant on the
// way; whole is false where it stopped early.
func (p *call) today(from time.Time, u *use) (latest quota.Entry, whole bool, err error) {
	page := relay.Page{Limit: 200}
	for read := 0; read < maxLinesRead; {
		lines, next, err := p.c.Relay.Store.Entries(p.ctx, p.WS.ID, page)
		if err != nil {
			return latest, false, err
		}
		for _, l := range lines {
			if l.Kind == quota.KindGrant && latest.Kind == "" {
				latest = l.Entry
			}
			if whole = l.At.Before(from); whole {
				if latest.Kind != "" {
					u.Today = max(0, u.Today)
					return latest, true, nil
				}
				continue
			}
			if l.Folded == 0 {
				u.Today += map[quota.Kind]int64{quota.KindDebit: l.Units, quota.KindRedebit: l.Units, quota.KindRefund: -l.Units}[l.Kind]
			}
		}
		if read, page.Cursor = read+len(lines), next; next == "" {
			whole = true
			break
		}
	}
	u.Today = max(0, u.Today) // what was given back today may be of yesterday
	return latest, whole, nil
}

// percent says how much is used of what there was after units last came.
func (p *call) percent(a quota.Account, latest quota.Entry, u *use) error {
	if latest.Kind == "" && a.Period != "" {
		err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) (err error) {
			latest, _, err = tx.Entry(p.ctx, p.WS.ID, quota.KindGrant, planRef+a.Period)
			return err
		})
		if err != nil && !errors.Is(err, relay.ErrNotFound) {
			return err
		}
	}
	u.Base, u.Of = a.Granted, "all"
	if latest.Kind != "" {
		u.Base, u.Since, u.Of = latest.AvailableAfter, latest.At, "grant"
		if isRefill(latest.Ref) {
			u.Of = "refill"
		}
	}
	if u.Base <= 0 {
		return nil
	}
	u.Percent = max(0, (u.Base-a.Available)*100/u.Base)
	for _, level := range []int{80, 95, 100} {
		if u.Percent >= int64(level) {
			u.Level = level
		}
	}
	return nil
}

// useChart is what was handed over in the last days, as a picture.
type useChart struct {
	Days []useDay
	// Max is the most of one day; the scale of the picture.
	Max, Sum int64
}

// useDay is one bar; X, Y and the heights are those of the picture.
type useDay struct {
	Day                   time.Time
	Good, Failed          int64
	X                     int
	Y, High, FailY, FailH float64
}

// useDays and the picture's measures.
const (
	useDays   = 30
	useHeight = 120
	useStep   = 20
)

func (p *call) chart() (c useChart, err error) {
	from := p.midnight(time.Now()).AddDate(0, 0, 1-useDays)
	for i := range useDays {
		d := useDay{Day: from.AddDate(0, 0, i), X: i*useStep + 2}
		sums, err := p.c.Relay.Store.Counts(p.ctx, p.WS.ID, d.Day.UTC(), from.AddDate(0, 0, i+1).UTC())
		if err != nil {
			return c, err
		}
		for _, s := range sums {
			d.Good, d.Failed = d.Good+s.Sent-s.Failed, d.Failed+s.Failed
		}
		c.Max, c.Sum = max(c.Max, d.Good+d.Failed), c.Sum+d.Good+d.Failed
		c.Days = append(c.Days, d)
	}
	if c.Max == 0 {
		return c, nil
	}
	for i := range c.Days {
		d := &c.Days[i]
		d.High = float64(d.Good) * useHeight / float64(c.Max)
		d.FailH = float64(d.Failed) * useHeight / float64(c.Max)
		d.Y, d.FailY = useHeight-d.High, useHeight-d.High-d.FailH
	}
	return c, nil
}
