package infobip

import (
	"cmp"
	"slices"
	"strings"

	"relevo/relay"
)

// templateContent is a template with its values.
type templateContent struct {
	TemplateName string       `json:"templateName"`
	TemplateData templateData `json:"templateData"`
	Language     string       `json:"language"`
}

type templateData struct {
	Body    templateBody      `json:"body"`
	Header  *headerValue      `json:"header,omitzero"`
	Buttons []buttonParameter `json:"buttons,omitzero"`
}

// templateBody's list is needed even where it is empty.
type templateBody struct {
	Placeholders []string `json:"placeholders"`
}

type headerValue struct {
	Type        string `json:"type"`
	Placeholder string `json:"placeholder,omitzero"`
	MediaURL    string `json:"mediaUrl,omitzero"`
	Filename    string `json:"filename,omitzero"`
}

// buttonParameter is a button's value, which a flow calls its token
// (infobip-whatsapp-openapi.json 3.210.0, TemplateFlowButtonContent).
type buttonParameter struct {
	Type      string `json:"type"`
	Parameter string `json:"parameter,omitzero"`
	FlowToken string `json:"flowToken,omitzero"`
}

// templateOf writes a template's values by their order: Infobip's API knows
// no names of variables.
func templateOf(out relay.Outgoing) (templateContent, error) {
	t := out.Template
	c := templateContent{TemplateName: t.Name, Language: t.Language}
	c.TemplateData.Body.Placeholders = []string{}
	for _, v := range t.Body {
		c.TemplateData.Body.Placeholders = append(c.TemplateData.Body.Placeholders, v.Text)
	}
	if slices.Contains(c.TemplateData.Body.Placeholders, "") {
		return c, refused(relay.CodeTemplateVariables, "A value of the template is empty, which WhatsApp does not take. Give every variable a value.", nil)
	}
	if len(t.Header) > 0 {
		c.TemplateData.Header = &headerValue{Type: "TEXT", Placeholder: t.Header[0].Text}
	}
	if out.File != nil {
		h, err := fileHeader(out.File)
		if err != nil {
			return c, err
		}
		c.TemplateData.Header = &h
	}
	buttons := slices.Clone(t.Buttons)
	slices.SortStableFunc(buttons, func(a, b relay.ButtonValue) int { return cmp.Compare(a.Index, b.Index) })
	for _, b := range buttons {
		p := buttonParameter{Type: strings.ToUpper(b.Type), Parameter: b.Value}
		if b.Type == "flow" {
			p.Parameter, p.FlowToken = "", b.Value
		}
		c.TemplateData.Buttons = append(c.TemplateData.Buttons, p)
	}
	if t.Category == relay.Authentication && len(buttons) == 0 && len(t.Body) == 1 {
		// The button that copies the code wants the code once more.
		c.TemplateData.Buttons = []buttonParameter{{Type: "URL", Parameter: t.Body[0].Text}}
	}
	return c, nil
}

// fileHeader is the file over a template. A header has a fixed kind, so that
// nothing can go as a document instead.
func fileHeader(f *relay.OutgoingFile) (h headerValue, err error) {
	if h.MediaURL, err = link(f, maxMediaURL); err != nil {
		return h, err
	}
	switch f.Kind {
	case relay.Image, relay.Video:
		if !slices.Contains(taken[f.Kind], mediaType(f.Type)) {
			return h, refused(relay.CodeFileTypeMismatch, "Over a template WhatsApp takes JPEG and PNG pictures and MP4 and 3GPP videos. Convert the file.", nil)
		}
		h.Type = strings.ToUpper(string(f.Kind))
	case relay.Audio:
		return h, refused(relay.CodeFileTypeMismatch, "A template has a picture, a video or a document over it, no audio.", nil)
	default:
		h.Type, h.Filename = "DOCUMENT", cmp.Or(fileName(f.Name), "document") // a name is needed here
	}
	return h, nil
}
