package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// Templates lists every template of the channel's WhatsApp Business Account.
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return nil, err
	}
	if s.WABAID == "" {
		return nil, noAccountID()
	}
	all, err := whatsapp.Templates(templateStatus, func(query url.Values, page any) error {
		_, err := d.call(ctx, request{method: http.MethodGet, path: "/" + s.WABAID + "/message_templates", query: query, token: s.AccessToken}, page)
		return err
	})
	return all, aboutTemplates(err)
}

func noAccountID() *relay.SendError {
	return refuse(relay.CodeTemplateUnsupported, "Templates need the WhatsApp Business Account ID. Copy it from developers.facebook.com/apps > your app > WhatsApp > API Setup into this channel's setting waba_id.")
}

// templateStatus is Meta's word in small letters. A template that came back is
// approved; what only warns tells no status.
func templateStatus(event string) relay.TemplateStatus {
	switch e := strings.ToLower(event); e {
	case "reinstated", "unarchived":
		return relay.TemplateApproved
	case "flagged", "locked":
		return ""
	default:
		return relay.TemplateStatus(e)
	}
}

// templateStatus reads what Meta tells of a template.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
func (r *reading) templateStatus(raw json.RawMessage) {
	var v struct {
		Event     string `json:"event"`
		ID        word   `json:"message_template_id"`
		Name      string `json:"message_template_name"`
		Language  string `json:"message_template_language"`
		Category  string `json:"message_template_category"`
		Reason    string `json:"reason"`
		Rejection struct {
			Reason         string `json:"reason"`
			Recommendation string `json:"recommendation"`
		} `json:"rejection_info"`
		Other struct {
			Description string `json:"description"`
		} `json:"other_info"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Event == "" {
		r.leftOut("message_template_status_update")
		return
	}
	why := strings.ReplaceAll(joined([]string{whatsapp.Reason(v.Reason), v.Rejection.Reason, v.Rejection.Recommendation, v.Other.Description}), "\n", ". ")
	if why == "" && strings.EqualFold(v.Event, "FLAGGED") {
		why = "FLAGGED"
	}
	r.got.Templates = append(r.got.Templates, relay.TemplateChange{ID: string(v.ID), Name: v.Name, Language: whatsapp.Language(v.Language),
		Status: templateStatus(v.Event), Category: whatsapp.Category(v.Category), Reason: why})
}

// templateCategory reads that Meta moved a template to another category.
func (r *reading) templateCategory(raw json.RawMessage) {
	var v struct {
		ID       word   `json:"message_template_id"`
		Name     string `json:"message_template_name"`
		Language string `json:"message_template_language"`
		Category string `json:"new_category"`
	}
	if json.Unmarshal(raw, &v) != nil {
		r.leftOut("template_category_update")
		return
	}
	if v.Category == "" {
		return // it announces a change of the future
	}
	r.got.Templates = append(r.got.Templates, relay.TemplateChange{ID: string(v.ID), Name: v.Name, Language: whatsapp.Language(v.Language),
		Category: whatsapp.Category(v.Category)})
}
