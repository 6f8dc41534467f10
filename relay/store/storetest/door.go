package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"relevo/relay"
)

func door() []storyCase {
	return []storyCase{
		{"ATestWebhookAnswersAndSendsNothing", testMode},
		{"AListeningWebhookCapturesOneCallWhateverItIs", capturing},
		{"WhatIsKnownAtTheDoorIsRefusedAlsoWhileListening", capturingNothing},
		{"TryingACallSaysWhatWouldHappenAndChangesNothing", trying},
		{"TwoFormsOfANumberAreOneChatAndOneLine", folding},
		{"TheFormThatTheProviderUsesIsTheOneThatIsSentTo", confirming},
		{"EveryWebhookTokenIsToldOfAndNoOther", tokens},
		{"AWebhooksSettingsStayAsTheyWereSet", settings},
		{"ACallIsReadByTheSettingsOfTheMomentAtWhichItIsAccepted", staleReading},
	}
}

func (w *world) patch(p relay.WebhookPatch) {
	w.t.Helper()
	if _, err := w.relay.UpdateWebhook(w.t.Context(), w.ws.ID, p); err != nil {
		w.t.Fatal(err)
	}
}

func testMode(t *testing.T, w *world) {
	on, off := true, false
	a := text("+14151231234", "x")
	a.Key = "k"
	w.patch(relay.WebhookPatch{Test: &on})
	got, err := w.relay.Accept(t.Context(), w.now(), a)
	if err != nil || !got.Test || !relay.ValidMessageID(got.MessageID) || got.Available != 100 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if list := w.attempts(); len(list) != 1 || !list[0].Test || list[0].MessageID != got.MessageID || list[0].Units != 0 || list[0].ErrorCode != "" {
		t.Errorf("attempts %+v", list)
	}
	w.refused(relay.Action{To: relay.Address{ChatID: "5"}, Text: "x"}, relay.CodeChatNotFound)
	w.balance(100, 0, 0)
	w.dispatch(time.Minute)
	if n := len(w.driver.made()); n != 0 {
		t.Errorf("%d messages were sent in test mode", n)
	}
	if chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10}); err != nil || len(chats) != 0 {
		t.Errorf("test mode made chats: %+v, %v", chats, err)
	}
	w.patch(relay.WebhookPatch{Test: &off})
	real, err := w.relay.Accept(t.Context(), w.now(), a)
	if err != nil || real.Replayed || real.Test || real.MessageID == got.MessageID {
		t.Errorf("after test mode the same key answers %+v, %v", real, err)
	}
	w.patch(relay.WebhookPatch{Test: &on})
	again, err := w.relay.Accept(t.Context(), w.now(), a)
	if err != nil || !again.Replayed || again.MessageID != real.MessageID {
		t.Errorf("in test mode a used key answers %+v, %v", again, err)
	}
}

func (w *world) listen(d time.Duration) {
	w.t.Helper()
	if _, err := w.relay.Listen(w.t.Context(), w.ws.ID, d); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) captured() string {
	w.t.Helper()
	ws, err := w.relay.Workspace(w.t.Context(), w.ws.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return ws.Webhook.Captured
}

func capturing(t *testing.T, w *world) {
	w.listen(time.Minute)
	call := w.now()
	call.Body, call.Tool = []byte(`{"order":1}`), "Shopify"
	got, err := w.relay.Refused(t.Context(), call, relay.Refusef(relay.CodeMissingField, "no action"))
	if err != nil || !got.Captured || !relay.ValidMessageID(got.MessageID) {
		t.Fatalf("got %+v, %v", got, err)
	}
	list := w.attempts()
	if len(list) != 1 || !list[0].Captured || list[0].ErrorCode != "" || string(list[0].Body) != `{"order":1}` || list[0].Tool != "Shopify" || w.captured() != list[0].ID {
		t.Errorf("attempts %+v, captured %s", list, w.captured())
	}
	// one call, and no more
	if _, err := w.relay.Refused(t.Context(), w.now(), relay.Refusef(relay.CodeMissingField, "no action")); err == nil {
		t.Error("a second call was captured")
	}
	// a call that could be sent is captured as well
	w.listen(time.Minute)
	a := text("+14151231234", "x")
	a.Key = "k"
	if got, err := w.relay.Accept(t.Context(), w.now(), a); err != nil || !got.Captured {
		t.Errorf("got %+v, %v", got, err)
	}
	w.balance(100, 0, 0)
	w.is(relay.Queued, w.accept(a))
	// and none once the time is over
	w.listen(time.Minute)
	before := w.captured()
	time.Sleep(time.Minute)
	w.is(relay.Queued, w.accept(text("+14151231234", "y")))
	if before != "" || w.captured() != "" {
		t.Errorf("captured %q, then %q", before, w.captured())
	}
	w.listen(time.Minute)
	w.listen(0)
	w.is(relay.Queued, w.accept(text("+14151231234", "z")))
	_, err = w.relay.Listen(t.Context(), w.ws.ID, 2*time.Hour)
	w.code(err, relay.CodeInvalidField)
}

func capturingNothing(t *testing.T, w *world) {
	w.listen(time.Minute)
	refuse(t, w, w.now(), relay.CodeRateLimited, relay.CodeRateLimited)
	refuse(t, w, w.now(), relay.CodeBodyTooLarge, relay.CodeBodyTooLarge)
	off, on := false, true
	w.patch(relay.WebhookPatch{Enabled: &off})
	w.refused(text("+14151231234", "x"), relay.CodeWebhookDisabled)
	w.patch(relay.WebhookPatch{Enabled: &on})
	if got, err := w.relay.Accept(t.Context(), w.now(), text("+14151231234", "x")); err != nil || !got.Captured {
		t.Errorf("the webhook waits no more: %+v, %v", got, err)
	}
}

func trying(t *testing.T, w *world) {
	a := text("+14151231234", "x")
	a.Key = "k"
	try := func() (relay.Trial, error) { return w.relay.Try(t.Context(), w.ws.ID, a, time.Now()) }
	got, err := try()
	if err != nil || got.Messages != 1 || got.Units != 1 || got.Available != 100 || got.Position != 1 || got.Channel.ID != w.ch.ID || got.To != "+14151231234" || got.Replays != "" || got.Chat.ID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if list := w.attempts(); len(list) != 0 {
		t.Errorf("attempts %+v", list)
	}
	id := w.accept(a)
	if got, err := try(); err != nil || got.Replays != id || got.Chat.ID != "10001" {
		t.Errorf("got %+v, %v", got, err)
	}
	a.Fingerprint[0]++
	_, err = try()
	w.code(err, relay.CodeIdempotencyConflict)
	a = relay.Action{To: relay.Address{ChatID: "5"}, Text: "x"}
	_, err = try()
	w.code(err, relay.CodeChatNotFound)
	w.balance(99, 1, 0)
	for range 99 {
		w.accept(text("+14151231234", "y"))
	}
	a = text("+14151231234", "z")
	_, err = try()
	w.code(err, relay.CodeQuotaExhausted)
	if n := len(w.attempts()); n != 100 {
		t.Errorf("%d attempts, want 100", n)
	}
}

func folding(t *testing.T, w *world) {
	for _, pair := range [][2]string{
		{"+525512345678", "+5215512345678"},
		{"+5491112345678", "+541112345678"},
		{"+5511987654321", "+551187654321"},
	} {
		first, second := w.message(w.accept(text(pair[0], "a"))), w.message(w.accept(text(pair[1], "b")))
		if first.ChatID != second.ChatID || first.Recipient != second.Recipient || first.Lane != second.Lane {
			t.Errorf("%v are two people: %+v and %+v", pair, first, second)
		}
		if first.To() != pair[0] || second.To() != pair[1] {
			t.Errorf("%v are sent to %s and %s", pair, first.To(), second.To())
		}
		third := w.message(w.accept(relay.Action{To: relay.Address{JID: pair[1][1:] + "@s.whatsapp.net"}, Text: "c"}))
		if third.ChatID != first.ChatID {
			t.Errorf("the JID of %s is another chat", pair[1])
		}
		byID := w.message(w.accept(relay.Action{To: relay.Address{ChatID: first.ChatID}, Text: "d"}))
		if byID.To() != pair[0] {
			t.Errorf("the chat of %s is sent to %s", pair[0], byID.To())
		}
	}
	w.dispatch(time.Minute)
	var to []string
	for _, out := range w.driver.made() {
		to = append(to, out.Recipient)
	}
	for _, want := range []string{"+525512345678", "+5215512345678", "+551187654321", "+5511987654321"} {
		if !slices.Contains(to, want) {
			t.Errorf("nothing was handed over to %s, as it was written: %v", want, to)
		}
	}
	landline, mobile := w.message(w.accept(text("+551133334444", "a"))), w.message(w.accept(text("+5511933334444", "a")))
	if landline.ChatID == mobile.ChatID {
		t.Error("a landline and a mobile number of Brazil are one chat")
	}
}

func confirming(t *testing.T, w *world) {
	old := w.message(w.accept(text("+5511987654321", "a")))
	if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{From: "+551187654321", Name: "Ana", Text: "oi", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []relay.Address{{Phone: "+5511987654321"}, {Phone: "+551187654321"}, {ChatID: old.ChatID}, {ChatName: "Ana"}} {
		m := w.message(w.accept(relay.Action{To: to, Text: "x"}))
		if m.ChatID != old.ChatID || m.To() != "+551187654321" {
			t.Errorf("%+v goes to %s in chat %s", to, m.To(), m.ChatID)
		}
	}
	if old.To() != "+5511987654321" {
		t.Errorf("what was queued before goes to %s", old.To())
	}
}

func tokens(t *testing.T, w *world) {
	all := func() (hashes []relay.TokenHash) {
		err := w.store.Tokens(t.Context(), func(h relay.TokenHash) {
			if !slices.Contains(hashes, h) {
				hashes = append(hashes, h)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return hashes
	}
	other, err := w.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	if got := all(); len(got) != 2 || !slices.Contains(got, w.ws.Webhook.Token.Hash) || !slices.Contains(got, other.Webhook.Token.Hash) {
		t.Errorf("got %d tokens", len(got))
	}
	token := func(ws relay.Workspace) string {
		s, err := w.relay.Token(ws)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	maybe := func(s string) bool { return w.relay.MaybeToken(t.Context(), s) }
	if !maybe(token(other)) || maybe(relay.NewToken()) || maybe("") {
		t.Error("a token is not told from one that nobody has")
	}
	fresh, err := w.relay.RotateWebhook(t.Context(), other.ID, 0) // after it was remembered
	if err != nil {
		t.Fatal(err)
	}
	third, err := w.relay.CreateWorkspace(t.Context(), "Third")
	if err != nil {
		t.Fatal(err)
	}
	if !maybe(token(fresh)) || !maybe(token(third)) {
		t.Error("a token that was made since is not known")
	}
	if got := all(); len(got) != 3 || slices.Contains(got, other.Webhook.Token.Hash) {
		t.Errorf("after a rotation there are %d tokens", len(got))
	}
}

func settings(t *testing.T, w *world) {
	on := true
	m := &relay.Mapping{Preset: "shopify", Fields: map[string]relay.MappedField{"phone": {Path: "a.b", Default: "{c}"}, "text": {Value: "x"}}}
	w.patch(relay.WebhookPatch{Strict: &on, AllowMergeTags: &on, Mapping: &m})
	country := "MX"
	if _, err := w.relay.UpdateWorkspace(t.Context(), w.ws.ID, relay.WorkspacePatch{Country: &country}); err != nil {
		t.Fatal(err)
	}
	w.crash()
	token, err := w.relay.Token(w.ws)
	if err != nil {
		t.Fatal(err)
	}
	h, err := w.relay.FindHook(t.Context(), token, time.Now())
	if err != nil || !h.Strict || !h.AllowMergeTags || h.Country != "MX" {
		t.Errorf("got %+v, %v", h, err)
	}
	equal(t, "mapping", h.Mapping, m)
	var none *relay.Mapping
	w.patch(relay.WebhookPatch{Mapping: &none})
	if ws, err := w.relay.Workspace(t.Context(), w.ws.ID); err != nil || ws.Webhook.Mapping != nil || !ws.Webhook.Strict || ws.Country != "MX" {
		t.Errorf("got %+v, %v", ws, err)
	}
}

// staleReading: what a call was read by is looked at once more in the
// transaction that accepts or refuses it.
func staleReading(t *testing.T, w *world) {
	token, err := w.relay.Token(w.ws)
	if err != nil {
		t.Fatal(err)
	}
	h, err := w.relay.FindHook(t.Context(), token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	on := true
	w.patch(relay.WebhookPatch{Strict: &on})
	call, a := w.now(), text("+14155550111", "hi")
	call.ReadBy = &h
	if _, err := w.relay.Accept(t.Context(), call, a); !errors.Is(err, relay.ErrHookChanged) {
		t.Errorf("a call that was read by the settings of before: %v", err)
	}
	if _, err := w.relay.Refused(t.Context(), call, relay.Refusef(relay.CodeInvalidJSON, "no")); !errors.Is(err, relay.ErrHookChanged) {
		t.Errorf("a call that was refused by the settings of before: %v", err)
	}
	if got := w.attempts(); len(got) != 0 {
		t.Errorf("they left attempts: %+v", got)
	}
	if h, err = w.relay.FindHookAnew(t.Context(), token, time.Now()); err != nil || !h.Strict {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := w.relay.Accept(t.Context(), call, a); err != nil {
		t.Errorf("read anew: %v", err)
	}
}
