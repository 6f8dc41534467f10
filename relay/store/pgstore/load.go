package pgstore

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// loaders queue the statement that reads keys of one table. In each of them r
// is the table that is held.
var loaders = [tables]func(g *gathering, b *pgx.Batch, keys []key, lock string){
	tLane: loadLanes, tWorkspace: loadWorkspaces, tChannel: loadChannels, tChat: loadChats, tMessage: loadMessages, tFetch: loadFetches, tTemplates: loadTemplates, tInbound: loadInbounds, tPerson: loadPeople, tCard: loadCards,
	tKey: loadKeys, tEntry: loadEntries, tAttempts: loadAttempts, tChatByID: loadChatPlaces, tChatNames: loadChatNames, tProvider: loadProviders,
	tToken: loadTokens, tCallback: loadCallbacks, tAPIKey: loadAPIKeys,
	tAhead: loadAhead,
}

// columns are the parts of keys as the arrays that a statement unnests.
func columns(keys []key) (ws, a, b []string) {
	n := len(keys)
	ws, a, b = make([]string, n), make([]string, n), make([]string, n)
	for i, k := range keys {
		ws[i], a[i], b[i] = k.ws, k.a, k.b
	}
	return ws, a, b
}

// each queues a query whose rows are handed to scan.
func each(b *pgx.Batch, sql string, scan func(pgx.Rows) error, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// lent is a column as it came: good until the next row.
type lent []byte

// ScanBytes is what pgx calls with it.
func (l *lent) ScanBytes(b []byte) error {
	*l = b
	return nil
}

const laneColumns = `r.workspace_id, r.id, r.account, r.next_free, r.lease_item, r.lease_owner, r.lease_epoch, r.lease_try, r.lease_until,
	r.epoch, r.paused, r.hold, r.home, r.spacing_min, r.spacing_max, r.depth, r.last_seq, r.last_end, r.holder, r.due_at`

func scanLane(rows pgx.Rows, at instant) (laneRow, error) {
	var l laneRow
	var free, until, end, due *time.Time
	var least, most int64
	err := rows.Scan(&l.Workspace, &l.ID, &l.Group, &free, &l.Lease.Item, &l.Lease.Owner, &l.Lease.Epoch, &l.Lease.Try, &until,
		&l.Epoch, &l.Paused, &l.Hold, &l.Home, &least, &most, &l.Depth, &l.LastSeq, &end, &l.holder, &due)
	if err != nil {
		return l, err
	}
	l.NextFree, l.LastEnd = at.toLocal(value(free)), at.toLocal(value(end))
	l.Spacing = queue.Spacing{Min: time.Duration(least), Max: time.Duration(most)}
	if l.Lease.Item != "" {
		l.Lease.Lane, l.Lease.Until = l.ID, at.toLocal(value(until))
		l.Lease.Item = longID(l.Lease.Item)
	}
	l.due = optionalTime{at.toLocal(value(due)), due != nil}
	may := dueOf(l.Lane)
	l.settled = may.ok && (!l.due.ok || l.due.After(may.Time))
	return l, nil
}

func value(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// local is value in UTC: a time that no clock is asked about.
func utc(t *time.Time) time.Time { return value(t).UTC() }

func loadLanes(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, ids, _ := columns(keys)
	each(b, `SELECT `+laneColumns+` FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		JOIN lane r ON r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"
		ORDER BY r.workspace_id, r.id`+lock, func(rows pgx.Rows) error {
		l, err := scanLane(rows, g.at)
		g.found(laneKey(l.ID), lock, l)
		return err
	}, ws, ids)
}

func loadWorkspaces(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ids, _, _ := columns(keys)
	each(b, `SELECT r.id, r.record, r.roster, r.granted, r.available, r.reserved, r.spent, r.expiring, r.period, r.last_at, r.frozen, r.attempts
		FROM unnest($1::text[]) AS k(id) JOIN workspace r ON r.id = k.id COLLATE "C"
		ORDER BY r.id`+lock, func(rows pgx.Rows) error {
		var w workspaceRow
		var record, roster lent
		var last *time.Time
		a := &w.account
		if err := rows.Scan(&a.ID, &record, &roster, &a.Granted, &a.Available, &a.Reserved, &a.Spent, &a.Expiring, &a.Period, &last, &a.Frozen, &w.attempts); err != nil {
			return err
		}
		a.LastAt = utc(last)
		g.s.readRecords(a.ID, record, roster, &w)
		g.found(key{t: tWorkspace, ws: a.ID}, lock, w)
		return nil
	}, ids)
}

func loadChannels(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, ids, _ := columns(keys)
	each(b, `SELECT r.workspace_id, r.id, r.record FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		JOIN channel r ON r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"
		ORDER BY r.workspace_id, r.id`+lock, func(rows pgx.Rows) error {
		k, record := key{t: tChannel}, lent(nil)
		if err := rows.Scan(&k.ws, &k.a, &record); err != nil {
			return err
		}
		c, err := g.s.seen.read(k, record, as[relay.Channel])
		g.kept(k, lock, c, err)
		return nil
	}, ws, ids)
}

func loadChats(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, channels, recipients := columns(keys)
	each(b, `SELECT r.workspace_id, r.channel, r.recipient, r.record FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, recipient)
		JOIN chat r ON r.workspace_id = k.ws COLLATE "C" AND r.channel = k.channel COLLATE "C" AND r.recipient = k.recipient COLLATE "C"
		ORDER BY r.workspace_id, r.channel, r.recipient`+lock, func(rows pgx.Rows) error {
		k, record := key{t: tChat}, lent(nil)
		if err := rows.Scan(&k.ws, &k.a, &k.b, &record); err != nil {
			return err
		}
		c, err := g.s.seen.read(k, record, as[relay.Chat])
		g.kept(k, lock, c, err)
		return nil
	}, ws, channels, recipients)
}

const messageColumns = `r.workspace_id, r.id, r.record, r.marks, r.lane, r.recipient, r.seq, r.not_before, r.expires, r.unready, r.out, r.try`

func scanMessage(rows pgx.Rows, at instant) (key, messageRow, error) {
	k := key{t: tMessage}
	var record, marks []byte
	var lane, recipient *string
	var seq *int64
	var notBefore, expires *time.Time
	var unready, out *bool
	var try *int
	if err := rows.Scan(&k.ws, &k.a, &record, &marks, &lane, &recipient, &seq, &notBefore, &expires, &unready, &out, &try); err != nil {
		return k, messageRow{}, err
	}
	var m messageRow
	if record != nil {
		rec, err := decode[relay.Message](record)
		m.record, m.bad = &rec, err
	}
	if marks != nil && m.bad == nil {
		m.marks, m.bad = decode[[]quota.Entry](marks)
	}
	if m.bad != nil {
		m = messageRow{bad: fmt.Errorf("message %s is damaged: %w", longID(k.a), m.bad)}
	}
	if seq != nil {
		m.item = &queue.Item{ID: longID(k.a), Lane: *lane, Recipient: *recipient, Seq: *seq, NotBefore: at.toLocal(value(notBefore)),
			Expires: utc(expires), Unready: *unready, Out: *out, Try: *try}
	}
	return k, m, nil
}

func loadMessages(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, ids, _ := columns(keys)
	each(b, `SELECT `+messageColumns+` FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		JOIN message r ON r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"
		ORDER BY r.workspace_id, r.id`+lock, func(rows pgx.Rows) error {
		k, m, err := scanMessage(rows, g.at)
		g.found(k, lock, m)
		return err
	}, ws, ids)
}

func loadFetches(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, ids, _ := columns(keys)
	each(b, `SELECT `+fetchColumns+` FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		JOIN fetch_job r ON r.workspace_id = k.ws COLLATE "C" AND r.message_id = k.id COLLATE "C"
		ORDER BY r.workspace_id, r.message_id`+lock, func(rows pgx.Rows) error {
		k, f, err := scanFetch(rows, g.at)
		g.found(k, lock, f)
		return err
	}, ws, ids)
}

const fetchColumns = `r.workspace_id, r.message_id, r.next, r.tries, r.since`

func scanFetch(rows pgx.Rows, at instant) (key, relay.Fetch, error) {
	k := key{t: tFetch}
	var f relay.Fetch
	var next, since *time.Time
	err := rows.Scan(&k.ws, &k.a, &next, &f.Tries, &since)
	f.Workspace, f.MessageID, f.Next, f.Since = k.ws, longID(k.a), at.toLocal(value(next)), at.toLocal(value(since))
	return k, f, err
}
