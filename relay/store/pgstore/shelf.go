package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

func templatesKey(workspace, channel, name string) key {
	return key{t: tTemplates, ws: workspace, a: channel, b: plain(name)}
}

// TemplatesByName are all languages of a template.
func (t *tx) TemplatesByName(_ context.Context, workspace, channel, name string) ([]relay.Template, error) {
	r, err := t.read(templatesKey(workspace, channel, name), false)
	list, _ := r.v.([]relay.Template)
	return cloneTemplates(list), err
}

// PutTemplate writes one language of a template.
func (t *tx) PutTemplate(_ context.Context, m relay.Template) error {
	return t.editTemplates(m, func(list []relay.Template, i int, found bool) []relay.Template {
		if found {
			list[i] = m
			return list
		}
		return slices.Insert(list, i, m)
	})
}

// DeleteTemplate forgets one language of a template.
func (t *tx) DeleteTemplate(_ context.Context, m relay.Template) error {
	return t.editTemplates(m, func(list []relay.Template, i int, found bool) []relay.Template {
		if found {
			return slices.Delete(list, i, i+1)
		}
		return list
	})
}

// editTemplates changes the list of a template's languages. edit is told where
// the one in question stands, or belongs. The row goes with the last one.
func (t *tx) editTemplates(m relay.Template, edit func(list []relay.Template, i int, found bool) []relay.Template) error {
	k := templatesKey(m.Workspace, m.Channel, m.Name)
	r, list, err := change[[]relay.Template](t, k)
	if err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(list, m.Language, func(m relay.Template, l string) int { return strings.Compare(m.Language, l) })
	list = cloneTemplates(edit(slices.Clone(list), i, found))
	r.v, r.dirty = list, dirtyRecord
	if len(list) == 0 {
		r.v, r.dirty = nil, deleted
	}
	return t.write(k, r)
}

func cloneTemplates(list []relay.Template) []relay.Template {
	list = slices.Clone(list)
	for i := range list {
		m := &list[i]
		m.Samples, m.Buttons = slices.Clone(m.Samples), slices.Clone(m.Buttons)
		if m.Header != nil {
			h := *m.Header
			m.Header = &h
		}
	}
	return list
}

func inboundKey(workspace, id string) (key, bool) {
	short, ok := shortID(id)
	return key{t: tInbound, ws: workspace, a: short}, ok
}

// InboundMessage finds one by id.
func (t *tx) InboundMessage(_ context.Context, workspace, id string) (relay.InboundMessage, error) {
	k, ok := inboundKey(workspace, id)
	if !ok {
		return relay.InboundMessage{}, relay.ErrNotFound
	}
	m, err := find[relay.InboundMessage](t, k, false)
	m.Files = slices.Clone(m.Files)
	return m, err
}

// PutInbound writes one.
func (t *tx) PutInbound(_ context.Context, m relay.InboundMessage) error {
	k, ok := inboundKey(m.Workspace, m.ID)
	if !ok {
		return fmt.Errorf("%w: malformed message id", relay.ErrNotFound)
	}
	r, _, err := change[relay.InboundMessage](t, k)
	if err != nil {
		return err
	}
	m.Files = slices.Clone(m.Files)
	r.v, r.dirty = m, dirtyRecord
	return t.write(k, r)
}

// DeleteInbound forgets one.
func (t *tx) DeleteInbound(_ context.Context, m relay.InboundMessage) error {
	k, ok := inboundKey(m.Workspace, m.ID)
	if !ok {
		return fmt.Errorf("%w: malformed message id", relay.ErrNotFound)
	}
	r, _, err := change[relay.InboundMessage](t, k)
	if err != nil || r.v == nil {
		return err
	}
	r.v, r.dirty = nil, deleted
	return t.write(k, r)
}

func loadTemplates(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, channels, names := columns(keys)
	each(b, `SELECT r.workspace_id, r.channel, r.name, r.record FROM unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, name)
		JOIN template r ON r.workspace_id = k.ws COLLATE "C" AND r.channel = k.channel COLLATE "C" AND r.name = k.name COLLATE "C"
		ORDER BY r.workspace_id, r.channel, r.name`+lock, func(rows pgx.Rows) error {
		k, record := key{t: tTemplates}, []byte(nil)
		if err := rows.Scan(&k.ws, &k.a, &k.b, &record); err != nil {
			return err
		}
		list, err := decode[[]relay.Template](record)
		g.kept(k, lock, list, err)
		return nil
	}, ws, channels, names)
}

func flushTemplates(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	put, gone := filled(keys, o)
	if len(gone) > 0 {
		ws, channels, names := columns(gone)
		b.Queue(`DELETE FROM template t USING unnest($1::text[], $2::text[], $3::text[]) AS k(ws, channel, name)
			WHERE t.workspace_id = k.ws COLLATE "C" AND t.channel = k.channel COLLATE "C" AND t.name = k.name COLLATE "C"`, ws, channels, names)
	}
	if len(put) == 0 {
		return nil
	}
	ws, channels, names := columns(put)
	rec := make(records, len(put))
	for i, k := range put {
		var err error
		if rec[i], err = encode(o.rows[k].v.([]relay.Template)); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO template (workspace_id, channel, name, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[])`+onConflict, ws, channels, names, rec)
	return nil
}

func loadInbounds(g *gathering, b *pgx.Batch, keys []key, lock string) {
	g.none(keys, lock)
	ws, ids, _ := columns(keys)
	each(b, `SELECT r.workspace_id, r.id, r.record FROM unnest($1::text[], $2::text[]) AS k(ws, id)
		JOIN inbound r ON r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"
		ORDER BY r.workspace_id, r.id`+lock, func(rows pgx.Rows) error {
		k, record := key{t: tInbound}, []byte(nil)
		if err := rows.Scan(&k.ws, &k.a, &record); err != nil {
			return err
		}
		m, err := decode[relay.InboundMessage](record)
		g.kept(k, lock, m, err)
		return nil
	}, ws, ids)
}

func flushInbounds(_ *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	keys, gone := filled(keys, o)
	if len(gone) > 0 && onConflict != "" { // else there was none
		ws, ids, _ := columns(gone)
		b.Queue(`DELETE FROM inbound r USING unnest($1::text[], $2::text[]) AS k(ws, id)
			WHERE r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"`, ws, ids)
	}
	if len(keys) == 0 {
		return nil
	}
	ws, ids, _ := columns(keys)
	channels, recipients, rec := make([]string, len(keys)), make([]string, len(keys)), make(records, len(keys))
	for i, k := range keys {
		m := o.rows[k].v.(relay.InboundMessage)
		var err error
		if rec[i], err = encode(m); err != nil {
			return err
		}
		channels[i], recipients[i] = plain(m.Channel), plain(m.Recipient)
	}
	b.Queue(`INSERT INTO inbound (workspace_id, id, channel, recipient, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::json[])`+onConflict, ws, ids, channels, recipients, rec)
	return nil
}
