package twilio

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// contentSID is the form of a content template's id.
// https://www.twilio.com/docs/content/content-api-resources
var contentSID = sid("HX")

// fillTemplate names the template and its values. All parts of a content
// template share one numbering, so that values of a header, a button or a file
// take a look at the template first; those of a body alone do not.
// https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder
func (d *Driver) fillTemplate(ctx context.Context, form url.Values, s Settings, out relay.Outgoing) error {
	t := out.Template
	id := t.ID
	if id == "" {
		id = t.Name
	}
	if !contentSID.MatchString(id) {
		return refused(relay.CodeTemplateUnknown, "Twilio knows templates by their content SID. Synchronise the templates, or give the SID, which begins with HX, as the template's name.")
	}
	values := map[string]string{}
	if len(t.Header) == 0 && len(t.Buttons) == 0 && out.File == nil {
		take(values, nil, t.Body)
	} else {
		c, err := d.contentOf(ctx, s, id)
		if err != nil {
			return wire.Prepared(err)
		}
		if err := c.sort(values, out); err != nil {
			return err
		}
	}
	form.Set("ContentSid", id)
	if len(values) > 0 {
		text, err := json.Marshal(values)
		if err != nil {
			return refused(relay.CodeTemplateVariables, "The template's values cannot be written as JSON.")
		}
		form.Set("ContentVariables", string(text))
	}
	return nil
}

// take gives values their names: their own, those of the text's variables, or
// their numbers from 1.
func take(values map[string]string, names []string, given []relay.TemplateValue) {
	for i, v := range given {
		switch {
		case v.Name != "":
			values[v.Name] = v.Text
		case i < len(names):
			values[names[i]] = v.Text
		default:
			values[strconv.Itoa(i+1)] = v.Text
		}
	}
}

// contentOf looks a template up.
func (d *Driver) contentOf(ctx context.Context, s Settings, id string) (content, error) {
	res, err := d.get(ctx, s, d.content+"/v1/Content/"+id)
	if err != nil {
		return content{}, err
	}
	if res.Status == 404 {
		return content{}, refused(relay.CodeTemplateUnknown, meanings[21655].reason)
	}
	if res.Status != 200 {
		return content{}, errorOf(res)
	}
	var c content
	if err := json.Unmarshal(res.Body, &c); err != nil {
		return c, &relay.SendError{Verdict: relay.Unsure, Reason: "Twilio's answer about the template cannot be read."}
	}
	return c, nil
}

// variable is a placeholder of a content template.
var variable = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// sort names the values of all parts.
func (c content) sort(values map[string]string, out relay.Outgoing) error {
	t := out.Template
	p := c.part()
	take(values, relay.TemplateVariables(p.header()), t.Header)
	take(values, relay.TemplateVariables(p.text()), t.Body)
	for _, b := range t.Buttons {
		if b.Value == "" {
			continue
		}
		if b.Index < 0 || b.Index >= len(p.Actions) {
			return refused(relay.CodeTemplateVariables, "The template has no button in the place of one of the values. Synchronise the templates and look at its buttons.")
		}
		names := relay.TemplateVariables(p.Actions[b.Index].variable())
		if len(names) != 1 {
			return refused(relay.CodeTemplateVariables, "One of the template's buttons was given a value and takes none. At Twilio only addresses and codes with a variable take one.")
		}
		values[names[0]] = b.Value
	}
	if out.File != nil {
		return c.file(values, out.File)
	}
	return nil
}

// file names the file of the header. A template's file is a fixed address, or
// a fixed beginning of it with a variable behind: only an address that begins
// so can be put in.
func (c content) file(values map[string]string, f *relay.OutgoingFile) error {
	if err := takes(f); err != nil {
		return err
	}
	media := c.part().media()
	at := variable.FindStringSubmatchIndex(media)
	if at == nil {
		return refused(relay.CodeTemplateVariables, "The template's file is fixed at Twilio. Send the template without a file, or make one whose media address ends with a variable.")
	}
	before, name, after := media[:at[0]], media[at[2]:at[3]], media[at[1]:]
	if before != "" && !strings.HasPrefix(f.Link, before) || after != "" {
		return refused(relay.CodeTemplateVariables, "The template takes files from another address than this server's. Make one whose media address is this server's public address, /files/ and a variable.")
	}
	values[name] = strings.TrimPrefix(f.Link, before)
	return nil
}
