package account_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relevo/api/console/account"
	"relevo/relay"
)

const newPassword = "another good one"

// opens reports whether a link still leads somewhere.
func opens(t *testing.T, a *account.Accounts, token string) bool {
	t.Helper()
	u, err := a.ResetBy(t.Context(), token, netip.Addr{})
	if err != nil && (!errors.Is(err, account.ErrLink) || u.ID != "") {
		t.Errorf("%v, of %q", err, u.ID)
	}
	return err == nil
}

func aPasswordLinkSetsOnePasswordHoweverManyUseItAtOnce(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	was := joined(t, a, "ada")
	l := must(a.NewReset(t.Context(), was.ID))
	if in := time.Until(l.Until); l.User.ID != was.ID || in > time.Hour || in < 59*time.Minute {
		t.Errorf("for %s, good for %v", l.User.ID, in)
	}
	var mu sync.Mutex
	winner := ""
	if n := race(t, 8, account.ErrLink, func(i int) error {
		given := fmt.Sprint(newPassword, i)
		_, err := a.Reset(t.Context(), l.Token, given, netip.Addr{})
		if err == nil {
			mu.Lock()
			winner = given
			mu.Unlock()
		}
		return err
	}); n != 1 {
		t.Fatalf("%d set a password by one link", n)
	}
	if u := must(a.SignIn(t.Context(), was.Email, winner, netip.Addr{})); u.Epoch != was.Epoch+1 {
		t.Error("sessions go on")
	}
	if _, err := a.SignIn(t.Context(), was.Email, password, netip.Addr{}); !errors.Is(err, account.ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	if opens(t, a, l.Token) {
		t.Error("the link is still good")
	}
}

func oneLinkToAPasswordIsGoodHoweverManyAreMadeAtOnce(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	ada, bob := joined(t, a, "ada"), joined(t, a, "bob")
	others := must(a.NewReset(t.Context(), bob.ID))
	var mu sync.Mutex
	tokens := []string{must(a.NewReset(t.Context(), ada.ID)).Token}
	race(t, 8, nil, func(int) error {
		l, err := a.NewReset(t.Context(), ada.ID)
		mu.Lock()
		defer mu.Unlock()
		tokens = append(tokens, l.Token)
		return err
	})
	good := 0
	for i, token := range tokens {
		if opens(t, a, token) {
			good++
			if i == 0 {
				t.Error("the first link is still good")
			}
		}
	}
	if good != 1 || !opens(t, a, others.Token) {
		t.Errorf("%d of one account are good", good)
	}
	cards, _, err := store.Cards(t.Context(), relay.CardFilter{Kind: "user_reset"}, relay.Page{Limit: 10})
	if err != nil || len(cards) != 2 {
		t.Fatalf("%d cards, %v", len(cards), err)
	}
	for _, c := range cards {
		_, secret, _ := strings.Cut(others.Token, "-")
		if strings.Contains(string(c.Value), secret) || strings.Contains(c.Key, secret) {
			t.Error("the link itself is kept")
		}
	}
	if err := a.Prune(t.Context(), time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if cards, _, err := store.Cards(t.Context(), relay.CardFilter{Kind: "user_reset"}, relay.Page{Limit: 10}); err != nil || len(cards) != 0 {
		t.Errorf("%d links are remembered for ever: %v", len(cards), err)
	}
}

// What becomes of an account while a link to its password is out ends the link;
// what has nothing to do with it does not.
func whatEndsALinkToAPassword(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.Cost{Memory: 64, Passes: 1, Threads: 1})
	must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	for _, c := range []struct {
		name string
		goes bool
		does func(account.User) error
	}{
		{"nothing", true, func(account.User) error { return nil }},
		{"another name", true, func(u account.User) error {
			_, err := a.Change(t.Context(), u.ID, func(u *account.User) error { u.Name = "Zoë"; return nil })
			return err
		}},
		{"another role", true, func(u account.User) error { _, err := a.SetRole(t.Context(), ws, u.ID, account.Viewer); return err }},
		{"another address", false, func(u account.User) error {
			_, err := a.Change(t.Context(), u.ID, func(u *account.User) error { u.Email = "new@example.com"; return nil })
			return err
		}},
		{"another password", false, func(u account.User) error {
			_, err := a.SetPassword(t.Context(), u.ID, password, newPassword, netip.Addr{})
			return err
		}},
		{"an identity that claims it", false, func(u account.User) error {
			_, _, err := a.SignInWith(t.Context(), somebodyAt("sub "+u.ID, u.Email))
			return err
		}},
		{"kept out", false, func(u account.User) error { _, err := a.SetDisabled(t.Context(), u.ID, true); return err }},
		{"kept out and let in again", false, func(u account.User) error {
			_, out := a.SetDisabled(t.Context(), u.ID, true)
			_, in := a.SetDisabled(t.Context(), u.ID, false)
			return errors.Join(out, in)
		}},
		{"signed out everywhere", false, func(u account.User) error { _, err := a.SignOut(t.Context(), u.ID); return err }},
		{"deleted", false, func(u account.User) error { return a.Delete(t.Context(), u.ID) }},
		{"deleted and invited again", false, func(u account.User) error {
			err := a.Delete(t.Context(), u.ID)
			joined(t, a, u.Name)
			return err
		}},
	} {
		u := joined(t, a, strings.ReplaceAll(c.name, " ", "-"))
		l := must(a.NewReset(t.Context(), u.ID))
		if !opens(t, a, l.Token) {
			t.Fatalf("%s: a new link is no good", c.name)
		}
		if err := c.does(u); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if good := opens(t, a, l.Token); good != c.goes {
			t.Errorf("%s: the link is good: %t", c.name, good)
		}
		if _, err := a.Reset(t.Context(), l.Token, "yet another good one", netip.Addr{}); (err == nil) != c.goes || err != nil && !errors.Is(err, account.ErrLink) {
			t.Errorf("%s: used: %v", c.name, err)
		}
	}
}

func TestALinkToAPasswordIsGoodForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := boltAccounts(t)
		u := must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
		l := must(a.NewReset(t.Context(), u.ID))
		time.Sleep(time.Hour - 2*time.Second)
		if !opens(t, a, l.Token) {
			t.Error("it ended too early")
		}
		time.Sleep(2 * time.Second)
		if opens(t, a, l.Token) {
			t.Error("it goes on")
		}
		if _, err := a.Reset(t.Context(), l.Token, newPassword, netip.Addr{}); !errors.Is(err, account.ErrLink) {
			t.Errorf("used after its time: %v", err)
		}
	})
}

func TestOnlyAWholeLinkOpensAndAPoorPasswordDoesNotUseItUp(t *testing.T) {
	a := boltAccounts(t)
	op := must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	ada := joined(t, a, "ada")
	l := must(a.NewReset(t.Context(), op.ID))
	id, secret, _ := strings.Cut(l.Token, "-")
	for _, token := range []string{"", "-", id, id + "-", secret, "-" + secret, l.Token + "x", strings.ToLower(l.Token), strings.TrimPrefix(ada.ID, "usr_") + "-" + secret,
		"\x00-" + secret, "\xff", strings.Repeat("x", 10_000) + "-x"} {
		if opens(t, a, token) {
			t.Errorf("%.40q opens", token)
		}
	}
	for given, want := range map[string]error{"short": account.ErrShortPassword, strings.Repeat("ab", 101): account.ErrLongPassword, "op@example.com": account.ErrPlainPassword} {
		if u, err := a.Reset(t.Context(), l.Token, given, home); !errors.Is(err, want) || u.ID != op.ID {
			t.Errorf("%.20q: %v of %q", given, err, u.ID)
		}
	}
	must(a.Reset(t.Context(), l.Token, newPassword, home))
	must(a.SignIn(t.Context(), "op@example.com", newPassword, home))
	if _, err := a.NewReset(t.Context(), "usr_nobody"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("for nobody: %v", err)
	}
	must(a.SetDisabled(t.Context(), ada.ID, true))
	if _, err := a.NewReset(t.Context(), ada.ID); !errors.Is(err, account.ErrDisabled) {
		t.Errorf("for who is kept out: %v", err)
	}
}

func TestWhoSignsInElsewhereGetsAPasswordByALink(t *testing.T) {
	a := boltAccounts(t)
	token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"}))
	u := must(a.JoinWith(t.Context(), token, somebodyAt("sub", "ada@example.com")))
	l := must(a.NewReset(t.Context(), u.ID))
	if u = must(a.Reset(t.Context(), l.Token, newPassword, home)); !u.Linked(idp) {
		t.Error("the identity is forgotten")
	}
	must(a.SignIn(t.Context(), u.Email, newPassword, home))
	if _, _, err := a.SignInWith(t.Context(), somebodyAt("sub", "")); err != nil {
		t.Errorf("by the identity: %v", err)
	}
}

func TestGuessingLinksEndsAndWhoMistypedBeginsAnew(t *testing.T) {
	a := boltAccounts(t)
	u := must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	l := must(a.NewReset(t.Context(), u.ID))
	looked := 0
	for range 40 {
		_, err := a.ResetBy(t.Context(), "guess-guess", netip.MustParseAddr("198.51.100.1"))
		if errors.Is(err, account.ErrLink) {
			looked++
		}
	}
	if looked < 20 || looked > 21 {
		t.Errorf("%d guesses were looked at", looked)
	}
	if _, err := a.Reset(t.Context(), l.Token, newPassword, netip.MustParseAddr("198.51.100.1")); !errors.Is(err, account.ErrTooMany) {
		t.Errorf("from where somebody guesses: %v", err)
	}
	guess(t.Context(), a, u.Email, 9, func(int) netip.Addr { return home })
	must(a.Reset(t.Context(), l.Token, newPassword, home))
	must(a.SignIn(t.Context(), u.Email, newPassword, home)) // their tries before do not count any more
}
