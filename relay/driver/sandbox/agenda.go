package sandbox

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"relevo/relay"
)

// Run makes the reports when they are due, until ctx ends; then it returns
// nil. Between two reports it sleeps. Call it once. A report that could not be
// given back in time comes after the next start.
func (d *Driver) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, next := d.agenda.take(time.Now())
		if len(due) > 0 {
			d.deliver(ctx, batches(due))
			continue
		}
		var alarm <-chan time.Time // nil, which never comes, without a next one
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
		case <-d.agenda.changed:
		case <-alarm:
		}
	}
	return nil
}

const (
	// reportMost is how many reports are given back in one call of the relay.
	reportMost = 256
	// reportTries and reportAgain: a report is tried at once and again after
	// 1 s, 2 s, 4 s and 8 s.
	reportTries = 5
	reportAgain = time.Second
)

func (d *Driver) deliver(ctx context.Context, due [][]pending) {
	for _, batch := range due {
		if ctx.Err() != nil {
			return // the next process finds them in the files
		}
		d.deliverBatch(ctx, batch)
	}
}

// deliverBatch gives reports of one channel back. When that fails each comes
// again alone, so that one that can never be taken stops no other.
func (d *Driver) deliverBatch(ctx context.Context, batch []pending) {
	reports := make([]relay.Report, len(batch))
	for i, p := range batch {
		reports[i] = p.report
	}
	err := d.report(ctx, batch[0].channel, reports)
	if err == nil || ctx.Err() != nil {
		return
	}
	for _, p := range batch {
		p.tries++
		if p.tries == reportTries {
			d.log.Warn("sandbox: drop a report that was not taken", "channel", p.channel,
				"message", p.report.MessageID, "status", p.report.Status, "tries", p.tries, "error", err)
			continue
		}
		p.due = time.Now().Add(reportAgain << (p.tries - 1))
		d.agenda.add(p)
	}
}

// batches puts together what can be given back in one call: reports of one
// channel, in their order, that were not tried before.
func batches(due []pending) [][]pending {
	var all [][]pending
	open := map[string]int{} // by channel, the place of its batch in all
	for _, p := range due {
		i, ok := open[p.channel]
		if p.tries > 0 || !ok || len(all[i]) == reportMost {
			i = len(all)
			all = append(all, nil)
		}
		all[i] = append(all[i], p)
		if p.tries == 0 {
			open[p.channel] = i
		}
	}
	return all
}

// promised are the reports that a line owes. What was turned away owes none.
func promised(channelID string, l Line) []pending {
	if !l.HandedOver {
		return nil
	}
	var all []pending
	for _, p := range behaviourOf(l.Recipient).reports {
		at := l.At.Add(p.after)
		all = append(all, pending{due: at, channel: channelID, report: relay.Report{
			MessageID: l.MessageID, ProviderID: l.ProviderID, Status: p.status, At: at, Failure: p.failure,
		}})
	}
	return all
}

// pending is a report that is not due yet, or was not taken yet.
type pending struct {
	due     time.Time
	seq     uint64
	channel string
	report  relay.Report
	// tries counts how often it was given back in vain.
	tries int
}

// agenda holds what is to be reported, the earliest first.
type agenda struct {
	// changed has room for one: it says that the earliest may be another.
	changed chan struct{}

	mu  sync.Mutex
	seq uint64
	all byDue
}

func newAgenda() *agenda { return &agenda{changed: make(chan struct{}, 1)} }

func (a *agenda) add(ps ...pending) {
	if len(ps) == 0 {
		return
	}
	a.mu.Lock()
	for _, p := range ps {
		a.seq++
		p.seq = a.seq
		heap.Push(&a.all, p)
	}
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// take removes what is due, in its order. Where nothing is, next is when
// something will be; zero where nothing waits.
func (a *agenda) take(now time.Time) (due []pending, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.all) > 0 && !a.all[0].due.After(now) {
		due = append(due, heap.Pop(&a.all).(pending))
	}
	if len(due) == 0 && len(a.all) > 0 {
		next = a.all[0].due
	}
	return due, next
}

// byDue is a heap; what is due at the same time keeps its order.
type byDue []pending

func (b byDue) Len() int { return len(b) }

func (b byDue) Less(i, j int) bool {
	if !b[i].due.Equal(b[j].due) {
		return b[i].due.Before(b[j].due)
	}
	return b[i].seq < b[j].seq
}

func (b byDue) Swap(i, j int) { b[i], b[j] = b[j], b[i] }

func (b *byDue) Push(x any) { *b = append(*b, x.(pending)) }

func (b *byDue) Pop() any {
	old := *b
	p := old[len(old)-1]
	old[len(old)-1] = pending{}
	*b = old[:len(old)-1]
	return p
}
