package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/relay"
)

// calls calls the API with a key.
func (h *house) calls(t *testing.T, key string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+"/api/v1/workspaces/"+h.ws.ID+"/quota", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("the key opens the API with %d, want %d", resp.StatusCode, want)
	}
}

// id finds somebody by their address.
func (h *house) id(email string) string {
	h.t.Helper()
	all, err := h.accounts.Users(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, u := range all {
		if u.Email == email {
			return u.ID
		}
	}
	h.t.Fatalf("there is no %s", email)
	return ""
}

func TestOwnersLetPeopleInAndOut(t *testing.T) {
	h := newHouse(t)
	h.operator()
	b := h.somebody(account.Owner)
	page := b.post(h.path("team", "invites"), url.Values{"role": {"viewer"}, "email": {"new@example.com"}}).is(200).has("Copy it now", "Whoever opens it first joins as viewer.", "new@example.com", "Invited by", "in 7 days")
	path := link.FindString(page.body)
	if path == "" {
		t.Fatal("there is no link")
	}
	b.get(h.path("team")).hasNot(path).has("new@example.com")
	guest := h.visitor()
	guest.get(path).is(200).has("owner invites you as viewer")
	guest.post(path, url.Values{"email": {"new@example.com"}, "password": {password}}).is(200).has("You are in the team of Acme now.")
	b.get(h.path("team")).hasNot("Invitations that nobody has used")
	guest.get(h.path("team")).is(403)

	id := h.id("new@example.com")
	b.post(h.path("team", "members", id, "role"), url.Values{"role": {"member"}}).is(200).has("new@example.com is member now.")
	b.post(h.path("team", "members", id, "role"), url.Values{"role": {"king"}}).is(404)
	b.post(h.path("team", "members", id, "sign-out"), url.Values{}).is(200).has("new@example.com is signed out everywhere.")
	guest.get("/me").has("Password").hasNot("Your account")
	guest.post("/sign-in", url.Values{"email": {"new@example.com"}, "password": {password}}).is(200)
	b.post(h.path("team", "members", id, "remove"), url.Values{}).is(200).has("new@example.com is out of the team.")
	guest.get(h.path()).is(404)
	b.post(h.path("team", "members", id, "remove"), url.Values{}).is(404)
	b.post(h.path("team", "members", h.id("op@example.com"), "sign-out"), url.Values{}).is(404)
	b.post(h.path("team", "invites"), url.Values{"role": {"viewer"}, "email": {"no address"}}).is(422).has("This is not an e-mail address.")
	b.get(h.path("audit")).has("Somebody invited", "Joined the team", "Role changed", "new@example.com: member", "Removed from the team", "Signed out everywhere").hasNot(strings.TrimPrefix(path, "/join/"))
}

func TestTheAnswerToAFormLeadsBackToItsPage(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	invites, team := h.path("team", "invites"), h.path("team")
	page := b.post(invites, url.Values{"role": {"viewer"}}).is(200).has("Copy it now")
	to := page.value("/language", "to")
	if s := b.post("/language", url.Values{"language": {"en"}, "to": {to}}).is(200); s.path != team {
		t.Errorf("another language leads to %s", s.path)
	}
	id := h.accept("+14155550001", "x")
	if to := b.post(h.path("messages", id, "again"), url.Values{}).is(422).value("/language", "to"); to != h.path("messages", id) {
		t.Errorf("from a refusal another language leads to %s", to)
	}
}

func TestAnInvitationIsRevoked(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	path := link.FindString(b.post(h.path("team", "invites"), url.Values{"role": {"owner"}}).is(200).has("anybody with the link").body)
	list, err := h.accounts.Invites(t.Context(), h.ws.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	other, err := h.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	b.post("/w/"+other.ID+"/team/invites/"+list[0].ID, url.Values{}).is(404)
	b.post(h.path("team", "invites", list[0].ID), url.Values{}).is(200).has("The invitation is revoked.")
	h.visitor().get(path).is(404)
}

func TestAnOwnerMayGoWhileAnOperatorIsThere(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	b := h.somebody(account.Owner)
	b.post(h.path("team", "members", h.id("owner@example.com"), "role"), url.Values{"role": {"viewer"}}).is(200).has("owner@example.com is viewer now.")
	b.get(h.path("team")).is(403)
	op.get(h.path("team")).is(200).has("owner@example.com")
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	op.language = "es"
	op.get(h.path("team")).has("Equipo", "Invitar a alguien")
}

func TestTheAuditLogSaysWhoAndBywhat(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	k, key, err := h.relay.CreateAPIKey(t.Context(), h.ws.ID, "Robot")
	if err != nil {
		t.Fatal(err)
	}
	for agent, path := range map[string]string{"relevo/cli": "/webhook/rotate", "curl/8": "/channels/" + h.channel.ID + "/pause"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+"/api/v1/workspaces/"+h.ws.ID+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("User-Agent", agent)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d", path, resp.StatusCode)
		}
	}
	b.post(h.path("settings"), url.Values{"name": {"=cmd()"}}).is(200)
	b.post(h.path("channels", h.channel.ID, "resume"), url.Values{}).is(200)
	b.get(h.path("audit")).is(200).has(`API key "Robot" command line New webhook URL generated`, `API key "Robot" API Channel paused Sales`, "op@example.com page Settings changed =cmd()", "op@example.com page Channel resumed "+h.channel.ID)
	b.get(h.path("audit") + "?by=key:" + k.ID).has("Channel paused").hasNot("<code>=cmd()</code>")
	b.get(h.path("audit") + "?action=webhook_rotated").has("New webhook URL generated").hasNot(">Sales<")
	b.get(h.path("audit") + "?by=%3Cscript%3E&action=%00").is(200).has("Nothing to show").hasNot("<script>")
	sheet := b.get(h.path("audit.csv"))
	if !strings.HasPrefix(sheet.body, "\ufeffat,who,") || !strings.Contains(sheet.body, ",'=cmd()\r\n") || strings.Count(sheet.body, "\r\n") != 5 {
		t.Errorf("%q", sheet.body)
	}
	h.somebody(account.Member).get(h.path("audit")).is(403)
}

func TestOperatorsRunTheServer(t *testing.T) {
	h := newHouse(t, func(cfg *api.Config, _ map[string]relay.Driver) {
		cfg.Jobs = []relay.Job{{Name: "retention", Schedule: "17 * * * *"}, {Name: "opt-outs", Schedule: "@every 10s"}, {Name: "of-tests", Schedule: "0 6 * * 1"}}
	})
	b := h.operator()
	owner := h.somebody(account.Owner)
	b.get("/operator").is(200).has("relevo test", "bbolt", "Free space", "Lines of channels 1 open", "Delete what is kept long enough", "retention", "every hour, 17 minutes past",
		"17 * * * *", "Cancel what waits for people who opted out", "every 10 seconds", "of-tests", "0 6 * * 1").hasNot("operator.jobs")
	b.get("/operator/workspaces").is(200).has("Acme", "100")
	b.get("/operator/workspaces?q=nothing").has("No workspace is called so").hasNot(h.ws.ID)
	b.post("/operator/workspaces", url.Values{"name": {"<i>Bolt"}}).is(200).has("The workspace is made.", "<i>Bolt")
	b.post("/operator/workspaces", url.Values{"name": {""}}).is(422)
	b.get("/operator/workspaces?q=bolt").has("<i>Bolt").hasNot(h.ws.ID + "/quota")

	id, me := h.id("owner@example.com"), h.id("op@example.com")
	for _, action := range []string{"disable", "delete"} {
		b.post("/operator/users/"+me+"/"+action, url.Values{}).is(422).has("This is the last operator")
	}
	b.post("/operator/users/"+me+"/operator", url.Values{"operator": {"no"}}).is(422)
	b.post("/operator/users/"+id+"/disable", url.Values{}).is(200).has("Done: owner@example.com.", "kept out")
	owner.get("/me").has("Password").hasNot("Your account")
	owner.post("/sign-in", url.Values{"email": {"owner@example.com"}, "password": {password}}).is(422)
	b.post("/operator/users/"+id+"/enable", url.Values{}).is(200)
	owner.post("/sign-in", url.Values{"email": {"owner@example.com"}, "password": {password}}).is(200)
	b.post("/operator/users/"+id+"/operator", url.Values{"operator": {"yes"}}).is(200)
	owner.get("/operator/users").is(200).has("op@example.com")
	owner.post("/operator/users/"+me+"/delete", url.Values{}).is(200).hasNot("op@example.com</small>")
	b.get("/me").has("Password").hasNot("Your account")
	owner.get("/operator/audit").has("Account deleted", "op@example.com", "Account kept out")

	backup := owner.post("/operator/backup", url.Values{})
	if backup.is(200); len(backup.body) < 4096 || !strings.Contains(backup.header.Get("Content-Disposition"), ".db") {
		t.Errorf("a backup of %d bytes: %v", len(backup.body), backup.header)
	}
	h.somebody(account.Member).post("/operator/backup", url.Values{}).is(404)
}

// An owner who is taken out of a team, or made less, must not come back by a
// link that they made before.
func TestLinksOfWhoMayInviteNoLongerOpenNothing(t *testing.T) {
	h := newHouse(t)
	op, owner := h.operator(), h.somebody(account.Owner)
	opened := func(b *browser) string {
		t.Helper()
		return link.FindString(b.post(h.path("team", "invites"), url.Values{"role": {"owner"}}).is(200).body)
	}
	first, ofOperator := opened(owner), opened(op)
	guest := h.visitor()
	guest.get(first).is(200)
	op.post(h.path("team", "members", h.id("owner@example.com"), "role"), url.Values{"role": {"member"}}).is(200)
	guest.get(first).is(404)
	op.post(h.path("team", "members", h.id("owner@example.com"), "role"), url.Values{"role": {"owner"}}).is(200)
	guest.get(first).is(200)
	op.post(h.path("team", "members", h.id("owner@example.com"), "remove"), url.Values{}).is(200).has("Invitations that nobody has used")
	owner.post(first, url.Values{}).is(404)
	owner.get(h.path("team")).is(404)
	guest.post(first, url.Values{"email": {"back@example.com"}, "password": {password}}).is(404)
	guest.post(ofOperator, url.Values{"email": {"new@example.com"}, "password": {password}}).is(200)
}

func TestATeamHasSoManyOpenInvitations(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for range account.MaxInvites {
		h.invite("viewer")
	}
	b.post(h.path("team", "invites"), url.Values{"role": {"viewer"}}).is(409).has("at most 100 open invitations")
	invites, err := h.accounts.Invites(t.Context(), h.ws.ID)
	if err != nil || len(invites) != account.MaxInvites {
		t.Errorf("%d, %v", len(invites), err)
	}
}
