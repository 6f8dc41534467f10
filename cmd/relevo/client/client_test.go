package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func newClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(srv.URL+"/", "rlvk_key")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACallCarriesKeyQueryAndBody(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Content-Type") + " " + string(body)
		if want := `POST /api/v1/x%2Fy?limit=2 Bearer rlvk_key application/json {"units":5}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		io.WriteString(w, `{"id":"1"}`)
	})
	a, err := c.Do(t.Context(), Call{Method: "POST", Path: "/api/v1/x%2Fy", Query: map[string][]string{"limit": {"2"}}, Body: map[string]int{"units": 5}})
	if err != nil || string(a.Body) != `{"id":"1"}` {
		t.Errorf("got %s, %v", a.Body, err)
	}
}

func TestARefusalReadsWell(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   string
		want   string
	}{
		{"problem", 404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such channel.","code":"not_found"}`, "not_found", "There is no such channel."},
		{"fields", 400, `{"title":"Bad Request","detail":"Two fields are wrong.","code":"invalid_field","errors":[{"field":"phone","message":"phone is no number.","hint":"Write + and digits."}]}`, "invalid_field",
			"Two fields are wrong.\n  phone: phone is no number.\n  Write + and digits."},
		{"a hint that is in the sentence", 400, `{"status":400,"data":{},"message":"\"phone\" is no number. Write + and digits.","error_code":"invalid_phone","errors":[{"field":"phone","message":"\"phone\" is no number.","hint":"Write + and digits."}]}`, "invalid_phone",
			`"phone" is no number. Write + and digits.`},
		{"two faults with one hint", 400, `{"detail":"There are no fields a, b.","code":"invalid_field","errors":[{"field":"a","message":"There is no field a.","hint":"Known here: name."},{"field":"b","message":"There is no field b.","hint":"Known here: name."}]}`, "invalid_field",
			"There are no fields a, b.\n  a: There is no field a.\n  Known here: name.\n  b: There is no field b."},
		{"a field that is the sentence", 400, `{"detail":"phone is no number.","code":"invalid_field","errors":[{"field":"phone","message":"phone is no number."}]}`, "invalid_field", "phone is no number."},
		{"the hook", 402, `{"status":402,"data":{},"message":"The quota is used up: this needs 1 unit and 0 are left.","error_code":"quota_exhausted"}`, "quota_exhausted", "The quota is used up: this needs 1 unit and 0 are left."},
		{"title alone", 409, `{"title":"Conflict","code":"conflict"}`, "conflict", "Conflict"},
		{"a wrong key", 401, `{"detail":"This key is not known.","code":"unauthorized"}`, "unauthorized", "This key is not known.\nGive the key with --key or RELEVO_KEY."},
		{"a fault", 500, `{"detail":"Something went wrong.","code":"internal","request_id":"r1"}`, "internal", "Something went wrong.\nThe server's log has more under request r1."},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			_, err := cl.Do(t.Context(), Call{Method: "GET", Path: "/"})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Status != c.status || e.Code != c.code || e.Error() != c.want || string(e.Body) != c.body {
				t.Errorf("got %d %s %q\nwant %d %s %q", e.Status, e.Code, e, c.status, c.code, c.want)
			}
		})
	}
}

func TestSomethingElseThanRelevoIsSaidToBe(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
	_, err := c.Do(t.Context(), Call{Method: "GET", Path: "/"})
	if want := c.Base() + " answered 502 Bad Gateway, and not in Relevo's form. Is --url right?"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var calls int
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "https://elsewhere.example/secret", http.StatusTemporaryRedirect)
	})
	_, err := c.Do(t.Context(), Call{Method: "POST", Path: "/hook/rlv_token", Body: 1})
	if want := c.Base() + " sends callers on to https://elsewhere.example. Give that address with --url."; err == nil || err.Error() != want || calls != 1 {
		t.Errorf("got %v after %d calls, want %s", err, calls, want)
	}
}

func TestNobodyThereIsSaidSo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + ln.Addr().String()
	ln.Close()
	c, _ := New(base, "")
	_, err = c.Do(t.Context(), Call{Method: "POST", Path: "/hook/rlv_token"})
	if want := "Nothing answers at " + base + ". Is `relevo serve` running?"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	var u *Unreachable
	if !errors.As(err, &u) || !u.Refused {
		t.Errorf("got %#v, want Unreachable with Refused", err)
	}
}

func TestSilenceEndsAndDoesNotShowTheToken(t *testing.T) {
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).WithTimeout(20 * time.Millisecond)
	for name, call := range map[string]func() error{
		"do":       func() error { _, err := c.Do(t.Context(), Call{Method: "GET", Path: "/hook/rlv_token"}); return err },
		"download": func() error { return c.Download(t.Context(), Call{Method: "GET", Path: "/hook/rlv_token"}, io.Discard) },
	} {
		err := call()
		if err == nil || !strings.Contains(err.Error(), "did not answer within 20ms") || strings.Contains(err.Error(), "rlv_token") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestABrokenAnswerIsNoAnswer(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	_, err := c.Do(t.Context(), Call{Method: "POST", Path: "/hook/rlv_token"})
	if err == nil || !strings.Contains(err.Error(), "Whether it was taken is not known.") || strings.Contains(err.Error(), "rlv_token") {
		t.Errorf("got %v", err)
	}
}

func TestHTTPSToAnHTTPServerNamesTheMistake(t *testing.T) {
	c := newClient(t, func(http.ResponseWriter, *http.Request) {})
	c, _ = New(strings.Replace(c.Base(), "http://", "https://", 1), "")
	_, err := c.Do(t.Context(), Call{Method: "GET", Path: "/"})
	if err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptedCallIsCanceled(t *testing.T) {
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, Call{Method: "GET", Path: "/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADownloadIsCopiedAsItComes(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "id,at\r\n1,2\r\n") })
	var b strings.Builder
	if err := c.Download(t.Context(), Call{Method: "GET", Path: "/"}, &b); err != nil || b.String() != "id,at\r\n1,2\r\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestADownloadThatBreaksOffIsAnError(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	})
	if err := c.Download(t.Context(), Call{Method: "GET", Path: "/"}, io.Discard); err == nil {
		t.Error("half a download passed for a whole one")
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "://"} {
		if _, err := New(base, ""); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}
