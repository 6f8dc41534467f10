package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EventFilter narrows a list of an endpoint's events.
type EventFilter struct {
	Workspace, Endpoint string
	// State is empty for all: what waits first, then what was delivered or
	// given up, the newest first of each.
	State EventState
}

// EndpointEvents are an endpoint's events, newest first. CodeNotFound.
func (r *Relay) EndpointEvents(ctx context.Context, f EventFilter, p Page) (list []Event, next string, err error) {
	if _, err := r.Endpoint(ctx, f.Workspace, f.Endpoint); err != nil {
		return nil, "", err
	}
	cursor, inLog := strings.CutPrefix(p.Cursor, logCursor)
	if !inLog && (f.State == "" || f.State == EventPending) {
		if list, next, err = r.eventPage(ctx, kindEvent, f, p); err != nil || next != "" || f.State == EventPending {
			return list, next, err
		}
		cursor = "" // that was a place among those that wait; the log begins here
	}
	p.Cursor = cursor
	if p.Limit -= len(list); p.Limit == 0 {
		return list, logCursor, nil
	}
	for {
		some, more, err := r.eventPage(ctx, kindEventLog, f, p)
		if err != nil {
			return nil, "", err
		}
		for _, e := range some {
			if f.State == "" || e.State() == f.State {
				list = append(list, e)
			}
		}
		switch {
		case more == "":
			return list, "", nil
		case len(list) > 0:
			return list, logCursor + more, nil
		}
		p.Cursor = more
	}
}

// logCursor begins a cursor that is one of the log.
const logCursor = "log:"

func (r *Relay) eventPage(ctx context.Context, kind string, f EventFilter, p Page) (list []Event, next string, err error) {
	cards, next, err := r.Store.Cards(ctx, CardFilter{Kind: kind, Workspace: f.Workspace, Prefix: f.Endpoint + "/", Newest: true}, p)
	if err != nil {
		return nil, "", err
	}
	for _, c := range cards {
		e, damaged := eventOfCard(c)
		if damaged != nil {
			return nil, "", fmt.Errorf("event %s: %w", c.Key, damaged)
		}
		list = append(list, e)
	}
	return list, next, nil
}

// ReplayOf says which events of the log are sent again: those of IDs, or all
// from Since on.
type ReplayOf struct {
	IDs []string
	// Since counts when they happened; the zero time is no bound.
	Since time.Time
	// OnlyFailed leaves out what was delivered.
	OnlyFailed bool
}

// maxReplay bounds what one replay sends again, maxReplayIDs how many of them
// may be named: those become one transaction.
const (
	maxReplay    = 10_000
	maxReplayIDs = 200
)

// Replay sends events of the log again, in the order of their ids, before what
// is newer: the same id and body, signed anew. more says that there are others
// beyond the bound of one replay. CodeConflict where the endpoint is disabled,
// CodeNotFound where one of the ids is not in the log.
func (r *Relay) Replay(ctx context.Context, workspace, endpoint string, of ReplayOf) (n int, more bool, err error) {
	e, err := r.Endpoint(ctx, workspace, endpoint)
	if err != nil {
		return 0, false, err
	}
	if e.Disabled {
		return 0, false, Refusef(CodeConflict, "This endpoint is disabled. Enable it first, then replay.")
	}
	if len(of.IDs) > maxReplayIDs {
		return 0, false, RefuseField(CodeInvalidField, "event_ids", fmt.Sprintf("At most %d events are sent again by their ids.", maxReplayIDs), "Send some of them again first, or give since.")
	}
	if len(of.IDs) > 0 {
		n, err = r.replay(ctx, endpointRef{workspace, endpoint}, of.IDs, true)
		return n, false, err
	}
	f := EventFilter{Workspace: workspace, Endpoint: endpoint}
	var ids []string
	for p := (Page{Limit: batch}); ; {
		some, next, err := r.eventPage(ctx, kindEventLog, f, p)
		if err != nil {
			return 0, false, err
		}
		for _, e := range some {
			if e.At.Before(of.Since) {
				next = ""
				break
			}
			if !of.OnlyFailed || e.State() == EventWasGivenUp {
				ids = append(ids, e.ID)
			}
		}
		if p.Cursor = next; next == "" {
			break
		}
	}
	if more = len(ids) > maxReplay; more {
		ids = ids[len(ids)-maxReplay:] // the oldest come first
	}
	for len(ids) > 0 {
		some := ids[max(0, len(ids)-batch):]
		ids = ids[:len(ids)-len(some)]
		done, err := r.replay(ctx, endpointRef{workspace, endpoint}, some, false)
		if n += done; err != nil {
			return n, more, err
		}
	}
	return n, more, nil
}

// replay lets events of the log wait again.
func (r *Relay) replay(ctx context.Context, ref endpointRef, ids []string, all bool) (n int, err error) {
	_, err = r.editWorkspace(ctx, ref.workspace, func(tx Tx, _ *Workspace) error {
		n = 0
		e, err := findEndpoint(ctx, tx, ref.workspace, ref.id)
		if err != nil {
			return noEndpoint(err)
		}
		for _, id := range ids {
			if !validEventID(id) {
				return noEvent(id)
			}
			found, err := pendAgain(ctx, tx, Event{ID: id, Workspace: ref.workspace, Endpoint: ref.id})
			if err != nil {
				return err
			}
			if !found && all {
				return noEvent(id)
			}
			if !found { // pruned meanwhile
				continue
			}
			n++
		}
		e.tryNow(time.Now().UTC())
		if err := putEndpoint(ctx, tx, e); err != nil {
			return err
		}
		return ring(ctx, tx, ref.workspace, ref.id, eventID(tx, time.Now()), time.Now())
	})
	return n, err
}

// pendAgain moves an event from the log to those that wait.
func pendAgain(ctx context.Context, tx Tx, e Event) (found bool, err error) {
	c, err := tx.Card(ctx, kindEventLog, e.Workspace, e.key())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if e, err = eventOfCard(c); err != nil {
		return false, err
	}
	e.Tries, e.DeliveredAt, e.GivenUpAt = 0, time.Time{}, time.Time{}
	if err := tx.DeleteCard(ctx, kindEventLog, e.Workspace, e.key()); err != nil {
		return false, err
	}
	return true, putEvent(ctx, tx, e)
}

func noEvent(id string) error {
	return Refusef(CodeNotFound, "There is no event %s in the log of this endpoint, or it waits already.", clip(id, 60))
}

// validEventID reports whether s has the form of an event's id.
func validEventID(s string) bool {
	digits, ok := strings.CutPrefix(s, "evt_")
	return ok && ValidMessageID(idPrefix+strings.ToUpper(digits))
}

// dropEvents forgets all events of an endpoint that is gone, then its bell.
func (r *Relay) dropEvents(ctx context.Context, ref endpointRef) error {
	var rung string
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		_, rung, err = bellOf(ctx, tx, ref)
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{kindEvent, kindEventLog} {
		for {
			cards, _, err := r.Store.Cards(ctx, CardFilter{Kind: kind, Workspace: ref.workspace, Prefix: ref.id + "/"}, Page{Limit: batch})
			if err != nil {
				return err
			}
			if len(cards) == 0 {
				break
			}
			err = r.transact(ctx, func(tx Tx) error {
				for _, c := range cards {
					if err := tx.DeleteCard(ctx, c.Kind, c.Workspace, c.Key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return r.transact(ctx, func(tx Tx) error {
		_, last, err := bellOf(ctx, tx, ref)
		if errors.Is(err, ErrNotFound) || err == nil && last != rung { // rung again: somebody looks once more
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteCard(ctx, kindBell, ref.workspace, ref.id)
	})
}

// EventsOverdue is for how long the endpoint has waited that has waited longest
// to be looked at; 0 where none waits.
func EventsOverdue(ctx context.Context, s CardLists, now time.Time) (time.Duration, error) {
	due, _, err := s.CardsDue(ctx, kindBell, now, 1)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	return max(0, now.Sub(due[0].Due)), nil
}

// pruneEvents forgets what the log has kept long enough.
func (r *Relay) pruneEvents(ctx context.Context, now time.Time, n int) (int, error) {
	return r.Store.PruneCards(ctx, kindEventLog, now, n)
}

// pruneWaiting forgets what has waited for a disabled endpoint for as long as
// the log keeps what was given up, or messages are kept: it may never be
// enabled again.
func (r *Relay) pruneWaiting(ctx context.Context, now time.Time) (err error) {
	for p := (Page{Limit: batch}); ; {
		list, next, failed := r.Store.Workspaces(ctx, p)
		if failed != nil {
			return errors.Join(err, failed)
		}
		for _, w := range list {
			for _, s := range w.Subscriptions {
				if s.Disabled {
					err = errors.Join(err, r.pruneWaitingFor(ctx, endpointRef{w.ID, s.Endpoint}, now.Add(-min(keepGivenUp, r.Set.KeepMessages))))
				}
			}
		}
		if p.Cursor = next; next == "" {
			return err
		}
	}
}

// pruneWaitingFor is that of one endpoint, in small transactions.
func (r *Relay) pruneWaitingFor(ctx context.Context, ref endpointRef, before time.Time) error {
	for {
		old, err := r.nextEvents(ctx, &turn{endpointRef: ref}, batch)
		if err != nil {
			return err
		}
		old = slices.DeleteFunc(old, func(e Event) bool { return !e.At.Before(before) })
		if len(old) == 0 {
			return nil
		}
		var over bool // it was enabled, or deleted, meanwhile
		err = r.transact(ctx, func(tx Tx) error {
			e, err := findEndpoint(ctx, tx, ref.workspace, ref.id)
			if over = errors.Is(err, ErrNotFound) || err == nil && !e.Disabled; over {
				return nil
			}
			for _, e := range old {
				if err == nil {
					err = tx.DeleteCard(ctx, kindEvent, e.Workspace, e.key())
				}
			}
			return err
		})
		if err != nil || over {
			return err
		}
	}
}
