package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"relevo/relay"
)

func toldBack() []storyCase {
	return []storyCase{
		{"ACallbackThatCannotBeReadIsToldFromAFaultOfTheServer", unreadable},
	}
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
