package sandbox

import (
	"strings"
	"time"

	"relevo/relay"
)

// behaviour is what the sandbox does with a message to some recipient.
type behaviour struct {
	// away answers every try, first only those until firstFor after the first
	// one; nothing goes out. Nil where the sandbox does not do that.
	away, first *relay.SendError
	firstFor    time.Duration
	// wait is how long the sandbox takes to answer what went out, and answer
	// what it says then; nil for "sent".
	wait   time.Duration
	answer *relay.SendError
	// reports are made of what went out.
	reports []promise
}

// promise is a report of the future, a time after the hand-over.
type promise struct {
	status  relay.Status
	after   time.Duration
	failure *relay.Failure
}

// Delays of the sandbox, as its documentation promises them.
const (
	deliveredAfter = 1 * time.Second
	readAfter      = 2 * time.Second
	lateAfter      = 5 * time.Second
	comeBackAfter  = 5 * time.Second
	unreachableFor = 30 * time.Second
	slowFor        = 10 * time.Second
	timeoutAfter   = 1 * time.Second
)

// behaviourOf is the sandbox's whole script, by the last four digits of a
// recipient. A JID's digits count in the same way.
func behaviourOf(recipient string) behaviour {
	switch lastFour(recipient) {
	case "9901": // not on WhatsApp
		return behaviour{away: fault(relay.Refused, relay.CodeNotOnWhatsApp,
			"This number is not on WhatsApp. Check it, or send to another one.")}
	case "9902": // refused
		return behaviour{away: fault(relay.Refused, relay.CodeRefused,
			"The sandbox refused this message, as it does for this number. Send to another one to see it arrive.")}
	case "9903": // 429 at its first try, then sent
		e := fault(relay.Deferred, relay.CodeRateLimited, "The sandbox asked to come back in 5 seconds; Relevo tries again then.")
		e.After = comeBackAfter
		return behaviour{first: e, reports: arrives(0)}
	case "9904": // unreachable for 30 s from its first try on, then sent
		return behaviour{first: fault(relay.Deferred, relay.CodeUnavailable, "The sandbox cannot be reached for 30 seconds; Relevo tries again."),
			firstFor: unreachableFor, reports: arrives(0)}
	case "9905": // slow, then sent
		return behaviour{wait: slowFor, reports: arrives(slowFor)}
	case "9906": // timeout, delivered later
		return behaviour{wait: timeoutAfter, answer: timedOut(), reports: []promise{{status: relay.Delivered, after: lateAfter}}}
	case "9907": // sent, failed later
		return behaviour{reports: []promise{{status: relay.Failed, after: lateAfter, failure: &relay.Failure{Code: relay.CodeProviderFailed,
			Message: "The sandbox took this message and could not deliver it, as it does for this number. Send it again, or to another number."}}}}
	case "9908": // failed, and delivered all the same
		return behaviour{answer: fault(relay.Refused, relay.CodeProviderFailed,
			"The sandbox said that it could not send this message, as it does for this number. It may report later that it arrived."),
			reports: []promise{{status: relay.Delivered, after: lateAfter}}}
	case "9909": // timeout, and never a report
		return behaviour{wait: timeoutAfter, answer: timedOut()}
	case "9910": // channel fault
		return behaviour{away: fault(relay.ChannelFault, relay.CodeProviderFailed,
			"The sandbox does not let this channel send, as it does when a message goes to this number. Cancel that message, then resume the channel.")}
	}
	return behaviour{reports: arrives(0)}
}

func arrives(late time.Duration) []promise {
	return []promise{
		{status: relay.Delivered, after: late + deliveredAfter},
		{status: relay.Read, after: late + readAfter},
	}
}

func timedOut() *relay.SendError {
	return fault(relay.Unsure, relay.CodeUnavailable,
		"The sandbox did not say whether it took this message, as it does for this number. Wait for its report; without one its units come back.")
}

func fault(v relay.Verdict, code relay.Code, reason string) *relay.SendError {
	return &relay.SendError{Verdict: v, Code: code, Reason: reason}
}

// lastFour are the last four digits of a phone number or of a JID's user part,
// fewer where there are fewer.
func lastFour(recipient string) string {
	user, _, _ := strings.Cut(recipient, "@")
	user, _, _ = strings.Cut(user, ":") // user:device
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, user)
	return digits[max(0, len(digits)-4):]
}
