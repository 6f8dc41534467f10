package infobip

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/drivertest"
	"relevo/relay/driver/infobip/infobiptest"
)

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Suite{Open: func(t *testing.T) drivertest.Subject {
		a := newAccount(t)
		return subject(a, a.whatsapp(), channel(t, settings{}))
	}})
}

func TestViber(t *testing.T) {
	for _, as := range []string{asLink, asNative} {
		t.Run(as, func(t *testing.T) {
			drivertest.Run(t, drivertest.Suite{Open: func(t *testing.T) drivertest.Subject {
				a := openAccount(t, true)
				return subject(a, a.viber(), viberChannel(t, as))
			}})
		})
	}
}

func subject(a account, d relay.Driver, ch relay.Channel) drivertest.Subject {
	to := func(n int, answer infobiptest.Answer) func() relay.Outgoing {
		return func() relay.Outgoing {
			number := fmt.Sprintf("44113496%04d", n)
			a.For(number, answer)
			return relay.Outgoing{Channel: ch, Recipient: "+" + number, Text: fmt.Sprintf("lorem ipsum %d", n)}
		}
	}
	return drivertest.Subject{
		Driver: d, Calls: func() []drivertest.Call { return calls(a) },
		Sent:         func(n int) relay.Outgoing { return to(100+n, infobiptest.Answer{})() },
		Refused:      to(1, infobiptest.Answer{Status: 52}),
		Deferred:     to(2, infobiptest.Answer{HTTP: http.StatusTooManyRequests, Code: "TOO_MANY_REQUESTS"}),
		ChannelFault: to(3, infobiptest.Answer{Status: 12}),
		Unsure:       to(4, infobiptest.Answer{HTTP: http.StatusBadGateway, Taken: true}),
		Silent:       to(5, infobiptest.Answer{Silence: true}),
	}
}

// calls are the messages as their recipient sees them: the address of a file
// is no part of the text.
func calls(a account) (calls []drivertest.Call) {
	for _, m := range a.Messages() {
		if i := strings.LastIndexByte(m.Text, '\n'); m.File != nil && m.FileURL == "" {
			m.Text = m.Text[:max(i, 0)]
		}
		calls = append(calls, drivertest.Call{Reference: m.ID, Text: m.Text, File: m.File})
	}
	return calls
}
