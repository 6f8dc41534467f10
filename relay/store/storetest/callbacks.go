package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func toldBack() []storyCase {
	return []storyCase{
		{"ReportsOnAnAddressOfTheirOwnSayNothingOfTheWindow", reportsAlone},
		{"AScheduledTextIsJudgedByTheWindowOfItsTime", scheduledOutside},
		{"TheTemplatesOfTheAccountBeforeSayNothingOfTheNext", templatesOfBefore},
		{"AWorkspaceThatGoesKeepsNobodysListsBack", goneWorkspace},
		{"APushIsWrittenOverTheListThatCameMeanwhile", pushMeanwhile},
		{"ACheckThatComesToNothingLeavesWhatIsKnownOfCredentials", checked},
		{"ACheckFindsTwoChannelsOfOneSender", twins},
		{"ACallbackThatCannotBeReadIsToldFromAFaultOfTheServer", unreadable},
	}
}

// told is one callback on a part of the channel's address.
func (w *world) told(ch relay.Channel, part string, got relay.Received) {
	w.t.Helper()
	body, err := json.Marshal(got)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.relay.Receive(w.t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Part: part, Body: body, At: time.Now()}); err != nil {
		w.t.Fatalf("callback: %v", err)
	}
}

// Some providers are given the address of reports with each message, so that
// reports come although nobody has said where messages of people should go.
func reportsAlone(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	rep := relay.Received{Reports: []relay.Report{{MessageID: "wa_backend:3EB0000000000000000000", Status: relay.Delivered, At: time.Now()}}}
	for range 6 {
		w.told(ch, "status", rep)
		w.told(ch, "", relay.Received{Templates: []relay.TemplateChange{{ID: "1", Status: relay.TemplatePaused}}})
		time.Sleep(6 * time.Hour)
	}
	w.accept(via(ch, text("+14151231234", "hello")))
	for range 6 { // one address for all: what people write comes there too
		w.told(ch, "", rep)
		time.Sleep(6 * time.Hour)
	}
	w.refused(via(ch, text("+14151231234", "hello")), relay.CodeWindowClosed)
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID); err != nil || time.Since(c.CallbacksSince) != 36*time.Hour {
		t.Errorf("callbacks since %s ago, %v", time.Since(c.CallbacksSince), err)
	}
}

// What leaves later is judged by the window of that time, and again then: the
// person may have written meanwhile, but that is no promise.
func scheduledOutside(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.certain(ch, "+14159990000") // who wrote two hours ago
	in := func(phone string, d time.Duration) relay.Action {
		a := via(ch, text(phone, "hello"))
		a.SendAt, a.ExpiresIn = time.Now().Add(d), 48*time.Hour
		return a
	}
	w.refused(in("+14159990000", 23*time.Hour), relay.CodeWindowClosed)
	w.refused(in("+14151231234", time.Hour), relay.CodeWindowClosed)
	open := w.accept(in("+14159990000", 21*time.Hour))
	w.wrote(ch, "+14151231234")
	writes := w.accept(in("+14151231234", 23*time.Hour))
	time.Sleep(20 * time.Hour) // nothing is due; a dispatcher would only look every few seconds
	w.dispatch(4 * time.Hour)
	w.is(relay.Sent, open, writes)
	w.balance(98, 0, 2)
}

// A provider that is told of a call that it made wrongly does not repeat it.
func unreadable(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	call := func(body string) error {
		_, err := w.relay.Receive(t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Body: []byte(body), At: time.Now()})
		return err
	}
	if err := call("no JSON"); !errors.Is(err, relay.ErrUnreadable) {
		t.Errorf("what cannot be read: %v", err)
	}
	w.update(func(_ *report, tx relay.Tx) error {
		c, err := tx.Channel(t.Context(), w.ws.ID, ch.ID)
		c.Settings = json.RawMessage(`{"sealed":"AAAA"}`) // of another key
		return errors.Join(err, tx.PutChannel(t.Context(), c))
	})
	if err := call("{}"); err == nil || errors.Is(err, relay.ErrUnreadable) {
		t.Errorf("with settings that cannot be opened: %v", err)
	}
}

func templatesOfBefore(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.templates = knownTemplates()
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	another := func() {
		if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{Settings: json.RawMessage(`{"account":"b"}`)}); err != nil {
			t.Error(err)
		}
	}
	another()
	id := w.accept(templated(ch, "order", "es", "x"))
	w.dispatch(time.Minute)
	if out := w.provider.given(id).Template; out == nil || out.ID != "" || len(out.Body) != 1 {
		t.Errorf("the driver got %+v", out)
	}
	// a list that was asked for before the change comes after it
	ch = w.provided("+15550003333", "a", 1)
	w.provider.listing = another
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	if c, list, err := w.relay.Templates(t.Context(), w.ws.ID, ch.ID); err != nil || len(list) != 0 || !c.TemplatesAt.IsZero() {
		t.Errorf("account %s has %d templates of another, read at %v (%v)", c.Account, len(list), c.TemplatesAt, err)
	}
}

// stalled is a store whose lists of templates take their time.
type stalled struct {
	relay.Store
	then func()
}

func (s *stalled) Templates(ctx context.Context, workspace, channel string) ([]relay.Template, error) {
	list, err := s.Store.Templates(ctx, workspace, channel)
	if s.then != nil {
		s.then()
	}
	return list, err
}

func pushMeanwhile(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.templates = knownTemplates()
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	s := &stalled{Store: w.store}
	s.then = func() {
		s.then = nil
		time.Sleep(time.Second)
		w.provider.templates = w.provider.templates[:3]
		w.provider.templates[2].Body = "New words, {{first_name}}."
		if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
			t.Error(err)
		}
	}
	w.relay.Store = s
	w.callback(ch, relay.Received{Templates: []relay.TemplateChange{{ID: "3", Status: relay.TemplatePaused}, {ID: "4", Status: relay.TemplatePaused}}})
	_, list, err := w.relay.Templates(t.Context(), w.ws.ID, ch.ID)
	if err != nil || len(list) != 3 || list[0].Status != relay.TemplatePaused || list[0].Body != "New words, {{first_name}}." {
		t.Errorf("kept %+v, %v", list, err)
	}
}

func checked(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	end := time.Now().Add(2 * 24 * time.Hour).UTC()
	check := func(want time.Time, f relay.Finding) {
		t.Helper()
		w.provider.findings = func() []relay.Finding { return []relay.Finding{f} }
		if err := w.relay.CheckCredentials(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID)
		if err != nil || !c.CredentialsUntil.Equal(want) || c.CredentialsWarned != 3 && !want.IsZero() {
			t.Errorf("until %v, warned %d days before (%v); want %v", c.CredentialsUntil, c.CredentialsWarned, err, want)
		}
	}
	check(end, relay.Finding{State: relay.Well, Until: end})
	check(end, relay.Finding{State: relay.Doubt, Message: "The provider could not be reached."})
	check(end, relay.Finding{State: relay.Trouble, Message: "The token is not valid any more."})
	check(time.Time{}, relay.Finding{State: relay.Well})
	// other credentials come while the old ones are looked at
	w.provider.findings = func() []relay.Finding {
		if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{Settings: json.RawMessage(`{"account":"a"}`)}); err != nil {
			t.Error(err)
		}
		return []relay.Finding{{State: relay.Well, Until: end}}
	}
	if _, err := w.relay.Check(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID); err != nil || !c.CredentialsUntil.IsZero() {
		t.Errorf("new credentials end at %v (%v), as the old ones do", c.CredentialsUntil, err)
	}
}

// Both would take in what people write. What a driver says of the public
// address is not said once more in general.
func twins(t *testing.T, w *world) {
	w.relay.Set.PublicURL = "http://127.0.0.1:8080"
	subjects := func(ch relay.Channel) (all string) {
		t.Helper()
		found, err := w.relay.Check(t.Context(), w.ws.ID, ch.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			all += string(f.State) + " " + f.Subject + ": " + f.Message + "\n"
		}
		return all
	}
	one, other := w.provided("+15550002222", "a", 1), w.provided("+15550002223", "b", 1)
	if got := subjects(one); strings.Contains(got, "same sender") || !strings.Contains(got, "warning public address") {
		t.Errorf("of another sender: %s", got)
	}
	if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	twin := w.provided("+15550002223", "a", 1)
	w.provider.findings = func() []relay.Finding { return []relay.Finding{{Subject: "public address", State: relay.Trouble}} }
	if got := subjects(one); !strings.Contains(got, "error sender: The channel "+twin.ID+" has the same sender") || strings.Count(got, "public address") != 1 {
		t.Errorf("of the same sender: %s", got)
	}
}

// going is a store in which a workspace goes right after it was listed.
type going struct {
	relay.Store
	then func()
}

func (s *going) Workspaces(ctx context.Context, p relay.Page) ([]relay.Workspace, string, error) {
	list, next, err := s.Store.Workspaces(ctx, p)
	s.then()
	return list, next, err
}

func goneWorkspace(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.templates = knownTemplates()
	other, err := w.relay.CreateWorkspace(t.Context(), "Other") // listed before
	if err != nil {
		t.Fatal(err)
	}
	w.relay.Store = &going{w.store, func() {
		if err := w.relay.DeleteWorkspace(t.Context(), other.ID); err != nil {
			t.Error(err)
		}
	}}
	if err := w.relay.SyncAllTemplates(t.Context()); err != nil {
		t.Error(err)
	}
	if _, list, err := w.relay.Templates(t.Context(), w.ws.ID, ch.ID); err != nil || len(list) != 4 {
		t.Errorf("%d templates were read (%v), want 4", len(list), err)
	}
}
