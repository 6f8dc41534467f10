package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// Cold makes every transaction run as over a store that has to find out first
// which rows it asks for: a row that was not asked for before is not there, or
// an error, and whatever a run with such a row came to is thrown away. What
// looks for something by what an earlier run has found fails. The last run that
// is thrown away is whole, so Cold is Twice as well.
func Cold(open Open) Open {
	return func(t *testing.T, dir string) relay.Store { return &cold{twice{Store: open(t, dir)}} }
}

type cold struct{ twice }

// coldRuns bounds how often a function asks for rows that are new.
const coldRuns = 6

// Update runs fn until it asks for nothing new, rolled back each time, and then
// for good.
func (s *cold) Update(ctx context.Context, fn func(relay.Tx) error) error {
	known, missed := map[string]bool{}, true
	for n := 0; missed && n < coldRuns; n++ {
		err := s.Store.Update(ctx, func(tx relay.Tx) error {
			t := &coldTx{Tx: tx, known: known}
			err := t.run(fn)
			if missed = t.missed; missed || err == nil {
				return errAgain
			}
			return err
		})
		if !errors.Is(err, errAgain) {
			return err
		}
	}
	return s.Store.Update(ctx, fn)
}

// View is Update for what only reads.
func (s *cold) View(ctx context.Context, fn func(relay.Tx) error) error {
	known, missed := map[string]bool{}, true
	for n := 0; missed && n < coldRuns; n++ {
		err := s.Store.View(ctx, func(tx relay.Tx) error {
			t := &coldTx{Tx: tx, known: known}
			_ = t.run(fn) // another run tells
			missed = t.missed
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Store.View(ctx, fn)
}

type coldTx struct {
	relay.Tx
	known  map[string]bool
	missed bool
}

// run runs fn. A panic over rows that were not there counts for nothing.
func (t *coldTx) run(fn func(relay.Tx) error) error {
	defer func() {
		if p := recover(); p != nil && !t.missed {
			panic(p)
		}
	}()
	return fn(t)
}

var errCold = errors.New("this row is not loaded yet")

// miss reports a row that is asked for the first time.
func (t *coldTx) miss(what string, key ...any) bool {
	k := fmt.Sprintf("%s %q", what, key)
	if t.known[k] {
		return false
	}
	t.known[k], t.missed = true, true
	return true
}

// asked is one read: on a miss nothing and an error, else what is there.
func asked[T any](miss bool, err error, read func() (T, error)) (T, error) {
	if miss {
		var none T
		return none, err
	}
	return read()
}

func (t *coldTx) Workspace(ctx context.Context, id string) (relay.Workspace, error) {
	return asked(t.miss("workspace", id), errCold, func() (relay.Workspace, error) { return t.Tx.Workspace(ctx, id) })
}

func (t *coldTx) Account(ctx context.Context, id string) (quota.Account, error) {
	return asked(t.miss("workspace", id), errCold, func() (quota.Account, error) { return t.Tx.Account(ctx, id) })
}

func (t *coldTx) Channels(ctx context.Context, ws string) ([]relay.ChannelRef, error) {
	return asked(t.miss("workspace", ws), errCold, func() ([]relay.ChannelRef, error) { return t.Tx.Channels(ctx, ws) })
}

func (t *coldTx) Channel(ctx context.Context, ws, id string) (relay.Channel, error) {
	return asked(t.miss("channel", ws, id), errCold, func() (relay.Channel, error) { return t.Tx.Channel(ctx, ws, id) })
}

func (t *coldTx) WorkspaceByToken(ctx context.Context, h relay.TokenHash) (string, error) {
	return asked(t.miss("token", h), errCold, func() (string, error) { return t.Tx.WorkspaceByToken(ctx, h) })
}

func (t *coldTx) WorkspaceByCallback(ctx context.Context, id string) (string, error) {
	return asked(t.miss("callback", id), errCold, func() (string, error) { return t.Tx.WorkspaceByCallback(ctx, id) })
}

func (t *coldTx) Chat(ctx context.Context, ws, channel, recipient string) (relay.Chat, error) {
	return asked(t.miss("chat", ws, channel, recipient), relay.ErrNotFound, func() (relay.Chat, error) { return t.Tx.Chat(ctx, ws, channel, recipient) })
}

func (t *coldTx) ChatByID(ctx context.Context, ws, id string) (relay.Chat, error) {
	return asked(t.miss("chat of number", ws, id), relay.ErrNotFound, func() (relay.Chat, error) { return t.Tx.ChatByID(ctx, ws, id) })
}

func (t *coldTx) ChatsByName(ctx context.Context, ws, name string) ([]string, error) {
	return asked(t.miss("chats", ws, name), nil, func() ([]string, error) { return t.Tx.ChatsByName(ctx, ws, name) })
}

func (t *coldTx) Key(ctx context.Context, ws, key string) (relay.KeyUse, error) {
	return asked(t.miss("key", ws, key), relay.ErrNotFound, func() (relay.KeyUse, error) { return t.Tx.Key(ctx, ws, key) })
}

func (t *coldTx) LastAttempts(ctx context.Context, ws string, n int) ([]relay.Attempt, error) {
	return asked(t.miss("attempts", ws), nil, func() ([]relay.Attempt, error) { return t.Tx.LastAttempts(ctx, ws, n) })
}

func (t *coldTx) Message(ctx context.Context, ws, id string) (relay.Message, error) {
	return asked(t.miss("message", ws, id), relay.ErrNotFound, func() (relay.Message, error) { return t.Tx.Message(ctx, ws, id) })
}

func (t *coldTx) MessageByProvider(ctx context.Context, ws, channel, id string) (string, error) {
	return asked(t.miss("provider's id", ws, channel, id), relay.ErrNotFound, func() (string, error) { return t.Tx.MessageByProvider(ctx, ws, channel, id) })
}

func (t *coldTx) Fetch(ctx context.Context, ws, id string) (relay.Fetch, error) {
	return asked(t.miss("fetch", ws, id), relay.ErrNotFound, func() (relay.Fetch, error) { return t.Tx.Fetch(ctx, ws, id) })
}

func (t *coldTx) TemplatesByName(ctx context.Context, ws, channel, name string) ([]relay.Template, error) {
	return asked(t.miss("templates", ws, channel, name), nil, func() ([]relay.Template, error) { return t.Tx.TemplatesByName(ctx, ws, channel, name) })
}

func (t *coldTx) InboundMessage(ctx context.Context, ws, id string) (relay.InboundMessage, error) {
	return asked(t.miss("inbound", ws, id), relay.ErrNotFound, func() (relay.InboundMessage, error) { return t.Tx.InboundMessage(ctx, ws, id) })
}

func (t *coldTx) RecipientOfUser(ctx context.Context, ws, channel, user string) (string, error) {
	return asked(t.miss("person", ws, channel, user), relay.ErrNotFound, func() (string, error) { return t.Tx.RecipientOfUser(ctx, ws, channel, user) })
}

func (t *coldTx) Card(ctx context.Context, kind, ws, key string) (relay.Card, error) {
	return asked(t.miss("card", kind, ws, key), relay.ErrNotFound, func() (relay.Card, error) { return t.Tx.Card(ctx, kind, ws, key) })
}

func (t *coldTx) Lane(ctx context.Context, id string) (queue.Lane, error) {
	return asked(t.miss("lane", id), queue.ErrNoLane, func() (queue.Lane, error) { return t.Tx.Lane(ctx, id) })
}

func (t *coldTx) Item(ctx context.Context, lane, id string) (queue.Item, error) {
	return asked(t.miss("item", lane, id), queue.ErrNoItem, func() (queue.Item, error) { return t.Tx.Item(ctx, lane, id) })
}
