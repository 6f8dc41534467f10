package infobip

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/infobip/infobiptest"
)

const (
	key         = "0123456789abcdef0123456789abcdef-11111111-2222-3333"
	sender      = "441134960000"
	viberSender = "CompanyName"
	person      = "441134960001"
	ourID       = "wa_backend:3EB00123456789ABCDEF01"
	statusURL   = "https://relay.example/callback/ch_1/key/status"
)

// account is a pretend Infobip on a socket.
type account struct {
	*infobiptest.Fake
	url string
}

func newAccount(t *testing.T) account { return openAccount(t, false) }

func openAccount(t *testing.T, links bool) account {
	t.Helper()
	f := infobiptest.New(infobiptest.Options{Key: key, Sender: sender, ViberSender: viberSender, OpenLinks: links})
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return account{f, s.URL}
}

func (a account) whatsapp() *Driver { return New(Options{Base: a.url}) }
func (a account) viber() *Viber     { return NewViber(Options{Base: a.url}) }

func settingsJSON(t *testing.T, s settings) json.RawMessage {
	t.Helper()
	if s.BaseURL == "" {
		s.BaseURL = "https://xxxxx.api.infobip.com"
	}
	if s.APIKey == "" {
		s.APIKey = key
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func channel(t *testing.T, s settings) relay.Channel {
	t.Helper()
	if s.Sender == "" {
		s.Sender = sender
	}
	return relay.Channel{ID: "ch_1", Kind: Kind, Phone: "+" + sender, Settings: settingsJSON(t, s)}
}

func viberChannel(t *testing.T, filesAs string) relay.Channel {
	t.Helper()
	return relay.Channel{ID: "ch_1", Kind: ViberKind, Settings: settingsJSON(t, settings{Sender: viberSender, FilesAs: filesAs})}
}

func outgoing(ch relay.Channel) relay.Outgoing {
	return relay.Outgoing{Channel: ch, MessageID: ourID, Recipient: "+" + person, Try: 1, Text: "Hello", Callbacks: relay.Addresses{Status: statusURL}}
}

func withFile(out relay.Outgoing, kind relay.FileKind, name, mediaType string) relay.Outgoing {
	out.File = &relay.OutgoingFile{Name: name, Kind: kind, Type: mediaType, Size: 3, Link: "https://relay.example/files/" + name,
		Open: func() (io.ReadCloser, error) { return nil, errors.New("a linked file was opened") }}
	return out
}

func sendError(t *testing.T, err error) *relay.SendError {
	t.Helper()
	var e *relay.SendError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %T %v, want a *relay.SendError", err, err)
	}
	return e
}

// post is a callback with a body.
func post(body []byte, h http.Header) relay.Callback {
	if h == nil {
		h = http.Header{}
	}
	return relay.Callback{Method: http.MethodPost, URL: statusURL, Part: "status", Header: h, Body: body, At: noon}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// receiver is either driver.
type receiver interface {
	relay.Driver
	relay.Receiver
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
