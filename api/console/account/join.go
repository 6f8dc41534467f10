package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"relevo/relay"
)

// inviteDays is how long a link into a team is good.
const inviteDays = 7

// NewUser is what somebody fills in who comes by a link.
type NewUser struct{ Email, Name, Password, Language string }

// Invite is a link into a team that nobody has used yet.
type Invite struct {
	// ID names it; it is not the link.
	ID        string `json:"id"`
	Workspace string `json:"workspace"`
	Role      string `json:"role"`
	Email     string `json:"email,omitzero"`
	By        string `json:"by"`
	// Maker is the id of who made it: it opens nothing once they may let
	// nobody in any more. Empty for one that nobody answers for.
	Maker string    `json:"maker,omitzero"`
	Until time.Time `json:"until"`
}

// setupUse is written when the one link of a new installation was used.
type setupUse struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

func hashOf(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// SetUpLink is the path that the first user comes in by; empty once somebody
// has.
func (a *Accounts) SetUpLink(ctx context.Context) (path string, err error) {
	needed, err := a.NeedsSetUp(ctx)
	if err != nil || !needed || a.setup == "" {
		return "", err
	}
	return "/setup/" + a.setup, nil
}

// NeedsSetUp reports whether nobody has signed up yet.
func (a *Accounts) NeedsSetUp(ctx context.Context) (needed bool, err error) {
	err = a.store.View(ctx, func(tx relay.Tx) error {
		_, err := load[setupUse](ctx, tx, kindSetup, "", "used")
		needed = errors.Is(err, relay.ErrNotFound)
		if needed {
			return nil
		}
		return err
	})
	return needed, err
}

// OpensSetUp reports whether a token is that of the set-up link, and not used
// yet.
func (a *Accounts) OpensSetUp(ctx context.Context, token string) (bool, error) {
	needed, err := a.NeedsSetUp(ctx)
	return needed && a.opens(token), err
}

func (a *Accounts) opens(token string) bool {
	return a.setup != "" && subtle.ConstantTimeCompare([]byte(token), []byte(a.setup)) == 1
}

// SetUp uses the set-up link up for the first user, who is the operator.
// ErrLink, and what may be wrong with what was filled in.
func (a *Accounts) SetUp(ctx context.Context, token string, n NewUser) (User, error) {
	u, err := a.newUser(ctx, n)
	if err != nil {
		return u, err
	}
	u.Operator = true
	return u, a.store.Update(ctx, func(tx relay.Tx) error {
		_, err := load[setupUse](ctx, tx, kindSetup, "", "used")
		if err == nil || !a.opens(token) {
			return ErrLink
		}
		if !errors.Is(err, relay.ErrNotFound) {
			return err
		}
		if err := keep(ctx, tx, relay.Card{Kind: kindSetup, Key: "used"}, setupUse{By: u.ID, At: u.CreatedAt}); err != nil {
			return err
		}
		return add(ctx, tx, u)
	})
}

// begun is a new user, whom nothing lets in yet.
func begun(name, language string) User {
	return User{ID: "usr_" + strings.ToLower(rand.Text()), Name: shortName(name), Language: language, CreatedAt: time.Now().UTC()}
}

// newUser checks what was filled in.
func (a *Accounts) newUser(ctx context.Context, n NewUser) (User, error) {
	u := begun(n.Name, n.Language)
	if u.Email = tidyEmail(n.Email); u.Email == "" {
		return u, ErrEmail
	}
	if err := checkPassword(n.Password, u.Email); err != nil {
		return u, err
	}
	leave, err := a.enter()
	if err != nil {
		return u, err
	}
	defer leave()
	u.Password, err = a.hash(ctx, n.Password)
	return u, err
}

// shortName is a name of at most 80 characters.
func shortName(s string) string {
	s = strings.TrimSpace(s)
	if name := []rune(s); len(name) > 80 {
		s = string(name[:80])
	}
	return s
}

// add writes a new user; ErrEmailTaken.
func add(ctx context.Context, tx relay.Tx, u User) error {
	_, err := load[string](ctx, tx, kindEmail, "", u.Email)
	if err == nil {
		return ErrEmailTaken
	}
	if !errors.Is(err, relay.ErrNotFound) {
		return err
	}
	if err := keep(ctx, tx, relay.Card{Kind: kindEmail, Key: u.Email}, u.ID); err != nil {
		return err
	}
	return keep(ctx, tx, relay.Card{Kind: kindUser, Key: u.ID}, u)
}

// MaxInvites is how many open invitations a workspace may have: all of them are
// looked through for one list.
const MaxInvites = 100

// Invite makes a link into a workspace's team, good for seven days and one
// person. The token is in no list afterwards. ErrEmail; CodeConflict where
// there are enough.
func (a *Accounts) Invite(ctx context.Context, in Invite) (token string, err error) {
	token = rand.Text()
	in.ID, in.Until = strings.ToLower(rand.Text()), time.Now().Add(inviteDays*24*time.Hour).UTC().Truncate(time.Second)
	if in.Email != "" {
		if in.Email = tidyEmail(in.Email); in.Email == "" {
			return "", ErrEmail
		}
	}
	open, err := a.Invites(ctx, in.Workspace)
	if err != nil {
		return "", err
	}
	if len(open) >= MaxInvites {
		return "", relay.Refusef(relay.CodeConflict, "A workspace has at most %d open invitations. Take back those that nobody needs first.", MaxInvites)
	}
	return token, a.store.Update(ctx, func(tx relay.Tx) error {
		return keep(ctx, tx, relay.Card{Kind: kindInvite, Key: hashOf(token), Due: in.Until}, in)
	})
}

// Invited is what a token leads to; ErrLink.
func (a *Accounts) Invited(ctx context.Context, token string) (in Invite, err error) {
	err = a.store.View(ctx, func(tx relay.Tx) error {
		in, err = invitedBy(ctx, tx, token)
		return err
	})
	return in, err
}

func invitedBy(ctx context.Context, tx relay.Tx, token string) (Invite, error) {
	in, err := load[Invite](ctx, tx, kindInvite, "", hashOf(token))
	if errors.Is(err, relay.ErrNotFound) || err == nil && !time.Now().Before(in.Until) {
		return in, ErrLink
	}
	if err != nil || in.Maker == "" {
		return in, err
	}
	maker, err := load[User](ctx, tx, kindUser, "", in.Maker)
	if errors.Is(err, relay.ErrNotFound) || err == nil && (maker.Disabled || maker.Role(in.Workspace) < Owner) {
		return in, ErrLink
	}
	return in, err
}

// useInvite is invitedBy, and nobody comes in by that token any more.
func useInvite(ctx context.Context, tx relay.Tx, token string) (Invite, error) {
	in, err := invitedBy(ctx, tx, token)
	if err != nil {
		return in, err
	}
	return in, tx.DeleteCard(ctx, kindInvite, "", hashOf(token))
}

// Join uses an invitation up for a new user. ErrLink, and what may be wrong
// with what was filled in.
func (a *Accounts) Join(ctx context.Context, token string, n NewUser) (User, error) {
	u, err := a.newUser(ctx, n)
	if err != nil {
		return u, err
	}
	return u, a.store.Update(ctx, func(tx relay.Tx) error {
		in, err := useInvite(ctx, tx, token)
		if err != nil {
			return err
		}
		u.Roles = map[string]string{in.Workspace: in.Role}
		return add(ctx, tx, u)
	})
}

// Accept uses an invitation up for somebody who has an account. ErrLink.
func (a *Accounts) Accept(ctx context.Context, token, user string) (u User, err error) {
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		in, err := useInvite(ctx, tx, token)
		if err != nil {
			return err
		}
		if u, err = load[User](ctx, tx, kindUser, "", user); err != nil {
			return err
		}
		if u.Roles == nil {
			u.Roles = map[string]string{}
		}
		if ParseRole(in.Role) > ParseRole(u.Roles[in.Workspace]) {
			u.Roles[in.Workspace] = in.Role
		}
		return keep(ctx, tx, relay.Card{Kind: kindUser, Key: u.ID}, u)
	})
	return u, err
}
