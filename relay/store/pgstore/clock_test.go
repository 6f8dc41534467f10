package pgstore

import (
	"testing"
	"time"
)

func TestATimeThatIsReadAndWrittenBackIsTheSame(t *testing.T) {
	now := time.Now()
	for _, apart := range []time.Duration{0, time.Nanosecond, -time.Hour, 3*time.Hour + 7*time.Microsecond + 13*time.Nanosecond} {
		i := instant{local: now, remote: now.Add(apart).Truncate(time.Microsecond).UTC()}
		for _, d := range []time.Duration{0, time.Microsecond, -time.Second, 40 * 24 * time.Hour} {
			kept := i.remote.Add(d)
			if got := i.toRemote(i.toLocal(kept)); !got.Equal(kept) {
				t.Errorf("clocks %v apart: %v became %v", apart, kept, got)
			}
			if got := i.toLocal(kept).Sub(now); got != d {
				t.Errorf("clocks %v apart: %v from the base became %v", apart, d, got)
			}
		}
		if !i.toLocal(time.Time{}).IsZero() || !i.toRemote(time.Time{}).IsZero() {
			t.Error("no time became one")
		}
	}
}

func TestWhatADueHintDoesNotKnowIsAsked(t *testing.T) {
	var h hint
	now := time.Now()
	if h.quiet(now) {
		t.Error("a hint that was never asked is quiet")
	}
	h.set(h.begin(), now.Add(time.Hour))
	if !h.quiet(now) {
		t.Error("with nothing due for an hour it is not quiet")
	}
	h.note(optionalTime{now.Add(-time.Second), true})
	if h.quiet(now) {
		t.Error("what this node made due is not seen")
	}
	seen := h.begin()
	h.note(optionalTime{now.Add(-time.Minute), true}) // while the question is under way
	if h.set(seen, now.Add(time.Hour)); h.quiet(now) {
		t.Error("an answer from before a commit hides what that made due")
	}
	h.set(h.begin(), time.Time{})
	if !h.quiet(now) {
		t.Error("an answer of nothing is not believed")
	}
	if h.forget(); h.quiet(now) {
		t.Error("after a claim nothing was asked again")
	}
}
