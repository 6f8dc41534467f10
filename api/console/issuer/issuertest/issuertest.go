// Package issuertest is a pretend OpenID Connect provider, for tests: it says
// who somebody is without asking them, and can be told to say it wrong.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The client that every fake knows.
const (
	ClientID     = "relevo"
	ClientSecret = "client-secret-of-tests"
)

// Fake is a provider on loopback. Its methods may be called concurrently.
type Fake struct {
	URL    string
	server *httptest.Server
	key    *ecdsa.PrivateKey

	mu    sync.Mutex
	who   jwt.MapClaims
	edit  func(jwt.MapClaims)
	deny  string
	down  bool
	quiet bool
	codes map[string]grant
	asked map[string]int
}

// grant is what a code is good for, once.
type grant struct {
	challenge, nonce, back string
	who                    jwt.MapClaims
}

// Start runs one until the test ends.
func Start(t testing.TB) *Fake { t.Helper(); return StartAt(t, "127.0.0.1") }

// StartAt runs one under another name of loopback: to a browser, localhost is
// another site than 127.0.0.1.
func StartAt(t testing.TB, host string) *Fake {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &Fake{key: key, codes: map[string]grant{}, asked: map[string]int{}}
	f.server = httptest.NewServer(f.handler())
	f.URL = strings.Replace(f.server.URL, "127.0.0.1", host, 1)
	t.Cleanup(f.server.Close)
	return f
}

// Is says who answers from now on: their subject and claims like "email", true
// for "email_verified".
func (f *Fake) Is(subject string, claims map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.who = jwt.MapClaims{"sub": subject}
	maps.Copy(f.who, claims)
}

// Edit changes every ID token before it is signed; nil changes nothing.
func (f *Fake) Edit(fn func(jwt.MapClaims)) { f.set(func() { f.edit = fn }) }

// Deny comes back with an error of the protocol in place of a code; empty does
// not.
func (f *Fake) Deny(code string) { f.set(func() { f.deny = code }) }

// Down answers everything 503, until it is up again.
func (f *Fake) Down(down bool) { f.set(func() { f.down = down }) }

// Quiet tells of people beside the ID token alone.
func (f *Fake) Quiet() { f.set(func() { f.quiet = true }) }

func (f *Fake) set(fn func()) { f.mu.Lock(); defer f.mu.Unlock(); fn() }

// Asked is how often a path was called.
func (f *Fake) Asked(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

func (f *Fake) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.discovery)
	mux.HandleFunc("GET /keys", f.keys)
	mux.HandleFunc("GET /authorize", f.authorize)
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("GET /userinfo", f.userinfo)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked[r.URL.Path]++
		if f.down {
			http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that went away
}

func (f *Fake) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/userinfo",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		"code_challenge_methods_supported": []string{"S256"},
	})
}

func (f *Fake) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := f.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		answer(w, http.StatusInternalServerError, nil)
		return
	}
	b64 := base64.RawURLEncoding.EncodeToString
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one", "x": b64(point[1:33]), "y": b64(point[33:])}}})
}

// authorize comes back at once, as where somebody is signed in already.
func (f *Fake) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) < 43 || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "this request is not as the protocol has it", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {f.URL}}
	if f.deny != "" {
		back.Set("error", f.deny)
	} else {
		code := rand.Text()
		f.codes[code] = grant{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), back: q.Get("redirect_uri"), who: maps.Clone(f.who)}
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := f.codes[r.PostFormValue("code")]
	delete(f.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.back != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	c := jwt.MapClaims{"iss": f.URL, "aud": ClientID, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for name, v := range g.who {
		if name == "sub" || !f.quiet {
			c[name] = v
		}
	}
	if f.edit != nil {
		f.edit(c)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	t.Header["kid"] = "one"
	signed, err := t.SignedString(f.key)
	if err != nil {
		answer(w, http.StatusInternalServerError, nil)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": signed})
}

func (f *Fake) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer access" {
		answer(w, http.StatusUnauthorized, nil)
		return
	}
	answer(w, http.StatusOK, f.who)
}
