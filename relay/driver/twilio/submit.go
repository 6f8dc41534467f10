package twilio

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Submit makes a content template and asks WhatsApp to approve it. Where the
// second is refused the content is removed again, so that a corrected template
// does not find the refused one in its way.
// https://www.twilio.com/docs/content/content-api-resources#submit-templates-for-approval
func (d *Driver) Submit(ctx context.Context, ch relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return t, err
	}
	c, err := contentFor(t, sample)
	if err != nil {
		return t, err
	}
	var made content
	if err := d.create(ctx, s, d.content+"/v1/Content", c, &made); err != nil {
		return t, err
	}
	if !contentSID.MatchString(made.SID) {
		return t, &relay.SendError{Reason: "Twilio's answer cannot be read. Synchronise the templates to see whether it was made."}
	}
	var a approval
	wanted := map[string]string{"name": t.Name, "category": string(t.Category)}
	if err := d.create(ctx, s, d.content+"/v1/Content/"+made.SID+"/ApprovalRequests/whatsapp", wanted, &a); err != nil {
		if e, ok := err.(*relay.SendError); ok && e.Verdict == relay.Refused {
			d.remove(ctx, s, made.SID)
		}
		return t, err
	}
	t.ID, t.Status, t.Reason = made.SID, templateStatus(a.Status), a.Reason
	return t, nil
}

// create posts JSON and reads what was made.
func (d *Driver) create(ctx context.Context, s Settings, address string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return refused(relay.CodeRefused, "The template cannot be written as JSON.")
	}
	req, err := wire.NewJSON(ctx, http.MethodPost, address, body)
	if err != nil {
		return notSendable(err)
	}
	res, err := d.do(ctx, s, req)
	if err != nil {
		return err
	}
	if res.Status/100 != 2 {
		return errorOf(res)
	}
	if json.Unmarshal(res.Body, into) != nil {
		return &relay.SendError{Reason: "Twilio's answer cannot be read. Synchronise the templates to see whether it was made."}
	}
	return nil
}

// remove deletes a content; one that stays does no harm.
func (d *Driver) remove(ctx context.Context, s Settings, id string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, d.content+"/v1/Content/"+id, nil)
	if err == nil {
		_, err = d.do(ctx, s, req)
	}
	if err != nil {
		d.log.Warn("twilio: remove a content that was not submitted", "content", id, "error", err)
	}
}

// draft collects the parts of a content. Twilio numbers the variables of all
// parts together, WhatsApp those of each part from 1.
type draft struct {
	samples map[string]json.RawMessage
	named   bool
}

// contentFor is the content of a template.
// https://www.twilio.com/docs/content/content-types-overview
func contentFor(t relay.Template, sample *relay.OutgoingFile) (content, error) {
	d := draft{samples: map[string]json.RawMessage{}, named: t.Named()}
	p := part{Footer: t.Footer}
	if t.Category == relay.Authentication {
		return authentication(t)
	}
	if h := t.Header; h != nil && h.Kind == "text" {
		p.HeaderText = d.text(h.Text, []string{h.Sample})
	}
	p.Body = d.text(t.Body, t.Samples)
	if h := t.Header; h != nil && h.Kind != "text" {
		if err := d.media(&p, *h, sample); err != nil {
			return content{}, err
		}
	}
	for _, b := range t.Buttons {
		a, err := d.action(b)
		if err != nil {
			return content{}, err
		}
		p.Actions = append(p.Actions, a)
	}
	kind, p := shaped(p)
	return content{Name: t.Name, Language: t.Language, Variables: d.samples, Types: map[string]part{kind: p}}, nil
}

// shaped is the simplest type that holds all of a part.
func shaped(p part) (string, part) {
	simple := p.HeaderText == "" && p.Footer == ""
	kinds := map[string]bool{}
	for _, a := range p.Actions {
		kinds[a.Type] = true
	}
	switch {
	case simple && len(p.Actions) == 0 && len(p.Media) == 0:
		return "twilio/text", p
	case simple && len(p.Actions) == 0:
		return "twilio/media", p
	case simple && len(p.Media) == 0 && len(kinds) == 1 && kinds["QUICK_REPLY"]:
		p.Actions = slices.Clone(p.Actions)
		for i := range p.Actions {
			p.Actions[i].Type = ""
		}
		return "twilio/quick-reply", p
	case simple && len(p.Media) == 0 && !kinds["QUICK_REPLY"]:
		return "twilio/call-to-action", p
	}
	return "whatsapp/card", p
}

// text takes a part's variables over into the common numbering.
func (d *draft) text(text string, samples []string) string {
	renamed := map[string]string{}
	for i, name := range relay.TemplateVariables(text) {
		sample := ""
		if i < len(samples) {
			sample = samples[i]
		}
		renamed[name] = d.variable(name, sample)
	}
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		return "{{" + renamed[variable.FindStringSubmatch(v)[1]] + "}}"
	})
}

// variable gives one its name and keeps its example.
func (d *draft) variable(name, sample string) string {
	_, err := strconv.Atoi(name)
	if _, used := d.samples[name]; !d.named || used || err == nil {
		name = strconv.Itoa(len(d.samples) + 1)
	}
	raw, _ := json.Marshal(sample) // a string always can be
	d.samples[name] = raw
	return name
}

// filesPath is where this server's files lie: what is behind it is a variable,
// so that each message can have its own file.
const filesPath = "/files/"

func (d *draft) media(p *part, h relay.TemplateHeader, sample *relay.OutgoingFile) error {
	if h.Kind == "location" {
		return refused(relay.CodeTemplateUnsupported, "Templates with a place cannot be made here. Make it under Messaging > Content Template Builder and synchronise the templates.")
	}
	link := h.Sample
	if sample != nil {
		if err := takes(sample); err != nil {
			return err
		}
		link = sample.Link
	}
	if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
		return refused(relay.CodeTemplateVariables, "Twilio needs an address under which the header's example file opens. Give it as the header's sample.")
	}
	if before, after, ok := strings.Cut(link, filesPath); ok && sample != nil {
		link = before + filesPath + "{{" + d.variable(strconv.Itoa(len(d.samples)+1), after) + "}}"
	}
	p.Media, _ = json.Marshal([]string{link}) // strings always can be
	return nil
}

// copyTitle is the label of a button that copies a code, where none is given.
const copyTitle = "Copy code"

// action is a button. https://www.twilio.com/docs/content/twilio-call-to-action
func (d *draft) action(b relay.TemplateButton) (action, error) {
	a := action{Type: strings.ToUpper(b.Type), Title: b.Text}
	switch b.Type {
	case "quick_reply":
		a.ID = b.Text
	case "url":
		before, _, _ := strings.Cut(b.URL, "{{")
		a.URL = d.text(b.URL, []string{strings.TrimPrefix(b.Sample, before)})
	case "phone_number":
		a.Phone = b.Phone
	case "copy_code":
		a.Code = b.Sample
		if a.Title == "" { // needed of every action (twilio_content_v1.json)
			a.Title = copyTitle
		}
	default:
		return a, refused(relay.CodeTemplateUnsupported, "Buttons of this type cannot be made here. Make the template under Messaging > Content Template Builder and synchronise the templates.")
	}
	return a, nil
}

// authentication is a template with a code, whose words are WhatsApp's own.
// https://www.twilio.com/docs/content/whatsappauthentication
func authentication(t relay.Template) (content, error) {
	a := action{Type: "COPY_CODE", CopyText: "Copy Code"}
	for _, b := range t.Buttons {
		if b.Text != "" {
			a.CopyText = b.Text
		}
	}
	p := part{Security: true, Actions: []action{a}}
	return content{Name: t.Name, Language: t.Language, Types: map[string]part{authenticationKind: p}}, nil
}
