package outbound_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"relevo/relay"
	"relevo/relay/outbound"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

const (
	first  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	second = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// receive answers with h, and returns what was posted there last.
func receive(t *testing.T, h http.HandlerFunc) (url string, last func() (*http.Request, string)) {
	t.Helper()
	got := make(chan *http.Request, 8)
	bodies := make(chan string, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r
		bodies <- string(b)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/events?k=secret-in-url", func() (*http.Request, string) { return <-got, <-bodies }
}

func posting(url string, secrets ...string) relay.Posting {
	return relay.Posting{URL: url, ID: "evt_0198f0a1b2c3d4e5f6", Body: `{"type":"message.sent","data":{"text":"<é>"}}`, Secrets: secrets}
}

func TestAPostIsSignedByEachSecret(t *testing.T) {
	url, last := receive(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") })
	p := posting(url, first, second)
	got := outbound.New(loopback).Post(t.Context(), p)
	if got.Problem != "" || got.Status != 200 || got.Answer != "thanks" || got.Took <= 0 {
		t.Errorf("got %+v", got)
	}
	r, body := last()
	if r.Method != http.MethodPost || body != p.Body || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("webhook-id") != p.ID {
		t.Errorf("%s %v %s", r.Method, r.Header, body)
	}
	for _, secret := range p.Secrets {
		w, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Verify([]byte(body), r.Header); err != nil {
			t.Errorf("verify with %s: %v", secret, err)
		}
		if err := w.Verify([]byte(body+" "), r.Header); err == nil {
			t.Error("another body is verified too")
		}
	}
	other, err := standardwebhooks.NewWebhook(relay.NewEventSecret())
	if err != nil {
		t.Fatal(err)
	}
	if other.Verify([]byte(body), r.Header) == nil {
		t.Error("a foreign secret verifies it")
	}
	if n := len(strings.Fields(r.Header.Get("webhook-signature"))); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestASecretOfOursHasTheFormOfTheStandard(t *testing.T) {
	secret, other := relay.NewEventSecret(), relay.NewEventSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 || secret == other {
		t.Errorf("%d bytes (%v)", len(key), err)
	}
}

func TestWhatIsNotTakenIsToldInWords(t *testing.T) {
	away, _ := receive(t, func(w http.ResponseWriter, _ *http.Request) {})
	answers := map[string]struct {
		h      http.HandlerFunc
		status int
		words  string
		after  time.Duration
	}{
		"error":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) }, 500, "answered 500 (Internal Server Error)", 0},
		"own status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, 599, "answered 599;", 0},
		"redirect":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away, http.StatusTemporaryRedirect) }, 307, "sends on to http://127.0.0.1. Redirects are not followed", 0},
		"found":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away, http.StatusFound) }, 302, "sends on to http://127.0.0.1.", 0},
		"nowhere":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, 304, "Redirects are not followed", 0},
		"busy":        {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "90"); w.WriteHeader(429) }, 429, "429", 90 * time.Second},
		"never again": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "-5"); w.WriteHeader(503) }, 503, "503", 0},
		"hung up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "hung up", 0},
	}
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			url, _ := receive(t, c.h)
			got := outbound.New(loopback).Post(t.Context(), posting(url, first))
			if got.Status != c.status || !strings.Contains(got.Problem, c.words) || got.After != c.after {
				t.Errorf("got %+v, want %d, %q, after %s", got, c.status, c.words, c.after)
			}
			if strings.Contains(got.Problem, "secret-in-url") {
				t.Errorf("the address is told: %s", got.Problem)
			}
		})
	}
	for name, url := range map[string]string{"could not be reached": "http://127.0.0.1:1/x", "is not known": "https://no.such.host.invalid/x"} {
		if got := outbound.New(loopback).Post(t.Context(), posting(url, first)); got.Status != 0 || !strings.Contains(got.Problem, name) {
			t.Errorf("%s: got %+v", url, got)
		}
	}
}

func TestAPrivateAddressIsNotCalled(t *testing.T) {
	url, _ := receive(t, func(http.ResponseWriter, *http.Request) { t.Error("it was called") })
	if got := outbound.New(nil).Post(t.Context(), posting(url, first)); got.Status != 0 || !strings.Contains(got.Problem, "not a public one") {
		t.Errorf("got %+v", got)
	}
}

func TestAnAnswerIsKeptShortAndReadable(t *testing.T) {
	url, _ := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "a\x00b\xff\x1b[31m"+strings.Repeat("é", 1<<20))
	})
	got := outbound.New(loopback).Post(t.Context(), posting(url, first))
	if got.Problem != "" || len(got.Answer) > 1024 || !strings.HasPrefix(got.Answer, "ab[31mé") || strings.ContainsAny(got.Answer, "\x00\x1b\uFFFD") {
		t.Errorf("kept %d bytes: %.30q (%s)", len(got.Answer), got.Answer, got.Problem)
	}
}

func TestAnEndlessReceiverIsGivenUp(t *testing.T) {
	url, _ := receive(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // in place of the 15 seconds
	defer cancel()
	if got := outbound.New(loopback).Post(ctx, posting(url, first)); !strings.Contains(got.Problem, "did not answer within 15 seconds") {
		t.Errorf("got %+v", got)
	}
}

func TestAnAddressIsCheckedBeforeItIsKept(t *testing.T) {
	for raw, want := range map[string]string{
		"https://hooks.example.com/a?b=c":      "https://hooks.example.com/a?b=c",
		" https://hooks.example.com ":          "https://hooks.example.com",
		"http://127.0.0.1:8080/x":              "http://127.0.0.1:8080/x",
		"http://[::1]:8080/x":                  "http://[::1]:8080/x",
		"http://localhost:8080/x":              "http://localhost:8080/x",
		"":                                     "",
		"hooks.example.com":                    "",
		"ftp://hooks.example.com":              "",
		"http://93.184.215.14/x":               "",
		"http://127.0.0.1.nip.invalid/":        "",
		"https://user:pw@example.com/":         "",
		"https://example.com/#part":            "",
		"https://example.com:99999/":           "",
		"https:///x":                           "",
		"https://" + strings.Repeat("a", 3000): "",
	} {
		got, err := outbound.New(loopback).CheckURL(t.Context(), raw)
		var refusal *relay.Error
		if got != want || (err != nil) != (want == "") || err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.60q: got %q (%v), want %q", raw, got, err, want)
		}
		if refusal != nil && (len(refusal.Fields) != 1 || refusal.Fields[0].Field != "url" || strings.Contains(refusal.Message, "pw")) {
			t.Errorf("%.60q: refused by %+v", raw, refusal)
		}
	}
	if _, err := outbound.New(nil).CheckURL(t.Context(), "http://127.0.0.1/x"); err == nil {
		t.Error("http is taken where nothing is allowed")
	}
}
