package metatest

import (
	"io"
	"net/http"
	"strings"
)

// Answer is what the fake answers instead of doing what it was asked.
type Answer struct {
	// Status is 400 where there is a Code and none is given.
	Status int
	// Code and Subcode make an error object; -1 makes one with code 0.
	Code, Subcode int
	Message       string
	// User is error_user_msg.
	User string
	// Body is sent as it is, where there is no Code.
	Body   string
	Header http.Header
	// Silent answers nothing until the caller goes away; Cut closes the
	// connection. Taken takes the message before that, and before any error.
	Silent, Cut, Taken bool
}

// Next is the answer to the next call of an endpoint: messages, media,
// message_templates, phone_numbers, subscribed_apps, subscriptions, uploads,
// upload, debug_token, object (a number or a file). Answers queue up.
func (f *Fake) Next(endpoint string, a ...Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next[endpoint] = append(f.next[endpoint], a...)
}

// To is the answer to every message to a recipient; it stays.
func (f *Fake) To(recipient string, a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripted[plainNumber(recipient)] = a
}

// scriptedFor takes the next answer of an endpoint; messages are looked up
// once their body was read.
func (f *Fake) scriptedFor(endpoint string) (Answer, bool) {
	if endpoint == "messages" {
		return Answer{}, false
	}
	return f.take(endpoint)
}

func (f *Fake) take(endpoint string) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue := f.next[endpoint]
	if len(queue) == 0 {
		return Answer{}, false
	}
	f.next[endpoint] = queue[1:]
	return queue[0], true
}

// forMessage is the answer scripted for a message.
func (f *Fake) forMessage(to string) (Answer, bool) {
	if a, ok := f.take("messages"); ok {
		return a, true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.scripted[plainNumber(to)]
	return a, ok
}

// say gives a scripted answer; false for one that changes nothing.
func (f *Fake) say(w http.ResponseWriter, r *http.Request, a Answer) bool {
	for k, v := range a.Header {
		w.Header()[http.CanonicalHeaderKey(k)] = v
	}
	switch {
	case a.Silent:
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the caller go
		<-r.Context().Done()
	case a.Cut:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	case a.Code != 0:
		status := a.Status
		if status == 0 {
			status = 400
		}
		fail(w, status, fault{Code: max(a.Code, 0), Subcode: a.Subcode, Message: a.Message, User: a.User})
	case a.Status != 0:
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	default:
		return false
	}
	return true
}

func plainNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-() ", r) {
			return -1
		}
		return r
	}, s)
}
