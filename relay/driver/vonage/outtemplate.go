package vonage

import (
	"slices"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
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
	Type     string           `json:"type"`
	Template *whatsapp.Filled `json:"template"`
}

// setTemplate makes it a template message.
func (m *message) setTemplate(out relay.Outgoing) error {
	t := out.Template
	if plain(out) {
		m.Type, m.WhatsApp = "template", &policy{whatsapp.Deterministic, t.Language}
		m.Template = &template{Name: t.Name}
		for _, v := range t.Body {
			m.Template.Parameters = append(m.Template.Parameters, v.Text)
		}
		return nil
	}
	file, err := headerFile(out.File)
	if err != nil {
		return err
	}
	for _, b := range t.Buttons {
		if !slices.Contains([]string{"quick_reply", "url", "copy_code"}, b.Type) {
			return refuse(relay.CodeTemplateVariables, "Button %d of the template takes no value.", b.Index+1)
		}
	}
	m.Type, m.Custom = "custom", &custom{"template", whatsapp.Fill(t, file)}
	return nil
}

// plain reports whether Vonage's own form carries the template.
func plain(out relay.Outgoing) bool {
	named := func(v relay.TemplateValue) bool { return v.Name != "" }
	t := out.Template
	return out.File == nil && len(t.Header) == 0 && len(whatsapp.Buttons(t)) == 0 && !slices.ContainsFunc(t.Body, named)
}

// headerFile is the header's file, by its address; nil without one.
func headerFile(f *relay.OutgoingFile) (*whatsapp.File, error) {
	switch {
	case f == nil:
		return nil, nil
	case f.Kind == relay.Audio:
		return nil, refuse(relay.CodeFileTypeMismatch, "The header of a template takes an image, a video or a document, no audio.")
	case sentAs(*f) != f.Kind:
		return nil, refuse(relay.CodeFileTypeMismatch, "As the header of a template Vonage takes %s as %s.", strings.Join(taken[f.Kind], " and "), f.Kind)
	}
	link, err := linkOf(*f, f.Kind)
	return &whatsapp.File{Kind: f.Kind, Link: link, Filename: f.Name}, err
}
