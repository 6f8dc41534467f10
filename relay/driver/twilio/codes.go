package twilio

import (
	"time"

	"relevo/relay"
)

// meanings is what Twilio's codes mean for a message and its channel. They come
// in the answer of a call and in callbacks; which of the two is not documented
// for most, so that every row is good for both.
//
// A code whose remedy concerns some recipients or templates only (21408,
// 63062) refuses the message: a fault would hold up everybody else.
//
// https://www.twilio.com/docs/api/errors
// https://www.twilio.com/docs/whatsapp/tutorial/error-codes
var meanings = map[int]meaning{
	// Twilio itself.
	20003: fault("Twilio refused the credentials, or the account may not do this. Check the auth token or the API key in the channel's settings, and the account's state in the Twilio Console."),
	20005: holding("The Twilio account is not active. See the Twilio Console for what has to be done."),
	20404: fault("Twilio does not know this account. Check the account SID in the channel's settings."),
	20429: deferred(0, "Too many calls to Twilio at once; it is sent again a little later."),
	20500: outage("Twilio had an internal error and left open whether the message was taken."),
	20503: outage("Twilio is not available and left open whether the message was taken."),
	30002: holding("The Twilio account is suspended. See the Twilio Console for what has to be done."),

	// What the call said.
	21211: refusing(relay.CodeRefused, "The recipient's number is not a valid one. Correct it and send again."),
	21212: fault("The sender's number in the channel's settings is not a valid one."),
	21408: refusing(relay.CodeRefused, "The Twilio account may not send to the recipient's country. Enable it under Messaging > Settings > Geo permissions and send again."),
	21602: refusing(relay.CodeRefused, "The message has neither text nor file."),
	21603: fault("The call had no sender. Enter the number in the channel's settings."),
	21604: refusing(relay.CodeRefused, "The message has no recipient."),
	21606: fault("The sender's number does not belong to this Twilio account or cannot send. Check it under Messaging > Senders > WhatsApp senders."),
	21608: refusing(relay.CodeRefused, "A trial account sends to verified numbers only. Verify the recipient's in the Twilio Console, or upgrade the account."),
	21609: fault("Twilio does not take the address for reports. Set public_url to an https address that opens from outside, without an underscore in its host name."),
	21610: refusing(relay.CodeOptedOut, "The recipient has opted out by STOP. Nothing more can be sent until they write START."),
	21611: deferred(10*time.Minute, "More messages wait at Twilio than the sender can send in four hours; it is sent again later."),
	21614: refusing(relay.CodeRefused, "The recipient's number is not a mobile number."),
	21617: refusing(relay.CodeTextTooLong, "The text is longer than the 1600 characters that Twilio takes. Shorten it."),
	21619: refusing(relay.CodeRefused, "The message has no text, file or template."),
	21620: refusing(relay.CodeFileUnreachable, "Twilio does not take the file's address. Check that public_url opens from outside."),
	21623: refusing(relay.CodeRefused, "The message has more files than Twilio takes."),
	21654: refusing(relay.CodeTemplateUnknown, "The call had values but no template. Synchronise the templates and send again."),
	21655: refusing(relay.CodeTemplateUnknown, "Twilio does not know this template. Synchronise the templates and choose one that exists."),
	21656: refusing(relay.CodeTemplateVariables, "Twilio cannot read the template's values. Check how many there are and that none is empty."),
	21703: fault("The messaging service has no sender. Add one to its sender pool under Messaging > Services."),
	21705: fault("The messaging service does not exist or cannot be used. Check its SID in the channel's settings."),
	21910: fault("Sender and recipient are on different channels: the sender is not a WhatsApp sender. Check it under Messaging > Senders > WhatsApp senders."),
	92005: refusing(relay.CodeTemplateVariables, "Twilio cannot read the template's values. Check how many there are and that none is empty."),

	// Files.
	11751: refusing(relay.CodeFileTooLarge, "The file is larger than WhatsApp takes: 5 MB for an image, 16 MB for everything else."),
	12300: refusing(relay.CodeFileTypeMismatch, "WhatsApp does not take a file of this type from Twilio. It takes "+takenNames+"."),
	63019: {verdict: relay.Deferred, code: relay.CodeFileUnreachable, after: 30 * time.Second, reason: "Twilio could not fetch the file, or it was empty. Check that public_url opens from outside."},
	63025: refusing(relay.CodeRefused, "WhatsApp says that it has this file already. Send it again under another name."),
	63034: refusing(relay.CodeFileTooLarge, "The file is larger than WhatsApp takes: 5 MB for an image, 16 MB for everything else."),
	63037: unsure(false, "Twilio could not hand the file to WhatsApp and tries again by itself."),

	// Delivery.
	30001: deferred(10*time.Minute, "Twilio's queue for this sender is full."),
	30003: refusing(relay.CodeRefused, "The recipient's phone cannot be reached."),
	30004: refusing(relay.CodeRefused, "The recipient does not receive this message: it is blocked."),
	30005: refusing(relay.CodeNotOnWhatsApp, "The recipient's number is unknown or no longer in use."),
	30006: refusing(relay.CodeRefused, "The recipient's number is a landline or cannot be reached."),
	30007: refusing(relay.CodeRefused, "The message was filtered as unwanted. Change its wording, or ask Twilio's support."),
	30008: unsure(false, "Delivery failed for a reason that Twilio does not know."),
	30036: refusing(relay.CodeExpired, "The message was not delivered within the time it was valid for."),

	// WhatsApp.
	63001: holding("WhatsApp no longer accepts Twilio's access to this sender. Open it under Messaging > Senders > WhatsApp senders and connect it again."),
	63002: holding("Twilio has no WhatsApp sender of this number. Check it under Messaging > Senders > WhatsApp senders."),
	63003: refusing(relay.CodeNotOnWhatsApp, "The recipient's number is not on WhatsApp."),
	63005: refusing(relay.CodeRefused, "WhatsApp did not accept the message's content. Change it and send again."),
	63006: refusing(relay.CodeRefused, "The message cannot be put into a form that WhatsApp takes."),
	63007: holding("Twilio has no WhatsApp sender of this number. Check it under Messaging > Senders > WhatsApp senders."),
	63009: outage("WhatsApp had an error of its own."),
	63010: outage("Twilio had an internal error."),
	63012: outage("WhatsApp had an internal error."),
	63013: refusing(relay.CodeRefused, "The message breaks a rule of WhatsApp's. Check its content; a template's value may not have four spaces in a row."),
	63014: refusing(relay.CodeRefused, "The recipient has blocked this sender."),
	63015: refusing(relay.CodeRefused, "The recipient has not joined the Twilio sandbox, or three days have passed since. They join by writing the sandbox's join code to its number."),
	63016: refusing(relay.CodeWindowClosed, "The recipient has not written within the last 24 hours, so WhatsApp takes nothing but an approved template now. Send one as a template, not as text."),
	63017: deferred(5*time.Second, "The Twilio account has sent more messages a second than it may."),
	63018: deferred(time.Minute, "The sender has sent faster than WhatsApp allows, or has reached its limit of people a day."),
	63020: holding("Twilio's access to the WhatsApp business account was not accepted yet. Accept the invitation in Meta Business Manager."),
	63021: refusing(relay.CodeRefused, "WhatsApp did not accept the message's content; a template with its values may have 1024 characters."),
	63022: holding("The sender's display name is not certified by WhatsApp. Check it under Messaging > Senders > WhatsApp senders."),
	63023: unsure(false, "WhatsApp reported an error that it does not explain."),
	63024: refusing(relay.CodeRefused, "WhatsApp cannot deliver to this recipient."),
	63026: holding("WhatsApp has flagged the sender for unwanted messages. Look at its quality under Messaging > Senders > WhatsApp senders."),
	63031: refusing(relay.CodeRefused, "The recipient is the sender itself."),
	63032: refusing(relay.CodeRefused, "WhatsApp does not deliver to this recipient, who is part of an experiment of Meta's."),
	63033: refusing(relay.CodeRefused, "The recipient has blocked this sender."),
	63038: deferred(time.Hour, "The Twilio account has reached its limit of messages a day."),
	63051: holding("The WhatsApp business account is locked. Open Meta Business Manager for what has to be done."),

	// Templates.
	63027: refusing(relay.CodeTemplateUnknown, "WhatsApp has no such template in this language. Synchronise the templates."),
	63028: refusing(relay.CodeTemplateVariables, "The number of values is not that of the template's variables."),
	63029: refusing(relay.CodeRefused, "The recipient's app could not load the template."),
	63030: refusing(relay.CodeRefused, "The message combines what WhatsApp does not take together, such as a template and a file that is not part of it."),
	63040: refusing(relay.CodeTemplateUnknown, "WhatsApp has rejected this template. Synchronise the templates to see why."),
	63041: refusing(relay.CodeTemplateUnknown, "WhatsApp has paused this template, because people did not like it. Use another one, or wait."),
	63042: refusing(relay.CodeTemplateUnknown, "WhatsApp has disabled this template. Use another one."),
	63049: refusing(relay.CodeRefused, "WhatsApp chose not to deliver this marketing message to this person now. Try again tomorrow at the earliest; it never delivers them to numbers of the United States."),
	63062: refusing(relay.CodeRefused, "The terms of WhatsApp's marketing messages have not been accepted. Accept them in Meta Business Manager and send again."),
}

func refusing(code relay.Code, reason string) meaning {
	return meaning{verdict: relay.Refused, code: code, reason: reason}
}

func deferred(after time.Duration, reason string) meaning {
	return meaning{verdict: relay.Deferred, code: relay.CodeProviderFailed, after: after, reason: reason}
}

func fault(reason string) meaning {
	return meaning{verdict: relay.ChannelFault, code: relay.CodeProviderFailed, reason: reason}
}

// holding is a fault that holds the channel also where a callback tells of it.
func holding(reason string) meaning {
	m := fault(reason)
	m.holds = true
	return m
}

func unsure(outage bool, reason string) meaning {
	return meaning{verdict: relay.Unsure, code: relay.CodeProviderFailed, outage: outage, reason: reason}
}

func outage(reason string) meaning { return unsure(true, reason) }
