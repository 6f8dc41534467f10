package storetest

import (
	"context"
	"errors"
	"time"

	"pgregory.net/rapid"

	"relevo/quota"
	"relevo/relay"
)

// model is what a person would keep on paper.
type model struct {
	account  quota.Account
	messages map[string]*modelMessage
	actions  []relay.Action // accepted under a key
	refill   time.Time      // the plan's next refill; zero without a plan
}

type modelMessage struct {
	status  relay.Status
	units   int64
	held    int64 // what it holds or has spent now
	expires time.Time
	again   string // what repeats it
}

func (m *model) debit(id string, units int64, expires time.Time) {
	m.account.Available -= units
	m.account.Reserved += units
	m.messages[id] = &modelMessage{status: relay.Queued, units: units, held: units, expires: expires}
}

// move follows the table: what may follow what, and what it does to the units.
// What is not in the table changes nothing.
func (m *model) move(msg *modelMessage, to relay.Status) {
	a := &m.account
	switch from := msg.status; {
	case from == relay.Queued && to == relay.Sending, from == relay.Sending && (to == relay.Queued || to == relay.Unknown):
	case from == relay.Queued && (to == relay.Canceled || to == relay.Expired || to == relay.Failed),
		from == relay.Sending && to == relay.Failed,
		from == relay.Unknown && (to == relay.Failed || to == relay.Unconfirmed):
		a.Reserved -= msg.held
		a.Available += msg.held
		msg.held = 0
	case from == relay.Sending && to == relay.Sent,
		from == relay.Unknown && (to == relay.Sent || to == relay.Delivered || to == relay.Read):
		a.Reserved -= msg.held
		a.Spent += msg.held
	case from == relay.Sent && to == relay.Failed:
		a.Spent -= msg.held
		a.Available += msg.held
		msg.held = 0
	case from == relay.Unconfirmed && (to == relay.Sent || to == relay.Delivered || to == relay.Read),
		from == relay.Failed && (to == relay.Delivered || to == relay.Read):
		msg.held = min(msg.units, a.Available) // a shortfall is never collected
		a.Available -= msg.held
		a.Spent += msg.held
	case from == relay.Unconfirmed && to == relay.Failed,
		from == relay.Sent && (to == relay.Delivered || to == relay.Read),
		from == relay.Delivered && to == relay.Read:
	default:
		return
	}
	msg.status = to
}

func (m *model) expire(now time.Time) {
	for _, msg := range m.messages {
		if msg.status == relay.Queued && !now.Before(msg.expires) {
			m.move(msg, relay.Expired)
		}
	}
}

var verdicts = map[string]*relay.SendError{
	"sent": nil, "refused": {Verdict: relay.Refused}, "unsure": {Verdict: relay.Unsure}, "channel fault": {Verdict: relay.ChannelFault},
	"deferred": {Verdict: relay.Deferred}, "deferred shortly": {Verdict: relay.Deferred, After: time.Second},
}

// answer is what the provider says in this step.
func (p *property) answer(out relay.Outgoing) (string, error) {
	if e := verdicts[p.outcome]; e != nil {
		return "", e
	}
	return "p-" + out.MessageID, nil
}

// dispatchOne lets the relay work for some seconds with one outcome, and
// applies to the model what the provider was asked to do.
func (p *property) dispatchOne(rt *rapid.T) {
	p.outcome = rapid.SampledFrom([]string{"sent", "sent", "refused", "unsure", "deferred", "deferred shortly", "channel fault"}).Draw(rt, "outcome")
	p.expireDue()
	p.model.expire(time.Now())
	p.dispatch(time.Duration(rapid.IntRange(1, 20).Draw(rt, "seconds")) * time.Second)
	p.learn()
	p.expireDue() // a claim may have ended some of them already
	p.model.expire(time.Now())
}

// learn applies the calls that the model has not seen.
func (p *property) learn() {
	calls := p.driver.made()
	for _, c := range calls[p.seen:] {
		m := p.model.messages[c.Message]
		if m == nil || m.status != relay.Queued || !c.Start.Before(m.expires) {
			p.rt.Fatalf("the provider was given message %s (%+v) at %v", c.Message, m, c.Start)
		}
		p.model.move(m, relay.Sending)
		switch p.outcome {
		case "sent":
			p.model.move(m, relay.Sent)
		case "refused":
			p.model.move(m, relay.Failed)
		case "unsure":
			p.model.move(m, relay.Unknown)
		default:
			p.model.move(m, relay.Queued)
		}
	}
	p.seen = len(calls)
}

// crashOne closes and opens while nothing is under way.
func (p *property) crashOne(*rapid.T) { p.crash() }

// crashSending leases what is due, reports some of it, and never settles it.
func (p *property) crashSending(rt *rapid.T) {
	p.expireDue()
	p.model.expire(time.Now())
	leases, err := p.relay.Claim(context.Background(), 5)
	p.must("claim", err)
	for _, l := range leases {
		p.model.move(p.model.messages[l.Item], relay.Sending)
	}
	p.check(rt)
	var early relay.Status
	if len(leases) > 0 && rapid.Bool().Draw(rt, "reported") {
		early = rapid.SampledFrom([]relay.Status{relay.Sent, relay.Delivered, relay.Failed}).Draw(rt, "status")
		p.reportAs(leases[0].Item, early)
		p.check(rt)
	}
	p.crash()
	for i, l := range leases {
		m := p.model.messages[l.Item]
		p.model.move(m, relay.Unknown)
		if i == 0 && early != "" {
			p.model.move(m, early)
		}
	}
}

// reportAs lets the provider of the message's own channel say something.
func (p *property) reportAs(id string, s relay.Status) {
	for _, ch := range p.channels { // the other one's word counts for nothing
		err := p.relay.Report(context.Background(), ch.ID, []relay.Report{{MessageID: id, Status: s, At: time.Now()}})
		p.must("report", err)
	}
}

func (p *property) reportOne(rt *rapid.T) {
	id, m := p.one(rt, func(*modelMessage) bool { return true })
	s := rapid.SampledFrom([]relay.Status{relay.Sent, relay.Delivered, relay.Read, relay.Failed}).Draw(rt, "status")
	for range rapid.IntRange(1, 2).Draw(rt, "times") {
		p.reportAs(id, s)
		if m.status != relay.Queued {
			p.model.move(m, s)
		}
	}
}

func (p *property) cancelOne(rt *rapid.T) {
	id, m := p.one(rt, func(*modelMessage) bool { return true })
	_, err := p.relay.Cancel(context.Background(), p.ws.ID, id)
	if m.status != relay.Queued {
		p.code(err, relay.CodeNotCancelable)
		return
	}
	p.must("cancel", err)
	p.model.move(m, relay.Canceled)
}

func (p *property) resendOne(rt *rapid.T) {
	id, m := p.one(rt, func(*modelMessage) bool { return true })
	again, err := p.relay.Resend(context.Background(), p.ws.ID, id)
	switch m.status {
	case relay.Failed, relay.Expired, relay.Canceled, relay.Unconfirmed:
	default:
		p.code(err, relay.CodeNotResendable)
		return
	}
	last := m
	for last.again != "" {
		last = p.model.messages[last.again]
	}
	switch last.status {
	case relay.Failed, relay.Expired, relay.Canceled, relay.Unconfirmed:
	default:
		p.code(err, relay.CodeNotResendable)
		return
	}
	if p.model.account.Available < m.units {
		p.code(err, relay.CodeQuotaExhausted)
		return
	}
	p.must("resend", err)
	p.model.debit(again.ID, m.units, again.ExpiresAt)
	last.again = again.ID
}

// refillAll sets a plan that rolls over, the first time, and lets some of its
// periods pass.
func (p *property) refillAll(rt *rapid.T) {
	if p.model.refill.IsZero() {
		w, err := p.relay.SetPlan(context.Background(), p.ws.ID, &quota.Plan{Units: 3, Schedule: "@every 1h", RollOver: true})
		p.must("plan", err)
		p.model.refill = w.Plan.Since.Truncate(time.Second).Add(time.Hour)
	}
	time.Sleep(time.Duration(rapid.IntRange(0, 150).Draw(rt, "minutes")) * time.Minute)
	for range 2 {
		p.must("refill", p.relay.RefillAll(context.Background()))
	}
	for now := time.Now(); !p.model.refill.After(now); p.model.refill = p.model.refill.Add(time.Hour) {
		p.model.account.Granted += 3
		p.model.account.Available += 3
	}
	p.expireDue()
	p.model.expire(time.Now())
}

// code checks that a call was refused with a code.
func (p *property) code(err error, want relay.Code) {
	var e *relay.Error
	if !errors.As(err, &e) || e.Code != want {
		p.rt.Fatalf("got error %v, want code %s", err, want)
	}
}

// refused takes an action that must be refused with a code.
func (p *property) refused(a relay.Action, want relay.Code) {
	_, err := p.relay.Accept(context.Background(), p.now(), a)
	p.code(err, want)
}
