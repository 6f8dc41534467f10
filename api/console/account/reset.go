package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/netip"
	"strings"
	"time"

	"relevo/relay"
)

// resetLife is how long a link to a new password is good.
const resetLife = time.Hour

// resetCard is what is kept of such a link, one for each user: a new one is
// written over the one before. Email and Epoch are those of the user when it was
// made: a change of the address, the password or the identity, or being kept
// out, ends it as it ends sessions.
type resetCard struct {
	Hash  string    `json:"hash"`
	Email string    `json:"email"`
	Epoch int       `json:"epoch,omitzero"`
	Until time.Time `json:"until"`
}

// ResetLink is a new link by which a user sets a password without the old one.
type ResetLink struct {
	// Token is the secret of the link; only its hash is kept.
	Token string
	User  User
	Until time.Time
}

// NewReset makes a link to a new password for a user, good for an hour and one
// use, and ends the one before. relay.ErrNotFound; ErrDisabled for who is kept
// out.
func (a *Accounts) NewReset(ctx context.Context, id string) (l ResetLink, err error) {
	secret, until := rand.Text(), time.Now().Add(resetLife).UTC().Truncate(time.Second)
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		u, err := load[User](ctx, tx, kindUser, "", id)
		if err != nil {
			return err
		}
		if u.Disabled {
			return ErrDisabled
		}
		l = ResetLink{Token: strings.TrimPrefix(u.ID, "usr_") + "-" + secret, User: u, Until: until}
		return keep(ctx, tx, relay.Card{Kind: kindReset, Key: u.ID, Due: until}, resetCard{Hash: hashOf(l.Token), Email: u.Email, Epoch: u.Epoch, Until: until})
	})
	return l, err
}

// ResetBy is the user whose password a link sets; it counts as a try to sign in.
// ErrLink, ErrTooMany.
func (a *Accounts) ResetBy(ctx context.Context, token string, from netip.Addr) (u User, err error) {
	if err := a.Come(from); err != nil {
		return u, err
	}
	err = a.store.View(ctx, func(tx relay.Tx) error {
		u, err = resetBy(ctx, tx, token)
		return err
	})
	return u, err
}

func resetBy(ctx context.Context, tx relay.Tx, token string) (User, error) {
	id, _, _ := strings.Cut(token, "-")
	u, err := load[User](ctx, tx, kindUser, "", "usr_"+id)
	var r resetCard
	if err == nil {
		r, err = load[resetCard](ctx, tx, kindReset, "", u.ID)
	}
	if errors.Is(err, relay.ErrNotFound) {
		return User{}, ErrLink
	}
	if err != nil {
		return User{}, err
	}
	same := subtle.ConstantTimeCompare([]byte(hashOf(token)), []byte(r.Hash)) == 1
	if !same || u.Disabled || u.Epoch != r.Epoch || u.Email != r.Email || !time.Now().Before(r.Until) {
		return User{}, ErrLink
	}
	return u, nil
}

// Reset uses a link up for a new password, and ends all sessions. Where only the
// password is refused the user comes back with the error, and the link stays
// good. ErrLink, ErrTooMany, and what may be wrong with a password.
func (a *Accounts) Reset(ctx context.Context, token, password string, from netip.Addr) (User, error) {
	u, err := a.ResetBy(ctx, token, from)
	if err != nil {
		return User{}, err
	}
	if err := checkPassword(password, u.Email); err != nil {
		return u, err
	}
	leave, err := a.enter()
	if err != nil {
		return u, err
	}
	defer leave()
	h, err := a.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		if u, err = resetBy(ctx, tx, token); err != nil {
			return err
		}
		u.Password = h
		u.Epoch++
		if err := tx.DeleteCard(ctx, kindReset, "", u.ID); err != nil {
			return err
		}
		return keepUser(ctx, tx, u)
	})
	if err != nil {
		return User{}, err
	}
	a.guess.forget(u.Email, from)
	return u, nil
}
