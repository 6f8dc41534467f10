package vonage

import (
	"strings"

	"relevo/relay"
)

// submission is a template as Meta takes it.
func submission(t relay.Template, handle string) metaTemplate {
	m := metaTemplate{Name: t.Name, Language: t.Language, Category: string(t.Category)}
	if t.Named() {
		m.Format = "NAMED"
	}
	if t.Category == relay.Authentication {
		m.Components = authentication(t)
		return m
	}
	if h := t.Header; h != nil {
		c := metaComponent{Type: "HEADER", Format: strings.ToUpper(h.Kind), Text: h.Text}
		names := relay.TemplateVariables(h.Text)
		switch {
		case handle != "":
			c.Example = &metaExample{HeaderHandle: []string{handle}}
		case len(names) > 0 && t.Named():
			c.Example = &metaExample{HeaderNamed: []namedValue{{names[0], h.Sample}}}
		case len(names) > 0:
			c.Example = &metaExample{HeaderText: []string{h.Sample}}
		}
		m.Components = append(m.Components, c)
	}
	body := metaComponent{Type: "BODY", Text: t.Body}
	if names := relay.TemplateVariables(t.Body); len(names) > 0 {
		body.Example = bodyExample(t, names)
	}
	m.Components = append(m.Components, body)
	if t.Footer != "" {
		m.Components = append(m.Components, metaComponent{Type: "FOOTER", Text: t.Footer})
	}
	if len(t.Buttons) > 0 {
		m.Components = append(m.Components, metaComponent{Type: "BUTTONS", Buttons: buttonsOf(t)})
	}
	return m
}

func bodyExample(t relay.Template, names []string) *metaExample {
	if !t.Named() {
		return &metaExample{BodyText: [][]string{t.Samples}}
	}
	e := &metaExample{}
	for i, name := range names {
		v := namedValue{Name: name}
		if i < len(t.Samples) {
			v.Example = t.Samples[i]
		}
		e.BodyNamed = append(e.BodyNamed, v)
	}
	return e
}

func buttonsOf(t relay.Template) (list []metaButton) {
	for _, b := range t.Buttons {
		m := metaButton{Type: strings.ToUpper(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone}
		if b.Type == "copy_code" {
			list = append(list, metaButton{Type: m.Type, Example: b.Sample})
			continue
		}
		if b.Sample != "" {
			m.Example = []string{b.Sample}
		}
		list = append(list, m)
	}
	return list
}

// authentication has a text of WhatsApp's own, and a button that copies the
// code: OTP with otp_type COPY_CODE (WhatsApp Template Management API 1.4.1,
// CreateMediaTemplate).
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func authentication(t relay.Template) []metaComponent {
	copies := metaButton{Type: "OTP", OTP: "COPY_CODE"}
	if len(t.Buttons) > 0 {
		copies.Text = t.Buttons[0].Text
	}
	return []metaComponent{{Type: "BODY", Secure: true}, {Type: "BUTTONS", Buttons: []metaButton{copies}}}
}
