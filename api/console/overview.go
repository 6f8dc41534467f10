package console

import (
	"slices"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func (c *Console) overviewRoutes() []route {
	return []route{{pattern: "GET /w/{ws}", access: viewers, page: showOverview}}
}

// overview is what the first page of a workspace shows.
type overview struct {
	Account quota.Account
	// Alerts are what needs attention, the worst first.
	Alerts []alert
	// Steps are the first ones, of a workspace that has sent nothing; nil later.
	Steps []step
	// Chart is the last days.
	Chart chart
	Today dayFigures
	// Queues are what waits on each channel.
	Queues []channelQueue
	Pace   pace
}

// step is one of the first things to do.
type step struct {
	// Name is that of its texts.
	Name string
	Done bool
	Path string
}

// sampleSize is how many of the newest messages the overview reads.
const sampleSize = 1000

// sample is what the newest messages say.
type sample struct {
	// Read is how many there were, no more than sampleSize.
	Read                 int
	Unknown, Unconfirmed int
	// Day counts those accepted within 24 hours, Units what they cost.
	Day, Units int64
}

func (p *call) sample(now time.Time) (s sample, err error) {
	page := relay.Page{Limit: 200}
	for s.Read < sampleSize {
		found, next, err := p.c.Relay.Store.Messages(p.ctx, relay.MessageFilter{Workspace: p.WS.ID}, page)
		if err != nil {
			return s, err
		}
		for _, m := range found {
			s.Read++
			switch m.Status {
			case relay.Unknown:
				s.Unknown++
			case relay.Unconfirmed:
				s.Unconfirmed++
			}
			if now.Sub(m.CreatedAt) < 24*time.Hour {
				s.Day++
				s.Units += m.Units
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	return s, nil
}

// pace is how long the quota lasts.
type pace struct {
	// Units were used in the last 24 hours: Messages were sent, and Exactly
	// says whether each was looked at, or the newest of them for an average.
	Units, Messages int64
	Exactly         bool
	// Ends is when the quota is used up at that pace; zero for not within a
	// year, or where nothing was sent. Refill is when the plan fills it up;
	// zero without one.
	Ends, Refill time.Time
}

// paceOf works out how long what is available lasts, if as much is used in
// each day to come as in the last 24 hours.
func paceOf(available, sent int64, s sample, now time.Time) pace {
	p := pace{Messages: sent, Units: s.Units, Exactly: s.Read < sampleSize || s.Day < int64(s.Read)}
	if p.Exactly {
		p.Messages = s.Day
	} else if s.Day > 0 {
		p.Units = max(s.Units, sent*s.Units/s.Day)
	}
	if p.Units > 0 {
		if hours := float64(available) / float64(p.Units) * 24; hours < 365*24 {
			p.Ends = now.Add(time.Duration(hours * float64(time.Hour)))
		}
	}
	return p
}

func showOverview(p *call) error {
	now := time.Now()
	var d overview
	var err error
	if d.Account, err = p.c.Relay.Account(p.ctx, p.WS.ID); err != nil {
		return err
	}
	s, err := p.sample(now)
	if err != nil {
		return err
	}
	if d.Queues, err = p.queues(); err != nil {
		return err
	}
	days, err := p.lastDays(now)
	if err != nil {
		return err
	}
	d.Today, d.Chart = days[len(days)-1], p.draw(days)
	sent, err := p.sentSince(now.Add(-24 * time.Hour))
	if err != nil {
		return err
	}
	d.Pace = paceOf(d.Account.Available, sent, s, now)
	if p.WS.Plan != nil {
		if next, err := p.WS.Plan.Next(now.UTC()); err == nil {
			d.Pace.Refill = next
		}
	}
	if s.Read == 0 {
		if d.Steps, err = p.firstSteps(d); err != nil {
			return err
		}
	}
	if d.Alerts, err = p.alerts(d, s, now); err != nil {
		return err
	}
	return p.show("overview", d)
}

// firstSteps are what a new workspace needs before its first message.
func (p *call) firstSteps(d overview) ([]step, error) {
	calls, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, 1)
	if err != nil {
		return nil, err
	}
	channel := slices.ContainsFunc(d.Queues, func(q channelQueue) bool { return q.DeletedAt.IsZero() })
	steps := []step{{Name: "channel", Done: channel, Path: p.At("channels", "new")}}
	if !p.Can("member") {
		steps[0].Path = p.At("channels")
	}
	if d.Account.Granted == 0 {
		steps = append(steps, step{Name: "units", Path: p.At("quota")})
	}
	return append(steps, step{Name: "webhook", Done: len(calls) > 0, Path: p.At("webhook")}, step{Name: "send", Path: p.At("webhook", "try")}), nil
}
