package pretend

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"relevo/relay/driver/vonage/vonagetest"
)

// vonageAccount is Vonage, and Meta for its templates. An application has one
// address for reports and one for what people write.
type vonageAccount struct {
	*vonagetest.Fake
	inboundURL, statusURL func() string
}

const vonagePhone = "+447700900001"

func newVonage(c *http.Client) *vonageAccount {
	a := &vonageAccount{Fake: vonagetest.New(vonagetest.Options{Number: digits(vonagePhone), Client: c})}
	set := func(which func(*vonagetest.Options) string) func() string {
		return func() (url string) {
			a.Change(func(o *vonagetest.Options) { url = which(o) })
			return url
		}
	}
	a.inboundURL = set(func(o *vonagetest.Options) string { return o.InboundURL })
	a.statusURL = set(func(o *vonagetest.Options) string { return o.StatusURL })
	return a
}

func (a *vonageAccount) channels() []Channel { return []Channel{{"vonage", vonagePhone, a.Settings()}} }

// taken are the messages that went out.
func (a *vonageAccount) taken() (list []vonagetest.Message) {
	for _, m := range a.Messages() {
		if m.UUID != "" {
			list = append(list, m)
		}
	}
	return list
}

func (a *vonageAccount) sent() (list []Sent) {
	for _, m := range a.taken() {
		list = append(list, Sent{ID: m.UUID, To: m.To, Kind: m.Type, Text: m.Text, Reference: m.Ref, Bytes: len(m.File)})
	}
	return list
}

func (a *vonageAccount) next(n Answer) {
	v := vonagetest.Answer{Status: n.Status, Body: n.Body}
	if n.Code != 0 {
		v = vonagetest.Problem(max(n.Status, http.StatusUnprocessableEntity), strconv.Itoa(n.Code), "An error of the fake's")
	}
	if v.Status == 0 {
		v.Status = http.StatusInternalServerError
	}
	v.Taken, v.Silent, v.Cut = n.Taken, n.Silent, n.Cut
	a.Next(v)
}

func (a *vonageAccount) point(_ context.Context, _ string, to Callbacks) error {
	a.Change(func(o *vonagetest.Options) { o.InboundURL, o.StatusURL = to.InboundURL, to.StatusURL })
	return nil
}

// deliver makes one callback, signed now.
func (a *vonageAccount) deliver(ctx context.Context, to string, body []byte) (int, error) {
	if to == "" {
		return 0, errNowhere
	}
	return a.DeliverLate(ctx, to, 0, body)
}

func (a *vonageAccount) inbound(ctx context.Context, w Written) (int, error) {
	more := map[string]any{"text": w.Text}
	if w.Name != "" {
		more["profile"] = map[string]string{"name": w.Name}
	}
	return a.deliver(ctx, a.inboundURL(), a.Inbound(digits(w.From), "text", more, time.Now()))
}

func (a *vonageAccount) status(ctx context.Context, id, status string, code int) (int, error) {
	word, said := status, ""
	if status == "failed" {
		word = "rejected"
	}
	if code != 0 {
		said = strconv.Itoa(code)
	}
	for _, m := range a.taken() {
		if m.UUID == id {
			to := m.Webhook
			if to == "" {
				to = a.statusURL()
			}
			return a.deliver(ctx, to, a.Status(m, word, said, time.Now()))
		}
	}
	return 0, errUnknown
}

func (a *vonageAccount) decide(ctx context.Context, d Decision) (int, error) {
	for _, t := range a.Templates() {
		if t["name"] == d.Name && t["language"] == d.Language {
			a.Decide(d.Name, d.Language, d.Event)
			return a.deliver(ctx, a.statusURL(), a.Notice(fmt.Sprint(t["id"]), d.Name, d.Language, d.Event, d.Reason, time.Now()))
		}
	}
	return 0, errUnknown
}
