package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func deletedListener(t *testing.T, w *world) {
	w.endpoint(listening)
	w.accept(text("+1", "x"))
	if err := w.relay.DeleteWorkspace(t.Context(), w.ws.ID); err != nil {
		t.Fatal(err)
	}
	w.delivering(time.Minute)
	if n := len(w.receiver.made("")); n != 0 || w.cards("bell") != 0 {
		t.Errorf("%d tries, %d bells", n, w.cards("bell"))
	}
}

func oneNodeAtATime(t *testing.T, w *world) {
	for n := range 5 {
		w.endpoint(fmt.Sprintf("https://%d.example", n))
	}
	w.receiver.takes = 100 * time.Millisecond
	w.set.Shared = true
	w.start()
	one := w.relay
	w.set.Node = "another"
	w.start()
	stops := []func(){w.couriers()}
	w.relay, one = one, w.relay
	stops = append(stops, w.couriers())
	for range 10 {
		w.accept(text("+1", "x"))
		w.relay, one = one, w.relay
		time.Sleep(10 * time.Millisecond) // two nodes agree on the order of what is not at once
	}
	w.dispatch(time.Minute)
	time.Sleep(time.Minute)
	for _, stop := range stops {
		stop()
	}
	for n := range 5 {
		url := fmt.Sprintf("https://%d.example", n)
		made := w.receiver.made(url)
		if len(made) != 20 || !slices.IsSortedFunc(made, func(a, b posted) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%s got %d, want 20 in order", url, len(made))
		}
	}
	if w.receiver.most != 1 {
		t.Errorf("%d posts at once to one endpoint", w.receiver.most)
	}
}

func afterCrash(t *testing.T, w *world) {
	w.endpoint(listening)
	w.receiver.answers(500)
	w.tells()
	w.delivering(time.Second)
	w.crash()
	w.receiver.answers(200)
	w.tells()
	w.delivering(time.Minute)
	equal(t, "taken", w.receiver.took(listening), slices.Concat(wholeStory, wholeStory))
}

// takenOver lets a node die in the middle of a post: what it held is another
// one's once its lease has ended, and its own successor's at once.
func takenOver(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	id := w.accept(text("+1", "x"))
	w.receiver.takes = 10 * time.Hour // it hangs, and its node with it
	w.receiver.answers(410)           // what it says then decides nothing any more
	stop := w.couriers()
	time.Sleep(time.Second)
	dead := w.relay
	w.receiver.mu.Lock()
	w.receiver.takes, w.receiver.does = 0, nil
	w.receiver.mu.Unlock()
	w.set.Node, w.set.Shared = "another", true
	w.start()
	began := time.Now()
	w.delivering(2 * time.Minute)
	made := w.receiver.made("")
	if len(made) != 1 || !strings.Contains(made[0].Body, id) || made[0].At.Sub(began) < 30*time.Second || made[0].At.Sub(began) > 70*time.Second {
		t.Errorf("tries %+v", made)
	}
	time.Sleep(10 * time.Hour)
	stop()
	w.relay = dead
	if n := w.cards("event_log"); n != 1 || w.cards("event") != 0 {
		t.Errorf("%d in the log, %d wait", n, w.cards("event"))
	}
	if n := len(w.receiver.made("")); n != 2 || w.endpointNow(e.ID).Disabled {
		t.Errorf("%d tries, endpoint %+v", n, w.endpointNow(e.ID))
	}
}

func logPruned(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	first := w.accept(text("+1", "x"))
	w.accept(text("+1", "y"))
	w.receiver.tell(func(p relay.Posting) relay.Posted {
		if strings.Contains(p.Body, first) {
			return answer(500)
		}
		return answer(200)
	})
	w.delivering(wholeSchedule)
	for _, c := range []struct {
		wait time.Duration
		want int
	}{{6 * 24 * time.Hour, 2}, {2 * 24 * time.Hour, 1}, {20 * 24 * time.Hour, 1}, {3 * 24 * time.Hour, 0}} {
		time.Sleep(c.wait)
		if err := w.relay.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(w.events(e.ID, "")); got != c.want {
			t.Errorf("%s later: %d events are kept, want %d", c.wait, got, c.want)
		}
	}
}

func tested(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventRead, relay.EventSent)
	got, err := w.relay.TestEndpoint(t.Context(), w.ws.ID, e.ID, "")
	if err != nil || got.Status != 204 || got.Problem != "" || got.Event.Type != relay.EventRead {
		t.Errorf("got %+v (%v)", got, err)
	}
	if made := w.receiver.made(""); len(made) != 1 || made[0].Body != got.Event.Body || len(made[0].Secrets) != 1 {
		t.Errorf("tries %+v", made)
	}
	_, err = w.relay.TestEndpoint(t.Context(), w.ws.ID, e.ID, "message.snet")
	w.code(err, relay.CodeInvalidField)
	if len(w.events(e.ID, "")) != 0 {
		t.Error("it is in the log")
	}
}
