package storetest

import (
	"testing"
	"time"

	"relevo/relay"
)

// listedWhole pages through what waits and then through the log.
func listedWhole(t *testing.T, w *world) {
	e := w.endpoint(listening, relay.EventAccepted)
	const delivered, waiting = 12, 17
	for range delivered {
		w.accept(text("+1", "x"))
	}
	w.delivering(time.Minute)
	for range waiting {
		w.accept(text("+1", "y"))
	}
	for _, limit := range []int{1, 7, waiting, waiting + delivered, 100} {
		seen := map[string]bool{}
		f := relay.EventFilter{Workspace: w.ws.ID, Endpoint: e.ID}
		for p := (relay.Page{Limit: limit}); ; {
			some, next, err := w.relay.EndpointEvents(t.Context(), f, p)
			if err != nil || len(some) > limit {
				t.Fatalf("pages of %d: %d events after %d (%v)", limit, len(some), len(seen), err)
			}
			for _, ev := range some {
				if seen[ev.ID] {
					t.Errorf("pages of %d: %s is listed twice", limit, ev.ID)
				}
				seen[ev.ID] = true
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
		if len(seen) != delivered+waiting {
			t.Errorf("pages of %d list %d events, want %d", limit, len(seen), delivered+waiting)
		}
	}
}
