package whatsapp

import (
	"strings"

	"relevo/relay"
)

// Submission is a template as Meta takes it. handle is of the header's example
// file, empty without one.
func Submission(t relay.Template, handle string) Template {
	m := Template{Name: t.Name, Language: Language(t.Language), Category: string(t.Category), Format: "POSITIONAL"}
	if t.Named() {
		m.Format = "NAMED"
	}
	if t.Category == relay.Authentication {
		m.Parts = authentication(t)
		return m
	}
	if t.Header != nil {
		m.Parts = append(m.Parts, headerPart(t, handle))
	}
	m.Parts = append(m.Parts, bodyPart(t))
	if t.Footer != "" {
		m.Parts = append(m.Parts, part{Type: "FOOTER", Text: t.Footer})
	}
	if len(t.Buttons) > 0 {
		p := part{Type: "BUTTONS"}
		for _, b := range t.Buttons {
			p.Buttons = append(p.Buttons, buttonPart(b))
		}
		m.Parts = append(m.Parts, p)
	}
	return m
}

// authentication has a text of WhatsApp's own, and a button that copies the
// code: OTP with otp_type COPY_CODE (WhatsApp Template Management API 1.4.1,
// CreateMediaTemplate).
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func authentication(t relay.Template) []part {
	copies := button{Type: "OTP", OTP: "COPY_CODE"}
	if len(t.Buttons) > 0 {
		copies.Text = t.Buttons[0].Text
	}
	return []part{{Type: "BODY", Secure: true}, {Type: "BUTTONS", Buttons: []button{copies}}}
}

func headerPart(t relay.Template, handle string) part {
	p := part{Type: "HEADER", Format: strings.ToUpper(t.Header.Kind)}
	if t.Header.Kind == "text" {
		p.Text = t.Header.Text
	}
	names := relay.TemplateVariables(p.Text)
	switch {
	case handle != "":
		p.Example = &examples{HeaderHandle: []string{handle}}
	case len(names) > 0 && t.Named():
		p.Example = &examples{HeaderNamed: []namedExample{{names[0], t.Header.Sample}}}
	case len(names) > 0:
		p.Example = &examples{HeaderText: []string{t.Header.Sample}}
	}
	return p
}

func bodyPart(t relay.Template) part {
	p := part{Type: "BODY", Text: t.Body}
	names := relay.TemplateVariables(t.Body)
	switch {
	case len(names) == 0:
	case !t.Named():
		p.Example = &examples{BodyText: [][]string{t.Samples}}
	default:
		p.Example = &examples{}
		for i, name := range names[:min(len(names), len(t.Samples))] {
			p.Example.BodyNamed = append(p.Example.BodyNamed, namedExample{name, t.Samples[i]})
		}
	}
	return p
}

func buttonPart(b relay.TemplateButton) button {
	p := button{Type: strings.ToUpper(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone}
	switch {
	case b.Type == "copy_code":
		p.Text, p.Example = "", b.Sample
	case b.Sample != "":
		p.Example = []string{b.Sample}
	}
	return p
}
