package infobip

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/infobip/infobiptest"
)

const (
	headWA = `{"from":"441134960000","to":"441134960001","messageId":"wa_backend:3EB00123456789ABCDEF01","content":`
	tailWA = `,"callbackData":"wa_backend:3EB00123456789ABCDEF01","notifyUrl":"https://relay.example/callback/ch_1/key/status","urlOptions":{"shortenUrl":false,"trackClicks":false}}`
)

func TestWhatsAppBodies(t *testing.T) {
	ch := channel(t, settings{})
	text := outgoing(ch)
	silent := text
	silent.Text = ""
	for name, c := range map[string]struct {
		out        relay.Outgoing
		kind, want string
	}{
		"text":                  {text, "text", `{"text":"Hello"}`},
		"jpeg":                  {withFile(text, relay.Image, "a.jpg", "image/jpeg"), "image", `{"mediaUrl":"https://relay.example/files/a.jpg","caption":"Hello"}`},
		"picture of no type":    {withFile(text, relay.Image, "a.webp", "image/webp"), "document", `{"mediaUrl":"https://relay.example/files/a.webp","caption":"Hello","filename":"a.webp"}`},
		"document":              {withFile(text, relay.Document, "a.pdf", "application/pdf"), "document", `{"mediaUrl":"https://relay.example/files/a.pdf","caption":"Hello","filename":"a.pdf"}`},
		"document without text": {withFile(silent, relay.Document, "a.pdf", "application/pdf"), "document", `{"mediaUrl":"https://relay.example/files/a.pdf","filename":"a.pdf"}`},
		"audio":                 {withFile(silent, relay.Audio, "a.ogg", "audio/ogg; codecs=opus"), "audio", `{"mediaUrl":"https://relay.example/files/a.ogg"}`},
		"audio of no type":      {withFile(silent, relay.Audio, "a.wav", "audio/wav"), "document", `{"mediaUrl":"https://relay.example/files/a.wav","filename":"a.wav"}`},
		"video":                 {withFile(text, relay.Video, "a.mp4", "video/mp4"), "video", `{"mediaUrl":"https://relay.example/files/a.mp4","caption":"Hello"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			if id, err := a.whatsapp().Send(t.Context(), c.out); err != nil || id != ourID {
				t.Fatalf("%q, %v", id, err)
			}
			m := a.Messages()[0]
			if want := headWA + c.want + tailWA; m.Kind != c.kind || string(m.Body) != want {
				t.Errorf("%s %s\nwant %s %s", m.Kind, m.Body, c.kind, want)
			}
		})
	}
}

func TestTemplateBodies(t *testing.T) {
	plain := outgoing(channel(t, settings{}))
	plain.Text = ""
	for name, c := range map[string]struct {
		template relay.OutgoingTemplate
		file     func(relay.Outgoing) relay.Outgoing
		want     string
	}{
		"nothing to fill in": {relay.OutgoingTemplate{}, nil, `{"body":{"placeholders":[]}}`},
		"all of it": {relay.OutgoingTemplate{
			Header: []relay.TemplateValue{{Text: "H"}}, Body: []relay.TemplateValue{{Text: "A"}, {Name: "b", Text: "B"}},
			Buttons: []relay.ButtonValue{{Index: 2, Type: "copy_code", Value: "C"}, {Index: 0, Type: "quick_reply", Value: "Q"}, {Index: 1, Type: "url", Value: "U"}, {Index: 3, Type: "flow", Value: "F"}},
		}, nil, `{"body":{"placeholders":["A","B"]},"header":{"type":"TEXT","placeholder":"H"},"buttons":[{"type":"QUICK_REPLY","parameter":"Q"},{"type":"URL","parameter":"U"},{"type":"COPY_CODE","parameter":"C"},{"type":"FLOW","flowToken":"F"}]}`},
		"a picture": {relay.OutgoingTemplate{}, func(o relay.Outgoing) relay.Outgoing { return withFile(o, relay.Image, "a.png", "image/png") },
			`{"body":{"placeholders":[]},"header":{"type":"IMAGE","mediaUrl":"https://relay.example/files/a.png"}}`},
		"a document": {relay.OutgoingTemplate{}, func(o relay.Outgoing) relay.Outgoing { return withFile(o, relay.Document, "a.pdf", "application/pdf") },
			`{"body":{"placeholders":[]},"header":{"type":"DOCUMENT","mediaUrl":"https://relay.example/files/a.pdf","filename":"a.pdf"}}`},
		"a code": {relay.OutgoingTemplate{Category: relay.Authentication, Body: []relay.TemplateValue{{Text: "123"}}}, nil,
			`{"body":{"placeholders":["123"]},"buttons":[{"type":"URL","parameter":"123"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			out := plain
			if c.file != nil {
				out = c.file(out)
			}
			c.template.Name, c.template.Language = "order_ready", "en_GB"
			out.Template = &c.template
			if id, err := a.whatsapp().Send(t.Context(), out); err != nil || id != ourID {
				t.Fatalf("%q, %v", id, err)
			}
			want := `{"messages":[` + headWA + `{"templateName":"order_ready","templateData":` + c.want + `,"language":"en_GB"}` + tailWA + `]}`
			if m := a.Messages()[0]; string(m.Body) != want {
				t.Errorf("%s\nwant %s", m.Body, want)
			}
		})
	}
}

func TestAUserIDTakesThePlaceOfANumber(t *testing.T) {
	a := newAccount(t)
	out := outgoing(channel(t, settings{}))
	out.Recipient = "HR.13491208655302741918"
	if id, err := a.whatsapp().Send(t.Context(), out); err != nil || id != ourID || a.Messages()[0].To != out.Recipient {
		t.Errorf("%q, %v", id, err)
	}
	out.Channel = viberChannel(t, asLink)
	if _, err := a.viber().Send(t.Context(), out); sendError(t, err).Code != relay.CodeInvalidPhone {
		t.Errorf("Viber: %v", err)
	}
}

const (
	headVB = `{"messages":[{"sender":"CompanyName","destinations":[{"to":"441134960001","messageId":"wa_backend:3EB00123456789ABCDEF01"}],"content":`
	tailVB = `,"webhooks":{"delivery":{"url":"https://relay.example/callback/ch_1/key/status"},"seen":{"url":"https://relay.example/callback/ch_1/key/status"},"contentType":"application/json","callbackData":"wa_backend:3EB00123456789ABCDEF01"}}],"options":{"tracking":{"shortenUrl":false}}}`
)

func TestViberBodies(t *testing.T) {
	silent := outgoing(relay.Channel{})
	silent.Text = ""
	text := outgoing(relay.Channel{})
	for name, c := range map[string]struct {
		out  relay.Outgoing
		as   string
		want string
	}{
		"text":                      {text, asLink, `{"type":"TEXT","text":"Hello"}`},
		"a link under a text":       {withFile(text, relay.Document, "a.pdf", "application/pdf"), asLink, `{"type":"TEXT","text":"Hello\nhttps://relay.example/files/a.pdf"}`},
		"a link alone":              {withFile(silent, relay.Audio, "a.mp3", "audio/mpeg"), asLink, `{"type":"TEXT","text":"https://relay.example/files/a.mp3"}`},
		"a picture":                 {withFile(text, relay.Image, "a.png", "image/png"), asNative, `{"type":"IMAGE","text":"Hello","mediaUrl":"https://relay.example/files/a.png"}`},
		"a picture of another type": {withFile(text, relay.Image, "a.webp", "image/webp"), asNative, `{"type":"TEXT","text":"Hello\nhttps://relay.example/files/a.webp"}`},
		"a document":                {withFile(silent, relay.Document, "a.PDF", "application/pdf"), asNative, `{"type":"FILE","mediaUrl":"https://relay.example/files/a.PDF","fileName":"a.pdf"}`},
		"a document with a text":    {withFile(text, relay.Document, "a.pdf", "application/pdf"), asNative, `{"type":"TEXT","text":"Hello\nhttps://relay.example/files/a.pdf"}`},
		"another document":          {withFile(silent, relay.Document, "a.zip", "application/zip"), asNative, `{"type":"TEXT","text":"https://relay.example/files/a.zip"}`},
		"a video":                   {withFile(silent, relay.Video, "a.mp4", "video/mp4"), asNative, `{"type":"TEXT","text":"https://relay.example/files/a.mp4"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			c.out.Channel = viberChannel(t, c.as)
			if id, err := a.viber().Send(t.Context(), c.out); err != nil || id != ourID {
				t.Fatalf("%q, %v", id, err)
			}
			if m := a.Messages()[0]; string(m.Body) != headVB+c.want+tailVB {
				t.Errorf("%s\nwant %s", m.Body, headVB+c.want+tailVB)
			}
		})
	}
}

func TestCallbacksThatCarryCredentialsAreNotNamedInAMessage(t *testing.T) {
	a := newAccount(t)
	for i, s := range []settings{{CallbackUser: "u", CallbackPassword: "p"}, {CallbackSecret: "secret"}} {
		out := outgoing(channel(t, s))
		out.MessageID = fmt.Sprintf("wa %d", i)
		if _, err := a.whatsapp().Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		s.Sender = viberSender
		out = outgoing(relay.Channel{Settings: settingsJSON(t, s)})
		out.MessageID = fmt.Sprintf("vb %d", i)
		if _, err := a.viber().Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range a.Messages() {
		if strings.Contains(string(m.Body), "relay.example") {
			t.Errorf("a message names an address that is called without credentials: %s", m.Body)
		}
	}
}

func TestWhatCannotBeSentIsRefusedBeforeTheCall(t *testing.T) {
	a := newAccount(t)
	wa, vb := outgoing(channel(t, settings{})), outgoing(viberChannel(t, asLink))
	change := func(o relay.Outgoing, f func(*relay.Outgoing)) relay.Outgoing {
		f(&o)
		return o
	}
	file := func(kind relay.FileKind, mediaType, link string) func(*relay.Outgoing) {
		return func(o *relay.Outgoing) {
			o.File = &relay.OutgoingFile{Name: "a", Kind: kind, Type: mediaType, Link: link}
		}
	}
	over := func(kind relay.FileKind, mediaType string) func(*relay.Outgoing) {
		return func(o *relay.Outgoing) {
			o.Template = &relay.OutgoingTemplate{Name: "n", Language: "en"}
			file(kind, mediaType, "https://relay.example/a")(o)
		}
	}
	for name, c := range map[string]struct {
		d    relay.Driver
		out  relay.Outgoing
		code relay.Code
	}{
		"a group":                 {a.whatsapp(), change(wa, func(o *relay.Outgoing) { o.Group = true }), relay.CodeRefused},
		"a JID":                   {a.viber(), change(vb, func(o *relay.Outgoing) { o.Recipient = "1@g.us" }), relay.CodeRefused},
		"no number":               {a.viber(), change(vb, func(o *relay.Outgoing) { o.Recipient = "+1 2" }), relay.CodeInvalidPhone},
		"a long text":             {a.whatsapp(), change(wa, func(o *relay.Outgoing) { o.Text = strings.Repeat("é", 4097) }), relay.CodeTextTooLong},
		"a long text on Viber":    {a.viber(), change(vb, func(o *relay.Outgoing) { o.Text = strings.Repeat("é", 1001) }), relay.CodeTextTooLong},
		"a long text with a link": {a.viber(), withFile(change(vb, func(o *relay.Outgoing) { o.Text = strings.Repeat("é", 990) }), relay.Image, "a.png", "image/png"), relay.CodeTextTooLong},
		"a long caption":          {a.whatsapp(), withFile(change(wa, func(o *relay.Outgoing) { o.Text = strings.Repeat("é", 3001) }), relay.Image, "a.png", "image/png"), relay.CodeTextTooLong},
		"a text under audio":      {a.whatsapp(), withFile(wa, relay.Audio, "a.mp3", "audio/mpeg"), relay.CodeRefused},
		"a file without a link":   {a.whatsapp(), change(wa, file(relay.Image, "image/png", "")), relay.CodeFileUnreachable},
		"a long link":             {a.viber(), change(vb, file(relay.Image, "image/png", "https://relay.example/"+strings.Repeat("a", 1000))), relay.CodeInvalidFileURL},
		"a template on Viber":     {a.viber(), change(vb, func(o *relay.Outgoing) { o.Template = &relay.OutgoingTemplate{} }), relay.CodeTemplateUnsupported},
		"an empty value":          {a.whatsapp(), change(wa, func(o *relay.Outgoing) { o.Template = &relay.OutgoingTemplate{Body: []relay.TemplateValue{{}}} }), relay.CodeTemplateVariables},
		"a GIF over a template":   {a.whatsapp(), change(wa, over(relay.Image, "image/gif")), relay.CodeFileTypeMismatch},
		"audio over a template":   {a.whatsapp(), change(wa, over(relay.Audio, "audio/mpeg")), relay.CodeFileTypeMismatch},
	} {
		_, err := c.d.Send(t.Context(), c.out)
		e := sendError(t, err)
		if e.Verdict != relay.Refused || e.Code != c.code || e.Reason == "" {
			t.Errorf("%s: %+v, want refused: %s", name, e, c.code)
		}
	}
	if _, err := a.whatsapp().Send(t.Context(), relay.Outgoing{Recipient: "+1415"}); sendError(t, err).Verdict != relay.ChannelFault {
		t.Errorf("a channel without settings: %v", err)
	}
	if n := len(a.Messages()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestALongFileNameKeepsItsExtension(t *testing.T) {
	if got := fileName(strings.Repeat("é", 300) + ".pdf"); len([]rune(got)) != 240 || !strings.HasSuffix(got, "é.pdf") {
		t.Errorf("%q", got)
	}
	if got := fileName(strings.Repeat("é", 300) + "." + strings.Repeat("x", 200)); len([]rune(got)) != 240 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}

func TestTheAddressOfAnAccountIsItsOwn(t *testing.T) {
	f := infobiptest.New(infobiptest.Options{Key: key, Sender: sender})
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // one client does not trust it
	s.StartTLS()
	defer s.Close()
	d := New(Options{HTTP: s.Client()})
	kept, err := d.Connect([]byte(`{"base_url":"`+strings.TrimPrefix(s.URL, "https://")+`/","api_key":"`+key+`","sender":"+44 1134 960000"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := outgoing(relay.Channel{Settings: kept})
	if id, err := d.Send(t.Context(), out); err != nil || id != ourID {
		t.Errorf("%q, %v", id, err)
	}
	unknown := New(Options{HTTP: &http.Client{}}) // does not know the certificate: nothing was written
	if _, err := unknown.Send(t.Context(), out); sendError(t, err).Verdict != relay.Deferred || !sendError(t, err).Outage {
		t.Errorf("no TLS: %v", err)
	}
}

func TestLimits(t *testing.T) {
	d, v := New(Options{}), NewViber(Options{})
	if d.MaxFileBytes(relay.Image) != 5<<20 || d.MaxFileBytes(relay.Audio) != 16<<20 || d.MaxFileBytes(relay.Document) != 100<<20 || d.MaxTextRunes() != 4096 || d.MaxCaptionRunes() != 3000 || d.Captions(relay.Audio) || !d.NeedsLink(relay.Audio) {
		t.Error("WhatsApp's limits are others")
	}
	if v.MaxFileBytes(relay.Image) != 50_000_000 || v.MaxFileBytes(relay.Video) != 200_000_000 || v.MaxTextRunes() != 1000 || v.MaxCaptionRunes() != 600 || !v.Captions(relay.Audio) || !v.NeedsLink(relay.Image) {
		t.Error("Viber's limits are others")
	}
	if every, burst := d.Pair(); d.Rate(relay.Channel{}) != 80 || every.Seconds() != 6 || burst != 45 || d.Window().Hours() != 24 {
		t.Error("WhatsApp's rates are others")
	}
	if _, ok := any(v).(relay.Windowed); ok {
		t.Error("Viber has no session window")
	}
}
