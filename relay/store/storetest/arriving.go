package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func arriving() []storyCase {
	return []storyCase{
		{"ADriverThatPanicsOverAFileTakesNobodyWithIt", panickingMedia},
		{"WhatPeopleWriteLeavesTheReserveOfTheDiskAlone", reserveOfDisk},
		{"ABatchOfAThousandReportsIsTakenWhileItsProviderWaits", manyReports},
		{"AnEndlessNameOfASenderIsNobodysTrouble", endlessSender},
	}
}

// inboundOf are the files of the only message that people wrote to a channel.
func (w *world) inboundOf(ch relay.Channel) []relay.ReceivedFile {
	w.t.Helper()
	list, _, err := w.store.Inbounds(w.t.Context(), w.ws.ID, ch.ID, "", relay.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%d messages were kept, %v", len(list), err)
	}
	return list[0].Files
}

func withFile(id string) relay.Received {
	return relay.Received{Inbound: []relay.Inbound{{ID: id, From: "+14159990000", Kind: "image", At: time.Now(), Files: []relay.InboundFile{{ID: "one"}}}}}
}

func panickingMedia(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.provider.media = func(relay.InboundFile) (string, error) { panic("boom") }
	w.callback(ch, withFile("in"))
	w.dispatch(2 * time.Hour)
	if f := w.inboundOf(ch)[0]; f.Missing == "" || f.Key != "" {
		t.Errorf("the file is %+v", f)
	}
}

// short is a store with less room than its reserve.
type short struct {
	relay.Store
	on bool
}

func (s *short) Free() int64 {
	if s.on {
		return -1
	}
	return s.Store.Free()
}

func reserveOfDisk(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	fetched := 0
	w.provider.media = func(relay.InboundFile) (string, error) { fetched++; return "x", nil }
	id := w.accept(via(ch, text("+14151231234", "hello")))
	w.dispatch(time.Second)
	w.callback(ch, withFile("in"))
	s := &short{Store: w.store, on: true}
	w.relay.Store = s
	w.dispatch(time.Hour)
	if fetched != 0 {
		t.Errorf("a file was fetched %d times onto a full disk", fetched)
	}
	receive := func(body string) error {
		_, err := w.relay.Receive(t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Body: []byte(body), At: time.Now()})
		return err
	}
	err := receive(fmt.Sprintf(`{"Reports":[{"MessageID":%q,"Status":"delivered"}],"Inbound":[{"ID":"2","From":"+1","Text":"hi"}]}`, id))
	if !errors.Is(err, relay.ErrDiskFull) {
		t.Errorf("a message onto a full disk: %v", err)
	}
	w.is(relay.Delivered, id) // what calls in flight need is what the reserve is for
	s.on = false
	w.dispatch(time.Minute)
	if f := w.inboundOf(ch)[0]; f.Key == "" || fetched != 1 {
		t.Errorf("once there is room the file is %+v", f)
	}
}

// An address without a signature takes what anybody says who knows it.
func endlessSender(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	long := strings.Repeat("x", 70_000)
	for _, in := range []relay.Inbound{{ID: "1", User: long}, {ID: "2", From: "+" + strings.Repeat("1", 70_000)}, {ID: long, From: "+14159990000"}, {ID: "3", From: "+1", Name: long, Kind: long, Text: long}} {
		in.At = time.Now()
		w.callback(ch, relay.Received{Inbound: []relay.Inbound{in}})
	}
	w.callback(ch, relay.Received{Reports: []relay.Report{{ProviderID: long, Status: relay.Sent}, {MessageID: long, Status: relay.Sent}}})
	list, _, err := w.store.Inbounds(t.Context(), w.ws.ID, ch.ID, "", relay.Page{Limit: 10})
	if err != nil || len(list) != 1 || list[0].ProviderID != "3" {
		t.Errorf("%d messages were kept, %v", len(list), err)
	}
}

// slow is a store on a disk that takes its time for a commit.
type slow struct{ relay.Store }

func (s slow) Update(ctx context.Context, fn func(relay.Tx) error) error {
	select {
	case <-time.After(20 * time.Millisecond):
		return s.Store.Update(ctx, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func manyReports(t *testing.T, w *world) {
	const n = 1000
	w.grant("more", n)
	ch := w.provided("+15550002222", "a", 1)
	var got relay.Received
	for i := range n {
		id := w.accept(via(ch, text(fmt.Sprintf("+1415123%04d", i), "x")))
		for _, s := range []relay.Status{relay.Delivered, relay.Read} {
			got.Reports = append(got.Reports, relay.Report{MessageID: id, Status: s, At: time.Now()})
		}
	}
	w.dispatch(time.Hour)
	w.relay.Store = slow{w.store}
	body, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := w.relay.Receive(ctx, ch.ID, ch.CallbackKey, relay.Callback{Body: body, At: time.Now()}); err != nil {
		t.Error(err)
	}
	for _, rep := range got.Reports[n:] {
		if m := w.message(rep.MessageID); m.Status != relay.Read || m.History[len(m.History)-2].Status != relay.Delivered {
			t.Fatalf("it is %s, by way of %v", m.Status, m.History)
		}
	}
}
