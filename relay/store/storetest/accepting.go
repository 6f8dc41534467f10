package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func accepting() []storyCase {
	return []storyCase{
		{"AnAcceptedMessageIsQueuedPaidAndLogged", accepted},
		{"ARefusalMovesNoUnitAndIsLogged", refusals},
		{"ARepeatedKeyAnswersTheFirstMessageAlsoWithoutQuota", replay},
		{"AReusedKeyWithAnotherBodyIsAConflict", keyConflict},
		{"OnlyAnAcceptedCallUsesItsKeyUp", refusedKey},
		{"AKeySurvivesARotation", keyAfterRotation},
		{"FiftyConcurrentDuplicatesMakeOneMessage", duplicates},
		{"TheContentWindowTakesRepetitionsForOne", contentWindow},
		{"ACallWithAKeyOfItsOwnIsNoRepetition", contentWithKeys},
		{"AnUnknownAccountIsToldAsSuchAlsoWithAChatName", unknownAccount},
		{"RacingAcceptsNeverSpendMoreThanThereIs", racingAccepts},
		{"EqualRefusalsInARowFoldFromTheFourthOn", foldedRefusals},
		{"AChatIsMadeOnceAndNumberedFrom10001", chatsMade},
		{"AnAccountThatDoesNotBalanceIsFrozen", frozenAccount},
	}
}

func accepted(t *testing.T, w *world) {
	call := w.now()
	call.Warnings = []string{"ignored: foo"}
	got, err := w.relay.Accept(t.Context(), call, text("+14151231234", "hello"))
	if err != nil {
		t.Fatal(err)
	}
	if !relay.ValidMessageID(got.MessageID) || got.Available != 99 || got.Position != 1 || got.Replayed {
		t.Errorf("accepted %+v", got)
	}
	m := w.message(got.MessageID)
	if m.Status != relay.Queued || m.Units != 1 || m.ChatID != "10001" || m.Text != "hello" || m.Channel != w.ch.ID || !m.ExpiresAt.Equal(call.At.Add(24*time.Hour)) {
		t.Errorf("message %+v", m)
	}
	w.balance(99, 1, 0)
	equal(t, "entries", w.entries(m.ID), []quota.Kind{quota.KindDebit})
	list := w.attempts()
	if len(list) != 1 || list[0].MessageID != m.ID || list[0].Units != 1 || list[0].Count != 1 || len(list[0].Warnings) != 1 || list[0].Sender != "test/1" {
		t.Errorf("attempts %+v", list)
	}
	second := text("+14151231235", "hello")
	second.ExpiresIn = 90 * time.Second
	m = w.message(w.accept(second))
	if m.ChatID != "10002" || !m.ExpiresAt.Equal(time.Now().Add(90*time.Second)) {
		t.Errorf("second message: chat %s, expires %v", m.ChatID, m.ExpiresAt)
	}
}

func refusals(t *testing.T, w *world) {
	to := func(a relay.Address) relay.Action { return relay.Action{To: a, Text: "x"} }
	w.refused(to(relay.Address{ChatID: "77234"}), relay.CodeChatNotFound)
	w.refused(to(relay.Address{ChatName: "Nobody"}), relay.CodeChatNotFound)
	account := text("+14151231234", "x")
	account.AccountPhone = "+1999"
	w.refused(account, relay.CodeAccountNotFound)
	for _, from := range []string{"+1", "+2"} {
		if _, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{From: from, Name: " Ann ", Text: "hi", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	w.refused(to(relay.Address{ChatName: "Ann"}), relay.CodeChatAmbiguous)
	off := false
	if _, err := w.relay.UpdateWebhook(t.Context(), w.ws.ID, relay.WebhookPatch{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	w.refused(text("+14151231234", "x"), relay.CodeWebhookDisabled)
	w.balance(100, 0, 0)
	var named []string
	for _, a := range w.attempts() {
		named = append(named, a.Recipient)
	}
	equal(t, "whom the refused calls named, newest first", named, []string{"+14151231234", "", "+14151231234", "", ""})
	gone := w.now()
	gone.Hook = relay.TokenHash{1}
	_, err := w.relay.Accept(t.Context(), gone, text("+14151231234", "x"))
	w.code(err, relay.CodeNotFound)
	if n := len(w.attempts()); n != 5 {
		t.Errorf("an unknown token left an attempt")
	}
}

func withKey(a relay.Action, key string) relay.Action { a.Key = key; return a }

func (w *world) replayed(a relay.Action, want string) {
	w.t.Helper()
	got, err := w.relay.Accept(w.t.Context(), w.now(), a)
	if err != nil || !got.Replayed || got.MessageID != want {
		w.t.Errorf("got %+v (%v), want a replay of %s", got, err, want)
	}
}

func replay(t *testing.T, w *world) {
	a := withKey(text("+14151231234", "hello"), "k")
	first := w.accept(a)
	for n := range 99 {
		w.accept(text("+14151231234", fmt.Sprint(n)))
	}
	w.refused(text("+14151231234", "more"), relay.CodeQuotaExhausted)
	misread := w.now()
	misread.Named = relay.Address{JID: "14151231234@s.whatsapp.net"}
	_, err := w.relay.Refused(t.Context(), misread, relay.Refusef(relay.CodeNoContent, "No text."))
	w.code(err, relay.CodeNoContent)
	for i, code := range []relay.Code{relay.CodeNoContent, relay.CodeQuotaExhausted} {
		if a := w.attempts()[i]; a.ErrorCode != code || a.Recipient != "+14151231234" {
			t.Errorf("attempt %d is %s to %q", i, a.ErrorCode, a.Recipient)
		}
	}
	w.balance(0, 100, 0)
	w.replayed(a, first)
	w.balance(0, 100, 0)
	if list := w.attempts(); !list[0].Replayed || list[0].MessageID != first || list[0].Units != 0 {
		t.Errorf("the replay is logged as %+v", list[0])
	}
}

func keyConflict(t *testing.T, w *world) {
	first := w.accept(withKey(text("+14151231234", "hello"), "k"))
	w.refused(withKey(text("+14151231234", "other"), "k"), relay.CodeIdempotencyConflict)
	w.replayed(withKey(text("+14151231234", "hello"), "k"), first)
	w.balance(99, 1, 0)
	if n := len(w.attempts()); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func refusedKey(_ *testing.T, w *world) {
	a := withKey(relay.Action{To: relay.Address{ChatID: "10001"}, Text: "x"}, "k")
	w.refused(a, relay.CodeChatNotFound)
	id := w.accept(withKey(text("+14151231234", "hello"), "k")) // another body: the key is free
	w.replayed(withKey(text("+14151231234", "hello"), "k"), id)
}

func keyAfterRotation(t *testing.T, w *world) {
	a := withKey(text("+14151231234", "hello"), "k")
	first := w.accept(a)
	w.rotate(0)
	w.replayed(a, first)
	w.balance(99, 1, 0)
	_ = t
}

// rotate gives the webhook a new URL; calls use it from now on.
func (w *world) rotate(grace time.Duration) (old relay.TokenHash) {
	w.t.Helper()
	old = w.ws.Webhook.Token.Hash
	ws, err := w.relay.RotateWebhook(w.t.Context(), w.ws.ID, grace)
	if err != nil {
		w.t.Fatalf("rotate: %v", err)
	}
	w.ws = ws
	return old
}

func duplicates(t *testing.T, w *world) {
	a := withKey(text("+14151231234", "hello"), "k")
	ids := make([]relay.Accepted, 50)
	gun := make(chan struct{})
	var g sync.WaitGroup
	for i := range ids {
		call := w.now()
		g.Go(func() {
			<-gun
			var err error
			if ids[i], err = w.relay.Accept(t.Context(), call, a); err != nil {
				t.Errorf("duplicate %d: %v", i, err)
			}
		})
	}
	close(gun)
	g.Wait()
	fresh := 0
	for _, got := range ids {
		if got.MessageID != ids[0].MessageID {
			t.Errorf("two ids for one key: %s and %s", got.MessageID, ids[0].MessageID)
		}
		if !got.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of the calls were not replays, want 1", fresh)
	}
	w.balance(99, 1, 0)
}

func (w *world) dedupe(seconds int) {
	w.t.Helper()
	if _, err := w.relay.UpdateWebhook(w.t.Context(), w.ws.ID, relay.WebhookPatch{DedupeSeconds: &seconds}); err != nil {
		w.t.Fatal(err)
	}
}

func contentWindow(_ *testing.T, w *world) {
	w.dedupe(60)
	a := text("+14151231234", "hello")
	first := w.accept(a)
	time.Sleep(59 * time.Second)
	w.replayed(a, first)
	other := w.accept(text("+14151231234", "other"))
	time.Sleep(time.Second)
	if again := w.accept(a); again == first || again == other {
		w.t.Error("after the window the content was still taken for a repetition")
	}
	w.balance(97, 3, 0)
}

func contentWithKeys(_ *testing.T, w *world) {
	w.dedupe(60)
	first := w.accept(withKey(text("+14151231234", "hello"), "k1"))
	w.replayed(withKey(text("+14151231234", "hello"), "k1"), first)
	w.replayed(text("+14151231234", "hello"), first) // no key: the content decides
	if second := w.accept(withKey(text("+14151231234", "hello"), "k2")); second == first {
		w.t.Error("another key was taken for a repetition")
	}
	w.balance(98, 2, 0)
}

func racingAccepts(t *testing.T, w *world) {
	for range 97 {
		w.accept(text("+14151231234", "x"))
	}
	for round := range 20 {
		w.grant(fmt.Sprint("round", round), 1)
		gun := make(chan struct{})
		var g sync.WaitGroup
		for range 8 {
			call := w.now()
			g.Go(func() {
				<-gun
				_, err := w.relay.Accept(t.Context(), call, text("+14151231234", "x"))
				var e *relay.Error
				if err != nil && (!errors.As(err, &e) || e.Code != relay.CodeQuotaExhausted) {
					t.Errorf("accept: %v", err)
				}
			})
		}
		close(gun)
		g.Wait()
	}
	w.balance(0, 120, 0)
}

func foldedRefusals(t *testing.T, w *world) {
	bad := relay.Action{To: relay.Address{ChatID: "5"}, Text: "x"}
	for range 10 {
		w.refused(bad, relay.CodeChatNotFound)
		time.Sleep(time.Second)
	}
	w.accept(text("+14151231234", "x"))
	w.refused(bad, relay.CodeChatNotFound)
	var counts []int
	for _, a := range w.attempts() {
		counts = append(counts, a.Count)
	}
	equal(t, "counts, newest first", counts, []int{1, 1, 8, 1, 1})
	folded := w.attempts()[2]
	if got := folded.LastAt.Sub(folded.At); got != 7*time.Second {
		t.Errorf("the folded line spans %v, want 7s", got)
	}
	for range 5 {
		w.accept(text("+14151231234", "x")) // what was accepted never folds
	}
	if n := len(w.attempts()); n != 10 {
		t.Errorf("%d attempts, want 10", n)
	}
}

func chatsMade(t *testing.T, w *world) {
	w.accept(text("+1", "a"))
	w.accept(text("+1", "b"))
	w.accept(relay.Action{To: relay.Address{JID: "1@s.whatsapp.net"}, Text: "c"}) // the same person
	chat, err := w.relay.Inbound(t.Context(), w.ws.ID, w.ch.ID, relay.Inbound{From: "+1", Name: "Ann", At: time.Now()})
	if err != nil || chat.ID != "10001" || chat.Name != "Ann" {
		t.Errorf("chat %+v (%v), want 10001, Ann", chat, err)
	}
	if m := w.message(w.accept(relay.Action{To: relay.Address{ChatName: "Ann"}, Text: "d"})); m.Recipient != "+1" || m.ChatID != "10001" {
		t.Errorf("by name: %s in chat %s", m.Recipient, m.ChatID)
	}
	if m := w.message(w.accept(relay.Action{To: relay.Address{JID: "123-4@g.us"}, Text: "e"})); m.ChatID != "10002" {
		t.Errorf("a new group is chat %s, want 10002", m.ChatID)
	}
}

func frozenAccount(t *testing.T, w *world) {
	alarms := 0
	w.relay.Watch.Unbalanced = func() { alarms++ }
	set := func(edit func(*quota.Account)) {
		t.Helper()
		w.update(func(t *report, tx relay.Tx) error {
			a, err := tx.Account(t.Context(), w.ws.ID)
			if err != nil {
				return err
			}
			edit(&a)
			return tx.PutAccount(t.Context(), a)
		})
	}
	set(func(a *quota.Account) { a.Available += 5 })
	for range 2 {
		_, err := w.relay.Accept(t.Context(), w.now(), text("+1", "x"))
		w.code(err, relay.CodeUnavailable)
	}
	set(func(a *quota.Account) { a.Available -= 5 }) // mended, but still frozen
	_, err := w.relay.Accept(t.Context(), w.now(), text("+1", "x"))
	w.code(err, relay.CodeUnavailable)
	if alarms == 0 {
		t.Error("no alarm was raised")
	}
	set(func(a *quota.Account) { a.Frozen = false })
	w.accept(text("+1", "x"))
}

func unknownAccount(t *testing.T, w *world) {
	if _, _, err := w.relay.CreateChat(t.Context(), w.ws.ID, relay.NewChat{Channel: w.ch.ID, Recipient: "+1", Name: "Bob"}); err != nil {
		t.Fatal(err)
	}
	a := relay.Action{To: relay.Address{ChatName: "Bob"}, Text: "x"}
	w.accept(a)
	a.AccountPhone = "+999999999"
	w.refused(a, relay.CodeAccountNotFound)
}
