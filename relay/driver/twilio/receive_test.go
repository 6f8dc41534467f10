package twilio

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

const inboundAddress = "https://relay.example.com/callback/ch_1/key/inbound"

func TestSignatureVectors(t *testing.T) {
	v := url.Values{"AccountSid": {"AC" + strings.Repeat("a", 32)}, "ApiVersion": {"2010-04-01"}, "Body": {`Olá & "hi" +1`},
		"From": {"whatsapp:+5511900000001"}, "MessageSid": {"SM" + strings.Repeat("b", 32)}, "NumMedia": {"0"}, "ProfileName": {"José"},
		"To": {"whatsapp:+14155238886"}, "WaId": {"5511900000001"}}
	t1 := url.Values{"Digits": {"1234"}, "CallSid": {"CA1234567890ABCDE"}, "To": {"+18005551212"}, "Caller": {"+14158675309"},
		"From": {"+14158675309"}, "ReasonConferenceEnded": {"test"}, "Reason": {"Participant"}}
	const token, relayed = "0123456789abcdef0123456789abcdef", "https://relay.example.com/in/twilio/abc?x=1&y=%20z"
	withPort := strings.Replace(relayed, ".com/", ".com:443/", 1)
	const hash = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
	cases := []struct {
		name, token, address string
		form                 url.Values
		signature            string
		want                 bool
	}{
		{"T1", "12345", "https://mycompany.com/myapp.php?foo=1&bar=2", t1, "vOEb5UThFn24KEfnOFLQY2AE5FY=", true},
		{"V1", token, relayed, v, "16ropegu8ddxEcy3O7Jw4eqO97U=", true},
		{"V1 with a fragment", token, relayed + "#rc=5&rp=all", v, "16ropegu8ddxEcy3O7Jw4eqO97U=", true},
		{"V1 called with a port", token, withPort, v, "16ropegu8ddxEcy3O7Jw4eqO97U=", true},
		{"V2", token, withPort, v, "rDbi9POhYk4ydmdKTbO4Jzlc/p4=", true},
		{"V2 called without the port", token, relayed, v, "rDbi9POhYk4ydmdKTbO4Jzlc/p4=", true},
		{"V3", token, "https://relay.example.com/in/twilio/abc?bodySHA256=" + hash, nil, "+N+e00yw169MBHnJmbGRlN1fPK8=", true},
		{"another token", strings.ToUpper(token), relayed, v, "16ropegu8ddxEcy3O7Jw4eqO97U=", false},
		{"another host", token, "https://relay.example.org/in/twilio/abc?x=1&y=%20z", v, "16ropegu8ddxEcy3O7Jw4eqO97U=", false},
		{"another query", token, "https://relay.example.com/in/twilio/abc?x=2&y=%20z", v, "16ropegu8ddxEcy3O7Jw4eqO97U=", false},
		{"a form less", token, relayed, nil, "16ropegu8ddxEcy3O7Jw4eqO97U=", false},
		{"no token", "", relayed, v, "16ropegu8ddxEcy3O7Jw4eqO97U=", false},
		{"no base64", token, relayed, v, "!", false},
		{"empty", token, relayed, v, "", false},
	}
	for _, c := range cases {
		if got := signed([]string{c.token}, c.address, c.form, c.signature); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	if !hashed([]byte(`{"a":1}`), hash) || hashed([]byte(`{"a":2}`), hash) || hashed(nil, "zz") {
		t.Error("the body's hash")
	}
}

func TestEveryVariantOfAnAddressMayBeSigned(t *testing.T) {
	f := twiliotest.New(twiliotest.Options{})
	for signedURL, calledURL := range map[string]string{
		"https://h.example/p?a=b%3Ac":          "https://h.example/p?a=b:c",
		"https://h.example/p":                  "https://h.example:443/p",
		"http://h.example:80/p":                "http://h.example/p",
		"https://h.example:443":                "https://h.example",
		"https://h.example?x=1":                "https://h.example:8443?x=1",
		"https://[2001:db8::1]:443/p":          "https://[2001:db8::1]/p",
		"https://u:p@h.example:443/p?q=%20#rc": "https://u:p@h.example/p?q=%20",
	} {
		form := url.Values{"A": {""}, "b": {" x "}}
		if !signed([]string{twiliotest.AuthToken}, calledURL, form, f.Sign(signedURL, form)) {
			t.Errorf("signed over %s, called as %s: not accepted", signedURL, calledURL)
		}
	}
}

func TestStatuses(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	for word, want := range map[string]relay.Status{"queued": relay.Sent, "accepted": relay.Sent, "sending": relay.Sent, "sent": relay.Sent,
		"delivered": relay.Delivered, "read": relay.Read, "failed": relay.Failed, "undelivered": relay.Failed, "canceled": relay.Failed} {
		m := twiliotest.Message{SID: sidOf("SM", 7), To: "whatsapp:" + ana, Callback: callbackFor(status, ours)}
		got, err := d.Receive(channel(t, settings()), incoming(f.Status(m, word, 0)))
		if err != nil || len(got.Reports) != 1 {
			t.Fatalf("%s: %+v, %v", word, got, err)
		}
		r := got.Reports[0]
		if r.Status != want || r.MessageID != ours || r.ProviderID != m.SID || !r.At.Equal(at) || (r.Failure != nil) != (want == relay.Failed) {
			t.Errorf("%s: %+v", word, r)
		}
	}
	for _, word := range []string{"partially_delivered", "of the future"} {
		m := twiliotest.Message{SID: sidOf("SM", 7), To: "whatsapp:" + ana, Callback: status}
		if got, err := d.Receive(channel(t, settings()), incoming(f.Status(m, word, 0))); err != nil || len(got.Reports) != 0 {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
	}
}

func TestAStatusWithoutOurIDIsKnownByTwilios(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	for _, address := range []string{status, status + "?id=", status + "?id=wa_backend:3EB0", status + "?id=x&id=" + ours} {
		m := twiliotest.Message{SID: sidOf("MM", 7), To: "whatsapp:" + ana, Callback: address}
		got, err := d.Receive(channel(t, settings()), incoming(f.Status(m, "delivered", 0)))
		if err != nil || len(got.Reports) != 1 || got.Reports[0].MessageID != "" || got.Reports[0].ProviderID != m.SID {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
}

func TestForgedCallbacks(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	good := f.Inbound(inboundAddress, ana, "hi", nil)
	stranger := twiliotest.New(twiliotest.Options{AuthToken: strings.Repeat("f", 32)})
	elsewhere := twiliotest.New(twiliotest.Options{AccountSID: sidOf("AC", 9)})
	json := f.JSON(inboundAddress, "[]")
	cases := map[string]relay.Callback{
		"another token":                   incoming(stranger.Inbound(inboundAddress, ana, "hi", nil)),
		"another account":                 incoming(elsewhere.Inbound(inboundAddress, ana, "hi", nil)),
		"another number":                  incoming(f.Inbound(inboundAddress, ana, "hi", url.Values{"To": {"whatsapp:+14155238887"}})),
		"another channel":                 incoming(f.Inbound(inboundAddress, ana, "hi", url.Values{"To": {twiliotest.From}})),
		"status of others":                incoming(f.Status(twiliotest.Message{SID: sidOf("SM", 1), From: "whatsapp:+14155238887", Callback: status}, "sent", 0)),
		"no signature":                    {Method: "POST", URL: good.URL, Body: []byte(good.Body)},
		"another body":                    {Method: "POST", URL: good.URL, Header: good.Header, Body: []byte(good.Body + "&x=1")},
		"another address":                 {Method: "POST", URL: status, Header: good.Header, Body: []byte(good.Body)},
		"another JSON":                    {Method: "POST", URL: json.URL, Header: json.Header, Body: []byte("[{}]")},
		"no form":                         {Method: "POST", URL: good.URL, Header: good.Header, Body: []byte("%zz")},
		"GET with a body":                 {Method: "GET", URL: good.URL, Header: http.Header{"X-Twilio-Signature": {f.Sign(good.URL, nil)}}, Body: []byte(good.Body)},
		"POST signed as if it were empty": {Method: "POST", URL: good.URL, Header: http.Header{"X-Twilio-Signature": {f.Sign(good.URL, nil)}}, Body: []byte(good.Body)},
	}
	for name, c := range cases {
		if got, err := d.Receive(channel(t, settings()), c); !errors.Is(err, relay.ErrForged) || !cmp.Equal(got, relay.Received{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	s := settings()
	s.AuthToken, s.APIKey, s.APISecret = "", sidOf("SK", 1), "x"
	if _, err := d.Receive(channel(t, s), incoming(good)); !errors.Is(err, relay.ErrForged) {
		t.Errorf("without an auth token: %v", err)
	}
}

func TestBothTokensCountDuringARotation(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	s := settings()
	s.AuthToken, s.SecondaryAuthToken = strings.Repeat("e", 32), twiliotest.AuthToken
	if got, err := d.Receive(channel(t, s), incoming(f.Inbound(inboundAddress, ana, "hi", nil))); err != nil || len(got.Inbound) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAMessagingServiceReceivesForItsPool(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	s := settings()
	s.From, s.MessagingServiceSID = "", sidOf("MG", 1)
	ch := channel(t, s)
	more := url.Values{"To": {"whatsapp:+14155238887"}, "MessagingServiceSid": {sidOf("MG", 1)}}
	if got, err := d.Receive(ch, incoming(f.Inbound(inboundAddress, ana, "hi", more))); err != nil || len(got.Inbound) != 1 {
		t.Errorf("of the service: %+v, %v", got, err)
	}
	more.Set("MessagingServiceSid", sidOf("MG", 2))
	if _, err := d.Receive(ch, incoming(f.Inbound(inboundAddress, ana, "hi", more))); !errors.Is(err, relay.ErrForged) {
		t.Errorf("of another service: %v", err)
	}
	ch.Phone = "+14155238887"
	more.Del("MessagingServiceSid")
	if _, err := d.Receive(ch, incoming(f.Inbound(inboundAddress, ana, "hi", more))); err != nil {
		t.Errorf("to the channel's own number: %v", err)
	}
}

func TestInboundMessages(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	media := func(kind string) url.Values {
		return url.Values{"NumMedia": {"1"}, "MediaUrl0": {"https://api.twilio.com/x"}, "MediaContentType0": {kind}, "MessageType": nil}
	}
	files := func(kind, caption string) []relay.InboundFile {
		return []relay.InboundFile{{URL: "https://api.twilio.com/x", Auth: true, Type: kind, Caption: caption}}
	}
	none := url.Values{"MessageType": nil}
	with := func(pairs ...string) url.Values {
		v := url.Values{"MessageType": nil}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	cases := []struct {
		name, text string
		more       url.Values
		want       relay.Inbound
	}{
		{"text", "oi", nil, relay.Inbound{Kind: "text", Text: "oi"}},
		{"text without a type", "oi", none, relay.Inbound{Kind: "text", Text: "oi"}},
		{"image", "look", media("image/jpeg"), relay.Inbound{Kind: "image", Text: "look", Files: files("image/jpeg", "look")}},
		{"voice", "", media("audio/ogg"), relay.Inbound{Kind: "audio", Files: files("audio/ogg", "")}},
		{"video", "", media("video/mp4"), relay.Inbound{Kind: "video", Files: files("video/mp4", "")}},
		{"document", "a.pdf", media("application/pdf"), relay.Inbound{Kind: "document", Text: "a.pdf", Files: files("application/pdf", "a.pdf")}},
		{"sticker", "", media("image/webp"), relay.Inbound{Kind: "sticker", Files: files("image/webp", "")}},
		{"contact", "", media("text/vcard"), relay.Inbound{Kind: "contacts", Text: "Contact card", Files: files("text/vcard", "")}},
		{"location", "", with("Latitude", "-23.5", "Longitude", "-46.6", "Label", "Office", "Address", "Rua A, 1"),
			relay.Inbound{Kind: "location", Text: "Office, Rua A, 1 (-23.5,-46.6)"}},
		{"bare location", "", with("Latitude", "-23.5", "Longitude", "-46.6"), relay.Inbound{Kind: "location", Text: "-23.5,-46.6"}},
		{"button", "Yes", with("ButtonText", "Yes", "ButtonPayload", "yes_1", "ButtonType", "REPLY"), relay.Inbound{Kind: "button", Text: "Yes"}},
		{"list", "", with("ListId", "l1", "ListTitle", "Blue"), relay.Inbound{Kind: "interactive", Text: "Blue"}},
		{"form", "", with("FlowData", `{"a":1}`), relay.Inbound{Kind: "interactive", Text: `{"a":1}`}},
		{"reaction", "👍", url.Values{"MessageType": {"reaction"}}, relay.Inbound{Kind: "reaction", Text: "👍"}},
		{"user id", "oi", url.Values{"ExternalUserId": {"whatsapp:BR.134912"}}, relay.Inbound{Kind: "text", Text: "oi", User: "BR.134912"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := d.Receive(channel(t, settings()), incoming(f.Inbound(inboundAddress, ana, c.text, c.more)))
			if err != nil || len(got.Inbound) != 1 || got.Type != "text/xml" || string(got.Reply) != "<Response></Response>" {
				t.Fatalf("%+v, %v", got, err)
			}
			in := got.Inbound[0]
			if !messageSID.MatchString(in.ID) {
				t.Errorf("id %q", in.ID)
			}
			c.want.ID, c.want.From, c.want.Name, c.want.At = in.ID, ana, "Ana", at
			if diff := cmp.Diff(c.want, in); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHiddenNumber(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	more := url.Values{"From": {"whatsapp:BR.134912"}, "WaId": nil}
	got, err := d.Receive(channel(t, settings()), incoming(f.Inbound(inboundAddress, ana, "oi", more)))
	if err != nil || len(got.Inbound) != 1 || got.Inbound[0].From != "" || got.Inbound[0].User != "BR.134912" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOtherCallbacksAreLeftAlone(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	account := twiliotest.AccountSID
	for name, c := range map[string]twiliotest.Callback{
		"a call":       f.Form(inboundAddress, url.Values{"AccountSid": {account}, "CallSid": {"CA1"}}),
		"other events": f.JSON(inboundAddress, `[{"type":"com.twilio.messaging.message.sent","data":{}},7,null]`),
		"no events":    f.JSON(inboundAddress, `[]`),
		"debugger":     f.Form(inboundAddress, url.Values{"AccountSid": {account}, "Level": {"ERROR"}, "Payload": {"no json"}}),
	} {
		if got, err := d.Receive(channel(t, settings()), incoming(c)); err != nil || !cmp.Equal(got, relay.Received{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := d.Receive(channel(t, settings()), incoming(f.JSON(inboundAddress, `{`))); err == nil || errors.Is(err, relay.ErrForged) {
		t.Errorf("broken JSON: %v", err)
	}
}

func TestTemplatePushes(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	event := func(kind, value, account string) string {
		return `{"specversion":"1.0","type":"com.twilio.messaging.template.approval.updated","data":{"type":"` + kind + `","accountSid":"` + account +
			`","channel":"whatsapp","template":{"sid":"` + sidOf("HX", 1) + `","friendlyName":"order","externalTemplateName":"order_hx","language":"en","previousValue":"x","currentValue":"` + value + `"}}}`
	}
	own := twiliotest.AccountSID
	got, err := d.Receive(channel(t, settings()), incoming(f.JSON(inboundAddress, "["+event("status_update", "PAUSED", own)+","+event("category_update", "marketing", own)+","+event("other", "x", own)+"]")))
	want := []relay.TemplateChange{
		{ID: sidOf("HX", 1), Name: "order_hx", Language: "en", Status: relay.TemplatePaused},
		{ID: sidOf("HX", 1), Name: "order_hx", Language: "en", Category: relay.Marketing}}
	if diff := cmp.Diff(want, got.Templates); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := d.Receive(channel(t, settings()), incoming(f.JSON(inboundAddress, event("status_update", "approved", sidOf("AC", 9))))); !errors.Is(err, relay.ErrForged) {
		t.Errorf("another account's: %v", err)
	}
	debug := f.Form(inboundAddress, url.Values{"AccountSid": {own}, "Level": {"ERROR"}, "Payload": {`{"resource_sid":"` + sidOf("HX", 1) + `","error_code":"63042"}`}})
	got, err = d.Receive(channel(t, settings()), incoming(debug))
	if diff := cmp.Diff([]relay.TemplateChange{{ID: sidOf("HX", 1), Status: relay.TemplateDisabled}}, got.Templates); err != nil || diff != "" {
		t.Errorf("debugger: %v %s", err, diff)
	}
}

func TestACallbackByGET(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	post := f.Inbound(inboundAddress, ana, "hi there", nil)
	address := inboundAddress + "?" + post.Body
	c := relay.Callback{Method: "GET", URL: address, Header: http.Header{"X-Twilio-Signature": {f.Sign(address, nil)}}, At: at}
	if got, err := d.Receive(channel(t, settings()), c); err != nil || len(got.Inbound) != 1 || got.Inbound[0].Text != "hi there" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzReceive(f *testing.F) {
	d, fake := open(f, twiliotest.Options{})
	ch := channel(f, settings())
	f.Add("Body=hi&NumMedia=1&MediaUrl0=x", `[{"type":"x"}]`)
	f.Add("MessageSid="+sidOf("SM", 1)+"&AccountSid="+twiliotest.AccountSID+"&MessageStatus=failed&ErrorCode=-1&From=whatsapp:"+url.QueryEscape(twiliotest.From), "{")
	f.Fuzz(func(t *testing.T, body, events string) {
		if form, err := url.ParseQuery(body); err == nil {
			c := fake.Form(inboundAddress, form)
			d.Receive(ch, incoming(c))
		}
		d.Receive(ch, incoming(fake.JSON(inboundAddress, events)))
		d.Receive(ch, relay.Callback{Method: "POST", URL: body, Body: []byte(events)})
	})
}
