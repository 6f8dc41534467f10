package account_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
)

const idp = "https://id.example"

func somebodyAt(subject, email string) account.Identity {
	return account.Identity{Issuer: idp, Subject: subject, Email: email, Verified: true, Name: "Ada"}
}

// joined is a user of the workspace who has a password.
func joined(t *testing.T, a *account.Accounts, name string) account.User {
	t.Helper()
	return must(a.Join(t.Context(), must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "member", By: "Op"})), newcomer(name)))
}

func anAddressIsClaimedByOneIdentityHoweverManyComeAtOnce(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	was := joined(t, a, "ada")
	var linked atomic.Int32
	if n := race(t, 8, account.ErrOtherIdentity, func(i int) error {
		_, first, err := a.SignInWith(t.Context(), somebodyAt(fmt.Sprint("sub-", i%4), "Ada@Example.com"))
		if err == nil && first {
			linked.Add(1)
		}
		return err
	}); n != 2 {
		t.Errorf("%d came in", n)
	}
	u := must(a.User(t.Context(), was.ID))
	if linked.Load() != 1 || u.Subject == "" || u.Password != "" || u.Epoch != was.Epoch+1 {
		t.Errorf("linked %d times: %+v", linked.Load(), u)
	}
	if _, first, err := a.SignInWith(t.Context(), account.Identity{Issuer: idp, Subject: u.Subject}); err != nil || first {
		t.Errorf("the second time, without an address: %v %v", first, err)
	}
	if _, _, err := a.SignInWith(t.Context(), account.Identity{Issuer: "https://other.example", Subject: u.Subject}); !errors.Is(err, account.ErrUnverified) {
		t.Errorf("the same subject at another issuer: %v", err)
	}
}

func anInvitationAndAnIdentityMakeOneAccount(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "member", By: "Op"}))
	if n := race(t, 12, account.ErrLink, func(i int) error {
		_, err := a.JoinWith(t.Context(), token, somebodyAt(fmt.Sprint("sub-", i), fmt.Sprintf("user%d@example.com", i)))
		return err
	}); n != 1 {
		t.Errorf("%d joined by one invitation", n)
	}
	var tokens []string
	for range 6 {
		tokens = append(tokens, must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"})))
	}
	if n := race(t, 6, account.ErrIdentityTaken, func(i int) error {
		_, err := a.JoinWith(t.Context(), tokens[i], somebodyAt("same", fmt.Sprintf("same%d@example.com", i)))
		return err
	}); n != 1 {
		t.Errorf("%d accounts of one identity", n)
	}
	if left := must(a.Invites(t.Context(), ws)); len(left) != 5 {
		t.Errorf("%d invitations are left: one was used up in vain", len(left))
	}
	for _, u := range must(a.Team(t.Context(), ws)) {
		if u.Password != "" || u.Operator {
			t.Errorf("%+v", u)
		}
		for _, given := range []string{"", "\x00", password} {
			if _, err := a.SignIn(t.Context(), u.Email, given, netip.Addr{}); !errors.Is(err, account.ErrWrong) {
				t.Errorf("%q: %v", given, err)
			}
		}
	}
}

func anIdentityBelongsToOneAccountAndIsFreeOnceThatIsGone(t *testing.T, store relay.Store) {
	a := account.New(store, setUpToken, account.DefaultCost)
	ada, bob := joined(t, a, "ada"), joined(t, a, "bob")
	if n := race(t, 6, account.ErrIdentityTaken, func(i int) error {
		_, err := a.Link(t.Context(), []string{ada.ID, bob.ID}[i%2], somebodyAt("sub", ""))
		return err
	}); n != 3 {
		t.Errorf("%d links of one identity went well", n)
	}
	if must(a.User(t.Context(), ada.ID)).Linked(idp) == must(a.User(t.Context(), bob.ID)).Linked(idp) {
		t.Error("not one of the two has it")
	}
	must(a.Unlink(t.Context(), ada.ID))
	must(a.Link(t.Context(), ada.ID, somebodyAt("sub-2", "")))
	must(a.Link(t.Context(), ada.ID, somebodyAt("sub-3", ""))) // in place of the second
	if _, err := a.Link(t.Context(), bob.ID, somebodyAt("sub-2", "")); err != nil {
		t.Errorf("an identity that nobody has any more: %v", err)
	}
	if err := a.Delete(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.SignInWith(t.Context(), somebodyAt("sub-3", "ada@example.com")); !errors.Is(err, account.ErrNobody) {
		t.Errorf("after the account was deleted: %v", err)
	}
	token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"}))
	must(a.JoinWith(t.Context(), token, somebodyAt("sub-3", "ada@example.com")))
}

func TestOnlyWhomTheIssuerVouchesForIsFoundByAnAddress(t *testing.T) {
	a := boltAccounts(t)
	must(a.SetUp(t.Context(), setUpToken, newcomer("op")))
	ada, out := joined(t, a, "ada"), joined(t, a, "out")
	must(a.SetDisabled(t.Context(), out.ID, true))
	silent := somebodyAt("sub", ada.Email)
	silent.Verified = false
	for name, c := range map[string]struct {
		who  account.Identity
		want error
	}{
		"not verified":    {silent, account.ErrUnverified},
		"no address":      {somebodyAt("sub", ""), account.ErrUnverified},
		"nobody's":        {somebodyAt("sub", "eve@example.com"), account.ErrNobody},
		"an operator's":   {somebodyAt("sub", "op@example.com"), account.ErrOperatorLinks},
		"of one kept out": {somebodyAt("sub", out.Email), account.ErrDisabled},
		"no subject":      {somebodyAt("", ada.Email), account.ErrNobody},
	} {
		if u, _, err := a.SignInWith(t.Context(), c.who); !errors.Is(err, c.want) || u.ID != "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if u := must(a.User(t.Context(), ada.ID)); u.Subject != "" || u.Password == "" || u.Epoch != 0 {
		t.Errorf("something was changed: %+v", u)
	}
	must(a.Link(t.Context(), ada.ID, somebodyAt("sub", "")))
	must(a.SetDisabled(t.Context(), ada.ID, true))
	if _, _, err := a.SignInWith(t.Context(), somebodyAt("sub", ada.Email)); !errors.Is(err, account.ErrDisabled) {
		t.Errorf("linked and kept out: %v", err)
	}
	if _, err := a.Link(t.Context(), out.ID, somebodyAt("sub-out", "")); !errors.Is(err, account.ErrDisabled) {
		t.Errorf("linking somebody who is kept out: %v", err)
	}
}

func TestAnotherIssuerTakesThePlaceOfTheOneBefore(t *testing.T) {
	a := boltAccounts(t)
	ada := joined(t, a, "ada")
	must(a.Link(t.Context(), ada.ID, somebodyAt("sub", "")))
	moved := somebodyAt("sub", ada.Email)
	moved.Issuer = "https://new.example"
	u, linked, err := a.SignInWith(t.Context(), moved)
	if err != nil || !linked || !u.Linked("https://new.example") || u.Linked(idp) {
		t.Fatalf("%+v %v %v", u, linked, err)
	}
	if _, _, err := a.SignInWith(t.Context(), account.Identity{Issuer: idp, Subject: "sub"}); !errors.Is(err, account.ErrUnverified) {
		t.Errorf("the issuer before still opens it: %v", err)
	}
}

func TestWhoHasNoPasswordSetsOneAndProvesItFromThenOn(t *testing.T) {
	a := boltAccounts(t)
	token := must(a.Invite(t.Context(), account.Invite{Workspace: ws, Role: "viewer", By: "Op"}))
	u := must(a.JoinWith(t.Context(), token, somebodyAt("sub", "ada@example.com")))
	if _, err := a.Unlink(t.Context(), u.ID); !errors.Is(err, account.ErrNoPassword) {
		t.Errorf("unlinked without a password: %v", err)
	}
	if _, err := a.SetPassword(t.Context(), u.ID, "", "short", home); !errors.Is(err, account.ErrShortPassword) {
		t.Errorf("a short one: %v", err)
	}
	if n := race(t, 4, account.ErrWrong, func(i int) error {
		_, err := a.SetPassword(t.Context(), u.ID, "", fmt.Sprint("another good one ", i), home)
		return err
	}); n != 1 {
		t.Errorf("%d set a password where there was none", n)
	}
	if _, err := a.SetPassword(t.Context(), u.ID, "", "yet another good one", home); !errors.Is(err, account.ErrWrong) {
		t.Errorf("changed without the old one: %v", err)
	}
	was := must(a.User(t.Context(), u.ID))
	if now := must(a.Unlink(t.Context(), u.ID)); now.Linked(idp) || now.Epoch != was.Epoch+1 {
		t.Errorf("%+v", now)
	}
}
