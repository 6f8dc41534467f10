package hook

import (
	"regexp"
	"strings"
	"unicode"
)

// Signs that what should be one number is not: two strokes, a stroke beside a
// space, a number with a fraction, a date as programs write it, four groups with
// full stops as computers have for addresses.
var severalNumbers = regexp.MustCompile(`/.*/|\s/|/\s|^\+?[0-9]{7,}\.[0-9]{1,3}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}\b|^[0-9]{1,3}(\.[0-9]{1,3}){3}$`)

// dateForm is a day as people write it, in either order of day and month, maybe
// with an hour behind it.
var dateForm = regexp.MustCompile(`^(?:(?:0?[1-9]|[12][0-9]|3[01])[-./](?:0?[1-9]|[12][0-9]|3[01])[-./](?:(?:19|20)[0-9]{2}(?: .*)?|[0-9]{2})|(?:19|20)[0-9]{2}[-./](?:0?[1-9]|[12][0-9]|3[01])[-./](?:0?[1-9]|[12][0-9]|3[01])(?: .*)?)$`)

// What stands before and after a stroke that parts an area code from a number:
// https://en.wikipedia.org/wiki/Telephone_numbers_in_Germany has codes of up to
// five digits and a 0. More before it, or less after it, is a number and another
// one's end.
const (
	maxAreaCode   = 6
	minSubscriber = 4
)

// severalIn reports whether a phone holds more than one number, or a date.
// Country is of numbers without a country code.
func severalIn(s, country string) bool {
	s = strings.TrimSpace(strings.Map(plainSign, s))
	if severalNumbers.MatchString(s) || dateForm.MatchString(s) {
		return true
	}
	if area, number, ok := strings.Cut(s, "/"); ok {
		before := digitsIn(area)
		world, abroad := strings.CutPrefix(before, "00")
		if (abroad || strings.HasPrefix(area, "+")) && world != "" {
			before = world[min(len(world), codeLength("+"+world+"0")):]
		}
		if len(before) > maxAreaCode || len(digitsIn(number)) < minSubscriber {
			return true
		}
	}
	whole := 0
	for _, part := range strings.Fields(s) {
		if len(digitsIn(part)) >= minPhone {
			whole++
		}
	}
	return whole > 1 || oneTooMany(s, country)
}

// oneTooMany reports whether a number of some plan is followed by something
// that makes it too long for any.
func oneTooMany(s, country string) bool {
	end := strings.LastIndexAny(s, " -.")
	if end < 0 || digitsIn(s[end:]) == "" {
		return false
	}
	if country == "" && !strings.HasPrefix(s, "+") {
		s, end = "+"+s, end+1
	}
	if _, _, possible := parsePhone(s, country); possible {
		return false
	}
	_, valid, _ := parsePhone(s[:end], country)
	return valid
}

func digitsIn(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// plainSign makes plain digits, hyphens, spaces and + of those that only look
// different, and drops what cannot be seen.
func plainSign(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r == '＋':
		return '+'
	case r == '−' || unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.White_Space, r):
		return ' '
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.Is(unicode.Nd, r):
		d := rune('0')
		for d < '9' && unicode.Is(unicode.Nd, r-1) {
			r, d = r-1, d+1
		}
		return d
	}
	return r
}
