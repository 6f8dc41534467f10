// Package quota answers one question: how much may a workspace still send?
//
// It knows accounts, amounts and references. It has never heard of a message,
// a webhook or a database. A move of units is an Entry; an entry is named by
// what it is for (its kind and its reference), so posting the same entry twice
// moves nothing. At every moment, for every account,
//
//	granted = available + reserved + spent, all of them zero or more
//
// and every function here asserts it inside the transaction that it is given.
package quota

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Account is the balance of one workspace, in units.
type Account struct {
	// ID is the workspace whose balance this is.
	ID string `json:"id"`
	// Granted is the sum of all grants less all expiries.
	Granted int64 `json:"granted"`
	// Available may be debited now.
	Available int64 `json:"available"`
	// Reserved is held by what is queued, being sent or of unknown outcome.
	Reserved int64 `json:"reserved"`
	// Spent is gone: the messages went out.
	Spent int64 `json:"spent"`
	// Expiring is the part of Available that leaves when the plan's current
	// period ends. A debit takes it first. Zero without a plan, or with one
	// that rolls over.
	Expiring int64 `json:"expiring,omitzero"`
	// Period names the plan period that Expiring belongs to.
	Period string `json:"period,omitzero"`
	// LastAt is when the latest entry was posted. Entry times of an account
	// strictly increase, so they order its ledger.
	LastAt time.Time `json:"last_at,omitzero"`
	// Frozen is set when a check of the books failed; a frozen account takes
	// no debit until an operator has looked.
	Frozen bool `json:"frozen,omitzero"`
}

// Kind says what a move of units was.
type Kind string

// The kinds of entries, with the move that each one is.
const (
	KindGrant   Kind = "grant"   // from outside to available
	KindExpire  Kind = "expire"  // from available to outside
	KindDebit   Kind = "debit"   // from available to reserved
	KindSpend   Kind = "spend"   // from reserved to spent
	KindRefund  Kind = "refund"  // from reserved or spent back to available
	KindRedebit Kind = "redebit" // from available to spent
)

// Entry is one move of units on one account.
type Entry struct {
	// Account is the account's ID.
	Account string `json:"account"`
	// Kind and Ref together name the entry; they exist once per account.
	Kind Kind   `json:"kind"`
	Ref  string `json:"ref"`
	// Units moved; zero or more.
	Units int64 `json:"units"`
	// At is when it was posted: after every earlier entry of the account.
	At time.Time `json:"at"`
	// AvailableAfter is the account's Available right after this entry.
	AvailableAfter int64 `json:"available_after"`
	// Shortfall is what a redebit should have taken but could not. It is
	// noted and never collected.
	Shortfall int64 `json:"shortfall,omitzero"`
	// FromExpiring is the part of a debit that came out of the plan period
	// Period; a refund within that period gives it back to it.
	FromExpiring int64  `json:"from_expiring,omitzero"`
	Period       string `json:"period,omitzero"`
}

// Tx is what the rules need of a transaction. Within one transaction it sees
// its own writes. A Tx serves one goroutine.
type Tx interface {
	// Account loads an account and holds it until the transaction ends. An
	// account that was never written is the zero account with its ID.
	Account(ctx context.Context, id string) (Account, error)
	// PutAccount writes an account back.
	PutAccount(ctx context.Context, a Account) error
	// Entry finds the entry of that kind and reference. Found is false where
	// there is none.
	Entry(ctx context.Context, account string, kind Kind, ref string) (e Entry, found bool, err error)
	// PostEntry writes a new entry; the caller has made sure that it is new.
	PostEntry(ctx context.Context, e Entry) error
}

// MaxUnits is the most units that one grant may carry, and the most that an
// account may have been granted in all times 1,000: sums stay far below 2^63.
const MaxUnits = 1_000_000_000_000

// ExhaustedError says that an account does not cover a debit.
type ExhaustedError struct {
	// Need is what the debit asked for; Have is what was available.
	Need, Have int64
}

func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("quota exhausted: need %d, have %d", e.Need, e.Have)
}

// ConflictError says that an entry of that name exists with other units.
type ConflictError struct {
	Ref  string
	Have int64
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("entry %q exists with %d units", e.Ref, e.Have)
}

var (
	// ErrUnbalanced means that the books of an account do not add up. The
	// transaction that finds it must fail, and the account be frozen.
	ErrUnbalanced = errors.New("account does not balance")
	// ErrFrozen means that the account was frozen and takes no debit.
	ErrFrozen = errors.New("account is frozen")
	// ErrUnits means that a number of units is out of range.
	ErrUnits = errors.New("units out of range")
	// ErrNoCharge means that nothing was debited under that reference, so
	// nothing can be spent or given back.
	ErrNoCharge = errors.New("nothing was debited under this reference")
)

// Check reports ErrUnbalanced unless the account's identity holds.
func (a Account) Check() error {
	switch {
	case a.Available < 0, a.Reserved < 0, a.Spent < 0, a.Granted < 0:
	case a.Expiring < 0, a.Expiring > a.Available:
	case a.Granted != a.Available+a.Reserved+a.Spent:
	default:
		return nil
	}
	return fmt.Errorf("%w: granted %d, available %d (expiring %d), reserved %d, spent %d",
		ErrUnbalanced, a.Granted, a.Available, a.Expiring, a.Reserved, a.Spent)
}

// Grant adds units to what is available. The same reference with the same
// units again moves nothing; with other units it is a *ConflictError. Units
// must be 1 to MaxUnits, else ErrUnits.
func Grant(ctx context.Context, tx Tx, account, ref string, units int64, now time.Time) error {
	if units < 1 || units > MaxUnits {
		return ErrUnits
	}
	a, err := load(ctx, tx, account)
	if err != nil {
		return err
	}
	old, found, err := tx.Entry(ctx, account, KindGrant, ref)
	if err != nil {
		return err
	}
	if found {
		if old.Units != units {
			return &ConflictError{Ref: ref, Have: old.Units}
		}
		return nil
	}
	if a.Granted > MaxUnits*1000-units {
		return ErrUnits
	}
	a.Granted += units
	a.Available += units
	return post(ctx, tx, a, Entry{Kind: KindGrant, Ref: ref, Units: units}, now)
}

// Expire takes up to units out of what is available, for good. It moves
// min(units, available), and nothing where the reference was used before.
func Expire(ctx context.Context, tx Tx, account, ref string, units int64, now time.Time) error {
	a, err := load(ctx, tx, account)
	if err != nil {
		return err
	}
	_, found, err := tx.Entry(ctx, account, KindExpire, ref)
	if err != nil || found {
		return err
	}
	units = max(0, min(units, a.Available))
	a.Granted -= units
	a.Available -= units
	a.Expiring = max(0, a.Expiring-units)
	return post(ctx, tx, a, Entry{Kind: KindExpire, Ref: ref, Units: units}, now)
}

// Debit reserves units, all or nothing. It returns *ExhaustedError, having
// written nothing, where they are not available; ErrFrozen on a frozen
// account, whatever the reference; nil, having moved nothing, where the
// reference was debited before.
func Debit(ctx context.Context, tx Tx, account, ref string, units int64, now time.Time) error {
	if units < 1 || units > math.MaxInt32 {
		return ErrUnits
	}
	a, err := load(ctx, tx, account)
	if err != nil {
		return err
	}
	if a.Frozen {
		return ErrFrozen
	}
	_, found, err := tx.Entry(ctx, account, KindDebit, ref)
	if err != nil || found {
		return err
	}
	if a.Available < units {
		return &ExhaustedError{Need: units, Have: a.Available}
	}
	e := Entry{Kind: KindDebit, Ref: ref, Units: units}
	if e.FromExpiring = min(units, a.Expiring); e.FromExpiring > 0 {
		e.Period = a.Period
	}
	a.Expiring -= e.FromExpiring
	a.Available -= units
	a.Reserved += units
	return post(ctx, tx, a, e, now)
}

// Spend makes the debit of that reference final. Posting it twice, or after a
// refund of the same reference, moves nothing; without a debit it is
// ErrNoCharge.
func Spend(ctx context.Context, tx Tx, account, ref string, now time.Time) error {
	a, c, err := charged(ctx, tx, account, ref)
	if err != nil {
		return err
	}
	if c.refunded || c.spent {
		return nil
	}
	a.Reserved -= c.entry.Units
	a.Spent += c.entry.Units
	return post(ctx, tx, a, Entry{Kind: KindSpend, Ref: ref, Units: c.entry.Units}, now)
}

// Refund gives the units of a debit or redebit back, whether they are still
// reserved or already spent. It happens once per reference: posting it twice
// moves nothing. Without a debit or redebit it is ErrNoCharge.
func Refund(ctx context.Context, tx Tx, account, ref string, now time.Time) error {
	a, c, err := charged(ctx, tx, account, ref)
	if err != nil {
		return err
	}
	if c.refunded {
		return nil
	}
	if c.spent {
		a.Spent -= c.entry.Units
	} else {
		a.Reserved -= c.entry.Units
	}
	a.Available += c.entry.Units
	if c.entry.FromExpiring > 0 && c.entry.Period == a.Period {
		a.Expiring += c.entry.FromExpiring
	}
	return post(ctx, tx, a, Entry{Kind: KindRefund, Ref: ref, Units: c.entry.Units}, now)
}

// Redebit takes back what a refund gave, because what it was for happened
// after all: min(units, available) moves from available to spent, once per
// reference. What is missing is noted in the entry and never collected.
func Redebit(ctx context.Context, tx Tx, account, ref string, units int64, now time.Time) error {
	if units < 1 || units > math.MaxInt32 {
		return ErrUnits
	}
	a, err := load(ctx, tx, account)
	if err != nil {
		return err
	}
	_, found, err := tx.Entry(ctx, account, KindRedebit, ref)
	if err != nil || found {
		return err
	}
	e := Entry{Kind: KindRedebit, Ref: ref, Units: min(units, a.Available)}
	e.Shortfall = units - e.Units
	if e.FromExpiring = min(e.Units, a.Expiring); e.FromExpiring > 0 {
		e.Period = a.Period
	}
	a.Expiring -= e.FromExpiring
	a.Available -= e.Units
	a.Spent += e.Units
	return post(ctx, tx, a, e, now)
}

// charge is a debit or redebit and what became of it.
type charge struct {
	entry           Entry
	spent, refunded bool
}

// charged loads an account with the charge of a reference.
func charged(ctx context.Context, tx Tx, account, ref string) (Account, charge, error) {
	a, err := load(ctx, tx, account)
	if err != nil {
		return a, charge{}, err
	}
	c, err := chargeOf(ctx, tx, account, ref)
	return a, c, err
}

func chargeOf(ctx context.Context, tx Tx, account, ref string) (charge, error) {
	_, refunded, err := tx.Entry(ctx, account, KindRefund, ref)
	if err != nil {
		return charge{}, err
	}
	e, found, err := tx.Entry(ctx, account, KindRedebit, ref)
	if err != nil {
		return charge{}, err
	}
	if found {
		return charge{entry: e, spent: true, refunded: refunded}, nil
	}
	e, found, err = tx.Entry(ctx, account, KindDebit, ref)
	if err != nil {
		return charge{}, err
	}
	if !found {
		return charge{}, ErrNoCharge
	}
	_, spent, err := tx.Entry(ctx, account, KindSpend, ref)
	return charge{entry: e, spent: spent, refunded: refunded}, err
}

// load reads an account and refuses to build on books that are already wrong.
func load(ctx context.Context, tx Tx, id string) (Account, error) {
	a, err := tx.Account(ctx, id)
	if err != nil {
		return a, err
	}
	return a, a.Check()
}

// post asserts the identity and writes account and entry.
func post(ctx context.Context, tx Tx, a Account, e Entry, now time.Time) error {
	if err := a.Check(); err != nil {
		return err
	}
	e.Account = a.ID
	e.At = after(a.LastAt, now)
	e.AvailableAfter = a.Available
	a.LastAt = e.At
	if err := tx.PutAccount(ctx, a); err != nil {
		return err
	}
	return tx.PostEntry(ctx, e)
}

// after is now, or the first instant after last where the clock stands still
// or went back. Microseconds, because that is what PostgreSQL keeps.
func after(last, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if !now.After(last) {
		return last.Add(time.Microsecond)
	}
	return now
}
