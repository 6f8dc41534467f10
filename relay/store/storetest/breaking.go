package storetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"relevo/relay"
)

func breaking() []storyCase {
	return []storyCase{
		{"AnotherAccountIsNotHeldForTheOutageOfTheOneBefore", anotherAccount},
		{"ANodeThatCannotReachAProviderLeavesAccountsToTheOthers", nodeWithoutNetwork},
	}
}

var unreachable = &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Reason: "the provider could not be reached", Outage: true}

func anotherAccount(t *testing.T, w *world) {
	one, two := w.provided("+15550002222", "a", 1), w.provided("+15550003333", "a", 1)
	w.provider.does(func(out relay.Outgoing) (string, error) {
		if out.Channel.Account == "a" {
			return "", unreachable
		}
		return "p-" + out.MessageID, nil
	})
	for i := range 8 {
		w.accept(via(one, text(fmt.Sprintf("+1415123%04d", i), "x")))
	}
	id := w.accept(via(two, text("+14151259999", "x")))
	w.dispatch(3 * time.Minute)
	w.is(relay.Queued, id)
	if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, two.ID, relay.ChannelPatch{Settings: json.RawMessage(`{"account":"b"}`)}); err != nil {
		t.Fatal(err)
	}
	next := w.accept(via(two, text("+14151258888", "x")))
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, next)
}

// Each node has its own network: a lane that one of them lets rest is nobody's.
func nodeWithoutNetwork(t *testing.T, w *world) {
	w.grant("more", 200)
	w.set.Shared = true
	w.start()
	ch := w.provided("+15550002222", "a", 1)
	w.provider.does(func(relay.Outgoing) (string, error) { return "", unreachable })
	for i := range 8 {
		w.accept(via(ch, text(fmt.Sprintf("+1415123%04d", i), "x")))
	}
	stop := w.work()
	time.Sleep(30 * time.Minute) // it waits for as long as it ever does
	w.set.Node, w.provider = "other", &provider{driver: &driver{}}
	w.start()
	stopOther := w.work()
	for i := range 200 {
		w.accept(via(ch, text(fmt.Sprintf("+1415124%04d", i), "x")))
		time.Sleep(time.Second)
	}
	time.Sleep(2 * time.Minute)
	stop()
	stopOther()
	if n := len(w.provider.made()); n < 150 {
		t.Errorf("%d of 200 messages went out through the node that can reach the provider", n)
	}
}
