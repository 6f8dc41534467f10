package hook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// maxDepth bounds nesting. The deepest field that is read, a template's
// variables, is at 3; what is ignored may be somewhat deeper.
const maxDepth = 32

// document is a body that was understood as one JSON object, cut into its
// members.
type document struct {
	body    []byte // JSON, mended where that was needed
	src     source // what the sender wrote
	text    []byte // all that came, as text
	placed  bool   // its fields are from the address
	members []member
	told    []string // what was mended or unpacked, one sentence each
	names   map[string]field
	dec     *jsontext.Decoder
	buf     bytes.Buffer
	// for the fingerprint
	sorted    []*member
	canonical []byte
}

// member is one name and value of an object. Offsets count bytes of the body.
type member struct {
	name    []byte // as decoded
	nameAt  int
	value   jsontext.Value // as written
	valueAt int
	id      field
}

func (d *document) tell(sentence string) { d.told = append(d.told, sentence) }

// decode makes a document of whatever bytes arrived.
func (d *document) decode(body []byte, in *Input) *relay.Error {
	if len(body) > MaxBody {
		return relay.Refusef(relay.CodeBodyTooLarge, "The body has %d bytes; at most %d are read. Send files by their URL.", len(body), MaxBody)
	}
	text, refused := d.toText(body, in)
	if refused != nil {
		return refused
	}
	d.text = text
	return d.understand(text, in, 0)
}

// identify finds out which members are fields of a call.
func (d *document) identify(scratch []byte) {
	for i := range d.members {
		m := &d.members[i]
		m.id = d.names[string(normal(scratch, m.name))]
	}
}

// json is the members as one JSON object.
func (d *document) json() []byte {
	b := []byte{'{'}
	for i, m := range d.members {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, m.name) // an error is bad UTF-8, and there is none
		b = append(append(b, ':'), m.value...)
	}
	return append(b, '}')
}

// maxWraps is how many wrappers around a call are taken off.
const maxWraps = 3

// understand reads a text as JSON, or as what carries JSON or a form.
func (d *document) understand(text []byte, in *Input, wraps int) *relay.Error {
	d.body, d.src, d.members = text, source{text: text}, d.members[:0]
	if trimmed := bytes.TrimLeftFunc(text, oddSpaces); len(trimmed) < len(text) && !in.Strict {
		d.tell("Mended: " + oddSpace.String() + ".")
		text = trimmed
		d.body, d.src = text, source{text: text}
	}
	start := space(text, 0)
	if bytes.HasPrefix(text[start:], codeFence) && !in.Strict {
		text = d.withoutFence(text, start)
		start = space(text, 0)
	}
	if start == len(text) {
		return d.understandNothing(in)
	}
	switch c := text[start]; {
	case htmlQuote.Match(text[start:]):
		return d.refuseKind(start)
	case c == '{' || c == '[' || c == '"':
		return d.understandJSON(in, wraps)
	case bytes.HasPrefix(text[start:], []byte("--")):
		return d.understandMultipart(text[start:], in, wraps)
	case formData.Match(text[start:]) || wholeForm(text[start:], in.ContentType):
		return d.understandForm(text[start:], in, wraps)
	}
	return d.refuseKind(start)
}

// oddSpaces are those that look like spaces, and are none in JSON.
func oddSpaces(r rune) bool {
	return r >= utf8.RuneSelf && unicode.In(r, unicode.White_Space, unicode.Cf)
}

// codeFence is what chats and language models put around JSON.
var codeFence = []byte("```")

// withoutFence is a text with spaces where the fence was, so that every place
// stays where it is.
func (d *document) withoutFence(text []byte, start int) []byte {
	text = bytes.Clone(text)
	end := start + max(bytes.IndexByte(text[start:], '\n'), len(codeFence))
	for i := start; i < end; i++ {
		text[i] = ' '
	}
	// One that is not at the end is part of a text.
	if rest := bytes.TrimRight(text, " \t\r\n"); bytes.HasSuffix(rest, codeFence) {
		copy(rest[len(rest)-len(codeFence):], "   ")
	}
	d.body, d.src = text, source{text: text}
	d.tell("Mended: the marks of a block of code around the JSON were left out.")
	return text
}

// understandJSON reads strictly, by RFC 7493: UTF-8, no name twice in one
// object, one document. Only what fails is mended and read once more.
func (d *document) understandJSON(in *Input, wraps int) *relay.Error {
	err := d.parse()
	if err != nil && !in.Strict && !errors.Is(err, jsontext.ErrDuplicateName) {
		w := walk{b: d.body, leave: true}
		w.document()
		if w.fault != nil {
			return d.refuseAt(relay.CodeInvalidJSON, w.fault.at, w.fault.message, w.fault.hint)
		}
		if len(w.repairs) > 0 {
			d.body, d.src.edits = w.mended()
			d.told = append(d.told, w.told()...)
			err = d.parse()
		}
	}
	if err != nil {
		return d.refuse(err)
	}
	return d.unwrap(in, wraps)
}

// parse cuts the body into members: those of the object that it is, or of the
// only object in the array that it is.
func (d *document) parse() error {
	d.members = d.members[:0]
	d.buf = *bytes.NewBuffer(d.body)
	if d.dec == nil {
		d.dec = jsontext.NewDecoder(&d.buf)
	} else {
		d.dec.Reset(&d.buf)
	}
	var err error
	if d.dec.PeekKind() == jsontext.KindBeginObject {
		err = d.object(d.dec, 0, d.add)
	} else {
		_, _, err = d.value(d.dec, 0)
	}
	if err != nil {
		return err
	}
	switch _, err = d.dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errMore
	}
	return err
}

// errMore is what comes after the end of a document.
var errMore = errors.New("more than one document")

func (d *document) add(m member) { d.members = append(d.members, m) }

// object reads the members of one object, the next value of dec. base is the
// offset in the body at which dec began.
func (d *document) object(dec *jsontext.Decoder, base int, each func(member)) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == jsontext.KindString {
		var m member
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		m.nameAt = base + int(dec.InputOffset()) - len(raw)
		m.name = unquote(d.body[m.nameAt:][:len(raw)])
		if m.value, m.valueAt, err = d.value(dec, base); err != nil {
			return err
		}
		each(m)
	}
	_, err := dec.ReadToken() // the closing brace, or what is wrong instead
	return err
}

// value reads the next value of dec, as a part of the body, with its offset.
func (d *document) value(dec *jsontext.Decoder, base int) (jsontext.Value, int, error) {
	if k := dec.PeekKind(); k == jsontext.KindBeginObject || k == jsontext.KindBeginArray {
		at := base + int(dec.InputOffset())
		if deepest, where := depth(d.body[at:]); deepest >= maxDepth {
			return nil, 0, &depthError{at + where}
		}
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, 0, err
	}
	at := base + int(dec.InputOffset()) - len(raw)
	return jsontext.Value(d.body[at:][:len(raw)]), at, nil
}

// depthError is nesting beyond maxDepth.
type depthError struct{ at int }

func (*depthError) Error() string { return "nested too deeply" }

// depth looks how deep the first object or array in b is nested, and where it
// is deepest. It stops at maxDepth.
func depth(b []byte) (deepest, at int) {
	now, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if now++; now > deepest {
				deepest, at = now, i
			}
			if now >= maxDepth {
				return deepest, at
			}
		case c == '}' || c == ']':
			if now--; now == 0 {
				return deepest, at
			}
		}
	}
	return deepest, at
}

// unquote decodes a JSON string that is known to be valid.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	if err != nil { // cannot happen: the decoder has read it
		return raw[1 : len(raw)-1]
	}
	return s
}

const exampleCall = `{"action":"send","phone":"+14151231234","text":"Hello"}`

// understandNothing is for a call without a body. Some tools put the fields
// into the address; most just try whether anybody is there.
func (d *document) understandNothing(in *Input) *relay.Error {
	if values, err := url.ParseQuery(in.Query); err == nil {
		for name := range values {
			if f := d.names[string(normal(nil, []byte(name)))]; f != unknown && f != idempotencyKey {
				d.tell("The fields were taken from the address, where proxies may log them; the body is a better place.")
				return d.understandForm([]byte(in.Query), in, maxWraps)
			}
		}
	}
	return refuseBody(relay.CodeInvalidJSON, "The body is empty: the webhook was reached, but there is nothing to send.",
		"If this was a test of the connection, it has worked. To send, POST one JSON object, such as "+exampleCall+".")
}

// refuseKind says what a text is that is no call in any form.
func (d *document) refuseKind(start int) *relay.Error {
	const example = "Send one JSON object, such as " + exampleCall + "."
	what := ""
	rest := d.body[start:]
	switch c := rest[0]; {
	case c == '-' || '0' <= c && c <= '9':
		what = "a number"
	case literal(rest, "true"), literal(rest, "false"):
		what = "a boolean"
	case literal(rest, "null"):
		what = "null"
	case c == '<':
		return refuseBody(relay.CodeInvalidJSON, "The body is HTML or XML, not JSON.", "Choose JSON as the format in your tool. "+example)
	case htmlQuote.Match(rest):
		return refuseEscaped()
	case c == 0:
		return refuseBody(relay.CodeInvalidEncoding, "The body starts with a NUL character.", "Send it as UTF-8 text.")
	default:
		return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The body is not JSON: it starts with %s.", quoteWord(rest)), example)
	}
	return refuseBody(relay.CodeInvalidJSON, "The body is "+what+", not an object.", example)
}

// htmlQuote is how JSON looks after it went through an HTML editor.
var htmlQuote = regexp.MustCompile(`^(\{?\s*&(quot|#34|#x22|ldquo);|&(lbrace|lcub|#123);)`)

func refuseEscaped() *relay.Error {
	return refuseBody(relay.CodeInvalidJSON, "The body is HTML-escaped: it has &quot; where double quotes belong.", "Send it as plain text, without HTML escaping.")
}

func literal(b []byte, want string) bool {
	return bytes.HasPrefix(b, []byte(want)) && (len(b) == len(want) || !wordByte(b[len(want)]))
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
