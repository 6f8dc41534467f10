package twilio

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

const callbackField = "StatusCallback=https%3A%2F%2Frelay.example.com%2Fcallback%2Fch_1%2Fkey%2Fstatus%3Fid%3Dwa_backend%253A3EB0019300000000000001%23rc%3D5%26rp%3D5xx%2Cct%2Crt"

func picture(link string) *relay.OutgoingFile {
	return &relay.OutgoingFile{Name: "a b.png", Kind: relay.Image, Type: "image/png", Size: 3, Link: link}
}

// serveFile is what a link to a file opens.
func serveFile(t *testing.T, kind string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write([]byte("png"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatIsSentByteForByte(t *testing.T) {
	d, f := open(t, twiliotest.Options{MessagingServiceSID: sidOf("MG", 1)})
	host := serveFile(t, "image/png")
	id := f.PutContent(twiliotest.Content{Name: "order", Language: "en", Status: "approved"})
	escapedHost := strings.NewReplacer(":", "%3A", "/", "%2F").Replace(host)
	cases := []struct {
		name   string
		change func(*relay.Outgoing)
		want   string
	}{
		{"text", func(*relay.Outgoing) {},
			"Body=Ol%C3%A1+%26+%22hi%22+%2B1%0A%F0%9F%91%8B&From=whatsapp%3A%2B14155238886&" + callbackField + "&To=whatsapp%3A%2B5511900000001"},
		{"number without plus, no callbacks", func(o *relay.Outgoing) { o.Recipient, o.Callbacks, o.Text = "5511900000001", relay.Addresses{}, "x" },
			"Body=x&From=whatsapp%3A%2B14155238886&To=whatsapp%3A%2B5511900000001"},
		{"user id", func(o *relay.Outgoing) { o.Recipient, o.Callbacks, o.Text = "BR.134912", relay.Addresses{}, "x" },
			"Body=x&From=whatsapp%3A%2B14155238886&To=whatsapp%3ABR.134912"},
		{"image with caption", func(o *relay.Outgoing) {
			o.Text, o.Callbacks, o.File = "look", relay.Addresses{}, picture(host+"/files/a%20b.png")
		}, "Body=look&From=whatsapp%3A%2B14155238886&MediaUrl=" + escapedHost + "%2Ffiles%2Fa%2520b.png&To=whatsapp%3A%2B5511900000001"},
		{"messaging service", func(o *relay.Outgoing) {
			s := settings()
			s.From, s.MessagingServiceSID = "", sidOf("MG", 1)
			o.Channel, o.Callbacks, o.Text = channel(t, s), relay.Addresses{}, "x"
		}, "Body=x&MessagingServiceSid=" + sidOf("MG", 1) + "&To=whatsapp%3A%2B5511900000001"},
		{"template", func(o *relay.Outgoing) {
			o.Text, o.Callbacks = "", relay.Addresses{}
			o.Template = &relay.OutgoingTemplate{Name: id, Body: []relay.TemplateValue{{Text: "Ana"}, {Text: "A-1"}}}
		}, "ContentSid=" + id + "&ContentVariables=%7B%221%22%3A%22Ana%22%2C%222%22%3A%22A-1%22%7D&From=whatsapp%3A%2B14155238886&To=whatsapp%3A%2B5511900000001"},
		{"template with names", func(o *relay.Outgoing) {
			o.Text, o.Callbacks = "", relay.Addresses{}
			o.Template = &relay.OutgoingTemplate{ID: id, Name: "order", Body: []relay.TemplateValue{{Name: "who", Text: "Ana"}}}
		}, "ContentSid=" + id + "&ContentVariables=%7B%22who%22%3A%22Ana%22%7D&From=whatsapp%3A%2B14155238886&To=whatsapp%3A%2B5511900000001"},
		{"template without values", func(o *relay.Outgoing) {
			o.Text, o.Callbacks = "", relay.Addresses{}
			o.Template = &relay.OutgoingTemplate{ID: id}
		}, "ContentSid=" + id + "&From=whatsapp%3A%2B14155238886&To=whatsapp%3A%2B5511900000001"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := text(t, "Olá & \"hi\" +1\n👋")
			c.change(&out)
			sid, err := d.Send(t.Context(), out)
			if err != nil || !messageSID.MatchString(sid) {
				t.Fatalf("send: id %q, %v (%v)", sid, err, d)
			}
			calls := f.Calls()
			if got := calls[len(calls)-1].Body; got != c.want {
				t.Errorf("body\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCallsAreMadeWithTheAPIKeyWhereThereIsOne(t *testing.T) {
	d, f := open(t, twiliotest.Options{AuthToken: "ffffffffffffffffffffffffffffffff", APIKey: sidOf("SK", 1), APISecret: "0123456789abcdefSECRET0123456789"})
	s := settings()
	s.APIKey, s.APISecret = sidOf("SK", 1), "0123456789abcdefSECRET0123456789"
	out := text(t, "x")
	out.Channel = channel(t, s)
	if _, err := d.Send(t.Context(), out); err != nil || len(f.Calls()) != 1 {
		t.Errorf("send with a key: %v, %d calls", err, len(f.Calls()))
	}
}

func TestWhatTwilioCannotCarryIsRefusedBeforeTheCall(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	file := func(kind relay.FileKind, media string) func(*relay.Outgoing) {
		return func(o *relay.Outgoing) {
			o.Text, o.File = "", &relay.OutgoingFile{Kind: kind, Type: media, Link: "https://relay.example.com/files/x"}
		}
	}
	cases := []struct {
		name   string
		change func(*relay.Outgoing)
		code   relay.Code
		want   relay.Verdict
	}{
		{"group", func(o *relay.Outgoing) { o.Recipient, o.Group = "120363@g.us", true }, relay.CodeRefused, relay.Refused},
		{"no number", func(o *relay.Outgoing) { o.Recipient = "abc" }, relay.CodeRefused, relay.Refused},
		{"a GIF", file(relay.Image, "image/gif"), relay.CodeFileTypeMismatch, relay.Refused},
		{"a sticker", file(relay.Image, "image/webp"), relay.CodeFileTypeMismatch, relay.Refused},
		{"an archive", file(relay.Document, "application/zip"), relay.CodeFileTypeMismatch, relay.Refused},
		{"no type", file(relay.Document, ""), relay.CodeFileTypeMismatch, relay.Refused},
		{"a text under a document", func(o *relay.Outgoing) { file(relay.Document, "application/pdf")(o); o.Text = "x" }, relay.CodeRefused, relay.Refused},
		{"a file without an address", func(o *relay.Outgoing) { file(relay.Image, "image/png")(o); o.File.Link = "/files/x" }, relay.CodeProviderFailed, relay.ChannelFault},
		{"an unknown template", func(o *relay.Outgoing) { o.Template = &relay.OutgoingTemplate{Name: "order"} }, relay.CodeTemplateUnknown, relay.Refused},
		{"no settings", func(o *relay.Outgoing) { o.Channel.Settings = nil }, relay.CodeProviderFailed, relay.ChannelFault},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := text(t, "x")
			c.change(&out)
			_, err := d.Send(t.Context(), out)
			if e := sendError(t, err); e.Verdict != c.want || e.Code != c.code || e.Reason == "" {
				t.Errorf("%s %s (%s), want %s %s", e.Verdict, e.Code, e.Reason, c.want, c.code)
			}
		})
	}
	if n := len(f.Calls()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestAnswersThatSayNothing(t *testing.T) {
	for name, a := range map[string]twiliotest.Answer{
		"not JSON":      {Status: 201, Body: "<html>"},
		"no id":         {Status: 201, Body: `{"status":"queued"}`},
		"strange id":    {Status: 201, Body: `{"sid":"SM1"}`},
		"redirect":      {Status: 302, Body: "x", Header: http.Header{"Location": {"/elsewhere"}}},
		"cut":           {Cut: true, Taken: true},
		"server":        {Status: 502, Body: "bad gateway"},
		"timeout":       {Status: 408, Body: `{"code":1,"message":"x"}`},
		"not an object": {Status: 400, Body: "no"},
	} {
		t.Run(name, func(t *testing.T) {
			d, f := open(t, twiliotest.Options{})
			f.Next(a)
			id, err := d.Send(t.Context(), text(t, "x"))
			if e := sendError(t, err); e.Verdict != relay.Unsure || id != "" || len(f.Calls()) != 1 {
				t.Errorf("verdict %s, id %q, %d calls; want unsure, none, 1", e.Verdict, id, len(f.Calls()))
			}
		})
	}
}

func TestAMessageThatIsStillbornFailedForCertain(t *testing.T) {
	for code, want := range map[string]relay.Verdict{"63016": relay.Refused, "63010": relay.Refused, "null": relay.Refused, "63018": relay.Deferred, "99999": relay.Refused} {
		d, f := open(t, twiliotest.Options{})
		f.Next(twiliotest.Answer{Status: 201, Body: `{"sid":"` + sidOf("SM", 1) + `","status":"failed","error_code":` + code + `}`})
		_, err := d.Send(t.Context(), text(t, "x"))
		if e := sendError(t, err); e.Verdict != want || e.Code == "" || e.Reason == "" {
			t.Errorf("code %s: %s %q %q, want %s", code, e.Verdict, e.Code, e.Reason, want)
		}
	}
}

func TestLimits(t *testing.T) {
	d := New(Options{})
	if !d.Captions(relay.Image) || d.Captions(relay.Document) || d.Captions(relay.Audio) || d.Captions(relay.Video) {
		t.Error("a text goes under an image and nothing else")
	}
	if d.MaxFileBytes(relay.Image) != 5<<20 || d.MaxFileBytes(relay.Document) != 16<<20 || d.MaxTextRunes() != 1600 || d.MaxCaptionRunes() != 1024 {
		t.Error("limits differ from Twilio's")
	}
	if d.Window().Hours() != 24 || !d.NeedsLink(relay.Audio) {
		t.Error("window or links")
	}
	other := settings()
	other.From = "+5511900000002"
	if sandbox, own := d.Rate(channel(t, settings())), d.Rate(channel(t, other)); sandbox != 1 || own != 80 {
		t.Errorf("rates %d and %d, want 1 and 80", sandbox, own)
	}
}
