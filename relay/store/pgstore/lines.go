package pgstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Lines is a log that all nodes write and read: what the pretend WhatsApp was
// handed. The methods may be called concurrently.
type Lines struct{ pool *pgxpool.Pool }

// NewLines keeps lines over a pool, which outlives it.
func NewLines(pool *pgxpool.Pool) *Lines { return &Lines{pool} }

// Append adds a line to a channel's log.
func (l *Lines) Append(ctx context.Context, workspace, channel string, line []byte) error {
	_, err := l.pool.Exec(ctx, `INSERT INTO sandbox_line (workspace_id, channel, at, id, line) VALUES ($1, $2, clock_timestamp(), $3, $4)`,
		workspace, channel, rand.Text(), plain(string(line)))
	if err != nil {
		return fmt.Errorf("append line: %w", err)
	}
	return nil
}

// Tail are the newest n lines of a channel, newest first.
func (l *Lines) Tail(ctx context.Context, workspace, channel string, n int) ([][]byte, error) {
	rows, err := l.pool.Query(ctx, `SELECT line FROM sandbox_line WHERE workspace_id = $1 AND channel = $2 ORDER BY at DESC, id DESC LIMIT $3`, workspace, channel, n)
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]byte, error) {
		var s string
		err := row.Scan(&s)
		return []byte(s), err
	})
}

// Prune forgets up to n lines from before a time.
func (l *Lines) Prune(ctx context.Context, before time.Time, n int) (int, error) {
	tag, err := l.pool.Exec(ctx, `DELETE FROM sandbox_line s USING (SELECT workspace_id, channel, at, id FROM sandbox_line WHERE at < $1 LIMIT $2) o
		WHERE s.workspace_id = o.workspace_id AND s.channel = o.channel AND s.at = o.at AND s.id = o.id`, before, n)
	return int(tag.RowsAffected()), err
}
