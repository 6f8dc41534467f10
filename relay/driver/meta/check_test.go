package meta

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

// check makes a healthy channel, changes it, and returns the findings that are
// not well as "subject state".
func check(t *testing.T, change func(w *world, a *metatest.Account)) (bad []string, all []relay.Finding) {
	t.Helper()
	w := open(t)
	w.ch.CallbackAt = time.Now()
	w.fake.Change(func(a *metatest.Account) {
		a.AppCallback = callbackURL
		change(w, a)
	})
	all = w.Check(t.Context(), w.ch, addresses)
	for _, f := range all {
		if f.Message == "" || (f.State == relay.Well) != (f.Hint == "") {
			t.Errorf("a finding without words: %+v", f)
		}
		if shown, _ := json.Marshal(f); strings.Contains(string(shown), "EAAG") || strings.Contains(string(shown), "app-secret") || strings.Contains(string(shown), verifyToken) {
			t.Errorf("a finding shows a secret: %s", shown)
		}
		if f.State != relay.Well {
			bad = append(bad, f.Subject+" "+string(f.State))
		}
	}
	return bad, all
}

func TestAHealthyChannelHasNothingToMend(t *testing.T) {
	bad, all := check(t, func(*world, *metatest.Account) {})
	if len(bad) > 0 || len(all) < 9 {
		t.Errorf("%v of %+v", bad, all)
	}
}

func TestACheckFindsWhatIsWrong(t *testing.T) {
	set := func(w *world, name, value string) {
		var m map[string]string
		if err := json.Unmarshal(w.ch.Settings, &m); err != nil {
			t.Fatal(err)
		}
		m[name] = value
		w.ch.Settings, _ = json.Marshal(m)
	}
	in := func(d time.Duration) func(*world, *metatest.Account) {
		return func(_ *world, a *metatest.Account) { a.Expires = time.Now().Add(d) }
	}
	for name, c := range map[string]struct {
		change func(*world, *metatest.Account)
		want   string
	}{
		"wrong token":          {func(w *world, _ *metatest.Account) { set(w, "access_token", "EAAGwrong") }, "access token error"},
		"taken back":           {func(_ *world, a *metatest.Account) { a.Invalid = true }, "access token error"},
		"ended":                {in(-time.Hour), "access token error"},
		"ends soon":            {in(72 * time.Hour), "access token warning"},
		"ends later":           {in(60 * 24 * time.Hour), ""},
		"no permission":        {func(_ *world, a *metatest.Account) { a.Scopes = a.Scopes[:1] }, "permission whatsapp_business_messaging error"},
		"account not granted":  {func(_ *world, a *metatest.Account) { a.Targets = []string{"1"} }, "account error"},
		"another app":          {func(w *world, _ *metatest.Account) { set(w, "app_id", "1234567") }, "app error"},
		"no app ID":            {func(w *world, _ *metatest.Account) { set(w, "app_id", "") }, ""},
		"wrong secret":         {func(w *world, _ *metatest.Account) { set(w, "app_secret", "another-secret") }, "app secret error"},
		"wrong number ID":      {func(w *world, _ *metatest.Account) { set(w, "phone_number_id", "999999999") }, "number error"},
		"another number":       {func(w *world, _ *metatest.Account) { w.ch.Phone = "+4915112345678" }, "number error"},
		"low quality":          {func(_ *world, a *metatest.Account) { a.Quality = "RED" }, "quality warning"},
		"medium quality":       {func(_ *world, a *metatest.Account) { a.Quality = "YELLOW" }, "quality warning"},
		"number elsewhere":     {func(_ *world, a *metatest.Account) { a.Numbers = []string{"1"} }, "account error"},
		"on a second page":     {func(_ *world, a *metatest.Account) { a.PageRows, a.Numbers = 1, []string{"1", "106540352242922"} }, ""},
		"no account ID":        {func(w *world, _ *metatest.Account) { set(w, "waba_id", "") }, "account warning"},
		"not subscribed":       {func(_ *world, a *metatest.Account) { a.Subscribed = nil }, "subscription error"},
		"other app subscribed": {func(_ *world, a *metatest.Account) { a.Subscribed = []string{"1"} }, "subscription error"},
		"old callback":         {func(_ *world, a *metatest.Account) { a.AppCallback = "https://old.example/" }, "callback error"},
		"overridden":           {func(_ *world, a *metatest.Account) { a.NumberCallback = "https://old.example/" }, "callback error"},
		"overridden by us": {func(_ *world, a *metatest.Account) {
			a.AccountCallback, a.AppCallback = callbackURL, "https://old.example/"
		}, ""},
		"no callback":        {func(_ *world, a *metatest.Account) { a.AppCallback = "" }, "webhook fields error"},
		"no messages":        {func(_ *world, a *metatest.Account) { a.Fields = []string{"account_update"} }, "webhook fields error"},
		"no template pushes": {func(_ *world, a *metatest.Account) { a.Fields = []string{"messages"} }, "webhook fields warning"},
		"nothing came":       {func(w *world, _ *metatest.Account) { w.ch.CallbackAt = time.Time{} }, "callbacks warning"},
		"quiet":              {func(w *world, _ *metatest.Account) { w.ch.CallbackAt = time.Now().Add(-30 * 24 * time.Hour) }, "callbacks warning"},
		"no settings":        {func(w *world, _ *metatest.Account) { w.ch.Settings = nil }, "credentials error"},
		"an old version":     {func(w *world, _ *metatest.Account) { w.Driver.version = "v19.0" }, "API version warning"},
	} {
		bad, all := check(t, c.change)
		if got := strings.Join(bad, ", "); got != c.want {
			t.Errorf("%s: %q, want %q in %+v", name, got, c.want, all)
		}
	}
}

func TestACheckGoesOnWhereMetaIsSilent(t *testing.T) {
	for endpoint, want := range map[string]string{"object": "number", "debug_token": "access token", "subscriptions": "app secret", "phone_numbers": "account", "subscribed_apps": "subscription"} {
		w := open(t)
		w.ch.CallbackAt = time.Now()
		w.fake.Change(func(a *metatest.Account) { a.AppCallback = callbackURL })
		w.fake.Next(endpoint, metatest.Answer{Status: 502, Body: "bad gateway"})
		var bad []string
		for _, f := range w.Check(t.Context(), w.ch, addresses) {
			if f.State != relay.Well {
				bad = append(bad, f.Subject+" "+string(f.State))
			}
		}
		if got := strings.Join(bad, ", "); got != want+" warning" {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
}

func TestATokensEndIsTold(t *testing.T) {
	until := time.Now().Add(72 * time.Hour).Truncate(time.Second)
	_, all := check(t, func(_ *world, a *metatest.Account) { a.Expires = until })
	for _, f := range all {
		if f.Subject == "access token" && !f.Until.Equal(until) {
			t.Errorf("%+v, want until %s", f, until)
		}
	}
}
