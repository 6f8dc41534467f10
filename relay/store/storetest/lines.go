package storetest

import (
	"fmt"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// crowd pushes 40 items for 7 recipients; the third one waits for its time.
func (l *line) crowd() {
	l.t.Helper()
	for n := 1; n <= 40; n++ {
		l.push(n, fmt.Sprintf("+%d", n*n%7), func(i *queue.Item) {
			if n == 3 {
				i.NotBefore = l.now.Add(time.Hour)
			}
		})
	}
}

func firstItems(t *testing.T, l *line) {
	items := func(n int) []string {
		t.Helper()
		ids, err := l.store.Items(t.Context(), l.id, n)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	l.crowd()
	var all []string
	for n := 1; n <= 40; n++ {
		all = append(all, messageID(n))
	}
	for _, n := range []int{1, 2, 9, 39, 40, 100} {
		equal(t, fmt.Sprintf("the first %d", n), items(n), all[:min(n, 40)])
	}
	held := l.next(1)
	equal(t, "while the first is out", items(3), all[1:4])
	l.done(held)
	equal(t, "after it", items(3), all[1:4])
	if ids := items(0); len(ids) > 0 {
		t.Errorf("none asked for: %v", ids)
	}
	l.reopen()
	equal(t, "of a store that was opened again", items(30), all[1:31])
}

func aheadOf(t *testing.T, l *line) {
	ahead := func(places ...int64) []int {
		t.Helper()
		n, err := l.store.Ahead(t.Context(), l.id, places, l.now)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	l.crowd()
	equal(t, "in a full line", ahead(1, 2, 3, 4, 40), []int{0, 1, 2, 2, 38})
	equal(t, "in any order, some twice", ahead(40, 3, 3, 1000, 0), []int{38, 2, 2, 39, 0})
	held := l.next(1)
	equal(t, "behind one that is out", ahead(2), []int{1})
	l.done(held)
	l.update(func(_ *report, tx relay.Tx) error { return l.remove(tx, 20) })
	equal(t, "after one was sent and one taken away", ahead(2, 20, 40), []int{0, 17, 36})
	l.now = l.now.Add(time.Hour)
	equal(t, "once the waiting one may leave", ahead(4, 40), []int{2, 37})
	if n := ahead(); len(n) != 0 {
		t.Errorf("of no place: %v", n)
	}
	other, err := l.store.Ahead(t.Context(), laneID(9), []int64{5}, l.now)
	if err != nil || len(other) != 1 || other[0] != 0 {
		t.Errorf("in a lane that is not there: %v (%v)", other, err)
	}
}
