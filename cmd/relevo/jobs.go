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

// calendar remembers when a job last ran, for all nodes of a store, and lets
// one of them run it.
type calendar interface {
	TakeJob(ctx context.Context, name, node string, last time.Time, lease time.Duration) (bool, error)
	Job(ctx context.Context, name string) (last time.Time, err error)
	PutJob(ctx context.Context, name string, last time.Time) error
}

// jobs is the upkeep on the clock. Each job runs at the start where a run was
// missed, and then on its schedule: once for all nodes of a store, or once on
// each. A job never overlaps itself.
type jobs struct {
	list []relay.Job
	// perNode decide by themselves whether they are due.
	perNode  []relay.Job
	calendar calendar
	node     string
	log      *slog.Logger
}

func (s *server) newJobs() (*jobs, error) {
	j := &jobs{list: s.relay.Jobs(), calendar: s.store, node: s.c.Node, log: s.log}
	j.list = append(j.list, relay.Job{Name: "accounts", Schedule: "29 * * * *", Run: func(ctx context.Context) error { return s.accounts.Prune(ctx, time.Now()) }})
	if s.database != nil {
		j.list = append(j.list, relay.Job{Name: "postgres", Schedule: "41 * * * *", Run: s.tidyDatabase})
	}
	if s.c.Backup.Schedule != "" {
		j.perNode = []relay.Job{{Name: "backup", Schedule: s.c.Backup.Schedule, Run: s.nightlyCopy}}
	}
	for _, job := range slices.Concat(j.list, j.perNode) {
		if _, err := cron.ParseStandard(job.Schedule); err != nil {
			return nil, fmt.Errorf("schedule of job %s: %w", job.Name, err)
		}
	}
	return j, nil
}

// Run starts the clock and returns after ctx has ended and no job runs.
func (j *jobs) Run(ctx context.Context) error {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	var catchUps sync.WaitGroup
	defer catchUps.Wait()
	for _, job := range j.list {
		if err := j.schedule(ctx, c, &catchUps, job, j.inTurn); err != nil {
			return err
		}
	}
	for _, job := range j.perNode {
		alone := func(ctx context.Context, job relay.Job, _ cron.Schedule) error { return job.Run(ctx) }
		if err := j.schedule(ctx, c, &catchUps, job, alone); err != nil {
			return err
		}
	}
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	return nil
}

// schedule lets a job run at its times, and once now.
func (j *jobs) schedule(ctx context.Context, c *cron.Cron, catchUps *sync.WaitGroup, job relay.Job, run func(context.Context, relay.Job, cron.Schedule) error) error {
	times, err := cron.ParseStandard(job.Schedule)
	if err != nil {
		return err
	}
	// The chain is per job: one that still runs is skipped, not the others.
	// Recover stands inside: SkipIfStillRunning of cron v3.0.1 never runs a
	// job again whose panic went through it.
	once := cron.NewChain(cron.SkipIfStillRunning(cron.DiscardLogger), cron.Recover(cron.PrintfLogger(slog.NewLogLogger(j.log.Handler(), slog.LevelError)))).
		Then(cron.FuncJob(func() {
			if ctx.Err() != nil {
				return
			}
			if err := run(ctx, job, times); err != nil && ctx.Err() == nil {
				j.log.Error("job failed; it runs again on its schedule", "job", job.Name, "error", err)
			}
		}))
	c.Schedule(times, once)
	catchUps.Go(once.Run) // a long one must not keep the others from their times
	return nil
}

const (
	// jobLease is how long a job waits at most whose node has died.
	jobLease = time.Minute
	// renewEvery leaves two more attempts before the lease ends.
	renewEvery = 20 * time.Second
)

// inTurn runs a job where it is due and no other node has it.
func (j *jobs) inTurn(ctx context.Context, job relay.Job, times cron.Schedule) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	last, err := j.calendar.Job(ctx, job.Name)
	if err != nil || !due(times, last.UTC(), now) {
		return err
	}
	mine, err := j.calendar.TakeJob(ctx, job.Name, j.node, last, jobLease)
	if err != nil || !mine {
		return err
	}
	if err := j.keeping(ctx, job, last); err != nil {
		return err
	}
	return j.calendar.PutJob(ctx, job.Name, now)
}

// due reports whether a run was due after the last one, by its beginning. The
// clocks of two nodes, or of a timer, may differ a little. A last run that lies
// ahead was told by a clock that was wrong, and is no reason to wait for it.
func due(times cron.Schedule, last, now time.Time) bool {
	const tolerance = 500 * time.Millisecond
	return last.IsZero() || last.After(now.Add(jobLease)) || !times.Next(last).After(now.Add(tolerance))
}

// errTaken ends a run whose lease was lost: another node may run the job now.
var errTaken = errors.New("the lease of this job was lost during its run")

// keeping runs a job and renews its lease meanwhile. A run that was broken off
// did not end well.
func (j *jobs) keeping(ctx context.Context, job relay.Job, last time.Time) error {
	ctx, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	defer renewing.Wait() // also where the job panics
	defer stop(nil)
	renewing.Go(func() { j.renew(ctx, job.Name, last, stop) })
	if err := job.Run(ctx); err != nil {
		return errors.Join(err, lost(ctx))
	}
	return context.Cause(ctx)
}

func lost(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// renew holds a job's lease until ctx ends, or ends it where it cannot.
func (j *jobs) renew(ctx context.Context, name string, last time.Time, stop context.CancelCauseFunc) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for until := time.Now().Add(jobLease); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		within, cancel := context.WithTimeout(ctx, renewEvery)
		mine, err := j.calendar.TakeJob(within, name, j.node, last, jobLease)
		cancel()
		switch {
		case err == nil && mine:
			until = asked.Add(jobLease)
		case err == nil || !time.Now().Add(renewEvery).Before(until):
			stop(errTaken)
			return
		}
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

// copied is when the newest copy was finished; the zero time for none.
func (s *server) copied() (at time.Time) {
	found, _ := filepath.Glob(filepath.Join(s.c.Data, "backups", "relevo-*.db")) // the pattern is a good one
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
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
