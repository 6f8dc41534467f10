// Package twiliotest is a pretend Twilio: the calls that a WhatsApp channel
// needs, as strict as the real ones, with errors and callbacks on demand.
//
// It is an http.Handler that stands for all of Twilio's API hosts. What it does
// is written from Twilio's documentation, not from our driver, whose code it
// does not use.
package twiliotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options say whose Twilio account it is.
type Options struct {
	// AccountSID and AuthToken of the account; empty: made up ones.
	AccountSID, AuthToken string
	// APIKey and APISecret of a standard key; empty: none.
	APIKey, APISecret string
	// From is the account's WhatsApp sender, + and digits; empty: the
	// sandbox's number.
	From string
	// MessagingServiceSID is the account's service; empty: none.
	MessagingServiceSID string
	// HTTP fetches media and delivers callbacks; nil: http.DefaultClient.
	HTTP *http.Client
	// CDN is the address that media redirect to, served by Fake.CDN; empty:
	// the API serves them itself.
	CDN string
}

// Made up ids and secrets of a Fake without Options.
const (
	AccountSID = "AC0123456789abcdef0123456789abcdef"
	AuthToken  = "0123456789abcdef0123456789abcdef"
	From       = "+14155238886"
)

// Answer is what a scripted call is answered with, instead of being carried
// out.
type Answer struct {
	// Status of the answer, 400 without one; Code makes Twilio's error object.
	Status, Code int
	// Body instead of the error object.
	Body   string
	Header http.Header
	// Taken carries the call out nevertheless, before answering.
	Taken bool
	// Silent never answers; Cut closes the connection.
	Silent, Cut bool
}

// Call is one call of the Messages resource.
type Call struct {
	// Form as received, and the body that it was written in.
	Form url.Values
	Body string
	// File is what MediaUrl opened.
	File []byte
}

// Fake is a pretend Twilio account. Its methods may be called concurrently.
type Fake struct {
	o Options

	mu       sync.Mutex
	n        int
	next     []Answer
	scripted map[string]Answer
	calls    []Call
	messages []*Message
	closed   map[string]bool
	contents []*Content
	media    map[string]file
	senders  []Sender
	service  Service
	account  Account
	leaked   bool
}

type file struct {
	kind string
	body []byte
}

// New makes an account with one online sender and nothing else.
func New(o Options) *Fake {
	o.AccountSID = or(o.AccountSID, AccountSID)
	o.AuthToken = or(o.AuthToken, AuthToken)
	o.From = or(o.From, From)
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Fake{o: o, scripted: map[string]Answer{}, closed: map[string]bool{}, media: map[string]file{},
		senders: []Sender{{ID: "whatsapp:" + o.From, Status: "ONLINE"}}, account: Account{"active", "Full"}}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Next scripts the answer of the next call that sends a message. Several are
// used in order.
func (f *Fake) Next(a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, a)
}

// For scripts the answers of all calls that send to a recipient, + and digits.
func (f *Fake) For(recipient string, a Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripted["whatsapp:"+recipient] = a
}

// Calls are those of the Messages resource that sent, or tried to.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// sid makes the next id.
func (f *Fake) sid(prefix string) string {
	f.n++
	return fmt.Sprintf("%s%032x", prefix, f.n)
}

// ServeHTTP is the API.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.authorized(r) {
		fail(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	own := "/2010-04-01/Accounts/" + f.o.AccountSID
	path := r.URL.Path
	switch {
	case path == own+".json" && r.Method == http.MethodGet:
		f.serveAccount(w, r)
	case path == own+"/Messages.json" && r.Method == http.MethodPost:
		f.serveSend(w, r)
	case path == own+"/Messages.json" && r.Method == http.MethodGet:
		f.serveList(w, r)
	case strings.HasPrefix(path, own+"/Messages/") && r.Method == http.MethodGet:
		f.serveOne(w, r, strings.TrimPrefix(path, own+"/Messages/"))
	case path == "/v1/Content" || strings.HasPrefix(path, "/v1/Content/") || path == "/v1/ContentAndApprovals":
		f.serveContent(w, r)
	case path == "/v2/Channels/Senders" && r.Method == http.MethodGet:
		f.serveSenders(w, r)
	case strings.HasPrefix(path, "/v1/Services/") && r.Method == http.MethodGet:
		f.serveService(w, r)
	default:
		fail(w, http.StatusNotFound, 20404, "The requested resource "+path+" was not found")
	}
}

func (f *Fake) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	if !ok || user == "" || password == "" {
		return false
	}
	return user == f.o.AccountSID && password == f.o.AuthToken || user == f.o.APIKey && password == f.o.APISecret
}

// withKey reports whether a call was made with an API key.
func withKey(r *http.Request) bool {
	user, _, _ := r.BasicAuth()
	return strings.HasPrefix(user, "SK")
}

// scriptedFor takes the script of a call.
func (f *Fake) scriptedFor(to string) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a, ok := f.scripted[to]; ok {
		return a, true
	}
	if len(f.next) == 0 {
		return Answer{}, false
	}
	a := f.next[0]
	f.next = f.next[1:]
	return a, true
}

func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	switch {
	case a.Silent:
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
		return
	case a.Cut:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			c.Close()
		}
		return
	}
	for name, v := range a.Header {
		w.Header()[name] = v
	}
	status := a.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if a.Body != "" || a.Code == 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, a.Body)
		return
	}
	fail(w, status, a.Code, "Scripted")
}

func fail(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "status": status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code)})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
