package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/relay"
)

const (
	channel = "ch_abcdefghijklmnopqrst"
	secret  = "the words of a message"
)

// phone is a driver over a folder, with what it reported and logged.
type phone struct {
	*Driver
	began time.Time

	mu      sync.Mutex
	reports []relay.Report
	// calls are the channel and size of each call of report.
	calls []string
	// refuse answers a call of report; nil takes everything.
	refuse func(reports []relay.Report) error
	logged bytes.Buffer
}

// openPhone starts a driver; the same folder again is the next process.
func openPhone(t *testing.T, dir string) *phone {
	t.Helper()
	p := &phone{began: time.Now()}
	p.Driver = New(dir, p.take, slog.New(slog.NewTextHandler(&p.logged, nil)))
	t.Cleanup(func() {
		for _, private := range []string{secret, "4155550"} {
			if strings.Contains(p.logged.String(), private) {
				t.Errorf("the log shows %q:\n%s", private, p.logged.String())
			}
		}
	})
	return p
}

func (p *phone) take(_ context.Context, channelID string, reports []relay.Report) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, fmt.Sprintf("%s %d", channelID, len(reports)))
	if p.refuse != nil {
		if err := p.refuse(reports); err != nil {
			return err
		}
	}
	p.reports = append(p.reports, reports...)
	return nil
}

// run lets the driver report for a time, then ends it, as a process ends.
func (p *phone) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := p.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	if ctx.Err() == nil {
		t.Error("run ended before its context")
	}
}

// told are the reports so far, each as its status and its time since base.
func (p *phone) told(base time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := []string{}
	for _, r := range p.reports {
		told = append(told, fmt.Sprintf("%s %s", r.Status, r.At.Sub(base).Round(time.Millisecond)))
	}
	return told
}

// lines is what the channel's file says, the oldest first.
func (p *phone) lines(t *testing.T, channelID string) []Line {
	t.Helper()
	lines, err := p.Sent(channelID, MaxSent)
	if err != nil {
		t.Fatalf("sent: %v", err)
	}
	slices.Reverse(lines)
	return lines
}

// handedOver counts the lines that say that a message went out.
func (p *phone) handedOver(t *testing.T) (n int) {
	t.Helper()
	for _, l := range p.lines(t, channel) {
		if l.HandedOver {
			n++
		}
	}
	return n
}

func toRecipient(recipient string) relay.Outgoing {
	return relay.Outgoing{
		Channel: relay.Channel{ID: channel, Kind: "sandbox"}, MessageID: messageID(1),
		Recipient: recipient, Try: 1, Text: secret,
	}
}

func messageID(n int) string { return fmt.Sprintf("wa_backend:3EB0%018X", n) }

// answer is the verdict and code of an error, or "sent".
func answer(err error) string {
	if err == nil {
		return "sent"
	}
	if e := (*relay.SendError)(nil); errors.As(err, &e) {
		return fmt.Sprintf("%s %s", e.Verdict, e.Code)
	}
	return err.Error()
}
