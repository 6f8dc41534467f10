package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func lists() []ruleCase {
	return []ruleCase{
		{"MessagesComeNewestFirstAndOncePerWalk", messagePaging},
		{"AFilterShowsExactlyWhatItSays", messageFilter},
		{"MessagesOfAChatAreItsOwnWhateverBecameOfThem", messagesOfChat},
		{"EntriesChainTheirAvailableAfter", entryChain},
		{"ChatsComeNewestFirstBeyondTheirHundredThousandth", chatPaging},
		{"WorkspacesComeOnceEachPage", workspacePaging},
		{"AForeignCursorIsRefused", foreignCursor},
		{"OldKeysAreForgottenAndNewOnesKept", pruneKeys},
	}
}

// debited writes a message as accept does: debited when it was created.
func (b *bench) debited(ws string, n int, created time.Time, edit func(*relay.Message)) relay.Message {
	b.t.Helper()
	m := relay.Message{ID: messageID(n), Workspace: ws, Channel: "ch_a", Status: relay.Queued, Units: 1, Charge: 1, CreatedAt: created}
	if edit != nil {
		edit(&m)
	}
	b.update(func(t *report, tx relay.Tx) error {
		if err := quota.Debit(b.t.Context(), tx, ws, m.ID, 1, created); err != nil {
			return err
		}
		return tx.PutMessage(b.t.Context(), m)
	})
	return m
}

func (b *bench) granted(units int64) (ws string) {
	b.t.Helper()
	ws = relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error { return quota.Grant(b.t.Context(), tx, ws, "g", units, at) })
	return ws
}

func messagePaging(t *testing.T, b *bench) {
	ws, other := b.granted(1000), b.granted(1000)
	const before = 25
	for n := range before {
		b.debited(ws, n, at.Add(time.Duration(n)*time.Second), nil)
		b.debited(other, 1000+n, at.Add(time.Duration(n)*time.Second), nil)
	}
	for _, size := range []int{1, 4, 5, 25, 200} {
		var got []string
		arriving := before
		for p := (relay.Page{Limit: size}); ; {
			list, next, err := b.store.Messages(t.Context(), relay.MessageFilter{Workspace: ws}, p)
			if err != nil || len(list) > size {
				t.Fatalf("page of %d: %d messages, error %v", size, len(list), err)
			}
			for _, m := range list {
				got = append(got, m.ID)
			}
			// new ones arrive, and belong to no later page
			b.debited(ws, size*10000+arriving, at.Add(time.Hour*time.Duration(size)+time.Duration(arriving)*time.Second), nil)
			arriving++
			if p.Cursor = next; next == "" {
				break
			}
		}
		old := got[max(0, len(got)-before):]
		for i, id := range old {
			if want := messageID(before - 1 - i); id != want {
				t.Fatalf("pages of %d: message %d is %s, want %s", size, i, id, want)
			}
		}
		seen := map[string]bool{}
		for _, id := range got {
			if seen[id] {
				t.Fatalf("pages of %d: %s came twice", size, id)
			}
			seen[id] = true
		}
	}
}

func messageFilter(t *testing.T, b *bench) {
	ws := b.granted(100)
	hour := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
	b.debited(ws, 1, hour(1), nil)
	b.debited(ws, 2, hour(2), func(m *relay.Message) { m.Status = relay.Sent })
	b.debited(ws, 3, hour(3), func(m *relay.Message) { m.Channel = "ch_b" })
	// a call that waited: accepted after the one above, begun a minute before
	b.debited(ws, 4, hour(3).Add(-time.Minute), func(m *relay.Message) { m.Status = relay.Failed })
	b.debited(ws, 5, hour(5), nil)
	for _, c := range []struct {
		what string
		f    relay.MessageFilter
		want []int
	}{
		{"all", relay.MessageFilter{}, []int{5, 4, 3, 2, 1}},
		{"one status", relay.MessageFilter{Statuses: []relay.Status{relay.Sent}}, []int{2}},
		{"two statuses", relay.MessageFilter{Statuses: []relay.Status{relay.Failed, relay.Sent}}, []int{4, 2}},
		{"channel", relay.MessageFilter{Channel: "ch_b"}, []int{3}},
		{"from is inclusive", relay.MessageFilter{From: hour(2)}, []int{5, 4, 3, 2}},
		{"to is exclusive", relay.MessageFilter{To: hour(2)}, []int{1}},
		{"from and to", relay.MessageFilter{From: hour(2), To: hour(5)}, []int{4, 3, 2}},
		{"by the time of the call, up to it", relay.MessageFilter{To: hour(3)}, []int{4, 2, 1}},
		{"by the time of the call, from it", relay.MessageFilter{From: hour(3)}, []int{5, 3}},
		{"nothing", relay.MessageFilter{From: hour(6)}, nil},
	} {
		for _, size := range []int{1, 200} {
			c.f.Workspace = ws
			var got, want []string
			for p := (relay.Page{Limit: size}); ; {
				list, next, err := b.store.Messages(t.Context(), c.f, p)
				if err != nil {
					t.Fatalf("%s: %v", c.what, err)
				}
				for _, m := range list {
					got = append(got, m.ID)
				}
				if p.Cursor = next; next == "" {
					break
				}
			}
			for _, n := range c.want {
				want = append(want, messageID(n))
			}
			equal(t, fmt.Sprintf("%s, pages of %d", c.what, size), got, want)
		}
	}
}

func entryChain(t *testing.T, b *bench) {
	ws := b.granted(100)
	// the clock stands still, and goes back
	for n := range 20 {
		b.debited(ws, n, at.Add(-time.Duration(n%3)*time.Second), nil)
	}
	b.update(func(t *report, tx relay.Tx) error {
		return errors.Join(quota.Spend(t.Context(), tx, ws, messageID(1), at), quota.Refund(t.Context(), tx, ws, messageID(2), at),
			quota.Expire(t.Context(), tx, ws, "e", 5, at))
	})
	lines, err := everything(func(p relay.Page) ([]relay.LedgerLine, string, error) {
		p.Limit = 3
		return b.store.Entries(t.Context(), ws, p)
	})
	if err != nil || len(lines) != 24 {
		t.Fatalf("%d entries (%v), want 24", len(lines), err)
	}
	available := int64(0)
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		switch l.Kind {
		case quota.KindGrant, quota.KindRefund:
			available += l.Units
		case quota.KindDebit, quota.KindExpire:
			available -= l.Units
		}
		if l.AvailableAfter != available {
			t.Errorf("after %s %s available is %d, want %d", l.Kind, l.Ref, l.AvailableAfter, available)
		}
		if i < len(lines)-1 && !l.At.After(lines[i+1].At) {
			t.Errorf("entry %s %s is not later than the one before", l.Kind, l.Ref)
		}
		if (l.Kind == quota.KindDebit) != (l.MessageID != "") && l.Kind != quota.KindSpend && l.Kind != quota.KindRefund {
			t.Errorf("entry %s %s has message %q", l.Kind, l.Ref, l.MessageID)
		}
	}
}

func chatPaging(t *testing.T, b *bench) {
	ws := relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error {
		for n := 99997; n <= 100003; n++ {
			c := relay.Chat{Workspace: ws, Channel: "ch_0000000000000000000" + fmt.Sprint(n%2), Recipient: fmt.Sprintf("+%d", n), ID: fmt.Sprint(n), CreatedAt: at}
			if err := tx.PutChat(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		channel string
		want    []string
	}{
		{"", []string{"100003", "100002", "100001", "100000", "99999", "99998", "99997"}},
		{"ch_00000000000000000000", []string{"100002", "100000", "99998"}},
	} {
		list, err := everything(func(p relay.Page) ([]relay.Chat, string, error) {
			p.Limit = 2
			return b.store.Chats(t.Context(), ws, c.channel, p)
		})
		var got []string
		for _, chat := range list {
			got = append(got, chat.ID)
		}
		row(t, "chats of channel "+c.channel, c.want)(got, err)
	}
}

func workspacePaging(t *testing.T, b *bench) {
	want := map[string]bool{}
	b.update(func(t *report, tx relay.Tx) error {
		clear(want)
		for n := range 7 {
			w := sampleWorkspace()
			w.CreatedAt = at.Add(time.Duration(n) * time.Second)
			if n == 3 {
				w.DeletedAt = at
			} else {
				want[w.ID] = true
			}
			if err := tx.PutWorkspace(t.Context(), w); err != nil {
				return err
			}
		}
		return nil
	})
	list, err := everything(func(p relay.Page) ([]relay.Workspace, string, error) {
		p.Limit = 2
		return b.store.Workspaces(t.Context(), p)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, w := range list {
		if got[w.ID] {
			t.Errorf("workspace %s came twice", w.ID)
		}
		got[w.ID] = true
	}
	equal(t, "workspaces", got, want)
}

func foreignCursor(t *testing.T, b *bench) {
	_, _, err := b.store.Messages(t.Context(), relay.MessageFilter{Workspace: relay.NewID("ws_")}, relay.Page{Cursor: "no cursor!", Limit: 1})
	var e *relay.Error
	if !errors.As(err, &e) || e.Code != relay.CodeInvalidField {
		t.Errorf("got %v, want %s", err, relay.CodeInvalidField)
	}
}

func pruneKeys(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	b.update(func(t *report, tx relay.Tx) error {
		for n := range 10 {
			if err := tx.PutKey(ctx, ws, fmt.Sprint(n), relay.KeyUse{At: at.Add(time.Duration(n) * time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	removed := 0
	for {
		n, err := b.store.PruneKeys(ctx, at.Add(4*time.Hour), 3)
		if err != nil || n > 3 {
			t.Fatalf("pruned %d (%v), want at most 3", n, err)
		}
		if removed += n; n == 0 {
			break
		}
	}
	if removed != 4 {
		t.Errorf("%d keys were forgotten, want 4", removed)
	}
	b.view(func(t *report, tx relay.Tx) error {
		for n := range 10 {
			if _, err := tx.Key(ctx, ws, fmt.Sprint(n)); errors.Is(err, relay.ErrNotFound) != (n < 4) {
				t.Errorf("key of hour %d: %v", n, err)
			}
		}
		return nil
	})
}
