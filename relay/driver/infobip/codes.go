package infobip

import (
	"time"

	"relevo/relay"
)

// row is what a code of Infobip's means.
type row struct {
	// verdict is its meaning in the answer to a message; in a report a message
	// with any of these has failed.
	verdict relay.Verdict
	// code is empty for refused or provider_failed, by the verdict.
	code   relay.Code
	after  time.Duration
	outage bool
	// stops: nothing goes out any more, so that a report holds the channel.
	stops  bool
	reason string
}

func (r row) codeOf() relay.Code {
	switch {
	case r.code != "":
		return r.code
	case r.verdict == relay.Refused:
		return relay.CodeRefused
	}
	return relay.CodeProviderFailed
}

// statuses are Infobip's general status codes that mean no success:
// https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
var statuses = map[int]row{
	// Undeliverable.
	4:  {verdict: relay.Refused, reason: "The operator rejected the message. Ask Infobip's support why if it happens again."},
	9:  {verdict: relay.Refused, reason: "The message could not be delivered to this number. Check that the number is right and can be reached."},
	31: {verdict: relay.Refused, reason: "Infobip did not send the message. Ask Infobip's support why."},
	96: {verdict: relay.Refused, reason: "Nobody answered."},
	97: {verdict: relay.Refused, reason: "The recipient was busy."},
	98: {verdict: relay.Refused, reason: "The message was canceled at Infobip."},
	// Expired.
	15: {verdict: relay.Refused, code: relay.CodeProviderFailed, reason: "The message waited at the recipient's side until its time was over. The phone may be off; send it again later."},
	29: {verdict: relay.Unsure, reason: "Infobip handed the message on and does not know what became of it."},
	87: {verdict: relay.Refused, reason: "Infobip's protection against fraud stopped the message. Ask Infobip's support if it was meant well."},
	// Rejected.
	6:   {verdict: relay.Refused, reason: "The recipient's network is not covered by your Infobip account. Ask your account manager to add it."},
	8:   {verdict: relay.Refused, code: relay.CodeInvalidPhone, reason: "The number's prefix or length is wrong. Correct the number."},
	10:  {verdict: relay.Refused, code: relay.CodeOptedOut, reason: "The recipient does not want service messages (do not disturb)."},
	11:  {verdict: relay.ChannelFault, stops: true, reason: "The sender is not registered on your Infobip account. Register it under Channels and Numbers, or correct the channel's sender."},
	12:  {verdict: relay.ChannelFault, stops: true, reason: "Your Infobip account is out of credit. Top it up, then resume the channel."},
	13:  {verdict: relay.ChannelFault, stops: true, reason: "The sender is on your Infobip account's blocklist. Take it off, then resume the channel."},
	14:  {verdict: relay.Refused, reason: "The recipient is on the operator's or your Infobip account's blocklist. Take the number off under Blocklists if that is wrong."},
	17:  {verdict: relay.ChannelFault, stops: true, reason: "The credit of your Infobip account has run out of its validity. Top it up, then resume the channel."},
	18:  {verdict: relay.Refused, reason: "Your Infobip account is on trial and may write to verified numbers only. Verify this number there, or end the trial."},
	19:  {verdict: relay.ChannelFault, stops: true, reason: "Your Infobip account is not set up to send such messages. Ask your account manager to set it up."},
	20:  {verdict: relay.Deferred, after: time.Hour, reason: "Infobip takes at most 20 messages an hour for one number, 6 of them alike; it will be tried again later."},
	21:  {verdict: relay.Deferred, outage: true, reason: "Infobip has an error of its own; it will be tried again."},
	23:  {verdict: relay.Unsure, reason: "Infobip has this message already. What became of it comes in its report."},
	24:  {verdict: relay.Refused, reason: "Infobip found the message malformed."},
	25:  {verdict: relay.Refused, code: relay.CodeTextTooLong, reason: "The text is too long for Infobip. Shorten it."},
	51:  {verdict: relay.Refused, code: relay.CodeInvalidPhone, reason: "Infobip found no recipient in the message."},
	52:  {verdict: relay.Refused, code: relay.CodeInvalidPhone, reason: "The number is not one of any operator. Correct the number."},
	99:  {verdict: relay.Refused, reason: "The recipient declined."},
	100: {verdict: relay.Deferred, reason: "Infobip could not take the message at the moment; it will be tried again."},
}

// problems are the error codes of chat channels and, below 7000, the general
// ones that concern them. Classes are ours.
// https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
var problems = map[int]row{
	1:    {verdict: relay.Refused, code: relay.CodeInvalidPhone, reason: "The operator does not know this number. Correct the number."},
	5:    {verdict: relay.Refused, code: relay.CodeInvalidPhone, reason: "The operator cannot identify this number. Correct the number."},
	6:    {verdict: relay.Refused, code: relay.CodeProviderFailed, reason: "The recipient's phone could not be reached. Send it again later."},
	9:    {verdict: relay.Refused, reason: "The operator does not admit this number."},
	13:   {verdict: relay.Refused, reason: "The operator has suspended the recipient's service."},
	27:   {verdict: relay.Refused, code: relay.CodeProviderFailed, reason: "The recipient's phone could not be reached. Send it again later."},
	34:   {verdict: relay.Deferred, outage: true, reason: "The operator's system failed; it will be tried again."},
	255:  {verdict: relay.Unsure, reason: "The operator gave no reason."},
	500:  {verdict: relay.Deferred, outage: true, reason: "The operator's network failed; it will be tried again."},
	502:  {verdict: relay.Unsure, outage: true, reason: "The operator gave no answer."},
	5492: {verdict: relay.Unsure, reason: "Infobip has this message already. What became of it comes in its report."},

	// Try again.
	7012: {verdict: relay.Deferred, outage: true, reason: "Infobip's own set-up failed; it will be tried again."},
	7017: {verdict: relay.Deferred, after: time.Minute, reason: "Messages came faster than they are taken; it will be tried again."},
	7050: {verdict: relay.Deferred, outage: true, reason: "The provider behind Infobip has an error of its own; it will be tried again."},
	7051: {verdict: relay.Unsure, outage: true, reason: "The provider behind Infobip did not answer in time."},
	7036: {verdict: relay.Deferred, after: 10 * time.Minute, reason: "The template is new and not known everywhere yet; it will be tried again in 10 minutes."},
	7080: {verdict: relay.Deferred, outage: true, reason: "Infobip has an error of its own; it will be tried again."},
	7082: {verdict: relay.Deferred, outage: true, reason: "Infobip's gateway is out of order for a while; it will be tried again."},
	7052: {verdict: relay.Unsure, outage: true, reason: "The provider behind Infobip could not report what became of the message."},

	// Files.
	7013: {verdict: relay.Refused, code: relay.CodeFileUnreachable, reason: "The file could not be fetched from this relay. Check that its public address opens from outside."},
	7014: {verdict: relay.Refused, code: relay.CodeFileUnreachable, reason: "The file could not be handed to WhatsApp or Viber. Check its size and type, and send it again."},
	7015: {verdict: relay.Refused, code: relay.CodeFileTypeMismatch, reason: "The file's type or size is not what was announced. Save it in a common format."},
	7022: {verdict: relay.Refused, code: relay.CodeFileTypeMismatch, reason: "Files of this type are not taken. Save it in a common format, such as JPEG, MP4, MP3 or PDF."},

	// The session window.
	7010: {verdict: relay.Refused, code: relay.CodeWindowClosed, reason: "The recipient has not written within the last 24 hours. Send an approved template instead."},

	// Later.
	7016: {verdict: relay.Deferred, after: time.Hour, reason: "The sender's quality limits how many people it may write to at present; it will be tried again later."},
	7024: {verdict: relay.Deferred, after: time.Hour, reason: "Messages may not be sent at this time of day; it will be tried again later."},
	7026: {verdict: relay.Deferred, after: time.Hour, reason: "The limit for messages of this type is used up; it will be tried again later."},
	7032: {verdict: relay.Refused, reason: "This person has got as many marketing messages as Meta allows at present. Send it another day."},
	7035: {verdict: relay.Refused, reason: "This person was asked for permission to call as often as is allowed."},

	// The recipient.
	7002: {verdict: relay.Refused, code: relay.CodeNotOnWhatsApp, reason: "The recipient has no account on this channel or cannot be reached through it. Check the number."},
	7003: {verdict: relay.Refused, code: relay.CodeOptedOut, reason: "The recipient has blocked this sender."},
	7020: {verdict: relay.Refused, reason: "The recipient's app cannot show the message, or has not accepted the latest terms."},
	7025: {verdict: relay.Refused, reason: "The recipient's app is too old for this message."},
	7029: {verdict: relay.Refused, reason: "The number may belong to somebody else now. Confirm the person's identity at Infobip first."},
	7030: {verdict: relay.Refused, code: relay.CodeOptedOut, reason: "The recipient has blocked this template."},
	7033: {verdict: relay.Refused, code: relay.CodeOptedOut, reason: "The recipient has opted out of marketing messages."},
	7102: {verdict: relay.Refused, reason: "The recipient cannot be matched with this number."},
	7201: {verdict: relay.Refused, reason: "The recipient's device does not take this message."},

	// The message.
	7006: {verdict: relay.Refused, reason: "WhatsApp or Viber found the message wrong. Check what it holds."},
	7007: {verdict: relay.Refused, reason: "The message is not of the kind that the sender is registered for. Ask Infobip's support."},
	7008: {verdict: relay.Refused, code: relay.CodeTemplateVariables, reason: "The values do not fit the template. Compare their number and kind with it."},
	7009: {verdict: relay.Refused, code: relay.CodeTemplateUnknown, reason: "There is no approved template of this name and language. Sync the templates and look."},
	7018: {verdict: relay.Refused, reason: "Infobip could not put the message into WhatsApp's or Viber's form."},
	7023: {verdict: relay.Refused, reason: "Something in the message contradicts itself. Check its values."},
	7027: {verdict: relay.Refused, reason: "The content is against the channel's rules. Change the text."},
	7031: {verdict: relay.Refused, reason: "The template's flow cannot be used. Publish it, or choose another template."},
	7037: {verdict: relay.Refused, reason: "Meta has not made the template available for sending, or your business may not send it."},

	// The account.
	7001: {verdict: relay.ChannelFault, stops: true, reason: "Infobip does not know the application behind this sender. Check the sender in the channel's settings."},
	7004: {verdict: relay.ChannelFault, stops: true, reason: "The sender is not authorized with WhatsApp or Viber any more. Connect it at Infobip again."},
	7005: {verdict: relay.ChannelFault, reason: "The sender may not send this. Check at Infobip what it is approved for."},
	7011: {verdict: relay.ChannelFault, stops: true, reason: "There is something wrong with the business account. See Meta's Business Manager, or ask Infobip's support."},
	7019: {verdict: relay.ChannelFault, stops: true, reason: "Billing with WhatsApp or Viber does not work. See the payment method of the business account."},
	7021: {verdict: relay.ChannelFault, reason: "Meta restricts what this sender may do. See Account quality in Meta's Business Manager."},
	7034: {verdict: relay.ChannelFault, stops: true, reason: "The sender is not registered on WhatsApp. Register it under Channels and Numbers > WhatsApp > Senders."},
	7038: {verdict: relay.ChannelFault, stops: true, reason: "The WhatsApp Business Account is of a kind that is no longer supported (on behalf of). Transfer its ownership to the business."},
	7081: {verdict: relay.ChannelFault, reason: "The sender is not set up for this, or not registered for the recipient's country. Check it at Infobip."},
	7083: {verdict: relay.ChannelFault, stops: true, reason: "The service is not activated for your Infobip account. Ask your account manager to activate it."},
	7084: {verdict: relay.ChannelFault, reason: "The sender's registration lacks data. Complete it at Infobip."},

	// Twice.
	7280: {verdict: relay.Unsure, reason: "Infobip has this message already. What became of it comes in its report."},
	7281: {verdict: relay.Refused, reason: "Infobip does not accept where the message comes from. Ask Infobip's support."},
}

// groups are for statuses without a row.
var groups = map[int]row{
	2: {verdict: relay.Refused, reason: "The message could not be delivered."},
	4: {verdict: relay.Refused, code: relay.CodeProviderFailed, reason: "The message could not be delivered in time."},
	5: {verdict: relay.Refused, reason: "Infobip rejected the message."},
}

// rowOf is what a status and its problem mean. A problem without a row is as
// final as Infobip says.
func rowOf(st state, p *problem) row {
	if p != nil {
		if r, ok := problems[p.ID]; ok {
			return r
		}
	}
	r, ok := statuses[st.ID]
	if !ok {
		if r, ok = groups[st.GroupID]; !ok {
			r = groups[5]
		}
	}
	if p == nil || p.ID == 0 {
		return r
	}
	if p.Permanent != nil && !*p.Permanent && r.verdict == relay.Refused {
		r = row{verdict: relay.Deferred, reason: r.reason}
	}
	if name := word(p.Name); name != "?" {
		r.reason += " (" + name + ")"
	}
	return r
}
