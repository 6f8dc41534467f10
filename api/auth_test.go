package api

import (
	"net/http"
	"strings"
	"testing"

	"relevo/relay"
)

// places fills the parts of a route's path.
func (h *house) places(path string) string {
	return strings.NewReplacer(":ws", h.ws, ":chat", "10001", ":ch", h.channel, ":id", "wa_backend:3EB0000000000000000000").Replace(path)
}

func TestNoRouteOpensWithoutAKey(t *testing.T) {
	h := build(t, 1)
	for _, rt := range new(server).routes() {
		for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + operatorKey, operatorKey, "Bearer " + operatorKey + "x", "Bearer " + h.token} {
			rec := h.call(rt.method, apiBase+h.places(rt.path), strings.NewReader(`{}`), "Authorization", authorization)
			h.refused(rec, http.StatusUnauthorized, relay.CodeUnauthorized)
			if rec.Header().Get("WWW-Authenticate") != "Bearer" || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s %q: headers %v", rt.method, rt.path, authorization, rec.Header())
			}
		}
	}
}

func TestWithoutAnOperatorKeyNobodyIsTheOperator(t *testing.T) {
	h := build(t, 1, func(c *Config) { c.OperatorKey = "" })
	for _, key := range []string{"", " ", operatorKey} {
		if rec := h.apiAs(key, "GET", "/workspaces", ""); rec.Code != 401 {
			t.Errorf("%q: got %d", key, rec.Code)
		}
	}
}

func TestAWorkspaceKeySeesItsWorkspaceAndNoOther(t *testing.T) {
	h := build(t, 1)
	other, _ := h.workspace("Other")
	made := h.object(h.api("POST", "keys", `{"name":"crm"}`), 201)
	key, _ := made["key"].(string)
	if !strings.HasPrefix(key, "rlvk_") {
		t.Fatalf("got %v", made)
	}
	for _, rt := range new(server).routes() {
		if !strings.Contains(rt.path, ":ws") {
			continue
		}
		path := h.places(rt.path)
		foreign := h.apiAs(key, rt.method, strings.Replace(path, h.ws, other, 1), `{}`)
		nowhere := h.apiAs(key, rt.method, strings.Replace(path, h.ws, "ws_nowhere", 1), `{}`)
		h.refused(foreign, 404, relay.CodeNotFound)
		if a, b := withoutID(foreign.Body.String(), other), withoutID(nowhere.Body.String(), "ws_nowhere"); a != b {
			t.Errorf("%s %s: another's answers %s, one that is not there %s", rt.method, rt.path, a, b)
		}
		if rt.access == operatorOnly {
			h.refused(h.apiAs(key, rt.method, path, `{}`), 403, relay.CodeForbidden)
		}
	}
	h.refused(h.apiAs(key, "POST", "/workspaces", `{"name":"x"}`), 403, relay.CodeForbidden)
	h.refused(h.apiAs(key, "GET", "/backup", ""), 403, relay.CodeForbidden)
	own := h.object(h.apiAs(key, "GET", "/workspaces", ""), 200)["data"].([]any)
	if len(own) != 1 || own[0].(map[string]any)["id"] != h.ws {
		t.Errorf("got %v", own)
	}
	h.object(h.apiAs(key, "GET", "", ""), 200)
	if rec := h.apiAs(key, "DELETE", "keys/"+made["id"].(string), ""); rec.Code != 204 {
		t.Fatal(rec.Code, rec.Body)
	}
	if rec := h.apiAs(key, "GET", "", ""); rec.Code != 401 {
		t.Errorf("a revoked key opens: %d", rec.Code)
	}
}

// withoutID takes out of an answer what differs by nature.
func withoutID(body, id string) string {
	body, _, _ = strings.Cut(body, `"request_id"`)
	return strings.ReplaceAll(body, id, "")
}

func TestAKeyIsShownOnce(t *testing.T) {
	h := build(t, 1)
	rec := h.api("POST", "keys", `{"name":"crm"}`)
	key := h.object(rec, 201)
	if rec.Header().Get("Location") != apiBase+"/workspaces/"+h.ws+"/keys/"+key["id"].(string) {
		t.Errorf("Location: %s", rec.Header().Get("Location"))
	}
	list := h.api("GET", "keys", "")
	if strings.Contains(list.Body.String(), key["key"].(string)) || !strings.Contains(list.Body.String(), `"name":"crm"`) {
		t.Errorf("got %s", list.Body)
	}
	h.refused(h.api("DELETE", "keys/key_x", ""), 404, relay.CodeNotFound)
}

func TestAnAddressThatIsNotThereIsAProblem(t *testing.T) {
	h := build(t, 1)
	for _, path := range []string{"/api/v1/nothing", "/api/v1", "/api", "/nothing", "/api/v1/workspaces/"} {
		rec := h.call("GET", path, nil, "Authorization", "Bearer "+operatorKey)
		h.refused(rec, 404, relay.CodeNotFound)
		if rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", path, rec.Header())
		}
	}
	rec := h.api("PUT", "/workspaces", `{}`)
	h.refused(rec, 405, relay.CodeMethodNotAllowed)
	if allow := rec.Header().Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow: %q", allow)
	}
}
