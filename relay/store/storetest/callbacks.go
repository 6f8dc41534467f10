package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func toldBack() []storyCase {
	return []storyCase{
		{"ReportsOnAnAddressOfTheirOwnSayNothingOfTheWindow", reportsAlone},
		{"AScheduledTextIsJudgedByTheWindowWhenItLeaves", scheduledOutside},
		{"ACallbackThatCannotBeReadIsToldFromAFaultOfTheServer", unreadable},
	}
}

// told is one callback on a part of the channel's address.
func (w *world) told(ch relay.Channel, part string, got relay.Received) {
	w.t.Helper()
	body, err := json.Marshal(got)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.relay.Receive(w.t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Part: part, Body: body, At: time.Now()}); err != nil {
		w.t.Fatalf("callback: %v", err)
	}
}

// Some providers are given the address of reports with each message, so that
// reports come although nobody has said where messages of people should go.
func reportsAlone(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	rep := relay.Received{Reports: []relay.Report{{MessageID: "wa_backend:3EB0000000000000000000", Status: relay.Delivered, At: time.Now()}}}
	for range 6 {
		w.told(ch, "status", rep)
		w.told(ch, "", relay.Received{Templates: []relay.TemplateChange{{ID: "1", Status: relay.TemplatePaused}}})
		time.Sleep(6 * time.Hour)
	}
	w.accept(via(ch, text("+14151231234", "hello")))
	for range 6 { // one address for all: what people write comes there too
		w.told(ch, "", rep)
		time.Sleep(6 * time.Hour)
	}
	w.refused(via(ch, text("+14151231234", "hello")), relay.CodeWindowClosed)
	if c, err := w.relay.Channel(t.Context(), w.ws.ID, ch.ID); err != nil || time.Since(c.CallbacksSince) != 36*time.Hour {
		t.Errorf("callbacks since %s ago, %v", time.Since(c.CallbacksSince), err)
	}
}

// The person may write before a scheduled message leaves.
func scheduledOutside(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.certain(ch, "+14159990000")
	later := func(phone string) string {
		a := via(ch, text(phone, "hello"))
		a.SendAt, a.ExpiresIn = time.Now().Add(23*time.Hour), 48*time.Hour
		return w.accept(a)
	}
	silent, writes := later("+14159990000"), later("+14151231234")
	time.Sleep(20 * time.Hour)
	w.wrote(ch, "+14151231234")
	w.dispatch(4 * time.Hour)
	w.is(relay.Failed, silent)
	w.is(relay.Sent, writes)
	if got := w.entries(silent); !slices.Equal(got, []quota.Kind{quota.KindDebit, quota.KindRefund}) {
		t.Errorf("its entries are %v", got)
	}
	w.balance(99, 0, 1)
}

// A provider that is told of a call that it made wrongly does not repeat it.
func unreadable(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	call := func(body string) error {
		_, err := w.relay.Receive(t.Context(), ch.ID, ch.CallbackKey, relay.Callback{Body: []byte(body), At: time.Now()})
		return err
	}
	if err := call("no JSON"); !errors.Is(err, relay.ErrUnreadable) {
		t.Errorf("what cannot be read: %v", err)
	}
	w.update(func(_ *report, tx relay.Tx) error {
		c, err := tx.Channel(t.Context(), w.ws.ID, ch.ID)
		c.Settings = json.RawMessage(`{"sealed":"AAAA"}`) // of another key
		return errors.Join(err, tx.PutChannel(t.Context(), c))
	})
	if err := call("{}"); err == nil || errors.Is(err, relay.ErrUnreadable) {
		t.Errorf("with settings that cannot be opened: %v", err)
	}
}
