package twilio

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

func types(kind, value string) map[string]json.RawMessage {
	return map[string]json.RawMessage{kind: json.RawMessage(value)}
}

func TestTemplatesOfAllPagesAreListed(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	put := func(c twiliotest.Content) string { return f.PutContent(c) }
	textID := put(twiliotest.Content{Name: "order_ready", ApprovalName: "order_ready", Language: "pt-BR", Category: "UTILITY", Status: "approved",
		Variables: map[string]string{"1": "Ana", "2": "A-1"}, Types: types("twilio/text", `{"body":"Oi {{1}}, {{2}}."}`)})
	cardID := put(twiliotest.Content{Name: "card", ApprovalName: "card_x", Language: "en", Category: "MARKETING", Status: "rejected", Reason: "promo", Flat: true,
		Variables: map[string]string{"1": "Sale", "2": "Ana", "3": "abc"},
		Types:     types("whatsapp/card", `{"header_text":"{{1}}!","body":"Hi {{2}}","footer":"bye","actions":[{"type":"URL","title":"Go","url":"https://x.example/{{3}}"},{"type":"PHONE_NUMBER","title":"Call","phone":"+14155550100"},{"type":"QUICK_REPLY","title":"Stop","id":"stop"}]}`)})
	mediaID := put(twiliotest.Content{Name: "pic", Language: "en", Status: "", Variables: map[string]string{"1": "a.png"},
		Types: types("twilio/media", `{"body":"look","media":["https://relay.example.com/files/{{1}}"]}`)})
	otpID := put(twiliotest.Content{Name: "otp", ApprovalName: "otp", Language: "en", Category: "AUTHENTICATION", Status: "received",
		Types: types("whatsapp/authentication", `{"add_security_recommendation":true,"actions":[{"type":"COPY_CODE","copy_code_text":"Copy"}]}`)})
	quickID := put(twiliotest.Content{Name: "quick", ApprovalName: "quick", Language: "en", Category: "UTILITY", Status: "paused",
		Types: types("twilio/quick-reply", `{"body":"ok?","actions":[{"title":"Yes","id":"y"}]}`)})
	put(twiliotest.Content{Name: "quick", Language: "en", Status: "", Types: types("twilio/text", `{"body":"older"}`)})
	got, err := d.Templates(t.Context(), channel(t, settings()))
	want := []relay.Template{
		{ID: textID, Name: "order_ready", Language: "pt_BR", Category: relay.Utility, Status: relay.TemplateApproved, Body: "Oi {{1}}, {{2}}.", Samples: []string{"Ana", "A-1"}},
		{ID: cardID, Name: "card_x", Language: "en", Category: relay.Marketing, Status: relay.TemplateRejected, Reason: "promo",
			Header: &relay.TemplateHeader{Kind: "text", Text: "{{1}}!", Sample: "Sale"}, Body: "Hi {{2}}", Samples: []string{"Ana"}, Footer: "bye",
			Buttons: []relay.TemplateButton{{Type: "url", Text: "Go", URL: "https://x.example/{{3}}", Sample: "https://x.example/abc"},
				{Type: "phone_number", Text: "Call", Phone: "+14155550100"}, {Type: "quick_reply", Text: "Stop"}}},
		{ID: mediaID, Name: "pic", Language: "en", Status: "unsubmitted", Header: &relay.TemplateHeader{Kind: "image", Sample: "https://relay.example.com/files/a.png"}, Body: "look"},
		{ID: otpID, Name: "otp", Language: "en", Category: relay.Authentication, Status: relay.TemplatePending, Body: "*{{1}}* is your verification code.", Samples: []string{""},
			Buttons: []relay.TemplateButton{{Type: "otp", Text: "Copy"}}},
	}
	if err != nil || len(got) != 5 {
		t.Fatalf("%d templates, %v", len(got), err)
	}
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Error(diff)
	}
	// Neither of two can be sent: the later stands for them.
	if q := got[4]; q.Name != "quick" || q.ID != quickID && q.Body != "older" {
		t.Errorf("%+v", q)
	}
}

func TestTheOneThatCanBeSentStandsForItsName(t *testing.T) {
	c := func(status, updated string) content {
		raw, _ := json.Marshal(map[string]any{"whatsapp": map[string]string{"name": "n", "status": status}})
		return content{SID: status + updated, Name: "n", Language: "en", Approvals: raw, DateUpdated: updated}
	}
	for _, all := range [][]content{{c("rejected", "3"), c("approved", "1"), c("pending", "2")}, {c("approved", "1"), c("rejected", "3")}, {c("approved", "0"), c("approved", "1")}} {
		if got := oneOfEach(all); len(got) != 1 || got[0].ID != "approved1" {
			t.Errorf("%+v", got)
		}
	}
}

func TestCredentialsDoNotFollowAListElsewhere(t *testing.T) {
	for next, ok := range map[string]bool{"": true, "/v1/x?Page=1": true, "https://content.twilio.com/v1/x?Page=1": true,
		"https://evil.example/v1/x": false, "http://content.twilio.com/v1/x": false, "v1/x": false, "//evil.example/x": false, "%zz": false} {
		if got, err := onHost(contentHost, next); (err == nil) != ok || ok && next != "" && got != contentHost+"/v1/x?Page=1" {
			t.Errorf("%q: %q, %v", next, got, err)
		}
	}
}

func TestSubmitWritesTheSimplestContent(t *testing.T) {
	sample := &relay.OutgoingFile{Kind: relay.Image, Type: "image/png", Link: "https://relay.example.com/files/ws/a.png"}
	body := relay.Template{Name: "order", Language: "en", Category: relay.Utility, Body: "Hi {{1}}, {{2}}.", Samples: []string{"Ana", "A-1"}}
	with := func(change func(*relay.Template)) relay.Template {
		t := body
		change(&t)
		return t
	}
	cases := []struct {
		name            string
		t               relay.Template
		sample          *relay.OutgoingFile
		types, variable string
	}{
		{"text", body, nil, `{"twilio/text":{"body":"Hi {{1}}, {{2}}."}}`, `{"1":"Ana","2":"A-1"}`},
		{"names", with(func(t *relay.Template) { t.Body = "Hi {{who}}, {{what}}." }), nil, `{"twilio/text":{"body":"Hi {{who}}, {{what}}."}}`, `{"what":"A-1","who":"Ana"}`},
		{"header", with(func(t *relay.Template) {
			t.Header, t.Footer = &relay.TemplateHeader{Kind: "text", Text: "For {{1}}", Sample: "you"}, "bye"
		}), nil, `{"whatsapp/card":{"body":"Hi {{2}}, {{3}}.","header_text":"For {{1}}","footer":"bye"}}`, `{"1":"you","2":"Ana","3":"A-1"}`},
		{"quick replies", with(func(t *relay.Template) { t.Buttons = []relay.TemplateButton{{Type: "quick_reply", Text: "Yes"}} }), nil,
			`{"twilio/quick-reply":{"body":"Hi {{1}}, {{2}}.","actions":[{"title":"Yes","id":"Yes"}]}}`, `{"1":"Ana","2":"A-1"}`},
		{"link", with(func(t *relay.Template) {
			t.Buttons = []relay.TemplateButton{{Type: "url", Text: "Go", URL: "https://x.example/{{1}}", Sample: "https://x.example/abc"}, {Type: "phone_number", Text: "Call", Phone: "+14155550100"}}
		}), nil, `{"twilio/call-to-action":{"body":"Hi {{1}}, {{2}}.","actions":[{"type":"URL","title":"Go","url":"https://x.example/{{3}}"},{"type":"PHONE_NUMBER","title":"Call","phone":"+14155550100"}]}}`,
			`{"1":"Ana","2":"A-1","3":"abc"}`},
		{"code to copy", with(func(t *relay.Template) { t.Buttons = []relay.TemplateButton{{Type: "copy_code", Sample: "SAVE5"}} }), nil,
			`{"twilio/call-to-action":{"body":"Hi {{1}}, {{2}}.","actions":[{"type":"COPY_CODE","title":"Copy code","code":"SAVE5"}]}}`, `{"1":"Ana","2":"A-1"}`},
		{"file", with(func(t *relay.Template) { t.Header = &relay.TemplateHeader{Kind: "image"} }), sample,
			`{"twilio/media":{"body":"Hi {{1}}, {{2}}.","media":["https://relay.example.com/files/{{3}}"]}}`, `{"1":"Ana","2":"A-1","3":"ws/a.png"}`},
		{"fixed file", with(func(t *relay.Template) {
			t.Header = &relay.TemplateHeader{Kind: "image", Sample: "https://x.example/a.png"}
		}), nil, `{"twilio/media":{"body":"Hi {{1}}, {{2}}.","media":["https://x.example/a.png"]}}`, `{"1":"Ana","2":"A-1"}`},
		{"code", relay.Template{Name: "order", Language: "en", Category: relay.Authentication, Buttons: []relay.TemplateButton{{Type: "copy_code", Text: "Copy"}}}, nil,
			`{"whatsapp/authentication":{"actions":[{"type":"COPY_CODE","copy_code_text":"Copy"}],"add_security_recommendation":true}}`, `null`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, f := open(t, twiliotest.Options{})
			got, err := d.Submit(t.Context(), channel(t, settings()), c.t, c.sample)
			if err != nil || got.Status != relay.TemplatePending || !contentSID.MatchString(got.ID) {
				t.Fatalf("%+v, %v", got, err)
			}
			made := f.Contents()[0]
			gotTypes, _ := json.Marshal(made.Types)
			gotVariables, _ := json.Marshal(made.Variables)
			if string(gotTypes) != c.types || string(gotVariables) != c.variable {
				t.Errorf("types\n got %s\nwant %s\nvariables\n got %s\nwant %s", gotTypes, c.types, gotVariables, c.variable)
			}
			if made.ApprovalName != "order" || made.Category != string(c.t.Category) {
				t.Errorf("approval %q, %q", made.ApprovalName, made.Category)
			}
		})
	}
}

func TestASubmissionThatIsRefusedLeavesNothingBehind(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	_, err := d.Submit(t.Context(), channel(t, settings()), relay.Template{Name: "Not A Name", Language: "en", Category: relay.Utility, Body: "x"}, nil)
	if e := sendError(t, err); e.Verdict != relay.Refused || len(f.Contents()) != 0 {
		t.Errorf("%s, %d contents left", e.Verdict, len(f.Contents()))
	}
}

func TestSubmissionsThatTwilioCannotTake(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	for name, c := range map[string]relay.Template{
		"place":   {Body: "x", Header: &relay.TemplateHeader{Kind: "location"}},
		"no file": {Body: "x", Header: &relay.TemplateHeader{Kind: "image"}},
		"button":  {Body: "x", Buttons: []relay.TemplateButton{{Type: "catalog"}}},
	} {
		if _, err := d.Submit(t.Context(), channel(t, settings()), c, nil); sendError(t, err).Verdict != relay.Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(f.Contents()) != 0 {
		t.Error("something was made")
	}
}

func TestValuesAreSortedToTheCommonNumbering(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	id := f.PutContent(twiliotest.Content{Name: "card", Language: "en", Status: "approved", Updated: time.Now(),
		Types: types("whatsapp/card", `{"header_text":"{{4}}!","body":"Hi {{2}} {{1}}","media":["https://relay.example.com/files/{{5}}"],"actions":[{"type":"QUICK_REPLY","title":"a"},{"type":"URL","title":"Go","url":"https://x.example/{{3}}"}]}`)})
	out := text(t, "")
	out.File = &relay.OutgoingFile{Kind: relay.Image, Type: "image/png", Link: "https://relay.example.com/files/ws/a.png"}
	value := func(texts ...string) (all []relay.TemplateValue) {
		for _, s := range texts {
			all = append(all, relay.TemplateValue{Text: s})
		}
		return all
	}
	out.Template = &relay.OutgoingTemplate{ID: id, Header: value("H"), Body: value("b1", "b2"), Buttons: []relay.ButtonValue{{Index: 0}, {Index: 1, Type: "url", Value: "u"}}}
	if _, err := d.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got, want := f.Calls()[0].Form.Get("ContentVariables"), `{"1":"b1","2":"b2","3":"u","4":"H","5":"ws/a.png"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, change := range map[string]func(*relay.Outgoing){
		"no such button":   func(o *relay.Outgoing) { o.Template.Buttons = []relay.ButtonValue{{Index: 7, Value: "x"}} },
		"a fixed button":   func(o *relay.Outgoing) { o.Template.Buttons = []relay.ButtonValue{{Index: 0, Value: "x"}} },
		"another address":  func(o *relay.Outgoing) { o.File.Link = "https://other.example/files/x" },
		"unknown template": func(o *relay.Outgoing) { o.Template.ID = sidOf("HX", 99) },
	} {
		again := out
		again.Template, again.File = new(relay.OutgoingTemplate), new(relay.OutgoingFile)
		*again.Template, *again.File = *out.Template, *out.File
		change(&again)
		if _, err := d.Send(t.Context(), again); sendError(t, err).Verdict != relay.Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.Calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestATemplateThatCannotBeLookedAtIsDeferred(t *testing.T) {
	for status, want := range map[int]relay.Verdict{500: relay.Deferred, 200: relay.Deferred, 401: relay.ChannelFault} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte("no JSON"))
		}))
		out := text(t, "")
		out.Template = &relay.OutgoingTemplate{ID: sidOf("HX", 1), Header: []relay.TemplateValue{{Text: "x"}}}
		_, err := New(Options{Base: server.URL}).Send(t.Context(), out)
		if e := sendError(t, err); e.Verdict != want || e.Code == "" {
			t.Errorf("status %d: %s %q, want %s", status, e.Verdict, e.Code, want)
		}
		server.Close()
	}
}
