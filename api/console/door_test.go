package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
)

func TestTheFirstUserComesInByTheLinkOnceAndFromThisMachineOnly(t *testing.T) {
	h := newHouse(t)
	b := h.visitor()
	b.get("/").is(200).has("Nobody has an account here yet")
	b.get("/setup/guess").is(404)

	abroad := h.visitor()
	abroad.headers = map[string]string{"X-Forwarded-For": "203.0.113.9"}
	abroad.get("/setup/" + setUpToken).is(200).has("Operator key")
	evil := url.Values{"email": {"evil@example.com"}, "password": {password}, "operator_key": {"rlvo_guess"}}
	abroad.post("/setup/"+setUpToken, evil).is(422).has("This is not the operator's key.")
	if needed, err := h.accounts.NeedsSetUp(t.Context()); err != nil || !needed {
		t.Fatal("somebody came in without the operator's key")
	}

	form := url.Values{"email": {"me@example.com"}, "name": {"Ada"}}
	for given, want := range map[string]string{"short": "10 characters or more", "passwordpassword": "would be guessed", "aaaaaaaaaaaa": "would be guessed", strings.Repeat("x1", 101): "200 characters at most"} {
		form.Set("password", given)
		b.post("/setup/"+setUpToken, form).is(422).has(want)
	}
	form.Set("password", password)
	form.Set("email", "me at example")
	b.post("/setup/"+setUpToken, form).is(422).has("This is not an e-mail address.")
	form.Set("email", "Me@Example.com")
	b.post("/setup/"+setUpToken, form).is(200).has("Welcome, Ada.")

	late := h.visitor()
	late.get("/setup/" + setUpToken).is(404)
	late.post("/setup/"+setUpToken, form).is(404)
	late.get("/").is(200).has("Sign in", "Password").hasNot("Nobody has an account")
	late.post("/sign-in", url.Values{"email": {" ME@example.com "}, "password": {password}, "to": {"/me"}}).is(200).has("Your account", "me@example.com")
	for _, secret := range []string{password, "me@example.com", setUpToken} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestGuessingEndsSoonAndSaysNothing(t *testing.T) {
	h := newHouse(t)
	h.operator()
	b := h.visitor()
	for _, email := range []string{"op@example.com", "nobody@example.com"} {
		b.post("/sign-in", url.Values{"email": {email}, "password": {"wrong wrong wrong"}}).is(422).has("The address or the password is wrong.")
	}
	limited := false
	for range 10 {
		s := b.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {"wrong wrong wrong"}})
		limited = limited || s.status == http.StatusTooManyRequests && s.header.Get("Retry-After") != ""
	}
	if !limited {
		t.Error("guessing goes on")
	}
	b.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}}).is(429)
}

func TestNobodySeesMoreThanTheirRoleAllows(t *testing.T) {
	h := newHouse(t)
	h.operator()
	other, err := h.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	if s := h.visitor().get("/me"); !strings.HasPrefix(s.path, "/sign-in?to=%2Fme") {
		t.Errorf("led to %s", s.path)
	}
	for _, role := range []string{"viewer", "member", "owner"} {
		token := h.invite(role)
		b := h.visitor()
		b.get("/join/"+token).is(200).has("Join Acme", "Op invites you as "+role)
		b.post("/join/"+token, url.Values{"email": {role + "@example.com"}, "password": {password}}).is(200)
		b.get("/operator").is(404)
		b.get("/w/" + other.ID).is(404)
		h.visitor().get("/join/" + token).is(404)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.headers = map[string]string{"Sec-Fetch-Site": "cross-site"}
	if s := b.post("/sign-out", url.Values{}); s.status != 403 {
		t.Errorf("got %d", s.status)
	}
	b.headers = map[string]string{"Origin": "https://evil.example"}
	if s := b.post("/sign-out", url.Values{}); s.status != 403 {
		t.Errorf("got %d", s.status)
	}
	b.headers = nil
	b.get("/me").is(200)
	b.post("/sign-out", url.Values{}).is(200).has("Sign in")
	b.get("/me").has("Password").hasNot("Your account")
}

func TestSessionsEndWithThePassword(t *testing.T) {
	h := newHouse(t)
	here, there := h.operator(), h.visitor()
	there.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}}).is(200)
	there.get("/me").has("Your account")
	here.post("/me/password", url.Values{"old": {"not this one"}, "password": {"another good one"}}).is(422)
	here.post("/me/password", url.Values{"old": {password}, "password": {"another good one"}}).is(200).has("Your password is changed")
	there.get("/me").has("Sign in").hasNot("Your account")
	here.get("/me").has("Your account")
}

func TestTheSessionCookieIsOfThisHostAlone(t *testing.T) {
	h := newHouse(t)
	h.operator()
	for public, want := range map[string]string{"": "relevo_session=", "https://relay.example": "__Host-relevo="} {
		handler := h.over(public)
		req := httptest.NewRequest("POST", "/sign-in", strings.NewReader(url.Values{"email": {"op@example.com"}, "password": {password}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		cookie := rec.Header().Get("Set-Cookie")
		if rec.Code != 303 || !strings.HasPrefix(cookie, want) || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || !strings.Contains(cookie, "Path=/") {
			t.Errorf("%q: %d %s", public, rec.Code, cookie)
		}
		if secure := strings.Contains(cookie, "Secure"); secure != (public != "") {
			t.Errorf("%q: %s", public, cookie)
		}
	}
}

func TestEveryLanguageIsSpoken(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for accept, want := range map[string]string{
		"es-MX,es;q=0.9": "Su cuenta", "pt-PT": "Sua conta", "zh-CN": "您的账户", "de-DE": "Your account", "*": "Your account",
	} {
		u := h.visitor()
		u.language = accept
		u.client.Jar = b.client.Jar
		if err := h.forgetLanguage("op@example.com"); err != nil {
			t.Fatal(err)
		}
		u.get("/me").is(200).has(want)
	}
	b.post("/language", url.Values{"language": {"es"}, "to": {"/me"}}).is(200).has("Su cuenta")
	b.language = "zh-CN"
	b.get("/me").has("Su cuenta") // what was chosen counts more
	b.post("/language", url.Values{"language": {"xx"}, "to": {"/me"}}).is(404)
	b.post("/language", url.Values{"language": {"en"}, "to": {"//evil.example"}}).is(200)
}

func TestTheFirstPageIsSmall(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	page := b.get("/me")
	total := h.zipped(page.path, b)
	for _, element := range []struct{ name, attr string }{{"script", "src"}, {"link", "href"}} {
		for _, n := range page.all(element.name, "", "") {
			total += h.zipped(attr(n, element.attr), b)
		}
	}
	t.Logf("first load: %d bytes", total)
	if total > 60_000 || total < 10_000 {
		t.Errorf("the first page takes %d bytes", total)
	}
}

func TestWhoIsElsewhereSetsUpWithTheOperatorsKey(t *testing.T) {
	h := newHouse(t)
	b := h.visitor()
	b.headers = map[string]string{"X-Forwarded-For": "203.0.113.9"}
	form := url.Values{"email": {"op@example.com"}, "password": {password}, "operator_key": {"rlvo_test"}}
	b.post("/setup/"+setUpToken, form).is(200).has("Welcome, op@example.com.")
	for range 9 {
		b.post("/setup/"+setUpToken, form).is(404) // it was used
	}
}

// during calls something when it is first read, as what happens while a form is
// on its way.
type during struct {
	r    *strings.Reader
	then func()
}

func (d *during) Read(p []byte) (int, error) {
	if d.then != nil {
		d.then()
		d.then = nil
	}
	return d.r.Read(p)
}

func TestAFormThatIsOnItsWayDoesNotUndoASignOut(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	at, err := url.Parse(h.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	session := b.client.Jar.Cookies(at)
	req := httptest.NewRequest("POST", "/me", &during{r: strings.NewReader("name=Ada"), then: func() { b.post("/sign-out", url.Values{}).is(200).has("Sign in") }})
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range session {
		req.AddCookie(c)
	}
	h.handler.ServeHTTP(httptest.NewRecorder(), req)
	b.client.Jar.SetCookies(at, session) // as somebody has who took it
	b.get("/me").has("Password").hasNot("Your account")
}

func TestWhoSignsInIsNotToldWhatAnotherDid(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.somebody(account.Viewer)
	b.once("POST", "/me", url.Values{"name": {"Ada"}}).is(303) // and nobody reads what it came to
	b.post("/sign-in", url.Values{"email": {"viewer@example.com"}, "password": {password}, "to": {"/me"}}).is(200).has("viewer@example.com").hasNot("Saved")
}

func TestAMistypedAddressIsAPageForPeopleAndJSONForPrograms(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for _, path := range []string{"/nothing", "/wp-login.php", "/Sign-In"} {
		h.visitor().get(path).is(404).has("There is no such page.", "Back to the start")
		b.get(path).is(404).has("There is no such page.", "Sign out")
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("Accept", "application/json")
		rec := httptest.NewRecorder()
		h.handler.ServeHTTP(rec, req)
		if rec.Code != http.StatusNotFound || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s for a program: %d, %s", path, rec.Code, rec.Header().Get("Content-Type"))
		}
	}
}
