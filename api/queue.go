package api

import (
	"time"

	"relevo/relay"
)

// laneView is a lane as the API shows it.
type laneView struct {
	Lane      string `json:"lane"`
	ChannelID string `json:"channel_id"`
	// Depth counts all messages of the lane, the one in flight included;
	// Waiting those that are not in flight, Parked those of them that wait
	// for a time or a file.
	Depth   int  `json:"depth"`
	Waiting int  `json:"waiting"`
	Parked  int  `json:"parked"`
	Paused  bool `json:"paused"`
	// Hold says why the channel stands still; null where it does not.
	Hold *string `json:"hold"`
	// NextSendAt is null where nothing may leave.
	NextSendAt *time.Time `json:"next_send_at"`
	// ETALast is when the last message is likely to leave.
	ETALast         *time.Time `json:"eta_last"`
	OldestMessageID *string    `json:"oldest_message_id"`
}

func viewLane(l relay.LaneView, now time.Time) laneView {
	v := laneView{
		Lane: l.ID, ChannelID: l.Group, Depth: l.Depth, Waiting: l.Waiting, Parked: l.Parked, Paused: l.Paused, Hold: present(l.Hold),
		NextSendAt: instant(l.NextSend), OldestMessageID: present(l.Oldest),
	}
	if l.Waiting > 0 && !l.NextSend.IsZero() {
		last := l.ETA(l.Waiting-1, now)
		if l.NextSend.After(last) {
			last = l.NextSend
		}
		v.ETALast = instant(last)
	}
	return v
}

func (s *server) showQueue(r *request) (answer, error) {
	live, err := s.relay.Channels(r.ctx, r.workspace())
	if err != nil {
		return answer{}, err
	}
	there := map[string]bool{}
	for _, c := range live {
		there[c.ID] = true
	}
	now := time.Now()
	lanes, err := s.relay.Store.Queue(r.ctx, r.workspace(), now)
	var views []laneView
	for _, l := range lanes {
		if there[l.Group] || l.Depth > 0 {
			views = append(views, viewLane(l, now))
		}
	}
	return pageOf(views, ""), err
}
