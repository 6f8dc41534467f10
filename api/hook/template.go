package hook

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// templateParts are the members of a template, and what stands in two of them:
// values for its variables and for its buttons.
type templateParts struct {
	name, language, variables, buttons *member
	values, pressed                    []member
}

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
	rd.takeLanguage()
	rd.takeVariables()
	rd.takeButtons()
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
	case "buttons":
		part = &rd.parts.buttons
	default:
		if len(rd.warnings) < maxStrangers {
			rd.warn(`%s was ignored: there is no such field.`, quoteName(rd.partName(m.name)))
		}
		return
	}
	if absent(m.value) || *part != nil && rd.enough(template) {
		return
	}
	if nothing(m.value) {
		rd.warn("%s is the word %s: it counts as not given.", quoteName(rd.partName(m.name)), m.value)
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

// takeLanguage reads the template's language. Written as browsers and phones
// do, pt-br for pt_BR, it means one thing only.
func (rd *reading) takeLanguage() {
	s := rd.templateString(rd.parts.language)
	if !rd.strict && !relay.ValidLanguage(s) {
		if code := relay.LanguageCode(s); relay.ValidLanguage(code) {
			rd.warn("%s was read as %q.", quoteName(rd.partName(rd.parts.language.name)), code)
			s = code
		}
	}
	rd.call.Template.Language = s
}

// refusePart says that something in the template has the wrong type.
func (rd *reading) refusePart(m *member, name, want string) {
	rd.faultAt(m.valueAt, name, fmt.Sprintf("must be %s, not %s", want, kindOf(m.value)), "")
}

// refuseTemplate explains a broken rule of a part of the template.
func (rd *reading) refuseTemplate(part string, broken validator.FieldError) {
	if rd.enough(template) {
		return
	}
	var m *member
	var what, hint string
	switch part {
	case "name":
		m, what, hint = rd.parts.name, "must be 1 to 512 small letters, digits and underscores", "It is the name under which the template was approved, such as order_shipped."
	case "language":
		m, what, hint = rd.parts.language, "must be a language code such as en or en_US", "Between language and country comes an underscore; the country is in capital letters."
		if m == nil {
			hint = "Write a language code such as en or en_US."
		}
	default:
		rd.refuseValue(part, broken.Field())
		return
	}
	if m == nil {
		name := rd.partName([]byte(part))
		line, column := rd.cur.src.place(rd.at[template].valueAt)
		rd.fault(template, relay.FieldError{Field: name, Code: relay.CodeMissingField, Line: line, Column: column, Message: quoteName(name) + " is missing.", Hint: hint})
		return
	}
	if _, ok := stringOf(m.value); ok { // else its type is wrong, and that has been said
		rd.faultAt(m.valueAt, rd.partName(m.name), what, hint)
	}
}

// faultAt says what is wrong with something in the template.
func (rd *reading) faultAt(at int, name, what, hint string) {
	if rd.enough(template) {
		return
	}
	line, column := rd.cur.src.place(at)
	rd.fault(template, relay.FieldError{Field: name, Code: relay.CodeInvalidField, Line: line, Column: column, Message: quoteName(name) + " " + what + ".", Hint: hint})
}
