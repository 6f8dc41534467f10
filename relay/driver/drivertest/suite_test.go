package drivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relevo/relay"
)

func TestASoundDriverPasses(t *testing.T) {
	Run(t, Suite{
		Open:   func(t *testing.T) Subject { return newPretend("").subject() },
		Around: synctest.Test,
	})
}

// Each of these drivers breaks one rule, and the scenario of that rule has to
// say so.
func TestADriverThatBreaksARuleIsFound(t *testing.T) {
	cases := []struct{ breaks, scenario, says string }{
		{"retries", "ADeferralSendsNothingAndIsNotRetried", "2 calls"},
		{"retries", "AnOpenOutcomeIsUnsureAndNotRetried", "2 calls"},
		{"retries", "ARefusalIsFinalAndSaysWhy", "2 calls"},
		{"sends twice", "AMessageIsSentInOneCallUnderOurID", "2 calls"},
		{"empty id", "AMessageIsSentInOneCallUnderOurID", "id is empty"},
		{"own reference", "AMessageIsSentInOneCallUnderOurID", "reference"},
		{"loses text", "AMessageIsSentInOneCallUnderOurID", "text"},
		{"shows recipient", "ARefusalIsFinalAndSaysWhy", "recipient's digits"},
		{"shows spaced recipient", "ARefusalIsFinalAndSaysWhy", "recipient's digits"},
		{"shows text", "ARefusalIsFinalAndSaysWhy", "text"},
		{"logs recipient", "AFaultOfTheChannelSaysWhy", "error for the log"},
		{"logs text", "ADeferralSendsNothingAndIsNotRetried", "error for the log"},
		{"no reason", "ARefusalIsFinalAndSaysWhy", "no reason"},
		{"no code", "AFaultOfTheChannelSaysWhy", "no code"},
		{"all unsure", "ARefusalIsFinalAndSaysWhy", "want refused"},
		{"all unsure", "ADeferralSendsNothingAndIsNotRetried", "want deferred"},
		{"all unsure", "AFaultOfTheChannelSaysWhy", "want channel_fault"},
		{"all refused", "AnOpenOutcomeIsUnsureAndNotRetried", "want unsure"},
		{"id with error", "ARefusalIsFinalAndSaysWhy", "comes with"},
		{"no error", "ARefusalIsFinalAndSaysWhy", "no error"},
		{"ignores ctx", "ASilentProviderIsLeftWhenTheTimeIsOver", "after its time was over"},
		{"deferred after call", "ASilentProviderIsLeftWhenTheTimeIsOver", "want unsure"},
		{"starts late", "ACallWhoseTimeIsOverSendsNothing", "1 calls reached"},
		{"same id", "MessagesOfDifferentLanesGoOutAtOnce", "two messages have"},
		{"mixes lanes", "MessagesOfDifferentLanesGoOutAtOnce", "arrived"},
		{"half file", "AFileIsReadToItsEndAndClosed", "not read to its end"},
		{"no file", "AFileIsReadToItsEndAndClosed", "never opened"},
		{"open file", "AFileIsReadToItsEndAndClosed", "closed 0 times"},
		{"open file", "AFileThatBreaksOffSendsNothing", "closed 0 times"},
		{"loses text", "ATextUnderAFileGoesWithIt", "text under the file"},
		{"sends without file", "AFileThatCannotBeOpenedSendsNothing", "reached the provider"},
		{"sends without file", "AFileThatBreaksOffSendsNothing", "reached the provider"},
		{"unsure about file", "AFileThatCannotBeOpenedSendsNothing", "verdict unsure"},
		{"unsure about file", "AFileThatBreaksOffSendsNothing", "verdict unsure"},
	}
	for _, c := range cases {
		t.Run(c.breaks+"/"+c.scenario, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := scenarioNamed(t, c.scenario).faults(t.Context(), newPretend(c.breaks).subject())
				if all := strings.Join(faults, "\n"); !strings.Contains(all, c.says) {
					t.Errorf("a driver that breaks the rule %q: the suite says %q, want %q in it", c.breaks, all, c.says)
				}
			})
		})
	}
}

func TestASubjectMustBeWhole(t *testing.T) {
	s := newPretend("").subject()
	if got := s.missing(); got != "" {
		t.Errorf("a whole subject misses %s", got)
	}
	s.Silent = nil
	if got := s.missing(); got != "Silent" {
		t.Errorf("missing %q, want Silent", got)
	}
}

func scenarioNamed(t *testing.T, name string) scenario {
	t.Helper()
	for _, sc := range scenarios {
		if sc.name == name {
			return sc
		}
	}
	t.Fatalf("no scenario %s", name)
	return scenario{}
}

// pretend is a small driver and its provider in one, with a rule to break.
type pretend struct {
	breaks string

	mu    sync.Mutex
	calls []Call
}

func newPretend(breaks string) *pretend { return &pretend{breaks: breaks} }

func (p *pretend) subject() Subject {
	to := func(kind string) func() relay.Outgoing {
		return func() relay.Outgoing {
			return relay.Outgoing{Recipient: "+14155550100", Text: "a text for " + kind, Template: &relay.OutgoingTemplate{Name: kind}}
		}
	}
	return Subject{
		Driver: p,
		Calls: func() []Call {
			p.mu.Lock()
			defer p.mu.Unlock()
			return append([]Call(nil), p.calls...)
		},
		Sent: func(n int) relay.Outgoing {
			return relay.Outgoing{Recipient: fmt.Sprintf("+141555501%02d", n), Text: fmt.Sprintf("lorem ipsum %d", n)}
		},
		Refused: to("refused"), Deferred: to("deferred"), ChannelFault: to("channel_fault"), Unsure: to("unsure"), Silent: to("silent"),
	}
}

func (p *pretend) Captions(relay.FileKind) bool { return true }

func (p *pretend) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	if err := ctx.Err(); err != nil && p.breaks != "starts late" {
		return "", &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable, Reason: "too late"}
	}
	content, err := p.read(out.File)
	if err != nil {
		if p.breaks == "sends without file" {
			p.take(out, nil)
		}
		e := &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable, Reason: "no file"}
		if p.breaks == "unsure about file" {
			e.Verdict = relay.Unsure
		}
		return "", e
	}
	p.take(out, content)
	if p.breaks == "sends twice" {
		p.take(out, content)
	}
	if out.Template != nil {
		return p.answer(ctx, out)
	}
	switch p.breaks {
	case "empty id":
		return "", nil
	case "same id":
		return "theirs", nil
	}
	return "their " + out.MessageID, nil
}

func (p *pretend) answer(ctx context.Context, out relay.Outgoing) (string, error) {
	if p.breaks == "retries" {
		p.take(out, nil)
	}
	kind := out.Template.Name
	if kind == "silent" {
		return p.silence(ctx)
	}
	e := &relay.SendError{Code: relay.CodeRefused, Reason: "The provider said no."}
	for v := relay.Unsure; v <= relay.ChannelFault; v++ {
		if v.String() == kind {
			e.Verdict = v
		}
	}
	switch p.breaks {
	case "shows recipient":
		e.Reason += out.Recipient
	case "shows spaced recipient":
		e.Reason += " +1 415 555-0100"
	case "shows text":
		e.Reason += out.Text
	case "logs recipient":
		e.Err = errors.New("to " + out.Recipient)
	case "logs text":
		e.Err = errors.New(out.Text)
	case "no reason":
		e.Reason = ""
	case "no code":
		e.Code = ""
	case "all unsure":
		return "", errors.New("something")
	case "all refused":
		e.Verdict = relay.Refused
	case "id with error":
		return "theirs", e
	case "no error":
		return "theirs", nil
	}
	return "", e
}

func (p *pretend) silence(ctx context.Context) (string, error) {
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	done := ctx.Done()
	if p.breaks == "ignores ctx" {
		done = nil
	}
	select {
	case <-done:
	case <-late.C:
	}
	if p.breaks == "deferred after call" {
		return "", &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable, Reason: "no answer"}
	}
	return "", errors.New("no answer")
}

func (p *pretend) read(f *relay.OutgoingFile) ([]byte, error) {
	if f == nil || p.breaks == "no file" {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	if p.breaks != "open file" {
		defer r.Close()
	}
	if p.breaks == "half file" {
		return io.ReadAll(io.LimitReader(r, f.Size/2))
	}
	return io.ReadAll(r)
}

func (p *pretend) take(out relay.Outgoing, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := Call{Reference: out.MessageID, Text: out.Text, File: content}
	switch {
	case p.breaks == "own reference":
		c.Reference = "mine"
	case p.breaks == "loses text":
		c.Text = ""
	case p.breaks == "mixes lanes" && len(p.calls) > 0:
		c.Reference = p.calls[0].Reference
	}
	p.calls = append(p.calls, c)
}
