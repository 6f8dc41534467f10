package api

import (
	"regexp"
	"strings"

	"relevo/api/hook"
	"relevo/relay"
)

const phoneHint = "Write the number with its country code, 7 to 15 digits, such as +14151231234."

// readPhone brings a number into its one form, by the rules of the hook.
func readPhone(field, s string) (string, error) {
	phone, ok := hook.Phone(s)
	if !ok {
		return "", relay.RefuseField(relay.CodeInvalidPhone, field, field+" is not a phone number.", phoneHint)
	}
	return phone, nil
}

// jidForm is a person's id by number or hidden number, or a group's.
var jidForm = regexp.MustCompile(`^[0-9]{5,20}@(s\.whatsapp\.net|lid)$|^[0-9]{5,20}(-[0-9]{5,20})?@g\.us$`)

// readRecipient reads a person or group: a phone number, or an id with @.
func readRecipient(field, s string) (string, error) {
	if !strings.Contains(s, "@") {
		return readPhone(field, s)
	}
	return readJID(field, s)
}

func readJID(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if !jidForm.MatchString(s) {
		return "", relay.RefuseField(relay.CodeInvalidJID, field, field+" is not the id of a person or group.",
			"An id is like 14151231234@s.whatsapp.net or 123456789012345678@g.us; a phone number is like +14151231234.")
	}
	return s, nil
}
