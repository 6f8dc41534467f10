package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// listedWhole pages through what waits and then through the log.
func listedWhole(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	const delivered, waiting = 12, 17
	for range delivered {
		w.accept(text("+1", "x"))
	}
	w.delivering(time.Minute)
	for range waiting {
		w.accept(text("+1", "y"))
	}
	for _, limit := range []int{1, 7, waiting, waiting + delivered, 100} {
		seen := map[string]bool{}
		f := relay.EventFilter{Workspace: w.ws.ID, Endpoint: e.ID}
		for p := (relay.Page{Limit: limit}); ; {
			some, next, err := w.relay.EndpointEvents(t.Context(), f, p)
			if err != nil || len(some) > limit {
				t.Fatalf("pages of %d: %d events after %d (%v)", limit, len(some), len(seen), err)
			}
			for _, ev := range some {
				if seen[ev.ID] {
					t.Errorf("pages of %d: %s is listed twice", limit, ev.ID)
				}
				seen[ev.ID] = true
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
		if len(seen) != delivered+waiting {
			t.Errorf("pages of %d list %d events, want %d", limit, len(seen), delivered+waiting)
		}
	}
}

// is under way: what the old one says decides nothing about the new one.
func movedMeanwhile(t *testing.T, w *world) {
	for _, status := range []int{500, 410} {
		old, moved := fmt.Sprintf("https://old.example/%d", status), fmt.Sprintf("https://new.example/%d", status)
		e := w.endpoint(old, relay.EventAccepted)
		id := w.accept(text("+1", "x"))
		w.receiver.mu.Lock()
		w.receiver.takes = 5 * time.Second
		w.receiver.mu.Unlock()
		w.receiver.tell(broken(old, status))
		stop := w.couriers()
		time.Sleep(2 * time.Second)
		if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, e.ID, relay.EndpointPatch{URL: &moved}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		stop()
		made := w.receiver.made(moved)
		if len(made) != 1 || !strings.Contains(made[0].Body, id) {
			t.Errorf("%d: the new address got %d tries", status, len(made))
		}
		if now := w.endpointNow(e.ID); now.Disabled || !now.FailingSince.IsZero() {
			t.Errorf("%d: the endpoint is %+v", status, now)
		}
	}
}

// pausedServer fails once, is not asked for a week, and fails once more.
func pausedServer(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	for range 3 {
		w.accept(text("+1", "x"))
	}
	w.receiver.answers(500)
	w.delivering(time.Second)
	time.Sleep(7 * 24 * time.Hour) // no server runs
	stop := w.couriers()
	time.Sleep(time.Second)
	if now := w.endpointNow(e.ID); now.Disabled || len(w.receiver.made("")) != 2 {
		t.Errorf("after two tries in a week, %d made: %+v", len(w.receiver.made("")), now)
	}
	time.Sleep(6 * 24 * time.Hour)
	stop()
	if now := w.endpointNow(e.ID); !now.Disabled {
		t.Errorf("after six days of tries: %+v", now)
	}
}

// rareEvents gives an event up, and fails once with the next one weeks later.
func rareEvents(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	w.accept(text("+1", "x"))
	w.receiver.answers(500)
	stop := w.couriers()
	time.Sleep(100 * time.Hour)
	equal(t, "waiting", w.pending(e.ID), nil)
	time.Sleep(14 * 24 * time.Hour)
	w.accept(text("+1", "y"))
	time.Sleep(time.Second)
	if now := w.endpointNow(e.ID); now.Disabled {
		t.Errorf("one failed try in two weeks: %+v", now)
	}
	w.receiver.answers(200)
	time.Sleep(10 * time.Second)
	stop()
	equal(t, "taken", w.receiver.took(listening), []string{"message.accepted"})
}

// editCard changes a card as a node with another clock would have written it.
func (w *world) editCard(kind, key string, due time.Time, edit map[string]any) {
	w.t.Helper()
	w.update(func(_ *report, tx relay.Tx) error {
		c, err := tx.Card(w.t.Context(), kind, w.ws.ID, key)
		if err != nil {
			return err
		}
		var v map[string]any
		if err := json.Unmarshal(c.Value, &v); err != nil {
			return err
		}
		for k, x := range edit {
			v[k] = x
		}
		if c.Value, err = json.Marshal(v); err != nil {
			return err
		}
		c.Due = due
		return tx.PutCard(w.t.Context(), c)
	})
}

// wrongClock leaves what a node wrote whose clock was years ahead.
func wrongClock(t *testing.T, w *world) {
	ahead := time.Now().AddDate(4, 0, 0)
	resting, leased := w.endpoint("https://a.example", relay.EventAccepted), w.endpoint("https://b.example", relay.EventAccepted)
	w.set.Shared = true
	w.start()
	w.accept(text("+1", "x"))
	w.editCard("endpoint", resting.ID, time.Time{}, map[string]any{"next_try": ahead})
	w.editCard("endpoint", leased.ID, time.Time{}, map[string]any{"lease": map[string]any{"node": "dead", "token": "t", "until": ahead}})
	for _, e := range []relay.Endpoint{resting, leased} {
		w.editCard("bell", e.ID, ahead, nil)
	}
	w.delivering(2 * time.Minute)
	for _, url := range []string{"https://a.example", "https://b.example"} {
		if n := len(w.receiver.took(url)); n != 1 {
			t.Errorf("%s took %d, want 1", url, n)
		}
	}
}

// storyAfterCrash is told of a message whose reports came while it was being
// sent, by who recovers: in the order of its story.
func storyAfterCrash(t *testing.T, w *world) {
	for range 12 {
		id := w.accept(text("+1", "x"))
		if _, err := w.relay.Claim(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		e := w.endpoint(listening)
		for _, s := range []relay.Status{relay.Sent, relay.Delivered, relay.Read} {
			w.report(id, s)
		}
		w.crash()
		w.is(relay.Read, id)
		equal(t, "events", w.pending(e.ID), wholeStory[1:])
		if err := w.relay.DeleteEndpoint(t.Context(), w.ws.ID, e.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
}

// erasedMeanwhile erases a person while the first of their events is being
// posted: the others are not told any more.
func erasedMeanwhile(t *testing.T, w *world) {
	w.endpoint(listening, relay.EventReceived)
	for n := range 5 {
		w.writes(w.ch.ID, gone, fmt.Sprint(private, n))
	}
	w.writes(w.ch.ID, stays, "another wrote")
	w.receiver.takes = 2 * time.Second
	stop := w.couriers()
	time.Sleep(time.Second)
	if _, err := w.relay.ErasePerson(t.Context(), w.ws.ID, gone); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	stop()
	made := w.receiver.made("")
	if len(made) != 2 || strings.Contains(made[1].Body, private) {
		t.Errorf("%d were told, want the one under way and the other person's", len(made))
	}
	if w.cards("event")+w.cards("bell") != 0 || w.cards("event_log") != 1 {
		t.Errorf("%d wait, %d bells, %d in the log", w.cards("event"), w.cards("bell"), w.cards("event_log"))
	}
}

// the family's form tells by their name and their chat alone.
func eraseInFamily(t *testing.T, w *world) {
	_, _, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening, Form: relay.FormTimelines, Types: relay.EventTypes(relay.FormTimelines)})
	if err != nil {
		t.Fatal(err)
	}
	in := relay.Inbound{ID: "1", User: "MX.their-id", Name: "Their Name", Kind: "text", Text: private, At: time.Now()}
	chat, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	w.accept(relay.Action{To: relay.Address{ChatID: chat.ID}, Text: private + " answered"})
	w.dispatch(time.Minute)
	w.wroteInAGroup("MX.their-id", private+" in a group")
	w.wroteInAGroup(stays, "another in a group")
	got, err := w.relay.ErasePerson(t.Context(), w.ws.ID, "MX.their-id")
	if err != nil || got.Events != 6 || got.Inbound != 2 || got.Messages != 1 {
		t.Errorf("erased %+v (%v)", got, err)
	}
	w.hasNot(w.ws.ID, private, "Their Name", "their-id")
	if !strings.Contains(w.everythingKept(w.ws.ID), "another in a group") {
		t.Error("what another said is gone")
	}
}

// eraseByChat erases somebody of whom calls that were refused name the chat
// alone, by its number or its name.
func eraseByChat(t *testing.T, w *world) {
	in := relay.Inbound{ID: "1", From: gone, Name: "Zoë Person", Kind: "text", Text: "STOP", At: time.Now()}
	chat, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	other := w.writes(w.ch.ID, stays, "STOP")
	bodies := map[string]relay.Address{
		`chat_name=zo&chat_id=&text=kept`:                                   {ChatID: other.ID},
		`{"chat_id":"` + chat.ID + `","text":"a private word 1"}`:           {ChatID: chat.ID},
		`{ "Chat Id" : ` + chat.ID + `, "text": "a private word 2"}`:        {ChatID: chat.ID},
		`text=a+private+word+3&chat_id=` + chat.ID:                          {ChatID: chat.ID},
		`{"chat_name": "Zo\u00eb Person", "text": "a private word 4"}`:      {ChatName: "Zoë Person"},
		`chat_name=Zoe%CC%88+Person&text=a+private+word+5`:                  {ChatName: "Zoë Person"},
		`{"chat_id":"` + other.ID + `","text":"kept"}`:                      {ChatID: other.ID},
		`{"chat_id":"` + other.ID + `0","text":"kept ` + chat.ID + ` too"}`: {ChatID: other.ID},
	}
	for body, to := range bodies {
		c := w.now()
		c.Body, c.UserAgent = []byte(body), body // so that they do not fold
		_, err := w.relay.Accept(t.Context(), c, relay.Action{To: to, Text: "x"})
		w.code(err, relay.CodeOptedOut)
	}
	got, err := w.relay.ErasePerson(t.Context(), w.ws.ID, gone)
	if err != nil || got.Attempts != 5 {
		t.Errorf("erased %+v (%v)", got, err)
	}
	for _, a := range w.attempts() {
		if strings.Contains(string(a.Body), "private") {
			t.Errorf("left: %s", a.Body)
		}
		if strings.Contains(a.Sender, "kept") != strings.Contains(string(a.Body), "kept") {
			t.Errorf("of another's call is left: %q", a.Body)
		}
	}
}

// stopThenCrash leaves what a node left that died right after the STOP was
// durable: nothing goes out to them any more, whoever comes first.
func stopThenCrash(t *testing.T, w *world) {
	first, second := w.accept(text("+14155550100", "one")), w.accept(text("+14155550100", "two"))
	another := w.accept(text("+14155550101", "to another"))
	w.update(func(_ *report, tx relay.Tx) error {
		ws, err := tx.Workspace(t.Context(), w.ws.ID)
		if err != nil {
			return err
		}
		ws.OptedOut = 1
		value, err := json.Marshal(relay.OptOut{Workspace: w.ws.ID, Recipient: "+14155550100", At: time.Now(), By: relay.ByRecipient})
		if err != nil {
			return err
		}
		c := relay.Card{Kind: "opt_out", Workspace: w.ws.ID, Key: "+14155550100", Due: time.Now(), Value: value}
		return errors.Join(tx.PutWorkspace(t.Context(), ws), tx.PutCard(t.Context(), c))
	})
	w.dispatch(time.Minute)
	w.is(relay.Sent, another)
	w.is(relay.Canceled, first, second)
	if n := len(w.driver.made()); n != 1 {
		t.Errorf("%d calls, want none but to the other person", n)
	}
	if m := w.message(first); m.Failure == nil || m.Failure.Code != relay.CodeOptedOut {
		t.Errorf("it ended with %+v", m.Failure)
	}
	w.balance(99, 0, 1)
}

// storyAcrossClocks is told by three nodes, of which the first one's clock is
// ahead.
func storyAcrossClocks(t *testing.T, w *world) {
	for range 8 {
		id := w.reach(relay.Sent)
		w.update(func(_ *report, tx relay.Tx) error {
			m, err := tx.Message(t.Context(), w.ws.ID, id)
			if err != nil {
				return err
			}
			last := &m.History[len(m.History)-1]
			last.At = last.At.Add(10 * time.Second)
			return tx.PutMessage(t.Context(), m)
		})
		e := w.endpoint(listening)
		for _, s := range []relay.Status{relay.Delivered, relay.Read} {
			w.start()
			w.report(id, s)
		}
		equal(t, "events", w.pending(e.ID), []string{"message.delivered", "message.read"})
		if err := w.relay.DeleteEndpoint(t.Context(), w.ws.ID, e.ID); err != nil {
			t.Fatal(err)
		}
	}
}
