package pgstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// cardsOf lists cards. Each way makes a statement of its own, which is one walk
// along the primary key.
func cardsOf(f relay.CardFilter, behind string, n int) (sql string, args []any) {
	from, to := `key >= $3`, `key <= $4`
	least, most := f.Prefix, f.Prefix+strings.Repeat(last, 76) // no key is that long
	order := ` ORDER BY key LIMIT $5`
	switch {
	case f.Newest:
		order = ` ORDER BY key DESC LIMIT $5`
		if behind != "" {
			to, most = `key < $4`, behind
		}
	case behind != "":
		from, least = `key > $3`, behind
	}
	return `SELECT ` + cardColumns + ` FROM card WHERE workspace_id = $1 AND kind = $2 AND ` + from + ` AND ` + to + order, []any{f.Workspace, f.Kind, least, most, n}
}

// Cards are those of one kind and workspace.
func (s *Store) Cards(ctx context.Context, f relay.CardFilter, p relay.Page) (out []relay.Card, next string, err error) {
	list := "cards " + f.Kind + "\x00" + f.Prefix
	behind, err := openCursor(list, f.Workspace, p.Cursor)
	if err == nil && behind != "" && !strings.HasPrefix(behind, f.Prefix) {
		err = errForeignCursor()
	}
	if err != nil || f.Workspace != plain(f.Workspace) || f.Kind != plain(f.Kind) || f.Prefix != plain(f.Prefix) {
		return nil, "", err // there are none of what is no text
	}
	n := limit(p)
	sql, args := cardsOf(f, behind, n+1)
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		r, err := scanCard(rows)
		out = append(out, r)
		return err
	}, sql, args...)
	if err != nil || len(out) <= n {
		return out, "", err
	}
	return out[:n], newCursor(list, f.Workspace, out[n-1].Key), nil
}

// CardsDue are those whose time has come. See relay.CardLists.
func (s *Store) CardsDue(ctx context.Context, kind string, now time.Time, n int) (due []relay.Card, next time.Time, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		r, err := scanCard(rows)
		due = append(due, r)
		return err
	}, `SELECT `+cardColumns+` FROM card WHERE kind = $1 AND due IS NOT NULL ORDER BY due, workspace_id, key LIMIT $2`, kind, max(0, n)+1)
	for i, r := range due {
		if i == max(0, n) || r.Due.After(now) {
			return due[:i], r.Due, err
		}
	}
	return due, next, err
}

// PruneCards forgets cards of a kind that were due before a time.
func (s *Store) PruneCards(ctx context.Context, kind string, before time.Time, n int) (int, error) {
	return s.exec(ctx, `DELETE FROM card c USING (SELECT workspace_id, kind, key FROM card WHERE kind = $1 AND due < $2 ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED) old
		WHERE c.workspace_id = old.workspace_id AND c.kind = old.kind AND c.key = old.key AND c.due < $2`, plain(kind), micro(before), n)
}

// cards checks that each is one that could be put.
func (v *verification) cards() error {
	return v.each(`SELECT `+cardColumns+` FROM card`, func(rows pgx.Rows) error {
		r, err := scanCard(rows)
		if err != nil {
			return err
		}
		v.stats.Cards++
		if _, err := r.Kept(); err != nil {
			v.say("a card of workspace %q: %v", r.Workspace, err)
		}
		return nil
	})
}
