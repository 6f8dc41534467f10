package pgstore

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"relevo/relay"
)

// flush queues what a group has written: one statement for each table, in the
// order in which rows are locked, each row by its key, so that two groups
// never wait for each other.
func (g *gathering) flush(b *pgx.Batch, o *overlay) error {
	var by [tables][]key
	for k, r := range o.rows {
		if r.dirty != 0 {
			by[k.t] = append(by[k.t], k)
		}
	}
	for t := range tables {
		if len(by[t]) == 0 || flushers[t] == nil {
			continue
		}
		slices.SortFunc(by[t], compareKeys)
		if t == tCard {
			g.holdLate(b, by[t], o)
		}
		known, fresh := split(by[t], func(k key) bool { return o.rows[k].found && !g.absent(k) || !lockable[t] })
		if err := flushers[t](g, b, fresh, o, ""); err != nil {
			return err
		}
		if err := flushers[t](g, b, known, o, conflicts[t]); err != nil {
			return err
		}
	}
	flushEntries(b, o.entries)
	if err := flushAttempts(b, o.attempts); err != nil {
		return err
	}
	flushCounts(b, o.counts)
	return nil
}

// flushers queue the statements that write rows of one table. A row that was
// looked for and not found cannot be held, so it is inserted and nothing else:
// where somebody else was quicker, the group runs again. For known rows the
// statement ends with what to do on a conflict.
var flushers = [tables]func(g *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error{
	tLane: flushLanes, tWorkspace: flushWorkspaces, tChannel: flushChannels, tChat: flushChats, tMessage: flushMessages, tFetch: flushFetches,
	tTemplates: flushTemplates, tInbound: flushInbounds, tPerson: flushPeople, tCard: flushCards,
	tKey: flushKeys, tToken: flushTokens, tCallback: flushCallbacks, tAPIKey: flushAPIKeys,
}

func split(keys []key, first func(key) bool) (yes, no []key) {
	for _, k := range keys {
		if first(k) {
			yes = append(yes, k)
		} else {
			no = append(no, k)
		}
	}
	return yes, no
}

func at(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

func maybe(t optionalTime) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t.Time, Valid: t.ok} }

// filled are the keys that hold a value, and those that were deleted.
func filled(keys []key, o *overlay) (put, gone []key) {
	gone, put = split(keys, func(k key) bool { return o.rows[k].dirty&deleted != 0 })
	return put, gone
}

func flushLanes(g *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	var dues []key
	keys = slices.DeleteFunc(keys, func(k key) bool {
		only := o.rows[k].dirty == dirtyDue
		if only {
			dues = append(dues, k)
		}
		return only
	})
	flushDues(g, b, dues, o)
	if len(keys) == 0 {
		return nil
	}
	n := len(keys)
	var (
		ws, ids, groups, items, owners, holds, homes, holders = make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		epochs, leaseEpochs, leasts, mosts, depths, seqs      = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		tries                                                 = make([]int32, n)
		paused                                                = make([]bool, n)
		free, until, end, due                                 = make([]pgtype.Timestamptz, n), make([]pgtype.Timestamptz, n), make([]pgtype.Timestamptz, n), make([]pgtype.Timestamptz, n)
	)
	for i, k := range keys {
		l := o.rows[k].v.(laneRow)
		ws[i], ids[i], groups[i] = k.ws, l.ID, l.Group
		items[i], _ = shortID(l.Lease.Item)
		owners[i], holds[i], homes[i], holders[i] = plain(l.Lease.Owner), plain(l.Hold), plain(l.Home), plain(l.holder)
		epochs[i], leaseEpochs[i], leasts[i], mosts[i], depths[i], seqs[i] = l.Epoch, l.Lease.Epoch, int64(l.Spacing.Min), int64(l.Spacing.Max), int64(l.Depth), l.LastSeq
		tries[i], paused[i] = int32(l.Lease.Try), l.Paused
		free[i], until[i], end[i] = at(g.at.toRemote(l.NextFree)), at(g.at.toRemote(l.Lease.Until)), at(g.at.toRemote(l.LastEnd))
		due[i] = maybe(g.due(l))
	}
	b.Queue(`INSERT INTO lane AS l (workspace_id, id, account, next_free, lease_item, lease_owner, lease_epoch, lease_try, lease_until,
			epoch, paused, hold, home, spacing_min, spacing_max, depth, last_seq, last_end, holder, due_at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[], $8::int[], $9::timestamptz[],
			$10::bigint[], $11::boolean[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::timestamptz[], $19::text[], $20::timestamptz[])`+onConflict,
		ws, ids, groups, free, items, owners, leaseEpochs, tries, until, epochs, paused, holds, homes, leasts, mosts, depths, seqs, end, holders, due)
	return nil
}

// due is when a lane may release something, on the database's clock.
func (g *gathering) due(l laneRow) optionalTime {
	due := l.due
	if !l.settled {
		due = dueOf(l.Lane)
	}
	due.Time = g.at.toRemote(due.Time)
	return due
}

func flushDues(g *gathering, b *pgx.Batch, keys []key, o *overlay) {
	if len(keys) == 0 {
		return
	}
	ws, ids, _ := columns(keys)
	due := make([]pgtype.Timestamptz, len(keys))
	for i, k := range keys {
		d := o.rows[k].v.(laneRow).due
		d.Time = g.at.toRemote(d.Time)
		due[i] = maybe(d)
	}
	b.Queue(`UPDATE lane l SET due_at = k.due FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k(ws, id, due)
		WHERE l.workspace_id = k.ws COLLATE "C" AND l.id = k.id COLLATE "C"`, ws, ids, due)
}

// flushWorkspaces writes accounts and records each on their own: accounts
// change with every message, records seldom.
func flushWorkspaces(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	accounts, others := split(keys, func(k key) bool { return o.rows[k].dirty&dirtyAccount != 0 })
	flushAccounts(b, accounts, o, onConflict)
	both, _ := split(accounts, func(k key) bool { return o.rows[k].dirty&dirtyRecord != 0 })
	return errors.Join(flushRecords(b, both, o, onRecord), flushRecords(b, others, o, onConflict))
}

func flushRecords(b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	if len(keys) == 0 {
		return nil
	}
	if onConflict != "" {
		onConflict = onRecord
	}
	n := len(keys)
	ids, rec, roster, gone := make([]string, n), make(records, n), make(records, n), make([]pgtype.Timestamptz, n)
	for i, k := range keys {
		w := o.rows[k].v.(workspaceRow)
		var err error
		ids[i] = k.ws
		if w.record != nil {
			gone[i] = at(w.record.DeletedAt)
			if rec[i], err = encode(*w.record); err != nil {
				return err
			}
		}
		if roster[i], err = encode(w.roster); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO workspace (id, record, roster, deleted_at) SELECT * FROM unnest($1::text[], $2::json[], $3::json[], $4::timestamptz[])`+onConflict, ids, rec, roster, gone)
	return nil
}

func flushAccounts(b *pgx.Batch, keys []key, o *overlay, onConflict string) {
	n := len(keys)
	if n == 0 {
		return
	}
	var (
		ids, periods                                            = make([]string, n), make([]string, n)
		granted, available, reserved, spent, expiring, attempts = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		last                                                    = make([]pgtype.Timestamptz, n)
		frozen                                                  = make([]bool, n)
	)
	for i, k := range keys {
		w := o.rows[k].v.(workspaceRow)
		a := w.account
		ids[i], periods[i], last[i], frozen[i], attempts[i] = k.ws, plain(a.Period), at(a.LastAt), a.Frozen, w.attempts
		granted[i], available[i], reserved[i], spent[i], expiring[i] = a.Granted, a.Available, a.Reserved, a.Spent, a.Expiring
	}
	b.Queue(`INSERT INTO workspace (id, granted, available, reserved, spent, expiring, period, last_at, frozen, attempts)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[], $9::boolean[], $10::bigint[])`+onConflict,
		ids, granted, available, reserved, spent, expiring, periods, last, frozen, attempts)
}

func flushChannels(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	if len(keys) == 0 {
		return nil
	}
	ws, ids, _ := columns(keys)
	rec := make(records, len(keys))
	for i, k := range keys {
		var err error
		if rec[i], err = encode(o.rows[k].v.(relay.Channel)); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO channel (workspace_id, id, record) SELECT * FROM unnest($1::text[], $2::text[], $3::json[])`+onConflict, ws, ids, rec)
	return nil
}

func flushChats(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	keys, gone := filled(keys, o)
	if len(gone) > 0 && onConflict != "" { // else there was none
		ws, first, second := columns(gone)
		b.Queue(`DELETE FROM chat c USING unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, recipient)
			WHERE c.workspace_id = k.ws COLLATE "C" AND c.channel = k.channel COLLATE "C" AND c.recipient = k.recipient COLLATE "C"`, ws, first, second)
	}
	if len(keys) == 0 {
		return nil
	}
	ws, channels, recipients := columns(keys)
	rec, numbers, names := make(records, len(keys)), make([]int64, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		c := o.rows[k].v.(relay.Chat)
		var err error
		if rec[i], err = encode(c); err != nil {
			return err
		}
		numbers[i], names[i] = chatNumber(c.ID), plain(c.Name)
	}
	b.Queue(`INSERT INTO chat (workspace_id, channel, recipient, number, name, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::json[])`+onConflict,
		ws, channels, recipients, numbers, names, rec)
	return nil
}

func flushEntries(b *pgx.Batch, entries []entryRow) {
	n := len(entries)
	if n == 0 {
		return
	}
	slices.SortFunc(entries, func(x, y entryRow) int {
		return compareKeys(key{ws: x.Account}, key{ws: y.Account})*2 + x.At.Compare(y.At)
	})
	var (
		ws, kinds, refs, periods                   = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		times                                      = make([]pgtype.Timestamptz, n)
		units, after, shortfalls, expiring, folded = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		messages                                   = make([]pgtype.Text, n)
	)
	for i, e := range entries {
		ws[i], kinds[i], refs[i], periods[i], times[i] = e.Account, string(e.Kind), plain(e.Ref), plain(e.Period), at(e.At)
		units[i], after[i], shortfalls[i], expiring[i], folded[i] = e.Units, e.AvailableAfter, e.Shortfall, e.FromExpiring, e.folded
		messages[i].String, messages[i].Valid = shortID(e.message)
	}
	b.Queue(`INSERT INTO entry (workspace_id, at, kind, ref, units, available_after, shortfall, from_expiring, period, message_id, folded)
		SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::bigint[])`,
		ws, times, kinds, refs, units, after, shortfalls, expiring, periods, messages, folded)
}

func flushAttempts(b *pgx.Batch, attempts []relayAttempt) error {
	if len(attempts) == 0 {
		return nil
	}
	// of a slot that was written more than once the last one stays
	last := make(map[key]int, len(attempts))
	for i, a := range attempts {
		last[key{ws: a.ws, a: string(rune(a.seq % slots))}] = i
	}
	keys := slices.SortedFunc(maps.Keys(last), compareKeys)
	ws, slot, seq, rec := make([]string, len(keys)), make([]int32, len(keys)), make([]int64, len(keys)), make(records, len(keys))
	for i, k := range keys {
		a := &attempts[last[k]]
		var err error
		if rec[i], err = encode(a.attempt); err != nil {
			return err
		}
		ws[i], slot[i], seq[i] = a.ws, int32(a.seq%slots), a.seq
	}
	b.Queue(`INSERT INTO attempt (workspace_id, slot, seq, record) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::json[])
		ON CONFLICT (workspace_id, slot) DO UPDATE SET seq = excluded.seq, record = excluded.record`, ws, slot, seq, rec)
	return nil
}

func flushCounts(b *pgx.Batch, counts map[countKey]relay.Counts) {
	if len(counts) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(x, y countKey) int {
		return compareKeys(key{ws: x.ws, b: x.channel}, key{ws: y.ws, b: y.channel})*2 + int(min(1, max(-1, x.minute-y.minute)))
	})
	var ws, channels []string
	var minutes, sent, failed, delivered, received []int64
	for _, k := range keys {
		n := counts[k]
		ws, channels, minutes = append(ws, k.ws), append(channels, plain(k.channel)), append(minutes, k.minute)
		sent, failed, delivered, received = append(sent, n.Sent), append(failed, n.Failed), append(delivered, n.Delivered), append(received, n.Received)
	}
	b.Queue(`INSERT INTO counter AS c (workspace_id, minute, channel, sent, failed, delivered, received)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
		ON CONFLICT (workspace_id, minute, channel) DO UPDATE SET sent = c.sent + excluded.sent, failed = c.failed + excluded.failed,
			delivered = c.delivered + excluded.delivered, received = c.received + excluded.received`,
		ws, minutes, channels, sent, failed, delivered, received)
}
