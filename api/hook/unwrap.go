package hook

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// unwrap takes off what tools put around a call: an array of one, a string
// that holds JSON, an object under one name.
func (d *document) unwrap(in *Input, wraps int) *relay.Error {
	top := jsontext.Value(d.body[space(d.body, 0):])
	switch top.Kind() {
	case jsontext.KindString:
		text := unquote(bytes.TrimRight(top, " \t\r\n"))
		if wraps >= maxWraps || !looksLikeJSON(text) {
			return refuseBody(relay.CodeInvalidJSON, "The body is a string, not an object.", "Send one JSON object, such as "+exampleCall+".")
		}
		d.tell("The body was JSON inside a JSON string; it was unpacked.")
		return d.understand(text, in, wraps+1)
	case jsontext.KindBeginArray:
		return d.unwrapArray(in)
	}
	if wraps >= maxWraps {
		return nil
	}
	return d.unwrapMember(in, wraps)
}

func looksLikeJSON(b []byte) bool {
	at := space(b, 0)
	return at < len(b) && (b[at] == '{' || b[at] == '[' || b[at] == '"')
}

// unwrapArray takes the only object out of an array.
func (d *document) unwrapArray(in *Input) *relay.Error {
	start := space(d.body, 0)
	dec := jsontext.NewDecoder(bytes.NewBuffer(d.body[start:]))
	_, _ = dec.ReadToken() // it has been read once, so that no error can come here
	count := 0
	var only member
	for dec.PeekKind() != jsontext.KindEndArray {
		value, at, err := d.value(dec, start)
		if err != nil {
			return d.refuse(err)
		}
		only = member{value: value, valueAt: at}
		count++
	}
	if count != 1 || only.value.Kind() != jsontext.KindBeginObject {
		what := fmt.Sprintf("an array of %d values", count)
		switch count {
		case 0:
			what = "an empty array"
		case 1:
			what = "an array of " + kindOf(only.value)
		}
		return refuseBody(relay.CodeInvalidJSON, "The body is "+what+", not an object.", "Send one object in one call, such as "+exampleCall+".")
	}
	d.tell("The body was an array of one object; that object was taken.")
	d.descend(only)
	return d.unwrapMember(in, maxWraps-1)
}

// descend goes on with the members of an object inside.
func (d *document) descend(m member) {
	d.members = d.members[:0]
	// The document has been read once, so that no error can come here.
	_ = d.object(jsontext.NewDecoder(bytes.NewBuffer(m.value)), m.valueAt, d.add)
}

// wrappers are the names under which tools put what they were given. The last
// is Power Automate's, for what it takes for bytes.
var wrappers = map[string]bool{"body": true, "data": true, "payload": true, "json": true, "$content": true}

// unwrapMember takes the call out of an object that is none itself.
func (d *document) unwrapMember(in *Input, wraps int) *relay.Error {
	var wrapper *member
	best := holdsNone
	for i := range d.members {
		m := &d.members[i]
		name := normal(nil, m.name)
		if d.names[string(name)] != unknown && !absent(m.value) {
			return nil
		}
		if !wrappers[string(name)] {
			continue
		}
		holds := d.holds(m)
		if best == holdsCall && holds == holdsCall {
			return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The body holds two calls, under %s and %s.", quoteName(string(wrapper.name)), quoteName(string(m.name))), "Send one object in one call.")
		}
		if best == holdsNone || holds > best {
			wrapper, best = m, holds
		}
	}
	if wrapper == nil {
		return nil
	}
	m := *wrapper
	told := fmt.Sprintf("The fields were taken from %s", quoteName(string(m.name)))
	if len(d.members) > 1 {
		told += "; what stands beside it was ignored"
	}
	switch m.value.Kind() {
	case jsontext.KindString:
		text := m.content()
		if !looksLikeJSON(text) || in.Mapping != nil && !d.isCall(text) {
			return nil
		}
		d.tell(told + ".")
		return d.understand(bytes.Clone(text), in, wraps+1)
	case jsontext.KindBeginArray, jsontext.KindBeginObject:
		inner := document{body: d.body, src: d.src, names: d.names}
		if m.value.Kind() == jsontext.KindBeginArray && !inner.only(&m) {
			return nil
		}
		inner.descend(m)
		if !inner.known(in.Mapping != nil) {
			return nil
		}
		d.tell(told + ".")
		d.descend(m)
		return d.unwrapMember(in, min(wraps+1, maxWraps))
	}
	return nil
}

// challenge is what monday.com sends when a webhook is made there, and some
// others do: {"challenge":"…"}, to be sent back.
// https://developer.monday.com/api-reference/reference/webhooks
func (d *document) challenge() string {
	if len(d.members) != 1 || string(d.members[0].name) != "challenge" || d.members[0].value.Kind() != jsontext.KindString {
		return ""
	}
	if s := string(unquote(d.members[0].value)); len(s) <= maxKey && printableASCII(s) {
		return s
	}
	return ""
}

// ping is what WooCommerce sends when a webhook is saved: webhook_id alone, as
// a form. Another answer than 2xx is shown as an error there.
func (d *document) ping() bool {
	return len(d.members) == 1 && string(d.members[0].name) == "webhook_id" && d.src.placeless
}

// fromQuery takes the fields from the address where a tool sends a body of its
// own and they are there: with action=send, so that nothing else is meant.
func (d *document) fromQuery(in *Input, read bool) {
	if !strings.Contains(in.Query, "send") || read && d.known(true) {
		return
	}
	values, err := url.ParseQuery(in.Query)
	if err != nil {
		return
	}
	says := false
	for name, all := range values {
		says = says || d.names[string(normal(nil, []byte(name)))] == action && strings.EqualFold(strings.TrimSpace(all[0]), "send")
	}
	if !says {
		return
	}
	d.told = append(d.told[:0], "The fields were taken from the address, where proxies may log them; what the body holds was ignored.")
	d.placed = d.understandForm([]byte(in.Query), in, maxWraps) == nil
}

// only changes m, an array, to its only object; false where it has none.
func (d *document) only(m *member) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.value))
	_, _ = dec.ReadToken()
	value, at, err := d.value(dec, m.valueAt)
	if err != nil || value.Kind() != jsontext.KindBeginObject || dec.PeekKind() != jsontext.KindEndArray {
		return false
	}
	m.value, m.valueAt = value, at
	return true
}

// known reports whether some member is a field of a call; whole asks for its
// action.
func (d *document) known(whole bool) bool {
	for _, m := range d.members {
		f := d.names[string(normal(nil, m.name))]
		if f == action || !whole && f != unknown {
			return true
		}
	}
	return false
}

// What a member may hold: nothing of a call, some of its fields, or its action.
const (
	holdsNone = iota
	holdsFields
	holdsCall
)

// holds says what a member holds of a call.
func (d *document) holds(m *member) int {
	inner := document{body: d.body, names: d.names}
	switch m.value.Kind() {
	case jsontext.KindBeginObject:
		inner.descend(*m)
	case jsontext.KindBeginArray:
		most := holdsNone
		for _, e := range elements(m.value) {
			if e.Kind() == jsontext.KindBeginObject {
				inner.members = membersOf(e)
				most = max(most, inner.most())
			}
		}
		return most
	case jsontext.KindString:
		inner.body = bytes.Clone(m.content())
		if !looksLikeJSON(inner.body) || inner.parse() != nil && !inner.mends() {
			return holdsNone
		}
	}
	return inner.most()
}

func (d *document) most() int {
	switch {
	case d.known(true):
		return holdsCall
	case d.known(false):
		return holdsFields
	}
	return holdsNone
}

// content is the text that a member holds as a string.
func (m *member) content() []byte {
	text := unquote(m.value)
	if string(m.name) == "$content" {
		text, _ = base64.StdEncoding.AppendDecode(nil, text) // what is no base64 is no JSON either
	}
	return text
}

// mends reports whether the body can be read once it is mended, and reads it.
func (d *document) mends() bool {
	w := walk{b: d.body, leave: true}
	if !w.document() {
		return false
	}
	d.body, _ = w.mended()
	return d.parse() == nil
}

// isCall reports whether a text is a call by itself.
func (d *document) isCall(text []byte) bool {
	inner := document{body: text, names: d.names}
	return inner.parse() == nil && inner.known(true)
}
