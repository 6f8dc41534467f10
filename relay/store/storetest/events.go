package storetest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func emitting() []storyCase {
	return []storyCase{
		{"AMessagesStoryIsToldStatusByStatus", storyTold},
		{"NothingIsKeptWhereNobodyListens", nobodyListens},
		{"WhatDoesNotHappenIsNotTold", nothingHappens},
		{"EveryEndOfAMessageIsToldByItsOwnName", endsTold},
		{"BothPartsOfAMessageAreTold", partsTold},
		{"WhatPeopleWriteIsToldOnceItsFilesAreHere", receivedTold},
		{"ChannelsThatStopAndGoOnAreToldOnce", channelsTold},
		{"TemplatesThatChangeAreTold", templatesTold},
		{"ARotationIsToldWithoutTheURL", rotationTold},
		{"EachMarkOfTheQuotaIsToldOnceBetweenTwoGrants", marksTold},
		{"ARefusalForWantOfUnitsIsToldOnce", exhaustedTold},
		{"TheFamilysFormHasItsOwnNamesAndBodies", familyTold},
		{"EndpointsAreCheckedAndAtMostTen", endpointsChecked},
	}
}

func storyTold(t *testing.T, w *world) {
	e := w.endpoint(listening)
	id := w.tells()
	equal(t, "events", w.pending(e.ID), wholeStory)
	for _, ev := range w.events(e.ID, relay.EventPending) {
		var b struct {
			Type, Timestamp string
			Workspace       string `json:"workspace_id"`
			Data            struct {
				ID, Status, To, Text string
				Units                int
			}
		}
		if err := json.Unmarshal([]byte(ev.Body), &b); err != nil {
			t.Fatal(err)
		}
		status := strings.TrimPrefix(b.Type, "message.")
		if status == "accepted" {
			status = "queued"
		}
		if b.Type != string(ev.Type) || b.Workspace != w.ws.ID || b.Data.ID != id || b.Data.Status != status || b.Data.To != "+1" || b.Data.Text != "hello" || b.Data.Units != 1 {
			t.Errorf("body %s", ev.Body)
		}
		if at, err := time.Parse(time.RFC3339, b.Timestamp); err != nil || !at.Equal(ev.At) {
			t.Errorf("timestamp %s, want %s", b.Timestamp, ev.At)
		}
	}
}

func nobodyListens(t *testing.T, w *world) {
	w.tells()
	e := w.endpoint(listening, relay.EventRotated)
	no := false
	if _, err := w.relay.UpdateEndpoint(t.Context(), w.ws.ID, w.endpoint("https://b.example").ID, relay.EndpointPatch{Enabled: &no}); err != nil {
		t.Fatal(err)
	}
	w.tells()
	if n := w.cards("event"); n > 0 || len(w.events(e.ID, "")) > 0 {
		t.Errorf("%d events are kept", n)
	}
}

func nothingHappens(t *testing.T, w *world) {
	w.driver.fails(&relay.SendError{Verdict: relay.Refused, Code: relay.CodeRefused, Reason: "no"})
	id := w.accept(text("+1", "hello"))
	w.dispatch(time.Second)
	for w.account().Available > 0 {
		w.accept(text("+2", "filler"))
	}
	e := w.endpoint(listening)
	w.refused(text("+3", "refused"), relay.CodeQuotaExhausted)
	_, err := w.relay.Resend(t.Context(), w.ws.ID, id)
	w.code(err, relay.CodeQuotaExhausted)
	w.report(id, relay.Sent) // of a failed message: into the history
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	equal(t, "events", w.pending(e.ID), []string{"quota.exhausted"})
}

func endsTold(t *testing.T, w *world) {
	e := w.endpoint(listening)
	canceled := w.accept(text("+1", "a"))
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, canceled); err != nil {
		t.Fatal(err)
	}
	late := text("+2", "b")
	late.ExpiresIn = time.Second
	w.accept(late)
	time.Sleep(2 * time.Second)
	if err := w.relay.ExpireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.driver.fails(&relay.SendError{Verdict: relay.Refused, Code: relay.CodeRefused, Reason: "no"})
	failed := w.accept(text("+3", "c"))
	w.dispatch(3 * time.Second)
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	w.accept(text("+4", "d"))
	w.dispatch(3 * time.Second)
	time.Sleep(3 * time.Hour)
	if err := w.relay.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.report(failed, relay.Delivered) // providers do
	w.driver.does(nil)
	if _, err := w.relay.Resend(t.Context(), w.ws.ID, canceled); err != nil {
		t.Fatal(err)
	}
	equal(t, "events", w.pending(e.ID), []string{
		"message.accepted", "message.canceled", "message.accepted", "message.expired", "message.accepted", "message.failed",
		"message.accepted", "message.unconfirmed", "message.delivered", "message.accepted",
	})
	ev := w.events(e.ID, relay.EventPending)[5]
	if !strings.Contains(ev.Body, `"error":{"code":"refused","message":"no"}`) {
		t.Errorf("body %s", ev.Body)
	}
}

func partsTold(t *testing.T, w *world) {
	e := w.endpoint(listening)
	id := w.accept(relay.Action{To: relay.Address{Phone: "+1"}, Text: "x", FileURL: "https://example.com/a.png", FileName: "a.png"})
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, id); err != nil {
		t.Fatal(err)
	}
	equal(t, "events", w.pending(e.ID), []string{"message.accepted", "message.accepted", "message.canceled", "message.canceled"})
	for i, ev := range w.events(e.ID, "") {
		if first := strings.Contains(ev.Body, `"id":"`+id+`"`); first != (i%2 == 0) {
			t.Errorf("event %d: %s", i, ev.Body)
		}
	}
}

func receivedTold(t *testing.T, w *world) {
	e := w.endpoint(listening)
	ch := w.provided("+15550002222", "acct", 1)
	w.provider.media = func(relay.InboundFile) (string, error) { return "content", nil }
	in := []relay.Inbound{
		{ID: "m1", From: "+525512345678", Name: "Ana", Kind: "text", Text: "hi <b>", At: time.Now()},
		{ID: "m2", From: "+525512345678", Kind: "image", Files: []relay.InboundFile{{ID: "f1", Type: "image/png"}}, At: time.Now()},
		{ID: "m3", From: "+525512345678", Kind: relay.KindSystem, Text: "changed number", At: time.Now()},
	}
	w.callback(ch, relay.Received{Inbound: in})
	w.callback(ch, relay.Received{Inbound: in[:1]}) // the provider tells it again
	equal(t, "events before the file", w.pending(e.ID), []string{"channel.connected", "message.received"})
	w.dispatch(time.Minute)
	list := w.events(e.ID, relay.EventPending)
	if len(list) != 3 || list[2].Type != relay.EventReceived {
		t.Fatalf("events %v", w.pending(e.ID))
	}
	if !strings.Contains(list[1].Body, `"text":"hi <b>"`) || !strings.Contains(list[1].Body, `"sender":"+525512345678"`) {
		t.Errorf("body %s", list[1].Body)
	}
	if !strings.Contains(list[2].Body, `/files/0"`) {
		t.Errorf("the file is not in %s", list[2].Body)
	}
}

func channelsTold(t *testing.T, w *world) {
	w.widen(12)
	e := w.endpoint(listening, relay.EventConnected, relay.EventHeld, relay.EventResumed)
	w.toMany(30)
	w.driver.takes = func(relay.Outgoing) time.Duration { return time.Second }
	w.driver.fails(&relay.SendError{Verdict: relay.ChannelFault, Reason: "no balance"})
	w.dispatch(time.Minute)
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	w.channel("+15550003333", 0, 0)
	equal(t, "events", w.pending(e.ID), []string{"channel.held", "channel.resumed", "channel.connected"})
	if b := w.events(e.ID, relay.EventPending)[0].Body; !strings.Contains(b, `"state":"held","reason":"no balance"`) {
		t.Errorf("body %s", b)
	}
}

func templatesTold(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "acct", 1)
	e := w.endpoint(listening, relay.EventTemplate)
	w.provider.templates = []relay.Template{{Name: "a", Language: "en", Status: relay.TemplateApproved}, {Name: "b", Language: "en", Status: relay.TemplatePending}}
	sync := func() {
		t.Helper()
		if _, err := w.relay.SyncTemplates(t.Context(), w.ws.ID, ch.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	sync() // the first list is no news
	w.provider.templates = []relay.Template{{Name: "b", Language: "en", Status: relay.TemplateApproved}}
	sync()
	sync()
	w.callback(ch, relay.Received{Templates: []relay.TemplateChange{{Name: "b", Language: "en", Status: relay.TemplatePaused, Reason: "quality"}}})
	var told []string
	for _, ev := range w.events(e.ID, relay.EventPending) {
		var b struct{ Data struct{ Name, Status string } }
		if err := json.Unmarshal([]byte(ev.Body), &b); err != nil {
			t.Fatal(err)
		}
		told = append(told, b.Data.Name+" "+b.Data.Status)
	}
	slices.Sort(told[:min(2, len(told))])
	equal(t, "told", told, []string{"a deleted", "b approved", "b paused"})
}

func rotationTold(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventRotated)
	ws, err := w.relay.RotateWebhook(t.Context(), w.ws.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.relay.Token(ws)
	if err != nil {
		t.Fatal(err)
	}
	list := w.events(e.ID, "")
	if len(list) != 1 || strings.Contains(list[0].Body, token) || !strings.Contains(list[0].Body, `"previous_valid_until":"`) {
		t.Errorf("events %+v", list)
	}
}

func marksTold(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventLow, relay.EventExhausted)
	told := func() (marks []int) {
		for _, ev := range w.events(e.ID, relay.EventPending) {
			var b struct {
				Data struct {
					Used int `json:"used_percent"`
				}
			}
			if err := json.Unmarshal([]byte(ev.Body), &b); err != nil {
				t.Fatal(err)
			}
			marks = append(marks, b.Data.Used)
		}
		return marks
	}
	var last string
	spend := func(n int) {
		for range n {
			last = w.accept(text("+1", "x"))
		}
	}
	spend(79)
	equal(t, "after 79 of 100", told(), nil)
	spend(1)
	equal(t, "after 80", told(), []int{80})
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, last); err != nil {
		t.Fatal(err)
	}
	spend(1)
	equal(t, "after 80 again", told(), []int{80})
	spend(20)
	equal(t, "after 100", told(), []int{80, 95, 100})
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, last); err != nil {
		t.Fatal(err)
	}
	spend(1)
	equal(t, "one came back and went again", told(), []int{80, 95, 100})
	w.grant("second", 10)
	w.grant("second", 10) // the same grant again
	spend(8)
	equal(t, "after 8 of 10", told(), []int{80, 95, 100, 80})
}

func exhaustedTold(t *testing.T, w *world) {
	for w.account().Available > 1 {
		w.accept(text("+1", "x"))
	}
	e := w.endpoint(listening, relay.EventExhausted)
	both := relay.Action{To: relay.Address{Phone: "+1"}, Text: "x", FileURL: "https://example.com/a.png", FileName: "a.png"}
	w.refused(both, relay.CodeQuotaExhausted)
	w.refused(both, relay.CodeQuotaExhausted)
	equal(t, "events", w.pending(e.ID), []string{"quota.exhausted"})
}

func familyTold(t *testing.T, w *world) {
	e, _, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening, Form: relay.FormTimelines, Types: relay.EventTypes(relay.FormTimelines)})
	if err != nil {
		t.Fatal(err)
	}
	quiet, _, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening, Form: relay.FormTimelines})
	if err != nil {
		t.Fatal(err)
	}
	ch := w.provided("+15550002222", "acct", 1)
	w.callback(ch, relay.Received{Inbound: []relay.Inbound{{ID: "m1", From: "+525512345678", Name: "Ana", Kind: "text", Text: "hi", At: time.Now()}}})
	chat, _, err := w.relay.CreateChat(t.Context(), w.ws.ID, relay.NewChat{Channel: ch.ID, Recipient: "+525512345678"})
	if err != nil {
		t.Fatal(err)
	}
	id := w.accept(relay.Action{To: relay.Address{ChatID: chat.ID}, Text: "hello"})
	w.dispatch(time.Second)
	equal(t, "events", w.pending(e.ID), []string{
		"whatsapp:account:connected", "message:received:new", "message:new", "message:sent:new", "message:new",
	})
	equal(t, "events of who did not say which", w.pending(quiet.ID), []string{"whatsapp:account:connected", "message:received:new", "message:sent:new"})
	list := w.events(e.ID, "")
	for i, want := range map[int][]string{
		1: {`"event_type":"message:received:new"`, `"full_name":"Ana"`, `"chat_id":` + chat.ID, `"phone":"+525512345678"`, `"direction":"received"`, `"text":"hi"`},
		3: {`"event_type":"message:sent:new"`, `"chat_id":` + chat.ID, `"direction":"sent"`, `"message_uid":"` + id + `"`, `"phone":"+15550002222"`},
	} {
		for _, part := range want {
			if !strings.Contains(list[i].Body, part) {
				t.Errorf("%s is not in %s", part, list[i].Body)
			}
		}
	}
}

func endpointsChecked(t *testing.T, w *world) {
	for what, n := range map[string]relay.NewEndpoint{
		"url":         {URL: "ftp://a.example"},
		"types":       {URL: listening, Types: []relay.EventType{"message.sent", "message.snet"}},
		"form":        {URL: listening, Form: "other"},
		"secret":      {URL: listening, Secret: "whsec_short"},
		"description": {URL: listening, Description: strings.Repeat("x", 201)},
		"family":      {URL: listening, Form: relay.FormTimelines, Types: []relay.EventType{"message.sent"}},
	} {
		if _, _, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, n); err == nil {
			t.Errorf("%s: it was made", what)
		} else {
			w.code(err, relay.CodeInvalidField)
		}
	}
	for range relay.MaxEndpoints {
		w.endpoint(listening)
	}
	_, _, err := w.relay.CreateEndpoint(t.Context(), w.ws.ID, relay.NewEndpoint{URL: listening})
	w.code(err, relay.CodeConflict)
	list, err := w.relay.Endpoints(t.Context(), w.ws.ID)
	if err != nil || len(list) != relay.MaxEndpoints {
		t.Errorf("%d endpoints (%v)", len(list), err)
	}
	_, err = w.relay.Endpoint(t.Context(), w.ws.ID, "ep_00000000000000000000")
	w.code(err, relay.CodeNotFound)
}
