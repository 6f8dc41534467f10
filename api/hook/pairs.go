package hook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"relevo/relay"
)

// plainForm is a form that a browser sends as text/plain: a field a line, and
// nothing encoded.
// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#plain-text-form-data
var (
	plainForm   = regexp.MustCompile(`^[A-Za-z0-9_. -]+=[^&\r\n]*(\r?\n[A-Za-z0-9_. -]+=[^&\r\n]*)+\s*$`)
	plainEscape = strings.NewReplacer("\r", "", "%", "%25", "+", "%2B")
)

const ampersandHint = "An & inside a text is written %26."

// pairs cuts a form. An & between spaces was not encoded, and is part of a
// text: in a form, spaces are written as + or %20. Where a = follows it, it may
// as well end a field, and nobody can say which.
func (d *document) pairs(text string, strict bool) (pairs []string, refused *relay.Error) {
	if plainForm.MatchString(text) {
		return strings.Split(plainEscape.Replace(text), "\n"), nil
	}
	var open []string // what makes up the pair, between & that belong to it
	empty := 0        // how many & have followed it with nothing between
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			empty++
			continue
		}
		name, _, valued := strings.Cut(pair, "=")
		spaced := len(open) > 0 && (pair[0] == ' ' || strings.HasSuffix(open[len(open)-1], " "))
		switch {
		case len(open) == 0:
		case valued && (spaced || strings.Contains(name, " ") && !d.named(name)):
			return nil, refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The & before %s in the form may end a field or be part of a text.", excerpt(strings.TrimSpace(pair))),
				ampersandHint+" The & between two fields has no space beside it.")
		case spaced && !valued && !strict:
			open = append(open, slices.Repeat([]string{""}, empty)...)
			open, empty = append(open, pair), 0
			d.told = appendOnce(d.told, "Mended: an & that was not encoded was read as part of a text.")
			continue
		default:
			pairs = append(pairs, strings.Join(open, "%26"))
		}
		open, empty = append(open[:0], pair), 0
	}
	if len(open) > 0 {
		pairs = append(pairs, strings.Join(open, "%26"))
	}
	return pairs, nil
}

// named reports whether a name in a form is that of a field, as some write
// them with spaces.
func (d *document) named(name string) bool {
	return d.names[string(normal(nil, []byte(unescape(name))))] != unknown
}

// refuseLoose is for what stands between two & and has no =.
func refuseLoose(pair string) *relay.Error {
	if htmlQuote.MatchString("&" + pair) {
		return refuseEscaped()
	}
	return refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The form holds %s without a value.", excerpt(unescape(pair))), ampersandHint)
}

// wholeJSON is a form as the JSON that it may be in the encoding of one.
func wholeJSON(form []byte, strict bool) string {
	s := strings.TrimRight(string(form), "=\r\n ")
	if !strict {
		s = keepPlus(s)
	}
	return unescape(s)
}

// keepPlus keeps the + in JSON in the encoding of a form where it cannot be a
// space: where spaces are written in another way, and before a phone number.
func keepPlus(s string) string {
	if strings.Contains(s, "%20") || strings.Contains(s, `"`) {
		return strings.ReplaceAll(s, "+", "%2B")
	}
	return plusInJSON.ReplaceAllString(s, "${1}%2B${2}")
}

var plusInJSON = regexp.MustCompile(`(%22|%3A)\+([0-9])`)

// plusNumber is a phone number whose + was not encoded, and stands for a space.
var plusNumber = regexp.MustCompile(`^\+[0-9][0-9()+.%-]{6,}$`)

// encodedPlus encodes the + of a form's value where it cannot be a space:
// before a phone number, and between signs that no encoding leaves as they are.
func (d *document) encodedPlus(value string, strict bool) string {
	switch {
	case strict || strings.IndexByte(value, '+') < 0:
		return value
	case plusNumber.MatchString(value):
		return "%2B" + value[1:]
	case strings.ContainsAny(value, ` "`):
		d.told = appendOnce(d.told, "Mended: a + that was not encoded was read as a +, not as a space.")
		return strings.ReplaceAll(value, "+", "%2B")
	}
	return value
}

// decodeForm is one name or value of a form as UTF-8.
func (d *document) decodeForm(s string, strict bool) (string, *relay.Error) {
	if strict && looseCode.MatchString(s) {
		return "", refuseBody(relay.CodeInvalidJSON, fmt.Sprintf("The form holds a %% that begins no code, in %s.", excerpt(s)), "A % is written %25.")
	}
	return d.formText(unescape(s), strict)
}

// looseCode is a % that begins no code.
var looseCode = regexp.MustCompile(`%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)

// formText is one name or value of a form as UTF-8.
func (d *document) formText(s string, strict bool) (string, *relay.Error) {
	if utf8.ValidString(s) {
		return s, nil
	}
	if strict || !western([]byte(s)) {
		return "", refuseBody(relay.CodeInvalidEncoding, fmt.Sprintf("The form is not UTF-8: the byte 0x%02X is in a field.", s[invalidUTF8([]byte(s))]), "Encode the form as UTF-8.")
	}
	d.told = appendOnce(d.told, "Mended: the form is not UTF-8; it was read as Windows-1252.")
	return string(decode1252([]byte(s))), nil
}

func appendOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// unescape decodes what forms encode. A % that begins no code stands for
// itself: some tools do not encode it.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return strings.ReplaceAll(s, "+", " ")
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s):
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
			b = append(b, '%')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}
