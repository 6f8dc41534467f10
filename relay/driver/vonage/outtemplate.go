package vonage

import (
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
)

// policy says which language of a template is sent: the one that is named.
type policy struct {
	Policy string `json:"policy"`
	Locale string `json:"locale"`
}

// template is a template whose body alone has variables, and these by number.
type template struct {
	Name       string   `json:"name"`
	Parameters []string `json:"parameters,omitempty"`
}

// custom is an object of Meta's that Vonage hands on as it is: any template.
// https://developer.vonage.com/en/messages/concepts/custom-objects
type custom struct {
	Type     string        `json:"type"`
	Template cloudTemplate `json:"template"`
}

type cloudTemplate struct {
	Name       string        `json:"name"`
	Language   cloudLanguage `json:"language"`
	Components []cloudPart   `json:"components,omitempty"`
}

type cloudLanguage struct {
	Policy string `json:"policy"`
	Code   string `json:"code"`
}

type cloudPart struct {
	Type       string       `json:"type"`
	SubType    string       `json:"sub_type,omitempty"`
	Index      string       `json:"index,omitempty"`
	Parameters []cloudValue `json:"parameters"`
}

// cloudValue is the value of a variable, of a button, or a header's file.
type cloudValue struct {
	Type     string     `json:"type"`
	Name     string     `json:"parameter_name,omitempty"`
	Text     string     `json:"text,omitempty"`
	Payload  string     `json:"payload,omitempty"`
	Coupon   string     `json:"coupon_code,omitempty"`
	Image    *cloudFile `json:"image,omitempty"`
	Video    *cloudFile `json:"video,omitempty"`
	Document *cloudFile `json:"document,omitempty"`
}

type cloudFile struct {
	Link     string `json:"link"`
	Filename string `json:"filename,omitempty"`
}

// deterministic is the only policy that there is:
// https://developer.vonage.com/en/api/messages#SendMessage
const deterministic = "deterministic"

// setTemplate makes it a template message.
func (m *message) setTemplate(out relay.Outgoing) error {
	t := out.Template
	if code, ok := codeOf(t); ok { // its button wants the code once more
		withButton := *t
		withButton.Buttons = []relay.ButtonValue{{Index: 0, Type: "url", Value: code}}
		t, out.Template = &withButton, &withButton
	}
	if plain(out) {
		m.Type, m.WhatsApp = "template", &policy{deterministic, t.Language}
		m.Template = &template{Name: t.Name}
		for _, v := range t.Body {
			m.Template.Parameters = append(m.Template.Parameters, v.Text)
		}
		return nil
	}
	c := cloudTemplate{Name: t.Name, Language: cloudLanguage{deterministic, t.Language}}
	header, err := headerPart(out)
	if err != nil {
		return err
	}
	if header != nil {
		c.Components = append(c.Components, *header)
	}
	if len(t.Body) > 0 {
		c.Components = append(c.Components, cloudPart{Type: "body", Parameters: values(t.Body)})
	}
	for _, b := range t.Buttons {
		part, err := buttonPart(b)
		if err != nil {
			return err
		}
		c.Components = append(c.Components, part)
	}
	m.Type, m.Custom = "custom", &custom{"template", c}
	return nil
}

// codeOf is the code of an authentication template whose button was not given
// one. Every such template has that button, and Meta demands its value.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func codeOf(t *relay.OutgoingTemplate) (string, bool) {
	if t.Category != relay.Authentication || len(t.Buttons) > 0 || len(t.Body) != 1 {
		return "", false
	}
	return t.Body[0].Text, true
}

// plain reports whether Vonage's own form carries the template.
func plain(out relay.Outgoing) bool {
	named := func(v relay.TemplateValue) bool { return v.Name != "" }
	t := out.Template
	return out.File == nil && len(t.Header) == 0 && len(t.Buttons) == 0 && !slices.ContainsFunc(t.Body, named)
}

// headerPart is the header's value or file; nil where it has none.
func headerPart(out relay.Outgoing) (*cloudPart, error) {
	if out.File == nil {
		if len(out.Template.Header) == 0 {
			return nil, nil
		}
		return &cloudPart{Type: "header", Parameters: values(out.Template.Header)}, nil
	}
	f := *out.File
	if f.Kind == relay.Audio {
		return nil, refuse(relay.CodeFileTypeMismatch, "The header of a template takes an image, a video or a document, no audio.")
	}
	if sentAs(f) != f.Kind {
		return nil, refuse(relay.CodeFileTypeMismatch, "As the header of a template Vonage takes %s as %s.", strings.Join(taken[f.Kind], " and "), f.Kind)
	}
	link, err := linkOf(f, f.Kind)
	if err != nil {
		return nil, err
	}
	v := cloudValue{Type: string(f.Kind)}
	switch f.Kind {
	case relay.Image:
		v.Image = &cloudFile{Link: link}
	case relay.Video:
		v.Video = &cloudFile{Link: link}
	default:
		v.Type, v.Document = "document", &cloudFile{Link: link, Filename: f.Name}
	}
	return &cloudPart{Type: "header", Parameters: []cloudValue{v}}, nil
}

func values(of []relay.TemplateValue) []cloudValue {
	list := make([]cloudValue, len(of))
	for i, v := range of {
		list[i] = cloudValue{Type: "text", Name: v.Name, Text: v.Text}
	}
	return list
}

// buttonPart is the value of one button.
func buttonPart(b relay.ButtonValue) (cloudPart, error) {
	part := cloudPart{Type: "button", SubType: b.Type, Index: strconv.Itoa(b.Index)}
	switch b.Type {
	case "quick_reply":
		part.Parameters = []cloudValue{{Type: "payload", Payload: b.Value}}
	case "url":
		part.Parameters = []cloudValue{{Type: "text", Text: b.Value}}
	case "copy_code":
		part.Parameters = []cloudValue{{Type: "coupon_code", Coupon: b.Value}}
	default:
		return part, refuse(relay.CodeTemplateVariables, "Button %d of the template takes no value.", b.Index+1)
	}
	return part, nil
}
