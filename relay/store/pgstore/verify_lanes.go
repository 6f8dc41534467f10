package pgstore

import (
	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// items checks lanes against what is on them.
func (v *verification) items() error {
	err := v.each(`SELECT l.id, l.depth, count(m.id) FROM lane l LEFT JOIN message m ON m.workspace_id = l.workspace_id AND m.lane = l.id AND m.seq IS NOT NULL
		GROUP BY l.workspace_id, l.id, l.depth HAVING l.depth <> count(m.id)`, func(rows pgx.Rows) error {
		var lane string
		var says, has int64
		err := rows.Scan(&lane, &says, &has)
		v.say("lane %s says %d items and has %d", lane, says, has)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range []struct{ sentence, sql string }{
		{"items are on lane %s, which does not exist", `SELECT DISTINCT m.lane FROM message m WHERE m.seq IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM lane l WHERE l.workspace_id = m.workspace_id AND l.id = m.lane)`},
		{"lane %s does not begin with its workspace", `SELECT id FROM lane WHERE id NOT LIKE workspace_id || '/%'`},
		{"lane %s is leased for an item that is not out", `SELECT l.id FROM lane l WHERE l.lease_item <> ''
			AND NOT EXISTS (SELECT 1 FROM message m WHERE m.workspace_id = l.workspace_id AND m.id = l.lease_item AND m.seq IS NOT NULL AND m.out)`},
		// What is out on a lane that nobody holds would stand there for ever.
		{"an item is out on lane %s, which is not leased for it", `SELECT m.lane FROM message m WHERE m.seq IS NOT NULL AND m.out
			AND NOT EXISTS (SELECT 1 FROM lane l WHERE l.workspace_id = m.workspace_id AND l.id = m.lane AND l.lease_item = m.id)`},
		{"lane %s has something to release, but no time for it", `SELECT l.id FROM lane l WHERE l.due_at IS NULL AND l.depth > 0 AND (l.lease_item <> ''
			OR NOT l.paused AND l.hold = '' AND EXISTS (SELECT 1 FROM message m
				WHERE m.workspace_id = l.workspace_id AND m.lane = l.id AND m.seq IS NOT NULL AND NOT m.out AND NOT m.unready AND NOT EXISTS (
					SELECT 1 FROM message e WHERE e.workspace_id = m.workspace_id AND e.lane = m.lane AND e.recipient = m.recipient AND e.seq < m.seq AND e.seq IS NOT NULL)))`},
		{"lane %s is not looked at again by the end of its lease", `SELECT id FROM lane WHERE lease_item <> '' AND due_at > next_free`},
	} {
		if err := v.found(c.sentence, c.sql); err != nil {
			return err
		}
	}
	return v.each(`SELECT m.id FROM message m WHERE m.seq IS NOT NULL AND m.unready AND NOT EXISTS (
			SELECT 1 FROM fetch_job f WHERE f.workspace_id = m.workspace_id AND f.message_id = m.id)`, func(rows pgx.Rows) error {
		var id string
		err := rows.Scan(&id)
		v.say("item %s waits for a file that nobody fetches", longID(id))
		return err
	})
}

// indexes checks that what leads to a row leads to one.
func (v *verification) indexes() error {
	// In Go and not in SQL: a record may hold \u0000, which the database's own
	// JSON functions refuse.
	leads := map[string]string{}
	err := v.each(`SELECT hash, workspace_id FROM token`, func(rows pgx.Rows) error {
		var hash []byte
		var ws string
		err := rows.Scan(&hash, &ws)
		leads[string(hash)] = ws
		return err
	})
	if err != nil {
		return err
	}
	err = v.each(`SELECT id, record FROM workspace WHERE record IS NOT NULL`, func(rows pgx.Rows) error {
		var id string
		var record []byte
		if err := rows.Scan(&id, &record); err != nil {
			return err
		}
		v.stats.Workspaces++
		w, err := decode[relay.Workspace](record)
		switch {
		case err != nil || w.ID != id:
			v.say("workspace %s cannot be read", id)
		case w.DeletedAt.IsZero() && leads[string(w.Webhook.Token.Hash[:])] != id:
			v.say("workspace %s: its URL leads nowhere", id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = v.each(`SELECT number::text, record FROM chat`, func(rows pgx.Rows) error {
		var number string
		var record []byte
		if err := rows.Scan(&number, &record); err != nil {
			return err
		}
		if c, err := decode[relay.Chat](record); err != nil || c.ID != number {
			v.say("chat number %s leads to another chat", number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range []struct{ sentence, sql string }{
		{"channel %s: reports of its provider lead nowhere", `SELECT c.id FROM channel c
			WHERE NOT EXISTS (SELECT 1 FROM callback b WHERE b.id = c.id AND b.workspace_id = c.workspace_id)`},
		{"an API key of %s leads nowhere", `SELECT k.workspace_id FROM api_key k WHERE NOT EXISTS (SELECT 1 FROM api_key_hash h WHERE h.hash = k.hash AND h.workspace_id = k.workspace_id)`},
	} {
		if err := v.found(c.sentence, c.sql); err != nil {
			return err
		}
	}
	return nil
}

// sizes counts the rows that were looked at.
func (v *verification) sizes() error {
	return v.each(`SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM entry) + (SELECT count(*) FROM lane) + (SELECT count(*) FROM workspace)
		+ (SELECT count(*) FROM chat) + (SELECT count(*) FROM attempt) + (SELECT count(*) FROM idempotency_key) + (SELECT count(*) FROM template) + (SELECT count(*) FROM inbound)
		+ (SELECT count(*) FROM person)`,
		func(rows pgx.Rows) error { return rows.Scan(&v.stats.Records) })
}
