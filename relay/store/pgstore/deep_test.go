package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// served is a database of a test's own.
type served struct {
	*testing.T
	c    *pgtest.Cluster
	name string
}

func newServed(t *testing.T, settings ...string) *served {
	t.Helper()
	c := pgtest.New(t, pgtest.Options{Settings: settings})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return &served{T: t, c: c, name: name}
}

// open is a node's store.
func (d *served) open() *pgstore.Store {
	d.Helper()
	s, err := pgstore.Open(context.WithoutCancel(d.Context()), pgstore.Options{URL: d.c.URL(d.name), Connections: 6})
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { s.Close() })
	return s
}

func (d *served) exec(statements ...string) {
	d.Helper()
	for _, sql := range statements {
		if err := d.c.Exec(d.Context(), d.name, sql); err != nil {
			d.Fatalf("%s: %v", sql, err)
		}
	}
}

// newLane makes a workspace with 1,000 units and a lane without spacing.
func newLane(t *testing.T, s relay.Store) (lane string) {
	t.Helper()
	ctx, ws := t.Context(), relay.NewID("ws_")
	err := s.Update(ctx, func(tx relay.Tx) error {
		if err := tx.PutLane(ctx, queue.Lane{ID: ws + "/ch_1", Workspace: ws}); err != nil {
			return err
		}
		if err := tx.PutWorkspace(ctx, relay.Workspace{ID: ws}); err != nil {
			return err
		}
		return quota.Grant(ctx, tx, ws, "g", 1000, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	return ws + "/ch_1"
}

// fill puts n items into the database, each to somebody else, or all to one.
func (d *served) fill(lane string, n int, recipient string) {
	d.Helper()
	if recipient == "" {
		recipient = "+1' || n || '"
	}
	d.exec(fmt.Sprintf(`INSERT INTO message (workspace_id, id, record, marks, channel, status, lane, recipient, seq, expires, unready, out, try)
			SELECT split_part('%[1]s', '/', 1), upper(lpad(to_hex(n), 18, '0')), json_build_object('text', repeat('x', 300)), '[]', 'ch_1', 'queued',
				'%[1]s', '%[3]s', n, now() + interval '1 day', false, false, 0 FROM generate_series(1, %[2]d) n`, lane, n, recipient),
		fmt.Sprintf(`UPDATE lane SET depth = %[1]d, last_seq = %[1]d, due_at = now() - interval '1 second' WHERE id = '%[2]s'`, n, lane))
}

// takeAll claims what up to n lanes offer.
func takeAll(t *testing.T, s relay.Store, n int) (leases []queue.Lease, err error) {
	t.Helper()
	now := time.Now()
	err = s.Claim(t.Context(), "node", n, now, func(tx relay.Tx, i queue.Item) error {
		l, err := queue.Take(t.Context(), tx, i, "node", now, time.Minute)
		if err == nil {
			leases = append(leases, l)
		}
		return err
	}, func() { leases = nil })
	return leases, err
}

// TestADeepLaneHoldsUpNoOtherLane claims from a lane with thousands of items
// among others, before and after the database has looked how many there are.
func TestADeepLaneHoldsUpNoOtherLane(t *testing.T) {
	t.Parallel()
	d := newServed(t, "autovacuum = off")
	s := d.open()
	d.fill(newLane(t, s), 10_000, "")
	for range 50 {
		d.fill(newLane(t, s), 5, "")
	}
	for _, before := range []string{"SELECT", "ANALYZE"} {
		d.exec(before)
		began := time.Now()
		leases, err := takeAll(t, s, 100)
		if took := time.Since(began); err != nil || len(leases) != 51 || took > 5*time.Second {
			t.Errorf("after %s: %d lanes released something within %v (%v), want all 51", before, len(leases), took, err)
		}
		for _, l := range leases {
			if err := s.Update(t.Context(), func(tx relay.Tx) error { return queue.Finish(t.Context(), tx, l, time.Now()) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}
