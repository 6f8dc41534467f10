package infobip

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"relevo/relay"
)

func TestSettingsAreReadAndShown(t *testing.T) {
	d, v := New(Options{}), NewViber(Options{})
	kept, err := d.Connect(json.RawMessage(`{"base_url":"XXXXX.api.infobip.com/","api_key":" App `+key+` ","sender":"+44 (1134) 960-000"}`), nil)
	want := `{"base_url":"https://xxxxx.api.infobip.com","api_key":"` + key + `","sender":"441134960000"}`
	if err != nil || string(kept) != want {
		t.Fatalf("%s, %v\nwant %s", kept, err, want)
	}
	kept, err = d.Connect(json.RawMessage(`{"sender":441134960009,"callback_user":"u","callback_password":"a password of ours"}`), kept)
	if err != nil || d.Account(kept) != "xxxxx.api.infobip.com/441134960009" {
		t.Fatalf("%s, %v", kept, err)
	}
	shown := d.Show(kept)
	if want := map[string]string{"base_url": "https://xxxxx.api.infobip.com", "api_key": "••••3333", "sender": "441134960009", "callback_user": "u", "callback_password": "••••ours"}; !maps.Equal(shown, want) {
		t.Errorf("%v", shown)
	}
	kept, err = d.Connect(json.RawMessage(`{"callback_user":null,"callback_password":"","callback_secret":"s3cr3t","callback_header":"x-sig"}`), kept)
	if err != nil || strings.Contains(string(kept), "callback_user") || !strings.Contains(string(kept), `"X-Sig"`) {
		t.Errorf("%s, %v", kept, err)
	}
	kept, err = v.Connect(json.RawMessage(`{"base_url":"https://xxxxx.api.infobip.com","api_key":"`+key+`","sender":"Company Name é"}`), nil)
	if err != nil || v.Show(kept)["files_as"] != "link" || v.Show(kept)["sender"] != "Company Name é" {
		t.Errorf("%s, %v", kept, err)
	}
}

// faulty are settings and the fields that are wrong in them.
type faulty struct {
	d     relay.Connector
	given json.RawMessage
	want  []string
}

func faultySettings(t *testing.T) []faulty {
	t.Helper()
	d, v := New(Options{}), NewViber(Options{})
	good := map[string]any{"base_url": "https://xxxxx.api.infobip.com", "api_key": key, "sender": "441134960000"}
	with := func(over map[string]any) json.RawMessage {
		m := maps.Clone(good)
		maps.Copy(m, over)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return []faulty{
		{d, json.RawMessage(`{}`), []string{"settings.api_key", "settings.base_url", "settings.sender"}},
		{d, json.RawMessage(`[]`), []string{"settings"}},
		{d, with(map[string]any{"base_url": "http://xxxxx.api.infobip.com"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "ftp://xxxxx.api.infobip.com"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://u:p@xxxxx.api.infobip.com"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "u:p@xxxxx.api.infobip.com"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com/whatsapp/1"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com/?a=b"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com?"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com/#x"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com:99999"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://xxxxx.api.infobip.com:"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://localhost"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": "https://[::1]"}), []string{"settings.base_url"}},
		{d, with(map[string]any{"base_url": ""}), []string{"settings.base_url"}},
		{d, with(map[string]any{"api_key": "short"}), []string{"settings.api_key"}},
		{d, with(map[string]any{"api_key": "0123456789abcdef\r\nX-Evil: 1"}), []string{"settings.api_key"}},
		{d, with(map[string]any{"api_key": map[string]any{}}), []string{"settings.api_key"}},
		{d, with(map[string]any{"sender": "CompanyName"}), []string{"settings.sender"}},
		{v, with(map[string]any{"sender": "x"}), []string{"settings.sender"}},
		{v, with(map[string]any{"sender": "a name of more than 20 characters"}), []string{"settings.sender"}},
		{d, with(map[string]any{"files_as": "link"}), []string{"settings.files_as"}},
		{v, with(map[string]any{"files_as": "both"}), []string{"settings.files_as"}},
		{d, with(map[string]any{"base": "x"}), []string{"settings.base"}},
		{d, with(map[string]any{"callback_user": "u"}), []string{"settings.callback_password"}},
		{d, with(map[string]any{"callback_user": "u:v", "callback_password": "p"}), []string{"settings.callback_password", "settings.callback_user"}},
		{d, with(map[string]any{"callback_user": "u", "callback_password": "p", "callback_secret": "s"}), []string{"settings.callback_secret"}},
		{d, with(map[string]any{"callback_header": "X-Sig"}), []string{"settings.callback_header"}},
		{d, with(map[string]any{"callback_secret": "s", "callback_header": "X Sig"}), []string{"settings.callback_header"}},
	}
}

func TestEachFaultOfSettingsIsNamed(t *testing.T) {
	for _, c := range faultySettings(t) {
		_, err := c.d.Connect(c.given, nil)
		var e *relay.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.given, err)
			continue
		}
		var got []string
		for _, f := range e.Fields {
			got = append(got, f.Field)
			if f.Hint == "" || f.Message == "" || strings.Contains(f.Message, key) {
				t.Errorf("%s: %+v", c.given, f)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) || e.Message == "" || e.Code == "" {
			t.Errorf("%s: %v, want %v", c.given, got, c.want)
		}
	}
}
