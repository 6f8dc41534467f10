package meta

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

const orderUpdate = `{"id":"1387372356726668","name":"order_update","language":"pt_BR","status":"APPROVED","category":"UTILITY","parameter_format":"POSITIONAL","components":[
	{"type":"HEADER","format":"DOCUMENT","example":{"header_handle":["4::x"]}},
	{"type":"BODY","text":"Oi {{1}}, pedido {{2}} pronto.","example":{"body_text":[["Ana","A-1"]]}},{"type":"FOOTER","text":"Loja"},
	{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"OK"},{"type":"URL","text":"Ver","url":"https://x.example/{{1}}","example":["https://x.example/1"]},{"type":"PHONE_NUMBER","text":"Call","phone_number":"+15550000000"},{"type":"COPY_CODE","text":"Copy","example":"C-1"}]}]}`

func TestTemplatesGoOutByteForByte(t *testing.T) {
	w := open(t)
	w.fake.AddTemplate(orderUpdate)
	w.fake.AddTemplate(`{"id":"2","name":"welcome","language":"en","status":"APPROVED","components":[{"type":"HEADER","format":"TEXT","text":"Hi {{name}}"},{"type":"BODY","text":"Code {{code}} ok"}]}`)
	w.fake.AddTemplate(`{"id":"3","name":"hello_world","language":"en_US","status":"APPROVED","components":[{"type":"BODY","text":"Hello"}]}`)
	w.fake.AddTemplate(`{"id":"4","name":"login","language":"en","status":"APPROVED","category":"AUTHENTICATION","components":[{"type":"BODY","text":"{{1}} is your code."},{"type":"BUTTONS","buttons":[{"type":"URL"}]}]}`)
	const head = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+5511900000001","type":"template","template":`
	for _, c := range []struct {
		template relay.OutgoingTemplate
		file     *relay.OutgoingFile
		want     string
	}{
		{relay.OutgoingTemplate{Name: "order_update", Language: "pt-BR", Body: []relay.TemplateValue{{Text: "Ana"}, {Text: "A-104"}},
			Buttons: []relay.ButtonValue{{Index: 0, Type: "quick_reply", Value: "OK-1"}, {Index: 1, Type: "url", Value: "orders/104"}, {Index: 3, Type: "copy_code", Value: "X"}, {Index: 4, Type: "flow", Value: "tok"}}},
			attachment("a.pdf", relay.Document, "application/pdf", []byte("%PDF")),
			`{"name":"order_update","language":{"policy":"deterministic","code":"pt_BR"},"components":[{"type":"header","parameters":[{"type":"document","document":{"id":"1037543290000001","filename":"a.pdf"}}]},` +
				`{"type":"body","parameters":[{"type":"text","text":"Ana"},{"type":"text","text":"A-104"}]},` +
				`{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"OK-1"}]},` +
				`{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"orders/104"}]},` +
				`{"type":"button","sub_type":"copy_code","index":"3","parameters":[{"type":"coupon_code","coupon_code":"X"}]},` +
				`{"type":"button","sub_type":"flow","index":"4","parameters":[{"type":"action","action":{"flow_token":"tok"}}]}]}`},
		{relay.OutgoingTemplate{Name: "welcome", Language: "en", Header: []relay.TemplateValue{{Name: "name", Text: "Ana"}}, Body: []relay.TemplateValue{{Name: "code", Text: "7"}}}, nil,
			`{"name":"welcome","language":{"policy":"deterministic","code":"en"},"components":[{"type":"header","parameters":[{"type":"text","parameter_name":"name","text":"Ana"}]},` +
				`{"type":"body","parameters":[{"type":"text","parameter_name":"code","text":"7"}]}]}`},
		{relay.OutgoingTemplate{Name: "hello_world", Language: "en_US"}, nil, `{"name":"hello_world","language":{"policy":"deterministic","code":"en_US"}}`},
		{relay.OutgoingTemplate{Name: "login", Language: "en", Category: relay.Authentication, Body: []relay.TemplateValue{{Text: "123456"}}}, nil,
			`{"name":"login","language":{"policy":"deterministic","code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"123456"}]},` +
				`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"123456"}]}]}`},
	} {
		out := w.to("+5511900000001", "")
		out.Template, out.File = &c.template, c.file
		w.send(t, out)
		calls := w.fake.Calls()
		if got, want := string(calls[len(calls)-1].Raw), head+c.want+tail; got != want {
			t.Errorf("body\n%s\nwant\n%s", got, want)
		}
	}
	out := w.to("+5511900000001", "")
	out.Template = &relay.OutgoingTemplate{Name: "order_update", Language: "fr"}
	if e := w.fails(t, out); e.Code != relay.CodeTemplateUnknown {
		t.Errorf("another language: %s", said(e))
	}
	out.Template = &relay.OutgoingTemplate{Name: "welcome", Language: "en"}
	if e := w.fails(t, out); e.Code != relay.CodeTemplateVariables {
		t.Errorf("no values: %s", said(e))
	}
}

func TestTemplatesAreListedPageByPage(t *testing.T) {
	w := open(t)
	w.fake.Change(func(a *metatest.Account) { a.PageRows = 2 })
	w.fake.AddTemplate(orderUpdate)
	w.fake.AddTemplate(`{"id":"2","name":"bad","language":"en-US","status":"REJECTED","category":"marketing","rejected_reason":"INVALID_FORMAT","parameter_format":"NAMED","components":[
		{"type":"HEADER","format":"TEXT","text":"Hi {{who}}","example":{"header_text_named_params":[{"param_name":"who","example":"Ana"}]}},
		{"type":"BODY","text":"a {{x}} b {{y}} c","example":{"body_text_named_params":[{"param_name":"y","example":"Y"},{"param_name":"x","example":"X"}]}}]}`)
	for _, name := range []string{"three", "four", "five"} {
		w.fake.AddTemplate(`{"id":"9","name":"` + name + `","language":"en","status":"SOMETHING_NEW","rejected_reason":"NONE","components":[{"type":"BODY","text":"x"}]}`)
	}
	got, err := w.Templates(t.Context(), w.ch)
	if err != nil || len(got) != 5 {
		t.Fatalf("%d templates, %v", len(got), err)
	}
	want := []relay.Template{
		{ID: "1387372356726668", Name: "order_update", Language: "pt_BR", Category: relay.Utility, Status: relay.TemplateApproved, Header: &relay.TemplateHeader{Kind: "document", Sample: "4::x"},
			Body: "Oi {{1}}, pedido {{2}} pronto.", Samples: []string{"Ana", "A-1"}, Footer: "Loja", Buttons: []relay.TemplateButton{
				{Type: "quick_reply", Text: "OK"}, {Type: "url", Text: "Ver", URL: "https://x.example/{{1}}", Sample: "https://x.example/1"}, {Type: "phone_number", Text: "Call", Phone: "+15550000000"},
				{Type: "copy_code", Text: "Copy", Sample: "C-1"}}},
		{ID: "2", Name: "bad", Language: "en_US", Category: relay.Marketing, Status: relay.TemplateRejected, Reason: "INVALID_FORMAT", Header: &relay.TemplateHeader{Kind: "text", Text: "Hi {{who}}", Sample: "Ana"},
			Body: "a {{x}} b {{y}} c", Samples: []string{"X", "Y"}},
		{ID: "9", Name: "three", Language: "en", Status: "something_new", Body: "x"},
	}
	if diff := cmp.Diff(want, got[:3]); diff != "" {
		t.Error(diff)
	}
}

func TestATemplateIsHandedInWithItsSamples(t *testing.T) {
	w := open(t)
	given := relay.Template{Name: "order_ready", Language: "pt_BR", Category: relay.Utility, Header: &relay.TemplateHeader{Kind: "document"}, Body: "Oi {{1}}, pedido {{2}} pronto.", Samples: []string{"Ana", "A-1"},
		Footer: "Loja", Buttons: []relay.TemplateButton{{Type: "quick_reply", Text: "OK"}, {Type: "url", Text: "Ver", URL: "https://x.example/{{1}}", Sample: "https://x.example/1"},
			{Type: "phone_number", Text: "Call", Phone: "+15550000000"}, {Type: "copy_code", Sample: "C-1"}}}
	got, err := w.Submit(t.Context(), w.ch, given, attachment("a.pdf", relay.Document, "application/pdf", []byte("%PDF")))
	if err != nil || got.ID == "" || got.Status != relay.TemplatePending || got.Category != relay.Utility {
		t.Fatalf("%+v, %v", got, err)
	}
	row := maps.Clone(w.fake.Templates()[0])
	delete(row, "id")
	delete(row, "status")
	b, _ := json.Marshal(row)
	const want = `{"category":"UTILITY","components":[{"example":{"header_handle":["4::MTphdHRhY2htZW501"]},"format":"DOCUMENT","type":"HEADER"},` +
		`{"example":{"body_text":[["Ana","A-1"]]},"text":"Oi {{1}}, pedido {{2}} pronto.","type":"BODY"},{"text":"Loja","type":"FOOTER"},` +
		`{"buttons":[{"text":"OK","type":"QUICK_REPLY"},{"example":["https://x.example/1"],"text":"Ver","type":"URL","url":"https://x.example/{{1}}"},` +
		`{"phone_number":"+15550000000","text":"Call","type":"PHONE_NUMBER"},{"example":"C-1","type":"COPY_CODE"}],"type":"BUTTONS"}],` +
		`"language":"pt_BR","name":"order_ready","parameter_format":"POSITIONAL"}`
	if string(b) != want {
		t.Errorf("\n%s\nwant\n%s", b, want)
	}
	named := relay.Template{Name: "named", Language: "en", Category: relay.Marketing, Header: &relay.TemplateHeader{Kind: "text", Text: "Hi {{who}}", Sample: "Ana"}, Body: "a {{x}} b {{y}} c", Samples: []string{"X", "Y"}}
	code := relay.Template{Name: "login", Language: "en", Category: relay.Authentication, Buttons: []relay.TemplateButton{{Type: "otp", Text: "Copy code"}}}
	for _, g := range []relay.Template{named, code} {
		if _, err := w.Submit(t.Context(), w.ch, g, nil); err != nil {
			t.Errorf("%s: %v", g.Name, err)
		}
	}
	listed, err := w.Templates(t.Context(), w.ch)
	if err != nil || len(listed) != 3 || cmp.Diff(named.Samples, listed[1].Samples) != "" || listed[1].Header.Sample != "Ana" || listed[0].Status != relay.TemplatePending {
		t.Errorf("%+v, %v", listed, err)
	}
}

func TestATemplateThatCannotBeHandedInSaysWhy(t *testing.T) {
	w := open(t)
	fails := func(g relay.Template, sample *relay.OutgoingFile) *relay.SendError {
		t.Helper()
		_, err := w.Submit(t.Context(), w.ch, g, sample)
		e, ok := err.(*relay.SendError)
		if !ok {
			t.Fatalf("submit: %v", err)
		}
		return e
	}
	g := relay.Template{Name: "a", Language: "en", Category: relay.Utility, Body: "{{1}} x y z", Samples: []string{"a"}}
	if e := fails(g, nil); e.Verdict != relay.Refused || !strings.Contains(e.Reason, "begins or ends with a variable") || !strings.Contains(e.Reason, "Meta says") {
		t.Errorf("%s: %s", said(e), e.Reason)
	}
	g.Body, g.Samples, g.Header = "x", nil, &relay.TemplateHeader{Kind: "image"}
	if e := fails(g, nil); e.Code != relay.CodeTemplateVariables {
		t.Errorf("no sample: %s", said(e))
	}
	if e := fails(g, attachment("a.mp3", relay.Audio, "audio/mpeg", []byte("x"))); e.Code != relay.CodeFileTypeMismatch {
		t.Errorf("audio: %s", said(e))
	}
	w.fake.Next("uploads", metatest.Answer{Cut: true})
	if e := fails(g, attachment("a.png", relay.Image, "image/png", []byte("x"))); e.Verdict != relay.Deferred {
		t.Errorf("a cut upload: %s", said(e))
	}
	w.fake.Next("message_templates", metatest.Answer{Cut: true})
	g.Header = nil
	if e := fails(g, nil); e.Verdict != relay.Unsure || !strings.Contains(e.Reason, "WhatsApp Manager") {
		t.Errorf("cut: %s (%s)", said(e), e.Reason)
	}
	w.fake.Next("message_templates", metatest.Answer{Code: 200, Status: 403})
	if e := fails(g, nil); e.Verdict != relay.ChannelFault {
		t.Errorf("no permission: %s", said(e))
	}
	w.ch.Settings = []byte(`{"access_token":"EAAGsampleToken0123456789","phone_number_id":"106540352242922","app_secret":"app-secret-123","waba_id":"102290129340398"}`)
	g.Header = &relay.TemplateHeader{Kind: "image"}
	if e := fails(g, attachment("a.png", relay.Image, "image/png", []byte("x"))); !strings.Contains(e.Reason, "app_id") {
		t.Errorf("no app: %s", e.Reason)
	}
	w.ch.Settings = []byte(`{"access_token":"EAAGsampleToken0123456789","phone_number_id":"106540352242922","app_secret":"app-secret-123"}`)
	if e := fails(g, nil); !strings.Contains(e.Reason, "waba_id") {
		t.Errorf("no account: %s", e.Reason)
	}
	if _, err := w.Templates(t.Context(), w.ch); err == nil {
		t.Error("templates without an account")
	}
}

func TestACodesButtonTakesNoValueOfItsOwn(t *testing.T) {
	w := open(t)
	w.fake.AddTemplate(`{"id":"9","name":"code","language":"en","status":"APPROVED","category":"AUTHENTICATION","components":[{"type":"BODY","text":"{{1}} is your code."},{"type":"BUTTONS","buttons":[{"type":"URL","text":"Copy code","url":"https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}","example":["https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123"]}]}]}`)
	list, err := w.Templates(t.Context(), w.ch)
	if err != nil || len(list) != 1 || list[0].Buttons[0].Type != "otp" || list[0].Buttons[0].TakesValue() {
		t.Errorf("%+v, %v", list, err)
	}
}
