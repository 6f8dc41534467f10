package relay

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 123_456_789, time.UTC)

func raw(t *testing.T, id string) [9]byte {
	t.Helper()
	b, ok := RawMessageID(id)
	if !ok {
		t.Fatalf("%q is no message id", id)
	}
	return b
}

// at are the 9 bytes of an id of a time and a tail.
func at(ms time.Time, tail uint32) (b [9]byte) {
	n := ms.UnixMilli()
	for i := range 6 {
		b[5-i] = byte(n >> (8 * i))
	}
	b[6], b[7], b[8] = byte(tail>>16), byte(tail>>8), byte(tail)
	return b
}

func TestAMessageIDHasTheFormOfAWhatsAppWebID(t *testing.T) {
	form := regexp.MustCompile(`^wa_backend:3EB0[0-9A-F]{18}$`)
	var g IDs
	for i := range 2000 {
		id := g.New(noon.Add(time.Duration(i) * 100 * time.Microsecond))
		if !form.MatchString(id) || !ValidMessageID(id) {
			t.Fatalf("%q does not have the form", id)
		}
	}
}

func TestMessageIDsStrictlyIncreaseWhateverTheClockDoes(t *testing.T) {
	for _, c := range []struct {
		name string
		step time.Duration
	}{
		{"stands still", 0}, {"goes back", -7 * time.Millisecond}, {"creeps", 100 * time.Microsecond}, {"runs", 3 * time.Millisecond}, {"is before 1970", -time.Hour * 24 * 365},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g IDs
			last := g.New(noon)
			for i := range 3000 {
				id := g.New(noon.Add(time.Duration(i%100) * c.step))
				if id <= last {
					t.Fatalf("id %d is %s, the one before it %s", i, id, last)
				}
				last = id
			}
		})
	}
}

func TestTheFirstIDOfAMillisecondHasARandomTailAndTheNextOnesCountUp(t *testing.T) {
	tails := map[string]bool{}
	for range 50 {
		var g IDs
		first := raw(t, g.New(noon))
		second := raw(t, g.New(noon))
		tails[string(first[6:])] = true
		want := first
		for i := 8; i >= 6; i-- {
			if want[i]++; want[i] != 0 {
				break
			}
		}
		if second != want && want[6]|want[7]|want[8] != 0 { // a random tail may be the last of its millisecond
			t.Fatalf("after %x came %x, want %x", first, second, want)
		}
	}
	if len(tails) < 45 {
		t.Errorf("50 first ids had %d different tails", len(tails))
	}
}

func TestAMillisecondThatIsUsedUpMovesTheClockPartOn(t *testing.T) {
	var g IDs
	g.After(at(noon, 1<<24-2))
	if got := raw(t, g.New(noon)); got != at(noon, 1<<24-1) {
		t.Fatalf("the last id of the millisecond is %x", got)
	}
	next := g.New(noon)
	if got := MessageTime(raw(t, next)); !got.Equal(noon.Truncate(time.Millisecond).Add(time.Millisecond)) {
		t.Errorf("the next id is of %s, want the millisecond after %s", got, noon)
	}
	if again := g.New(noon); again <= next || !MessageTime(raw(t, again)).Equal(MessageTime(raw(t, next))) {
		t.Errorf("after %s came %s, want one more in the borrowed millisecond", next, again)
	}
}

func TestLaterIDsSortAfterWhatTheStoreHolds(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		held := at(noon.Add(ahead), 77)
		var g IDs
		g.After(held)
		if got := g.New(noon); got <= FormatMessageID(held) {
			t.Errorf("the store holds %s, and the next id is %s", FormatMessageID(held), got)
		}
	}
}

func TestOfTwoIDsOfOneMillisecondInTheStoreTheLaterCounts(t *testing.T) {
	var g IDs
	g.After(at(noon, 5))
	g.After(at(noon, 100))
	if got := raw(t, g.New(noon)); got != at(noon, 101) {
		t.Errorf("after tail 100 came %x", got)
	}
}

func TestAnOlderIDInTheStoreTakesNothingBack(t *testing.T) {
	var g IDs
	last := g.New(noon)
	g.After(at(noon.Add(-time.Hour), 1<<24-1))
	if got := g.New(noon); got <= last {
		t.Errorf("after %s came %s", last, got)
	}
}

func TestAMessageIDTellsItsTimeToTheMillisecond(t *testing.T) {
	for _, want := range []time.Time{noon, time.UnixMilli(0), time.UnixMilli(1), time.Date(2100, 1, 1, 0, 0, 0, 999_000_000, time.UTC)} {
		var g IDs
		b := raw(t, g.New(want))
		if got := MessageTime(b); !got.Equal(want.Truncate(time.Millisecond)) || got.Location() != time.UTC {
			t.Errorf("an id of %s says %s", want, got)
		}
	}
	want := FormatMessageID([9]byte{0, 1, 2, 3, 0xab, 0xcd, 0xef, 0xff, 0})
	if want != "wa_backend:3EB000010203ABCDEFFF00" {
		t.Errorf("FormatMessageID gave %s", want)
	}
	if got := FormatMessageID(raw(t, want)); got != want {
		t.Errorf("%s came back as %s", want, got)
	}
}

func TestWhatIsNoMessageIDIsNotTakenForOne(t *testing.T) {
	const good = "wa_backend:3EB0019CAE5C76DB0000A1"
	if !ValidMessageID(good) {
		t.Fatalf("%q is an id", good)
	}
	for _, s := range []string{
		"", "wa_backend:", good[:len(good)-1], good + "0", good + "\n", "\n" + good, " " + good, good + "#2", strings.ToLower(good),
		strings.Replace(good, "3EB0", "3EB1", 1), strings.Replace(good, ":", "%3A", 1), strings.Replace(good, "A", "G", 1), good[len("wa_backend:"):],
		strings.Replace(good, "0", "０", 1),
	} {
		if _, ok := RawMessageID(s); ok || ValidMessageID(s) {
			t.Errorf("%q was taken for a message id", s)
		}
	}
}

func TestIDsMadeAtOnceAreAllDifferent(t *testing.T) {
	const makers, each = 8, 2000
	var g IDs
	var made [makers][]string
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for n := range makers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			for range each {
				made[n] = append(made[n], g.New(noon))
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	var all []string
	for _, ids := range made {
		if !slices.IsSorted(ids) {
			t.Error("one maker's ids do not increase")
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	if got := len(slices.Compact(all)); got != makers*each {
		t.Errorf("%d different ids of %d", got, makers*each)
	}
}

func TestAnIDOfAWorkspaceSortsByTime(t *testing.T) {
	form := regexp.MustCompile(`^ws_[0-9a-v]{20}$`)
	synctest.Test(t, func(t *testing.T) {
		last := NewID("ws_")
		for _, wait := range []time.Duration{1, 31, 32, 1023, 1024, 86_400_000, 40 * 365 * 86_400_000} {
			time.Sleep(wait * time.Millisecond)
			id := NewID("ws_")
			if id <= last || !form.MatchString(id) {
				t.Errorf("%d ms after %s came %s", wait, last, id)
			}
			last = id
		}
		if a, b := NewID("ch_"), NewID("ch_"); a == b {
			t.Errorf("two ids of one moment are both %s", a)
		}
	})
}

func TestAnAttemptIDSortsByTime(t *testing.T) {
	var r Relay
	a, b, c := r.attemptID(noon), r.attemptID(noon), r.attemptID(noon.Add(time.Second))
	if a >= b || b >= c || !regexp.MustCompile(`^att_[0-9a-f]{18}$`).MatchString(a) {
		t.Errorf("attempt ids are %s, %s, %s", a, b, c)
	}
}

func TestAnOlderIDOfTheSameMillisecondTakesNothingBack(t *testing.T) {
	var g IDs
	g.After(at(noon, 100))
	last := g.New(noon)
	g.After(at(noon, 5))
	if got := g.New(noon); got <= last {
		t.Errorf("after %s came %s", last, got)
	}
}
