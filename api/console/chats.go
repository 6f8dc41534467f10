package console

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"relevo/relay"
)

func (c *Console) chatRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/chats", access: viewers, page: showChats},
		{pattern: "GET /w/{ws}/chats/new", access: members, page: showNewChat},
		{pattern: "POST /w/{ws}/chats/new", access: members, page: startChat},
		{pattern: "POST /w/{ws}/chats/preview", access: members, page: previewTemplate},
		{pattern: "GET /w/{ws}/chats/{chat}", access: viewers, page: showChat},
		{pattern: "POST /w/{ws}/chats/{chat}", access: members, page: reply},
		{pattern: "GET /w/{ws}/chats/{chat}/talk", access: viewers, page: showTalk},
		{pattern: "GET /w/{ws}/chats/{chat}/files/{id}/{n}", access: viewers, page: showReceived},
	}
}

// chatsPerPage and talkPerPage are how many rows a page of the list has, and
// how many messages a page of a chat.
const (
	chatsPerPage = 30
	talkPerPage  = 40
)

// chatList is what the list of chats shows.
type chatList struct {
	Rows           []chatRow
	Channels       []relay.Channel
	Channel, Query string
	More           string
}

// Filtered reports whether something was looked for.
func (d chatList) Filtered() bool { return d.Channel != "" || d.Query != "" }

// chatRow is a chat with its last message.
type chatRow struct {
	relay.Chat
	// Title is its name, or its number without one; On its channel's name.
	Title, On string
	// Said is the last message in a few words; In: they wrote it.
	Said string
	In   bool
	// Failed is the status of what did not get there; empty for none.
	Failed   relay.Status
	At       time.Time
	Window   window
	OptedOut bool
}

// Waits reports whether somebody waits for an answer, and may get one.
func (r chatRow) Waits() bool { return r.In && !r.OptedOut }

// window is a chat's session window.
type window struct {
	// Has: there is one. Open until End, which is zero where nobody has
	// written.
	Has, Open bool
	End       time.Time
}

func (p *call) window(ch relay.Channel, c relay.Chat, now time.Time) window {
	end, ok := p.c.Relay.Window(ch, c)
	return window{Has: ok, Open: ok && now.Before(end), End: end}
}

func showChats(p *call) error {
	data := chatList{Channel: p.query("channel"), Query: p.query("q")}
	var err error
	if data.Channels, err = p.c.Relay.Channels(p.ctx, p.WS.ID); err != nil {
		return err
	}
	talks, next, err := p.talks(data.Channel, data.Query)
	if err != nil {
		return err
	}
	if data.Rows, err = p.chatRows(talks, data.Channels); err != nil {
		return err
	}
	if next != "" {
		data.More = p.At("chats") + "?" + url.Values{"q": {data.Query}, "channel": {data.Channel}, "cursor": {next}}.Encode()
	}
	p.Page = "chats"
	return p.show("chats", data)
}

// talks are a page of the list: the latest first or, where something is looked
// for, what was found.
func (p *call) talks(channel, query string) ([]relay.Talk, string, error) {
	page := relay.Page{Cursor: p.query("cursor"), Limit: chatsPerPage}
	if query == "" {
		return p.c.Relay.Talks(p.ctx, p.WS.ID, channel, page)
	}
	found, next, err := p.c.Relay.SearchChats(p.ctx, p.WS.ID, channel, query, nil, page)
	if err != nil {
		return nil, "", err
	}
	talks := make([]relay.Talk, 0, len(found))
	for _, c := range found {
		lines, _, err := p.c.Relay.Conversation(p.ctx, c, relay.Page{Limit: 1})
		if err != nil {
			return nil, "", err
		}
		t := relay.Talk{Chat: c}
		if len(lines) > 0 {
			t.Last = lines[0]
		}
		talks = append(talks, t)
	}
	return talks, next, nil
}

func (p *call) chatRows(talks []relay.Talk, channels []relay.Channel) ([]chatRow, error) {
	chats := make([]relay.Chat, len(talks))
	for i, t := range talks {
		chats[i] = t.Chat
	}
	out, err := p.c.Relay.OptedOut(p.ctx, p.WS, chats...)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	rows := make([]chatRow, len(talks))
	for i, t := range talks {
		r := chatRow{Chat: t.Chat, Title: chatTitle(t.Chat), OptedOut: out[i]}
		if j := slices.IndexFunc(channels, func(ch relay.Channel) bool { return ch.ID == t.Chat.Channel }); j >= 0 {
			r.On, r.Window = channelTitle(channels[j]), p.window(channels[j], t.Chat, now)
		}
		if t.Last.In != nil || t.Last.Out != nil {
			r.Said, r.In, r.At = p.said(t.Last), t.Last.In != nil, t.Last.At()
			if out := t.Last.Out; out != nil && statusLook(out.Status) == "bad" {
				r.Failed = out.Status
			}
		}
		rows[i] = r
	}
	return rows, nil
}

// chatTitle is a chat's name, or its number without one.
func chatTitle(c relay.Chat) string { return cmp.Or(c.Name, chatNumber(c)) }

// chatNumber is the number as the provider knows it.
func chatNumber(c relay.Chat) string { return cmp.Or(c.Address, c.Recipient) }

func channelTitle(ch relay.Channel) string { return cmp.Or(ch.Name, ch.Phone, ch.ID) }

// said is a message in a few words.
func (p *call) said(l relay.Line) string {
	text, file := "", ""
	switch {
	case l.In != nil:
		text = l.In.Text
		if len(l.In.Files) > 0 {
			file = cmp.Or(l.In.Files[0].Name, l.In.Files[0].Caption, l.In.Kind)
		}
		if text == "" && file == "" {
			return p.T("chats.of_kind", "Kind", l.In.Kind)
		}
	case l.Out.Template != nil:
		return p.T("chats.a_template", "Name", l.Out.Template.Name)
	default:
		text = l.Out.Text
		if l.Out.File != nil {
			file = l.Out.File.Name
		}
	}
	if text == "" {
		return p.T("chats.a_file", "Name", p.Short(file, 60))
	}
	return p.Short(text, 90)
}
