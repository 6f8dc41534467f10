package metatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// AddTemplate keeps a template, given as the JSON of a row of Meta's list.
func (f *Fake) AddTemplate(row string) {
	var t map[string]any
	if err := json.Unmarshal([]byte(row), &t); err != nil {
		panic("metatest: a template that is no JSON: " + err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.templates = append(f.templates, t)
}

// Templates are those that the fake keeps, as rows of Meta's list.
func (f *Fake) Templates() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.templates)
}

func (f *Fake) templateNamed(name, language any) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.templates {
		if t["name"] == name && t["language"] == language {
			return t
		}
	}
	return nil
}

func (f *Fake) listTemplates(w http.ResponseWriter, r *http.Request) {
	fields := append(strings.Split(r.URL.Query().Get("fields"), ","), "id")
	rows := []any{}
	for _, t := range f.Templates() {
		row := map[string]any{}
		for k, v := range t {
			if slices.Contains(fields, k) {
				row[k] = v
			}
		}
		rows = append(rows, row)
	}
	f.paged(w, r, rows)
}

// paged answers a part of a list: 25 rows where no limit is given, never more
// than Account.PageRows.
func (f *Fake) paged(w http.ResponseWriter, r *http.Request, rows []any) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit <= 0 {
		limit = 25
	}
	f.mu.Lock()
	if most := f.account.PageRows; most > 0 {
		limit = min(limit, most)
	}
	f.mu.Unlock()
	from, _ := strconv.Atoi(strings.TrimPrefix(q.Get("after"), "cursor"))
	to := min(from+limit, len(rows))
	from = min(from, to)
	page := map[string]any{"data": rows[from:to]}
	if len(rows) > 0 {
		paging := map[string]any{"cursors": map[string]string{"before": "cursor" + strconv.Itoa(from), "after": "cursor" + strconv.Itoa(to)}}
		if to < len(rows) {
			paging["next"] = "https://graph.facebook.com/next?after=cursor" + strconv.Itoa(to)
		}
		page["paging"] = paging
	}
	answer(w, 200, page)
}

var nameForm = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

// createTemplate checks a template by Meta's rules and leaves it pending.
func (f *Fake) createTemplate(w http.ResponseWriter, r *http.Request) {
	_, t, bad := readJSON(r)
	if bad == nil {
		bad = checkTemplate(t)
	}
	if bad == nil && f.templateNamed(t["name"], t["language"]) != nil {
		bad = &fault{Code: 100, Subcode: 2388024, Message: "Invalid parameter", User: "Content in this language already exists."}
	}
	if bad != nil {
		fail(w, 400, *bad)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	t["id"], t["status"] = fmt.Sprint(1689556900000000+f.serial), "PENDING"
	f.templates = append(f.templates, t)
	answer(w, 200, map[string]any{"id": t["id"], "status": t["status"], "category": t["category"]})
}

func checkTemplate(t map[string]any) *fault {
	if bad := keys("", t, "name,language,category,components", "parameter_format,allow_category_change,message_send_ttl_seconds"); bad != nil {
		bad.Code = 100
		return bad
	}
	name, _ := t["name"].(string)
	category, _ := t["category"].(string)
	if !nameForm.MatchString(name) || !slices.Contains([]string{"AUTHENTICATION", "MARKETING", "UTILITY"}, category) {
		return &fault{Code: 100, Message: "(#100) Invalid parameter"}
	}
	parts, _ := t["components"].([]any)
	body := false
	for _, raw := range parts {
		p, _ := raw.(map[string]any)
		body = body || p["type"] == "BODY"
		if bad := checkPart(p, category, t["parameter_format"] == "NAMED"); bad != nil {
			return bad
		}
	}
	if !body {
		return &fault{Code: 100, Subcode: 2388072, Message: "Invalid parameter"}
	}
	return nil
}

func checkPart(p map[string]any, category string, named bool) *fault {
	text, _ := p["text"].(string)
	example, _ := p["example"].(map[string]any)
	format, _ := p["format"].(string)
	n := len(placeholder.FindAllString(text, -1))
	switch p["type"] {
	case "HEADER":
		if bad := keys("components.", p, "type,format", "text,example"); bad != nil {
			return bad
		}
		if len(text) > 60 || format == "TEXT" && (text == "" || n > 1 || n == 1 && example == nil) || slices.Contains([]string{"IMAGE", "VIDEO", "DOCUMENT"}, format) && example["header_handle"] == nil {
			return &fault{Code: 100, Subcode: 2388047, Message: "Invalid parameter"}
		}
	case "BODY":
		if bad := keys("components.", p, "type", "text,example,add_security_recommendation"); bad != nil {
			return bad
		}
		if category == "AUTHENTICATION" {
			return authenticationBody(text)
		}
		return checkBody(text, n, example, named)
	case "FOOTER":
		if bad := keys("components.", p, "type,text", ""); bad != nil || len(text) > 60 || n > 0 {
			return &fault{Code: 100, Subcode: 2388073, Message: "Invalid parameter"}
		}
	case "BUTTONS":
		return keys("components.", p, "type,buttons", "")
	default:
		return &fault{Code: 100, Message: "(#100) Unknown component"}
	}
	return nil
}

func authenticationBody(text string) *fault {
	if text != "" {
		return &fault{Code: 100, Message: "(#100) An authentication template has a text of its own"}
	}
	return nil
}

func checkBody(text string, n int, example map[string]any, named bool) *fault {
	trimmed := strings.TrimSpace(text)
	switch {
	case text == "" || len([]rune(text)) > 1024:
		return &fault{Code: 100, Subcode: 2388040, Message: "Invalid parameter"}
	case strings.HasPrefix(trimmed, "{{") || strings.HasSuffix(trimmed, "}}"):
		return &fault{Code: 100, Subcode: 2388299, Message: "Invalid parameter", User: "Variables can't be at the start or end of the template."}
	case n == 0:
		return nil
	}
	given := 0
	if rows, ok := example["body_text"].([]any); ok && !named && len(rows) == 1 {
		row, _ := rows[0].([]any)
		given = len(row)
	}
	if rows, ok := example["body_text_named_params"].([]any); ok && named {
		given = len(rows)
	}
	if given != n {
		return &fault{Code: 100, Subcode: 2388072, Message: "Invalid parameter"}
	}
	return nil
}
