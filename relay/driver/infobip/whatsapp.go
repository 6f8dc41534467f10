package infobip

import (
	"context"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"relevo/relay"
)

// Limits of Infobip's WhatsApp API, in characters, and bytes of an address:
// https://www.infobip.com/docs/api/channels/whatsapp
const (
	maxText     = 4096
	maxCaption  = 3000
	maxFileName = 240
	maxMediaURL = 2048
)

// whatsAppMessage is the body of a call, and an element of a template's.
type whatsAppMessage struct {
	From         string     `json:"from"`
	To           string     `json:"to"`
	MessageID    string     `json:"messageId"`
	Content      any        `json:"content"`
	CallbackData string     `json:"callbackData"`
	NotifyURL    string     `json:"notifyUrl,omitzero"`
	URLOptions   urlOptions `json:"urlOptions"`
}

// urlOptions say that links go out as they are: both are documented as on.
type urlOptions struct {
	ShortenURL  bool `json:"shortenUrl"`
	TrackClicks bool `json:"trackClicks"`
}

type textContent struct {
	Text string `json:"text"`
}

type mediaContent struct {
	MediaURL string `json:"mediaUrl"`
	Caption  string `json:"caption,omitzero"`
	Filename string `json:"filename,omitzero"`
}

type templateMessages struct {
	Messages []whatsAppMessage `json:"messages"`
}

// Send hands one message to WhatsApp, in one call.
func (d *Driver) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	s, err := open(out.Channel)
	if err != nil {
		return "", err
	}
	to, err := whatsAppRecipient(out)
	if err != nil {
		return "", err
	}
	m := whatsAppMessage{From: s.Sender, To: to, MessageID: out.MessageID, CallbackData: out.MessageID}
	if !s.guarded() { // a per-message address is called without the webhook's credentials
		m.NotifyURL = out.Callbacks.Status
	}
	kind := "text"
	switch {
	case out.Template != nil:
		m.Content, err = templateOf(out)
		kind = "template"
	case out.File != nil:
		kind, m.Content, err = mediaOf(out)
	case utf8.RuneCountInString(out.Text) > maxText:
		err = refused(relay.CodeTextTooLong, "The text is longer than the 4,096 characters that WhatsApp takes. Shorten it.", nil)
	default:
		m.Content = textContent{out.Text}
	}
	if err != nil {
		return "", err
	}
	var body any = m
	if kind == "template" {
		body = templateMessages{[]whatsAppMessage{m}}
	}
	r, err := d.call(ctx, s, http.MethodPost, "/whatsapp/1/message/"+kind, body)
	if err != nil {
		return "", err
	}
	return sent(r, out.MessageID)
}

// userID is a business-scoped user ID of Meta's, which Infobip takes in place
// of a number (infobip-whatsapp-openapi.json 3.210.0, TextMessage.to).
var userID = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)

func whatsAppRecipient(out relay.Outgoing) (string, error) {
	if !out.Group && userID.MatchString(out.Recipient) {
		return out.Recipient, nil
	}
	return recipient(out)
}

// mediaOf is a file as WhatsApp shows it: what is not in one of the types
// that the kind takes goes as a document, which takes all.
func mediaOf(out relay.Outgoing) (kind string, c mediaContent, err error) {
	f := out.File
	if c.MediaURL, err = link(f, maxMediaURL); err != nil {
		return "", c, err
	}
	if utf8.RuneCountInString(out.Text) > maxCaption {
		return "", c, refused(relay.CodeTextTooLong, "The text under a file is longer than the 3,000 characters that WhatsApp takes. Shorten it.", nil)
	}
	kind, c.Caption = "document", out.Text
	if slices.Contains(taken[f.Kind], mediaType(f.Type)) {
		kind = string(f.Kind)
	}
	switch kind {
	case "document":
		c.Filename = fileName(f.Name)
	case "audio": // has no caption; the relay sends the text by itself
		c.Caption = ""
		if out.Text != "" {
			return "", c, refused(relay.CodeRefused, "WhatsApp shows no text under audio. Send them as two messages.", nil)
		}
	}
	return kind, c, nil
}

// taken are the media types that go as what they are:
// https://www.infobip.com/docs/api/channels/whatsapp
var taken = map[relay.FileKind][]string{
	relay.Image: {"image/jpeg", "image/png"},
	relay.Audio: {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/ogg", "audio/opus"},
	relay.Video: {"video/mp4", "video/3gpp"},
}

// mediaType is a type without its parameters.
func mediaType(t string) string {
	t, _, _ = strings.Cut(t, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// fileName is a name of at most maxFileName characters with its extension.
func fileName(name string) string {
	r := []rune(name)
	if len(r) <= maxFileName {
		return name
	}
	ext := []rune(path.Ext(name))
	if len(ext) > 16 {
		ext = nil
	}
	return string(r[:maxFileName-len(ext)]) + string(ext)
}

// MaxCaptionRunes is Infobip's limit for a text under a file, in characters.
func (*Driver) MaxCaptionRunes() int { return maxCaption }
