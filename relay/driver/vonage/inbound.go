package vonage

import (
	"net/url"
	"strings"
	"time"

	"relevo/relay"
)

// inbound is a message that somebody wrote. content holds its own fields, e
// those of every message.
func (d *Driver) inbound(e, content event, from party, at time.Time) relay.Inbound {
	var (
		profile = field[event](e, "profile")
		sender  = field[event](field[event](e, "whatsapp"), "sender")
		kind    = content.word("message_type")
	)
	in := relay.Inbound{ID: e.word("message_uuid"), User: sender.word("user_id"), Name: profile.word("name"), Kind: kind, At: e.time(at)}
	if in.Name == "" {
		in.Name = profile.word("username")
	}
	if n := from.digits(); n != "" {
		in.From = "+" + n
	} else if n := party(sender.word("wa_id")).digits(); n != "" {
		in.From = "+" + n
	}
	if in.User == "" && userForm.MatchString(string(from)) {
		in.User = string(from)
	}
	in.Text = textOf(content, kind)
	in.Files = d.filesOf(content, kind)
	return in
}

// textOf is a text for a message of any kind, for people to read.
func textOf(c event, kind string) string {
	part := field[event](c, kind)
	switch kind {
	case "text":
		return c.word("text")
	case "location":
		return placeText(part)
	case "contacts":
		return contactsText(field[[]event](c, "contacts"))
	case "reply":
		return joined(": ", part.word("title"), part.word("description"))
	case "button":
		if t := part.word("text"); t != "" {
			return t
		}
		return part.word("payload")
	case "order":
		return orderText(part)
	case "reaction":
		return part.word("emoji") // none where it was taken back
	case "image", "video", "audio", "file", "sticker":
		return "" // the caption is the file's
	}
	return c.word("text")
}

func joined(by string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, by)
}

func placeText(p event) string {
	at := joined(", ", p.word("lat"), p.word("long"))
	if at != "" {
		at = "(" + at + ")"
	}
	return joined(" ", joined(", ", p.word("name"), p.word("address")), at, p.word("url"))
}

// contactsText is one line for each contact: the name and the numbers.
func contactsText(list []event) string {
	var lines []string
	for _, c := range list {
		name := field[event](c, "name")
		line := name.word("formatted_name")
		if line == "" {
			line = joined(" ", name.word("first_name"), name.word("last_name"))
		}
		var reach []string
		for _, p := range field[[]event](c, "phones") {
			reach = append(reach, p.word("phone"))
		}
		for _, m := range field[[]event](c, "emails") {
			reach = append(reach, m.word("email"))
		}
		if line = joined(": ", line, joined(", ", reach...)); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// orderText is one line for each item: how many, what, and the price of one.
func orderText(o event) string {
	var lines []string
	for _, i := range field[[]event](o, "product_items") {
		price := joined(" ", i.word("item_price"), i.word("currency"))
		if price != "" {
			price = "(" + price + ")"
		}
		if line := joined(" ", joined(" × ", i.word("quantity"), i.word("product_retailer_id")), price); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// filesOf are the attachments of a message.
func (d *Driver) filesOf(c event, kind string) []relay.InboundFile {
	switch kind {
	case "image", "video", "audio", "file", "sticker":
	default:
		return nil
	}
	part := field[event](c, kind)
	at := part.word("url")
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return nil
	}
	return []relay.InboundFile{{URL: at, Auth: d.ours(u), Name: part.word("name"), Caption: part.word("caption")}}
}

// ours reports whether an address is Vonage's, which may ask for the
// application's token.
// https://developer.vonage.com/en/messages/concepts/secure-inbound-media
func (d *Driver) ours(u *url.URL) bool {
	if u.Host == d.host {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && (strings.HasSuffix(host, ".nexmo.com") || strings.HasSuffix(host, ".vonage.com"))
}
