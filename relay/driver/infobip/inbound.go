package infobip

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"relevo/relay"
)

// written is what a person wrote, of any type.
type written struct {
	Type    text `json:"type"`
	Text    text `json:"text"`
	Caption text `json:"caption"`
	URL     text `json:"url"`
	// FileName is Viber's; WhatsApp tells none.
	FileName text `json:"fileName"`

	Latitude  text `json:"latitude"`
	Longitude text `json:"longitude"`
	Name      text `json:"name"`
	Address   text `json:"address"`

	Title       text `json:"title"`
	Description text `json:"description"`
	Emoji       text `json:"emoji"`

	Contacts []struct {
		Name struct {
			FormattedName text `json:"formattedName"`
			FirstName     text `json:"firstName"`
			LastName      text `json:"lastName"`
		} `json:"name"`
		Phones []struct {
			Phone text `json:"phone"`
		} `json:"phones"`
	} `json:"contacts"`
}

type contact struct {
	Name        text `json:"name"`
	PhoneNumber text `json:"phoneNumber"`
	UserID      text `json:"userId"`
}

// inbound is one message of a person.
func (d *shared) inbound(s settings, r result, now time.Time) relay.Inbound {
	in := relay.Inbound{
		ID: string(r.MessageID), Name: string(r.Contact.Name), User: string(r.Contact.UserID),
		Kind: strings.ToLower(string(r.Message.Type)), At: timeOf(now, r.ReceivedAt),
		Text: r.Message.text(),
	}
	for _, from := range []text{r.From, r.Sender, r.Contact.PhoneNumber} {
		if n := strings.TrimPrefix(string(from), "+"); in.From == "" && n != "" && strings.Trim(n, "0123456789") == "" {
			in.From = "+" + n
		}
	}
	if in.From == "" && in.User == "" {
		in.User = string(r.From) // a business-scoped id in place of a number
	}
	if f, ok := r.Message.file(); ok {
		u, err := url.Parse(f.URL)
		f.Auth = err == nil && d.home(s, u)
		in.Files = append(in.Files, f)
	}
	return in
}

// file is the attachment of a message, where it has one that may be fetched.
func (w written) file() (f relay.InboundFile, ok bool) {
	switch strings.ToUpper(string(w.Type)) {
	case "IMAGE", "VIDEO", "DOCUMENT", "VOICE", "AUDIO", "STICKER", "FILE":
	default: // INFECTED_CONTENT above all
		return f, false
	}
	f = relay.InboundFile{URL: string(w.URL), Name: string(w.FileName), Caption: string(w.Caption)}
	if f.Caption == "" {
		f.Caption = string(w.Text)
	}
	if f.Name == "" && strings.EqualFold(string(w.Type), "DOCUMENT") && nameForm.MatchString(f.Caption) {
		f.Name = f.Caption // a document's title stands there
	}
	return f, f.URL != ""
}

var nameForm = regexp.MustCompile(`^[^/\\\n]{1,200}\.[A-Za-z0-9]{1,8}$`)

// text is a message in words, whatever its type.
func (w written) text() string {
	switch strings.ToUpper(string(w.Type)) {
	case "LOCATION":
		return w.place()
	case "CONTACT":
		return w.cards()
	case "REACTION":
		return string(w.Emoji)
	case "INTERACTIVE_BUTTON_REPLY", "INTERACTIVE_LIST_REPLY":
		return joined(": ", string(w.Title), string(w.Description))
	case "INFECTED_CONTENT":
		return "A file with malware, which Infobip held back."
	case "ORDER":
		return joined(": ", "An order", string(w.Text))
	}
	return joined("", string(w.Text), string(w.Caption))
}

func (w written) place() string {
	where := ""
	if w.Latitude != "" && w.Longitude != "" {
		where = string(w.Latitude + "," + w.Longitude)
	}
	return joined(", ", string(w.Name), string(w.Address), where)
}

func (w written) cards() string {
	var cards []string
	for _, c := range w.Contacts {
		name := string(c.Name.FormattedName)
		if name == "" {
			name = joined(" ", string(c.Name.FirstName), string(c.Name.LastName))
		}
		var phones []string
		for _, p := range c.Phones {
			phones = append(phones, string(p.Phone))
		}
		cards = append(cards, joined(": ", name, joined(", ", phones...)))
	}
	return joined("\n", cards...)
}

// joined puts together what is not empty. Without a separator it is the first
// of it.
func joined(sep string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p == "" {
			continue
		}
		if sep == "" {
			return p
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, sep)
}
