package hook

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"relevo/relay"
)

// phone reads a phone number: + and digits, or what is left when that cannot
// be made of it. Nobody is refused for a number that a numbering plan does
// not know: plans change faster than tables, and WhatsApp itself keeps
// numbers in forms that the tables call invalid. A number without a country
// code is one of the workspace's country, where it has one.
func (rd *reading) phone(f field) string {
	v, ok := rd.string(f)
	if !ok {
		return ""
	}
	if v, ok = rd.wholeNumber(f, v, relay.CodeInvalidPhone); !ok {
		return ""
	}
	phone, guessed := readPhone(v, rd.country)
	switch {
	case !plainPhone(phone):
	case guessed && rd.country != "" && !strings.HasPrefix(phone, codeOf(rd.country)):
		rd.warn("%s was read as %s, a number of another country than this workspace's (%s); write + and the country code to be sure.", rd.called(f), phone, rd.country)
	case guessed && rd.country != "":
		rd.warn("%s was read as %s, by the country of this workspace (%s); write + and the country code to be sure.", rd.called(f), phone, rd.country)
	case guessed:
		rd.warn("%s was read as %s; write + and the country code to be sure.", rd.called(f), phone)
	}
	return phone
}

// floating is a number that went through floating point: with an exponent, or
// with a fraction of zeros.
var floating = regexp.MustCompile(`^([0-9]+)(?:\.([0-9]+))?(?:[eE]\+?([0-9]{1,3}))?$`)

// wholeNumber makes digits of a number that has a fraction or an exponent: all
// of them are there, or it is refused. Tools write long numbers as
// 1.5105566777e10, spreadsheets as 1.51056E+10, where digits are lost.
func (rd *reading) wholeNumber(f field, s string, code relay.Code) (string, bool) {
	isNumber := number(rd.at[f].value)
	trimmed := strings.TrimSpace(s)
	if !isNumber && !strings.ContainsAny(trimmed, "eE") && !zeroFraction.MatchString(trimmed) || strings.Trim(trimmed, "0123456789") == "" {
		return s, true
	}
	if digits, ok := expand(trimmed); ok {
		rd.warn("%s was written as %s and read as %s.", rd.called(f), cutNumber(trimmed), digits)
		return digits, true
	}
	if !isNumber {
		return s, true // the field's own rule says what is wrong
	}
	rd.typed[f] = true
	if s[0] == '-' {
		rd.refuse(f, code, fmt.Sprintf("%s is a negative number.", rd.called(f)), "Write its digits in double quotes, without a minus sign.")
		return "", false
	}
	rd.refuse(f, code, fmt.Sprintf("%s is a number with a fraction or exponent (%s), which may have lost digits.", rd.called(f), cutNumber(s)),
		"Write all its digits, in double quotes.")
	return "", false
}

var zeroFraction = regexp.MustCompile(`^[0-9]{7,}\.0+$`)

// expand writes a number without fraction and exponent; ok is false where
// that takes digits that are not there.
func expand(s string) (digits string, ok bool) {
	m := floating.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	exponent, _ := strconv.Atoi(m[3])
	if exponent > len(m[2]) {
		return "", false
	}
	whole, rest := m[1]+m[2][:exponent], m[2][exponent:]
	return whole, strings.Trim(rest, "0") == ""
}

func cutNumber(s string) string { return s[:min(len(s), maxExcerpt)] }

// Phone brings a phone number with its country code into its one form, + and
// 7 to 15 digits: what people put between digits is taken away, 00 in front
// becomes +, and so does nothing in front. ok is false where that cannot be
// made of it.
func Phone(s string) (phone string, ok bool) {
	phone, _ = readPhone(s, "")
	if !plainPhone(phone) {
		return "", false
	}
	return phone, true
}

// PhoneIn is Phone for what people of a country write, who may leave its code
// out; empty for no country.
func PhoneIn(s, country string) (phone string, ok bool) {
	phone, _ = readPhone(s, country)
	if !plainPhone(phone) {
		return "", false
	}
	return phone, true
}

// Country reports whether a country is one whose numbers can be read: two
// capital letters of ISO 3166.
func Country(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// Countries are all that Country knows, in the order of their letters.
func Countries() []string { return slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) }

// readPhone takes away what people put between digits, and makes a number with
// + of it. guessed says that it could be read in another way too.
func readPhone(s, country string) (phone string, guessed bool) {
	s = strings.TrimSpace(s)
	if plainPhone(s) {
		return withoutTrunkZero(s)
	}
	areaCode := strings.HasPrefix(s, "(") && !strings.HasPrefix(s, "(+") && !strings.HasPrefix(s, "(00")
	if areaCode && country == "" {
		return s, false // nobody can say of which country
	}
	for _, scheme := range [...]string{"whatsapp:", "tel:"} {
		if n := len(scheme); len(s) >= n && strings.EqualFold(s[:n], scheme) {
			s = s[n:]
		}
	}
	s, ok := dropTrunkZero(s, country != "")
	if !ok || severalIn(s, country) {
		return s, false
	}
	s = strings.Map(phoneRune, s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	switch {
	case s == "":
		return "+", false // given, but nothing of it is a digit: the rule refuses it
	case s[0] == '+':
		return withoutTrunkZero(s)
	case strings.Trim(s, "0123456789") != "":
		return s, false
	case country == "":
		if phone, guessed = withoutTrunkZero("+" + s); guessed {
			return phone, true
		}
		_, _, possible := parsePhone(phone, "")
		return phone, !possible && plainPhone(phone)
	}
	return nationalPhone(s, country, areaCode)
}

// mexicanPrefix is what was dialled in Mexico before a number of ten digits
// until 2019, and is still written.
var mexicanPrefix = regexp.MustCompile(`^(?:01|04[45])([0-9]{10})$`)

// mexicanAbroad is the same behind the country code, where it never belonged.
var mexicanAbroad = regexp.MustCompile(`^\+52(?:01|04[45])([0-9]{10})$`)

// codeOf is a country's code, with +.
func codeOf(country string) string {
	return "+" + strconv.Itoa(phonenumbers.GetCountryCodeForRegion(country))
}

// longNational is the length up to which digits look like a number at home, and
// beyond which like one with its country code.
const longNational = 10

// nationalPhone reads digits without +: as a number of a country, or with
// another country's code in front where only that makes a number. One that is
// written with its area code in brackets is of the country. What is none at
// home and looks like one that lacks a digit is left as it is: abroad it may
// be somebody else's.
func nationalPhone(digits, country string, areaCode bool) (phone string, guessed bool) {
	if m := mexicanPrefix.FindStringSubmatch(digits); m != nil && country == "MX" {
		digits = m[1]
	}
	world, own := "+"+digits, codeOf(country)
	national, valid, possible := parsePhone(digits, country)
	switch {
	case national == "" || national == world:
		return withoutTrunkZero(world)
	case !strings.HasPrefix(national, own): // dialled abroad from there, such as 011 44
		return national, false
	case (digits[0] == '0' || areaCode) && !possible:
		return digits, false
	case areaCode:
		return national, true
	case digits[0] == '0' || !plainPhone(world):
		return national, true
	}
	_, worldValid, worldPossible := parsePhone(world, "")
	switch {
	case strings.HasPrefix(world, own) && (worldValid || !possible):
		return withoutTrunkZero(world)
	case valid:
		return national, true
	case worldValid:
		return world, len(digits) <= longNational
	case !possible && (len(digits) <= longNational || !worldPossible):
		return digits, false
	case len(digits) > longNational:
		return world, true
	}
	return national, true
}

// parsePhone reads a number by the numbering plans that libphonenumber knows;
// phone is empty where it cannot be read at all.
func parsePhone(s, country string) (phone string, valid, possible bool) {
	n, err := phonenumbers.Parse(s, country)
	if err != nil {
		return "", false, false
	}
	return phonenumbers.Format(n, phonenumbers.E164), phonenumbers.IsValidNumber(n), phonenumbers.IsPossibleNumber(n)
}

// withoutTrunkZero leaves out a 0 after the country code, which is dialled
// within the country alone: +44 020 7946 0958. Where the numbering plan has
// numbers that begin with 0 it stays.
func withoutTrunkZero(s string) (phone string, changed bool) {
	if !plainPhone(s) || s[1+codeLength(s)] != '0' {
		return s, false
	}
	if m := mexicanAbroad.FindStringSubmatch(s); m != nil {
		return "+52" + m[1], true
	}
	if phone, valid, _ := parsePhone(s, ""); valid && phone != s && !strings.Contains(s, phone[1:]) && len(phone) == len(s)-1 {
		return phone, true
	}
	return s, false
}

// codeLength is how many digits the country code of a number with + has.
// https://www.itu.int/pub/T-SP-E.164D
func codeLength(s string) int {
	switch first, second := s[1], s[2]; {
	case first == '1', first == '7':
		return 1
	case first == '2' && (second == '0' || second == '7'),
		first == '3' && second != '5' && second != '7' && second != '8',
		first == '4' && second != '2',
		first == '5' && second != '0' && second != '9',
		first == '6' && second < '7',
		first == '8' && (second == '1' || second == '2' || second == '4' || second == '6'),
		first == '9' && second != '6' && second != '7' && second != '9':
		return 2
	}
	return 3
}

// dropTrunkZero takes away the 0 in brackets after a country code, which is
// dialled within the country alone: +44 (0)20 7946 0958. Italy's 0 is part of
// the number everywhere. Without + or 00 in front nobody can say what the 0
// stands for, unless it begins a number at home; ok is false.
func dropTrunkZero(s string, home bool) (dropped string, ok bool) {
	before, after, found := strings.Cut(s, "(0)")
	if !found {
		return s, true
	}
	code := strings.Map(phoneRune, before)
	country := strings.TrimPrefix(code, "+")
	if country == code {
		country = strings.TrimPrefix(code, "00")
	}
	if country == code {
		return s, home && code == ""
	}
	if country == "" || len(country) > 3 || country == "39" {
		return s, true
	}
	return before + after, true
}

// phoneRune drops what people put between digits, and makes plain digits of
// those of other scripts.
func phoneRune(r rune) rune {
	switch r = plainSign(r); r {
	case ' ', '-', '.', '(', ')', '/', '\t', '\n', '\v', '\f', '\r':
		return -1
	}
	return r
}

// minPhone is the least digits of a number with its country code.
const minPhone = 7

// plainPhone reports whether s is + and 7 to 15 digits, the first not 0.
func plainPhone(s string) bool {
	if len(s) < 1+minPhone || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return true
}
