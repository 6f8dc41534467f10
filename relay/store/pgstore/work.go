package pgstore

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/queue"
	"relevo/relay"
)

// offer is what one lane has to release.
type offer struct {
	lane string
	// item is empty where the lane has nothing to release before next.
	item string
	next optionalTime
}

// Claim offers the first items of lanes that are due. See relay.Store. Lanes
// that another node holds at this moment are left to it.
func (s *Store) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	if err := ctx.Err(); err != nil || n < 1 {
		return err
	}
	at, err := s.present(ctx)
	if err != nil {
		return s.told(err)
	}
	if s.hint.quiet(at.toRemote(now)) {
		return nil
	}
	s.claiming.Lock()
	defer s.claiming.Unlock()
	select {
	case <-s.closing:
		return relay.ErrClosed
	default:
	}
	var offers []offer
	req := &request{done: make(chan struct{})}
	req.prepare = func(ctx context.Context, g *gathering, conn *pgx.Conn) (err error) {
		offers, err = offersFor(ctx, g, conn, claimOf{node: node, n: n, now: now})
		return err
	}
	req.fn = func(t *tx) error {
		reset()
		for _, o := range offers {
			if o.item == "" {
				if err := t.settleDue(o.lane, o.next); err != nil {
					return err
				}
				continue
			}
			i, err := t.Item(ctx, o.lane, o.item)
			if err == nil {
				err = take(t, i)
			}
			if err != nil && !t.missed { // with a miss this run only finds out what all of them ask for
				return err
			}
		}
		return nil
	}
	s.claimer.update([]*request{req})
	s.hint.forget()
	if req.panic != nil {
		panic(req.panic)
	}
	return req.err
}

type claimOf struct {
	node string
	n    int
	now  time.Time
}

// lanesDue are the lanes that may release something now, the most overdue
// first. Whoever holds one of them is not waited for.
const lanesDue = `SELECT ` + laneColumns + ` FROM lane r WHERE r.home = $1 AND r.due_at <= $2 ORDER BY r.due_at LIMIT $3 FOR UPDATE SKIP LOCKED`

// offersFor takes due lanes and finds the first item of each. The items are
// read after the lanes are held: nobody changes them any more.
func offersFor(ctx context.Context, g *gathering, conn *pgx.Conn, c claimOf) ([]offer, error) {
	var due []laneRow
	// early enough on every clock: an error of the measurement never makes a
	// lane free too soon
	now := g.at.toRemote(c.now).Add(-2 * g.at.off)
	b := &pgx.Batch{}
	homes := []string{""}
	if c.node != "" {
		homes = append(homes, c.node)
	}
	for _, home := range homes {
		each(b, lanesDue, func(rows pgx.Rows) error {
			l, err := scanLane(rows, g.at)
			due = append(due, l)
			return err
		}, home, now, c.n)
	}
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(due, func(a, b laneRow) int { return a.due.Compare(b.due.Time) })
	due = due[:min(len(due), c.n)]
	var offers []offer
	var free []key
	for _, d := range due {
		k := laneKey(d.ID)
		g.found(k, "held", d)
		o := offer{lane: d.ID, item: d.Lease.Item}
		if o.item == "" {
			free = append(free, k)
		}
		offers = append(offers, o)
	}
	if len(due) > 0 {
		g.top = tLane
	}
	if err := firstItems(ctx, g, conn, free, offers, now); err != nil {
		return nil, err
	}
	for _, o := range offers {
		if k, ok := messageKey(relay.WorkspaceOfLane(o.lane), o.item); ok {
			g.want(k, true)
		}
	}
	return offers, nil
}

// heads finds for each lane the item that leaves next: of those that are not
// waiting, are prepared and have nobody of their recipient before them, what
// returned to the head, else what came first. Without one, when the next one
// may be. OFFSET 0 keeps the planner from joining all items of a lane with all
// others: each is looked up by itself, and only until the first one fits.
const heads = `SELECT k.lane, c.id, n.next FROM unnest($1::text[], $2::text[]) AS k(ws, lane)
	LEFT JOIN LATERAL (
		SELECT id FROM (
			(SELECT m.id, 0 AS rank FROM message m
				WHERE m.workspace_id = k.ws COLLATE "C" AND m.lane = k.lane COLLATE "C" AND m.seq IS NOT NULL AND NOT m.out AND NOT m.unready AND m.not_before <= $3
				AND NOT EXISTS (SELECT 1 FROM message e WHERE e.workspace_id = m.workspace_id AND e.lane = m.lane AND e.recipient = m.recipient AND e.seq < m.seq AND e.seq IS NOT NULL OFFSET 0)
				ORDER BY m.not_before, m.seq LIMIT 1)
			UNION ALL
			(SELECT m.id, 1 AS rank FROM message m
				WHERE m.workspace_id = k.ws COLLATE "C" AND m.lane = k.lane COLLATE "C" AND m.seq IS NOT NULL AND NOT m.out AND NOT m.unready AND m.not_before IS NULL
				AND NOT EXISTS (SELECT 1 FROM message e WHERE e.workspace_id = m.workspace_id AND e.lane = m.lane AND e.recipient = m.recipient AND e.seq < m.seq AND e.seq IS NOT NULL OFFSET 0)
				ORDER BY m.not_before, m.seq LIMIT 1)
		) both_kinds ORDER BY rank LIMIT 1
	) c ON true
	LEFT JOIN LATERAL (
		SELECT min(m.not_before) AS next FROM message m
			WHERE m.workspace_id = k.ws COLLATE "C" AND m.lane = k.lane COLLATE "C" AND m.seq IS NOT NULL AND NOT m.out AND NOT m.unready AND m.not_before > $3
			AND c.id IS NULL
	) n ON true`

func firstItems(ctx context.Context, g *gathering, conn *pgx.Conn, lanes []key, offers []offer, now time.Time) error {
	if len(lanes) == 0 {
		return nil
	}
	ws, ids, _ := columns(lanes)
	b := &pgx.Batch{}
	each(b, heads, func(rows pgx.Rows) error {
		var lane string
		var item *string
		var next *time.Time
		if err := rows.Scan(&lane, &item, &next); err != nil {
			return err
		}
		o := &offers[slices.IndexFunc(offers, func(o offer) bool { return o.lane == lane })]
		switch {
		case item != nil:
			o.item = longID(*item)
		case next != nil:
			o.next = optionalTime{g.at.toLocal(*next), true}
		}
		return nil
	}, ws, ids, now)
	return conn.SendBatch(ctx, b).Close()
}

// NextDue is when Claim may have something. See relay.Store.
func (s *Store) NextDue(ctx context.Context, node string, _ time.Time) (next time.Time, err error) {
	at, err := s.present(ctx)
	if err != nil {
		return next, s.told(err)
	}
	remote, fresh := s.hint.look()
	if !fresh {
		seen := s.hint.begin()
		err = s.reading(ctx, func(conn *pgx.Conn) error {
			var due *time.Time
			err := conn.QueryRow(ctx, `SELECT min(due_at) FROM (
				(SELECT due_at FROM lane WHERE home = '' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1)
				UNION ALL (SELECT due_at FROM lane WHERE home = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1)) both_homes`, node).Scan(&due)
			remote = value(due)
			return err
		})
		if err != nil {
			return next, err
		}
		remote = s.hint.set(seen, remote)
	}
	if remote.IsZero() {
		return next, nil
	}
	return at.toLocal(remote.Add(2 * at.off)), nil
}

// Stranded are the items that a node has leased. See relay.Store.
func (s *Store) Stranded(ctx context.Context, node string) (items []queue.Item, err error) {
	err = s.list(ctx, func(at instant, rows pgx.Rows) error {
		_, m, err := scanMessage(rows, at)
		if err == nil && m.item != nil && m.item.Out {
			items = append(items, *m.item)
		}
		return err
	}, `SELECT `+messageColumns+` FROM lane l JOIN message r ON r.workspace_id = l.workspace_id AND r.id = l.lease_item
		WHERE l.lease_owner = $1 AND l.lease_item <> ''`, node)
	return items, err
}

// RestLanes lets the lanes rest that a node held last, or that are at home
// with it. The times of all others are the database's and need nobody's care.
func (s *Store) RestLanes(ctx context.Context, node string, now time.Time) error {
	var lanes []string
	err := s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var id string
		err := rows.Scan(&id)
		lanes = append(lanes, id)
		return err
	}, `SELECT id FROM lane WHERE due_at IS NOT NULL AND lease_item = '' AND (holder = $1 OR home = $1) AND $1 <> ''`, node)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(lanes, maxGroup) {
		err := s.Update(ctx, func(tx relay.Tx) error {
			for _, id := range some {
				l, err := tx.Lane(ctx, id)
				if err != nil {
					return err
				}
				if l.Lease.Item != "" {
					continue
				}
				if err := tx.PutLane(ctx, l.Rest(now)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refs reads messages that a query found.
func (s *Store) refs(ctx context.Context, sql string, args ...any) (out []relay.MessageRef, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var r relay.MessageRef
		err := rows.Scan(&r.Workspace, &r.ID)
		r.ID = longID(r.ID)
		out = append(out, r)
		return err
	}, sql, args...)
	return out, err
}

// Expired are items whose time has passed, the oldest first.
func (s *Store) Expired(ctx context.Context, now time.Time, n int) ([]relay.MessageRef, error) {
	return s.refs(ctx, `SELECT workspace_id, id FROM message WHERE seq IS NOT NULL AND NOT out AND expires <= $1 ORDER BY expires LIMIT $2`, micro(now), n)
}

// Unknown are messages that became unknown before a time.
func (s *Store) Unknown(ctx context.Context, before time.Time, n int) ([]relay.MessageRef, error) {
	return s.refs(ctx, `SELECT workspace_id, id FROM message WHERE unknown_at <= $1 ORDER BY unknown_at LIMIT $2`, micro(before), n)
}

// FetchesDue are fetch jobs that may be taken.
func (s *Store) FetchesDue(ctx context.Context, now time.Time, n int) (due []relay.Fetch, next time.Time, err error) {
	err = s.list(ctx, func(at instant, rows pgx.Rows) error {
		_, f, err := scanFetch(rows, at)
		switch {
		case err != nil:
			return err
		case f.Next.After(now):
			if next.IsZero() {
				next = f.Next
			}
		case len(due) < n:
			due = append(due, f)
		default:
			next = now
		}
		return nil
	}, `SELECT `+fetchColumns+` FROM fetch_job r ORDER BY r.next LIMIT $1`, n+1)
	return due, next, err
}

// Draining are lanes with a hold and with items that are not out.
func (s *Store) Draining(ctx context.Context, hold string, n int) (out []queue.Lane, err error) {
	err = s.list(ctx, func(at instant, rows pgx.Rows) error {
		l, err := scanLane(rows, at)
		out = append(out, l.Lane)
		return err
	}, `SELECT `+laneColumns+` FROM lane r WHERE r.hold = $1 AND r.hold <> '' AND r.depth > 0
		AND EXISTS (SELECT 1 FROM message m WHERE m.workspace_id = r.workspace_id AND m.lane = r.id AND m.seq IS NOT NULL AND NOT m.out)
		ORDER BY r.workspace_id, r.id LIMIT $2`, hold, n)
	return out, err
}
