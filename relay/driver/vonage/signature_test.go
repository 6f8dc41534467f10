package vonage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"relevo/relay"
)

// newHook is a callback address on loopback, and what answers there.
func newHook(t *testing.T, take func(relay.Callback) int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.WriteHeader(take(relay.Callback{Method: r.Method, URL: "https://relay.example" + r.URL.RequestURI(), Header: r.Header, Body: body, At: time.Now()}))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A token that OpenSSL signed, with the claims of Vonage's own page, so that
// no library of ours is on both sides:
// https://developer.vonage.com/en/getting-started/concepts/webhooks
const (
	vectorSecret = "ZYdLqhhQmHcqBSxPrYYVpTKLWSbpWVGTwXmkbTB"
	vectorBody   = `{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":"2020-04-21T18:49:22Z","status":"read"}`
	vectorToken  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE1ODc0OTQ5NjIsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmRmLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6ImNjMDk0YTM3NmUyN2ZlMmVmODIyN2Y3N2E0NGVkZWUwYzRmNzRlNDIwNTE1NzVmYjgxZGMwYTE4OGJmNmJiZGQiLCJhcGlfa2V5IjoiYTFiMmMzZCIsImFwcGxpY2F0aW9uX2lkIjoiYWFhYWFhYWEtYmJiYi1jY2NjLWRkZGQtMDEyMzQ1Njc4OWFiIn0.5y2qdO-m12goyscjn2gqBZMmgiiKfQpQoHaA1_Cm_I0"
)

func TestATokenThatAnotherProgramSigned(t *testing.T) {
	ch := relay.Channel{Settings: mustJSON(t, Settings{APIKey: "a1b2c3d", ApplicationID: "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", SignatureSecret: vectorSecret, From: "447700900001"})}
	c := relay.Callback{Body: []byte(vectorBody), At: time.Unix(1587494962, 0).Add(time.Minute), Header: header("Bearer " + vectorToken)}
	got, err := New(Options{}).Receive(ch, c)
	if err != nil || len(got.Reports) != 1 || got.Reports[0].Status != relay.Read {
		t.Fatalf("got %+v, %v", got, err)
	}
	c.Body = []byte(strings.Replace(vectorBody, "read", "seen", 1))
	if _, err = New(Options{}).Receive(ch, c); !errors.Is(err, relay.ErrForged) {
		t.Errorf("another body: %v", err)
	}
}

func TestSignatures(t *testing.T) {
	r := newRig(t)
	body := []byte(`{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":"2025-02-03T12:14:25Z","status":"read"}`)
	now := time.Now()
	claims := func(change func(map[string]any)) string {
		c := map[string]any{"iat": now.Unix(), "payload_hash": hashOf(body), "api_key": "a1b2c3d4", "application_id": "78d335fa-323d-4114-9c3d-d6f0d48968cf"}
		change(c)
		return r.fake.SignClaims(c)
	}
	set := func(name string, v any) string { return claims(func(c map[string]any) { c[name] = v }) }
	without := func(name string) string { return claims(func(c map[string]any) { delete(c, name) }) }
	good := claims(func(map[string]any) {})
	part := strings.Split(strings.TrimPrefix(good, "Bearer "), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part[1] + "."
	other, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iat": now.Unix(), "payload_hash": hashOf(body), "api_key": "a1b2c3d4"}).SignedString([]byte("another secret"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"iat": now.Unix(), "payload_hash": hashOf(body), "api_key": "a1b2c3d4"}).SignedString([]byte("pretendSignatureSecret0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		ok = iota
		forgery
		again
	)
	for name, c := range map[string]struct {
		auth string
		want int
	}{
		"Good": {good, ok}, "SmallBearer": {strings.Replace(good, "Bearer", "bearer", 1), ok}, "NoApplication": {without("application_id"), ok}, "BigHash": {set("payload_hash", strings.ToUpper(hashOf(body))), ok},
		"BigApplication": {set("application_id", "78D335FA-323D-4114-9C3D-D6F0D48968CF"), ok}, "ADayOld": {set("iat", now.Add(-24*time.Hour).Unix()), ok}, "ALittleEarly": {set("iat", now.Add(5*time.Minute).Unix()), ok},
		"AnOldEnd": {set("exp", now.Add(-time.Hour).Unix()), ok}, // retried with its first token
		"OtherKey": {set("api_key", "ffffffff"), forgery}, "NoKey": {without("api_key"), forgery}, "OtherApplication": {set("application_id", "00000000-323d-4114-9c3d-d6f0d48968cf"), forgery},
		"OtherHash": {set("payload_hash", hashOf([]byte("x"))), forgery}, "NoHash": {without("payload_hash"), forgery}, "NoTime": {without("iat"), forgery}, "TimeThatIsNone": {set("iat", "now"), forgery},
		"TooOld": {set("iat", now.Add(-26*time.Hour).Unix()), forgery}, "TooNew": {set("iat", now.Add(time.Hour).Unix()), forgery}, "OtherSecret": {"Bearer " + other, forgery}, "OtherMethod": {"Bearer " + long, forgery},
		"NoMethod": {"Bearer " + none, forgery}, "NoSignature": {"Bearer " + part[0] + "." + part[1] + ".", forgery}, "Changed": {"Bearer " + part[0] + "." + part[1] + "A." + part[2], forgery}, "Garbage": {"Bearer x", forgery},
		"Missing": {"", again}, "Empty": {"Bearer ", again}, "Basic": {"Basic YTpi", again},
	} {
		got, err := r.Receive(r.channel, relay.Callback{Body: body, At: now, Header: header(c.auth)})
		var refusal *relay.Error
		switch c.want {
		case ok:
			if err != nil || len(got.Reports) != 1 {
				t.Errorf("%s: %+v, %v, want it taken", name, got, err)
			}
		case forgery:
			if !errors.Is(err, relay.ErrForged) || len(got.Reports) != 0 {
				t.Errorf("%s: %+v, %v, want forged", name, got, err)
			}
		case again: // a 503 makes Vonage send it again
			if !errors.As(err, &refusal) || refusal.Code != relay.CodeUnavailable || errors.Is(err, relay.ErrForged) || len(got.Reports) != 0 {
				t.Errorf("%s: %+v, %v, want unavailable", name, got, err)
			}
		}
	}
}

// Vonage may hash the body before it is written with white space.
func TestAHashOverTheBodyWithoutWhiteSpace(t *testing.T) {
	r := newRig(t)
	body := []byte("{ \"message_uuid\": \"u\",\n \"to\": \"447700900000\", \"from\": \"447700900001\", \"channel\": \"whatsapp\", \"status\": \"read\" }")
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	got, err := r.Receive(r.channel, relay.Callback{Body: body, At: now, Header: header(r.fake.Sign(compact.Bytes(), now))})
	if err != nil || len(got.Reports) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzReceive(f *testing.F) {
	r := newRig(f)
	now := time.Now()
	f.Add([]byte(vectorBody))
	f.Add(r.fake.Inbound("447700900002", "location", map[string]any{"location": map[string]any{"lat": 1}}, now))
	f.Add(r.fake.Notice("1", "a", "en", "APPROVED", "", now))
	f.Add([]byte(`[{"message_uuid":1,"to":{"number":2},"from":{"type":"whatsapp","id":"x"},"message":{"content":{"type":"text","text":{}}}}]`))
	f.Add([]byte(`{"message_uuid":"u","channel":"whatsapp","to":"447700900001","message_type":"contacts","contacts":[null,{"name":[],"phones":[1]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := r.Receive(r.channel, relay.Callback{Body: body, At: now, Header: header(r.fake.Sign(body, now))})
		if err != nil && len(got.Reports)+len(got.Inbound)+len(got.Templates) != 0 {
			t.Errorf("an error comes with %+v", got)
		}
		for _, rep := range got.Reports {
			if rep.At.IsZero() || rep.ProviderID == "" || (rep.Failure != nil) != (rep.Status == relay.Failed) {
				t.Errorf("a report of %+v", rep)
			}
		}
		for _, in := range got.Inbound {
			if in.At.IsZero() || in.ID == "" {
				t.Errorf("an inbound message of %+v", in)
			}
		}
	})
}
