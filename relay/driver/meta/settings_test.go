package meta

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

const whole = `{"access_token":"EAAGsampleToken0123456789","phone_number_id":"106540352242922","waba_id":"102290129340398","app_secret":"0123456789abcdef0123456789abcdef","app_id":"670843887433847"}`

func TestSettingsAreReadOverThoseThatAreKept(t *testing.T) {
	d := New(Options{})
	for name, c := range map[string]struct{ given, kept, want string }{
		"new":            {whole, "", whole},
		"tidied":         {`{"access_token":" Bearer EAAGsampleToken0123456789 ","phone_number_id":106540352242922,"app_secret":"app-secret-123"}`, "", `{"access_token":"EAAGsampleToken0123456789","phone_number_id":"106540352242922","app_secret":"app-secret-123"}`},
		"nothing given":  {`{}`, whole, whole},
		"empty secrets":  {`{"access_token":"","app_secret":null}`, whole, whole},
		"shown secrets":  {`{"access_token":"••••6789","app_secret":"••••cdef"}`, whole, whole},
		"optional taken": {`{"app_id":""}`, whole, strings.Replace(whole, `,"app_id":"670843887433847"`, "", 1)},
		"new token":      {`{"access_token":"EAAGanother"}`, whole, strings.Replace(whole, "EAAGsampleToken0123456789", "EAAGanother", 1)},
	} {
		var kept json.RawMessage
		if c.kept != "" {
			kept = json.RawMessage(c.kept)
		}
		got, err := d.Connect(json.RawMessage(c.given), kept)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestEveryFaultOfSettingsIsNamed(t *testing.T) {
	d := New(Options{})
	for name, c := range map[string]struct {
		given string
		want  []string
	}{
		"all missing": {`{}`, []string{"settings.access_token missing_field", "settings.phone_number_id missing_field", "settings.app_secret missing_field"}},
		"a number":    {strings.Replace(whole, `"106540352242922"`, `"+15550783881"`, 1), []string{"settings.phone_number_id invalid_field"}},
		"spaces":      {strings.Replace(whole, "EAAG", "EAA G", 1), []string{"settings.access_token invalid_field"}},
		"unknown":     {strings.Replace(whole, "app_id", "appid", 1), []string{"settings.appid invalid_field"}},
		"base":        {strings.Replace(whole, "app_id", "base", 1), []string{"settings.base invalid_field"}},
		"swapped":     {strings.Replace(whole, "102290129340398", "106540352242922", 1), []string{"settings.waba_id invalid_field"}},
		"no text":     {strings.Replace(whole, `"670843887433847"`, `[1]`, 1), []string{"settings.app_id invalid_field"}},
		"masked, new": {strings.Replace(whole, "EAAGsampleToken0123456789", "••••6789", 1), []string{"settings.access_token missing_field"}},
		"no object":   {`[]`, []string{"settings invalid_field"}},
	} {
		_, err := d.Connect(json.RawMessage(c.given), nil)
		var e *relay.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, f := range e.Fields {
			got = append(got, f.Field+" "+string(f.Code))
			if f.Message == "" || f.Hint == "" || strings.Contains(f.Message+f.Hint, "EAAG") {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || e.Message == "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSecretsAreShownByTheirEnds(t *testing.T) {
	d := New(Options{})
	want := map[string]string{"access_token": "••••6789", "phone_number_id": "106540352242922", "waba_id": "102290129340398", "app_secret": "••••cdef", "app_id": "670843887433847"}
	if diff := cmp.Diff(want, d.Show(json.RawMessage(whole))); diff != "" {
		t.Error(diff)
	}
	if got := d.Account(json.RawMessage(whole)); got != "102290129340398/106540352242922" {
		t.Errorf("account %q", got)
	}
	if d.Show(nil) != nil || d.Account(json.RawMessage(`{`)) != "" {
		t.Error("settings that are none are shown")
	}
}
