package console_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/driver/meta"
	"relevo/relay/driver/meta/metatest"
	"relevo/relay/driver/sandbox"
)

// metaHouse is a house with channels of a pretend Meta, and the log of the
// sandbox.
func metaHouse(t *testing.T) (*house, *metatest.Fake) {
	t.Helper()
	fake, address, stop := metatest.Serve(metatest.Options{})
	t.Cleanup(stop)
	h := newHouse(t, func(cfg *api.Config, drivers map[string]relay.Driver) {
		drivers["meta"] = meta.New(meta.Options{Base: address})
		pretend := drivers["sandbox"].(*sandbox.Driver)
		cfg.Sent = func(ctx context.Context, workspace, channel string, limit int) (any, error) {
			return pretend.SentAnywhere(ctx, workspace, channel, limit)
		}
	})
	h.relay.Set.PublicURL = "https://relay.example"
	return h, fake
}

const appSecret = "app-secret-123"

// metaForm is what an owner pastes of the pretend Meta's account.
func metaForm() url.Values {
	return url.Values{"name": {"Shop"}, "phone": {"+1 555 078 3881"}, "settings.access_token": {"EAAGsampleToken0123456789"}, "settings.phone_number_id": {"106540352242922"},
		"settings.waba_id": {"102290129340398"}, "settings.app_secret": {appSecret}, "settings.app_id": {"670843887433847"}}
}

// connected is the channel of the pretend Meta, made by the form.
func connected(t *testing.T, h *house, b *browser) relay.Channel {
	t.Helper()
	b.post(h.path("channels", "new", "meta"), metaForm()).is(200)
	list, err := h.relay.Channels(t.Context(), h.ws.ID)
	if err != nil || len(list) != 2 || list[0].Kind != "meta" {
		t.Fatalf("channels: %v %v", list, err)
	}
	return list[0]
}

// wrongAt is what is said at a field.
func (s shown) wrongAt(field string) string {
	s.t.Helper()
	var b strings.Builder
	for _, n := range s.all("p", "id", field+"-wrong") { // an id is there once
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data)
			}
		}
	}
	return b.String()
}

func TestAnOwnerConnectsANumberOfMetaStepByStep(t *testing.T) {
	h, fake := metaHouse(t)
	b := h.operator()
	b.get(h.path("channels")).is(200).has("Sales", "+15105566777", "Connected", "Connect a channel", "Today", "30 days")
	b.get(h.path("channels", "new")).is(200).has("Try without an account", "Meta (WhatsApp Cloud API)").hasNot("Twilio")
	b.get(h.path("channels", "new", "meta")).is(200).has("A token that does not end", "System users", "phone number ID", "Callbacks are signed")

	done := b.post(h.path("channels", "new", "meta"), metaForm()).is(200).has("Shop is connected.", "Callback URL", "Verify token", "message_template_status_update", "Test the connection", "Write in a chat")
	list, _ := h.relay.Channels(t.Context(), h.ws.ID)
	ch := list[0]
	at := h.relay.Addresses(ch)
	done.has(at.Callback, at.VerifyToken)
	if done.path != h.path("channels", ch.ID, "connect") || ch.Phone != "+15550783881" || !strings.HasPrefix(at.Callback, "https://relay.example/callback/") {
		t.Errorf("%s: %+v", done.path, ch)
	}

	check := url.Values{"from": {"connect"}}
	b.post(h.path("channels", ch.ID, "check"), check).is(200).has("Mend this", "Meta knows the number", "Paste this at the provider")
	fake.Change(func(a *metatest.Account) { a.AppCallback, a.VerifyToken = at.Callback, at.VerifyToken })
	b.headers = map[string]string{"HX-Request": "true"}
	part := b.post(h.path("channels", ch.ID, "check"), url.Values{})
	b.headers = nil
	if !strings.Contains(part.body, "Meta sends what happens to this channel") || strings.Contains(part.body, "<html") {
		t.Errorf("the part: %s", part.body)
	}
	b.get(h.path("channels", ch.ID)).is(200).has("Shop", "Access token", "••••6789", "106540352242922", "None yet", at.Callback).hasNot("EAAGsampleToken", appSecret)
	for _, secret := range []string{appSecret, "EAAGsampleToken", at.VerifyToken, "5550783881"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestWhatIsWrongWithSettingsIsSaidAtTheirFields(t *testing.T) {
	h, _ := metaHouse(t)
	b := h.operator()
	form := metaForm()
	form.Set("phone", "call me")
	form.Set("settings.phone_number_id", "+15550783881")
	form.Set("settings.app_secret", "")
	form.Set("name", "<script>alert(1)</script>")
	s := b.post(h.path("channels", "new", "meta"), form).is(422).has("3 fields have to be mended")
	s.hasNot("<script>alert", "EAAGsampleToken")
	for field, want := range map[string]string{"phone": "not a phone number", "settings.phone_number_id": "phone number ID", "settings.app_secret": "This is missing."} {
		if got := s.wrongAt(field); !strings.Contains(got, want) {
			t.Errorf("at %s: %q", field, got)
		}
	}
	if n := s.all("input", "name", "settings.waba_id"); len(n) != 1 || attr(n[0], "value") != "102290129340398" {
		t.Error("what was right has to be typed again")
	}
	if n := s.all("input", "name", "settings.phone_number_id"); len(n) != 1 || attr(n[0], "aria-invalid") != "true" {
		t.Error("the field is not marked")
	}
	b.language = "es"
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	s = b.post(h.path("channels", "new", "meta"), form).is(422).has("Hay que corregir 3 campos", "Falta este dato.", "Un token que no caduque")
	if got := s.wrongAt("settings.phone_number_id"); !strings.Contains(got, "no tiene la forma correcta") {
		t.Errorf("in Spanish: %q", got)
	}
	for name, hostile := range map[string]string{"name": strings.Repeat("x", 10_000), "settings.access_token": "a\x00b" + strings.Repeat("y", 9_000)} {
		form := metaForm()
		form.Set(name, hostile)
		b.post(h.path("channels", "new", "meta"), form).is(422)
	}
	form = metaForm()
	form.Set("phone", "+15105566777") // that of the sandbox
	if got := b.post(h.path("channels", "new", "meta"), form).is(422).wrongAt("phone"); !strings.Contains(got, "ya está conectado") {
		t.Errorf("a number twice: %q", got)
	}
	if list, err := h.relay.Channels(t.Context(), h.ws.ID); err != nil || len(list) != 1 {
		t.Errorf("something was made: %v %v", list, err)
	}
	b.get(h.path("channels", "new", "pigeon")).is(404)
	b.get(h.path("channels", "ch_none", "edit")).is(404)
	b.get(h.path("channels", h.channel.ID, "nothing")).is(404)
}

func TestAChannelIsChangedInWordsOfOwners(t *testing.T) {
	h, _ := metaHouse(t)
	b := h.operator()
	ch := connected(t, h, b)
	edit := h.path("channels", ch.ID, "edit")
	form := url.Values{"name": {"Shop 2"}, "phone": {"+15550783881"}, "spacing_min": {"0.5"}, "spacing_max": {"1,25"}, "concurrency": {"1"}, "max_file": {"16"}, "files_out": {"1"}, "at_least_once": {"1"}}
	b.get(edit).is(200).has("Pause between two messages", "Largest file (MB)", "Credentials", "There is one that ends in ••••6789")
	b.post(edit, form).is(200).has("Saved.", "Shop 2", "0.5 to 1.25 seconds")
	ch, err := h.relay.Channel(t.Context(), h.ws.ID, ch.ID)
	if err != nil || ch.SpacingMax.Milliseconds() != 1250 || ch.MaxFileBytes != 16<<20 || !ch.AtLeastOnce || !ch.NoFilesIn || ch.NoFilesOut {
		t.Errorf("saved: %+v %v", ch, err)
	}
	for field, bad := range map[string]string{"phone": "x", "spacing_min": "-1", "spacing_max": "NaN", "concurrency": "8", "max_file": "101", "name": " "} {
		with := url.Values{}
		for k, v := range form {
			with[k] = v
		}
		with.Set(field, bad)
		if got := b.post(edit, with).is(422).wrongAt(field); got == "" {
			t.Errorf("%s=%q: nothing is said at the field", field, bad)
		}
	}
	with := url.Values{"fallback": {"nope|en"}}
	for k, v := range form {
		with[k] = v
	}
	if _, err := h.relay.SyncTemplates(t.Context(), h.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.post(edit, with).is(422).wrongAt("fallback"); !strings.Contains(got, "cannot take a text") {
		t.Errorf("fallback: %q", got)
	}

	credentials := h.path("channels", ch.ID, "credentials")
	kept := url.Values{"settings.phone_number_id": {"106540352242922"}, "settings.waba_id": {""}, "settings.app_id": {"670843887433847"}}
	b.post(credentials, kept).is(200).has("Saved. Test the connection now.")
	b.post(h.path("channels", ch.ID, "check"), url.Values{}).is(200).has("Meta knows the number")
	shown, err := h.relay.ShownSettings(must(h.relay.Channel(t.Context(), h.ws.ID, ch.ID)))
	if err != nil || shown["waba_id"] != "" || shown["access_token"] == "" {
		t.Errorf("settings: %v %v", shown, err)
	}
	kept.Set("settings.access_token", "two words")
	if got := b.post(credentials, kept).is(422).wrongAt("settings.access_token"); got == "" {
		t.Error("a wrong token is not said at its field")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAChannelIsPausedHeldAndDeleted(t *testing.T) {
	h, _ := metaHouse(t)
	b := h.operator()
	page := h.path("channels", h.channel.ID)
	b.post(h.path("channels", h.channel.ID, "pause"), url.Values{}).is(200).has("Paused. What comes in now waits")
	h.accept("+14155550100", "One")
	h.accept("+14155550101", "Two")
	b.get(page).is(200).has("2 messages are in the queue: they will be canceled.", "2 units come back.", "Type the channel's name to go on: Sales")
	b.post(h.path("channels", h.channel.ID, "delete"), url.Values{"name": {"sales"}}).is(422).has("This is not the channel's name. Nothing was deleted.")

	for _, role := range []account.Role{account.Viewer, account.Member} {
		u := h.somebody(role)
		u.get(page).is(200).has("Sales", "Paused").hasNot("/delete")
		u.post(h.path("channels", h.channel.ID, "delete"), url.Values{"name": {"Sales"}}).is(403)
	}
	b.post(h.path("channels", h.channel.ID, "resume"), url.Values{}).is(200).has("The channel sends again")
	b.post(h.path("channels", h.channel.ID, "delete"), url.Values{"name": {"Sales"}}).is(200).has("Sales is deleted.", "No channel yet")
	a, err := h.relay.Account(t.Context(), h.ws.ID)
	if err != nil || a.Available != 100 {
		t.Errorf("after the deletion: %+v %v", a, err)
	}
	b.get(page).is(404)
}

func TestViewersSeeChannelsWithoutKeys(t *testing.T) {
	h, _ := metaHouse(t)
	b := h.operator()
	ch := connected(t, h, b)
	v := h.somebody(account.Viewer)
	v.get(h.path("channels")).is(200).has("Shop", "Open session windows").hasNot("channels/new")
	v.get(h.path("channels", ch.ID)).is(200).has("Shop", "Callbacks").hasNot(ch.CallbackKey, ch.VerifyToken, "/edit", "/pause", "/check")
	for _, p := range [][]string{{"channels", "new"}, {"channels", "new", "meta"}, {"channels", ch.ID, "edit"}, {"channels", ch.ID, "connect"}} {
		v.get(h.path(p...)).is(403)
	}
	for _, what := range []string{"pause", "resume", "check", "delete", "edit", "credentials", "inbound", "group"} {
		v.post(h.path("channels", ch.ID, what), url.Values{}).is(403)
	}
	m := h.somebody(account.Member)
	m.get(h.path("channels", ch.ID, "connect")).is(200).has(ch.VerifyToken)
	h.relay.Set.PublicURL = "http://127.0.0.1:8080"
	m.get(h.path("channels", ch.ID, "connect")).is(200).has("no public https address yet")
}

func TestTheSandboxIsPlayedByHand(t *testing.T) {
	h, _ := metaHouse(t)
	b := h.operator()
	page := h.path("channels", h.channel.ID)
	b.get(page).is(200).has("Nothing was sent here yet", "…9901", "Not on WhatsApp: the message fails", "…9910", "Write as a person")
	h.run()
	h.accept("+14155550100", "Hello <b>there</b>")
	eventually(t, "the message is in the sandbox's log", func() bool { return strings.Contains(b.get(page).text(), "Hello <b>there</b>") })
	b.get(page).has("+14155550100", "Sent").hasNot("<b>there")

	b.post(h.path("channels", h.channel.ID, "inbound"), url.Values{"sender": {"+1 415 555 0100"}, "sender_name": {"Ann"}, "text": {"Hi"}}).is(200).has("has written to this channel")
	eventually(t, "it is counted as received", func() bool {
		counts, err := h.relay.Store.Counts(t.Context(), h.ws.ID, h.channel.CreatedAt.AddDate(0, 0, -1), h.channel.CreatedAt.AddDate(0, 0, 1))
		return err == nil && len(counts) == 1 && counts[0].Received == 1
	})
	s := b.post(h.path("channels", h.channel.ID, "inbound"), url.Values{"sender": {"Ann"}, "text": {"Hi"}}).is(422)
	if got := s.wrongAt("sender"); !strings.Contains(got, "neither a phone number") {
		t.Errorf("at the field: %q", got)
	}
	b.post(h.path("channels", h.channel.ID, "group"), url.Values{"group": {"Team"}}).is(200).has("The group Team is there: chat 1000")
	b.post(h.path("channels", h.channel.ID, "group"), url.Values{"group": {strings.Repeat("x", 10_000)}}).is(422)

	b.get(h.path("channels", "new", "sandbox")).is(200).has("A pretend WhatsApp")
	b.post(h.path("channels", "new", "sandbox"), url.Values{"name": {"Try"}, "phone": {"+15550100001"}}).is(200).has("Try is connected.", "Nothing was sent here yet")
	list, _ := h.relay.Channels(t.Context(), h.ws.ID)
	b.get(h.path("channels", list[0].ID, "connect")).is(404)
}
