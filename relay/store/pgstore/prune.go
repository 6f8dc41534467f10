package pgstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/quota"
	"relevo/relay"
)

// PruneMessages forgets settled messages and folds their entries into one for
// each workspace, day and kind. It goes on where the last call stopped.
func (s *Store) PruneMessages(ctx context.Context, before time.Time, n int) (removed int, err error) {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	for {
		old, to, err := s.settledBefore(ctx, before, n)
		if err != nil {
			return 0, err
		}
		s.prunedTo = to // none at the end: the next round begins anew
		if len(old) == 0 {
			return 0, nil
		}
		if removed, err = s.forget(ctx, old, before); err != nil || removed > 0 {
			return removed, err
		}
		if to == (key{}) {
			return 0, nil
		}
	}
}

// settled are the statuses that a message may be forgotten in.
func settled() (out []string) {
	for _, st := range relay.Statuses() {
		if st.Settled() {
			out = append(out, string(st))
		}
	}
	return out
}

// settledBefore finds old messages, by workspace and id, behind prunedTo. to
// is the last one, or none where no more follow.
func (s *Store) settledBefore(ctx context.Context, before time.Time, n int) (old []key, to key, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		k := key{t: tMessage}
		err := rows.Scan(&k.ws, &k.a)
		old, to = append(old, k), k
		return err
	}, `SELECT m.workspace_id, m.id FROM workspace w CROSS JOIN LATERAL (
			SELECT workspace_id, id FROM message WHERE workspace_id = w.id AND id < $1 AND seq IS NULL AND status = ANY($2::text[])
			AND (w.id > $3 OR id > $5) ORDER BY id LIMIT $4) m
		WHERE w.id >= $3 ORDER BY w.id, m.id LIMIT $4`, idAt(before), settled(), s.prunedTo.ws, n, s.prunedTo.a)
	if len(old) < n {
		to = key{}
	}
	return old, to, err
}

// fold is what entries of a day sum up to.
type fold struct {
	workspace, day string
	kind           quota.Kind
}

// forget removes messages that are still settled, with their entries.
func (s *Store) forget(ctx context.Context, old []key, before time.Time) (removed int, err error) {
	err = s.reading(ctx, func(conn *pgx.Conn) error {
		removed = 0
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) // after the commit it does nothing
		gone := map[key]messageRow{}
		b := &pgx.Batch{}
		ws, ids, _ := columns(old)
		each(b, `SELECT `+messageColumns+` FROM unnest($1::text[], $2::text[]) AS k(ws, id)
			JOIN message r ON r.workspace_id = k.ws COLLATE "C" AND r.id = k.id COLLATE "C"
			ORDER BY r.workspace_id, r.id FOR UPDATE OF r SKIP LOCKED`, func(rows pgx.Rows) error {
			k, m, err := scanMessage(rows, instant{})
			if err == nil && m.bad == nil && m.item == nil && m.record != nil && m.record.Status.Settled() && m.record.CreatedAt.Before(before) {
				gone[k] = m
			}
			return err
		}, ws, ids)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if err := keepSeconds(ctx, tx, gone); err != nil || len(gone) == 0 {
			return err
		}
		b = &pgx.Batch{}
		fold := foldsOf(gone)
		flushFolds(b, fold)
		dropMessages(b, gone)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		removed = len(gone)
		return tx.Commit(ctx)
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// keepSeconds leaves second parts whose first part stays.
func keepSeconds(ctx context.Context, tx pgx.Tx, gone map[key]messageRow) error {
	for _, k := range slices.SortedFunc(maps.Keys(gone), compareKeys) {
		m := gone[k]
		if m.record.PartOf == "" {
			continue
		}
		first, _ := messageKey(k.ws, m.record.PartOf)
		if _, goes := gone[first]; goes {
			continue
		}
		var stays bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM message WHERE workspace_id = $1 AND id = $2)`, first.ws, first.a).Scan(&stays); err != nil {
			return err
		}
		if stays {
			delete(gone, k)
		}
	}
	return nil
}

func foldsOf(gone map[key]messageRow) map[fold]relay.LedgerLine {
	sums := map[fold]relay.LedgerLine{}
	for _, m := range gone {
		for _, e := range m.marks {
			f := fold{e.Account, e.At.UTC().Format(time.DateOnly), e.Kind}
			sum := sums[f]
			sum.Units, sum.Shortfall, sum.Folded = sum.Units+e.Units, sum.Shortfall+e.Shortfall, sum.Folded+1
			sums[f] = sum
		}
	}
	return sums
}

// flushFolds adds to the lines of days. Such a line stands at the last instant
// of its day.
func flushFolds(b *pgx.Batch, folds map[fold]relay.LedgerLine) {
	order := slices.SortedFunc(maps.Keys(folds), func(x, y fold) int {
		return compareKeys(key{ws: x.workspace, a: x.day, b: string(x.kind)}, key{ws: y.workspace, a: y.day, b: string(y.kind)})
	})
	for _, f := range order {
		day, _ := time.Parse(time.DateOnly, f.day) // written so a moment ago
		sum := folds[f]
		b.Queue(`INSERT INTO entry AS e (workspace_id, at, kind, ref, units, available_after, shortfall, folded) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
			ON CONFLICT (workspace_id, at, kind, ref) DO UPDATE SET units = e.units + excluded.units, shortfall = e.shortfall + excluded.shortfall, folded = e.folded + excluded.folded`,
			f.workspace, day.Add(24*time.Hour-time.Microsecond), string(f.kind), "folded:"+f.day, sum.Units, sum.Shortfall, sum.Folded)
	}
}

func dropMessages(b *pgx.Batch, gone map[key]messageRow) {
	keys := slices.SortedFunc(maps.Keys(gone), compareKeys)
	var ews, kinds, refs []string
	var times []time.Time
	for _, k := range keys {
		for _, e := range gone[k].marks {
			ews, times, kinds, refs = append(ews, e.Account), append(times, e.At), append(kinds, string(e.Kind)), append(refs, plain(e.Ref))
		}
	}
	b.Queue(`DELETE FROM entry e USING unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) AS k(ws, at, kind, ref)
		WHERE e.workspace_id = k.ws COLLATE "C" AND e.at = k.at AND e.kind = k.kind COLLATE "C" AND e.ref = k.ref COLLATE "C"`, ews, times, kinds, refs)
	ws, ids, _ := columns(keys)
	b.Queue(`DELETE FROM message m USING unnest($1::text[], $2::text[]) AS k(ws, id) WHERE m.workspace_id = k.ws COLLATE "C" AND m.id = k.id COLLATE "C"`, ws, ids)
}
