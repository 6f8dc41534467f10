package api

import (
	"regexp"
	"strings"
	"unicode"
)

// hiddenSign stands for a digit that is hidden. It is as wide as one, so that
// a caret still points at its place.
const hiddenSign = '*'

// shownDigits is how many digits at a number's end are left: enough to tell
// two people apart, too few to call one.
const shownDigits = 4

// between is what people and tools write between the digits of a number, also
// as forms and JSON escape it.
const between = `(?:[\p{Z}\p{Pd}\p{Cf}().+/\t]|%[2][0-9A-Fa-f]|\\u[0-9A-Fa-f]{4}|\\t)`

// numberLike finds seven digits and more that read as one number. What begins
// with a time, or is an escaped sign of a form, is found first, so that its
// digits are not taken for a number's.
var numberLike = regexp.MustCompile(`(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?` +
	`|%[0-9A-Fa-f]{2}` +
	`|\p{Nd}(?:` + between + `{0,4}\p{Nd}){6,}`)

// hideNumbers hides what looks like a phone number in a text.
func hideNumbers(text string) string {
	return numberLike.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "%") || strings.ContainsRune(found, ':') {
			return found
		}
		return hideDigits(found)
	})
}

// hideDigits hides all but the last digits of a number or an id. Digits that
// are part of an escaped sign stay.
func hideDigits(number string) string {
	escaped := escapes.FindAllStringIndex(number, -1)
	in := func(i int) bool {
		for _, e := range escaped {
			if e[0] <= i && i < e[1] {
				return true
			}
		}
		return false
	}
	left := 0
	for i, c := range number {
		if unicode.IsDigit(c) && !in(i) {
			left++
		}
	}
	var b strings.Builder
	for i, c := range number {
		if unicode.IsDigit(c) && !in(i) {
			if left > shownDigits {
				c = hiddenSign
			}
			left--
		}
		b.WriteRune(c)
	}
	return b.String()
}

var escapes = regexp.MustCompile(`%2[0-9A-Fa-f]|\\u[0-9A-Fa-f]{4}`)

func hideAll(rows []attemptView) {
	for i := range rows {
		rows[i].hide()
	}
}

// hide takes phone numbers out of an attempt. A body that is no text is left
// out: what it holds cannot be told.
func (v *attemptView) hide() {
	for _, s := range []*string{v.Recipient, v.Account} {
		if s != nil {
			*s = hideDigits(*s)
		}
	}
	for _, s := range []*string{v.Message, v.Fix, v.Excerpt} {
		if s != nil {
			*s = hideNumbers(*s)
		}
	}
	warnings := make([]string, len(v.Warnings))
	for i, w := range v.Warnings {
		warnings[i] = hideNumbers(w)
	}
	v.Warnings = warnings
	if v.BodyBase64 {
		v.Body, v.BodyBase64 = "", false
		return
	}
	v.Body = hideNumbers(v.Body)
}
