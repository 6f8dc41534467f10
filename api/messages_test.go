package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

func TestAMessageShowsItsTemplate(t *testing.T) {
	call := relay.TemplateCall{Name: "order_shipped", Language: "en", Variables: []string{"Ann"}, Names: []string{"first_name"}, Buttons: []string{"", "x9"}}
	got, err := json.Marshal(viewMessage(relay.Message{Template: &call}).Template)
	const want = `{"name":"order_shipped","language":"en","variables":["Ann"],"names":["first_name"],"buttons":["","x9"]}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

func TestAMessageIsShownCanceledAndSentAgain(t *testing.T) {
	h := build(t, 5)
	rec := h.post(`{"action":"send","phone":"+14151231234","text":"hello","file_url":"https://files.example/a.png","file_name":"a.png"}`)
	id := h.object(rec, 200)["data"].(map[string]any)["message_id"].(string)
	m := h.object(h.api("GET", "messages/"+id, ""), 200)
	fields(t, m, "id status units channel_id chat_id to text file template created_at send_at expires_at tries provider_id error part_of parts resend_of resent_as history")
	fields(t, m["file"], "url name kind type size")
	fields(t, m["history"].([]any)[0], "at status applied try note error")
	if m["status"] != "queued" || m["units"] != 2.0 || m["to"] != "+14151231234" || m["chat_id"] != "10001" || m["send_at"] != nil || m["error"] != nil {
		t.Errorf("got %v", m)
	}
	for _, form := range []string{url.PathEscape(id), strings.ReplaceAll(id, ":", "%3A"), strings.TrimPrefix(id, "wa_backend:")} {
		if got := h.object(h.api("GET", "messages/"+form, ""), 200); got["id"] != id {
			t.Errorf("%s: got %v", form, got)
		}
	}
	h.refused(h.api("POST", "messages/"+id+"/resend", ""), 409, relay.CodeNotResendable)
	h.refused(h.api("POST", "messages/"+id+"/confirm", ""), 409, relay.CodeConflict)
	if got := h.object(h.api("POST", "messages/"+id+"/cancel", ""), 200); got["status"] != "canceled" || got["error"].(map[string]any)["code"] != "canceled" {
		t.Errorf("got %v", got)
	}
	h.refused(h.api("POST", "messages/"+id+"/cancel", ""), 409, relay.CodeNotCancelable)
	if got := h.object(h.api("GET", "quota", ""), 200); got["available"] != 5.0 {
		t.Errorf("got %v", got)
	}
	again := h.api("POST", "messages/"+id+"/resend", "")
	fresh := h.object(again, 201)
	if fresh["resend_of"] != id || fresh["id"] == id || again.Header().Get("Location") != apiBase+"/workspaces/"+h.ws+"/messages/"+fresh["id"].(string) {
		t.Errorf("got %v", fresh)
	}
	h.refused(h.api("POST", "messages/"+id+"/resend", ""), 409, relay.CodeNotResendable) // an answer was lost, and it is asked again
	if got := h.object(h.api("GET", "messages/"+id, ""), 200); got["resent_as"] != fresh["id"] {
		t.Errorf("got %v, want it as %v", got, fresh["id"])
	}
	if got := h.object(h.api("GET", "quota", ""), 200); got["available"] != 3.0 || got["reserved"] != 2.0 {
		t.Errorf("got %v", got)
	}
	for _, unknown := range []string{"x", "wa_backend:3EB0000000000000000000", "3EB0", "%00", "a%2Fb"} {
		for _, act := range []struct{ method, path string }{{"GET", ""}, {"POST", "/cancel"}, {"POST", "/resend"}, {"POST", "/confirm"}} {
			h.refused(h.api(act.method, "messages/"+unknown+act.path, ""), 404, relay.CodeNotFound)
		}
	}
	other, _ := h.workspace("Other")
	h.refused(h.api("GET", "/workspaces/"+other+"/messages/"+id, ""), 404, relay.CodeNotFound)
}

func TestListsArePagedNewestFirst(t *testing.T) {
	h := build(t, 10)
	var want []string
	for i := range 5 {
		id := h.object(h.post(fmt.Sprintf(`{"action":"send","phone":"+1415123000%d","text":"x"}`, i)), 200)["data"].(map[string]any)["message_id"].(string)
		want = append([]string{id}, want...)
	}
	for list, name := range map[string]string{"messages": "id", "chats": "id", "quota/entries": "message_id"} {
		var got []string
		cursor, pages := "", 0
		for {
			page := h.object(h.api("GET", list+"?limit=2&cursor="+url.QueryEscape(cursor), ""), 200)
			for _, row := range page["data"].([]any) {
				v, _ := row.(map[string]any)[name].(string)
				got = append(got, v)
			}
			next, more := page["next_cursor"].(string)
			if pages++; !more || pages > 9 {
				break
			}
			cursor = next
		}
		expected := want
		switch list {
		case "chats":
			expected = []string{"10005", "10004", "10003", "10002", "10001"}
		case "quota/entries":
			expected = append(slices.Clone(want), "") // the grant
		}
		if diff := cmp.Diff(expected, got); diff != "" || pages != 3 {
			t.Errorf("%s in %d pages: %s", list, pages, diff)
		}
	}
}

func TestMessagesAreFiltered(t *testing.T) {
	h := build(t, 10)
	id := h.object(h.post(hello), 200)["data"].(map[string]any)["message_id"].(string)
	h.post(hello)
	h.object(h.api("POST", "messages/"+id+"/cancel", ""), 200)
	now := time.Now().UTC()
	for query, want := range map[string]int{
		"": 2, "?status=queued": 1, "?status=canceled,queued": 2, "?status=sent": 0, "?channel=" + h.channel: 2, "?channel=ch_x": 0,
		"?from=" + now.Add(-time.Hour).Format(time.RFC3339): 2, "?from=" + now.Add(time.Hour).Format(time.RFC3339): 0,
		"?to=" + now.Add(-time.Hour).Format(time.RFC3339): 0, "?to=" + now.Add(48*time.Hour).Format(time.DateOnly): 2,
		"?from=" + now.Add(-time.Hour).In(time.FixedZone("", 7200)).Format(time.RFC3339): 2,
	} {
		if got := h.object(h.api("GET", "messages"+query, ""), 200)["data"].([]any); len(got) != want {
			t.Errorf("%s: got %d, want %d", query, len(got), want)
		}
	}
}

func TestABadQueryIsRefused(t *testing.T) {
	h := build(t, 1)
	for _, path := range []string{
		"messages?status=gone", "messages?from=yesterday", "messages?from=2026-01-02&to=2026-01-01", "messages?limit=0", "messages?limit=201", "messages?limit=x", "messages?limit=-1",
		"messages?cursor=!", "chats?cursor=!", "quota/entries?cursor=!", "quota/entries?cursor=%00", "/workspaces?cursor=!", "/workspaces?limit=1e9", "counters?from=0000-00-00", "attempts?format=xml", "attempts?limit=0",
	} {
		h.refused(h.api("GET", path, ""), 400, relay.CodeInvalidField)
	}
	for _, cursor := range []string{"AAAA", strings.Repeat("A", 40_000), "_____w"} {
		for _, path := range []string{"messages", "chats", "quota/entries", "/workspaces"} {
			if rec := h.api("GET", path+"?cursor="+cursor, ""); rec.Code >= 500 {
				t.Errorf("%s with an invented cursor: %d %s", path, rec.Code, rec.Body)
			}
		}
	}
}

func TestTheQueueTellsOfEachLane(t *testing.T) {
	h := build(t, 5)
	first := h.object(h.post(hello), 200)["data"].(map[string]any)["message_id"].(string)
	h.post(hello)
	lanes := h.object(h.api("GET", "queue", ""), 200)["data"].([]any)
	if len(lanes) != 1 {
		t.Fatalf("got %v", lanes)
	}
	l := lanes[0].(map[string]any)
	fields(t, l, "lane channel_id depth waiting parked paused hold next_send_at eta_last oldest_message_id")
	if l["channel_id"] != h.channel || l["depth"] != 2.0 || l["oldest_message_id"] != first || l["next_send_at"] == nil || l["eta_last"] == nil {
		t.Errorf("got %v", l)
	}
	h.api("POST", "channels/"+h.channel+"/pause", "")
	l = h.object(h.api("GET", "queue", ""), 200)["data"].([]any)[0].(map[string]any)
	if l["paused"] != true || l["next_send_at"] != nil || l["eta_last"] != nil {
		t.Errorf("paused: got %v", l)
	}
}
