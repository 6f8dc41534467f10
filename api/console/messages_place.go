package console

import (
	"errors"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// place is where a queued message stands.
type place struct {
	// Number counts from 1; 0 for a message that is in no line.
	Number int
	// ETA is when it is likely to leave; zero where nobody knows.
	ETA time.Time
	// Why it has no time: "paused", "held", or "file" while its file is fetched.
	Why string
	// Later: it waits for its own time, which is ETA, or for an earlier message
	// to the same person.
	Later bool
}

// estimate is where an item stands that has ahead items before it.
func estimate(l relay.LaneView, i queue.Item, ahead int, now time.Time) place {
	at := place{Number: ahead + 1}
	switch {
	case l.Hold != "":
		at.Why = "held"
		return at
	case l.Paused:
		at.Why = "paused"
		return at
	case i.Unready:
		at.Why = "file"
		return at
	}
	at.ETA = l.ETA(ahead, now)
	if l.Lease.Item != "" { // which is ahead; its lease may last longer than the call
		at.ETA = now.Add(time.Duration(max(1, ahead)) * l.Spacing.Mean())
	}
	if i.NotBefore.After(at.ETA) {
		at.ETA, at.Later = i.NotBefore, true
	}
	return at
}

// places are where the queued ones of some messages stand.
func (p *call) places(of []relay.Message) (map[string]place, error) {
	byLane := map[string][]relay.Message{}
	for _, m := range of {
		if m.Status == relay.Queued {
			byLane[m.Lane] = append(byLane[m.Lane], m)
		}
	}
	places := map[string]place{}
	if len(byLane) == 0 {
		return places, nil
	}
	now := time.Now()
	lanes, err := p.c.Relay.Store.Queue(p.ctx, p.WS.ID, now)
	if err != nil {
		return nil, err
	}
	for _, l := range lanes {
		if some := byLane[l.ID]; len(some) > 0 {
			if err := p.placesOn(l, some, now, places); err != nil {
				return nil, err
			}
		}
	}
	return places, nil
}

// placesOn finds the places of messages of one lane.
func (p *call) placesOn(l relay.LaneView, of []relay.Message, now time.Time, places map[string]place) error {
	var items []queue.Item
	var until []time.Time
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		items, until = nil, nil
		for _, m := range of {
			i, err := tx.Item(p.ctx, l.ID, m.ID)
			if errors.Is(err, queue.ErrNoItem) || errors.Is(err, queue.ErrNoLane) || err == nil && i.Out {
				continue // it left meanwhile
			}
			if err != nil {
				return err
			}
			chat, err := tx.Chat(p.ctx, m.Workspace, m.Channel, m.Recipient)
			if err != nil && !isNotFound(err) {
				return err
			}
			items, until = append(items, i), append(until, chat.WaitsUntil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	seqs := make([]int64, len(items))
	for i := range items {
		seqs[i] = items[i].Seq
	}
	ahead, err := p.c.Relay.Store.Ahead(p.ctx, l.ID, seqs, now)
	if err != nil {
		return err
	}
	for i, item := range items {
		at := estimate(l, item, ahead[i], now)
		if !at.ETA.IsZero() && until[i].After(at.ETA) {
			at.ETA, at.Later = until[i], true
		}
		places[item.ID] = at
	}
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, relay.ErrNotFound) }

// StatusPill is the look of a status.
func (p *call) StatusPill(s relay.Status) string { return statusLook(s) }

// statusLook is the kind of pill that a status is shown as.
func statusLook(s relay.Status) string {
	switch s {
	case relay.Sent, relay.Delivered, relay.Read:
		return "good"
	case relay.Failed, relay.Expired, relay.Unconfirmed:
		return "bad"
	case relay.Sending:
		return "busy"
	case relay.Canceled:
		return "off"
	}
	return "wait"
}

// StatusWord is a status in words.
func (p *call) StatusWord(s any) string { return p.T("message.status_" + statusName(s)) }

// StatusMeans says what a status means for the message and its units.
func (p *call) StatusMeans(s relay.Status) string {
	return p.T("message.means_"+string(s), "For", p.Span(p.c.Relay.Set.UnconfirmedAfter))
}

func statusName(s any) string {
	if s, ok := s.(relay.Status); ok {
		return string(s)
	}
	name, _ := s.(string)
	return name
}
