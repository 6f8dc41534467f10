package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"relevo/quota"
	"relevo/relay"
)

// Property drives a relay over a store at random, crashes included, and holds
// every balance and every status against a plain model. Each run has a bubble
// and a folder of its own. Settings of package rapid (-rapid.checks …) apply.
func Property(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		var failure any
		synctest.Test(t, func(t *testing.T) {
			defer func() { failure = recover() }() // rapid's own way to fail; it belongs outside
			p := newProperty(t, rt, open)
			rt.Repeat(p.actions())
			p.end()
		})
		if failure != nil {
			panic(failure)
		}
	})
}

// property is a run: the world under test beside the model of it.
type property struct {
	*world
	rt       *rapid.T
	model    model
	step     int
	outcome  string // of the next calls
	seen     int    // calls that the model knows
	channels []relay.Channel
	keys     map[string]string // key -> message
}

func newProperty(t *testing.T, rt *rapid.T, open Open) *property {
	p := &property{world: newWorld(t, open), rt: rt, keys: map[string]string{}}
	p.model = model{account: quota.Account{Granted: 100, Available: 100}, messages: map[string]*modelMessage{}}
	p.channels = []relay.Channel{p.ch, p.channel("+15550002222", 0, 0)}
	p.driver.captions = true
	p.driver.does(p.answer)
	return p
}

func (p *property) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": p.check,
		// what is there more often happens more often
		"accept": p.acceptOne, "accept more": p.acceptOne, "accept file": p.acceptFile, "duplicate": p.duplicate, "refused": p.refuse,
		"rotate": p.rotateOne, "disable": p.disable, "pause": p.pause,
		"dispatch": p.dispatchOne, "dispatch more": p.dispatchOne, "crash": p.crashOne, "crash while sending": p.crashSending,
		"report": p.reportOne, "report more": p.reportOne, "cancel": p.cancelOne, "resend": p.resendOne,
		"time passes": p.timePasses, "reconcile": p.reconcileAll, "refill": p.refillAll, "grant": p.grantOne, "prune": p.pruneAll,
	}
}

// check compares everything after every step.
func (p *property) check(*rapid.T) {
	p.step++
	a, err := p.relay.Account(p.t.Context(), p.ws.ID)
	p.must("account", err)
	got := [4]int64{a.Granted, a.Available, a.Reserved, a.Spent}
	m := p.model.account
	if want := [4]int64{m.Granted, m.Available, m.Reserved, m.Spent}; got != want || got[0] != got[1]+got[2]+got[3] {
		p.rt.Fatalf("granted, available, reserved, spent are %v; the model says %v", got, want)
	}
	for id, want := range p.model.messages {
		var m relay.Message
		err := p.store.View(p.t.Context(), func(tx relay.Tx) (err error) { m, err = tx.Message(p.t.Context(), p.ws.ID, id); return err })
		p.must("message", err)
		if m.Status != want.status {
			p.rt.Fatalf("message %s is %s; the model says %s (history %v)", id, m.Status, want.status, m.History)
		}
	}
	if p.step%10 == 0 {
		p.audit()
	}
}

func (p *property) audit() {
	_, err := p.store.Verify(p.t.Context(), func(s string) { p.rt.Fatalf("verify: %s", s) })
	p.must("verify", err)
}

func (p *property) must(what string, err error) {
	if err != nil {
		p.rt.Fatalf("%s: %v", what, err)
	}
}

func (p *property) end() {
	p.crashOne(p.rt)
	p.check(p.rt)
	p.audit()
	p.must("close", p.store.Close())
}

// one draws a message that passes.
func (p *property) one(rt *rapid.T, pass func(*modelMessage) bool) (string, *modelMessage) {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(p.model.messages)) {
		if pass(p.model.messages[id]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		rt.Skip("no such message")
	}
	id := ids[rapid.IntRange(0, len(ids)-1).Draw(rt, "message")]
	return id, p.model.messages[id]
}

func (p *property) acceptOne(rt *rapid.T) { p.post(rt, p.draw(rt)) }

func (p *property) draw(rt *rapid.T) relay.Action {
	a := text(fmt.Sprintf("+%d", rapid.IntRange(1, 4).Draw(rt, "to")), fmt.Sprint(p.step))
	a.AccountPhone = p.channels[rapid.IntRange(0, 1).Draw(rt, "channel")].Phone
	a.ExpiresIn = time.Duration(rapid.IntRange(1, 300).Draw(rt, "expires in")) * time.Second
	if rapid.IntRange(0, 4).Draw(rt, "scheduled") == 0 {
		a.SendAt = time.Now().Add(time.Duration(rapid.IntRange(-10, 200).Draw(rt, "send at")) * time.Second).UTC()
	}
	if rapid.Bool().Draw(rt, "keyed") {
		a.Key = fmt.Sprint("key", p.step)
	}
	return a
}

func (p *property) acceptFile(rt *rapid.T) {
	a := p.draw(rt)
	a.FileURL, a.FileName = "https://example.com/a.png", "a.png"
	p.post(rt, a)
}

// post calls the hook; the model knows whether it must be covered.
func (p *property) post(rt *rapid.T, a relay.Action) {
	units := int64(1)
	if a.FileURL != "" {
		units = 2
	}
	got, err := p.relay.Accept(p.t.Context(), p.now(), a)
	if p.model.account.Available < units {
		p.code(err, relay.CodeQuotaExhausted)
		return
	}
	p.must("accept", err)
	p.model.debit(got.MessageID, units, time.Now().Add(a.ExpiresIn))
	if a.Key != "" {
		p.keys[a.Key] = got.MessageID
		p.model.actions = append(p.model.actions, a)
	}
}

func (p *property) duplicate(rt *rapid.T) {
	if len(p.model.actions) == 0 {
		rt.Skip("nothing to repeat")
	}
	a := p.model.actions[rapid.IntRange(0, len(p.model.actions)-1).Draw(rt, "action")]
	got, err := p.relay.Accept(p.t.Context(), p.now(), a)
	p.must("replay", err)
	if !got.Replayed || got.MessageID != p.keys[a.Key] {
		rt.Fatalf("got %+v, want a replay of %s", got, p.keys[a.Key])
	}
	a.Fingerprint[0]++
	_, err = p.relay.Accept(p.t.Context(), p.now(), a)
	p.code(err, relay.CodeIdempotencyConflict)
}

func (p *property) refuse(*rapid.T) {
	p.refused(relay.Action{To: relay.Address{ChatID: "1"}, Text: "x"}, relay.CodeChatNotFound)
}

func (p *property) rotateOne(rt *rapid.T) {
	grace := rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(rt, "grace")
	old := p.rotate(grace)
	call := p.now()
	call.Hook = old
	_, err := p.relay.Accept(p.t.Context(), call, relay.Action{To: relay.Address{ChatID: "1"}, Text: "x"})
	want := relay.CodeNotFound
	if grace > 0 {
		want = relay.CodeChatNotFound
	}
	p.code(err, want)
}

func (p *property) disable(rt *rapid.T) {
	p.enable(false)
	p.refused(p.draw(rt), relay.CodeWebhookDisabled)
	p.enable(true)
}

func (p *property) pause(rt *rapid.T) {
	ch := p.channels[rapid.IntRange(0, 1).Draw(rt, "channel")]
	edit := p.relay.ResumeChannel
	if rapid.Bool().Draw(rt, "pause") {
		edit = p.relay.PauseChannel
	}
	_, err := edit(p.t.Context(), p.ws.ID, ch.ID)
	p.must("pause", err)
}

func (p *property) timePasses(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 120).Draw(rt, "seconds")) * time.Second)
	p.expireDue()
	p.model.expire(time.Now())
}

func (p *property) reconcileAll(*rapid.T) {
	time.Sleep(2*time.Hour + time.Minute)
	p.expireDue()
	p.model.expire(time.Now())
	p.reconcile()
	for _, m := range p.model.messages {
		if m.status == relay.Unknown {
			p.model.move(m, relay.Unconfirmed)
		}
	}
}

func (p *property) grantOne(rt *rapid.T) {
	units := int64(rapid.IntRange(1, 5).Draw(rt, "units"))
	for range 2 {
		p.grant(fmt.Sprint("grant ", p.step), units)
	}
	p.model.account.Granted += units
	p.model.account.Available += units
}

func (p *property) pruneAll(*rapid.T) {
	time.Sleep(time.Second)
	p.expireDue()
	p.model.expire(time.Now())
	p.prune(time.Now())
	for id, m := range p.model.messages {
		if m.status.Settled() {
			delete(p.model.messages, id)
		}
	}
}
