package hook

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// Signs that a text was not meant as it came.
var (
	undefinedWord = regexp.MustCompile(`\bundefined\b`)
	markup        = regexp.MustCompile(`</?(?:p|br|div|span|b|i|strong|em|a|ul|ol|li|table|html|body)\b[^<>]*>|&(?:amp|lt|gt|quot|nbsp|#39|#x27);`)
)

// doubtText tells of a text that people hardly mean, and sends it.
func (rd *reading) doubtText() {
	s := rd.call.Text
	if strings.Contains(s, "undefined") && undefinedWord.MatchString(s) {
		rd.warn("%s holds the word undefined: a value may be missing in your tool.", rd.called(text))
	}
	if strings.ContainsAny(s, "<&") && markup.MatchString(s) {
		rd.warn("%s holds HTML, which is shown as it is written.", rd.called(text))
	}
}

// absent reports whether a value counts as not given: null, and a string that
// is empty or only white space.
func absent(v jsontext.Value) bool {
	switch v[0] {
	case 'n':
		return true
	case '"':
		return len(v) == 2 || (v[1] <= ' ' || v[1] == '\\' || v[1] >= 0x80) && len(bytes.TrimFunc(unquote(v), blank)) == 0
	}
	return false
}

// blank reports what nobody sees.
func blank(r rune) bool { return unicode.In(r, unicode.White_Space, unicode.Cf) }

// nothing reports whether a value is what tools make of a field that is empty
// on their side.
func nothing(v jsontext.Value) bool {
	if v[0] != '"' || len(v) > 24 {
		return false
	}
	switch string(bytes.TrimSpace(unquote(v))) {
	case "null", "undefined":
		return true
	}
	return false
}

// holdsNothing reports whether the only value that an array or object can mean
// is none.
func holdsNothing(v jsontext.Value) bool {
	if v[0] != '[' && v[0] != '{' {
		return false
	}
	only := single(v)
	return only != nil && (absent(only) || nothing(only))
}

// string reads a field that is a string, or a number whose literal is taken
// as it is written. ok is false where it is absent or of another type.
func (rd *reading) string(f field) (s string, ok bool) {
	m := rd.at[f]
	if m == nil {
		return "", false
	}
	if s, ok = stringOf(m.value); ok {
		return s, true
	}
	if only := single(m.value); only != nil && !rd.strict {
		s, _ = stringOf(only)
		rd.warn("%s is %s; the value in it was taken.", rd.called(f), kindOf(m.value))
		return s, true
	}
	rd.wrongType(f, "a string")
	return "", false
}

// single is the only string or number that an array or object can mean: in an
// array of one, as value (CRMs write phones as [{"label": …, "value": …}]), or
// in the one of several that is primary. Nil where there is none.
func single(v jsontext.Value) jsontext.Value {
	switch v.Kind() {
	case jsontext.KindBeginArray:
		all := elements(v)
		if len(all) != 1 {
			all = slices.DeleteFunc(all, func(e jsontext.Value) bool {
				primary, ok := lookUp(e, "primary")
				return !ok || primary.Kind() != jsontext.KindTrue
			})
		}
		if len(all) != 1 {
			return nil
		}
		v = all[0]
	}
	if v.Kind() == jsontext.KindBeginObject {
		inner, ok := lookUp(v, "value")
		if !ok {
			return nil
		}
		v = inner
	}
	if _, ok := stringOf(v); !ok {
		return nil
	}
	return v
}

func stringOf(v jsontext.Value) (s string, ok bool) {
	switch {
	case v[0] == '"':
		return string(unquote(v)), true
	case number(v):
		return string(v), true
	}
	return "", false
}

func number(v jsontext.Value) bool { return v[0] == '-' || digit(v[0]) }

func (rd *reading) wrongType(f field, want string) {
	rd.typed[f] = true
	rd.refuse(f, relay.CodeInvalidField, fmt.Sprintf("%s must be %s, not %s.", rd.called(f), want, kindOf(rd.at[f].value)), "")
}

func kindOf(v jsontext.Value) string {
	switch v.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNull:
		return "null"
	}
	return "a number"
}
