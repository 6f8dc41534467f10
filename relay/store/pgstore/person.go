package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

func personKey(workspace, channel, user string) key {
	return key{t: tPerson, ws: workspace, a: channel, b: plain(user)}
}

// RecipientOfUser is under which recipient a person is known.
func (t *tx) RecipientOfUser(_ context.Context, workspace, channel, user string) (string, error) {
	p, err := find[relay.Person](t, personKey(workspace, channel, user), false)
	return p.Recipient, err
}

// PutUser writes it.
func (t *tx) PutUser(_ context.Context, workspace, channel, user, recipient string) error {
	k := personKey(workspace, channel, user)
	r, _, err := change[relay.Person](t, k)
	if err != nil {
		return err
	}
	r.v, r.dirty = relay.Person{Workspace: workspace, Channel: channel, User: user, Recipient: recipient}, dirtyRecord
	return t.write(k, r)
}

// DeleteUser forgets it.
func (t *tx) DeleteUser(_ context.Context, workspace, channel, user string) error {
	k := personKey(workspace, channel, user)
	r, _, err := change[relay.Person](t, k)
	if err != nil || r.v == nil {
		return err
	}
	r.v, r.dirty = nil, deleted
	return t.write(k, r)
}

func loadPeople(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, channels, users := columns(keys)
	each(b, `SELECT r.workspace_id, r.channel, r.user_id, r.record FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, user_id)
		JOIN person r ON r.workspace_id = k.ws COLLATE "C" AND r.channel = k.channel COLLATE "C" AND r.user_id = k.user_id COLLATE "C"
		ORDER BY r.workspace_id, r.channel, r.user_id`+lock, func(rows pgx.Rows) error {
		k, record := key{t: tPerson}, []byte(nil)
		if err := rows.Scan(&k.ws, &k.a, &k.b, &record); err != nil {
			return err
		}
		p, err := decode[relay.Person](record)
		g.kept(k, lock, p, err)
		return nil
	}, ws, channels, users)
}

func flushPeople(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	keys, gone := filled(keys, o)
	if len(gone) > 0 && onConflict != "" { // else there was none
		ws, first, second := columns(gone)
		b.Queue(`DELETE FROM person p USING unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, user_id)
			WHERE p.workspace_id = k.ws COLLATE "C" AND p.channel = k.channel COLLATE "C" AND p.user_id = k.user_id COLLATE "C"`, ws, first, second)
	}
	if len(keys) == 0 {
		return nil
	}
	ws, channels, users := columns(keys)
	rec := make(records, len(keys))
	for i, k := range keys {
		var err error
		if rec[i], err = encode(o.rows[k].v.(relay.Person)); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO person (workspace_id, channel, user_id, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[])`+onConflict, ws, channels, users, rec)
	return nil
}

// people checks the ids of people against the columns beside their records.
func (v *verification) people() error {
	return v.each(`SELECT workspace_id, channel, user_id, record FROM person`, func(rows pgx.Rows) error {
		k, record := key{t: tPerson}, []byte(nil)
		if err := rows.Scan(&k.ws, &k.a, &k.b, &record); err != nil {
			return err
		}
		p, err := decode[relay.Person](record)
		switch {
		case err != nil || p.Recipient == "":
			v.say("person %s of channel %s cannot be read", k.b, k.a)
		case personKey(p.Workspace, p.Channel, p.User) != k:
			v.say("person %s of channel %s: the columns beside its record say something else", k.b, k.a)
		}
		return nil
	})
}
