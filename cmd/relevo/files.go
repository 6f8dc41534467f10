package main

import (
	"context"
	"errors"
	"io"
	"time"

	"relevo/relay"
	"relevo/relay/media"
)

// fileKeeper lets the relay use the store of files: the one speaks of
// messages, the other of links.
type fileKeeper struct{ store *media.Store }

// Fetch loads a link and keeps what it leads to.
func (k fileKeeper) Fetch(ctx context.Context, key, url, name string, kind relay.FileKind, limit int64) (string, int64, error) {
	f, err := k.store.Fetch(ctx, media.Request{Key: key, URL: url, Name: name, Kind: string(kind), Limit: limit})
	return f.Type, f.Size, asFetchError(err)
}

// asFetchError is an error of the store as the relay knows it.
func asFetchError(err error) error {
	var me *media.Error
	if !errors.As(err, &me) {
		return err
	}
	return &relay.FetchError{Code: relay.Code(me.Code), Message: me.Message, Again: me.Again, Err: me.Err}
}

// Keep keeps what comes from a provider.
func (k fileKeeper) Keep(ctx context.Context, key string, src io.Reader, limit int64) (string, int64, error) {
	f, err := k.store.Keep(ctx, key, src, limit)
	return f.Type, f.Size, asFetchError(err)
}

// Open opens a kept file.
func (k fileKeeper) Open(key string) (io.ReadCloser, error) { return k.store.Open(key) }

// Remove forgets a file.
func (k fileKeeper) Remove(key string) error { return k.store.Remove(key) }

// Keys goes through the kept files.
func (k fileKeeper) Keys(fn func(key string, at time.Time) error) error {
	var failed error
	err := k.store.Keys(func(key string, at time.Time) {
		if failed == nil {
			failed = fn(key, at)
		}
	})
	return errors.Join(err, failed)
}
