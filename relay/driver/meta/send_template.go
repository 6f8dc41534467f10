package meta

import (
	"context"
	"strconv"

	"relevo/relay"
)

// template is a message's template with its values. Without variables it has
// no components.
type template struct {
	Name     string `json:"name"`
	Language struct {
		// Policy has one value, "deterministic"; Meta's OpenAPI description
		// demands it, its pages leave it out.
		Policy string `json:"policy"`
		Code   string `json:"code"`
	} `json:"language"`
	Components []component `json:"components,omitempty"`
}

type component struct {
	Type string `json:"type"`
	// SubType and Index are a button's; the index is written as a text, "0" for
	// the first. The pattern that Meta's OpenAPI description gives for it
	// (business-messaging-api_v23.0.yaml, TemplateComponent) has a footnote's
	// marks for digits and refuses its own example. Of the buttons it names
	// quick_reply, url and catalog; copy_code and flow are on Meta's pages and
	// in the file's examples.
	SubType    string      `json:"sub_type,omitempty"`
	Index      string      `json:"index,omitempty"`
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Type       string     `json:"type"`
	Name       string     `json:"parameter_name,omitempty"`
	Text       string     `json:"text,omitempty"`
	Payload    string     `json:"payload,omitempty"`
	CouponCode string     `json:"coupon_code,omitempty"`
	Action     *flowToken `json:"action,omitempty"`
	Image      *media     `json:"image,omitempty"`
	Video      *media     `json:"video,omitempty"`
	Document   *media     `json:"document,omitempty"`
}

type flowToken struct {
	Token string `json:"flow_token"`
}

// fillTemplate makes a template message; a file is its header's.
func (d *Driver) fillTemplate(ctx context.Context, s settings, out relay.Outgoing, m *message) error {
	o := out.Template
	t := &template{Name: o.Name}
	t.Language.Policy, t.Language.Code = "deterministic", language(o.Language)
	if out.File != nil {
		p, err := d.headerFile(ctx, s, out.File)
		if err != nil {
			return err
		}
		t.add(component{Type: "header", Parameters: []parameter{p}})
	} else {
		t.add(component{Type: "header", Parameters: textValues(o.Header)})
	}
	t.add(component{Type: "body", Parameters: textValues(o.Body)})
	for _, b := range buttonValues(o) {
		t.add(component{Type: "button", SubType: b.Type, Index: strconv.Itoa(b.Index), Parameters: []parameter{buttonParameter(b)}})
	}
	m.Type, m.Template = "template", t
	return nil
}

// add leaves out what has no values.
func (t *template) add(c component) {
	if len(c.Parameters) > 0 {
		t.Components = append(t.Components, c)
	}
}

func (d *Driver) headerFile(ctx context.Context, s settings, f *relay.OutgoingFile) (parameter, error) {
	kind, t, fault := d.sendable(f, "")
	if fault != nil {
		return parameter{}, fault
	}
	if kind == relay.Audio {
		return parameter{}, refuse(relay.CodeFileTypeMismatch, "A template's header shows a picture, a video or a document, no audio.")
	}
	id, err := d.upload(ctx, s, f, t)
	if err != nil {
		return parameter{}, err
	}
	p := parameter{Type: string(kind)}
	switch kind {
	case relay.Image:
		p.Image = &media{ID: id}
	case relay.Video:
		p.Video = &media{ID: id}
	default:
		p.Document = &media{ID: id, Filename: f.Name}
	}
	return p, nil
}

func textValues(values []relay.TemplateValue) (ps []parameter) {
	for _, v := range values {
		ps = append(ps, parameter{Type: "text", Name: v.Name, Text: v.Text})
	}
	return ps
}

// buttonValues are those given. The code of an authentication template goes
// into its button too, which every such template has and Meta demands.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func buttonValues(o *relay.OutgoingTemplate) []relay.ButtonValue {
	if o.Category == relay.Authentication && len(o.Buttons) == 0 && len(o.Body) == 1 {
		return []relay.ButtonValue{{Index: 0, Type: "url", Value: o.Body[0].Text}}
	}
	return o.Buttons
}

func buttonParameter(b relay.ButtonValue) parameter {
	switch b.Type {
	case "quick_reply":
		return parameter{Type: "payload", Payload: b.Value}
	case "copy_code":
		return parameter{Type: "coupon_code", CouponCode: b.Value}
	case "flow":
		return parameter{Type: "action", Action: &flowToken{b.Value}}
	}
	return parameter{Type: "text", Text: b.Value}
}
