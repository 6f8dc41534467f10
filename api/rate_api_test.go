package api

import (
	"net/http"
	"testing"

	"relevo/relay"
)

func TestAKeyThatCallsTooOftenIsToldWhenItMayAgain(t *testing.T) {
	h := build(t, 0, func(c *Config) { c.CallsPerMinute = 2 })
	_, key, err := h.relay.CreateAPIKey(t.Context(), h.ws, "tool")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := h.relay.CreateAPIKey(t.Context(), h.ws, "another")
	if err != nil {
		t.Fatal(err)
	}
	call := func(key string) (status int, limit, wait string) {
		rec := h.call("GET", "/api/v1/workspaces/"+h.ws, nil, "Authorization", "Bearer "+key)
		if rec.Code == http.StatusTooManyRequests {
			h.refused(rec, 429, relay.CodeRateLimited)
		}
		return rec.Code, rec.Header().Get("RateLimit"), rec.Header().Get("Retry-After")
	}
	for _, want := range []string{`"api";r=1;t=30`, `"api";r=0;t=60`} {
		if status, limit, _ := call(key); status != 200 || limit != want {
			t.Errorf("got %d %s, want %s", status, limit, want)
		}
	}
	if status, limit, wait := call(key); status != 429 || limit != `"api";r=0;t=60` || wait != "30" {
		t.Errorf("one too many: %d %s, Retry-After %s", status, limit, wait)
	}
	if status, _, _ := call(other); status != 200 {
		t.Errorf("another key: %d", status)
	}
	for range 5 {
		if status, limit, _ := call(operatorKey); status != 200 || limit != "" {
			t.Errorf("the operator: %d %s", status, limit)
		}
	}
}

func TestWhatIsUnchangedIsNotSentAgain(t *testing.T) {
	h := build(t, 5)
	get := func(method, path, tag string) (status int, newTag string, size int) {
		rec := h.call(method, path, nil, "Authorization", "Bearer "+operatorKey, "If-None-Match", tag)
		return rec.Code, rec.Header().Get("ETag"), rec.Body.Len()
	}
	for _, path := range []string{"/api/v1/workspaces", "/api/v1/workspaces/" + h.ws + "/messages", "/api/v1/workspaces/" + h.ws + "/quota"} {
		status, tag, _ := get("GET", path, "")
		if status != 200 || tag == "" {
			t.Fatalf("%s: %d %s", path, status, tag)
		}
		if status, again, size := get("GET", path, tag); status != 304 || again != tag || size != 0 {
			t.Errorf("%s again: %d %s, %d bytes", path, status, again, size)
		}
		if status, _, _ := get("HEAD", path, tag); status != 304 {
			t.Errorf("HEAD %s: %d", path, status)
		}
		if status, _, size := get("GET", path, `"0000000000000000"`); status != 200 || size == 0 {
			t.Errorf("%s with another tag: %d", path, status)
		}
	}
	_, tag, _ := get("GET", "/api/v1/workspaces/"+h.ws+"/quota", "")
	if _, err := h.relay.Grant(t.Context(), h.ws, "more", 1); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := get("GET", "/api/v1/workspaces/"+h.ws+"/quota", tag); status != 200 {
		t.Errorf("after a grant: %d", status)
	}
}
