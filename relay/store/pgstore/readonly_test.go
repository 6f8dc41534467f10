package pgstore_test

import (
	"errors"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// TestAStandbyIsLeftForTheServerThatTakesWrites lets every connection lead to a
// server that takes no writes, as one does that has lost its place, and then
// only the old ones.
func TestAStandbyIsLeftForTheServerThatTakesWrites(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	s := d.open()
	ws := relay.NewID("ws_")
	grant := func() error {
		return s.Update(t.Context(), func(tx relay.Tx) error { return quota.Grant(t.Context(), tx, ws, "g", 1, time.Now()) })
	}
	prune := func() error {
		_, err := s.PruneKeys(t.Context(), time.Now(), 10)
		return err
	}
	d.exec(`ALTER DATABASE `+d.name+` SET default_transaction_read_only = on`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relevo'`)
	for what, write := range map[string]func() error{"update": grant, "upkeep": prune} {
		if err := write(); !errors.Is(err, relay.ErrUnavailable) {
			t.Errorf("%s on a standby: %v, want ErrUnavailable", what, err)
		}
	}
	if err := d.c.Exec(t.Context(), "postgres", `ALTER DATABASE `+d.name+` RESET default_transaction_read_only`); err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func() error{"update": grant, "upkeep": prune} {
		if err := write(); err != nil {
			t.Errorf("%s once there is a server that takes it: %v", what, err)
		}
	}
}
