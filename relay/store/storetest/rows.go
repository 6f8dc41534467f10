package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

func rows() []ruleCase {
	return []ruleCase{
		{"EveryRowComesBackWithEveryField", everyRow},
		{"WhatIsNotThereIsNotFound", nothingThere},
		{"AKeyThatNoDatabaseTakesIsNotFound", brokenKeys},
		{"ARowOfAnotherWorkspaceIsNotFound", anotherWorkspace},
		{"ADeletedRowIsNotFound", deletedRows},
		{"ATextThatIsNotUTF8IsKeptReadable", brokenText},
		{"TheNewestHundredAttemptsAreKeptInOrder", attemptRing},
		{"AnAttemptIsWrittenAgainInItsPlace", attemptAgain},
		{"AChatIsFoundByItsNameAfterARename", chatNames},
		{"CountersSumWholeMinutesPerChannel", counters},
		{"AProvidersIDIsFoundOnItsChannelAlone", providerIDs},
		{"AJobsTimeIsRemembered", jobs},
	}
}

func everyRow(t *testing.T, b *bench) {
	w := sampleWorkspace()
	b.update(func(t *report, tx relay.Tx) error { return fillRows(t.Context(), tx, w) })
	b.view(func(t *report, tx relay.Tx) error { return checkRows(t, tx, w) })
	b.reopen()
	b.view(func(t *report, tx relay.Tx) error { return checkRows(t, tx, w) })
	counts, err := b.store.Counts(t.Context(), w.ID, time.Time{}, time.Time{})
	row(t, "counts", []relay.Counts{{Channel: sampleChannelID, Sent: 3, Failed: 2, Delivered: 1, Received: 1}})(counts, err)
	keys, err := b.store.APIKeys(t.Context(), w.ID)
	row(t, "keys", []relay.APIKey{{ID: "key_1", Workspace: w.ID, Name: "n", Hash: relay.TokenHash{5}, CreatedAt: at}})(keys, err)
}

func nothingThere(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	b.view(func(t *report, tx relay.Tx) error {
		for what, err := range map[string]error{
			"workspace":             second(tx.Workspace(ctx, ws)),
			"channel":               second(tx.Channel(ctx, ws, sampleChannelID)),
			"chat":                  second(tx.Chat(ctx, ws, sampleChannelID, "+1")),
			"chat by number":        second(tx.ChatByID(ctx, ws, "10001")),
			"callback":              second(tx.WorkspaceByCallback(ctx, "none")),
			"token":                 second(tx.WorkspaceByToken(ctx, relay.TokenHash{1})),
			"api key":               second(tx.APIKey(ctx, relay.TokenHash{1})),
			"key":                   second(tx.Key(ctx, ws, "k")),
			"message":               second(tx.Message(ctx, ws, messageID(5))),
			"malformed message":     second(tx.Message(ctx, ws, "wa_backend:XX")),
			"message by provider":   second(tx.MessageByProvider(ctx, ws, sampleChannelID, "p")),
			"message by no id":      second(tx.MessageByProvider(ctx, ws, sampleChannelID, "")),
			"fetch":                 second(tx.Fetch(ctx, ws, messageID(5))),
			"fetch of malformed id": second(tx.Fetch(ctx, ws, "x")),
			"inbound message":       second(tx.InboundMessage(ctx, ws, messageID(5))),
			"malformed inbound":     second(tx.InboundMessage(ctx, ws, "wa_backend:XX")),
			"recipient of a user":   second(tx.RecipientOfUser(ctx, ws, sampleChannelID, sampleUser)),
		} {
			if !errors.Is(err, relay.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", what, err)
			}
		}
		if _, err := tx.Lane(ctx, laneID(9)); !errors.Is(err, queue.ErrNoLane) {
			t.Errorf("lane: got %v, want ErrNoLane", err)
		}
		if _, err := tx.Item(ctx, laneID(0), messageID(5)); !errors.Is(err, queue.ErrNoItem) {
			t.Errorf("item: got %v, want ErrNoItem", err)
		}
		if _, found, err := tx.Entry(ctx, ws, quota.KindGrant, "r"); found || err != nil {
			t.Errorf("entry: found %v, error %v", found, err)
		}
		names, err := tx.ChatsByName(ctx, ws, "n")
		refs, err2 := tx.Channels(ctx, ws)
		tries, err3 := tx.LastAttempts(ctx, ws, 3)
		templates, err4 := tx.TemplatesByName(ctx, ws, sampleChannelID, "t")
		if len(names)+len(refs)+len(tries)+len(templates) > 0 {
			t.Error("an empty store has rows")
		}
		return errors.Join(err, err2, err3, err4)
	})
}

func second[T any](_ T, err error) error { return err }

// brokenKeys looks for what somebody typed into an address: it is not there,
// and nothing else is said of it.
func brokenKeys(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	look := func(t *report, tx relay.Tx) error {
		for _, bad := range []string{"\x00", "a\x00b", "\xed\xa0\x80", "\xff"} {
			for what, err := range map[string]error{
				"workspace": second(tx.Workspace(ctx, bad)), "channel": second(tx.Channel(ctx, ws, bad)), "channel of another": second(tx.Channel(ctx, bad, "ch")),
				"chat": second(tx.Chat(ctx, ws, "ch", bad)), "chat number": second(tx.ChatByID(ctx, ws, bad)), "message": second(tx.Message(ctx, bad, messageID(1))),
				"provider": second(tx.MessageByProvider(ctx, ws, "ch", bad)), "callback": second(tx.WorkspaceByCallback(ctx, bad)), "key": second(tx.Key(ctx, ws, bad)),
				"inbound message": second(tx.InboundMessage(ctx, bad, messageID(1))), "inbound message by id": second(tx.InboundMessage(ctx, ws, bad)),
				"user": second(tx.RecipientOfUser(ctx, ws, "ch", bad)), "user of a channel": second(tx.RecipientOfUser(ctx, ws, bad, sampleUser)),
			} {
				if !errors.Is(err, relay.ErrNotFound) {
					t.Errorf("%s %q: %v, want ErrNotFound", what, bad, err)
				}
			}
			if err := second(tx.Lane(ctx, ws+"/"+bad)); !errors.Is(err, queue.ErrNoLane) {
				t.Errorf("lane %q: %v, want ErrNoLane", bad, err)
			}
			_, found, err := tx.Entry(ctx, ws, quota.KindGrant, bad)
			names, err2 := tx.ChatsByName(ctx, ws, bad)
			templates, err3 := tx.TemplatesByName(ctx, ws, bad, bad)
			if err := errors.Join(err, err2, err3); err != nil || found || len(names)+len(templates) > 0 {
				t.Errorf("grant %q: %v, chats %v, templates %v (%v)", bad, found, names, templates, err)
			}
		}
		return nil
	}
	b.view(look)
	b.update(look)
	for _, bad := range []string{"\x00", "\xff"} {
		page := relay.Page{Limit: 10}
		messages, _, err := b.store.Messages(ctx, relay.MessageFilter{Workspace: ws, Channel: bad}, page)
		chats, _, err2 := b.store.Chats(ctx, ws, bad, page)
		entries, _, err3 := b.store.Entries(ctx, bad, page)
		lanes, err4 := b.store.Queue(ctx, bad, at)
		last, err5 := b.store.Job(ctx, bad)
		templates, err6 := b.store.Templates(ctx, ws, bad)
		inbounds, _, err7 := b.store.Inbounds(ctx, ws, bad, bad, page)
		err = errors.Join(err, err2, err3, err4, err5, err6, err7)
		if err != nil || len(messages)+len(chats)+len(entries)+len(lanes)+len(templates)+len(inbounds) > 0 || !last.IsZero() {
			t.Errorf("lists of %q: %v, %v, %v, %v, %v, %v, %v (%v), want nothing", bad, messages, chats, entries, lanes, templates, inbounds, last, err)
		}
	}
}

func anotherWorkspace(t *testing.T, b *bench) {
	w, other := sampleWorkspace(), relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error { return fillRows(t.Context(), tx, w) })
	b.view(func(t *report, tx relay.Tx) error {
		ctx := t.Context()
		for what, err := range map[string]error{
			"message": second(tx.Message(ctx, other, messageID(1))), "channel": second(tx.Channel(ctx, other, sampleChannelID)),
			"key": second(tx.Key(ctx, other, "k")), "chat": second(tx.ChatByID(ctx, other, "10001")),
			"inbound message": second(tx.InboundMessage(ctx, other, messageID(7))), "user": second(tx.RecipientOfUser(ctx, other, sampleChannelID, sampleUser)),
			"fetch": second(tx.Fetch(ctx, other, messageID(1))), "message by provider": second(tx.MessageByProvider(ctx, other, sampleChannelID, "wamid.HBg=")),
		} {
			if !errors.Is(err, relay.ErrNotFound) {
				t.Errorf("%s of another workspace: got %v, want ErrNotFound", what, err)
			}
		}
		if _, found, err := tx.Entry(ctx, other, quota.KindDebit, messageID(1)); found || err != nil {
			t.Errorf("an entry of another account was found (%v)", err)
		}
		return nil
	})
}

func deletedRows(t *testing.T, b *bench) {
	w, ctx := sampleWorkspace(), t.Context()
	lane := w.ID + "/" + sampleChannelID
	b.update(func(t *report, tx relay.Tx) error { return fillRows(ctx, tx, w) })
	gone := func(t reporter, tx relay.Tx) {
		for what, err := range map[string]error{
			"token": second(tx.WorkspaceByToken(ctx, w.Webhook.Token.Hash)), "api key": second(tx.APIKey(ctx, relay.TokenHash{5})),
			"fetch": second(tx.Fetch(ctx, w.ID, messageID(1))),
		} {
			if !errors.Is(err, relay.ErrNotFound) {
				t.Errorf("deleted %s: got %v, want ErrNotFound", what, err)
			}
		}
		if _, err := tx.Item(ctx, lane, messageID(1)); !errors.Is(err, queue.ErrNoItem) {
			t.Errorf("deleted item: got %v, want ErrNoItem", err)
		}
	}
	b.update(func(t *report, tx relay.Tx) error {
		k, err := tx.APIKey(ctx, relay.TokenHash{5})
		if err != nil {
			return err
		}
		if _, err := tx.Lane(ctx, lane); err != nil {
			return err
		}
		err = errors.Join(tx.DeleteToken(ctx, w.Webhook.Token.Hash), tx.DeleteAPIKey(ctx, k), tx.DeleteFetch(ctx, sampleFetch(w.ID)), tx.DeleteItem(ctx, sampleItem(lane)))
		gone(t, tx)
		return err
	})
	b.view(func(t *report, tx relay.Tx) error { gone(t, tx); return nil })
}

func brokenText(t *testing.T, b *bench) {
	w := sampleWorkspace()
	m := sampleMessage(w.ID, sampleChannelID)
	m.Failure.Message = "caf\xe9"
	b.update(func(t *report, tx relay.Tx) error { return tx.PutMessage(t.Context(), m) })
	b.view(func(t *report, tx relay.Tx) error {
		got, err := tx.Message(t.Context(), w.ID, m.ID)
		if err == nil && got.Failure.Message != "caf\uFFFD" {
			t.Errorf("a provider's sentence in Latin-1 came back as %q", got.Failure.Message)
		}
		return err
	})
}

func attemptRing(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	for n := range 205 {
		b.update(func(t *report, tx relay.Tx) error {
			return tx.AppendAttempt(ctx, relay.Attempt{ID: fmt.Sprint(n), Workspace: ws, At: at})
		})
	}
	for _, ask := range []int{3, 100, 1000} {
		list, err := b.store.Attempts(ctx, ws, ask)
		if err != nil || len(list) != min(ask, 100) {
			t.Fatalf("asked for %d attempts, got %d (%v)", ask, len(list), err)
		}
		for i, a := range list {
			if want := fmt.Sprint(204 - i); a.ID != want {
				t.Fatalf("attempt %d of the newest is %s, want %s", i, a.ID, want)
			}
		}
	}
}

func attemptAgain(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error {
		for n := range 4 {
			if err := tx.AppendAttempt(ctx, relay.Attempt{ID: fmt.Sprint(n), Workspace: ws, At: at, Count: 1}); err != nil {
				return err
			}
		}
		return tx.PutAttempt(ctx, relay.Attempt{ID: "2", Workspace: ws, At: at, Count: 5})
	})
	list, err := b.store.Attempts(ctx, ws, 100)
	want := []relay.Attempt{{ID: "3", Count: 1}, {ID: "2", Count: 5}, {ID: "1", Count: 1}, {ID: "0", Count: 1}}
	for i := range want {
		want[i].Workspace, want[i].At = ws, at
	}
	row(t, "attempts", want)(list, err)
}

func chatNames(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	chat := func(id, to, name string) relay.Chat {
		return relay.Chat{Workspace: ws, Channel: sampleChannelID, Recipient: to, ID: id, Name: name, CreatedAt: at}
	}
	names := func(name string, want ...string) {
		t.Helper()
		b.view(func(t *report, tx relay.Tx) error {
			row(t, "chats named "+name, want)(tx.ChatsByName(ctx, ws, name))
			return nil
		})
	}
	b.update(func(t *report, tx relay.Tx) error {
		return errors.Join(tx.PutChat(ctx, chat("10001", "+1", "Ann")), tx.PutChat(ctx, chat("10002", "+2", "Ann")), tx.PutChat(ctx, chat("10003", "+3", "")))
	})
	names("Ann", "10001", "10002")
	names("An")
	b.update(func(t *report, tx relay.Tx) error { return tx.PutChat(ctx, chat("10001", "+1", "Anna")) })
	names("Ann", "10002")
	names("Anna", "10001")
	b.update(func(t *report, tx relay.Tx) error {
		return errors.Join(tx.PutChat(ctx, chat("10002", "+2", "")), tx.PutChat(ctx, chat("10003", "+3", "Anna")))
	})
	names("Ann")
	names("Anna", "10001", "10003")
	b.update(func(t *report, tx relay.Tx) error { // the same again changes nothing
		return tx.PutChat(ctx, chat("10003", "+3", "Anna"))
	})
	names("Anna", "10001", "10003")
}

func counters(t *testing.T, b *bench) {
	ctx, ws, other := t.Context(), relay.NewID("ws_"), relay.NewID("ws_")
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b.update(func(t *report, tx relay.Tx) error {
		return errors.Join(
			tx.Count(ctx, ws, noon, relay.Counts{Channel: "a", Sent: 1}),
			tx.Count(ctx, ws, noon.Add(59*time.Second), relay.Counts{Channel: "a", Sent: 1, Failed: 1, Delivered: 2}),
			tx.Count(ctx, ws, noon.Add(time.Minute), relay.Counts{Channel: "a", Sent: 10, Failed: -1, Delivered: 3}),
			tx.Count(ctx, ws, noon, relay.Counts{Channel: "b", Received: 5}),
			tx.Count(ctx, other, noon, relay.Counts{Channel: "a", Sent: 100}),
		)
	})
	for _, c := range []struct {
		what     string
		from, to time.Time
		want     []relay.Counts
	}{
		{"all", time.Time{}, time.Time{}, []relay.Counts{{Channel: "a", Sent: 12, Delivered: 5}, {Channel: "b", Received: 5}}},
		{"the first minute", noon, noon.Add(time.Minute), []relay.Counts{{Channel: "a", Sent: 2, Failed: 1, Delivered: 2}, {Channel: "b", Received: 5}}},
		{"from the second minute", noon.Add(time.Minute), time.Time{}, []relay.Counts{{Channel: "a", Sent: 10, Failed: -1, Delivered: 3}}},
		{"before", time.Time{}, noon, nil},
	} {
		got, err := b.store.Counts(ctx, ws, c.from, c.to)
		row(t, c.what, c.want)(got, err)
	}
}

func providerIDs(t *testing.T, b *bench) {
	ctx, ws := t.Context(), relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error {
		return tx.PutMessage(ctx, relay.Message{ID: messageID(1), Workspace: ws, Channel: "ch_a", ProviderID: "p", Status: relay.Sent})
	})
	b.view(func(t *report, tx relay.Tx) error {
		row(t, "by provider's id", messageID(1))(tx.MessageByProvider(ctx, ws, "ch_a", "p"))
		if _, err := tx.MessageByProvider(ctx, ws, "ch_b", "p"); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("on another channel: %v, want ErrNotFound", err)
		}
		return nil
	})
}

func jobs(t *testing.T, b *bench) {
	if last, err := b.store.Job(t.Context(), "expire"); err != nil || !last.IsZero() {
		t.Errorf("a job that never ran: %v, %v", last, err)
	}
	if err := b.store.PutJob(t.Context(), "expire", at); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	if last, err := b.store.Job(t.Context(), "expire"); err != nil || !last.Equal(at) {
		t.Errorf("got %v (%v), want %v", last, err, at)
	}
}
