package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

var _ relay.Rebinder = (*Store)(nil)

// nodePrefix begins the names of the jobs that nodes hold as long as they live.
const nodePrefix = "node:"

// aliveNode is the name of a job that a living node holds.
const aliveNode = `SELECT name FROM job WHERE starts_with(name, '` + nodePrefix + `') AND owner <> '' AND until > clock_timestamp()`

// RebindSecret replaces the check value of the secret key, while no node is
// alive. See relay.Rebinder.
func (s *Store) RebindSecret(ctx context.Context, from, to string) error {
	for range 3 { // an answer may be lost
		var have, alive string
		err := s.list(ctx, func(_ instant, rows pgx.Rows) error { return rows.Scan(&have, &alive) },
			`SELECT coalesce((SELECT value FROM meta WHERE key = 'secret'), ''), coalesce((`+aliveNode+` ORDER BY name LIMIT 1), '')`)
		switch {
		case err != nil:
			return err
		case have == to && from != to && have != "":
			return nil
		case have != from || have == "":
			return &relay.SecretError{Have: have}
		case alive != "":
			return fmt.Errorf("node %q of this database is alive, or was until a few seconds ago: stop all nodes first, and wait 15 seconds where one was killed",
				strings.TrimPrefix(alive, nodePrefix))
		case from == to:
			return nil
		}
		n, err := s.exec(ctx, `UPDATE meta SET value = $2 WHERE key = 'secret' AND value = $1 AND NOT EXISTS (`+aliveNode+`)`, from, to)
		if err != nil || n == 1 {
			return err
		}
	}
	return errors.New("the check value of the secret key changes while it is being changed: another process is at it")
}
