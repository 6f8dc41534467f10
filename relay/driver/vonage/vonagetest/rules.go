package vonagetest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"unicode/utf8"
)

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	numberForm = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)
	userForm   = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]+$`)
	localeForm = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
)

// frame are the fields that every call may have; one of parts goes with them.
// https://developer.vonage.com/en/api/messages#SendMessage
var frame = []string{"to", "from", "channel", "message_type", "client_ref", "webhook_url", "webhook_version", "context"}

// parts are the fields that go with each type.
var parts = map[string][]string{
	"text": {"text"}, "image": {"image"}, "audio": {"audio"}, "video": {"video"}, "file": {"file"},
	"template": {"template", "whatsapp"}, "custom": {"custom"},
}

func invalid(params ...string) *Answer {
	return problem(http.StatusUnprocessableEntity, "1150", "Invalid params", params...)
}

// check holds a body to Vonage's rules.
func (f *Fake) check(b map[string]any, m *Message) *Answer {
	m.To, m.Type = text(b, "to"), text(b, "message_type")
	m.Ref, m.Webhook = text(b, "client_ref"), text(b, "webhook_url")
	allowed, known := parts[m.Type]
	switch {
	case b["channel"] != "whatsapp":
		return problem(http.StatusUnprocessableEntity, "1100", "Unsupported channel")
	case !numberForm.MatchString(m.To) && !userForm.MatchString(m.To):
		return problem(http.StatusUnprocessableEntity, "110", "Invalid recipient")
	case text(b, "from") != f.options().Number:
		return problem(http.StatusUnprocessableEntity, "1120", "Invalid sender")
	case !known:
		return problem(http.StatusUnprocessableEntity, "1140", "Invalid message type")
	case utf8.RuneCountInString(m.Ref) > 100:
		return problem(http.StatusUnprocessableEntity, "1060", "Invalid client reference")
	}
	for name := range b {
		if !slices.Contains(frame, name) && !slices.Contains(allowed, name) {
			return invalid(name)
		}
	}
	if _, ok := b["webhook_url"]; ok && !address(m.Webhook) {
		return invalid("webhook_url")
	}
	if v, ok := b["webhook_version"]; ok && v != "v1" && v != "v0.1" {
		return invalid("webhook_version")
	}
	switch m.Type {
	case "text":
		m.Text = text(b, "text")
		if n := utf8.RuneCountInString(m.Text); n == 0 || n > 4096 {
			return invalid("text")
		}
	case "template":
		return templateRules(b)
	case "custom":
		return customRules(b, m)
	default:
		return mediaRules(b, m)
	}
	return nil
}

func text(b map[string]any, name string) string {
	s, _ := b[name].(string)
	return s
}

func object(b map[string]any, name string) map[string]any {
	o, _ := b[name].(map[string]any)
	return o
}

func address(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// strange is a field that an object may not have; empty where there is none.
func strange(o map[string]any, allowed ...string) string {
	for name := range o {
		if !slices.Contains(allowed, name) {
			return name
		}
	}
	return ""
}

// mediaRules hold image, audio, video and file.
func mediaRules(b map[string]any, m *Message) *Answer {
	allowed := map[string][]string{"image": {"url", "caption"}, "audio": {"url"}, "video": {"url", "caption"}, "file": {"url", "caption", "name"}}[m.Type]
	o := object(b, m.Type)
	if name := strange(o, allowed...); name != "" {
		return invalid(m.Type + "." + name)
	}
	m.Link, m.Text = text(o, "url"), text(o, "caption")
	if n := len(m.Link); !address(m.Link) || n < 10 || n > 2000 {
		return invalid(m.Type + ".url")
	}
	if _, ok := o["caption"]; ok && (m.Text == "" || utf8.RuneCountInString(m.Text) > 3000) {
		return invalid(m.Type + ".caption")
	}
	return nil
}

// templateRules hold Vonage's own form of a template.
func templateRules(b map[string]any) *Answer {
	t, w := object(b, "template"), object(b, "whatsapp")
	if name := strange(t, "name", "parameters"); name != "" || text(t, "name") == "" {
		return invalid("template." + name)
	}
	if list, ok := t["parameters"]; ok {
		values, isList := list.([]any)
		for _, v := range values {
			if _, isText := v.(string); !isText {
				return invalid("template.parameters")
			}
		}
		if !isList {
			return invalid("template.parameters")
		}
	}
	if name := strange(w, "policy", "locale"); name != "" || !localeForm.MatchString(text(w, "locale")) {
		return invalid("whatsapp.locale")
	}
	if p, ok := w["policy"]; ok && p != "deterministic" {
		return invalid("whatsapp.policy")
	}
	return nil
}

// customRules hold the object that Vonage hands on to Meta: a template.
func customRules(b map[string]any, m *Message) *Answer {
	c := object(b, "custom")
	t := object(c, "template")
	if name := strange(c, "type", "template"); name != "" || text(c, "type") != "template" {
		return invalid("custom." + name)
	}
	if name := strange(t, "name", "language", "components"); name != "" || text(t, "name") == "" {
		return invalid("custom.template." + name)
	}
	lang := object(t, "language")
	if !localeForm.MatchString(text(lang, "code")) || lang["policy"] != nil && lang["policy"] != "deterministic" {
		return invalid("custom.template.language")
	}
	list, _ := t["components"].([]any)
	for _, v := range list {
		if !component(v, m) {
			return invalid("custom.template.components")
		}
	}
	return nil
}

// component checks a part of a template, and notes the file of a header.
func component(v any, m *Message) bool {
	c, _ := v.(map[string]any)
	kind := text(c, "type")
	values, _ := c["parameters"].([]any)
	if strange(c, "type", "sub_type", "index", "parameters") != "" || len(values) == 0 {
		return false
	}
	if kind == "button" && (text(c, "index") == "" || !slices.Contains([]string{"quick_reply", "url", "copy_code"}, text(c, "sub_type"))) {
		return false
	}
	for _, v := range values {
		p, _ := v.(map[string]any)
		is := text(p, "type")
		switch {
		case kind == "header" && slices.Contains([]string{"image", "video", "document"}, is):
			m.Link = text(object(p, is), "link")
			if !address(m.Link) || strange(object(p, is), "link", "filename") != "" {
				return false
			}
		case (kind == "header" || kind == "body" || kind == "button") && is == "text" && text(p, "text") != "" && strange(p, "type", "text", "parameter_name") == "":
		case kind == "button" && is == "payload" && text(p, "payload") != "":
		case kind == "button" && is == "coupon_code" && text(p, "coupon_code") != "" && len(text(p, "coupon_code")) <= 15:
		default:
			return false
		}
	}
	return true
}
