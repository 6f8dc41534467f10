package console_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"relevo/api/console/account"
	"relevo/relay"
)

// webhook is the workspace's as it is now.
func (h *house) webhook() relay.Webhook {
	h.t.Helper()
	w, err := h.relay.Workspace(h.t.Context(), h.ws.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return w.Webhook
}

func TestTheSecretIsShownToWhoeverAsksAndMayKnowIt(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	page := owner.get(h.path("webhook")).is(200).has("Reveal URL", "rlv_••••", "Zapier", "Generate new URL", "Turn off")
	page.hasNot(h.token)
	shown := owner.post(h.path("webhook", "reveal"), url.Values{}).is(200).has("/hook/"+h.token, "Hide URL")
	if got := shown.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if n := strings.Count(shown.body, h.token); n < 12 {
		t.Errorf("the snippets have the URL %d times", n)
	}
	owner.headers = map[string]string{"HX-Request": "true"}
	owner.postPart(h.path("webhook", "reveal"), url.Values{}, h.token, "Hide URL")
	owner.headers = nil
	owner.get(h.path("audit")).has("Webhook URL revealed").hasNot(h.token)
	if strings.Contains(h.log.String(), h.token) {
		t.Error("the secret is in the log")
	}

	member := h.somebody(account.Member)
	member.post(h.path("webhook", "reveal"), url.Values{}).is(200).has(h.token)
	member.get(h.path("webhook")).is(200).hasNot(h.token, "Generate new URL", "Turn off")
	member.post(h.path("webhook", "rotate"), url.Values{"grace": {"0"}}).is(403)
	member.post(h.path("webhook", "enabled"), url.Values{"enabled": {"false"}}).is(403)

	viewer := h.somebody(account.Viewer)
	viewer.get(h.path("webhook")).is(200).has("Members and owners can see the whole URL.").hasNot(h.token, "Reveal URL")
	viewer.post(h.path("webhook", "reveal"), url.Values{}).is(403).hasNot(h.token)
	if !h.webhook().Enabled {
		t.Error("somebody who is no owner switched it off")
	}
}

// postPart posts a form as htmx does: the answer is a part of a page.
func (b *browser) postPart(path string, form url.Values, has ...string) string {
	b.t.Helper()
	resp := b.raw("POST", path, form)
	if resp.status != 200 || strings.Contains(resp.body, "<html") {
		b.t.Errorf("%s: %d, or a whole page: %s", path, resp.status, resp.body)
	}
	for _, want := range has {
		if !strings.Contains(resp.body, want) {
			b.t.Errorf("%s does not have %q:\n%s", path, want, resp.body)
		}
	}
	return resp.body
}

func TestTheOwnerSwitchesTheWebhookOffAndOn(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	queued := h.accept("+14155550100", "waits")
	owner.get(h.path("webhook")).has("Turn off", "What is queued still goes out")
	owner.post(h.path("webhook", "enabled"), url.Values{"enabled": {"false"}}).is(200).has("The webhook is off.", "every call is refused", "Turn webhook on")
	if status, _ := h.hook(`{"action":"send","phone":"+14155550100","text":"x"}`); status != 403 {
		t.Errorf("a call is answered %d", status)
	}
	h.run()
	eventually(t, "what was queued goes out", func() bool { return h.status(queued) == relay.Read })
	owner.post(h.path("webhook", "enabled"), url.Values{"enabled": {"true"}}).is(200).has("The webhook is on.")
	h.accept("+14155550100", "again")
	owner.post(h.path("webhook", "mapping"), url.Values{"field_0": {"text"}, "how_0": {"value"}, "what_0": {"x"}, "field_1": {"phone"}, "what_1": {"tel"}, "do": {"preview"}}).is(200)
	owner.get(h.path("audit")).has("Webhook disabled", "Webhook enabled").hasNot("webhook/", ">Webhook changed<td")
}

// status is a message's.
func (h *house) status(id string) relay.Status {
	h.t.Helper()
	var s relay.Status
	if err := h.relay.Store.View(h.t.Context(), func(tx relay.Tx) error {
		m, err := tx.Message(h.t.Context(), h.ws.ID, id)
		s = m.Status
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestANewURLLetsTheOldOneLiveForItsGrace(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	h.hookAs("Zapier", `{"action":"send","phone":"+14155550100","text":"before"}`)
	owner.get(h.path("webhook")).has("Last call of this URL: now , Zapier")
	owner.post(h.path("webhook", "rotate"), url.Values{"grace": {"24"}}).is(200).
		has("There is a new URL.", "The old URL works until", "Nothing has used the old URL since", "Nothing has called this URL yet.")
	h.hookAs("Zapier", `{"action":"send","phone":"+14155550100","text":"after"}`)
	owner.get(h.path("webhook")).has("Old URL last used by Zapier at "+time.Now().UTC().Format("15:04"), "Nothing has called this URL yet.")
	owner.get(h.path("attempts")).has("by the old URL")
	owner.post(h.path("webhook", "rotate"), url.Values{"grace": {"25"}}).is(422).has("The grace is 0 to 86,400 seconds.")
	owner.post(h.path("webhook", "rotate"), url.Values{"grace": {"soon"}}).is(422)
	owner.post(h.path("webhook", "rotate"), url.Values{"grace": {"0"}}).is(200).has("the old one no longer works").hasNot("The old URL works until")
	if status, _ := h.hook(`{}`); status != 404 {
		t.Errorf("the oldest URL answers %d", status)
	}
}

func TestSettingsAreSavedOrRefusedInWords(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	form := url.Values{"test": {"true"}, "strict": {"true"}, "dedupe_seconds": {"60"}, "rate_per_minute": {"120"}}
	owner.post(h.path("webhook", "settings"), form).is(200).has("Saved.", "Test mode is on")
	if w := h.webhook(); !w.Test || !w.Strict || w.AllowMergeTags || w.DedupeSeconds != 60 || w.RatePerMinute != 120 {
		t.Errorf("got %+v", w)
	}
	form.Set("rate_per_minute", "many")
	owner.post(h.path("webhook", "settings"), form).is(422).has("The limit is 0 (none) to 60,000 calls a minute.")
	form.Set("rate_per_minute", "")
	form.Set("dedupe_seconds", "86401")
	owner.post(h.path("webhook", "settings"), form).is(422).has("The window is 0 (off) to 86,400 seconds.")
	if w := h.webhook(); w.DedupeSeconds != 60 || w.RatePerMinute != 120 {
		t.Errorf("a refused form moved %+v", w)
	}
	member := h.somebody(account.Member)
	member.get(h.path("webhook", "settings")).is(200).has("Only owners can change this.").hasNot(">Save<")
	member.post(h.path("webhook", "settings"), form).is(403)
}

func TestACallIsTriedAndSentOnceFromAForm(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	owner.get(h.path("webhook", "try")).is(200).has("Fill in the recipient and a text.")
	form := url.Values{"kind": {"phone"}, "to": {"+1 415 555 0100"}, "text": {"Hello <script>\r\n\"Ann\""}, "nonce": {"n1"}}
	owner.post(h.path("webhook", "check"), form).is(200).
		has("This call would be accepted.", "+14155550100", "Sales", "1 unit of 100 left.", "Send for 1 unit", `"text": "Hello <script>\n\"Ann\""`)
	b := h.somebody(account.Member)
	b.headers = map[string]string{"HX-Request": "true"}
	b.postPart(h.path("webhook", "check"), form, "This call would be accepted.", "Send for 1 unit", `hx-swap-oob`)

	first := owner.post(h.path("webhook", "send"), form).is(200).has("The call was made.", "accepted 200")
	second := owner.post(h.path("webhook", "send"), form).is(200).has("repeated 200", "nothing was sent or paid again")
	if !strings.HasPrefix(first.path, h.path("attempts")+"/att_") || first.path == second.path {
		t.Errorf("sending led to %s and %s", first.path, second.path)
	}
	if a, err := h.relay.Account(t.Context(), h.ws.ID); err != nil || a.Available != 99 {
		t.Errorf("units left: %d %v", a.Available, err)
	}
	owner.get(h.path("audit")).has(h.newest().MessageID)
	form.Set("text", "something else")
	owner.post(h.path("webhook", "send"), form).is(200).has("accepted 200")
}

func TestACallThatIsWrongIsShownWithItsFault(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	form := url.Values{"kind": {"phone"}, "to": {"12"}, "text": {"x"}}
	owner.post(h.path("webhook", "check"), form).is(200).has("This call would be refused (400).", "is not a phone number", "Line 3, column 12").hasNot("Send for")
	owner.post(h.path("webhook", "send"), form).is(422).has("The call was refused. Nothing was sent.", "is not a phone number")
	form = url.Values{"kind": {"chat_name"}, "to": {"Nobody"}, "text": {"x"}}
	owner.post(h.path("webhook", "check"), form).has("This call would be refused (400).")
	form = url.Values{"kind": {"phone"}, "to": {"+14155550100"}, "text": {"x"}, "file_url": {"https://example.com/a.pdf"}, "file_name": {"a.pdf"}, "send_at": {"2099-01-01T10:00"}}
	owner.post(h.path("webhook", "check"), form).has("send_at")
	form.Set("send_at", time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04"))
	owner.post(h.path("webhook", "check"), form).has("Send for 2 units")
	form = url.Values{"kind": {"phone"}, "to": {"+14155550100"}, "text": {strings.Repeat("long ", 2000)}}
	owner.post(h.path("webhook", "check"), form).has("This call would be refused (400).")
	form = url.Values{"kind": {"phone"}, "to": {"\x00<script>"}, "template": {"greeting"}, "language": {"es_MX"}, "variables": {"Ann\r\n7"}}
	owner.post(h.path("webhook", "check"), form).is(200).has(`"variables": [ "Ann", "7" ]`).hasNot("<script>\"")
	viewer := h.somebody(account.Viewer)
	ok := url.Values{"kind": {"phone"}, "to": {"+14155550100"}, "text": {"x"}}
	viewer.post(h.path("webhook", "check"), ok).is(200).has("This call would be accepted.").hasNot("Send for")
	viewer.post(h.path("webhook", "send"), ok).is(403)
}

func TestACallIsCapturedAndItsValuesBecomeAMapping(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	owner.post(h.path("webhook", "listen"), url.Values{}).is(200).has("Waiting for a call.", "Look now")
	owner.headers = map[string]string{"HX-Request": "true"}
	if r := owner.raw("GET", h.path("webhook", "listening"), nil); r.status != 200 || !strings.Contains(r.body, `id="waiting"`) {
		t.Errorf("waiting: %d %s", r.status, r.body)
	}
	h.hook(`{"contact":{"tel":"+14155550123","name":"Zoë <b>"}}`)
	if r := owner.raw("GET", h.path("webhook", "listening"), nil); r.header.Get("HX-Redirect") != h.path("webhook", "mapping") {
		t.Errorf("after the call: %d %v", r.status, r.header)
	}
	owner.headers = nil
	owner.get(h.path("webhook", "mapping")).has("The captured call", "contact.tel", "+14155550123", "Zoë <b>")

	form := url.Values{"path_0": {"contact.tel"}, "use_0": {"phone"}, "was_0": {""}, "path_1": {"contact.name"}, "use_1": {""}, "was_1": {""},
		"field_0": {"text"}, "how_0": {"value"}, "what_0": {"Hello {contact.name|there}"}, "do": {"preview"}}
	owner.post(h.path("webhook", "mapping"), form).is(200).has("What the captured call would become", "This call would be accepted.", "Hello Zoë <b>")
	if h.webhook().Mapping != nil {
		t.Error("a preview saved the mapping")
	}
	member := h.somebody(account.Member)
	member.post(h.path("webhook", "mapping"), form).is(403)
	form.Set("do", "save")
	owner.post(h.path("webhook", "mapping"), form).is(200).has("The mapping is saved.")
	if m := h.webhook().Mapping; m == nil || m.Fields["phone"].Path != "contact.tel" || m.Fields["text"].Value != "Hello {contact.name|there}" {
		t.Errorf("saved %+v", m)
	}
	if status, answer := h.hook(`{"contact":{"tel":"+14155550123","name":"Zoë"}}`); status != 200 {
		t.Errorf("a mapped call: %d %s", status, answer)
	}
	owner.post(h.path("webhook", "mapping"), url.Values{"do": {"remove"}}).is(200).has("The mapping is removed.")
	owner.post(h.path("webhook", "mapping"), url.Values{"do": {"save"}}).is(422).has("The mapping says nothing of what to send.")
	bad := url.Values{"field_0": {"text"}, "how_0": {"value"}, "what_0": {"Hello {"}, "do": {"save"}}
	owner.post(h.path("webhook", "mapping"), bad).is(422)
	owner.post(h.path("webhook", "mapping"), url.Values{"field_0": {"<script>"}, "what_0": {strings.Repeat("x", 10_000)}, "do": {"save"}}).is(422).hasNot("<script>\"")
	owner.get(h.path("webhook", "mapping") + "?preset=hubspot").is(200).has("properties.phone.value")
	owner.post(h.path("webhook", "listen"), url.Values{}).has("Stop listening")
	owner.post(h.path("webhook", "listen"), url.Values{"stop": {"1"}}).is(200).hasNot("Stop listening")
}

func TestTheWebhookSpeaksFourLanguages(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string][]string{"es": {"Webhook activado", "Generar nueva URL"}, "pt-BR": {"Webhook ativado", "Gerar nova URL"}, "zh-Hans": {"启用 Webhook", "生成新 URL"}} {
		owner.language = language
		owner.get(h.path("webhook")).is(200).has(want...)
		for _, path := range []string{"try", "mapping", "settings"} {
			owner.get(h.path("webhook", path)).is(200)
		}
		owner.post(h.path("webhook", "check"), url.Values{"kind": {"phone"}, "to": {"12"}}).is(200)
		owner.get(h.path("attempts")).is(200)
	}
}

func TestTheToolOfTheOwnerIsTheOneThatIsShown(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	chosen := func(s shown) string {
		t.Helper()
		for _, n := range s.all("input", "name", "tool") {
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
				return attr(n, "value")
			}
		}
		return ""
	}
	if got := chosen(b.get(h.path("webhook"))); got != "zapier" {
		t.Errorf("before any call %q is shown", got)
	}
	h.hookAs("HubSpot Webhooks", `{"action":"send","phone":"+14155550001","text":"x"}`)
	if got := chosen(b.get(h.path("webhook"))); got != "hubspot" {
		t.Errorf("after a call of HubSpot %q is shown", got)
	}
	if got := chosen(b.post(h.path("webhook", "reveal"), url.Values{"tool": {"n8n"}})); got != "n8n" {
		t.Errorf("whoever looked at n8n is shown %q", got)
	}
	if got := chosen(b.get(h.path("webhook") + "?tool=%3Cscript%3E")); got != "hubspot" {
		t.Errorf("nonsense shows %q", got)
	}
}
