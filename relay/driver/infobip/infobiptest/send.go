package infobiptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// wa is a WhatsApp message as the API takes one.
type wa struct {
	From         string          `json:"from"`
	To           string          `json:"to"`
	MessageID    string          `json:"messageId"`
	Content      json.RawMessage `json:"content"`
	CallbackData string          `json:"callbackData"`
	NotifyURL    string          `json:"notifyUrl"`
	URLOptions   *struct {
		ShortenURL  bool   `json:"shortenUrl"`
		TrackClicks bool   `json:"trackClicks"`
		TrackingURL string `json:"trackingUrl"`
	} `json:"urlOptions"`
	EntityID      string `json:"entityId"`
	ApplicationID string `json:"applicationId"`
}

type waContent struct {
	Text       string `json:"text"`
	PreviewURL bool   `json:"previewUrl"`
	MediaURL   string `json:"mediaUrl"`
	Caption    string `json:"caption"`
	Filename   string `json:"filename"`
	Voice      bool   `json:"voice"`
}

// faults are fields and what is wrong with them.
type faults map[string]string

func (f faults) unless(ok bool, field, what string) {
	if !ok {
		f[field] = what
	}
}

// strict decodes a body that may hold known fields only.
func strict(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return io.ErrUnexpectedEOF
	}
	return nil
}

var (
	digits = regexp.MustCompile(`^[0-9]{5,15}$`)
	userID = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,128}$`)
	// viberFile is the pattern of ViberOutboundFileContent.fileName in
	// infobip-viber-openapi.json.
	viberFile = regexp.MustCompile(`.*\.(docx?|dotx?|xlsx?|f?ods|f?odt|rtf|odf|txt|info|pdf|xps|pdax|eps|csv|xlsm|xltx)$`)
)

func address(s string, max int) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= max && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func runes(s string, low, high int) bool {
	n := utf8.RuneCountInString(s)
	return n >= low && n <= high
}

func (f *Fake) sendWhatsApp(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	var one wa
	bad := faults{}
	if kind == "template" {
		var many struct {
			Messages []wa   `json:"messages"`
			BulkID   string `json:"bulkId"`
		}
		if err := strict(body, &many); err != nil || len(many.Messages) != 1 {
			wrong(w, http.StatusBadRequest, false, "BAD_REQUEST", faults{"messages": "must be a list of messages"})
			return
		}
		one = many.Messages[0]
	} else if err := strict(body, &one); err != nil {
		wrong(w, http.StatusBadRequest, false, "BAD_REQUEST", faults{"request": "unknown or malformed field"})
		return
	}
	m := &Message{Channel: "WHATSAPP", Kind: kind, From: one.From, To: one.To, ID: one.MessageID, CallbackData: one.CallbackData, NotifyURL: one.NotifyURL, Body: body}
	bad.unless(one.From == f.o.Sender, "from", "is not a sender of the account")
	bad.unless(digits.MatchString(one.To) || userID.MatchString(one.To), "to", "must be digits")
	bad.unless(len(one.MessageID) <= 200, "messageId", "size must be between 0 and 200")
	bad.unless(len(one.CallbackData) <= 4000, "callbackData", "size must be between 0 and 4000")
	bad.unless(one.NotifyURL == "" || address(one.NotifyURL, 2048), "notifyUrl", "must be a URL")
	var c waContent
	if kind == "template" {
		f.checkTemplate(one.Content, m, bad)
	} else if err := strict(one.Content, &c); err != nil {
		bad["content"] = "unknown or malformed field"
	} else {
		checkContent(kind, c, m, bad)
	}
	if len(bad) > 0 {
		wrong(w, http.StatusBadRequest, false, "BAD_REQUEST", bad)
		return
	}
	f.take(w, r, m)
}

func checkContent(kind string, c waContent, m *Message, bad faults) {
	m.Text, m.FileURL, m.FileName = c.Text, c.MediaURL, c.Filename
	if kind == "text" {
		bad.unless(runes(c.Text, 1, 4096), "content.text", "size must be between 1 and 4096")
		bad.unless(c.MediaURL+c.Caption+c.Filename == "", "content", "unknown field")
		return
	}
	m.Text = c.Caption
	bad.unless(slices.Contains([]string{"image", "document", "audio", "video", "sticker"}, kind), "kind", "unknown")
	bad.unless(address(c.MediaURL, 2048), "content.mediaUrl", "must be a URL")
	bad.unless(c.Text == "", "content.text", "unknown field")
	bad.unless(runes(c.Caption, 0, 3000), "content.caption", "size must be between 0 and 3000")
	bad.unless(c.Caption == "" || kind != "audio" && kind != "sticker", "content.caption", "unknown field")
	bad.unless(c.Filename == "" || kind == "document" && runes(c.Filename, 1, 240), "content.filename", "size must be between 0 and 240")
}

// checkTemplate holds a template message to the templates that there are,
// where there are any.
func (f *Fake) checkTemplate(raw json.RawMessage, m *Message, bad faults) {
	var c struct {
		TemplateName string `json:"templateName"`
		Language     string `json:"language"`
		TemplateData struct {
			Body *struct {
				Placeholders []string `json:"placeholders"`
			} `json:"body"`
			Header *struct {
				Type        string `json:"type"`
				Placeholder string `json:"placeholder"`
				MediaURL    string `json:"mediaUrl"`
				Filename    string `json:"filename"`
			} `json:"header"`
			Buttons []struct {
				Type      string `json:"type"`
				Parameter string `json:"parameter"`
				FlowToken string `json:"flowToken"`
			} `json:"buttons"`
		} `json:"templateData"`
	}
	if err := strict(raw, &c); err != nil {
		bad["content"] = "unknown or malformed field"
		return
	}
	d := c.TemplateData
	bad.unless(c.TemplateName != "", "content.templateName", "must not be blank")
	bad.unless(c.Language != "", "content.language", "must not be blank")
	bad.unless(d.Body != nil && d.Body.Placeholders != nil, "content.templateData.body.placeholders", "must not be null")
	if d.Body != nil {
		m.Text = strings.Join(d.Body.Placeholders, " ")
		bad.unless(!slices.Contains(d.Body.Placeholders, ""), "content.templateData.body.placeholders", "must not be blank")
	}
	if h := d.Header; h != nil {
		m.FileURL, m.FileName = h.MediaURL, h.Filename
		switch h.Type {
		case "TEXT":
			bad.unless(h.Placeholder != "", "content.templateData.header.placeholder", "must not be blank")
		case "IMAGE", "VIDEO", "DOCUMENT":
			bad.unless(h.Filename == "" && h.Type != "DOCUMENT" || h.Type == "DOCUMENT" && runes(h.Filename, 1, 240), "content.templateData.header.filename", "size must be between 1 and 240")
			bad.unless(address(h.MediaURL, 2048), "content.templateData.header.mediaUrl", "must be a URL")
		default:
			bad["content.templateData.header.type"] = "unknown"
		}
	}
	for _, b := range d.Buttons {
		high, ok := map[string]int{"QUICK_REPLY": 128, "URL": 2000, "COPY_CODE": 15}[b.Type]
		bad.unless(ok && runes(b.Parameter, 1, high) && b.FlowToken == "" || b.Type == "FLOW" && b.Parameter == "", "content.templateData.buttons", "unknown type or wrong size")
	}
}

type viberRequest struct {
	Messages []struct {
		Sender       string `json:"sender"`
		Destinations []struct {
			To        string `json:"to"`
			MessageID string `json:"messageId"`
		} `json:"destinations"`
		Content struct {
			Type     string `json:"type"`
			Text     string `json:"text"`
			MediaURL string `json:"mediaUrl"`
			FileName string `json:"fileName"`
		} `json:"content"`
		Webhooks struct {
			Delivery, Seen *struct {
				URL string `json:"url"`
			}
			ContentType  string `json:"contentType"`
			CallbackData string `json:"callbackData"`
		} `json:"webhooks"`
	} `json:"messages"`
	Options struct {
		Tracking struct {
			ShortenURL bool `json:"shortenUrl"`
		} `json:"tracking"`
	} `json:"options"`
}

func (f *Fake) sendViber(w http.ResponseWriter, r *http.Request, body []byte) {
	var in viberRequest
	if err := strict(body, &in); err != nil || len(in.Messages) != 1 || len(in.Messages[0].Destinations) != 1 {
		wrong(w, http.StatusBadRequest, true, "", faults{"messages": "unknown or malformed field"})
		return
	}
	one, bad := in.Messages[0], faults{}
	to, c := one.Destinations[0], one.Content
	m := &Message{Channel: "VIBER", Kind: strings.ToLower(c.Type), From: one.Sender, To: to.To, ID: to.MessageID, Text: c.Text,
		FileURL: c.MediaURL, FileName: c.FileName, CallbackData: one.Webhooks.CallbackData, Body: body}
	if d := one.Webhooks.Delivery; d != nil {
		m.NotifyURL = d.URL
		bad.unless(address(d.URL, 2048), "messages[0].webhooks.delivery.url", "must be a URL")
	}
	bad.unless(one.Sender == f.o.ViberSender, "messages[0].sender", "is not a sender of the account")
	bad.unless(digits.MatchString(to.To), "messages[0].destinations[0].to", "must be digits")
	bad.unless(len(to.MessageID) <= 200, "messages[0].destinations[0].messageId", "is too long")
	bad.unless(runes(c.Text, 0, 1000), "messages[0].content.text", "size must be between 0 and 1000")
	switch c.Type {
	case "TEXT":
		bad.unless(c.Text != "" && c.MediaURL+c.FileName == "", "messages[0].content", "wrong fields")
	case "IMAGE":
		bad.unless(address(c.MediaURL, 1000) && c.FileName == "", "messages[0].content.mediaUrl", "must be a URL")
	case "FILE":
		bad.unless(address(c.MediaURL, 1000) && c.Text == "", "messages[0].content.mediaUrl", "must be a URL")
		bad.unless(viberFile.MatchString(c.FileName), "messages[0].content.fileName", "must have a known extension")
	default:
		bad["messages[0].content.type"] = "unknown"
	}
	if len(bad) > 0 {
		wrong(w, http.StatusBadRequest, true, "", bad)
		return
	}
	f.take(w, r, m)
}
