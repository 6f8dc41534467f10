package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"relevo/relay"
)

// unaudited routes change nothing that somebody would ask about later.
var unaudited = []string{
	"POST /workspaces/:ws/webhook/try", "POST /workspaces/:ws/channels/:ch/check", "POST /workspaces/:ws/channels/:ch/templates/sync",
	"POST /workspaces/:ws/channels/:ch/sandbox/inbound", "POST /workspaces/:ws/channels/:ch/sandbox/groups", "POST /workspaces/:ws/chats", "POST /workspaces/:ws/endpoints/:ep/test",
}

func TestEveryRouteThatChangesSomethingIsInTheAuditLogOrNamedHere(t *testing.T) {
	left := map[string]bool{}
	for route := range audited {
		left[route] = true
	}
	for _, rt := range (&server{}).routes() {
		name := rt.method + " " + rt.path
		delete(left, name)
		if rt.method != http.MethodGet && audited[name] == "" && !slices.Contains(unaudited, name) {
			t.Errorf("%s is neither audited nor unaudited", name)
		}
	}
	for route := range left {
		t.Errorf("%s is no route", route)
	}
}

func TestTheAuditLogTellsWhoDidWhatByTheAPI(t *testing.T) {
	h := build(t, 50)
	key := h.object(h.api(http.MethodPost, "keys", `{"name":"CRM"}`), 201)
	secret := key["key"].(string)
	h.object(h.apiAs(secret, http.MethodPatch, "", `{"time_zone":"Europe/Madrid"}`), 200)
	h.refused(h.apiAs(secret, http.MethodPatch, "", `{"time_zone":"Nowhere"}`), 400, relay.CodeInvalidField)
	h.object(h.api(http.MethodPost, "quota/grants", `{"units":5,"reference":"+49 151 23456789"}`), 201)
	if w := h.object(h.api(http.MethodGet, "", ""), 200); w["time_zone"] != "Europe/Madrid" {
		t.Errorf("time zone %v", w["time_zone"])
	}
	notes, next, err := h.relay.Notes(t.Context(), h.ws, nil, relay.Page{Limit: 10})
	if err != nil || next != "" {
		t.Fatal(err)
	}
	var got []string
	for _, n := range notes {
		got = append(got, strings.Join([]string{n.By.Kind, n.By.Name, n.By.Via, n.Action, n.Subject}, " "))
	}
	want := []string{"operator  api quota_granted …6789", "key CRM api workspace_changed " + notes[1].Subject, "operator  api key_created CRM"}
	if len(got) < 3 || !slices.Equal(got[:3], want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, n := range notes {
		if strings.Contains(n.Subject, secret) {
			t.Error("the audit log has a secret")
		}
	}
}
