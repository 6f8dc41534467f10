package hook

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// tagForm is how a kind of tool writes what it fills in.
type tagForm struct {
	open, close string
	// first may begin the name inside, and rest go on.
	first, rest func(c byte) bool
	// inURL: the form is looked for in addresses as well.
	inURL bool
}

// Merge tags that were not filled in: {{contact.name}} (Zapier, Make, n8n,
// HubSpot, Pipedrive, GoHighLevel), %FIRSTNAME% (ActiveCampaign),
// [[first_name]], *|FNAME|* (Mailchimp), {!Contact.Name} (Salesforce),
// ${Leads.First Name} (Zoho), {=Document:NAME} (Bitrix24), @{…} (Power
// Automate); and [object Object], where a program joined an object to a text.
// What stands inside must look like a name: a text may well hold braces or per cent.
var tagForms = [...]tagForm{
	{"{{", "}}", func(c byte) bool { return c > ' ' && c != '\\' }, func(c byte) bool { return c >= ' ' && c != '{' }, true},
	{"[[", "]]", func(c byte) bool { return letter(c) || c == '_' || c == ' ' }, func(c byte) bool { return c >= ' ' && c != '[' }, true},
	{"%", "%", upper, func(c byte) bool { return upper(c) || digit(c) || c == '_' || c == '-' }, false},
	{"*|", "|*", upper, func(c byte) bool { return upper(c) || digit(c) || c == '_' || c == ':' }, true},
	{"{!", "}", func(c byte) bool { return letter(c) || c == '$' }, func(c byte) bool { return letter(c) || digit(c) || c == '_' || c == '.' || c == '$' }, true},
	{"${", "}", letter, func(c byte) bool { return c >= ' ' && c != '{' }, true},
	{"{=", "}", letter, func(c byte) bool { return letter(c) || digit(c) || strings.IndexByte("_:.", c) >= 0 }, true},
	{"@{", "}", letter, func(c byte) bool { return c >= ' ' && c != '{' }, true},
}

// Lengths of what stands in a tag, in bytes.
const (
	minTag = 3 // for those with %, where less may be meant as it is
	maxTag = 120
)

func upper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// findTag is the first merge tag in b and its offset; nil for none.
func findTag(b []byte, inURL bool) (tag []byte, at int) {
	if i := bytes.Index(b, []byte(objectObject)); i >= 0 {
		return b[i : i+len(objectObject)], i
	}
	for i := range b {
		switch b[i] {
		case '{', '[', '%', '*', '$', '@':
		default:
			continue
		}
		for k := range tagForms {
			f := &tagForms[k]
			if inURL && !f.inURL || f.open == "%" && i > 0 && (digit(b[i-1]) || b[i-1] == '%') {
				continue
			}
			if tag := f.match(b[i:]); tag != nil {
				return tag, i
			}
		}
	}
	return nil, 0
}

// tagIn is the first merge tag in the texts of a value, wherever they are
// inside it, and the offset of the tag or, where the text is written with
// escapes that hide it, of the text; nil for none.
func tagIn(v jsontext.Value, inURL bool) (tag []byte, at int) {
	for at = 0; at < len(v); at++ {
		if v[at] != '"' {
			continue
		}
		end := at + 1
		for v[end] != '"' {
			if v[end] == '\\' {
				end++
			}
			end++
		}
		text := v[at : end+1]
		if tag, i := findTag(text, inURL); tag != nil {
			return tag, at + i
		}
		if bytes.Contains(text, []byte(`\u`)) {
			if tag, _ := findTag(unquote(text), inURL); tag != nil {
				return tag, at
			}
		}
		at = end
	}
	return nil, 0
}

// objectObject is what JavaScript makes of an object that is joined to a text.
const objectObject = "[object Object]"

// match is the tag of this form that b begins with; nil for none.
func (f *tagForm) match(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte(f.open)) {
		return nil
	}
	start := len(f.open)
	if f.open == "{{" { // {{{name}}}, {{#if}} and {{ name }} are tags as well
		for start < len(b) && start < 4 && strings.IndexByte(" {", b[start]) >= 0 {
			start++
		}
	}
	if start >= len(b) || !f.first(b[start]) {
		return nil
	}
	for i := start; i < len(b) && i-start <= maxTag; i++ {
		switch {
		case bytes.HasPrefix(b[i:], []byte(f.close)):
			if i == start || f.open == "%" && i-start < minTag {
				return nil
			}
			return b[:i+len(f.close)]
		case !f.rest(b[i]):
			return nil
		}
	}
	return nil
}

const bareTagHint = "Choose the field in your tool again, and put double quotes around it."

const tagHint = `Choose the field again in your tool so that it is filled in. If such text is meant, turn on "allow_merge_tags" for this webhook.`

// refuseTags refuses merge tags in the fields that are read.
func (rd *reading) refuseTags() {
	for f := action; f < fieldCount; f++ {
		m := rd.at[f]
		if m == nil || rd.typed[f] {
			continue
		}
		tag, at := tagIn(m.value, f == fileURL)
		if tag == nil {
			continue
		}
		rd.typed[f] = true // what else is wrong with it does not matter
		e := relay.FieldError{Field: rd.name(f), Code: relay.CodeInvalidField, Hint: tagHint,
			Message: fmt.Sprintf("%s holds %s, a merge tag that was not filled in.", rd.called(f), quoteName(string(tag)))}
		if string(tag) == objectObject {
			e.Message, e.Hint = fmt.Sprintf("%s holds %s: an object was put where a text belongs.", rd.called(f), quoteName(objectObject)), "Choose a value inside that object in your tool."
		}
		e.Line, e.Column = rd.cur.src.place(m.valueAt + at)
		rd.fault(f, e)
	}
}

// refuseKeyTag refuses an idempotency key outside the body that is a merge
// tag: it would make one call of all.
func (rd *reading) refuseKeyTag() bool {
	tag, _ := findTag([]byte(rd.call.Key), false)
	if tag == nil || rd.keyName == "" {
		return false
	}
	rd.fault(idempotencyKey, relay.FieldError{Field: rd.keyName, Code: relay.CodeInvalidIdempotencyKey, Hint: tagHint,
		Message: fmt.Sprintf("%s holds %s, a merge tag that was not filled in.", quoteName(rd.keyName), quoteName(string(tag)))})
	rd.call.Key = ""
	return true
}

// IsMergeTag reports whether a refusal is for a merge tag that was not filled
// in.
func IsMergeTag(e *relay.Error) bool {
	return slices.ContainsFunc(e.Fields, func(f relay.FieldError) bool { return f.Hint == tagHint || f.Hint == bareTagHint })
}

// oneBreak makes \n of every line break.
func oneBreak(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
