package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func templated(ch relay.Channel, name, language string, values ...string) relay.Action {
	return relay.Action{AccountPhone: ch.Phone, To: relay.Address{Phone: "+14151231234"}, Template: &relay.TemplateCall{Name: name, Language: language, Variables: values}}
}

// knownTemplates are what the provider lists.
func knownTemplates() []relay.Template {
	return []relay.Template{
		{ID: "1", Name: "order", Language: "en", Category: relay.Utility, Status: relay.TemplateApproved, Header: &relay.TemplateHeader{Kind: "text", Text: "Order {{1}}"},
			Body: "Hi {{2}}, {{1}} left.", Buttons: []relay.TemplateButton{{Type: "quick_reply", Text: "Thanks"}, {Type: "phone_number", Text: "Call", Phone: "+1"}, {Type: "url", Text: "Track", URL: "https://s.example/{{1}}"}}},
		{ID: "2", Name: "order", Language: "pt_BR", Status: relay.TemplateRejected, Reason: "INVALID_FORMAT", Body: "Oi"},
		{ID: "3", Name: "invoice", Language: "en", Status: relay.TemplateApproved, Header: &relay.TemplateHeader{Kind: "document"}, Body: "Here it is, {{first_name}}."},
		{ID: "4", Name: "news", Language: "en", Status: relay.TemplateApproved, Body: "News: {{1}} See you."},
	}
}

func templating(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	// what was never read is the provider's to judge
	early := w.accept(templated(ch, "whatever", "en", "a", "b"))
	w.provider.templates = knownTemplates()
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	fields := func(a relay.Action, want relay.Code, says string) {
		t.Helper()
		_, err := w.relay.Accept(t.Context(), w.now(), a)
		w.code(err, want)
		if e, ok := errors.AsType[*relay.Error](err); ok && !strings.Contains(e.Message, says) {
			t.Errorf("%s: %q does not say %q", want, e.Message, says)
		}
	}
	fields(templated(ch, "orders", "en"), relay.CodeTemplateUnknown, `no template named "orders"`)
	fields(templated(ch, "order", "es"), relay.CodeTemplateUnknown, "It is there in en, pt_BR.")
	fields(templated(ch, "order", "pt_BR"), relay.CodeTemplateUnknown, "rejected. The provider says: INVALID_FORMAT.")
	fields(templated(ch, "order", "en", "a"), relay.CodeTemplateVariables, "3 variables ({{1}}, {{1}}, {{2}}); the call gives 1")
	fields(templated(ch, "order", "en", "a", "b", " "), relay.CodeTemplateVariables, "empty")
	fields(templated(ch, "order", "en", "a", "b", "c"), relay.CodeTemplateVariables, `button "Track" needs a value`)
	fields(templated(ch, "invoice", "en", "Ann"), relay.CodeMissingField, "begins with a file")
	named := templated(ch, "invoice", "en", "Ann")
	named.Template.Names = []string{"name"}
	fields(named, relay.CodeTemplateVariables, "{{first_name}}")
	withFile := templated(ch, "order", "en", "a", "b", "c")
	withFile.Template.Buttons, withFile.FileURL, withFile.FileName = []string{"", "x"}, "https://f.example/a.pdf", "a.pdf"
	fields(withFile, relay.CodeInvalidField, "no place for a file")
	w.refused(relay.Action{To: relay.Address{Phone: "+14151231234"}, AccountPhone: w.ch.Phone, Template: &relay.TemplateCall{Name: "order", Language: "en"}}, relay.CodeTemplateUnsupported)

	full := templated(ch, "order", "EN", "77", "line\nbreak", "Ann")
	full.Template.Buttons = []string{"", "orders/77"}
	sent := w.accept(full)
	invoice := templated(ch, "invoice", "en", "Ann")
	invoice.FileURL, invoice.FileName = "https://f.example/a.png", "a.png"
	doc := w.accept(invoice)
	w.dispatch(time.Minute)
	w.is(relay.Sent, early, sent, doc)
	w.balance(97, 0, 3)
	if out := w.provider.given(sent).Template; out.ID != "1" || out.Language != "en" || fmt.Sprint(out.Header, out.Body, out.Buttons) != "[{ 77}] [{ line break} { Ann}] [{2 url orders/77}]" {
		t.Errorf("the driver got %+v", out)
	}
	if out := w.provider.given(doc); out.File == nil || out.File.Kind != relay.Document || out.Template.Body[0] != (relay.TemplateValue{Name: "first_name", Text: "Ann"}) {
		t.Errorf("the driver got %+v, %+v", out.File, out.Template)
	}
	if out := w.provider.given(early).Template; out.ID != "" || len(out.Body) != 2 || out.Body[1].Text != "b" {
		t.Errorf("the driver got %+v", out)
	}
}

func syncing(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	state := func() string {
		t.Helper()
		c, list, err := w.relay.Templates(t.Context(), w.ws.ID, ch.ID)
		if err != nil {
			t.Fatal(err)
		}
		var s []string
		for _, x := range list {
			s = append(s, fmt.Sprintf("%s/%s %s", x.Name, x.Language, x.Status))
		}
		return strings.Join(s, ", ") + "; " + c.TemplatesFault
	}
	w.provider.templates = knownTemplates()
	if err := w.relay.SyncAllTemplates(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != "invoice/en approved, news/en approved, order/en approved, order/pt_BR rejected; " {
		t.Errorf("after the first list: %s", got)
	}
	time.Sleep(time.Hour)
	w.callback(ch, relay.Received{Templates: []relay.TemplateChange{
		{Name: "order", Language: "pt-BR", Status: relay.TemplateApproved}, {ID: "4", Status: relay.TemplatePaused, Reason: "low quality"}, {ID: "99", Status: relay.TemplateApproved},
	}})
	if got := state(); got != "invoice/en approved, news/en paused, order/en approved, order/pt_BR approved; " {
		t.Errorf("after the push: %s", got)
	}
	w.refused(templated(ch, "news", "en", "x"), relay.CodeTemplateUnknown)
	w.provider.broken = &relay.SendError{Verdict: relay.ChannelFault, Reason: "the token is not valid any more"}
	_, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID)
	w.code(err, relay.CodeProviderFailed)
	if got := state(); !strings.HasSuffix(got, "The provider did not do it: the token is not valid any more") || !strings.HasPrefix(got, "invoice/en approved") {
		t.Errorf("after a list that failed: %s", got)
	}
	w.provider.broken, w.provider.templates = nil, knownTemplates()[:1]
	time.Sleep(time.Hour)
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != "order/en approved; " {
		t.Errorf("after a shorter list: %s", got)
	}
	w.code(third(w.relay.Templates(t.Context(), w.ws.ID, "ch_x")), relay.CodeNotFound)
	_, err = w.relay.SyncTemplates(t.Context(), w.ws.ID, w.ch.ID)
	w.code(err, relay.CodeTemplateUnsupported)
}

func third[A, B any](_ A, _ B, err error) error { return err }

func submitting(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	good := relay.Template{Name: "order_sent", Language: "pt-br", Category: relay.Utility, Body: "Hi {{1}}, it left.", Samples: []string{"Ann"},
		Header: &relay.TemplateHeader{Kind: "image", Sample: "https://f.example/a.png"}}
	got, err := w.relay.SubmitTemplate(t.Context(), w.ws.ID, ch.ID, good)
	if err != nil || got.Language != "pt_BR" || got.Status != relay.TemplatePending || got.ID == "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, list, err := w.relay.Templates(t.Context(), w.ws.ID, ch.ID); err != nil || len(list) != 1 || list[0].ID != got.ID {
		t.Errorf("kept %+v, %v", list, err)
	}
	bad := good
	bad.Name, bad.Samples = "Order sent", nil
	_, err = w.relay.SubmitTemplate(t.Context(), w.ws.ID, ch.ID, bad)
	w.code(err, relay.CodeInvalidField)
	if e, ok := errors.AsType[*relay.Error](err); !ok || len(e.Fields) != 2 {
		t.Errorf("got %v", err)
	}
	if n := len(w.files.kept); n != 0 {
		t.Errorf("%d sample files are still kept", n)
	}
}
