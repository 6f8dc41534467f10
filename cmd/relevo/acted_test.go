package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"relevo/relay/driver/infobip/infobiptest"
	"relevo/relay/driver/meta/metatest"
	"relevo/relay/driver/twilio/twiliotest"
	"relevo/relay/driver/vonage/vonagetest"
)

// acted is a provider as these tests play it, alike for all kinds.
type acted struct {
	kind, phone string
	fake        http.Handler
	settings    json.RawMessage
	// window and absent are the provider's codes for a closed session window
	// and for somebody who is not there; window is 0 where there is none.
	window, absent int
	// unsigned is how a callback without a signature is answered: some make
	// one by mistake, and call again after a 5xx.
	unsigned int
	// linked: the provider fetches files itself.
	linked bool
	// doubts are findings of a check that this provider cannot avoid.
	doubts string
	// point says where callbacks go, template keeps an approved one.
	point    func(t *testing.T, at callbacks)
	template func()
	taken    func() []gone
	// tell makes the callbacks about reports: one where the provider batches.
	tell     func(at callbacks, reports ...told) []call
	wrote    func(at callbacks, from, text string) call
	pictured func(at callbacks, base, from string, picture []byte) call
}

// callbacks are a channel's addresses.
type callbacks struct{ url, status, inbound, token string }

// gone is a message that a provider took.
type gone struct {
	id, ref, text string
	file          []byte
	// link is where its file was fetched.
	link string
	raw  any
}

// told is one report about a message.
type told struct {
	gone
	status string
	code   int
}

// call is a callback that a provider makes.
type call struct {
	url    string
	header http.Header
	body   string
}

const (
	greetBody  = "Hello {{1}}, welcome here."
	infobipKey = "0123456789abcdef0123456789abcdef-11111111-2222-3333"
)

// act plays a provider; other makes it another account of the same owner. The
// client leads back to the server under test.
func act(t *testing.T, kind string, other bool, client *http.Client) *acted {
	t.Helper()
	switch kind {
	case "meta":
		return actMeta(t, other, client)
	case "twilio":
		return actTwilio(t, other, client)
	case "vonage":
		return actVonage(t, other, client)
	}
	return actInfobip(t, kind, other, client)
}

func actMeta(t *testing.T, other bool, client *http.Client) *acted {
	o := metatest.Options{Phone: "+15550783881", HTTP: client}
	if other {
		o.PhoneNumberID = "999999999999999"
	}
	f := metatest.New(o)
	one := func(at callbacks, changes ...metatest.Change) call {
		body := f.Body(changes...)
		return call{at.url, http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {f.Sign(body)}}, string(body)}
	}
	return &acted{kind: "meta", phone: o.Phone, fake: f, settings: f.Settings(), window: 131047, absent: 131026, unsigned: 403,
		point: func(t *testing.T, at callbacks) {
			if err := f.Verify(t.Context(), at.url, at.token); err != nil {
				t.Error(err)
			}
		},
		template: func() {
			f.AddTemplate(`{"id":"1","name":"greet","language":"en","status":"APPROVED","category":"UTILITY","components":[{"type":"BODY","text":"` + greetBody + `"}]}`)
		},
		taken: func() (list []gone) {
			for _, c := range f.Taken() {
				g := gone{id: c.ID, ref: c.Reference, text: c.Text, raw: c}
				if c.File != nil {
					g.file = c.File.Content
				}
				list = append(list, g)
			}
			return list
		},
		tell: func(at callbacks, reports ...told) []call {
			var changes []metatest.Change
			for _, r := range reports {
				var codes []int
				if r.code != 0 {
					codes = append(codes, r.code)
				}
				changes = append(changes, f.Status(r.raw.(metatest.Call), r.status, codes...))
			}
			return []call{one(at, changes...)}
		},
		wrote: func(at callbacks, from, text string) call {
			return one(at, f.Inbound(metatest.Person{Number: from[1:], Name: "Ann"}, "text", map[string]string{"body": text}, nil))
		},
		pictured: func(at callbacks, _, from string, picture []byte) call {
			return one(at, f.InboundFile(metatest.Person{Number: from[1:], Name: "Ann"}, "image", metatest.File{Type: "image/png", Content: picture}, "look at this"))
		}}
}

func actTwilio(_ *testing.T, other bool, client *http.Client) *acted {
	o := twiliotest.Options{HTTP: client, From: "+447700900005"} // not the sandbox's number
	if other {
		o.AccountSID = "ACffffffffffffffffffffffffffffffff"
	}
	f := twiliotest.New(o)
	settings, _ := json.Marshal(map[string]string{"account_sid": twiliotest.AccountSID, "auth_token": twiliotest.AuthToken, "from": o.From})
	one := func(c twiliotest.Callback) call { return call{c.URL, c.Header, c.Body} }
	return &acted{kind: "twilio", phone: o.From, fake: f, settings: settings, window: 63016, absent: 63003, unsigned: 403, linked: true,
		point: func(_ *testing.T, at callbacks) {
			f.SetUp(twiliotest.Account{Status: "active", Type: "Full"},
				[]twiliotest.Sender{{ID: "whatsapp:" + o.From, Status: "ONLINE", Callback: at.inbound, Method: "POST", Quality: "HIGH"}}, twiliotest.Service{})
		},
		template: func() {
			f.PutContent(twiliotest.Content{Name: "greet", ApprovalName: "greet", Language: "en", Category: "UTILITY", Status: "approved",
				Variables: map[string]string{"1": "Ann"}, Types: map[string]json.RawMessage{"twilio/text": json.RawMessage(`{"body":"` + greetBody + `"}`)}})
		},
		taken: func() (list []gone) {
			calls := f.Calls()
			for _, m := range f.Messages() {
				u, _ := url.Parse(m.Callback)
				g := gone{id: m.SID, ref: u.Query().Get("id"), text: m.Body, raw: m}
				for _, c := range calls {
					if c.Form.Get("StatusCallback") == m.Callback {
						g.file, g.link = c.File, c.Form.Get("MediaUrl")
					}
				}
				list = append(list, g)
			}
			return list
		},
		tell: func(_ callbacks, reports ...told) (calls []call) {
			for _, r := range reports {
				calls = append(calls, one(f.Status(r.raw.(twiliotest.Message), r.status, r.code)))
			}
			return calls
		},
		wrote: func(at callbacks, from, text string) call { return one(f.Inbound(at.inbound, from, text, nil)) },
		pictured: func(at callbacks, base, from string, picture []byte) call {
			return one(f.Inbound(at.inbound, from, "look at this", url.Values{"NumMedia": {"1"}, "MediaUrl0": {base + f.PutMedia("image/png", picture)},
				"MediaContentType0": {"image/png"}, "MessageType": {"image"}}))
		}}
}

func actVonage(t *testing.T, other bool, client *http.Client) *acted {
	o := vonagetest.Options{Number: "447700900001", Client: client, SecureMedia: true}
	if other {
		o.Number = "447700900002"
	}
	f := vonagetest.New(o)
	one := func(to string, body []byte) call {
		return call{to, http.Header{"Content-Type": {"application/json"}, "Authorization": {f.Sign(body, time.Now())}}, string(body)}
	}
	words := map[string]string{"sent": "submitted", "failed": "rejected"}
	return &acted{kind: "vonage", phone: "+447700900001", fake: f, settings: f.Settings(), window: 1340, absent: 1300, unsigned: 503, linked: true,
		point: func(_ *testing.T, at callbacks) {
			f.Change(func(o *vonagetest.Options) { o.InboundURL, o.StatusURL = at.inbound, at.status })
		},
		template: func() {
			f.PutTemplate(map[string]any{"id": "1", "name": "greet", "language": "en", "category": "UTILITY", "status": "APPROVED",
				"components": []any{map[string]any{"type": "BODY", "text": greetBody}}})
		},
		taken: func() (list []gone) {
			for _, m := range f.Messages() {
				if m.UUID != "" {
					list = append(list, gone{id: m.UUID, ref: m.Ref, text: m.Text, file: m.File, link: m.Link, raw: m})
				}
			}
			return list
		},
		tell: func(at callbacks, reports ...told) []call {
			var bodies [][]byte
			for _, r := range reports {
				word, code := r.status, ""
				if w := words[word]; w != "" {
					word = w
				}
				if r.code != 0 {
					code = strconv.Itoa(r.code)
				}
				bodies = append(bodies, f.Status(r.raw.(vonagetest.Message), word, code, time.Now()))
			}
			if len(bodies) == 1 {
				return []call{one(at.status, bodies[0])}
			}
			return []call{one(at.status, vonagetest.Batch(bodies...))}
		},
		wrote: func(at callbacks, from, text string) call {
			return one(at.inbound, f.Inbound(from[1:], "text", map[string]any{"text": text}, time.Now()))
		},
		pictured: func(at callbacks, base, from string, picture []byte) call {
			link := base + f.PutMedia(picture, "image/png")
			return one(at.inbound, f.Inbound(from[1:], "image", map[string]any{"image": map[string]any{"url": link, "caption": "look at this"}}, time.Now()))
		}}
}

// actInfobip plays one channel of an account: WhatsApp with signed callbacks,
// Viber with none but an address that nobody can guess.
func actInfobip(_ *testing.T, kind string, other bool, client *http.Client) *acted {
	sender, name, channel, resource := "441134960000", "CompanyName", "WHATSAPP", "WHATSAPP"
	if other {
		sender, name = "441134960999", "OtherName"
	}
	f := infobiptest.New(infobiptest.Options{Key: infobipKey, Sender: sender, ViberSender: name, HTTP: client, OpenLinks: kind == "infobip_viber"})
	a := &acted{kind: kind, phone: "+441134960000", fake: f, window: 7010, absent: 7002, unsigned: 403, linked: true, doubts: "callback reports"}
	settings := map[string]string{"base_url": "https://pretend.api.infobip.com", "api_key": infobipKey, "sender": sender, "callback_secret": "a callback secret"}
	hook := infobiptest.Security{Secret: "a callback secret"}
	if kind == "infobip_viber" {
		channel, resource, hook = "VIBER", "VIBER_BM", infobiptest.Security{}
		a.phone, a.window, a.doubts = "", 0, ""
		settings["sender"] = name
		delete(settings, "callback_secret")
	}
	a.settings, _ = json.Marshal(settings)
	one := func(to string, results ...any) call {
		body := infobiptest.Batch(results...)
		return call{to, hook.Headers(body), string(body)}
	}
	a.point = func(_ *testing.T, at callbacks) {
		f.SetQuality(map[string]any{"sender": sender, "qualityRating": "HIGH", "status": "CONNECTED"})
		f.Forward(resource, at.inbound, map[string]string{"VIBER": "MO_OTT_MSISDN", "WHATSAPP": "MO_OTT_CONTACT"}[channel])
	}
	a.template = func() {
		f.KeepTemplate(map[string]any{"id": 7, "name": "greet", "language": "en", "status": "APPROVED", "category": "UTILITY",
			"structure": map[string]any{"body": map[string]any{"text": greetBody, "examples": []string{"x"}}, "type": "TEXT"}})
	}
	a.taken = func() []gone { return takenByInfobip(f) }
	a.tell = func(at callbacks, reports ...told) []call { return []call{one(at.status, infobipReports(reports)...)} }
	a.wrote = func(at callbacks, from, text string) call {
		return one(at.inbound, f.Inbound(channel, from[1:], fmt.Sprintf("in-%d", time.Now().UnixNano()), map[string]any{"type": "TEXT", "text": text}, time.Now()))
	}
	a.pictured = func(at callbacks, base, from string, picture []byte) call {
		link := base + f.KeepMedia("pic-1", infobiptest.Media{Type: "image/png", Content: picture})
		return one(at.inbound, f.Inbound(channel, from[1:], "in-picture", map[string]any{"type": "IMAGE", "url": link, "caption": "look at this"}, time.Now()))
	}
	return a
}

func takenByInfobip(f *infobiptest.Fake) (list []gone) {
	for _, m := range f.Messages() {
		if !m.Taken {
			continue
		}
		g := gone{id: m.ID, ref: m.CallbackData, text: m.Text, file: m.File, link: m.FileURL, raw: m}
		if i := strings.LastIndexByte(m.Text, '\n'); m.Channel == "VIBER" && m.File != nil { // its address is the last line
			g.text, g.link = m.Text[:max(i, 0)], m.Text[i+1:]
		}
		list = append(list, g)
	}
	return list
}

// infobipReports are reports with the ids of Infobip's statuses: 7 is under
// way, 5 delivered, 9 not delivered.
func infobipReports(reports []told) (results []any) {
	for _, r := range reports {
		m := r.raw.(infobiptest.Message)
		switch r.status {
		case "sent":
			results = append(results, infobiptest.Report(m, 7, 0, time.Now()))
		case "delivered":
			results = append(results, infobiptest.Report(m, 5, 0, time.Now()))
		case "read":
			results = append(results, infobiptest.Seen(m, time.Now()))
		default:
			results = append(results, infobiptest.Report(m, 9, r.code, time.Now()))
		}
	}
	return results
}
