package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

// endpoint makes one that hears of everything, in a form.
func (h *house) endpoint(form relay.EventForm) string {
	h.t.Helper()
	e, _, err := h.relay.CreateEndpoint(h.t.Context(), h.ws, relay.NewEndpoint{URL: "https://crm.example/hook", Form: form})
	if err != nil {
		h.t.Fatal(err)
	}
	return e.ID
}

func TestAnEndpointIsMadeChangedAndDeleted(t *testing.T) {
	h := build(t, 10)
	rec := h.api(http.MethodPost, "endpoints", `{"url":"https://crm.example/hook","types":["message.sent","message.sent"],"description":"CRM"}`)
	made := h.object(rec, 201)
	id := made["id"].(string)
	if made["enabled"] != true || made["form"] != "standard" || len(made["types"].([]any)) != 1 || !strings.HasPrefix(made["secret"].(string), "whsec_") {
		t.Errorf("made %v", made)
	}
	if got := rec.Header().Get("Location"); got != "/api/v1/workspaces/"+h.ws+"/endpoints/"+id {
		t.Errorf("location %s", got)
	}
	shown := h.object(h.api(http.MethodGet, "endpoints/"+id, ""), 200)
	if shown["secret"] != nil || shown["url"] != "https://crm.example/hook" {
		t.Errorf("shown %v", shown)
	}
	if got := h.object(h.api(http.MethodGet, "endpoints/"+id+"/secret", ""), 200); got["secret"] != made["secret"] {
		t.Errorf("secret %v, want %v", got["secret"], made["secret"])
	}
	rotated := h.object(h.api(http.MethodPost, "endpoints/"+id+"/rotate", `{"grace_seconds":60}`), 200)
	if rotated["secret"] == made["secret"] || rotated["previous_secret_valid_until"] == nil {
		t.Errorf("rotated %v", rotated)
	}
	if got := h.object(h.api(http.MethodPost, "endpoints/"+id+"/rotate", ""), 200); got["previous_secret_valid_until"] != nil {
		t.Errorf("rotated without a grace %v", got)
	}
	changed := h.object(h.api(http.MethodPatch, "endpoints/"+id, `{"enabled":false,"types":["message.read"]}`), 200)
	if changed["enabled"] != false || changed["disabled_reason"] != nil || fmt.Sprint(changed["types"]) != "[message.read]" || changed["description"] != "CRM" {
		t.Errorf("changed %v", changed)
	}
	if got := h.object(h.api(http.MethodGet, "endpoints", ""), 200)["data"].([]any); len(got) != 1 {
		t.Errorf("list %v", got)
	}
	if rec := h.api(http.MethodDelete, "endpoints/"+id, ""); rec.Code != 204 {
		t.Errorf("delete: %d %s", rec.Code, rec.Body)
	}
	h.refused(h.api(http.MethodGet, "endpoints/"+id, ""), 404, relay.CodeNotFound)
}

func TestBadEndpointsAreRefusedInWords(t *testing.T) {
	h := build(t, 10)
	id := h.endpoint("")
	for _, c := range []struct {
		method, path, body string
		status             int
		code               relay.Code
	}{
		{"POST", "endpoints", `{}`, 400, relay.CodeMissingField},
		{"POST", "endpoints", `{"url":"https://a.example","types":["message.snet"]}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints", `{"url":"https://a.example","form":"xml"}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints", `{"url":"https://a.example","secret":"x"}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints", `{"url":"https://a.example","events":[]}`, 400, relay.CodeInvalidField},
		{"PATCH", "endpoints/" + id, `{"types":[]}`, 400, relay.CodeInvalidField},
		{"PATCH", "endpoints/" + id, `{"form":"timelines"}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints/" + id + "/rotate", `{"grace_seconds":90000}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints/" + id + "/test", `{"type":"nothing"}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints/" + id + "/replay", `{}`, 400, relay.CodeMissingField},
		{"POST", "endpoints/" + id + "/replay", `{"event_ids":[],"since":"2026-01-01T00:00:00Z"}`, 400, relay.CodeInvalidField},
		{"POST", "endpoints/" + id + "/replay", `{"event_ids":["evt_000000000000000000"]}`, 404, relay.CodeNotFound},
		{"GET", "endpoints/" + id + "/events?status=lost", "", 400, relay.CodeInvalidField},
		{"GET", "events/sample?type=lost", "", 400, relay.CodeInvalidField},
		{"GET", "events/sample?type=message.sent&form=xml", "", 400, relay.CodeInvalidField},
		{"GET", "endpoints/ep_1/events", "", 404, relay.CodeNotFound},
		{"GET", "/workspaces/ws_1/endpoints", "", 404, relay.CodeNotFound},
	} {
		rec := h.api(c.method, c.path, c.body)
		if rec.Code != c.status {
			t.Errorf("%s %s %s: got %d %s, want %d", c.method, c.path, c.body, rec.Code, rec.Body, c.status)
			continue
		}
		h.refused(rec, c.status, c.code)
	}
}

func TestASampleIsSentAndToldInWords(t *testing.T) {
	h := build(t, 10)
	id := h.endpoint("")
	got := h.object(h.api(http.MethodPost, "endpoints/"+id+"/test", `{"type":"quota.low"}`), 200)
	if got["delivered"] != true || got["message"] != "The receiver took the event." || got["type"] != "quota.low" || got["http_status"] != 200.0 {
		t.Errorf("got %v", got)
	}
	sample := h.object(h.api(http.MethodGet, "events/sample?type=message:new&form=timelines", ""), 200)["data"].([]any)[0].(map[string]any)
	if sample["event_type"] != "message:new" {
		t.Errorf("sample %v", sample)
	}
}

func TestEventsAreListedAndSentAgain(t *testing.T) {
	h := build(t, 10)
	id := h.endpoint("")
	h.post(hello)
	list := func(query string) (rows []any) {
		t.Helper()
		for cursor := ""; ; {
			o := h.object(h.api(http.MethodGet, "endpoints/"+id+"/events?limit=1&cursor="+cursor+query, ""), 200)
			rows = append(rows, o["data"].([]any)...)
			next, more := o["next_cursor"].(string)
			if !more {
				return rows
			}
			cursor = next
		}
	}
	waiting := list("&status=pending")
	if len(waiting) != 1 || len(list("")) != 1 || len(list("&status=delivered")) != 0 {
		t.Fatalf("waiting %v", waiting)
	}
	ev := waiting[0].(map[string]any)
	if ev["type"] != "message.accepted" || ev["status"] != "pending" || ev["tries"] != 0.0 || ev["body"].(map[string]any)["type"] != "message.accepted" {
		t.Errorf("event %v", ev)
	}
	h.deliver()
	done := list("&status=delivered")
	if len(done) != 1 || len(list("")) != 1 || len(list("&status=failed")) != 0 {
		t.Fatalf("done %v", done)
	}
	got := h.object(h.api(http.MethodPost, "endpoints/"+id+"/replay", fmt.Sprintf(`{"event_ids":[%q]}`, ev["id"])), 200)
	if got["replayed"] != 1.0 || len(list("&status=pending")) != 1 {
		t.Errorf("replayed %v", got)
	}
}

// deliver delivers until nothing waits.
func (h *house) deliver() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.relay.DeliverEvents(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		list, err := h.relay.Endpoints(h.t.Context(), h.ws)
		if err != nil {
			h.t.Fatal(err)
		}
		waits := 0
		for _, e := range list {
			some, _, err := h.relay.EndpointEvents(h.t.Context(), relay.EventFilter{Workspace: h.ws, Endpoint: e.ID, State: relay.EventPending}, relay.Page{Limit: 1})
			if err != nil {
				h.t.Fatal(err)
			}
			waits += len(some)
		}
		if waits == 0 {
			break
		}
		if time.Now().After(deadline) {
			h.t.Fatal("events wait")
		}
	}
	cancel()
	<-ended
}

// bodySchema is what the document says of an event.
func bodySchema(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	item := theContract(t).doc.Webhooks[name]
	if item == nil {
		t.Fatalf("%s is not in the document", name)
	}
	return item.Post.RequestBody.Value.Content["application/json"].Schema.Value
}

// holds checks a body that is posted against the document.
func holds(t *testing.T, e relay.Event) {
	t.Helper()
	v, err := value([]byte(e.Body))
	if err != nil {
		t.Fatal(err)
	}
	if err := bodySchema(t, string(e.Type)).VisitJSON(v, rules()...); err != nil {
		t.Errorf("%s: %v\n%s", e.Type, err, e.Body)
	}
}

// shown checks that the document's example of an event is the sample that
// "send a test" posts.
func shown(t *testing.T, form relay.EventForm, name relay.EventType) {
	t.Helper()
	e, err := relay.SampleEvent("ws_06g1ssuq7fb26uper4f0", form, name, time.Date(2026, 8, 20, 9, 15, 4, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want, err := value([]byte(e.Body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(theContract(t).doc.Webhooks[string(name)].Post.RequestBody.Value.Content["application/json"].Example)
	if err != nil {
		t.Fatal(err)
	}
	got, err := value(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the example of %s is not its sample (- sample, + example):\n%s", name, diff)
	}
}

func TestEverySampleIsAsTheDocumentSays(t *testing.T) {
	doc := theContract(t).doc
	var all []relay.EventType
	for _, form := range []relay.EventForm{relay.FormStandard, relay.FormTimelines} {
		for _, name := range relay.EventTypes(form) {
			all = append(all, name)
			e, err := relay.SampleEvent("ws_00000000000000000000", form, name, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			holds(t, e)
			shown(t, form, name)
		}
	}
	if len(doc.Webhooks) != len(all) {
		t.Errorf("the document has %d events, there are %d", len(doc.Webhooks), len(all))
	}
	for _, v := range doc.Components.Schemas["EventType"].Value.Enum {
		if !slices.Contains(all, relay.EventType(v.(string))) {
			t.Errorf("%s is no type", v)
		}
	}
}

func TestEveryEventThatHappensIsAsTheDocumentSays(t *testing.T) {
	h, _, _ := richHouse(t)
	ours, family := h.endpoint(""), h.endpoint(relay.FormTimelines)
	ch, err := h.relay.CreateChannel(t.Context(), h.ws, relay.NewChannel{Kind: "sandbox", Phone: "+15105566999"})
	if err != nil {
		t.Fatal(err)
	}
	h.post(hello)
	rec := h.post(`{"action":"send","phone":"+14151231235","text":"with a file","file_url":"https://example.com/a.png","file_name":"a.png"}`)
	sent := h.object(rec, 200)["data"].(map[string]any)["message_id"].(string)
	h.object(h.api(http.MethodPost, "messages/"+sent+"/cancel", ""), 200)
	h.object(h.api(http.MethodPost, "messages/"+sent+"/resend", ""), 201)
	if _, err := h.relay.Inbound(t.Context(), h.ws, h.channel, relay.Inbound{From: "+525512345678", Name: "Ana", Kind: "text", Text: "hi \x00 there"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.relay.Inbound(t.Context(), h.ws, h.channel, relay.Inbound{From: "12036304@g.us", Group: true, Author: "+525512345678", AuthorName: "Ana", Kind: "text", Text: "in a group"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.relay.RotateWebhook(t.Context(), h.ws, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.relay.HoldQueued(t.Context(), "restored"); err != nil {
		t.Fatal(err)
	}
	h.object(h.api(http.MethodPost, "channels/"+ch.ID+"/resume", ""), 200)
	seen := map[relay.EventType]bool{}
	for _, id := range []string{ours, family} {
		list, _, err := h.relay.EndpointEvents(t.Context(), relay.EventFilter{Workspace: h.ws, Endpoint: id}, relay.Page{Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			seen[e.Type] = true
			holds(t, e)
		}
	}
	if len(seen) < 11 {
		t.Errorf("only %d types happened: %v", len(seen), seen)
	}
}

// An event tells of a message what the API shows, without its history.
func TestAMessagesEventIsAsTheAPIShowsIt(t *testing.T) {
	doc := theContract(t).doc.Components.Schemas
	api, event := doc["Message"].Value, doc["EventMessage"].Value
	for name := range api.Properties {
		if (event.Properties[name] == nil) != (name == "history") {
			t.Errorf("%s is in one of the two alone", name)
		}
	}
	h := build(t, 10)
	id := h.endpoint("")
	sent := h.object(h.post(hello), 200)["data"].(map[string]any)["message_id"].(string)
	shown := h.object(h.api(http.MethodGet, "messages/"+sent, ""), 200)
	delete(shown, "history")
	ev := h.object(h.api(http.MethodGet, "endpoints/"+id+"/events", ""), 200)["data"].([]any)[0].(map[string]any)
	if got := ev["body"].(map[string]any)["data"]; fmt.Sprint(got) != fmt.Sprint(shown) {
		t.Errorf("told  %v\nshown %v", got, shown)
	}
}

func TestADisabledEndpointIsANoticeOfItsWorkspace(t *testing.T) {
	h := build(t, 10)
	h.relay.Poster = gone{}
	id := h.endpoint("")
	h.post(hello)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.relay.DeliverEvents(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		notices := h.object(h.api(http.MethodGet, "", ""), 200)["notices"].([]any)
		if len(notices) == 1 && strings.Contains(notices[0].(string), id) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no notice")
		}
	}
	cancel()
	<-ended
	e := h.object(h.api(http.MethodGet, "endpoints/"+id, ""), 200)
	if e["enabled"] != false || e["disabled_reason"] == nil || len(e["notices"].([]any)) != 1 {
		t.Errorf("endpoint %v", e)
	}
	if strings.Contains(h.log.String(), "crm.example") {
		t.Error("the address is in the log")
	}
}

// gone is a poster whose receivers want nothing any more.
type gone struct{ taker }

func (gone) Post(_ context.Context, _ relay.Posting) relay.Posted {
	return relay.Posted{Status: 410, Problem: "Gone."}
}
