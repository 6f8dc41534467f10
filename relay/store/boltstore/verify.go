package boltstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// verification recomputes what the rows say of each other.
type verification struct {
	t      *tx
	report func(string)
	stats  relay.VerifyStats
	books  map[string]*books
	depth  map[string]int
	queued map[string]relay.Status // what the messages want on a lane
}

// books are one workspace's, summed up from its entries.
type books struct {
	moved   map[quota.Kind]int64
	reserve int64
}

// Verify recomputes every ledger and checks every invariant and checksum. See
// relay.Store.
func (s *Store) Verify(ctx context.Context, report func(string)) (relay.VerifyStats, error) {
	v := &verification{report: report, books: map[string]*books{}, depth: map[string]int{}, queued: map[string]relay.Status{}}
	err := s.view(func(t *tx) error {
		v.t = t
		for err := range t.b.Check() {
			v.report("file: " + err.Error())
		}
		for _, step := range []func() error{v.checksums, v.messages, v.ledger, v.items, v.accounts, v.indexes, v.shelf, v.cards, v.cardsDue, v.messagesBy} {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return v.stats, err
}

func (v *verification) say(format string, args ...any) { v.report(fmt.Sprintf(format, args...)) }

func (v *verification) each(b bucket, fn func(key string, val []byte) error) error {
	table := v.t.b.Bucket(b.name())
	if table == nil {
		return nil
	}
	return table.ForEach(func(k, val []byte) error { return fn(string(k), val) })
}

// checksums reads every record of every table.
func (v *verification) checksums() error {
	return v.t.b.ForEach(func(name []byte, b *bolt.Bucket) error {
		i := slices.Index(bucketNames[:], string(name))
		if i < 0 {
			v.say("table %s is not known", name)
			return nil
		}
		return b.ForEach(func(k, val []byte) error {
			v.stats.Records++
			if _, err := unseal(bucket(i), string(k), val); err != nil {
				v.say("table %s, key %x: checksum does not match", name, k)
			}
			return nil
		})
	})
}

// messages checks each message against its own marks.
func (v *verification) messages() error {
	return v.each(bMessage, func(key string, val []byte) error {
		m, err := decode[relay.Message](bMessage, key, val)
		if err != nil {
			v.say("message %s cannot be read", idOf(key))
			return nil
		}
		v.stats.Messages++
		marks, err := v.t.marks(m.ID)
		if err != nil {
			v.say("entries of message %s cannot be read", m.ID)
			return nil
		}
		v.marks(m, marks)
		if m.Status == relay.Queued || m.Status == relay.Sending {
			v.queued[m.ID] = m.Status
		}
		unknown := m.Status == relay.Unknown
		if !m.UnknownAt.IsZero() && unknown != (v.t.raw(bUnknown, unknownKey(m, key)) != nil) || unknown && m.UnknownAt.IsZero() {
			v.say("message %s: the index of unknown outcomes does not match", m.ID)
		}
		if len(m.Parts) == 2 && v.t.raw(bMessage, mustRaw(m.Parts[1])) == nil {
			v.say("message %s: its second part is missing", m.ID)
		}
		return nil
	})
}

func mustRaw(id string) string {
	raw, _ := rawID(id)
	return raw
}

// holds says where a message's units must be, by its status.
var holds = map[relay.Status]string{
	relay.Queued: "reserved", relay.Sending: "reserved", relay.Unknown: "reserved",
	relay.Sent: "spent", relay.Delivered: "spent", relay.Read: "spent",
	relay.Failed: "back", relay.Expired: "back", relay.Canceled: "back", relay.Unconfirmed: "back",
}

// marks checks that a message was paid once for each charge, and that its
// units are where its status says.
func (v *verification) marks(m relay.Message, marks []quota.Entry) {
	sum := map[quota.Kind]int64{}
	seen := map[string]bool{}
	b := v.book(m.Workspace)
	for _, e := range marks {
		name := string(e.Kind) + " " + e.Ref
		if seen[name] || e.Account != m.Workspace {
			v.say("message %s: entry %q is there twice or of another workspace", m.ID, name)
		}
		seen[name] = true
		sum[e.Kind] += e.Units
		if row, err := get[ledgerRow](v.t, bLedger, ledgerKey(e.Account, e.At, e.Kind)); err != nil || row.Message != m.ID || row.Ref != e.Ref {
			v.say("message %s: its %s is not in the ledger", m.ID, e.Kind)
		}
	}
	if sum[quota.KindDebit] != m.Units {
		v.say("message %s costs %d units and was debited %d", m.ID, m.Units, sum[quota.KindDebit])
	}
	refunded := sum[quota.KindRefund]
	paid := sum[quota.KindDebit] + sum[quota.KindRedebit]
	spent := sum[quota.KindSpend] + sum[quota.KindRedebit]
	ref := relay.ChargeRef(m.ID, m.Charge)
	back := seen[string(quota.KindRefund)+" "+ref]
	switch holds[m.Status] {
	case "reserved":
		b.reserve += paid - refunded
		if refunded != 0 || spent != 0 || m.Charge != 1 {
			v.say("message %s is %s, but units were spent or given back", m.ID, m.Status)
		}
	case "spent":
		if back || !seen[string(quota.KindSpend)+" "+ref] && !seen[string(quota.KindRedebit)+" "+ref] {
			v.say("message %s is %s, but its units are not spent", m.ID, m.Status)
		}
	case "back":
		if !back || refunded != paid {
			v.say("message %s is %s, but its units were not given back", m.ID, m.Status)
		}
	default:
		v.say("message %s has the unknown status %q", m.ID, m.Status)
	}
}

func (v *verification) book(workspace string) *books {
	b := v.books[workspace]
	if b == nil {
		b = &books{moved: map[quota.Kind]int64{}}
		v.books[workspace] = b
	}
	return b
}

// ledger sums up every line, and checks that it names an entry that exists.
func (v *verification) ledger() error {
	return v.each(bLedger, func(key string, val []byte) error {
		line, err := v.t.line(key, val)
		if err != nil {
			v.say("ledger: %v", err)
			return nil
		}
		v.stats.Entries++
		if line.Units < 0 || !strings.HasPrefix(key, line.Account) {
			v.say("ledger of %s: an entry of %d units, or of another account", line.Account, line.Units)
		}
		v.book(line.Account).moved[line.Kind] += line.Units
		return nil
	})
}

// items checks that a message is on a lane exactly while it is queued or
// being sent.
func (v *verification) items() error {
	err := v.each(bItem, func(key string, val []byte) error {
		i, err := decode[queue.Item](bItem, key, val)
		if err != nil {
			v.say("item %s cannot be read", idOf(key))
			return nil
		}
		v.stats.Items++
		v.depth[i.Lane]++
		status, ok := v.queued[i.ID]
		if !ok || (status == relay.Sending) != i.Out {
			v.say("item %s is on a lane, but its message is %q", i.ID, status)
		}
		delete(v.queued, i.ID)
		if i.Unready && v.t.raw(bFetch, key) == nil {
			v.say("item %s waits for a file that nobody fetches", i.ID)
		}
		return nil
	})
	for id, status := range v.queued {
		v.say("message %s is %s, but on no lane", id, status)
	}
	if err != nil {
		return err
	}
	return v.each(bLane, func(key string, val []byte) error {
		l, err := decode[queue.Lane](bLane, key, val)
		if err != nil {
			v.say("lane %s cannot be read", key)
			return nil
		}
		if l.Depth != v.depth[l.ID] {
			v.say("lane %s says %d items and has %d", l.ID, l.Depth, v.depth[l.ID])
		}
		delete(v.depth, l.ID)
		return nil
	})
}

// accounts compares each balance with the sum of its entries.
func (v *verification) accounts() error {
	for id := range v.depth {
		v.say("items are on lane %s, which does not exist", id)
	}
	err := v.each(bAccount, func(key string, val []byte) error {
		a, err := decode[quota.Account](bAccount, key, val)
		if err != nil {
			v.say("account of %s cannot be read", key)
			return nil
		}
		if err := a.Check(); err != nil {
			v.say("workspace %s: %v", key, err)
		}
		b := v.book(key)
		m := b.moved
		want := quota.Account{
			Granted:   m[quota.KindGrant] - m[quota.KindExpire],
			Available: m[quota.KindGrant] - m[quota.KindExpire] - m[quota.KindDebit] + m[quota.KindRefund] - m[quota.KindRedebit],
			Reserved:  b.reserve,
		}
		want.Spent = want.Granted - want.Available - want.Reserved
		if a.Granted != want.Granted || a.Available != want.Available || a.Reserved != want.Reserved || a.Spent != want.Spent {
			v.say("workspace %s: the balance is granted %d, available %d, reserved %d, spent %d; its entries say %d, %d, %d, %d", key,
				a.Granted, a.Available, a.Reserved, a.Spent, want.Granted, want.Available, want.Reserved, want.Spent)
		}
		delete(v.books, key)
		return nil
	})
	for id := range v.books {
		v.say("workspace %s has entries, but no balance", id)
	}
	return err
}

// indexes checks that what leads to a row leads to one.
func (v *verification) indexes() error {
	err := v.each(bWS, func(key string, val []byte) error {
		w, err := decode[relay.Workspace](bWS, key, val)
		if err != nil {
			v.say("workspace %s cannot be read", key)
			return nil
		}
		v.stats.Workspaces++
		id, err := v.t.WorkspaceByToken(context.Background(), w.Webhook.Token.Hash)
		if w.DeletedAt.IsZero() && (err != nil || id != w.ID) {
			v.say("workspace %s: its URL leads nowhere", key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = v.each(bChatID, func(key string, val []byte) error {
		at, err := decode[[]byte](bChatID, key, val)
		if err != nil || v.t.raw(bChat, string(at)) == nil {
			v.say("chat number %s leads nowhere", key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.each(bUnknown, func(key string, _ []byte) error {
		if v.t.raw(bMessage, key[8:]) == nil {
			v.say("the index of unknown outcomes names message %s, which does not exist (since %s)", idOf(key[8:]), time.UnixMicro(fromBE(key[:8])).UTC())
		}
		return nil
	})
}
