package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"relevo/relay"
)

// parts are the lists of an export, by their names.
func (h *house) exported(path string) map[string]any {
	h.t.Helper()
	rec := h.api("GET", path, "")
	if got := rec.Header().Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="person-`+h.ws) || strings.Contains(got, "1234") {
		h.t.Errorf("the download is named %s", got)
	}
	return h.object(rec, 200)
}

// TestEverythingAboutAPersonIsOneFile is what somebody gets who asks what is
// kept of them: all of theirs, and nothing of others.
func TestEverythingAboutAPersonIsOneFile(t *testing.T) {
	h := build(t, 10)
	mine := h.accepted(h.post(`{"action":"send","phone":"+52 1 55 1234 5678","text":"for me"}`))
	h.accepted(h.post(`{"action":"send","phone":"+525512345678","text":"for me too"}`))
	h.accepted(h.post(`{"action":"send","phone":"+14155550101","text":"for another"}`))
	h.refused(h.post(`{"action":"send","phone":"+52 1 (55) 1234-5678"}`), 400, relay.CodeNoContent)
	h.refused(h.post(`{"action":"send","phone":"+14155550101"}`), 400, relay.CodeNoContent)
	h.object(h.api("POST", "channels/"+h.channel+"/sandbox/inbound", `{"from":"+5215512345678","name":"Ana","text":"I wrote this"}`), 200)
	h.object(h.api("POST", "channels/"+h.channel+"/sandbox/inbound", `{"from":"+14155550101","name":"Bob","text":"another wrote"}`), 200)
	wroteInGroup(h, "+5215512345678", "in a group")
	wroteInGroup(h, "+14155550101", "not mine, in a group")
	h.object(h.api("PUT", "opt-outs/525512345678", `{"reason":"asked"}`), 200)

	for _, form := range []string{"+5215512345678", "525512345678", "+52%201%20(55)%201234-5678"} {
		o := h.exported("people/" + form + "/export")
		if o["person"] != "+525512345678" || o["workspace_id"] != h.ws || o["exported_at"] == nil {
			t.Errorf("%s: %v", form, o)
		}
		for part, want := range map[string]int{"chats": 1, "messages": 2, "inbound": 2, "attempts": 3} {
			if got := o[part].([]any); len(got) != want {
				t.Errorf("%s: %d %s, want %d: %v", form, len(got), part, want, got)
			}
		}
		if out, _ := o["opt_out"].(map[string]any); out["reason"] != "asked" {
			t.Errorf("%s: opt-out %v", form, o["opt_out"])
		}
		all := fmt.Sprint(o)
		for _, want := range []string{mine, "for me too", "I wrote this", "in a group", "Ana"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q is not in it", form, want)
			}
		}
		for _, other := range []string{"0101", "another", "Bob", "not mine"} {
			if strings.Contains(all, other) {
				t.Errorf("%s: %q is of somebody else: %s", form, other, all)
			}
		}
	}
}

// wroteInGroup lets somebody write in a group.
func wroteInGroup(h *house, author, text string) {
	h.t.Helper()
	in := relay.Inbound{ID: text, From: "123456789-1600000000@g.us", Group: true, Author: author, Kind: "text", Text: text}
	if _, err := h.relay.Inbound(h.t.Context(), h.ws, h.channel, in); err != nil {
		h.t.Fatal(err)
	}
}

func TestAnExportHasMoreThanOnePageOfMessages(t *testing.T) {
	h := build(t, 1000)
	for i := range 405 {
		h.accepted(h.post(fmt.Sprintf(`{"action":"send","phone":"+14155550100","text":"%d"}`, i)))
	}
	if got := h.exported("people/14155550100/export")["messages"].([]any); len(got) != 405 {
		t.Errorf("%d messages, want 405", len(got))
	}
}

func TestAnExportIsOfOneWorkspaceAndForItsKeys(t *testing.T) {
	h := build(t, 10)
	h.accepted(h.post(`{"action":"send","phone":"+14155550100","text":"here"}`))
	other, _ := h.workspace("other")
	key := h.object(h.api("POST", "/workspaces/"+other+"/keys", `{"name":"theirs"}`), 201)["key"].(string)
	h.refused(h.apiAs(key, "GET", "people/+14155550100/export", ""), http.StatusNotFound, relay.CodeNotFound)
	o := h.object(h.apiAs(key, "GET", "/workspaces/"+other+"/people/+14155550100/export", ""), 200)
	if s := fmt.Sprint(o["chats"], o["messages"], o["inbound"], o["attempts"], o["opt_out"]); s != "[] [] [] [] <nil>" {
		t.Errorf("of somebody who was never heard of there: %s", s)
	}
	h.refused(h.api("GET", "people/nobody/export", ""), http.StatusBadRequest, relay.CodeInvalidPhone)
	h.refused(h.api("GET", "/workspaces/ws_00000000000000000000/people/14155550100/export", ""), http.StatusNotFound, relay.CodeNotFound)
	rec := h.api("HEAD", "people/14155550100/export", "")
	if rec.Code != 200 || rec.Body.Len() != 0 {
		t.Errorf("HEAD: %d %s", rec.Code, rec.Body)
	}
	notes, _, err := h.relay.Notes(t.Context(), other, nil, relay.Page{Limit: 10})
	if err != nil || len(notes) != 2 || notes[0].Action != "person_exported" || notes[0].Subject != "…0100" || notes[0].By.Name != "theirs" {
		t.Errorf("the audit log: %+v %v", notes, err)
	}
	if strings.Contains(h.log.String(), "4155550100") {
		t.Error("the number is in the log")
	}
}

// deaf takes no byte.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestAnExportThatCannotBeSentIsNoSuccess(t *testing.T) {
	h := build(t, 10)
	h.accepted(h.post(`{"action":"send","phone":"+14155550100","text":"hello"}`))
	s := &server{Config: Config{Relay: h.relay}, relay: h.relay}
	d, err := s.aboutPerson(t.Context(), h.ws, "+14155550100")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.write(deaf{}); err == nil || err.Error() != "gone" {
		t.Errorf("got %v", err)
	}
}

// TestAPersonIsErasedForEver is what is left of somebody by the API: numbers,
// and nothing else.
func TestAPersonIsErasedForEver(t *testing.T) {
	h := build(t, 10)
	id := h.accepted(h.post(`{"action":"send","phone":"+52 1 55 1234 5678","text":"for me"}`))
	h.accepted(h.post(`{"action":"send","phone":"+14155550101","text":"for another"}`))
	h.refused(h.post(`{"action":"send","phone":"+52 1 (55) 1234-5678"}`), 400, relay.CodeNoContent)
	h.object(h.api("POST", "channels/"+h.channel+"/sandbox/inbound", `{"from":"+5215512345678","name":"Ana","text":"I wrote this"}`), 200)
	got := h.object(h.api("POST", "people/525512345678/erase", ""), 200)
	if s := fmt.Sprint(got); s != "map[attempts:2 events:0 inbound:1 left:0 messages:1]" {
		t.Errorf("erased: %s", s)
	}
	if again := h.object(h.api("POST", "people/+5215512345678/erase", ""), 200); fmt.Sprint(again) != "map[attempts:0 events:0 inbound:0 left:0 messages:0]" {
		t.Errorf("erased again: %v", again)
	}
	m := h.object(h.api("GET", "messages/"+id, ""), 200)
	if m["to"] != "erased-10001" || m["text"] != nil || m["status"] != "canceled" || m["units"] != float64(1) {
		t.Errorf("the message: %v", m)
	}
	h.refused(h.api("POST", "messages/"+id+"/resend", ""), http.StatusConflict, relay.CodeNotResendable)
	h.refused(h.api("GET", "chats/10001", ""), http.StatusNotFound, relay.CodeNotFound)
	if n := h.units(); n != 9 {
		t.Errorf("%d units are left, want 9", n)
	}
	for _, path := range []string{"messages", "chats", "inbound", "attempts"} {
		list := fmt.Sprint(h.object(h.api("GET", path, ""), 200))
		for _, s := range []string{"5512345678", "1234", "for me", "Ana", "I wrote"} {
			if strings.Contains(list, s) {
				t.Errorf("%s: %q is still there: %s", path, s, list)
			}
		}
		if path != "inbound" && !strings.Contains(list, "4155550101") {
			t.Errorf("%s: somebody else is gone too: %s", path, list)
		}
	}
	o := h.exported("people/525512345678/export")
	if s := fmt.Sprint(o["chats"], o["messages"], o["inbound"], o["attempts"]); s != "[] [] [] []" {
		t.Errorf("an export still has %s", s)
	}
	notes, _, err := h.relay.Notes(t.Context(), h.ws, func(n relay.Note) bool { return n.Action == "person_erased" }, relay.Page{Limit: 10})
	if err != nil || len(notes) != 2 || notes[0].Subject != "…5678" {
		t.Errorf("the audit log: %+v %v", notes, err)
	}
	h.refused(h.api("POST", "people/nobody/erase", ""), http.StatusBadRequest, relay.CodeInvalidPhone)
	h.refused(h.api("POST", "/workspaces/ws_00000000000000000000/people/14155550100/erase", ""), http.StatusNotFound, relay.CodeNotFound)
	if strings.Contains(h.log.String(), "5512345678") {
		t.Error("the number is in the log")
	}
}
