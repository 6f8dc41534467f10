package twilio

import (
	"context"
	"net/url"
	"strings"

	"relevo/relay"
)

// whatsAppSender is a number that Twilio connected to WhatsApp.
// https://www.twilio.com/docs/whatsapp/api/senders
type whatsAppSender struct {
	Status  string `json:"status"`
	ID      string `json:"sender_id"`
	Webhook struct {
		Callback string `json:"callback_url"`
		Method   string `json:"callback_method"`
	} `json:"webhook"`
	Properties struct {
		Quality string `json:"quality_rating"`
		Limit   string `json:"messaging_limit"`
	} `json:"properties"`
}

// senderSetUp looks for the channel's number among the account's senders.
func (d *Driver) senderSetUp(ctx context.Context, s Settings, at relay.Addresses) []relay.Finding {
	const subject = "sender"
	if s.From == sandboxNumber {
		return []relay.Finding{doubt(subject, "This is Twilio's sandbox: it reaches only people who wrote its join code within three days, one message in three seconds.",
			"Paste "+at.Inbound+" and "+at.Status+" in Twilio Console > Messaging > Try it out > Send a WhatsApp message > Sandbox settings. Twilio does not let it be read.")}
	}
	w, ok, err := d.findSender(ctx, s)
	switch {
	case err != nil:
		return []relay.Finding{doubt(subject, "The account's WhatsApp senders cannot be read. "+reason(err), "See "+inSenders+".")}
	case !ok:
		return []relay.Finding{trouble(subject, "The account has no WhatsApp sender of this number.", "Find it, or connect it, in "+inSenders+".")}
	}
	return append(w.state(), callback("inbound address", w.Webhook.Callback, w.Webhook.Method,
		"Twilio Console > Messaging > Senders > WhatsApp senders > the number > Webhook URL for incoming messages", at))
}

// state says whether the sender can send.
func (w whatsAppSender) state() []relay.Finding {
	const subject, click = "sender", "Open it in Twilio Console > Messaging > Senders > WhatsApp senders."
	var found []relay.Finding
	switch {
	case w.Status == "ONLINE":
		found = append(found, well(subject, "The number is online."))
	case strings.HasPrefix(w.Status, "ONLINE"):
		found = append(found, doubt(subject, "The number is online and being changed ("+w.Status+").", click))
	default:
		found = append(found, trouble(subject, "The number cannot send: its status is "+w.Status+".", click))
	}
	if strings.EqualFold(w.Properties.Quality, "LOW") {
		found = append(found, doubt("quality", "WhatsApp rates this number's quality as low and may limit it.", "Write only to people who expect it."))
	}
	return found
}

// findSender goes through the account's senders.
func (d *Driver) findSender(ctx context.Context, s Settings) (w whatsAppSender, ok bool, err error) {
	next := d.messaging + "/v2/Channels/Senders?Channel=whatsapp&PageSize=100"
	for page := 0; next != "" && page < pages; page++ {
		var got struct {
			Senders []whatsAppSender `json:"senders"`
			Meta    struct {
				Next string `json:"next_page_url"`
			} `json:"meta"`
		}
		if err := d.read(ctx, s, next, &got); err != nil {
			return w, false, err
		}
		for _, w := range got.Senders {
			if w.ID == "whatsapp:"+s.From {
				return w, true, nil
			}
		}
		if next, err = onHost(d.messaging, got.Meta.Next); err != nil {
			return w, false, err
		}
	}
	return w, false, nil
}

// service looks at the messaging service.
// https://www.twilio.com/docs/messaging/api/service-resource
func (d *Driver) service(ctx context.Context, s Settings, at relay.Addresses) []relay.Finding {
	const subject = "messaging service"
	var m struct {
		Inbound   string `json:"inbound_request_url"`
		Method    string `json:"inbound_method"`
		OnNumbers bool   `json:"use_inbound_webhook_on_number"`
	}
	if err := d.read(ctx, s, d.messaging+"/v1/Services/"+url.PathEscape(s.MessagingServiceSID), &m); err != nil {
		return []relay.Finding{trouble(subject, "The messaging service cannot be read. "+reason(err), "Check its SID in Twilio Console > Messaging > Services.")}
	}
	found := []relay.Finding{well(subject, "The messaging service exists.")}
	if m.OnNumbers {
		if s.From == "" {
			found = append(found, doubt("inbound address", "The service leaves inbound messages to the addresses of its numbers, which were not checked.", "Paste "+at.Inbound+" at each number in "+inSenders+"."))
		}
		return found
	}
	return append(found, callback("inbound address of the service", m.Inbound, m.Method,
		"Twilio Console > Messaging > Services > the service > Integration > Send a webhook > Request URL", at))
}
