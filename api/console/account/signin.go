package account

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// What may be wrong with what somebody filled in. The console has a sentence
// for each in every language.
var (
	ErrWrong         = errors.New("the address or the password is wrong")
	ErrTooMany       = errors.New("too many tries; wait a minute")
	ErrLink          = errors.New("this link was used, has ended, or never was")
	ErrEmail         = errors.New("this is not an e-mail address")
	ErrEmailTaken    = errors.New("somebody signs in with this address already")
	ErrShortPassword = errors.New("a password has 10 characters or more")
	ErrLongPassword  = errors.New("a password has 200 bytes at most")
	ErrPlainPassword = errors.New("this password is among the first that are guessed")
)

// checkPassword refuses what is guessed first.
func checkPassword(password, email string) error {
	switch {
	case len(password) < MinPassword:
		return ErrShortPassword
	case len(password) > MaxPassword:
		return ErrLongPassword
	}
	p := strings.ToLower(password)
	name, _, _ := strings.Cut(email, "@")
	if strings.Trim(p, p[:1]) == "" || p == email || len(name) > 4 && strings.Contains(p, name) {
		return ErrPlainPassword
	}
	for _, common := range []string{"password", "passwort", "contraseña", "senha", "qwerty", "123456", "letmein", "relevo"} {
		if rest := strings.ReplaceAll(p, common, ""); len(rest) < 4 {
			return ErrPlainPassword
		}
	}
	return nil
}

// SignIn finds the user of an address and a password. ErrWrong says no more
// than that; ErrTooMany comes before any password is looked at.
func (a *Accounts) SignIn(ctx context.Context, email, password string, from netip.Addr) (User, error) {
	email = tidyEmail(email)
	if err := a.Come(from); err != nil {
		return User{}, err
	}
	u, err := a.byEmail(ctx, email)
	if err != nil && !errors.Is(err, relay.ErrNotFound) {
		return User{}, err
	}
	place := placeOf(u.ID, from)
	known := slices.Contains(u.Networks, place)
	if !known {
		leave, err := a.enter()
		if err != nil {
			return User{}, err
		}
		defer leave()
	}
	if !a.guess.allowFor(email, from, known, time.Now()) {
		return User{}, ErrTooMany
	}
	ok, err := a.matches(ctx, password[:min(len(password), MaxPassword+1)], u.Password)
	if err != nil {
		return User{}, err
	}
	if !ok || u.Disabled {
		return User{}, ErrWrong
	}
	a.guess.forget(email, from)
	if place == "" || known {
		return u, nil
	}
	return a.Change(ctx, u.ID, func(u *User) error {
		u.Networks = append(u.Networks, place)
		u.Networks = u.Networks[max(0, len(u.Networks)-knownNetworks):]
		return nil
	})
}

// Guess counts a try at a secret that is not a password; ErrTooMany.
func (a *Accounts) Guess(from netip.Addr) error {
	now := time.Now()
	if !a.guess.allowFrom(from, now) || !a.guess.allowFor("secret", from, true, now) {
		return ErrTooMany
	}
	return nil
}

func (a *Accounts) byEmail(ctx context.Context, email string) (u User, err error) {
	err = a.store.View(ctx, func(tx relay.Tx) error {
		u, err = userBy(ctx, tx, kindEmail, email)
		return err
	})
	return u, err
}

// userBy is the user to whom a card of this kind leads.
func userBy(ctx context.Context, tx relay.Tx, kind, key string) (User, error) {
	id, err := load[string](ctx, tx, kind, "", key)
	if err != nil {
		return User{}, err
	}
	return load[User](ctx, tx, kindUser, "", id)
}

// SetPassword changes a password, with the old one as proof where there is one,
// and ends all sessions: the caller's own is to be begun again.
func (a *Accounts) SetPassword(ctx context.Context, id, old, password string, from netip.Addr) (User, error) {
	u, err := a.User(ctx, id)
	if err != nil {
		return u, err
	}
	if err := a.Prove(ctx, u, old, from); err != nil {
		return u, err
	}
	if err := checkPassword(password, u.Email); err != nil {
		return u, err
	}
	h, err := a.hash(ctx, password)
	if err != nil {
		return u, err
	}
	was := u.Password
	return a.Change(ctx, id, func(u *User) error {
		if u.Password != was { // another form was faster
			return ErrWrong
		}
		u.Password = h
		u.Epoch++
		return nil
	})
}

// Prove asks whoever is signed in for their password, before something that
// would outlive the session; who has none is not asked. ErrWrong, ErrTooMany.
func (a *Accounts) Prove(ctx context.Context, u User, password string, from netip.Addr) error {
	if u.Password == "" {
		return nil
	}
	_, err := a.SignIn(ctx, u.Email, password, from)
	return err
}
