package infobip

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"relevo/relay"
)

// logs is what Infobip keeps of sent messages, for 48 hours.
type logs struct {
	Results []result `json:"results"`
}

// Resolve looks a message up in the logs, which may be read any number of
// times. It is known once it is there.
// https://www.infobip.com/docs/api/channels/whatsapp
func (d *shared) Resolve(ctx context.Context, out relay.Outgoing) (rep relay.Report, known bool, err error) {
	s, err := open(out.Channel)
	if err != nil {
		return rep, false, err
	}
	r, err := d.call(ctx, s, http.MethodGet, d.logs+"?messageId="+url.QueryEscape(out.MessageID), nil)
	if err != nil {
		return rep, false, err
	}
	if r.Status != http.StatusOK {
		return rep, false, refusal(r)
	}
	var l logs
	if err := json.Unmarshal(r.Body, &l); err != nil {
		return rep, false, unclear(errors.New("logs are not JSON"))
	}
	var got relay.Received
	now := time.Now()
	for _, res := range l.Results {
		if string(res.MessageID) != out.MessageID {
			continue
		}
		if res.SeenAt != "" {
			rep := res.report(relay.Read)
			rep.At = timeOf(now, res.SeenAt)
			return rep, true, nil
		}
		if res.Status != nil {
			res.delivery(&got, now)
		}
	}
	if len(got.Reports) == 0 {
		return rep, false, nil
	}
	return got.Reports[0], true, nil
}
