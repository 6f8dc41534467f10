// Package relay is the story of one message: accept, deliver, settle, report,
// reconcile.
//
// Accept takes a call that was understood and, in one durable transaction,
// remembers its idempotency key, puts the message on its lane, pays for it and
// writes the attempt. Deliver leases the first message of a lane, commits that
// it is being sent, and only then hands it to the channel's driver. Settle
// writes what came of it: sent, failed with the units back, waiting for
// another try, or unknown. What a provider says later comes in through Report,
// and what it never says is ended by the reconciliation.
//
// The package also holds the vocabulary that everything else speaks, and the
// interfaces Store, Tx and Driver. It knows no HTTP and no database, and of JSON
// on the wire only the bodies of events: they are fixed in the transaction of
// what they tell of. How much may be sent is package quota's question; when it
// leaves is package queue's.
package relay

import (
	"context"
	"io"
	"log/slog"
	"time"

	"relevo/queue"
)

// Relay runs the story over a store. All methods may be called concurrently.
type Relay struct {
	Store   Store
	Drivers map[string]Driver
	Secrets *Secrets
	Files   Files
	// Poster posts events; nil where this process sends none.
	Poster Poster
	Log    *slog.Logger
	Watch  Watch
	Set    Settings

	ids        IDs
	attempts   IDs
	events     IDs
	keyUses    keyUses
	tokens     tokens
	dispatcher queue.Dispatcher
	breakers   breakers
	rates      rates
	fetchWake  chan struct{}
	eventWake  chan struct{}
}

// Settings are the times that an operator may set.
type Settings struct {
	// Node is this process's name; leases are its.
	Node string
	// Shared says that other nodes use the store too.
	Shared bool
	// PublicURL is what providers reach this server under, such as
	// https://relay.example.com.
	PublicURL string
	// CallTimeout bounds one call of a driver (30 s).
	CallTimeout time.Duration
	// UnconfirmedAfter is how long an unknown outcome waits for evidence (2 h).
	UnconfirmedAfter time.Duration
	// ExpireAfter is how long a message may wait by default (24 h).
	ExpireAfter time.Duration
	// MaxCalls is how many driver calls run at once (256).
	MaxCalls int
	// MaxFetches is how many files are fetched at once (8).
	MaxFetches int
	// FetchTimeout bounds one try to fetch a file (15 s).
	FetchTimeout time.Duration
	// SpacingMin and SpacingMax are the pace of new channels; both zero for
	// DefaultSpacingMin and DefaultSpacingMax.
	SpacingMin, SpacingMax time.Duration
	// KeepMessages, KeepKeys and KeepFiles are retention times.
	KeepMessages, KeepKeys, KeepFiles time.Duration
}

// Files fetches and keeps attachments.
type Files interface {
	// Fetch loads url, no more than limit bytes, and keeps it under key. An
	// error that is a *FetchError says what went wrong.
	Fetch(ctx context.Context, key, url, name string, kind FileKind, limit int64) (mediaType string, size int64, err error)
	// Keep keeps what is read from src, no more than limit bytes, and tells
	// its type from its content. Errors as of Fetch.
	Keep(ctx context.Context, key string, src io.Reader, limit int64) (mediaType string, size int64, err error)
	Open(key string) (io.ReadCloser, error)
	// Remove forgets a file; one that is not there is no error.
	Remove(key string) error
	// Keys calls fn with every kept key and when it was kept.
	Keys(fn func(key string, at time.Time) error) error
}

// FetchError says why a file could not be had.
type FetchError struct {
	// Code is file_unreachable, file_is_web_page, file_too_large or
	// file_type_mismatch; Message a sentence for the owner.
	Code    Code
	Message string
	// Again says that another try may help: dial errors, timeouts, 429, 5xx.
	Again bool
	Err   error
}

func (e *FetchError) Error() string { return string(e.Code) + ": " + e.Message }

func (e *FetchError) Unwrap() error { return e.Err }

// Watch is told what happens, for metrics. A nil function is not called. They
// are called after the commit, from many goroutines, and must not block.
type Watch struct {
	// Answered counts calls of the hook by their result: accepted, replayed
	// or an error code.
	Answered func(result string)
	// Tried is one driver call: how it ended and how long it took.
	Tried func(kind, verdict string, took time.Duration)
	// Spaced is the rest between the end of one call and the start of the
	// next on a lane.
	Spaced func(rest time.Duration)
	// Moved is units that moved, by kind of entry.
	Moved func(kind string, units int64)
	// Posted is one try to deliver an event: delivered, failed, given_up or
	// disabled, and how long it took.
	Posted func(result string, took time.Duration)
	// Unbalanced: the books of an account failed a check.
	Unbalanced func()
}
