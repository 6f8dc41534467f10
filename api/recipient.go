package api

import (
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

// readRecipient reads a person or group: a phone number, or an id with @.
func readRecipient(field, s string) (string, error) {
	if !strings.Contains(s, "@") {
		return readPhone(field, s)
	}
	return readJID(field, s)
}

func readJID(field, s string) (string, error) {
	jid, ok := hook.JID(s)
	if !ok {
		return "", relay.RefuseField(relay.CodeInvalidJID, field, field+" is not the id of a person or group.",
			"An id is like 14151231234@s.whatsapp.net or 123456789012345678@g.us; a phone number is like +14151231234.")
	}
	return jid, nil
}
