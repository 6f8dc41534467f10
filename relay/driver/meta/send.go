package meta

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// message is the body of POST /{phone-number-id}/messages.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
type message struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	// To is a number with + or a group; Recipient a business-scoped user ID.
	To        string           `json:"to,omitempty"`
	Recipient string           `json:"recipient,omitempty"`
	Type      string           `json:"type"`
	Text      *text            `json:"text,omitempty"`
	Image     *media           `json:"image,omitempty"`
	Video     *media           `json:"video,omitempty"`
	Audio     *media           `json:"audio,omitempty"`
	Document  *media           `json:"document,omitempty"`
	Template  *whatsapp.Filled `json:"template,omitempty"`
	// Reference comes back in every status of the message, which is how one
	// that was sent without an answer is found again. Meta's OpenAPI
	// description has it for calls only (business-messaging-api_v23.0.yaml,
	// BaseMessageProperties), and Recipient not at all; Meta's pages have both.
	Reference string `json:"biz_opaque_callback_data,omitempty"`
}

type text struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url,omitempty"`
}

type media struct {
	ID       string `json:"id"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// accepted is the answer: WhatsApp has the message, and delivers it later.
type accepted struct {
	Messages []struct {
		ID string `json:"id"`
	} `json:"messages"`
}

// Send makes one try. A file is uploaded first; what fails there sends
// nothing. It returns Meta's id of the message (wamid.…).
func (d *Driver) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	s, err := readSettings(out.Channel.Settings)
	if err != nil {
		return "", err
	}
	m, fault := d.envelope(out)
	if fault != nil {
		return "", fault
	}
	if fault := d.fill(ctx, s, out, &m); fault != nil {
		return "", s.aboutNumber(fault, out.Try)
	}
	var a accepted
	_, err = d.call(ctx, request{method: http.MethodPost, path: "/" + s.PhoneNumberID + "/messages", token: s.AccessToken, json: m}, &a)
	if err != nil {
		return "", s.aboutNumber(err, out.Try)
	}
	if len(a.Messages) == 0 || a.Messages[0].ID == "" {
		return "", unreadable()
	}
	return a.Messages[0].ID, nil
}

// envelope is a message without its content.
func (d *Driver) envelope(out relay.Outgoing) (message, *relay.SendError) {
	m := message{Product: "whatsapp", RecipientType: "individual", Reference: out.MessageID}
	to := strings.TrimSuffix(out.Recipient, "@s.whatsapp.net")
	group, isGroup := strings.CutSuffix(to, groupSuffix)
	switch {
	case out.Group || isGroup:
		if number.MatchString(strings.ReplaceAll(group, "-", "")) {
			return m, refuse(relay.CodeInvalidJID, "This group is one of the WhatsApp app. The Cloud API reaches none but groups that were made through it; it knows those as chats once somebody wrote there.")
		}
		m.RecipientType, m.To = "group", group
	case userID.MatchString(to):
		m.Recipient = to
	case number.MatchString(to):
		m.To = "+" + strings.TrimPrefix(to, "+")
	default:
		return m, refuse(relay.CodeInvalidJID, "The Cloud API takes a phone number or a user ID of Meta's, and this is neither. Send to the person's phone number.")
	}
	return m, nil
}

// groupSuffix ends the address of a group, as the relay knows it; Meta's own
// id of the group is before it.
const groupSuffix = "@g.us"

var (
	number = regexp.MustCompile(`^\+?[0-9]{5,20}$`)
	// userID is a business-scoped user ID: a country and up to 128 letters and
	// digits.
	// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
	userID = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9]{1,128}$`)
)

// fill adds the content, and uploads the file if there is one.
func (d *Driver) fill(ctx context.Context, s settings, out relay.Outgoing, m *message) error {
	if out.Template != nil {
		return d.fillTemplate(ctx, s, out, m)
	}
	if out.File == nil {
		return m.fillText(out.Text, d.MaxTextRunes())
	}
	if n := utf8.RuneCountInString(out.Text); n > d.MaxCaptionRunes() {
		return tooLong("text under the file", n, d.MaxCaptionRunes())
	}
	kind, t, fault := d.sendable(out.File, out.Text)
	if fault != nil {
		return fault
	}
	if kind == relay.Audio && out.Text != "" {
		return refuse(relay.CodeRefused, "WhatsApp shows no text under audio. Send the text as a message of its own.")
	}
	id, err := d.upload(ctx, s, out.File, t)
	if err != nil {
		return err
	}
	content := &media{ID: id, Caption: out.Text}
	m.Type = string(kind)
	switch kind {
	case relay.Image:
		m.Image = content
	case relay.Video:
		m.Video = content
	case relay.Audio:
		m.Audio = content
	default:
		content.Filename = out.File.Name
		m.Document = content
	}
	return nil
}

// fillText makes a text message. A link in it is shown with a preview, as in
// the app.
func (m *message) fillText(body string, limit int) error {
	if n := utf8.RuneCountInString(body); n > limit {
		return tooLong("text", n, limit)
	}
	link := strings.Contains(body, "http://") || strings.Contains(body, "https://")
	m.Type, m.Text = "text", &text{Body: body, PreviewURL: link}
	return nil
}

func tooLong(what string, n, limit int) *relay.SendError {
	return refuse(relay.CodeTextTooLong, fmt.Sprintf("The %s has %d characters; WhatsApp takes %d.", what, n, limit))
}

func refuse(code relay.Code, reason string) *relay.SendError {
	return &relay.SendError{Verdict: relay.Refused, Code: code, Reason: reason}
}
