package twilio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
	"relevo/relay/driver/wire"
)

const (
	ana    = "+5511900000001"
	status = "https://relay.example.com/callback/ch_1/key/status"
	ours   = "wa_backend:3EB0019300000000000001"
)

// open starts a fake and a driver of it.
func open(t testing.TB, o twiliotest.Options) (*Driver, *twiliotest.Fake) {
	t.Helper()
	f := twiliotest.New(o)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return New(Options{Base: server.URL, HTTP: wire.NewClient()}), f
}

func settings() Settings {
	return Settings{AccountSID: twiliotest.AccountSID, AuthToken: twiliotest.AuthToken, From: twiliotest.From}
}

func channel(t testing.TB, s Settings) relay.Channel {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return relay.Channel{ID: "ch_1", Kind: "twilio", Phone: s.From, Settings: raw}
}

func text(t testing.TB, s string) relay.Outgoing {
	return relay.Outgoing{Channel: channel(t, settings()), MessageID: ours, Recipient: ana, Try: 1, Text: s,
		Callbacks: relay.Addresses{Status: status, Inbound: "https://relay.example.com/callback/ch_1/key/inbound", Callback: "https://relay.example.com/callback/ch_1/key"}}
}

func sendError(t *testing.T, err error) *relay.SendError {
	t.Helper()
	var e *relay.SendError
	if !errors.As(err, &e) {
		t.Fatalf("error %v is a %T, want a *relay.SendError", err, err)
	}
	return e
}

// at is when callbacks come in these tests.
var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// incoming is a request of the fake as the relay hands it on.
func incoming(c twiliotest.Callback) relay.Callback {
	return relay.Callback{Method: http.MethodPost, URL: c.URL, Header: c.Header, Body: []byte(c.Body), At: at}
}

// reference is our id in a call's StatusCallback.
func reference(form url.Values) string {
	u, err := url.Parse(form.Get("StatusCallback"))
	if err != nil {
		return ""
	}
	return u.Query().Get("id")
}

func sidOf(prefix string, n int) string { return fmt.Sprintf("%s%032x", prefix, n) }
