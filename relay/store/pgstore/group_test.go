package pgstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/pgstore/pgtest"
)

// TestARowThatCannotBeReadFailsNobodyElseOfItsGroup runs a function that asks
// for such a row between two that do not.
func TestARowThatCannotBeReadFailsNobodyElseOfItsGroup(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.WithoutCancel(t.Context()), Options{URL: c.URL(name), Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, sql := range []string{`ALTER TABLE token ALTER workspace_id DROP NOT NULL`, `INSERT INTO token (hash) VALUES (decode(repeat('00', 32), 'hex'))`} {
		if err := c.Exec(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(tx *tx) error { _, err := tx.WorkspaceByToken(t.Context(), relay.TokenHash{}); return err }
	for what, run := range map[string]struct {
		group func([]*request)
		fn    func(*tx) error
	}{
		"view": {s.view, func(tx *tx) error { _, err := tx.Account(t.Context(), "ws_1"); return err }},
		"update": {(&writer{s: s}).update, func(tx *tx) error {
			return quota.Grant(t.Context(), tx, relay.NewID("ws_"), "g", 1, time.Now())
		}},
	} {
		var group []*request
		for _, fn := range []func(*tx) error{run.fn, ask, run.fn} {
			group = append(group, &request{fn: fn, done: make(chan struct{})})
		}
		run.group(group)
		var errs []error
		for _, req := range slices.Delete(group, 1, 2) {
			<-req.done
			errs = append(errs, req.err)
		}
		if err := errors.Join(errs...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
