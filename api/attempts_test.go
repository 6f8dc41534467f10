package api

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestColumnsAndFieldsOfAnAttemptAreTheSame(t *testing.T) {
	if diff := cmp.Diff(namesOf(reflect.TypeFor[attemptView]()), attemptColumns); diff != "" {
		t.Error(diff)
	}
	if got := len(attemptView{}.cells()); got != len(attemptColumns) {
		t.Errorf("a row has %d cells", got)
	}
}

func TestAttemptsSayWhatBecameOfTheMessage(t *testing.T) {
	h := build(t, 5)
	id := h.object(h.post(hello, "User-Agent", "crm/2"), 200)["data"].(map[string]any)["message_id"].(string)
	h.object(h.api("POST", "messages/"+id+"/cancel", ""), 200)
	h.post("\xff\x00")
	got := h.attempts()
	if len(got) != 2 || *got[1].MessageStatus != "canceled" || *got[1].MessageID != id || got[1].Body != hello || got[1].Units != 1 || *got[1].Sender != "crm/2" || got[1].Count != 1 {
		t.Errorf("got %+v", got)
	}
	if got[0].Status != 400 || got[0].MessageStatus != nil || got[0].Body != "/wA=" || !got[0].BodyBase64 {
		t.Errorf("got %+v", got[0])
	}
}

func TestAnAttemptNamesItsRecipientAlsoWhereItWasRefused(t *testing.T) {
	for _, c := range []struct{ name, body, code, want string }{
		{"accepted", hello, "", "+14151231234"},
		{"no text", `{"action":"send","phone":"+1 415 555 0100"}`, "no_content", "+14155550100"},
		{"an account that is not there", `{"action":"send","jid":"14155550100@c.us","text":"x","whatsapp_account_phone":"+4915112345678"}`, "account_not_found", "+14155550100"},
		{"a number that is none", `{"action":"send","phone":"12","text":"x"}`, "invalid_phone", ""},
		{"two recipients", `{"action":"send","phone":"+14155550100","jid":"123-4@g.us","text":"x"}`, "too_many_recipients", ""},
		{"no JSON", `{"action":"send","phone":"+14155550100"`, "invalid_json", ""},
	} {
		h := build(t, 5)
		h.post(c.body)
		a := h.attempts()[0]
		if deref(a.ErrorCode) != c.code || deref(a.Recipient) != c.want || (a.Account == nil) != (c.code != "") {
			t.Errorf("%s: %s to %q by %v", c.name, deref(a.ErrorCode), deref(a.Recipient), a.Account)
		}
	}
	h := build(t, 0)
	h.post(hello)
	if a := h.attempts()[0]; deref(a.ErrorCode) != "quota_exhausted" || deref(a.Recipient) != "+14151231234" {
		t.Errorf("%s to %q", deref(a.ErrorCode), deref(a.Recipient))
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestEqualRefusalsFold(t *testing.T) {
	h := build(t, 5)
	for range 6 {
		h.post(`{`)
	}
	if got := h.attempts(); len(got) != 3 || got[0].Count != 4 || got[0].LastAt == nil || got[1].Count != 1 || got[1].LastAt != nil {
		t.Errorf("got %+v", got)
	}
}

func TestTheDownloadIsASpreadsheetWithoutFormulas(t *testing.T) {
	h := build(t, 5)
	h.post(`=cmd|' /C calc'!A0`, "User-Agent", "@evil, \"quoted\"")
	h.post(hello, "User-Agent", "Zoë")
	rec := h.api(http.MethodGet, "attempts?format=csv", "")
	want := `attachment; filename="attempts-` + h.ws + `-`
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(rec.Header().Get("Content-Disposition"), want) {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	text, ok := strings.CutPrefix(rec.Body.String(), "\ufeff")
	if !ok {
		t.Error("no byte order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	if r := rows[1]; r[at["sender"]] != "Zoë" || r[at["status"]] != "200" || r[at["body"]] != hello || r[at["message_status"]] != "queued" {
		t.Errorf("got %q", r)
	}
	if r := rows[2]; r[at["sender"]] != `'@evil, "quoted"` || r[at["body"]] != `'=cmd|' /C calc'!A0` || r[at["error_code"]] != "invalid_json" {
		t.Errorf("got %q", r)
	}
}

func TestJSONLIsOneAttemptALine(t *testing.T) {
	h := build(t, 5)
	h.post(hello)
	h.post("{\n}")
	rec := h.api(http.MethodGet, "attempts?format=jsonl", "")
	lines := strings.Split(strings.TrimSuffix(rec.Body.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.HasSuffix(rec.Header().Get("Content-Disposition"), `.jsonl"`) {
		t.Fatalf("got %v %s", rec.Header(), rec.Body)
	}
	for i, a := range h.attempts() {
		var got attemptView
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, got); diff != "" {
			t.Error(diff)
		}
	}
}
