package hook

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// saysSend reports whether the document is a call by itself. A mapping leaves
// such a one alone: several tools may use one webhook.
func (rd *reading) saysSend() bool {
	for _, m := range rd.doc.members {
		if m.id == action {
			v, _ := stringOf(m.value)
			return strings.EqualFold(strings.TrimSpace(v), "send")
		}
	}
	return false
}

// applyMapping makes a call of the document, and goes on with that.
func (rd *reading) applyMapping(mapping *relay.Mapping) {
	whole := jsontext.Value(rd.doc.json())
	f := &form{}
	put := func(name string, v []byte) { _ = f.add(bracketed(name), string(v)) } // names were checked when the mapping was made
	for _, name := range slices.Sorted(maps.Keys(mapping.Fields)) {
		v, sure := rd.mappedValue(whole, name, mapping.Fields[name])
		switch {
		case v == nil:
		case !sure && name == idempotencyKey.canonical():
			rd.warn("%s was left out: with a part missing it would be the key of many calls.", quoteName(name))
		default:
			put(name, v)
		}
	}
	if _, ok := mapping.Fields[action.canonical()]; !ok {
		put(action.canonical(), []byte("send"))
	}
	rd.cur, rd.mapping = &rd.mapped, mapping
	rd.mapped.body = f.root.appendTo(nil, false)
	rd.mapped.src = source{text: rd.mapped.body, placeless: true}
	_ = rd.mapped.parse() // it has just been written
	rd.mapped.identify(rd.scratch[:0])
}

// bracketed writes template.variables.0 as forms do.
func bracketed(name string) string {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return name
	}
	return first + "[" + strings.ReplaceAll(rest, ".", "][") + "]"
}

// mappedValue is what a mapping makes of one field, nil for nothing. sure is
// false where a placeholder found nothing.
func (rd *reading) mappedValue(whole jsontext.Value, name string, from relay.MappedField) (text []byte, sure bool) {
	if from.Path == "" {
		return rd.expand(whole, name, from.Value)
	}
	if v := firstOf(whole, from.Path); v != nil {
		if s, ok := plain(v); ok {
			return []byte(s), true
		}
		first, _, _ := strings.Cut(name, ".")
		if f := rd.doc.names[string(normal(nil, []byte(first)))]; f != unknown {
			rd.call.given[f], rd.typed[f] = true, true // so that nobody says that it is missing
			rd.fault(f, relay.FieldError{Field: name, Code: relay.CodeInvalidField,
				Message: fmt.Sprintf("The mapping takes %s from %s, where there is %s, not one value.", quoteName(name), quoteName(from.Path), kindOf(v)),
				Hint:    "Choose a path that leads to one value inside it."})
		}
		return nil, false
	}
	if from.Default != "" {
		return rd.expand(whole, name, from.Default)
	}
	rd.warn("The mapping found nothing at %s for %s.", quoteName(from.Path), quoteName(name))
	return nil, false
}

// firstOf is the value at the first of several paths, with commas between
// them, where there is one; nil for none.
func firstOf(whole jsontext.Value, paths string) jsontext.Value {
	for path := range strings.SplitSeq(paths, ",") {
		if v, found := lookUp(whole, dotted(path)); found && !absent(v) && !nothing(v) {
			return v
		}
	}
	return nil
}

// plain is a single value as a person would write it.
func plain(v jsontext.Value) (string, bool) {
	switch v.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		return string(v), true
	case jsontext.KindBeginObject, jsontext.KindBeginArray:
		if v = single(v); v == nil {
			return "", false
		}
	}
	return stringOf(v)
}

// expand fills the placeholders of a text. sure is false where one found
// nothing and has no words for that.
func (rd *reading) expand(whole jsontext.Value, name, text string) (b []byte, sure bool) {
	b, sure = []byte{}, true
	for rest := text; rest != ""; {
		lit, path, fallback, after, _ := nextPlaceholder(rest)
		b = append(b, lit...)
		rest = after
		if path == "" {
			continue
		}
		s, found := "", false
		if v := firstOf(whole, path); v != nil {
			s, found = plain(v)
		}
		if !found {
			if s = fallback; s == "" {
				rd.warn("The mapping found no value at %s for %s.", quoteName(path), quoteName(name))
				sure = false
			}
		}
		b = append(b, s...)
	}
	return b, sure
}

// nextPlaceholder cuts the next {path} or {path|fallback} out of a text; {{
// and }} stand for braces. ok is false where a brace has no partner.
func nextPlaceholder(s string) (lit []byte, path, fallback, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case (s[i] == '{' || s[i] == '}') && i+1 < len(s) && s[i+1] == s[i]:
			lit = append(lit, s[i])
			i++
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return append(lit, s[i:]...), "", "", "", false
			}
			path, fallback, _ = strings.Cut(s[i+1:i+end], "|")
			path = strings.TrimSpace(path)
			return lit, path, fallback, s[i+end+1:], path != ""
		case s[i] == '}':
			return append(lit, s[i:]...), "", "", "", false
		default:
			lit = append(lit, s[i])
		}
	}
	return lit, "", "", "", true
}

// dotted writes a path with brackets, as some tools show it, with dots.
func dotted(path string) string {
	path = strings.TrimPrefix(strings.TrimSpace(path), "$.")
	if strings.IndexByte(path, '[') < 0 {
		return path
	}
	path = strings.NewReplacer("][", ".", "].", ".", "[", ".", "]", "", `"`, "", "'", "").Replace(path)
	return strings.TrimPrefix(path, ".")
}

// lookUp follows a path. A name that has dots itself is found too; case only
// counts where two names differ in nothing else.
func lookUp(v jsontext.Value, path string) (jsontext.Value, bool) {
	switch {
	case path == "":
		return v, true
	case v.Kind() == jsontext.KindBeginArray:
		head, rest, _ := strings.Cut(path, ".")
		n, err := strconv.Atoi(head)
		if err != nil || n < 0 {
			return nil, false
		}
		for i, e := range elements(v) {
			if i == n {
				return lookUp(e, rest)
			}
		}
		return nil, false
	case v.Kind() != jsontext.KindBeginObject:
		return nil, false
	}
	members := membersOf(v)
	for _, same := range [...]func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, m := range members {
			n := len(m.name)
			if n > len(path) || n < len(path) && path[n] != '.' || !same(string(m.name), path[:n]) {
				continue
			}
			if found, ok := lookUp(m.value, strings.TrimPrefix(path[n:], ".")); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// membersOf cuts an object that is known to be valid.
func membersOf(v jsontext.Value) []member {
	d := document{body: v}
	_ = d.object(jsontext.NewDecoder(bytes.NewBuffer(v)), 0, d.add)
	return d.members
}

// elements cuts an array that is known to be valid.
func elements(v jsontext.Value) (all []jsontext.Value) {
	d := document{body: v}
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
	_, _ = dec.ReadToken()
	for dec.PeekKind() != jsontext.KindEndArray {
		e, _, err := d.value(dec, 0)
		if err != nil {
			return all
		}
		all = append(all, e)
	}
	return all
}

// mappedHint adds to a hint where a mapping took the field from.
func (rd *reading) mappedHint(f field, hint string) string {
	if rd.cur != &rd.mapped {
		return hint
	}
	from, ok := rd.mapping.Fields[f.canonical()]
	switch {
	case !ok:
		return hint
	case from.Path != "":
		return strings.TrimSpace(fmt.Sprintf("%s The webhook's mapping takes it from %s.", hint, quoteName(from.Path)))
	}
	return strings.TrimSpace(hint + " It comes from the webhook's mapping.")
}

// emptyHint says where a mapping looked in vain for one of some fields; the
// hint is for calls without a mapping.
func (rd *reading) emptyHint(hint string, fields ...field) string {
	if rd.cur != &rd.mapped {
		return hint
	}
	for _, f := range fields {
		if from, ok := rd.mapping.Fields[f.canonical()]; ok {
			return fmt.Sprintf("The webhook's mapping takes %s from %s, where there is nothing in what came.", quoteName(f.canonical()), quoteName(cmp.Or(from.Path, from.Value)))
		}
	}
	return hint
}

// Leaf is one value of a document and the path that leads to it.
type Leaf struct {
	Path string `json:"path"`
	// Value is the beginning of it, at most 100 characters.
	Value string `json:"value"`
}

// maxLeaves bounds what Leaves tells, and maxLeaf the length of a value.
const (
	maxLeaves = 200
	maxLeaf   = 100
)

// Leaves are the values of a JSON object, in its order, for people who choose
// paths from what was received. At most 200.
func Leaves(document []byte) []Leaf {
	all := []Leaf{}
	var walk func(path string, v jsontext.Value)
	step := func(path, name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	walk = func(path string, v jsontext.Value) {
		switch {
		case len(all) == maxLeaves:
		case v.Kind() == jsontext.KindBeginObject:
			for _, m := range membersOf(v) {
				walk(step(path, string(m.name)), m.value)
			}
		case v.Kind() == jsontext.KindBeginArray:
			for i, e := range elements(v) {
				walk(step(path, strconv.Itoa(i)), e)
			}
		default:
			s, ok := plain(v)
			if !ok {
				s = "null"
			}
			if r := []rune(s); len(r) > maxLeaf {
				s = string(r[:maxLeaf-1]) + "…"
			}
			all = append(all, Leaf{Path: path, Value: s})
		}
	}
	if v := jsontext.Value(document); v.IsValid() {
		walk("", v)
	}
	return all
}

// Limits of a mapping.
const (
	maxMapped     = 40
	maxMappedText = 4096
)

// CheckMapping refuses a mapping that can make no call, with a *relay.Error.
func CheckMapping(m relay.Mapping) error {
	refuse := func(name, message, hint string) error {
		return relay.RefuseField(relay.CodeInvalidField, "mapping.fields."+name, message, hint)
	}
	if len(m.Fields) > maxMapped {
		return relay.RefuseField(relay.CodeInvalidField, "mapping.fields", fmt.Sprintf("A mapping has at most %d fields.", maxMapped), "")
	}
	known := fieldNames()
	has := map[field]bool{}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		from := m.Fields[name]
		f := mappable(known, name)
		switch {
		case f == unknown:
			return refuse(name, fmt.Sprintf("There is no field %s.", quoteName(name)), "The fields are those of a call, such as phone, text and file_url, and template.name, template.language, template.variables.0.")
		case (from.Path == "") == (from.Value == ""):
			return refuse(name, fmt.Sprintf("%s needs either a path or a value.", quoteName(name)), `For example {"path": "contact.phone"} or {"value": "Hello {contact.name}"}.`)
		case len(from.Path) > maxMappedText || len(from.Value) > maxMappedText || len(from.Default) > maxMappedText:
			return refuse(name, fmt.Sprintf("What %s is made from is longer than %d bytes.", quoteName(name), maxMappedText), "")
		case !balanced(from.Value) || !balanced(from.Default):
			return refuse(name, fmt.Sprintf("A brace in the text of %s has no partner, or nothing between.", quoteName(name)), "Write a placeholder as {path}, and a brace that is meant as {{ or }}.")
		}
		has[f] = true
	}
	switch {
	case !has[text] && !has[fileURL] && !has[template]:
		return refuse(text.canonical(), "The mapping says nothing of what to send.", `Map "text", "file_url" or "template.name".`)
	case !has[phone] && !has[chatID] && !has[jid] && !has[chatName]:
		return refuse(phone.canonical(), "The mapping says nothing of whom to send to.", `Map "phone", "chat_id", "jid" or "chat_name".`)
	}
	return nil
}

// mappable is the field that a name in a mapping stands for.
func mappable(known map[string]field, name string) field {
	first, rest, nested := strings.Cut(name, ".")
	f := known[string(normal(nil, []byte(first)))]
	if f.canonical() != first || nested != (f == template) {
		return unknown
	}
	if !nested || rest == "name" || rest == "language" {
		return f
	}
	index, ok := strings.CutPrefix(rest, "variables.")
	if n, err := strconv.Atoi(index); !ok || err != nil || n < 0 || n >= maxMapped || strconv.Itoa(n) != index {
		return unknown
	}
	return f
}

func balanced(s string) bool {
	for s != "" {
		var ok bool
		if _, _, _, s, ok = nextPlaceholder(s); !ok {
			return false
		}
	}
	return true
}
