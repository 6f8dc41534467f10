package hook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// formData is how a form begins: a name, as forms encode it, and =.
var formData = regexp.MustCompile(`^[A-Za-z0-9_.~*%+\[\]-]+=`)

// wholeForm reports whether a text is a form although it does not look like
// one at once: its type says so, or it is JSON in the encoding of forms.
func wholeForm(text []byte, contentType string) bool {
	if len(text) > 3 && strings.EqualFold(string(text[:3]), "%7B") { // {
		return true
	}
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "application/x-www-form-urlencoded") &&
		bytes.IndexByte(text, '=') > 0 && text[0] != '<'
}

// understandForm reads a form: flat, with brackets in its names, or one whose
// only name is a JSON document.
func (d *document) understandForm(text []byte, in *Input, wraps int) *relay.Error {
	if whole := wholeJSON(text, in.Strict); looksLikeJSON([]byte(whole)) {
		whole, refused := d.formText(whole, in.Strict)
		if refused != nil {
			return refused
		}
		d.tell("The JSON came in the encoding of a form; it was unpacked.")
		return d.understand([]byte(whole), in, wraps)
	}
	f := &form{}
	pairs, refused := d.pairs(strings.TrimRight(string(text), "\r\n"), in.Strict)
	if refused != nil {
		return refused
	}
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok && i > 0 {
			return refuseLoose(pair)
		}
		if name, refused = d.decodeForm(name, in.Strict); refused == nil {
			value, refused = d.decodeForm(d.encodedPlus(value, in.Strict), in.Strict)
		}
		if refused == nil {
			refused = f.add(name, value)
		}
		if refused != nil {
			return refused
		}
	}
	if only := f.only(); only != nil {
		d.tell(fmt.Sprintf("The JSON in %s was unpacked.", quoteName(only.name)))
		return d.understand([]byte(only.value), in, wraps+1)
	}
	return d.understandFields(f, in, wraps)
}

// only is the only field of a form, where it holds JSON.
func (f *form) only() *node {
	if len(f.root.children) != 1 || !f.root.children[0].leaf || !looksLikeJSON([]byte(f.root.children[0].value)) {
		return nil
	}
	return f.root.children[0]
}

// understandMultipart reads multipart/form-data. The boundary is the first
// line, whatever the header says.
func (d *document) understandMultipart(text []byte, in *Input, wraps int) *relay.Error {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	boundary := strings.TrimSpace(string(first[2:]))
	if _, params, err := mime.ParseMediaType(in.ContentType); err == nil && params["boundary"] != "" {
		boundary = params["boundary"]
	}
	if boundary == "" || !bytes.Contains(text, []byte("\n")) {
		return d.refuseKind(0)
	}
	f := &form{}
	r := multipart.NewReader(bytes.NewReader(text), boundary)
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) && bytes.Contains(text, []byte("--"+boundary+"--")) {
			return d.understandFields(f, in, wraps)
		}
		if err != nil {
			return refuseMultipart()
		}
		if p.FileName() != "" {
			return relay.RefuseField(relay.CodeInvalidField, p.FormName(), fmt.Sprintf("%s is an uploaded file, which a webhook does not take.", quoteName(p.FormName())),
				`Put the file where it opens without logging in, and give its address as "file_url".`)
		}
		var value []byte
		if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
			value, err = io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		} else {
			value, err = io.ReadAll(p)
		}
		if err != nil {
			return refuseMultipart()
		}
		name, refused := d.formText(p.FormName(), in.Strict)
		var text string
		if refused == nil {
			text, refused = d.formText(string(value), in.Strict)
		}
		if refused == nil {
			refused = f.add(name, text)
		}
		if refused != nil {
			return refused
		}
	}
}

func refuseMultipart() *relay.Error {
	return refuseBody(relay.CodeInvalidJSON, "The multipart form cannot be read to its end.", "It was cut short, or its boundary is not the one that the header names; send JSON instead.")
}

// understandFields goes on with a form as if it had been JSON.
func (d *document) understandFields(f *form, in *Input, wraps int) *relay.Error {
	d.body = f.root.appendTo(nil, false)
	d.src = source{text: d.body, placeless: true}
	if err := d.parse(); err != nil { // cannot happen but by nesting
		return refuseBody(relay.CodeInvalidJSON, "The form's fields contradict each other or are nested too deeply.", "Send JSON instead.")
	}
	return d.unwrap(in, wraps)
}

// form is the fields of a form, nested where their names have brackets.
type form struct {
	root  node
	nodes int
}

// node is a value, or an object or array of values, in the order given.
type node struct {
	name     string
	value    string
	leaf     bool
	children []*node
}

// Limits of a form, so that no name makes more of it than it has bytes.
const (
	maxFormDepth = 16
	maxFormNodes = 4096
)

// add puts a value under a name such as leads[status][0][id].
func (f *form) add(name, value string) *relay.Error {
	n := &f.root
	path := splitName(name)
	if len(path) > maxFormDepth {
		return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The field %s is nested deeper than %d levels.", quoteName(name), maxFormDepth), "")
	}
	for i, p := range path {
		var next *node
		if p != "" || i == 0 { // a[] is always one more
			next = n.child(p)
		}
		last := i == len(path)-1
		switch {
		case next == nil:
			if f.nodes++; f.nodes > maxFormNodes {
				return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The form has more than %d fields.", maxFormNodes), "")
			}
			if p == "" && i > 0 {
				p = strconv.Itoa(len(n.children))
			}
			next = &node{name: p, leaf: last}
			n.children = append(n.children, next)
		case last && next.leaf && next.value == value:
			return nil // said twice
		case last || next.leaf:
			return relay.RefuseField(relay.CodeDuplicateField, name, fmt.Sprintf("The field %s is given twice in the form, with different values.", quoteName(name)), "Keep one of the two.")
		}
		n = next
	}
	n.value = value
	return nil
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// splitName cuts a[b][0] into a, b and 0.
func splitName(name string) []string {
	open := strings.IndexByte(name, '[')
	if open <= 0 || !strings.HasSuffix(name, "]") {
		return []string{name}
	}
	path := []string{name[:open]}
	for rest := name[open:]; rest != ""; {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return []string{name} // brackets that do not match are part of the name
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	return path
}

// appendTo writes the node as JSON. Children that are named 0, 1, 2 … are an
// array, where that is allowed.
func (n *node) appendTo(b []byte, array bool) []byte {
	if n.leaf {
		b, _ = jsontext.AppendQuote(b, n.value) // an error is bad UTF-8, and there is none
		return b
	}
	list := array && len(n.children) > 0
	for i, c := range n.children {
		list = list && c.name == strconv.Itoa(i)
	}
	open, end := byte('{'), byte('}')
	if list {
		open, end = '[', ']'
	}
	b = append(b, open)
	for i, c := range n.children {
		if i > 0 {
			b = append(b, ',')
		}
		if !list {
			b, _ = jsontext.AppendQuote(b, c.name)
			b = append(b, ':')
		}
		b = c.appendTo(b, true)
	}
	return append(b, end)
}
