package console

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"relevo/relay"
)

// talkData is what the page of one chat shows.
type talkData struct {
	Chat     relay.Chat
	Title    string
	Number   string
	Channel  relay.Channel
	On       string
	Window   window
	OptedOut bool
	// Bubbles are the messages of this page, the oldest first.
	Bubbles []bubble
	// Older leads to the page before; Latest: this is the last page.
	Older  string
	Latest bool
	// Seen tells one state of the page from another.
	Seen string
	// New is how many messages came since the page was last asked for.
	New  int
	Send *sendForm
}

// bubble is one message of a chat.
type bubble struct {
	ID string
	In bool
	// Who wrote it, in a group.
	Who, Text string
	At        time.Time
	Files     []bubbleFile
	// Template is its name, Filled what it says.
	Template string
	Filled   *preview
	Status   relay.Status
	Why      string
	Message  string
}

// bubbleFile is a file of a message. Link is empty where it is not here.
type bubbleFile struct {
	Name, Link, Missing, Caption string
	Picture                      bool
	Size                         int64
}

// Pill is the look of its status.
func (b bubble) Pill() string { return statusLook(b.Status) }

// openTalk reads a chat and a page of it.
func (p *call) openTalk() (talkData, error) {
	var d talkData
	c, err := p.c.Relay.Chat(p.ctx, p.WS.ID, p.r.PathValue("chat"))
	if err != nil {
		return d, err
	}
	d.Chat, d.Title, d.Number = c, chatTitle(c), chatNumber(c)
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) (err error) {
		d.Channel, err = tx.Channel(p.ctx, p.WS.ID, c.Channel)
		return err
	})
	if err != nil {
		return d, err
	}
	out, err := p.c.Relay.OptedOut(p.ctx, p.WS, c)
	if err != nil {
		return d, err
	}
	d.On, d.OptedOut, d.Window = channelTitle(d.Channel), out[0], p.window(d.Channel, c, time.Now())
	lines, next, err := p.c.Relay.Conversation(p.ctx, c, relay.Page{Cursor: p.query("before"), Limit: talkPerPage})
	if err != nil {
		return d, err
	}
	d.Latest = p.query("before") == ""
	if next != "" {
		d.Older = p.At("chats", c.ID) + "?" + url.Values{"before": {next}}.Encode()
	}
	t := templates{p: p, channel: c.Channel, known: map[string]*relay.Template{}}
	for _, l := range slices.Backward(lines) {
		b, err := p.bubble(l, &t)
		if err != nil {
			return d, err
		}
		d.Bubbles = append(d.Bubbles, b)
	}
	d.Seen = d.state()
	return d, nil
}

// state sums up what is shown, so that nothing is sent while nothing changes.
func (d talkData) state() string {
	h := sha256.New()
	for _, b := range d.Bubbles {
		fmt.Fprintln(h, b.ID, b.Status, b.Why, b.Files)
	}
	fmt.Fprintln(h, d.OptedOut, d.Window.End)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (p *call) bubble(l relay.Line, t *templates) (bubble, error) {
	if m := l.In; m != nil {
		b := bubble{ID: m.ID, In: true, Text: m.Text, At: m.At, Who: cmp.Or(m.AuthorName, m.Author)}
		for i, f := range m.Files {
			b.Files = append(b.Files, p.receivedFile(m, i, f))
		}
		if b.Text == "" && len(b.Files) == 0 {
			b.Text = p.T("chats.of_kind", "Kind", m.Kind)
		}
		return b, nil
	}
	m := l.Out
	b := bubble{ID: m.ID, Text: m.Text, At: m.CreatedAt, Status: m.Status, Message: p.At("messages", m.ID)}
	if m.Failure != nil {
		b.Why = p.problemOf(&relay.Error{Code: m.Failure.Code, Message: m.Failure.Message}).Message
	}
	if m.File != nil {
		b.Files = []bubbleFile{{Name: m.File.Name, Size: m.File.Size}}
	}
	if m.Template != nil {
		b.Template = m.Template.Name
		known, err := t.find(p.ctx, m.Template.Name, m.Template.Language)
		if err != nil {
			return b, err
		}
		if known != nil {
			b.Filled = fill(*known, m.Template.Variables)
		}
	}
	return b, nil
}

// pictures are the types that are shown within a page. Others, such as SVG, may
// hold scripts.
var pictures = []string{"image/jpeg", "image/png", "image/webp", "image/gif"}

func (p *call) receivedFile(m *relay.InboundMessage, n int, f relay.ReceivedFile) bubbleFile {
	b := bubbleFile{Name: cmp.Or(f.Name, p.T("chats.file_n", "N", n+1)), Missing: f.Missing, Size: f.Size, Caption: f.Caption}
	if f.Key != "" {
		b.Link = p.At("chats", m.ChatID, "files", m.ID, strconv.Itoa(n))
		b.Picture = slices.Contains(pictures, f.Type)
	}
	return b
}

func showChat(p *call) error {
	d, err := p.openTalk()
	if err != nil {
		return err
	}
	if p.Can("member") && d.Latest {
		if d.Send, err = p.sendForm(d.Channel, d.Chat); err != nil {
			return err
		}
	}
	p.Page = "chats"
	return p.show("chat", d)
}

// showTalk is what a page that is open asks for again and again: nothing where
// nothing changed.
func showTalk(p *call) error {
	d, err := p.openTalk()
	if err != nil {
		return err
	}
	if d.Seen == p.query("seen") {
		p.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	i := slices.IndexFunc(d.Bubbles, func(b bubble) bool { return b.ID == p.query("last") })
	for _, b := range d.Bubbles[i+1:] {
		if b.In && i >= 0 {
			d.New++
		}
	}
	return p.part("chat", "talk", d)
}

// Last is the newest message that is shown.
func (d talkData) Last() string {
	if len(d.Bubbles) == 0 {
		return ""
	}
	return d.Bubbles[len(d.Bubbles)-1].ID
}

// Live is the address of the part that is asked for again.
func (d talkData) Live() string {
	return "/w/" + d.Chat.Workspace + "/chats/" + d.Chat.ID + "/talk?" + url.Values{"seen": {d.Seen}, "last": {d.Last()}}.Encode()
}

// showReceived gives a file of what somebody wrote. Whatever it holds, nothing
// of it runs: it is a picture of a known type, or a download.
func showReceived(p *call) error {
	n, err := strconv.Atoi(p.r.PathValue("n"))
	if err != nil {
		return errNoPage
	}
	f, body, err := p.c.Relay.OpenReceived(p.ctx, p.WS.ID, p.r.PathValue("id"), n)
	if err != nil {
		return err
	}
	defer body.Close()
	h := p.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if slices.Contains(pictures, f.Type) {
		h.Set("Content-Type", f.Type)
	}
	if !slices.Contains(pictures, f.Type) || p.query("save") != "" {
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(cmp.Or(f.Name, "file")))
	}
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=3600")
	return copyBody(p, body)
}

// templates finds the templates of a channel, each once.
type templates struct {
	p       *call
	channel string
	known   map[string]*relay.Template
}

func (t *templates) find(ctx context.Context, name, language string) (*relay.Template, error) {
	key := name + "\x00" + language
	if found, ok := t.known[key]; ok {
		return found, nil
	}
	var found *relay.Template
	err := t.p.c.Relay.Store.View(ctx, func(tx relay.Tx) error {
		found = nil
		list, err := tx.TemplatesByName(ctx, t.p.WS.ID, t.channel, name)
		for _, one := range list {
			if relay.LanguageCode(one.Language) == relay.LanguageCode(language) {
				found = &one
			}
		}
		return err
	})
	t.known[key] = found
	return found, err
}
