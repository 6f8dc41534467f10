package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// jobs is the upkeep on the clock: each runs once at the start, to catch up,
// and then on its schedule. A job never overlaps itself.
type jobs struct {
	list []relay.Job
	log  *slog.Logger
}

func (s *server) newJobs() (*jobs, error) {
	list := s.relay.Jobs()
	if s.c.Backup.Schedule != "" {
		list = append(list, relay.Job{Name: "backup", Schedule: s.c.Backup.Schedule, Run: s.nightlyCopy})
	}
	for _, j := range list {
		if _, err := cron.ParseStandard(j.Schedule); err != nil {
			return nil, fmt.Errorf("schedule of job %s: %w", j.Name, err)
		}
	}
	return &jobs{list: list, log: s.log}, nil
}

// Run starts the clock and returns after ctx has ended and no job runs.
func (j *jobs) Run(ctx context.Context) error {
	quiet := cron.DiscardLogger
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(quiet))
	var catchUps sync.WaitGroup
	defer catchUps.Wait()
	for _, job := range j.list {
		// The chain is per job: one that still runs is skipped, not the others.
		// Recover stands inside: SkipIfStillRunning of cron v3.0.1 never runs a
		// job again whose panic went through it.
		once := cron.NewChain(cron.SkipIfStillRunning(quiet), cron.Recover(cron.PrintfLogger(slog.NewLogLogger(j.log.Handler(), slog.LevelError)))).
			Then(cron.FuncJob(func() { j.run(ctx, job) }))
		if _, err := c.AddJob(job.Schedule, once); err != nil {
			return err
		}
		catchUps.Go(once.Run) // a long one must not keep the others from their times
	}
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	return nil
}

func (j *jobs) run(ctx context.Context, job relay.Job) {
	if ctx.Err() != nil {
		return
	}
	if err := job.Run(ctx); err != nil && ctx.Err() == nil {
		j.log.Error("job failed; it runs again on its schedule", "job", job.Name, "error", err)
	}
}

// nightlyCopy writes a copy of the database, verifies it, and keeps the
// newest few. At a start it does so only where the last one was missed.
func (s *server) nightlyCopy(ctx context.Context) error {
	last, err := s.store.Job(ctx, "backup")
	if err != nil {
		return err
	}
	schedule, err := cron.ParseStandard(s.c.Backup.Schedule)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	if last.IsZero() { // nothing was missed: this is the first start
		return s.store.PutJob(ctx, "backup", now)
	}
	if schedule.Next(last).After(now) {
		return nil
	}
	dir := filepath.Join(s.c.Data, "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "relevo-"+now.Format("20060102-150405")+".db")
	if err := s.store.Backup(ctx, path); err != nil {
		return err
	}
	if err := verifyFile(ctx, path); err != nil {
		if ctx.Err() != nil {
			return errors.Join(err, os.Remove(path))
		}
		// One bad copy is kept to be looked at, and none of the good ones goes.
		bad := filepath.Join(dir, "relevo-latest.bad")
		return errors.Join(fmt.Errorf("ALARM: the copy of the database does not verify; it is %s: %w", bad, err), os.Rename(path, bad))
	}
	s.log.Info("copied and verified the database", "file", path)
	return errors.Join(s.store.PutJob(ctx, "backup", now), keepNewest(dir, s.c.Retention.Backups))
}

// sweep removes the copies that a killed process left unfinished: they are as
// large as the database.
func (s *server) sweep() error {
	var errs []error
	for _, pattern := range []string{"backups/*.part", "backup-*"} {
		left, err := filepath.Glob(filepath.Join(s.c.Data, pattern))
		errs = append(errs, err)
		for _, path := range left {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// verifyFile checks a copy of the database.
func verifyFile(ctx context.Context, path string) error {
	st, err := boltstore.Open(boltstore.Options{Path: path, ReadOnly: true})
	if err != nil {
		return err
	}
	var bad []error
	_, err = st.Verify(ctx, func(v string) {
		if len(bad) < 10 {
			bad = append(bad, errors.New(v))
		}
	})
	return errors.Join(append(bad, err, st.Close())...)
}

// keepNewest removes all but the newest copies.
func keepNewest(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), "relevo-") || !strings.HasSuffix(e.Name(), ".db")
	})
	for len(entries) > keep { // names sort by time
		if err := os.Remove(filepath.Join(dir, entries[0].Name())); err != nil {
			return err
		}
		entries = entries[1:]
	}
	return nil
}
