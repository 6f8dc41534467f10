package wire

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relevo/relay"
)

func post(t *testing.T, url string) (Result, *relay.SendError) {
	t.Helper()
	req, err := NewJSON(t.Context(), http.MethodPost, url, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	r, err := Do(ctx, NewClient(), req)
	var e *relay.SendError
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("the error is a %T", err)
	}
	return r, e
}

func TestWhatWentWrongSaysWhetherAnythingWentOut(t *testing.T) {
	var calls atomic.Int64 // the server answers nothing that would order its writes before our reads
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer cut.Close()
	if _, e := post(t, cut.URL+"?key=secret"); e == nil || e.Verdict != relay.Unsure || calls.Load() != 1 || strings.Contains(e.Err.Error(), "secret") {
		t.Errorf("a connection that was cut: %v after %d calls", e, calls.Load())
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	if _, e := post(t, closed.URL+"?key=secret"); e == nil || e.Verdict != relay.Deferred || strings.Contains(e.Err.Error(), "secret") {
		t.Errorf("nobody listens: %+v", e)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // something that is no TLS
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("hello\n"))
			conn.Close()
		}
	}()
	if _, e := post(t, "https://"+l.Addr().String()); e == nil || e.Verdict != relay.Deferred {
		t.Errorf("no TLS: %+v", e)
	}
}

func TestAnAnswerIsReadOnceAndARedirectIsNotFollowed(t *testing.T) {
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		switch r.URL.Path {
		case "/long":
			w.Write(make([]byte, MaxAnswer+1))
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		default:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer s.Close()
	if _, e := post(t, s.URL+"/long"); e == nil || e.Verdict != relay.Unsure {
		t.Errorf("an endless answer: %+v", e)
	}
	if r, e := post(t, s.URL+"/moved"); e != nil || r.Status != http.StatusTemporaryRedirect || ByStatus(r, false).Verdict != relay.Unsure {
		t.Errorf("a redirect: %+v, %+v", r, e)
	}
	if r, e := post(t, s.URL+"/busy"); e != nil || ByStatus(r, true).Verdict != relay.Deferred || ByStatus(r, true).After != 7*time.Second {
		t.Errorf("busy: %+v, %+v", r, e)
	}
	if len(paths) != 3 {
		t.Errorf("calls of %v", paths)
	}
}

func TestAStatusWithoutARowHasAVerdict(t *testing.T) {
	for _, c := range []struct {
		status int
		parsed bool
		want   relay.Verdict
	}{
		{400, true, relay.Refused}, {400, false, relay.Unsure}, {404, true, relay.Refused}, {401, false, relay.ChannelFault}, {403, true, relay.ChannelFault},
		{408, true, relay.Unsure}, {409, true, relay.Unsure}, {429, false, relay.Deferred}, {500, true, relay.Unsure}, {502, false, relay.Unsure}, {200, true, relay.Unsure}, {302, false, relay.Unsure},
	} {
		e := ByStatus(Result{Status: c.status}, c.parsed)
		if e.Verdict != c.want || e.Reason == "" || e.Verdict != relay.Unsure && e.Code == "" {
			t.Errorf("%d, parsed %v: %+v, want %s", c.status, c.parsed, e, c.want)
		}
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	for v, want := range map[string]time.Duration{"5": 5 * time.Second, "": 0, "-1": 0, "x": 0, "999999999": maxAfter, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0} {
		if got := RetryAfter(http.Header{"Retry-After": {v}}); got != want {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
}

func TestAPreparatoryCallIsNeverUnsure(t *testing.T) {
	for _, v := range []relay.Verdict{relay.Unsure, relay.Refused, relay.Deferred, relay.ChannelFault} {
		err := Prepared(&relay.SendError{Verdict: v})
		var e *relay.SendError
		if !errors.As(err, &e) || e.Verdict == relay.Unsure || v != relay.Unsure && e.Verdict != v {
			t.Errorf("%s becomes %v", v, err)
		}
	}
}

func TestASecretIsShownByItsEnd(t *testing.T) {
	for in, want := range map[string]string{"": "", "short": "•••••", "a long secret value": "••••alue"} {
		if got := Masked(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestASettingThatNobodyCalledOpenIsMasked(t *testing.T) {
	kept := json.RawMessage(`{"from":"+15550100","token":"0123456789abcdef","old_secret":"fedcba9876543210","waba_id":""}`)
	want := map[string]string{"from": "+15550100", "token": "••••cdef", "old_secret": "••••3210"}
	if got := ShownSettings(kept, "from", "waba_id"); !maps.Equal(got, want) {
		t.Errorf("shown %v", got)
	}
	if ShownSettings(nil) != nil || ShownSettings(json.RawMessage(`[]`)) != nil {
		t.Error("settings that are none are shown")
	}
}

func TestASettingIsATextOrTheDigitsOfANumber(t *testing.T) {
	for given, want := range map[string]string{`" a b "`: "a b", `1234567890123456789`: "1234567890123456789", `null`: "", ``: "", `""`: ""} {
		if got, ok := SettingText(json.RawMessage(given)); !ok || got != want {
			t.Errorf("%s is %q, %v", given, got, ok)
		}
	}
	for _, given := range []string{`true`, `[1]`, `{}`} {
		if got, ok := SettingText(json.RawMessage(given)); ok {
			t.Errorf("%s is %q", given, got)
		}
	}
}
