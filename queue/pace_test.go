package queue_test

import (
	"testing"
	"time"

	"relevo/queue"
)

func TestARandomRestIsBetweenItsBoundsAndSpreadsOverThem(t *testing.T) {
	s := queue.Spacing{Min: 1500 * time.Millisecond, Max: 2500 * time.Millisecond}
	const n = 20_000
	least, most, sum := s.Max, s.Min, time.Duration(0)
	for range n {
		rest := s.Random()
		if rest < s.Min || rest > s.Max {
			t.Fatalf("a rest of %s is not between %s and %s", rest, s.Min, s.Max)
		}
		least, most, sum = min(least, rest), max(most, rest), sum+rest
	}
	if least > s.Min+10*time.Millisecond || most < s.Max-10*time.Millisecond {
		t.Errorf("%d rests were %s to %s, want them to reach both bounds", n, least, most)
	}
	// twelve standard deviations of the mean of n such rests
	if mean := sum / n; mean < 1975*time.Millisecond || mean > 2025*time.Millisecond {
		t.Errorf("the average of %d rests was %s, want about 2 s", n, mean)
	}
}

func TestTheShortestAndTheLongestRestBothHappen(t *testing.T) {
	s := queue.Spacing{Min: 5, Max: 7} // nanoseconds
	seen := map[time.Duration]bool{}
	for range 1000 {
		seen[s.Random()] = true
	}
	if len(seen) != 3 || !seen[5] || !seen[6] || !seen[7] {
		t.Errorf("rests of 5 to 7 ns were %v", seen)
	}
}

func TestASpacingWithoutRoomIsItsMin(t *testing.T) {
	for _, s := range []queue.Spacing{{}, {Min: time.Second, Max: time.Second}, {Min: time.Second}} {
		if got := s.Random(); got != s.Min {
			t.Errorf("%+v gave a rest of %s, want %s", s, got, s.Min)
		}
	}
}

func TestTheMeanIsHalfWay(t *testing.T) {
	if got := (queue.Spacing{Min: time.Second, Max: 4 * time.Second}).Mean(); got != 2500*time.Millisecond {
		t.Errorf("the mean of 1 s and 4 s is %s", got)
	}
}

func TestTheRetryDelayDoublesFrom5SecondsTo10Minutes(t *testing.T) {
	want := []time.Duration{5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600} // seconds
	for i, d := range want {
		middle := d * time.Second
		least, most := 10*middle, time.Duration(0)
		for range 2000 {
			got := queue.Backoff(i + 1)
			if got < middle*4/5 || got > middle*6/5 {
				t.Fatalf("the delay before try %d was %s, want %s plus or minus a fifth", i+2, got, middle)
			}
			least, most = min(least, got), max(most, got)
		}
		if least > middle*83/100 || most < middle*117/100 {
			t.Errorf("the delays before try %d were %s to %s, want them spread over a fifth around %s", i+2, least, most, middle)
		}
	}
	for _, n := range []int{0, -1, 1 << 40} {
		if got := queue.Backoff(n); got < 4*time.Second || got > 12*time.Minute {
			t.Errorf("Backoff(%d) is %s", n, got)
		}
	}
}

func TestAnETACountsFromWhenTheLaneIsFree(t *testing.T) {
	spacing := queue.Spacing{Min: time.Second, Max: 3 * time.Second}
	for _, c := range []struct {
		name  string
		free  time.Time
		ahead int
		want  time.Duration
	}{
		{"an empty lane that is free", time.Time{}, 0, 0},
		{"a lane that was free long ago", start.Add(-time.Hour), 0, 0},
		{"three before it", start.Add(-time.Hour), 3, 6 * time.Second},
		{"a lane that rests", start.Add(5 * time.Second), 0, 5 * time.Second},
		{"three before it on a lane that rests", start.Add(5 * time.Second), 3, 11 * time.Second},
	} {
		if got := (queue.Lane{NextFree: c.free, Spacing: spacing}).ETA(c.ahead, start).Sub(start); got != c.want {
			t.Errorf("%s: in %s, want in %s", c.name, got, c.want)
		}
	}
}

func TestRestIsOneFullSpacingAndNothingElse(t *testing.T) {
	l := queue.Lane{ID: lane, Spacing: queue.Spacing{Min: time.Second, Max: 3 * time.Second}, Depth: 4, Epoch: 2, Hold: "balance"}
	got := l.Rest(start)
	if !got.NextFree.Equal(start.Add(3 * time.Second)) {
		t.Errorf("it rests for %s, want 3 s", got.NextFree.Sub(start))
	}
	if got.NextFree = l.NextFree; got != l {
		t.Errorf("something else changed: %+v, was %+v", got, l)
	}
}
