package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"relevo/relay"
)

// rich is Acme with templates and files.
type rich struct {
	acme
	templates []relay.Template
	broken    bool
}

func (d *rich) Templates(context.Context, relay.Channel) ([]relay.Template, error) {
	if d.broken {
		return nil, &relay.SendError{Verdict: relay.ChannelFault, Reason: "Acme does not take this token any more.", Err: errors.New("status 401")}
	}
	return d.templates, nil
}

func (d *rich) Submit(_ context.Context, _ relay.Channel, t relay.Template, _ *relay.OutgoingFile) (relay.Template, error) {
	t.ID, t.Status = "t9", relay.TemplatePending
	return t, nil
}

func (d *rich) Media(context.Context, relay.Channel, relay.InboundFile) (io.ReadCloser, string, error) {
	return io.NopCloser(strings.NewReader("file")), "image/png", nil
}

func richHouse(t *testing.T) (*house, *rich, string) {
	t.Helper()
	h := build(t, 50)
	d := &rich{templates: []relay.Template{
		{ID: "t1", Name: "order", Language: "en", Category: relay.Utility, Status: relay.TemplateApproved, Header: &relay.TemplateHeader{Kind: "text", Text: "No {{1}}"}, Body: "Hi {{1}}, it left."},
		{ID: "t2", Name: "news", Language: "en", Status: relay.TemplateRejected, Reason: "SCAM", Body: "News"},
	}}
	h.relay.Drivers["acme"] = d
	h.relay.Set.PublicURL = "https://relay.example"
	ch := h.object(h.api("POST", "channels", `{"kind":"acme","name":"Acme","phone":"+15105566778","settings":{"token":"secret-token-99"},"fallback_template":{"name":"news","language":"en"}}`), 201)
	return h, d, ch["id"].(string)
}

func TestTemplatesAreListedReadAgainAndSubmitted(t *testing.T) {
	h, d, ch := richHouse(t)
	list := func(rec any) (rows []map[string]any) {
		for _, v := range rec.(map[string]any)["data"].([]any) {
			rows = append(rows, v.(map[string]any))
		}
		return rows
	}
	if got := list(h.object(h.api("GET", "channels/"+ch+"/templates", ""), 200)); len(got) != 0 {
		t.Errorf("before the first list: %v", got)
	}
	got := list(h.object(h.api("POST", "channels/"+ch+"/templates/sync", ""), 200))
	if len(got) != 2 || got[0]["name"] != "news" || got[0]["reason"] != "SCAM" || got[1]["status"] != "approved" || len(got[1]["variables"].([]any)) != 2 || got[1]["synced_at"] == nil {
		t.Errorf("the list is %v", got)
	}
	fields(t, got[1], "id name language category status reason header body variables samples footer buttons synced_at")
	d.broken = true
	if o := h.refused(h.api("POST", "channels/"+ch+"/templates/sync", ""), 502, relay.CodeProviderFailed); !strings.Contains(o["detail"].(string), "does not take this token") {
		t.Errorf("got %v", o)
	}
	c := h.object(h.api("GET", "channels/"+ch, ""), 200)
	if n := c["notices"].([]any); len(n) != 1 || !strings.Contains(n[0].(string), "does not take this token") || c["templates_synced_at"] == nil {
		t.Errorf("the channel says %v", c)
	}
	body := `{"name":"ready","language":"pt-br","category":"UTILITY","body":"Hi {{1}}, it is ready.","samples":["Ann"],"buttons":[{"type":"url","text":"Track","url":"https://s.example/{{1}}","sample":"https://s.example/7"}]}`
	if o := h.object(h.api("POST", "channels/"+ch+"/templates", body), 201); o["status"] != "pending" || o["language"] != "pt_BR" || o["id"] != "t9" {
		t.Errorf("submitted: %v", o)
	}
	o := h.refused(h.api("POST", "channels/"+ch+"/templates", `{"name":"Not this","language":"en","category":"NEWS","body":"{{1}} is {{3}}"}`), 400, relay.CodeInvalidField)
	if n := len(o["errors"].([]any)); n < 4 {
		t.Errorf("%d faults are told: %v", n, o)
	}
	for _, path := range []string{"templates", "templates/sync"} {
		h.refused(h.api("POST", "channels/"+h.channel+"/"+path, body), 400, relay.CodeTemplateUnsupported)
	}
}

func TestACallOfATemplateIsCheckedAgainstTheList(t *testing.T) {
	h, _, ch := richHouse(t)
	h.object(h.api("POST", "channels/"+ch+"/templates/sync", ""), 200)
	for body, want := range map[string]relay.Code{
		`"template":{"name":"news","language":"en"}`:                                                                                   relay.CodeTemplateUnknown,
		`"template":{"name":"order","language":"en","variables":["1"]}`:                                                                relay.CodeTemplateVariables,
		`"template":{"name":"order","language":"en","variables":["1","Ann"]},"file_url":"https://f.example/a.pdf","file_name":"a.pdf"`: relay.CodeInvalidField,
	} {
		h.refused(h.post(`{"action":"send","whatsapp account phone":"+15105566778","phone":"+14151231234",`+body+`}`), 400, want)
	}
	id := h.accepted(h.post(`{"action":"send","whatsapp account phone":"+15105566778","phone":"+14151231234","template":{"name":"order","language":"en","variables":["77","Ann"]}}`))
	if m := h.object(h.api("GET", "messages/"+id, ""), 200); m["units"] != 1.0 {
		t.Errorf("the message is %v", m)
	}
	h.object(h.api("PATCH", "channels/"+ch, `{"fallback_template":null,"files_out":false}`), 200)
	if c := h.object(h.api("GET", "channels/"+ch, ""), 200); c["fallback_template"] != nil || c["files_out"] != false || c["files_in"] != true {
		t.Errorf("the channel is %v", c)
	}
	h.refused(h.post(`{"action":"send","whatsapp account phone":"+15105566778","phone":"+14151231234","file_url":"https://f.example/a.pdf","file_name":"a.pdf"}`), 400, relay.CodeInvalidField)
	for _, bad := range []string{`{"fallback_template":"news"}`, `{"fallback_template":{"name":"No","language":"en"}}`, `{"fallback_template":{"language":"en"}}`} {
		h.refused(h.api("PATCH", "channels/"+ch, bad), 400, relay.CodeInvalidField)
	}
}

func TestWhatPeopleWroteIsListedWithItsFiles(t *testing.T) {
	h, _, ch := richHouse(t)
	m := relay.Inbound{ID: "x", From: "+14150001111", Name: "Ann", Kind: "image", Text: "look", Files: []relay.InboundFile{{ID: "f", Name: "a \"b\".png"}}}
	chat, err := h.relay.Inbound(t.Context(), h.ws, ch, m)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(query string) []any { return h.object(h.api("GET", "inbound"+query, ""), 200)["data"].([]any) }
	for query, want := range map[string]int{"": 1, "?channel=" + ch: 1, "?chat=" + chat.ID: 1, "?channel=" + h.channel: 0} {
		if got := rows(query); len(got) != want {
			t.Errorf("%q: %v", query, got)
		}
	}
	h.refused(h.api("GET", "inbound?chat=1", ""), 404, relay.CodeNotFound)
	row := rows("")[0].(map[string]any)
	file := row["files"].([]any)[0].(map[string]any)
	if row["sender"] != "+14150001111" || row["text"] != "look" || row["kind"] != "image" || row["chat_id"] != chat.ID || file["url"] != nil || file["missing"] != nil {
		t.Errorf("got %v", row)
	}
	h.refused(h.api("GET", "inbound/"+row["id"].(string)+"/files/0", ""), 404, relay.CodeNotFound)
	if c := h.object(h.api("GET", "chats/"+chat.ID, ""), 200); c["closed"] != false || c["window_until"] == nil {
		t.Errorf("the chat is %v", c)
	}
	if rec := h.call(http.MethodGet, "/api/v1/workspaces/"+h.ws+"/inbound", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("without a key: %d", rec.Code)
	}
}
