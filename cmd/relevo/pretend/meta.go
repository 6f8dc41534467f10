package pretend

import (
	"context"
	"net/http"
	"sync"

	"relevo/relay/driver/meta/metatest"
)

// metaAccount is Meta's Cloud API: one address for all callbacks, which asks
// for a token when it is saved.
type metaAccount struct {
	*metatest.Fake
	mu sync.Mutex
	to string
}

const metaPhone = "+15550783881"

func newMeta(c *http.Client) *metaAccount {
	return &metaAccount{Fake: metatest.New(metatest.Options{Phone: metaPhone, HTTP: c})}
}

func (a *metaAccount) channels() []Channel { return []Channel{{"meta", metaPhone, a.Settings()}} }

func (a *metaAccount) sent() (list []Sent) {
	for _, c := range a.Taken() {
		s := Sent{ID: c.ID, To: c.To, Kind: c.Type, Text: c.Text, Reference: c.Reference}
		if c.File != nil {
			s.Bytes = len(c.File.Content)
		}
		list = append(list, s)
	}
	return list
}

func (a *metaAccount) next(n Answer) {
	a.Next("messages", metatest.Answer{Status: n.Status, Code: n.Code, Body: n.Body, Taken: n.Taken, Silent: n.Silent, Cut: n.Cut})
}

func (a *metaAccount) point(ctx context.Context, _ string, to Callbacks) error {
	if err := a.Verify(ctx, to.URL, to.VerifyToken); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to = to.URL
	return nil
}

func (a *metaAccount) deliver(ctx context.Context, c metatest.Change) (int, error) {
	a.mu.Lock()
	to := a.to
	a.mu.Unlock()
	if to == "" {
		return 0, errNowhere
	}
	return a.Deliver(ctx, to, c)
}

func (a *metaAccount) inbound(ctx context.Context, w Written) (int, error) {
	return a.deliver(ctx, a.Inbound(metatest.Person{Number: digits(w.From), Name: w.Name}, "text", map[string]string{"body": w.Text}, nil))
}

func (a *metaAccount) status(ctx context.Context, id, status string, code int) (int, error) {
	for _, c := range a.Taken() {
		if c.ID != id {
			continue
		}
		var codes []int
		if code != 0 {
			codes = append(codes, code)
		}
		return a.deliver(ctx, a.Status(c, status, codes...))
	}
	return 0, errUnknown
}

func (a *metaAccount) decide(ctx context.Context, d Decision) (int, error) {
	for _, t := range a.Templates() {
		if t["name"] == d.Name && t["language"] == d.Language {
			return a.deliver(ctx, a.TemplateStatus(d.Name, d.Language, d.Event, d.Reason))
		}
	}
	return 0, errUnknown
}
