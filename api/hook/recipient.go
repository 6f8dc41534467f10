package hook

import (
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

// named is the one person or group of a call that is refused for something
// else.
func (rd *reading) named() (to relay.Address) {
	c := &rd.call
	if c.given[chatID] || c.given[chatName] || c.given[phone] == c.given[jid] {
		return to
	}
	switch {
	case plainPhone(c.Phone):
		to.Phone = c.Phone
	case validJID(c.JID):
		to.JID = c.JID
	}
	return to
}

// chatID reads a chat's number.
func (rd *reading) chatID() string {
	v, ok := rd.string(chatID)
	if ok {
		v, ok = rd.wholeNumber(chatID, v, relay.CodeInvalidField)
	}
	if !ok {
		return ""
	}
	return cleanID(v)
}

// cleanID takes white space and what cannot be seen out of an id.
func cleanID(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.White_Space, unicode.Cf) {
			return -1
		}
		return r
	}, s)
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
	s = cleanID(s)
	if user, ok := strings.CutSuffix(s, "@c.us"); ok {
		return user + "@s.whatsapp.net"
	}
	return s
}

// JID brings the id of a person or a group into its one form: without what
// cannot be seen, and with the usual name of the server. ok is false where it
// is none.
func JID(s string) (jid string, ok bool) {
	s = cleanJID(s)
	return s, validJID(s)
}

func validJID(s string) bool { return len(s) <= maxJID && jidForm.MatchString(s) }

func validChatID(s string) bool {
	return len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}
