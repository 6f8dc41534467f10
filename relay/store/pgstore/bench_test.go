package pgstore_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// TestBenchPGClaims prints what a claim costs with 1,000,000 messages queued
// on 100,000 lanes, all of them due.
func TestBenchPGClaims(t *testing.T) {
	if os.Getenv("RELEVO_BENCH_PG") == "" {
		t.Skip("takes minutes and measures only on a quiet machine; run it with `make bench-pg`")
	}
	c := pgtest.New(t, pgtest.Options{Durable: true, Settings: []string{"shared_buffers = 1GB", "max_wal_size = 8GB"}})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: c.URL(name)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, fill := range []string{
		`INSERT INTO lane (workspace_id, id, account, next_free, spacing_min, spacing_max, depth, last_seq, due_at)
			SELECT w, w || '/ch_' || lpad(l::text, 20, '0'), 'ch', now() - l * interval '1 millisecond', 2000000000, 2000000000, 10, 10, now() - l * interval '1 millisecond'
			FROM generate_series(1, 100000) l, LATERAL (SELECT 'ws_' || lpad((l % 1000)::text, 20, '0') AS w) x`,
		`INSERT INTO message (workspace_id, id, record, marks, channel, status, lane, recipient, seq, expires, unready, out, try)
			SELECT l.workspace_id, upper(lpad(to_hex(row_number() OVER ()), 18, '0')), json_build_object('id', 'x', 'text', repeat('x', 300)), '[]', 'ch', 'queued',
				l.id, '+1415555' || lpad(n::text, 4, '0'), n, now() + interval '1 day', false, false, 0
			FROM lane l, generate_series(1, 10) n`,
		`ANALYZE`,
	} {
		if err := c.Exec(t.Context(), name, fill); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("\n1,000,000 messages queued on 100,000 lanes, all due")
	fmt.Println("| lanes in a claim | claims | p50 ms | p99 ms | ms a lane | lanes/s |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, n := range []int{1, 10, 100} {
		var took []time.Duration
		leased := 0
		for began := time.Now(); time.Since(began) < 5*time.Second; {
			now, one := time.Now(), 0
			err := s.Claim(t.Context(), "bench", n, now, func(tx relay.Tx, i queue.Item) error {
				_, err := queue.Take(t.Context(), tx, i, "bench", now, time.Minute)
				one++
				return err
			}, func() { one = 0 })
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(now))
			leased += one
		}
		var sum time.Duration
		for _, d := range took {
			sum += d
		}
		slices.Sort(took)
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		fmt.Printf("| %d | %d | %.2f | %.2f | %.3f | %.0f |\n", n, len(took), ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(sum)/float64(leased), float64(leased)/sum.Seconds())
	}
}
