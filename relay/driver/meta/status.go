package meta

import (
	"encoding/json"

	"relevo/relay"
)

// status is what became of a message that was sent.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type status struct {
	ID        string  `json:"id"`
	Status    string  `json:"status"`
	Timestamp word    `json:"timestamp"`
	Reference string  `json:"biz_opaque_callback_data"`
	Errors    []fault `json:"errors"`
}

// reported is what Meta's words are here; other words say nothing new. Played
// is a voice message that was listened to.
var reported = map[string]relay.Status{
	"sent": relay.Sent, "delivered": relay.Delivered, "read": relay.Read, "played": relay.Read, "failed": relay.Failed,
}

func (r *reading) status(raw json.RawMessage) {
	var s status
	if json.Unmarshal(raw, &s) != nil {
		r.leftOut("status")
		return
	}
	is, ok := reported[s.Status]
	if !ok || s.ID == "" && s.Reference == "" {
		return
	}
	rep := relay.Report{ProviderID: s.ID, Status: is, At: moment(s.Timestamp, r.at)}
	if relay.ValidMessageID(s.Reference) {
		rep.MessageID = s.Reference
	}
	if is == relay.Failed {
		rep.Failure = &relay.Failure{Code: relay.CodeProviderFailed, Message: "WhatsApp could not deliver the message, and does not say why."}
		if len(s.Errors) > 0 {
			rep.Failure = s.Errors[0].failure()
			r.channelFault(s.Errors[0], rep.At)
		}
	}
	r.got.Reports = append(r.got.Reports, rep)
}
