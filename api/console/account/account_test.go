package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

const (
	setUpToken = "set-up-token-of-tests"
	password   = "correct horse battery"
	ws         = "ws_06g1ssuq7fb26uper4f0"
)

var home = netip.MustParseAddr("203.0.113.7")

// TestAccountsOverEitherStore: who is first, who is last, and what ends, where
// several nodes may ask at once.
func TestAccountsOverEitherStore(t *testing.T) {
	cases := []struct {
		name string
		run  func(*testing.T, relay.Store)
	}{
		{"TheSetUpLinkMakesOneOperatorHoweverManyComeAtOnce", theSetUpLinkMakesOneOperatorHoweverManyComeAtOnce},
		{"AnInvitationIsForOnePersonUnderTwentyAtOnce", anInvitationIsForOnePersonUnderTwentyAtOnce},
		{"AnAddressBelongsToOneUser", anAddressBelongsToOneUser},
		{"TheLastOwnersCannotTakeEachOthersRole", theLastOwnersCannotTakeEachOthersRole},
		{"SessionsEndByTimeAndAreForgotten", sessionsEndByTimeAndAreForgotten},
		{"AnAddressIsClaimedByOneIdentityHoweverManyComeAtOnce", anAddressIsClaimedByOneIdentityHoweverManyComeAtOnce},
		{"AnInvitationAndAnIdentityMakeOneAccount", anInvitationAndAnIdentityMakeOneAccount},
		{"AnIdentityBelongsToOneAccountAndIsFreeOnceThatIsGone", anIdentityBelongsToOneAccountAndIsFreeOnceThatIsGone},
		{"APasswordLinkSetsOnePasswordHoweverManyUseItAtOnce", aPasswordLinkSetsOnePasswordHoweverManyUseItAtOnce},
		{"OneLinkToAPasswordIsGoodHoweverManyAreMadeAtOnce", oneLinkToAPasswordIsGoodHoweverManyAreMadeAtOnce},
		{"WhatEndsALinkToAPassword", whatEndsALinkToAPassword},
	}
	t.Run("bbolt", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.run(t, bolt(t)) })
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := pgtest.New(t, pgtest.Options{})
		template, err := server.Create(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := pgstore.Migrate(t.Context(), server.URL(template)); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				name, err := server.Create(t.Context(), template)
				if err != nil {
					t.Fatal(err)
				}
				store, err := pgstore.Open(t.Context(), pgstore.Options{URL: server.URL(name), Connections: 6})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { store.Close() })
				c.run(t, store)
			})
		}
	})
}

func bolt(t *testing.T) relay.Store {
	t.Helper()
	store, err := boltstore.Open(boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func newcomer(name string) account.NewUser {
	return account.NewUser{Email: name + "@example.com", Name: name, Password: password}
}

// must takes what went well.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// race runs fn so often at once, and counts how often it went well; every other
// end has to be want.
func race(t *testing.T, n int, want error, fn func(i int) error) (well int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := fn(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				well++
			case !errors.Is(err, want):
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
	all.Wait()
	return well
}

func theSetUpLinkMakesOneOperatorHoweverManyComeAtOnce(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	if n := race(t, 8, account.ErrLink, func(i int) error {
		_, err := a.SetUp(t.Context(), setUpToken, newcomer(fmt.Sprint("user", i)))
		return err
	}); n != 1 {
		t.Errorf("%d operators", n)
	}
	if users := must(a.Users(t.Context())); len(users) != 1 || !users[0].Operator {
		t.Errorf("%+v", users)
	}
	if link := must(a.SetUpLink(t.Context())); link != "" {
		t.Error("the link is still good")
	}
}

func anInvitationIsForOnePersonUnderTwentyAtOnce(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "member", By: "Op"}))
	if n := race(t, 20, account.ErrLink, func(i int) error {
		_, err := a.Join(t.Context(), token, newcomer(fmt.Sprint("user", i)))
		return err
	}); n != 1 {
		t.Errorf("%d joined", n)
	}
	if team := must(a.Team(t.Context(), ws)); len(team) != 1 || team[0].Role(ws) != account.Member {
		t.Errorf("%+v", team)
	}
}

func anAddressBelongsToOneUser(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	tokens := []string{}
	for range 6 {
		tokens = append(tokens, must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"})))
	}
	if n := race(t, 6, account.ErrEmailTaken, func(i int) error {
		_, err := a.Join(t.Context(), tokens[i], newcomer("same"))
		return err
	}); n != 1 {
		t.Errorf("%d have the address", n)
	}
	if left := must(a.Invites(t.Context(), ws)); len(left) != 5 {
		t.Errorf("%d invitations are left: one was used up in vain", len(left))
	}
}

func theLastOwnersCannotTakeEachOthersRole(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	var ids []string
	for i := range 4 {
		token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "owner", By: "Op"}))
		ids = append(ids, must(a.Join(t.Context(), token, newcomer(fmt.Sprint("owner", i)))).ID)
	}
	if n := race(t, 4, account.ErrLastOwner, func(i int) error {
		_, err := a.SetRole(t.Context(), ws, ids[i], account.Viewer)
		return err
	}); n != 3 {
		t.Errorf("%d of 4 owners went", n)
	}
	op := must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	for _, id := range ids { // the operator lets people in
		must(a.SetRole(t.Context(), ws, id, account.Nobody))
	}
	if err := a.Delete(t.Context(), op.ID); !errors.Is(err, account.ErrLastOwner) {
		t.Errorf("the last operator went: %v", err)
	}
	if _, err := a.SetRole(t.Context(), ws, ids[0], account.Owner); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("somebody outside of the team got a role: %v", err)
	}
	if _, err := a.SetRole(t.Context(), ws, "usr_nobody", account.Owner); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("nobody got a role: %v", err)
	}
}

func sessionsEndByTimeAndAreForgotten(t *testing.T, store relay.Store) {
	s := account.Sessions{Store: store}
	ctx := t.Context()
	if err := errors.Join(s.CommitCtx(ctx, "live", []byte("a"), time.Now().Add(time.Hour)), s.CommitCtx(ctx, "ended", []byte("b"), time.Now().Add(-time.Hour)), s.CommitCtx(ctx, "gone", []byte("c"), time.Now().Add(time.Hour)), s.DeleteCtx(ctx, "gone"),
		s.CommitCtx(ctx, "gone", []byte("c"), time.Now().Add(time.Hour)), s.DeleteCtx(ctx, "never")); err != nil {
		t.Fatal(err)
	}
	a := account.New(store, "", account.DefaultCost)
	must(a.Invite(ctx, account.Invite{Workspace: ws, Role: "viewer", By: "Op"}))
	if err := a.Prune(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]bool{"live": true, "ended": false, "gone": false, "never": false, "": false} {
		if _, found, err := s.FindCtx(ctx, token); err != nil || found != want {
			t.Errorf("%q: %v %v", token, found, err)
		}
	}
	for kind, want := range map[string]int{"session": 2, "user_invite": 1} { // the end of "gone" is remembered for a day
		if cards, _, err := store.Cards(ctx, relay.CardFilter{Kind: kind}, relay.Page{Limit: 10}); err != nil || len(cards) != want {
			t.Errorf("%d cards of %s, want %d: %v", len(cards), kind, want, err)
		}
	}
	if err := a.Prune(ctx, time.Now().Add(8*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left := must(a.Invites(ctx, ws)); len(left) != 0 {
		t.Errorf("%+v", left)
	}
	if cards, _, err := store.Cards(ctx, relay.CardFilter{Kind: "session"}, relay.Page{Limit: 10}); err != nil || len(cards) != 0 {
		t.Errorf("%d sessions are remembered: %v", len(cards), err)
	}
}

func boltAccounts(t *testing.T) *account.Accounts {
	t.Helper()
	return account.New(bolt(t), setUpToken, account.DefaultCost)
}

func TestPasswordsOpenWhateverTheyCostOnce(t *testing.T) {
	store := bolt(t)
	cheap := account.New(store, setUpToken, account.Cost{Memory: 64, Passes: 2, Threads: 1})
	u := must(cheap.SetUp(t.Context(), setUpToken, newcomer("op")))
	if !strings.HasPrefix(u.Password, "$argon2id$v=19$m=64,t=2,p=1$") {
		t.Errorf("kept as %s", u.Password)
	}
	for given, ok := range map[string]bool{password: true, password + " ": false} {
		if _, err := account.New(store, "", account.DefaultCost).SignIn(t.Context(), "op@example.com", given, netip.Addr{}); (err == nil) != ok {
			t.Errorf("%.30q: %v", given, err)
		}
	}
}

func TestPasswordsAreKeptAsHashesAndFoundByNothingElse(t *testing.T) {
	a := boltAccounts(t)
	u := must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	if !strings.HasPrefix(u.Password, "$argon2id$v=19$m=65536,t=1,p=1$") || strings.Contains(u.Password, password) {
		t.Errorf("kept as %s", u.Password)
	}
	for given, ok := range map[string]bool{password: true, password + " ": false, strings.ToUpper(password): false, "": false, u.Password: false, strings.Repeat("x", 10_000): false} {
		if _, err := a.SignIn(t.Context(), "op@example.com", given, netip.Addr{}); (err == nil) != ok {
			t.Errorf("%.30q: %v", given, err)
		}
	}
	for given, want := range map[string]error{"short": account.ErrShortPassword, strings.Repeat("ab", 101): account.ErrLongPassword, "password123": account.ErrPlainPassword, "zzzzzzzzzzzz": account.ErrPlainPassword} {
		if _, err := a.SetPassword(t.Context(), u.ID, password, given, netip.Addr{}); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", given, err, want)
		}
	}
	changed := must(a.SetPassword(t.Context(), u.ID, password, "another good one", netip.Addr{}))
	if changed.Epoch != u.Epoch+1 {
		t.Error("sessions go on")
	}
	if _, err := a.SignIn(t.Context(), "op@example.com", password, netip.Addr{}); !errors.Is(err, account.ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
}

// guess tries a wrong password so often, from one network each, and counts how
// often it was looked at.
func guess(ctx context.Context, a *account.Accounts, email string, n int, from func(i int) netip.Addr) (looked int) {
	for i := range n {
		if _, err := a.SignIn(ctx, email, "wrong wrong wrong", from(i)); errors.Is(err, account.ErrWrong) {
			looked++
		}
	}
	return looked
}

func TestStrangersWhoGuessKeepNobodyOutWhoIsAtHome(t *testing.T) {
	a := boltAccounts(t)
	must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	must(a.SignIn(t.Context(), "op@example.com", password, home))
	one := func(int) netip.Addr { return netip.MustParseAddr("198.51.100.1") }
	if n := guess(t.Context(), a, "op@example.com", 10, one); n < 8 || n > 9 {
		t.Errorf("%d guesses from one network were looked at", n)
	}
	many := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 9, byte(i), 1}) }
	if n := guess(t.Context(), a, "op@example.com", 40, many); n > 32 {
		t.Errorf("%d guesses from many networks were looked at", n)
	}
	if _, err := a.SignIn(t.Context(), "op@example.com", password, netip.MustParseAddr("192.0.2.55")); !errors.Is(err, account.ErrTooMany) {
		t.Errorf("from a new network, under attack: %v", err)
	}
	if _, err := a.SignIn(t.Context(), "op@example.com", password, home); err != nil {
		t.Errorf("at home: %v", err)
	}
	if n := guess(t.Context(), a, "op@example.com", 10, func(int) netip.Addr { return home }); n < 8 || n > 9 {
		t.Errorf("%d guesses from home were looked at", n)
	}
}

// A password takes 50 ms of a processor to look at: a crowd of strangers must
// not make a line in which everybody else waits for minutes.
func TestACrowdOfStrangersIsSentAwayAndWhoIsAtHomeIsNot(t *testing.T) {
	a := boltAccounts(t)
	must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	must(a.SignIn(t.Context(), "op@example.com", password, home))
	var away atomic.Int32
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			_, err := a.SignIn(t.Context(), fmt.Sprintf("user%d@example.com", i), "wrong wrong wrong", netip.AddrFrom4([4]byte{10, 9, byte(i), 1}))
			if errors.Is(err, account.ErrTooMany) {
				away.Add(1)
			}
		})
	}
	if _, err := a.SignIn(t.Context(), "op@example.com", password, home); err != nil {
		t.Errorf("at home: %v", err)
	}
	all.Wait()
	if n := away.Load(); n < 50 || n > 180 {
		t.Errorf("%d of 200 were sent away", n)
	}
}

func TestACrowdWithOneLinkIsSentAwayToo(t *testing.T) {
	a := boltAccounts(t)
	link := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"}))
	var away atomic.Int32
	race(t, 120, account.ErrLink, func(i int) error {
		_, err := a.Join(t.Context(), link, newcomer(fmt.Sprint("user", i)))
		if errors.Is(err, account.ErrTooMany) {
			away.Add(1)
			err = account.ErrLink
		}
		return err
	})
	if away.Load() < 20 {
		t.Errorf("%d of 120 were sent away", away.Load())
	}
}

// Who looks like somebody else on a page would be taken for them in the audit
// log.
func TestAnAddressHasNothingThatNobodySees(t *testing.T) {
	a := boltAccounts(t)
	for _, hidden := range []string{"\u200b", "\u202e", "\u00ad", "\u2060", "\ufeff", "\x01", "\u00a0", "\u2028", "\xff"} {
		n := newcomer("op")
		n.Email = "o" + hidden + "p@example.com"
		if _, err := a.SetUp(t.Context(), setUpToken, n); !errors.Is(err, account.ErrEmail) {
			t.Fatalf("%q: %v", n.Email, err)
		}
	}
	must(a.SetUp(t.Context(), setUpToken, account.NewUser{Email: "Zoë@bücher.example", Password: password}))
}

func TestTryingManyAddressesFromOneNetworkEnds(t *testing.T) {
	a := boltAccounts(t)
	looked := 0
	for i := range 30 { // all of one house, under IPv6
		_, err := a.SignIn(t.Context(), fmt.Sprintf("user%d@example.com", i), "wrong wrong wrong", netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i+1)))
		if errors.Is(err, account.ErrWrong) {
			looked++
		}
	}
	if looked < 20 || looked > 25 {
		t.Errorf("%d guesses were looked at", looked)
	}
}

func TestWhoIsKeptOutHearsOnlyThatSomethingIsWrong(t *testing.T) {
	a := boltAccounts(t)
	must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	u := must(a.Join(t.Context(), must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "owner", By: "Op"})), newcomer("owner")))
	must(a.SetDisabled(t.Context(), u.ID, true))
	if _, err := a.SignIn(t.Context(), u.Email, password, home); !errors.Is(err, account.ErrWrong) {
		t.Errorf("%v", err)
	}
	must(a.SetDisabled(t.Context(), u.ID, false))
	must(a.SignIn(t.Context(), u.Email, password, home))
	if err := a.Delete(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	must(a.Join(t.Context(), must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"})), newcomer("owner"))) // the address is free again
}
