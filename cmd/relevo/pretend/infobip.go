package pretend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"relevo/relay/driver/infobip/infobiptest"
)

// infobipAccount is Infobip with a WhatsApp and a Viber sender. A message may
// name the address for its reports; else they go where the account says.
type infobipAccount struct {
	*infobiptest.Fake
	mu sync.Mutex
	// to is where callbacks go, by the kind of channel.
	to     map[string]Callbacks
	serial int
}

const (
	infobipKey   = "0123456789abcdef0123456789abcdef-11111111-2222-3333"
	infobipPhone = "+441134960000"
	infobipName  = "CompanyName"
	whatsAppKind = "infobip_whatsapp"
	viberKind    = "infobip_viber"
)

// infobipHook is what its callbacks carry.
var infobipHook = infobiptest.Security{Secret: "pretend-callback-secret", Header: "X-Hub-Signature-256"}

func newInfobip(c *http.Client) *infobipAccount {
	f := infobiptest.New(infobiptest.Options{Key: infobipKey, Sender: digits(infobipPhone), ViberSender: infobipName, HTTP: c})
	f.SetQuality(map[string]any{"sender": digits(infobipPhone), "qualityRating": "HIGH", "status": "CONNECTED", "currentLimit": "LIMIT_10K"})
	return &infobipAccount{to: map[string]Callbacks{}, Fake: f}
}

func (*infobipAccount) channels() []Channel {
	settings := func(sender string) json.RawMessage {
		b, _ := json.Marshal(map[string]string{"base_url": "https://pretend.api.infobip.com", "api_key": infobipKey, "sender": sender, "callback_secret": infobipHook.Secret})
		return b
	}
	return []Channel{{whatsAppKind, infobipPhone, settings(digits(infobipPhone))}, {viberKind, "", settings(infobipName)}}
}

// taken are the messages that went out.
func (a *infobipAccount) taken() (list []infobiptest.Message) {
	for _, m := range a.Messages() {
		if m.Taken {
			list = append(list, m)
		}
	}
	return list
}

func (a *infobipAccount) sent() (list []Sent) {
	for _, m := range a.taken() {
		list = append(list, Sent{ID: m.ID, To: m.To, Kind: m.Kind, Text: m.Text, Reference: m.ID, Bytes: len(m.File)})
	}
	return list
}

// next takes Infobip's code as the id of an error in a 200.
func (a *infobipAccount) next(n Answer) {
	v := infobiptest.Answer{HTTP: n.Status, Body: n.Body, Plain: n.Body != "", Taken: n.Taken, Silence: n.Silent, Cut: n.Cut}
	if n.Code != 0 {
		v.Status, v.Error = undeliverable, n.Code
	}
	a.Next(v)
}

// Ids of Infobip's statuses.
// https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
const (
	deliveredToHandset = 5
	undeliverable      = 9
)

func (a *infobipAccount) point(_ context.Context, kind string, to Callbacks) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to[kind] = to
	channel, format := "WHATSAPP", "MO_OTT_CONTACT"
	if kind == viberKind {
		channel, format = "VIBER_BM", "MO_OTT_MSISDN"
	}
	a.Forward(channel, to.InboundURL, format)
	return nil
}

func (a *infobipAccount) inbound(ctx context.Context, w Written) (int, error) {
	channel := "WHATSAPP"
	if w.Kind == viberKind {
		channel = "VIBER"
	} else {
		w.Kind = whatsAppKind
	}
	a.mu.Lock()
	to := a.to[w.Kind].InboundURL
	a.serial++
	id := fmt.Sprintf("pretend-%d-%d", time.Now().Unix(), a.serial)
	a.mu.Unlock()
	if to == "" {
		return 0, errNowhere
	}
	m := a.Inbound(channel, digits(w.From), id, map[string]any{"type": "TEXT", "text": w.Text}, time.Now())
	if w.Name != "" && channel == "WHATSAPP" {
		m["contact"] = map[string]any{"name": w.Name, "phoneNumber": digits(w.From)}
	}
	return a.Deliver(ctx, to, infobipHook, m)
}

// decide pushes to where a subscription leads: the address for what people
// write.
func (a *infobipAccount) decide(ctx context.Context, d Decision) (int, error) {
	push := a.Decide(d.Name, d.Language, d.Event, d.Reason)
	if push == nil {
		return 0, errUnknown
	}
	a.mu.Lock()
	to := a.to["infobip"].InboundURL
	a.mu.Unlock()
	if to == "" {
		return 0, errNowhere
	}
	body, err := json.Marshal(push)
	if err != nil {
		return 0, err
	}
	return a.DeliverBody(ctx, to, infobipHook, body)
}

// reports is where reports about a message go.
func (a *infobipAccount) reports(m infobiptest.Message) string {
	kind := whatsAppKind
	if m.Channel == "VIBER" {
		kind = viberKind
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.NotifyURL != "" {
		return m.NotifyURL
	}
	return a.to[kind].StatusURL
}

func (a *infobipAccount) status(ctx context.Context, id, status string, code int) (int, error) {
	for _, m := range a.taken() {
		if m.ID != id {
			continue
		}
		to := a.reports(m)
		if to == "" {
			return 0, errNowhere
		}
		switch status {
		case "delivered":
			return a.Deliver(ctx, to, infobipHook, infobiptest.Report(m, deliveredToHandset, 0, time.Now()))
		case "read":
			return a.Deliver(ctx, to, infobipHook, infobiptest.Seen(m, time.Now()))
		case "failed":
			return a.Deliver(ctx, to, infobipHook, infobiptest.Report(m, undeliverable, code, time.Now()))
		}
		return 0, errors.New("say delivered, read or failed")
	}
	return 0, errUnknown
}
