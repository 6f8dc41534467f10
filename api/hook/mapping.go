package hook

import (
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

// mapper is the work of one mapping on one document.
type mapper struct {
	rd    *reading
	whole branch
	// left is how many bytes it may still make: a call has no more than
	// MaxBody, and a long value can be put in many times. Below 0 it made too
	// many, which has been said.
	left int
}

// applyMapping makes a call of the document, and goes on with that.
func (rd *reading) applyMapping(mapping *relay.Mapping) {
	m := mapper{rd: rd, whole: branch{value: rd.doc.json()}, left: MaxBody}
	f := &form{}
	put := func(name string, v []byte) { _ = f.add(bracketed(name), string(v)) } // names were checked when the mapping was made
	for _, name := range slices.SortedFunc(maps.Keys(mapping.Fields), inOrder) {
		if m.left < 0 {
			m.given(name)
			continue
		}
		v, sure := m.value(name, mapping.Fields[name])
		switch {
		case v == nil && valueOfTemplate(name): // left out, the next value would take its place
			put(name, nil)
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

// inOrder compares names of a mapping so that template.variables.10 comes
// after template.variables.9: a form's list is in order.
func inOrder(a, b string) int {
	i, j := strings.LastIndexByte(a, '.'), strings.LastIndexByte(b, '.')
	n, errA := strconv.Atoi(a[i+1:])
	k, errB := strconv.Atoi(b[j+1:])
	if errA == nil && errB == nil && a[:i+1] == b[:j+1] {
		return n - k
	}
	return strings.Compare(a, b)
}

// valueOfTemplate reports whether a name in a mapping is that of a variable or
// button.
func valueOfTemplate(name string) bool { return strings.Count(name, ".") > 1 }

// bracketed writes template.variables.0 as forms do.
func bracketed(name string) string {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return name
	}
	return first + "[" + strings.ReplaceAll(rest, ".", "][") + "]"
}

// value is what a mapping makes of one field, nil for nothing. sure is false
// where a placeholder found nothing.
func (m *mapper) value(name string, from relay.MappedField) (text []byte, sure bool) {
	if from.Path == "" {
		return m.expand(name, from.Value)
	}
	if found := m.whole.firstOf(from.Path); found != nil {
		if found.plain {
			return m.add(name, []byte{}, found.single), true
		}
		m.refuse(name, relay.FieldError{Code: relay.CodeInvalidField,
			Message: fmt.Sprintf("The mapping takes %s from %s, where there is %s, not one value.", quoteName(name), quoteName(from.Path), kindOf(found.value)),
			Hint:    "Choose a path that leads to one value inside it."})
		return nil, false
	}
	if from.Default != "" {
		return m.expand(name, from.Default)
	}
	m.rd.warn("The mapping found nothing at %s for %s.", quoteName(from.Path), quoteName(name))
	return nil, false
}

// given marks a field as there, with something wrong that has been said, and
// returns it.
func (m *mapper) given(name string) field {
	first, _, _ := strings.Cut(name, ".")
	f := m.rd.doc.names[string(normal(nil, []byte(first)))]
	if f != unknown {
		m.rd.call.given[f], m.rd.typed[f] = true, true
	}
	return f
}

func (m *mapper) refuse(name string, e relay.FieldError) {
	if f := m.given(name); f != unknown {
		e.Field = name
		m.rd.fault(f, e)
	}
}

// add appends to what is made of one field; nil where that is too much.
func (m *mapper) add(name string, b []byte, s string) []byte {
	if m.left -= len(s); m.left >= 0 {
		return append(b, s...)
	}
	e := relay.FieldError{Code: relay.CodeInvalidField, Hint: "Take fewer or shorter values into it.",
		Message: fmt.Sprintf("With %s the mapping makes more than %d bytes of what came.", quoteName(name), MaxBody)}
	if name == text.canonical() {
		e.Code = relay.CodeTextTooLong
	}
	m.refuse(name, e)
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
func (m *mapper) expand(name, text string) (b []byte, sure bool) {
	b, sure = []byte{}, true
	for rest := text; rest != "" && b != nil; {
		lit, path, fallback, after, _ := nextPlaceholder(rest)
		rest = after
		s, ok := "", false
		if found := m.whole.firstOf(path); found != nil {
			s, ok = found.single, found.plain
		}
		if path != "" && !ok {
			if s = fallback; s == "" {
				m.rd.warn("The mapping found no value at %s for %s.", quoteName(path), quoteName(name))
				sure = false
			}
		}
		b = m.add(name, b, string(lit)+s)
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
