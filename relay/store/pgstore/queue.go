package pgstore

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// laneViews finds out about the items of lanes. Of each recipient the first
// item counts: it is in the line, or waits, or is out; the others stand behind.
const laneViews = `SELECT ` + laneColumns + `, coalesce(q.waiting, 0), coalesce(q.parked, 0), coalesce(q.ready, 0), q.next, q.oldest FROM lane r
	LEFT JOIN LATERAL (
		SELECT sum(waiting)::bigint AS waiting,
			count(*) FILTER (WHERE unready OR not_before > $2) AS parked,
			count(*) FILTER (WHERE NOT out AND NOT unready AND (not_before IS NULL OR not_before <= $2)) AS ready,
			min(not_before) FILTER (WHERE NOT out AND NOT unready AND not_before > $2) AS next,
			(array_agg(id ORDER BY seq))[1] AS oldest
		FROM (
			SELECT DISTINCT ON (m.recipient) m.id, m.seq, m.not_before, m.unready, m.out,
				count(*) FILTER (WHERE NOT m.out) OVER (PARTITION BY m.recipient) AS waiting
			FROM message m WHERE m.workspace_id = r.workspace_id AND m.lane = r.id AND m.seq IS NOT NULL
			ORDER BY m.recipient, m.seq
		) firsts
	) q ON r.depth > 0
	WHERE ($1 = '' OR r.workspace_id = $1) ORDER BY r.workspace_id, r.id`

// Queue tells of the lanes of a workspace, or of all.
func (s *Store) Queue(ctx context.Context, workspace string, now time.Time) (out []relay.LaneView, err error) {
	at, err := s.present(ctx)
	if err != nil {
		return nil, s.told(err)
	}
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var v relay.LaneView
		var ready int64
		var next *time.Time
		var oldest *string
		l, err := scanLane(withMore{rows, []any{&v.Waiting, &v.Parked, &ready, &next, &oldest}}, at)
		if err != nil {
			return err
		}
		v.Lane = l.Lane
		if oldest != nil {
			v.Oldest = longID(*oldest)
		}
		v.NextSend = nextSend(&v, ready > 0, at.toLocal(value(next)), now)
		out = append(out, v)
		return nil
	}, laneViews, workspace, at.toRemote(now))
	return out, err
}

// nextSend is when the next item may leave: behind one that is out, about one
// rest from now.
func nextSend(v *relay.LaneView, ready bool, parked, now time.Time) time.Time {
	switch {
	case v.Waiting == 0 || v.Paused || v.Hold != "":
		return time.Time{}
	case v.Lease.Item != "":
		return now.Add(v.Spacing.Mean())
	case !ready && parked.IsZero():
		return time.Time{}
	}
	next := v.NextFree
	if !ready && parked.After(next) {
		next = parked
	}
	if next.Before(now) {
		return now
	}
	return next
}

// withMore scans more columns than its reader asks for.
type withMore struct {
	pgx.Rows
	more []any
}

// Scan reads a row with its last columns.
func (w withMore) Scan(dest ...any) error { return w.Rows.Scan(append(dest, w.more...)...) }

// Items are ids of the first n queued items of a lane that are not out.
func (s *Store) Items(ctx context.Context, lane string, n int) (ids []string, err error) {
	refs, err := s.refs(ctx, `SELECT workspace_id, id FROM message WHERE workspace_id = $1 AND lane = $2 AND seq IS NOT NULL AND NOT out ORDER BY seq LIMIT $3`,
		relay.WorkspaceOfLane(lane), lane, n)
	for _, r := range refs {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// Ahead counts the items before each of some places in a lane that may leave:
// one walk along the lane, whose items are put into the gaps between the places.
func (s *Store) Ahead(ctx context.Context, lane string, places []int64, now time.Time) ([]int, error) {
	at, err := s.present(ctx)
	if err != nil {
		return nil, s.told(err)
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(places)))
	within := make([]int, len(sorted)+1)
	if len(sorted) > 0 {
		err := s.list(ctx, func(_ instant, rows pgx.Rows) error {
			var gap, n int
			err := rows.Scan(&gap, &n)
			within[gap] = n
			return err
		}, `SELECT width_bucket(seq, $3::bigint[]), count(*)::int FROM message
			WHERE workspace_id = $1 AND lane = $2 AND seq IS NOT NULL AND (out OR NOT unready AND (not_before IS NULL OR not_before <= $4))
			GROUP BY 1`, relay.WorkspaceOfLane(lane), lane, sorted, at.toRemote(now))
		if err != nil {
			return nil, err
		}
	}
	for i := 1; i < len(within); i++ {
		within[i] += within[i-1]
	}
	ahead := make([]int, len(places))
	for i, at := range places {
		n, _ := slices.BinarySearch(sorted, at)
		ahead[i] = within[n]
	}
	return ahead, nil
}

// Backlog sums up all lanes.
func (s *Store) Backlog(ctx context.Context, _ time.Time) (b relay.Backlog, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		return rows.Scan(&b.Queued, &b.Open, &b.Paused, &b.Held)
	}, `SELECT coalesce(sum(depth), 0)::bigint, count(*) FILTER (WHERE hold = '' AND NOT paused), count(*) FILTER (WHERE hold = '' AND paused), count(*) FILTER (WHERE hold <> '') FROM lane`)
	if err != nil || b.Queued == 0 {
		return b, err
	}
	// by the end of its time, which the oldest one mostly reaches first
	refs, err := s.refs(ctx, `SELECT workspace_id, id FROM (SELECT workspace_id, id FROM message WHERE seq IS NOT NULL AND NOT out ORDER BY expires LIMIT 100) m ORDER BY id LIMIT 1`)
	if len(refs) > 0 {
		b.Oldest = refs[0].ID
	}
	return b, err
}
