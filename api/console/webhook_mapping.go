package console

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// mappedFields are the fields that the form offers, by the names of a mapping.
var mappedFields = []string{
	"phone", "text", "chat_id", "chat_name", "jid", "file_url", "file_name", "template.name", "template.language",
	"template.variables.0", "template.variables.1", "template.variables.2", "template.variables.3", "template.variables.4",
	"whatsapp_account_phone", "send_at", "expires_in", "idempotency_key",
}

// mapRow is one line of the form: a field of the call and where it comes from.
type mapRow struct {
	Field string
	// How is "path" or "value"; What the path or the text; Default what is
	// written where nothing is at the path.
	How, What, Default string
}

// mapLeaf is a value of the captured call, with the field that it is used as.
type mapLeaf struct {
	Leaf
	Use string
}

// mappingPage is the form of a mapping beside the captured call.
type mappingPage struct {
	listening
	Rows   []mapRow
	Leaves []mapLeaf
	Fields []string
	Preset string
	// Presets are mappings to begin with; Note is of the chosen one.
	Presets []Preset
	Note    string
	// Offered is the preset that is marked: the chosen one, or that of the tool
	// that was listened to.
	Offered string
	// Saved: calls are mapped now.
	Saved bool
	// Preview is what would come of the captured call; nil without one.
	Preview *checked
	// Lines are the captured body's.
	Lines []codeLine
	// More is how many lines of it are not shown.
	More int
}

// spareRows is how many empty lines the form has.
const spareRows = 2

// maxMapRows bounds what is read of the form.
const maxMapRows = 60

func showMapping(p *call) error {
	m := relay.Mapping{}
	if p.WS.Webhook.Mapping != nil {
		m = *p.WS.Webhook.Mapping
	}
	note := ""
	if id := p.query("preset"); id != "" {
		for _, preset := range p.c.Presets() {
			if preset.ID == id {
				m, note = relay.Mapping{Preset: id, Fields: preset.Fields}, preset.Note
			}
		}
	}
	d, err := p.mappingPage(m)
	if err != nil {
		return err
	}
	d.Note = note
	if d.Captured != nil && len(m.Fields) > 0 {
		if d.Preview, err = p.preview(*d.Captured, m); err != nil {
			return err
		}
	}
	return p.show("webhook_mapping", d)
}

func (p *call) mappingPage(m relay.Mapping) (d mappingPage, err error) {
	p.Page = "webhook"
	if d.listening, err = p.listening(); err != nil {
		return d, err
	}
	d.Preset, d.Presets, d.Saved, d.Fields = m.Preset, p.c.Presets(), p.WS.Webhook.Mapping != nil, slices.Clone(mappedFields)
	for _, name := range slices.SortedFunc(maps.Keys(m.Fields), inFormOrder) {
		f := m.Fields[name]
		row := mapRow{Field: name, How: "path", What: f.Path, Default: f.Default}
		if f.Value != "" {
			row.How, row.What = "value", f.Value
		}
		d.Rows = append(d.Rows, row)
		if !slices.Contains(d.Fields, name) {
			d.Fields = append(d.Fields, name)
		}
	}
	for range spareRows {
		d.Rows = append(d.Rows, mapRow{How: "path"})
	}
	if d.Offered = d.Preset; d.Captured == nil {
		return d, nil
	}
	for _, preset := range d.Presets {
		if d.Offered == "" && preset.Name == d.Captured.Tool {
			d.Offered = preset.ID
		}
	}
	d.Lines, d.More = codeLines(d.Captured.Body, 0, 0)
	tried, err := p.c.Try(p.ctx, p.WS.ID, TryCall{Body: d.Captured.Body, ContentType: contentType(d.Captured.Body)})
	if err != nil {
		return d, err
	}
	for _, leaf := range tried.Paths {
		use := ""
		for name, f := range m.Fields {
			if f.Path == leaf.Path {
				use = name
			}
		}
		d.Leaves = append(d.Leaves, mapLeaf{leaf, use})
	}
	return d, nil
}

// FieldName is what people call a field of a call.
func (p *call) FieldName(name string) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "template.variables.")); err == nil {
		return p.T("mapping.variable", "N", n+1)
	}
	key := "field." + strings.ReplaceAll(name, ".", "_")
	if s := p.T(key); s != key {
		return s
	}
	return name
}

// inFormOrder sorts fields as the form offers them.
func inFormOrder(a, b string) int {
	i, j := slices.Index(mappedFields, a), slices.Index(mappedFields, b)
	if i < 0 || j < 0 || i == j {
		return strings.Compare(a, b)
	}
	return i - j
}

// typedMapping reads the form: its lines, and then the values of the captured
// call that are used as something.
func (p *call) typedMapping() relay.Mapping {
	m := relay.Mapping{Preset: p.field("preset"), Fields: map[string]relay.MappedField{}}
	for i := range maxMapRows {
		n := strconv.Itoa(i)
		name, what := p.field("field_"+n), strings.TrimSpace(p.r.PostFormValue("what_"+n))
		if name == "" || what == "" && p.field("default_"+n) == "" {
			continue
		}
		f := relay.MappedField{Path: what, Default: p.field("default_" + n)}
		if p.field("how_"+n) == "value" {
			f = relay.MappedField{Value: what}
		}
		m.Fields[name] = f
	}
	for i := range 200 { // as many leaves as a page shows
		n := strconv.Itoa(i)
		path, use, was := p.field("path_"+n), p.field("use_"+n), p.field("was_"+n)
		if path == "" || use == was {
			continue
		}
		if was != "" && m.Fields[was].Path == path {
			delete(m.Fields, was)
		}
		if use != "" {
			m.Fields[use] = relay.MappedField{Path: path, Default: m.Fields[use].Default}
		}
	}
	return m
}

// changeMapping shows what a mapping would make of the captured call, saves
// it, or takes away the one there is.
func changeMapping(p *call) error {
	if p.field("do") == "remove" {
		none := new(*relay.Mapping)
		if _, err := p.c.Relay.UpdateWebhook(p.ctx, p.WS.ID, relay.WebhookPatch{Mapping: none}); err != nil {
			return err
		}
		p.note("webhook_changed", "")
		return p.done(p.At("webhook", "mapping"), "mapping.removed")
	}
	m := p.typedMapping()
	d, err := p.mappingPage(m)
	if err != nil {
		return err
	}
	refused := p.c.CheckMapping(m)
	if refused != nil {
		return p.again(refused, "webhook_mapping", d)
	}
	if p.field("do") == "save" {
		mapping := &m
		if _, err := p.c.Relay.UpdateWebhook(p.ctx, p.WS.ID, relay.WebhookPatch{Mapping: &mapping}); err != nil {
			return p.again(err, "webhook_mapping", d)
		}
		p.note("webhook_changed", m.Preset)
		return p.done(p.At("webhook", "mapping"), "mapping.saved")
	}
	p.noted = true // nothing was changed
	if d.Captured != nil {
		if d.Preview, err = p.preview(*d.Captured, m); err != nil {
			return err
		}
	}
	return p.show("webhook_mapping", d)
}

// preview says what would come of a captured call under a mapping.
func (p *call) preview(a relay.Attempt, m relay.Mapping) (*checked, error) {
	mapping := &m
	t, err := p.c.Try(p.ctx, p.WS.ID, TryCall{Body: a.Body, ContentType: contentType(a.Body), Mapping: &mapping})
	if err != nil {
		return nil, err
	}
	c := &checked{Tried: t}
	if t.Channel == "" {
		return c, nil
	}
	ch, err := p.c.Relay.Channel(p.ctx, p.WS.ID, t.Channel)
	if err != nil && !isCode(err, relay.CodeNotFound) {
		return nil, err
	}
	c.ChannelName = ch.Name
	return c, nil
}

// LeftSeconds is how long a test is still waited for, in whole seconds.
func (l listening) LeftSeconds() int64 { return int64(l.Left().Round(time.Second) / time.Second) }

// RowName names the line of a form for those who hear it, from 1.
func (p *call) RowName(i int) string { return p.Num(i + 1) }
