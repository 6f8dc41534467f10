package twiliotest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Content is a template of the account.
type Content struct {
	SID, Name, Language string
	Variables           map[string]string
	Types               map[string]json.RawMessage
	// ApprovalName, Category, Status and Reason are its state at WhatsApp; all
	// empty where it was never submitted.
	ApprovalName, Category, Status, Reason string
	// Flat writes approval_requests as Twilio's description has it, else as
	// it is sent.
	Flat    bool
	Updated time.Time
}

// PutContent keeps a template and returns its id; one without an id gets one.
func (f *Fake) PutContent(c Content) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.SID == "" {
		c.SID = f.sid("HX")
	}
	f.contents = append(f.contents, &c)
	return c.SID
}

// Contents are the account's templates.
func (f *Fake) Contents() []Content {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Content
	for _, c := range f.contents {
		all = append(all, *c)
	}
	return all
}

// Decide sets what WhatsApp says of a template.
func (f *Fake) Decide(sid, status, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.content(sid); c != nil {
		c.Status, c.Reason = status, reason
	}
}

func (f *Fake) content(sid string) *Content {
	for _, c := range f.contents {
		if c.SID == sid {
			return c
		}
	}
	return nil
}

func (c Content) resource() map[string]any {
	return map[string]any{"sid": c.SID, "friendly_name": c.Name, "language": c.Language, "variables": c.Variables,
		"types": c.Types, "date_updated": c.Updated.UTC().Format(time.RFC3339)}
}

func (c Content) approval() map[string]any {
	return map[string]any{"type": "whatsapp", "name": c.ApprovalName, "category": c.Category, "content_type": "twilio/text",
		"status": c.Status, "rejection_reason": c.Reason, "allow_category_change": true}
}

func (f *Fake) serveContent(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/Content/"), "/")
	c := f.content(id)
	switch {
	case r.URL.Path == "/v1/ContentAndApprovals" && r.Method == http.MethodGet:
		f.listContent(w, r)
	case r.URL.Path == "/v1/Content" && r.Method == http.MethodPost:
		f.createContent(w, r)
	case c == nil:
		fail(w, http.StatusNotFound, 20404, "Not found")
	case rest == "" && r.Method == http.MethodGet:
		answer(w, http.StatusOK, c.resource())
	case rest == "" && r.Method == http.MethodDelete:
		f.contents = slices.DeleteFunc(f.contents, func(x *Content) bool { return x.SID == id })
		w.WriteHeader(http.StatusNoContent)
	case rest == "ApprovalRequests/whatsapp" && r.Method == http.MethodPost:
		c.submit(w, r)
	default:
		fail(w, http.StatusMethodNotAllowed, 20004, "Method not allowed")
	}
}

func (f *Fake) listContent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, page := number(q.Get("PageSize"), 50), number(q.Get("Page"), 0)
	if size < 1 || size > 500 {
		fail(w, http.StatusBadRequest, 20001, "PageSize")
		return
	}
	size = min(size, f.pageSize())
	from := min(page*size, len(f.contents))
	to := min(from+size, len(f.contents))
	list := []any{}
	for _, c := range f.contents[from:to] {
		m := c.resource()
		switch {
		case c.Status == "":
			m["approval_requests"] = map[string]any{}
		case c.Flat:
			m["approval_requests"] = c.approval()
		default:
			m["approval_requests"] = map[string]any{"whatsapp": c.approval()}
		}
		list = append(list, m)
	}
	answer(w, http.StatusOK, map[string]any{"contents": list, "meta": map[string]any{"key": "contents",
		"next_page_url": nextPage(r, to < len(f.contents), page, size)}})
}

// pageSize makes pages short, so that every list has several.
func (f *Fake) pageSize() int { return 2 }

func (f *Fake) createContent(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Name      string                     `json:"friendly_name"`
		Language  string                     `json:"language"`
		Variables map[string]string          `json:"variables"`
		Types     map[string]json.RawMessage `json:"types"`
	}
	if !strict(w, r, &c) {
		return
	}
	if c.Language == "" || len(c.Types) == 0 {
		fail(w, http.StatusBadRequest, 20001, "language and types are needed")
		return
	}
	for kind, raw := range c.Types {
		if !validType(kind, raw) {
			fail(w, http.StatusBadRequest, 20001, "types: "+kind)
			return
		}
	}
	made := &Content{SID: f.sid("HX"), Name: c.Name, Language: c.Language, Variables: c.Variables, Types: c.Types, Updated: time.Now()}
	f.contents = append(f.contents, made)
	answer(w, http.StatusCreated, made.resource())
}

// typeFields are what each content type may hold, the needed ones first up to
// the bar, and the fields of its actions (twilio_content_v1.json).
var typeFields = map[string]struct{ fields, actions string }{
	"twilio/text":             {"body|", ""},
	"twilio/media":            {"media|body", ""},
	"twilio/quick-reply":      {"body actions|", "title|type id"},
	"twilio/call-to-action":   {"body actions|", "type title|url phone code id"},
	"twilio/card":             {"|title subtitle media actions", "type title|url phone id code webview_size"},
	"whatsapp/card":           {"body|footer media header_text actions", "type title|url phone id code webview_size"},
	"whatsapp/authentication": {"actions|add_security_recommendation code_expiration_minutes", "type copy_code_text|"},
}

// validType reports whether a content of a type has its fields and no others.
func validType(kind string, raw json.RawMessage) bool {
	known, ok := typeFields[kind]
	var of map[string]json.RawMessage
	if !ok || json.Unmarshal(raw, &of) != nil || !hasFields(of, known.fields) {
		return false
	}
	var actions []map[string]json.RawMessage
	if list, ok := of["actions"]; ok && (json.Unmarshal(list, &actions) != nil || len(actions) == 0) {
		return false
	}
	return !slices.ContainsFunc(actions, func(a map[string]json.RawMessage) bool { return !hasFields(a, known.actions) })
}

func hasFields(of map[string]json.RawMessage, fields string) bool {
	needed, allowed, _ := strings.Cut(fields, "|")
	for _, name := range strings.Fields(needed) {
		if _, ok := of[name]; !ok {
			return false
		}
	}
	for name := range of {
		if !slices.Contains(strings.Fields(needed+" "+allowed), name) {
			return false
		}
	}
	return true
}

var nameForm = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

func (c *Content) submit(w http.ResponseWriter, r *http.Request) {
	var a struct {
		Name     string `json:"name"`
		Category string `json:"category"`
	}
	if !strict(w, r, &a) {
		return
	}
	if !nameForm.MatchString(a.Name) || !slices.Contains([]string{"UTILITY", "MARKETING", "AUTHENTICATION"}, a.Category) {
		fail(w, http.StatusBadRequest, 20001, "name or category")
		return
	}
	c.ApprovalName, c.Category, c.Status = a.Name, a.Category, "received"
	answer(w, http.StatusCreated, c.approval())
}

// strict reads a JSON body without unknown fields.
func strict(w http.ResponseWriter, r *http.Request, into any) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || kind != "application/json" {
		fail(w, http.StatusBadRequest, 20001, "The body cannot be read")
		return false
	}
	return true
}
