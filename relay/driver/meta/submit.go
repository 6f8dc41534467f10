package meta

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
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
	var a struct {
		ID       word   `json:"id"`
		Status   string `json:"status"`
		Category string `json:"category"`
	}
	_, err = d.call(ctx, request{method: http.MethodPost, path: "/" + s.WABAID + "/message_templates", token: s.AccessToken, json: rowOfTemplate(t, handle)}, &a)
	if err != nil {
		return t, aboutTemplates(err)
	}
	if a.ID == "" {
		return t, aboutTemplates(unreadable())
	}
	t.ID, t.Status = string(a.ID), relay.TemplatePending
	if a.Status != "" {
		t.Status = templateStatus(a.Status)
	}
	if a.Category != "" {
		t.Category = relay.TemplateCategory(strings.ToUpper(a.Category))
	}
	return t, nil
}

// aboutTemplates puts an error into words of templates. What Meta writes for
// the person who made one is shown as it is: it is about nothing else.
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

// rowOfTemplate is a template as Meta takes it.
func rowOfTemplate(t relay.Template, handle string) templateRow {
	r := templateRow{Name: t.Name, Language: language(t.Language), Category: string(t.Category), Format: "POSITIONAL"}
	if t.Named() {
		r.Format = "NAMED"
	}
	if t.Category == relay.Authentication {
		r.Parts = authentication(t)
		return r
	}
	if t.Header != nil {
		r.Parts = append(r.Parts, headerPart(*t.Header, handle))
	}
	r.Parts = append(r.Parts, bodyPart(t))
	if t.Footer != "" {
		r.Parts = append(r.Parts, templated{Type: "FOOTER", Text: t.Footer})
	}
	if len(t.Buttons) > 0 {
		part := templated{Type: "BUTTONS"}
		for _, b := range t.Buttons {
			part.Buttons = append(part.Buttons, buttonPart(b))
		}
		r.Parts = append(r.Parts, part)
	}
	return r
}

// authentication has a text of WhatsApp's own and a button that copies the
// code.
// https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates
func authentication(t relay.Template) []templated {
	copies := templateButton{Type: "OTP", OTP: "COPY_CODE"}
	if len(t.Buttons) > 0 {
		copies.Text = t.Buttons[0].Text
	}
	return []templated{{Type: "BODY", Secure: true}, {Type: "BUTTONS", Buttons: []templateButton{copies}}}
}

func headerPart(h relay.TemplateHeader, handle string) templated {
	p := templated{Type: "HEADER", Format: strings.ToUpper(h.Kind)}
	if handle != "" {
		p.Example = &examples{HeaderHandle: []string{handle}}
	}
	if h.Kind != "text" {
		return p
	}
	p.Text = h.Text
	if names := relay.TemplateVariables(h.Text); len(names) > 0 {
		p.Example = &examples{HeaderText: []string{h.Sample}}
		if !numbered(names) {
			p.Example = &examples{HeaderNamed: []namedExample{{names[0], h.Sample}}}
		}
	}
	return p
}

func bodyPart(t relay.Template) templated {
	p := templated{Type: "BODY", Text: t.Body}
	names := relay.TemplateVariables(t.Body)
	if len(names) == 0 {
		return p
	}
	if numbered(names) {
		p.Example = &examples{BodyText: [][]string{t.Samples}}
		return p
	}
	p.Example = &examples{}
	for i, name := range names[:min(len(names), len(t.Samples))] {
		p.Example.BodyNamed = append(p.Example.BodyNamed, namedExample{name, t.Samples[i]})
	}
	return p
}

func numbered(names []string) bool {
	for _, n := range names {
		if _, err := strconv.Atoi(n); err != nil {
			return false
		}
	}
	return true
}

func buttonPart(b relay.TemplateButton) templateButton {
	p := templateButton{Type: strings.ToUpper(b.Type), Text: b.Text, URL: b.URL, Phone: b.Phone}
	switch {
	case b.Type == "copy_code":
		p.Text, p.Example = "", b.Sample
	case b.Sample != "":
		p.Example = []string{b.Sample}
	}
	return p
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
