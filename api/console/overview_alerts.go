package console

import (
	"cmp"
	"time"
)

// alert is one thing that needs attention.
type alert struct {
	// Kind is "bad" for what stops messages, "wait" for what soon may.
	Kind, Text string
	// Detail is in English, as it came.
	Detail string
	// Path leads to where it is mended, by the name Link.
	Path, Link string
}

// alerts are what needs attention, what stops messages first.
func (p *call) alerts(d overview, s sample, now time.Time) ([]alert, error) {
	all := p.quotaAlerts(d)
	all = append(all, p.webhookAlerts()...)
	if c := d.Calls; c.Refused > 0 {
		all = append(all, alert{Kind: "wait", Text: p.N("overview.refused", c.Refused, "Why", p.T("error."+string(c.Why))), Path: p.At("attempts") + "?outcome=refused", Link: p.T("overview.look")})
	}
	for _, q := range d.Queues {
		some, err := p.channelAlerts(q, now)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(d.Queues) == 0 && d.Steps == nil {
		all = append(all, alert{Kind: "bad", Text: p.T("overview.no_channel"), Path: p.At("channels"), Link: p.T("menu.channels")})
	}
	all = append(all, p.outcomeAlerts(d, s)...)
	endpoints, err := p.c.Relay.Endpoints(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if t := p.Trouble(e); t.Text != "" {
			name := p.Short(cmp.Or(e.Description, e.URL), 60)
			all = append(all, alert{Kind: "wait", Text: p.T("overview.endpoint", "Name", name) + " " + t.Text, Detail: t.Detail, Path: p.At("endpoints", e.ID), Link: p.T("menu.endpoints")})
		}
	}
	var sorted []alert
	for _, kind := range []string{"bad", "wait"} {
		for _, a := range all {
			if a.Kind == kind {
				sorted = append(sorted, a)
			}
		}
	}
	return sorted, nil
}

func (p *call) quotaAlerts(d overview) (all []alert) {
	tell := func(kind, text string) {
		all = append(all, alert{Kind: kind, Text: text, Path: p.At("quota"), Link: p.T("menu.quota")})
	}
	if d.Account.Frozen {
		tell("bad", p.T("overview.frozen"))
	}
	if d.Account.Granted == 0 && d.Steps != nil {
		return all // the steps say so
	}
	switch mark := p.WS.Meter.Mark(d.Account.Available); mark {
	case 100:
		tell("bad", p.T("overview.quota_empty"))
	case 80, 95:
		tell("wait", p.T("overview.quota_low", "Percent", mark, "Left", p.Num(d.Account.Available)))
	}
	return all
}

func (p *call) webhookAlerts() (all []alert) {
	h := p.WS.Webhook
	tell := func(kind, text string) {
		all = append(all, alert{Kind: kind, Text: text, Path: p.At("webhook"), Link: p.T("menu.webhook")})
	}
	if !h.Enabled {
		tell("bad", p.T("overview.webhook_off"))
	}
	if h.Test {
		tell("wait", p.T("overview.webhook_test"))
	}
	if h.ListenUntil.After(time.Now()) {
		tell("wait", p.T("overview.webhook_listens"))
	}
	return all
}

// credentialDays is how early the overview tells that credentials end.
const credentialDays = 14

func (p *call) channelAlerts(q channelQueue, now time.Time) (all []alert, err error) {
	if !q.DeletedAt.IsZero() {
		return nil, nil
	}
	name := q.Called
	tell := func(kind, text, detail, path, link string) {
		all = append(all, alert{Kind: kind, Text: text, Detail: detail, Path: path, Link: link})
	}
	channel, queue := p.At("channels", q.ID), p.At("queue", q.ID)
	switch q.State() {
	case "held":
		tell("bad", p.N("overview.held", q.Waiting, "Name", name), q.Reason, channel, name)
	case "disconnected":
		tell("bad", p.N("overview.disconnected", q.Waiting, "Name", name), q.Reason, channel, name)
	case "paused":
		tell("wait", p.N("overview.paused", q.Waiting, "Name", name), "", queue, p.T("menu.queue"))
	case "open":
		since, err := p.waitsSince(q)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() && now.Sub(since) > waitsTooLong {
			tell("wait", p.T("overview.waits", "Name", name, "Span", p.Span(now.Sub(since))), "", queue, p.T("menu.queue"))
		}
	}
	if end := q.CredentialsUntil; !end.IsZero() && end.Before(now) {
		tell("bad", p.T("overview.credentials_ended", "Name", name, "At", p.Exact(end)), "", channel, name)
	} else if !end.IsZero() && end.Sub(now) < credentialDays*24*time.Hour {
		tell("wait", p.T("overview.credentials_end", "Name", name, "At", p.Exact(end)), "", channel, name)
	}
	if q.TemplatesFault != "" {
		tell("wait", p.T("overview.templates", "Name", name), q.TemplatesFault, p.At("templates"), p.T("menu.templates"))
	}
	if until := p.c.Relay.Outage(q.Channel, now); !until.IsZero() {
		tell("bad", p.T("overview.outage", "Name", name, "At", p.Clock(until)), "", channel, name)
	}
	return all, nil
}

// waitsTooLong is how long the first message of an open channel may wait
// unnoticed.
const waitsTooLong = time.Hour

// waitsSince is since when the oldest message of a channel could have left;
// zero where it waits for a time of its own.
func (p *call) waitsSince(q channelQueue) (time.Time, error) {
	if q.Oldest == "" {
		return time.Time{}, nil
	}
	m, err := p.message(q.Oldest)
	if isNotFound(err) { // it left meanwhile
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	if m.SendAt.After(m.CreatedAt) {
		return m.SendAt, nil
	}
	return m.CreatedAt, nil
}

// failedShare is the share of today's messages, in percent, above which
// failures are told, and failedLeast how few are not.
const (
	failedShare = 10
	failedLeast = 3
)

func (p *call) outcomeAlerts(d overview, s sample) (all []alert) {
	if s.Unconfirmed > 0 {
		all = append(all, alert{Kind: "wait", Text: p.N("overview.unconfirmed", s.Unconfirmed), Path: p.At("messages") + "?status=unconfirmed", Link: p.T("overview.look")})
	}
	if s.Unknown > 0 {
		all = append(all, alert{Kind: "wait", Text: p.N("overview.unknown", s.Unknown), Path: p.At("messages") + "?status=unknown", Link: p.T("overview.look")})
	}
	if t := d.Today; t.Failed >= failedLeast && t.Failed*100 >= t.Sent*failedShare {
		all = append(all, alert{Kind: "wait", Text: p.N("overview.failed", t.Failed, "Sent", p.Num(t.Sent)), Path: p.At("messages") + "?status=failed&from=" + t.Day.Format(time.DateOnly), Link: p.T("overview.look")})
	}
	return all
}
