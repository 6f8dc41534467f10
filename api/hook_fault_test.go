package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relevo/relay"
)

// store is a store with a fault.
type store struct {
	relay.Store
	full bool
	err  error
}

func (s store) Free() int64 {
	if s.full {
		return -1
	}
	return s.Store.Free()
}

func (s store) Update(ctx context.Context, fn func(relay.Tx) error) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Update(ctx, fn)
}

func TestAFullDiskTakesNothingButStillSaysWhatIsWrongWithACall(t *testing.T) {
	h := build(t, 5)
	h.relay.Store = store{Store: h.relay.Store, full: true}
	h.refused(h.post(hello), 507, relay.CodeDiskFull)
	h.refused(h.post(`{`), 400, relay.CodeInvalidJSON)
	if got := h.attempts(); len(got) != 0 {
		t.Errorf("attempts were written: %+v", got)
	}
}

func TestAStoreInDoubtAnswers503AndAFaultOfTheCallerStays400(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   relay.Code
	}{
		{relay.ErrInDoubt, 503, relay.CodeUnavailable},
		{relay.ErrClosed, 503, relay.CodeUnavailable},
		{context.Canceled, 503, relay.CodeUnavailable},
		{relay.ErrDiskFull, 507, relay.CodeDiskFull},
		{errors.New("secret +14151231234"), 500, relay.CodeInternal},
	} {
		h := build(t, 5)
		h.relay.Store = store{Store: h.relay.Store, err: c.err}
		rec := h.post(hello)
		h.refused(rec, c.status, c.code)
		if got := rec.Header().Get("Retry-After"); (c.status == 503) != (got == "5") {
			t.Errorf("%v: Retry-After is %q", c.err, got)
		}
		if strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("the cause was shown: %s", rec.Body)
		}
		h.refused(h.post(`{`), 400, relay.CodeInvalidJSON)
	}
}

func TestADrainingServerTakesNoCall(t *testing.T) {
	h := build(t, 5, func(c *Config) { c.Draining = func() bool { return true } })
	rec := h.post(hello)
	h.refused(rec, 503, relay.CodeUnavailable)
	if rec.Header().Get("Retry-After") != "5" {
		t.Error("no Retry-After")
	}
	if rec := h.call("GET", "/hook/"+h.token, nil); rec.Code != 405 {
		t.Errorf("the method comes first: got %d", rec.Code)
	}
	if rec := h.call("GET", "/readyz", nil); rec.Code != 503 {
		t.Errorf("ready while draining: %d", rec.Code)
	}
	if rec := h.call("GET", "/healthz", nil); rec.Code != 200 {
		t.Errorf("unhealthy while draining: %d", rec.Code)
	}
}

func TestNothingACallerSendsMakesA5xx(t *testing.T) {
	h := build(t, 5)
	bodies := []string{"", "null", "[]", "\x00", "\xff\xfe", "{", `{"action":`, strings.Repeat("[", 70_000), strings.Repeat(`{"a":`, 10_000),
		`{"action":"send","phone":1e400,"text":1}`, "action=send&text=x", string(bytes.Repeat([]byte{0xC0}, 500)), `{"action":"send","chat_id":99999999999999999999,"text":"x"}`,
		`{"action":"send","phone":"+14151231234","text":"x","send_at":"9999-99-99"}`}
	for _, body := range bodies {
		for _, headers := range [][]string{nil, {"Content-Type", "\x01"}, {"Idempotency-Key", "\xff"}, {"X-Request-Id", "a b"}, {"User-Agent", "\xff\xfe" + strings.Repeat("x", 9000)}} {
			if rec := h.post(body, headers...); rec.Code < 400 || rec.Code > 499 {
				t.Errorf("%.40q %q: got %d %s", body, headers, rec.Code, rec.Body)
			}
		}
	}
	for _, query := range []string{"?%zz", "?idempotency_key=%zz", "?idempotency_key=" + strings.Repeat("x", 300), "?;key"} {
		req := httptest.NewRequest(http.MethodPost, "/hook/"+h.token, strings.NewReader(hello))
		req.URL.RawQuery = query[1:]
		rec := httptest.NewRecorder()
		h.handler.ServeHTTP(rec, req)
		if rec.Code >= 500 {
			t.Errorf("%q: got %d %s", query, rec.Code, rec.Body)
		}
	}
}

func TestACallerThatClosesItsSendingHalfIsHeard(t *testing.T) {
	h := build(t, 20)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	for range 10 {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "POST /hook/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", h.token, len(hello), hello)
		conn.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

// counting is a store that counts how often it is looked into.
type counting struct {
	relay.Store
	views atomic.Int64
}

func (s *counting) View(ctx context.Context, fn func(relay.Tx) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, fn)
}

func (s *counting) Tokens(ctx context.Context, fn func(relay.TokenHash)) error {
	s.views.Add(1)
	return s.Store.Tokens(ctx, fn)
}
