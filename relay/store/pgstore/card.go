package pgstore

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"relevo/relay"
)

func cardKey(kind, workspace, k string) key {
	return key{t: tCard, ws: workspace, a: kind, b: k}
}

// Card finds one, and holds it.
func (t *tx) Card(_ context.Context, kind, workspace, k string) (relay.Card, error) {
	if !relay.ValidCardKey(kind, workspace, k) {
		return relay.Card{}, relay.ErrNotFound
	}
	r, err := find[relay.Card](t, cardKey(kind, workspace, k), true)
	r.Value = slices.Clone(r.Value)
	return r, err
}

// PutCard writes one, over whatever is there where nobody has looked.
func (t *tx) PutCard(_ context.Context, r relay.Card) error {
	if t.view {
		return errReadOnly
	}
	r, err := r.Kept()
	if err != nil {
		return err
	}
	return t.writeCard(cardKey(r.Kind, r.Workspace, r.Key), r, dirtyRecord)
}

// DeleteCard forgets one.
func (t *tx) DeleteCard(_ context.Context, kind, workspace, k string) error {
	switch {
	case t.view:
		return errReadOnly
	case !relay.ValidCardKey(kind, workspace, k):
		return nil
	}
	return t.writeCard(cardKey(kind, workspace, k), nil, deleted)
}

// writeCard writes a card that was looked for as any row is written: where none
// was found it is inserted and nothing else. One that nobody has looked for
// counts as found, and is written over what is there. It is not read, but it
// is held with the others of the group, in their order, where that is known
// before: tCardHeld is for those.
func (t *tx) writeCard(k key, v any, p part) error {
	r, known := t.o.row(k)
	if !known {
		r, known = t.g.rows[k]
	}
	if !known {
		r = row{found: true}
		if _, ok := t.g.rows[heldOf(k)]; !ok {
			t.g.want(heldOf(k), true)
		}
	}
	r.v, r.dirty, r.bad = v, p, nil
	return t.write(k, r)
}

// heldOf is the key under which a card is held without being read.
func heldOf(k key) key {
	k.t = tCardHeld
	return k
}

// absent reports a card that was to be held and was not there. It is inserted
// with those that were looked for, in one order: a statement for each kind of
// them could have two groups wait for each other's rows.
func (g *gathering) absent(k key) bool {
	if _, read := g.rows[k]; read || k.t != tCard {
		return false
	}
	r, asked := g.rows[heldOf(k)]
	return asked && !r.found
}

// holdLate queues the lock of cards that are written without a look and, as
// nobody knew of them before, are not held yet. Who holds other cards by now
// does not wait: the next try holds all of them in one order.
func (g *gathering) holdLate(b *pgx.Batch, keys []key, o *overlay) {
	late, _ := split(keys, func(k key) bool {
		_, read := g.rows[k]
		_, held := g.rows[heldOf(k)]
		return o.rows[k].found && !read && !held
	})
	if len(late) == 0 {
		return
	}
	lock := " FOR UPDATE OF r"
	if g.top >= tCard {
		lock += " NOWAIT"
	}
	ws, kinds, names := columns(late)
	b.Queue(`SELECT 1 FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, kind, key)
		JOIN card r ON r.workspace_id = k.ws COLLATE "C" AND r.kind = k.kind COLLATE "C" AND r.key = k.key COLLATE "C"
		ORDER BY r.workspace_id, r.kind, r.key`+lock, ws, kinds, names)
}

// loadCards reads cards, and holds those of tCardHeld without reading them.
func loadCards(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, kinds, names := columns(keys)
	read := make([]bool, len(keys))
	for i, k := range keys {
		read[i] = k.t == tCard
	}
	each(b, `SELECT r.workspace_id, r.kind, r.key, r.due, CASE WHEN k.read THEN r.record END FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) AS k(ws, kind, key, read)
		JOIN card r ON r.workspace_id = k.ws COLLATE "C" AND r.kind = k.kind COLLATE "C" AND r.key = k.key COLLATE "C"
		ORDER BY r.workspace_id, r.kind, r.key`+lock, func(rows pgx.Rows) error {
		r, err := scanCard(rows)
		k := cardKey(r.Kind, r.Workspace, r.Key)
		if r.Value == nil {
			k = heldOf(k)
		}
		g.found(k, lock, r)
		return err
	}, ws, kinds, names, read)
}

const cardColumns = `workspace_id, kind, key, due, record`

func scanCard(rows pgx.Rows) (r relay.Card, err error) {
	var due *time.Time
	var record []byte
	err = rows.Scan(&r.Workspace, &r.Kind, &r.Key, &due, &record)
	r.Due, r.Value = utc(due), json.RawMessage(record)
	return r, err
}

func flushCards(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	put, gone := filled(keys, o)
	if len(gone) > 0 && onConflict != "" { // else there was none
		ws, kinds, names := columns(gone)
		b.Queue(`DELETE FROM card c USING unnest($1::text[], $2::text[], $3::text[]) AS k(ws, kind, key)
			WHERE c.workspace_id = k.ws COLLATE "C" AND c.kind = k.kind COLLATE "C" AND c.key = k.key COLLATE "C"`, ws, kinds, names)
	}
	if len(put) == 0 {
		return nil
	}
	ws, kinds, names := columns(put)
	due, rec := make([]pgtype.Timestamptz, len(put)), make([][]byte, len(put))
	for i, k := range put {
		r := o.rows[k].v.(relay.Card)
		due[i], rec[i] = at(r.Due), r.Value
	}
	b.Queue(`INSERT INTO card (workspace_id, kind, key, due, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])`+onConflict, ws, kinds, names, due, texts(rec))
	return nil
}

// maxRemembered is how long the value of a card is that is worth remembering,
// bytes.
const maxRemembered = 2 << 10

// texts are values as a statement takes them; nil is NULL.
func texts(in [][]byte) []pgtype.Text {
	out := make([]pgtype.Text, len(in))
	for i, b := range in {
		out[i] = pgtype.Text{String: string(b), Valid: b != nil}
	}
	return out
}

// weighs reports a row that is too large to be remembered.
func weighs(v any) bool {
	r, ok := v.(relay.Card)
	return ok && len(r.Value) > maxRemembered
}
