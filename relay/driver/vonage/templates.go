package vonage

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"relevo/relay"
)

var fieldID = regexp.MustCompile(`^[0-9]{1,32}$`)

// Lists of templates come in pages of pageSize, at most maxPages of them: a
// WhatsApp account has 6,000 templates at most.
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
const (
	pageSize = 100
	maxPages = 100
)

// templateFields are asked for by name: Meta leaves the reason out otherwise.
const templateFields = "id,name,language,status,category,components,parameter_format,rejected_reason"

// templatePage is one page of Meta's list.
type templatePage struct {
	Data   []metaTemplate `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

// metaTemplate is a template as Meta writes it.
type metaTemplate struct {
	ID         word            `json:"id,omitzero"`
	Name       string          `json:"name"`
	Language   string          `json:"language"`
	Category   string          `json:"category,omitzero"`
	Format     string          `json:"parameter_format,omitzero"`
	Status     string          `json:"status,omitzero"`
	Reason     string          `json:"rejected_reason,omitzero"`
	Components []metaComponent `json:"components"`
}

type metaComponent struct {
	Type    string       `json:"type"`
	Format  string       `json:"format,omitzero"`
	Text    string       `json:"text,omitzero"`
	Secure  bool         `json:"add_security_recommendation,omitzero"`
	Example *metaExample `json:"example,omitzero"`
	Buttons []metaButton `json:"buttons,omitzero"`
}

type metaExample struct {
	HeaderText   []string     `json:"header_text,omitzero"`
	HeaderNamed  []namedValue `json:"header_text_named_params,omitzero"`
	HeaderHandle []string     `json:"header_handle,omitzero"`
	BodyText     [][]string   `json:"body_text,omitzero"`
	BodyNamed    []namedValue `json:"body_text_named_params,omitzero"`
}

type namedValue struct {
	Name    string `json:"param_name"`
	Example string `json:"example"`
}

type metaButton struct {
	Type  string `json:"type"`
	OTP   string `json:"otp_type,omitzero"`
	Text  string `json:"text,omitzero"`
	URL   string `json:"url,omitzero"`
	Phone string `json:"phone_number,omitzero"`
	// Example is a list of texts, of a code to copy one text.
	Example any `json:"example,omitempty"`
}

// exampleOf is an example that comes as a text, or as a list with one.
func exampleOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return exampleOf(v[0])
		}
	}
	return ""
}

// Templates lists every template of the WhatsApp account, at Meta. An error is
// a *relay.SendError.
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return nil, err
	}
	if m := missing(s); m != nil {
		return nil, m
	}
	var list []relay.Template
	after := ""
	for range maxPages {
		p, err := d.templatePage(ctx, s, after, pageSize)
		if err != nil {
			return nil, err
		}
		for _, t := range p.Data {
			list = append(list, t.template())
		}
		next := p.Paging.Cursors.After
		if p.Paging.Next == "" || next == "" || next == after {
			break
		}
		after = next // never the address of next: it could lead the token elsewhere
	}
	return list, nil
}

func (d *Driver) templatePage(ctx context.Context, s Settings, after string, limit int) (templatePage, error) {
	query := url.Values{"fields": {templateFields}, "limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	var p templatePage
	err := d.graph(ctx, s, http.MethodGet, "/"+s.WABAID+"/message_templates", query, nil, &p)
	return p, err
}

// codeAddress is in the address of the button that copies a code, as Meta
// lists it. Its code is the body's, so that nobody gives it a value of its own.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
const codeAddress = "/otp/code/?otp_type="

// template is one as ours.
func (m metaTemplate) template() relay.Template {
	t := relay.Template{ID: string(m.ID), Name: m.Name, Language: m.Language, Category: relay.TemplateCategory(strings.ToUpper(m.Category)), Status: templateStatus(m.Status)}
	if !strings.EqualFold(m.Reason, "NONE") {
		t.Reason = m.Reason
	}
	for _, c := range m.Components {
		switch strings.ToUpper(c.Type) {
		case "HEADER":
			t.Header = &relay.TemplateHeader{Kind: strings.ToLower(c.Format), Text: c.Text}
			if e := c.Example; e != nil {
				t.Header.Sample = first(e.HeaderText, examples(e.HeaderNamed), e.HeaderHandle)
			}
		case "BODY":
			t.Body = c.Text
			if c.Example != nil {
				t.Samples = bodySamples(c.Text, *c.Example)
			}
		case "FOOTER":
			t.Footer = c.Text
		case "BUTTONS":
			for _, b := range c.Buttons {
				if t.Category == relay.Authentication && strings.Contains(b.URL, codeAddress) {
					b.Type, b.URL, b.Example = "OTP", "", nil
				}
				t.Buttons = append(t.Buttons, relay.TemplateButton{Type: strings.ToLower(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone, Sample: exampleOf(b.Example)})
			}
		}
	}
	return t
}

// first is the first text of the first list that has one.
func first(lists ...[]string) string {
	for _, l := range lists {
		if len(l) > 0 {
			return l[0]
		}
	}
	return ""
}

func examples(of []namedValue) (list []string) {
	for _, v := range of {
		list = append(list, v.Example)
	}
	return list
}

// bodySamples are examples in the order of the body's variables.
func bodySamples(text string, e metaExample) []string {
	if len(e.BodyNamed) == 0 {
		if len(e.BodyText) == 0 {
			return nil
		}
		return e.BodyText[0]
	}
	byName := map[string]string{}
	for _, v := range e.BodyNamed {
		byName[v.Name] = v.Example
	}
	var list []string
	for _, name := range relay.TemplateVariables(text) {
		list = append(list, byName[name])
	}
	return list
}

// Submit hands a template in at Meta. An error is a *relay.SendError.
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
func (d *Driver) Submit(ctx context.Context, ch relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return t, err
	}
	if m := missing(s); m != nil {
		return t, m
	}
	handle := ""
	if sample != nil {
		if handle, err = d.upload(ctx, s, *sample); err != nil {
			return t, err
		}
	}
	body, err := encode(submission(t, handle))
	if err != nil {
		return t, err
	}
	var made metaTemplate
	if err := d.graph(ctx, s, http.MethodPost, "/"+s.WABAID+"/message_templates", nil, body, &made); err != nil {
		return t, err
	}
	t.ID, t.Status = string(made.ID), relay.TemplatePending
	if made.Status != "" {
		t.Status = templateStatus(made.Status)
	}
	if made.Category != "" { // Meta may choose another
		t.Category = relay.TemplateCategory(strings.ToUpper(made.Category))
	}
	return t, nil
}
