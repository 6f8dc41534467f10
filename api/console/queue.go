package console

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// queueRoutes are the pages of what waits.
func (c *Console) queueRoutes() []route {
	const all, one = "/w/{ws}/queue", "/w/{ws}/queue/{ch}"
	return []route{
		{pattern: "GET " + all, access: viewers, page: showQueue},
		{pattern: "GET " + all + "/live", access: viewers, page: liveQueue},
		{pattern: "GET " + one, access: viewers, page: showLine},
		{pattern: "GET " + one + "/live", access: viewers, page: liveLine},
		{pattern: "POST " + one + "/pause", access: members, page: pauseQueue},
		{pattern: "POST " + one + "/resume", access: members, page: resumeQueue},
		{pattern: "POST " + one + "/cancel", access: members, page: cancelLine},
	}
}

// channelQueue is what waits on one channel: its lanes, summed up.
type channelQueue struct {
	relay.Channel
	Called string
	Lanes  []relay.LaneView
	// Depth counts all, the ones on their way included; Waiting those that are
	// not, Parked the part of them that waits for a time or a file.
	Depth, Waiting, Parked int
	// Oldest is the one that waits longest, and since when.
	Oldest   string
	OldestAt time.Time
	// Next is when the next one may leave, Last when the last one is likely to
	// that waits for its turn alone; zero where nothing may leave.
	Next, Last time.Time
}

// State is what the channel does: "open", "paused", "held" or "disconnected".
func (q channelQueue) State() string {
	switch {
	case !q.DeletedAt.IsZero():
		return "deleted"
	case q.Channel.State == relay.Held:
		return "held"
	case q.Channel.State == relay.Disconnected:
		return "disconnected"
	case q.Paused:
		return "paused"
	}
	return "open"
}

// Look is the pill of the state.
func (q channelQueue) Look() string {
	switch q.State() {
	case "open":
		return "good"
	case "paused":
		return "wait"
	}
	return "bad"
}

// Sending is how many are on their way.
func (q channelQueue) Sending() int { return q.Depth - q.Waiting }

// queues are what waits, by channel: those with messages first.
func (p *call) queues() ([]channelQueue, error) {
	live, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	lanes, err := p.c.Relay.Store.Queue(p.ctx, p.WS.ID, now)
	if err != nil {
		return nil, err
	}
	byChannel := map[string]*channelQueue{}
	for _, ch := range live {
		byChannel[ch.ID] = &channelQueue{Channel: ch, Called: ch.Name}
	}
	for _, l := range lanes {
		q := byChannel[l.Group]
		if q == nil && l.Depth == 0 {
			continue
		}
		if q == nil { // a deleted channel, which is being emptied
			q = &channelQueue{}
			byChannel[l.Group] = q
			if q.Channel, err = p.anyChannel(l.Group); err != nil {
				return nil, err
			}
			q.Called = p.nameOf(q.Channel)
		}
		q.add(l, now)
	}
	var all []channelQueue
	for _, q := range byChannel {
		all = append(all, *q)
	}
	slices.SortFunc(all, func(a, b channelQueue) int {
		return cmp.Or(cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.Called, b.Called), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// anyChannel finds one, a deleted one too.
func (p *call) anyChannel(id string) (ch relay.Channel, err error) {
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		ch, err = tx.Channel(p.ctx, p.WS.ID, id)
		return err
	})
	return ch, err
}

func (q *channelQueue) add(l relay.LaneView, now time.Time) {
	q.Lanes = append(q.Lanes, l)
	q.Depth, q.Waiting, q.Parked = q.Depth+l.Depth, q.Waiting+l.Waiting, q.Parked+l.Parked
	if l.Oldest != "" && (q.Oldest == "" || l.Oldest < q.Oldest) {
		q.Oldest = l.Oldest
		if raw, ok := relay.RawMessageID(l.Oldest); ok {
			q.OldestAt = relay.MessageTime(raw)
		}
	}
	if l.NextSend.IsZero() {
		return
	}
	if q.Next.IsZero() || l.NextSend.Before(q.Next) {
		q.Next = l.NextSend
	}
	last := l.NextSend
	if inLine := l.Waiting - l.Parked; inLine > 0 {
		last = latest(last, estimate(l, queue.Item{}, inLine-1, now).ETA)
	}
	q.Last = latest(q.Last, last)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// showQueue shows all channels, or the one that there is.
func showQueue(p *call) error {
	all, err := p.queues()
	if err != nil {
		return err
	}
	p.Page = "queue"
	if len(all) == 1 {
		return p.showLineOf(all[0])
	}
	return p.show("queue", all)
}

func liveQueue(p *call) error {
	all, err := p.queues()
	if err != nil {
		return err
	}
	return p.part("queue", "live", all)
}

// lineShown is how many messages of a line are shown.
const lineShown = 100

// line is the queue of one channel, in its order.
type line struct {
	channelQueue
	Rows []messageRow
	// Typed is what was typed to confirm a cancellation of all, Progress how far
	// one has come that goes on; nil for none.
	Typed    string
	Progress *cancelProgress
}

// Number is what has to be typed to cancel all of them.
func (l line) Number() string { return strconv.Itoa(l.Waiting) }

// queueOf is the queue of the path's channel.
func (p *call) queueOf() (channelQueue, error) {
	all, err := p.queues()
	if err != nil {
		return channelQueue{}, err
	}
	i := slices.IndexFunc(all, func(q channelQueue) bool { return q.ID == p.r.PathValue("ch") })
	if i < 0 {
		return channelQueue{}, relay.ErrNotFound
	}
	return all[i], nil
}

func showLine(p *call) error {
	q, err := p.queueOf()
	if err != nil {
		return err
	}
	return p.showLineOf(q)
}

func (p *call) showLineOf(q channelQueue) error {
	p.Page = "queue"
	l, err := p.lineOf(q)
	if err != nil {
		return err
	}
	return p.show("queue_line", l)
}

// liveLine is the part of a line's page that changes by itself: its figures, or
// its messages.
func liveLine(p *call) error {
	q, err := p.queueOf()
	if err != nil {
		return err
	}
	if p.query("part") == "figures" {
		return p.part("queue_line", "figures", line{channelQueue: q})
	}
	l, err := p.lineOf(q)
	if err != nil {
		return err
	}
	return p.part("queue_line", "line", l)
}

// lineOf reads the first messages that wait on a channel, in the order in which
// they are likely to leave.
func (p *call) lineOf(q channelQueue) (line, error) {
	l := line{channelQueue: q}
	var found []relay.Message
	for _, lane := range q.Lanes {
		ids, err := p.c.Relay.Store.Items(p.ctx, lane.ID, lineShown)
		if err != nil {
			return l, err
		}
		err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
			var some []relay.Message
			for _, id := range ids {
				m, err := tx.Message(p.ctx, p.WS.ID, id)
				if err == nil && m.Status == relay.Queued {
					some = append(some, m)
				} else if err != nil && !isNotFound(err) {
					return err
				}
			}
			found = append(found, some...)
			return nil
		})
		if err != nil {
			return l, err
		}
	}
	rows, err := p.rows(found)
	if err != nil {
		return l, err
	}
	slices.SortStableFunc(rows, func(a, b messageRow) int {
		return cmp.Or(a.Place.ETA.Compare(b.Place.ETA), cmp.Compare(a.Place.Number, b.Place.Number), cmp.Compare(a.ID, b.ID))
	})
	l.Rows = rows[:min(len(rows), lineShown)]
	return l, nil
}
