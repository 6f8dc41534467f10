package vonage

import (
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// takeNotice adds what a notification about templates tells. Others tell
// nothing. Vonage documents its frame and not its tail, which follows Meta's
// webhook: it is looked for beside the frame and one step below.
// https://developer.vonage.com/en/channel-manager/guides/whatsapp/notification-webhooks
func takeNotice(got *relay.Received, s Settings, e event) error {
	w := field[event](e, "whatsapp")
	account := field[event](w, "waba_info")
	if key := account.word("api_key"); key != "" && !equal(key, s.APIKey) {
		return forged("it is about another account")
	}
	if id := account.word("waba_id"); id != "" && s.WABAID != "" && !equal(id, s.WABAID) {
		return forged("it is about another WhatsApp account")
	}
	if !strings.HasPrefix(w.word("notification_type"), "message_template_status") {
		return nil
	}
	if c, ok := templateChange(w); ok {
		got.Templates = append(got.Templates, c)
		return nil
	}
	for name := range w {
		if c, ok := templateChange(field[event](w, name)); ok {
			got.Templates = append(got.Templates, c)
			return nil
		}
	}
	return nil
}

// templateChange reads Meta's message_template_status_update.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
func templateChange(v event) (relay.TemplateChange, bool) {
	c := relay.TemplateChange{
		ID: v.word("message_template_id"), Name: v.word("message_template_name"), Language: v.word("message_template_language"),
		Category: whatsapp.Category(v.word("message_template_category")), Reason: whatsapp.Reason(v.word("reason")),
	}
	if event := v.word("event"); event != "" {
		c.Status = templateStatus(event)
	}
	if more := field[event](v, "rejection_info").word("reason"); more != "" {
		c.Reason = joined(": ", c.Reason, more)
	}
	return c, (c.ID != "" || c.Name != "" && c.Language != "") && c.Status != ""
}

// templateStatus is one of Meta's words as ours.
func templateStatus(word string) relay.TemplateStatus {
	switch w := strings.ToUpper(word); w {
	case "APPROVED", "REINSTATED", "UNPAUSED", "FLAGGED": // flagged: still sent, and at risk
		return relay.TemplateApproved
	case "PENDING", "IN_APPEAL":
		return relay.TemplatePending
	case "REJECTED":
		return relay.TemplateRejected
	case "PAUSED":
		return relay.TemplatePaused
	case "DISABLED":
		return relay.TemplateDisabled
	case "DELETED", "PENDING_DELETION":
		return relay.TemplateDeleted
	default:
		return relay.TemplateStatus(strings.ToLower(w))
	}
}
