package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"relevo/relay"
)

func inboundLists() []ruleCase {
	return []ruleCase{
		{"InboundMessagesComeNewestFirstAndOncePerWalk", inboundPaging},
		{"InboundMessagesAreListedByRecipientChannelAndWorkspace", inboundFilter},
		{"AnInboundMessageIsWrittenAgainInItsPlace", inboundAgain},
		{"OldInboundMessagesAreForgottenInBatchesWithTheirFetchJobs", pruneInbounds},
		{"AFetchJobMayBelongToAnInboundMessage", inboundFetch},
	}
}

func inbound() []storyCase {
	return []storyCase{
		{"WhatAProviderTellsTwiceCountsOnce", toldTwice},
		{"ACallbackAddressLeadsToItsChannelAlsoAfterACrash", callbackKeySurvives},
	}
}

// written is what somebody wrote: the n-th of a row of ids.
func written(workspace, channel, from string, n int) relay.InboundMessage {
	return relay.InboundMessage{ID: messageID(n), Workspace: workspace, Channel: channel, ChatID: "10001", Recipient: from, Kind: "text", Text: fmt.Sprint(n), At: at}
}

func (b *bench) putInbounds(list ...relay.InboundMessage) {
	b.t.Helper()
	b.update(func(t *report, tx relay.Tx) error {
		for _, m := range list {
			if err := tx.PutInbound(t.Context(), m); err != nil {
				return err
			}
		}
		return nil
	})
}

// inbounds are the ids of a list, page by page.
func (b *bench) inbounds(workspace, channel, recipient string, size int) (ids []string) {
	b.t.Helper()
	list, err := everything(func(p relay.Page) ([]relay.InboundMessage, string, error) {
		p.Limit = size
		some, next, err := b.store.Inbounds(b.t.Context(), workspace, channel, recipient, p)
		if len(some) > size {
			b.t.Errorf("a page of %d holds %d", size, len(some))
		}
		return some, next, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range list {
		ids = append(ids, m.ID)
	}
	return ids
}

func inboundPaging(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	const before = 25
	arriving := before
	for n := range before {
		b.putInbounds(written(ws, sampleChannelID, "+1", n))
	}
	for _, recipient := range []string{"", "+1"} {
		for _, size := range []int{1, 4, 5, 25, 200} {
			var got []string
			for p := (relay.Page{Limit: size}); ; {
				list, next, err := b.store.Inbounds(ctx, ws, sampleChannelID, recipient, p)
				if err != nil || len(list) > size {
					t.Fatalf("page of %d: %d, error %v", size, len(list), err)
				}
				for _, m := range list {
					got = append(got, m.ID)
				}
				b.putInbounds(written(ws, sampleChannelID, "+1", arriving)) // belongs to no later page
				arriving++
				if p.Cursor = next; next == "" {
					break
				}
			}
			for i, id := range got {
				if want := messageID(len(got) - 1 - i); id != want {
					t.Fatalf("pages of %d of %q: %d is %s, want %s", size, recipient, i, id, want)
				}
			}
			if len(got) < before {
				t.Fatalf("pages of %d of %q: %d came, want at least %d", size, recipient, len(got), before)
			}
		}
	}
	_, cursor, err := b.store.Inbounds(ctx, ws, "", "", relay.Page{Limit: 1})
	if err != nil || cursor == "" {
		t.Fatalf("cursor %q (%v)", cursor, err)
	}
	_, _, err1 := b.store.Inbounds(ctx, ws, "", "", relay.Page{Limit: 1, Cursor: "no cursor!"})
	_, _, err2 := b.store.Inbounds(ctx, relay.NewID("ws_"), "", "", relay.Page{Limit: 1, Cursor: cursor})
	_, _, err3 := b.store.Chats(ctx, ws, "", relay.Page{Limit: 1, Cursor: cursor})
	for _, err := range []error{err1, err2, err3} {
		var e *relay.Error
		if !errors.As(err, &e) || e.Code != relay.CodeInvalidField {
			t.Errorf("a cursor that is not of this list: %v, want %s", err, relay.CodeInvalidField)
		}
	}
}

func inboundFilter(_ *testing.T, b *bench) {
	ws, other, second := b.alone().ID, b.alone().ID, "ch_00000000000000000001"
	odd := []string{"+1", "+15", "123@g.us", "é 😀", "a\x00b", "caf\xe9"}
	for i, from := range odd {
		b.putInbounds(written(ws, sampleChannelID, from, i), written(ws, second, from, 100+i), written(other, sampleChannelID, from, 200+i))
	}
	b.putInbounds(written(ws, sampleChannelID, "+1", 50))
	ids := func(from, to int) (ids []string) {
		for n := to; n >= from; n-- {
			ids = append(ids, messageID(n))
		}
		return ids
	}
	for _, size := range []int{1, 3, 200} {
		for i, from := range odd {
			want := ids(i, i)
			if i == 0 {
				want = append(ids(50, 50), want...)
			}
			equal(b.t, fmt.Sprintf("of %q", from), b.inbounds(ws, sampleChannelID, from, size), want)
			equal(b.t, fmt.Sprintf("of %q to the second channel", from), b.inbounds(ws, second, from, size), ids(100+i, 100+i))
			equal(b.t, fmt.Sprintf("of %q to all channels", from), b.inbounds(ws, "", from, size), append(ids(100+i, 100+i), want...))
		}
		equal(b.t, "of a channel", b.inbounds(ws, sampleChannelID, "", size), append(ids(50, 50), ids(0, 5)...))
		equal(b.t, "of the second channel", b.inbounds(ws, second, "", size), ids(100, 105))
		equal(b.t, "of all channels", b.inbounds(ws, "", "", size), append(append(ids(100, 105), messageID(50)), ids(0, 5)...))
		equal(b.t, "of another workspace", b.inbounds(other, "", "", size), ids(200, 205))
		equal(b.t, "of another workspace's channel", b.inbounds(other, second, "+1", size), nil)
	}
	b.verify()
}

func inboundAgain(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	m := sampleInbound(ws, sampleChannelID)
	m.Files = m.Files[:1]
	m.Files[0].Key, m.Files[0].Size = "", 0
	b.putInbounds(written(ws, sampleChannelID, m.Recipient, 6), m, written(ws, sampleChannelID, m.Recipient, 8))
	b.update(func(t *report, tx relay.Tx) error {
		cur, err := tx.InboundMessage(ctx, ws, m.ID)
		if err != nil {
			return err
		}
		cur.Files[0].Key, cur.Files[0].Size = "k", 5
		again, err := tx.InboundMessage(ctx, ws, m.ID)
		equal(t, "before it is put", again, m)
		return errors.Join(err, tx.PutInbound(ctx, cur))
	})
	m.Files[0].Key, m.Files[0].Size = "k", 5
	b.view(func(t *report, tx relay.Tx) error {
		row(t, "once its file was fetched", m)(tx.InboundMessage(ctx, ws, m.ID))
		return nil
	})
	all := []string{messageID(8), messageID(7), messageID(6)}
	equal(t, "in its place", b.inbounds(ws, sampleChannelID, m.Recipient, 2), all)
	old := m.Recipient
	m.Recipient = "+4"
	b.putInbounds(m)
	equal(t, "of who is known by another name now", b.inbounds(ws, sampleChannelID, "+4", 2), []string{m.ID})
	equal(t, "of the name before", b.inbounds(ws, sampleChannelID, old, 2), []string{messageID(8), messageID(6)})
	equal(t, "of all", b.inbounds(ws, "", "", 2), all)
	b.verify()
}

func pruneInbounds(t *testing.T, b *bench) {
	ctx := t.Context()
	made := func(hours, n int) string { return idOf(at.Add(time.Duration(hours)*time.Hour), n) }
	var left []string
	owners := []string{b.alone().ID, b.alone().ID}
	b.update(func(t *report, tx relay.Tx) error {
		for n, ws := range owners {
			for hours := range 10 {
				m := written(ws, sampleChannelID, "+1", 0)
				m.ID, m.At = made(hours, n), at.Add(-1000*time.Hour) // what counts is when we took it
				if err := errors.Join(tx.PutInbound(ctx, m), tx.PutFetch(ctx, relay.Fetch{MessageID: m.ID, Workspace: ws, Next: at})); err != nil {
					return err
				}
			}
		}
		return nil
	})
	removed := 0
	for {
		n, err := b.store.PruneInbounds(ctx, at.Add(4*time.Hour), 3)
		if err != nil || n > 3 {
			t.Fatalf("pruned %d (%v), want at most 3", n, err)
		}
		if removed += n; n == 0 {
			break
		}
	}
	if removed != 8 {
		t.Errorf("%d were forgotten, want 8", removed)
	}
	for n, ws := range owners {
		left = nil
		for hours := 9; hours >= 4; hours-- {
			left = append(left, made(hours, n))
		}
		equal(t, "of all", b.inbounds(ws, "", "", 10), left)
		equal(t, "of one", b.inbounds(ws, sampleChannelID, "+1", 10), left)
	}
	due, _, err := b.store.FetchesDue(ctx, at, 100)
	if err != nil || len(due) != 12 {
		t.Errorf("%d fetch jobs are left (%v), want 12", len(due), err)
	}
	b.view(func(t *report, tx relay.Tx) error {
		if _, err := tx.InboundMessage(ctx, owners[0], made(0, 0)); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("a forgotten one: %v, want ErrNotFound", err)
		}
		return nil
	})
	b.verify()
}

func inboundFetch(t *testing.T, b *bench) {
	w, ctx := b.alone(), t.Context()
	m := sampleInbound(w.ID, sampleChannelID)
	f := relay.Fetch{MessageID: m.ID, Workspace: w.ID, Next: at, Tries: 1, Since: at}
	b.update(func(t *report, tx relay.Tx) error { return errors.Join(tx.PutInbound(ctx, m), tx.PutFetch(ctx, f)) })
	for range 2 {
		due, _, err := b.store.FetchesDue(ctx, at, 10)
		row(t, "due", []relay.Fetch{f})(due, err)
		b.verify()
		if n, err := b.store.PruneMessages(ctx, time.Now().Add(100*365*24*time.Hour), 10); n != 0 || err != nil {
			t.Errorf("%d messages were forgotten (%v), want none", n, err)
		}
		b.reopen()
	}
	b.update(func(t *report, tx relay.Tx) error { return tx.DeleteFetch(ctx, f) })
	due, _, err := b.store.FetchesDue(ctx, at, 10)
	row(t, "due once it was fetched", []relay.Fetch(nil))(due, err)
	b.verify()
}

func (w *world) received() (n int64) {
	w.t.Helper()
	counts, err := w.store.Counts(w.t.Context(), w.ws.ID, time.Time{}, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range counts {
		n += c.Received
	}
	return n
}

func toldTwice(t *testing.T, w *world) {
	other := w.channel("+15550002222", 0, 0)
	tell := func(channel, id string) {
		in := relay.Inbound{ID: id, From: "+14155550100", Name: "Ann", Text: "hi", At: time.Now()}
		if _, err := w.relay.Inbound(t.Context(), w.ws.ID, channel, in); err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 8 {
		all.Go(func() { <-start; tell(w.ch.ID, "wamid.1") })
	}
	close(start)
	all.Wait()
	if n := w.received(); n != 1 {
		t.Errorf("told eight times at once, %d were counted, want 1", n)
	}
	w.crash()
	time.Sleep(time.Hour)
	tell(w.ch.ID, "wamid.1")
	if chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10}); err != nil || len(chats) != 1 || time.Since(chats[0].LastInboundAt) != time.Hour {
		t.Errorf("a repetition an hour later moved the last message of %+v, %v", chats, err)
	}
	if n := w.received(); n != 1 {
		t.Errorf("told again after a crash, %d are counted, want 1", n)
	}
	tell(w.ch.ID, "wamid.2")
	tell(other.ID, "wamid.1")
	tell(w.ch.ID, "")
	tell(w.ch.ID, "")
	if n := w.received(); n != 5 {
		t.Errorf("%d are counted, want 5: what has no id, or another channel's, is new", n)
	}
	if chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10}); err != nil || len(chats) != 2 {
		t.Errorf("%d chats (%v), want one on each channel", len(chats), err)
	}
}

// called is a driver whose provider calls back: each call is a message of +1.
type called struct{ *driver }

// Receive takes every call for the provider's.
func (called) Receive(_ relay.Channel, c relay.Callback) (relay.Received, error) {
	return relay.Received{Inbound: []relay.Inbound{{ID: string(c.Body), From: "+1", Text: "hi", At: c.At}}, Reply: []byte(c.VerifyToken)}, nil
}

func callbackKeySurvives(t *testing.T, w *world) {
	ch, ctx := w.ch, context.WithoutCancel(t.Context())
	if ch.CallbackKey == "" || ch.VerifyToken == "" {
		t.Fatalf("a new channel has no callback key: %+v", ch)
	}
	for n := range 3 {
		w.relay.Drivers["fake"] = called{w.driver}
		got, err := w.relay.Receive(ctx, ch.ID, ch.CallbackKey, relay.Callback{Body: fmt.Append(nil, n), At: time.Now()})
		if err != nil || string(got.Reply) != ch.VerifyToken {
			t.Errorf("call %d: %q, %v; want the verify token", n, got.Reply, err)
		}
		for _, wrong := range []string{"", "x", ch.CallbackKey + "x", ch.VerifyToken} {
			if _, err := w.relay.Receive(ctx, ch.ID, wrong, relay.Callback{At: time.Now()}); !errors.Is(err, relay.ErrNotFound) {
				t.Errorf("with key %q: %v, want ErrNotFound", wrong, err)
			}
		}
		time.Sleep(2 * time.Hour)
		w.crash()
	}
	cur, err := w.relay.Channel(ctx, w.ws.ID, ch.ID)
	if err != nil || cur.CallbackKey != ch.CallbackKey || cur.VerifyToken != ch.VerifyToken || cur.CallbackAt.Sub(cur.CallbacksSince) != 4*time.Hour {
		t.Errorf("the channel is %+v (%v), want its keys and callbacks since four hours before the last", cur, err)
	}
	if n := w.received(); n != 3 {
		t.Errorf("%d messages were counted, want 3", n)
	}
}
