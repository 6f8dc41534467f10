package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// bodyOf is an example of an operation's body, as JSON; empty without one.
func bodyOf(t *testing.T, op *openapi3.Operation) string {
	t.Helper()
	if op.RequestBody == nil || op.RequestBody.Value.Content["application/json"] == nil {
		return ""
	}
	schema := op.RequestBody.Value.Content["application/json"].Schema.Value
	if len(schema.Examples) == 0 {
		t.Fatalf("%s has no example of its body", op.OperationID)
	}
	b, err := json.Marshal(schema.Examples[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What the document shows as a call of the API is one that the API takes.
func TestEveryExampleOfTheAPIIsTaken(t *testing.T) {
	taken := 0
	for address, item := range theContract(t).doc.Paths.Map() {
		for method, op := range item.Operations() {
			body := bodyOf(t, op)
			if body == "" || !strings.HasPrefix(address, apiBase) {
				continue
			}
			h, _, acme := richHouse(t)
			ch := h.channel
			if strings.Contains(address, "/templates") {
				ch = acme
			}
			path := strings.NewReplacer("{ws}", h.ws, "{ch}", ch, "{ep}", h.endpoint(""), "{phone}", "14155550199").Replace(strings.TrimPrefix(address, apiBase))
			var o map[string]any
			if err := json.Unmarshal([]byte(body), &o); err != nil {
				t.Fatal(err)
			}
			if o["channel_id"] != nil {
				o["channel_id"] = ch
			}
			b, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if rec := h.api(method, path, string(b)); rec.Code != 200 && rec.Code != 201 {
				t.Errorf("%s: %s: got %d %s", op.OperationID, b, rec.Code, rec.Body)
			}
			taken++
		}
	}
	if taken < 15 {
		t.Errorf("%d examples were tried", taken)
	}
}

func TestEveryExampleOfTheWebhookIsRead(t *testing.T) {
	h := build(t, 10)
	examples := theContract(t).operation(http.MethodPost, "/hook/{token}").RequestBody.Value.Content["application/json"].Examples
	for _, c := range []struct {
		name   string
		status int
	}{{"text", 200}, {"file", 200}, {"template", 400}, {"soon", 200}} {
		b, err := json.Marshal(examples[c.name].Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		rec := h.post(string(b))
		if rec.Code != c.status || rec.Header().Get("Relevo-Warnings") != "" || c.status == 400 && !strings.Contains(rec.Body.String(), "template_unsupported") {
			t.Errorf("%s: got %d %s, warnings %q", c.name, rec.Code, rec.Body, rec.Header().Get("Relevo-Warnings"))
		}
	}
	if len(examples) != 4 {
		t.Errorf("there are %d examples", len(examples))
	}
}

// The refusal that the document shows is the one that such a call gets.
func TestTheExampleOfARefusalIsTrue(t *testing.T) {
	h := build(t, 10)
	example := theContract(t).operation(http.MethodPost, "/hook/{token}").Responses.Value("400").Value.Content["application/json"].Example.(map[string]any)
	got := h.object(h.post(`{"action":"send","phone":"none","text":"Hello"}`, "X-Request-Id", example["request_id"].(string)), 400)
	want, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got) // in the same order
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(again)); diff != "" {
		t.Error(diff)
	}
}
