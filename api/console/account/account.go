// Package account answers who may look at what: users, their passwords and
// sessions, and the role that each has in a workspace.
//
// It knows no HTTP but the form in which sessions are kept, and no messages.
// Everything is in cards of the store, so that all nodes see the same.
package account

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"relevo/relay"
)

// Role is what somebody may do in a workspace. The zero value may do nothing.
type Role int

// The roles, each with all that the one before may do.
const (
	// Nobody has no business there.
	Nobody Role = iota
	// Viewer reads everything but secrets.
	Viewer
	// Member sends, cancels, steers and connects.
	Member
	// Owner changes the webhook's address, keys, people and settings too.
	Owner
)

var roleNames = map[Role]string{Viewer: "viewer", Member: "member", Owner: "owner"}

// String is the role's word: viewer, member, owner; empty for Nobody.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads what String wrote; Nobody for anything else.
func ParseRole(s string) Role {
	for r, name := range roleNames {
		if name == s {
			return r
		}
	}
	return Nobody
}

// User is somebody who signs in.
type User struct {
	// ID is usr_ and 26 characters; it never changes.
	ID string `json:"id"`
	// Email is what they sign in with: lower case, unique.
	Email string `json:"email"`
	Name  string `json:"name"`
	// Password is its hash (argon2id, PHC form); empty where they sign in
	// elsewhere.
	Password string `json:"password,omitzero"`
	// Issuer and Subject are whose word opens the account too, and who they are
	// there: of an OpenID Connect provider. Empty where none does.
	Issuer  string `json:"issuer,omitzero"`
	Subject string `json:"subject,omitzero"`
	// Operator runs the server: owner everywhere, and sees its own pages.
	Operator bool `json:"operator,omitzero"`
	// Roles are by workspace, in words.
	Roles map[string]string `json:"roles,omitzero"`
	// Language is the one they chose, as a BCP 47 tag; empty: their browser's.
	Language string `json:"language,omitzero"`
	// Disabled keeps them out.
	Disabled bool `json:"disabled,omitzero"`
	// Networks are hashes of those they last signed in from, at most
	// knownNetworks, the latest last: strangers' guesses do not lock those out.
	Networks []string `json:"networks,omitzero"`
	// Epoch is in every session: another one ends them all.
	Epoch     int       `json:"epoch,omitzero"`
	CreatedAt time.Time `json:"created_at"`
}

// Role is what the user may do in a workspace.
func (u User) Role(workspace string) Role {
	if u.Operator {
		return Owner
	}
	return ParseRole(u.Roles[workspace])
}

// Kinds of cards. Those of users are of no workspace.
const (
	kindUser   = "user"
	kindEmail  = "user_email"
	kindSetup  = "user_setup"
	kindInvite = "user_invite"
	kindReset  = "user_reset"
)

// Accounts are the users of an installation. All methods may be called
// concurrently, also by several nodes.
type Accounts struct {
	store  relay.Store
	setup  string
	cost   Cost
	guess  *guesses
	hashes chan struct{}
	// crowd holds strangers whose password is looked at, or waits for that.
	crowd chan struct{}
}

// New keeps accounts in a store. setup is the secret of the link that the first
// user comes in by, once; cost is that of passwords from now on, those of
// before keep theirs.
func New(store relay.Store, setup string, cost Cost) *Accounts {
	return &Accounts{store: store, setup: setup, cost: cost, guess: newGuesses(), hashes: make(chan struct{}, hashesAtOnce), crowd: make(chan struct{}, strangersAtOnce)}
}

// tidyEmail is an address as it is compared; empty where it is none.
func tidyEmail(s string) string {
	s = strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 200 || strings.ContainsAny(s, "<>,;\"") || strings.ContainsFunc(s, unseen) {
		return ""
	}
	return s
}

// unseen reports what two addresses could differ by and look the same.
func unseen(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// WorkspacesOf are the ids of workspaces in which any of the users has a role,
// each once.
func WorkspacesOf(users ...User) iter.Seq[string] {
	ids := map[string]bool{}
	for _, u := range users {
		for id := range u.Roles {
			ids[id] = true
		}
	}
	return maps.Keys(ids)
}

func load[T any](ctx context.Context, tx relay.Tx, kind, workspace, key string) (v T, err error) {
	if key == "" || len(key) > 300 || !utf8.ValidString(key) || strings.ContainsRune(key, 0) { // no card has such a key
		return v, relay.ErrNotFound
	}
	c, err := tx.Card(ctx, kind, workspace, key)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(c.Value, &v)
}

func keep(ctx context.Context, tx relay.Tx, c relay.Card, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Value = b
	return tx.PutCard(ctx, c)
}

// User finds one by id. relay.ErrNotFound.
func (a *Accounts) User(ctx context.Context, id string) (u User, err error) {
	err = a.store.View(ctx, func(tx relay.Tx) error {
		u, err = load[User](ctx, tx, kindUser, "", id)
		return err
	})
	return u, err
}

// Users are all, in the order of their ids: the eldest first.
func (a *Accounts) Users(ctx context.Context) (all []User, err error) {
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page []relay.Card
		page, cursor, err = a.store.Cards(ctx, relay.CardFilter{Kind: kindUser}, relay.Page{Cursor: cursor, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			var u User
			if err := json.Unmarshal(c.Value, &u); err != nil {
				return nil, err
			}
			all = append(all, u)
		}
	}
	return all, nil
}

// Team is who has a role of their own in a workspace; operators who have none
// are not in it.
func (a *Accounts) Team(ctx context.Context, workspace string) ([]User, error) {
	all, err := a.Users(ctx)
	if err != nil {
		return nil, err
	}
	var team []User
	for _, u := range all {
		if ParseRole(u.Roles[workspace]) != Nobody {
			team = append(team, u)
		}
	}
	return team, nil
}

// Change loads a user, lets fn change it, and writes it; an error of fn comes
// back and changes nothing. fn may run again.
func (a *Accounts) Change(ctx context.Context, id string, fn func(*User) error) (u User, err error) {
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		if u, err = load[User](ctx, tx, kindUser, "", id); err != nil {
			return err
		}
		if err := fn(&u); err != nil {
			return err
		}
		return keep(ctx, tx, relay.Card{Kind: kindUser, Key: id}, u)
	})
	return u, err
}

// ErrLastOwner refuses what would leave a workspace, or the installation,
// without anybody who can let people in.
var ErrLastOwner = errors.New("this is the last one who may let people in")
