package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"relevo/relay"
)

// scenario is one rule. It returns what is wrong, in words, so that the rules
// themselves can be tested with drivers that break them.
type scenario struct {
	name   string
	faults func(ctx context.Context, s Subject) []string
}

// The whole definition of a driver.
var scenarios = []scenario{
	{"AMessageIsSentInOneCallUnderOurID", sentInOneCall},
	{"ARefusalIsFinalAndSaysWhy", func(ctx context.Context, s Subject) []string {
		return verdict(ctx, s, s.Refused(), relay.Refused)
	}},
	{"ADeferralSendsNothingAndIsNotRetried", func(ctx context.Context, s Subject) []string {
		return verdict(ctx, s, s.Deferred(), relay.Deferred)
	}},
	{"AFaultOfTheChannelSaysWhy", func(ctx context.Context, s Subject) []string {
		return verdict(ctx, s, s.ChannelFault(), relay.ChannelFault)
	}},
	{"AnOpenOutcomeIsUnsureAndNotRetried", func(ctx context.Context, s Subject) []string {
		return verdict(ctx, s, s.Unsure(), relay.Unsure)
	}},
	{"ASilentProviderIsLeftWhenTheTimeIsOver", silent},
	{"ACallWhoseTimeIsOverSendsNothing", overBefore},
	{"MessagesOfDifferentLanesGoOutAtOnce", lanes},
	{"AFileIsReadToItsEndAndClosed", fileIsRead},
	{"ATextUnderAFileGoesWithIt", caption},
	{"AFileThatCannotBeOpenedSendsNothing", fileCannotBeOpened},
	{"AFileThatBreaksOffSendsNothing", fileBreaksOff},
}

func sentInOneCall(ctx context.Context, s Subject) (faults []string) {
	out := named(s.Sent(0), 0)
	id, err := s.Driver.Send(ctx, out)
	if err != nil {
		return []string{fmt.Sprintf("send: %v", err)}
	}
	if id == "" {
		faults = append(faults, "a message was sent and the provider's id is empty")
	}
	calls := s.Calls()
	if len(calls) != 1 {
		return append(faults, fmt.Sprintf("one message made %d calls of the provider, want 1", len(calls)))
	}
	if got := calls[0].Reference; got != out.MessageID {
		faults = append(faults, fmt.Sprintf("the provider's reference is %q, want our id %q", got, out.MessageID))
	}
	if got := calls[0].Text; got != out.Text {
		faults = append(faults, fmt.Sprintf("the provider got the text %q, want %q", got, out.Text))
	}
	return faults
}

// verdict checks one try with a known outcome other than sent.
func verdict(ctx context.Context, s Subject, out relay.Outgoing, want relay.Verdict) (faults []string) {
	out = named(out, 0)
	id, err := s.Driver.Send(ctx, out)
	if err == nil {
		return []string{fmt.Sprintf("send: no error and id %q, want %s", id, want)}
	}
	if got := verdictOf(err); got != want {
		faults = append(faults, fmt.Sprintf("verdict %s, want %s (%v)", got, want, err))
	}
	if id != "" {
		faults = append(faults, fmt.Sprintf("an error comes with the provider's id %q", id))
	}
	if n := len(s.Calls()); n > 1 {
		faults = append(faults, fmt.Sprintf("one try made %d calls of the provider", n))
	}
	return append(append(faults, says(err, want)...), leaks(err, out)...)
}

// says checks that somebody can act on an error that is not Unsure.
func says(err error, v relay.Verdict) (faults []string) {
	var e *relay.SendError
	if v == relay.Unsure {
		return nil
	}
	if !errors.As(err, &e) {
		return []string{fmt.Sprintf("the error is a %T, want a *relay.SendError", err)}
	}
	if e.Code == "" {
		faults = append(faults, "the error has no code")
	}
	if e.Reason == "" {
		faults = append(faults, "the error has no reason")
	}
	if e.After < 0 {
		faults = append(faults, fmt.Sprintf("the error asks to come back after %s", e.After))
	}
	return faults
}

const (
	// patience is the time that a silent provider is given. Over a socket it
	// is real time.
	patience = 100 * time.Millisecond
	// soon is how long a driver may take to notice that it is over.
	soon = 5 * time.Second
)

func silent(ctx context.Context, s Subject) (faults []string) {
	out := named(s.Silent(), 0)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	_, err := s.Driver.Send(ctx, out)
	if took := time.Since(began); took > patience+soon {
		faults = append(faults, fmt.Sprintf("send returned %s after its time was over", took-patience))
	}
	calls := len(s.Calls())
	switch {
	case err == nil:
		return append(faults, "send: no error, although the provider did not answer")
	case calls == 0 && verdictOf(err) == relay.Deferred: // it proved that nothing went out
	case verdictOf(err) != relay.Unsure:
		faults = append(faults, fmt.Sprintf("verdict %s after a call without an answer, want unsure (%v)", verdictOf(err), err))
	}
	if calls > 1 {
		faults = append(faults, fmt.Sprintf("one try made %d calls of the provider", calls))
	}
	return append(faults, leaks(err, out)...)
}

func overBefore(ctx context.Context, s Subject) []string {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return nothingSent(ctx, s, named(s.Sent(0), 0), relay.Unsure, relay.Deferred)
}

func lanes(ctx context.Context, s Subject) (faults []string) {
	const n = 16
	var (
		gun     = make(chan struct{})
		racing  sync.WaitGroup
		ids     [n]string
		errs    [n]error
		ours    = map[string]int{}
		theirs  = map[string]bool{}
		outs    [n]relay.Outgoing
		arrived = map[string]int{}
	)
	for i := range n {
		outs[i] = named(s.Sent(i), i)
		ours[outs[i].MessageID] = i
		racing.Go(func() {
			<-gun
			ids[i], errs[i] = s.Driver.Send(ctx, outs[i])
		})
	}
	close(gun)
	racing.Wait()
	for i := range n {
		if errs[i] != nil {
			faults = append(faults, fmt.Sprintf("send on lane %d: %v", i, errs[i]))
		} else if theirs[ids[i]] {
			faults = append(faults, fmt.Sprintf("two messages have the provider's id %q", ids[i]))
		}
		theirs[ids[i]] = true
	}
	for _, c := range s.Calls() {
		arrived[c.Reference]++
		if i, ok := ours[c.Reference]; ok && c.Text != outs[i].Text {
			faults = append(faults, fmt.Sprintf("message %s arrived with the text %q, want %q", c.Reference, c.Text, outs[i].Text))
		}
	}
	for id := range ours {
		if arrived[id] != 1 {
			faults = append(faults, fmt.Sprintf("message %s arrived %d times", id, arrived[id]))
		}
	}
	return faults
}

func fileIsRead(ctx context.Context, s Subject) (faults []string) {
	out, file := withFile(s, sound)
	out.Text = ""
	_, err := s.Driver.Send(ctx, out)
	file.stop()
	if err != nil {
		return append(file.faults(), fmt.Sprintf("send: %v", err))
	}
	return append(file.faults(), arrivedWith(s, out, file)...)
}

func caption(ctx context.Context, s Subject) (faults []string) {
	c, ok := s.Driver.(relay.Captioner)
	if !ok || !c.Captions(relay.Image) {
		return nil // the relay never gives it a text and a file
	}
	out, file := withFile(s, sound)
	_, err := s.Driver.Send(ctx, out)
	file.stop()
	if err != nil {
		return append(file.faults(), fmt.Sprintf("send: %v", err))
	}
	return append(file.faults(), arrivedWith(s, out, file)...)
}

func arrivedWith(s Subject, out relay.Outgoing, file *file) (faults []string) {
	calls := s.Calls()
	if len(calls) != 1 {
		return []string{fmt.Sprintf("one message with a file made %d calls of the provider, want 1", len(calls))}
	}
	if !bytes.Equal(calls[0].File, file.content) {
		faults = append(faults, fmt.Sprintf("%d bytes of the file arrived, want the %d that it has", len(calls[0].File), len(file.content)))
	}
	if calls[0].Text != out.Text {
		faults = append(faults, fmt.Sprintf("the text under the file is %q, want %q", calls[0].Text, out.Text))
	}
	return faults
}

func fileCannotBeOpened(ctx context.Context, s Subject) []string {
	if linked(s.Driver) {
		return nil // what the provider cannot fetch it tells later
	}
	out, file := withFile(s, locked)
	out.Text = ""
	faults := nothingSent(ctx, s, out, relay.Refused, relay.Deferred)
	return append(faults, file.faults()...)
}

func fileBreaksOff(ctx context.Context, s Subject) []string {
	if linked(s.Driver) {
		return nil
	}
	out, file := withFile(s, broken)
	out.Text = ""
	faults := nothingSent(ctx, s, out, relay.Refused, relay.Deferred)
	return append(faults, file.faults()...)
}

// nothingSent checks a try in which no message may reach the provider.
func nothingSent(ctx context.Context, s Subject, out relay.Outgoing, allowed ...relay.Verdict) (faults []string) {
	id, err := s.Driver.Send(ctx, out)
	if n := len(s.Calls()); n != 0 {
		faults = append(faults, fmt.Sprintf("%d calls reached the provider, want none", n))
	}
	if err == nil {
		return append(faults, fmt.Sprintf("send: no error and id %q", id))
	}
	for _, v := range allowed {
		if verdictOf(err) == v {
			return append(faults, leaks(err, out)...)
		}
	}
	faults = append(faults, fmt.Sprintf("verdict %s, want one of %s (%v)", verdictOf(err), allowed, err))
	return append(faults, leaks(err, out)...)
}
