package hook

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"relevo/relay"
)

// maxExcerpt is how many characters of a body a sentence may quote, and
// maxName how many of a field's name.
const (
	maxExcerpt = 20
	maxName    = 40
)

// position is the line and column of a byte, both from 1. Columns count
// characters; a tab is one.
func position(body []byte, at int) (line, column int) {
	before := body[:min(at, len(body))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}

// refuseBody makes a refusal of the whole body.
func refuseBody(code relay.Code, message, hint string) *relay.Error {
	e := relay.RefuseField(code, "", message, hint)
	e.Message = withHint(message, hint)
	return e
}

// refuseAt makes a refusal of the body at one place, and names the place in
// the sentence too.
func (d *document) refuseAt(code relay.Code, at int, message, hint string) *relay.Error {
	line, column := d.src.place(at)
	if line == 0 {
		return refuseBody(code, "The body: "+message, hint)
	}
	e := refuseBody(code, fmt.Sprintf("Line %d, column %d: %s", line, column, message), hint)
	e.Fields[0].Line, e.Fields[0].Column = line, column
	d.src.pointOut(&e.Fields[0])
	return e
}

// withHint is a message and its hint as one text, for callers that show only
// one.
func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + " " + hint
}

// excerpt quotes the beginning of what was found, on one line.
func excerpt(s string) string { return cut(s, maxExcerpt) }

// quoteName quotes a field's name.
func quoteName(name string) string { return cut(name, maxName) }

func cut(s string, limit int) string {
	end := ""
	if n := utf8.RuneCountInString(s); n > limit {
		s, end = string([]rune(s)[:limit-1]), "…"
	}
	return `"` + printable(s) + end + `"`
}

// printable replaces what would break a line or hide in it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '�'
	}, s)
}

// word quotes the letters and digits, or the single character, that b starts
// with.
func word(b []byte) string {
	n := 0
	for n < len(b) && wordByte(b[n]) {
		n++
	}
	if n == 0 {
		_, n = utf8.DecodeRune(b)
	}
	s := string(b[:n])
	switch s {
	case `"`:
		return "a double quote"
	case "\x00":
		return "a NUL character"
	}
	return strings.Trim(excerpt(s), `"`)
}

// quoteWord is word as part of a sentence: in quotes, a single character by
// its name where it would look like punctuation of the sentence.
func quoteWord(b []byte) string {
	if wordByte(b[0]) {
		return `"` + word(b) + `"`
	}
	switch b[0] {
	case ',':
		return "a comma"
	case ';':
		return "a semicolon"
	case ':':
		return "a colon"
	case '.':
		return "a full stop"
	case '\'':
		return "a single quote"
	}
	return word(b)
}

func wordByte(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// space is the first offset from at on that holds no white space.
func space(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\r' || b[at] == '\n') {
		at++
	}
	return at
}
