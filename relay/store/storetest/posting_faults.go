package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func postingFaults() []storyCase {
	return []storyCase{
		{"AListGoesOnFromWhatWaitsToTheLog", listedWhole},
		{"WhatAnOldAddressSaysDecidesNothingAboutTheNewOne", movedMeanwhile},
		{"ATimeInWhichNothingWasTriedIsNoTimeOfFailing", pausedServer},
		{"OneFailureLongAfterAnotherDisablesNothing", rareEvents},
		{"ATimeThatAWrongClockWroteKeepsNothingWaiting", wrongClock},
		{"AStoryThatARecoveryEndsIsToldInOrder", storyAfterCrash},
		{"AStoryIsToldInOrderThoughClocksDiffer", storyAcrossClocks},
		{"WhatIsErasedDuringATurnIsNotTold", erasedMeanwhile},
		{"WhatWaitsForADisabledEndpointIsForgottenAfterAMonth", disabledForLong},
		{"AReceivedMessageIsToldHoweverMuchItHolds", manyWithCaptions},
		{"AReplayOfTooManyIDsIsRefused", replayBounded},
		{"EventsAreKeptNoLongerThanMessages", noLongerThanMessages},
	}
}

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

// movedMeanwhile gives an endpoint another address while a try at the old one
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

// disabledForLong keeps what waits for a disabled endpoint for as long as what
// was given up, and no longer.
func disabledForLong(t *testing.T, w *world) {
	off, on := w.endpoint("https://a.example", relay.EventAccepted), w.endpoint("https://b.example", relay.EventAccepted)
	many := func(n int) {
		for range n {
			w.accept(text("+1", "x"))
		}
	}
	many(3)
	no := false
	if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, off.ID, relay.EndpointPatch{Enabled: &no}); err != nil {
		t.Fatal(err)
	}
	check := func(after time.Duration, want int) {
		t.Helper()
		time.Sleep(after)
		if err := w.relay.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(w.pending(off.ID)); got != want {
			t.Errorf("%d wait, want %d", got, want)
		}
	}
	check(29*24*time.Hour, 3)
	check(2*24*time.Hour, 0)
	if n := len(w.pending(on.ID)); n != 3 {
		t.Errorf("%d wait for the other one, want 3: nobody has delivered", n)
	}
}

// manyWithCaptions takes a message with as much beside its text as a callback
// can hold, though somebody listens.
func manyWithCaptions(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventReceived)
	in := relay.Inbound{ID: "1", From: stays, Kind: "image", Text: strings.Repeat("\"", 200_000), At: time.Now()}
	for range 4 {
		in.Files = append(in.Files, relay.InboundFile{ID: "f", Name: strings.Repeat("\x01", 50_000), Caption: strings.Repeat("<", 50_000)})
	}
	no := true
	if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{NoFilesIn: &no}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in); err != nil {
		t.Fatal(err)
	}
	equal(t, "events", w.pending(e.ID), []string{"message.received"})
}

// replayBounded refuses more ids than a page of the list has.
func replayBounded(t *testing.T, w *world) {
	e := w.endpoint(listening)
	ids := make([]string, 201)
	for i := range ids {
		ids[i] = "evt_000000000000000000"
	}
	_, _, err := w.relay.Replay(t.Context(), w.ws.ID, e.ID, relay.ReplayOf{IDs: ids})
	w.code(err, relay.CodeInvalidField)
}

// noLongerThanMessages keeps of events nothing that is not kept of messages.
func noLongerThanMessages(t *testing.T, w *world) {
	w.set.KeepMessages = 24 * time.Hour
	w.start()
	e, off := w.endpoint(listening, relay.EventAccepted), w.endpoint("https://off.example", relay.EventAccepted)
	w.accept(text("+1", "x"))
	no := false
	if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, off.ID, relay.EndpointPatch{Enabled: &no}); err != nil {
		t.Fatal(err)
	}
	w.delivering(time.Minute)
	for _, want := range []int{1, 0} {
		time.Sleep(13 * time.Hour)
		if err := w.relay.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if log, waits := len(w.events(e.ID, "")), len(w.pending(off.ID)); log != want || waits != want {
			t.Errorf("%d are in the log, %d wait, want %d", log, waits, want)
		}
	}
}
