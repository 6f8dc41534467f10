package whatsapp

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"relevo/relay"
)

// Template is a template as Meta lists it and takes a new one. Vonage leaves
// templates at Meta.
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
type Template struct {
	ID       Word   `json:"id,omitempty"`
	Name     string `json:"name"`
	Language string `json:"language"`
	Status   string `json:"status,omitempty"`
	Category string `json:"category"`
	Format   string `json:"parameter_format,omitempty"`
	Reason   string `json:"rejected_reason,omitempty"`
	Parts    []part `json:"components"`
}

type part struct {
	Type    string    `json:"type"`
	Format  string    `json:"format,omitempty"`
	Text    string    `json:"text,omitempty"`
	Secure  bool      `json:"add_security_recommendation,omitempty"`
	Example *examples `json:"example,omitempty"`
	Buttons []button  `json:"buttons,omitempty"`
}

type examples struct {
	HeaderText   []string       `json:"header_text,omitempty"`
	HeaderHandle []string       `json:"header_handle,omitempty"`
	BodyText     [][]string     `json:"body_text,omitempty"`
	HeaderNamed  []namedExample `json:"header_text_named_params,omitempty"`
	BodyNamed    []namedExample `json:"body_text_named_params,omitempty"`
}

type namedExample struct {
	Name    string `json:"param_name"`
	Example string `json:"example"`
}

type button struct {
	Type    string `json:"type"`
	Text    string `json:"text,omitempty"`
	URL     string `json:"url,omitempty"`
	Phone   string `json:"phone_number,omitempty"`
	OTP     string `json:"otp_type,omitempty"`
	Example any    `json:"example,omitempty"` // a text, or texts
}

// Word is a text that Meta writes now as a string, now as a number.
type Word string

// UnmarshalJSON takes both; null is empty.
func (w *Word) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*w = Word(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("neither text nor number")
	}
	*w = Word(n)
	return nil
}

// Query is what a call that lists templates asks for, so many in a page:
// reasons are not among the fields that Meta gives by itself.
func Query(limit int) url.Values {
	return url.Values{"limit": {strconv.Itoa(limit)},
		"fields": {"id,name,language,status,category,components,parameter_format,rejected_reason"}}
}

const (
	pageSize = 100
	// maxPages is more than the 6,000 templates that an account may have.
	// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
	maxPages = 100
)

// Templates reads a list of templates to its end. get asks for one page and
// reads it; status is a word of Meta's as the relay's.
func Templates(status func(string) relay.TemplateStatus, get func(query url.Values, page any) error) ([]relay.Template, error) {
	var all []relay.Template
	err := Pages(Query(pageSize), get, func(t Template) bool {
		r := t.read()
		r.Status = status(t.Status)
		all = append(all, r)
		return true
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Pages gives each row of a list of Meta's to take, until take is done and
// says false. The address of a next page is not called: it holds the token,
// and could lead it elsewhere.
func Pages[T any](query url.Values, get func(query url.Values, page any) error, take func(T) bool) error {
	for range maxPages {
		var page struct {
			Data   []T `json:"data"`
			Paging struct {
				Next    string `json:"next"`
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
			} `json:"paging"`
		}
		if err := get(query, &page); err != nil {
			return err
		}
		for _, row := range page.Data {
			if !take(row) {
				return nil
			}
		}
		after := page.Paging.Cursors.After
		if page.Paging.Next == "" || after == "" || after == query.Get("after") {
			return nil
		}
		query.Set("after", after)
	}
	return nil
}

// CodeAddress is in the address of the button that copies a code, as Meta
// lists it. Its code is the body's, so that nobody gives it a value of its own.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
const CodeAddress = "/otp/code/?otp_type="

// read is a template as the relay keeps it, but for its status.
func (m Template) read() relay.Template {
	t := relay.Template{ID: string(m.ID), Name: m.Name, Language: Language(m.Language), Category: Category(m.Category), Reason: Reason(m.Reason)}
	for _, p := range m.Parts {
		switch strings.ToUpper(p.Type) {
		case "HEADER":
			t.Header = &relay.TemplateHeader{Kind: strings.ToLower(p.Format), Text: p.Text, Sample: p.Example.header()}
		case "BODY":
			t.Body, t.Samples = p.Text, p.Example.body(p.Text)
		case "FOOTER":
			t.Footer = p.Text
		case "BUTTONS":
			for _, b := range p.Buttons {
				if t.Category == relay.Authentication && strings.Contains(b.URL, CodeAddress) {
					b.Type, b.URL, b.Example = "OTP", "", nil
				}
				t.Buttons = append(t.Buttons, relay.TemplateButton{Type: strings.ToLower(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone, Sample: firstText(b.Example)})
			}
		}
	}
	return t
}

// Language is written pt_BR, also where Meta writes pt-BR.
func Language(code string) string { return strings.ReplaceAll(code, "-", "_") }

// Category is Meta's word in capitals.
func Category(theirs string) relay.TemplateCategory {
	return relay.TemplateCategory(strings.ToUpper(theirs))
}

// Reason leaves out Meta's word for none.
func Reason(s string) string {
	if strings.EqualFold(s, "NONE") {
		return ""
	}
	return s
}

func (e *examples) header() string {
	switch {
	case e == nil:
		return ""
	case len(e.HeaderText) > 0:
		return e.HeaderText[0]
	case len(e.HeaderNamed) > 0:
		return e.HeaderNamed[0].Example
	case len(e.HeaderHandle) > 0:
		return e.HeaderHandle[0]
	}
	return ""
}

// body are samples in the order of the text's variables.
func (e *examples) body(text string) []string {
	switch {
	case e == nil || len(e.BodyText)+len(e.BodyNamed) == 0:
		return nil
	case len(e.BodyText) > 0:
		return e.BodyText[0]
	}
	by := map[string]string{}
	for _, n := range e.BodyNamed {
		by[n.Name] = n.Example
	}
	var samples []string
	for _, v := range relay.TemplateVariables(text) {
		samples = append(samples, by[v])
	}
	return samples
}

func firstText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return firstText(v[0])
		}
	}
	return ""
}
