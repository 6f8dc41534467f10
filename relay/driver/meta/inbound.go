package meta

import (
	"cmp"
	"encoding/json"
	"strings"

	"relevo/relay"
)

// contact is who wrote. A person with a username may be known by the user ID
// alone.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
type contact struct {
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
	WAID   string `json:"wa_id"`
	UserID string `json:"user_id"`
}

// received is a message that somebody wrote.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type received struct {
	From       string `json:"from"`
	FromUserID string `json:"from_user_id"`
	GroupID    string `json:"group_id"`
	ID         string `json:"id"`
	Timestamp  word   `json:"timestamp"`
	Type       string `json:"type"`

	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Image       *receivedMedia  `json:"image"`
	Video       *receivedMedia  `json:"video"`
	Audio       *receivedMedia  `json:"audio"`
	Document    *receivedMedia  `json:"document"`
	Sticker     *receivedMedia  `json:"sticker"`
	Location    *location       `json:"location"`
	Contacts    []card          `json:"contacts"`
	Reaction    *reaction       `json:"reaction"`
	Button      *button         `json:"button"`
	Interactive *interactive    `json:"interactive"`
	Order       *order          `json:"order"`
	System      *systemMessage  `json:"system"`
	Errors      json.RawMessage `json:"errors"`
}

type receivedMedia struct {
	ID       string `json:"id"`
	Caption  string `json:"caption"`
	Type     string `json:"mime_type"`
	Filename string `json:"filename"`
}

// inbound reads one message. A part of a type that is not as expected leaves
// the message without that part, not out.
func (r *reading) inbound(raw json.RawMessage, contacts []contact) {
	var m received
	if err := json.Unmarshal(raw, &m); err != nil {
		if m = withoutContent(raw); m.ID == "" {
			r.leftOut("message")
			return
		}
	}
	in := relay.Inbound{ID: m.ID, Kind: m.Type, Text: m.text(), Files: m.files(), At: moment(m.Timestamp, r.at)}
	if in.Kind == "" {
		in.Kind = "unknown"
	}
	in.From, in.User, in.Name = m.sender(contacts)
	if m.GroupID != "" {
		m.toGroup(&in)
	}
	if in.From == "" && in.User == "" {
		r.leftOut("message without a sender")
		return
	}
	r.got.Inbound = append(r.got.Inbound, in)
}

// withoutContent reads who wrote when, of a message whose content has another
// form than documented.
func withoutContent(raw json.RawMessage) (m received) {
	var head struct {
		From       word `json:"from"`
		FromUserID word `json:"from_user_id"`
		GroupID    word `json:"group_id"`
		ID         word `json:"id"`
		Timestamp  word `json:"timestamp"`
		Type       word `json:"type"`
	}
	if json.Unmarshal(raw, &head) != nil {
		return received{}
	}
	return received{From: string(head.From), FromUserID: string(head.FromUserID), GroupID: string(head.GroupID),
		ID: string(head.ID), Timestamp: head.Timestamp, Type: string(head.Type)}
}

// sender is who wrote: the number, the user ID and the name, as far as they
// are told. A user ID may stand where a number is expected.
func (m *received) sender(contacts []contact) (from, user, name string) {
	user = m.FromUserID
	if userID.MatchString(m.From) && user == "" {
		user = m.From
	}
	if number.MatchString(m.From) {
		from = "+" + strings.TrimPrefix(m.From, "+")
	}
	c := m.contact(contacts)
	if user == "" {
		user = c.UserID
	}
	if user == "" && userID.MatchString(c.WAID) {
		user = c.WAID
	}
	if from == "" && number.MatchString(c.WAID) {
		from = "+" + strings.TrimPrefix(c.WAID, "+")
	}
	name = c.Profile.Name
	if name == "" && c.Profile.Username != "" {
		name = "@" + c.Profile.Username
	}
	return from, user, name
}

// contact finds the writer among those of a change. A single one is the
// writer's where nothing speaks against it.
func (m *received) contact(contacts []contact) contact {
	for _, c := range contacts {
		if c.WAID != "" && c.WAID == m.From || c.UserID != "" && (c.UserID == m.FromUserID || c.UserID == m.From) {
			return c
		}
	}
	if len(contacts) == 1 && (contacts[0].WAID == "" || m.From == "") && (contacts[0].UserID == "" || m.FromUserID == "") {
		return contacts[0]
	}
	return contact{}
}

// toGroup makes a message one of its group's chat, which is not named after
// whoever wrote last.
func (m *received) toGroup(in *relay.Inbound) {
	in.Author, in.AuthorName = cmp.Or(in.From, in.User), in.Name
	in.From, in.User, in.Name, in.Group = m.GroupID+groupSuffix, "", "", true
}

// files are the message's. Meta's own address of a file lives 5 minutes, so
// that only its id is kept.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
func (m *received) files() (files []relay.InboundFile) {
	for _, f := range []*receivedMedia{m.Image, m.Video, m.Audio, m.Document, m.Sticker} {
		if f != nil && f.ID != "" {
			files = append(files, relay.InboundFile{ID: f.ID, Auth: true, Name: f.Filename, Type: f.Type, Caption: f.Caption})
		}
	}
	return files
}
