package boltstore

import (
	"context"
	"strings"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// Export hands everything to fn, of one moment, in an order in which another
// store can take it in. An error of fn ends it.
func (s *Store) Export(ctx context.Context, fn func(relay.Record) error) error {
	return s.view(func(t *tx) error {
		x := &export{t: t, fn: fn, ctx: ctx}
		for _, table := range []func() error{x.meta, x.workspaces, x.roster, x.directory, x.lanes, x.messages, x.ledger, x.shelf, x.cards, x.rest} {
			if err := table(); err != nil {
				return err
			}
		}
		return nil
	})
}

type export struct {
	t   *tx
	fn  func(relay.Record) error
	ctx context.Context
}

// rows decodes every row of a table.
func rows[T any](x *export, b bucket, fn func(key string, row T) error) error {
	table := x.t.b.Bucket(b.name())
	if table == nil {
		return nil
	}
	return table.ForEach(func(k, v []byte) error {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		row, err := decode[T](b, string(k), v)
		if err != nil {
			return err
		}
		return fn(string(k), row)
	})
}

func (x *export) meta() error {
	return x.t.b.Bucket(bMeta.name()).ForEach(func(k, v []byte) error {
		key := string(k)
		name, isJob := strings.CutPrefix(key, "job:")
		switch {
		case key == "secret":
			check, err := decode[string](bMeta, key, v)
			if err != nil {
				return err
			}
			return x.fn(relay.Record{Secret: check})
		case isJob:
			last, err := decode[time.Time](bMeta, key, v)
			if err != nil {
				return err
			}
			return x.fn(relay.Record{Job: &relay.JobRecord{Name: name, Last: last}})
		}
		return nil
	})
}

func (x *export) workspaces() error {
	give := func(id string) error {
		w := relay.WorkspaceRecord{ID: id}
		rec, err := orZero[*relay.Workspace](x.t, bWS, id)
		if err != nil {
			return err
		}
		w.Workspace = rec
		if w.Roster, err = x.t.Channels(x.ctx, id); err != nil {
			return err
		}
		if w.Account, err = x.t.Account(x.ctx, id); err != nil {
			return err
		}
		h, err := orZero[head](x.t, bHead, id)
		w.Attempts = h.Next
		if err != nil {
			return err
		}
		return x.fn(relay.Record{Workspace: &w})
	}
	err := rows(x, bWS, func(id string, _ relay.Workspace) error { return give(id) })
	if err != nil {
		return err
	}
	return rows(x, bAccount, func(id string, _ quota.Account) error {
		if x.t.raw(bWS, id) != nil {
			return nil
		}
		return give(id)
	})
}

func (x *export) roster() error {
	err := rows(x, bChannel, func(_ string, c relay.Channel) error { return x.fn(relay.Record{Channel: &c}) })
	if err != nil {
		return err
	}
	return rows(x, bChat, func(_ string, c relay.Chat) error { return x.fn(relay.Record{Chat: &c}) })
}

func (x *export) directory() error {
	err := rows(x, bToken, func(key, ws string) error {
		r := relay.TokenRecord{Workspace: ws}
		copy(r.Hash[:], key)
		return x.fn(relay.Record{Token: &r})
	})
	if err != nil {
		return err
	}
	err = rows(x, bCallback, func(key, ws string) error {
		return x.fn(relay.Record{Callback: &relay.CallbackRecord{ID: key, Workspace: ws}})
	})
	if err != nil {
		return err
	}
	return rows(x, bAPIKey, func(_ string, k relay.APIKey) error { return x.fn(relay.Record{APIKey: &k}) })
}

func (x *export) lanes() error {
	return rows(x, bLane, func(_ string, l queue.Lane) error { return x.fn(relay.Record{Lane: &l}) })
}

func (x *export) messages() error {
	return rows(x, bMessage, func(key string, m relay.Message) error {
		r := relay.MessageRecord{Message: m}
		var err error
		if r.Marks, err = x.t.marks(m.ID); err != nil {
			return err
		}
		item, err := orZero[*queue.Item](x.t, bItem, key)
		r.Item = item
		if err != nil {
			return err
		}
		return x.fn(relay.Record{Message: &r})
	})
}

func (x *export) ledger() error {
	return x.t.b.Bucket(bLedger.name()).ForEach(func(k, v []byte) error {
		line, err := x.t.line(string(k), v)
		if err != nil {
			return err
		}
		return x.fn(relay.Record{Entry: &line})
	})
}

func (x *export) shelf() error {
	err := rows(x, bTemplate, func(_ string, list []relay.Template) error { return x.fn(relay.Record{Templates: list}) })
	if err != nil {
		return err
	}
	err = rows(x, bInbound, func(_ string, m relay.InboundMessage) error { return x.fn(relay.Record{Inbound: &m}) })
	if err != nil {
		return err
	}
	return rows(x, bPerson, func(_ string, p relay.Person) error { return x.fn(relay.Record{Person: &p}) })
}

func (x *export) cards() error {
	b := x.t.b.Bucket(bCard.name())
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		r, err := decodeCard(string(k), v)
		if err != nil {
			return err
		}
		return x.fn(relay.Record{Card: &r})
	})
}

func (x *export) rest() error {
	err := rows(x, bAttempt, func(_ string, a attemptRow) error {
		return x.fn(relay.Record{Attempt: &relay.AttemptRecord{Seq: a.Seq, Attempt: a.Attempt}})
	})
	if err != nil {
		return err
	}
	err = rows(x, bKey, func(key string, u relay.KeyUse) error {
		at := len(key) - 16
		return x.fn(relay.Record{Key: &relay.KeyRecord{Workspace: key[:at], Hash: [16]byte([]byte(key[at:])), Use: u}})
	})
	if err != nil {
		return err
	}
	err = rows(x, bFetch, func(_ string, f relay.Fetch) error { return x.fn(relay.Record{Fetch: &f}) })
	if err != nil {
		return err
	}
	return rows(x, bCount, func(key string, n relay.Counts) error {
		ws := key[:len(key)-len(n.Channel)-8]
		return x.fn(relay.Record{Count: &relay.CountRecord{Workspace: ws, Minute: fromBE(key[len(ws):][:8]), Counts: n}})
	})
}
