package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"relevo/relay/guard"
)

func TestAStatusIsAnsweredInWords(t *testing.T) {
	for status, c := range map[int]struct {
		again bool
		says  string
	}{
		201: {false, "answered 201 Created instead of a file"},
		204: {false, "answered 204 No Content instead of a file"},
		304: {false, "answered 304 Not Modified instead of a file"},
		400: {false, "answered 400 Bad Request"},
		401: {false, "not open to everyone"},
		403: {false, "answered 403 Forbidden: the file is not open to everyone"},
		404: {false, "answered 404 Not Found: there is no file at this address"},
		410: {false, "there is no file at this address"},
		418: {false, "answered 418"},
		429: {true, "asked too often"},
		500: {true, "answered 500 Internal Server Error"},
		503: {true, "fault of its own"},
		599: {true, "answered 599:"},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			s := openWith(t, loopback())
			_, err := s.Fetch(t.Context(), request(url+"/s3cret?s3cret", "logo.png"))
			wantFailure(t, s, err, Unreachable, c.again, "127.0.0.1", c.says)
		})
	}
}

func TestABadAddressIsRefusedWithoutACall(t *testing.T) {
	s := openWith(t, loopback())
	for url, says := range map[string]string{
		"":                                  "empty",
		"ftp://127.0.0.1/s3cret":            "neither http:// nor https://",
		"http://ann:s3cret@127.0.0.1/a.png": "user name or a password",
	} {
		_, err := s.Fetch(t.Context(), request(url, "logo.png"))
		wantFailure(t, s, err, Unreachable, false, says)
	}
}

func TestAPrivateAddressIsRefusedAndNotTriedAgain(t *testing.T) {
	url := serve(t, body(png))
	s := openWith(t, guard.Config{})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		_, err := s.Fetch(t.Context(), request(strings.Replace(url, "127.0.0.1", host, 1)+"/s3cret", "logo.png"))
		wantFailure(t, s, err, Unreachable, false, strings.Trim(host, "[]")+" is not a public address", "media.allow")
	}
}

func TestARedirectIsFollowedOrRefusedInWords(t *testing.T) {
	for to, says := range map[string]string{
		"http://127.0.0.2:8080/s3cret":              "127.0.0.1 redirects to 127.0.0.2, which is not a public address",
		"http://169.254.169.254/s3cret":             "127.0.0.1 redirects to 169.254.169.254, which is not a public address",
		"file:///s3cret":                            "no http or https address",
		"ftp://127.0.0.1/s3cret":                    "no http or https address",
		"http://ann:s3cret@127.0.0.1/":              "user name or a password",
		"/again/s3cret":                             "redirects too many times",
		"http://127.0.0.1:1/s3cret/nobody-listens":  "does not accept connections",
		"http://bad host/s3cret":                    "broke",
		"http://93.184.216.34:22/s3cret-no-such-os": "at a port that files are not fetched from",
	} {
		t.Run(to, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusFound)
			})
			s := openWith(t, loopback())
			_, err := s.Fetch(t.Context(), request(url+"/s3cret", "logo.png"))
			wantFailure(t, s, err, Unreachable, strings.Contains(says, "accept"), says)
		})
	}
	t.Run("three are followed", func(t *testing.T) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) < 4 {
				http.Redirect(w, r, r.URL.Path+"a", http.StatusFound)
				return
			}
			_, _ = w.Write([]byte(png))
		})
		s := openWith(t, loopback())
		if _, err := s.Fetch(t.Context(), request(url, "logo.png")); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowHostIsGivenUpAndTriedAgain(t *testing.T) {
	for _, start := range []string{"", png, png + strings.Repeat("x", 2*headBytes)} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if start != "" {
				_, _ = w.Write([]byte(start))
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		})
		g := loopback()
		g.Timeout = 100 * time.Millisecond
		s := openWith(t, g)
		_, err := s.Fetch(t.Context(), request(url+"/s3cret", "logo.png"))
		wantFailure(t, s, err, Unreachable, true, "127.0.0.1 did not send the whole file in time (")
	}
}

func TestACanceledFetchSaysNothingAboutTheFile(t *testing.T) {
	for _, start := range []string{"", png} {
		ctx, cancel := context.WithCancel(t.Context())
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if start != "" {
				_, _ = w.Write([]byte(start))
				_ = http.NewResponseController(w).Flush()
			}
			cancel()
			<-r.Context().Done()
		})
		s := openWith(t, loopback())
		_, err := s.Fetch(ctx, request(url+"/s3cret", "logo.png"))
		if _, ours := errors.AsType[*Error](err); ours || !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want context.Canceled alone", err)
		}
	}
}

func TestAHostThatIsGoneIsTriedAgain(t *testing.T) {
	gone := httptest.NewServer(body(png))
	gone.Close()
	s := openWith(t, loopback())
	_, err := s.Fetch(t.Context(), request(gone.URL+"/s3cret", "logo.png"))
	wantFailure(t, s, err, Unreachable, true, "127.0.0.1 does not accept connections")
}

func TestANameThatLeadsNowhereIsTriedAgain(t *testing.T) {
	for says, lookup := range map[string]*net.DNSError{
		"no-such.example does not exist":                 {Name: "no-such.example", IsNotFound: true},
		"no-such.example could not be looked up":         {Name: "no-such.example", IsTemporary: true},
		"no-such.example did not send the whole file in": {Name: "no-such.example", IsTimeout: true},
	} {
		s := openWith(t, loopback())
		s.client.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: lookup}
		}}
		_, err := s.Fetch(t.Context(), request("http://no-such.example/s3cret", "logo.png"))
		wantFailure(t, s, err, Unreachable, true, says)
	}
}

func TestTLSFaultsAreNamed(t *testing.T) {
	secure := httptest.NewUnstartedServer(body(png))
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	defer secure.Close()
	s := openWith(t, loopback())
	_, err := s.Fetch(t.Context(), request(secure.URL+"/s3cret", "logo.png"))
	wantFailure(t, s, err, Unreachable, false, "certificate of 127.0.0.1")

	_, err = s.Fetch(t.Context(), request(strings.Replace(serve(t, body(png)), "http:", "https:", 1)+"/s3cret", "logo.png"))
	wantFailure(t, s, err, Unreachable, false, "does not speak https")
}

// A full or broken disk is no fault of the file, and must not read like one.
func TestAFaultOfTheDiskIsNotBlamedOnTheFile(t *testing.T) {
	s := openWith(t, loopback())
	if err := s.root.RemoveAll(unfinished); err != nil {
		t.Fatal(err)
	}
	_, err := s.Fetch(t.Context(), request(serve(t, body(png)), "logo.png"))
	if _, ours := errors.AsType[*Error](err); err == nil || ours {
		t.Errorf("got %v", err)
	}
}

func TestSizesAreShownBothWays(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1023: "1,023 bytes", 1024: "1 KiB (1,024 bytes)",
		2 << 20: "2 MiB (2,097,152 bytes)", 3670016: "3.5 MiB (3,670,016 bytes)", 5 << 30: "5 GiB (5,368,709,120 bytes)",
	} {
		if got := SizeText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
