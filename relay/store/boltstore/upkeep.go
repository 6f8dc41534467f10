package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/quota"
	"relevo/relay"
)

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// LatestMessage is the newest id of a message, or of what somebody wrote, in
// the file; empty for none.
func (s *Store) LatestMessage() (id string, err error) {
	err = s.view(func(t *tx) error {
		if k, _ := t.b.Bucket(bMessage.name()).Cursor().Last(); k != nil {
			id = idOf(string(k))
		}
		return t.b.Bucket(bWS.name()).ForEach(func(ws, _ []byte) error {
			latest, err := t.latestInbound(string(ws))
			id = max(id, latest)
			return err
		})
	})
	return id, err
}

// PruneMessages forgets settled messages and folds their entries.
func (s *Store) PruneMessages(ctx context.Context, before time.Time, n int) (int, error) {
	var old []string
	err := s.view(func(t *tx) error {
		c := t.b.Bucket(bMessage.name()).Cursor()
		for k, v := c.First(); k != nil && len(old) < n; k, v = c.Next() {
			if !relay.MessageTime([9]byte(k)).Before(before) {
				break
			}
			m, err := decode[relay.Message](bMessage, string(k), v)
			if err != nil {
				return err
			}
			if m.Status.Settled() && m.CreatedAt.Before(before) && t.mayGo(m, old) {
				old = append(old, m.ID)
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	removed := 0
	err = s.do(ctx, &request{fn: func(t *tx) error {
		removed = 0
		for _, id := range old {
			gone, err := t.forget(id)
			if err != nil {
				return err
			}
			removed += gone
		}
		return nil
	}})
	return removed, err
}

// mayGo is false for a second part that would go before its first.
func (t *tx) mayGo(m relay.Message, going []string) bool {
	return m.PartOf == "" || t.raw(bMessage, mustRaw(m.PartOf)) == nil || slices.Contains(going, m.PartOf)
}

// forget removes a settled message and folds its entries into those of its
// day.
func (t *tx) forget(id string) (int, error) {
	raw := mustRaw(id)
	m, err := get[relay.Message](t, bMessage, raw)
	if errors.Is(err, relay.ErrNotFound) || err == nil && !m.Status.Settled() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if m.PartOf != "" && t.raw(bMessage, mustRaw(m.PartOf)) != nil {
		return 0, nil // a second part goes with or after its first
	}
	marks, err := t.marks(id)
	if err != nil {
		return 0, err
	}
	for _, e := range marks {
		if err := t.fold(e); err != nil {
			return 0, err
		}
	}
	if m.ProviderID != "" {
		if err := t.delete(bProvider, m.Channel+m.ProviderID); err != nil {
			return 0, err
		}
	}
	if at := messageByKey(m, raw); at != "" {
		if err := t.delete(bMessageBy, at); err != nil {
			return 0, err
		}
	}
	return 1, errors.Join(t.delete(bMarks, raw), t.delete(bMessage, raw))
}

// fold adds an entry to its day's, and removes its own line.
func (t *tx) fold(e quota.Entry) error {
	if err := t.delete(bLedger, ledgerKey(e.Account, e.At, e.Kind)); err != nil {
		return err
	}
	day := e.At.UTC().Truncate(24 * time.Hour)
	// the last instant of the day that no entry of its own can have
	end := day.Add(24*time.Hour - time.Microsecond)
	key := ledgerKey(e.Account, end, e.Kind) + "f"
	row, err := orZero[ledgerRow](t, bLedger, key)
	if err != nil {
		return err
	}
	if row.Entry == nil {
		row.Entry = &quota.Entry{Account: e.Account, Kind: e.Kind, Ref: "folded:" + day.Format(time.DateOnly), At: end}
	}
	sum := *row.Entry
	sum.Units += e.Units
	sum.Shortfall += e.Shortfall
	row.Entry = &sum
	row.Folded++
	return put(t, bLedger, key, row)
}

// PruneKeys forgets old idempotency keys. Their order is random, so all are
// looked through; a call goes on where the last one stopped.
func (s *Store) PruneKeys(ctx context.Context, before time.Time, n int) (int, error) {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	var old []string
	err := s.view(func(t *tx) error {
		c := t.b.Bucket(bKey.name()).Cursor()
		k, v := c.Seek([]byte(s.prunedTo))
		for ; k != nil && len(old) < n; k, v = c.Next() {
			u, err := decode[relay.KeyUse](bKey, string(k), v)
			if err != nil {
				return err
			}
			if u.At.Before(before) {
				old = append(old, string(k))
			}
		}
		s.prunedTo = string(k) // empty at the end: the next round begins anew
		return ctx.Err()
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	removed := 0
	err = s.do(ctx, &request{fn: func(t *tx) error {
		removed = 0
		for _, k := range old {
			u, err := get[relay.KeyUse](t, bKey, k)
			if errors.Is(err, relay.ErrNotFound) || err == nil && !u.At.Before(before) {
				continue // used again meanwhile
			}
			if err != nil {
				return err
			}
			removed++
			if err := t.delete(bKey, k); err != nil {
				return err
			}
		}
		return nil
	}})
	return removed, err
}

// PruneCounts forgets counters of old minutes. Each workspace's are looked
// through from its oldest on, and no further than its first that stays.
func (s *Store) PruneCounts(ctx context.Context, before time.Time, n int) (int, error) {
	var old []string
	err := s.view(func(t *tx) error {
		return t.b.Bucket(bWS.name()).ForEach(func(ws, _ []byte) error {
			c := t.b.Bucket(bCount.name()).Cursor()
			for k, _ := c.Seek(ws); bytes.HasPrefix(k, ws) && len(old) < n && fromBE(string(k[len(ws):][:8])) < before.Unix()/60; k, _ = c.Next() {
				old = append(old, string(k))
			}
			return ctx.Err()
		})
	})
	if err != nil {
		return 0, err
	}
	return s.deleteRows(ctx, bCount, old)
}

// personal are the tables of what people wrote, by workspace; what leads to a
// row goes before the row.
var personal = []bucket{bAttempt, bHead, bKey, bChatName, bChatID, bChat, bTemplate, bInboundBy, bInbound, bPerson, bCard}

// PruneDeleted forgets what people wrote of deleted workspaces.
func (s *Store) PruneDeleted(ctx context.Context, before time.Time, n int) (int, error) {
	removed := 0
	for _, table := range personal {
		var old []string
		err := s.view(func(t *tx) error {
			return t.b.Bucket(bWS.name()).ForEach(func(ws, v []byte) error {
				w, err := decode[relay.Workspace](bWS, string(ws), v)
				if err != nil || w.DeletedAt.IsZero() || !w.DeletedAt.Before(before) {
					return err
				}
				c := t.b.Bucket(table.name()).Cursor()
				for k, _ := c.Seek(ws); bytes.HasPrefix(k, ws) && len(old) < n; k, _ = c.Next() {
					old = append(old, string(k))
				}
				return ctx.Err()
			})
		})
		if err != nil {
			return removed, err
		}
		gone, err := s.deleteRows(ctx, table, old)
		if removed += gone; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Store) deleteRows(ctx context.Context, table bucket, keys []string) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	err := s.do(ctx, &request{fn: func(t *tx) error {
		for _, k := range keys {
			if table == bCard {
				if err := t.deleteCard(k); err != nil {
					return err
				}
				continue
			}
			if err := t.delete(table, k); err != nil {
				return err
			}
			if table != bInbound {
				continue
			}
			if err := t.delete(bFetch, k[len(k)-rawLen:]); err != nil { // nobody needs its files
				return err
			}
		}
		return nil
	}})
	return len(keys), err
}

// Backup writes a consistent copy to a new file beside nothing of that name.
// The copy is as fast as the local disk: no slow reader holds the snapshot.
func (s *Store) Backup(ctx context.Context, path string) error {
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = s.db.View(func(b *bolt.Tx) error {
		_, err := b.WriteTo(f)
		return err
	})
	err = errors.Join(err, f.Sync(), f.Close(), ctx.Err())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copy the database: %w", err), os.Remove(tmp))
	}
	return syncDir(filepath.Dir(path))
}

// TakeJob takes a job that has not run since last: nobody else can have it,
// because one process has the file.
func (s *Store) TakeJob(ctx context.Context, name, _ string, last time.Time, _ time.Duration) (bool, error) {
	have, err := s.Job(ctx, name)
	return have.Equal(last), err
}

// Job is when a cron job last ended well; the zero time for never.
func (s *Store) Job(_ context.Context, name string) (last time.Time, err error) {
	err = s.view(func(t *tx) error {
		last, err = orZero[time.Time](t, bMeta, "job:"+name)
		return err
	})
	return last, err
}

// PutJob remembers when a cron job ended well.
func (s *Store) PutJob(ctx context.Context, name string, last time.Time) error {
	return s.do(ctx, &request{fn: func(t *tx) error { return put(t, bMeta, "job:"+name, last.UTC()) }})
}

// BindSecret remembers the check value of the secret key, the first time, and
// refuses another one later.
func (s *Store) BindSecret(ctx context.Context, check string) error {
	return s.do(ctx, &request{fn: func(t *tx) error {
		have, err := orZero[string](t, bMeta, "secret")
		switch {
		case err != nil:
			return err
		case have == "":
			return put(t, bMeta, "secret", check)
		case have != check:
			return errors.New("the secret key is not the one that this database was made with: webhook URLs and API keys would all be dead. Give back the old key (RELEVO_SECRET_KEY, or the file secret.key in the data folder)")
		}
		return nil
	}})
}
