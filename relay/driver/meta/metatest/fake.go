// Package metatest is a pretend Cloud API of Meta's, for tests and for trying
// things by hand on loopback.
//
// It checks calls as strictly as Meta does: token, content type, unknown and
// missing fields, limits. It remembers what it took, answers what it is told
// to, keeps files and templates, and sends signed callbacks. It knows nothing
// of the driver. It is not safe to offer to a network.
package metatest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are the account that the fake plays. What is left out becomes a
// sample value, see New.
type Options struct {
	Token, PhoneNumberID, WABAID, AppID, AppSecret string
	// Phone is the sending number, + and digits; Name its verified name.
	Phone, Name string
	// Version is the only one that is served.
	Version string
	// Window makes it refuse free messages to people who have not written
	// within 24 hours (code 131047).
	Window bool
	// HTTP fetches links in messages and sends callbacks; nil: the default
	// client.
	HTTP *http.Client
}

// Fake is a pretend Cloud API, as a handler. Its methods may be called
// concurrently.
type Fake struct {
	o Options

	mu        sync.Mutex
	calls     []Call
	next      map[string][]Answer // by endpoint
	scripted  map[string]Answer   // by recipient
	files     map[string]File
	uploads   map[string]int64
	templates []map[string]any
	wrote     map[string]time.Time
	serial    int
	account   Account
}

// Account is what the fake says of the number, the token and the app.
type Account struct {
	Quality string
	// Callbacks that are set for the number, the account and the app.
	NumberCallback, AccountCallback, AppCallback string
	VerifyToken                                  string
	// Subscribed lists apps of the account; Fields what the app listens to.
	Subscribed, Fields []string
	// Numbers are all phone number IDs of the account.
	Numbers []string
	Scopes  []string
	Targets []string
	Expires time.Time
	// Invalid is a token that was taken back; debug_token says so.
	Invalid bool
	// PageRows is how many rows a page of a list has at most; 0: as asked for.
	PageRows int
}

// New makes a fake. It plays a healthy account whose callbacks go nowhere.
func New(o Options) *Fake {
	for _, d := range []struct {
		to    *string
		value string
	}{
		{&o.Token, "EAAGsampleToken0123456789"}, {&o.PhoneNumberID, "106540352242922"}, {&o.WABAID, "102290129340398"},
		{&o.AppID, "670843887433847"}, {&o.AppSecret, "app-secret-123"}, {&o.Phone, "+15550783881"}, {&o.Name, "Lucky Shrub"}, {&o.Version, "v26.0"},
	} {
		if *d.to == "" {
			*d.to = d.value
		}
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Fake{o: o, next: map[string][]Answer{}, scripted: map[string]Answer{}, files: map[string]File{}, uploads: map[string]int64{}, wrote: map[string]time.Time{},
		account: Account{Quality: "GREEN", Subscribed: []string{o.AppID}, Numbers: []string{o.PhoneNumberID},
			Fields: []string{"messages", "message_template_status_update", "template_category_update", "account_update"},
			Scopes: []string{"whatsapp_business_management", "whatsapp_business_messaging"}, Targets: []string{o.WABAID}}}
}

// Settings are those of a channel that uses this fake.
func (f *Fake) Settings() json.RawMessage {
	b, _ := json.Marshal(map[string]string{"access_token": f.o.Token, "phone_number_id": f.o.PhoneNumberID, "waba_id": f.o.WABAID,
		"app_secret": f.o.AppSecret, "app_id": f.o.AppID})
	return b
}

// Change changes what the fake says of its account.
func (f *Fake) Change(change func(*Account)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.account)
}

// ServeHTTP answers one call of the API.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/lookaside/") {
		f.download(w, r)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/"+f.o.Version+"/")
	if !ok {
		fail(w, 400, fault{Code: 2635, Message: "(#2635) You are calling a deprecated version of the API."})
		return
	}
	w.Header().Set("facebook-api-version", f.o.Version)
	w.Header().Set("x-fb-trace-id", "AbCdEf")
	f.route(w, r, path)
}

// agentForm is that of the header User-Agent, which may be left out
// (business-messaging-api_v23.0.yaml of facebook/openapi).
var agentForm = regexp.MustCompile(`^[a-zA-Z0-9\-_]+/[0-9]+\.[0-9]+\.[0-9]+(;[a-zA-Z0-9\-=.]+)?(\s+[a-zA-Z0-9\-_]+/[0-9\-.]+)?$`)

// route finds the endpoint. A path is an object's id, and one of its edges.
func (f *Fake) route(w http.ResponseWriter, r *http.Request, path string) {
	id, edge, _ := strings.Cut(path, "/")
	key := r.Method + " " + id + "/" + edge
	byApp := r.Header.Get("Authorization") == "Bearer "+f.o.AppID+"|"+f.o.AppSecret
	byOAuth := strings.HasPrefix(id, "upload:") && r.Header.Get("Authorization") == "OAuth "+f.o.Token
	if r.Header.Get("Authorization") != "Bearer "+f.o.Token && !byApp && !byOAuth {
		fail(w, 401, fault{Code: 190, Message: "Invalid OAuth access token - Cannot parse access token"})
		return
	}
	if agent := r.Header.Get("User-Agent"); agent != "" && !agentForm.MatchString(agent) {
		fail(w, 400, fault{Code: 100, Message: "(#100) The header User-Agent does not have the described form"})
		return
	}
	if a, ok := f.scriptedFor(edgeName(id, edge)); ok && f.say(w, r, a) {
		return
	}
	switch key {
	case "POST " + f.o.PhoneNumberID + "/messages":
		f.message(w, r)
	case "POST " + f.o.PhoneNumberID + "/media":
		f.upload(w, r)
	case "GET " + f.o.PhoneNumberID + "/":
		f.number(w, r)
	case "GET " + f.o.WABAID + "/phone_numbers":
		f.numbers(w, r)
	case "GET " + f.o.WABAID + "/subscribed_apps", "POST " + f.o.WABAID + "/subscribed_apps":
		f.subscribed(w, r)
	case "GET " + f.o.WABAID + "/message_templates":
		f.listTemplates(w, r)
	case "POST " + f.o.WABAID + "/message_templates":
		f.createTemplate(w, r)
	case "GET " + f.o.AppID + "/subscriptions":
		f.subscriptions(w, byApp)
	case "POST " + f.o.AppID + "/uploads":
		f.startUpload(w, r)
	case "GET debug_token/":
		f.debugToken(w, r)
	default:
		f.object(w, r, id, edge)
	}
}

// edgeName is what Next calls an endpoint.
func edgeName(id, edge string) string {
	switch {
	case edge != "":
		return edge
	case strings.HasPrefix(id, "upload:"):
		return "upload"
	case id == "debug_token":
		return id
	}
	return "object"
}

// object serves uploads and files, which are known by their ids.
func (f *Fake) object(w http.ResponseWriter, r *http.Request, id, edge string) {
	switch {
	case edge == "" && r.Method == http.MethodPost && strings.HasPrefix(id, "upload:"):
		f.finishUpload(w, r, id)
	case edge == "" && (r.Method == http.MethodGet || r.Method == http.MethodDelete):
		f.file(w, r, id)
	default:
		fail(w, 400, noObject(id, r.Method))
	}
}

func noObject(id, method string) fault {
	return fault{Code: 100, Subcode: 33, Message: "Unsupported " + strings.ToLower(method) + " request. Object with ID '" + id +
		"' does not exist, cannot be loaded due to missing permissions, or does not support this operation"}
}

// fault is Meta's error object.
type fault struct {
	Code, Subcode          int
	Message, Details, User string
}

func fail(w http.ResponseWriter, status int, e fault) {
	if e.Message == "" {
		e.Message = "(#" + strconv.Itoa(e.Code) + ") An error of the fake's"
	}
	body := map[string]any{"message": e.Message, "type": "OAuthException", "code": e.Code, "fbtrace_id": "AfakeTrace_1"}
	if e.Subcode != 0 {
		body["error_subcode"] = e.Subcode
	}
	if e.Details != "" {
		body["error_data"] = map[string]any{"messaging_product": "whatsapp", "details": e.Details}
	}
	if e.User != "" {
		body["error_user_msg"] = e.User
	}
	answer(w, status, map[string]any{"error": body})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone
}

// Serve runs a fake on loopback until close is called.
func Serve(o Options) (f *Fake, url string, close func()) {
	f = New(o)
	s := httptest.NewServer(f)
	return f, s.URL, s.Close
}
