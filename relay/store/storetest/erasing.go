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

func erasing() []storyCase {
	return []storyCase{
		{"NothingOfAnErasedPersonIsLeftButTheBooks", eraseAll},
		{"AnErasureGoesThroughMoreThanOnePage", eraseMany},
		{"WhatIsOnItsWayIsLeftAndErasedByAnotherRun", eraseLater},
		{"WhatAnErasedPersonIsSentNextIsANewChat", eraseAnew},
		{"AnErasedMessageIsNotSentAgainAndReportsOfItMoveNoText", eraseReports},
		{"EventsThatTellAPersonByTheirChatAloneAreErasedToo", eraseInFamily},
		{"CallsThatNameAPersonByTheirChatAloneAreErasedToo", eraseByChat},
		{"AFileThatArrivesAfterAnErasureIsNotKept", eraseWhileFetching},
		{"AnErasureAfterARestartLeavesNothing", eraseAfterRestart},
	}
}

const (
	gone    = "+5215512345678"
	goneID  = "+525512345678"
	stays   = "+14155550101"
	private = "a private word"
)

// erase takes gone out, and checks what came of it.
func (w *world) erase(want relay.Erasure) {
	w.t.Helper()
	got, err := w.relay.ErasePerson(w.t.Context(), w.ws.ID, gone)
	if err != nil || got != want {
		w.t.Errorf("erased %+v (%v), want %+v", got, err, want)
	}
}

// everythingKept is every row of a workspace that lists show, as a text.
func (w *world) everythingKept(workspace string) string {
	w.t.Helper()
	var all []any
	messages, err := everything(func(p relay.Page) ([]relay.Message, string, error) {
		return w.store.Messages(w.t.Context(), relay.MessageFilter{Workspace: workspace}, p)
	})
	all = append(all, messages)
	chats, failed := everything(func(p relay.Page) ([]relay.Chat, string, error) {
		return w.store.Chats(w.t.Context(), workspace, "", p)
	})
	err = errors.Join(err, failed)
	all = append(all, chats)
	in, failed := everything(func(p relay.Page) ([]relay.InboundMessage, string, error) {
		return w.store.Inbounds(w.t.Context(), workspace, "", "", p)
	})
	err = errors.Join(err, failed)
	all = append(all, in)
	attempts, failed := w.store.Attempts(w.t.Context(), workspace, 100)
	err = errors.Join(err, failed)
	for _, a := range attempts {
		all = append(all, a, string(a.Body))
	}
	for _, kind := range []string{"event", "event_log", "opt_out", "bell", "audit"} {
		cards, failed := everything(func(p relay.Page) ([]relay.Card, string, error) {
			return w.store.Cards(w.t.Context(), relay.CardFilter{Kind: kind, Workspace: workspace}, p)
		})
		err = errors.Join(err, failed)
		for _, c := range cards {
			all = append(all, kind, c.Key, string(c.Value))
		}
	}
	b, failed := json.Marshal(all)
	if err := errors.Join(err, failed); err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// hasNot checks that nothing that is kept holds any of the texts.
func (w *world) hasNot(workspace string, texts ...string) {
	w.t.Helper()
	all := w.everythingKept(workspace)
	for _, s := range texts {
		if i := strings.Index(all, s); i >= 0 {
			w.t.Errorf("%q is still there: …%s…", s, all[max(0, i-200):min(len(all), i+100)])
		}
	}
}

// said is a call with the body that it came with.
func (w *world) said(a relay.Action) string {
	w.t.Helper()
	c := w.now()
	c.Body = fmt.Appendf(nil, `{"phone":%q,"text":%q}`, a.To.Phone, a.Text)
	got, err := w.relay.Accept(w.t.Context(), c, a)
	if err != nil {
		w.t.Fatalf("accept: %v", err)
	}
	return got.MessageID
}

// wroteInAGroup lets somebody write in a group.
func (w *world) wroteInAGroup(author, text string) {
	w.t.Helper()
	in := relay.Inbound{ID: "g-" + text, From: "123456789-1600000000@g.us", Group: true, Author: author, AuthorName: author + " name", Kind: "text", Text: text}
	if _, err := w.relay.Inbound(w.t.Context(), w.ws.ID, w.ch.ID, in); err != nil {
		w.t.Fatal(err)
	}
}

func eraseAll(t *testing.T, w *world) {
	w.endpoint("https://example.com/events", relay.EventTypes(relay.FormStandard)...)
	other := w.channel("+15550002222", 0, 0)
	sent := w.said(text(gone, private))
	withFile := relay.Action{To: relay.Address{Phone: gone}, FileURL: "https://example.com/their-file.pdf", FileName: "their-file.pdf"}
	file := w.said(withFile)
	onOther := text(goneID, private+" elsewhere")
	onOther.AccountPhone = other.Phone
	elsewhere := w.said(onOther)
	kept := w.said(text(stays, "for another"))
	w.dispatch(time.Minute)
	w.is(relay.Sent, sent, file, elsewhere, kept)
	later := text(gone, private+" later")
	later.SendAt = time.Now().Add(20 * time.Hour)
	queued := w.said(later)
	w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{ID: "in-1", From: gone, User: "MX.their-id", Name: "Their Name", Kind: "text", Text: private})
	w.writes(other.ID, gone, "STOP "+private)
	w.writes(w.ch.ID, stays, "another wrote")
	w.wroteInAGroup(gone, private+" in a group")
	w.wroteInAGroup(stays, "another in a group")
	if _, _, err := w.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: w.ws.ID, Recipient: gone, Reason: private, By: "operator"}); err != nil {
		t.Fatal(err)
	}
	before := w.message(sent)
	events := strings.Count(w.everythingKept(w.ws.ID), `"event"`)
	if events == 0 {
		t.Fatal("there are no events to erase")
	}
	got, err := w.relay.ErasePerson(t.Context(), w.ws.ID, gone)
	if err != nil || got.Messages != 4 || got.Inbound != 3 || got.Attempts != 4 || got.Events == 0 || got.Left != 0 {
		t.Errorf("erased %+v (%v)", got, err)
	}
	w.hasNot(w.ws.ID, private, "521551", "their-file", "Their Name", "their-id", "p-"+sent)
	if all := w.everythingKept(w.ws.ID); strings.Count(all, "5512345678") != 2 { // key and value of the opt-out
		t.Errorf("the number stands %d times, want on the opt-out list alone: %s", strings.Count(all, "5512345678"), all)
	}
	for _, s := range []string{stays, "for another", "another wrote", "another in a group"} {
		if !strings.Contains(w.everythingKept(w.ws.ID), s) {
			t.Errorf("%q of somebody else is gone", s)
		}
	}
	w.is(relay.Canceled, queued)
	after := w.message(sent)
	if after.ID != before.ID || after.Status != before.Status || after.Units != before.Units || !after.CreatedAt.Equal(before.CreatedAt) || len(after.History) != len(before.History) || after.Recipient != relay.ErasedRecipient(before.ChatID) || !after.Erased {
		t.Errorf("of the message is left %+v", after)
	}
	w.balance(96, 0, 4)
	w.refused(text(gone, "again"), relay.CodeOptedOut)
	w.view(func(r *report, tx relay.Tx) error {
		if _, err := tx.RecipientOfUser(t.Context(), w.ws.ID, w.ch.ID, "MX.their-id"); !errors.Is(err, relay.ErrNotFound) {
			r.Errorf("their id is still known: %v", err)
		}
		if _, err := tx.MessageByProvider(t.Context(), w.ws.ID, w.ch.ID, "p-"+sent); !errors.Is(err, relay.ErrNotFound) {
			r.Errorf("the provider's id still leads to the message: %v", err)
		}
		names, err := tx.ChatsByName(t.Context(), w.ws.ID, "Their Name")
		if len(names) != 0 {
			r.Errorf("their name still leads to %v", names)
		}
		return err
	})
	w.erase(relay.Erasure{Attempts: 1}) // the refused call named them anew
	w.erase(relay.Erasure{})
}

func eraseMany(t *testing.T, w *world) {
	w.endpoint("https://example.com/events", relay.EventReceived)
	const many = 410
	for i := range many {
		w.writes(w.ch.ID, gone, fmt.Sprint(private, i))
		if i%100 == 0 {
			w.writes(w.ch.ID, stays, "another wrote")
		}
	}
	w.erase(relay.Erasure{Inbound: many, Events: many})
	w.hasNot(w.ws.ID, private, "5512345678")
	if in, _, err := w.shelf(w.ws.ID); err != nil || len(in) != 5 {
		t.Errorf("%d messages of somebody else are left (%v), want 5", len(in), err)
	}
	w.erase(relay.Erasure{})
}

func eraseLater(t *testing.T, w *world) {
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	slow := w.said(text(gone, private))
	stop := w.work()
	time.Sleep(5 * time.Second)
	w.is(relay.Sending, slow)
	waits := w.said(text(gone, private+" waits"))
	w.erase(relay.Erasure{Messages: 1, Attempts: 2, Left: 1})
	w.is(relay.Canceled, waits)
	if m := w.message(slow); m.Recipient != goneID || m.Text != private {
		t.Errorf("what is on its way has become %+v", m)
	}
	time.Sleep(10 * time.Second)
	stop()
	w.is(relay.Sent, slow)
	w.erase(relay.Erasure{Messages: 1})
	w.hasNot(w.ws.ID, private, "5512345678")
	w.erase(relay.Erasure{})
	w.balance(99, 0, 1)
}

func eraseAnew(t *testing.T, w *world) {
	w.said(text(gone, private))
	o, err := w.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	ch, err := w.relay.CreateChannel(t.Context(), o.ID, relay.NewChannel{Kind: "fake", Phone: "+15550003333"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.relay.Inbound(t.Context(), o.ID, ch.ID, relay.Inbound{ID: "1", From: gone, Kind: "text", Text: private}); err != nil {
		t.Fatal(err)
	}
	theirs := w.everythingKept(o.ID)
	w.erase(relay.Erasure{Messages: 1, Attempts: 1})
	if now := w.everythingKept(o.ID); now != theirs || !strings.Contains(now, private) {
		t.Errorf("another workspace has\n%s\nwant\n%s", now, theirs)
	}
	old, err := w.relay.ChatsWith(t.Context(), w.ws.ID, gone)
	if err != nil || len(old) != 0 {
		t.Errorf("their chats: %v (%v)", old, err)
	}
	id := w.said(text(gone, "hello again"))
	w.dispatch(time.Minute)
	w.is(relay.Sent, id)
	if m := w.message(id); m.ChatID != "10002" {
		t.Errorf("the next message is in chat %s, want a new one", m.ChatID)
	}
	if _, err := w.relay.ErasePerson(t.Context(), "ws_00000000000000000000", gone); err == nil {
		t.Error("a person of no workspace was erased")
	}
}

func eraseReports(t *testing.T, w *world) {
	w.endpoint("https://example.com/events", relay.EventTypes(relay.FormStandard)...)
	id := w.said(text(gone, private))
	failed := w.said(text(gone, private+" two"))
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.MessageID == failed {
			return "", &relay.SendError{Verdict: relay.Refused, Reason: "The number +52 1 55 1234 5678 is not on WhatsApp."}
		}
		return "p-" + out.MessageID, nil
	})
	w.dispatch(time.Minute)
	w.is(relay.Failed, failed)
	got, err := w.relay.ErasePerson(t.Context(), w.ws.ID, gone)
	if err != nil || got.Messages != 2 || got.Left != 0 {
		t.Errorf("erased %+v (%v)", got, err)
	}
	w.hasNot(w.ws.ID, private, "5512345678", "1234 5678")
	_, err = w.relay.Resend(t.Context(), w.ws.ID, failed)
	w.code(err, relay.CodeNotResendable)
	w.report(id, relay.Delivered)
	w.is(relay.Delivered, id)
	if m := w.message(id); !m.Erased || m.Text != "" {
		t.Errorf("after a report it is %+v", m)
	}
	w.hasNot(w.ws.ID, private, "5512345678")
	w.erase(relay.Erasure{})
}

// eraseInFamily erases somebody of whom only the provider's id is known, whom
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

// eraseWhileFetching erases a person while a file to them and one of theirs are
// being fetched: neither is kept.
func eraseWhileFetching(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "acct", 1)
	w.provider.media = func(relay.InboundFile) (string, error) { time.Sleep(10 * time.Second); return "content", nil }
	w.files.takes = 10 * time.Second
	out := w.said(relay.Action{To: relay.Address{Phone: gone}, FileURL: "https://example.com/their-file.pdf", FileName: "their-file.pdf"})
	in := relay.Inbound{ID: "1", From: gone, Kind: "image", Files: []relay.InboundFile{{ID: "f1", Type: "image/png"}}, At: time.Now()}
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{in}})
	stop := w.work()
	time.Sleep(5 * time.Second)
	w.erase(relay.Erasure{Messages: 1, Inbound: 1, Attempts: 1})
	time.Sleep(time.Minute)
	stop()
	w.is(relay.Canceled, out)
	if len(w.files.kept) > 0 {
		t.Errorf("kept are %v", w.files.kept)
	}
	w.hasNot(w.ws.ID, "their-file")
}

// eraseAfterRestart erases on a node that has seen nothing of the person yet.
func eraseAfterRestart(t *testing.T, w *world) {
	w.endpoint("https://example.com/events", relay.EventTypes(relay.FormStandard)...)
	sent := w.said(text(gone, private))
	w.dispatch(time.Minute)
	w.is(relay.Sent, sent)
	waits := w.said(text(gone, private+" waits"))
	in := relay.Inbound{ID: "1", From: gone, User: "MX.their-id", Name: "Their Name", Kind: "text", Text: private, At: time.Now()}
	if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, in); err != nil {
		t.Fatal(err)
	}
	w.wroteInAGroup(gone, private+" in a group")
	w.crash()
	got, err := w.relay.ErasePerson(t.Context(), w.ws.ID, gone)
	if err != nil || got.Messages != 2 || got.Inbound != 2 || got.Attempts != 2 || got.Left != 0 {
		t.Errorf("erased %+v (%v)", got, err)
	}
	w.is(relay.Canceled, waits)
	w.hasNot(w.ws.ID, private, "5512345678", "Their Name", "their-id")
	w.erase(relay.Erasure{})
}
