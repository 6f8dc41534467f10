package account

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"relevo/relay"
)

// Identity is who an OpenID Connect provider says that somebody is. What it
// says is believed: the provider is the operator's choice.
type Identity struct {
	// Issuer and Subject are whose word it is, and who they are there, for ever.
	Issuer, Subject string
	// Email may be another one tomorrow. Verified: the provider says that it is
	// theirs.
	Email    string
	Verified bool
	// Name and Language are for an account that is made.
	Name, Language string
}

// What may be wrong with somebody who comes by a provider.
var (
	// ErrNobody: there is no account for them.
	ErrNobody = errors.New("nobody has this identity or address here")
	// ErrUnverified: they are not known yet, and the provider does not vouch for
	// their address.
	ErrUnverified = errors.New("the issuer does not say that the address is theirs")
	// ErrDisabled: they are kept out.
	ErrDisabled = errors.New("this account is kept out")
	// ErrOtherIdentity: the account with their address is somebody else's there.
	ErrOtherIdentity = errors.New("the account with this address belongs to another identity")
	// ErrOperatorLinks: whoever runs the server is not found by an address.
	ErrOperatorLinks = errors.New("an operator's account is linked by its password alone")
	// ErrIdentityTaken: another account belongs to this identity.
	ErrIdentityTaken = errors.New("another account belongs to this identity")
	// ErrNoEmail: there is no address to make an account for.
	ErrNoEmail = errors.New("the issuer gave no address")
	// ErrNoPassword: without the identity nothing would be left to sign in by.
	ErrNoPassword = errors.New("this account has no password")
)

// kindIdentity are cards of users' ids, by who they are elsewhere.
const kindIdentity = "user_identity"

func identityKey(issuer, subject string) string { return hashOf("oidc " + issuer + "\n" + subject) }

// Linked reports whether a provider's word opens the account.
func (u User) Linked(issuer string) bool { return u.Subject != "" && u.Issuer == issuer }

// Come counts somebody who comes from a network, as a try to sign in; ErrTooMany.
func (a *Accounts) Come(from netip.Addr) error {
	if !a.guess.allowFrom(from, time.Now()) {
		return ErrTooMany
	}
	return nil
}

// SignInWith finds the user of an identity. One who is not linked yet is found
// by an address that the provider vouches for, and linked then: linked is true.
//
// Nobody has proved that the account's address is theirs who made it, so from
// that moment on it is the identity's alone: its password is forgotten and its
// sessions end. An operator's account is never found by an address.
func (a *Accounts) SignInWith(ctx context.Context, who Identity) (u User, linked bool, err error) {
	err = a.store.View(ctx, func(tx relay.Tx) error {
		u, err = byIdentity(ctx, tx, who)
		return err
	})
	if errors.Is(err, relay.ErrNotFound) {
		err = a.store.Update(ctx, func(tx relay.Tx) error {
			u, err = byIdentity(ctx, tx, who)
			if linked = errors.Is(err, relay.ErrNotFound); linked {
				u, err = claim(ctx, tx, who)
			}
			return err
		})
	}
	if err == nil && u.Disabled {
		err = ErrDisabled
	}
	if err != nil {
		return User{}, false, err
	}
	return u, linked, nil
}

func byIdentity(ctx context.Context, tx relay.Tx, who Identity) (User, error) {
	if who.Issuer == "" || who.Subject == "" {
		return User{}, ErrNobody
	}
	return userBy(ctx, tx, kindIdentity, identityKey(who.Issuer, who.Subject))
}

// claim gives the account of an address to an identity that has none.
func claim(ctx context.Context, tx relay.Tx, who Identity) (u User, err error) {
	email := tidyEmail(who.Email)
	if email == "" || !who.Verified {
		return User{}, ErrUnverified
	}
	switch u, err = userBy(ctx, tx, kindEmail, email); {
	case errors.Is(err, relay.ErrNotFound):
		return User{}, ErrNobody
	case err != nil:
		return User{}, err
	case u.Disabled:
		return User{}, ErrDisabled
	case u.Operator:
		return User{}, ErrOperatorLinks
	case u.Linked(who.Issuer):
		return User{}, ErrOtherIdentity
	}
	u.Password = ""
	u.Epoch++
	return u, link(ctx, tx, &u, who)
}

// link writes who a user is elsewhere; who they were is forgotten.
func link(ctx context.Context, tx relay.Tx, u *User, who Identity) error {
	if err := unlink(ctx, tx, u); err != nil {
		return err
	}
	u.Issuer, u.Subject = who.Issuer, who.Subject
	if err := keep(ctx, tx, relay.Card{Kind: kindIdentity, Key: identityKey(u.Issuer, u.Subject)}, u.ID); err != nil {
		return err
	}
	return keepUser(ctx, tx, *u)
}

// unlink takes the card of who a user is elsewhere; the user is the caller's to
// write.
func unlink(ctx context.Context, tx relay.Tx, u *User) error {
	if u.Subject == "" {
		return nil
	}
	key := identityKey(u.Issuer, u.Subject)
	u.Issuer, u.Subject = "", ""
	return tx.DeleteCard(ctx, kindIdentity, "", key)
}

// Link lets an identity open a user's account from now on. The caller has made
// sure that both are the same person. ErrIdentityTaken.
func (a *Accounts) Link(ctx context.Context, id string, who Identity) (u User, err error) {
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		other, err := byIdentity(ctx, tx, who)
		if err == nil && other.ID != id {
			return ErrIdentityTaken
		}
		if err != nil && !errors.Is(err, relay.ErrNotFound) {
			return err
		}
		if u, err = load[User](ctx, tx, kindUser, "", id); err != nil {
			return err
		}
		if u.Disabled {
			return ErrDisabled
		}
		return link(ctx, tx, &u, who)
	})
	return u, err
}

// Unlink lets nobody in by an identity any more, and ends all sessions.
// ErrNoPassword where nothing else would open the account.
func (a *Accounts) Unlink(ctx context.Context, id string) (u User, err error) {
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		if u, err = load[User](ctx, tx, kindUser, "", id); err != nil {
			return err
		}
		if u.Password == "" {
			return ErrNoPassword
		}
		if err := unlink(ctx, tx, &u); err != nil {
			return err
		}
		u.Epoch++
		return keepUser(ctx, tx, u)
	})
	return u, err
}

// JoinWith uses an invitation up for a new user who signs in elsewhere. The
// address is the one that the provider vouches for, else the invitation's, else
// what the provider says. ErrLink, ErrIdentityTaken, ErrEmailTaken, ErrNoEmail.
func (a *Accounts) JoinWith(ctx context.Context, token string, who Identity) (u User, err error) {
	made := begun(who.Name, who.Language)
	made.Issuer, made.Subject = who.Issuer, who.Subject
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		u = made
		in, err := useInvite(ctx, tx, token)
		if err != nil {
			return err
		}
		if _, err := byIdentity(ctx, tx, who); err == nil {
			return ErrIdentityTaken
		} else if !errors.Is(err, relay.ErrNotFound) {
			return err
		}
		if u.Email = tidyEmail(who.Email); in.Email != "" && !who.Verified {
			u.Email = in.Email
		}
		if u.Email == "" {
			return ErrNoEmail
		}
		u.Roles = map[string]string{in.Workspace: in.Role}
		if err := keep(ctx, tx, relay.Card{Kind: kindIdentity, Key: identityKey(u.Issuer, u.Subject)}, u.ID); err != nil {
			return err
		}
		return add(ctx, tx, u)
	})
	return u, err
}
