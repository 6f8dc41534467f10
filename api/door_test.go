package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// TestTheDoorIsTheSameOnBothStores runs what a webhook promises over the
// embedded store and over PostgreSQL.
func TestTheDoorIsTheSameOnBothStores(t *testing.T) {
	cases := []struct {
		name string
		run  func(t *testing.T, h *house)
	}{
		{"AHundredEqualCallsAtOnceAreOneMessage", hundredAtOnce},
		{"AHundredEqualCallsWithoutAKeyAreOneMessageWithinTheWindow", hundredInAWindow},
		{"ADeliverysOwnIDIsItsKey", deliveryIDs},
		{"ATestWebhookSendsNothing", testWebhook},
		{"ACapturedCallShowsItsPathsAndAMappingSendsTheNext", captureAndMap},
		{"ThePathsOfACapturedCallAreThoseThatAMappingUses", capturedPaths},
		{"TryingACallSaysWhatWouldHappen", tryCalls},
		{"RepairsAreToldAndAStrictWebhookMakesNone", repairsTold},
		{"AToolIsRecognisedAndItsFixIsInTheAttempt", toolsFix},
		{"MergeTagsAreRefusedWithTheirPlaceUnlessAllowed", mergeTags},
		{"LocalNumbersAreReadByTheCountryOfTheWorkspace", localNumbers},
		{"AChallengeIsSentBackAndNothingElse", challenges},
		{"StrangersGetTheSame404AndAKnownTokenGetsThrough", strangersAndFriends},
	}
	t.Run("bbolt", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.run(t, build(t, 50)) })
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := pgtest.New(t, pgtest.Options{})
		template, err := server.Create(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := pgstore.Migrate(t.Context(), server.URL(template)); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				name, err := server.Create(t.Context(), template)
				if err != nil {
					t.Fatal(err)
				}
				store, err := pgstore.Open(t.Context(), pgstore.Options{URL: server.URL(name), Connections: 6})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { store.Close() })
				c.run(t, buildOver(t, store, t.TempDir(), 50))
			})
		}
	})
}

func (h *house) units() int64 {
	h.t.Helper()
	a, err := h.relay.Account(h.t.Context(), h.ws)
	if err != nil {
		h.t.Fatal(err)
	}
	return a.Available
}

func (h *house) patch(body string) {
	h.t.Helper()
	h.object(h.api(http.MethodPatch, "webhook", body), http.StatusOK)
}

func (h *house) accepted(rec *httptest.ResponseRecorder) (id string) {
	h.t.Helper()
	return h.object(rec, http.StatusOK)["data"].(map[string]any)["message_id"].(string)
}

// atOnce makes a hundred equal calls at once, and returns their answers.
func atOnce(h *house, headers ...string) []*httptest.ResponseRecorder {
	answers := make([]*httptest.ResponseRecorder, 100)
	var g sync.WaitGroup
	for i := range answers {
		g.Go(func() { answers[i] = h.post(hello, headers...) })
	}
	g.Wait()
	return answers
}

func oneMessage(t *testing.T, h *house, answers []*httptest.ResponseRecorder) {
	t.Helper()
	fresh := 0
	for _, rec := range answers {
		if rec.Code != 200 || rec.Body.String() != answers[0].Body.String() {
			t.Fatalf("got %d %s, and %s", rec.Code, rec.Body, answers[0].Body)
		}
		if rec.Header().Get("Idempotent-Replayed") == "" {
			fresh++
		}
	}
	if left := h.units(); fresh != 1 || left != 49 {
		t.Errorf("%d calls made a message, %d units are left of 50", fresh, left)
	}
}

func hundredAtOnce(t *testing.T, h *house) { oneMessage(t, h, atOnce(h, "Idempotency-Key", "order-1")) }

func hundredInAWindow(t *testing.T, h *house) {
	h.patch(`{"dedupe_seconds":60}`)
	oneMessage(t, h, atOnce(h))
}

func deliveryIDs(t *testing.T, h *house) {
	first := h.accepted(h.post(hello, "X-Zendesk-Webhook-Invocation-Id", "01ABC"))
	if again := h.post(hello, "X-Zendesk-Webhook-Invocation-Id", "01ABC"); h.accepted(again) != first || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("the second delivery: %v", again.Header())
	}
	if other := h.accepted(h.post(hello, "X-Zendesk-Webhook-Invocation-Id", "01ABD")); other == first {
		t.Error("another delivery is the same message")
	}
	// what a person chose counts more
	chosen := h.accepted(h.post(hello, "X-Zendesk-Webhook-Invocation-Id", "01ABC", "Idempotency-Key", "mine"))
	body := `{"action":"send","phone":"+14151231234","text":"hello","idempotency_key":"mine"}`
	if chosen == first || h.accepted(h.post(body, "X-Zendesk-Webhook-Invocation-Id", "01ABE")) != chosen {
		t.Error("a delivery's id counts more than a key")
	}
	// one that cannot be a key is passed over
	h.accepted(h.post(hello, "X-Zendesk-Webhook-Invocation-Id", strings.Repeat("x", 300)))
	h.refused(h.post(hello, "Idempotency-Key", "{{deal.id}}"), 400, relay.CodeInvalidIdempotencyKey)
}

func testWebhook(t *testing.T, h *house) {
	h.patch(`{"test":true}`)
	rec := h.post(hello, "Idempotency-Key", "k")
	id := h.accepted(rec)
	if rec.Header().Get("Relevo-Test") != "true" || !strings.Contains(rec.Header().Get("Relevo-Warnings"), "test mode") || h.units() != 50 {
		t.Errorf("headers %v, %d units", rec.Header(), h.units())
	}
	if a := h.attempts(); len(a) != 1 || !a[0].Test || *a[0].MessageID != id || a[0].MessageStatus != nil {
		t.Errorf("attempts %+v", a)
	}
	if rec := h.api(http.MethodGet, "messages/"+id, ""); rec.Code != 404 {
		t.Errorf("the id leads to %s", rec.Body)
	}
	h.refused(h.post(`{"action":"send","phone":"abc","text":"x"}`), 400, relay.CodeInvalidPhone)
	h.patch(`{"test":false}`)
	if again := h.post(hello, "Idempotency-Key", "k"); h.accepted(again) == id || again.Header().Get("Idempotent-Replayed") != "" || h.units() != 49 {
		t.Errorf("after test mode: %v, %d units", again.Header(), h.units())
	}
}

const order = `{"id":1,"customer":{"first_name":"Ann","phone":"+1 415 555 0100"},"items":[{"title":"Tea"}],"total":9.50}`

func captureAndMap(t *testing.T, h *house) {
	h.refused(h.api(http.MethodPost, "webhook/listen", `{"seconds":4000}`), 400, relay.CodeInvalidField)
	if v := h.object(h.api(http.MethodPost, "webhook/listen", ""), 200); v["listening_until"] == nil || v["captured"] != nil {
		t.Errorf("got %v", v)
	}
	rec := h.post(order, "User-Agent", "Shopify-Captain-Hook")
	if h.accepted(rec); rec.Header().Get("Relevo-Captured") != "true" || h.units() != 50 {
		t.Errorf("headers %v", rec.Header())
	}
	var v listenView
	if err := json.Unmarshal(h.api(http.MethodGet, "webhook/listen", "").Body.Bytes(), &v); err != nil || v.Captured == nil || *v.Captured.Tool != "Shopify" || v.Captured.Body != order || v.ListeningUntil != nil {
		t.Fatalf("got %+v, %v", v, err)
	}
	paths := map[string]string{}
	for _, leaf := range v.Captured.Paths {
		paths[leaf.Path] = leaf.Value
	}
	if paths["customer.phone"] != "+1 415 555 0100" || paths["items.0.title"] != "Tea" || paths["total"] != "9.50" {
		t.Errorf("paths %v", paths)
	}
	for body, field := range map[string]string{
		`{"mapping":{"fields":{"phone":{"path":"a"}}}}`:                                                            "mapping.fields.text",
		`{"mapping":{"fields":{"text":{"path":"a"}}}}`:                                                             "mapping.fields.phone",
		`{"mapping":{"fields":{"phone":{"path":"a"},"text":{"value":"{a"}}}}`:                                      "mapping.fields.text",
		`{"mapping":{"fields":{"phone":{"path":"a","value":"b"},"text":{"value":"x"}}}}`:                           "mapping.fields.phone",
		`{"mapping":{"fields":{"phone":{"path":"a"},"text":{"value":"x"},"template.variables.x y":{"path":"a"}}}}`: "mapping.fields.template.variables.x y",
		`{"mapping":{"preset":"nobody"}}`:                                                                          "mapping.preset",
	} {
		o := h.refused(h.api(http.MethodPatch, "webhook", body), 400, relay.CodeInvalidField)
		if got := o["errors"].([]any)[0].(map[string]any)["field"]; got != field {
			t.Errorf("%s: the fault is in %v, want %s", body, got, field)
		}
	}
	h.patch(`{"mapping":{"fields":{"phone":{"path":"customer.phone"},"text":{"value":"Hello {customer.first_name|there}, your {items[0].title} for {total} {{net}}."}}}}`)
	id := h.accepted(h.post(order))
	m := h.object(h.api(http.MethodGet, "messages/"+id, ""), 200)
	if m["text"] != "Hello Ann, your Tea for 9.50 {net}." || m["to"] != "+14155550100" {
		t.Errorf("got %v", m)
	}
	o := h.refused(h.post(`{"customer":{"phone":"none"}}`), 400, relay.CodeInvalidPhone)
	if msg := o["message"].(string); !strings.Contains(msg, "customer.phone") || !strings.Contains(msg, `"none"`) {
		t.Errorf("message %s", msg)
	}
	own := h.object(h.api(http.MethodGet, "messages/"+h.accepted(h.post(hello)), ""), 200)
	if own["text"] != "hello" {
		t.Errorf("a call by itself was mapped: %v", own)
	}
	h.patch(`{"mapping":null}`)
	h.refused(h.post(order), 400, relay.CodeMissingField)
}

func tryCalls(t *testing.T, h *house) {
	try := func(body string) tryView {
		t.Helper()
		rec := h.api(http.MethodPost, "webhook/try", body)
		var v tryView
		if err := json.Unmarshal(rec.Body.Bytes(), &v); rec.Code != 200 || err != nil {
			t.Fatalf("%s: %d %s", body, rec.Code, rec.Body)
		}
		return v
	}
	quoted, _ := json.Marshal(hello)
	for name, body := range map[string]string{
		"text": `{"body":` + string(quoted) + `}`, "json": `{"json":` + hello + `}`,
		"base64": `{"body_base64":"` + base64.StdEncoding.EncodeToString([]byte(hello)) + `"}`,
	} {
		v := try(body)
		if v.Status != 200 || v.Would == nil || v.Would.To != "+14151231234" || *v.Would.Text != "hello" || v.Would.Units != 1 || v.Would.Available != 50 || v.Would.ChannelID != h.channel {
			t.Errorf("%s: got %+v", name, v)
		}
	}
	v := try(`{"body":"{'action':'send'","headers":{"User-Agent":"Zapier"}}`)
	if v.Status != 400 || *v.ErrorCode != "invalid_json" || v.Would != nil || *v.Tool != "Zapier" || v.Fix == nil || len(v.Errors) != 1 || v.Errors[0].Excerpt == "" {
		t.Errorf("got %+v", v)
	}
	v = try(`{"json":{"order":{"tel":"+14155550100"}},"mapping":{"fields":{"phone":{"path":"order.tel"},"text":{"value":"x"}}}}`)
	if v.Status != 200 || v.Would.To != "+14155550100" || string(v.Mapped) != `{"phone":"+14155550100","text":"x","action":"send"}` || len(v.Paths) != 1 {
		t.Errorf("got %+v", v)
	}
	if n, left := len(h.attempts()), h.units(); n != 0 || left != 50 {
		t.Errorf("trying left %d attempts and %d units", n, left)
	}
	id := h.accepted(h.post(hello, "Idempotency-Key", "k"))
	if v := try(`{"json":` + hello + `,"headers":{"Idempotency-Key":"k"}}`); v.Would == nil || v.Would.Replays == nil || *v.Would.Replays != id || v.Would.Units != 0 {
		t.Errorf("got %+v", v)
	}
	if v := try(`{"attempt_id":"` + h.attempts()[0].ID + `"}`); v.Status != 200 || *v.Would.Text != "hello" {
		t.Errorf("got %+v", v)
	}
	if v := try(`{"json":{"action":"send","chat_id":"5","text":"x"}}`); v.Status != 400 || *v.ErrorCode != "chat_not_found" {
		t.Errorf("got %+v", v)
	}
	h.refused(h.api(http.MethodPost, "webhook/try", `{}`), 400, relay.CodeInvalidField)
	h.refused(h.api(http.MethodPost, "webhook/try", `{"body":"x","json":{}}`), 400, relay.CodeInvalidField)
	h.refused(h.api(http.MethodPost, "webhook/try", `{"attempt_id":"att_x"}`), 404, relay.CodeNotFound)
}

func repairsTold(t *testing.T, h *house) {
	const almost = "{'action':'send', \"phone\": +14151231234\n\"text\":\"a\nb\",}"
	rec := h.post(almost)
	m := h.object(h.api(http.MethodGet, "messages/"+h.accepted(rec), ""), 200)
	if m["text"] != "a\nb" || m["to"] != "+14151231234" {
		t.Errorf("got %v", m)
	}
	a := h.attempts()[0]
	if len(a.Warnings) != 5 || a.Body != almost {
		t.Errorf("attempt %+v", a)
	}
	for _, w := range a.Warnings {
		if !strings.HasPrefix(w, "Mended: line ") || !strings.Contains(rec.Header().Get("Relevo-Warnings"), strings.ReplaceAll(w, `\`, `\`)) {
			t.Errorf("%q is no repair that the header %q tells", w, rec.Header().Get("Relevo-Warnings"))
		}
	}
	h.patch(`{"strict":true}`)
	h.refused(h.post(almost), 400, relay.CodeInvalidJSON)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, hello)
	z.Close()
	rec = h.post(zipped.String(), "Content-Encoding", "gzip", "Content-Type", "application/json")
	h.accepted(rec)
	if a := h.attempts()[0]; a.Body != hello || a.BodyBase64 {
		t.Errorf("what came compressed is kept as %q", a.Body)
	}
}

func toolsFix(t *testing.T, h *house) {
	h.refused(h.post("{\n  \"action\": \"send\"", "User-Agent", "Zapier"), 400, relay.CodeInvalidJSON)
	a := h.attempts()[0]
	if a.Tool == nil || *a.Tool != "Zapier" || a.Fix == nil || !strings.Contains(*a.Fix, "Custom Request") || a.Excerpt == nil || *a.Excerpt != "  \"action\": \"send\"\n                  ^" {
		t.Errorf("attempt %+v", a)
	}
	if a.Line == nil || *a.Line != 2 || a.Column == nil || *a.Column != 19 {
		t.Errorf("the fault is at %v, %v", a.Line, a.Column)
	}
	h.refused(h.post(`{"action":"send","phone":"{{phone}}","text":"x"}`, "User-Agent", "Zapier"), 400, relay.CodeInvalidField)
	if a := h.attempts()[0]; a.Fix == nil || !strings.Contains(*a.Fix, "{{…}}") {
		t.Errorf("fix %v", a.Fix)
	}
	h.accepted(h.post(hello, "User-Agent", "curl/8"))
	if a := h.attempts()[0]; *a.Tool != "curl" || a.Fix != nil || a.Excerpt != nil {
		t.Errorf("attempt %+v", a)
	}
	rec := h.api(http.MethodGet, "attempts?format=csv", "")
	if !strings.Contains(rec.Body.String(), ",tool,fix,excerpt,test,captured,line,column,previous_url") || !strings.Contains(rec.Body.String(), "Custom Request") {
		t.Errorf("CSV %s", rec.Body)
	}
}

func mergeTags(t *testing.T, h *house) {
	const body = "{\"action\":\"send\",\"phone\":\"+14151231234\",\n \"text\":\"Hello {{contact.name}}\"}"
	o := h.refused(h.post(body), 400, relay.CodeInvalidField)
	e := o["errors"].([]any)[0].(map[string]any)
	if e["line"] != 2.0 || e["column"] != 16.0 || e["field"] != "text" || !strings.Contains(o["message"].(string), "{{contact.name}}") {
		t.Errorf("got %v", o)
	}
	h.patch(`{"allow_merge_tags":true}`)
	h.accepted(h.post(body))
}

func localNumbers(t *testing.T, h *house) {
	const body = `{"action":"send","phone":"(0151) 123 456 78","text":"x"}`
	h.refused(h.post(body), 400, relay.CodeInvalidPhone)
	h.refused(h.api(http.MethodPatch, "", `{"country":"XX"}`), 400, relay.CodeInvalidField)
	if w := h.object(h.api(http.MethodPatch, "", `{"country":"de"}`), 200); w["country"] != "DE" {
		t.Errorf("got %v", w)
	}
	rec := h.post(body)
	m := h.object(h.api(http.MethodGet, "messages/"+h.accepted(rec), ""), 200)
	if m["to"] != "+4915112345678" || !strings.Contains(rec.Header().Get("Relevo-Warnings"), "+4915112345678") {
		t.Errorf("got %v, warnings %s", m["to"], rec.Header().Get("Relevo-Warnings"))
	}
	if w := h.object(h.api(http.MethodPatch, "", `{"country":""}`), 200); w["country"] != nil {
		t.Errorf("got %v", w)
	}
}

func challenges(t *testing.T, h *house) {
	rec := h.post(`{"challenge":"3eZbrw1a+ \u003c"}`, "User-Agent", "monday.com")
	if rec.Code != 200 || rec.Body.String() != `{"challenge":"3eZbrw1a+ <"}` || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	if a := h.attempts(); len(a) != 1 || !a[0].Test || a[0].Status != 200 || a[0].MessageID != nil || len(a[0].Warnings) != 1 || h.units() != 50 {
		t.Errorf("attempts %+v", a)
	}
	for _, body := range []string{`{"challenge":"x","action":"send"}`, `{"challenge":1}`, `{"challenge":""}`, `{"challenge":"` + strings.Repeat("x", 300) + `"}`, `{"challenge":"é"}`} {
		if rec := h.post(body); rec.Code != 400 {
			t.Errorf("%s: got %d %s", body, rec.Code, rec.Body)
		}
	}
	h.disable()
	h.refused(h.post(`{"challenge":"x"}`), 403, relay.CodeWebhookDisabled)
}

func strangersAndFriends(t *testing.T, h *house) {
	counted := &counting{Store: h.relay.Store}
	h.relay.Store = counted
	for i := range 200 {
		rec := h.call(http.MethodPost, "/hook/"+relay.NewToken(), strings.NewReader(hello))
		if rec.Code != 404 || rec.Body.String() != unknownHook {
			t.Fatalf("call %d: got %d %s", i, rec.Code, rec.Body)
		}
	}
	if n := counted.views.Load(); n > 61 {
		t.Errorf("200 unknown tokens of one address looked into the store %d times, want 60 and once for all tokens", n)
	}
	h.accepted(h.post(hello)) // from the same address
	fresh, token := h.workspace("Fresh")
	if rec := h.call(http.MethodPost, "/hook/"+token, strings.NewReader(hello)); rec.Code == 404 {
		t.Errorf("the token of workspace %s, made since, is unknown", fresh)
	}
	before := counted.views.Load()
	h.call(http.MethodPost, "/hook/"+relay.NewToken(), strings.NewReader(hello), "X-Forwarded-For", "1.2.3.4")
	if counted.views.Load() != before {
		t.Error("an address that nobody vouches for counts as another")
	}
}
