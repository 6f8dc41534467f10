package meta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

const (
	verifyToken = "a-verify-token-0123"
	callbackURL = "https://relevo.example/callback/ch_1/key"
)

var addresses = relay.Addresses{Callback: callbackURL, Status: callbackURL + "/status", Inbound: callbackURL + "/inbound", VerifyToken: verifyToken}

// world is a driver and the fake that it calls.
type world struct {
	*Driver
	fake *metatest.Fake
	ch   relay.Channel
	at   time.Time
}

func open(t *testing.T) *world {
	t.Helper()
	fake := metatest.New(metatest.Options{})
	s := httptest.NewServer(fake)
	t.Cleanup(s.Close)
	return &world{Driver: New(Options{Base: s.URL}), fake: fake, at: time.Now(),
		ch: relay.Channel{ID: "ch_1", Kind: "meta", Phone: "+15550783881", Settings: fake.Settings(), VerifyToken: verifyToken}}
}

// to is a text message to a recipient.
func (w *world) to(recipient, text string) relay.Outgoing {
	return relay.Outgoing{Channel: w.ch, MessageID: "wa_backend:3EB0000000000000000001", Recipient: recipient, Try: 1, Text: text}
}

func (w *world) send(t *testing.T, out relay.Outgoing) string {
	t.Helper()
	id, err := w.Send(t.Context(), out)
	if err != nil || id == "" {
		t.Fatalf("send: %q, %v", id, err)
	}
	return id
}

// fails sends and returns the error, which has to be a *relay.SendError.
func (w *world) fails(t *testing.T, out relay.Outgoing) *relay.SendError {
	t.Helper()
	id, err := w.Send(t.Context(), out)
	var e *relay.SendError
	if !errors.As(err, &e) || id != "" {
		t.Fatalf("send: %q, %v; want a *relay.SendError", id, err)
	}
	return e
}

// callback is a signed call with changes, as the API hands it to the driver.
func (w *world) callback(changes ...metatest.Change) relay.Callback {
	return w.callbackOf(w.fake.Body(changes...))
}

func (w *world) callbackOf(body []byte) relay.Callback {
	return relay.Callback{Method: http.MethodPost, URL: callbackURL, Body: body, At: w.at, VerifyToken: verifyToken,
		Header: http.Header{"X-Hub-Signature-256": {w.fake.Sign(body)}, "Content-Type": {"application/json"}}}
}

func (w *world) receives(t *testing.T, changes ...metatest.Change) relay.Received {
	t.Helper()
	got, err := w.Receive(w.ch, w.callback(changes...))
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return got
}

func attachment(name string, kind relay.FileKind, mediaType string, content []byte) *relay.OutgoingFile {
	return &relay.OutgoingFile{Name: name, Kind: kind, Type: mediaType, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func text1(s string) map[string]string { return map[string]string{"body": s} }

func said(e *relay.SendError) string { return fmt.Sprintf("%s %s", e.Verdict, e.Code) }
