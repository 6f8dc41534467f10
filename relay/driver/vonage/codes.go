package vonage

import (
	"time"

	"relevo/relay"
)

// place says where a code comes: Vonage numbers the errors of answers and
// those of status callbacks in two lists that use the same numbers for
// different things.
type place int

const (
	inAnswer place = iota // of the call itself
	inStatus              // in a status callback
)

// row is what one code means.
type row struct {
	in      place
	code    string
	verdict relay.Verdict
	is      relay.Code
	// after is the wait of a deferred message, zero for the relay's own.
	after  time.Duration
	outage bool
	reason string
}

// answered and told are the rows by their codes.
var answered, told = byCode(inAnswer), byCode(inStatus)

func byCode(in place) map[string]row {
	m := map[string]row{}
	for _, r := range rows {
		if r.in == in {
			m[r.code] = r
		}
	}
	return m
}

// The code of a token whose time is over, of a message that went out before,
// and of one of which Vonage does not know what became.
const (
	slugExpired  = "jwt-expired"
	codeAlready  = "1320"
	codeTimedOut = "1490"
)

// Short forms for the table.
const (
	unsure   = relay.Unsure
	refused  = relay.Refused
	deferred = relay.Deferred
	fault    = relay.ChannelFault
	no       = relay.CodeRefused
	failed   = relay.CodeProviderFailed
)

// rows are all documented codes: of answers,
// https://developer.vonage.com/en/api-errors and the schemas of
// https://developer.vonage.com/en/api/messages; of callbacks, its list
// x-errors, https://developer.vonage.com/en/api-errors/messages.
var rows = []row{
	// The call itself. These hold for any 4xx.
	{in: inAnswer, code: "unauthorized", verdict: fault, is: failed, reason: "Vonage does not take this channel's credentials. Check the application ID and the private key."},
	{in: inAnswer, code: "unathorized", verdict: fault, is: failed, reason: "Vonage does not take this channel's credentials. Check the application ID and the private key."},
	{in: inAnswer, code: "unprovisioned", verdict: fault, is: failed, reason: "The Vonage account may not use the Messages API yet. Ask Vonage to switch it on."},
	{in: inAnswer, code: slugExpired, verdict: fault, is: failed, reason: "Vonage says that a fresh token is too old. Set the clock of this server right."},
	{in: inAnswer, code: "jwt-revoked", verdict: fault, is: failed, reason: "Vonage has revoked the application's key. Generate a new one and save it here."},
	{in: inAnswer, code: "invalid-signature", verdict: fault, is: failed, reason: "The private key does not belong to the application. Generate a new one and save it here."},
	{in: inAnswer, code: "invalid-ip", verdict: fault, is: failed, reason: "The Vonage account takes calls from certain addresses alone. Add this server's in the Vonage dashboard under API Settings."},
	{in: inAnswer, code: "multiple-auth-methods", verdict: fault, is: failed, reason: "Vonage was given two kinds of credentials at once. Tell whoever runs this server: a proxy on the way adds some."},
	{in: inAnswer, code: "low-balance", verdict: fault, is: failed, reason: "The Vonage account has no credit left. Top it up in the Vonage dashboard under Billing, then resume the channel."},
	{in: inAnswer, code: "account-suspended", verdict: fault, is: failed, reason: "Vonage has suspended the account. Ask Vonage's support."},
	{in: inAnswer, code: "application-suspended", verdict: fault, is: failed, reason: "Vonage has suspended the application. Ask Vonage's support."},
	{in: inAnswer, code: "forbidden", verdict: fault, is: failed, reason: "The Vonage account may not do this. Check that the number is linked to the application."},
	{in: inAnswer, code: "throttled", verdict: deferred, is: failed, reason: "Vonage takes no more messages for the moment. The message waits."},
	{in: inAnswer, code: "not-found", verdict: refused, is: no, reason: "Vonage does not know what the message is about."},
	{in: inAnswer, code: "invalid-json", verdict: refused, is: no, reason: "Vonage could not read the message."},
	{in: inAnswer, code: "1100", verdict: refused, is: no, reason: "Vonage does not take the channel named in the message."},
	{in: inAnswer, code: "1110", verdict: refused, is: no, reason: "Vonage does not take something of the message."},
	{in: inAnswer, code: "1120", verdict: fault, is: failed, reason: "Vonage does not know the channel's number as a WhatsApp sender. Link it to the application in the Vonage dashboard."},
	{in: inAnswer, code: "110", verdict: refused, is: no, reason: "Vonage does not take the recipient's number."},
	{in: inAnswer, code: "1130", verdict: refused, is: no, reason: "Vonage does not take the recipient's number."},
	{in: inAnswer, code: "1140", verdict: refused, is: no, reason: "Vonage does not take this kind of message on WhatsApp."},
	{in: inAnswer, code: "1150", verdict: refused, is: no, reason: "Vonage does not take something of the message."},
	{in: inAnswer, code: "1060", verdict: refused, is: no, reason: "Vonage does not take the message's reference."},

	// Status callbacks: may pass by itself.
	{in: inStatus, code: "1000", verdict: deferred, is: failed, reason: "Vonage was given more messages than the account may send at a time. Send it again later."},
	{in: inStatus, code: "1030", verdict: deferred, is: failed, outage: true, reason: "Something failed inside Vonage. Send it again later."},
	{in: inStatus, code: "1100", verdict: deferred, is: failed, outage: true, reason: "Vonage could not reach WhatsApp. Send it again later."},
	{in: inStatus, code: "1180", verdict: deferred, is: failed, reason: "The recipient cannot be reached for the moment. Send it again later."},
	{in: inStatus, code: "1220", verdict: deferred, is: failed, reason: "The recipient's phone could not take the message. Send it again later."},
	{in: inStatus, code: "1230", verdict: deferred, is: failed, reason: "The network failed on the way. Send it again later."},
	{in: inStatus, code: "1331", verdict: deferred, is: failed, outage: true, reason: "WhatsApp did not answer Vonage. Send it again in a few minutes."},
	{in: inStatus, code: "1241", verdict: deferred, is: failed, after: time.Hour, reason: "Too many messages went to this recipient. Wait some hours."},
	{in: inStatus, code: "1460", verdict: deferred, is: failed, after: 6 * time.Hour, reason: "The day's limit of messages is reached. Send it again tomorrow."},
	{in: inStatus, code: "1472", verdict: deferred, is: failed, after: time.Hour, reason: "Vonage's protection against bursts stopped the message. Send more slowly, or change the rule under Fraud Defender."},
	{in: inStatus, code: "1461", verdict: refused, is: no, reason: "WhatsApp holds back marketing messages from people who got many. Wait a day, or send no marketing."},

	// The message: nothing but a change helps.
	{in: inStatus, code: "1340", verdict: refused, is: relay.CodeWindowClosed, reason: "The recipient has not written in the last 24 hours. Send an approved template instead."},
	{in: inStatus, code: "1010", verdict: refused, is: no, reason: "Vonage missed something in the message."},
	{in: inStatus, code: "1020", verdict: refused, is: no, reason: "Vonage did not take something of the message, such as a template's values."},
	{in: inStatus, code: "1021", verdict: refused, is: no, reason: "Vonage did not take the message's tag."},
	{in: inStatus, code: "1022", verdict: refused, is: no, reason: "The template does not exist in this language, is not approved, belongs to another account, or its values do not fit. Sync the templates and look."},
	{in: inStatus, code: "1040", verdict: refused, is: no, reason: "Vonage could not work with the message. Check the recipient's number and its country code."},
	{in: inStatus, code: "1090", verdict: refused, is: relay.CodeTextTooLong, reason: "The message is too long."},
	{in: inStatus, code: "1130", verdict: refused, is: no, reason: "Vonage did not take the message's time to live."},
	{in: inStatus, code: "1150", verdict: refused, is: no, reason: "Vonage did not take the message's class."},
	{in: inStatus, code: "1210", verdict: refused, is: no, reason: "A filter against spam stopped the message. Change its text."},
	{in: inStatus, code: "1282", verdict: refused, is: no, reason: "WhatsApp stopped the message for its content. Read WhatsApp's policy and change it."},
	{in: inStatus, code: "1380", verdict: refused, is: relay.CodeFileUnreachable, reason: "Vonage could not fetch the file. Check that this server's public address opens from outside."},
	{in: inStatus, code: "1381", verdict: refused, is: relay.CodeFileTooLarge, reason: "The file is larger than WhatsApp takes."},
	{in: inStatus, code: "1382", verdict: refused, is: relay.CodeFileTypeMismatch, reason: "WhatsApp does not take files of this type. Send it as a PDF, JPEG, MP3 or MP4."},
	{in: inStatus, code: "1400", verdict: refused, is: no, reason: "Vonage did not take the channel named in the message."},
	{in: inStatus, code: "1410", verdict: refused, is: no, reason: "Vonage did not take something of the message."},
	{in: inStatus, code: "1430", verdict: refused, is: no, reason: "Vonage does not take the recipient's number."},
	{in: inStatus, code: "1431", verdict: refused, is: no, reason: "Vonage takes one recipient per message."},
	{in: inStatus, code: "1440", verdict: refused, is: no, reason: "Vonage does not take this kind of message on WhatsApp."},
	{in: inStatus, code: "1450", verdict: refused, is: no, reason: "Vonage does not take the message's reference."},
	{in: inStatus, code: "1451", verdict: refused, is: no, reason: "The message that this one answers is gone."},
	{in: inStatus, code: "1480", verdict: refused, is: no, reason: "A rule of the recipient's country asks for a registered entity. Register it with Vonage."},
	{in: inStatus, code: "1481", verdict: refused, is: no, reason: "A rule of the recipient's country does not allow this sender. Register it with Vonage."},
	{in: inStatus, code: "1482", verdict: refused, is: no, reason: "A rule of the recipient's country asks for a registered text. Register it with Vonage."},
	{in: inStatus, code: "1483", verdict: refused, is: no, reason: "A rule of the recipient's country asks for a consent that is not on record."},
	{in: inStatus, code: "1484", verdict: refused, is: no, reason: "The sender did not pass a check of its registration. Ask Vonage's support."},
	{in: inStatus, code: "2002", verdict: refused, is: no, reason: "The message is larger than the channel takes."},
	{in: inStatus, code: codeAlready, verdict: unsure, reason: "Vonage had sent this message before."},
	{in: inStatus, code: codeTimedOut, verdict: unsure, reason: "Vonage does not know what became of the message."},
	{in: inStatus, code: "1330", verdict: refused, is: failed, reason: "WhatsApp could not deliver the message and gave no reason. Check the number, then send it again."},
	{in: inStatus, code: "1360", verdict: refused, is: failed, reason: "The message could not be delivered in time. The phone was off for too long."},

	// The recipient: leave them alone.
	{in: inStatus, code: "1300", verdict: refused, is: relay.CodeNotOnWhatsApp, reason: "This number is not on WhatsApp."},
	{in: inStatus, code: "1050", verdict: refused, is: no, reason: "Vonage may not send to this number."},
	{in: inStatus, code: "1160", verdict: refused, is: no, reason: "A trial account sends to numbers on its list alone. Add the number in the Vonage dashboard, or leave the trial."},
	{in: inStatus, code: "1170", verdict: refused, is: no, reason: "Vonage does not take the recipient's number."},
	{in: inStatus, code: "1190", verdict: refused, is: no, reason: "This number is no longer in use. Remove it from your list."},
	{in: inStatus, code: "1200", verdict: refused, is: no, reason: "The recipient changed the operator and cannot be reached. They have to ask their operator."},
	{in: inStatus, code: "1240", verdict: refused, is: relay.CodeOptedOut, reason: "The recipient asked for no more messages. Write to them no more."},
	{in: inStatus, code: "1260", verdict: refused, is: no, reason: "The recipient cannot be reached on this channel."},
	{in: inStatus, code: "1270", verdict: refused, is: no, reason: "The operator stopped the message for the recipient's age."},
	{in: inStatus, code: "1280", verdict: refused, is: no, reason: "The recipient's operator does not let the message through."},
	{in: inStatus, code: "1290", verdict: refused, is: no, reason: "The recipient's plan does not cover receiving the message."},
	{in: inStatus, code: "1310", verdict: refused, is: no, reason: "The recipient's phone or its WhatsApp is too old for this message."},
	{in: inStatus, code: "2003", verdict: refused, is: no, reason: "The recipient's address is on a list of those that are not written to."},

	// Routes and rules of the account for some destinations.
	{in: inStatus, code: "1242", verdict: refused, is: no, reason: "The pool of numbers named in the message does not exist."},
	{in: inStatus, code: "1250", verdict: refused, is: no, reason: "Vonage has no route to this number."},
	{in: inStatus, code: "1251", verdict: refused, is: no, reason: "The account's routing lets nothing through to this number. Ask Vonage's support."},
	{in: inStatus, code: "1470", verdict: refused, is: no, reason: "A traffic rule of Fraud Defender stopped the message. Look at the rules in the Vonage dashboard."},
	{in: inStatus, code: "1473", verdict: refused, is: no, reason: "Fraud Defender took the message for artificial traffic. Look at the rules in the Vonage dashboard."},
	{in: inStatus, code: "1474", verdict: refused, is: no, reason: "Fraud Defender blocks the recipient's country. Allow it in the Vonage dashboard."},
	{in: inStatus, code: "1475", verdict: refused, is: no, reason: "Fraud Defender blocks the recipient's network. Allow it in the Vonage dashboard."},
	{in: inStatus, code: "2001", verdict: refused, is: no, reason: "A rule against fraud stopped the message at WhatsApp's side."},

	// The account or the sender: nothing more goes out.
	{in: inStatus, code: "1060", verdict: fault, is: failed, reason: "Vonage has barred the account from sending. Ask Vonage's support."},
	{in: inStatus, code: "1070", verdict: fault, is: failed, reason: "The Vonage account's credit or quota is used up. Top it up in the Vonage dashboard under Billing, then resume the channel."},
	{in: inStatus, code: "1080", verdict: fault, is: failed, reason: "The Vonage account may not send through this API. Ask Vonage's support."},
	{in: inStatus, code: "1120", verdict: fault, is: failed, reason: "Vonage does not accept the channel's number as a sender. Check the number in the Vonage dashboard."},
	{in: inStatus, code: "1140", verdict: fault, is: failed, reason: "The Vonage account lacks a facility that the message needs. Ask Vonage to switch WhatsApp on."},
	{in: inStatus, code: "1350", verdict: fault, is: failed, reason: "A fee that Meta asks for was not paid. Pay it in Meta Business Suite."},
	{in: inStatus, code: "1370", verdict: fault, is: failed, reason: "Vonage's access to the Meta account has ended. Connect the account again in the Vonage dashboard."},
	{in: inStatus, code: "1420", verdict: fault, is: failed, reason: "Vonage does not know the channel's number as a WhatsApp sender. Link it to the application in the Vonage dashboard."},
	{in: inStatus, code: "1476", verdict: fault, is: failed, reason: "The channel's number is on a list of numbers that send nothing. Ask Vonage's support."},
}
