package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"relevo/relay"
)

func pacing() []storyCase {
	return []storyCase{
		{"ALaneNeverFallsBelowItsSpacingThroughHoursRestartsAndPauses", hours},
		{"ALaneThatIsFullSendsAtItsPace", throughput},
		{"TwoLanesDoNotWaitForEachOther", independentLanes},
	}
}

// spaced checks every pair of calls on each channel: never less than least
// between the end of one and the start of the next.
func (w *world) spaced(least map[string]time.Duration) {
	w.t.Helper()
	by := map[string][]call{}
	for _, c := range w.driver.made() {
		by[c.Channel] = append(by[c.Channel], c)
	}
	for channel, calls := range by {
		slices.SortFunc(calls, func(a, b call) int { return a.Start.Compare(b.Start) })
		for i, c := range calls[1:] {
			if rest := c.Start.Sub(calls[i].End); rest < least[channel] {
				w.t.Errorf("channel %s: call %d began %v after the one before had ended, want at least %v", channel, i+1, rest, least[channel])
				return
			}
		}
	}
}

func hours(t *testing.T, w *world) {
	w.grant("more", 10_000)
	least := map[string]time.Duration{w.ch.ID: 2 * time.Second}
	channels := []relay.Channel{w.ch}
	for i, pace := range []struct{ least, most time.Duration }{{5 * time.Second, 9 * time.Second}, {20 * time.Second, time.Minute}} {
		ch := w.channel(fmt.Sprintf("+1555000333%d", i), pace.least, pace.most)
		least[ch.ID] = pace.least
		channels = append(channels, ch)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	w.driver.takes = func(relay.Outgoing) time.Duration {
		return time.Duration(len(w.driver.made())*7919%9000) * time.Millisecond
	}
	w.driver.does(func(out relay.Outgoing) (string, error) {
		switch len(w.driver.made()) % 11 {
		case 3:
			return "", &relay.SendError{Verdict: relay.Deferred}
		case 5:
			return "", &relay.SendError{Verdict: relay.Refused}
		case 7:
			return "", &relay.SendError{Verdict: relay.Unsure}
		}
		return "p-" + out.MessageID, nil
	})
	accepted := 0
	for round := range 12 { // more than two hours
		for range 30 {
			a := text(fmt.Sprintf("+%d", rnd.IntN(40)), "x")
			a.AccountPhone = channels[rnd.IntN(len(channels))].Phone
			w.accept(a)
			accepted++
		}
		paused := channels[round%3]
		stop := w.work()
		time.Sleep(time.Duration(5+rnd.IntN(3)) * time.Minute)
		if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, paused.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Millisecond)
		if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, paused.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5*60_000+rnd.IntN(60_000)) * time.Millisecond)
		stop()
		if round%2 == 1 {
			w.crash()
		}
	}
	w.spaced(least)
	if n := len(w.driver.made()); n < accepted/2 {
		t.Errorf("%d calls for %d messages: a lane stood still", n, accepted)
	}
}

func throughput(t *testing.T, w *world) {
	w.grant("more", 2000)
	ch := w.channel("+15550004444", 1500*time.Millisecond, 2500*time.Millisecond)
	const n = 150
	for i := range n {
		a := text(fmt.Sprintf("+%d", i), "x")
		a.AccountPhone = ch.Phone
		w.accept(a)
	}
	w.driver.takes = func(relay.Outgoing) time.Duration { return 300 * time.Millisecond }
	const most = n * 2800 * time.Millisecond
	w.dispatch(most)
	calls := w.driver.made()
	if len(calls) != n {
		t.Errorf("%d of %d left within %v", len(calls), n, most)
	}
	for i, c := range calls[1:] {
		if rest := c.Start.Sub(calls[i].End); rest < 1500*time.Millisecond || rest > 2500*time.Millisecond {
			t.Fatalf("call %d began %v after the one before, want 1.5 to 2.5 s", i+1, rest)
		}
	}
}

func independentLanes(t *testing.T, w *world) {
	other := w.channel("+15550004444", 2*time.Second, 2*time.Second)
	for range 5 {
		for _, ch := range []relay.Channel{w.ch, other} {
			a := text("+1", "x")
			a.AccountPhone = ch.Phone
			w.accept(a)
		}
	}
	w.driver.takes = func(out relay.Outgoing) time.Duration {
		if out.Channel.ID == w.ch.ID {
			return 25 * time.Second
		}
		return 0
	}
	w.dispatch(9 * time.Second)
	fast := 0
	for _, c := range w.driver.made() {
		if c.Channel == other.ID {
			fast++
		}
	}
	if fast != 5 {
		t.Errorf("the fast lane sent %d messages beside a slow one, want 5", fast)
	}
	w.spaced(map[string]time.Duration{w.ch.ID: 2 * time.Second, other.ID: 2 * time.Second})
}
