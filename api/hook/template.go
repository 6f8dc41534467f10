package hook

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// templateParts are the members of a template, and of its variables.
type templateParts struct {
	name, language, variables *member
	elements                  []member
}

// Template names as Meta allows them, languages as it writes them:
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
var (
	templateName     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	templateLanguage = regexp.MustCompile(`^[a-z]{2,3}(_([A-Z][a-z]{3}|[A-Z]{2}|[0-9]{3})){0,2}$`)
)

// takeTemplate reads the field template.
func (rd *reading) takeTemplate() {
	m := rd.at[template]
	if m == nil {
		return
	}
	if m.value.Kind() != jsontext.KindBeginObject {
		rd.wrongType(template, "an object")
		rd.faults[len(rd.faults)-1].Hint = `Write {"name": "…", "language": "en", "variables": ["…"]}.`
		return
	}
	t := &templateCall{}
	rd.call.Template = t
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.value))
	// The document has been read once, so that no error can come here.
	_ = rd.cur.object(dec, m.valueAt, rd.takeTemplatePart)
	t.Name = rd.templateString(rd.parts.name)
	t.Language = rd.templateString(rd.parts.language)
	rd.takeVariables()
}

func (rd *reading) takeTemplatePart(m member) {
	var part **member
	switch string(normal(rd.scratch[:0], m.name)) {
	case "name":
		part = &rd.parts.name
	case "language":
		part = &rd.parts.language
	case "variables":
		part = &rd.parts.variables
	default:
		if len(rd.warnings) < maxStrangers {
			rd.warn(`%s was ignored: there is no such field.`, quoteName(rd.partName(m.name)))
		}
		return
	}
	if absent(m.value) || *part != nil && rd.enough(template) {
		return
	}
	if *part != nil {
		line, column := rd.cur.src.place(m.nameAt)
		rd.fault(template, relay.FieldError{
			Field: rd.partName(m.name), Code: relay.CodeDuplicateField, Line: line, Column: column,
			Message: fmt.Sprintf("%s and %s are the same field.", quoteName(rd.partName((*part).name)), quoteName(rd.partName(m.name))),
			Hint:    "Keep one of the two.",
		})
		return
	}
	*part = &m
}

// partName is the name of something in the template, as the caller wrote it.
func (rd *reading) partName(name []byte) string { return rd.name(template) + "." + string(name) }

func (rd *reading) templateString(m *member) string {
	if m == nil {
		return ""
	}
	s, ok := stringOf(m.value)
	if !ok {
		rd.refusePart(m, rd.partName(m.name), "a string")
		return "-" // given; what the rules say of it is dropped
	}
	return s
}

// takeVariables reads the template's variables, an array of strings or of
// numbers that are taken as they are written.
func (rd *reading) takeVariables() {
	m := rd.parts.variables
	if m == nil {
		return
	}
	if m.value.Kind() != jsontext.KindBeginArray {
		rd.refusePart(m, rd.partName(m.name), "an array of strings")
		return
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.value))
	if _, err := dec.ReadToken(); err != nil {
		return
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		v, at, err := rd.cur.value(dec, m.valueAt)
		if err != nil {
			return
		}
		s, ok := stringOf(v)
		e := member{value: v, valueAt: at}
		if !ok {
			rd.refusePart(&e, fmt.Sprintf("%s[%d]", rd.partName(m.name), len(rd.parts.elements)), "a string")
		}
		rd.parts.elements = append(rd.parts.elements, e)
		rd.call.Template.Variables = append(rd.call.Template.Variables, s)
	}
}

// refusePart says that something in the template has the wrong type.
func (rd *reading) refusePart(m *member, name, want string) {
	if rd.enough(template) {
		return
	}
	line, column := rd.cur.src.place(m.valueAt)
	rd.fault(template, relay.FieldError{
		Field: name, Code: relay.CodeInvalidField, Line: line, Column: column,
		Message: fmt.Sprintf("%s must be %s, not %s.", quoteName(name), want, kindOf(m.value)),
	})
}

// refuseTemplate explains a broken rule of a part of the template.
func (rd *reading) refuseTemplate(part string, broken validator.FieldError) {
	if rd.enough(template) {
		return
	}
	m, hint := rd.parts.variables, "Remove it."
	what := "contains a NUL character (U+0000)"
	code := relay.CodeInvalidField
	switch part {
	case "name":
		m, what, hint = rd.parts.name, "must be 1 to 512 small letters, digits and underscores", "It is the name under which the template was approved, such as order_shipped."
	case "language":
		m, what, hint = rd.parts.language, "must be a language code such as en or en_US", "Between language and country comes an underscore; the country is in capital letters."
		if m == nil {
			hint = "Write a language code such as en or en_US."
		}
	}
	if m == nil {
		name := rd.partName([]byte(part))
		line, column := rd.cur.src.place(rd.at[template].valueAt)
		rd.fault(template, relay.FieldError{Field: name, Code: relay.CodeMissingField, Line: line, Column: column, Message: quoteName(name) + " is missing.", Hint: hint})
		return
	}
	if _, ok := stringOf(m.value); !ok && part != "variables" {
		return // its type is wrong, and that has been said
	}
	name := rd.partName(m.name)
	if part == "variables" {
		i := strings.IndexByte(broken.Field(), '[')
		name += broken.Field()[i:]
		n, _ := strconv.Atoi(strings.Trim(broken.Field()[i:], "[]"))
		m = &rd.parts.elements[n]
	}
	line, column := rd.cur.src.place(m.valueAt)
	rd.fault(template, relay.FieldError{Field: name, Code: code, Line: line, Column: column, Message: quoteName(name) + " " + what + ".", Hint: hint})
}
