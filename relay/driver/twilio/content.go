package twilio

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"relevo/relay"
)

// content is a template of the Content API: one text in one language, written
// for one or several channels. https://www.twilio.com/docs/content/content-types-overview
type content struct {
	SID       string                     `json:"sid,omitzero"`
	Name      string                     `json:"friendly_name"`
	Language  string                     `json:"language"`
	Variables map[string]json.RawMessage `json:"variables,omitzero"`
	Types     map[string]part            `json:"types"`
	// Approvals is one object in Twilio's description, and one with a member
	// whatsapp in what it sends.
	Approvals   json.RawMessage `json:"approval_requests,omitzero"`
	DateUpdated string          `json:"date_updated,omitzero"`
}

// part is what a content template says, in one of its types.
type part struct {
	Body       string          `json:"body,omitzero"`
	HeaderText string          `json:"header_text,omitzero"`
	Title      string          `json:"title,omitzero"`
	Footer     string          `json:"footer,omitzero"`
	Subtitle   string          `json:"subtitle,omitzero"`
	Media      json.RawMessage `json:"media,omitzero"`
	Actions    []action        `json:"actions,omitzero"`
	Latitude   json.RawMessage `json:"latitude,omitzero"`
	Security   bool            `json:"add_security_recommendation,omitzero"`
}

type action struct {
	Type     string `json:"type,omitzero"`
	Title    string `json:"title,omitzero"`
	URL      string `json:"url,omitzero"`
	Phone    string `json:"phone,omitzero"`
	Code     string `json:"code,omitzero"`
	CopyText string `json:"copy_code_text,omitzero"`
	ID       string `json:"id,omitzero"`
}

// variable is the text of a button that may hold one.
func (a action) variable() string {
	if a.URL != "" {
		return a.URL
	}
	return a.Code
}

// approval is where a template stands at WhatsApp.
type approval struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Status   string `json:"status"`
	Reason   string `json:"rejection_reason"`
}

const authenticationKind = "whatsapp/authentication"

// preferred types first: those made for WhatsApp say more of it.
var preferred = []string{authenticationKind, "whatsapp/card", "twilio/card", "twilio/call-to-action", "twilio/quick-reply", "twilio/media", "twilio/text"}

// kind is the type that the template is sent as on WhatsApp.
func (c content) kind() string {
	for _, k := range preferred {
		if _, ok := c.Types[k]; ok {
			return k
		}
	}
	if kinds := slices.Sorted(maps.Keys(c.Types)); len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}

func (c content) part() part { return c.Types[c.kind()] }

// header is the text over the body. A twilio/card has its text as a title,
// which WhatsApp shows as the body.
func (p part) header() string { return p.HeaderText }

// media is the address of the file, of the first where there are several; they
// come as a list, or as one.
func (p part) media() string {
	var list []string
	if json.Unmarshal(p.Media, &list) == nil && len(list) > 0 {
		return list[0]
	}
	var one string
	if json.Unmarshal(p.Media, &one) == nil {
		return one
	}
	return ""
}

// text is the body, whatever the type calls it. The words around a code are
// WhatsApp's own, in the reader's language.
func (p part) text() string {
	switch {
	case p.Body != "":
		return p.Body
	case p.Title == "" && slices.ContainsFunc(p.Actions, func(a action) bool { return a.CopyText != "" }):
		return "*{{1}}* is your verification code."
	}
	return p.Title
}

// approvalOf is the state of WhatsApp's approval; empty where none was asked
// for.
func (c content) approvalOf() approval {
	var nested struct {
		WhatsApp *approval `json:"whatsapp"`
	}
	if json.Unmarshal(c.Approvals, &nested) == nil && nested.WhatsApp != nil {
		return *nested.WhatsApp
	}
	var flat approval
	if json.Unmarshal(c.Approvals, &flat) != nil {
		return approval{}
	}
	return flat
}

// templateStatus is our word for Twilio's. What WhatsApp has not decided is
// pending; what it was never asked about stays unsubmitted.
// https://www.twilio.com/docs/content/content-api-resources#fetch-an-approval-status-request
func templateStatus(s string) relay.TemplateStatus {
	switch s = strings.ToLower(s); s {
	case "received", "pending", "submitted", "in_appeal":
		return relay.TemplatePending
	case "":
		return "unsubmitted"
	}
	return relay.TemplateStatus(s)
}

// template is the content as the relay keeps it.
func (c content) template() relay.Template {
	a, p := c.approvalOf(), c.part()
	t := relay.Template{ID: c.SID, Name: a.Name, Language: strings.ReplaceAll(c.Language, "-", "_"),
		Category: relay.TemplateCategory(strings.ToUpper(a.Category)), Status: templateStatus(a.Status), Reason: a.Reason,
		Header: p.headerOf(c), Body: p.text(), Footer: p.Footer}
	if t.Name == "" {
		t.Name = c.Name
	}
	if t.Footer == "" {
		t.Footer = p.Subtitle
	}
	for _, name := range relay.TemplateVariables(t.Body) {
		t.Samples = append(t.Samples, c.sample(name))
	}
	for _, b := range p.Actions {
		t.Buttons = append(t.Buttons, c.button(b))
	}
	return t
}

// sample is the example of a variable; Twilio keeps strings, and takes others.
func (c content) sample(name string) string {
	var s string
	if json.Unmarshal(c.Variables[name], &s) != nil {
		return string(c.Variables[name])
	}
	return s
}

// filled is a text with the examples in the places of its variables.
func (c content) filled(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		if s := c.sample(variable.FindStringSubmatch(v)[1]); s != "" {
			return s
		}
		return v
	})
}

func (p part) headerOf(c content) *relay.TemplateHeader {
	switch media := p.media(); {
	case media != "":
		link := c.filled(media)
		return &relay.TemplateHeader{Kind: mediaKind(link), Sample: link}
	case p.header() != "":
		h := &relay.TemplateHeader{Kind: "text", Text: p.header()}
		if names := relay.TemplateVariables(h.Text); len(names) > 0 {
			h.Sample = c.sample(names[0])
		}
		return h
	case len(p.Latitude) > 0:
		return &relay.TemplateHeader{Kind: "location"}
	}
	return nil
}

// mediaKind is what the end of an address tells of its file.
func mediaKind(link string) string {
	link, _, _ = strings.Cut(strings.ToLower(link), "?")
	for ext, kind := range map[string]string{".jpg": "image", ".jpeg": "image", ".png": "image", ".mp4": "video"} {
		if strings.HasSuffix(link, ext) {
			return kind
		}
	}
	return "document"
}

func (c content) button(a action) relay.TemplateButton {
	b := relay.TemplateButton{Type: strings.ToLower(a.Type), Text: a.Title, URL: a.URL, Phone: a.Phone}
	switch {
	case b.Type == "" || c.kind() == "twilio/quick-reply":
		b.Type = "quick_reply"
	case c.kind() == authenticationKind:
		b.Type, b.Text = "otp", a.CopyText // its code is the body's, so that it takes no value
	case b.Type == "copy_code":
		b.Sample = c.filled(a.Code)
	}
	if variable.MatchString(a.URL) {
		b.Sample = c.filled(a.URL)
	}
	return b
}
