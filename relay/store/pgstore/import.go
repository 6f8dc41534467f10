package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

// Import is what takes in the records of another store. It begins with an
// empty database and is not in use by anybody until Done.
type Import struct {
	s       *Store
	ctx     context.Context
	all     *overlay
	n       int
	failed  error // once set, it is what every call returns
	jobs    []relay.JobRecord
	secrets []string
}

// importBatch is how many records one transaction carries.
const importBatch = 2000

// movingKey marks a database that an import has begun to fill: until it is
// done, nobody may serve from it.
const movingKey = "moving"

var errHalfMoved = errors.New("an import into this database was not finished: make the database anew (DROP DATABASE, CREATE DATABASE) and move again")

// NewImport begins. It refuses a database that holds anything.
func (s *Store) NewImport(ctx context.Context) (*Import, error) {
	var full bool
	err := s.list(ctx, func(_ instant, rows pgx.Rows) error { return rows.Scan(&full) },
		`SELECT EXISTS (SELECT 1 FROM workspace) OR EXISTS (SELECT 1 FROM message) OR EXISTS (SELECT 1 FROM card)`)
	if err != nil {
		return nil, err
	}
	if full {
		return nil, errors.New("the database is not empty: move takes an empty one")
	}
	_, err = s.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, '') ON CONFLICT DO NOTHING`, movingKey)
	return &Import{s: s, ctx: ctx, all: newOverlay(nil)}, err
}

// Whole refuses a database that was filled by half.
func (s *Store) Whole(ctx context.Context) error {
	var moving bool
	err := s.list(ctx, func(_ instant, rows pgx.Rows) error { return rows.Scan(&moving) }, `SELECT EXISTS (SELECT 1 FROM meta WHERE key = $1)`, movingKey)
	if err == nil && moving {
		return errHalfMoved
	}
	return err
}

// Put takes in one record.
func (i *Import) Put(r relay.Record) error {
	if i.failed != nil {
		return i.failed
	}
	i.take(r)
	if i.n++; i.n%importBatch == 0 {
		return i.flush()
	}
	return nil
}

func (i *Import) put(k key, v any, p part) { i.all.put(k, row{v: v, dirty: p}) }

func (i *Import) take(r relay.Record) {
	switch {
	case r.Workspace != nil:
		w := r.Workspace
		i.put(key{t: tWorkspace, ws: w.ID}, workspaceRow{record: w.Workspace, roster: w.Roster, account: w.Account, attempts: w.Attempts}, dirtyRecord|dirtyAccount)
	case r.Channel != nil:
		i.put(key{t: tChannel, ws: r.Channel.Workspace, a: r.Channel.ID}, *r.Channel, dirtyRecord)
	case r.Chat != nil:
		i.put(key{t: tChat, ws: r.Chat.Workspace, a: r.Chat.Channel, b: r.Chat.Recipient}, *r.Chat, dirtyRecord)
	case r.Token != nil:
		i.put(key{t: tToken, a: string(r.Token.Hash[:])}, r.Token.Workspace, dirtyRecord)
	case r.Callback != nil:
		i.put(key{t: tCallback, a: r.Callback.ID}, r.Callback.Workspace, dirtyRecord)
	case r.APIKey != nil:
		i.put(key{t: tAPIKey, a: string(r.APIKey.Hash[:])}, *r.APIKey, dirtyRecord)
	case r.Attempt != nil:
		i.all.attempts = append(i.all.attempts, relayAttempt{r.Attempt.Attempt.Workspace, attemptRow{r.Attempt.Seq, r.Attempt.Attempt}})
	case r.Key != nil:
		i.put(key{t: tKey, ws: r.Key.Workspace, a: string(r.Key.Hash[:])}, r.Key.Use, dirtyRecord)
	case r.Message != nil:
		m := r.Message
		k, _ := messageKey(m.Message.Workspace, m.Message.ID)
		i.put(k, messageRow{record: &m.Message, marks: m.Marks, item: m.Item}, dirtyRecord|dirtyPlace)
	case r.Lane != nil:
		i.put(laneKey(r.Lane.ID), laneRow{Lane: *r.Lane, holder: r.Lane.Lease.Owner}, dirtyRecord)
	case r.Fetch != nil:
		k, _ := fetchKey(r.Fetch.Workspace, r.Fetch.MessageID)
		i.put(k, *r.Fetch, dirtyRecord)
	case r.Templates != nil:
		m := r.Templates[0]
		i.put(templatesKey(m.Workspace, m.Channel, m.Name), r.Templates, dirtyRecord)
	case r.Inbound != nil:
		k, _ := inboundKey(r.Inbound.Workspace, r.Inbound.ID)
		i.put(k, *r.Inbound, dirtyRecord)
	case r.Person != nil:
		i.put(personKey(r.Person.Workspace, r.Person.Channel, r.Person.User), *r.Person, dirtyRecord)
	case r.Card != nil:
		i.put(cardKey(r.Card.Kind, r.Card.Workspace, r.Card.Key), *r.Card, dirtyRecord)
	case r.Entry != nil:
		i.all.entries = append(i.all.entries, entryRow{Entry: r.Entry.Entry, message: r.Entry.MessageID, folded: r.Entry.Folded})
	case r.Count != nil:
		i.all.count(countKey{ws: r.Count.Workspace, minute: r.Count.Minute, channel: r.Count.Counts.Channel}, r.Count.Counts)
	case r.Job != nil:
		i.jobs = append(i.jobs, *r.Job)
	case r.Secret != "":
		i.secrets = append(i.secrets, r.Secret)
	}
}

// flush writes what was taken in, once: where the connection is lost meanwhile,
// nobody knows whether it happened, and counters would count it twice.
func (i *Import) flush() error {
	if i.failed != nil {
		return i.failed
	}
	s := i.s
	i.failed = s.reading(i.ctx, func(conn *pgx.Conn) error {
		at, err := s.moment(i.ctx, conn)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		g := s.gather(at, nil)
		if err := g.flush(b, i.all); err != nil {
			return err
		}
		b.Queue("COMMIT")
		if err := conn.SendBatch(i.ctx, b).Close(); err != nil {
			_ = conn.Close(i.ctx)                                                  // whatever it was in, it is not used again
			return fmt.Errorf("after %d records: %w (%v)", i.n, errHalfMoved, err) // the cause is told, not wrapped: it does not pass
		}
		return nil
	})
	i.all = newOverlay(nil)
	return i.failed
}

// Done writes what is left; from then on the database may be served from.
func (i *Import) Done() error {
	if err := i.flush(); err != nil {
		return err
	}
	for _, j := range i.jobs {
		if err := i.s.PutJob(i.ctx, j.Name, j.Last); err != nil {
			return err
		}
	}
	for _, check := range i.secrets {
		if err := i.s.BindSecret(i.ctx, check); err != nil {
			return err
		}
	}
	_, err := i.s.exec(i.ctx, `DELETE FROM meta WHERE key = $1`, movingKey)
	return err
}
