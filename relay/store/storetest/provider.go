package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"relevo/relay"
)

// provider is a driver with all that a driver may offer.
type provider struct {
	*driver
	mu        sync.Mutex
	templates []relay.Template
	broken    error  // of the next lists
	listing   func() // while the next list is under way
	media     func(relay.InboundFile) (string, error)
	outs      []relay.Outgoing
	findings  func() []relay.Finding // of a check; nil: none
	perSecond int
	pair      time.Duration
}

// Send remembers what it was given whole.
func (p *provider) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	p.mu.Lock()
	p.outs = append(p.outs, out)
	p.mu.Unlock()
	return p.driver.Send(ctx, out)
}

// given is what the driver was last called with for a message.
func (p *provider) given(id string) (out relay.Outgoing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.outs {
		if o.MessageID == id {
			out = o
		}
	}
	return out
}

type providerSettings struct {
	Account string `json:"account"`
}

func (p *provider) Connect(given, _ json.RawMessage) (json.RawMessage, error) {
	var s providerSettings
	err := json.Unmarshal(given, &s)
	return given, err
}

func (p *provider) Show(json.RawMessage) map[string]string { return nil }

func (p *provider) Account(settings json.RawMessage) string {
	var s providerSettings
	_ = json.Unmarshal(settings, &s)
	return s.Account
}

// Check finds what the test says.
func (p *provider) Check(context.Context, relay.Channel, relay.Addresses) []relay.Finding {
	if p.findings == nil {
		return nil
	}
	return p.findings()
}

func (p *provider) Window() time.Duration { return 24 * time.Hour }

// Receive takes what the test says: JSON of what was received.
func (p *provider) Receive(_ relay.Channel, c relay.Callback) (got relay.Received, err error) {
	return got, json.Unmarshal(c.Body, &got)
}

func (p *provider) Templates(context.Context, relay.Channel) ([]relay.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listing != nil {
		p.listing()
		p.listing = nil
	}
	return append([]relay.Template(nil), p.templates...), p.broken
}

func (p *provider) Submit(_ context.Context, _ relay.Channel, t relay.Template, sample *relay.OutgoingFile) (relay.Template, error) {
	if (t.Header != nil && t.Header.Kind == "image") != (sample != nil) {
		return t, errors.New("the sample is not what the header takes")
	}
	t.ID, t.Status = "t-"+t.Name, relay.TemplatePending
	return t, nil
}

func (p *provider) Media(_ context.Context, _ relay.Channel, f relay.InboundFile) (io.ReadCloser, string, error) {
	s, err := p.media(f)
	return io.NopCloser(strings.NewReader(s)), "", err
}

func (p *provider) Rate(relay.Channel) int { return p.perSecond }

func (p *provider) Pair() (time.Duration, int) { return p.pair, 3 }
