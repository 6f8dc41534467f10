package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// messageRoutes are the pages of messages: what became of each, and what can
// still be done about it.
func (c *Console) messageRoutes() []route {
	const all, one = "/w/{ws}/messages", "/w/{ws}/messages/{id}"
	return []route{
		{pattern: "GET " + all, access: viewers, page: listMessages},
		{pattern: "POST " + all + "/selected", access: members, page: askAboutSelected},
		{pattern: "POST " + all + "/cancel", access: members, page: cancelSelected},
		{pattern: "POST " + all + "/again", access: members, page: sendSelectedAgain},
		{pattern: "GET " + one, access: viewers, page: showMessage},
		{pattern: "GET " + one + "/story", access: viewers, page: showMessageStory},
		{pattern: "GET " + one + "/file", access: viewers, page: openMessageFile},
		{pattern: "POST " + one + "/cancel", access: members, page: cancelMessage},
		{pattern: "POST " + one + "/again", access: members, page: sendMessageAgain},
		{pattern: "POST " + one + "/confirm", access: members, page: confirmMessage},
	}
}

// messagesShown is how many messages a page of the list has.
const messagesShown = 50

// messageFilter is what the list was narrowed to, as it was typed.
type messageFilter struct {
	Status, Channel, From, To, Q string
}

// messageList is what the list shows.
type messageList struct {
	Filter   messageFilter
	Channels []relay.Channel
	Rows     []messageRow
	Next     string
	// Filtered: something narrows the list.
	Filtered bool
	// LookedTo is how far back a search has looked; zero where it saw all.
	LookedTo time.Time
}

// messageRow is a message in a list.
type messageRow struct {
	relay.Message
	On    string
	Place place
}

// May reports what its owner may do about it: "cancel", "again" or nothing.
func (m messageRow) May() string {
	if m.Erased || m.ResentAs != "" {
		return ""
	}
	switch m.Status {
	case relay.Queued:
		return "cancel"
	case relay.Failed, relay.Expired, relay.Canceled, relay.Unconfirmed:
		return "again"
	}
	return ""
}

// statusGroups are choices of several statuses at once.
var statusGroups = map[string][]relay.Status{
	"waiting":  {relay.Queued, relay.Sending},
	"arrived":  {relay.Delivered, relay.Read},
	"problems": {relay.Failed, relay.Unknown, relay.Unconfirmed, relay.Expired},
}

// StatusChoices are what the list can be narrowed to: groups first.
func (messageList) StatusChoices() []string {
	choices := []string{"waiting", "arrived", "problems"}
	for _, s := range relay.Statuses() {
		choices = append(choices, string(s))
	}
	return choices
}

func listMessages(p *call) error {
	p.Page = "messages"
	d := messageList{Filter: messageFilter{p.query("status"), p.query("channel"), p.query("from"), p.query("to"), p.query("q")}}
	if id := asMessageID(d.Filter.Q); id != "" {
		_, err := p.message(id)
		if err == nil {
			return p.goTo(p.At("messages", id))
		}
		if !isNotFound(err) {
			return err
		}
	}
	var err error
	if d.Channels, err = p.c.Relay.Channels(p.ctx, p.WS.ID); err != nil {
		return err
	}
	d.Filtered = d.Filter != messageFilter{}
	f, wrong := p.messageFilter(&d)
	if wrong != nil {
		p.Problem = wrong
		return p.showAs(http.StatusUnprocessableEntity, "messages", d)
	}
	found, next, err := p.search(f, &d)
	if err != nil {
		return p.again(err, "messages", d)
	}
	if next != "" {
		d.Next = p.At("messages") + "?" + d.Filter.with("cursor", next)
	}
	if d.Rows, err = p.rows(found); err != nil {
		return err
	}
	return p.show("messages", d)
}

// with is the filter as a query, and one value more.
func (f messageFilter) with(name, value string) string {
	q := url.Values{name: {value}}
	for k, v := range map[string]string{"status": f.Status, "channel": f.Channel, "from": f.From, "to": f.To, "q": f.Q} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return q.Encode()
}

// messageFilter reads the filter. Days are the workspace's own.
func (p *call) messageFilter(d *messageList) (f relay.MessageFilter, wrong *Problem) {
	in := &d.Filter
	f = relay.MessageFilter{Workspace: p.WS.ID, Channel: in.Channel, Statuses: statusGroups[in.Status]}
	if f.Statuses == nil && in.Status != "" {
		if !relay.Status(in.Status).Valid() {
			in.Status = "" // from an address that somebody changed
		} else {
			f.Statuses = []relay.Status{relay.Status(in.Status)}
		}
	}
	if f.From, wrong = p.day("from", in.From); wrong != nil {
		return f, wrong
	}
	if f.To, wrong = p.day("to", in.To); wrong != nil {
		return f, wrong
	}
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1) // the day itself too
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, fieldProblem("to", p.T("message.days_turned"))
	}
	if in.Q != "" && asMessageID(in.Q) == "" && len(onlyDigits(in.Q)) < 3 {
		return f, fieldProblem("q", p.T("message.q_bad"))
	}
	return f, nil
}

// day reads the first moment of a day; the zero time for none.
func (p *call) day(name, s string) (time.Time, *Problem) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, p.Zone())
	if err != nil || t.Year() < 1971 || t.Year() > 9998 {
		return t, fieldProblem(name, p.T("message.day_bad"))
	}
	return t, nil
}

// fieldProblem is one about a single field, in the page's language.
func fieldProblem(name, text string) *Problem {
	return &Problem{Message: text, Fields: map[string]string{name: text}}
}

// asMessageID is the message id that somebody looks for; empty for no id.
func asMessageID(q string) string {
	if i := strings.LastIndex(q, "3EB0"); i >= 0 {
		q = "wa_backend:" + q[i:]
	}
	if !relay.ValidMessageID(q) {
		return ""
	}
	return q
}

// searchReads bounds how many messages one search for a part of a number reads.
const searchReads = 4000

// search lists messages. What is looked for is a number: in full, its chats are
// listed; a part of one is looked for in the newest messages, a bounded number
// at a time.
func (p *call) search(f relay.MessageFilter, d *messageList) (found []relay.Message, next string, err error) {
	page := relay.Page{Cursor: p.query("cursor"), Limit: messagesShown}
	digits := onlyDigits(d.Filter.Q)
	switch {
	case asMessageID(d.Filter.Q) != "":
		return nil, "", nil // there is none of this id
	case d.Filter.Q == "":
		return p.c.Relay.Store.Messages(p.ctx, f, page)
	}
	if chats, err := p.chatsOf(d.Filter.Q); err != nil {
		return nil, "", err
	} else if len(chats) == 1 {
		f.Chat = chats[0]
		return p.c.Relay.Store.Messages(p.ctx, f, page)
	}
	page.Limit = 200
	for read := 0; ; {
		some, next, err := p.c.Relay.Store.Messages(p.ctx, f, page)
		if err != nil {
			return nil, "", err
		}
		for _, m := range some {
			if strings.Contains(onlyDigits(m.To()), digits) || strings.Contains(onlyDigits(m.Recipient), digits) {
				found = append(found, m)
			}
		}
		read += len(some)
		if next == "" || len(found) >= messagesShown || read >= searchReads {
			if next != "" && len(some) > 0 {
				d.LookedTo = some[len(some)-1].CreatedAt
			}
			return found, next, nil
		}
		page.Cursor = next
	}
}

// chatsOf are the chats with a number, by whichever form of it.
func (p *call) chatsOf(q string) (ids []string, err error) {
	phone, ok := p.c.Phone(q, p.WS.Country)
	if !ok {
		return nil, nil
	}
	channels, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		ids = nil
		for _, ch := range channels {
			chat, err := tx.Chat(p.ctx, p.WS.ID, ch.ID, relay.Identity(phone))
			if err == nil {
				ids = append(ids, chat.ID)
			} else if !isNotFound(err) {
				return err
			}
		}
		return nil
	})
	return ids, err
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// rows tells of messages what a list shows: their channels' names, and where
// the queued ones stand.
func (p *call) rows(found []relay.Message) ([]messageRow, error) {
	places, err := p.places(found)
	if err != nil {
		return nil, err
	}
	names, err := p.channelNames(found)
	if err != nil {
		return nil, err
	}
	var rows []messageRow
	for _, m := range found {
		rows = append(rows, messageRow{Message: m, On: names[m.Channel], Place: places[m.ID]})
	}
	return rows, nil
}

// channelNames are the names of the channels of messages, deleted ones too.
func (p *call) channelNames(of []relay.Message) (map[string]string, error) {
	names := map[string]string{}
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		for _, m := range of {
			if names[m.Channel] != "" {
				continue
			}
			ch, err := tx.Channel(p.ctx, p.WS.ID, m.Channel)
			if err != nil && !isNotFound(err) {
				return err
			}
			names[m.Channel] = p.nameOf(ch)
		}
		return nil
	})
	return names, err
}

// nameOf is what a channel is called in lists.
func (p *call) nameOf(ch relay.Channel) string {
	switch {
	case ch.ID == "":
		return "?"
	case !ch.DeletedAt.IsZero():
		return p.T("message.deleted_channel", "Name", ch.Name)
	}
	return ch.Name
}

// selected are the ids that a form names, each once, no more than a page has.
func (p *call) selected() ([]string, error) {
	if err := p.r.ParseForm(); err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range p.r.PostForm["id"] {
		if relay.ValidMessageID(id) && !slices.Contains(ids, id) && len(ids) < mostSelected {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// mostSelected bounds what one form may name.
const mostSelected = 200
