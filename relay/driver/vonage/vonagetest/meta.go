package vonagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// PutTemplate keeps a template as Meta lists it: id, name, language, status,
// category, components, rejected_reason.
func (f *Fake) PutTemplate(t map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.templates = append(f.templates, t)
}

// Decide gives a kept template another status, such as APPROVED.
func (f *Fake) Decide(name, language, status string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range f.templates {
		if t["name"] == name && t["language"] == language {
			t = maps.Clone(t)
			t["status"], f.templates[i] = status, t
		}
	}
}

// Templates are all that are kept.
func (f *Fake) Templates() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.templates)
}

func graphFault(w http.ResponseWriter, status, code, subcode int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": fmt.Sprintf("(#%d) %s", code, message), "type": "OAuthException",
		"code": code, "error_subcode": subcode, "error_user_msg": message, "fbtrace_id": "AbCdEf"}})
}

// agentForm is that of the header User-Agent, without what may follow
// (business-messaging-api_v23.0.yaml of facebook/openapi).
var agentForm = regexp.MustCompile(`^[a-zA-Z0-9_-]+/[0-9]+\.[0-9]+\.[0-9]+`)

// mayRead checks the user token, and that the WhatsApp account is its own.
func (f *Fake) mayRead(w http.ResponseWriter, r *http.Request) bool {
	o := f.options()
	switch id := r.PathValue("waba"); {
	case r.Header.Get("Authorization") != "Bearer "+o.UserToken:
		graphFault(w, http.StatusUnauthorized, 190, 463, "The access token is not valid.")
	case !agentForm.MatchString(r.Header.Get("User-Agent")):
		graphFault(w, http.StatusBadRequest, 100, 0, "The header User-Agent does not have the described form.")
	case id != "" && id != o.WABAID:
		graphFault(w, http.StatusBadRequest, 100, 33, "The object does not exist.")
	default:
		return true
	}
	return false
}

// debugToken answers GET /debug_token.
// https://developers.facebook.com/docs/graph-api/reference/debug_token
func (f *Fake) debugToken(w http.ResponseWriter, r *http.Request) {
	if !f.mayRead(w, r) {
		return
	}
	o := f.options()
	ends := int64(0)
	if !o.Expires.IsZero() {
		ends = o.Expires.Unix()
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"app_id": o.AppID, "is_valid": r.URL.Query().Get("input_token") == o.UserToken,
		"expires_at": ends, "scopes": []string{"whatsapp_business_management"}}})
}

// listTemplates answers in pages, the cursor being a number.
func (f *Fake) listTemplates(w http.ResponseWriter, r *http.Request) {
	if !f.mayRead(w, r) {
		return
	}
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		graphFault(w, http.StatusBadRequest, 100, 0, "Param limit must be a number.")
		return
	}
	from, _ := strconv.Atoi(q.Get("after"))
	all := f.Templates()
	from = min(max(0, from), len(all))
	to := min(from+limit, len(all))
	paging := map[string]any{"cursors": map[string]string{"before": strconv.Itoa(from), "after": strconv.Itoa(to)}}
	if to < len(all) {
		paging["next"] = "https://graph.facebook.com/elsewhere?after=" + strconv.Itoa(to)
	}
	fields := strings.Split(q.Get("fields"), ",")
	page := []map[string]any{}
	for _, t := range all[from:to] {
		shown := map[string]any{}
		for name, v := range t {
			if slices.Contains(fields, name) {
				shown[name] = v
			}
		}
		page = append(page, shown)
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": page, "paging": paging})
}

var nameForm = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

// newTemplate is what a call that makes a template may hold.
type newTemplate struct {
	Name       string `json:"name"`
	Language   string `json:"language"`
	Category   string `json:"category"`
	Format     string `json:"parameter_format"`
	Components []struct {
		Type    string           `json:"type"`
		Format  string           `json:"format"`
		Text    string           `json:"text"`
		Secure  bool             `json:"add_security_recommendation"`
		Buttons []map[string]any `json:"buttons"`
		Example struct {
			HeaderText   []string            `json:"header_text"`
			HeaderNamed  []map[string]string `json:"header_text_named_params"`
			HeaderHandle []string            `json:"header_handle"`
			BodyText     [][]string          `json:"body_text"`
			BodyNamed    []map[string]string `json:"body_text_named_params"`
		} `json:"example"`
	} `json:"components"`
}

// createTemplate keeps a template as pending, once it has checked it.
func (f *Fake) createTemplate(w http.ResponseWriter, r *http.Request) {
	if !f.mayRead(w, r) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	var t newTemplate
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&t); err != nil || r.Header.Get("Content-Type") != "application/json" {
		graphFault(w, http.StatusBadRequest, 100, 0, "Invalid parameter")
		return
	}
	if why := f.templateFault(t); why != "" {
		graphFault(w, http.StatusBadRequest, 100, 2388043, why)
		return
	}
	var keep map[string]any
	if err := json.Unmarshal(body, &keep); err != nil {
		return
	}
	f.mu.Lock()
	id := strconv.Itoa(1689000000000000 + len(f.templates))
	keep["id"], keep["status"] = id, "PENDING"
	f.templates = append(f.templates, keep)
	f.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]string{"id": id, "status": "PENDING", "category": t.Category})
}

// templateFault is what Meta would say against a template; empty for nothing.
func (f *Fake) templateFault(t newTemplate) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !nameForm.MatchString(t.Name):
		return "The name has other characters than small letters, digits and underscores."
	case !localeForm.MatchString(t.Language):
		return "The language is not known."
	case !slices.Contains([]string{"AUTHENTICATION", "MARKETING", "UTILITY"}, t.Category):
		return "The category is not known."
	case slices.ContainsFunc(f.templates, func(o map[string]any) bool { return o["name"] == t.Name && o["language"] == t.Language }):
		return "There is already a template of this name and language."
	}
	body := false
	for _, c := range t.Components {
		e := c.Example
		switch {
		case c.Type == "BODY":
			body = (c.Text != "") != (t.Category == "AUTHENTICATION")
			if strings.Contains(c.Text, "{{") && len(e.BodyText)+len(e.BodyNamed) == 0 {
				return "The body's variables have no examples."
			}
		case c.Type == "BUTTONS":
			if slices.ContainsFunc(c.Buttons, func(b map[string]any) bool { return !validButton(b, t.Category) }) {
				return "A button has wrong fields."
			}
		case c.Type == "HEADER" && c.Format == "TEXT":
			if strings.Contains(c.Text, "{{") && len(e.HeaderText)+len(e.HeaderNamed) == 0 {
				return "The header's variable has no example."
			}
		case c.Type == "HEADER" && c.Format != "LOCATION":
			if len(e.HeaderHandle) != 1 || !f.handles[e.HeaderHandle[0]] {
				return "The header has no example file."
			}
		}
	}
	if !body {
		return "The template has no body."
	}
	return ""
}

// validButton holds a button to what Meta takes of its type; an authentication
// template has none but one of type OTP.
func validButton(b map[string]any, category string) bool {
	label, _ := b["text"].(string)
	_, one := b["example"].(string)
	switch b["type"] {
	case "OTP":
		return category == "AUTHENTICATION" && b["otp_type"] == "COPY_CODE"
	case "COPY_CODE":
		return one && label == ""
	case "QUICK_REPLY", "URL", "PHONE_NUMBER":
		return category != "AUTHENTICATION" && label != "" && !one
	}
	return false
}

// startUpload answers POST /{app}/uploads.
// https://developers.facebook.com/docs/graph-api/guides/upload
func (f *Fake) startUpload(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get("file_length"))
	if !f.mayRead(w, r) {
		return
	}
	if err != nil || n < 1 || q.Get("file_type") == "" || r.PathValue("app") != f.options().AppID {
		graphFault(w, http.StatusBadRequest, 100, 0, "Invalid parameter")
		return
	}
	id := "upload:" + newUUID()
	f.mu.Lock()
	f.uploads[id] = n
	f.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]string{"id": id})
}

// upload takes a file's bytes and gives its handle.
func (f *Fake) upload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFile))
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	want, ok := f.uploads[r.PathValue("upload")]
	if !ok || want != len(body) || r.Header.Get("Authorization") != "OAuth "+f.o.UserToken || r.Header.Get("File_offset") != "0" {
		graphFault(w, http.StatusBadRequest, 100, 0, "Invalid upload")
		return
	}
	handle := "4::" + newUUID()
	f.handles[handle] = true
	writeJSON(w, http.StatusOK, map[string]string{"h": handle})
}
