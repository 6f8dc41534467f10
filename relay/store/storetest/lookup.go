package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func lookingUp() []storyCase {
	return []storyCase{
		{"AnUnknownOutcomeIsLookedUpAtDoublingAgesAndSettled", looksUp},
		{"EvidenceOfAnotherMessageSettlesNothing", lookedUpAnother},
		{"AProviderThatDoesNotAnswerHoldsUpNobodysUnits", silentProvider},
		{"WhatAProviderCannotTellIsUnconfirmedInTheEnd", cannotTell},
		{"AChannelDeletedBeforeACrashIsDrainedAfterIt", drainedAfterCrash},
		{"AProfileNameIsKeptAsFarAsAChatNameMayGo", longProfileName},
	}
}

// knowing is a driver whose provider can be asked.
type knowing struct {
	*driver
	asked []time.Time
	known func(n int) (relay.Report, bool)
}

// Resolve answers as told, by how often it was asked.
func (k *knowing) Resolve(context.Context, relay.Outgoing) (relay.Report, bool, error) {
	k.asked = append(k.asked, time.Now())
	rep, known := k.known(len(k.asked))
	return rep, known, nil
}

// reconciled runs the reconciliation on its schedule for a time.
func (w *world) reconciled(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
		if err := w.relay.Reconcile(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// unknown is a message of unknown outcome, on a channel whose driver can look
// it up.
func (w *world) unknown(known func(n int) (relay.Report, bool)) (string, *knowing) {
	w.t.Helper()
	k := &knowing{driver: w.driver, known: known}
	w.relay.Drivers["fake"] = k
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	id := w.accept(text("+1", "a"))
	w.dispatch(time.Second)
	w.is(relay.Unknown, id)
	return id, k
}

// A provider without a reference is searched by what was sent: the same words
// to the same person may have been sent twice.
func lookedUpAnother(t *testing.T, w *world) {
	w.driver.does(func(relay.Outgoing) (string, error) { return "p1", nil })
	first := w.accept(text("+1", "a"))
	w.dispatch(time.Minute)
	w.is(relay.Sent, first)
	id, k := w.unknown(func(int) (relay.Report, bool) { return relay.Report{Status: relay.Delivered, ProviderID: "p1"}, true })
	w.reconciled(10 * time.Minute)
	w.is(relay.Unknown, id)
	w.is(relay.Sent, first)
	if len(k.asked) < 4 {
		t.Errorf("asked %d times", len(k.asked))
	}
}

func looksUp(t *testing.T, w *world) {
	id, k := w.unknown(func(n int) (relay.Report, bool) {
		return relay.Report{Status: relay.Delivered, ProviderID: "p1"}, n == 4
	})
	since := w.message(id).UnknownAt
	w.reconciled(10 * time.Minute)
	w.is(relay.Delivered, id)
	w.balance(99, 0, 1)
	if len(k.asked) != 4 {
		t.Fatalf("asked %d times", len(k.asked))
	}
	for i, want := range []time.Duration{10, 20, 40, 80} {
		if got := k.asked[i].Sub(since); got < want*time.Second || got > (want+6)*time.Second {
			t.Errorf("look-up %d came after %v, want about %d s", i+1, got, want)
		}
	}
}

func cannotTell(t *testing.T, w *world) {
	id, k := w.unknown(func(int) (relay.Report, bool) { return relay.Report{}, false })
	w.reconciled(w.set.UnconfirmedAfter - time.Minute)
	w.is(relay.Unknown, id)
	w.balance(99, 1, 0)
	before := len(k.asked)
	w.reconciled(2 * time.Minute)
	w.is(relay.Unconfirmed, id)
	w.balance(100, 0, 0)
	if len(k.asked) != before+1 {
		t.Errorf("asked %d times at the end, want once", len(k.asked)-before)
	}
}

func drainedAfterCrash(t *testing.T, w *world) {
	id := w.accept(text("+1", "a"))
	// A deletion whose cancellations do not happen: its context has ended by
	// then, as the process would have.
	ctx, cancel := context.WithCancel(t.Context())
	w.relay.Store = endsAfterUpdate{Store: w.store, end: cancel}
	if err := w.relay.DeleteChannel(ctx, w.ws.ID, w.ch.ID); err == nil {
		t.Fatal("the deletion went through")
	}
	w.crash()
	w.is(relay.Queued, id)
	w.balance(99, 1, 0)
	if err := w.relay.DrainDeleted(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.is(relay.Canceled, id)
	w.balance(100, 0, 0)
}

// endsAfterUpdate is a store whose caller ends right after its first Update.
type endsAfterUpdate struct {
	relay.Store
	end context.CancelFunc
}

// Update is the last thing that the caller sees done.
func (e endsAfterUpdate) Update(ctx context.Context, fn func(relay.Tx) error) error {
	defer e.end()
	return e.Store.Update(ctx, fn)
}

func longProfileName(t *testing.T, w *world) {
	chat, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{From: "+1", Name: strings.Repeat("é", 50_000), Text: "hi", At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("é", 256); chat.Name != want {
		t.Errorf("a name of %d bytes is kept, want %d", len(chat.Name), len(want))
	}
}

// silent is a driver whose provider lets every question wait.
type silent struct{ *driver }

// Resolve waits for as long as it may.
func (silent) Resolve(ctx context.Context, _ relay.Outgoing) (relay.Report, bool, error) {
	<-ctx.Done()
	return relay.Report{}, false, ctx.Err()
}

func silentProvider(t *testing.T, w *world) {
	w.relay.Drivers["fake"] = silent{w.driver}
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	for n := range 40 {
		w.accept(text(fmt.Sprintf("+1415%03d", n), "a"))
	}
	w.dispatch(2 * time.Minute)
	time.Sleep(w.set.UnconfirmedAfter)
	began := time.Now()
	if err := w.relay.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the units of 40 messages came back after %s", took)
	}
	w.balance(100, 0, 0)
}
