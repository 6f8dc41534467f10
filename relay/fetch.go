package relay

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"relevo/queue"
)

// A file gets three tries within a minute: senders' file hosts hiccup, and a
// person waits for the message.
const (
	maxFetchTries = 3
	fetchWindow   = 60 * time.Second
)

// FetchFiles fetches what accepted messages link to, until ctx ends; then it
// waits for the fetches in hand. Run it once per process.
func (r *Relay) FetchFiles(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	free := make(chan struct{}, r.Set.MaxFetches)
	for ctx.Err() == nil {
		due, next, err := r.Store.FetchesDue(ctx, time.Now(), r.Set.MaxFetches-len(free))
		if err != nil && ctx.Err() == nil {
			r.Log.Error("find files to fetch", "error", err)
			next = time.Now().Add(time.Second)
		}
		started := 0
		for _, f := range due {
			leased, err := r.leaseFetch(ctx, f)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				next = time.Now().Add(time.Second)
				break
			}
			started++
			free <- struct{}{}
			working.Go(func() {
				defer r.wakeFetch()
				defer func() { <-free }()
				r.fetch(ctx, leased)
			})
		}
		if started > 0 && len(free) < r.Set.MaxFetches {
			continue
		}
		if len(free) == r.Set.MaxFetches {
			next = time.Time{} // a fetch that ends wakes us
		}
		r.awaitFetch(ctx, next)
	}
	return nil
}

// fetchPollAtMost bounds how long the loop sleeps without a wake-up, for what
// another node may have put in.
const fetchPollAtMost = 5 * time.Second

func (r *Relay) awaitFetch(ctx context.Context, next time.Time) {
	wait := fetchPollAtMost
	if !next.IsZero() {
		wait = max(2*time.Millisecond, min(wait, time.Until(next)))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.fetchWake:
	case <-t.C:
	}
}

func (r *Relay) wakeFetch() {
	select {
	case r.fetchWake <- struct{}{}:
	default:
	}
}

// leaseFetch takes a job: it may be taken again only after this try is
// certainly over, by whoever runs then. ErrNotFound where it is not there any
// more, or another node took it meanwhile.
func (r *Relay) leaseFetch(ctx context.Context, f Fetch) (Fetch, error) {
	err := r.Store.Update(ctx, func(tx Tx) error {
		now := time.Now()
		cur, err := tx.Fetch(ctx, f.Workspace, f.MessageID)
		if err == nil && cur.Next.After(now) {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		if cur.Since.IsZero() {
			cur.Since = now
		}
		cur.Tries++
		cur.Next = now.Add(r.Set.FetchTimeout + 5*time.Second)
		f = cur
		return tx.PutFetch(ctx, cur)
	})
	if err != nil && !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
		r.Log.Error("lease fetch", "message", f.MessageID, "error", err)
	}
	return f, err
}

func (r *Relay) fetch(ctx context.Context, f Fetch) {
	file, limit, err := r.fileOf(ctx, f)
	if errors.Is(err, ErrNotFound) {
		r.fetchReceived(ctx, f)
		return
	}
	if err != nil {
		return // canceled meanwhile, or the store is closing
	}
	key := fileKey(f)
	started := time.Now()
	file.Type, file.Size, err = r.Files.Fetch(ctx, key, file.URL, file.Name, file.Kind, limit)
	if err != nil && ctx.Err() != nil {
		r.returnFetch(context.WithoutCancel(ctx), f, time.Now())
		return
	}
	r.Log.Info("fetch", "message", f.MessageID, "workspace", f.Workspace, "try", f.Tries, "bytes", file.Size, "ok", err == nil, "duration", time.Since(started).Round(time.Microsecond).String())
	err = r.update(ctx, f.Workspace, func(tx Tx) error {
		if err != nil {
			return r.fetchFailed(ctx, tx, f, err)
		}
		file.Key = key
		return fetched(ctx, tx, f, file)
	})
	switch {
	case errors.Is(err, ErrNotFound) && file.Key != "":
		r.removeStray(ctx, f, key)
	case err != nil && !errors.Is(err, ErrNotFound):
		r.Log.Error("settle fetch", "message", f.MessageID, "error", err)
	}
	r.dispatcher.Wake()
}

// returnFetch gives a job back that was broken off because the process stops,
// or not begun: it may be taken again from next on, and the try does not count.
func (r *Relay) returnFetch(ctx context.Context, f Fetch, next time.Time) {
	err := r.Store.Update(ctx, func(tx Tx) error {
		cur, err := tx.Fetch(ctx, f.Workspace, f.MessageID)
		if err != nil || cur.Tries != f.Tries {
			return err
		}
		cur.Tries--
		cur.Next = next
		return tx.PutFetch(ctx, cur)
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		r.Log.Warn("return fetch", "message", f.MessageID, "error", err)
	}
}

// fileKey is where a message's file is kept.
func fileKey(f Fetch) string { return f.Workspace + ":" + f.MessageID[len(idPrefix)-4:] }

// jobOfFile is the job that a kept file came from; false for a key of the form
// that an early version gave, which names no workspace.
func jobOfFile(key string) (f Fetch, ok bool) {
	workspace, id, ok := strings.Cut(key, ":")
	id, _, _ = strings.Cut(id, "-") // of several files of an inbound message
	return Fetch{Workspace: workspace, MessageID: idPrefix[:len(idPrefix)-4] + id}, ok
}

// fileOf is the file that a job fetches, and how large it may be.
func (r *Relay) fileOf(ctx context.Context, f Fetch) (file File, limit int64, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		m, err := fileHolder(ctx, tx, f)
		if err != nil {
			return err
		}
		ch, err := tx.Channel(ctx, m.Workspace, m.Channel)
		if err != nil {
			return err
		}
		file, limit = *m.File, ch.MaxFileBytes
		if lim, ok := r.Drivers[ch.Kind].(Limiter); ok {
			if most := lim.MaxFileBytes(file.Kind); most > 0 {
				limit = min(limit, most)
			}
		}
		return nil
	})
	return file, limit, err
}

// fileHolder is the message with the file: the job's own, or its second part.
func fileHolder(ctx context.Context, tx Tx, f Fetch) (Message, error) {
	m, err := tx.Message(ctx, f.Workspace, f.MessageID)
	if err != nil || m.File != nil {
		return m, err
	}
	if len(m.Parts) < 2 {
		return m, ErrNotFound
	}
	m, err = tx.Message(ctx, f.Workspace, m.Parts[1])
	if err == nil && m.File == nil {
		err = ErrNotFound
	}
	return m, err
}

// fetched lets the message go.
func fetched(ctx context.Context, tx Tx, f Fetch, file File) error {
	if _, err := tx.Fetch(ctx, f.Workspace, f.MessageID); err != nil {
		return err
	}
	m, err := fileHolder(ctx, tx, f)
	if err != nil {
		return err
	}
	if err := queue.Ready(ctx, tx, m.Lane, f.MessageID); err != nil {
		return err
	}
	m.File = &file
	if err := tx.PutMessage(ctx, m); err != nil {
		return err
	}
	return tx.DeleteFetch(ctx, f)
}

// fetchFailed plans another try, or ends the message: both parts, where it
// has two.
func (r *Relay) fetchFailed(ctx context.Context, tx Tx, f Fetch, cause error) error {
	cur, err := tx.Fetch(ctx, f.Workspace, f.MessageID)
	if err != nil {
		return err
	}
	now := time.Now()
	next := now.Add(queue.Backoff(cur.Tries))
	var fe *FetchError
	if ours := !errors.As(cause, &fe); ours || fe.Again && cur.Tries < maxFetchTries && next.Sub(cur.Since) < fetchWindow {
		cur.Next = next // a fault of this server's own says nothing about the file
		return tx.PutFetch(ctx, cur)
	}
	m, err := tx.Message(ctx, f.Workspace, f.MessageID)
	if err != nil {
		return err
	}
	return endQueued(ctx, tx, &m, Change{At: now, Status: Failed, Failure: &Failure{Code: fe.Code, Message: fe.Message}})
}

func (r *Relay) outgoingFile(f *File) *OutgoingFile {
	if f == nil {
		return nil
	}
	return &OutgoingFile{Name: f.Name, Kind: f.Kind, Type: f.Type, Size: f.Size,
		Open: func() (io.ReadCloser, error) { return r.Files.Open(f.Key) }}
}

// removeStray removes a file that has just arrived for a message that ended
// meanwhile, or was forgotten with its person. One that another fetch has
// brought, or will bring, stays.
func (r *Relay) removeStray(ctx context.Context, f Fetch, key string) {
	stray := false
	err := r.Store.View(ctx, func(tx Tx) error {
		m, err := fileHolder(ctx, tx, f)
		if err == nil {
			stray = m.File.Key == "" && m.Status.Settled()
			return nil
		}
		if errors.Is(err, ErrNotFound) {
			_, err = tx.InboundMessage(ctx, f.Workspace, f.MessageID)
			stray = errors.Is(err, ErrNotFound)
		}
		if stray {
			err = nil
		}
		return err
	})
	if err == nil && stray {
		err = r.Files.Remove(key)
	}
	if err != nil {
		r.Log.Warn("remove a file that nobody needs", "message", f.MessageID, "error", err)
	}
}

// fileNeeded reports whether a job's file is still to be sent, or is what
// somebody wrote, which stays as long as the message does.
func (r *Relay) fileNeeded(ctx context.Context, job Fetch) (needed bool, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		m, err := fileHolder(ctx, tx, job)
		if err == nil {
			needed = m.Status == Queued || m.Status == Sending
			return nil
		}
		if errors.Is(err, ErrNotFound) {
			_, err = tx.InboundMessage(ctx, job.Workspace, job.MessageID)
			needed = err == nil
		}
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	return needed, err
}

// PruneFiles forgets files that have been kept for longer than KeepFiles and
// whose message needs them no more.
func (r *Relay) PruneFiles(ctx context.Context) error {
	var old []string
	err := r.Files.Keys(func(key string, at time.Time) error {
		keep := r.Set.KeepFiles
		if _, ok := jobOfFile(key); !ok {
			keep += r.Set.KeepMessages // of an early version: nothing tells its message
		}
		if time.Since(at) > keep {
			old = append(old, key)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		job, _ := jobOfFile(key)
		needed, err := r.fileNeeded(ctx, job)
		if err != nil {
			return err
		}
		if needed {
			continue
		}
		if err := r.Files.Remove(key); err != nil {
			return err
		}
	}
	return nil
}
