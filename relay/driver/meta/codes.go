package meta

import (
	"time"

	"relevo/relay"
)

// row is what one error code of Meta's means.
type row struct {
	// from and to bound the codes; to is 0 for a single one.
	from, to int
	verdict  relay.Verdict
	code     relay.Code
	// after is how long a deferred message waits at least; 0: the relay's own
	// schedule.
	after time.Duration
	// outage: Meta itself is out of order.
	outage bool
	// reason is for the owner. It also stands under a message that was taken
	// and failed later, so that it promises nothing of the relay's.
	reason string
}

func (r row) has(code int) bool { return r.from == code || r.from < code && code <= r.to }

// rowOf finds what a fault means.
func rowOf(f fault) (row, bool) {
	for _, r := range rows {
		if r.has(f.Code) {
			return r, true
		}
	}
	return row{}, false
}

// Short names for the table alone.
const (
	refused  = relay.Refused
	deferred = relay.Deferred
	held     = relay.ChannelFault
	unsure   = relay.Unsure

	failed = relay.CodeProviderFailed
	no     = relay.CodeRefused
)

// rows is every code that Meta documents for sending, with what this relay
// does with it; the first row that has a code counts.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
//
// Codes 17, 104 and 803 are those of Meta's description of the API alone
// (business-messaging-api_v23.0.yaml, answers 401, 404 and 429).
//
// Marketing caps and misclassified templates (131049, 131064, 132015) clear
// after a day or later. They are refused, not deferred: a message that waits
// for its recipient holds back every later one to the same person. Code 1 may
// be the call's fault or Meta's, so it leaves the outcome open; 131000 says
// that the message was not sent, and to try again.
var rows = []row{
	{0, 0, held, failed, 0, false, "Meta could not tell whose access token this is. Make a new one for the system user and save it here."},
	{1, 0, unsure, failed, 0, true, "Meta answered with an error that may be the call's or its own, so it is not known whether the message went out."},
	{2, 0, deferred, failed, 0, true, "WhatsApp's API was down or overloaded for a while."},
	{3, 0, held, failed, 0, false, "The app may not use this part of WhatsApp's API. Give the access token the permission whatsapp_business_messaging."},
	{4, 0, deferred, relay.CodeRateLimited, time.Minute, false, "The app made more calls than Meta allows in an hour."},
	{10, 0, held, failed, 0, false, "The access token lacks a permission. Make a new one with whatsapp_business_messaging and whatsapp_business_management."},
	{17, 0, deferred, relay.CodeRateLimited, time.Minute, false, "The access token's user made more calls than Meta allows in an hour."},
	{33, 0, held, failed, 0, false, "The sending number was deleted at Meta. Connect another one."},
	{100, 0, refused, no, 0, false, "Meta did not accept a part of the message: a value that is too long, misspelt or not supported. Check the number, the text and the template's values."},
	{104, 0, held, failed, 0, false, "Meta found no access token in the call. Make a new one for the system user and save it here."},
	{190, 0, held, failed, 0, false, "The access token has ended or was taken back. Make a new one for the system user and save it here."},
	{200, 299, held, failed, 0, false, "The access token lacks a permission. Make a new one with whatsapp_business_messaging and whatsapp_business_management."},
	{368, 0, held, failed, 0, false, "Meta has restricted the WhatsApp account because of its policies. See WhatsApp Manager > Account overview, and ask for a review there."},
	{803, 0, held, failed, 0, false, "Meta knows no number or WhatsApp account with the ID that is set, or the access token may not use it. Compare the IDs under WhatsApp > API Setup."},
	{80007, 0, deferred, relay.CodeRateLimited, time.Minute, false, "The WhatsApp account made more calls than Meta allows."},
	{130403, 0, refused, no, 0, false, "The business has blocked this person on WhatsApp. Unblock them to write to them."},
	{130429, 0, deferred, relay.CodeRateLimited, 5 * time.Second, false, "The number sent more messages a second than Meta allows for it."},
	{130472, 0, refused, no, 0, false, "WhatsApp shows this person no marketing messages, as part of a trial of its own. They get it if they write first."},
	{130497, 0, refused, no, 0, false, "The business may not write to people in this country on WhatsApp. See WhatsApp's rules for its line of business."},
	{130501, 0, refused, no, 0, false, "WhatsApp does not take this type of message in a group. Send a text or a file."},
	{131000, 0, deferred, failed, 0, true, "WhatsApp could not send the message and does not know itself why."},
	{131005, 0, held, failed, 0, false, "The access token lacks a permission, or it was taken back. Make a new one with whatsapp_business_messaging and whatsapp_business_management."},
	{131008, 0, refused, no, 0, false, "Meta misses a value in the message. Where it is a template, give all of its variables and buttons."},
	{131009, 0, refused, no, 0, false, "Meta does not accept a value of the message. Check the number and the template's values."},
	{131016, 0, deferred, failed, 0, true, "A service of WhatsApp's was not available for a while."},
	{131021, 0, refused, no, 0, false, "The recipient is the sending number itself. Send to another one."},
	{131026, 0, refused, relay.CodeNotOnWhatsApp, 0, false, "WhatsApp cannot deliver to this number: it is not on WhatsApp, its WhatsApp is too old, or its owner has not agreed to WhatsApp's new terms."},
	{131030, 0, refused, no, 0, false, "This is a test number, which only writes to people on its list. Add the recipient under WhatsApp > API Setup > To, or connect a real number."},
	{131031, 0, held, failed, 0, false, "Meta has locked the WhatsApp account. See WhatsApp Manager > Account overview, and ask for a review there."},
	{131037, 0, held, failed, 0, false, "The number has no approved display name yet. Ask for one in WhatsApp Manager > Phone numbers."},
	{131042, 0, held, failed, 0, false, "Meta cannot bill the WhatsApp account. Check the payment method in Meta Business Suite > Billing & payments."},
	{131045, 0, held, failed, 0, false, "The number is not registered rightly at Meta. Register it again in WhatsApp Manager > Phone numbers."},
	{131047, 0, refused, relay.CodeWindowClosed, 0, false, "The recipient has not written within the last 24 hours, so WhatsApp takes nothing but a template. Send an approved template instead."},
	{131048, 0, held, failed, 0, false, "Meta limits this number because people blocked or reported its messages. See its quality in WhatsApp Manager > Phone numbers, and resume the channel when it is better."},
	{131049, 0, refused, no, 0, false, "WhatsApp delivers no more marketing messages to this person for now, from any business. Send it again after a day at the earliest."},
	{131050, 0, refused, relay.CodeOptedOut, 0, false, "This person has stopped marketing messages of the business. Send them none."},
	{131051, 0, refused, no, 0, false, "WhatsApp does not support this type of message."},
	{131052, 0, refused, relay.CodeFileUnreachable, 0, false, "WhatsApp could not fetch the file that the person sent."},
	{131053, 0, refused, relay.CodeFileTypeMismatch, 0, false, "WhatsApp could not take the file: its content is not what its type says, or of a form that WhatsApp does not show. Send it in another format."},
	{131056, 0, deferred, relay.CodeRateLimited, 6 * time.Second, false, "Too many messages went to this person in a short time."},
	{131057, 0, deferred, failed, time.Minute, true, "The WhatsApp account is in maintenance, for a minute or so."},
	{131062, 0, refused, no, 0, false, "This message cannot go to a user ID; WhatsApp wants the person's phone number for it."},
	{131063, 0, refused, no, 0, false, "Marketing templates are turned off for this API on the account. Turn them on in WhatsApp Manager, or use a utility template."},
	{131064, 0, refused, no, 0, false, "Meta limits the account because templates were put into the wrong category. Mend their categories, and send again after a day at the earliest."},
	{132000, 0, refused, relay.CodeTemplateVariables, 0, false, "The number of values does not fit the template's variables. Give one value for each."},
	{132001, 0, refused, relay.CodeTemplateUnknown, 0, false, "There is no approved template with this name in this language. Compare both in WhatsApp Manager > Message templates."},
	{132005, 0, refused, relay.CodeTextTooLong, 0, false, "With its values the template's text is too long. Give shorter values."},
	{132007, 0, refused, no, 0, false, "The template breaks one of WhatsApp's policies. Change it in WhatsApp Manager > Message templates."},
	{132012, 0, refused, relay.CodeTemplateVariables, 0, false, "The values do not have the template's form: named and numbered ones are mixed, or one holds a line break, a tab or many spaces."},
	{132015, 0, refused, no, 0, false, "The template is paused because of its low quality. Use another one, or wait until WhatsApp Manager shows it as active."},
	{132016, 0, refused, no, 0, false, "The template was disabled for good because of its low quality. Make a new one with another content."},
	{132018, 0, refused, relay.CodeTemplateVariables, 0, false, "The template's values do not pass Meta's check. Compare them with the template in WhatsApp Manager."},
	{132068, 0, refused, no, 0, false, "The template's flow is blocked. Mend it in WhatsApp Manager > Flows."},
	{132069, 0, deferred, relay.CodeRateLimited, time.Minute, false, "The template's flow was used too often within an hour."},
	{133004, 0, deferred, failed, 0, true, "A server of WhatsApp's was not available for a while."},
	{133010, 0, held, failed, 0, false, "The number is not registered for the Cloud API. Register it under WhatsApp > API Setup, then resume the channel."},
	{133000, 133016, held, failed, 0, false, "The number's registration at Meta is not complete. See WhatsApp Manager > Phone numbers, then resume the channel."},
	{134011, 0, held, failed, 0, false, "The account has not agreed to WhatsApp's terms of payment. Agree to them in WhatsApp Manager."},
	{135000, 0, refused, no, 0, false, "Meta could not use the values of the message, and does not say which. Check the template's values."},
	{137000, 0, refused, no, 0, false, "WhatsApp does not recognise this person's device any more. Send the message again."},
	{2388019, 0, refused, no, 0, false, "The WhatsApp account has as many templates as Meta allows. Delete some that are not used."},
	{2388039, 0, refused, no, 0, false, "The template cannot be changed now. An approved one can be changed once a day."},
	{2388040, 0, refused, no, 0, false, "A part of the template is too long: 60 characters for header and footer, 1,024 for the body, 25 for a button."},
	{2388047, 0, refused, no, 0, false, "The template's header does not have the right form: one line without emoji and formatting, at most one variable."},
	{2388072, 0, refused, no, 0, false, "The template's body does not have the right form. Number its variables from {{1}} without gaps, and give a sample of each."},
	{2388073, 0, refused, no, 0, false, "The template's footer does not have the right form: one line without variables and emoji."},
	{2388293, 0, refused, no, 0, false, "The template has too many variables for so few words. Write more text, or use fewer variables."},
	{2388299, 0, refused, no, 0, false, "The template's body begins or ends with a variable. Put words before the first and after the last."},
	{2388000, 2388999, refused, no, 0, false, "Meta does not take the template as it is. Compare it with the rules in WhatsApp Manager > Message templates."},
}
