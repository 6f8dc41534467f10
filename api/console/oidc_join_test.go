package console_test

import (
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
)

func TestSomebodyJoinsAtTheIssuerAndNeedsNoPassword(t *testing.T) {
	h, f := newIssuerHouse(t)
	op := h.operator()
	is(f, "sub-1", "ada@example.com")
	token := h.invite("member")
	b := h.visitor()
	b.get("/join/"+token).is(200).has("Join with Acme ID", "no password")
	s := b.led(b.post("/join/"+token+"/oidc", url.Values{}).is(200).has("On to Acme ID"))
	s.is(200).has("You are in the team of Acme now.")
	if u := h.byEmail("ada@example.com"); u.Password != "" || u.Name != "Ada" || u.Role(h.ws.ID) != account.Member || u.Operator {
		t.Errorf("%+v", u)
	}
	for _, given := range []string{"", " ", password, "$argon2id$"} {
		v := h.visitor()
		v.post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {given}}).is(422).has("The address or the password is wrong.")
		v.signedOut()
	}
	op.get(h.path("audit")).has("Joined the team", "ada@example.com")
	late := h.visitor()
	late.get("/join/" + token).is(404)
	late.post("/join/"+token+"/oidc", url.Values{}).is(404)

	b.post("/me/oidc/unlink", url.Values{}).is(422).has("Without Acme ID nothing would let you in")
	b.get("/me").has("You have no password here", "Your account is linked with Acme ID").hasNot("Present password")
	b.post("/me/password", url.Values{"password": {"short"}}).is(422).has("10 characters or more")
	b.post("/me/password", url.Values{"password": {"another good one"}}).is(200).has("Your password is changed", "Present password")
	b.post("/me/password", url.Values{"password": {"yet another good one"}}).is(422) // now there is an old one
	there := h.visitor()
	there.get("/sign-in/oidc").is(200)
	b.post("/me/oidc/unlink", url.Values{}).is(200).has("no longer linked with Acme ID")
	there.signedOut()
	there.get("/sign-in/oidc?to=%2Fme").has("this account is opened by Acme ID") // they vouch for the address again
}

func TestAnInvitationIsUsedOnceHoweverSomebodyComes(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	is(f, "sub-1", "ada@example.com")
	token := h.invite("viewer")
	first, second := h.visitor(), h.visitor()
	leave := first.post("/join/"+token+"/oidc", url.Values{}).is(200)
	second.post("/join/"+token, url.Values{"email": {"bob@example.com"}, "password": {password}}).is(200)
	first.led(leave).is(200).has("The invitation was used already or has ended.")
	first.signedOut()

	// Who has an account joins with that.
	token = h.invite("viewer")
	first.led(first.post("/join/"+token+"/oidc", url.Values{}).is(200)).is(200).has("You are in the team of Acme now.")
	other, err := h.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	token, err = h.accounts.Invite(t.Context(), account.Invite{Workspace: other.ID, Role: "owner", By: "Op"})
	if err != nil {
		t.Fatal(err)
	}
	again := h.visitor()
	again.led(again.post("/join/"+token+"/oidc", url.Values{}).is(200)).is(200).has("You are in the team of Other now.")
	if u := h.byEmail("ada@example.com"); u.Role(other.ID) != account.Owner || u.Role(h.ws.ID) != account.Viewer {
		t.Errorf("%+v", u.Roles)
	}
	if s := again.once("POST", "/join/"+h.invite("owner")+"/oidc", url.Values{}); s.status != 303 || !strings.HasPrefix(s.header.Get("Location"), "/join/") {
		t.Errorf("somebody who is in was led to %d %s", s.status, s.header.Get("Location"))
	}
}

func TestAnAddressThatNobodyVouchesForTakesNoAccount(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	h.somebody(account.Member)
	join := func(email any, verified bool, invited string) shown {
		t.Helper()
		claims := map[string]any{"email_verified": verified}
		if email != nil {
			claims["email"] = email
		}
		f.Is("sub-1", claims)
		token, err := h.accounts.Invite(t.Context(), account.Invite{Workspace: h.ws.ID, Role: "viewer", By: "Op", Email: invited})
		if err != nil {
			t.Fatal(err)
		}
		b := h.visitor()
		return b.led(b.post("/join/"+token+"/oidc", url.Values{}).is(200))
	}
	join("member@example.com", false, "").has("Somebody signs in here with your address already", "Join with Acme ID")
	join("op@example.com", true, "").has("Your account runs this server")
	join(nil, true, "").has("Acme ID gave no e-mail address for you")
	join("entra@example.com", false, "right@example.com").has("You are in the team of Acme now.")
	if u := h.byEmail("right@example.com"); u.Subject != "sub-1" || u.Password != "" {
		t.Errorf("%+v", u)
	}
}

func TestWhoIsSignedInLinksTheirAccountWithTheirPassword(t *testing.T) {
	h, f := newIssuerHouse(t)
	b := h.operator()
	member := h.somebody(account.Member)
	f.Is("sub-op", map[string]any{"email": "elsewhere@example.com"}) // what the address is, does not matter
	b.get("/me").has("Link with Acme ID")
	b.post("/me/oidc", url.Values{"old": {"wrong wrong wrong"}}).is(422).has("The address or the password is wrong.")
	b.post("/me/oidc", url.Values{}).is(422)
	b.led(b.post("/me/oidc", url.Values{"old": {password}}).is(200)).is(200).has("Your account is linked with Acme ID now, where you are elsewhere@example.com.", "Unlink")
	if u := h.byEmail("op@example.com"); u.Password == "" || u.Subject != "sub-op" {
		t.Errorf("%+v", u)
	}
	in := h.visitor()
	in.get("/sign-in/oidc?to=%2Fme").is(200).has("op@example.com")
	h.visitor().post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}}).is(200)

	member.led(member.post("/me/oidc", url.Values{"old": {password}}).is(200)).is(200).has("Another account here is linked with this identity")
	// A journey that one began is not ended in another's name.
	leave := member.post("/me/oidc", url.Values{"old": {password}}).is(200)
	f.Is("sub-member", nil)
	member.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}}).is(200)
	member.led(leave).is(200).has("begun in another browser")
	if u := h.byEmail("member@example.com"); u.Subject != "" {
		t.Error("it was linked all the same")
	}
	b.post("/me/oidc/unlink", url.Values{}).is(200).has("no longer linked", "Link with Acme ID")
	in.signedOut()
	f.Is("sub-op", map[string]any{"email": "elsewhere@example.com"})
	in.get("/sign-in/oidc").has("does not say that your e-mail address is yours")
	notes, _, err := h.relay.Notes(t.Context(), "", func(n relay.Note) bool { return strings.HasPrefix(n.Action, "account_") }, relay.Page{Limit: 10})
	if err != nil || len(notes) != 2 || notes[0].Action != "account_unlinked" || notes[1].Subject != "Acme ID" {
		t.Errorf("the audit log tells %+v %v", notes, err)
	}
	b.get("/operator/audit").has("Account linked with the sign-in provider", "Account unlinked from the sign-in provider")
}

func TestWhatAnIssuerTellsBesideTheTokenCountsForTheSamePersonAlone(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	h.somebody(account.Member)
	f.Quiet()
	is(f, "sub-1", "member@example.com")
	b := h.visitor()
	back := b.departed("/sign-in/oidc?to=%2Fme")
	is(f, "sub-2", "member@example.com") // the token is the first one's
	b.get(back).has("does not say that your e-mail address is yours")
	is(f, "sub-1", "member@example.com")
	b.get("/sign-in/oidc?to=%2Fme").is(200).has("Your account", "member@example.com")
}
