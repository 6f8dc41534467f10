package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"relevo/api/console/account"
)

var newPasswordLink = regexp.MustCompile(`/new-password/[0-9a-zA-Z-]+`)

const another = "another good one"

// passwordLink makes a link for somebody on the page of accounts.
func (b *browser) passwordLink(email string) string {
	b.t.Helper()
	path := newPasswordLink.FindString(b.post("/operator/users/"+b.h.id(email)+"/new-password", url.Values{}).is(200).body)
	if path == "" {
		b.t.Fatal("there is no link")
	}
	return path
}

func TestWhoForgotTheirPasswordComesInByALinkOnce(t *testing.T) {
	h := newHouse(t)
	op, old := h.operator(), h.somebody(account.Owner)
	op.get("/operator/users").is(200).has("New password link").hasNot("Copy it now")
	page := op.post("/operator/users/"+h.id("owner@example.com")+"/new-password", url.Values{}).is(200).
		has("New password link: owner@example.com", "Copy it now", "nobody else", "Good for one hour, until")
	path := newPasswordLink.FindString(page.body)
	if !strings.Contains(page.body, h.server.URL+path) {
		t.Errorf("no whole address: %s", path)
	}
	op.get("/operator/users").hasNot(path)
	if s := op.post("/language", url.Values{"language": {"en"}, "to": {page.path}}).is(200).hasNot(path); s.path != "/operator/users" {
		t.Errorf("another language leads to %s", s.path)
	}

	b := h.visitor()
	b.get("/sign-in").has("Ask the operator of this server for a new password link", "relevo account reset EMAIL")
	b.get(path).is(200).has("New password", "10 characters or more").hasNot("Sign out")
	if v := attr(b.get(path).all("input", "autocomplete", "username")[0], "value"); v != "owner@example.com" {
		t.Errorf("it is for %q", v)
	}
	old.get("/me").has("Your account") // looking changes nothing
	b.post(path, url.Values{"password": {"short"}}).is(422).has("A password has 10 characters or more.")
	b.post(path, url.Values{"password": {"owner@example.com"}}).is(422).has("would be guessed")
	b.post(path, url.Values{"password": {another}}).is(200).has("Your password is changed.", "Acme")
	b.get("/me").has("owner@example.com")
	old.get("/me").has("Sign in").hasNot("Your account")
	late := h.visitor()
	for _, s := range []shown{late.get(path), late.post(path, url.Values{"password": {"a third good one"}})} {
		s.is(404).has("This link was used already or has ended.").hasNot("owner@example.com")
	}
	late.post("/sign-in", url.Values{"email": {"owner@example.com"}, "password": {password}}).is(422)
	late.post("/sign-in", url.Values{"email": {"owner@example.com"}, "password": {another}}).is(200).has("Acme")

	op.get("/operator/audit").has("op@example.com page New password link made owner@example.com", "owner@example.com page Password set by a link owner@example.com").hasNot(path)
	_, token, _ := strings.Cut(path, "-password/")
	_, secret, _ := strings.Cut(token, "-")
	for _, s := range []string{another, "owner@example.com", token, secret} {
		if strings.Contains(h.log.String(), s) {
			t.Errorf("the log has %q", s)
		}
	}
}

func TestALinkToAPasswordEndsWithANewOneAndWithTheAccount(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	h.somebody(account.Member)
	b, id := h.visitor(), h.id("member@example.com")
	first := op.passwordLink("member@example.com")
	second := op.passwordLink("member@example.com")
	b.get(first).is(404).has("This link was used already or has ended.")
	b.get(second).is(200)
	op.post("/operator/users/"+id+"/disable", url.Values{}).is(200)
	b.get(second).is(404)
	b.post(second, url.Values{"password": {another}}).is(404)
	op.get("/operator/users").hasNot("/operator/users/" + id + "/new-password")
	op.post("/operator/users/"+id+"/new-password", url.Values{}).is(422).has("This account is kept out. Let it in again first.").hasNot("Copy it now")
	op.post("/operator/users/"+id+"/enable", url.Values{}).is(200)
	b.get(second).is(404)
	third := op.passwordLink("member@example.com")
	op.post("/operator/users/"+id+"/delete", url.Values{}).is(200)
	b.post(third, url.Values{"password": {another}}).is(404)
	op.post("/operator/users/"+id+"/new-password", url.Values{}).is(404)
	h.somebody(account.Viewer).post("/operator/users/"+h.id("op@example.com")+"/new-password", url.Values{}).is(404)
}

// Whoever is signed in on the machine where the link is opened is that no more.
func TestALinkToAPasswordSignsInWhomItIsFor(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	viewer := h.somebody(account.Viewer)
	viewer.language = "es"
	if err := h.forgetLanguage("viewer@example.com"); err != nil {
		t.Fatal(err)
	}
	path := op.passwordLink("op@example.com") // their own: nobody else runs the server
	viewer.get(path).is(200).has("Contraseña nueva", "Guardar la contraseña y entrar")
	viewer.headers = map[string]string{"HX-Request": "true"}
	if s := viewer.post(path, url.Values{"password": {another}}).is(200); s.header.Get("HX-Redirect") != "/" {
		t.Errorf("led to %q", s.header.Get("HX-Redirect"))
	}
	viewer.headers = nil
	viewer.get("/operator").is(200)
	op.get("/me").has("Sign in").hasNot("Your account")
	h.visitor().get("/new-password/none").is(404)
	for _, odd := range []string{"%00", "%ff-x", "-", strings.Repeat("x", 5000), "%3Cscript%3Ealert(1)"} {
		h.visitor().get("/new-password/" + odd).is(404).hasNot("<script>alert")
	}
}

func TestGuessingLinksToAPasswordEndsSoon(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	path := op.passwordLink("op@example.com")
	b := h.visitor()
	limited := false
	for range 25 {
		s := b.get(path + "x")
		limited = limited || s.status == http.StatusTooManyRequests && s.header.Get("Retry-After") != ""
	}
	if !limited {
		t.Error("guessing goes on")
	}
	b.get(path).is(429).has("Too many tries.")
	elsewhere := h.visitor()
	elsewhere.headers = map[string]string{"X-Forwarded-For": "203.0.113.9"}
	elsewhere.post(path, url.Values{"password": {another}}).is(200).has("Your password is changed.")
}

func TestThePageOfAccountsNamesNoWorkspaceThatIsGone(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	h.somebody(account.Viewer)
	op.get("/operator/users").has("Acme (viewer)")
	if err := h.relay.DeleteWorkspace(t.Context(), h.ws.ID); err != nil {
		t.Fatal(err)
	}
	op.get("/operator/users").has("viewer@example.com").hasNot("Acme")
}

// A form of another site cannot set a password, nor make a link.
func TestLinksToAPasswordAreForFormsOfOurs(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	path := op.passwordLink("op@example.com")
	op.headers = map[string]string{"Sec-Fetch-Site": "cross-site"}
	for _, to := range []string{path, "/operator/users/" + h.id("op@example.com") + "/new-password"} {
		if s := op.post(to, url.Values{"password": {another}}); s.status != http.StatusForbidden {
			t.Errorf("%s: %d", to, s.status)
		}
	}
	h.visitor().get(path).is(200)
}
