package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"relevo/relay"
)

// exec runs one statement of upkeep and tells how many rows it changed.
func (s *Store) exec(ctx context.Context, sql string, args ...any) (n int, err error) {
	err = s.reading(ctx, func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, sql, args...)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}

// PruneKeys forgets old idempotency keys.
func (s *Store) PruneKeys(ctx context.Context, before time.Time, n int) (int, error) {
	return s.exec(ctx, `DELETE FROM idempotency_key k USING (SELECT workspace_id, key FROM idempotency_key WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
		WHERE k.workspace_id = old.workspace_id AND k.key = old.key AND k.at < $1`, micro(before), n)
}

// PruneCounts forgets counters of old minutes.
func (s *Store) PruneCounts(ctx context.Context, before time.Time, n int) (int, error) {
	return s.exec(ctx, `DELETE FROM counter c USING (
			SELECT old.workspace_id, old.minute, old.channel FROM workspace w CROSS JOIN LATERAL (
				SELECT workspace_id, minute, channel FROM counter WHERE workspace_id = w.id AND minute < $1 ORDER BY minute LIMIT $2) old LIMIT $2) o
		WHERE c.workspace_id = o.workspace_id AND c.minute = o.minute AND c.channel = o.channel`, before.Unix()/60, n)
}

// personal deletes, of each table of what people wrote, some rows of
// workspaces that were deleted long ago.
var personal = []string{
	`DELETE FROM attempt t USING (SELECT a.workspace_id, a.slot FROM workspace w JOIN attempt a ON a.workspace_id = w.id WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.slot = o.slot`,
	`DELETE FROM idempotency_key t USING (SELECT a.workspace_id, a.key FROM workspace w JOIN idempotency_key a ON a.workspace_id = w.id WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.key = o.key`,
	`DELETE FROM chat t USING (SELECT a.workspace_id, a.channel, a.recipient FROM workspace w JOIN chat a ON a.workspace_id = w.id WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.channel = o.channel AND t.recipient = o.recipient`,
	`DELETE FROM template t USING (SELECT a.* FROM workspace w CROSS JOIN LATERAL (
			SELECT workspace_id, channel, name FROM template WHERE workspace_id = w.id LIMIT $2) a WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.channel = o.channel AND t.name = o.name`,
	`DELETE FROM person t USING (SELECT a.* FROM workspace w CROSS JOIN LATERAL (
			SELECT workspace_id, channel, user_id FROM person WHERE workspace_id = w.id LIMIT $2) a WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.channel = o.channel AND t.user_id = o.user_id`,
	`DELETE FROM card t USING (SELECT a.* FROM workspace w CROSS JOIN LATERAL (
			SELECT workspace_id, kind, key FROM card WHERE workspace_id = w.id LIMIT $2 FOR UPDATE SKIP LOCKED) a WHERE w.deleted_at < $1 LIMIT $2) o
		WHERE t.workspace_id = o.workspace_id AND t.kind = o.kind AND t.key = o.key`,
	forgetInbounds(`SELECT a.* FROM workspace w CROSS JOIN LATERAL (SELECT workspace_id, id FROM inbound WHERE workspace_id = w.id LIMIT $2) a WHERE w.deleted_at < $1 LIMIT $2`),
}

// PruneDeleted forgets what people wrote of deleted workspaces.
func (s *Store) PruneDeleted(ctx context.Context, before time.Time, n int) (removed int, err error) {
	for _, sql := range personal {
		gone, err := s.exec(ctx, sql, micro(before), n)
		if removed += gone; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// Backup is the database's own business.
func (s *Store) Backup(context.Context, string) error {
	return relay.Refusef(relay.CodeConflict, "This server keeps its data in PostgreSQL: back it up with PostgreSQL's tools, pg_dump or base backups with a WAL archive.")
}

// Job is when a cron job last ended well; the zero time for never.
func (s *Store) Job(ctx context.Context, name string) (last time.Time, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var t *time.Time
		err := rows.Scan(&t)
		last = utc(t)
		return err
	}, `SELECT last FROM job WHERE name = $1`, name)
	return last, err
}

// TakeJob leases a cron job to a node, by the database's clock. See
// relay.Store.
func (s *Store) TakeJob(ctx context.Context, name, node string, last time.Time, lease time.Duration) (bool, error) {
	n, err := s.exec(ctx, `INSERT INTO job AS j (name, owner, until) SELECT $1, $2, clock_timestamp() + $4 * interval '1 microsecond' WHERE $3::timestamptz IS NULL
			OR EXISTS (SELECT 1 FROM job WHERE name = $1)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = clock_timestamp() + $4 * interval '1 microsecond'
			WHERE (j.owner = $2 OR j.owner = '' OR j.until < clock_timestamp()) AND j.last IS NOT DISTINCT FROM $3`,
		name, node, pgtype.Timestamptz{Time: micro(last), Valid: !last.IsZero()}, lease.Microseconds())
	if n == 1 {
		s.taken.Store(name, node)
	}
	return n == 1, err
}

// PutJob remembers when a cron job ended well, and lets go of it. Where this
// process took it and another one has it by now, it is that one's. It may run
// again after an answer that was lost.
func (s *Store) PutJob(ctx context.Context, name string, last time.Time) error {
	if node, ok := s.taken.Load(name); ok {
		n, err := s.exec(ctx, `UPDATE job SET last = $2, owner = '', until = NULL WHERE name = $1 AND (owner = $3 OR owner = '' AND last = $2)`, name, micro(last), node)
		if err == nil && n == 0 {
			return fmt.Errorf("job %s: another node took it during the run", name)
		}
		if err == nil {
			s.taken.Delete(name)
		}
		return err
	}
	_, err := s.exec(ctx, `INSERT INTO job (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = excluded.last, owner = '', until = NULL`, name, micro(last))
	return err
}

// BindSecret remembers the check value of the secret key, the first time, and
// refuses another one later.
func (s *Store) BindSecret(ctx context.Context, check string) error {
	if _, err := s.exec(ctx, `INSERT INTO meta (key, value) VALUES ('secret', $1) ON CONFLICT (key) DO NOTHING`, check); err != nil {
		return err
	}
	have := ""
	err := s.list(ctx, func(_ instant, rows pgx.Rows) error { return rows.Scan(&have) }, `SELECT value FROM meta WHERE key = 'secret'`)
	if err == nil && have != check {
		err = errors.New("the secret key is not the one that this database was made with: webhook URLs and API keys would all be dead. Give every node the key that the first one had (RELEVO_SECRET_KEY)")
	}
	return err
}

// PruneWriters forgets the rows of goroutines that committed nothing for a
// day: their processes are gone.
func (s *Store) PruneWriters(ctx context.Context) error {
	_, err := s.exec(ctx, `DELETE FROM writer WHERE at < now() - interval '1 day'`)
	return err
}

// ReleaseJob lets go of a job that a node took, as if it had not.
func (s *Store) ReleaseJob(ctx context.Context, name, node string) error {
	s.taken.Delete(name)
	_, err := s.exec(ctx, `UPDATE job SET owner = '', until = NULL WHERE name = $1 AND owner = $2`, name, node)
	return err
}
