package relay

import "strings"

// Identity is the one form by which a person or account is known, whatever
// form of the number was written. Three countries have mobile numbers in two
// forms that ring the same phone, and WhatsApp uses now one and now the other:
// Mexico with and without a 1 after 52, Argentina with and without a 9 after
// 54, Brazil with and without the ninth digit of a mobile number.
// https://faq.whatsapp.com/1294841057948784
//
// An identity is for finding, ordering and comparing. It is not dialled: what
// goes to a provider is the form that was written, or the one that the
// provider itself has used.
func Identity(phone string) string {
	switch {
	case len(phone) == 14 && strings.HasPrefix(phone, "+521"):
		return "+52" + phone[4:]
	case len(phone) == 14 && strings.HasPrefix(phone, "+549"):
		return "+54" + phone[4:]
	case len(phone) == 14 && strings.HasPrefix(phone, "+55") && phone[5] == '9' && '6' <= phone[6] && phone[6] <= '9':
		return phone[:5] + phone[6:] // the 8 digits that it had before; others never had a short form
	}
	return phone
}

// address is the form of the number that is handed to a provider.
func (c Chat) address() string {
	if c.Address != "" {
		return c.Address
	}
	return c.Recipient
}

// To is the form of the number, or the JID, that is handed to the provider.
func (m Message) To() string {
	if m.Address != "" {
		return m.Address
	}
	return m.Recipient
}
