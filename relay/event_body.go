package relay

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"relevo/quota"
)

// MessageBody is a message as events tell it, and as the API shows it with its
// history.
type MessageBody struct {
	ID         string          `json:"id"`
	Status     Status          `json:"status"`
	Units      int64           `json:"units"`
	ChannelID  string          `json:"channel_id"`
	ChatID     string          `json:"chat_id"`
	To         string          `json:"to"`
	Text       *string         `json:"text"`
	File       *FileBody       `json:"file"`
	Template   *TemplateCalled `json:"template"`
	CreatedAt  time.Time       `json:"created_at"`
	SendAt     *time.Time      `json:"send_at"`
	ExpiresAt  time.Time       `json:"expires_at"`
	Tries      int             `json:"tries"`
	ProviderID *string         `json:"provider_id"`
	Error      *Failure        `json:"error"`
	// PartOf is the first part's id, on the second of two; Parts are both
	// ids, on the first.
	PartOf   *string  `json:"part_of"`
	Parts    []string `json:"parts"`
	ResendOf *string  `json:"resend_of"`
	ResentAs *string  `json:"resent_as"`
}

// FileBody is an attachment; type and size are null until it was fetched.
type FileBody struct {
	URL  string   `json:"url"`
	Name string   `json:"name"`
	Kind FileKind `json:"kind"`
	Type *string  `json:"type"`
	Size *int64   `json:"size"`
}

// TemplateCalled is a template as it was asked for. Names go with variables
// where the call had them and the template was not known; an empty value of a
// button leaves it as it is.
type TemplateCalled struct {
	Name      string   `json:"name"`
	Language  string   `json:"language"`
	Variables []string `json:"variables"`
	Names     []string `json:"names"`
	Buttons   []string `json:"buttons"`
}

// MessageBodyOf shows a message.
func MessageBodyOf(m Message) MessageBody {
	b := MessageBody{
		ID: m.ID, Status: m.Status, Units: m.Units, ChannelID: m.Channel, ChatID: m.ChatID, To: m.To(), Text: orNull(m.Text),
		CreatedAt: m.CreatedAt.UTC(), SendAt: timeOrNull(m.SendAt), ExpiresAt: m.ExpiresAt.UTC(), Tries: m.Tries,
		ProviderID: orNull(m.ProviderID), Error: m.Failure, PartOf: orNull(m.PartOf), Parts: append([]string{}, m.Parts...), ResendOf: orNull(m.ResendOf), ResentAs: orNull(m.ResentAs),
	}
	if f := m.File; f != nil {
		b.File = &FileBody{URL: f.URL, Name: f.Name, Kind: f.Kind, Type: orNull(f.Type), Size: orNull(f.Size)}
	}
	if t := m.Template; t != nil {
		b.Template = &TemplateCalled{Name: t.Name, Language: t.Language,
			Variables: append([]string{}, t.Variables...), Names: append([]string{}, t.Names...), Buttons: append([]string{}, t.Buttons...)}
	}
	return b
}

// InboundBody is what somebody wrote, as events tell it and the API shows it.
// Sender is the other side of the chat: a person, or the group in which Author
// wrote.
type InboundBody struct {
	ID         string         `json:"id"`
	ChannelID  string         `json:"channel_id"`
	ChatID     string         `json:"chat_id"`
	Sender     string         `json:"sender"`
	Author     *string        `json:"author"`
	AuthorName *string        `json:"author_name"`
	Kind       string         `json:"kind"`
	Text       *string        `json:"text"`
	Files      []ReceivedBody `json:"files"`
	At         time.Time      `json:"at"`
}

// ReceivedBody is one of its files. URL is a path of this server, null where
// the file was not fetched; Missing says why.
type ReceivedBody struct {
	Name    *string `json:"name"`
	Type    *string `json:"type"`
	Caption *string `json:"caption"`
	Size    int64   `json:"size"`
	URL     *string `json:"url"`
	Missing *string `json:"missing"`
}

// InboundBodyOf shows what somebody wrote.
func InboundBodyOf(m InboundMessage) InboundBody {
	b := InboundBody{
		ID: m.ID, ChannelID: m.Channel, ChatID: m.ChatID, Sender: m.Recipient, Author: orNull(m.Author), AuthorName: orNull(m.AuthorName),
		Kind: m.Kind, Text: orNull(m.Text), Files: []ReceivedBody{}, At: m.At.UTC(),
	}
	for i, f := range m.Files {
		file := ReceivedBody{Name: orNull(f.Name), Type: orNull(f.Type), Caption: orNull(f.Caption), Size: f.Size, Missing: orNull(f.Missing)}
		if f.Key != "" {
			file.URL = orNull("/api/v1/workspaces/" + m.Workspace + "/inbound/" + m.ID + "/files/" + strconv.Itoa(i))
		}
		b.Files = append(b.Files, file)
	}
	return b
}

// ChannelBody is a channel as events tell of it.
type ChannelBody struct {
	ID          string       `json:"id"`
	Kind        string       `json:"kind"`
	Name        string       `json:"name"`
	Phone       *string      `json:"phone"`
	State       ChannelState `json:"state"`
	Reason      *string      `json:"reason"`
	Paused      bool         `json:"paused"`
	ConnectedAt time.Time    `json:"connected_at"`
}

// ChannelBodyOf shows a channel, without its settings.
func ChannelBodyOf(c Channel) ChannelBody {
	return ChannelBody{ID: c.ID, Kind: c.Kind, Name: c.Name, Phone: orNull(c.Phone), State: c.State, Reason: orNull(c.Reason), Paused: c.Paused, ConnectedAt: c.ConnectedAt.UTC()}
}

// TemplateBody is a template as events tell of it.
type TemplateBody struct {
	ChannelID string           `json:"channel_id"`
	ID        *string          `json:"id"`
	Name      string           `json:"name"`
	Language  string           `json:"language"`
	Category  TemplateCategory `json:"category"`
	Status    TemplateStatus   `json:"status"`
	Reason    *string          `json:"reason"`
	Body      string           `json:"body"`
}

// TemplateBodyOf shows a template.
func TemplateBodyOf(t Template) TemplateBody {
	return TemplateBody{ChannelID: t.Channel, ID: orNull(t.ID), Name: t.Name, Language: t.Language, Category: t.Category, Status: t.Status, Reason: orNull(t.Reason), Body: t.Body}
}

// QuotaBody is a balance as events tell of it, in units.
type QuotaBody struct {
	// UsedPercent is the mark that was reached, of Full, which was available
	// after the last grant.
	UsedPercent int   `json:"used_percent"`
	Full        int64 `json:"full"`
	Granted     int64 `json:"granted"`
	Available   int64 `json:"available"`
	Reserved    int64 `json:"reserved"`
	Spent       int64 `json:"spent"`
}

func quotaBodyOf(a quota.Account, m Meter) QuotaBody {
	return QuotaBody{UsedPercent: m.Told, Full: m.Full, Granted: a.Granted, Available: a.Available, Reserved: a.Reserved, Spent: a.Spent}
}

// RotatedBody tells that the webhook has a new URL. It never tells the URL.
type RotatedBody struct {
	// PreviousValidUntil is null where the old URL died at once.
	PreviousValidUntil *time.Time `json:"previous_valid_until"`
}

// about is the chat and the message that an event tells of, in whichever form;
// empty where it tells of none.
func (e Event) about() (chat, message string) {
	var body struct {
		Data struct {
			ID     string `json:"id"`
			ChatID string `json:"chat_id"`
		} `json:"data"`
		Chat    familyChat `json:"chat"`
		Message familyText `json:"message"`
	}
	if json.Unmarshal([]byte(e.Body), &body) != nil {
		return "", ""
	}
	if body.Chat.ID != 0 {
		body.Data.ChatID = strconv.FormatInt(body.Chat.ID, 10)
	}
	return body.Data.ChatID, cmp.Or(body.Data.ID, body.Message.UID)
}

// orNull is a value, or null where it is zero.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
