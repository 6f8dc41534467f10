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
	rep, known = best(l.Results, out.MessageID, time.Now())
	return rep, known, nil
}

// best is what counts of the entries of one message: that it was read, else
// that it went out, else that it failed. A message that was rejected for a
// while and handed over again has several.
func best(entries []result, id string, now time.Time) (rep relay.Report, known bool) {
	var got relay.Received
	for _, e := range entries {
		if string(e.MessageID) != id {
			continue
		}
		if e.SeenAt != "" {
			rep = e.report(relay.Read)
			rep.At = timeOf(now, e.SeenAt)
			return rep, true
		}
		if e.Status != nil {
			e.delivery(&got, now)
		}
	}
	for _, r := range got.Reports {
		if !known || rep.Status == relay.Failed || r.Status == relay.Delivered {
			rep, known = r, true
		}
	}
	return rep, known
}
