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
	// Calls are those of the webhook.
	Calls calls
	// Queues are what waits on each channel.
	Queues []channelQueue
	Use    use
	// Refill is when the plan fills the quota up; zero without one.
	Refill time.Time
	// Now is when all of this was read.
	Now time.Time
}

// step is one of the first things to do.
type step struct {
	// Name is that of its texts.
	Name string
	Done bool
	Path string
}

// calls are what the webhook's newest calls say.
type calls struct {
	// Last is when it was called last, By by which tool; zero where nobody has.
	Last time.Time
	By   string
	// Refused is how many of the last day were refused for what was in them,
	// Why the error code of the newest of those.
	Refused int64
	Why     relay.Code
}

// toldElsewhere are refusals that the overview has a line for already.
var toldElsewhere = []relay.Code{relay.CodeQuotaExhausted, relay.CodeWebhookDisabled, relay.CodeNoChannel}

func (p *call) calls(now time.Time) (c calls, err error) {
	all, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, newestAttempts)
	if err != nil {
		return c, err
	}
	for _, a := range all {
		at := attemptRow{Attempt: a}.Latest()
		if at.After(c.Last) {
			c.Last, c.By = at, a.Tool
		}
		if a.ErrorCode == "" || now.Sub(at) > 24*time.Hour || slices.Contains(toldElsewhere, a.ErrorCode) {
			continue
		}
		if c.Refused == 0 {
			c.Why = a.ErrorCode
		}
		c.Refused += max(int64(a.Count), 1)
	}
	return c, nil
}

// sampleSize is how many of the newest messages the overview reads.
const sampleSize = 1000

// sample is what the newest messages say.
type sample struct {
	// Read is how many there were, no more than sampleSize.
	Read                 int
	Unknown, Unconfirmed int
}

func (p *call) sample() (s sample, err error) {
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
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	return s, nil
}

func showOverview(p *call) error {
	now := time.Now()
	d := overview{Now: now}
	var err error
	if d.Account, err = p.c.Relay.Account(p.ctx, p.WS.ID); err != nil {
		return err
	}
	s, err := p.sample()
	if err != nil {
		return err
	}
	if d.Queues, err = p.queues(); err != nil {
		return err
	}
	if d.Calls, err = p.calls(now); err != nil {
		return err
	}
	days, err := p.lastDays(now)
	if err != nil {
		return err
	}
	d.Today, d.Chart = days[len(days)-1], p.draw(days)
	if d.Use, err = p.use(d.Account); err != nil {
		return err
	}
	if p.WS.Plan != nil {
		if next, err := p.WS.Plan.Next(now.UTC()); err == nil {
			d.Refill = next
		}
	}
	if s.Read == 0 {
		d.Steps = p.firstSteps(d)
	}
	if d.Alerts, err = p.alerts(d, s, now); err != nil {
		return err
	}
	return p.show("overview", d)
}

// firstSteps are what a new workspace needs before its first message.
func (p *call) firstSteps(d overview) []step {
	channel := slices.ContainsFunc(d.Queues, func(q channelQueue) bool { return q.DeletedAt.IsZero() })
	steps := []step{{Name: "channel", Done: channel, Path: p.At("channels", "new")}}
	if !p.Can("member") {
		steps[0].Path = p.At("channels")
	}
	if d.Account.Granted == 0 {
		steps = append(steps, step{Name: "units", Path: p.At("quota")})
	}
	return append(steps, step{Name: "webhook", Done: !d.Calls.Last.IsZero(), Path: p.At("webhook")}, step{Name: "send", Path: p.At("webhook", "try")})
}
