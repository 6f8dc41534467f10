package api

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/relay"
)

// housed is a house with an operator and a member of its workspace, who signs in
// elsewhere.
func housed(t *testing.T) (h *house, a *account.Accounts, op, ada account.User) {
	t.Helper()
	h = build(t, 0, func(c *Config) {
		a = account.New(c.Relay.Store, "set-up", account.Cost{Memory: 64, Passes: 1, Threads: 1})
		c.Accounts, c.Issuer = a, &issuer.Issuer{Config: issuer.Config{URL: "https://id.example"}}
	})
	op, err := a.SetUp(t.Context(), "set-up", account.NewUser{Email: "op@example.com", Name: "Op", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.Invite(t.Context(), account.Invite{Workspace: h.ws, Role: "member", By: "Op"})
	if err != nil {
		t.Fatal(err)
	}
	ada, err = a.JoinWith(t.Context(), token, account.Identity{Issuer: "https://id.example", Subject: "sub", Email: "ada@example.com", Verified: true})
	if err != nil {
		t.Fatal(err)
	}
	return h, a, op, ada
}

func TestTheAccountsAreListedForTheOperator(t *testing.T) {
	h, a, op, ada := housed(t)
	gone, _ := h.workspace("Gone")
	if _, err := a.Change(t.Context(), ada.ID, func(u *account.User) error { u.Roles[gone] = "owner"; return nil }); err != nil {
		t.Fatal(err)
	}
	if rec := h.api(http.MethodDelete, "/workspaces/"+gone, ""); rec.Code != 204 {
		t.Fatalf("delete: %d", rec.Code)
	}
	if _, err := a.SetDisabled(t.Context(), ada.ID, true); err != nil {
		t.Fatal(err)
	}
	rec := h.api(http.MethodGet, "/accounts", "")
	got := h.object(rec, 200)["data"].([]any)
	want := []any{
		map[string]any{"id": ada.ID, "email": "ada@example.com", "name": "", "operator": false, "disabled": true, "has_password": false, "linked": true,
			"workspaces": []any{map[string]any{"id": h.ws, "name": "Test", "role": "member"}}, "created_at": ada.CreatedAt.Format(time.RFC3339Nano)},
		map[string]any{"id": op.ID, "email": "op@example.com", "name": "Op", "operator": true, "disabled": false, "has_password": true, "linked": false,
			"workspaces": []any{}, "created_at": op.CreatedAt.Format(time.RFC3339Nano)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(rec.Body.String(), "argon2") {
		t.Error("the list has the hash of a password")
	}
	if again := h.call(http.MethodGet, apiBase+"/accounts", nil, "Authorization", "Bearer "+operatorKey, "If-None-Match", rec.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("the same list again: %d", again.Code)
	}
}

func TestTheOperatorMakesALinkToANewPassword(t *testing.T) {
	h, a, op, ada := housed(t)
	path := "/accounts/" + ada.ID + "/reset"
	first := h.object(h.api(http.MethodPost, path, ""), 200)
	second := h.object(h.api(http.MethodPost, path, ""), 200)
	until, err := time.Parse(time.RFC3339, second["valid_until"].(string))
	if in := time.Until(until); err != nil || in > time.Hour || in < 59*time.Minute {
		t.Errorf("good until %v, %v", second["valid_until"], err)
	}
	if second["email"] != ada.Email || second["id"] != ada.ID {
		t.Errorf("for %v", second)
	}
	token := func(o map[string]any) string {
		v, ok := strings.CutPrefix(o["url"].(string), "https://relay.example/new-password/")
		if !ok {
			t.Fatalf("the link is %v", o["url"])
		}
		return v
	}
	if _, err := a.ResetBy(t.Context(), token(first), netip.Addr{}); err != account.ErrLink {
		t.Errorf("the first link: %v", err)
	}
	if u, err := a.ResetBy(t.Context(), token(second), netip.Addr{}); err != nil || u.ID != ada.ID {
		t.Errorf("the second link: %v, %v", u.ID, err)
	}
	notes, _, err := h.relay.Notes(t.Context(), "", nil, relay.Page{Limit: 10})
	if err != nil || len(notes) != 2 || notes[0].Action != "password_link_made" || notes[0].Subject != ada.Email || notes[0].By.Kind != "operator" {
		t.Errorf("%+v %v", notes, err)
	}
	for _, secret := range []string{token(first), token(second), ada.Email} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}

	h.refused(h.api(http.MethodPost, "/accounts/usr_nobody/reset", ""), 404, relay.CodeNotFound)
	h.refused(h.api(http.MethodPost, "/accounts/%00%ff/reset", ""), 404, relay.CodeNotFound)
	if _, err := a.SetDisabled(t.Context(), ada.ID, true); err != nil {
		t.Fatal(err)
	}
	h.refused(h.api(http.MethodPost, path, ""), 409, relay.CodeConflict)
	h.object(h.api(http.MethodPost, "/accounts/"+op.ID+"/reset", ""), 200)
}

func TestAccountsAreNoneOfAWorkspacesBusiness(t *testing.T) {
	h, _, _, ada := housed(t)
	key := h.object(h.api(http.MethodPost, "keys", `{"name":"CRM"}`), 201)["key"].(string)
	for _, c := range [][2]string{{http.MethodGet, "/accounts"}, {http.MethodPost, "/accounts/" + ada.ID + "/reset"}} {
		h.refused(h.apiAs(key, c[0], c[1], ""), 403, relay.CodeForbidden)
		h.refused(h.apiAs("guess", c[0], c[1], ""), 401, relay.CodeUnauthorized)
	}
	without := build(t, 0)
	without.refused(without.api(http.MethodGet, "/accounts", ""), 404, relay.CodeNotFound)
	without.refused(without.api(http.MethodPost, "/accounts/"+ada.ID+"/reset", ""), 404, relay.CodeNotFound)
}
