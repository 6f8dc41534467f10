package infobip

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
	"relevo/relay/driver/wire"
)

// keptTemplate is a template as Infobip keeps and takes it:
// https://www.infobip.com/docs/api/channels/whatsapp
type keptTemplate struct {
	ID            text      `json:"id,omitzero"`
	Name          string    `json:"name"`
	Language      string    `json:"language"`
	Status        string    `json:"status,omitzero"`
	Category      string    `json:"category"`
	Structure     structure `json:"structure"`
	LastUpdatedAt text      `json:"lastUpdatedAt,omitzero"`
}

type structure struct {
	Header  *keptHeader  `json:"header,omitzero"`
	Body    keptBody     `json:"body"`
	Footer  *keptFooter  `json:"footer,omitzero"`
	Buttons []keptButton `json:"buttons,omitzero"`
}

type keptHeader struct {
	Format  string `json:"format"`
	Text    string `json:"text,omitzero"`
	Example string `json:"example,omitzero"`
}

type keptBody struct {
	Text     string   `json:"text,omitzero"`
	Examples []string `json:"examples,omitzero"`
	// AddSecurityRecommendation is for codes, whose text is WhatsApp's own.
	AddSecurityRecommendation bool `json:"addSecurityRecommendation,omitzero"`
}

// keptFooter is there but empty where the text is WhatsApp's own: a code's
// template needs one (infobip-whatsapp-openapi.json 3.210.0,
// AuthenticationTemplateStructureApiData).
type keptFooter struct {
	Text string `json:"text,omitzero"`
}

type keptButton struct {
	Type        string `json:"type,omitzero"`
	OTPType     string `json:"otpType,omitzero"`
	Text        string `json:"text,omitzero"`
	URL         string `json:"url,omitzero"`
	PhoneNumber string `json:"phoneNumber,omitzero"`
	Example     string `json:"example,omitzero"`
}

func templatesPath(s settings) string {
	return "/whatsapp/2/senders/" + url.PathEscape(s.Sender) + "/templates"
}

// Templates lists the templates of the sender's business account. Infobip
// gives them all at once, and no reason of a rejection, which comes in a push.
func (d *Driver) Templates(ctx context.Context, ch relay.Channel) ([]relay.Template, error) {
	s, err := open(ch)
	if err != nil {
		return nil, err
	}
	r, err := d.call(ctx, s, http.MethodGet, templatesPath(s), nil)
	if err != nil {
		return nil, wire.Prepared(err)
	}
	if r.Status != http.StatusOK {
		return nil, wire.Prepared(refusal(r))
	}
	var in struct {
		Templates []keptTemplate `json:"templates"`
	}
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return nil, wire.Prepared(unclear(errors.New("templates are not JSON")))
	}
	now := time.Now().UTC()
	list := make([]relay.Template, 0, len(in.Templates))
	for _, k := range in.Templates {
		list = append(list, k.template(now))
	}
	return list, nil
}

// Submit hands a template in. Infobip wants an address of the header's
// example file.
func (d *Driver) Submit(ctx context.Context, ch relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	s, err := open(ch)
	if err != nil {
		return t, err
	}
	k, err := kept(t, sample)
	if err != nil {
		return t, err
	}
	r, err := d.call(ctx, s, http.MethodPost, templatesPath(s), k)
	if err != nil {
		return t, err
	}
	if r.Status < 200 || r.Status > 299 {
		return t, refusal(r)
	}
	var in keptTemplate
	if err := json.Unmarshal(r.Body, &in); err != nil || in.ID == "" {
		return t, unclear(errors.New("submitted template without an id"))
	}
	got := in.template(time.Now().UTC())
	t.ID, t.Status, t.SyncedAt = got.ID, got.Status, got.SyncedAt
	if got.Category != "" {
		t.Category = got.Category
	}
	return t, nil
}

// kept writes a template as Infobip takes it.
func kept(t relay.Template, sample *relay.OutgoingFile) (k keptTemplate, err error) {
	if t.Named() {
		return k, refused(relay.CodeTemplateVariables, "Infobip takes numbered variables only. Write {{1}}, {{2}} … in the template.", nil)
	}
	k = keptTemplate{Name: t.Name, Language: t.Language, Category: string(t.Category)}
	if t.Category == relay.Authentication {
		k.Structure.Body.AddSecurityRecommendation = true
		k.Structure.Footer = &keptFooter{}
		label := "Copy code"
		if len(t.Buttons) > 0 && t.Buttons[0].Text != "" {
			label = t.Buttons[0].Text
		}
		k.Structure.Buttons = []keptButton{{OTPType: "COPY_CODE", Text: label}}
		return k, nil
	}
	k.Structure.Body = keptBody{Text: t.Body, Examples: t.Samples}
	if t.Footer != "" {
		k.Structure.Footer = &keptFooter{t.Footer}
	}
	if t.Header != nil {
		h := keptHeader{Format: strings.ToUpper(t.Header.Kind), Text: t.Header.Text, Example: t.Header.Sample}
		if sample != nil && sample.Link != "" {
			h.Example = sample.Link
		}
		if h.Format != "TEXT" && h.Format != "LOCATION" && !strings.HasPrefix(h.Example, "http") {
			return k, refused(relay.CodeFileUnreachable, "The header needs an example file under an address that opens from outside. Give its link.", nil)
		}
		k.Structure.Header = &h
	}
	for _, b := range t.Buttons {
		p := keptButton{Type: strings.ToUpper(b.Type), Text: b.Text, URL: b.URL, PhoneNumber: b.Phone, Example: b.Sample}
		if b.Type == "copy_code" {
			p.Text = "" // WhatsApp's own; only read (CopyCodeDefaultButtonApiData)
		}
		k.Structure.Buttons = append(k.Structure.Buttons, p)
	}
	return k, nil
}

// template reads one that Infobip keeps. The button that copies a code is
// listed with an address as Meta does (examples of get-whatsapp-templates in
// infobip-whatsapp-openapi.json).
func (k keptTemplate) template(now time.Time) relay.Template {
	t := relay.Template{
		ID: string(k.ID), Name: k.Name, Language: k.Language, Category: relay.TemplateCategory(k.Category), Status: statusOf(k.Status),
		Body: k.Structure.Body.Text, Samples: k.Structure.Body.Examples, SyncedAt: now,
	}
	if h := k.Structure.Header; h != nil {
		t.Header = &relay.TemplateHeader{Kind: strings.ToLower(h.Format), Text: h.Text, Sample: h.Example}
	}
	if f := k.Structure.Footer; f != nil {
		t.Footer = f.Text
	}
	for _, b := range k.Structure.Buttons {
		kind := b.Type
		if kind == "" && b.OTPType != "" || k.Category == string(relay.Authentication) && strings.Contains(b.URL, whatsapp.CodeAddress) {
			kind, b.URL = "OTP", ""
		}
		t.Buttons = append(t.Buttons, relay.TemplateButton{
			Type: strings.ToLower(kind), Text: b.Text, URL: b.URL, Phone: b.PhoneNumber, Sample: b.Example,
		})
	}
	return t
}

// statusOf is a template's status in our words. A flagged one is sent still.
func statusOf(theirs string) relay.TemplateStatus {
	switch s := strings.ToUpper(theirs); s {
	case "APPROVED", "REINSTATED", "FLAGGED":
		return relay.TemplateApproved
	case "PENDING", "IN_APPEAL":
		return relay.TemplatePending
	case "PENDING_DELETION", "DELETED":
		return relay.TemplateDeleted
	case "FIRST_PAUSED", "SECOND_PAUSED", "PAUSED":
		return relay.TemplatePaused
	}
	return relay.TemplateStatus(strings.ToLower(theirs))
}

// templatePush is what Infobip tells of a template by itself.
type templatePush struct {
	TemplateID       text `json:"messageTemplateId"`
	TemplateName     text `json:"messageTemplateName"`
	TemplateLanguage text `json:"messageTemplateLanguage"`
	Change           *struct {
		Type        text `json:"type"`
		NewStatus   text `json:"newStatus"`
		NewCategory text `json:"newCategory"`
		Reason      text `json:"reason"`
	} `json:"change"`
}

// change is the push in our words; false for none, and for one that tells
// nothing that is kept, such as a quality.
func (p templatePush) change() (c relay.TemplateChange, ok bool) {
	if p.TemplateID == "" && p.TemplateName == "" || p.Change == nil {
		return c, false
	}
	c = relay.TemplateChange{ID: string(p.TemplateID), Name: string(p.TemplateName), Language: string(p.TemplateLanguage),
		Category: relay.TemplateCategory(p.Change.NewCategory)}
	if p.Change.NewStatus != "" {
		c.Status = statusOf(string(p.Change.NewStatus))
	}
	if r := string(p.Change.Reason); r != "NONE" && r != "UNKNOWN" {
		c.Reason = r
	}
	return c, c.Status != "" || c.Category != ""
}
