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
		{"ASenderIsConnectedOnceInAWorkspace", senders},
		{"AnOwnerIsWarnedFourteenThreeAndOneDaysBeforeCredentialsEnd", warned},
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
	for _, bad := range []relay.TemplateRef{{Name: "order", Language: "en"}, {Name: "invoice", Language: "en"}, {Name: "news", Language: "es"}} {
		_, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, ch.ID, relay.ChannelPatch{Fallback: &bad})
		w.code(err, relay.CodeInvalidField)
	}
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

func warned(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	end := time.Now().Add(16 * 24 * time.Hour)
	w.provider.findings = func() []relay.Finding {
		return []relay.Finding{{Subject: "access token", State: relay.Well, Until: end}}
	}
	var told []int
	for last := 0; time.Now().Before(end); time.Sleep(12 * time.Hour) {
		if err := w.relay.CheckCredentials(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.CredentialsWarned != last {
			last = c.CredentialsWarned
			told = append(told, last)
		}
		notice := strings.Join(w.relay.Notices(c, time.Now()), " ")
		if near := time.Until(end) < 14*24*time.Hour; near != strings.Contains(notice, "The access token ends at") {
			t.Errorf("%s before the end the owner reads %q", time.Until(end), notice)
		}
	}
	if !slices.Equal(told, []int{14, 3, 1}) {
		t.Errorf("warned %v days before, want 14, 3 and 1", told)
	}
	c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID)
	if notice := strings.Join(w.relay.Notices(c, time.Now().Add(time.Hour)), " "); err != nil || !strings.Contains(notice, "ended at") {
		t.Errorf("after the end the owner reads %q, %v", notice, err)
	}
}

func senders(t *testing.T, w *world) {
	one, two := w.provided("+15550002222", "acc/1", 1), w.provided("+15550003333", "acc/2", 1)
	_, err := w.relay.CreateChannel(t.Context(), w.ws.ID, relay.NewChannel{Kind: "provider", Phone: "+15550004444", Settings: json.RawMessage(`{"account":"acc/1"}`)})
	w.code(err, relay.CodeConflict)
	_, err = w.relay.UpdateChannel(t.Context(), w.ws.ID, two.ID, relay.ChannelPatch{Settings: json.RawMessage(`{"account":"acc/1"}`)})
	w.code(err, relay.CodeConflict)
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, two.ID); err != nil || c.Account != "acc/2" {
		t.Errorf("after the refusal it is of %q, %v", c.Account, err)
	}
	// an outage of the account is one of both senders
	w.provider.fails(&relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Outage: true})
	for i := range 10 {
		w.accept(via(one, text(fmt.Sprintf("+1415123%04d", i), "x")))
	}
	w.dispatch(5 * time.Second)
	for _, ch := range []relay.Channel{one, two} {
		if n := w.relay.Notices(ch, time.Now()); len(n) != 1 {
			t.Errorf("the owner of %s reads %q", ch.Account, n)
		}
	}
	w.accept(via(two, text("+14151241234", "x")))
	w.provider.does(nil)
	if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, one.ID); err != nil {
		t.Fatal(err)
	}
	w.provided("+15550004444", "acc/1", 1)
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
