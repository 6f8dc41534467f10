package pgstore

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/quota"
	"relevo/relay"
)

func loadKeys(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, _, _ := columns(keys)
	hashes := make([][]byte, len(keys))
	for i, k := range keys {
		hashes[i] = []byte(k.a)
	}
	each(b, `SELECT r.workspace_id, r.key, r.fingerprint, r.message_id, r.at FROM unnest($1::text[], $2::bytea[]) AS k(ws, key)
		JOIN idempotency_key r ON r.workspace_id = k.ws COLLATE "C" AND r.key = k.key`, func(rows pgx.Rows) error {
		k, u, err := scanKey(rows)
		g.found(k, lock, u)
		return err
	}, ws, hashes)
}

func scanKey(rows pgx.Rows) (key, relay.KeyUse, error) {
	k := key{t: tKey}
	var u relay.KeyUse
	var hash, fingerprint []byte
	err := rows.Scan(&k.ws, &hash, &fingerprint, &u.MessageID, &u.At)
	k.a, u.At = string(hash), u.At.UTC()
	copy(u.Fingerprint[:], fingerprint)
	return k, u, err
}

const entryColumns = `r.workspace_id, r.kind, r.ref, r.units, r.at, r.available_after, r.shortfall, r.from_expiring, r.period, r.message_id, r.folded`

func scanEntry(rows pgx.Rows) (relay.LedgerLine, error) {
	var l relay.LedgerLine
	var message *string
	err := rows.Scan(&l.Account, &l.Kind, &l.Ref, &l.Units, &l.At, &l.AvailableAfter, &l.Shortfall, &l.FromExpiring, &l.Period, &message, &l.Folded)
	l.At = l.At.UTC()
	if message != nil {
		l.MessageID = longID(*message)
	}
	return l, err
}

func loadEntries(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, kinds, refs := columns(keys)
	each(b, `SELECT `+entryColumns+` FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, kind, ref)
		JOIN entry r ON r.workspace_id = k.ws COLLATE "C" AND r.kind = k.kind COLLATE "C" AND r.ref = k.ref COLLATE "C" AND r.message_id IS NULL`,
		func(rows pgx.Rows) error {
			l, err := scanEntry(rows)
			g.found(entryKey(l.Account, l.Kind, l.Ref), lock, quota.Entry(l.Entry))
			return err
		}, ws, kinds, refs)
}

func loadAttempts(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, _, _ := columns(keys)
	lists := map[string][]attemptRow{}
	each(b, `SELECT r.workspace_id, r.seq, r.record FROM unnest($1::text[]) AS k(ws)
		CROSS JOIN LATERAL (SELECT * FROM attempt a WHERE a.workspace_id = k.ws COLLATE "C" ORDER BY a.seq DESC LIMIT 3) r
		ORDER BY r.workspace_id, r.seq DESC`, func(rows pgx.Rows) error {
		var ws string
		var a attemptRow
		var record []byte
		if err := rows.Scan(&ws, &a.seq, &record); err != nil {
			return err
		}
		k := key{t: tAttempts, ws: ws}
		var err error
		a.attempt, err = decode[relay.Attempt](record)
		if lists[ws] = append(lists[ws], a); g.rows[k].bad == nil {
			g.kept(k, lock, lists[ws], err)
		}
		return nil
	}, ws)
}

func loadChatPlaces(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	var ws []string
	var numbers []int64
	for _, k := range keys {
		// only the one way in which a number is written finds its chat
		if n, err := strconv.ParseInt(k.a, 10, 64); err == nil && strconv.FormatInt(n, 10) == k.a {
			ws, numbers = append(ws, k.ws), append(numbers, n)
		}
	}
	each(b, `SELECT r.workspace_id, r.number, r.channel, r.recipient FROM unnest($1::text[], $2::bigint[]) AS k(ws, number)
		JOIN chat r ON r.workspace_id = k.ws COLLATE "C" AND r.number = k.number`, func(rows pgx.Rows) error {
		var ws string
		var number int64
		var at chatPlace
		err := rows.Scan(&ws, &number, &at.channel, &at.recipient)
		g.found(key{t: tChatByID, ws: ws, a: strconv.FormatInt(number, 10)}, lock, at)
		return err
	}, ws, numbers)
}

func loadChatNames(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, names, _ := columns(keys)
	asked := map[key]key{} // a name may be kept in another form
	for i, k := range keys {
		names[i] = plain(k.a)
		asked[key{ws: k.ws, a: names[i]}] = k
	}
	lists := map[key][]string{}
	each(b, `SELECT r.workspace_id, r.name, r.number FROM unnest($1::text[], $2::text[]) AS k(ws, name)
		JOIN chat r ON r.workspace_id = k.ws COLLATE "C" AND r.name = k.name COLLATE "C" AND r.name <> ''
		ORDER BY r.workspace_id, r.name, r.number`, func(rows pgx.Rows) error {
		var ws, name string
		var number int64
		err := rows.Scan(&ws, &name, &number)
		k := asked[key{ws: ws, a: name}]
		lists[k] = append(lists[k], strconv.FormatInt(number, 10))
		g.found(k, lock, lists[k])
		return err
	}, ws, names)
}

func loadProviders(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, channels, ids := columns(keys)
	each(b, `SELECT r.workspace_id, r.channel, r.provider_id, min(r.id) FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, id)
		JOIN message r ON r.workspace_id = k.ws COLLATE "C" AND r.channel = k.channel COLLATE "C" AND r.provider_id = k.id COLLATE "C"
		GROUP BY 1, 2, 3`, func(rows pgx.Rows) error {
		k, short := key{t: tProvider}, ""
		err := rows.Scan(&k.ws, &k.a, &k.b, &short)
		g.found(k, lock, longID(short))
		return err
	}, ws, channels, ids)
}

func loadAhead(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, lanes, recipients := columns(keys)
	each(b, `SELECT k.* FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, lane, recipient) WHERE EXISTS (
			SELECT 1 FROM message m WHERE m.workspace_id = k.ws COLLATE "C" AND m.lane = k.lane COLLATE "C" AND m.recipient = k.recipient COLLATE "C" AND m.seq IS NOT NULL OFFSET 0)`,
		func(rows pgx.Rows) error {
			k := key{t: tAhead}
			err := rows.Scan(&k.ws, &k.a, &k.b)
			g.found(k, lock, true)
			return err
		}, ws, lanes, recipients)
}

// hashesOf are keys as the binary strings that they stand for.
func hashesOf(keys []key) [][]byte {
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i] = []byte(k.a)
	}
	return out
}

func loadTokens(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	each(b, `SELECT hash, workspace_id FROM token WHERE hash = ANY($1::bytea[])`, func(rows pgx.Rows) error {
		var hash []byte
		var ws string
		err := rows.Scan(&hash, &ws)
		g.found(key{t: tToken, a: string(hash)}, lock, ws)
		return err
	}, hashesOf(keys))
}

func loadCallbacks(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	_, ids, _ := columns(keys)
	each(b, `SELECT id, workspace_id FROM callback WHERE id = ANY($1::text[])`, func(rows pgx.Rows) error {
		var id, ws string
		err := rows.Scan(&id, &ws)
		g.found(key{t: tCallback, a: id}, lock, ws)
		return err
	}, ids)
}

func loadAPIKeys(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	each(b, `SELECT h.hash, r.record FROM api_key_hash h JOIN api_key r ON r.workspace_id = h.workspace_id AND r.hash = h.hash WHERE h.hash = ANY($1::bytea[])`,
		func(rows pgx.Rows) error {
			var hash, record []byte
			if err := rows.Scan(&hash, &record); err != nil {
				return err
			}
			k, err := decode[relay.APIKey](record)
			g.kept(key{t: tAPIKey, a: string(hash)}, lock, k, err)
			return nil
		}, hashesOf(keys))
}

// micro is a time as PostgreSQL keeps it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
