package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"relevo/relay"
)

// templateForm is a template that somebody writes.
type templateForm struct {
	relay.Template
	Channels []relay.Channel
	// On is the id of the channel that it is for.
	On                                 string
	HeaderKind, HeaderText, HeaderFile string
	// Examples are for the body's variables, as they stand in it.
	Examples []filledValue
	// HeaderExample is for the header's variable; nil where it has none.
	HeaderExample *filledValue
	Buttons       []relay.TemplateButton
	Preview       shownMessage
}

// headerKinds, buttonTypes and templateCategories are what may be chosen.
var (
	headerKinds        = []string{"none", "text", "image", "video", "document", "location"}
	buttonTypes        = []string{"quick_reply", "url", "phone_number", "copy_code"}
	templateCategories = []relay.TemplateCategory{relay.Utility, relay.Marketing}
)

// HeaderKinds, ButtonTypes and Categories are for the form's lists.
func (templateForm) HeaderKinds() []string                { return headerKinds }
func (templateForm) ButtonTypes() []string                { return buttonTypes }
func (templateForm) Categories() []relay.TemplateCategory { return templateCategories }

// mostButtons is how many a template may have at WhatsApp.
const mostButtons = 10

func showNewTemplate(p *call) error {
	f, err := p.readTemplateForm()
	if err != nil {
		return err
	}
	f.HeaderKind, f.Category = "none", relay.Utility
	if f.On == "" {
		f.On = p.query("channel")
	}
	return p.show("template_new", f)
}

// readTemplateForm reads what was filled in, for a channel that has templates.
func (p *call) readTemplateForm() (f templateForm, err error) {
	p.Page = "templates"
	if f.Channels, err = p.templateChannels(); err != nil {
		return f, err
	}
	if len(f.Channels) == 0 {
		return f, errNoPage
	}
	f.On, f.Name, f.Language = p.field("channel"), p.field("name"), p.field("language")
	f.Category = relay.TemplateCategory(p.field("category"))
	f.Body, f.Footer = strings.ReplaceAll(p.field("body"), "\r\n", "\n"), p.field("footer")
	f.HeaderKind, f.HeaderText, f.HeaderFile = p.field("header_kind"), p.field("header_text"), p.field("header_file")
	for i := range mostButtons {
		b := relay.TemplateButton{Type: p.field(fmt.Sprintf("button%d_type", i)), Text: p.field(fmt.Sprintf("button%d_text", i)),
			URL: p.field(fmt.Sprintf("button%d_url", i)), Phone: p.field(fmt.Sprintf("button%d_phone", i)), Sample: p.field(fmt.Sprintf("button%d_sample", i))}
		if b.Type != "" && b.Type != "none" {
			f.Buttons = append(f.Buttons, onlyOf(b))
		}
	}
	f.addParts(p)
	return f, nil
}

// addParts helps to write: a further variable, a further button, or one less.
func (f *templateForm) addParts(p *call) {
	switch add := p.field("add"); {
	case add == "variable":
		f.Body = strings.TrimRight(f.Body, " ") + " {{" + strconv.Itoa(nextVariable(f.Body)) + "}}"
	case add == "button" && len(f.Buttons) < mostButtons:
		f.Buttons = append(f.Buttons, relay.TemplateButton{Type: "quick_reply"})
	}
	if i, err := strconv.Atoi(p.field("drop")); err == nil && i >= 0 && i < len(f.Buttons) {
		f.Buttons = append(f.Buttons[:i], f.Buttons[i+1:]...)
	}
	for i, name := range relay.TemplateVariables(f.Body) {
		field := fmt.Sprintf("v%d", i)
		f.Examples = append(f.Examples, filledValue{Field: field, Name: name, Value: p.field(field)})
		f.Samples = append(f.Samples, p.field(field))
	}
	f.Header = f.header(p.field("h0"))
	if f.HeaderKind == "text" {
		if names := relay.TemplateVariables(f.HeaderText); len(names) > 0 {
			f.HeaderExample = &filledValue{Field: "h0", Name: names[0], Value: p.field("h0"), Header: true}
		}
	}
	f.Template.Buttons = f.Buttons
	values := f.Examples
	if f.HeaderExample != nil {
		values = append([]filledValue{*f.HeaderExample}, values...)
	}
	f.Preview = shownMessageOf(f.Template, values)
}

func (f *templateForm) header(sample string) *relay.TemplateHeader {
	switch f.HeaderKind {
	case "", "none":
		return nil
	case "text":
		return &relay.TemplateHeader{Kind: "text", Text: f.HeaderText, Sample: sample}
	case "location":
		return &relay.TemplateHeader{Kind: "location"}
	}
	return &relay.TemplateHeader{Kind: f.HeaderKind, Sample: f.HeaderFile}
}

// onlyOf leaves out what a button of its type does not have.
func onlyOf(b relay.TemplateButton) relay.TemplateButton {
	if b.Type != "url" {
		b.URL = ""
	}
	if b.Type != "phone_number" {
		b.Phone = ""
	}
	if b.Type != "url" && b.Type != "copy_code" {
		b.Sample = ""
	}
	if b.Type == "url" && len(relay.TemplateVariables(b.URL)) == 0 {
		b.Sample = ""
	}
	if b.Type == "copy_code" {
		b.Text = ""
	}
	return b
}

// nextVariable is the number after the highest in a text.
func nextVariable(body string) int {
	most := 0
	for _, v := range relay.TemplateVariables(body) {
		if n, err := strconv.Atoi(v); err == nil {
			most = max(most, n)
		}
	}
	return most + 1
}

// submitTemplate hands a template in for approval; while one writes, it shows
// the preview and the fields for examples.
func submitTemplate(p *call) error {
	f, err := p.readTemplateForm()
	if err != nil {
		return err
	}
	p.noted = p.field("hand_in") == "" // a look at it
	if p.Htmx() && p.noted {
		if p.field("part") == "examples" {
			return p.part("template_new", "template_examples", f)
		}
		return p.part("template_new", "template_live", f)
	}
	if p.field("add")+p.field("drop") != "" || p.noted {
		p.noted = true
		return p.show("template_new", f)
	}
	ctx, cancel := context.WithTimeout(p.ctx, providerWithin)
	defer cancel()
	if f.Header != nil && p.c.Relay.Files == nil && f.Header.Kind != "text" && f.Header.Kind != "location" {
		return p.again(relay.RefuseField(relay.CodeInvalidField, "header.sample", "This server keeps no files.", ""), "template_new", f)
	}
	made, err := p.c.Relay.SubmitTemplate(ctx, p.WS.ID, f.On, f.Template)
	if err != nil {
		return p.againTemplate(err, f)
	}
	return p.done(p.At("templates", f.On, made.Name, made.Language), "templates.submitted_now")
}

// templateFields are the form's fields for those that the rules name, and the
// text of the rule for callers in other languages.
var templateFields = map[string][2]string{
	"name": {"name", "templaterules.name"}, "language": {"language", "templaterules.language"}, "category": {"category", "templaterules.category"},
	"header.kind": {"header_kind", "templaterules.header"}, "header.text": {"header_text", "templaterules.header"}, "header.sample": {"header_file", "templaterules.header_sample"},
	"body": {"body", "templaterules.body"}, "samples": {"samples", "templaterules.samples"}, "footer": {"footer", "templaterules.footer"}, "buttons": {"buttons", "templaterules.buttons"},
}

// againTemplate shows the form with what WhatsApp would reject, or with what
// the provider said.
func (p *call) againTemplate(err error, f templateForm) error {
	problem, ok := p.refusal(err)
	if !ok {
		return err
	}
	e := new(relay.Error)
	if errors.As(err, &e) {
		problem.Fields = p.templateFaults(e.Fields, f)
		switch {
		case len(problem.Fields) > 0:
			problem.Message, problem.Detail = p.N("channels.fix", len(problem.Fields)), ""
		case e.Code == relay.CodeProviderFailed:
			problem.Message, problem.Detail = p.T("templates.submit_failed"), e.Message
		}
	}
	p.Problem = problem
	return p.showAs(http.StatusUnprocessableEntity, "template_new", f)
}

// templateFaults are sentences by the form's fields.
func (p *call) templateFaults(list []relay.FieldError, f templateForm) map[string]string {
	faults := map[string]string{}
	for _, fault := range list {
		field, rule := "buttons", "templaterules.buttons"
		if known, ok := templateFields[fault.Field]; ok {
			field, rule = known[0], known[1]
		} else if i, part, ok := strings.Cut(strings.TrimPrefix(fault.Field, "buttons["), "]"); ok {
			field = "button" + i + "_" + strings.TrimPrefix(part, ".")
			if part == "" {
				field = "button" + i + "_type"
			}
		}
		if field == "header_file" && f.HeaderKind == "text" {
			field = "h0"
		}
		words := strings.TrimSpace(fault.Message + " " + fault.Hint)
		if !p.English() {
			words = p.T(rule)
		}
		for _, at := range f.fieldsOf(field) {
			if was := faults[at]; was != "" && was != words {
				words = was + " " + words
			}
			faults[at] = words
		}
	}
	return faults
}

// fieldsOf are the form's fields that a fault is said at: of examples, those
// that are empty.
func (f templateForm) fieldsOf(field string) (at []string) {
	if field != "samples" {
		return []string{field}
	}
	for _, e := range f.Examples {
		if e.Value == "" {
			at = append(at, e.Field)
		}
	}
	return at
}
