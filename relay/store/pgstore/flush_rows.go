package pgstore

import (
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"relevo/relay"
)

func chatNumber(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64) // PutChat has looked
	return n
}

func flushFetches(g *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	put, gone := filled(keys, o)
	if len(gone) > 0 {
		ws, ids, _ := columns(gone)
		b.Queue(`DELETE FROM fetch_job f USING unnest($1::text[], $2::text[]) AS k(ws, id)
			WHERE f.workspace_id = k.ws COLLATE "C" AND f.message_id = k.id COLLATE "C"`, ws, ids)
	}
	if len(put) == 0 {
		return nil
	}
	ws, ids, _ := columns(put)
	next, since, tries := make([]pgtype.Timestamptz, len(put)), make([]pgtype.Timestamptz, len(put)), make([]int32, len(put))
	for i, k := range put {
		f := o.rows[k].v.(relay.Fetch)
		next[i], since[i], tries[i] = at(g.at.toRemote(f.Next)), at(g.at.toRemote(f.Since)), int32(f.Tries)
	}
	b.Queue(`INSERT INTO fetch_job (workspace_id, message_id, next, since, tries)
		SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])`+onConflict, ws, ids, next, since, tries)
	return nil
}

func flushKeys(_ *gathering, b *pgx.Batch, keys []key, o *overlay, _ string) error {
	if len(keys) == 0 {
		return nil
	}
	ws, _, _ := columns(keys)
	prints, messages, times := make([][]byte, len(keys)), make([]string, len(keys)), make([]pgtype.Timestamptz, len(keys))
	for i, k := range keys {
		u := o.rows[k].v.(relay.KeyUse)
		prints[i], messages[i], times[i] = u.Fingerprint[:], u.MessageID, pgtype.Timestamptz{Time: u.At, Valid: true}
	}
	b.Queue(`INSERT INTO idempotency_key (workspace_id, key, fingerprint, message_id, at)
		SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::timestamptz[])
		ON CONFLICT (workspace_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, message_id = excluded.message_id, at = excluded.at`,
		ws, hashesOf(keys), prints, messages, times)
	return nil
}

func flushTokens(_ *gathering, b *pgx.Batch, keys []key, o *overlay, _ string) error {
	put, gone := filled(keys, o)
	if len(gone) > 0 {
		b.Queue(`DELETE FROM token WHERE hash = ANY($1::bytea[])`, hashesOf(gone))
	}
	if len(put) > 0 {
		b.Queue(`INSERT INTO token (hash, workspace_id) SELECT * FROM unnest($1::bytea[], $2::text[])
			ON CONFLICT (hash) DO UPDATE SET workspace_id = excluded.workspace_id`, hashesOf(put), workspacesOf(put, o))
	}
	return nil
}

func flushCallbacks(_ *gathering, b *pgx.Batch, keys []key, o *overlay, _ string) error {
	put, gone := filled(keys, o)
	if len(gone) > 0 {
		_, ids, _ := columns(gone)
		b.Queue(`DELETE FROM callback WHERE id = ANY($1::text[])`, ids)
	}
	if len(put) > 0 {
		_, ids, _ := columns(put)
		b.Queue(`INSERT INTO callback (id, workspace_id) SELECT * FROM unnest($1::text[], $2::text[])
			ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id`, ids, workspacesOf(put, o))
	}
	return nil
}

// workspacesOf are what keys of the directory lead to.
func workspacesOf(keys []key, o *overlay) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = o.rows[k].v.(string)
	}
	return out
}

func flushAPIKeys(_ *gathering, b *pgx.Batch, keys []key, o *overlay, _ string) error {
	put, gone := filled(keys, o)
	for _, k := range gone {
		if v, ok := o.rows[k].v.(relay.APIKey); ok {
			b.Queue(`DELETE FROM api_key WHERE workspace_id = $1 AND hash = $2`, v.Workspace, v.Hash[:])
		}
		b.Queue(`DELETE FROM api_key_hash WHERE hash = $1`, []byte(k.a))
	}
	for _, k := range put {
		v := o.rows[k].v.(relay.APIKey)
		enc, err := encode(v)
		if err != nil {
			return err
		}
		b.Queue(`INSERT INTO api_key_hash (hash, workspace_id) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET workspace_id = excluded.workspace_id`, v.Hash[:], v.Workspace)
		b.Queue(`INSERT INTO api_key (workspace_id, hash, record) VALUES ($1, $2, $3::text::json) ON CONFLICT (workspace_id, hash) DO UPDATE SET record = excluded.record`,
			v.Workspace, v.Hash[:], string(enc))
	}
	return nil
}
