package vonage

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

var fieldID = regexp.MustCompile(`^[0-9]{1,32}$`)

// Templates lists every template of the WhatsApp account, at Meta. An error is
// a *relay.SendError.
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return nil, err
	}
	if m := missing(s); m != nil {
		return nil, m
	}
	return whatsapp.Templates(templateStatus, func(query url.Values, page any) error {
		return d.templatePage(ctx, s, query, page)
	})
}

func (d *Driver) templatePage(ctx context.Context, s Settings, query url.Values, page any) error {
	return d.graph(ctx, s, http.MethodGet, "/"+s.WABAID+"/message_templates", query, nil, page)
}

// Submit hands a template in at Meta. An error is a *relay.SendError.
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
func (d *Driver) Submit(ctx context.Context, ch relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return t, err
	}
	if m := missing(s); m != nil {
		return t, m
	}
	handle := ""
	if sample != nil {
		if handle, err = d.upload(ctx, s, *sample); err != nil {
			return t, err
		}
	}
	body, err := encode(whatsapp.Submission(t, handle))
	if err != nil {
		return t, err
	}
	var made whatsapp.Template
	if err := d.graph(ctx, s, http.MethodPost, "/"+s.WABAID+"/message_templates", nil, body, &made); err != nil {
		return t, err
	}
	t.ID, t.Status = string(made.ID), cmp.Or(templateStatus(made.Status), relay.TemplatePending)
	t.Category = cmp.Or(whatsapp.Category(made.Category), t.Category) // Meta may choose another
	return t, nil
}
