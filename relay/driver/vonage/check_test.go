package vonage

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/vonage/vonagetest"
)

var at = relay.Addresses{Callback: "https://relay.example/callback/ch_a/k", Status: "https://relay.example/callback/ch_a/k/status", Inbound: "https://relay.example/callback/ch_a/k/inbound"}

func setUp(o *vonagetest.Options) {
	o.InboundURL, o.StatusURL = at.Inbound, at.Status
}

func TestACheckOfAChannelThatIsWell(t *testing.T) {
	ends := time.Now().Add(240 * time.Hour).UTC().Truncate(time.Second)
	r := newRig(t, setUp, func(o *vonagetest.Options) { o.Expires = ends })
	r.channel.CallbackAt = time.Now()
	var subjects []string
	for _, f := range r.Check(t.Context(), r.channel, at) {
		subjects = append(subjects, f.Subject)
		if f.State != relay.Well || f.Message == "" {
			t.Errorf("%+v, want ok", f)
		}
		if want := f.Subject == "templates"; want != f.Until.Equal(ends) {
			t.Errorf("%s is well until %s", f.Subject, f.Until)
		}
	}
	if got := strings.Join(subjects, ", "); got != "credentials, private key, version, inbound callback, status callback, number, signature secret, templates" {
		t.Errorf("looked at %s", got)
	}
	if len(r.fake.Messages()) != 0 {
		t.Error("a check sent something")
	}
}

func TestWhatACheckFinds(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*Settings)) func(*rig) {
		return func(r *rig) {
			s, _ := settingsOf(r.channel)
			f(&s)
			r.channel.Settings, _ = json.Marshal(s)
		}
	}
	fake := func(f func(*vonagetest.Options)) func(*rig) { return func(r *rig) { r.fake.Change(f) } }
	for _, c := range []struct {
		name    string
		spoil   func(*rig)
		subject string
		state   relay.FindingState
		says    string
	}{
		{"WrongSecret", change(func(s *Settings) { s.APISecret = "wrongwrongwrong" }), "credentials", relay.Trouble, "API key and secret"},
		{"WrongApplication", change(func(s *Settings) { s.ApplicationID = "00000000-323d-4114-9c3d-d6f0d48968cf" }), "application", relay.Trouble, "no application"},
		{"WrongKey", change(func(s *Settings) { s.PrivateKey = pkcs8(t, other) }), "private key", relay.Trouble, "another application"},
		{"WrongKeyAtTheNumber", change(func(s *Settings) { s.PrivateKey = pkcs8(t, other) }), "number", relay.Trouble, "token"},
		{"NoMessages", fake(func(o *vonagetest.Options) { o.NoMessages = true }), "version", relay.Trouble, "does not do messages"},
		{"OldVersion", fake(func(o *vonagetest.Options) { o.Version = "v0.1" }), "version", relay.Trouble, "not v1"},
		{"NoInbound", fake(func(o *vonagetest.Options) { o.InboundURL = "" }), "inbound callback", relay.Trouble, "no Inbound URL"},
		{"OtherInbound", fake(func(o *vonagetest.Options) { o.InboundURL = "https://elsewhere.example/" }), "inbound callback", relay.Trouble, "elsewhere"},
		{"OtherStatus", fake(func(o *vonagetest.Options) { o.StatusURL = at.Inbound }), "status callback", relay.Trouble, "elsewhere"},
		{"TheChannelsOwnAddress", fake(func(o *vonagetest.Options) { o.StatusURL = at.Callback }), "status callback", relay.Well, "this channel's"},
		{"NoSuchNumber", fake(func(o *vonagetest.Options) { o.Number = "447700900099" }), "number", relay.Trouble, "no WhatsApp number"},
		{"AnotherPhone", func(r *rig) { r.channel.Phone = "+447700900098" }, "phone", relay.Doubt, "not that of its sender"},
		{"NotLinked", fake(func(o *vonagetest.Options) { o.Unlinked = true }), "number", relay.Trouble, "not linked"},
		{"NothingCameYet", func(r *rig) { r.channel.CallbackAt = time.Time{} }, "signature secret", relay.Doubt, "No signed callback"},
		{"NoTemplates", change(func(s *Settings) { s.WABAID, s.UserToken = "", "" }), "templates", relay.Well, "neither"},
		{"HalfOfTemplates", change(func(s *Settings) { s.UserToken = "" }), "templates", relay.Doubt, "missing: user_token"},
		{"OldToken", change(func(s *Settings) { s.UserToken = "EAAanOtherTokenThatEnded0" }), "templates", relay.Trouble, "token"},
		{"OtherWABA", change(func(s *Settings) { s.WABAID = "999999999" }), "templates", relay.Trouble, "waba_id"},
		{"NoVonage", func(r *rig) { r.server.Close() }, "credentials", relay.Doubt, "could not be reached"},
		{"NoMeta", func(r *rig) { r.server.Close() }, "templates", relay.Doubt, "Meta"},
		{"NoSettings", func(r *rig) { r.channel.Settings = nil }, "settings", relay.Trouble, "not whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, setUp)
			r.channel.CallbackAt = time.Now()
			c.spoil(r)
			found := r.Check(t.Context(), r.channel, at)
			i := slices.IndexFunc(found, func(f relay.Finding) bool { return f.Subject == c.subject })
			if i < 0 {
				t.Fatalf("nothing about %s in %+v", c.subject, found)
			}
			if f := found[i]; f.State != c.state || !strings.Contains(f.Message, c.says) || f.State != relay.Well && f.Hint == "" {
				t.Errorf("%+v, want %s that says %q", f, c.state, c.says)
			}
		})
	}
}
