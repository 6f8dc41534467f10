package console

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// sendForm is the form by which something is sent from a page. It becomes a
// call of the workspace's own webhook.
type sendForm struct {
	// As is what is sent: text, file or template.
	As string
	// Text, FileURL and FileName are what was filled in.
	Text, FileURL, FileName string
	// Templates may be sent on this channel; Chosen is the one that is.
	Templates []relay.Template
	Chosen    *relay.Template
	Fields    []templateField
	// Shut: the window is closed for certain, and there is no fallback.
	// Unsure: it may be closed. Fallback is the template that a text becomes.
	Shut, Unsure bool
	Fallback     string
	// Left is how many units there are; Cost what this costs.
	Left, Cost int64
	// Key makes two presses of the button one message.
	Key string
	// Off says why the webhook would not send: off, test, listen; empty where
	// it would.
	Off string
	// Here is the address of the page that the form is on.
	Here string
	// Channel of it; Phone, Channels and Contacts are those of a new chat.
	Channel  relay.Channel
	Phone    string
	Channels []relay.Channel
	Known    []relay.Chat
}

// templateField is a value that a template takes.
type templateField struct {
	// Name of the field, Label of the variable, Sample a value.
	Name, Label, Sample, Value string
	// Where it is: header, body, button.
	Where string
}

// Preview is the template with what was filled in.
func (f *sendForm) Preview() *preview {
	if f.Chosen == nil {
		return nil
	}
	return fill(*f.Chosen, f.values(false))
}

// values are those of the variables, or of the buttons.
func (f *sendForm) values(buttons bool) (all []string) {
	for _, v := range f.Fields {
		if (v.Where == "button") == buttons {
			all = append(all, v.Value)
		}
	}
	return all
}

// HeaderFile is the kind of file that the chosen template begins with; empty
// for none.
func (f *sendForm) HeaderFile() string {
	if f.Chosen == nil || f.Chosen.Header == nil || !slices.Contains([]string{"image", "video", "document"}, f.Chosen.Header.Kind) {
		return ""
	}
	return f.Chosen.Header.Kind
}

// Ref names the chosen template in a form.
func (f *sendForm) Ref() string {
	if f.Chosen == nil {
		return ""
	}
	return templateRef(*f.Chosen)
}

func templateRef(t relay.Template) string { return t.Language + "/" + t.Name }

// TemplateRef is templateRef for pages.
func (p *call) TemplateRef(t relay.Template) string { return templateRef(t) }

// sendForm is the form of a chat, as the address and what was filled in say.
// The chat may be one that is not there yet.
func (p *call) sendForm(ch relay.Channel, c relay.Chat) (*sendForm, error) {
	f := &sendForm{
		Channel: ch, Text: p.r.FormValue("text"), FileURL: p.given("file_url"), FileName: p.given("file_name"),
		Key: relay.NewID("console_"), Here: p.r.URL.Path,
	}
	acc, err := p.c.Relay.Account(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	f.Left = acc.Available
	list, err := p.c.Relay.Store.Templates(p.ctx, p.WS.ID, ch.ID)
	if err != nil {
		return nil, err
	}
	f.Templates = slices.DeleteFunc(list, func(t relay.Template) bool { return t.Status != relay.TemplateApproved })
	p.judgeWindow(f, c)
	f.As = p.given("as")
	switch {
	case f.Shut, f.As == "" && f.Unsure && len(f.Templates) > 0:
		f.As = "template"
	case f.As != "file" && f.As != "template":
		f.As = "text"
	}
	if f.As == "template" {
		p.chooseTemplate(f)
	}
	f.Cost = 1
	if f.As == "file" && strings.TrimSpace(f.Text) != "" {
		f.Cost = 2
	}
	switch hook := p.WS.Webhook; {
	case !hook.Enabled:
		f.Off = "off"
	case hook.Test:
		f.Off = "test"
	case hook.ListenUntil.After(time.Now()):
		f.Off = "listen"
	}
	return f, nil
}

// given is a value of the form or the address.
func (p *call) given(name string) string { return strings.TrimSpace(p.r.FormValue(name)) }

// judgeWindow says what the session window lets through.
func (p *call) judgeWindow(f *sendForm, c relay.Chat) {
	now := time.Now()
	w := p.window(f.Channel, c, now)
	f.Unsure = w.Has && !w.Open
	if f.Unsure && p.c.Relay.Shut(f.Channel, c, now) {
		if f.Channel.Fallback != nil {
			f.Fallback = f.Channel.Fallback.Name
			return
		}
		f.Shut = true
	}
}

// chooseTemplate takes the one that was chosen, or the first.
func (p *call) chooseTemplate(f *sendForm) {
	for i, t := range f.Templates {
		if f.Chosen == nil && (p.given("template") == "" || templateRef(t) == p.given("template")) {
			f.Chosen = &f.Templates[i]
		}
	}
	if f.Chosen == nil {
		return
	}
	t := f.Chosen
	header := 0
	if t.Header != nil {
		header = len(relay.TemplateVariables(t.Header.Text))
	}
	for i, name := range t.Variables() {
		v := templateField{Name: "v" + strconv.Itoa(i), Label: name, Where: "body"}
		if strings.Trim(name, "0123456789") == "" { // it has no name but its number
			v.Label = p.T("message.value", "N", name)
		}
		switch {
		case i < header:
			v.Where, v.Sample = "header", t.Header.Sample
		case i-header < len(t.Samples):
			v.Sample = t.Samples[i-header]
		}
		v.Value = p.given(v.Name)
		f.Fields = append(f.Fields, v)
	}
	n := 0
	for _, b := range t.Buttons {
		if !b.TakesValue() {
			continue
		}
		v := templateField{Name: "b" + strconv.Itoa(n), Label: b.Text, Where: "button", Sample: b.Sample}
		n++
		if b.Type == "quick_reply" {
			v.Name = "" // what it answers is its text
		} else {
			v.Value = p.given(v.Name)
		}
		f.Fields = append(f.Fields, v)
	}
}

// body is the call that the form asks for, to whom says.
func (f *sendForm) body(to map[string]string) []byte {
	call := map[string]any{"action": "send"}
	for field, v := range to {
		call[field] = v
	}
	if f.As != "template" && f.Text != "" {
		call["text"] = f.Text
	}
	if f.As == "file" || f.HeaderFile() != "" {
		call["file_url"], call["file_name"] = f.FileURL, f.FileName
	}
	if f.As == "template" && f.Chosen != nil {
		t := map[string]any{"name": f.Chosen.Name, "language": f.Chosen.Language, "variables": f.values(false)}
		if b := f.values(true); len(b) > 0 {
			t["buttons"] = b
		}
		call["template"] = t
	}
	b, _ := json.Marshal(call) // of strings alone
	return b
}

// send makes the call, as if it came from outside, and returns the message's
// id.
func (p *call) send(body []byte) (id string, err error) {
	token, err := p.c.Relay.Token(p.WS)
	if err != nil {
		return "", err
	}
	posted := p.c.Post(p.ctx, token, PostCall{
		Body: body, ContentType: "application/json", Key: p.field("key"), RequestID: p.RequestID(), RemoteAddr: p.fromAddr(),
	})
	if posted.Status == http.StatusOK {
		return posted.MessageID, nil
	}
	e := &relay.Error{Code: relay.Code(posted.Code), Message: posted.Message}
	if e.Code == "" {
		e.Code = relay.CodeInternal
	}
	for _, f := range posted.Faults {
		e.Fields = append(e.Fields, relay.FieldError{Field: f.Field, Message: f.Message, Hint: f.Hint})
	}
	return "", e
}

// fromAddr is who calls, behind trusted proxies, as in http.Request.RemoteAddr.
func (p *call) fromAddr() string {
	if from := p.from(); from.IsValid() {
		return from.String()
	}
	return p.r.RemoteAddr
}

// reply sends what was written in a chat.
func reply(p *call) error {
	d, err := p.openTalk()
	if err != nil {
		return err
	}
	if d.Send, err = p.sendForm(d.Channel, d.Chat); err != nil {
		return err
	}
	p.Page = "chats"
	if field, key := d.Send.missing(); key != "" {
		return p.amiss(field, key, "chat", d)
	}
	if _, err := p.send(d.Send.body(map[string]string{"chat_id": d.Chat.ID})); err != nil {
		return p.again(err, "chat", d)
	}
	return p.done(p.At("chats", d.Chat.ID)+"#newest", p.sentText(d.Send))
}

// missing is what was not filled in: the field, and the text that says so. Both
// are empty where nothing is missing.
func (f *sendForm) missing() (field, key string) {
	switch {
	case f.As == "text" && strings.TrimSpace(f.Text) == "":
		return "text", "chats.write_something"
	case f.As == "template" && f.Chosen == nil:
		return "template", "chats.need_template"
	}
	for _, v := range f.Fields {
		if v.Name != "" && v.Value == "" {
			return v.Name, "chats.need_value"
		}
	}
	if f.FileURL == "" && (f.As == "file" || f.HeaderFile() != "") {
		return "file_url", "chats.need_address"
	}
	return "", ""
}

// amiss shows a form once more with what is wrong with one of its fields.
func (p *call) amiss(field, key, page string, data any) error {
	text := p.T(key)
	p.Problem = &Problem{Message: text, Fields: map[string]string{field: text}}
	return p.showAs(http.StatusUnprocessableEntity, page, data)
}

// sentText is what a sent form came to.
func (p *call) sentText(f *sendForm) string {
	switch f.Off {
	case "test":
		return "chats.sent_test"
	case "listen":
		return "chats.sent_listen"
	}
	return "chats.sent"
}

// preview is a template as its recipient sees it.
type preview struct {
	Header, File, Body, Footer string
	Buttons                    []string
}

var placeholders = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// fill puts values into a template: the header's first, then the body's. Where
// none is given the variable's name stands between ‹ and ›.
func fill(t relay.Template, values []string) *preview {
	out := &preview{Body: t.Body, Footer: t.Footer}
	if t.Header != nil {
		if t.Header.Kind == "text" {
			names := relay.TemplateVariables(t.Header.Text)
			out.Header = filled(t.Header.Text, names, values)
			values = values[min(len(names), len(values)):]
		} else {
			out.File = t.Header.Kind
		}
	}
	out.Body = filled(t.Body, relay.TemplateVariables(t.Body), values)
	for _, b := range t.Buttons {
		out.Buttons = append(out.Buttons, b.Text)
	}
	return out
}

func filled(text string, names, values []string) string {
	return placeholders.ReplaceAllStringFunc(text, func(s string) string {
		name := placeholders.FindStringSubmatch(s)[1]
		if i := slices.Index(names, name); i >= 0 && i < len(values) && values[i] != "" {
			return values[i]
		}
		return "‹" + name + "›"
	})
}

// previewTemplate is the preview of a form that is being filled in.
func previewTemplate(p *call) error {
	var ch relay.Channel
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) (err error) {
		ch, err = tx.Channel(p.ctx, p.WS.ID, p.field("channel"))
		return err
	})
	if err != nil {
		return err
	}
	f, err := p.sendForm(ch, relay.Chat{Workspace: p.WS.ID, Channel: ch.ID})
	if err != nil {
		return err
	}
	return p.part("chat", "preview", f.Preview())
}

// copyBody answers with a file. Where it ends in the middle the client sees
// that by the connection.
func copyBody(p *call, body io.Reader) error {
	p.w.WriteHeader(http.StatusOK)
	if p.r.Method == http.MethodHead {
		return nil
	}
	_, _ = io.Copy(p.w, body) // a client that went away
	return nil
}
