package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// templateRoutes are the pages of message templates.
func (c *Console) templateRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/templates", access: viewers, page: showTemplates},
		{pattern: "GET /w/{ws}/templates/new", access: members, page: showNewTemplate},
		{pattern: "POST /w/{ws}/templates/new", access: members, page: submitTemplate},
		{pattern: "POST /w/{ws}/templates/sync", access: members, page: syncTemplates},
		{pattern: "GET /w/{ws}/templates/{ch}/{name}/{language}", access: viewers, page: showTemplate},
	}
}

// templateRow is a template with its channel.
type templateRow struct {
	relay.Template
	On relay.Channel
	// Read is when the provider last told of it.
	Read time.Time
}

// templateList is what the page of all templates shows.
type templateList struct {
	Rows []templateRow
	// Channels are those that have templates.
	Channels []relay.Channel
	// Channel, Status, Language and Name filter; empty for all.
	Channel, Status, Language, Name string
	Statuses, Languages             []string
	// Any: there are templates, whatever the filter.
	Any bool
	// More leads to the next part of a long list.
	More string
}

const templatesPerPage = 100

// templateChannels are the workspace's channels that have templates.
func (p *call) templateChannels() (list []relay.Channel, err error) {
	all, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	for _, ch := range all {
		if hasTemplates(p.c.Relay, ch) {
			list = append(list, ch)
		}
	}
	return list, err
}

func showTemplates(p *call) error {
	v, err := p.templateList()
	if err != nil {
		return err
	}
	return p.show("templates", v)
}

// templateList reads the list of every channel; filters are in the address.
func (p *call) templateList() (templateList, error) {
	v := templateList{Channel: p.query("channel"), Status: p.query("status"), Language: p.query("language"), Name: p.query("name")}
	var err error
	if v.Channels, err = p.templateChannels(); err != nil {
		return v, err
	}
	for _, ch := range v.Channels {
		_, list, err := p.c.Relay.Templates(p.ctx, p.WS.ID, ch.ID)
		if err != nil {
			return v, err
		}
		for _, t := range list {
			v.add(templateRow{Template: t, On: ch, Read: laterOf(t.SyncedAt, ch.TemplatesAt)})
		}
	}
	slices.Sort(v.Statuses)
	slices.Sort(v.Languages)
	slices.SortFunc(v.Rows, func(a, b templateRow) int { return strings.Compare(a.key(), b.key()) })
	v.cut(p)
	return v, nil
}

func (t templateRow) key() string { return t.Name + " " + t.Language + " " + t.On.ID }

// add takes a template into the list, where the filter lets it.
func (v *templateList) add(t templateRow) {
	v.Any = true
	for list, word := range map[*[]string]string{&v.Statuses: string(t.Status), &v.Languages: t.Language} {
		if !slices.Contains(*list, word) {
			*list = append(*list, word)
		}
	}
	if v.Channel != "" && v.Channel != t.On.ID || v.Status != "" && v.Status != string(t.Status) || v.Language != "" && v.Language != t.Language ||
		!strings.Contains(t.Name, strings.ToLower(v.Name)) {
		return
	}
	v.Rows = append(v.Rows, t)
}

// cut leaves one page of the rows: those after the cursor.
func (v *templateList) cut(p *call) {
	if cursor := p.query("cursor"); cursor != "" {
		v.Rows = slices.DeleteFunc(v.Rows, func(t templateRow) bool { return t.key() <= cursor })
	}
	if len(v.Rows) <= templatesPerPage {
		return
	}
	v.Rows = v.Rows[:templatesPerPage]
	q := url.Values{"cursor": {v.Rows[templatesPerPage-1].key()}}
	for name, value := range map[string]string{"channel": v.Channel, "status": v.Status, "language": v.Language, "name": v.Name} {
		if value != "" {
			q.Set(name, value)
		}
	}
	v.More = p.At("templates") + "?" + q.Encode()
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Filtered reports whether not all are asked for.
func (v templateList) Filtered() bool { return v.Channel+v.Status+v.Language+v.Name != "" }

// TemplatePill is how a template's status is shown.
func (p *call) TemplatePill(s relay.TemplateStatus) map[string]any {
	kind := "off"
	switch s {
	case relay.TemplateApproved:
		kind = "good"
	case relay.TemplatePending:
		kind = "wait"
	case relay.TemplateRejected, relay.TemplateDisabled:
		kind = "bad"
	}
	return map[string]any{"kind": kind, "text": p.TemplateWord("templatestatus", string(s))}
}

// TemplateWord is a word of a provider's in the caller's language; one that is
// not known comes back as it is.
func (p *call) TemplateWord(family, word string) string {
	key := family + "." + strings.ToLower(word)
	if s := p.T(key); s != key {
		return s
	}
	return word
}

// providerWithin bounds a page that waits for a provider.
const providerWithin = 25 * time.Second

// syncTemplates reads the lists from the providers now: one channel's, or all.
func syncTemplates(p *call) error {
	p.Page = "templates"
	channels, err := p.templateChannels()
	if err != nil {
		return err
	}
	only := p.field("channel")
	read, done := 0, 0
	for _, ch := range channels {
		if only != "" && only != ch.ID {
			continue
		}
		ctx, cancel := context.WithTimeout(p.ctx, providerWithin)
		list, err := p.c.Relay.SyncTemplates(ctx, p.WS.ID, ch.ID)
		cancel()
		if err != nil {
			return p.syncFailed(ch, err)
		}
		read, done = read+len(list), done+1
	}
	if done == 0 {
		return errNoPage
	}
	return p.done(p.At("templates"), "templates.synced_now", "Count", p.Num(read))
}

// syncFailed shows the list as it was, with what the provider said.
func (p *call) syncFailed(ch relay.Channel, err error) error {
	e := new(relay.Error)
	if !errors.As(err, &e) {
		return err
	}
	v, fault := p.templateList()
	if fault != nil {
		return fault
	}
	p.Problem = &Problem{Message: p.T("templates.sync_failed", "Channel", ch.Name), Detail: e.Message}
	return p.showAs(p.c.Status(e.Code), "templates", v)
}

// templatePage is one language of a template, with values filled in.
type templatePage struct {
	templateRow
	Values  []filledValue
	Preview shownMessage
	// Call is the JSON that the webhook takes.
	Call string
	// Others are the other languages of the name.
	Others []string
}

func showTemplate(p *call) error {
	p.Page = "templates"
	ch, list, err := p.c.Relay.Templates(p.ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	v := templatePage{}
	for _, t := range list {
		if t.Name != p.r.PathValue("name") {
			continue
		}
		if t.Language == p.r.PathValue("language") {
			v.templateRow = templateRow{Template: t, On: ch, Read: laterOf(t.SyncedAt, ch.TemplatesAt)}
			continue
		}
		v.Others = append(v.Others, t.Language)
	}
	if v.Name == "" {
		return errNoPage
	}
	v.Values = valuesOf(v.Template, p.r.URL.Query())
	v.Preview = shownMessageOf(v.Template, v.Values)
	v.Call = callOf(v.Template, ch, v.Values)
	if p.Htmx() {
		return p.part("template", "template_filled", v)
	}
	return p.show("template", v)
}

// Rejected reports whether something is to be done about it.
func (t templateRow) Rejected() bool {
	return slices.Contains([]relay.TemplateStatus{relay.TemplateRejected, relay.TemplatePaused, relay.TemplateDisabled}, t.Status)
}
