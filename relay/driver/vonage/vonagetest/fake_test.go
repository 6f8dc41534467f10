package vonagetest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the real API refuses, the fake refuses.
func TestMessagesAreCheckedStrictly(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := New(Options{Key: key})
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	token := func(life time.Duration, app, id string) string { return bearerOf(t, key, life, app, id) }
	const (
		app  = "78d335fa-323d-4114-9c3d-d6f0d48968cf"
		head = `{"to":"14155550100","from":"447700900001","channel":"whatsapp",`
		text = head + `"message_type":"text","text":"hi"`
	)
	good := token(time.Minute, app, newUUID())
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name, auth, kind, body string
		status                 int
		says                   string
	}{
		{"Good", good, "application/json", text + `}`, 202, "message_uuid"},
		{"NoCredentials", "", "application/json", text + `}`, 401, "unathorized"},
		{"OldToken", token(-time.Second, app, newUUID()), "application/json", text + `}`, 401, "jwt-expired"},
		{"TokenOfADay", token(25*time.Hour, app, newUUID()), "application/json", text + `}`, 401, "unathorized"},
		{"OtherApplication", token(time.Minute, newUUID(), newUUID()), "application/json", text + `}`, 401, "unathorized"},
		{"NoJTI", token(time.Minute, app, ""), "application/json", text + `}`, 401, "unathorized"},
		{"OtherType", good, "text/plain", text + `}`, 415, "media type"},
		{"NoJSON", good, "application/json", `{`, 422, "invalid-json"},
		{"UnknownField", good, "application/json", text + `,"colour":"red"}`, 422, "colour"},
		{"FieldOfAnotherType", good, "application/json", text + `,"image":{"url":"https://h.example/a"}}`, 422, `"image"`},
		{"Plus", good, "application/json", strings.Replace(text, `"1415`, `"+1415`, 1) + `}`, 422, "#110"},
		{"OtherSender", good, "application/json", strings.Replace(text, `0001`, `0002`, 1) + `}`, 422, "#1120"},
		{"OtherChannel", good, "application/json", strings.Replace(text, `whatsapp`, `pigeon`, 1) + `}`, 422, "#1100"},
		{"NoType", good, "application/json", head + `"text":"hi"}`, 422, "#1140"},
		{"LongReference", good, "application/json", text + `,"client_ref":"` + long[:101] + `"}`, 422, "#1060"},
		{"LongText", good, "application/json", head + `"message_type":"text","text":"` + long + `"}`, 422, `"text"`},
		{"NoText", good, "application/json", head + `"message_type":"text"}`, 422, `"text"`},
		{"BadWebhook", good, "application/json", text + `,"webhook_url":"/x"}`, 422, "webhook_url"},
		{"BadVersion", good, "application/json", text + `,"webhook_version":"v9"}`, 422, "webhook_version"},
		{"CaptionOfAudio", good, "application/json", head + `"message_type":"audio","audio":{"url":"https://h.example/a","caption":"x"}}`, 422, "audio.caption"},
		{"EmptyCaption", good, "application/json", head + `"message_type":"image","image":{"url":"https://h.example/a","caption":""}}`, 422, "image.caption"},
		{"BadLink", good, "application/json", head + `"message_type":"file","file":{"url":"a.pdf"}}`, 422, "file.url"},
		{"TemplateWithoutLocale", good, "application/json", head + `"message_type":"template","template":{"name":"a"}}`, 422, "whatsapp.locale"},
		{"TemplateWithNumbers", good, "application/json", head + `"message_type":"template","template":{"name":"a","parameters":[1]},"whatsapp":{"locale":"en"}}`, 422, "template.parameters"},
		{"CustomOfNothing", good, "application/json", head + `"message_type":"custom","custom":{"type":"template","template":{"name":"a","language":{"code":"en"},"components":[{"type":"body","parameters":[]}]}}}`, 422, "components"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := post(t, s, c.auth, c.kind, c.body)
			if status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("answered %d %s, want %d with %q", status, answer, c.status, c.says)
			}
		})
	}
}

// bearerOf is a token of an application.
func bearerOf(t *testing.T, key *rsa.PrivateKey, life time.Duration, app, id string) string {
	t.Helper()
	now := time.Now()
	b, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"application_id": app, "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(life).Unix(), "jti": id}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + b
}

// post makes one call that asks for a message.
func post(t *testing.T, s *httptest.Server, authorization, contentType, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.URL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestTheApplicationIsSetUpByHand(t *testing.T) {
	f := New(Options{})
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	var settings map[string]string
	if err := json.Unmarshal(f.Settings(), &settings); err != nil {
		t.Fatal(err)
	}
	put := func(user, body string) int {
		req, err := http.NewRequest(http.MethodPut, s.URL+"/v2/applications/"+settings["application_id"], strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, settings["api_secret"])
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	body := `{"name":"relay","capabilities":{"messages":{"webhooks":{"inbound_url":{"address":"https://x.example/in"},"status_url":{"address":"https://x.example/st"}}}}}`
	if got := put(settings["api_key"], body); got != 200 {
		t.Errorf("answered %d", got)
	}
	if got := put("nobody", body); got != 401 {
		t.Errorf("a stranger was answered %d", got)
	}
	if got := put(settings["api_key"], `{}`); got != 400 {
		t.Errorf("a body without a name was answered %d", got)
	}
	if o := f.options(); o.InboundURL != "https://x.example/in" || o.StatusURL != "https://x.example/st" || o.Version != "v1" {
		t.Errorf("set up as %+v", o)
	}
}
