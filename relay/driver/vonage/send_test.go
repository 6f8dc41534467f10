package vonage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// fileServer serves a file as the relay's links do.
func fileServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte("content"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func file(kind relay.FileKind, name, mediaType, link string) *relay.OutgoingFile {
	return &relay.OutgoingFile{Name: name, Kind: kind, Type: mediaType, Size: 7, Link: link}
}

// Bodies byte for byte, as https://developer.vonage.com/en/api/messages wants
// them. LINK stands for where the file is.
func TestBodies(t *testing.T) {
	const (
		head = `{"to":"14155550100","from":"447700900001","channel":"whatsapp","message_type":`
		tail = `,"client_ref":"wa_backend:3EB00000000000000000A1","webhook_version":"v1"}`
	)
	link := fileServer(t)
	for _, c := range bodyCases(link) {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.out.Channel, c.out.MessageID, c.out.Recipient = r.channel, testID, "+14155550100"
			id, err := r.Send(t.Context(), c.out)
			if err != nil {
				t.Fatal(err)
			}
			m := r.last(t)
			if want := head + strings.ReplaceAll(c.want, "LINK", link) + tail; string(m.Body) != want {
				t.Errorf("body\n%s\nwant\n%s", m.Body, want)
			}
			if id != m.UUID || m.Link != "" && string(m.File) != "content" {
				t.Errorf("id %q, want %q; file %q", id, m.UUID, m.File)
			}
		})
	}
}

// bodyCase is a message and what of its body is its own.
type bodyCase struct {
	name string
	out  relay.Outgoing
	want string
}

func bodyCases(link string) []bodyCase {
	body := func(texts ...string) (v []relay.TemplateValue) {
		for _, s := range texts {
			v = append(v, relay.TemplateValue{Text: s})
		}
		return v
	}
	return []bodyCase{
		{"Text", relay.Outgoing{Text: "a < b & \"c\"\nñ 😀"}, `"text","text":"a < b & \"c\"\nñ 😀"`},
		{"Image", relay.Outgoing{File: file(relay.Image, "a.jpg", "image/jpeg", link+"/a.jpg")}, `"image","image":{"url":"LINK/a.jpg"}`},
		{"ImageWithText", relay.Outgoing{Text: "look", File: file(relay.Image, "a.png", "image/png", link+"/a.png")}, `"image","image":{"url":"LINK/a.png","caption":"look"}`},
		{"ImageThatIsNotTaken", relay.Outgoing{Text: "look", File: file(relay.Image, "a.webp", "image/webp", link+"/a.webp")}, `"file","file":{"url":"LINK/a.webp","caption":"look","name":"a.webp"}`},
		{"Audio", relay.Outgoing{File: file(relay.Audio, "a.mp3", "audio/mpeg", link+"/a.mp3")}, `"audio","audio":{"url":"LINK/a.mp3"}`},
		{"AudioThatIsNotTaken", relay.Outgoing{File: file(relay.Audio, "a.wav", "audio/wav", link+"/a.wav")}, `"file","file":{"url":"LINK/a.wav","name":"a.wav"}`},
		{"Video", relay.Outgoing{Text: "see", File: file(relay.Video, "a.mp4", "video/mp4", link+"/a.mp4")}, `"video","video":{"url":"LINK/a.mp4","caption":"see"}`},
		{"VideoThatIsNotTaken", relay.Outgoing{File: file(relay.Video, "a.mov", "video/quicktime", link+"/a.mov")}, `"file","file":{"url":"LINK/a.mov","name":"a.mov"}`},
		{"Document", relay.Outgoing{Text: "read", File: file(relay.Document, "Año 1.pdf", "application/pdf", link+"/a%20b.pdf")}, `"file","file":{"url":"LINK/a%20b.pdf","caption":"read","name":"Año 1.pdf"}`},
		{"TextFile", relay.Outgoing{File: file(relay.Document, "a.txt", "text/plain; charset=utf-8", link+"/a.txt")}, `"file","file":{"url":"LINK/a.txt","name":"a.txt"}`},
		{"Template", relay.Outgoing{Template: &relay.OutgoingTemplate{Name: "verify", Language: "en_US", Body: body("Joe", "2526")}},
			`"template","whatsapp":{"policy":"deterministic","locale":"en_US"},"template":{"name":"verify","parameters":["Joe","2526"]}`},
		{"TemplateWithoutValues", relay.Outgoing{Template: &relay.OutgoingTemplate{Name: "hello_world", Language: "es"}},
			`"template","whatsapp":{"policy":"deterministic","locale":"es"},"template":{"name":"hello_world"}`},
		{"TemplateWithAll", relay.Outgoing{File: file(relay.Image, "a.jpg", "image/jpeg", link+"/a.jpg"), Template: &relay.OutgoingTemplate{Name: "order", Language: "pt_BR", Body: body("Ana"),
			Buttons: []relay.ButtonValue{{Index: 0, Type: "quick_reply", Value: "yes"}, {Index: 2, Type: "url", Value: "104"}, {Index: 3, Type: "copy_code", Value: "SAVE10"}}}},
			`"custom","custom":{"type":"template","template":{"name":"order","language":{"policy":"deterministic","code":"pt_BR"},"components":[` +
				`{"type":"header","parameters":[{"type":"image","image":{"link":"LINK/a.jpg"}}]},{"type":"body","parameters":[{"type":"text","text":"Ana"}]},` +
				`{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"yes"}]},` +
				`{"type":"button","sub_type":"url","index":"2","parameters":[{"type":"text","text":"104"}]},` +
				`{"type":"button","sub_type":"copy_code","index":"3","parameters":[{"type":"coupon_code","coupon_code":"SAVE10"}]}]}}`},
		{"TemplateWithACode", relay.Outgoing{Template: &relay.OutgoingTemplate{Name: "code", Language: "en", Category: relay.Authentication, Body: body("123456")}},
			`"custom","custom":{"type":"template","template":{"name":"code","language":{"policy":"deterministic","code":"en"},"components":[` +
				`{"type":"body","parameters":[{"type":"text","text":"123456"}]},{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"123456"}]}]}}`},
		{"TemplateWithADocument", relay.Outgoing{File: file(relay.Document, "a.pdf", "application/pdf", link+"/a.pdf"), Template: &relay.OutgoingTemplate{Name: "bill", Language: "en"}},
			`"custom","custom":{"type":"template","template":{"name":"bill","language":{"policy":"deterministic","code":"en"},"components":[{"type":"header","parameters":[{"type":"document","document":{"link":"LINK/a.pdf","filename":"a.pdf"}}]}]}}`},
		{"TemplateWithAVideo", relay.Outgoing{File: file(relay.Video, "a.mp4", "video/mp4", link+"/a.mp4"), Template: &relay.OutgoingTemplate{Name: "tour", Language: "en"}},
			`"custom","custom":{"type":"template","template":{"name":"tour","language":{"policy":"deterministic","code":"en"},"components":[{"type":"header","parameters":[{"type":"video","video":{"link":"LINK/a.mp4"}}]}]}}`},
		{"TemplateWithNames", relay.Outgoing{Template: &relay.OutgoingTemplate{Name: "visit", Language: "en", Header: []relay.TemplateValue{{Name: "clinic", Text: "North"}}, Body: []relay.TemplateValue{{Name: "doctor", Text: "X"}}}},
			`"custom","custom":{"type":"template","template":{"name":"visit","language":{"policy":"deterministic","code":"en"},"components":[{"type":"header","parameters":[{"type":"text","parameter_name":"clinic","text":"North"}]},{"type":"body","parameters":[{"type":"text","parameter_name":"doctor","text":"X"}]}]}}`},
	}
}

func TestTheStatusAddressIsNamedWhereVonageCanReachIt(t *testing.T) {
	r := newRig(t)
	for address, want := range map[string]string{"https://relay.example/callback/ch_a/k/status": "https://relay.example/callback/ch_a/k/status", "http://127.0.0.1/callback/ch_a/k/status": "", "": ""} {
		out := r.text("+14155550100", "hi")
		out.Callbacks.Status = address
		if _, err := r.Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		if got := r.last(t).Webhook; got != want {
			t.Errorf("address %q went out as %q", address, got)
		}
	}
}

func TestRecipients(t *testing.T) {
	r := newRig(t)
	for given, want := range map[string]string{"+447700900000": "447700900000", "447700900000": "447700900000", "US.13491208655302741918": "US.13491208655302741918", "US.ENT.11815799212886844830": "US.ENT.11815799212886844830"} {
		if _, err := r.Send(t.Context(), r.text(given, "hi")); err != nil {
			t.Fatalf("to %s: %v", given, err)
		}
		if got := r.last(t).To; got != want {
			t.Errorf("%s went out as %q, want %q", given, got, want)
		}
	}
}

// What is certain to be refused is refused without a call.
func TestRefusedBeforeTheCall(t *testing.T) {
	const link = "http://files.example/a"
	big := file(relay.Image, "a.png", "image/png", link)
	big.Size = whatsapp.MaxImage + 1
	template := func(f *relay.OutgoingFile, buttons ...relay.ButtonValue) relay.Outgoing {
		return relay.Outgoing{File: f, Template: &relay.OutgoingTemplate{Name: "a", Language: "en", Buttons: buttons}}
	}
	for _, c := range []struct {
		name string
		out  relay.Outgoing
		code relay.Code
		says string
	}{
		{"Group", relay.Outgoing{Recipient: "120363025246125486@g.us", Group: true, Text: "hi"}, relay.CodeRefused, "groups"},
		{"Lid", relay.Outgoing{Recipient: "98765432101234@lid", Text: "hi"}, relay.CodeInvalidPhone, "phone number"},
		{"Nothing", relay.Outgoing{Text: " \n"}, relay.CodeNoContent, "neither"},
		{"LongText", relay.Outgoing{Text: strings.Repeat("ñ", 4097)}, relay.CodeTextTooLong, "4096"},
		{"LongCaption", relay.Outgoing{Text: strings.Repeat("ñ", 1025), File: file(relay.Image, "a.png", "image/png", link)}, relay.CodeTextTooLong, "1024"},
		{"BigImage", relay.Outgoing{File: big}, relay.CodeFileTooLarge, "5 MB"},
		{"NoLink", relay.Outgoing{File: file(relay.Image, "a.png", "image/png", "")}, relay.CodeFileUnreachable, "public_url"},
		{"RelativeLink", relay.Outgoing{File: file(relay.Image, "a.png", "image/png", "/files/a.png")}, relay.CodeFileUnreachable, "public_url"},
		{"LongLink", relay.Outgoing{File: file(relay.Image, "a.png", "image/png", link+strings.Repeat("x", 2000))}, relay.CodeFileUnreachable, "2000"},
		{"TextUnderAudio", relay.Outgoing{Text: "hi", File: file(relay.Audio, "a.mp3", "audio/mpeg", link)}, relay.CodeRefused, "audio"},
		{"TemplateWithAudio", template(file(relay.Audio, "a.mp3", "audio/mpeg", link)), relay.CodeFileTypeMismatch, "image, a video or a document"},
		{"TemplateWithWebP", template(file(relay.Image, "a.webp", "image/webp", link)), relay.CodeFileTypeMismatch, "image/jpeg and image/png"},
		{"TemplateWithoutLink", template(file(relay.Image, "a.png", "image/png", "")), relay.CodeFileUnreachable, "public_url"},
		{"TemplateButton", template(nil, relay.ButtonValue{Index: 1, Type: "phone_number", Value: "1"}), relay.CodeTemplateVariables, "Button 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.out.Channel, c.out.MessageID = r.channel, testID
			if c.out.Recipient == "" {
				c.out.Recipient = "+14155550100"
			}
			id, err := r.Send(t.Context(), c.out)
			e := sendError(t, err)
			if id != "" || e.Verdict != relay.Refused || e.Code != c.code || !strings.Contains(e.Reason, c.says) {
				t.Errorf("got %q %+v, want %s about %q", id, e, c.code, c.says)
			}
			if n := len(r.fake.Messages()); n != 0 {
				t.Errorf("%d calls, want none", n)
			}
		})
	}
}

func TestSettingsThatAreNotWholeHoldTheChannel(t *testing.T) {
	r := newRig(t)
	for name, settings := range map[string]string{"Nothing": "", "NoKey": `{"api_key":"a1b2c3d4","application_id":"78d335fa-323d-4114-9c3d-d6f0d48968cf","from":"447700900001"}`} {
		out := r.text("+14155550100", "hi")
		out.Channel.Settings = []byte(settings)
		_, err := r.Send(t.Context(), out)
		if e := sendError(t, err); e.Verdict != relay.ChannelFault || e.Code == "" || e.Reason == "" {
			t.Errorf("%s: got %+v, want a fault of the channel", name, e)
		}
	}
}

// What the suite of all drivers cannot see: what the driver says of itself.
func TestLimits(t *testing.T) {
	d := New(Options{})
	var (
		_ relay.Connector   = d
		_ relay.Captioner   = d
		_ relay.Limiter     = d
		_ relay.Receiver    = d
		_ relay.Windowed    = d
		_ relay.Rated       = d
		_ relay.Linked      = d
		_ relay.MediaSource = d
		_ relay.Checker     = d
		_ relay.Templater   = d
	)
	every, burst := d.Pair()
	if d.Captions(relay.Audio) || !d.Captions(relay.Document) || d.MaxFileBytes(relay.Image) != 5<<20 || d.MaxFileBytes(relay.Video) != 16<<20 || d.MaxFileBytes(relay.Audio) != 16<<20 ||
		d.MaxFileBytes(relay.Document) != 100<<20 || d.Window().Hours() != 24 || d.Rate(relay.Channel{}) != 80 || every.Seconds() != 6 || burst != 45 || !d.NeedsLink(relay.Document) ||
		d.MaxTextRunes() != 4096 || d.MaxCaptionRunes() != 1024 {
		t.Error("a limit is not what it was")
	}
	if d.base != DefaultBase || d.meta != DefaultMetaBase {
		t.Errorf("addresses %s, %s", d.base, d.meta)
	}
}
