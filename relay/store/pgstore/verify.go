package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/quota"
	"relevo/relay"
)

// verification recomputes what the rows say of each other, at one moment.
type verification struct {
	ctx    context.Context
	tx     pgx.Tx
	report func(string)
	stats  relay.VerifyStats
	books  map[string]*books
	marked int64 // entries that messages carry
}

// books are one workspace's, summed up from its entries and messages.
type books struct {
	moved   map[quota.Kind]int64
	reserve int64
}

// verifyPage is how many messages are looked at together.
const verifyPage = 1000

// Verify recomputes every ledger and checks every invariant, at one moment,
// while others go on. See relay.Store. Checksums are the database's
// (initdb --data-checksums).
func (s *Store) Verify(ctx context.Context, report func(string)) (relay.VerifyStats, error) {
	v := &verification{ctx: ctx, report: report, books: map[string]*books{}}
	err := s.reading(ctx, func(conn *pgx.Conn) error {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) // it wrote nothing
		v.tx = tx
		// whole tables are read: what serves lookups by key would not serve this
		for _, set := range []string{"statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "enable_seqscan = on", "enable_hashjoin = on", "enable_mergejoin = on", "plan_cache_mode = auto"} {
			if _, err := tx.Exec(ctx, "SET LOCAL "+set); err != nil {
				return err
			}
		}
		for _, step := range []func() error{v.entries, v.messages, v.items, v.accounts, v.indexes, v.shelf, v.people, v.cards, v.sizes} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return v.stats, err
}

func (v *verification) say(format string, args ...any) { v.report(fmt.Sprintf(format, args...)) }

// each hands the rows of a query to fn.
func (v *verification) each(sql string, fn func(rows pgx.Rows) error, args ...any) error {
	rows, err := v.tx.Query(v.ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// found says a sentence for each row of a query for what must not be: the row
// is one column of text.
func (v *verification) found(sentence, sql string) error {
	return v.each(sql, func(rows pgx.Rows) error {
		var what string
		err := rows.Scan(&what)
		v.say(sentence, what)
		return err
	})
}

func (v *verification) book(workspace string) *books {
	b := v.books[workspace]
	if b == nil {
		b = &books{moved: map[quota.Kind]int64{}}
		v.books[workspace] = b
	}
	return b
}

// entries sums up every line of every ledger.
func (v *verification) entries() error {
	err := v.each(`SELECT workspace_id, kind, sum(units)::bigint, count(*), count(message_id) FROM entry GROUP BY 1, 2`, func(rows pgx.Rows) error {
		var ws string
		var kind quota.Kind
		var units, lines, carried int64
		err := rows.Scan(&ws, &kind, &units, &lines, &carried)
		v.book(ws).moved[kind] += units
		v.stats.Entries += lines
		v.marked -= carried
		return err
	})
	if err != nil {
		return err
	}
	return v.found("ledger of %s: an entry of less than 0 units", `SELECT workspace_id FROM entry WHERE units < 0`)
}

// checked is a message as far as its own row tells.
type checked struct {
	key
	messageRow
	channel, status string
	// chat is empty too where a node of an earlier program wrote it.
	chat     string
	provider *string
	unknown  *time.Time
}

// messages checks each message against its own marks and columns.
func (v *verification) messages() error {
	for from := (key{}); ; {
		var page []checked
		err := v.each(`SELECT `+messageColumns+`, r.channel, r.status, r.provider_id, r.unknown_at, r.chat FROM message r
			WHERE (r.workspace_id, r.id) > ($1, $2) ORDER BY r.workspace_id, r.id LIMIT $3`, func(rows pgx.Rows) error {
			var c checked
			var err error
			c.key, c.messageRow, err = scanMessage(withMore{rows, []any{&c.channel, &c.status, &c.provider, &c.unknown, &c.chat}}, instant{})
			if err != nil {
				return err
			}
			from = c.key
			if c.bad != nil {
				v.say("message %s cannot be read", longID(c.a))
				return nil
			}
			page = append(page, c)
			return nil
		}, from.ws, from.a, verifyPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		if err := v.page(page); err != nil {
			return err
		}
	}
}

func (v *verification) page(page []checked) error {
	var ws, kinds, refs, ids []string
	var times []time.Time
	var seconds []key
	for _, c := range page {
		v.message(c)
		if c.record != nil && len(c.record.Parts) == 2 {
			k, _ := messageKey(c.ws, c.record.Parts[1])
			seconds = append(seconds, k)
		}
		for _, e := range c.marks {
			v.marked++
			ws, times, kinds, refs, ids = append(ws, e.Account), append(times, e.At), append(kinds, string(e.Kind)), append(refs, plain(e.Ref)), append(ids, c.a)
		}
	}
	if err := v.seconds(seconds); err != nil {
		return err
	}
	return v.each(`SELECT k.id, k.kind FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]) AS k(ws, at, kind, ref, id)
		WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.workspace_id = k.ws COLLATE "C" AND e.at = k.at AND e.kind = k.kind COLLATE "C" AND e.ref = k.ref COLLATE "C" AND e.message_id = k.id COLLATE "C")`,
		func(rows pgx.Rows) error {
			var id, kind string
			err := rows.Scan(&id, &kind)
			v.say("message %s: its %s is not in the ledger", longID(id), kind)
			return err
		}, ws, times, kinds, refs, ids)
}

// seconds checks that second parts are there.
func (v *verification) seconds(parts []key) error {
	ws, ids, _ := columns(parts)
	return v.each(`SELECT k.id FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.workspace_id = k.ws COLLATE "C" AND m.id = k.id COLLATE "C")`, func(rows pgx.Rows) error {
		var id string
		err := rows.Scan(&id)
		v.say("message %s, a second part, is missing", longID(id))
		return err
	}, ws, ids)
}

func (v *verification) message(c checked) {
	m := c.record
	if m == nil {
		if c.item != nil {
			v.stats.Items++
			v.say("item %s is on a lane, but its message is %q", longID(c.a), "")
		}
		return
	}
	v.stats.Messages++
	v.markings(*m, c.marks)
	queued := m.Status == relay.Queued || m.Status == relay.Sending
	switch {
	case c.item != nil && (!queued || (m.Status == relay.Sending) != c.item.Out || c.item.Lane != m.Lane):
		v.say("item %s is on a lane, but its message is %q", m.ID, m.Status)
	case c.item == nil && queued:
		v.say("message %s is %s, but on no lane", m.ID, m.Status)
	}
	if c.item != nil {
		v.stats.Items++
	}
	if m.Workspace != c.ws || m.ID != longID(c.a) || string(m.Status) != c.status || plain(m.Channel) != c.channel || (m.ProviderID != "") != (c.provider != nil) || c.chat != "" && c.chat != plain(m.ChatID) {
		v.say("message %s: the columns beside its record say something else", m.ID)
	}
	if unknown := m.Status == relay.Unknown; unknown != (c.unknown != nil) {
		v.say("message %s: the index of unknown outcomes does not match", m.ID)
	}
}

// holds says where a message's units must be, by its status.
var holds = map[relay.Status]string{
	relay.Queued: "reserved", relay.Sending: "reserved", relay.Unknown: "reserved",
	relay.Sent: "spent", relay.Delivered: "spent", relay.Read: "spent",
	relay.Failed: "back", relay.Expired: "back", relay.Canceled: "back", relay.Unconfirmed: "back",
}

// markings checks that a message was paid once for each charge, and that its
// units are where its status says.
func (v *verification) markings(m relay.Message, marks []quota.Entry) {
	sum, seen := map[quota.Kind]int64{}, map[string]bool{}
	for _, e := range marks {
		name := string(e.Kind) + " " + e.Ref
		if seen[name] || e.Account != m.Workspace {
			v.say("message %s: entry %q is there twice or of another workspace", m.ID, name)
		}
		seen[name] = true
		sum[e.Kind] += e.Units
	}
	if sum[quota.KindDebit] != m.Units {
		v.say("message %s costs %d units and was debited %d", m.ID, m.Units, sum[quota.KindDebit])
	}
	refunded, paid := sum[quota.KindRefund], sum[quota.KindDebit]+sum[quota.KindRedebit]
	spent := sum[quota.KindSpend] + sum[quota.KindRedebit]
	ref := relay.ChargeRef(m.ID, m.Charge)
	back := seen[string(quota.KindRefund)+" "+ref]
	switch holds[m.Status] {
	case "reserved":
		v.book(m.Workspace).reserve += paid - refunded
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

// accounts compares each balance with the sum of its entries.
func (v *verification) accounts() error {
	if v.marked != 0 {
		v.say("the ledger has %d entries of messages more or less than the messages carry", v.marked)
	}
	err := v.each(`SELECT id, granted, available, reserved, spent, expiring FROM workspace`, func(rows pgx.Rows) error {
		var a quota.Account
		if err := rows.Scan(&a.ID, &a.Granted, &a.Available, &a.Reserved, &a.Spent, &a.Expiring); err != nil {
			return err
		}
		if err := a.Check(); err != nil {
			v.say("workspace %s: %v", a.ID, err)
		}
		b := v.book(a.ID)
		m := b.moved
		granted := m[quota.KindGrant] - m[quota.KindExpire]
		available := granted - m[quota.KindDebit] + m[quota.KindRefund] - m[quota.KindRedebit]
		spent := granted - available - b.reserve
		if a.Granted != granted || a.Available != available || a.Reserved != b.reserve || a.Spent != spent {
			v.say("workspace %s: the balance is granted %d, available %d, reserved %d, spent %d; its entries say %d, %d, %d, %d", a.ID,
				a.Granted, a.Available, a.Reserved, a.Spent, granted, available, b.reserve, spent)
		}
		delete(v.books, a.ID)
		return nil
	})
	for id := range v.books {
		v.say("workspace %s has entries, but no balance", id)
	}
	return err
}
