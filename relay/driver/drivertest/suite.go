// Package drivertest defines a driver: what every relay.Driver must do with
// what it is given and with what its provider answers.
//
// A driver's test is one call of Run. It brings the driver together with a
// pretend provider that remembers what it was called with, and knows how to
// make that provider refuse, defer, block or stay silent. The suite knows no
// provider: not its codes, not its addresses, not its limits.
package drivertest

import (
	"testing"

	"relevo/relay"
)

// Suite is a driver under test.
type Suite struct {
	// Open makes a driver and a pretend provider that was never called. It is
	// called once for each scenario, with the test that the scenario runs in.
	Open func(t *testing.T) Subject
	// Around runs a scenario; nil runs it as it is. A driver that waits by
	// itself gives synctest.Test, one that speaks over a socket cannot.
	Around func(t *testing.T, scenario func(t *testing.T))
}

// Subject is one driver and the provider behind it.
//
// The functions that return an Outgoing set the provider up for an outcome and
// say which message provokes it. The suite gives that message an id of its
// own. All of them are needed.
type Subject struct {
	Driver relay.Driver
	// Calls is what reached the provider so far, in order: every call that
	// asks it to send a message, taken or not, but no preparatory ones, such
	// as an upload. It is called while Send runs.
	Calls func() []Call

	// Sent is a text message that the provider takes. Each n, from 0, is
	// another lane: they go out at the same time.
	Sent func(n int) relay.Outgoing
	// Refused is a text message that the provider will never take.
	Refused func() relay.Outgoing
	// Deferred is a text message that the provider will take later.
	Deferred func() relay.Outgoing
	// ChannelFault is a text message that the provider does not take because
	// of the channel.
	ChannelFault func() relay.Outgoing
	// Unsure is a text message of which the provider leaves open whether it
	// took it, within a few seconds.
	Unsure func() relay.Outgoing
	// Silent is a text message that the provider takes without an answer, for
	// longer than anybody waits (10 s or more).
	Silent func() relay.Outgoing
}

// Call is one message as the provider got it.
type Call struct {
	// Reference is what the provider keeps of ours and gives back: the
	// message's id.
	Reference string
	// Text is the message's text, or the text under its file.
	Text string
	// File is the attachment's content, nil without one.
	File []byte
}

// Run runs every scenario as a subtest.
func Run(t *testing.T, s Suite) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			around := s.Around
			if around == nil {
				around = func(t *testing.T, f func(t *testing.T)) { f(t) }
			}
			around(t, func(t *testing.T) {
				subject := s.Open(t)
				if missing := subject.missing(); missing != "" {
					t.Fatalf("the suite needs the subject's %s", missing)
				}
				for _, fault := range sc.faults(t.Context(), subject) {
					t.Error(fault)
				}
			})
		})
	}
}

func (s Subject) missing() string {
	switch {
	case s.Driver == nil:
		return "Driver"
	case s.Calls == nil:
		return "Calls"
	case s.Sent == nil:
		return "Sent"
	case s.Refused == nil:
		return "Refused"
	case s.Deferred == nil:
		return "Deferred"
	case s.ChannelFault == nil:
		return "ChannelFault"
	case s.Unsure == nil:
		return "Unsure"
	case s.Silent == nil:
		return "Silent"
	}
	return ""
}
