package twiliotest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is what the account keeps of one.
type Message struct {
	SID, From, To, Service, Body, Status string
	Code, Media                          int
	Created                              time.Time
	// Callback is StatusCallback.
	Callback string
}

// params are those of the Messages resource.
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
var params = []string{"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables", "StatusCallback",
	"PersistentAction", "ValidityPeriod", "ScheduleType", "SendAt", "ProvideFeedback", "Attempt", "SmartEncoded", "ShortenUrls",
	"RiskCheck", "ContentRetention", "AddressRetention"}

var toForm = regexp.MustCompile(`^whatsapp:(\+[1-9][0-9]{6,14}|[A-Z]{2}\.[0-9A-Za-z]+)$`)

func (f *Fake) serveSend(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	form, err2 := url.ParseQuery(string(body))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || err2 != nil || kind != "application/x-www-form-urlencoded" {
		fail(w, http.StatusBadRequest, 20001, "The body is no form")
		return
	}
	call := Call{Form: form, Body: string(body)}
	m, status, code := f.made(form)
	scripted, isScripted := f.scriptedFor(form.Get("To"))
	if link := form.Get("MediaUrl"); code == 0 && link != "" && (!isScripted || scripted.Taken) {
		call.File, m.Code = f.fetch(r, link)
	}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	if code == 0 && (!isScripted || scripted.Taken) {
		m.SID, m.Created = f.sid("SM"), time.Now()
		f.messages = append(f.messages, &m)
	}
	f.mu.Unlock()
	switch {
	case isScripted:
		scripted.write(w, r)
	case code != 0:
		fail(w, status, code, "The call to "+form.Get("To")+" is not valid: "+form.Get("Body"))
	default:
		answer(w, http.StatusCreated, m.resource(f.o.AccountSID))
	}
}

// made is the message of a form, or why there is none.
func (f *Fake) made(form url.Values) (m Message, status, code int) {
	if code := faultOf(form); code != 0 {
		return m, http.StatusBadRequest, code
	}
	from, service := form.Get("From"), form.Get("MessagingServiceSid")
	switch {
	case from == "" && service == "":
		return m, http.StatusBadRequest, 21603
	case service != "" && service != f.o.MessagingServiceSID:
		return m, http.StatusBadRequest, 21705
	case from != "" && !strings.HasPrefix(from, "whatsapp:"):
		return m, http.StatusBadRequest, 21910
	case from != "" && !f.hasSender(from):
		return m, http.StatusBadRequest, 63007
	}
	m = Message{From: from, To: form.Get("To"), Service: service, Body: form.Get("Body"), Status: "queued", Callback: form.Get("StatusCallback"), Media: len(form["MediaUrl"])}
	if service != "" {
		m.Status = "accepted"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if id := form.Get("ContentSid"); id != "" {
		c := f.content(id)
		if c == nil {
			return m, http.StatusBadRequest, 21655
		}
		if c.Status != "approved" && f.closed[m.To] {
			m.Code = 63016
		}
		return m, 0, 0
	}
	if f.closed[m.To] {
		m.Code = 63016
	}
	return m, 0, 0
}

// faultOf is the error of a form's values; 0 for none.
func faultOf(form url.Values) int {
	for name, values := range form {
		if !slices.Contains(params, name) || len(values) > 1 && name != "MediaUrl" {
			return 20001
		}
	}
	content, variables := form.Get("ContentSid"), form.Get("ContentVariables")
	callback, err := url.Parse(form.Get("StatusCallback"))
	switch {
	case form.Get("To") == "":
		return 21604
	case !toForm.MatchString(form.Get("To")):
		return 21211
	case err != nil || form.Has("StatusCallback") && (callback.Host == "" || strings.Contains(callback.Hostname(), "_")):
		return 21609
	case content == "" && variables != "":
		return 21654
	case content != "" && (form.Has("Body") || form.Has("MediaUrl")):
		return 63030
	case variables != "" && json.Unmarshal([]byte(variables), &map[string]string{}) != nil:
		return 21656
	case content == "" && form.Get("Body") == "" && form.Get("MediaUrl") == "":
		return 21602
	case utf8.RuneCountInString(form.Get("Body")) > 1600:
		return 21617
	case len(form["MediaUrl"]) > 10:
		return 21623
	}
	return 0
}

func (f *Fake) hasSender(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.senders, func(s Sender) bool { return s.ID == id })
}

// fetch opens MediaUrl with HEAD and GET. What is wrong with it is told later,
// in the message's status.
func (f *Fake) fetch(r *http.Request, link string) (body []byte, code int) {
	head, err := f.open(r, http.MethodHead, link)
	if err != nil {
		return nil, 63019
	}
	head.Body.Close()
	res, err := f.open(r, http.MethodGet, link)
	if err != nil {
		return nil, 63019
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 17<<20))
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case err != nil || len(body) == 0:
		return nil, 63019
	case head.Header.Get("Content-Type") != res.Header.Get("Content-Type") || !known[kind]:
		return body, 12300
	case len(body) > 16<<20 || strings.HasPrefix(kind, "image/") && len(body) > 5<<20:
		return body, 63034
	}
	return body, 0
}

// known are the types that WhatsApp takes from Twilio.
// https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
var known = map[string]bool{"image/jpeg": true, "image/png": true, "audio/ogg": true, "audio/amr": true, "audio/3gpp": true, "audio/aac": true,
	"audio/mpeg": true, "video/mp4": true, "application/pdf": true, "application/msword": true, "text/vcard": true,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   true,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": true,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         true}

func (f *Fake) open(r *http.Request, method, link string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(r.Context(), method, link, nil)
	if err != nil {
		return nil, err
	}
	res, err := f.o.HTTP.Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		err = errors.New(res.Status)
	}
	return res, err
}

// CloseWindow makes free text to a recipient fail later, as outside the window
// of 24 hours.
func (f *Fake) CloseWindow(recipient string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed["whatsapp:"+recipient] = true
}

// Messages are those that were taken, in order.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Message
	for _, m := range f.messages {
		all = append(all, *m)
	}
	return all
}

// Change sets what became of a message.
func (f *Fake) Change(sid, status string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.messages {
		if m.SID == sid {
			m.Status, m.Code = status, code
		}
	}
}

// resource is the message as the API shows it; its error shows only once it
// failed. Our id is not part of it.
func (m Message) resource(account string) map[string]any {
	var code, service, sent any
	if m.Status == "failed" || m.Status == "undelivered" {
		code = m.Code
	}
	if m.Service != "" {
		service = m.Service
	}
	date := m.Created.UTC().Format(time.RFC1123Z)
	if m.Status != "queued" && m.Status != "accepted" {
		sent = date
	}
	return map[string]any{"account_sid": account, "api_version": "2010-04-01", "body": m.Body, "date_created": date, "date_sent": sent,
		"date_updated": date, "direction": "outbound-api", "error_code": code, "error_message": nil, "from": m.From,
		"messaging_service_sid": service, "num_media": strconv.Itoa(m.Media), "num_segments": "1", "price": nil, "price_unit": nil,
		"sid": m.SID, "status": m.Status, "to": m.To, "uri": "/2010-04-01/Accounts/" + account + "/Messages/" + m.SID + ".json"}
}

func (f *Fake) serveList(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, err := strconv.Atoi(or(q.Get("PageSize"), "50"))
	since, err2 := time.Parse(time.RFC3339, or(q.Get("DateSent>"), "1970-01-01T00:00:00Z"))
	if err != nil || err2 != nil || size < 1 || size > 1000 {
		fail(w, http.StatusBadRequest, 20001, "Bad filter")
		return
	}
	list := []any{}
	var next any
	for _, m := range f.Messages() {
		if q.Has("To") && m.To != q.Get("To") || q.Has("From") && m.From != q.Get("From") || m.Created.Before(since) {
			continue
		}
		if len(list) == size {
			next = r.URL.Path + "?Page=1&PageSize=" + strconv.Itoa(size)
			break
		}
		list = append(list, m.resource(f.o.AccountSID))
	}
	answer(w, http.StatusOK, map[string]any{"messages": list, "next_page_uri": next, "page": 0, "page_size": size})
}

// serveOne answers for a message, or for a file of one.
func (f *Fake) serveOne(w http.ResponseWriter, r *http.Request, rest string) {
	if strings.Contains(rest, "/Media/") {
		f.serveMedia(w, r)
		return
	}
	for _, m := range f.Messages() {
		if m.SID+".json" == rest {
			answer(w, http.StatusOK, m.resource(f.o.AccountSID))
			return
		}
	}
	fail(w, http.StatusNotFound, 20404, "Not found")
}
