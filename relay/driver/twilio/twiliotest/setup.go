package twiliotest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Account is the account's state: active, suspended or closed; Full or Trial.
type Account struct{ Status, Type string }

// Sender is a WhatsApp number of the account.
type Sender struct {
	// ID is whatsapp: and the number; Status such as ONLINE.
	ID, Status string
	// Callback and Method are its webhook for inbound messages.
	Callback, Method string
	// Quality is its rating: HIGH, MEDIUM, LOW.
	Quality string
}

// Service is the messaging service's set-up.
type Service struct {
	Inbound, Method string
	OnNumbers       bool
}

// SetUp replaces the account's state, senders and service.
func (f *Fake) SetUp(a Account, senders []Sender, s Service) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.account, f.senders, f.service = a, senders, s
}

func (f *Fake) serveAccount(w http.ResponseWriter, r *http.Request) {
	if withKey(r) { // a standard key may not read accounts
		fail(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	f.mu.Lock()
	a := f.account
	f.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"sid": f.o.AccountSID, "status": a.Status, "type": a.Type, "friendly_name": "Fake"})
}

func (f *Fake) serveSenders(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, page := number(q.Get("PageSize"), 50), number(q.Get("Page"), 0)
	if q.Get("Channel") != "whatsapp" || size < 1 || size > 1000 {
		fail(w, http.StatusBadRequest, 20001, "Channel is needed")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	from := min(page*size, len(f.senders))
	to := min(from+size, len(f.senders))
	list := []any{}
	for i, s := range f.senders[from:to] {
		list = append(list, map[string]any{"sid": fmt.Sprintf("XE%032x", from+i), "status": s.Status, "sender_id": s.ID,
			"webhook":    map[string]any{"callback_url": s.Callback, "callback_method": s.Method},
			"properties": map[string]any{"quality_rating": s.Quality}})
	}
	answer(w, http.StatusOK, map[string]any{"senders": list, "meta": map[string]any{"key": "senders",
		"next_page_url": nextPage(r, to < len(f.senders), page, size)}})
}

// nextPage is where a list goes on; nil at its end.
func nextPage(r *http.Request, more bool, page, size int) any {
	if !more {
		return nil
	}
	q := r.URL.Query()
	q.Set("Page", strconv.Itoa(page+1))
	q.Set("PageSize", strconv.Itoa(size))
	return "http://" + r.Host + r.URL.Path + "?" + q.Encode()
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}

func (f *Fake) serveService(w http.ResponseWriter, r *http.Request) {
	if f.o.MessagingServiceSID == "" || r.URL.Path != "/v1/Services/"+f.o.MessagingServiceSID {
		fail(w, http.StatusNotFound, 20404, "Not found")
		return
	}
	f.mu.Lock()
	s := f.service
	f.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"sid": f.o.MessagingServiceSID, "inbound_request_url": s.Inbound,
		"inbound_method": s.Method, "use_inbound_webhook_on_number": s.OnNumbers})
}

// PutMedia keeps a file of an inbound message and returns its path on the API.
func (f *Fake) PutMedia(kind string, body []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := "/2010-04-01/Accounts/" + f.o.AccountSID + "/Messages/" + f.sid("MM") + "/Media/" + f.sid("ME")
	f.media[path] = file{kind, body}
	return path
}

// ForgetMedia deletes a file.
func (f *Fake) ForgetMedia(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.media, path)
}

func (f *Fake) serveMedia(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	m, ok := f.media[r.URL.Path]
	f.mu.Unlock()
	switch {
	case !ok:
		fail(w, http.StatusNotFound, 20404, "Not found")
	case f.o.CDN != "":
		http.Redirect(w, r, strings.TrimRight(f.o.CDN, "/")+r.URL.Path+"?Signature=secret", http.StatusTemporaryRedirect)
	default:
		m.write(w)
	}
}

func (m file) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", m.kind)
	w.Write(m.body)
}

// CDN serves what media redirect to. It needs no credentials, and notes where
// some reach it.
func (f *Fake) CDN(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	m, ok := f.media[r.URL.Path]
	f.leaked = f.leaked || r.Header.Get("Authorization") != ""
	f.mu.Unlock()
	if !ok || r.URL.Query().Get("Signature") != "secret" {
		http.NotFound(w, r)
		return
	}
	m.write(w)
}

// Leaked reports whether credentials reached the CDN.
func (f *Fake) Leaked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leaked
}
