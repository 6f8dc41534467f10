// Package infobiptest is a pretend Infobip: an http.Handler that checks calls
// as strictly as the real API does, remembers messages, fetches files, keeps
// templates and calls back.
//
// It serves WhatsApp (/whatsapp/…) and Viber (/viber/…) of one account. It can
// be used in httptest and, by hand, on a loopback address. What it answers can
// be scripted (see Answer). It imitates documented behaviour; nothing in it was
// copied from Infobip.
package infobiptest

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say whose account it is.
type Options struct {
	// Key is the API key that it accepts.
	Key string
	// Sender is the WhatsApp number, digits alone; ViberSender the name.
	Sender, ViberSender string
	// HTTP fetches files and calls back; nil is http.DefaultClient.
	HTTP *http.Client
	// OpenLinks lets the person who gets a text open the address in its last
	// line, as a preview does.
	OpenLinks bool
}

// Fake is the account. Its methods may be called concurrently.
type Fake struct {
	o Options

	mu             sync.Mutex
	next           []Answer
	scripts        map[string]Answer
	messages       []*Message
	ids            map[string]bool
	templates      []map[string]any
	configurations []map[string]any
	media          map[string]Media
	quality        map[string]any
}

// Message is one call that asked to send, taken or not.
type Message struct {
	// Channel is WHATSAPP or VIBER; Kind text, image, document, audio, video,
	// template, file.
	Channel, Kind string
	From, To, ID  string
	Text          string
	FileURL       string
	FileName      string
	// File is what was fetched from FileURL, or from the address that a person
	// opened; nil where nothing could be.
	File []byte
	// CallbackData and NotifyURL as given.
	CallbackData, NotifyURL string
	// Body is the whole request.
	Body []byte
	// Taken says that the account accepted it; Status and Error are the ids of
	// what became of it.
	Taken         bool
	Status, Error int
	At            time.Time
}

// New makes an account with nothing in it.
func New(o Options) *Fake {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Fake{o: o, scripts: map[string]Answer{}, ids: map[string]bool{}, media: map[string]Media{}}
}

// Messages are all calls that asked to send, in order.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Message, 0, len(f.messages))
	for _, m := range f.messages {
		all = append(all, *m)
	}
	return all
}

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

// ServeHTTP answers one call of the API.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	newStyle := strings.HasPrefix(r.URL.Path, "/viber/2/")
	if !f.admitted(r) {
		wrong(w, http.StatusUnauthorized, newStyle, "UNAUTHORIZED", nil)
		return
	}
	if r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		wrong(w, http.StatusUnsupportedMediaType, newStyle, "BAD_REQUEST", nil)
		return
	}
	path := r.URL.Path
	switch {
	case r.Method == http.MethodPost && strings.HasPrefix(path, "/whatsapp/1/message/"):
		f.sendWhatsApp(w, r, strings.TrimPrefix(path, "/whatsapp/1/message/"), body)
	case r.Method == http.MethodPost && path == "/viber/2/messages":
		f.sendViber(w, r, body)
	case r.Method == http.MethodGet && (path == "/whatsapp/2/logs" || path == "/viber/2/logs"):
		f.logs(w, r)
	case r.Method == http.MethodGet && path == "/whatsapp/1/senders/quality":
		f.senderQuality(w, r)
	case r.Method == http.MethodGet && path == "/resource-management/1/inbound-message-configurations":
		f.listConfigurations(w, r)
	case path == "/whatsapp/2/senders/"+f.o.Sender+"/templates":
		f.serveTemplates(w, r, body)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/whatsapp/1/senders/"+f.o.Sender+"/media/"):
		f.serveMedia(w, r)
	default:
		wrong(w, http.StatusNotFound, newStyle, "NOT_FOUND", nil)
	}
}

// admitted reports whether a call carries the key, as "App" and the key.
func (f *Fake) admitted(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("App "+f.o.Key)) == 1
}

// logs answers what became of a message; any number of times.
func (f *Fake) logs(w http.ResponseWriter, r *http.Request) {
	channel := "WHATSAPP"
	if strings.HasPrefix(r.URL.Path, "/viber/") {
		channel = "VIBER"
	}
	results := []any{}
	f.mu.Lock()
	for _, m := range f.messages {
		if id := r.URL.Query().Get("messageId"); m.Taken && m.Channel == channel && (id == "" || id == m.ID) {
			results = append(results, m.report())
		}
	}
	f.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"results": results})
}

// SetQuality is what is said of the WhatsApp sender; nil: that there is none.
func (f *Fake) SetQuality(q map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quality = q
}

func (f *Fake) senderQuality(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	results := []any{}
	if f.quality != nil && r.URL.Query().Get("senders") == f.o.Sender {
		results = append(results, f.quality)
	}
	write(w, http.StatusOK, map[string]any{"results": results})
}

// Forward sets where what people write goes, as the account's owner does.
// Format is MO_OTT_CONTACT, MO_OTT_MSISDN or another.
func (f *Fake) Forward(channel, url, format string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configurations = append(f.configurations, map[string]any{
		"configurationKey": "E9FCDCA496035F08EEA5933702EDF745", "channel": channel, "keyword": nil,
		"forwarding": map[string]any{"type": "HTTP_FORWARD", "url": url, "format": format},
	})
}

func (f *Fake) listConfigurations(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q, found := r.URL.Query(), []any{}
	own := q.Get("number") == f.o.Sender && q.Get("channel") == "WHATSAPP" || q.Get("resource") == f.o.ViberSender && q.Get("channel") == "VIBER_BM"
	for _, c := range f.configurations {
		if own && c["channel"] == q.Get("channel") {
			found = append(found, c)
		}
	}
	write(w, http.StatusOK, found)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// wrong answers an error in the form of the API's version.
func wrong(w http.ResponseWriter, status int, newStyle bool, code string, fields map[string]string) {
	if newStyle {
		violations := []any{}
		for name, what := range fields {
			violations = append(violations, map[string]string{"property": name, "violation": what})
		}
		write(w, status, map[string]any{
			"errorCode": "E" + strconv.Itoa(status), "description": http.StatusText(status),
			"action": "See the documentation.", "violations": violations, "resources": []any{},
		})
		return
	}
	e := map[string]any{"messageId": code, "text": http.StatusText(status)}
	if len(fields) > 0 {
		list := map[string][]string{}
		for name, what := range fields {
			list[name] = []string{what}
		}
		e["validationErrors"] = list
	}
	write(w, status, map[string]any{"requestError": map[string]any{"serviceException": e}})
}
