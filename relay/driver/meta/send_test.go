package meta

import (
	"strings"
	"testing"

	"relevo/relay"
)

const tail = `,"biz_opaque_callback_data":"wa_backend:3EB0000000000000000001"}`

func TestBodiesGoOutByteForByte(t *testing.T) {
	const head = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+5511900000001",`
	for _, c := range []struct {
		name string
		out  func(*relay.Outgoing)
		want string
	}{
		{"text", func(o *relay.Outgoing) { o.Text = `a <b> & "ç" 😀` }, head + `"type":"text","text":{"body":"a <b> & \"ç\" 😀"}`},
		{"link", func(o *relay.Outgoing) { o.Text = "see https://x.example/?a=1&b=2" }, head + `"type":"text","text":{"body":"see https://x.example/?a=1&b=2","preview_url":true}`},
		{"no plus", func(o *relay.Outgoing) { o.Text, o.Recipient = "x", "5511900000001" }, head + `"type":"text","text":{"body":"x"}`},
		{"jid", func(o *relay.Outgoing) { o.Text, o.Recipient = "x", "5511900000001@s.whatsapp.net" }, head + `"type":"text","text":{"body":"x"}`},
		{"mexico", func(o *relay.Outgoing) { o.Text, o.Recipient = "x", "+5215512345678" }, strings.Replace(head, "5511900000001", "5215512345678", 1) + `"type":"text","text":{"body":"x"}`},
		{"user", func(o *relay.Outgoing) { o.Text, o.Recipient = "x", "BR.13491208655302741918" },
			`{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"BR.13491208655302741918","type":"text","text":{"body":"x"}`},
		{"group", func(o *relay.Outgoing) { o.Text, o.Recipient, o.Group = "x", "Y2FwaV9ncm91cDoxOTU@g.us", true },
			`{"messaging_product":"whatsapp","recipient_type":"group","to":"Y2FwaV9ncm91cDoxOTU","type":"text","text":{"body":"x"}`},
		{"image", func(o *relay.Outgoing) {
			o.Text, o.File = "cap", attachment("a.png", relay.Image, "image/png", []byte("png"))
		}, head + `"type":"image","image":{"id":"1037543290000001","caption":"cap"}`},
		{"video", func(o *relay.Outgoing) {
			o.Text, o.File = "cap", attachment("a.mp4", relay.Video, "video/mp4", []byte("mp4"))
		}, head + `"type":"video","video":{"id":"1037543290000001","caption":"cap"}`},
		{"audio", func(o *relay.Outgoing) {
			o.File = attachment("a.ogg", relay.Audio, "audio/ogg; codecs=opus", []byte("ogg"))
		}, head + `"type":"audio","audio":{"id":"1037543290000001"}`},
		{"document", func(o *relay.Outgoing) {
			o.Text, o.File = "cap", attachment("Nota ç.pdf", relay.Document, "application/pdf", []byte("%PDF"))
		}, head + `"type":"document","document":{"id":"1037543290000001","caption":"cap","filename":"Nota ç.pdf"}`},
		{"csv", func(o *relay.Outgoing) {
			o.File = attachment("a.csv", relay.Document, "text/csv; charset=utf-8", []byte("a,b"))
		}, head + `"type":"document","document":{"id":"1037543290000001","filename":"a.csv"}`},
		{"picture named as a document", func(o *relay.Outgoing) {
			o.File = attachment("a.jfif", relay.Document, "image/jpeg", []byte("jpg"))
		}, head + `"type":"image","image":{"id":"1037543290000001"}`},
		{"document named as a picture", func(o *relay.Outgoing) {
			o.File = attachment("a.png", relay.Image, "application/pdf", []byte("%PDF"))
		}, head + `"type":"document","document":{"id":"1037543290000001","filename":"a.png"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := open(t)
			out := w.to("+5511900000001", "")
			c.out(&out)
			if c.name == "group" { // the fake knows numbers only
				m, fault := w.envelope(out)
				if fault != nil {
					t.Fatal(fault)
				}
				m.fillText(out.Text, 4096)
				if b, err := encode(m); err != nil || string(b) != c.want+tail {
					t.Errorf("body\n%s\nwant\n%s", b, c.want+tail)
				}
				return
			}
			w.send(t, out)
			if calls := w.fake.Calls(); len(calls) != 1 || string(calls[0].Raw) != c.want+tail {
				t.Errorf("%d calls, body\n%s\nwant\n%s", len(calls), calls[0].Raw, c.want+tail)
			}
		})
	}
}

func TestWhatWhatsAppDoesNotTakeIsRefusedBeforeAnyCall(t *testing.T) {
	w := open(t)
	for name, c := range map[string]struct {
		out  func(*relay.Outgoing)
		want relay.Code
	}{
		"long text": {func(o *relay.Outgoing) { o.Text = strings.Repeat("ç", 4097) }, relay.CodeTextTooLong},
		"long caption": {func(o *relay.Outgoing) {
			o.Text = strings.Repeat("ç", 1025)
			o.File = attachment("a.png", relay.Image, "image/png", []byte("x"))
		}, relay.CodeTextTooLong},
		"zip":           {func(o *relay.Outgoing) { o.File = attachment("a.zip", relay.Document, "application/zip", []byte("x")) }, relay.CodeFileTypeMismatch},
		"gif":           {func(o *relay.Outgoing) { o.File = attachment("a.gif", relay.Document, "image/gif", []byte("x")) }, relay.CodeFileTypeMismatch},
		"wav":           {func(o *relay.Outgoing) { o.File = attachment("a.wav", relay.Audio, "audio/wav", []byte("x")) }, relay.CodeFileTypeMismatch},
		"large picture": {func(o *relay.Outgoing) { o.File = attachment("a.png", relay.Image, "image/png", make([]byte, 5<<20+1)) }, relay.CodeFileTooLarge},
		"captioned audio": {func(o *relay.Outgoing) {
			o.Text = "x"
			o.File = attachment("a.mp3", relay.Audio, "audio/mpeg", []byte("x"))
		}, relay.CodeRefused},
		"group of WhatsApp": {func(o *relay.Outgoing) { o.Recipient, o.Group = "120363025246125486@g.us", true }, relay.CodeInvalidJID},
		"hidden id":         {func(o *relay.Outgoing) { o.Recipient = "98765432101234@lid" }, relay.CodeInvalidJID},
		"audio header": {func(o *relay.Outgoing) {
			o.Template = &relay.OutgoingTemplate{Name: "a", Language: "en"}
			o.File = attachment("a.mp3", relay.Audio, "audio/mpeg", []byte("x"))
		}, relay.CodeFileTypeMismatch},
	} {
		out := w.to("+5511900000001", "")
		c.out(&out)
		if e := w.fails(t, out); e.Verdict != relay.Refused || e.Code != c.want || e.Reason == "" {
			t.Errorf("%s: %s (%s)", name, said(e), e.Reason)
		}
	}
	if e := w.fails(t, func() relay.Outgoing {
		o := w.to("+5511900000001", "")
		o.File = attachment("a.zip", relay.Document, "application/zip", []byte("x"))
		return o
	}()); !strings.Contains(e.Reason, "PDF") {
		t.Errorf("the reason names no types: %s", e.Reason)
	}
	if n := len(w.fake.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAFileOfAnotherSizeThanItHadSendsNothing(t *testing.T) {
	w := open(t)
	for _, size := range []int64{2, 9} {
		out := w.to("+5511900000001", "")
		out.File = attachment("a.png", relay.Image, "image/png", []byte("12345"))
		out.File.Size = size
		if e := w.fails(t, out); e.Verdict != relay.Deferred || e.Outage {
			t.Errorf("size %d: %s (%s)", size, said(e), e.Reason)
		}
	}
	if n := len(w.fake.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestLimitsAndRatesAreMetas(t *testing.T) {
	w := open(t)
	every, burst := w.Pair()
	if w.Rate(w.ch) != 80 || every.Seconds() != 6 || burst != 45 || w.Window().Hours() != 24 || w.Captions(relay.Audio) || !w.Captions(relay.Document) ||
		w.MaxTextRunes() != 4096 || w.MaxCaptionRunes() != 1024 || w.MaxFileBytes(relay.Image) != 5<<20 || w.MaxFileBytes(relay.Video) != 16<<20 || w.MaxFileBytes(relay.Document) != 100<<20 {
		t.Error("a limit is not Meta's")
	}
}
