package storetest

import (
	"fmt"
	"testing"
	"time"

	"relevo/relay"
)

// messagesOfChat fills two chats in turn, also while the numbers of chats share
// their first digits, and lists each, before and after a change and pruning.
func messagesOfChat(t *testing.T, b *bench) {
	ws, other := b.granted(1000), b.granted(1000)
	chats := []string{"10001", "100010", "10002"}
	want := map[string][]string{}
	for n := range 30 {
		chat := chats[n%len(chats)]
		m := b.debited(ws, n, at.Add(time.Duration(n)*time.Minute), func(m *relay.Message) { m.ChatID = chat })
		want[chat] = append([]string{m.ID}, want[chat]...)
		b.debited(other, 1000+n, at, func(m *relay.Message) { m.ChatID = chat })
	}
	b.debited(ws, 99, at, nil) // of no chat
	check := func(what string) {
		t.Helper()
		for _, chat := range chats {
			for _, size := range []int{1, 3, 200} {
				equal(t, fmt.Sprintf("%s, chat %s by %d", what, chat, size), b.ofChat(relay.MessageFilter{Workspace: ws, Chat: chat}, size), want[chat])
			}
		}
		equal(t, what+", no chat", b.ofChat(relay.MessageFilter{Workspace: ws, Chat: "1000"}, 10), nil)
		equal(t, what+", not a number", b.ofChat(relay.MessageFilter{Workspace: ws, Chat: "a\x00'é"}, 10), nil)
	}
	check("fresh")
	b.update(func(t *report, tx relay.Tx) error {
		m, err := tx.Message(b.t.Context(), ws, want["10001"][0])
		if err != nil {
			return err
		}
		m.Status, m.ProviderID = relay.Sent, "wamid.1"
		return tx.PutMessage(b.t.Context(), m)
	})
	check("changed")
	equal(t, "by status", b.ofChat(relay.MessageFilter{Workspace: ws, Chat: "10001", Statuses: []relay.Status{relay.Sent}}, 10), want["10001"][:1])
	equal(t, "of another channel", b.ofChat(relay.MessageFilter{Workspace: ws, Chat: "10001", Channel: "ch_b"}, 10), nil)
	equal(t, "in time", b.ofChat(relay.MessageFilter{Workspace: ws, Chat: "10001", From: at.Add(10 * time.Minute), To: at.Add(20 * time.Minute)}, 2),
		[]string{messageID(18), messageID(15), messageID(12)})
	_, next, err := b.store.Messages(t.Context(), relay.MessageFilter{Workspace: ws, Chat: "10001"}, relay.Page{Limit: 1})
	if err != nil || next == "" {
		t.Fatalf("a first page of one: cursor %q (%v)", next, err)
	}
	b.reopen()
	check("opened again")
}

// ofChat is a whole list by pages of a size.
func (b *bench) ofChat(f relay.MessageFilter, size int) (ids []string) {
	b.t.Helper()
	list, err := everything(func(p relay.Page) ([]relay.Message, string, error) {
		p.Limit = size
		return b.store.Messages(b.t.Context(), f, p)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range list {
		ids = append(ids, m.ID)
	}
	return ids
}
