package whatsapp

import (
	"strconv"

	"relevo/relay"
)

// Filled is a template with its values, as the Cloud API takes it. Without
// variables it has no components.
type Filled struct {
	Name     string `json:"name"`
	Language struct {
		// Policy has one value, Deterministic; Meta's OpenAPI description
		// demands it, its pages leave it out.
		Policy string `json:"policy"`
		Code   string `json:"code"`
	} `json:"language"`
	Components []component `json:"components,omitempty"`
}

// Deterministic is the only policy of languages: the one that is named.
const Deterministic = "deterministic"

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

// parameter is the value of a variable or of a button, or the header's file.
type parameter struct {
	Type       string     `json:"type"`
	Name       string     `json:"parameter_name,omitempty"`
	Text       string     `json:"text,omitempty"`
	Payload    string     `json:"payload,omitempty"`
	CouponCode string     `json:"coupon_code,omitempty"`
	Action     *flowToken `json:"action,omitempty"`
	Image      *File      `json:"image,omitempty"`
	Video      *File      `json:"video,omitempty"`
	Document   *File      `json:"document,omitempty"`
}

// File is a header's file, by the id of its upload or by its address.
type File struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Filename string `json:"filename,omitempty"`
	// Kind is one that a header shows: no audio.
	Kind relay.FileKind `json:"-"`
}

type flowToken struct {
	Token string `json:"flow_token"`
}

// Fill writes a template with its values; file is its header's, nil for none.
func Fill(o *relay.OutgoingTemplate, file *File) *Filled {
	t := &Filled{Name: o.Name}
	t.Language.Policy, t.Language.Code = Deterministic, Language(o.Language)
	if file != nil {
		t.add(component{Type: "header", Parameters: []parameter{file.parameter()}})
	} else {
		t.add(component{Type: "header", Parameters: textValues(o.Header)})
	}
	t.add(component{Type: "body", Parameters: textValues(o.Body)})
	for _, b := range Buttons(o) {
		t.add(component{Type: "button", SubType: b.Type, Index: strconv.Itoa(b.Index), Parameters: []parameter{buttonParameter(b)}})
	}
	return t
}

// add leaves out what has no values.
func (t *Filled) add(c component) {
	if len(c.Parameters) > 0 {
		t.Components = append(t.Components, c)
	}
}

func (f File) parameter() parameter {
	switch f.Kind {
	case relay.Image:
		f.Filename = ""
		return parameter{Type: "image", Image: &f}
	case relay.Video:
		f.Filename = ""
		return parameter{Type: "video", Video: &f}
	}
	return parameter{Type: "document", Document: &f}
}

func textValues(values []relay.TemplateValue) (ps []parameter) {
	for _, v := range values {
		ps = append(ps, parameter{Type: "text", Name: v.Name, Text: v.Text})
	}
	return ps
}

// Buttons are the values of those given. The code of an authentication template
// goes into its button too, which every such template has and Meta demands.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func Buttons(o *relay.OutgoingTemplate) []relay.ButtonValue {
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
