package pgstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// gathering is what one transaction of the database has loaded so far, and
// what its functions still miss.
type gathering struct {
	s    *Store
	at   instant
	rows map[key]row
	// missing are keys that a run has asked for since the last load; true
	// where the row has to be held.
	missing map[key]bool
	// top is the last table, in their order, of which rows are held. What is
	// held later of it, or of one before it, is out of order: two transactions
	// could wait for each other, so it does not wait.
	top table
}

func (s *Store) gather(at instant, wants map[key]bool) *gathering {
	return &gathering{s: s, at: at, rows: make(map[key]row, len(wants)), missing: wants, top: -1}
}

// everAsked adds what was loaded or is missing to wants.
func (g *gathering) everAsked(wants map[key]bool) {
	for k, r := range g.rows {
		wants[k] = wants[k] || r.locked
	}
	for k, lock := range g.missing {
		wants[k] = wants[k] || lock
	}
}

func (g *gathering) want(k key, lock bool) {
	g.missing[k] = g.missing[k] || lock
}

// load reads all that is missing in one round trip: first the lanes, then the
// accounts, then what else is to be held, each in the order of its keys; then
// the rest. What was read without holding it before a lock was waited for is
// read again: it may be old.
func (g *gathering) load(ctx context.Context, conn *pgx.Conn, first *pgx.Batch) error {
	b := first
	if b == nil {
		b = &pgx.Batch{}
	}
	var by [tables][]key // locked ones
	var free [tables][]key
	waits := false
	for k, lock := range g.missing {
		if lock {
			by[k.t] = append(by[k.t], k)
			waits = true
		} else {
			free[k.t] = append(free[k.t], k)
		}
	}
	if waits {
		for k, r := range g.rows {
			if _, again := g.missing[k]; !r.locked && !again {
				free[k.t] = append(free[k.t], k)
			}
		}
	}
	by[tCard], by[tCardHeld] = append(by[tCard], by[tCardHeld]...), nil // rows of one table, in one order
	top := g.top
	for t := range tables {
		if len(by[t]) == 0 {
			continue
		}
		slices.SortFunc(by[t], compareKeys)
		lock := ""
		if lockable[t] {
			lock = " FOR UPDATE OF r"
			if t <= g.top {
				lock += " NOWAIT"
			}
			top = max(top, t)
		}
		loaders[t](g, b, by[t], lock)
	}
	for t := range tables {
		if len(free[t]) > 0 {
			loaders[t](g, b, free[t], "")
		}
	}
	g.missing = map[key]bool{}
	if b.Len() == 0 {
		return nil
	}
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	g.top = top
	return nil
}

// lockable are the tables whose rows can be held. An entry, a key and the
// like are only ever written under the account's lock.
var lockable = [tables]bool{tLane: true, tWorkspace: true, tChannel: true, tChat: true, tTemplates: true, tPerson: true, tMessage: true, tInbound: true, tFetch: true, tCard: true}

// none marks keys as looked for, before what is there is put in their place.
func (g *gathering) none(keys []key, lock string) {
	for _, k := range keys {
		g.rows[k] = row{locked: lock != ""}
	}
}

func (g *gathering) found(k key, lock string, v any) { g.kept(k, lock, v, nil) }

// kept is found for what was decoded: a damaged record fails who reads it, and
// nobody else of the group.
func (g *gathering) kept(k key, lock string, v any, bad error) {
	if bad != nil {
		v, bad = nil, fmt.Errorf("a damaged record: %w", bad)
	}
	g.rows[k] = row{found: true, locked: lock != "", v: v, bad: bad}
}
