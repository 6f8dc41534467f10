package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// Templates are all of a channel, by name, then language.
func (s *Store) Templates(ctx context.Context, workspace, channel string) (out []relay.Template, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		list, err := decode[[]relay.Template](record)
		out = append(out, list...)
		return err
	}, `SELECT record FROM template WHERE workspace_id = $1 AND channel = $2 ORDER BY name`, workspace, channel)
	return out, err
}

// inboundsOf lists what people wrote. Each filter makes a statement of its own:
// plans are made without looking at what is asked for, and one that might
// filter reads and sorts all that a workspace has.
func inboundsOf(workspace, channel, recipient, before string, n int) (sql string, args []any) {
	sql, args = `SELECT record FROM inbound WHERE workspace_id = $1 AND id < $2`, []any{workspace, before, n}
	for _, f := range []struct{ column, value string }{{"channel", channel}, {"recipient", recipient}} {
		if f.value != "" {
			args = append(args, f.value)
			sql += fmt.Sprintf(" AND %s = $%d", f.column, len(args))
		}
	}
	return sql + ` ORDER BY id DESC LIMIT $3`, args
}

// Inbounds are what people wrote, newest first.
func (s *Store) Inbounds(ctx context.Context, workspace, channel, recipient string, p relay.Page) (out []relay.InboundMessage, next string, err error) {
	at, err := openCursor("inbounds", workspace, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	n := limit(p)
	sql, args := inboundsOf(workspace, channel, recipient, orLast(at), n+1)
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		m, err := decode[relay.InboundMessage](record)
		out = append(out, m)
		return err
	}, sql, args...)
	if err != nil || len(out) <= n {
		return out, "", err
	}
	short, _ := shortID(out[n-1].ID)
	return out[:n], newCursor("inbounds", workspace, short), nil
}

// forgetInbounds deletes inbound messages that a query names, with the jobs
// that fetch their files.
func forgetInbounds(query string) string {
	return `WITH gone AS (DELETE FROM inbound i USING (` + query + `) o WHERE i.workspace_id = o.workspace_id AND i.id = o.id RETURNING i.workspace_id, i.id),
		jobs AS (DELETE FROM fetch_job f USING gone WHERE f.workspace_id = gone.workspace_id AND f.message_id = gone.id)
		SELECT 1 FROM gone`
}

// PruneInbounds forgets inbound messages of before a time.
func (s *Store) PruneInbounds(ctx context.Context, before time.Time, n int) (int, error) {
	return s.exec(ctx, forgetInbounds(`SELECT old.workspace_id, old.id FROM workspace w CROSS JOIN LATERAL (
			SELECT workspace_id, id FROM inbound WHERE workspace_id = w.id AND id < $1 ORDER BY id LIMIT $2) old LIMIT $2`), idAt(before), n)
}

// shelf checks templates and what people wrote against the columns beside
// their records.
func (v *verification) shelf() error {
	err := v.each(`SELECT workspace_id, channel, name, record FROM template`, func(rows pgx.Rows) error {
		k, record := key{t: tTemplates}, []byte(nil)
		if err := rows.Scan(&k.ws, &k.a, &k.b, &record); err != nil {
			return err
		}
		list, err := decode[[]relay.Template](record)
		if err != nil || len(list) == 0 {
			v.say("template %s of channel %s cannot be read", k.b, k.a)
			return nil
		}
		v.stats.Templates += int64(len(list))
		for i, m := range list {
			if templatesKey(m.Workspace, m.Channel, m.Name) != k {
				v.say("template %s of channel %s: the columns beside its record say something else", k.b, k.a)
			}
			if i > 0 && list[i-1].Language >= m.Language {
				v.say("template %s of channel %s: its languages are not in order", k.b, k.a)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.each(`SELECT workspace_id, id, channel, recipient, record FROM inbound`, func(rows pgx.Rows) error {
		k, record := key{t: tInbound}, []byte(nil)
		var channel, recipient string
		if err := rows.Scan(&k.ws, &k.a, &channel, &recipient, &record); err != nil {
			return err
		}
		m, err := decode[relay.InboundMessage](record)
		if err != nil {
			v.say("inbound message %s cannot be read", longID(k.a))
			return nil
		}
		v.stats.Inbounds++
		if own, _ := inboundKey(m.Workspace, m.ID); own != k || plain(m.Channel) != channel || plain(m.Recipient) != recipient {
			v.say("inbound message %s: the columns beside its record say something else", longID(k.a))
		}
		return nil
	})
}
