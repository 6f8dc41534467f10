package quota_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/quota"
)

const account = "ws_1"

// start is a Monday.
var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// entryName is what makes an entry unique.
type entryName struct {
	account string
	kind    quota.Kind
	ref     string
}

// books is a transaction over plain maps. It refuses a second entry of one
// name, and fails the operation that failAt counts down to.
type books struct {
	accounts map[string]quota.Account
	entries  map[entryName]quota.Entry
	posted   []quota.Entry
	failAt   int
}

var errStore = errors.New("the store is away")

func newBooks() *books {
	return &books{accounts: map[string]quota.Account{}, entries: map[entryName]quota.Entry{}}
}

func (b *books) op() error {
	if b.failAt--; b.failAt == 0 {
		return errStore
	}
	return nil
}

func (b *books) Account(_ context.Context, id string) (quota.Account, error) {
	a, found := b.accounts[id]
	if !found {
		a.ID = id
	}
	return a, b.op()
}

func (b *books) PutAccount(_ context.Context, a quota.Account) error {
	b.accounts[a.ID] = a
	return b.op()
}

func (b *books) Entry(_ context.Context, account string, kind quota.Kind, ref string) (quota.Entry, bool, error) {
	e, found := b.entries[entryName{account, kind, ref}]
	return e, found, b.op()
}

func (b *books) PostEntry(_ context.Context, e quota.Entry) error {
	name := entryName{e.Account, e.Kind, e.Ref}
	if _, found := b.entries[name]; found {
		return errors.New("entry posted twice: " + string(e.Kind) + " " + e.Ref)
	}
	b.entries[name] = e
	b.posted = append(b.posted, e)
	return b.op()
}

func (b *books) clone() *books {
	return &books{accounts: maps.Clone(b.accounts), entries: maps.Clone(b.entries), posted: slices.Clone(b.posted)}
}

func (b *books) equal(other *books) bool {
	return maps.Equal(b.accounts, other.accounts) && maps.Equal(b.entries, other.entries)
}

// newest is the entry posted last.
func (b *books) newest(t *testing.T) quota.Entry {
	t.Helper()
	if len(b.posted) == 0 {
		t.Fatal("nothing was posted")
	}
	return b.posted[len(b.posted)-1]
}

// move is one call of a rule.
type move func(b *books, now time.Time) error

func grant(ref string, units int64) move {
	return func(b *books, now time.Time) error {
		return quota.Grant(context.Background(), b, account, ref, units, now)
	}
}

func expire(ref string, units int64) move {
	return func(b *books, now time.Time) error {
		return quota.Expire(context.Background(), b, account, ref, units, now)
	}
}

func debit(ref string, units int64) move {
	return func(b *books, now time.Time) error {
		return quota.Debit(context.Background(), b, account, ref, units, now)
	}
}

func spend(ref string) move {
	return func(b *books, now time.Time) error {
		return quota.Spend(context.Background(), b, account, ref, now)
	}
}

func refund(ref string) move {
	return func(b *books, now time.Time) error {
		return quota.Refund(context.Background(), b, account, ref, now)
	}
}

func redebit(ref string, units int64) move {
	return func(b *books, now time.Time) error {
		return quota.Redebit(context.Background(), b, account, ref, units, now)
	}
}

// after makes the moves one second apart; each must succeed.
func after(t *testing.T, moves ...move) *books {
	t.Helper()
	b := newBooks()
	for i, m := range moves {
		if err := m(b, start.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatalf("move %d: %v", i, err)
		}
	}
	return b
}

// balance is granted, available, reserved, spent.
type balance [4]int64

func (b *books) balance() balance {
	a := b.accounts[account]
	return balance{a.Granted, a.Available, a.Reserved, a.Spent}
}

func wantBalance(t *testing.T, b *books, want balance) {
	t.Helper()
	if diff := cmp.Diff(want, b.balance()); diff != "" {
		t.Errorf("granted, available, reserved, spent (-want +got):\n%s", diff)
	}
}
