package infobiptest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path"
	"regexp"
	"strconv"
)

// Media is a file that somebody sent to the account.
type Media struct {
	Type    string
	Content []byte
	// Moved, where it is set, is where the file is fetched from instead.
	Moved string
}

// KeepMedia keeps a file under an id and returns its path.
func (f *Fake) KeepMedia(id string, m Media) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.media[id] = m
	return "/whatsapp/1/senders/" + f.o.Sender + "/media/" + id
}

func (f *Fake) serveMedia(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	m, ok := f.media[path.Base(r.URL.Path)]
	f.mu.Unlock()
	switch {
	case !ok:
		wrong(w, http.StatusNotFound, false, "NOT_FOUND", nil)
	case m.Moved != "":
		http.Redirect(w, r, m.Moved, http.StatusFound)
	default:
		w.Header().Set("Content-Type", m.Type)
		w.Write(m.Content)
	}
}

// maxFetched bounds a file that the account fetches, in bytes.
const maxFetched = 200 << 20

// fetch gets a message's file; nil where that does not work. It asks for the
// address once more with HEAD: on the same connection, so that whoever serves
// the file is done with it when the message is answered.
func (f *Fake) fetch(r *http.Request, url string) []byte {
	b, ok := f.get(r, http.MethodGet, url)
	if _, again := f.get(r, http.MethodHead, url); !ok || !again {
		return nil
	}
	return b
}

func (f *Fake) get(r *http.Request, method, url string) ([]byte, bool) {
	req, err := http.NewRequestWithContext(r.Context(), method, url, nil)
	if err != nil {
		return nil, false
	}
	res, err := f.o.HTTP.Do(req)
	if err != nil {
		return nil, false
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxFetched))
	return b, err == nil && res.StatusCode == http.StatusOK
}

// KeepTemplate adds a template as Infobip writes one.
func (f *Fake) KeepTemplate(t map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.templates = append(f.templates, t)
}

// Decide gives a template another status, and is Infobip's push about it; nil
// where there is no such template.
func (f *Fake) Decide(name, language, status, reason string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range f.templates {
		if t["name"] != name || t["language"] != language {
			continue
		}
		t = maps.Clone(t)
		t["status"], f.templates[i] = status, t
		if reason == "" {
			reason = "NONE"
		}
		return map[string]any{"messageTemplateId": t["id"], "messageTemplateName": name, "messageTemplateLanguage": language,
			"change": map[string]any{"type": "TEMPLATE_STATUS_UPDATE", "newStatus": status, "reason": reason}}
	}
	return nil
}

var templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

// submitted is a template as the API takes one.
type submitted struct {
	Name      string `json:"name"`
	Language  string `json:"language"`
	Category  string `json:"category"`
	Structure struct {
		Header *struct {
			Format  string `json:"format"`
			Text    string `json:"text"`
			Example string `json:"example"`
		} `json:"header"`
		Body *struct {
			Text                      string   `json:"text"`
			Examples                  []string `json:"examples"`
			AddSecurityRecommendation bool     `json:"addSecurityRecommendation"`
		} `json:"body"`
		Footer *struct {
			Text string `json:"text"`
		} `json:"footer"`
		Buttons []struct {
			Type        string `json:"type"`
			OTPType     string `json:"otpType"`
			Text        string `json:"text"`
			URL         string `json:"url"`
			PhoneNumber string `json:"phoneNumber"`
			Example     string `json:"example"`
		} `json:"buttons"`
	} `json:"structure"`
}

func (f *Fake) serveTemplates(w http.ResponseWriter, r *http.Request, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodGet {
		list := f.templates
		if list == nil {
			list = []map[string]any{}
		}
		write(w, http.StatusOK, map[string]any{"templates": list})
		return
	}
	var t submitted
	bad := faults{}
	if err := strict(body, &t); err != nil {
		bad["request"] = "unknown or malformed field"
	}
	bad.unless(templateName.MatchString(t.Name), "name", "must match ^[a-z0-9_]{1,512}$")
	bad.unless(t.Language != "", "language", "must not be blank")
	bad.unless(t.Category == "MARKETING" || t.Category == "UTILITY" || t.Category == "AUTHENTICATION", "category", "unknown")
	s := t.Structure
	bad.unless(s.Body != nil && (s.Body.Text != "" || s.Body.AddSecurityRecommendation), "structure.body", "must not be null")
	if h := s.Header; h != nil {
		bad.unless(h.Format == "TEXT" && runes(h.Text, 1, 60) || h.Format == "LOCATION" || address(h.Example, 2048), "structure.header", "needs a text or an example")
	}
	if t.Category == "AUTHENTICATION" {
		bad.unless(s.Footer != nil && s.Footer.Text == "", "structure.footer", "must not be null, and has no text")
		bad.unless(len(s.Buttons) == 1 && s.Buttons[0].OTPType == "COPY_CODE", "structure.buttons", "must be one button of type COPY_CODE")
	} else {
		bad.unless(s.Footer == nil || runes(s.Footer.Text, 1, 60), "structure.footer.text", "size must be between 1 and 60")
		bad.unless(len(s.Buttons) <= 10, "structure.buttons", "at most 10")
		t.checkButtons(bad)
	}
	if len(bad) > 0 || r.Method != http.MethodPost {
		wrong(w, http.StatusBadRequest, false, "BAD_REQUEST", bad)
		return
	}
	var kept map[string]any
	json.Unmarshal(body, &kept)
	kept["id"], kept["status"], kept["businessAccountId"] = strconv.Itoa(110+len(f.templates)), "PENDING", 222
	f.templates = append(f.templates, kept)
	write(w, http.StatusCreated, kept)
}

// checkButtons wants what each type of button needs, and nothing that is only
// read (ButtonApiData of infobip-whatsapp-openapi.json).
func (t submitted) checkButtons(bad faults) {
	for _, b := range t.Structure.Buttons {
		ok := runes(b.Text, 1, 25)
		switch b.Type {
		case "QUICK_REPLY":
		case "URL":
			ok = ok && b.URL != "" && (b.Example == "" || address(b.Example, 2048))
		case "PHONE_NUMBER":
			ok = ok && b.PhoneNumber != ""
		case "COPY_CODE":
			ok = b.Text == "" && runes(b.Example, 1, 15)
		default:
			ok = false
		}
		bad.unless(ok, "structure.buttons", "wrong fields for "+b.Type)
	}
}
