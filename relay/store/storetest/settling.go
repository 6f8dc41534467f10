package storetest

import (
	"fmt"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func settling() []storyCase {
	return []storyCase{
		{"WhatIsSentIsSpent", sent},
		{"WhatIsRefusedComesBack", refusedByProvider},
		{"WhatIsDeferredIsTriedAgainLater", deferred},
		{"WhatIsDeferredHoldsBackItsRecipientAlone", deferredRecipient},
		{"AnUnsureOutcomeIsNeverSentAgain", unsure},
		{"WithoutEvidenceTheUnitsComeBackAfterTwoHours", unconfirmed},
		{"AChannelFaultHoldsTheLaneAndMovesNoUnit", channelFault},
		{"AtLeastOnceSendsAnUnsureMessageAgain", atLeastOnce},
		{"AtLeastOnceStopsOnceAReportSaysThatItWentOut", atLeastOnceReported},
		{"AtLeastOnceHearsAReportThatCameDuringTheCall", atLeastOnceReportedEarly},
		{"AtLeastOnceHearsAReportThatCameDuringADeferredTry", atLeastOnceReportedLater},
		{"AProvidersBrokenSentenceSettlesAllTheSame", brokenReason},
		{"ADriverThatPanicsLeavesTheOutcomeUnknown", panickingDriver},
		{"ACallThatOutlivesItsTimeIsUnsure", slowCall},
		{"CountersFollowTheMessages", counted},
		{"SendAtIsKeptToTheMoment", sendAt},
		{"ASendAtInThePastDoesNotJumpTheQueue", pastSendAt},
		{"NoMessageWaitsForThePoll", wakeUps},
	}
}

func sent(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.dispatch(time.Second)
	m := w.message(id)
	if m.Status != relay.Sent || m.ProviderID != "p-"+id || m.Tries != 1 {
		t.Errorf("message %+v", m)
	}
	var line []relay.Status
	for _, c := range m.History {
		line = append(line, c.Status)
	}
	equal(t, "history", line, []relay.Status{relay.Queued, relay.Sending, relay.Sent})
	equal(t, "entries", w.entries(id), []quota.Kind{quota.KindDebit, quota.KindSpend})
	w.balance(99, 0, 1)
}

func refusedByProvider(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Refused, Code: relay.CodeNotOnWhatsApp, Reason: "This number is not on WhatsApp."})
	w.dispatch(time.Second)
	m := w.message(id)
	if m.Status != relay.Failed || m.Failure == nil || m.Failure.Code != relay.CodeNotOnWhatsApp {
		t.Errorf("message %+v", m)
	}
	equal(t, "entries", w.entries(id), []quota.Kind{quota.KindDebit, quota.KindRefund})
	w.balance(100, 0, 0)
}

func deferred(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Deferred, After: 30 * time.Second})
	stop := w.work()
	time.Sleep(time.Second)
	w.is(relay.Queued, id)
	w.balance(99, 1, 0)
	w.driver.does(nil)
	time.Sleep(28 * time.Second)
	w.is(relay.Queued, id)
	time.Sleep(2 * time.Second)
	stop()
	w.is(relay.Sent, id)
	if calls := w.driver.made(); len(calls) != 2 || calls[1].Start.Sub(calls[0].End) != 30*time.Second || calls[1].Try != 2 {
		t.Errorf("calls %+v, want a second one 30 s after the first", calls)
	}
	w.balance(99, 0, 1)
}

func deferredRecipient(t *testing.T, w *world) {
	first := w.accept(text("+1", "first"))
	second := w.accept(text("+1", "second"))
	other := w.accept(text("+2", "other"))
	once := true
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.MessageID == first && once {
			once = false
			return "", &relay.SendError{Verdict: relay.Deferred, After: time.Minute}
		}
		return "p-" + out.MessageID, nil
	})
	w.dispatch(2 * time.Minute)
	var order []string
	for _, c := range w.driver.made() {
		order = append(order, c.Message)
	}
	equal(t, "calls", order, []string{first, other, first, second})
}

func unsure(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure, Reason: "the connection was reset"})
	w.dispatch(time.Hour)
	w.is(relay.Unknown, id)
	w.balance(99, 1, 0)
	w.driver.does(nil)
	w.crash()
	w.dispatch(time.Hour)
	if n := w.driver.tries(id); n != 1 {
		t.Errorf("a message of unknown outcome was sent %d times", n)
	}
}

func (w *world) reconcile() {
	w.t.Helper()
	if err := w.relay.Reconcile(w.t.Context()); err != nil {
		w.t.Fatalf("reconcile: %v", err)
	}
}

func unconfirmed(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	w.dispatch(time.Minute)
	time.Sleep(2*time.Hour - 2*time.Minute)
	w.reconcile()
	w.is(relay.Unknown, id)
	time.Sleep(2 * time.Minute)
	w.reconcile()
	w.is(relay.Unconfirmed, id)
	w.reconcile()
	w.balance(100, 0, 0)
	equal(t, "entries", w.entries(id), []quota.Kind{quota.KindDebit, quota.KindRefund})
}

func channelFault(t *testing.T, w *world) {
	first, second := w.accept(text("+1", "first")), w.accept(text("+2", "second"))
	w.driver.fails(&relay.SendError{Verdict: relay.ChannelFault, Reason: "The access token has expired."})
	w.dispatch(time.Hour)
	w.is(relay.Queued, first, second)
	w.balance(98, 2, 0)
	ch, err := w.relay.Channel(t.Context(), w.ws.ID, w.ch.ID)
	if err != nil || ch.State != relay.Held || ch.Reason != "The access token has expired." {
		t.Errorf("channel is %s, %q (%v)", ch.State, ch.Reason, err)
	}
	if n := len(w.driver.made()); n != 1 {
		t.Errorf("%d calls on a lane on hold, want 1", n)
	}
	w.driver.does(nil)
	w.crash() // a hold survives
	w.dispatch(time.Hour)
	w.is(relay.Queued, first, second)
	resumed := time.Now()
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	w.dispatch(time.Minute)
	calls := w.driver.made()
	if len(calls) != 3 || calls[1].Message != first || calls[1].Start.Sub(resumed) < 2*time.Second {
		t.Errorf("calls %+v: want the first message again, one spacing after the resume", calls)
	}
	w.is(relay.Sent, first, second)
}

func (w *world) atLeastOnce() {
	w.t.Helper()
	yes := true
	if _, err := w.relay.UpdateChannel(w.t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{AtLeastOnce: &yes}); err != nil {
		w.t.Fatal(err)
	}
}

// wentOutOnce checks that a message is settled as delivered and leaves no more.
func (w *world) wentOutOnce(id string, tries int) {
	w.t.Helper()
	w.driver.does(nil)
	w.dispatch(2 * time.Hour)
	w.is(relay.Delivered, id)
	w.balance(99, 0, 1)
	if n := w.driver.tries(id); n != tries {
		w.t.Errorf("%d tries, want %d", n, tries)
	}
}

func atLeastOnceReported(_ *testing.T, w *world) {
	w.atLeastOnce()
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	w.dispatch(time.Second)
	w.is(relay.Queued, id)
	w.report(id, relay.Delivered)
	w.is(relay.Delivered, id)
	w.wentOutOnce(id, 1)
}

func atLeastOnceReportedEarly(_ *testing.T, w *world) {
	w.atLeastOnce()
	id := w.accept(text("+1", "hello"))
	w.driver.does(func(out relay.Outgoing) (string, error) {
		w.report(out.MessageID, relay.Delivered)
		return "", &relay.SendError{Verdict: relay.Unsure}
	})
	w.dispatch(time.Second)
	w.wentOutOnce(id, 1)
}

func atLeastOnceReportedLater(_ *testing.T, w *world) {
	w.atLeastOnce()
	id := w.accept(text("+1", "hello"))
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.Try == 1 {
			return "", &relay.SendError{Verdict: relay.Unsure}
		}
		w.report(out.MessageID, relay.Delivered) // of the first try
		return "", &relay.SendError{Verdict: relay.Deferred}
	})
	w.dispatch(8 * time.Second)
	w.wentOutOnce(id, 2)
}

func atLeastOnce(t *testing.T, w *world) {
	w.atLeastOnce()
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	w.dispatch(time.Second)
	w.is(relay.Queued, id)
	w.driver.does(nil)
	w.dispatch(time.Minute)
	w.is(relay.Sent, id)
	w.balance(99, 0, 1)
	if n := w.driver.tries(id); n != 2 {
		t.Errorf("%d tries, want 2", n)
	}
}

func brokenReason(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.fails(&relay.SendError{Verdict: relay.Refused, Reason: "num\xe9ro inconnu"})
	w.dispatch(time.Minute)
	w.is(relay.Failed, id)
	w.balance(100, 0, 0)
	_ = t
}

func panickingDriver(_ *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.does(func(relay.Outgoing) (string, error) { panic("driver") })
	w.dispatch(time.Minute)
	w.is(relay.Unknown, id)
	w.balance(99, 1, 0)
}

func slowCall(t *testing.T, w *world) {
	id := w.accept(text("+1", "hello"))
	w.driver.takes = func(relay.Outgoing) time.Duration { return time.Hour }
	w.dispatch(5 * time.Minute)
	w.is(relay.Unknown, id)
	if calls := w.driver.made(); len(calls) != 1 || calls[0].End.Sub(calls[0].Start) != w.set.CallTimeout {
		t.Errorf("calls %+v, want one of %v", calls, w.set.CallTimeout)
	}
}

func counted(t *testing.T, w *world) {
	check := func(want relay.Counts) {
		t.Helper()
		got, err := w.store.Counts(t.Context(), w.ws.ID, time.Time{}, time.Time{})
		if err != nil || len(got) != 1 {
			t.Fatalf("counts %v (%v)", got, err)
		}
		want.Channel = w.ch.ID
		equal(t, "counts", got[0], want)
	}
	a := w.accept(text("+1", "a"))
	w.dispatch(3 * time.Second)
	check(relay.Counts{Sent: 1})
	w.driver.fails(&relay.SendError{Verdict: relay.Refused})
	b := w.accept(text("+1", "b"))
	w.dispatch(3 * time.Second)
	check(relay.Counts{Sent: 2, Failed: 1})
	w.report(a, relay.Failed)
	check(relay.Counts{Sent: 2, Failed: 2})
	w.report(b, relay.Delivered)
	check(relay.Counts{Sent: 2, Failed: 1, Delivered: 1})
	w.report(b, relay.Read)
	check(relay.Counts{Sent: 2, Failed: 1, Delivered: 1}) // once
	w.driver.fails(&relay.SendError{Verdict: relay.Deferred, After: time.Hour})
	w.accept(text("+1", "c"))
	w.dispatch(3 * time.Second)
	check(relay.Counts{Sent: 2, Failed: 1, Delivered: 1}) // it did not go out
	if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{From: "+9", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	check(relay.Counts{Sent: 2, Failed: 1, Delivered: 1, Received: 1})
}

func sendAt(t *testing.T, w *world) {
	due := time.Now().Add(90 * time.Minute).UTC()
	a := text("+1", "later")
	a.SendAt = due
	later := w.accept(a)
	same := w.accept(text("+1", "behind it"))
	other := w.accept(text("+2", "now"))
	stop := w.work()
	time.Sleep(80 * time.Minute)
	w.is(relay.Queued, later, same)
	w.is(relay.Sent, other)
	time.Sleep(20 * time.Minute)
	stop()
	w.is(relay.Sent, later, same)
	if calls := w.driver.made(); len(calls) != 3 || !calls[1].Start.Equal(due) || calls[1].Message != later || calls[2].Message != same {
		t.Errorf("calls %+v, want %s at %v and then %s", calls, later, due, same)
	}
}

func pastSendAt(t *testing.T, w *world) {
	w.accept(text("+1", "first"))
	time.Sleep(time.Minute)
	a := text("+2", "pushy")
	a.SendAt = time.Now().Add(-time.Hour).UTC()
	w.accept(a)
	w.dispatch(time.Minute)
	if calls := w.driver.made(); len(calls) != 2 || calls[0].Text != "first" {
		t.Errorf("calls %+v, want the older message first", calls)
	}
}

func wakeUps(t *testing.T, w *world) {
	stop := w.work()
	defer stop()
	for n := range 5 {
		time.Sleep(17 * time.Second)
		began := time.Now()
		id := w.accept(text(fmt.Sprintf("+%d", n), "hello"))
		time.Sleep(time.Millisecond)
		w.is(relay.Sent, id)
		if calls := w.driver.made(); !calls[len(calls)-1].Start.Equal(began) {
			t.Errorf("message %d left %v after its accept", n, calls[len(calls)-1].Start.Sub(began))
		}
	}
	// with a file: accepted, fetched and sent at once
	time.Sleep(17 * time.Second)
	a := text("+7", "")
	a.FileURL, a.FileName = "https://example.com/a.png", "a.png"
	id := w.accept(a)
	time.Sleep(time.Millisecond)
	w.is(relay.Sent, id)
	// canceled: what it held back leaves at once
	first := text("+8", "later")
	first.SendAt = time.Now().Add(time.Hour)
	held, behind := w.accept(first), w.accept(text("+8", "behind"))
	time.Sleep(17 * time.Second)
	w.is(relay.Queued, behind)
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, held); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Millisecond)
	w.is(relay.Sent, behind)
}
