package console_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"relevo/relay"
)

func TestTheFirstWorkspaceKeepsItsClocksWhereItsOwnerSetItUp(t *testing.T) {
	for given, want := range map[string]string{
		"America/Mexico_City": "America/Mexico_City", "Asia/Calcutta": "Asia/Calcutta", "": "", "Local": "", "../../etc/passwd": "", "Mars/Olympus": "", strings.Repeat("A", 10_000): "",
	} {
		h := newHouse(t)
		b := h.visitor()
		choice := b.get("/setup/"+setUpToken).is(200).has("Time zone", "UTC (universal time)").all("select", "name", "time_zone")
		if len(choice) != 1 || !hasAttr(choice[0], "data-zone") {
			t.Fatal("the browser's zone is not offered")
		}
		form := url.Values{"email": {"not one"}, "password": {password}, "time_zone": {given}}
		again := b.post("/setup/"+setUpToken, form).is(422).all("select", "name", "time_zone")
		if len(again) != 1 || hasAttr(again[0], "data-zone") {
			t.Error("what was chosen would be chosen anew")
		}
		form.Set("email", "me@example.com")
		b.post("/setup/"+setUpToken, form).is(200).has("Welcome")
		if w, err := h.relay.Workspace(t.Context(), h.ws.ID); err != nil || w.TimeZone != want {
			t.Errorf("%.40q: the zone is %q (%v), want %q", given, w.TimeZone, err, want)
		}
	}
}

func TestAZoneThatWasChosenBeforeStaysAndANewWorkspaceHasItsOwn(t *testing.T) {
	h := newHouse(t)
	h.setZone("Europe/Madrid")
	b := h.visitor()
	b.post("/setup/"+setUpToken, url.Values{"email": {"me@example.com"}, "password": {password}, "time_zone": {"Asia/Shanghai"}}).is(200)
	if w, _ := h.relay.Workspace(t.Context(), h.ws.ID); w.TimeZone != "Europe/Madrid" {
		t.Errorf("it is %q now", w.TimeZone)
	}
	b.post("/operator/workspaces", url.Values{"name": {""}, "time_zone": {"Asia/Calcutta"}}).is(422).has("Calcutta (UTC+05:30)")
	made := b.post("/operator/workspaces", url.Values{"name": {"Bolt"}, "time_zone": {"Asia/Calcutta"}}).is(200).has("Times are in Asia/Calcutta (UTC+05:30)")
	b.get(made.path + "/settings").is(200).has("Calcutta (UTC+05:30)")
}

func TestTimesSayTheirOffset(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	owner.get(h.path("attempts")).is(200).has("Times are in UTC")
	h.setZone("Asia/Shanghai")
	h.accept("+14155550100", "x")
	owner.get(h.path("attempts")).is(200).has("Times are in Asia/Shanghai (UTC+8)")
	owner.get(h.path("attempts", h.newest().ID)).is(200).has(" UTC+8").hasNot("CST")
}

func (h *house) setZone(zone string) {
	h.t.Helper()
	if _, err := h.relay.UpdateWorkspace(h.t.Context(), h.ws.ID, relay.WorkspacePatch{TimeZone: &zone}); err != nil {
		h.t.Fatal(err)
	}
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
