package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// EditAttempts goes through all attempts of a workspace. Its row holds them, as
// for who appends.
func (s *Store) EditAttempts(ctx context.Context, workspace string, edit func(*relay.Attempt) bool) (changed int, err error) {
	err = s.reading(ctx, func(conn *pgx.Conn) error {
		changed = 0
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) // after the commit it does nothing
		b, edited := &pgx.Batch{}, []relayAttempt(nil)
		b.Queue(`SELECT 1 FROM workspace WHERE id = $1 FOR UPDATE`, workspace)
		each(b, `SELECT seq, record FROM attempt WHERE workspace_id = $1 ORDER BY seq DESC`, func(rows pgx.Rows) error {
			at, record := relayAttempt{ws: workspace}, []byte(nil)
			if err := rows.Scan(&at.seq, &record); err != nil {
				return err
			}
			var err error
			if at.attempt, err = decode[relay.Attempt](record); err == nil && edit(&at.attempt) {
				edited = append(edited, at)
			}
			return err
		}, workspace)
		if err := tx.SendBatch(ctx, b).Close(); err != nil || len(edited) == 0 {
			return err
		}
		b = &pgx.Batch{}
		if err := flushAttempts(b, edited); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		changed = len(edited)
		return tx.Commit(ctx)
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
