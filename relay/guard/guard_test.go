package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// one is the address that tests allow; the rest of loopback stays blocked.
const one = "127.0.0.1/32"

func allowing(prefixes ...string) Config {
	var c Config
	for _, p := range prefixes {
		c.Allow = append(c.Allow, netip.MustParsePrefix(p))
	}
	return c
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

// wantBlocked checks the rule, and that neither text tells the path.
func wantBlocked(t *testing.T, err error, want Rule) *BlockedError {
	t.Helper()
	b, ok := errors.AsType[*BlockedError](err)
	if !ok || b.Rule != want {
		t.Fatalf("got %v, want %q", err, want)
	}
	for _, text := range []string{b.Error(), Cause(err).Error()} {
		if strings.Contains(text, "secret") {
			t.Errorf("the error tells path or query: %s", text)
		}
	}
	return b
}

// serve runs h on 127.0.0.1 and counts its calls.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &calls
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

func TestLoopbackIsRefusedBeforeAByteLeaves(t *testing.T) {
	s, calls := serve(t, ok)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := get(t, New(Config{}), "http://"+host+port+"/secret?secret")
		if err == nil {
			t.Fatalf("%s was reached", host)
		}
		wantBlocked(t, err, NotPublic)
	}
	if calls.Load() != 0 {
		t.Errorf("the server saw %d calls", calls.Load())
	}
}

func TestAnAllowedAddressIsReached(t *testing.T) {
	s, calls := serve(t, ok)
	resp, err := get(t, New(allowing(one)), s.URL)
	if err != nil || resp.StatusCode != 200 || calls.Load() != 1 {
		t.Fatalf("got %v, %v after %d calls", resp, err, calls.Load())
	}
}

func TestARedirectToAPrivateAddressIsRefused(t *testing.T) {
	inner, calls := serve(t, ok)
	port := inner.URL[strings.LastIndex(inner.URL, ":"):]
	for _, to := range []string{
		"http://127.0.0.2" + port + "/secret", "http://[::1]" + port + "/secret",
		"http://10.0.0.1/secret", "http://169.254.169.254/latest/secret",
	} {
		s, _ := serve(t, http.RedirectHandler(to, http.StatusFound).ServeHTTP)
		_, err := get(t, New(allowing(one)), s.URL+"/secret")
		b := wantBlocked(t, err, NotPublic)
		if !b.Addr.IsValid() || b.Host == "127.0.0.1" {
			t.Errorf("got %+v, want the host and address of the redirect", b)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("the inner server saw %d calls", calls.Load())
	}
}

func TestARedirectIsCheckedLikeTheFirstAddress(t *testing.T) {
	for to, want := range map[string]Rule{
		"file:///etc/secret":            Scheme,
		"ftp://127.0.0.1/secret":        Scheme,
		"gopher://127.0.0.1/secret":     Scheme,
		"http://ann:secret@127.0.0.1/":  Credentials,
		"http://127.0.0.1:99999/secret": Host,
	} {
		s, calls := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		_, err := get(t, New(allowing(one)), s.URL+"/secret")
		wantBlocked(t, err, want)
		if calls.Load() != 1 {
			t.Errorf("%s: %d calls", to, calls.Load())
		}
	}
}

func TestCredentialsInTheFirstAddressAreRefused(t *testing.T) {
	s, calls := serve(t, ok)
	_, err := get(t, New(allowing(one)), strings.Replace(s.URL, "//", "//ann:secret@", 1))
	wantBlocked(t, err, Credentials)
	if calls.Load() != 0 {
		t.Error("the credentials were sent")
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	for _, c := range []struct {
		limit, hops int
		follows     bool
	}{
		{0, 3, true}, {0, 4, false}, {1, 1, true}, {1, 2, false}, {-1, 0, true}, {-1, 1, false},
	} {
		var left atomic.Int64
		left.Store(int64(c.hops))
		s, calls := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n := left.Add(-1); n >= 0 {
				http.Redirect(w, r, fmt.Sprintf("/secret/%d", n), http.StatusFound)
			}
		})
		cfg := allowing(one)
		cfg.MaxRedirects = c.limit
		_, err := get(t, New(cfg), s.URL)
		if c.follows {
			if err != nil || calls.Load() != int64(c.hops+1) {
				t.Errorf("%+v: got %v after %d calls", c, err, calls.Load())
			}
			continue
		}
		wantBlocked(t, err, TooManyRedirects)
	}
}

func TestADowngradeFromHTTPSIsRefusedAndAnUpgradeIsNot(t *testing.T) {
	plain, calls := serve(t, ok)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			http.Redirect(w, r, plain.URL, http.StatusFound)
		}
	}))
	defer secure.Close()
	up, _ := serve(t, http.RedirectHandler(secure.URL+"/end", http.StatusFound).ServeHTTP)

	c := New(allowing(one))
	c.Transport.(*door).next.(*http.Transport).TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
	_, err := get(t, c, secure.URL+"/down")
	wantBlocked(t, err, Downgrade)
	if calls.Load() != 0 {
		t.Error("the plain server was reached")
	}
	if _, err := get(t, c, up.URL); err != nil {
		t.Errorf("http to https: %v", err)
	}
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of us
	s.StartTLS()
	defer s.Close()
	_, err := get(t, New(allowing(one)), s.URL+"/secret")
	if err == nil || !strings.Contains(Cause(err).Error(), "certificate") {
		t.Errorf("got %v, want a certificate error", err)
	}
}

func TestARequestCarriesNothingOfItsOwn(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	seen := make(chan http.Header, 2)
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		if r.URL.Path == "/secret" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	cfg := allowing(one)
	cfg.UserAgent = "Test/1"
	if _, err := get(t, New(cfg), s.URL+"/secret"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h := <-seen
		if h.Get("User-Agent") != "Test/1" || h.Get("Connection") != "close" {
			t.Errorf("got %v", h)
		}
		for _, name := range []string{"Referer", "Cookie", "Authorization", "Accept-Encoding"} {
			if h.Get(name) != "" {
				t.Errorf("%s: %s", name, h.Get(name))
			}
		}
	}
}

func TestHeadersWithoutEndAreRefused(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("a", 2*maxHeaderBytes))
	})
	if _, err := get(t, New(allowing(one)), s.URL); err == nil {
		t.Error("headers above the bound were read")
	}
}

func TestTheTimeoutCoversTheBody(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("a"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	cfg := allowing(one)
	cfg.Timeout = 100 * time.Millisecond
	resp, err := get(t, New(cfg), s.URL+"/secret")
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for err == nil {
		_, err = resp.Body.Read(buf)
	}
	if got := Cause(err); got != context.DeadlineExceeded {
		t.Errorf("got %v, want a deadline", got)
	}
}

// A name that is public at the first look-up and private at the second is
// stopped at the second: each connection is judged by its own address.
func TestANameThatMovesToAPrivateAddressIsRefused(t *testing.T) {
	s, calls := serve(t, ok)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	c := newClient(allowing(one), &net.Dialer{Resolver: nameServer(t, "127.0.0.1", "127.0.0.2")})

	if _, err := get(t, c, "http://moves.example"+port); err != nil {
		t.Fatalf("the first look-up: %v", err)
	}
	_, err := get(t, c, "http://moves.example"+port+"/secret")
	b := wantBlocked(t, err, NotPublic)
	if b.Host != "moves.example" || b.Addr.Addr().String() != "127.0.0.2" {
		t.Errorf("got %+v", b)
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
}

func TestCauseHidesTheURL(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://bad host/secret")
		w.WriteHeader(http.StatusFound)
	})
	gone, _ := serve(t, ok)
	gone.Close()
	mute := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	c := newClient(allowing(one), &net.Dialer{Resolver: mute})
	for _, url := range []string{s.URL + "/secret", gone.URL + "/secret", "http://no-such-name.invalid/secret"} {
		_, err := get(t, c, url)
		if err == nil || !strings.Contains(err.Error(), "secret") {
			t.Fatalf("got %v, want an error that tells the path", err)
		}
		if cause := Cause(err); strings.Contains(cause.Error(), "secret") {
			t.Errorf("Cause tells the path: %v", cause)
		}
	}
}
