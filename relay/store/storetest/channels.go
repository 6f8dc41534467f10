package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func channels() []storyCase {
	return []storyCase{
		{"ATemplateIsCheckedAgainstTheListAndSortedToItsParts", templating},
		{"TheListOfTemplatesIsReadWholeAndPushesAreNewer", syncing},
		{"ATemplateIsSubmittedOnceItKeepsTheRules", submitting},
		{"AFreeTextIsRefusedOnlyWhereTheWindowIsCertainlyClosed", windows},
		{"OutsideTheWindowAFallbackTemplateTakesTheText", fallbacks},
		{"TheWindowIsJudgedAgainWhenAMessageLeaves", windowAtClaim},
		{"AnOutageHoldsAnAccountAndBurnsNothing", outage},
		{"TheFilesOfWhatPeopleWriteAreFetchedAndKept", receivedFiles},
		{"AProvidersRateIsKeptOverManyLanes", rated},
		{"OnePersonIsNotWrittenToFasterThanTheProviderAllows", paired},
	}
}

// provided is a channel of a provider's account, without a pace.
func (w *world) provided(phone, account string, lanes int) relay.Channel {
	w.t.Helper()
	none := time.Duration(0)
	ch, err := w.relay.CreateChannel(w.t.Context(), w.ws.ID, relay.NewChannel{
		Kind: "provider", Phone: phone, SpacingMin: &none, SpacingMax: &none, Concurrency: lanes, Settings: json.RawMessage(`{"account":"` + account + `"}`),
	})
	if err != nil {
		w.t.Fatalf("channel: %v", err)
	}
	return ch
}

// callback lets the provider tell something.
func (w *world) callback(ch relay.Channel, got relay.Received) {
	w.t.Helper()
	body, err := json.Marshal(got)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.relay.Receive(w.t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Body: body, At: time.Now()}); err != nil {
		w.t.Fatalf("callback: %v", err)
	}
}

func (w *world) wrote(ch relay.Channel, from string) {
	w.t.Helper()
	w.calls++
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{{ID: fmt.Sprint("in-", w.calls), From: from, Text: "hi", Kind: "text", At: time.Now()}}})
}

// via is an action on a channel.
func via(ch relay.Channel, a relay.Action) relay.Action {
	a.AccountPhone = ch.Phone
	return a
}

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

func windows(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	to := func(phone string) relay.Action { return via(ch, text(phone, "hello")) }
	w.accept(to("+14151231234")) // nobody knows yet whether callbacks come at all
	w.wrote(ch, "+14159990000")
	time.Sleep(23 * time.Hour)
	w.wrote(ch, "+14159990000")
	w.accept(to("+14151231234")) // they have not been coming for long enough
	time.Sleep(2 * time.Hour)
	w.refused(to("+14151231234"), relay.CodeWindowClosed) // who never wrote
	w.accept(to("+14159990000"))
	w.accept(templated(ch, "any", "en"))
	// somebody wrote of whom only the provider's id is known
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{{ID: "n", User: "US.1", At: time.Now(), Kind: "text"}}})
	w.accept(to("+14151231234"))
	// nothing came for more than a day: callbacks may have stopped
	time.Sleep(50 * time.Hour)
	w.accept(to("+14157770000"))
	w.wrote(ch, "+14159990000")
	w.accept(to("+14157770000"))
	chat, err := w.relay.Inbound(t.Context(), w.ws.ID, ch.ID, relay.Inbound{ID: "z", From: "+14159990000", At: time.Now()})
	if end, ok := w.relay.Window(ch, chat); err != nil || !ok || time.Until(end) != 24*time.Hour {
		t.Errorf("the window ends at %v, %v, %v", end, ok, err)
	}
}

// certain makes it certain that nobody but from has written.
func (w *world) certain(ch relay.Channel, from string) {
	w.wrote(ch, from)
	time.Sleep(23 * time.Hour)
	w.wrote(ch, from)
	time.Sleep(2 * time.Hour)
}

func fallbacks(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.templates = knownTemplates()
	if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	w.certain(ch, "+14159990000")
	if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{Fallback: &relay.TemplateRef{Name: "news", Language: "en"}}); err != nil {
		t.Fatal(err)
	}
	id := w.accept(via(ch, text("+14151231234", "we are\nopen")))
	open := w.accept(via(ch, text("+14159990000", "we are\nopen")))
	file := via(ch, text("+14151231234", "x"))
	file.FileURL, file.FileName = "https://f.example/a.png", "a.png"
	w.refused(file, relay.CodeWindowClosed)
	if a := w.attempts()[2]; len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "template news") {
		t.Errorf("the attempt warns of %q", a.Warnings)
	}
	w.dispatch(time.Minute)
	w.is(relay.Sent, id, open)
	if out := w.provider.given(id); out.Text != "" || out.Template == nil || out.Template.ID != "4" || out.Template.Body[0].Text != "we are open" {
		t.Errorf("outside went %+v", out)
	}
	if out := w.provider.given(open); out.Text != "we are\nopen" || out.Template != nil {
		t.Errorf("inside went %+v", out)
	}
	w.balance(98, 0, 2)
	if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{Fallback: &relay.TemplateRef{}}); err != nil {
		t.Fatal(err)
	}
	w.refused(via(ch, text("+14151231234", "x")), relay.CodeWindowClosed)
	_, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{Fallback: &relay.TemplateRef{Name: "news", Language: "en"}})
	w.code(err, relay.CodeInvalidField)
}

func windowAtClaim(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.certain(ch, "+14159990000")
	if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	a := via(ch, text("+14159990000", "hello"))
	a.ExpiresIn = 72 * time.Hour
	id := w.accept(a)
	time.Sleep(12 * time.Hour)
	w.wrote(ch, "+14158880000")
	time.Sleep(11 * time.Hour)
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, ch.ID); err != nil {
		t.Fatal(err)
	}
	w.dispatch(time.Minute)
	w.is(relay.Failed, id)
	if m := w.message(id); m.Failure == nil || m.Failure.Code != relay.CodeWindowClosed || m.Tries != 0 {
		t.Errorf("failed as %+v after %d tries", m.Failure, m.Tries)
	}
	if got := w.entries(id); !slices.Equal(got, []quota.Kind{quota.KindDebit, quota.KindRefund}) {
		t.Errorf("its entries are %v", got)
	}
	w.balance(100, 0, 0)
}

func outage(t *testing.T, w *world) {
	w.grant("more", 100)
	one, two, other := w.provided("+15550002222", "a", 1), w.provided("+15550003333", "a", 1), w.provided("+15550004444", "b", 1)
	w.provider.does(func(out relay.Outgoing) (string, error) {
		if out.Channel.Account == "a" {
			return "", &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Reason: "the provider could not be reached", Outage: true}
		}
		return "p-" + out.MessageID, nil
	})
	var ids []string
	for i := range 20 {
		ids = append(ids, w.accept(via(one, text(fmt.Sprintf("+1415123%04d", i), "x"))), w.accept(via(two, text(fmt.Sprintf("+1415124%04d", i), "x"))))
	}
	w.dispatch(4 * time.Minute)
	if n := len(w.provider.made()); n < 5 || n > 15 {
		t.Errorf("%d calls in four minutes of an outage, want 5 and a few probes", n)
	}
	w.balance(160, 40, 0)
	well := w.accept(via(other, text("+14151259999", "x")))
	w.dispatch(time.Second)
	w.is(relay.Sent, well)
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, two.ID); err != nil || len(w.relay.Notices(c, time.Now())) != 1 {
		t.Errorf("the owner reads %q, %v", w.relay.Notices(c, time.Now()), err)
	}
	w.provider.does(nil)
	w.dispatch(20 * time.Minute)
	w.is(relay.Sent, ids...)
	w.balance(159, 0, 41)
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, two.ID); err != nil || len(w.relay.Notices(c, time.Now())) != 0 {
		t.Errorf("afterwards the owner reads %q, %v", w.relay.Notices(c, time.Now()), err)
	}
}

func receivedFiles(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	tries := 0
	w.provider.media = func(f relay.InboundFile) (string, error) {
		tries++
		switch {
		case f.ID == "gone":
			return "", &relay.SendError{Verdict: relay.Refused, Reason: "The provider keeps this file no more."}
		case tries < 3:
			return "", errors.New("connection reset")
		}
		return "\x89PNG\r\n\x1a\n" + f.ID, nil
	}
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{{ID: "in", From: "+14159990000", Kind: "image", At: time.Now(),
		Files: []relay.InboundFile{{ID: "one", Name: "a.png"}, {ID: "gone"}, {ID: "three", Type: "image/png"}}}}})
	w.dispatch(5 * time.Minute)
	list, _, err := w.store.Inbounds(t.Context(), w.ws.ID, ch.ID, "+14159990000", relay.Page{Limit: 10})
	if err != nil || len(list) != 1 || len(list[0].Files) != 3 {
		t.Fatalf("kept %+v, %v", list, err)
	}
	m := list[0]
	if m.Files[0].Key == "" || m.Files[0].Type != "image/png" || m.Files[0].Size != 11 || m.Files[1].Missing != "The provider keeps this file no more." || m.Files[2].Key == "" {
		t.Errorf("the files are %+v", m.Files)
	}
	if _, body, err := w.relay.OpenReceived(t.Context(), w.ws.ID, m.ID, 2); err != nil {
		t.Error(err)
	} else {
		body.Close()
	}
	for n, id := range map[int]string{1: m.ID, 3: m.ID, -1: m.ID, 0: "wa_backend:3EB0000000000000000000"} {
		_, _, err := w.relay.OpenReceived(t.Context(), w.ws.ID, id, n)
		w.code(err, relay.CodeNotFound)
	}
	time.Sleep(96 * time.Hour) // longer than files that were sent are kept
	if err := w.relay.PruneFiles(t.Context()); err != nil || len(w.files.kept) != 2 {
		t.Errorf("after four days %d files are kept, %v", len(w.files.kept), err)
	}
	time.Sleep(30 * 24 * time.Hour)
	if err := w.relay.Prune(t.Context()); err != nil || len(w.files.kept) != 0 {
		t.Errorf("after a month %d files are kept, %v", len(w.files.kept), err)
	}
	off := true
	if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{NoFilesIn: &off, NoFilesOut: &off}); err != nil {
		t.Fatal(err)
	}
	tries = 0
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{{ID: "in2", From: "+14159990000", Kind: "image", At: time.Now(), Files: []relay.InboundFile{{ID: "one"}}}}})
	file := via(ch, text("+14159990000", ""))
	file.FileURL, file.FileName = "https://f.example/a.png", "a.png"
	w.refused(file, relay.CodeInvalidField)
	w.dispatch(time.Minute)
	if tries != 0 {
		t.Errorf("%d tries for a file although files are switched off", tries)
	}
}

func rated(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 16)
	w.provider.perSecond = 20
	w.provider.takes = func(relay.Outgoing) time.Duration { return 300 * time.Millisecond }
	for i := range 60 {
		w.accept(via(ch, text(fmt.Sprintf("+1415123%04d", i), "x")))
	}
	w.dispatch(30 * time.Second)
	made := w.provider.made()
	if len(made) != 60 {
		t.Fatalf("%d of 60 were sent", len(made))
	}
	slices.SortFunc(made, func(a, b call) int { return a.Start.Compare(b.Start) })
	for i := range made {
		if i >= 23 && made[i].Start.Sub(made[i-23].Start) < time.Second {
			t.Fatalf("24 calls in %s, where 20 a second are allowed after a burst of 2", made[i].Start.Sub(made[i-23].Start))
		}
	}
	if took := made[59].Start.Sub(made[0].Start); took > 6*time.Second {
		t.Errorf("60 messages at 20 a second took %s", took)
	}
}

func paired(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.pair = 6 * time.Second
	for i := range 6 {
		w.accept(via(ch, text("+14151231234", fmt.Sprint("number ", i))))
	}
	for i := range 3 {
		w.accept(via(ch, text(fmt.Sprintf("+1415124%04d", i), "x")))
	}
	w.dispatch(time.Minute)
	made := w.provider.made()
	if len(made) != 9 {
		t.Fatalf("%d of 9 were sent", len(made))
	}
	var same []time.Time
	for _, c := range made {
		if c.Recipient == "+14151231234" {
			if want := fmt.Sprint("number ", len(same)); c.Text != want {
				t.Errorf("%q came before %q", c.Text, want)
			}
			same = append(same, c.Start)
		} else if d := c.Start.Sub(made[0].Start); d > 2*time.Second {
			t.Errorf("another person waited %s", d)
		}
	}
	if d := same[5].Sub(same[0]); d < 17*time.Second || d > 25*time.Second {
		t.Errorf("six messages to one person took %s, want three at once and one in 6 s", d)
	}
}
