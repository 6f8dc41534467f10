package vonage

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// message is the body of a call.
// https://developer.vonage.com/en/api/messages#SendMessage
type message struct {
	To       string    `json:"to"`
	From     string    `json:"from"`
	Channel  string    `json:"channel"`
	Type     string    `json:"message_type"`
	Text     string    `json:"text,omitempty"`
	Image    *media    `json:"image,omitempty"`
	Audio    *media    `json:"audio,omitempty"`
	Video    *media    `json:"video,omitempty"`
	File     *media    `json:"file,omitempty"`
	WhatsApp *policy   `json:"whatsapp,omitempty"`
	Template *template `json:"template,omitempty"`
	Custom   *custom   `json:"custom,omitempty"`
	Ref      string    `json:"client_ref,omitempty"`
	Webhook  string    `json:"webhook_url,omitempty"`
	Version  string    `json:"webhook_version"`
}

type media struct {
	URL     string `json:"url"`
	Caption string `json:"caption,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Limits of a call, in characters: https://developer.vonage.com/en/api/messages
const (
	maxText = 4096
	maxRef  = 100
	minURL  = 10
	maxURL  = 2000
)

// version is the form of the callbacks about a message, whatever the
// application is set to.
const version = "v1"

// refuse is the error of a message that no call is made for.
func refuse(code relay.Code, format string, args ...any) *relay.SendError {
	return &relay.SendError{Verdict: relay.Refused, Code: code, Reason: fmt.Sprintf(format, args...)}
}

// newMessage makes the body of a message's call.
func newMessage(s Settings, out relay.Outgoing) (*message, error) {
	to, err := recipient(out)
	if err != nil {
		return nil, err
	}
	m := &message{To: to, From: s.From, Channel: "whatsapp", Version: version}
	if utf8.RuneCountInString(out.MessageID) <= maxRef {
		m.Ref = out.MessageID
	}
	// An address without TLS is one that Vonage cannot reach: a test machine's.
	if strings.HasPrefix(out.Callbacks.Status, "https://") {
		m.Webhook = out.Callbacks.Status
	}
	switch {
	case out.Template != nil:
		err = m.setTemplate(out)
	case out.File != nil:
		err = m.setFile(*out.File, out.Text)
	case strings.TrimSpace(out.Text) == "":
		err = refuse(relay.CodeNoContent, "The message has neither a text nor a file.")
	case utf8.RuneCountInString(out.Text) > maxText:
		err = refuse(relay.CodeTextTooLong, "The text is longer than the %d characters that Vonage takes.", maxText)
	default:
		m.Type, m.Text = "text", out.Text
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// userForm is a business-scoped user id, which stands for a phone number.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
var userForm = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}$`)

// recipient is who gets the message, as Vonage writes it: digits without a +,
// or a user id.
func recipient(out relay.Outgoing) (string, error) {
	if out.Group || strings.HasSuffix(out.Recipient, "@g.us") {
		return "", refuse(relay.CodeRefused, "Vonage does not send to groups. Send to the group's members, or from a channel that has groups.")
	}
	if d := party(out.Recipient).digits(); d != "" {
		return d, nil
	}
	if userForm.MatchString(out.Recipient) {
		return out.Recipient, nil
	}
	return "", refuse(relay.CodeInvalidPhone, "The recipient is not a phone number of 7 to 15 digits.")
}

// taken are the types of files that Vonage shows as what they are. Others go
// as a document. https://developer.vonage.com/en/api/messages
var taken = map[relay.FileKind][]string{
	relay.Image: {"image/jpeg", "image/png"},
	relay.Audio: {"audio/aac", "audio/amr", "audio/m4a", "audio/mp3", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/opus", "audio/x-m4a"},
	relay.Video: {"video/3gpp", "video/mp4"},
}

// sentAs is the kind that a file goes as.
func sentAs(f relay.OutgoingFile) relay.FileKind {
	types, ok := taken[f.Kind]
	if !ok {
		return relay.Document
	}
	t, _, err := mime.ParseMediaType(f.Type)
	if f.Type != "" && (err != nil || !slices.Contains(types, t)) {
		return relay.Document
	}
	return f.Kind
}

// setFile makes it a message with a file, with a text under it.
func (m *message) setFile(f relay.OutgoingFile, text string) error {
	kind := sentAs(f)
	link, err := linkOf(f, kind)
	if err != nil {
		return err
	}
	if text != "" && kind == relay.Audio {
		return refuse(relay.CodeRefused, "WhatsApp shows no text under audio. Send the text as a message of its own.")
	}
	if limit := (whatsapp.Limits{}).MaxCaptionRunes(); utf8.RuneCountInString(text) > limit {
		return refuse(relay.CodeTextTooLong, "The text under the file is longer than the %d characters that WhatsApp takes.", limit)
	}
	body := &media{URL: link, Caption: text}
	switch kind {
	case relay.Image:
		m.Type, m.Image = "image", body
	case relay.Audio:
		m.Type, m.Audio = "audio", body
	case relay.Video:
		m.Type, m.Video = "video", body
	default:
		body.Name = f.Name
		m.Type, m.File = "file", body
	}
	return nil
}

// linkOf is the address that Vonage fetches a file from.
func linkOf(f relay.OutgoingFile, kind relay.FileKind) (string, error) {
	if limit := (whatsapp.Limits{}).MaxFileBytes(kind); f.Size > limit {
		return "", refuse(relay.CodeFileTooLarge, "The file is larger than the %d MB that WhatsApp takes as %s.", limit>>20, kind)
	}
	u, err := url.Parse(f.Link)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", refuse(relay.CodeFileUnreachable, "Vonage fetches files from this server's public address, and none is set. Set public_url and send it again.")
	}
	if n := utf8.RuneCountInString(f.Link); n < minURL || n > maxURL {
		return "", refuse(relay.CodeFileUnreachable, "The file's address is longer than the %d characters that Vonage takes. Give the file a shorter name.", maxURL)
	}
	return f.Link, nil
}
