package console_test

import (
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
)

func TestOwnersChangeNameClockAndCountry(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	b := h.somebody(account.Owner)
	page := b.get(h.path("settings")).is(200).has("Mexico City (UTC-6)", "Germany", "Only an operator of the server can delete a workspace.", "the last 100")
	if n := len(page.all("option", "", "")); n < 600 {
		t.Errorf("%d time zones and countries", n)
	}
	form := url.Values{"name": {"Acme & Sons"}, "time_zone": {"Asia/Kolkata"}, "country": {"IN"}}
	b.post(h.path("settings"), form).is(200).has("Saved.", "Acme & Sons", "Times are in Asia/Kolkata")
	w, err := h.relay.Workspace(t.Context(), h.ws.ID)
	if err != nil || w.Name != "Acme & Sons" || w.TimeZone != "Asia/Kolkata" || w.Country != "IN" {
		t.Fatalf("%+v %v", w, err)
	}
	for field, bad := range map[string][]string{"name": {"", strings.Repeat("x", 10_000)}, "time_zone": {"Mars/Olympus", "../../etc/passwd", "Local"}, "country": {"XX", "<script>"}} {
		for _, value := range bad {
			wrong := url.Values{"name": {"Acme"}}
			wrong.Set(field, value)
			if s := b.post(h.path("settings"), wrong).is(422); len(s.all("p", "id", field+"-wrong")) != 1 {
				t.Errorf("%s %.20q: nothing is said at the field", field, value)
			}
		}
	}
	if after, err := h.relay.Workspace(t.Context(), h.ws.ID); err != nil || after.Name != w.Name {
		t.Errorf("a refused form moved something: %+v %v", after, err)
	}
	h.somebody(account.Member).get(h.path("settings")).is(403)
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	op.language = "zh-CN"
	op.get(h.path("settings")).has("德国", "时区")
	op.language = "pt-BR"
	op.get(h.path("settings")).has("Alemanha", "Fuso horário")
}

func TestAWorkspaceIsDeletedByItsNameOnly(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	owner := h.somebody(account.Owner)
	if status, answer := h.hook(`{"action":"send","phone":"+14155550100","text":"hello"}`); status != 200 {
		t.Fatal(answer)
	}
	b.get(h.path("settings")).has("Channels that are disconnected: 1. Queued messages that are canceled: 1. Units that nobody can use any more: 99. People who lose their access: 1.")
	owner.post(h.path("settings", "delete"), url.Values{"confirm": {"Acme"}}).is(403)
	b.post(h.path("settings", "delete"), url.Values{"confirm": {"acme"}}).is(422).has("This is not the name.")
	b.post(h.path("settings", "delete"), url.Values{"confirm": {"Acme"}}).is(200).has("The workspace Acme is deleted.")
	b.get(h.path()).is(404)
	owner.get("/").is(200).has("There is no workspace for you yet")
	if status, _ := h.hook(`{"action":"send","phone":"+14155550100","text":"hello"}`); status != 404 {
		t.Errorf("the webhook answers %d", status)
	}
	b.get("/operator/audit").is(200).has("Workspace deleted", "Acme "+h.ws.ID)
}

func TestAKeyIsShownOnceAndDiesWhenRevoked(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get(h.path("keys")).is(200).has("There is no key yet")
	page := b.post(h.path("keys"), url.Values{"name": {"CRM <b>"}}).is(200).has("Copy it now", "CRM <b>", "curl -H 'Authorization: Bearer rlvk_")
	buttons := page.all("button", "aria-label", "Copy Your new key")
	if len(buttons) != 1 {
		t.Fatal("the key cannot be copied")
	}
	key := attr(buttons[0], "data-copy")
	b.get(h.path("keys")).hasNot(key).has("never, as far as is known")
	h.calls(t, key, 200)
	b.get(h.path("keys")).hasNot("never, as far as is known")
	b.post(h.path("keys"), url.Values{"name": {" "}}).is(422).has("A name has 1 to 200 characters.")
	keys, err := h.relay.Store.APIKeys(t.Context(), h.ws.ID)
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	b.post(h.path("keys", keys[0].ID, "revoke"), url.Values{}).is(200).has("The key is revoked.", "There is no key yet")
	h.calls(t, key, 401)
	b.post(h.path("keys", keys[0].ID, "revoke"), url.Values{}).is(404)
	b.get(h.path("audit")).has("API key made", "API key revoked", "CRM <b>").hasNot(key)
	h.somebody(account.Member).get(h.path("keys")).is(403)
	if strings.Contains(h.log.String(), key) {
		t.Error("the log has the key")
	}
	if uses, err := h.relay.APIKeyUses(t.Context(), h.ws.ID); err != nil || len(uses) != 0 {
		t.Errorf("the use of a revoked key stays: %v %v", uses, err)
	}
}
