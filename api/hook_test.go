package api

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/api/hook"
	"relevo/relay"
)

var successForm = regexp.MustCompile(`^\{"status":"success","data":\{"message_id":"wa_backend:3EB0[0-9A-F]{18}"\}\}$`)

func TestAnAcceptedCallAnswersItsIDAndNothingElse(t *testing.T) {
	h := build(t, 10)
	rec := h.post(hello, "X-Request-Id", "mine-1.2_3")
	if rec.Code != http.StatusOK || !successForm.MatchString(rec.Body.String()) {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"X-Request-Id": "mine-1.2_3", "Relevo-Quota-Available": "9", "Relevo-Queue-Position": "1", "Relevo-Warnings": "", "Idempotent-Replayed": "",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := h.post(hello).Header().Get("Relevo-Queue-Position"); got != "2" {
		t.Errorf("the second's position is %q", got)
	}
}

func TestEveryRefusalOfTheTable(t *testing.T) {
	long := `{"action":"send","phone":"+14151231234","text":"` + strings.Repeat("x", hook.MaxBody) + `"}`
	for _, c := range []struct {
		name   string
		units  int64
		before func(*house)
		body   string
		status int
		code   relay.Code
	}{
		{"bad JSON", 5, nil, `{"action":"send"`, 400, relay.CodeInvalidJSON},
		{"no body", 5, nil, ``, 400, relay.CodeInvalidJSON},
		{"two fields bad", 5, nil, `{"action":"send","phone":"x"}`, 400, relay.CodeNoContent},
		{"unknown chat", 5, nil, `{"action":"send","chat_id":"5","text":"x"}`, 400, relay.CodeChatNotFound},
		{"unknown account", 5, nil, `{"action":"send","whatsapp account phone":"+15100000000","phone":"+14151231234","text":"x"}`, 400, relay.CodeAccountNotFound},
		{"text too long", 5, nil, `{"action":"send","phone":"+14151231234","text":"` + strings.Repeat("x", 5000) + `"}`, 400, relay.CodeTextTooLong},
		{"quota", 0, nil, hello, 402, relay.CodeQuotaExhausted},
		{"disabled", 5, (*house).disable, hello, 403, relay.CodeWebhookDisabled},
		{"disabled beats bad JSON", 5, (*house).disable, `{`, 403, relay.CodeWebhookDisabled},
		{"disabled beats size", 5, (*house).disable, long, 403, relay.CodeWebhookDisabled},
		{"field rules beat quota", 0, nil, `{"action":"send","phone":"+14151231234"}`, 400, relay.CodeNoContent},
		{"unknown chat beats quota", 0, nil, `{"action":"send","chat_id":"5","text":"x"}`, 400, relay.CodeChatNotFound},
		{"too long", 5, nil, long, 413, relay.CodeBodyTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, c.units)
			if c.before != nil {
				c.before(h)
			}
			rec := h.post(c.body, "User-Agent", "tool/1")
			o := h.refused(rec, c.status, c.code)
			if o["status"] != float64(c.status) || fmt.Sprint(o["data"]) != "map[]" || o["message"] == "" {
				t.Errorf("got %s", rec.Body)
			}
			got := h.attempts()
			if len(got) != 1 || got[0].Status != c.status || *got[0].ErrorCode != string(c.code) || *got[0].Sender != "tool/1" || got[0].Units != 0 {
				t.Errorf("attempts: %+v", got)
			}
			if a, _ := h.relay.Account(t.Context(), h.ws); a.Available != c.units {
				t.Errorf("%d units are left of %d", a.Available, c.units)
			}
		})
	}
}

func TestTheSentenceOfADisabledWebhookIsFixed(t *testing.T) {
	h := build(t, 1)
	h.disable()
	if o := h.refused(h.post(hello), 403, relay.CodeWebhookDisabled); o["message"] != "Webhook is disabled" {
		t.Errorf("got %v", o["message"])
	}
}

func TestEveryTokenThatLeadsNowhereAnswersTheSameBytes(t *testing.T) {
	h := build(t, 5)
	rotated := h.token
	h.object(h.api(http.MethodPost, "webhook/rotate", ""), http.StatusOK)
	gone, dead := h.workspace("Gone")
	if rec := h.api(http.MethodDelete, "/workspaces/"+gone, ""); rec.Code != http.StatusNoContent {
		t.Fatal(rec.Code, rec.Body)
	}
	var headers http.Header
	for _, target := range []string{
		"/hook/" + rotated, "/hook/" + dead, "/hook/" + relay.NewToken(), "/hook/rlv_x", "/hook/" + strings.Repeat("x", 5000), "/hook/", "/hook", "//hook//",
		"/hook/a/b", "/hook/a%2Fb", "/hook/%00", "/hook/..", "/hook/rlv_x?idempotency_key=1",
	} {
		rec := h.call(http.MethodPost, target, strings.NewReader(hello))
		if rec.Code != 404 || rec.Body.String() != `{"status":404,"data":{},"message":"Webhook not found"}` {
			t.Errorf("%s: got %d %s", target, rec.Code, rec.Body)
		}
		rec.Header().Del("X-Request-Id")
		if headers == nil {
			headers = rec.Header()
		}
		if diff := cmp.Diff(headers, rec.Header()); diff != "" {
			t.Errorf("%s: other headers: %s", target, diff)
		}
	}
	if got := h.attempts(); len(got) != 0 {
		t.Errorf("attempts were written: %+v", got)
	}
}

func TestAnyOtherMethodIsRefusedWhateverTheToken(t *testing.T) {
	h := build(t, 5)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
		for _, token := range []string{h.token, "rlv_unknown"} {
			rec := h.call(method, "/hook/"+token, strings.NewReader(hello), "X-Request-Id", "r", "Accept", "*/*")
			if rec.Code != 405 || rec.Header().Get("Allow") != "POST" || rec.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: got %d %v", method, token, rec.Code, rec.Header())
			}
			want := `{"status":405,"data":{},"message":"This is a webhook: it takes messages by POST alone. Nothing was sent.","error_code":"method_not_allowed","errors":[],"request_id":"r"}`
			if method == "HEAD" {
				want = ""
			}
			if got := rec.Body.String(); got != want {
				t.Errorf("%s %s: got %s", method, token, got)
			}
		}
	}
	if got := h.attempts(); len(got) != 0 {
		t.Errorf("attempts were written: %+v", got)
	}
}

func TestABrowserReadsAPageWithoutTheToken(t *testing.T) {
	h := build(t, 5)
	rec := h.call("GET", "/hook/"+h.token, nil, "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	if rec.Code != 405 || rec.Header().Get("Content-Type") != "text/html; charset=utf-8" || rec.Header().Get("Allow") != "POST" ||
		!strings.Contains(rec.Body.String(), "This is a webhook") || strings.Contains(rec.Body.String(), "rlv_") {
		t.Errorf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
}

func TestDoubledSlashesAndOneAtTheEndAreForgiven(t *testing.T) {
	h := build(t, 5)
	for _, target := range []string{"/hook/" + h.token + "/", "//hook/" + h.token, "/hook//" + h.token + "//?x=1"} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hello))
		req.URL.Path, _, _ = strings.Cut(target, "?")
		rec := httptest.NewRecorder()
		h.handler.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", target, rec.Code, rec.Body)
		}
	}
}

func TestTheBodyMayHave64KiBAndNotAByteMore(t *testing.T) {
	h := build(t, 9)
	fill := func(n int) string { return hello + strings.Repeat(" ", n-len(hello)) }
	for _, c := range []struct {
		name    string
		body    io.Reader
		status  int
		chunked bool
	}{
		{"at the limit", strings.NewReader(fill(65_536)), 200, false},
		{"over it", strings.NewReader(fill(65_537)), 413, false},
		{"at the limit, in chunks", strings.NewReader(fill(65_536)), 200, true},
		{"over it, in chunks", strings.NewReader(fill(65_537)), 413, true},
	} {
		body := c.body
		if c.chunked {
			body = io.MultiReader(body) // hides the length
		}
		if rec := h.call(http.MethodPost, "/hook/"+h.token, body); rec.Code != c.status {
			t.Errorf("%s: got %d %s", c.name, rec.Code, rec.Body)
		}
	}
	for _, a := range h.attempts() {
		if a.Status == 413 && (len(a.Body) != 4096 || len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "cut")) {
			t.Errorf("kept %d bytes, warnings %q", len(a.Body), a.Warnings)
		}
	}
}

// broken is a body that ends before its time.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyThatBreaksOffLeavesNoAttemptAndIsNoSuccess(t *testing.T) {
	h := build(t, 5)
	rec := h.call(http.MethodPost, "/hook/"+h.token, io.MultiReader(strings.NewReader(hello), broken{}))
	h.refused(rec, 400, relay.CodeInvalidJSON)
	req := httptest.NewRequest(http.MethodPost, "/hook/"+h.token, strings.NewReader(hello))
	req.ContentLength++
	rec = httptest.NewRecorder()
	h.handler.ServeHTTP(rec, req)
	h.refused(rec, 400, relay.CodeInvalidJSON)
	if got := h.attempts(); len(got) != 0 {
		t.Errorf("attempts were written: %+v", got)
	}
}

func TestAReplayAnswersTheSameWithoutQuota(t *testing.T) {
	for _, c := range []struct{ name, query, header, body string }{
		{"Idempotency-Key", "", "Idempotency-Key", hello},
		{"X-Idempotency-Key", "", "X-Idempotency-Key", hello},
		{"webhook-id", "", "webhook-id", hello},
		{"query", "?idempotency_key=k1", "X-Nothing", hello},
		{"body", "", "X-Nothing", `{"action":"send","phone":"+14151231234","text":"hello","idempotency_key":"k1"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, 1)
			post := func(body string) *httptest.ResponseRecorder {
				return h.call(http.MethodPost, "/hook/"+h.token+c.query, strings.NewReader(body), c.header, "k1")
			}
			first, again := post(c.body), post(c.body)
			if first.Code != 200 || again.Code != 200 || first.Body.String() != again.Body.String() {
				t.Fatalf("got %d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
			}
			if first.Header().Get("Idempotent-Replayed") != "" || again.Header().Get("Idempotent-Replayed") != "true" || again.Header().Get("Relevo-Quota-Available") != "0" {
				t.Errorf("headers %v, then %v", first.Header(), again.Header())
			}
			h.refused(post(strings.Replace(c.body, "hello", "other", 1)), 409, relay.CodeIdempotencyConflict)
			if got := h.attempts(); len(got) != 3 || !got[1].Replayed || got[1].Units != 0 || got[2].Units != 1 || got[0].Status != 409 {
				t.Errorf("attempts: %+v", got)
			}
		})
	}
}

func TestAKeyInTheAddressThatCannotBeReadIsRefused(t *testing.T) {
	h := build(t, 20)
	for _, c := range []struct {
		query, header string
		status        int
		code          relay.Code
	}{
		{"?idempotency_key=%zz", "", 400, relay.CodeInvalidIdempotencyKey},
		{"?idempotency_key=a;b", "", 400, relay.CodeInvalidIdempotencyKey},
		{"?a=1;idempotency_key=k", "", 400, relay.CodeInvalidIdempotencyKey},
		{"?a=1&idempotency_key=50%", "", 400, relay.CodeInvalidIdempotencyKey},
		{"?idempotency_key=%zz", "h1", 200, ""},
		{"?idempotency_key=q1&x=%zz", "", 200, ""},
		{"?idempotency_key=&x=%zz", "", 200, ""},
		{"?x=%zz", "", 200, ""},
	} {
		rec := h.call(http.MethodPost, "/hook/"+h.token+c.query, strings.NewReader(hello), "Idempotency-Key", c.header)
		if c.status == 200 {
			if rec.Code != 200 {
				t.Errorf("%s: got %d %s", c.query, rec.Code, rec.Body)
			}
			continue
		}
		const want = `"idempotency_key" in the address cannot be read. Write % there as %25, & as %26 and ; as %3B.`
		if o := h.refused(rec, c.status, c.code); o["message"] != want {
			t.Errorf("%s: got %v", c.query, o["message"])
		}
	}
	if a, _ := h.relay.Account(t.Context(), h.ws); a.Available != 16 {
		t.Errorf("%d units are left of 20 after 4 accepted calls", a.Available)
	}
	if rec := h.call(http.MethodPost, "/hook/"+h.token+"?idempotency_key=%zz", strings.NewReader(`{`)); rec.Code != 400 || !strings.Contains(rec.Body.String(), "invalid_json") {
		t.Errorf("bad JSON comes before a bad key: got %s", rec.Body)
	}
}

func TestCallsAboveTheWebhooksOwnRateWait(t *testing.T) {
	h := build(t, 10)
	h.object(h.api(http.MethodPatch, "webhook", `{"rate_per_minute":2}`), 200)
	for i, want := range []int{200, 200, 429} {
		rec := h.post(hello)
		if rec.Code != want {
			t.Fatalf("call %d: got %d %s", i+1, rec.Code, rec.Body)
		}
		if want == 429 {
			h.refused(rec, 429, relay.CodeRateLimited)
			if n, err := strconv.Atoi(rec.Header().Get("Retry-After")); err != nil || n < 1 || n > 30 {
				t.Errorf("Retry-After is %q", rec.Header().Get("Retry-After"))
			}
		}
	}
	if rec := h.post(`{`); rec.Code != 429 {
		t.Errorf("the rate comes before the JSON: got %d", rec.Code)
	}
	h.object(h.api(http.MethodPatch, "webhook", `{"rate_per_minute":0}`), 200)
	if rec := h.post(hello); rec.Code != 200 {
		t.Errorf("without a limit: got %d", rec.Code)
	}
}

func TestWarningsGoIntoAHeaderThatAnyClientReads(t *testing.T) {
	h := build(t, 10)
	rec := h.post(`{"action":"send","phone":"+14151231234","text":"x","naïve":1,"line\nbreak":2}`)
	got := rec.Header().Get("Relevo-Warnings")
	if rec.Code != 200 || got == "" || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) || !strings.Contains(got, `na\u00efve`) || !strings.Contains(got, "; ") {
		t.Errorf("got %d %q", rec.Code, got)
	}
	if a := h.attempts(); len(a) != 1 || len(a[0].Warnings) != 2 {
		t.Errorf("attempts: %+v", a)
	}
}

func TestTheCallersAddressIsInTheAttempt(t *testing.T) {
	h := build(t, 5)
	req := httptest.NewRequest(http.MethodPost, "/hook/"+h.token, strings.NewReader(hello))
	req.RemoteAddr = "10.1.2.3:5000"
	req.Header.Set("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.1")
	h.handler.ServeHTTP(httptest.NewRecorder(), req)
	if got := h.attempts(); len(got) != 1 || *got[0].RemoteIP != "203.0.113.9" {
		t.Errorf("attempts: %+v", got)
	}
}

func TestTheLogHasNoTokenNumberTextOrKey(t *testing.T) {
	h := build(t, 1)
	h.post(hello + " ")
	h.post(hello) // 402
	h.post(`{"action":"send","phone":"+14151231234","text":"hello",}`)
	h.call("GET", "/hook/"+h.token+"?idempotency_key=secretkey", nil)
	h.call("BREW", "/nowhere/"+h.token, nil)
	h.api("GET", "messages?status=secretkey", "")
	h.apiAs("rlvk_secretkey", "GET", "messages", "")
	h.api("POST", "channels", `{"kind":"sandbox","phone":"+14151231234","name":"hello","oops":1}`)
	got := h.log.String()
	for _, secret := range []string{h.token, h.token[4:20], "14151231234", "hello", "secretkey", operatorKey, "Bearer"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log has %q:\n%s", secret, got)
		}
	}
	for _, want := range []string{`"route":"/hook/:token"`, `"status":200`, `"status":402`, `"route":"/api/v1/workspaces/:ws/messages"`, `"request_id"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %s:\n%s", want, got)
		}
	}
}
