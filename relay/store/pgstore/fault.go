package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"relevo/relay"
)

// PostgreSQL's codes that decide what to do:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeUnique       = "23505"
	codeSerialize    = "40001"
	codeDeadlock     = "40P01"
	codeLockNotFree  = "55P03"
	codeDiskFull     = "53100"
	codeNoConnection = "53300"
	codeNotYet       = "57P03"
	codeIdle         = "25P03" // idle_in_transaction_session_timeout
	codeReadOnly     = "25006" // a standby, or a server that has lost its place to one
)

func codeOf(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

// lost reports an error that leaves unknown whether the statements before it
// were carried out: the connection broke, or the server ended it.
func lost(err error) bool {
	code := codeOf(err)
	if code == "" {
		return true // not a word from the server
	}
	return code[:2] == "08" || code[:2] == "57" || code == codeIdle
}

// passing reports an error that may be over when the same is tried again.
func passing(err error) bool {
	if errors.Is(err, errNotOurs) || errors.Is(err, errTooLate) {
		return true
	}
	switch code := codeOf(err); code {
	case codeUnique, codeSerialize, codeDeadlock, codeLockNotFree, codeNoConnection, codeReadOnly:
		return true
	case "":
		return unreachable(err)
	default:
		return lost(err)
	}
}

// unreachable reports an error of the network or of the connection.
func unreachable(err error) bool {
	var ce *pgconn.ConnectError
	return errors.As(err, &ce) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) || brokenPipe(err)
}

const (
	// conflictTries bounds how often a transaction that got in another's way
	// runs again.
	conflictTries = 20
	// patience is how long a database that does not answer is asked again
	// before the callers are told: they wait for an answer themselves.
	patience = 1500 * time.Millisecond
)

// retrying runs fn until it ends in something other than a passing error, or
// until it has been tried enough. What it returns then is an error as package
// relay knows it.
func (s *Store) retrying(ctx context.Context, fn func() error) error {
	began, conflicts := time.Now(), 0
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := fn()
		if err == nil || errors.Is(err, relay.ErrUnavailable) {
			return err
		}
		if ctx.Err() != nil {
			return relay.ErrClosed
		}
		code := codeOf(err)
		if code == codeReadOnly {
			s.pool.Reset() // another server takes the writes: only a new connection leads to it
		}
		switch {
		case code == codeDiskFull:
			return fmt.Errorf("%w: %w", relay.ErrDiskFull, err)
		case !passing(err):
			return err
		case code != "" && code != codeReadOnly && !lost(err):
			if conflicts++; conflicts >= conflictTries || time.Since(began) > tryFor {
				return fmt.Errorf("%w: %w", relay.ErrUnavailable, err)
			}
		case time.Since(began) > patience:
			return fmt.Errorf("%w: %w", relay.ErrUnavailable, err)
		}
		select {
		case <-ctx.Done():
			return relay.ErrClosed
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
}
