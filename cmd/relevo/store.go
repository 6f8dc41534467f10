package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

// keeper is a store as a server opens it.
type keeper interface {
	relay.Rebinder
	// BindSecret refuses a secret key that is not the one of the first start.
	BindSecret(ctx context.Context, check string) error
}

// shared reports whether other nodes use the store as well.
func (s *server) shared() bool { return s.c.Store.URL.Set() }

// openStore opens what everything is kept in.
func (s *server) openStore(ctx context.Context) (err error) {
	if !s.shared() {
		s.embedded, err = boltstore.Open(boltstore.Options{
			Path: filepath.Join(s.c.Data, databaseFile), Reserve: int64(s.c.Store.Reserve), InitialMmap: int(s.c.Store.InitialMmap),
			MaxSize: int(s.c.Store.MaxSize), OnCommit: s.metrics.commit, Log: s.log,
		})
		s.store = s.embedded
		return err
	}
	if s.c.Node == "" {
		s.c.Node = nodeName()
	}
	s.c.Backup.Schedule = "" // PostgreSQL has tools of its own
	s.database, err = pgstore.Open(ctx, pgstore.Options{URL: s.c.Store.URL.Reveal(), Wait: databaseWait, OnCommit: s.metrics.commit, Log: s.log})
	if err != nil {
		return err
	}
	s.store = s.database
	if err := s.database.Whole(ctx); err != nil {
		return errors.Join(err, s.database.Close())
	}
	return nil
}

// databaseWait is how long a start waits for a database that does not answer:
// both may just be starting, or the database recovers from a crash, which
// takes longer on a slow disk.
const databaseWait = time.Minute

// nodeName is a name that no other process has.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "node"
	}
	return host + "-" + strings.ToLower(rand.Text()[:8])
}

// failed is closed when the store can take no more work; nil, which never
// comes, where that does not happen.
func (s *server) failed() <-chan struct{} {
	if s.embedded != nil {
		return s.embedded.Failed()
	}
	return nil
}

const (
	// nameLease is how long a node's name stays its own after it died, and
	// nameEvery how often a living one renews it.
	nameLease = 15 * time.Second
	nameEvery = 5 * time.Second
)

// takeName makes sure that no other process has this node's name: two of one
// name would take each other's calls in flight for those of a crash.
func (s *server) takeName(ctx context.Context) error {
	if !s.shared() {
		return nil
	}
	s.incarnation = rand.Text()
	for began := time.Now(); ; {
		ok, err := s.renewName(ctx)
		if ok || err != nil {
			return err
		}
		if time.Since(began) > nameLease+nameEvery {
			return sayf("Another process runs as node %q on this database. Give each node a name of its own (RELEVO_NODE), or none.", s.c.Node)
		}
		s.log.Info("waiting for the name of this node: a process that had it may just have ended", "node", s.c.Node)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (s *server) renewName(ctx context.Context) (bool, error) {
	return s.store.TakeJob(ctx, "node:"+s.c.Node, s.incarnation, time.Time{}, nameLease)
}

// keepName renews the name until ctx ends, then gives it back.
func (s *server) keepName(ctx context.Context) error {
	if !s.shared() {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return s.database.ReleaseJob(context.WithoutCancel(ctx), "node:"+s.c.Node, s.incarnation)
		case <-time.After(nameEvery):
		}
		ok, err := s.renewName(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Warn("renew the name of this node", "error", err)
		case err == nil && !ok:
			s.log.Error("another process took the name of this node; give each one its own", "node", s.c.Node)
		}
	}
}

// latestMessage is the newest message id of a store that can tell.
func (s *server) latestMessage() (string, error) {
	if s.embedded == nil {
		return "", nil // ids of nodes differ in what is random in them
	}
	return s.embedded.LatestMessage()
}

// tidyDatabase forgets what only a shared store has: the marks of processes
// that are gone, and old lines of the sandbox.
func (s *server) tidyDatabase(ctx context.Context) error {
	if err := s.database.PruneWriters(ctx); err != nil {
		return err
	}
	lines := pgstore.NewLines(s.database.Pool())
	for {
		n, err := lines.Prune(ctx, time.Now().Add(-s.c.Retention.Messages), 1000)
		if err != nil || n == 0 {
			return err
		}
	}
}

// where names what a server keeps everything in, without a password.
func (s *server) where() string {
	if s.shared() {
		return fmt.Sprintf("PostgreSQL (node %s), data in %s", s.c.Node, s.c.Data)
	}
	return "data in " + s.c.Data
}

// first makes the demo workspace on one node alone.
func (s *server) first(ctx context.Context) (bool, error) {
	return s.store.TakeJob(ctx, "demo", s.c.Node, time.Time{}, time.Minute)
}
