package relay

import (
	"fmt"
	"strconv"
	"testing"
)

// shifting is a list of numbers, newest first, that changes while it is read.
type shifting struct{ rows []int }

func (l *shifting) list(p Page) (some []int, next string, err error) {
	for _, n := range l.rows {
		if at, _ := strconv.Atoi(p.Cursor); p.Cursor != "" && n >= at {
			continue
		}
		if len(some) == min(p.Limit, 200) {
			return some, fmt.Sprint(some[len(some)-1]), nil
		}
		some = append(some, n)
	}
	return some, "", nil
}

func TestAPlaceInAListIsBehindWhatWasTakenThoughTheListChanges(t *testing.T) {
	for name, change := range map[string]func(*shifting){
		"nothing":       func(*shifting) {},
		"one is new":    func(l *shifting) { l.rows = append([]int{101}, l.rows...) },
		"many are new":  func(l *shifting) { l.rows = append([]int{130, 129, 128, 127, 126, 125, 124, 123, 122, 121}, l.rows...) },
		"one has gone":  func(l *shifting) { l.rows = append(l.rows[:2:2], l.rows[3:]...) },
		"the last went": func(l *shifting) { l.rows = append(l.rows[:4:4], l.rows[5:]...) },
		"all went":      func(l *shifting) { l.rows = l.rows[5:] },
		"both":          func(l *shifting) { l.rows = append([]int{102, 101}, append(l.rows[:1:1], l.rows[4:]...)...) },
	} {
		t.Run(name, func(t *testing.T) {
			l := &shifting{}
			for n := 100; n > 0; n-- {
				l.rows = append(l.rows, n)
			}
			s := stream[int]{id: func(n int) string { return fmt.Sprintf("%03d", n) }, list: l.list}
			if err := s.fill(20); err != nil {
				t.Fatal(err)
			}
			s.used = 5 // 100 to 96
			change(l)
			at, err := s.place()
			if err != nil {
				t.Fatal(err)
			}
			rest := stream[int]{at: at, id: s.id, list: l.list}
			var got []int
			for {
				if err := rest.fill(7); err != nil {
					t.Fatal(err)
				}
				if rest.head() == nil {
					break
				}
				if n := *rest.head(); n <= 100 { // what is new is for another look
					got = append(got, n)
				}
				rest.used++
			}
			if len(got) != 95 || got[0] != 95 || got[94] != 1 {
				t.Errorf("the next pages begin with %d and have %d rows, want 95 from 95 on", got[0], len(got))
			}
		})
	}
}
