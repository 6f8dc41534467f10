package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/relay"
)

func optingOut() []storyCase {
	return []storyCase{
		{"WhoWritesStopGetsNoMoreOverAnyChannelUntilTheyWriteStart", stops},
		{"WhatWaitsForSomebodyWhoOptsOutIsCanceledAndRefunded", stopCancels},
		{"WhatComesBackToItsLaneAfterTheOptOutIsCanceledToo", stopWhileSending},
		{"BothFormsOfANumberAreOnePersonOnTheList", stopBothForms},
		{"WhoIsKnownByAnIDIsOnTheListUnderTheNumberToo", stopByID},
		{"AWordInAGroupOrToldAgainOrLateAsksForNothing", stopNot},
		{"AnOwnerPutsPeopleOnTheListAndTakesThemOff", stopByHand},
		{"TheListCountsRightWhateverHappensAtOnce", stopsAtOnce},
		{"ACrashRightAfterAnOptOutSendsThemNothing", stopThenCrash},
	}
}

// writes is a message of somebody.
func (w *world) writes(channel, from, text string) relay.Chat {
	w.t.Helper()
	w.calls++
	c, err := w.relay.Inbound(w.t.Context(), w.ws.ID, channel, relay.Inbound{ID: fmt.Sprint("in", w.calls), From: from, Text: text, Kind: "text", At: time.Now()})
	if err != nil {
		w.t.Fatalf("inbound: %v", err)
	}
	return c
}

func (w *world) optedOut(want int64) {
	w.t.Helper()
	ws, err := w.relay.Workspace(w.t.Context(), w.ws.ID)
	if err != nil || ws.OptedOut != want {
		w.t.Errorf("the workspace counts %d on its list (%v), want %d", ws.OptedOut, err, want)
	}
	list, err := everything(func(p relay.Page) ([]relay.OptOut, string, error) {
		p.Limit = 2
		return w.relay.OptOuts(w.t.Context(), w.ws.ID, "", p)
	})
	if err != nil || int64(len(list)) != want {
		w.t.Errorf("the list holds %+v (%v), want %d", list, err, want)
	}
}

func stops(t *testing.T, w *world) {
	other := w.channel("+15550002222", 0, 0)
	chat := w.writes(w.ch.ID, "+14155550100", "Stop!")
	w.optedOut(1)
	w.refused(text("+14155550100", "hi"), relay.CodeOptedOut)
	byChat := relay.Action{To: relay.Address{ChatID: chat.ID}, Text: "hi"}
	w.refused(byChat, relay.CodeOptedOut)
	if last := w.attempts()[0]; last.Recipient != "+14155550100" {
		t.Errorf("the attempt names %q", last.Recipient)
	}
	onOther := text("+14155550100", "hi")
	onOther.AccountPhone = other.Phone
	w.refused(onOther, relay.CodeOptedOut)
	_, err := w.relay.Try(t.Context(), w.ws.ID, byChat, time.Now())
	w.code(err, relay.CodeOptedOut)
	var e *relay.Error
	if errors.As(err, &e) && (strings.Contains(e.Message, "4155550100") || len(e.Fields) != 1 || e.Fields[0].Field != "chat_id") {
		t.Errorf("the refusal says %q about %+v", e.Message, e.Fields)
	}
	w.accept(text("+14155550101", "to another"))
	o, err := w.relay.OptOut(t.Context(), w.ws.ID, "+14155550100")
	if err != nil || o.By != relay.ByRecipient || o.Reason != "Stop!" || o.Channel != w.ch.ID || o.Chat != chat.ID {
		t.Errorf("on the list: %+v (%v)", o, err)
	}
	w.crash()
	w.refused(text("+14155550100", "hi"), relay.CodeOptedOut)
	time.Sleep(time.Second)
	w.writes(other.ID, "+14155550100", "start")
	w.optedOut(0)
	w.accept(text("+14155550100", "welcome back"))
	w.writes(other.ID, "+14155550100", "start") // not on the list
	w.optedOut(0)
}

func stopCancels(t *testing.T, w *world) {
	other := w.channel("+15550002222", 0, 0)
	later := text("+14155550100", "tomorrow")
	later.SendAt = time.Now().Add(23 * time.Hour)
	first := relay.Action{To: relay.Address{Phone: "+14155550100"}, Text: "a", FileURL: "https://example.com/a.pdf", FileName: "a.pdf", AccountPhone: other.Phone}
	ids := []string{w.accept(later), w.accept(text("+14155550100", "now")), w.accept(first)}
	stays := w.accept(text("+14155550101", "to another"))
	w.writes(w.ch.ID, "+14155550100", "BAJA")
	for _, id := range ids {
		w.is(relay.Canceled, id)
	}
	if m := w.message(ids[0]); m.Failure == nil || m.Failure.Code != relay.CodeOptedOut {
		t.Errorf("canceled with %+v", m.Failure)
	}
	w.is(relay.Queued, stays)
	w.balance(99, 1, 0)
	_, err := w.relay.Resend(t.Context(), w.ws.ID, ids[1])
	w.code(err, relay.CodeOptedOut)
	if due, _, err := w.store.CardsDue(t.Context(), "opt_out", time.Now().Add(time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("%d are looked at again (%v), want none", len(due), err)
	}
}

func stopWhileSending(t *testing.T, w *world) {
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	w.driver.answer = func(relay.Outgoing) (string, error) {
		return "", &relay.SendError{Verdict: relay.Deferred, After: time.Hour, Reason: "later"}
	}
	id := w.accept(text("+14155550100", "slow"))
	stop := w.work()
	time.Sleep(5 * time.Second)
	w.is(relay.Sending, id)
	w.writes(w.ch.ID, "+14155550100", "STOP")
	w.is(relay.Sending, id)
	time.Sleep(10 * time.Second)
	w.is(relay.Queued, id)
	if err := w.relay.LeaveAlone(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.is(relay.Canceled, id)
	w.balance(100, 0, 0)
	stop()
}

func stopBothForms(t *testing.T, w *world) {
	w.writes(w.ch.ID, "+5215512345678", "BAJA")
	w.refused(text("+525512345678", "hi"), relay.CodeOptedOut)
	w.refused(text("+5215512345678", "hi"), relay.CodeOptedOut)
	if _, err := w.relay.OptOut(t.Context(), w.ws.ID, "+5215512345678"); err != nil {
		t.Error(err)
	}
	if err := w.relay.DeleteOptOut(t.Context(), w.ws.ID, "+525512345678"); err != nil {
		t.Error(err)
	}
	w.accept(text("+5215512345678", "hi"))
	w.optedOut(0)
}

func stopByID(t *testing.T, w *world) {
	tell := func(from, words string) {
		w.calls++
		in := relay.Inbound{ID: fmt.Sprint("in", w.calls), User: "US.1", From: from, Text: words, Kind: "text", At: time.Now()}
		if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	tell("", "STOP")
	tell("+14155550100", "hello")
	w.refused(text("+14155550100", "hi"), relay.CodeOptedOut)
	w.refused(relay.Action{To: relay.Address{JID: "US.1"}, Text: "hi"}, relay.CodeOptedOut)
	w.optedOut(1)
	if err := w.relay.DeleteOptOut(t.Context(), w.ws.ID, "US.1"); err != nil {
		t.Fatal(err)
	}
	id := w.accept(relay.Action{To: relay.Address{JID: "US.1"}, Text: "hi"})
	tell("+14155550100", "STOP")
	w.is(relay.Canceled, id)
	w.refused(relay.Action{To: relay.Address{JID: "US.1"}, Text: "hi"}, relay.CodeOptedOut)
}

func stopNot(t *testing.T, w *world) {
	w.writes(w.ch.ID, "120363025246125486@g.us", "STOP")
	w.writes(w.ch.ID, "+14155550100", "please stop")
	w.writes(w.ch.ID, strings.Repeat("x", 400), "STOP")
	w.optedOut(0)
	in := relay.Inbound{ID: "again", From: "+14155550100", Text: "STOP", Kind: "text", At: time.Now()}
	told := func() {
		t.Helper()
		if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	told()
	w.optedOut(1)
	if err := w.relay.DeleteOptOut(t.Context(), w.ws.ID, "+14155550100"); err != nil {
		t.Fatal(err)
	}
	told()
	w.optedOut(0)
	time.Sleep(time.Hour)
	w.writes(w.ch.ID, "+14155550100", "STOP")
	in.ID, in.Text, in.At = "late", "START", in.At.Add(time.Minute)
	told() // it was written before
	w.optedOut(1)
}

func stopByHand(t *testing.T, w *world) {
	id := w.accept(text("+14155550100", "hi"))
	put := func(reason, by string) (relay.OptOut, bool) {
		t.Helper()
		o, made, err := w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: w.ws.ID, Recipient: "+14155550100", Reason: reason, By: by})
		if err != nil {
			t.Fatal(err)
		}
		return o, made
	}
	o, made := put("called us", "Ann")
	if !made || o.By != "Ann" || o.Reason != "called us" || !o.At.Equal(time.Now()) {
		t.Errorf("put %+v, new %v", o, made)
	}
	w.is(relay.Canceled, id)
	w.refused(text("+14155550100", "hi"), relay.CodeOptedOut)
	if o, made := put("by letter", "Bob"); made || o.By != "Ann" || o.Reason != "by letter" {
		t.Errorf("put again %+v, new %v", o, made)
	}
	w.optedOut(1)
	if list, _, err := w.relay.OptOuts(t.Context(), w.ws.ID, "+1415", relay.Page{Limit: 10}); err != nil || len(list) != 1 {
		t.Errorf("by the first digits: %+v (%v)", list, err)
	}
	if err := w.relay.DeleteOptOut(t.Context(), w.ws.ID, "+14155550100"); err != nil {
		t.Error(err)
	}
	w.code(w.relay.DeleteOptOut(t.Context(), w.ws.ID, "+14155550100"), relay.CodeNotFound)
	_, err := w.relay.OptOut(t.Context(), w.ws.ID, "+14155550100")
	w.code(err, relay.CodeNotFound)
	_, _, err = w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: w.ws.ID, Recipient: "120363025246125486@g.us"})
	w.code(err, relay.CodeInvalidPhone)
	_, _, err = w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: w.ws.ID, Recipient: "+1415", Reason: strings.Repeat("é", 501)})
	w.code(err, relay.CodeInvalidField)
	_, _, err = w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: "ws_none", Recipient: "+1415"})
	w.code(err, relay.CodeNotFound)
	w.optedOut(0)
}

func stopsAtOnce(t *testing.T, w *world) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range 12 {
		phone := fmt.Sprintf("+1415555010%d", n%3)
		all.Go(func() {
			<-start
			if _, _, err := w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: w.ws.ID, Recipient: phone, By: fmt.Sprint(n)}); err != nil {
				t.Error(err)
			}
		})
		a := text(phone, fmt.Sprint(n))
		call := w.now()
		all.Go(func() { <-start; _, _ = w.relay.Accept(t.Context(), call, a) }) // taken before or refused after
	}
	close(start)
	all.Wait()
	w.optedOut(3)
	if err := w.relay.LeaveAlone(t.Context()); err != nil {
		t.Error(err)
	}
	w.balance(100, 0, 0)
	for n := range 6 {
		all.Go(func() { _ = w.relay.DeleteOptOut(t.Context(), w.ws.ID, fmt.Sprintf("+1415555010%d", n%3)) })
	}
	all.Wait()
	w.optedOut(0)
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
