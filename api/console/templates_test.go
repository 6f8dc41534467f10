package console_test

import (
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

// templateHouse has a channel of the pretend Meta with three templates.
func templateHouse(t *testing.T) (*house, *metatest.Fake, *browser, relay.Channel) {
	t.Helper()
	h, fake := metaHouse(t)
	b := h.operator()
	b.get(h.path("templates")).is(200).has("No channel has templates yet")
	ch := connected(t, h, b)
	fake.AddTemplate(`{"id":"1","name":"order_shipped","language":"en","status":"APPROVED","category":"UTILITY","components":[
		{"type":"HEADER","format":"TEXT","text":"Order {{1}}","example":{"header_text":["4711"]}},
		{"type":"BODY","text":"Hi {{1}}, your *order* left on {{2}}.","example":{"body_text":[["Ann","Monday"]]}},
		{"type":"FOOTER","text":"Lucky Shrub"},{"type":"BUTTONS","buttons":[{"type":"URL","text":"Track","url":"https://shop.example/{{1}}","example":["https://shop.example/x7"]}]}]}`)
	fake.AddTemplate(`{"id":"2","name":"order_shipped","language":"pt_BR","status":"PENDING","category":"UTILITY","components":[{"type":"BODY","text":"Oi"}]}`)
	fake.AddTemplate(`{"id":"3","name":"news","language":"en","status":"REJECTED","rejected_reason":"PROMOTIONAL","category":"MARKETING","parameter_format":"NAMED","components":[{"type":"BODY","text":"News for {{first_name}} <script>x</script> today"}]}`)
	return h, fake, b, ch
}

func TestTemplatesAreReadFilteredAndShown(t *testing.T) {
	h, _, b, ch := templateHouse(t)
	list := h.path("templates")
	b.get(list).is(200).has("No template yet", "the list was never read")
	b.post(h.path("templates", "sync"), url.Values{}).is(200).has("Templates: 3", "order_shipped", "Approved", "Sent for approval", "Rejected", "It advertises, and its category does not.")
	b.get(list + "?status=approved").is(200).has("order_shipped").hasNot("news")
	b.get(list+"?language=pt_BR&name=ORDER").is(200).has("order_shipped", "Sent for approval").hasNot("/news/")
	b.get(list + "?name=nothing").is(200).has("No template fits")
	b.get(list + "?cursor=order_shipped+en").is(200).hasNot("/news/")

	page := h.path("templates", ch.ID, "order_shipped", "en")
	s := b.get(page).is(200).has("Order 4711", "Hi Ann, your *order* left on Monday.", "Lucky Shrub", "Track", "Also in:", "pt_BR", `"variables": [ "4711", "Ann", "Monday" ]`, `"buttons": [ "x7" ]`, `"whatsapp_account_phone": "+15550783881"`)
	if len(s.all("strong", "", "")) != 0 {
		t.Error("the text is not text only")
	}
	long := b.get(page + "?v0=%3Cscript%3Ealert(1)%3C%2Fscript%3E&v1=" + strings.Repeat("x", 5000)).is(200).has("Hi <script>alert(1)</script>, your").hasNot("<script>alert")
	if strings.Contains(long.text(), strings.Repeat("x", 1025)) {
		t.Error("a value of any length is shown")
	}
	b.headers = map[string]string{"HX-Request": "true"}
	if part := b.get(page + "?v0=Bea&h0=9"); !strings.Contains(part.body, "Hi Bea, your") || !strings.Contains(part.body, "Order 9") || strings.Contains(part.body, "<html") {
		t.Errorf("the part: %s", part.body)
	}
	b.headers = nil
	b.get(h.path("templates", ch.ID, "news", "en")).is(200).has("WhatsApp rejected this template.", "It advertises", "hand it in under a new name", "News for {{first_name}} <script>x</script> today", `"first_name": ""`)
	b.get(h.path("templates", ch.ID, "order_shipped", "pt_BR")).is(200).has("WhatsApp is looking at it", "takes no values")
	b.get(h.path("templates", ch.ID, "order_shipped", "xx")).is(404)
	b.language = "zh-CN"
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	b.get(list).is(200).has("已批准", "审核中", "已拒绝", "模板")
}

func TestAProviderThatDoesNotAnswerIsSaidInWords(t *testing.T) {
	h, fake, b, _ := templateHouse(t)
	b.post(h.path("templates", "sync"), url.Values{}).is(200)
	fake.Change(func(a *metatest.Account) { a.Invalid = true })
	fake.Next("message_templates", metatest.Answer{Code: 190})
	s := b.post(h.path("templates", "sync"), url.Values{}).has("The templates of Shop could not be read. Those below are as they were.", "order_shipped", "Not read")
	if s.status < 400 {
		t.Errorf("answered %d", s.status)
	}
}

// draft is a template that keeps the rules.
func draft(ch relay.Channel) url.Values {
	return url.Values{"hand_in": {"1"}, "channel": {ch.ID}, "name": {"pickup_ready"}, "language": {"en"}, "category": {"UTILITY"}, "header_kind": {"text"}, "header_text": {"Order {{1}}"}, "h0": {"4711"},
		"body": {"Hi {{1}}, your order is ready at {{2}}."}, "v0": {"Ann"}, "v1": {"Main Street"}, "footer": {"Lucky Shrub"}, "button0_type": {"quick_reply"}, "button0_text": {"Thanks"}, "button0_url": {"ignored"}}
}

func TestATemplateIsHandedInOnceItKeepsTheRules(t *testing.T) {
	h, fake, b, ch := templateHouse(t)
	form := h.path("templates", "new")
	b.get(form+"?channel="+ch.ID).is(200).has("Hand in for approval", "Small letters, digits and underscores")
	bad := draft(ch)
	for name, value := range map[string]string{"name": "Pickup Ready!", "language": "english", "header_text": strings.Repeat("x", 70), "body": "{{1}} is {{3}}", "v0": "", "footer": "{{1}}", "button0_text": strings.Repeat("y", 30)} {
		bad.Set(name, value)
	}
	s := b.post(form, bad).is(422).has("fields have to be mended")
	for field, want := range map[string]string{"name": "small letters", "language": "such as en or pt_BR", "header_text": "at most 60", "body": "may not begin or end", "footer": "no variables", "v0": "An example is empty.", "button0_text": "at most 25"} {
		if got := s.wrongAt(field); !strings.Contains(got, want) {
			t.Errorf("at %s: %q", field, got)
		}
	}
	if n := len(fake.Templates()); n != 3 {
		t.Fatalf("something was handed in: %d", n)
	}
	b.post(form, draft(ch)).is(200).has("Handed in.", "WhatsApp is looking at it", "Hi Ann, your order is ready at Main Street.", "Thanks")
	if n := len(fake.Templates()); n != 4 {
		t.Errorf("Meta has %d templates", n)
	}
	b.post(form, draft(ch)).is(422).has("The provider did not take the template.")
	foreign := draft(ch)
	foreign.Set("channel", h.channel.ID)
	b.post(form, foreign).is(422)
	b.language = "pt-BR"
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	if got := b.post(form, bad).is(422).wrongAt("body"); !strings.Contains(got, "1.024 caracteres") || !strings.Contains(got, "{{1}}") {
		t.Errorf("in Portuguese: %q", got)
	}
}

func TestTheFormHelpsToWrite(t *testing.T) {
	h, _, b, ch := templateHouse(t)
	form := h.path("templates", "new")
	with := draft(ch)
	with.Del("hand_in")
	with.Set("add", "variable")
	s := b.post(form, with).is(200)
	if n := s.all("input", "name", "v2"); len(n) != 1 {
		t.Error("there is no field for the third example")
	}
	s.has("{{3}}")
	with.Set("add", "button")
	b.post(form, with).is(200).has("Button 2")
	with.Del("add")
	with.Set("drop", "0")
	b.post(form, with).is(200).hasNot("button0_type")
	b.headers = map[string]string{"HX-Request": "true"}
	with.Del("drop")
	if part := b.post(form, with); !strings.Contains(part.body, "Hi Ann, your order is ready") || strings.Contains(part.body, "<html") {
		t.Errorf("the preview: %s", part.body)
	}
	with.Set("part", "examples")
	with.Set("body", "One {{name}} here")
	if part := b.post(form, with); !strings.Contains(part.body, "Value for {{name}}") {
		t.Errorf("the examples: %s", part.body)
	}
}

func TestViewersReadTemplatesOnly(t *testing.T) {
	h, _, b, ch := templateHouse(t)
	b.post(h.path("templates", "sync"), url.Values{}).is(200)
	v := h.somebody(account.Viewer)
	v.get(h.path("templates")).is(200).has("order_shipped").hasNot("templates/new", "templates/sync")
	v.get(h.path("templates", ch.ID, "order_shipped", "en")).is(200).has("Hi Ann")
	v.get(h.path("templates", "new")).is(403)
	v.post(h.path("templates", "new"), draft(ch)).is(403)
	v.post(h.path("templates", "sync"), url.Values{}).is(403)
}
