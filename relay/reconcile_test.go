package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestALookUpIsDueWheneverTheAgeHasDoubledAndAtTheEnd(t *testing.T) {
	const end = 2 * time.Hour
	marks := []time.Duration{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120} // seconds
	for phase := time.Duration(0); phase < reconcileEvery; phase += 250 * time.Millisecond {
		t.Run(fmt.Sprint("first look after ", phase), func(t *testing.T) {
			var due []time.Duration
			for age := phase; age < end; age += reconcileEvery {
				if lookUpDue(age, end) {
					due = append(due, age-phase)
				}
			}
			var want []time.Duration
			for _, m := range marks { // the first look at or after each mark
				want = append(want, max(0, m*time.Second-phase+reconcileEvery-1)/reconcileEvery*reconcileEvery)
			}
			if !slices.Equal(due, want) {
				t.Errorf("looked up at %v, want %v", due, want)
			}
		})
	}
	for age, want := range map[time.Duration]bool{-time.Minute: false, 0: false, end - 1: false, end: true, end + time.Hour: true} {
		if got := lookUpDue(age, end); got != want {
			t.Errorf("at the age of %s a look-up is due: %t, want %t", age, got, want)
		}
	}
}
