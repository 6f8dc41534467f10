package twilio

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"relevo/relay"
)

// maxMedia is how many files an inbound message may have; of WhatsApp it is
// one. https://www.twilio.com/docs/messaging/guides/webhook-request
const maxMedia = 10

// received reads an inbound message. It has no time of its own.
// https://www.twilio.com/docs/messaging/guides/webhook-request
func received(s Settings, ch relay.Channel, c relay.Callback, form url.Values) (relay.Received, error) {
	if !sender(s, ch, form.Get("To"), form.Get("MessagingServiceSid")) {
		return relay.Received{}, relay.ErrForged
	}
	in := relay.Inbound{ID: form.Get("MessageSid"), Name: form.Get("ProfileName"), At: c.At, Files: files(form)}
	in.From, in.User = who(form)
	if in.From == "" && in.User == "" {
		return relay.Received{}, nil
	}
	in.Kind = kindOf(form, in.Files)
	in.Text = textOf(form, in.Kind)
	return relay.Received{Inbound: []relay.Inbound{in}, Type: "text/xml", Reply: []byte(noReply)}, nil
}

var plainNumber = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// who is the writer's number and business-scoped user id. The number is hidden
// by some: From is the user id then.
func who(form url.Values) (number, user string) {
	from := strings.TrimPrefix(form.Get("From"), "whatsapp:")
	user = strings.TrimPrefix(form.Get("ExternalUserId"), "whatsapp:")
	switch {
	case plainNumber.MatchString(from):
		number = from
	case user == "" && userForm.MatchString(from):
		user = from
	}
	if id := "+" + form.Get("WaId"); number == "" && plainNumber.MatchString(id) {
		number = id
	}
	if !userForm.MatchString(user) {
		user = ""
	}
	return number, user
}

func files(form url.Values) (all []relay.InboundFile) {
	n, err := strconv.Atoi(form.Get("NumMedia"))
	if err != nil {
		return nil
	}
	for i := range min(n, maxMedia) {
		at := strconv.Itoa(i)
		f := relay.InboundFile{URL: form.Get("MediaUrl" + at), Auth: true, Type: form.Get("MediaContentType" + at)}
		if f.URL == "" {
			continue
		}
		if i == 0 {
			f.Caption = form.Get("Body")
		}
		all = append(all, f)
	}
	return all
}

// kindOf is MessageType, which Twilio sends and does not document, else what
// the parameters show.
func kindOf(form url.Values, files []relay.InboundFile) string {
	if t := strings.ToLower(form.Get("MessageType")); t != "" {
		return t
	}
	switch {
	case form.Has("Latitude") && form.Has("Longitude"):
		return "location"
	case form.Get("ListId") != "" || form.Get("InteractiveData") != "" || form.Get("FlowData") != "":
		return "interactive"
	case form.Get("ButtonText") != "" || form.Get("ButtonPayload") != "":
		return "button"
	case len(files) == 0:
		return "text"
	}
	switch kind, _, _ := strings.Cut(files[0].Type, "/"); {
	case files[0].Type == "image/webp":
		return "sticker"
	case files[0].Type == "text/vcard", files[0].Type == "text/x-vcard":
		return "contacts"
	case kind == "image", kind == "audio", kind == "video":
		return kind
	}
	return "document"
}

// textOf is what was written, or what stands for it.
func textOf(form url.Values, kind string) string {
	if form.Has("Latitude") && form.Has("Longitude") {
		return place(form)
	}
	for _, name := range []string{"Body", "ButtonText", "ListTitle", "ButtonPayload", "ListId", "FlowData", "InteractiveData"} {
		if v := form.Get(name); v != "" {
			return v
		}
	}
	if kind == "contacts" || kind == "contact" {
		return "Contact card"
	}
	return ""
}

// place is a location in words: its name and address, then where it is.
func place(form url.Values) string {
	var parts []string
	for _, name := range []string{"Label", "Address", "Body"} {
		if v := strings.TrimSpace(form.Get(name)); v != "" && (len(parts) == 0 || parts[len(parts)-1] != v) {
			parts = append(parts, v)
		}
	}
	at := form.Get("Latitude") + "," + form.Get("Longitude")
	if len(parts) == 0 {
		return at
	}
	return strings.Join(parts, ", ") + " (" + at + ")"
}

// codeIn is the error code of a status callback; 0 without one.
func codeIn(form url.Values) int {
	code, err := strconv.Atoi(strings.TrimSpace(form.Get("ErrorCode")))
	if err != nil || code < 0 {
		return 0
	}
	return code
}
