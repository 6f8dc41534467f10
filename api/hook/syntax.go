package hook

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// refuse says in words why a body could not be decoded. The decoder knows
// that it is wrong and roughly where; a second, slower walk finds out what
// its writer forgot.
func (d *document) refuse(err error) *relay.Error {
	var deep *depthError
	if errors.As(err, &deep) {
		return d.refuseAt(relay.CodeInvalidJSON, deep.at, fmt.Sprintf("the body is nested deeper than %d levels.", maxDepth), "")
	}
	var syntax *jsontext.SyntacticError
	at := int(d.dec.InputOffset())
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return d.refuseDuplicate(space(d.body, at), syntax.JSONPointer.LastToken())
	}
	w := walk{b: d.body}
	w.document()
	if f := w.fault; f != nil {
		return d.refuseAt(relay.CodeInvalidJSON, f.at, f.message, f.hint)
	}
	return d.refuseAt(relay.CodeInvalidJSON, at, "the body is not valid JSON.", "Check it with a JSON validator.")
}

func (d *document) refuseDuplicate(at int, name string) *relay.Error {
	e := d.refuseAt(relay.CodeDuplicateField, at, fmt.Sprintf("the field %s is given twice in one object.", quoteName(name)), "Keep one of the two.")
	e.Fields[0].Field = name
	return e
}

// walk looks for the first thing that is wrong in a body. Its methods return
// false once fault is set. With leave it mends what it can on its way, and
// stops at what it cannot.
type walk struct {
	b          []byte
	at         int
	begin, end int // of the token before at
	broken     int // where the token before has its first line break; -1
	depth      int
	fault      *fault
	leave      bool
	repairs    []repair
}

type fault struct {
	at            int
	message, hint string
}

func (w *walk) fail(at int, message, hint string) bool {
	w.fault = &fault{at, message, hint}
	return false
}

// cutShort is the fault of a body that ends too early.
func (w *walk) cutShort(where string) bool {
	return w.fail(len(bytes.TrimRight(w.b, " \t\r\n")), "the body ends "+where+".", "It was cut short, or a closing bracket or quote is missing.")
}

// next skips white space and returns the byte there, 0 at the end.
func (w *walk) next() byte {
	w.at = space(w.b, w.at)
	w.skipOdd()
	if w.at == len(w.b) {
		return 0
	}
	return w.b[w.at]
}

func (w *walk) done() bool { return w.at >= len(w.b) }

func (w *walk) step() bool {
	w.begin = w.at
	w.at++
	w.end = w.at
	return true
}

func (w *walk) document() bool {
	if !w.value("at its beginning") {
		return false
	}
	c := w.next()
	for (c == ',' || c == ';') && w.mend(extraComma, w.at, w.at+1, "") {
		w.at++
		c = w.next()
	}
	switch {
	case w.done():
		return true
	case c == ':' && w.b[w.begin] == '"':
		return w.fail(w.begin, "the braces around the fields are missing.", "Put { before the first name and } after the last value.")
	case c == '}' || c == ']':
		return w.fail(w.at, fmt.Sprintf("there is one %c too many.", c), "Remove it.")
	case c == '{':
		return w.fail(w.at, "a second JSON document starts here.", "Send one object in one call.")
	}
	return w.fail(w.at, fmt.Sprintf("after the end of the object there is %s.", quoteWord(w.b[w.at:])), "Send one object and nothing after it.")
}

// value walks over any value; where says what the body ends in the middle of
// when there is none.
func (w *walk) value(where string) bool {
	c := w.next()
	switch {
	case w.done():
		return w.cutShort(where)
	case c == '"':
		return w.text()
	case bytes.HasPrefix(w.b[w.at:], []byte(objectObject)):
		return w.fail(w.at, "there is [object Object] where a value belongs.", "A program joined an object to a text: let it write JSON, as JSON.stringify does.")
	case (c == '{' || c == '[') && w.bareTag():
		return false
	case c == '{' || c == '[':
		return w.nested(c)
	case w.leave && w.bareNumber():
		return true
	case c == '-' || digit(c):
		return w.number()
	case c == '}' || c == ']' || c == ',':
		return w.fail(w.at, fmt.Sprintf("a value is missing before this %s.", strings.TrimPrefix(quoteWord(w.b[w.at:]), "a ")), `For an empty value write "".`)
	case c == '+' || c == '.':
		return w.fail(w.at, fmt.Sprintf("a number cannot start with %c.", c), `Write it in double quotes, such as "+14151231234".`)
	}
	return w.literal()
}

// bareTag is for a merge tag where a value belongs.
func (w *walk) bareTag() bool {
	for k := range tagForms[:2] {
		tag := tagForms[k].match(w.b[w.at:])
		if tag != nil && !bytes.ContainsAny(tag, `",:`) {
			w.fail(w.at, fmt.Sprintf("%s is a merge tag that was not filled in.", excerpt(string(tag))), bareTagHint)
			return true
		}
	}
	return false
}

func (w *walk) nested(open byte) bool {
	if w.depth++; w.depth > maxDepth {
		return w.fail(w.at, fmt.Sprintf("the body is nested deeper than %d levels.", maxDepth), "")
	}
	defer func() { w.depth-- }()
	w.step()
	if open == '[' {
		return w.list(']', "in the middle of an array", func() bool { return w.value("in the middle of an array") })
	}
	return w.list('}', "in the middle of an object, before its closing }", w.member)
}

// list walks over the rest of an object or array.
func (w *walk) list(closing byte, where string, element func() bool) bool {
	w.tooManyCommas(closing)
	if w.next() == closing {
		return w.step()
	}
	for {
		if !element() {
			return false
		}
		c := w.next()
		if closing == '}' && w.leave && w.mayLackComma(c) && w.aName() {
			w.mend(missingComma, w.end, w.end, ",")
			continue
		}
		switch {
		case w.done():
			return w.cutShort(where)
		case c == closing:
			return w.step()
		case c != ',':
			return w.noComma(c, closing)
		}
		comma := w.at
		w.step()
		w.tooManyCommas(closing)
		switch c := w.next(); c {
		case closing:
			if w.mend(extraComma, comma, comma+1, "") {
				return w.step()
			}
			return w.fail(comma, fmt.Sprintf("there is a comma before the closing %c.", c), "Remove that comma.")
		case ',':
			return w.fail(w.at, "there are two commas in a row.", "Remove one of them.")
		}
	}
}

// mayLackComma reports whether nothing but a comma can be missing between the
// token before and one that begins with c. After a text, what follows without
// quotes of its own may be the rest of that text, with a double quote in it.
func (w *walk) mayLackComma(c byte) bool {
	last := w.b[w.begin]
	if last != '"' && last != '\'' && !curly(w.b[w.begin:]) {
		return true
	}
	return w.end < w.at && (c == '"' || c == '\'' || curly(w.b[w.at:]))
}

// restOfName is a name whose opening quote has just ended a text that lacks a
// closing one.
var restOfName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ -]*"\s*:`)

// tooManyCommas leaves out commas between which nothing stands. In an array
// something may be missing there.
func (w *walk) tooManyCommas(closing byte) {
	for closing == '}' && w.next() == ',' && w.mend(extraComma, w.at, w.at+1, "") {
		w.at++
	}
}

// noComma is for two elements without a comma between them, and for what
// looks so.
func (w *walk) noComma(c, closing byte) bool {
	last := w.lastToken()
	switch {
	case w.comment():
		return false
	case c == '+' && last[0] == '"' && w.b[min(space(w.b, w.at+1), len(w.b)-1)] == '"':
		return w.fail(w.at, "texts cannot be joined with + in JSON.", "Join them before they are sent, or write one text.")
	case c == ';' && w.semicolon(last, closing):
		return false
	case c == '}' || c == ']':
		return w.fail(w.at, fmt.Sprintf("this %c closes what was not opened; %c is expected.", c, closing), "")
	case w.end == w.at && last[0] == '"' && c != '"' && w.broken >= 0 && restOfName.Match(w.b[w.at:]):
		w.at = w.broken
		return w.badControl(w.b[w.at])
	case w.end == w.at && last[0] == '"' && c != '"':
		return w.fail(w.at, fmt.Sprintf("after %s there is %s.", quoteToken(last), quoteWord(w.b[w.at:])),
			`A double quote inside a text is written \". If the text ends there, a comma is missing.`)
	case w.end == w.at && last[0] != '"' && (wordByte(c) || c == '-' || c == '.'):
		return w.fail(w.at-len(last), fmt.Sprintf("%s is not a number.", excerpt(string(last)+string(c)+"…")), "Write it in double quotes.")
	}
	hint := ""
	if last[0] == '"' && closing == '}' && c != '"' {
		hint = `If the text goes on there, write the double quote in it as \".`
	}
	return w.fail(w.end, fmt.Sprintf("a comma is missing after %s.", quoteToken(last)), hint)
}

// semicolon is for a semicolon that was meant as a comma. After a string it
// may also be the text that goes on: then it returns false and says nothing.
func (w *walk) semicolon(last []byte, closing byte) bool {
	elements := "fields"
	if closing == ']' {
		elements = "values"
	}
	next := byte(0)
	if i := space(w.b, w.at+1); i < len(w.b) {
		next = w.b[i]
	}
	switch {
	case next == closing:
		w.fail(w.at, fmt.Sprintf("there is a semicolon before the closing %c.", closing), "Remove it.")
	case next == '"' || last[0] != '"':
		w.fail(w.at, "there is a semicolon where a comma is expected.", "Between two "+elements+" write a comma, not a semicolon.")
	}
	return w.fault != nil
}

// lastToken is the token that ends at w.end: a string, a bracket, or letters
// and digits.
func (w *walk) lastToken() []byte { return w.b[w.begin:w.end] }

func quoteToken(token []byte) string {
	if token[0] == '"' {
		return excerpt(string(token[1 : len(token)-1]))
	}
	return printable(string(token[:min(len(token), maxExcerpt)]))
}

func (w *walk) member() bool {
	c := w.next()
	if w.done() {
		return w.cutShort("in the middle of an object, before its closing }")
	}
	if !w.name(c) {
		return false
	}
	name := quoteToken(w.lastToken())
	c = w.next()
	if w.done() {
		return w.cutShort("after the name " + name)
	}
	if c != ':' {
		return w.fail(w.end, fmt.Sprintf("a colon is missing after the name %s.", name), "")
	}
	w.step()
	if c := w.next(); (c == ',' || c == '}') && !w.done() && w.mend(emptyValue, w.at, w.at, "null") {
		w.begin, w.end = w.at-1, w.at
		return true
	}
	return w.value("after the name " + name)
}

// name walks over the name of a member, which begins with c.
func (w *walk) name(c byte) bool {
	rest := w.b[w.at:]
	switch {
	case c == '"':
		return w.text()
	case w.leave && (c == '\'' || curly(rest)):
		return w.otherwiseQuoted()
	case w.leave && bareName.Match(rest):
		w.quote(bareNames, len(bareName.FindSubmatch(rest)[1]))
		return true
	}
	return w.noName(c)
}

// textEndedEarly reports whether what stands where a name belongs is rather the
// rest of a text with a double quote in it.
func (w *walk) textEndedEarly() bool {
	rest, before := w.b[w.at:], bytes.TrimRight(w.b[:w.begin], " \t\r\n")
	return w.b[w.begin] == ',' && bytes.HasSuffix(before, []byte(`"`)) && !bareName.Match(rest) && bytes.IndexByte(rest, '"') >= 0
}

// bareName is a name without quotes and its colon, as JavaScript allows it.
var bareName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)[ \t\x{a0}]*:`)

// comment is for what programming languages allow and JSON does not, and for
// what HTML editors make of quotes.
func (w *walk) comment() bool {
	rest := w.b[w.at:]
	if htmlQuote.Match(rest) {
		w.fail(w.at, "there is an HTML-escaped quote where a double quote belongs.", "Send the body as plain text, without HTML escaping.")
		return true
	}
	if !bytes.HasPrefix(rest, []byte("//")) && !bytes.HasPrefix(rest, []byte("/*")) {
		return false
	}
	w.fail(w.at, "there is a comment, which JSON does not know.", "Remove it.")
	return true
}

func (w *walk) noName(c byte) bool {
	switch {
	case w.comment():
		return false
	case c == '\'' || curly(w.b[w.at:]):
		return w.wrongQuote()
	case wordByte(c) && w.textEndedEarly():
		return w.fail(w.at, fmt.Sprintf("after a comma a name in double quotes is expected, but there is %s.", quoteWord(w.b[w.at:])),
			`If this belongs to the text before, write the double quote in that text as \".`)
	case wordByte(c):
		return w.fail(w.at, fmt.Sprintf("the name %s is not in double quotes.", word(w.b[w.at:])), fmt.Sprintf(`Write "%s".`, word(w.b[w.at:])))
	case c == ',':
		return w.fail(w.at, "there is a comma too many.", "Remove it.")
	}
	return w.fail(w.at, fmt.Sprintf("a name in double quotes is expected, but there is %s.", quoteWord(w.b[w.at:])), "")
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
