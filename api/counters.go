package api

import (
	"time"

	"relevo/relay"
)

// countersView is what each channel sent and received in a period. A null
// bound is none.
type countersView struct {
	Data []countsView `json:"data"`
	From *time.Time   `json:"from"`
	To   *time.Time   `json:"to"`
}

// countsView counts one channel's messages; failed and delivered are parts of sent.
type countsView struct {
	ChannelID string `json:"channel_id"`
	Sent      int64  `json:"sent"`
	Failed    int64  `json:"failed"`
	Delivered int64  `json:"delivered"`
	Received  int64  `json:"received"`
}

func viewCounts(c relay.Counts) countsView {
	return countsView{ChannelID: c.Channel, Sent: c.Sent, Failed: c.Failed, Delivered: c.Delivered, Received: c.Received}
}

func (s *server) showCounters(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	from, to, err := r.period()
	if err != nil {
		return answer{}, err
	}
	counts, err := s.relay.Store.Counts(r.ctx, r.workspace(), from, to)
	return ok(countersView{Data: mapped(counts, viewCounts), From: instant(from), To: instant(to)}), err
}
