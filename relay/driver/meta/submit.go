package meta

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// Submit hands a template in for approval. A sample file of the header is
// uploaded first, which takes the app's ID.
func (d *Driver) Submit(ctx context.Context, ch relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return t, err
	}
	if s.WABAID == "" {
		return t, noAccountID()
	}
	handle := ""
	if t.Header != nil && slices.Contains([]string{"image", "video", "document"}, t.Header.Kind) {
		if handle, err = d.headerSample(ctx, s, sample); err != nil {
			return t, aboutTemplates(err)
		}
	}
	var made whatsapp.Template
	_, err = d.call(ctx, request{method: http.MethodPost, path: "/" + s.WABAID + "/message_templates", token: s.AccessToken, json: whatsapp.Submission(t, handle)}, &made)
	if err != nil {
		return t, aboutTemplates(err)
	}
	if made.ID == "" {
		return t, aboutTemplates(unreadable())
	}
	t.ID, t.Status = string(made.ID), cmp.Or(templateStatus(made.Status), relay.TemplatePending)
	t.Category = cmp.Or(whatsapp.Category(made.Category), t.Category) // Meta may choose another
	return t, nil
}

// aboutTemplates puts an error, if any, into words of templates. What Meta writes
// for the person who made one is shown as it is: it is about nothing else.
func aboutTemplates(err error) error {
	e, a := (*relay.SendError)(nil), (*answered)(nil)
	if !errors.As(err, &e) {
		return err
	}
	said := *e
	switch {
	case errors.As(err, &a) && a.Code == 100 && a.Subcode >= 2388000 && e.Verdict == relay.Refused:
		if r, ok := rowOf(fault{Code: a.Subcode}); ok {
			said.Reason = r.reason
		}
	case e.Verdict == relay.Unsure && a == nil:
		said.Reason = "Meta gave no clear answer. Look in WhatsApp Manager > Message templates before you try again."
	case e.Verdict == relay.Deferred && a == nil && e.Outage:
		said.Reason = "Meta could not be reached. Try again in a moment."
	}
	if a != nil && a.UserMessage != "" && said.Verdict == relay.Refused {
		said.Reason = strings.TrimSpace(said.Reason + " Meta says: " + a.UserMessage)
	}
	return &said
}

// headerSample uploads an example file and returns its handle.
// https://developers.facebook.com/docs/graph-api/guides/upload
func (d *Driver) headerSample(ctx context.Context, s settings, f *relay.OutgoingFile) (string, error) {
	if s.AppID == "" {
		return "", refuse(relay.CodeTemplateUnsupported, "A template with a file in its header needs the app ID. Copy it from developers.facebook.com/apps > your app > App settings > Basic into this channel's setting app_id.")
	}
	if f == nil {
		return "", refuse(relay.CodeTemplateVariables, "A template with a file in its header needs an example of it.")
	}
	kind, t, fault := d.sendable(f, "")
	if fault != nil {
		return "", fault
	}
	if kind == relay.Audio {
		return "", refuse(relay.CodeFileTypeMismatch, "A template's header shows a picture, a video or a document, no audio.")
	}
	var session struct {
		ID string `json:"id"`
	}
	query := url.Values{"file_length": {strconv.FormatInt(f.Size, 10)}, "file_type": {t}, "file_name": {f.Name}}
	if _, err := d.call(ctx, request{method: http.MethodPost, path: "/" + s.AppID + "/uploads", query: query, token: s.AccessToken}, &session); err != nil {
		return "", asPreparation(err)
	}
	var a struct {
		Handle string `json:"h"`
	}
	if !strings.HasPrefix(session.ID, "upload:") {
		return "", asPreparation(unreadable())
	}
	err := d.stream(ctx, f, streamed{url: d.base + "/" + session.ID, token: "OAuth " + s.AccessToken, mediaType: "application/octet-stream",
		header: http.Header{"File_offset": {"0"}}}, &a)
	if err == nil && a.Handle == "" {
		err = unreadable()
	}
	return a.Handle, asPreparation(err)
}
