package vonage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/vonage/vonagetest"
)

// given are good settings, changed.
func given(t *testing.T, change func(map[string]any)) json.RawMessage {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(vonagetest.New(vonagetest.Options{Key: testKey()}).Settings(), &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	return mustJSON(t, m)
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestConnectNamesEveryFault(t *testing.T) {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		field string
		value any // nil: left out
		says  string
	}{
		{"api_key", nil, "missing"}, {"api_key", "", "missing"}, {"api_key", "a b", "letters and digits"}, {"api_key", "pretendAPIsecret1", "the API secret is longer"}, {"api_key", []string{"x"}, "not a text"}, {"api_key", map[string]string{}, "not a text"},
		{"api_secret", nil, "missing"}, {"api_secret", "short", "8 characters"}, {"api_secret", "with a space in it", "no spaces"},
		{"application_id", nil, "missing"}, {"application_id", "78d335fa", "five groups"},
		{"private_key", nil, "missing"}, {"private_key", "MIIE", "not whole"}, {"private_key", "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----", "damaged"},
		{"private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "damaged"}, {"private_key", pkcs8(t, elliptic), "not an RSA key"},
		{"private_key", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "public key"},
		{"private_key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "password"},
		{"signature_secret", nil, "missing"}, {"signature_secret", "x", "8 characters"},
		{"from", nil, "missing"}, {"from", "12345", "7 to 15"}, {"from", "my phone", "7 to 15"}, {"from", "+0123456789", "7 to 15"},
		{"waba_id", "abc", "number"}, {"user_token", "x", "one long word"}, {"user_token", "EAA token with spaces in it", "one long word"},
		{"base", "https://evil.example", "no such setting"}, {"apikey", "a1b2c3d4", "no such setting"},
	} {
		_, err := New(Options{}).Connect(given(t, func(m map[string]any) {
			if c.value == nil {
				delete(m, c.field)
				return
			}
			m[c.field] = c.value
		}), nil)
		var e *relay.Error
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Field != "settings."+c.field || !strings.Contains(e.Fields[0].Message, c.says) || e.Fields[0].Hint == "" || e.Fields[0].Code == "" || e.Message == "" {
			t.Errorf("%s %v: %+v, want a fault that says %q", c.field, c.value, err, c.says)
			continue
		}
		if s, ok := c.value.(string); ok && len(s) > 12 && strings.Contains(e.Message, s) {
			t.Errorf("%s: the fault shows the value", c.field)
		}
	}
}

func TestConnectNamesAllFaultsAtOnce(t *testing.T) {
	_, err := New(Options{}).Connect(json.RawMessage(`{"zeta":1,"alpha":2,"from":"x"}`), nil)
	var e *relay.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Field)
	}
	want := "settings.alpha settings.zeta settings.api_key settings.api_secret settings.application_id settings.private_key settings.signature_secret settings.from"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("faults in\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []string{``, `[]`, `null`, `"x"`} {
		if _, err := New(Options{}).Connect(json.RawMessage(bad), nil); err == nil {
			t.Errorf("%q is no object and was taken", bad)
		}
	}
}

func TestSettingsInTheFormsInWhichPeopleHaveThem(t *testing.T) {
	d := New(Options{})
	whole := pkcs8(t, testKey())
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())}))
	for name, key := range map[string]string{
		"RealLines": whole, "Escaped": strings.ReplaceAll(whole, "\n", `\n`), "OneLine": strings.ReplaceAll(whole, "\n", ""), "Spaces": strings.ReplaceAll(whole, "\n", " "),
		"Windows": strings.ReplaceAll(whole, "\n", "\r\n"), "EscapedWindows": strings.ReplaceAll(whole, "\n", `\r\n`), "Old": old, "OldEscaped": strings.ReplaceAll(old, "\n", `\n`), "Around": "here it is:\n" + whole + "\nbye",
	} {
		kept, err := d.Connect(given(t, func(m map[string]any) { m["private_key"] = key }), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var s Settings
		if err := json.Unmarshal(kept, &s); err != nil {
			t.Fatal(err)
		}
		if k, fault := parseKey(s.PrivateKey); fault != "" || !k.Equal(testKey()) {
			t.Errorf("%s: another key came out: %s", name, fault)
		}
	}
	kept, err := d.Connect(given(t, func(m map[string]any) {
		m["application_id"], m["from"], m["waba_id"], m["api_key"] = " 78D335FA-323D-4114-9C3D-D6F0D48968CF ", "+44 7700 900-001", 104996122399160, "a1b2c3d4\n"
	}), nil)
	var s Settings
	if err != nil || json.Unmarshal(kept, &s) != nil || s.ApplicationID != "78d335fa-323d-4114-9c3d-d6f0d48968cf" || s.From != "447700900001" || s.WABAID != "104996122399160" || s.APIKey != "a1b2c3d4" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestWhatIsNotGivenStays(t *testing.T) {
	d := New(Options{})
	kept, err := d.Connect(given(t, func(map[string]any) {}), nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err = d.Connect(json.RawMessage(`{"api_secret":"anotherSecret99","from":null,"user_token":""}`), kept)
	var s Settings
	if err != nil || json.Unmarshal(kept, &s) != nil {
		t.Fatal(err)
	}
	if s.APISecret != "anotherSecret99" || s.From != "447700900001" || s.UserToken != "" || s.WABAID == "" || s.PrivateKey == "" {
		t.Errorf("kept %+v", s)
	}
	if _, err := d.Connect(json.RawMessage(`{"api_secret":""}`), kept); err == nil {
		t.Error("a needed setting was taken away")
	}
	if _, err := d.Connect(json.RawMessage(`{}`), json.RawMessage(`{`)); err == nil {
		t.Error("damaged settings were taken")
	}
}

func TestShowGivesNoSecretAway(t *testing.T) {
	d := New(Options{})
	kept, err := d.Connect(given(t, func(map[string]any) {}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var s Settings
	if err := json.Unmarshal(kept, &s); err != nil {
		t.Fatal(err)
	}
	shown := d.Show(kept)
	if shown["api_key"] != "a1b2c3d4" || shown["from"] != "447700900001" || shown["waba_id"] != s.WABAID || shown["application_id"] != s.ApplicationID || !strings.HasSuffix(shown["api_secret"], s.APISecret[len(s.APISecret)-4:]) {
		t.Errorf("shown %v", shown)
	}
	for name, v := range shown {
		for _, secret := range []string{s.APISecret, s.SignatureSecret, s.UserToken, s.PrivateKey} {
			if strings.Contains(v, secret) || len(v) > 40 {
				t.Errorf("%s shows a secret: %s", name, v)
			}
		}
	}
	if got := d.Account(kept); got != "a1b2c3d4/447700900001" {
		t.Errorf("account %q", got)
	}
	if d.Account(json.RawMessage(`{`)) != "" || len(d.Show(json.RawMessage(`{`))) != 0 {
		t.Error("damaged settings have an account")
	}
}
