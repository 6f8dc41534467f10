package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func posting() []storyCase {
	return append(postingFaults(), []storyCase{
		{"EventsArriveInOrderEachOnce", inOrder},
		{"AFailingEndpointHoldsUpNoOtherOne", isolated},
		{"ASlowEndpointHoldsUpNoOtherOne", slowEndpoint},
		{"AFailedTryIsRepeatedOnTheSchedule", onSchedule},
		{"WhatHappensMeanwhileDoesNotHurryAFailingEndpoint", unhurried},
		{"AnEndpointIsDisabledAfterFiveDaysAndGoesOnOnceEnabled", disabledAfterDays},
		{"AGoneEndpointIsDisabledAtOnce", goneEndpoint},
		{"AReceiverMayAskForMoreTimeNotForLess", askedForTime},
		{"TwoSecretsSignWhileOneIsReplaced", twoSecrets},
		{"AChangeOfAnEndpointCountsFromTheNextPostOn", changedMeanwhile},
		{"WhatWaitsForADisabledEndpointIsSentOnceItIsEnabled", switchedOff},
		{"AReplayHasTheSameIDAndBody", replayed},
		{"ADeletedEndpointLeavesNothing", deletedEndpoint},
		{"ADeletedWorkspaceTellsNobody", deletedListener},
		{"OneEndpointIsDeliveredToByOneNodeAtATime", oneNodeAtATime},
		{"AfterACrashNothingIsLost", afterCrash},
		{"AnotherNodeTakesOverWhenALeaseEnds", takenOver},
		{"ALogIsKeptForAWeekOrAMonth", logPruned},
		{"ATestSendsASampleAndLeavesNoTrace", tested},
	}...)
}

func inOrder(t *testing.T, w *world) {
	e := w.endpoint(listening)
	stop := w.couriers()
	w.tells()
	time.Sleep(time.Second)
	equal(t, "taken", w.receiver.took(listening), wholeStory)
	for range 30 {
		w.accept(text("+1", "x"))
	}
	w.dispatch(3 * time.Minute)
	stop()
	made := w.receiver.made(listening)
	if len(made) != 4+60 || !slices.IsSortedFunc(made, func(a, b posted) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("%d events, want 64 in the order of their ids", len(made))
	}
	if n := len(w.events(e.ID, relay.EventWasDelivered)); n != 64 || w.cards("event") != 0 || w.cards("bell") != 0 {
		t.Errorf("%d in the log, %d wait, %d bells; want 64, 0, 0", n, w.cards("event"), w.cards("bell"))
	}
	if ev := w.events(e.ID, "")[0]; ev.State() != relay.EventWasDelivered || ev.Status != 204 || ev.Tries != 1 || ev.Body != made[0].Body {
		t.Errorf("log %+v", ev)
	}
}

// broken fails one address and lets all others take what comes.
func broken(url string, status int) func(relay.Posting) relay.Posted {
	return func(p relay.Posting) relay.Posted {
		if p.URL == url {
			return answer(status)
		}
		return answer(200)
	}
}

func isolated(t *testing.T, w *world) {
	bad := w.endpoint("https://bad.example")
	w.endpoint(listening)
	w.receiver.tell(broken("https://bad.example", 500))
	stop := w.couriers()
	w.tells()
	time.Sleep(time.Minute)
	equal(t, "taken", w.receiver.took(listening), wholeStory)
	if n := len(w.receiver.made("https://bad.example")); n != 2 {
		t.Errorf("%d tries at the broken one within a minute, want 2: of the first event alone", n)
	}
	equal(t, "waiting", w.pending(bad.ID), wholeStory)
	if e := w.endpointNow(bad.ID); e.FailingSince.IsZero() || len(e.Notices()) != 1 {
		t.Errorf("endpoint %+v", e)
	}
	w.receiver.answers(200)
	time.Sleep(6 * time.Minute)
	stop()
	equal(t, "taken late", w.receiver.took("https://bad.example"), wholeStory)
	if e := w.endpointNow(bad.ID); !e.FailingSince.IsZero() || len(e.Notices()) != 0 {
		t.Errorf("endpoint %+v", e)
	}
}

func slowEndpoint(t *testing.T, w *world) {
	w.endpoint("https://slow.example")
	w.endpoint(listening)
	w.receiver.tell(func(p relay.Posting) relay.Posted {
		if p.URL != listening {
			time.Sleep(14 * time.Second)
		}
		return answer(200)
	})
	stop := w.couriers()
	w.tells()
	time.Sleep(5 * time.Second)
	equal(t, "taken", w.receiver.took(listening), wholeStory)
	if n := len(w.receiver.took("https://slow.example")); n != 0 {
		t.Errorf("the slow one took %d", n)
	}
	time.Sleep(2 * time.Minute) // longer than a lease
	stop()
	equal(t, "taken slowly", w.receiver.took("https://slow.example"), wholeStory)
	if w.receiver.most != 1 {
		t.Errorf("%d posts at once to one endpoint", w.receiver.most)
	}
}

// schedule is what Standard Webhooks recommends.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// wholeSchedule is more than all of it with the most that each may be longer:
// 83 h 9 m.
const wholeSchedule = 84 * time.Hour

func onSchedule(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	first := w.accept(text("+1", "first"))
	second := w.accept(text("+1", "second"))
	w.receiver.tell(func(p relay.Posting) relay.Posted {
		if strings.Contains(p.Body, first) {
			return answer(503)
		}
		return answer(200)
	})
	w.delivering(wholeSchedule)
	made := w.receiver.made(listening)
	if len(made) != 11 {
		t.Fatalf("%d tries, want 10 of the first and 1 of the second", len(made))
	}
	for i, want := range schedule {
		if made[i+1].ID != made[0].ID || made[i+1].Body != made[0].Body {
			t.Errorf("try %d is of another event", i+2)
		}
		if got := made[i+1].At.Sub(made[i].At); got < want*9/10-time.Second || got > want*11/10+3*time.Second {
			t.Errorf("try %d came after %s, want about %s", i+2, got, want)
		}
	}
	if last := made[10]; !last.OK || !strings.Contains(last.Body, second) || last.At.Sub(made[9].At) > 3*time.Second {
		t.Errorf("the second event: %+v, %s after the first was given up", last, last.At.Sub(made[9].At))
	}
	if given := w.events(e.ID, relay.EventWasGivenUp); len(given) != 1 || given[0].Tries != 10 || given[0].Status != 503 || given[0].Error == "" || given[0].Answer != "oops" {
		t.Errorf("log %+v", given)
	}
}

func unhurried(t *testing.T, w *world) {
	w.endpoint(listening, relay.EventAccepted)
	w.receiver.answers(500)
	stop := w.couriers()
	for range 60 {
		w.accept(text("+1", "x"))
		time.Sleep(4 * time.Second)
	}
	stop()
	if n := len(w.receiver.made("")); n != 2 {
		t.Errorf("%d tries within four minutes, want 2: at once and after five seconds", n)
	}
}

func disabledAfterDays(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	for range 5 {
		w.accept(text("+1", "x"))
	}
	w.receiver.answers(500)
	stop := w.couriers()
	time.Sleep(5*24*time.Hour - time.Hour)
	if w.endpointNow(e.ID).Disabled {
		t.Error("disabled before five days")
	}
	time.Sleep(2 * 24 * time.Hour)
	now := w.endpointNow(e.ID)
	ws, err := w.relay.Workspace(t.Context(), w.ws.ID)
	if err != nil || !now.Disabled || now.Reason == "" || len(now.Notices()) != 1 || len(ws.Notices()) != 1 {
		t.Fatalf("endpoint %+v, notices %v (%v)", now, ws.Notices(), err)
	}
	w.accept(text("+1", "while it is disabled"))
	made := len(w.receiver.made(""))
	time.Sleep(2 * 24 * time.Hour) // more than the longest rest between two tries
	if n := len(w.receiver.made("")); n != made {
		t.Errorf("%d tries after it was disabled", n-made)
	}
	_, _, err = w.relay.Replay(t.Context(), w.ws.ID, e.ID, relay.ReplayOf{})
	w.code(err, relay.CodeConflict)
	waiting := len(w.pending(e.ID))
	w.receiver.answers(200)
	yes := true
	if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, e.ID, relay.EndpointPatch{Enabled: &yes}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	stop()
	if got := len(w.receiver.took(listening)); got != waiting || waiting < 3 {
		t.Errorf("%d taken, %d had waited", got, waiting)
	}
	if ws, err := w.relay.Workspace(t.Context(), w.ws.ID); err != nil || len(ws.Notices()) != 0 {
		t.Errorf("notices %v (%v)", ws.Notices(), err)
	}
}

func goneEndpoint(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	w.accept(text("+1", "x"))
	w.receiver.answers(410)
	w.delivering(time.Hour)
	if n, now := len(w.receiver.made("")), w.endpointNow(e.ID); n != 1 || !now.Disabled || !strings.Contains(now.Reason, "410") {
		t.Errorf("%d tries, endpoint %+v", n, now)
	}
	equal(t, "waiting", w.pending(e.ID), []string{"message.accepted"})
}

func askedForTime(t *testing.T, w *world) {
	w.endpoint(listening, relay.EventAccepted)
	w.accept(text("+1", "x"))
	w.receiver.tell(func(relay.Posting) relay.Posted {
		p := answer(429)
		p.After = time.Hour
		if len(w.receiver.tries) > 0 {
			p.After = time.Second
		}
		return p
	})
	w.delivering(2 * time.Hour)
	made := w.receiver.made("")
	if len(made) < 3 {
		t.Fatalf("%d tries", len(made))
	}
	if first, next := made[1].At.Sub(made[0].At), made[2].At.Sub(made[1].At); first < time.Hour || first > time.Hour+3*time.Second || next < 4*time.Minute {
		t.Errorf("tries came after %s and %s, want an hour and about five minutes", first, next)
	}
}

func twoSecrets(t *testing.T, w *world) {
	e, old, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening, Types: []relay.EventType{relay.EventAccepted}})
	if err != nil {
		t.Fatal(err)
	}
	stop := w.couriers()
	step := func() []string {
		w.accept(text("+1", "x"))
		time.Sleep(3 * time.Second)
		made := w.receiver.made("")
		return made[len(made)-1].Secrets
	}
	equal(t, "secrets", step(), []string{old})
	_, fresh, err := w.relay.RotateEndpoint(t.Context(), w.ws.ID, e.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "secrets in the grace", step(), []string{fresh, old})
	time.Sleep(time.Hour)
	equal(t, "secrets after it", step(), []string{fresh})
	if _, shown, err := w.relay.EndpointSecret(t.Context(), w.ws.ID, e.ID); err != nil || shown != fresh {
		t.Errorf("shown %q (%v), want %q", shown, err, fresh)
	}
	_, last, err := w.relay.RotateEndpoint(t.Context(), w.ws.ID, e.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "secrets without a grace", step(), []string{last})
	stop()
}

func changedMeanwhile(t *testing.T, w *world) {
	e, old, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening, Types: []relay.EventType{relay.EventAccepted}})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		w.accept(text("+1", "x"))
	}
	w.receiver.takes = time.Second
	stop := w.couriers()
	time.Sleep(5500 * time.Millisecond)
	_, fresh, err := w.relay.RotateEndpoint(t.Context(), w.ws.ID, e.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	moved := "https://moved.example"
	if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, e.ID, relay.EndpointPatch{URL: &moved}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	stop()
	var got []string
	for _, p := range w.receiver.made("") {
		got = append(got, p.URL+" "+p.Secrets[0])
	}
	var want []string
	for n := range 20 {
		switch {
		case n < 6:
			want = append(want, listening+" "+old)
		case n < 11:
			want = append(want, listening+" "+fresh)
		default:
			want = append(want, moved+" "+fresh)
		}
	}
	equal(t, "posts", got, want)
}

func switchedOff(t *testing.T, w *world) {
	e := w.endpoint(listening)
	w.tells()
	turn := func(on bool) {
		t.Helper()
		if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, e.ID, relay.EndpointPatch{Enabled: &on}); err != nil {
			t.Fatal(err)
		}
	}
	turn(false)
	w.tells() // of this it will not hear
	w.delivering(time.Minute)
	if n := len(w.receiver.made("")); n != 0 || len(w.endpointNow(e.ID).Notices()) != 0 {
		t.Errorf("%d tries while it was off", n)
	}
	turn(true)
	w.delivering(time.Minute)
	equal(t, "taken", w.receiver.took(listening), wholeStory)
}

func replayed(t *testing.T, w *world) {
	e := w.endpoint(listening)
	stop := w.couriers()
	w.tells()
	time.Sleep(time.Minute)
	cut := time.Now()
	w.tells()
	time.Sleep(time.Minute)
	before := w.receiver.made("")
	replay := func(of relay.ReplayOf, want int) {
		t.Helper()
		n, more, err := w.relay.Replay(t.Context(), w.ws.ID, e.ID, of)
		if err != nil || n != want || more {
			t.Errorf("replayed %d (more %t, %v), want %d", n, more, err, want)
		}
		time.Sleep(3 * time.Second)
	}
	replay(relay.ReplayOf{IDs: []string{before[2].ID, before[1].ID}}, 2)
	replay(relay.ReplayOf{Since: cut}, 4)
	replay(relay.ReplayOf{OnlyFailed: true}, 0)
	want := append([]posted{before[1], before[2]}, before[4:]...)
	after := w.receiver.made("")[len(before):]
	if len(after) != len(want) {
		t.Fatalf("%d were sent again, want %d", len(after), len(want))
	}
	for i := range want {
		if after[i].ID != want[i].ID || after[i].Body != want[i].Body {
			t.Errorf("the %d. is %s, want %s", i, after[i].ID, want[i].ID)
		}
	}
	for _, id := range []string{"evt_000000000000000000", "x", "../" + before[0].ID} {
		_, _, err := w.relay.Replay(t.Context(), w.ws.ID, e.ID, relay.ReplayOf{IDs: []string{id}})
		w.code(err, relay.CodeNotFound)
	}
	stop()
}

func deletedEndpoint(t *testing.T, w *world) {
	e := w.endpoint(listening)
	other := w.endpoint("https://b.example")
	w.receiver.tell(broken(listening, 500))
	w.tells()
	w.delivering(time.Minute)
	w.tells()
	if err := w.relay.DeleteEndpoint(t.Context(), w.ws.ID, e.ID); err != nil {
		t.Fatal(err)
	}
	if n := w.cards("event"); n != 4 {
		t.Errorf("%d events wait, want the other one's 4", n)
	}
	made := len(w.receiver.made(listening))
	w.tells()
	w.delivering(time.Hour)
	if n := len(w.receiver.made(listening)); n != made {
		t.Errorf("%d tries after it was deleted", n-made)
	}
	_, err := w.relay.Endpoint(t.Context(), w.ws.ID, e.ID)
	w.code(err, relay.CodeNotFound)
	w.code(w.relay.DeleteEndpoint(t.Context(), w.ws.ID, e.ID), relay.CodeNotFound)
	if n := len(w.events(other.ID, relay.EventWasDelivered)); n != 12 || w.cards("event_log") != 12 || w.cards("event")+w.cards("bell") != 0 {
		t.Errorf("the other one has %d; kept are %d, %d wait, %d bells", n, w.cards("event_log"), w.cards("event"), w.cards("bell"))
	}
}
