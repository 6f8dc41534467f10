package pretend

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"relevo/relay/driver/twilio/twiliotest"
)

// twilioAccount is Twilio: every message names the address for its reports,
// the sender that for what people write.
type twilioAccount struct {
	*twiliotest.Fake
	mu sync.Mutex
	to string
}

func newTwilio(c *http.Client) *twilioAccount {
	return &twilioAccount{Fake: twiliotest.New(twiliotest.Options{HTTP: c})}
}

func (*twilioAccount) channels() []Channel {
	settings, _ := json.Marshal(map[string]string{"account_sid": twiliotest.AccountSID, "auth_token": twiliotest.AuthToken, "from": twiliotest.From})
	return []Channel{{"twilio", twiliotest.From, settings}}
}

func (a *twilioAccount) sent() (list []Sent) {
	for _, m := range a.Messages() {
		kind := "text"
		if m.Media > 0 {
			kind = "file"
		}
		_, id, _ := strings.Cut(m.Callback, "?id=")
		id, _, _ = strings.Cut(id, "#")
		list = append(list, Sent{ID: m.SID, To: strings.TrimPrefix(m.To, "whatsapp:"), Kind: kind, Text: m.Body, Reference: strings.ReplaceAll(id, "%3A", ":")})
	}
	return list
}

func (a *twilioAccount) next(n Answer) {
	a.Next(twiliotest.Answer{Status: n.Status, Code: n.Code, Body: n.Body, Taken: n.Taken, Silent: n.Silent, Cut: n.Cut})
}

func (a *twilioAccount) point(_ context.Context, _ string, to Callbacks) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to = to.InboundURL
	a.SetUp(twiliotest.Account{Status: "active", Type: "Full"},
		[]twiliotest.Sender{{ID: "whatsapp:" + twiliotest.From, Status: "ONLINE", Callback: to.InboundURL, Method: http.MethodPost}}, twiliotest.Service{})
	return nil
}

func (a *twilioAccount) inbound(ctx context.Context, w Written) (int, error) {
	a.mu.Lock()
	to := a.to
	a.mu.Unlock()
	if to == "" {
		return 0, errNowhere
	}
	more := map[string][]string{"ProfileName": nil}
	if w.Name != "" {
		more["ProfileName"] = []string{w.Name}
	}
	return last(a.Deliver(ctx, a.Inbound(to, "+"+digits(w.From), w.Text, more)))
}

func (a *twilioAccount) status(ctx context.Context, id, status string, code int) (int, error) {
	for _, m := range a.Messages() {
		if m.SID == id {
			a.Change(id, status, code)
			return last(a.Deliver(ctx, a.Status(m, status, code)))
		}
	}
	return 0, errUnknown
}

// decide needs no callback: Twilio makes none about templates.
func (a *twilioAccount) decide(_ context.Context, d Decision) (int, error) {
	for _, c := range a.Contents() {
		if c.ApprovalName == d.Name && c.Language == d.Language {
			a.Decide(c.SID, strings.ToLower(d.Event), d.Reason)
			return 0, nil
		}
	}
	return 0, errUnknown
}

// last is the status of the last of several callbacks.
func last(statuses []int, err error) (int, error) {
	if err != nil || len(statuses) == 0 {
		return 0, err
	}
	return statuses[len(statuses)-1], nil
}

// digits are those of a number as a person writes it.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
