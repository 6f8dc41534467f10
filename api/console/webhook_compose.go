package console

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"relevo/relay"
)

// composed is a call as the form makes it.
type composed struct {
	// Kind is how the recipient is named: a field of the call.
	Kind, To string
	// The rest are the fields of the call; Variables are one a line, SendAt is
	// as browsers write it, in the workspace's zone.
	Text, FileURL, FileName, Template, Language, Variables, SendAt, Account string
	// Nonce makes the idempotency key, together with the body.
	Nonce string
}

// recipientKinds are the fields that name a recipient.
var recipientKinds = []string{"phone", "chat_id", "chat_name", "jid"}

// composePage is the form with what would come of it.
type composePage struct {
	Form     composed
	Kinds    []string
	Channels []relay.Channel
	// Checked is nil where nothing was filled in yet.
	Checked *checked
}

// checked is a call and what would come of it.
type checked struct {
	Body  string
	Lines []codeLine
	Tried
	// ChannelName is that of the channel it would go through.
	ChannelName string
	// Off and TestMode: the webhook is.
	Off, TestMode bool
	// SendTo is where the form goes that sends it.
	SendTo string
}

func (p *call) composedForm() composed {
	f := composed{
		Kind: p.field("kind"), To: p.field("to"), Text: p.r.PostFormValue("text"), FileURL: p.field("file_url"), FileName: p.field("file_name"),
		Template: p.field("template"), Language: p.field("language"), Variables: p.r.PostFormValue("variables"), SendAt: p.field("send_at"),
		Account: p.field("account"), Nonce: p.field("nonce"),
	}
	if f.Nonce == "" || len(f.Nonce) > 64 {
		f.Nonce = rand.Text()
	}
	return f
}

// body is the call as JSON, in the order in which people read it.
func (f composed) body(zone *time.Location) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\n  \"action\": \"send\"")
	var failed error
	add := func(name string, v any) {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("  ", "  ")
		failed = errors.Join(failed, enc.Encode(v))
		b.WriteString(",\n  \"" + name + "\": ")
		b.Write(bytes.TrimRight(out.Bytes(), "\n"))
	}
	addText := func(name, v string) {
		if v != "" {
			add(name, v)
		}
	}
	for _, kind := range recipientKinds {
		if kind == f.Kind {
			addText(kind, f.To)
		}
	}
	addText("text", strings.ReplaceAll(f.Text, "\r\n", "\n"))
	addText("file_url", f.FileURL)
	addText("file_name", f.FileName)
	if f.Template != "" || f.Language != "" {
		t := struct {
			Name      string   `json:"name"`
			Language  string   `json:"language,omitempty"`
			Variables []string `json:"variables,omitempty"`
		}{f.Template, f.Language, variablesOf(f.Variables)}
		add("template", t)
	}
	addText("whatsapp_account_phone", f.Account)
	addText("send_at", sendAt(f.SendAt, zone))
	b.WriteString("\n}")
	return b.Bytes(), failed
}

func variablesOf(s string) []string {
	s = strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// sendAt is what a browser's field of a time says, with its zone; what is no
// time stays as it is, and is refused in words.
func sendAt(s string, zone *time.Location) string {
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return s
}

// key names the message: the same form with the same content sends once.
func keyOf(nonce string, body []byte) string {
	sum := sha256.Sum256(body)
	return "console-" + nonce + "-" + hex.EncodeToString(sum[:6])
}

func (p *call) composePage(f composed) (composePage, error) {
	p.Page = "webhook"
	d := composePage{Form: f, Kinds: recipientKinds}
	all, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	for _, ch := range all {
		if ch.Phone != "" && ch.DeletedAt.IsZero() {
			d.Channels = append(d.Channels, ch)
		}
	}
	return d, err
}

func showCompose(p *call) error {
	d, err := p.composePage(composed{Kind: "phone", To: p.query("to"), Nonce: rand.Text()})
	if err != nil {
		return err
	}
	return p.show("webhook_try", d)
}

// check says what would come of a body.
func (p *call) check(body []byte, sendTo string) (*checked, error) {
	t, err := p.c.Try(p.ctx, p.WS.ID, TryCall{Body: body, ContentType: contentType(body)})
	if err != nil {
		return nil, err
	}
	c := &checked{Body: string(body), Tried: t, Off: !p.WS.Webhook.Enabled, TestMode: p.WS.Webhook.Test, SendTo: sendTo}
	line, column := 0, 0
	if len(t.Faults) > 0 {
		line, column = t.Faults[0].Line, t.Faults[0].Column
	}
	c.Lines, _ = codeLines(body, line, column)
	if t.Channel != "" {
		ch, err := p.c.Relay.Channel(p.ctx, p.WS.ID, t.Channel)
		if err != nil && !isCode(err, relay.CodeNotFound) {
			return nil, err
		}
		c.ChannelName = ch.Name
	}
	return c, nil
}

// contentType is what a body says it is.
func contentType(body []byte) string {
	if b := bytes.TrimSpace(body); len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		return "application/json"
	}
	return "text/plain"
}

// checkComposed shows what would come of the form: as a part while one types,
// as the page without a script.
func checkComposed(p *call) error {
	f := p.composedForm()
	body, err := f.body(p.Zone())
	if err != nil {
		return err
	}
	c, err := p.check(body, p.At("webhook", "send"))
	if err != nil {
		return err
	}
	if p.Htmx() {
		return p.part("webhook_try", "hook-checked", c)
	}
	d, err := p.composePage(f)
	if err != nil {
		return err
	}
	d.Checked = c
	return p.show("webhook_try", d)
}

// post calls the webhook from here, as if from outside.
func (p *call) post(body []byte, nonce string) (Posted, error) {
	token, err := p.tokenOf()
	if err != nil {
		return Posted{}, err
	}
	in := PostCall{Body: body, ContentType: contentType(body), Key: keyOf(nonce, body), RequestID: p.RequestID(), RemoteAddr: p.r.RemoteAddr}
	if from := p.from(); from.IsValid() {
		in.RemoteAddr = net.JoinHostPort(from.String(), "0")
	}
	posted := p.c.Post(p.ctx, token, in)
	p.about, p.noted = posted.MessageID, p.WS.Webhook.Test // a test sends nothing
	return posted, nil
}

// toAttempt leads to the attempt that a call from here became.
func (p *call) toAttempt(flash string) error {
	all, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, newestAttempts)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.RequestID == p.RequestID() {
			return p.done(p.At("attempts", a.ID), flash)
		}
	}
	return p.done(p.At("attempts"), flash)
}

// refusedCall is what was wrong with a call from here, for its form.
func (p *call) refusedCall(posted Posted) {
	p.Problem = &Problem{Message: p.T("compose.refused"), Detail: posted.Message, Fields: map[string]string{}}
	for _, f := range posted.Faults {
		p.Problem.Fields[f.Field] = strings.TrimSpace(f.Message + " " + f.Hint)
	}
}

func sendComposed(p *call) error {
	f := p.composedForm()
	body, err := f.body(p.Zone())
	if err != nil {
		return err
	}
	posted, err := p.post(body, f.Nonce)
	if err != nil {
		return err
	}
	if posted.Status == http.StatusOK {
		return p.toAttempt("compose.sent")
	}
	p.refusedCall(posted)
	d, err := p.composePage(f)
	if err != nil {
		return err
	}
	if d.Checked, err = p.check(body, p.At("webhook", "send")); err != nil {
		return err
	}
	return p.showAs(unprocessable, "webhook_try", d)
}
