package hook

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"relevo/relay"
)

// takeRecipient reads whom the message is for. How many there may be is a
// rule; here all that are given are read.
func (rd *reading) takeRecipient() {
	c := &rd.call
	c.ChatID = rd.chatID()
	if v, ok := rd.string(jid); ok {
		c.JID = cleanJID(v)
	}
	c.Phone = rd.phone(phone)
	if v, ok := rd.string(chatName); ok {
		c.ChatName = trimmedName(v)
	}
}

// chatID reads a chat's number.
func (rd *reading) chatID() string {
	v, ok := rd.string(chatID)
	if !ok || !rd.wholeNumber(chatID, relay.CodeInvalidField) {
		return ""
	}
	return strings.TrimSpace(v)
}

// phone reads a phone number: + and digits, or what is left when that cannot
// be made of it. Nobody is refused for a number that a numbering plan does
// not know: plans change faster than tables, and WhatsApp itself keeps
// numbers in forms that the tables call invalid.
func (rd *reading) phone(f field) string {
	v, ok := rd.string(f)
	if !ok || !rd.wholeNumber(f, relay.CodeInvalidPhone) {
		return ""
	}
	return cleanPhone(v)
}

// wholeNumber refuses a JSON number that is not only digits: tools write long
// numbers as 1.5105566777e10 and lose digits on the way.
func (rd *reading) wholeNumber(f field, code relay.Code) bool {
	v := rd.at[f].value
	if !number(v) || strings.Trim(string(v), "0123456789") == "" {
		return true
	}
	rd.typed[f] = true
	if v[0] == '-' {
		rd.refuse(f, code, fmt.Sprintf("%s is a negative number.", rd.called(f)), "Write its digits in double quotes, without a minus sign.")
		return false
	}
	rd.refuse(f, code, fmt.Sprintf("%s is a number with a fraction or exponent (%s), which may have lost digits.", rd.called(f), cutNumber(v)),
		"Write all its digits, in double quotes.")
	return false
}

func cutNumber(v []byte) string { return string(v[:min(len(v), maxExcerpt)]) }

// Phone brings a phone number into its one form, + and 7 to 15 digits: what
// people put between digits is taken away, 00 in front becomes +, and so does
// nothing in front. ok is false where that cannot be made of it.
func Phone(s string) (phone string, ok bool) {
	if s = cleanPhone(s); !plainPhone(s) {
		return "", false
	}
	return s, true
}

// cleanPhone takes away what people put between digits, and makes + of 00 and
// of nothing.
func cleanPhone(s string) string {
	s = strings.TrimSpace(s)
	if plainPhone(s) {
		return s
	}
	if i := len("whatsapp:"); len(s) >= i && strings.EqualFold(s[:i], "whatsapp:") {
		s = s[i:]
	}
	s, ok := dropTrunkZero(s)
	if !ok {
		return s
	}
	s = strings.Map(phoneRune, s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		return "+" + rest
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return "+" + s
	}
	if s == "" {
		return "+" // given, but nothing of it is a digit: the rule refuses it
	}
	return s
}

// dropTrunkZero takes away the 0 in brackets after a country code, which is
// dialled within the country alone: +44 (0)20 7946 0958. Italy's 0 is part of
// the number everywhere. Without + or 00 in front nobody can say what the 0
// stands for; ok is false.
func dropTrunkZero(s string) (dropped string, ok bool) {
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
		return s, false
	}
	if country == "" || len(country) > 3 || country == "39" {
		return s, true
	}
	return before + after, true
}

func phoneRune(r rune) rune {
	switch {
	case '0' <= r && r <= '9' || r == '+':
		return r
	case r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '−':
		return -1
	case unicode.In(r, unicode.White_Space, unicode.Pd, unicode.Cf):
		return -1
	}
	return r
}

// plainPhone reports whether s is + and 7 to 15 digits, the first not 0.
func plainPhone(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return true
}

// The forms of ids of WhatsApp: a person's by number or hidden number, a
// group's old (creator and time) or new. A device of a person is no recipient.
var (
	jidForm    = regexp.MustCompile(`^[0-9]{5,20}@(s\.whatsapp\.net|lid)$|^[0-9]+(-[0-9]+)?@g\.us$`)
	deviceForm = regexp.MustCompile(`^[0-9]+([.][0-9]+)?:[0-9]+@`)
)

// maxJID bounds an id, in bytes; the longest that is seen has 37.
const maxJID = 64

// cleanJID maps the server name that web clients use to the usual one.
func cleanJID(s string) string {
	s = strings.TrimSpace(s)
	if user, ok := strings.CutSuffix(s, "@c.us"); ok {
		return user + "@s.whatsapp.net"
	}
	return s
}

func validJID(s string) bool { return len(s) <= maxJID && jidForm.MatchString(s) }

func validChatID(s string) bool {
	return len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}
