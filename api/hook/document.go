package hook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// maxDepth bounds nesting. The deepest field that is read, a template's
// variables, is at 3; what is ignored may be somewhat deeper.
const maxDepth = 32

// document is a body that is one JSON object, cut into its members.
type document struct {
	body    []byte // without a byte order mark
	members []member
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

// decode reads a body strictly, by RFC 7493: UTF-8, no name twice in one
// object, one document.
func (d *document) decode(body []byte) *relay.Error {
	if len(body) > MaxBody {
		return relay.Refusef(relay.CodeBodyTooLarge, "The body has %d bytes; at most %d are read. Send files by their URL.", len(body), MaxBody)
	}
	d.body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if refused := d.recognise(); refused != nil {
		return refused
	}
	d.buf = *bytes.NewBuffer(d.body)
	if d.dec == nil {
		d.dec = jsontext.NewDecoder(&d.buf)
	} else {
		d.dec.Reset(&d.buf)
	}
	err := d.object(d.dec, 0, func(m member) { d.members = append(d.members, m) })
	if err == nil {
		if _, err = d.dec.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return d.refuse(err)
}

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

// formData is how a form begins: a name, as forms encode it, and =.
var formData = regexp.MustCompile(`^[A-Za-z0-9_.~*%+\[\]-]+=`)

// recognise refuses in words what is not a JSON object at first sight.
func (d *document) recognise() *relay.Error {
	const example = `Send one JSON object, such as {"action":"send","phone":"+14151231234","text":"Hello"}.`
	start := space(d.body, 0)
	if at := invalidUTF8(d.body); at >= 0 {
		return d.refuseEncoding(at)
	}
	if start == len(d.body) {
		return refuseBody(relay.CodeInvalidJSON, "The body is empty.", example)
	}
	what := ""
	switch c := d.body[start]; {
	case c == '{' && (len(d.body) == start+1 || d.body[start+1] != 0):
		return nil
	case c == 0 || c == '{':
		return refuseBody(relay.CodeInvalidEncoding, "The body looks like UTF-16.", "Send it as UTF-8.")
	case bytes.HasPrefix(d.body[start:], []byte("--")):
		return refuseBody(relay.CodeInvalidJSON, "The body looks like multipart form data, not JSON.", example)
	case formData.Match(d.body[start:]):
		return refuseBody(relay.CodeInvalidJSON, "The body is form data, not JSON.", example)
	case c == '[':
		what = "an array"
	case c == '"':
		what = "a string"
	case c == '-' || '0' <= c && c <= '9':
		what = "a number"
	case literal(d.body[start:], "true"), literal(d.body[start:], "false"):
		what = "a boolean"
	case literal(d.body[start:], "null"):
		what = "null"
	case c == '<':
		what = "HTML or XML"
	default:
		return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The body is not JSON: it starts with %s.", quoteWord(d.body[start:])), example)
	}
	return refuseBody(relay.CodeInvalidJSON, "The body is "+what+", not an object.", example)
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

func (d *document) refuseEncoding(at int) *relay.Error {
	if at == 0 && len(d.body) > 1 && (d.body[0] == 0xff && d.body[1] == 0xfe || d.body[0] == 0xfe && d.body[1] == 0xff) {
		return refuseBody(relay.CodeInvalidEncoding, "The body is in UTF-16.", "Send it as UTF-8.")
	}
	if bytes.HasPrefix(d.body, []byte("\x1f\x8b")) { // gzip, RFC 1952 section 2.3.1
		return refuseBody(relay.CodeInvalidEncoding, "The body is compressed.", "Send it uncompressed.")
	}
	return d.refuseAt(relay.CodeInvalidEncoding, at, fmt.Sprintf("the byte 0x%02X is not UTF-8.", d.body[at]),
		"Save or send the body as UTF-8; an older encoding such as Windows-1252 cannot be read.")
}
