package infobip

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/infobip/infobiptest"
)

func TestAMessageIsLookedUpInTheLogs(t *testing.T) {
	a := newAccount(t)
	wa, vb := a.whatsapp(), a.viber()
	for name, c := range map[string]struct {
		relay.Driver
		relay.Resolver
		out relay.Outgoing
	}{
		"WhatsApp": {wa, wa, outgoing(channel(t, settings{}))},
		"Viber":    {vb, vb, outgoing(viberChannel(t, asLink))},
	} {
		c.out.MessageID = fmt.Sprintf("wa_backend:3EB0%018X", len(name))
		if rep, known, err := c.Resolve(t.Context(), c.out); err != nil || known {
			t.Errorf("%s: before it was sent: %+v, %v, %v", name, rep, known, err)
		}
		a.Next(infobiptest.Answer{HTTP: 502, Taken: true, Status: 5})
		if _, err := c.Send(t.Context(), c.out); sendError(t, err).Verdict != relay.Unsure {
			t.Fatal(err)
		}
		for range 2 {
			rep, known, err := c.Resolve(t.Context(), c.out)
			if err != nil || !known || rep.Status != relay.Delivered || rep.MessageID != c.out.MessageID || rep.At.IsZero() {
				t.Errorf("%s: %+v, %v, %v", name, rep, known, err)
			}
		}
		failed := c.out
		failed.MessageID += "x"
		a.Next(infobiptest.Answer{HTTP: 502, Taken: true, Status: 9, Error: 7002})
		if _, err := c.Send(t.Context(), failed); err == nil {
			t.Fatal("sent")
		}
		if rep, known, err := c.Resolve(t.Context(), failed); err != nil || !known || rep.Status != relay.Failed || rep.Failure.Code != relay.CodeNotOnWhatsApp {
			t.Errorf("%s: %+v, %v, %v", name, rep, known, err)
		}
		c.out.Channel.Settings = settingsJSON(t, settings{Sender: sender, APIKey: "another key of 16"})
		if _, known, err := c.Resolve(t.Context(), c.out); err == nil || known {
			t.Errorf("%s: a wrong key: %v, %v", name, known, err)
		}
	}
}

func TestTheBestOfSeveralEntriesCounts(t *testing.T) {
	rejected := result{MessageID: ourID, Status: &state{GroupID: 5, ID: 21}}
	pending := result{MessageID: ourID, Status: &state{GroupID: 1, ID: 7}}
	delivered := result{MessageID: ourID, Status: &state{GroupID: 3, ID: 5}}
	seen := result{MessageID: ourID, SeenAt: "2025-01-01T10:10:00Z"}
	other := result{MessageID: "another", Status: &state{GroupID: 3, ID: 5}}
	for _, c := range []struct {
		entries []result
		want    relay.Status
	}{
		{[]result{other}, ""}, {[]result{other, rejected}, relay.Failed}, {[]result{rejected, pending}, relay.Sent}, {[]result{pending, rejected}, relay.Sent},
		{[]result{delivered, pending, rejected}, relay.Delivered}, {[]result{rejected, pending, delivered}, relay.Delivered}, {[]result{rejected, seen, delivered}, relay.Read},
	} {
		rep, known := best(c.entries, ourID, noon)
		if rep.Status != c.want || known != (c.want != "") || known && rep.At.IsZero() {
			t.Errorf("%+v: %+v, %v", c.entries, rep, known)
		}
	}
}

func TestAFileOfAPersonIsFetchedAndTheKeyStaysAtHome(t *testing.T) {
	a := newAccount(t)
	d, ch := a.whatsapp(), channel(t, settings{})
	var leaked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = append(leaked, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "image/png")
		io.WriteString(w, "elsewhere")
	}))
	defer elsewhere.Close()
	here := a.KeepMedia("1", infobiptest.Media{Type: "image/jpeg", Content: []byte("here")})
	moved := a.KeepMedia("2", infobiptest.Media{Moved: elsewhere.URL + "/cdn"})
	round := a.KeepMedia("3", infobiptest.Media{})
	a.KeepMedia("3", infobiptest.Media{Moved: a.url + round})
	inside := a.KeepMedia("4", infobiptest.Media{Moved: "file:///etc/passwd"})
	for _, c := range []struct{ url, content, kind string }{
		{a.url + here, "here", "image/jpeg"}, {a.url + moved, "elsewhere", "image/png"}, {elsewhere.URL + "/viber", "elsewhere", "image/png"},
	} {
		body, kind, err := d.Media(t.Context(), ch, relay.InboundFile{URL: c.url, Auth: true})
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		b, err := io.ReadAll(body)
		if body.Close(); err != nil || string(b) != c.content || kind != c.kind {
			t.Errorf("%s: %q %q %v", c.url, b, kind, err)
		}
	}
	if len(leaked) != 2 || leaked[0]+leaked[1] != "" {
		t.Errorf("the key went elsewhere: %q", leaked)
	}
	for _, bad := range []string{a.url + "/whatsapp/1/senders/" + sender + "/media/404", "", "::", "ftp://x/y", "http://u:p@127.0.0.1/x", a.url + inside} {
		var e *relay.SendError
		if _, _, err := d.Media(t.Context(), ch, relay.InboundFile{URL: bad}); !errors.As(err, &e) || e.Verdict != relay.Refused {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := d.Media(t.Context(), ch, relay.InboundFile{URL: a.url + round}); err == nil {
		t.Error("a redirect without an end")
	}
	if _, _, err := d.Media(t.Context(), channel(t, settings{APIKey: "another key of 16"}), relay.InboundFile{URL: a.url + here}); err == nil || strings.Contains(err.Error(), a.url) {
		t.Errorf("a wrong key: %v", err)
	}
	if New(Options{}).home(settings{BaseURL: "https://a.example"}, mustURL(t, "https://a.example.evil/x")) || New(Options{}).safe(mustURL(t, "http://a.example/x")) {
		t.Error("an address is taken for the account's own, or for safe")
	}
}

func TestTemplatesAreListedSubmittedAndPushed(t *testing.T) {
	a := newAccount(t)
	d, ch := a.whatsapp(), channel(t, settings{})
	a.KeepTemplate(map[string]any{"id": 7, "businessAccountId": 222, "name": "promo", "language": "pt_BR", "status": "FIRST_PAUSED", "category": "MARKETING", "quality": "HIGH", "structure": map[string]any{
		"header": map[string]any{"format": "TEXT", "text": "Hi"}, "body": map[string]any{"text": "A {{1}}", "examples": []string{"x"}}, "footer": map[string]any{"text": "F"}, "type": "TEXT",
		"buttons": []any{map[string]any{"type": "URL", "text": "Open", "url": "https://x/{{1}}", "example": "https://x/a"}, map[string]any{"type": "PHONE_NUMBER", "text": "Call", "phoneNumber": "+1"}, map[string]any{"otpType": "COPY_CODE", "text": "Copy"}},
	}})
	sent := relay.Template{Name: "order_ready", Language: "en", Category: relay.Utility, Header: &relay.TemplateHeader{Kind: "image"}, Body: "Order {{1}}", Samples: []string{"7"}, Footer: "F",
		Buttons: []relay.TemplateButton{{Type: "quick_reply", Text: "Yes"}, {Type: "copy_code", Text: "Copy", Sample: "SAVE5"}}}
	sample := &relay.OutgoingFile{Name: "a.png", Link: "https://relay.example/a.png"}
	got, err := d.Submit(t.Context(), ch, sent, sample)
	if err != nil || got.ID != "111" || got.Status != relay.TemplatePending || got.Body != sent.Body {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = d.Submit(t.Context(), ch, relay.Template{Name: "code", Language: "en", Category: relay.Authentication, Body: "{{1}}"}, nil); err != nil || got.ID == "" {
		t.Errorf("a code: %+v, %v", got, err)
	}
	list, err := d.Templates(t.Context(), ch)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if p := list[0]; p.ID != "7" || p.Status != relay.TemplatePaused || p.Header.Kind != "text" || p.Body != "A {{1}}" || p.Footer != "F" || p.Samples[0] != "x" || p.Buttons[0].Type != "url" || !p.Buttons[0].TakesValue() || p.Buttons[1].Phone != "+1" || p.Buttons[2].Type != "otp" || p.SyncedAt.IsZero() {
		t.Errorf("%+v", p)
	}
	if p := list[1]; p.Header.Kind != "image" || p.Header.Sample != sample.Link || p.Status != relay.TemplatePending || p.Buttons[0].Type != "quick_reply" {
		t.Errorf("%+v", p)
	}
	for name, bad := range map[string]relay.Template{
		"a name that is none": {Name: "Order Ready", Language: "en", Category: relay.Utility, Body: "x"},
		"named variables":     {Name: "n", Language: "en", Category: relay.Utility, Body: "{{name}}"},
		"a header of nothing": {Name: "n", Language: "en", Category: relay.Utility, Body: "x", Header: &relay.TemplateHeader{Kind: "video"}},
	} {
		if _, err := d.Submit(t.Context(), ch, bad, nil); sendError(t, err).Verdict != relay.Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := channel(t, settings{APIKey: "another key of 16"})
	if _, err := d.Templates(t.Context(), wrong); sendError(t, err).Reason == "" {
		t.Errorf("a wrong key: %v", err)
	}
}

func TestACodesButtonTakesNoValueOfItsOwn(t *testing.T) {
	a := newAccount(t)
	a.KeepTemplate(map[string]any{"id": "8", "name": "code", "language": "en", "status": "APPROVED", "category": "AUTHENTICATION", "structure": map[string]any{
		"body":    map[string]any{"text": "*{{1}}* is your verification code."},
		"buttons": []any{map[string]any{"type": "URL", "text": "Copy Code", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}}}})
	list, err := a.whatsapp().Templates(t.Context(), channel(t, settings{}))
	if err != nil || len(list) != 1 || list[0].Buttons[0].Type != "otp" || list[0].Buttons[0].TakesValue() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestPushesOfTemplatesAreRead(t *testing.T) {
	for body, want := range map[string]relay.TemplateChange{
		`{"messageTemplateId":"111","messageTemplateName":"n","messageTemplateLanguage":"en","change":{"type":"TEMPLATE_STATUS_UPDATE","newStatus":"REJECTED","reason":"SCAM"}}`: {ID: "111", Name: "n", Language: "en", Status: relay.TemplateRejected, Reason: "SCAM"},
		`{"messageTemplateId":111,"change":{"type":"TEMPLATE_STATUS_UPDATE","newStatus":"APPROVED","reason":"NONE"}}`:                                                            {ID: "111", Status: relay.TemplateApproved},
		`{"results":[{"messageTemplateId":"111","change":{"newCategory":"MARKETING"}}]}`:                                                                                         {ID: "111", Category: relay.Marketing},
		`{"messageTemplateId":"111","change":{"type":"TEMPLATE_QUALITY_UPDATE","newQualityScore":"LOW"}}`:                                                                        {},
	} {
		got, err := New(Options{}).Receive(channel(t, settings{}), post([]byte(body), nil))
		switch {
		case err != nil:
			t.Errorf("%s: %v", body, err)
		case want == relay.TemplateChange{} && len(got.Templates) == 0:
		case len(got.Templates) != 1 || got.Templates[0] != want:
			t.Errorf("%s: %+v, want %+v", body, got.Templates, want)
		}
	}
	for theirs, want := range map[string]relay.TemplateStatus{"REINSTATED": relay.TemplateApproved, "FLAGGED": relay.TemplateApproved, "IN_APPEAL": relay.TemplatePending,
		"PENDING_DELETION": relay.TemplateDeleted, "SECOND_PAUSED": relay.TemplatePaused, "DISABLED": relay.TemplateDisabled, "LIMIT_EXCEEDED": "limit_exceeded"} {
		if got := statusOf(theirs); got != want {
			t.Errorf("%s: %s", theirs, got)
		}
	}
}

func TestACheckSaysWhatIsAmiss(t *testing.T) {
	at := relay.Addresses{Callback: "https://relay.example/callback/ch_1/key", Inbound: "https://relay.example/callback/ch_1/key/inbound"}
	connected := map[string]any{"sender": sender, "qualityRating": "HIGH", "status": "CONNECTED", "currentLimit": "LIMIT_10K"}
	for name, c := range map[string]struct {
		set  func(a account)
		s    settings
		want string
	}{
		"all well":        {func(a account) { a.SetQuality(connected); a.Forward("WHATSAPP", at.Inbound, "MO_OTT_CONTACT") }, settings{}, "credentials ok, number ok, phone ok, callback ok, reports ok"},
		"a wrong key":     {func(account) {}, settings{APIKey: "another key of 16"}, "credentials error"},
		"another sender":  {func(a account) { a.SetQuality(connected) }, settings{Sender: "441134960009"}, "credentials ok, number error, phone warning, callback error, reports ok"},
		"a banned number": {func(a account) { a.SetQuality(map[string]any{"sender": sender, "status": "BANNED"}) }, settings{}, "credentials ok, number error, phone ok, callback error, reports ok"},
		"a low quality": {func(a account) {
			a.SetQuality(map[string]any{"sender": sender, "status": "CONNECTED", "qualityRating": "LOW"})
			a.Forward("WHATSAPP", at.Callback, "")
		}, settings{}, "credentials ok, number warning, phone ok, callback ok, reports ok"},
		"another address": {func(a account) {
			a.SetQuality(connected)
			a.Forward("WHATSAPP", "https://elsewhere.example", "MO_OTT_CONTACT")
		}, settings{}, "credentials ok, number ok, phone ok, callback error, reports ok"},
		"another format":   {func(a account) { a.SetQuality(connected); a.Forward("WHATSAPP", at.Inbound, "MO_JSON_2") }, settings{}, "credentials ok, number ok, phone ok, callback error, reports ok"},
		"with credentials": {func(a account) { a.SetQuality(connected) }, settings{CallbackSecret: "s"}, "credentials ok, number ok, phone ok, callback warning, reports warning"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			c.set(a)
			ch := channel(t, c.s)
			ch.CallbackAt = noon
			hold(t, a.whatsapp().Check(t.Context(), ch, at), c.want)
		})
	}
	a := newAccount(t)
	a.Forward("VIBER_BM", at.Inbound, "MO_OTT_MSISDN")
	hold(t, a.viber().Check(t.Context(), viberChannel(t, asLink), at), "credentials ok, callback ok, reports ok")
	hold(t, a.viber().Check(t.Context(), relay.Channel{}, at), "settings error")
	for status, want := range map[int]string{403: "credentials warning, number warning, phone ok, callback warning, reports ok", 500: "credentials error", 302: "credentials error"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
		hold(t, New(Options{Base: s.URL}).Check(t.Context(), channel(t, settings{}), at), want)
		s.Close()
		hold(t, New(Options{Base: s.URL}).Check(t.Context(), channel(t, settings{}), at), "credentials error")
	}
}

// hold compares findings, each as its subject and state.
func hold(t *testing.T, fs []relay.Finding, want string) {
	t.Helper()
	var got []string
	for _, f := range fs {
		got = append(got, f.Subject+" "+string(f.State))
		if f.Message == "" || f.State != relay.Well && f.Hint == "" || strings.Contains(f.Message+f.Hint, key) {
			t.Errorf("%+v", f)
		}
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestTheFakeCallsBackSignedAndAsOftenAsItIsTold(t *testing.T) {
	a := newAccount(t)
	s := settings{CallbackSecret: "secret"}
	var reports []relay.Report
	relayed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, err := New(Options{}).Receive(channel(t, s), relay.Callback{Header: r.Header, Body: body, At: time.Now()})
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
		reports = append(reports, got.Reports...)
	}))
	defer relayed.Close()
	out := outgoing(channel(t, s))
	if _, err := a.whatsapp().Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	m := a.Messages()[0]
	for range 2 {
		if status, err := a.Deliver(t.Context(), relayed.URL, infobiptest.Security{Secret: "secret"}, infobiptest.Seen(m, time.Now()), infobiptest.Report(m, 5, 0, time.Now())); err != nil || status != http.StatusOK {
			t.Errorf("%d, %v", status, err)
		}
	}
	if status, err := a.Deliver(t.Context(), relayed.URL, infobiptest.Security{Secret: "other"}, infobiptest.Seen(m, time.Now())); err != nil || status != http.StatusForbidden {
		t.Errorf("%d, %v", status, err)
	}
	if len(reports) != 4 || reports[0].Status != relay.Read || reports[3].Status != relay.Delivered {
		t.Errorf("%+v", reports)
	}
}
