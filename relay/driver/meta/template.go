package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
)

// templateRow is a template as Meta lists it and takes it.
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
type templateRow struct {
	ID       word        `json:"id,omitempty"`
	Name     string      `json:"name"`
	Language string      `json:"language"`
	Status   string      `json:"status,omitempty"`
	Category string      `json:"category"`
	Format   string      `json:"parameter_format,omitempty"`
	Reason   string      `json:"rejected_reason,omitempty"`
	Parts    []templated `json:"components"`
}

// templated is a component of a template.
type templated struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"`
	Text    string           `json:"text,omitempty"`
	Secure  bool             `json:"add_security_recommendation,omitempty"`
	Example *examples        `json:"example,omitempty"`
	Buttons []templateButton `json:"buttons,omitempty"`
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

type templateButton struct {
	Type    string `json:"type"`
	Text    string `json:"text,omitempty"`
	URL     string `json:"url,omitempty"`
	Phone   string `json:"phone_number,omitempty"`
	OTP     string `json:"otp_type,omitempty"`
	Example any    `json:"example,omitempty"` // a text, or texts
}

// What a list call asks for: reasons are not among the default fields.
const (
	templateFields = "id,name,language,status,category,components,parameter_format,rejected_reason"
	templatePage   = "100"
	// maxPages is more than the 6,000 templates that an account may have.
	maxPages = 100
)

// Templates lists every template of the channel's WhatsApp Business Account.
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return nil, err
	}
	if s.WABAID == "" {
		return nil, noAccountID()
	}
	var all []relay.Template
	query := url.Values{"fields": {templateFields}, "limit": {templatePage}}
	for range maxPages {
		var page struct {
			Data   []templateRow `json:"data"`
			Paging paging        `json:"paging"`
		}
		if _, err := d.call(ctx, request{method: http.MethodGet, path: "/" + s.WABAID + "/message_templates", query: query, token: s.AccessToken}, &page); err != nil {
			return nil, aboutTemplates(err)
		}
		for _, r := range page.Data {
			all = append(all, r.template())
		}
		if !page.Paging.more(query) {
			break
		}
	}
	return all, nil
}

// paging is how Meta goes on with a list.
type paging struct {
	Next    string `json:"next"`
	Cursors struct {
		After string `json:"after"`
	} `json:"cursors"`
}

// more puts the next page into a query; false at the end. The address in next
// is not called: it holds the token.
func (p paging) more(query url.Values) bool {
	if p.Next == "" || p.Cursors.After == "" || p.Cursors.After == query.Get("after") {
		return false
	}
	query.Set("after", p.Cursors.After)
	return true
}

func noAccountID() *relay.SendError {
	return refuse(relay.CodeTemplateUnsupported, "Templates need the WhatsApp Business Account ID. Copy it from developers.facebook.com/apps > your app > WhatsApp > API Setup into this channel's setting waba_id.")
}

// codeAddress is in the address of the button that copies a code, as Meta
// lists it. Its code is the body's, so that nobody gives it a value of its own.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
const codeAddress = "/otp/code/?otp_type="

// template is a row as the relay keeps it.
func (r templateRow) template() relay.Template {
	t := relay.Template{ID: string(r.ID), Name: r.Name, Language: language(r.Language), Status: templateStatus(r.Status),
		Category: relay.TemplateCategory(strings.ToUpper(r.Category)), Reason: reason(r.Reason)}
	for _, p := range r.Parts {
		switch strings.ToUpper(p.Type) {
		case "HEADER":
			t.Header = &relay.TemplateHeader{Kind: strings.ToLower(p.Format), Text: p.Text, Sample: p.Example.header()}
		case "BODY":
			t.Body, t.Samples = p.Text, p.Example.body(p.Text)
		case "FOOTER":
			t.Footer = p.Text
		case "BUTTONS":
			for _, b := range p.Buttons {
				if t.Category == relay.Authentication && strings.Contains(b.URL, codeAddress) {
					b.Type, b.URL, b.Example = "OTP", "", nil
				}
				t.Buttons = append(t.Buttons, relay.TemplateButton{Type: strings.ToLower(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone, Sample: firstText(b.Example)})
			}
		}
	}
	return t
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
	case e == nil:
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

// language is written pt_BR, also where Meta writes pt-BR.
func language(code string) string { return strings.ReplaceAll(code, "-", "_") }

// reason leaves out the word for none.
func reason(s string) string {
	if strings.EqualFold(s, "NONE") {
		return ""
	}
	return s
}

// templateStatus is Meta's word in small letters. A template that came back is
// approved; what only warns tells no status.
func templateStatus(event string) relay.TemplateStatus {
	switch e := strings.ToLower(event); e {
	case "reinstated", "unarchived":
		return relay.TemplateApproved
	case "flagged", "locked":
		return ""
	default:
		return relay.TemplateStatus(e)
	}
}

// templateStatus reads what Meta tells of a template.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
func (r *reading) templateStatus(raw json.RawMessage) {
	var v struct {
		Event     string `json:"event"`
		ID        word   `json:"message_template_id"`
		Name      string `json:"message_template_name"`
		Language  string `json:"message_template_language"`
		Category  string `json:"message_template_category"`
		Reason    string `json:"reason"`
		Rejection struct {
			Reason         string `json:"reason"`
			Recommendation string `json:"recommendation"`
		} `json:"rejection_info"`
		Other struct {
			Description string `json:"description"`
		} `json:"other_info"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Event == "" {
		r.leftOut("message_template_status_update")
		return
	}
	why := strings.ReplaceAll(joined([]string{reason(v.Reason), v.Rejection.Reason, v.Rejection.Recommendation, v.Other.Description}), "\n", ". ")
	if why == "" && strings.EqualFold(v.Event, "FLAGGED") {
		why = "FLAGGED"
	}
	r.got.Templates = append(r.got.Templates, relay.TemplateChange{ID: string(v.ID), Name: v.Name, Language: language(v.Language),
		Status: templateStatus(v.Event), Category: relay.TemplateCategory(strings.ToUpper(v.Category)), Reason: why})
}

// templateCategory reads that Meta moved a template to another category.
func (r *reading) templateCategory(raw json.RawMessage) {
	var v struct {
		ID       word   `json:"message_template_id"`
		Name     string `json:"message_template_name"`
		Language string `json:"message_template_language"`
		Category string `json:"new_category"`
	}
	if json.Unmarshal(raw, &v) != nil {
		r.leftOut("template_category_update")
		return
	}
	if v.Category == "" {
		return // it announces a change of the future
	}
	r.got.Templates = append(r.got.Templates, relay.TemplateChange{ID: string(v.ID), Name: v.Name, Language: language(v.Language),
		Category: relay.TemplateCategory(strings.ToUpper(v.Category))})
}
