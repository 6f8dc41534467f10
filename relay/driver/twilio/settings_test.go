package twilio

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

const token = "0123456789abcdef0123456789abcdef"

func TestConnectReadsWhatAnOwnerHasAtHand(t *testing.T) {
	ac, sk, mg := sidOf("AC", 1), sidOf("SK", 2), sidOf("MG", 3)
	cases := []struct{ name, given, kept, want string }{
		{"token and number", `{"account_sid":" ` + ac + ` ","auth_token":"` + token + `","from":"whatsapp:+1 (415) 523-8886"}`, ``,
			`{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886"}`},
		{"number without plus", `{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"14155238886"}`, ``,
			`{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886"}`},
		{"key and service", `{"account_sid":"` + ac + `","api_key":"` + sk + `","api_secret":"0123456789abcdefgh","messaging_service_sid":"` + mg + `"}`, ``,
			`{"account_sid":"` + ac + `","api_key":"` + sk + `","api_secret":"0123456789abcdefgh","messaging_service_sid":"` + mg + `"}`},
		{"nothing given", `{}`, `{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886"}`,
			`{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886"}`},
		{"empty stays, null goes", `{"auth_token":"","from":null,"messaging_service_sid":"` + mg + `"}`, `{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886"}`,
			`{"account_sid":"` + ac + `","auth_token":"` + token + `","messaging_service_sid":"` + mg + `"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := New(Options{}).Connect(json.RawMessage(c.given), json.RawMessage(c.kept))
			if err != nil || string(got) != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestConnectNamesEveryFault(t *testing.T) {
	ac, sk := sidOf("AC", 1), sidOf("SK", 2)
	cases := []struct {
		name, given string
		fields      []string
		says        string
	}{
		{"nothing", `{}`, []string{"settings.account_sid", "settings.auth_token", "settings.from"}, "Account Dashboard"},
		{"no object", `[]`, []string{"settings"}, "JSON object"},
		{"unknown names", `{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"+14155238886","base":"http://x","Token":"y"}`, []string{"settings.Token", "settings.base"}, "no such setting"},
		{"no string", `{"account_sid":7,"auth_token":"` + token + `","from":"+14155238886"}`, []string{"settings.account_sid"}, "not a string"},
		{"in the wrong field", `{"account_sid":"` + sk + `","auth_token":"` + token + `","from":"+14155238886"}`, []string{"settings.account_sid"}, "value of api_key"},
		{"short token", `{"account_sid":"` + ac + `","auth_token":"abc","from":"+14155238886"}`, []string{"settings.auth_token"}, "Auth Token"},
		{"no number", `{"account_sid":"` + ac + `","auth_token":"` + token + `","from":"Acme"}`, []string{"settings.from"}, "international form"},
		{"key without secret", `{"account_sid":"` + ac + `","api_key":"` + sk + `","from":"+14155238886"}`, []string{"settings.api_secret"}, "no secret"},
		{"secret without key", `{"account_sid":"` + ac + `","api_secret":"0123456789abcdefgh","from":"+14155238886"}`, []string{"settings.api_key"}, "no key"},
		{"several", `{"account_sid":"x","auth_token":"y","from":"z","messaging_service_sid":"w"}`,
			[]string{"settings.account_sid", "settings.auth_token", "settings.from", "settings.messaging_service_sid"}, "Messaging > Services"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(Options{}).Connect(json.RawMessage(c.given), nil)
			var e *relay.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v is a %T, want a *relay.Error", err, err)
			}
			var names []string
			for _, f := range e.Fields {
				names = append(names, f.Field)
				if f.Message == "" || f.Hint == "" || f.Code == "" {
					t.Errorf("%s: %q, hint %q, code %q", f.Field, f.Message, f.Hint, f.Code)
				}
			}
			if !slices.Equal(names, c.fields) || !strings.Contains(e.Message, c.says) {
				t.Errorf("%v: %s", names, e.Message)
			}
			if strings.Contains(e.Message, token) {
				t.Error("the refusal shows the token")
			}
		})
	}
}

func TestShowHidesSecrets(t *testing.T) {
	s := Settings{AccountSID: sidOf("AC", 1), AuthToken: token, APIKey: sidOf("SK", 2), APISecret: "0123456789abcdefWXYZ", From: "+14155238886"}
	d := New(Options{})
	raw := channel(t, s).Settings
	want := map[string]string{"account_sid": s.AccountSID, "auth_token": "••••cdef", "api_key": s.APIKey, "api_secret": "••••WXYZ", "from": s.From}
	if diff := cmp.Diff(want, d.Show(raw)); diff != "" {
		t.Error(diff)
	}
	if got := d.Account(raw); got != s.AccountSID+"/+14155238886" {
		t.Errorf("account %q", got)
	}
	s.From, s.MessagingServiceSID = "", sidOf("MG", 3)
	if got := d.Account(channel(t, s).Settings); got != s.AccountSID+"/"+s.MessagingServiceSID {
		t.Errorf("account %q", got)
	}
	if d.Show(nil) != nil || d.Account(nil) != "" {
		t.Error("settings that cannot be read show something")
	}
}
