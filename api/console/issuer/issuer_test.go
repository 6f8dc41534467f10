package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const at = "https://id.example/realms/main"

// document is a discovery document; each pair takes the place of a member.
func document(replaced ...string) string {
	doc := map[string]string{"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/keys"}
	for i := 0; i < len(replaced); i += 2 {
		doc[replaced[i]] = replaced[i+1]
	}
	var b bytes.Buffer
	for name, v := range doc {
		fmt.Fprintf(&b, "%q:%q,", name, v)
	}
	return "{" + b.String() + `"token_endpoint_auth_methods_supported":["client_secret_post"]}`
}

// wire answers without a network.
type wire func(*http.Request) (int, string)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := w(r)
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}, "Location": {at + "/elsewhere"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func testIssuer(w wire) *Issuer {
	return with(Config{URL: at, ClientID: "relevo", ClientSecret: "hush-hush", Scopes: []string{"openid"}}, w)
}

func TestAnIssuerThatIsDownIsAskedOncePerPauseHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		up := false
		i := testIssuer(func(*http.Request) (int, string) {
			asked.Add(1)
			time.Sleep(3 * time.Second)
			if up {
				return 200, document()
			}
			return 0, ""
		})
		crowd := func(want error) {
			t.Helper()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if _, err := i.Address(t.Context(), "https://r.example/back", NewQuestion()); !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				})
			}
			all.Wait()
		}
		crowd(ErrUnreachable)
		crowd(ErrUnreachable)
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times at first", n)
		}
		time.Sleep(discoveryPause)
		up = true
		crowd(nil)
		if n := asked.Load(); n != 2 {
			t.Errorf("asked %d times after the pause", n)
		}
		time.Sleep(discoveryLife)
		up = false
		crowd(nil) // what was known yesterday is better than nothing
		if n := asked.Load(); n != 3 {
			t.Errorf("asked %d times on the next day", n)
		}
	})
}

func TestAVisitorWhoGoesAwayFailsTheDiscoveryForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := testIssuer(func(*http.Request) (int, string) { time.Sleep(time.Second); return 200, document() })
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, _ = i.Address(gone, "https://r.example/back", NewQuestion())
		if _, err := i.Address(t.Context(), "https://r.example/back", NewQuestion()); err != nil {
			t.Error(err)
		}
	})
}

func TestADiscoveryDocumentIsRefusedForWhatItSays(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"a slash too many", 200, document("issuer", at+"/"), `it calls itself "` + at + `/"; write that as oidc.issuer`},
		{"another issuer", 200, document("issuer", "https://evil.example"), "it calls itself"},
		{"codes in the open", 200, document("token_endpoint", "http://id.example/token"), "its token_endpoint is no address that begins with https"},
		{"a script", 200, document("authorization_endpoint", "javascript:alert(1)"), "its authorization_endpoint is no address"},
		{"no keys", 200, document("jwks_uri", ""), "its jwks_uri is no address"},
		{"a redirect", 302, "", "302"},
		{"a page", 200, "<html>" + strings.Repeat("x", 5000), "cannot be reached"},
		{"without end", 200, `{"issuer":"` + strings.Repeat("x", maxBody) + `"}`, "more than 1 MiB"},
	} {
		asked := 0
		i := testIssuer(func(*http.Request) (int, string) { asked++; return c.status, c.body })
		_, err := i.Address(t.Context(), "https://r.example/back", NewQuestion())
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 || asked != 1 {
			t.Errorf("%s: asked %d times: %v", c.name, asked, err)
		}
	}
}

func TestWhatTheTokenEndpointSaysIsNotInTheError(t *testing.T) {
	const code = "code-that-nobody-may-see"
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   error
		says   string
	}{
		{"a used code", 400, `{"error":"invalid_grant","error_description":"` + code + `"}`, ErrRefused, "invalid_grant"},
		{"an error of their own", 400, `{"error":"` + code + `"}`, ErrRefused, "says other"},
		{"a page", 502, "<p>" + code, ErrUnreachable, "502"},
		{"no JSON", 200, code, ErrRefused, "cannot be read"},
		{"no ID token", 200, `{"access_token":"` + code + `","token_type":"Bearer"}`, ErrRefused, "openid"},
		{"no JWT", 200, `{"access_token":"` + code + `","token_type":"Bearer","id_token":"` + code + `"}`, ErrRefused, "malformed jwt"},
		{"no signature", 200, `{"access_token":"x","token_type":"Bearer","id_token":"eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."}`, ErrRefused, "malformed jwt"},
		{"a signature with the secret", 200, `{"access_token":"x","token_type":"Bearer","id_token":"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"}`, ErrRefused, "malformed jwt"},
		{"a redirect", 307, "", ErrRefused, "says other"},
		{"nobody", 0, "", ErrUnreachable, "connection refused"},
	} {
		posts := 0
		i := testIssuer(func(r *http.Request) (int, string) {
			if r.Method != http.MethodPost {
				return 200, document()
			}
			posts++
			return c.status, c.body
		})
		_, err := i.Person(t.Context(), "https://r.example/back", NewQuestion(), code)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.says)
		}
		if strings.Contains(err.Error(), code) || strings.Contains(err.Error(), "hush") || posts != 1 {
			t.Errorf("%s: posted %d times: %v", c.name, posts, err)
		}
	}
}

func TestTheSecretIsGivenAsTheProviderSays(t *testing.T) {
	for _, c := range []struct {
		secret, methods   string
		inHeader, inParam bool
	}{
		{"hush", `["client_secret_post"]`, false, true},
		{"hush", `["client_secret_post","client_secret_basic"]`, true, false},
		{"hush", `[]`, true, false},
		{"", `["none"]`, false, false},
	} {
		var got *http.Request
		i := with(Config{URL: at, ClientID: "relevo", ClientSecret: c.secret}, wire(func(r *http.Request) (int, string) {
			if r.Method != http.MethodPost {
				return 200, strings.Replace(document(), `["client_secret_post"]`, c.methods, 1)
			}
			_ = r.ParseForm()
			got = r
			return 400, `{"error":"invalid_grant"}`
		}))
		_, _ = i.Person(t.Context(), "https://r.example/back", NewQuestion(), "code")
		_, secret, basic := got.BasicAuth()
		if basic != c.inHeader || basic && secret != c.secret || (got.PostForm.Get("client_secret") != "") != c.inParam || got.PostForm.Get("code_verifier") == "" {
			t.Errorf("%s with %q: header %v, form %v", c.methods, c.secret, got.Header, got.PostForm)
		}
	}
}

func TestAnIssuerWithoutANameIsCalledByItsHost(t *testing.T) {
	for url, want := range map[string]string{at: "id.example", "https://id.example:8443/": "id.example:8443"} {
		if i := New(Config{URL: url}); i.Name != want {
			t.Errorf("%s is called %q", url, i.Name)
		}
	}
}
