package infobip

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"relevo/relay"
)

// Limits of Infobip's Viber API, in characters, and bytes of an address:
// https://www.infobip.com/docs/api/channels/viber
const (
	maxViberText  = 1000
	maxViberURL   = 1000
	maxViberFile  = 200_000_000
	maxViberImage = 50_000_000 // advised; the API documents none
	// roomForLink is what stays of a text for the address of a file below it.
	roomForLink = 400
)

type viberRequest struct {
	Messages []viberMessage      `json:"messages"`
	Options  viberRequestOptions `json:"options"`
}

type viberMessage struct {
	Sender       string             `json:"sender"`
	Destinations []viberDestination `json:"destinations"`
	Content      viberContent       `json:"content"`
	Webhooks     viberWebhooks      `json:"webhooks"`
}

type viberDestination struct {
	To        string `json:"to"`
	MessageID string `json:"messageId"`
}

// viberContent is a TEXT, an IMAGE or a FILE.
type viberContent struct {
	Type     string `json:"type"`
	Text     string `json:"text,omitzero"`
	MediaURL string `json:"mediaUrl,omitzero"`
	FileName string `json:"fileName,omitzero"`
}

type viberWebhooks struct {
	Delivery     *viberWebhook `json:"delivery,omitzero"`
	Seen         *viberWebhook `json:"seen,omitzero"`
	ContentType  string        `json:"contentType"`
	CallbackData string        `json:"callbackData"`
}

type viberWebhook struct {
	URL string `json:"url"`
}

// viberRequestOptions say that links go out as they are.
type viberRequestOptions struct {
	Tracking struct {
		ShortenURL bool `json:"shortenUrl"`
	} `json:"tracking"`
}

// Send hands one message to Viber, in one call.
func (d *Viber) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	s, err := open(out.Channel)
	if err != nil {
		return "", err
	}
	to, err := recipient(out)
	if err != nil {
		return "", err
	}
	if out.Template != nil {
		return "", refused(relay.CodeTemplateUnsupported, "This Viber channel has no templates. Send a text: Viber takes one at any time.", nil)
	}
	content, err := viberContentOf(s, out)
	if err != nil {
		return "", err
	}
	m := viberMessage{Sender: s.Sender, Destinations: []viberDestination{{to, out.MessageID}}, Content: content}
	m.Webhooks.ContentType, m.Webhooks.CallbackData = "application/json", out.MessageID
	if at := out.Callbacks.Status; at != "" && !s.guarded() {
		m.Webhooks.Delivery, m.Webhooks.Seen = &viberWebhook{at}, &viberWebhook{at}
	}
	r, err := d.call(ctx, s, http.MethodPost, "/viber/2/messages", viberRequest{Messages: []viberMessage{m}})
	if err != nil {
		return "", err
	}
	return sent(r, out.MessageID)
}

func viberContentOf(s settings, out relay.Outgoing) (c viberContent, err error) {
	c = viberContent{Type: "TEXT", Text: out.Text}
	if out.File != nil {
		if s.FilesAs == asNative {
			if n, ok := native(out); ok {
				return n, nil
			}
		}
		address, err := link(out.File, maxViberText)
		if err != nil {
			return c, err
		}
		if strings.TrimSpace(c.Text) == "" {
			c.Text = address
		} else {
			c.Text += "\n" + address
		}
	}
	if utf8.RuneCountInString(c.Text) > maxViberText {
		reason := "The text is longer than the 1,000 characters that Viber takes. Shorten it."
		if out.File != nil {
			reason = "The text and the address of the file are together longer than the 1,000 characters that Viber takes. Shorten the text or the file's name."
		}
		return c, refused(relay.CodeTextTooLong, reason, nil)
	}
	return c, nil
}

// native is a file as Viber shows it. What Viber's API does not take so goes
// as a link: audio; video, which wants a thumbnail and a duration; documents
// of other types, or with a text, which has no place beside one.
func native(out relay.Outgoing) (viberContent, bool) {
	f := out.File
	if f.Link == "" || len(f.Link) > maxViberURL || utf8.RuneCountInString(out.Text) > maxViberText {
		return viberContent{}, false
	}
	switch f.Kind {
	case relay.Image:
		return viberContent{Type: "IMAGE", Text: out.Text, MediaURL: f.Link},
			slices.Contains(taken[relay.Image], mediaType(f.Type))
	case relay.Document:
		ext := path.Ext(f.Name)
		small := strings.ToLower(ext) // as the API's pattern has them
		return viberContent{Type: "FILE", MediaURL: f.Link, FileName: strings.TrimSuffix(f.Name, ext) + small},
			strings.TrimSpace(out.Text) == "" && slices.Contains(viberFiles, strings.TrimPrefix(small, "."))
	}
	return viberContent{}, false
}

// viberFiles are the extensions that a Viber file may have, in small letters
// (infobip-viber-openapi.json 3.210.0, ViberOutboundFileContent):
// https://www.infobip.com/docs/api/channels/viber
var viberFiles = strings.Fields("doc docx dot dotx rtf odt odf fodt txt info pdf xps pdax eps xls xlsx ods fods csv xlsm xltx")

// Captions is true of every kind: as a link a file is one line of the text.
func (*Viber) Captions(relay.FileKind) bool { return true }

// MaxFileBytes is what Viber takes: 200 MB, and 50 MB for an image.
// https://www.infobip.com/docs/api/channels/viber
func (*Viber) MaxFileBytes(kind relay.FileKind) int64 {
	if kind == relay.Image {
		return maxViberImage
	}
	return maxViberFile
}

// MaxTextRunes is Infobip's limit for a Viber text, in characters.
func (*Viber) MaxTextRunes() int { return maxViberText }

// MaxCaptionRunes leaves room for a file's address below the text.
func (*Viber) MaxCaptionRunes() int { return maxViberText - roomForLink }
