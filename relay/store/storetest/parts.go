package storetest

import (
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func twoParts() []storyCase {
	return []storyCase{
		{"TextAndFileGoAsOneWhereTheChannelCarriesACaption", caption},
		{"TextAndFileGoAsTwoTextFirst", twoInOrder},
		{"IfTheFirstPartFailsTheSecondFailsWithIt", firstFails},
		{"IfTheFirstPartIsCanceledTheSecondIsToo", firstCanceled},
		{"IfTheFirstPartExpiresTheSecondDoesToo", firstExpires},
		{"AnUnknownFirstPartLetsTheSecondGo", firstUnknown},
		{"AFileThatCannotBeHadFailsBothParts", fileFails},
		{"AFileIsTriedThreeTimes", fileTriedAgain},
		{"AFileIsFetchedBeforeAnythingLeaves", fileFirst},
		{"ACanceledMessagesFileIsNotFetched", canceledFetch},
		{"BothPartsArePaidOrNone", bothOrNone},
		{"BothPartsAreSentAgainWhereBothEnded", bothAgain},
		{"OnlyThePartThatEndedIsSentAgain", oneAgain},
	}
}

// pair is a text with a file.
func pair(phone string) relay.Action {
	a := text(phone, "look")
	a.FileURL, a.FileName = "https://example.com/logo.png", "logo.png"
	return a
}

// second is the second part of a message.
func (w *world) second(first string) string {
	w.t.Helper()
	m := w.message(first)
	if len(m.Parts) != 2 || m.Parts[0] != first || w.message(m.Parts[1]).PartOf != first {
		w.t.Fatalf("parts of %s are %v", first, m.Parts)
	}
	return m.Parts[1]
}

func caption(t *testing.T, w *world) {
	w.driver.captions = true
	id := w.accept(pair("+1"))
	if m := w.message(id); m.Units != 2 || len(m.Parts) != 0 {
		t.Errorf("message %+v, want one of two units", m)
	}
	w.balance(98, 2, 0)
	w.dispatch(time.Minute)
	w.balance(98, 0, 2)
	if calls := w.driver.made(); len(calls) != 1 || calls[0].Text != "look" || calls[0].File != "logo.png" {
		t.Errorf("calls %+v", calls)
	}
	w.report(id, relay.Failed)
	w.balance(100, 0, 0)
}

func twoInOrder(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	next := w.accept(text("+1", "next"))
	second := w.second(first)
	w.balance(97, 3, 0)
	w.dispatch(time.Minute)
	w.is(relay.Sent, first, second, next)
	w.balance(97, 0, 3)
	calls := w.driver.made()
	if len(calls) != 3 || calls[0].Message != first || calls[0].File != "" || calls[1].Message != second || calls[1].File != "logo.png" || calls[1].Text != "" || calls[2].Message != next {
		t.Errorf("calls %+v", calls)
	}
}

func firstFails(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	second := w.second(first)
	w.driver.fails(&relay.SendError{Verdict: relay.Refused, Code: relay.CodeNotOnWhatsApp, Reason: "not on WhatsApp"})
	w.dispatch(time.Second)
	w.is(relay.Failed, first, second)
	w.balance(100, 0, 0)
	w.dispatch(time.Minute)
	if n := len(w.driver.made()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	w.report(first, relay.Delivered) // it went out after all; the file did not
	w.is(relay.Delivered, first)
	w.is(relay.Failed, second)
	w.balance(99, 0, 1)
	equal(t, "entries of the second", w.entries(second), []quota.Kind{quota.KindDebit, quota.KindRefund})
}

func firstCanceled(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	second := w.second(first)
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, first); err != nil {
		t.Fatal(err)
	}
	w.is(relay.Canceled, first, second)
	w.balance(100, 0, 0)
	other := w.accept(pair("+1"))
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, w.second(other)); err != nil {
		t.Fatal(err)
	}
	w.is(relay.Canceled, w.second(other)) // alone
	w.dispatch(time.Minute)
	w.is(relay.Sent, other)
	w.balance(99, 0, 1)
}

func firstExpires(_ *testing.T, w *world) {
	a := pair("+1")
	a.ExpiresIn = time.Minute
	first := w.accept(a)
	second := w.second(first)
	time.Sleep(time.Minute)
	w.expireDue()
	w.is(relay.Expired, first, second)
	w.balance(100, 0, 0)
}

func firstUnknown(_ *testing.T, w *world) {
	first := w.accept(pair("+1"))
	second := w.second(first)
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.MessageID == first {
			return "", &relay.SendError{Verdict: relay.Unsure}
		}
		return "p", nil
	})
	w.dispatch(time.Minute)
	w.is(relay.Unknown, first)
	w.is(relay.Sent, second)
	w.report(first, relay.Failed) // too late for the second
	w.is(relay.Sent, second)
	w.balance(99, 0, 1)
}

func fileFails(t *testing.T, w *world) {
	w.files.fails = []error{&relay.FetchError{Code: relay.CodeFileIsWebPage, Message: "The link leads to a web page."}}
	first := w.accept(pair("+1"))
	second := w.second(first)
	next := w.accept(text("+1", "next"))
	w.dispatch(10 * time.Second)
	w.is(relay.Failed, first, second)
	w.is(relay.Sent, next)
	w.balance(99, 0, 1)
	if f := w.message(second).Failure; f == nil || f.Code != relay.CodeFileIsWebPage {
		t.Errorf("failure of the second part: %+v", f)
	}
	if got := w.attempts()[1]; got.ErrorCode != "" {
		t.Errorf("the attempt says %s; it was accepted", got.ErrorCode)
	}
}

func fileTriedAgain(t *testing.T, w *world) {
	again := &relay.FetchError{Code: relay.CodeFileUnreachable, Message: "The host did not answer.", Again: true}
	w.files.fails = []error{again, again, nil, again, again, again, nil}
	a := text("+1", "")
	a.FileURL, a.FileName = "https://example.com/a.png", "a.png"
	good := w.accept(a)
	w.dispatch(2 * time.Minute)
	w.is(relay.Sent, good)
	if m := w.message(good); m.File.Key == "" || m.File.Size != 7 || m.File.Type != "image/png" {
		t.Errorf("file %+v", m.File)
	}
	bad := w.accept(a)
	w.dispatch(2 * time.Minute)
	w.is(relay.Failed, bad)
	if w.files.tried != 6 {
		t.Errorf("%d fetches, want 3 for each", w.files.tried)
	}
	w.balance(99, 0, 1)
}

func fileFirst(t *testing.T, w *world) {
	w.files.fails = []error{&relay.FetchError{Code: relay.CodeFileUnreachable, Again: true}}
	first := w.accept(pair("+1"))
	other := w.accept(text("+2", "other"))
	w.dispatch(2 * time.Minute)
	w.is(relay.Sent, first, w.second(first), other)
	if calls := w.driver.made(); len(calls) != 3 || calls[0].Message != other || calls[1].Message != first {
		t.Errorf("calls %+v: want the other recipient's first", calls)
	}
}

func canceledFetch(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, first); err != nil {
		t.Fatal(err)
	}
	w.dispatch(time.Minute)
	if w.files.tried != 0 {
		t.Errorf("the file of a canceled message was fetched %d times", w.files.tried)
	}
}

func bothOrNone(_ *testing.T, w *world) {
	for range 99 {
		w.accept(text("+1", "x"))
	}
	w.refused(pair("+1"), relay.CodeQuotaExhausted)
	w.balance(1, 99, 0)
	w.accept(text("+1", "x"))
	w.balance(0, 100, 0)
}

func (w *world) resend(id string) relay.Message {
	w.t.Helper()
	m, err := w.relay.Resend(w.t.Context(), w.ws.ID, id)
	if err != nil {
		w.t.Fatalf("resend: %v", err)
	}
	return m
}

func bothAgain(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, first); err != nil {
		t.Fatal(err)
	}
	again := w.resend(first).ID
	w.balance(98, 2, 0)
	w.dispatch(time.Minute)
	w.is(relay.Sent, again, w.second(again))
	w.balance(98, 0, 2)
	calls := w.driver.made()
	if len(calls) != 2 || calls[0].Text != "look" || calls[1].File != "logo.png" {
		t.Errorf("calls %+v: want the text, then the file", calls)
	}
}

func oneAgain(t *testing.T, w *world) {
	first := w.accept(pair("+1"))
	second := w.second(first)
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.MessageID == first {
			return "", &relay.SendError{Verdict: relay.Unsure}
		}
		return "p", nil
	})
	w.dispatch(time.Minute)
	w.report(first, relay.Failed)
	w.is(relay.Sent, second)
	w.driver.does(nil)
	if m := w.resend(first); len(m.Parts) != 0 || m.Text != "look" {
		t.Errorf("sent again: %+v, want the text alone", m)
	}
	w.dispatch(time.Minute)
	w.balance(98, 0, 2)
	if n := len(w.driver.made()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}
