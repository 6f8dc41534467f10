package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"relevo/relay"
)

// TestWhoWritesStopIsRefusedUntilTheyAreTakenOffTheList is the list from the
// first STOP on: what waits comes back, and every way in is closed.
func TestWhoWritesStopIsRefusedUntilTheyAreTakenOffTheList(t *testing.T) {
	h := build(t, 10)
	waiting := h.accepted(h.post(`{"action":"send","phone":"+14155550100","text":"hi"}`))
	h.object(h.api("POST", "channels/"+h.channel+"/sandbox/inbound", `{"from":"+14155550100","name":"Ann","text":"Stop."}`), 200)
	if m := h.object(h.api("GET", "messages/"+waiting, ""), 200); m["status"] != "canceled" || m["error"].(map[string]any)["code"] != "opted_out" {
		t.Errorf("what waited: %v", m)
	}
	if n := h.units(); n != 10 {
		t.Errorf("%d units are left, want 10", n)
	}
	got := h.refused(h.post(`{"action":"send","phone":"14155550100","text":"hi"}`), http.StatusBadRequest, relay.CodeOptedOut)
	if strings.Contains(fmt.Sprint(got), "4155550100") {
		t.Errorf("the refusal tells the number: %v", got)
	}
	tried := h.object(h.api("POST", "webhook/try", `{"json":{"action":"send","phone":"+14155550100","text":"hi"}}`), 200)
	if !strings.Contains(fmt.Sprint(tried), "opted_out") {
		t.Errorf("try says %v", tried)
	}
	h.refused(h.api("POST", "messages/"+waiting+"/resend", ""), http.StatusBadRequest, relay.CodeOptedOut)
	list := h.object(h.api("GET", "opt-outs?prefix=+1415", ""), 200)["data"].([]any)
	if len(list) != 1 {
		t.Fatalf("the list is %v", list)
	}
	if o := list[0].(map[string]any); o["recipient"] != "+14155550100" || o["by"] != "recipient" || o["reason"] != "Stop." || o["chat_id"] != "10001" {
		t.Errorf("on the list: %v", o)
	}
	if rec := h.api("DELETE", "opt-outs/+1%20(415)%20555-0100", ""); rec.Code != http.StatusNoContent {
		t.Errorf("taken off: %d %s", rec.Code, rec.Body)
	}
	h.refused(h.api("DELETE", "opt-outs/14155550100", ""), http.StatusNotFound, relay.CodeNotFound)
	h.accepted(h.post(`{"action":"send","phone":"+14155550100","text":"hi"}`))
}

func TestPeopleArePutOnTheListByAKeyOfTheWorkspace(t *testing.T) {
	h := build(t, 10)
	key := h.object(h.api("POST", "keys", `{"name":"crm"}`), 201)
	put := h.object(h.apiAs(key["key"].(string), "PUT", "/workspaces/"+h.ws+"/opt-outs/525512345678", `{"reason":"asked by phone"}`), 200)
	if put["by"] != key["id"] || put["recipient"] != "+525512345678" || put["reason"] != "asked by phone" {
		t.Errorf("put: %v", put)
	}
	again := h.object(h.api("PUT", "opt-outs/+5215512345678", ""), 200) // the other form of the number, without a body
	if again["by"] != key["id"] || again["at"] != put["at"] {
		t.Errorf("put again: %v", again)
	}
	if o := h.object(h.api("GET", "opt-outs/+5215512345678", ""), 200); o["reason"] != "asked by phone" {
		t.Errorf("shown: %v", o)
	}
	h.refused(h.api("PUT", "opt-outs/nobody", `{}`), http.StatusBadRequest, relay.CodeInvalidPhone)
	h.refused(h.api("PUT", "opt-outs/525512345678", `{"reason":"`+strings.Repeat("a", 501)+`"}`), http.StatusBadRequest, relay.CodeInvalidField)
	h.refused(h.api("GET", "opt-outs/nobody", ""), http.StatusNotFound, relay.CodeNotFound)
	h.refused(h.api("GET", "opt-outs?limit=0", ""), http.StatusBadRequest, relay.CodeInvalidField)
}

func TestTheMessagesOfOneChatAreListed(t *testing.T) {
	h := build(t, 10)
	ann := h.accepted(h.post(`{"action":"send","phone":"+14155550100","text":"hi"}`))
	h.accepted(h.post(`{"action":"send","phone":"+14155550101","text":"ho"}`))
	list := h.object(h.api("GET", "messages?chat=10001", ""), 200)["data"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["id"] != ann {
		t.Errorf("chat 10001: %v", list)
	}
	h.refused(h.api("GET", "messages?chat=99", ""), http.StatusNotFound, relay.CodeNotFound)
}
