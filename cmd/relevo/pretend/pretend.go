// Package pretend plays a provider for a person who tries things by hand, on
// loopback: what it took, what it answers next, what somebody writes.
//
// It knows addresses below /_fake/ that are alike for every provider. What a
// provider's API looks like is the fakes' own: metatest, twiliotest,
// vonagetest, infobiptest.
package pretend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Kinds are the providers that can be played.
var Kinds = []string{"meta", "twilio", "vonage", "infobip"}

// account is one provider's pretend account.
type account interface {
	http.Handler
	// channels are those that can be connected to it.
	channels() []Channel
	// sent is what was taken, oldest first.
	sent() []Sent
	// next is the answer to the next message, instead of taking it.
	next(Answer)
	// point says where a channel's callbacks go.
	point(ctx context.Context, kind string, to Callbacks) error
	// inbound lets somebody write; status says what became of a message:
	// delivered, read or failed, with the provider's code. Both return the
	// status that the callback was answered with.
	inbound(ctx context.Context, w Written) (int, error)
	status(ctx context.Context, id, status string, code int) (int, error)
	// decide decides about a template. The status is 0 where the provider makes
	// no callback for that.
	decide(ctx context.Context, d Decision) (int, error)
}

// Channel is what a person connects: its kind, number and settings.
type Channel struct {
	Kind, Phone string
	Settings    json.RawMessage
}

// Sent is a message that was taken.
type Sent struct {
	ID        string `json:"id"`
	To        string `json:"to"`
	Kind      string `json:"kind"`
	Text      string `json:"text"`
	Reference string `json:"reference"`
	// Bytes is the size of its file, 0 without one.
	Bytes int `json:"file_bytes"`
}

// Answer is a scripted one: a status with the provider's error code or a body,
// silence, or a connection that is cut. Taken takes the message all the same.
type Answer struct {
	Status, Code       int
	Body               string
	Taken, Silent, Cut bool
}

// Callbacks are those of a channel, as the API shows them.
type Callbacks struct {
	URL         string `json:"url"`
	StatusURL   string `json:"status_url"`
	InboundURL  string `json:"inbound_url"`
	VerifyToken string `json:"verify_token"`
}

// Written is what somebody writes. Kind is the channel's, where the account
// has several.
type Written struct{ From, Name, Text, Kind string }

// Decision is what is decided about a template, in the provider's word, such
// as APPROVED.
type Decision struct{ Name, Language, Event, Reason string }

// Server serves one pretend account.
type Server struct {
	account
	kind string
	log  io.Writer
	// wake tells Report that something may have been sent.
	wake chan struct{}
}

// New makes an account of a kind; nil where there is no such kind. A line for
// each call goes to log.
func New(kind string, log io.Writer) *Server {
	client := &http.Client{Timeout: 10 * time.Second}
	s := &Server{kind: kind, log: log, wake: make(chan struct{}, 1)}
	switch kind {
	case "meta":
		s.account = newMeta(client)
	case "twilio":
		s.account = newTwilio(client)
	case "vonage":
		s.account = newVonage(client)
	case "infobip":
		s.account = newInfobip(client)
	default:
		return nil
	}
	return s
}

// Channels are what can be connected to the account.
func (s *Server) Channels() []Channel { return s.channels() }

// ServeHTTP answers the provider's API, and a person below /_fake/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	said := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if name, ok := strings.CutPrefix(r.URL.Path, "/_fake/"); ok {
		s.hand(said, r, name)
	} else {
		s.account.ServeHTTP(said, r)
		select {
		case s.wake <- struct{}{}:
		default: // it has been told already
		}
	}
	fmt.Fprintf(s.log, "%s %s %s %d\n", time.Now().UTC().Format(time.TimeOnly), r.Method, blank(r.URL.Path), said.status)
}

// long are numbers that may be somebody's.
var long = regexp.MustCompile(`[0-9]{6,}`)

// blank is a path without the numbers in it, and without what could move a
// terminal's cursor.
func blank(path string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' && r != '…' {
			return '?'
		}
		return r
	}, long.ReplaceAllString(path, "…"))
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a fake cut the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Report says of every message that it was delivered and read, until ctx ends.
func (s *Server) Report(ctx context.Context) {
	for done := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for all := s.sent(); done < len(all); done++ {
			for _, status := range []string{"delivered", "read"} {
				if code, err := s.status(ctx, all[done].ID, status, 0); err != nil || code/100 != 2 {
					fmt.Fprintf(s.log, "%s a callback about %q came to nothing (status %d)\n", time.Now().UTC().Format(time.TimeOnly), status, code)
				}
			}
		}
	}
}
