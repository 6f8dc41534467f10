package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/relay/driver/meta/metatest"
)

// slowly lets the provider take what it is sent and answer late.
func (w *world) slowly(late time.Duration) {
	w.inFront(func(rw http.ResponseWriter, r *http.Request) {
		said := httptest.NewRecorder()
		w.fake.ServeHTTP(said, r)
		pause(late)
		maps.Copy(rw.Header(), said.Header())
		rw.WriteHeader(said.Code)
		rw.Write(said.Body.Bytes())
	})
}

// A process that is killed in the middle of 30 messages loses none of them and
// sends none twice.
func TestAKilledServerSendsNothingTwiceThroughAProvider(t *testing.T) {
	for _, kind := range []string{"meta", "twilio"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind, nil)
			w.slowly(300 * time.Millisecond)
			w.connect(map[string]any{"concurrency": 4, "spacing_ms": map[string]int{"min": 0, "max": 0}})
			var ids []string
			for i := range 30 {
				ids = append(ids, w.send(fmt.Sprintf(`"phone":"+141555501%02d","text":"message %d"`, i, i)))
			}
			eventually(t, 15*time.Second, "the provider has some of them", func() bool { return len(w.taken()) >= 9 })
			w.p.kill()
			hook, before := w.p.hook, w.p.stderr.String()
			w.p = start(t, w.dir, w.env...)
			w.p.hook, w.earlier = hook, before
			never := w.settled(ids)
			for _, id := range ids {
				if !slices.Contains(never, id) {
					w.becomes(id, "delivered")
				}
			}
			if got, want := w.spent(), fmt.Sprintf("%d+%d", len(ids)-len(never), len(never)); got != want {
				t.Errorf("spent %s, want %s", got, want)
			}
			w.ends("+141555501", "message 7")
		})
	}
}

// settled waits until every message was taken once, and tells that it was
// delivered. A message whose call was broken off before its first byte was
// never taken: it stays unknown, as nobody may send it again.
func (w *world) settled(ids []string) (never []string) {
	w.t.Helper()
	times, interrupted := map[string]int{}, 0
	eventually(w.t, 30*time.Second, "the provider has all of them", func() bool {
		clear(times)
		never, interrupted = nil, 0
		for _, g := range w.taken() {
			times[g.ref]++
		}
		for _, m := range w.p.messages(w.t, w.ws) {
			if m["status"] == "unknown" {
				interrupted++
				if times[m["id"].(string)] == 0 {
					never = append(never, m["id"].(string))
				}
			}
		}
		return len(times)+len(never) >= len(ids)
	})
	for _, g := range w.taken() {
		w.told(told{g, "delivered", 0})
	}
	for id, n := range times {
		if n != 1 || !slices.Contains(ids, id) {
			w.t.Errorf("the provider took %s %d times", id, n)
		}
	}
	w.t.Logf("%d calls were broken off by the kill, %d of them before the provider had them", interrupted, len(never))
	if len(never) > 4 {
		w.t.Errorf("%d messages were never sent, more than were under way", len(never))
	}
	return never
}

// A channel of an official API sends as fast as the provider allows, and no
// faster.
func TestAHighVolumeChannelKeepsToTheProvidersRate(t *testing.T) {
	const messages, perSecond = 640, 80
	const burst = perSecond/10 + 32 // and what is under way at once
	w := newWorld(t, "meta", nil, "RELEVO_LOG__LEVEL=warn")
	var mu sync.Mutex
	var at []time.Time
	w.inFront(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/messages") {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
		}
		pause(100 * time.Millisecond)
		w.fake.ServeHTTP(rw, r)
	})
	w.connect(map[string]any{"concurrency": 32, "spacing_ms": map[string]int{"min": 0, "max": 0}})
	var posting sync.WaitGroup
	numbers := make(chan int)
	for range 8 {
		posting.Go(func() {
			for n := range numbers {
				body := fmt.Sprintf(`{"action":"send","phone":"+1415555%04d","text":"message %d"}`, n, n)
				if status, answer, err := post(w.p.hook, body); status != http.StatusOK {
					t.Errorf("status %d: %v %v", status, answer, err)
				}
			}
		})
	}
	for n := range messages {
		numbers <- n
	}
	close(numbers)
	posting.Wait()
	f := w.acted.fake.(*metatest.Fake)
	eventually(t, 40*time.Second, "all are taken", func() bool { return len(f.Taken()) >= messages })
	mu.Lock()
	defer mu.Unlock()
	slices.SortFunc(at, time.Time.Compare)
	rate := float64(len(at)-1) / at[len(at)-1].Sub(at[0]).Seconds()
	most := 0
	for i, from := range at {
		n, _ := slices.BinarySearchFunc(at[i:], from.Add(time.Second), time.Time.Compare)
		most = max(most, n)
	}
	t.Logf("%d messages, %.1f a second; at most %d in one second", len(at), rate, most)
	if len(at) != messages || rate < 60 || most > perSecond+burst {
		t.Errorf("%d messages at %.1f a second, at most %d in one second; want %d at 60 or more, at most %d", len(at), rate, most, messages, perSecond+burst)
	}
	// After the first burst the long run is what the provider allows.
	later := at[len(at)/4:]
	if long := float64(len(later)-1) / later[len(later)-1].Sub(later[0]).Seconds(); long > perSecond*1.1 {
		t.Errorf("in the long run %.1f a second, over %d", long, perSecond)
	}
}
