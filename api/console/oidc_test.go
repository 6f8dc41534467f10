package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/api/console/issuer/issuertest"
	"relevo/relay"
)

// asks is a provider as this server knows it.
func asks(f *issuertest.Fake) *issuer.Issuer {
	return issuer.New(issuer.Config{URL: f.URL, ClientID: issuertest.ClientID, ClientSecret: issuertest.ClientSecret, Name: "Acme ID", Scopes: []string{"openid", "email", "profile"}})
}

// newIssuerHouse is a house where people may sign in at a provider too.
func newIssuerHouse(t *testing.T) (*house, *issuertest.Fake) {
	t.Helper()
	f := issuertest.Start(t)
	return newHouse(t, func(cfg *api.Config, _ map[string]relay.Driver) { cfg.Issuer = asks(f) }), f
}

// is lets the provider vouch for an address.
func is(f *issuertest.Fake, subject, email string) {
	f.Is(subject, map[string]any{"email": email, "email_verified": true, "name": "Ada"})
}

// elsewhere asks another server than the house's, with the same cookies.
func (b *browser) elsewhere(server, path string) shown {
	b.t.Helper()
	h := *b.h
	h.server = &httptest.Server{URL: server}
	other := *b
	other.h = &h
	return other.do("GET", path, nil)
}

// led goes where a page leads by itself, and comes back.
func (b *browser) led(s shown) shown {
	b.t.Helper()
	_, to, ok := strings.Cut(s.header.Get("Refresh"), "0;url=")
	if !ok {
		b.t.Fatalf("%s (%d) leads nowhere: %s", s.path, s.status, s.text())
	}
	if links := s.all("a", "href", to); len(links) != 1 {
		b.t.Errorf("%s: %d links to where it leads", s.path, len(links))
	}
	return b.elsewhere(to, "")
}

// departed begins a journey and has the provider answer, without coming back:
// the path that it leads to.
func (b *browser) departed(path string) string {
	b.t.Helper()
	away := b.once("GET", path, nil).header.Get("Location")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(away)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Path == "" {
		b.t.Fatalf("%s led to %q, and that to %q", path, away, resp.Header.Get("Location"))
	}
	return u.RequestURI()
}

func (h *house) byEmail(email string) account.User {
	h.t.Helper()
	all, err := h.accounts.Users(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, u := range all {
		if u.Email == email {
			return u
		}
	}
	h.t.Fatalf("there is no %s", email)
	return account.User{}
}

// signedOut fails the test where somebody is in.
func (b *browser) signedOut() {
	b.t.Helper()
	if s := b.once("GET", "/me", nil); s.status != http.StatusSeeOther {
		b.t.Errorf("somebody is in: %d %s", s.status, s.text())
	}
}

func TestSomebodySignsInAtTheIssuerAndIsKnownByTheirSubjectFromThenOn(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	before := h.somebody(account.Member)
	is(f, "sub-1", "Member@Example.com")
	b := h.visitor()
	b.get("/sign-in?to=%2Fme").has("Sign in with Acme ID")
	s := b.get("/sign-in/oidc?to=%2Fme").is(200).has("Your account", "member@example.com", "this account is opened by Acme ID", "Your account is linked with Acme ID")
	if s.path != "/me" {
		t.Errorf("led to %s", s.path)
	}
	// Whoever made the account before may have been somebody else.
	before.signedOut()
	h.visitor().post("/sign-in", url.Values{"email": {"member@example.com"}, "password": {password}}).is(422)
	h.visitor().post("/sign-in", url.Values{"email": {"member@example.com"}, "password": {""}}).is(422).has("The address or the password is wrong.")

	is(f, "sub-1", "married@example.com")
	again := h.visitor()
	again.get("/sign-in/oidc?to=%2Fme").is(200).has("member@example.com").hasNot("old password")
	is(f, "sub-2", "member@example.com")
	thief := h.visitor()
	thief.get("/sign-in/oidc").has("linked with somebody else at Acme ID")
	thief.signedOut()
	b.post("/me/sessions", url.Values{}).is(200)
	again.signedOut()
	for _, secret := range []string{issuertest.ClientSecret, "member@example.com", "married@example.com", "sub-1", "eyJ"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if notes, _, err := h.relay.Notes(t.Context(), "", func(n relay.Note) bool { return n.Action == "account_linked" }, relay.Page{Limit: 10}); err != nil || len(notes) != 1 || notes[0].By.Name != "member@example.com" {
		t.Errorf("the audit log tells %+v %v", notes, err)
	}
}

func TestAnAnswerThatIsNotToBeBelievedLetsNobodyIn(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	h.somebody(account.Member)
	h.somebody(account.Viewer)
	if _, err := h.accounts.SetDisabled(t.Context(), h.byEmail("viewer@example.com").ID, true); err != nil {
		t.Fatal(err)
	}
	edited := func(name string, v any) func() { return func() { f.Edit(func(c jwt.MapClaims) { c[name] = v }) } }
	for _, c := range []struct {
		name string
		how  func()
		want string
	}{
		{"another nonce", edited("nonce", "other"), "Acme ID did not say who you are"},
		{"another audience", edited("aud", "other"), "Acme ID did not say who you are"},
		{"made for another party", edited("azp", "other"), "Acme ID did not say who you are"},
		{"another issuer", edited("iss", "https://other.example"), "Acme ID did not say who you are"},
		{"ended", edited("exp", time.Now().Add(-time.Minute).Unix()), "Acme ID did not say who you are"},
		{"no subject", edited("sub", ""), "Acme ID did not say who you are"},
		{"an endless subject", edited("sub", strings.Repeat("s", 256)), "Acme ID did not say who you are"},
		{"an address that nobody vouches for", edited("email_verified", false), "does not say that your e-mail address is yours"},
		{"nothing said of the address", func() { f.Edit(func(c jwt.MapClaims) { delete(c, "email_verified") }) }, "does not say that your e-mail address is yours"},
		{"an address that nobody has", edited("email", "stranger@example.com"), "Nobody here has the address"},
		{"an address that only looks the same", edited("email", "mem\u200bber@example.com"), "does not say that your e-mail address is yours"},
		{"the operator's address", edited("email", "op@example.com"), "Your account runs this server"},
		{"somebody who is kept out", edited("email", "viewer@example.com"), "This account is kept out"},
		{"canceled there", func() { f.Deny("access_denied") }, "You did not sign in at Acme ID"},
		{"a fault there", func() { f.Deny("server_error") }, "Acme ID did not say who you are"},
	} {
		t.Run(c.name, func(t *testing.T) {
			is(f, "sub-"+c.name, "member@example.com")
			f.Edit(nil)
			f.Deny("")
			c.how()
			b := h.visitor()
			b.headers = map[string]string{"X-Forwarded-For": "203.0.113." + string(rune('1'+len(c.name)%9))}
			s := b.get("/sign-in/oidc?to=%2Fme").is(200).has(c.want, "Sign in with Acme ID", "Password")
			if len(s.all("a", "href", "/sign-in/oidc?to=%2fme")) != 1 {
				t.Error("where they were going is forgotten")
			}
			b.signedOut()
		})
	}
	if u := h.byEmail("member@example.com"); u.Subject != "" || u.Password == "" {
		t.Error("an account was linked")
	}
}

func TestAnAnswerBelongsToOneQuestionOfOneBrowser(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	h.somebody(account.Member)
	is(f, "sub-1", "member@example.com")
	const lost = "begun in another browser"
	b := h.visitor()
	for _, path := range []string{"/sign-in/oidc/callback", "/sign-in/oidc/callback?state=&code=x", "/sign-in/oidc/callback?error=access_denied"} {
		b.get(path).is(200).has(lost)
	}
	back := b.departed("/sign-in/oidc")
	h.visitor().get(back).has(lost) // as somebody has who was sent the link
	other, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"state": "guessed", "iss": "https://other.example"} {
		back := b.departed("/sign-in/oidc")
		u, _ := url.Parse(back)
		q := u.Query()
		q.Set(name, v)
		b.get(u.Path + "?" + q.Encode()).has(lost)
		b.get(back).has(lost) // one wrong answer ends it
	}
	b.get(other.RequestURI()).has(lost)

	back = b.departed("/sign-in/oidc?to=%2Fme")
	at, _ := url.Parse(h.server.URL)
	kept := b.client.Jar.Cookies(at)
	b.get(back).is(200).has("Your account")
	b.post("/sign-out", url.Values{}).is(200)
	b.get(back).has(lost)
	b.client.Jar.SetCookies(at, kept) // as somebody has who kept it: the code is used up
	b.get(back).has("Acme ID did not say who you are")
	b.signedOut()
	for _, k := range kept {
		if k.Name == "relevo_oidc" {
			k.Value = k.Value[:20] + strings.Map(func(r rune) rune { return r ^ 1 }, k.Value[20:21]) + k.Value[21:]
		}
	}
	b.client.Jar.SetCookies(at, kept)
	b.get(back).has(lost)
}

func TestWhereSomebodyWasGoingIsAPathOfOurs(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	member := h.somebody(account.Member)
	is(f, "sub-1", "member@example.com")
	b := h.visitor()
	for _, to := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "", strings.Repeat("/x", 3000)} {
		if loc := b.once("GET", b.departed("/sign-in/oidc?to="+url.QueryEscape(to)), nil).header.Get("Location"); loc != "/" {
			t.Errorf("%.20q led to %.60q", to, loc)
		}
		b.post("/sign-out", url.Values{})
	}
	member.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}}).is(200)
	if loc := member.once("GET", "/sign-in/oidc?to=%2F%2Fevil.example", nil).header.Get("Location"); loc != "/" {
		t.Errorf("somebody who is in was led to %q", loc)
	}
}

func TestAnIssuerThatIsDownKeepsNobodyFromTheirPassword(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	f.Down(true)
	b := h.visitor()
	for range 30 {
		b.get("/sign-in/oidc?to=%2Fme").is(200).has("Acme ID cannot be reached now", "Password")
	}
	if n := f.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("30 visitors asked %d times", n)
	}
	b.post("/sign-in", url.Values{"email": {"op@example.com"}, "password": {password}, "to": {"/me"}}).is(200).has("Your account")
	b.post("/me/oidc", url.Values{"old": {password}}).is(200).has("Your account", "Acme ID cannot be reached now")
	if !strings.Contains(h.log.String(), "503") || strings.Contains(h.log.String(), issuertest.ClientSecret) {
		t.Error("the log does not say why, or says too much")
	}
}

func TestAnIssuerThatGoesDownOnTheWayIsToldOf(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	b := h.visitor()
	is(f, "sub-1", "op@example.com")
	back := b.departed("/sign-in/oidc?to=%2Fme")
	f.Down(true)
	b.get(back).is(200).has("Acme ID cannot be reached now")
	b.signedOut()
}

func TestManyAnswersFromOneNetworkAskTheIssuerSoOften(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	is(f, "sub-1", "stranger@example.com")
	b := h.visitor()
	b.headers = map[string]string{"X-Forwarded-For": "203.0.113.9"}
	limited := 0
	for range 40 {
		if strings.Contains(b.get("/sign-in/oidc").is(200).text(), "Too many tries from your network") {
			limited++
		}
	}
	if n := f.Asked("/token"); limited < 10 || n+limited != 40 {
		t.Errorf("%d were sent away, and the issuer was asked %d times", limited, n)
	}
	b.headers = map[string]string{"X-Forwarded-For": "198.51.100.1"}
	b.get("/sign-in/oidc").has("Nobody here has the address")
}

func TestWhoIsKeptOutIsSoAtTheIssuerToo(t *testing.T) {
	h, f := newIssuerHouse(t)
	op := h.operator()
	h.somebody(account.Member)
	is(f, "sub-1", "member@example.com")
	b := h.visitor()
	b.get("/sign-in/oidc?to=%2Fme").has("Your account")
	id := h.byEmail("member@example.com").ID
	op.post("/operator/users/"+id+"/disable", url.Values{}).is(200)
	b.signedOut()
	b.get("/sign-in/oidc?to=%2Fme").has("This account is kept out")
	op.post("/operator/users/"+id+"/enable", url.Values{}).is(200)
	b.get("/sign-in/oidc?to=%2Fme").has("Your account")
	op.post("/operator/users/"+id+"/delete", url.Values{}).is(200)
	b.signedOut()
	b.get("/sign-in/oidc").has("Nobody here has the address")
}

func TestAJourneyMayBeginOnOneNodeAndEndOnAnother(t *testing.T) {
	h, f := newIssuerHouse(t)
	h.operator()
	h.somebody(account.Member)
	is(f, "sub-1", "member@example.com")
	const public = "http://127.0.0.1"
	node := func() string {
		s := httptest.NewServer(api.New(api.Config{Relay: h.relay, Accounts: account.New(h.relay.Store, "", account.DefaultCost), PublicURL: public, Log: h.relay.Log, Issuer: asks(f)}))
		t.Cleanup(s.Close)
		return s.URL
	}
	one, two := node(), node()
	b := h.visitor()
	house := *h
	house.server = &httptest.Server{URL: one}
	first := *b
	first.h = &house
	back := first.departed("/sign-in/oidc?to=%2Fme")
	b.elsewhere(two, back).is(200).has("Your account", "member@example.com")
	b.elsewhere(one, "/me").is(200).has("member@example.com")
	b.elsewhere(one, back).has("Your account", "begun in another browser") // and it ends once
}

func TestTheCookieOfAJourneyIsOfThisHostAlone(t *testing.T) {
	h, f := newIssuerHouse(t)
	for public, want := range map[string]string{"http://127.0.0.1:1": "relevo_oidc=", "https://relay.example": "__Host-relevo-oidc="} {
		handler := api.New(api.Config{Relay: h.relay, Accounts: h.accounts, PublicURL: public, Log: h.relay.Log, Issuer: asks(f)})
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest("GET", "/sign-in/oidc?to=%2Fme", nil))
		cookie := rec.Header().Get("Set-Cookie")
		if rec.Code != 303 || !strings.HasPrefix(cookie, want) || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || !strings.Contains(cookie, "Path=/;") || !strings.Contains(cookie, "Max-Age=900") {
			t.Errorf("%s: %d %s", public, rec.Code, cookie)
		}
		to, err := url.Parse(rec.Header().Get("Location"))
		if err != nil || to.Query().Get("redirect_uri") != public+"/sign-in/oidc/callback" || to.Query().Get("scope") != "openid email profile" || to.Query().Get("code_challenge_method") != "S256" {
			t.Errorf("%s: led to %v", public, to)
		}
		if strings.Contains(cookie, "Secure") != strings.HasPrefix(public, "https") || strings.Contains(cookie, to.Query().Get("state")) {
			t.Errorf("%s: %s", public, cookie)
		}
	}
}

func TestWithoutAnIssuerThereIsNoWayToOne(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get("/me").hasNot("/me/oidc")
	v := h.visitor()
	v.get("/sign-in?why=lost").hasNot("oidc").hasNot("another browser")
	token := h.invite("viewer")
	v.get("/join/" + token).hasNot("oidc")
	v.get("/sign-in/oidc").is(404)
	v.get("/sign-in/oidc/callback").is(404)
	v.post("/join/"+token+"/oidc", url.Values{}).is(404)
	b.post("/me/oidc", url.Values{"old": {password}}).is(404)
	b.post("/me/oidc/unlink", url.Values{}).is(404)
}

func TestWhyAJourneyEndedIsSaidInTheirLanguageAndInOurWords(t *testing.T) {
	h, _ := newIssuerHouse(t)
	h.operator()
	b := h.visitor()
	for _, c := range []struct{ language, want string }{{"es", "No inició sesión en Acme ID"}, {"pt-BR", "Você não entrou no Acme ID"}, {"zh-Hans", "您没有在 Acme ID 登录"}} {
		b.language = c.language
		b.get("/sign-in?why=canceled").is(200).has(c.want)
	}
	b.language = "en"
	b.get("/sign-in?why=Call+now").is(200).hasNot("Call now")
	for _, why := range []string{"lost", "too_many", "unreachable", "refused", "nobody", "unverified", "disabled", "other", "operator", "taken", "email_taken", "no_email", "link"} {
		if s := b.get("/sign-in?why=" + why); len(s.all("div", "id", "problem")) != 1 {
			t.Errorf("nothing is said of %s", why)
		}
	}
}
