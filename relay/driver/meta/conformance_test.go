package meta

import (
	"fmt"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/drivertest"
	"relevo/relay/driver/meta/metatest"
)

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Suite{Open: func(t *testing.T) drivertest.Subject {
		w := open(t)
		scripted := func(a metatest.Answer) func() relay.Outgoing {
			return func() relay.Outgoing {
				w.fake.To("+4915112345678", a)
				return w.to("+4915112345678", "lorem ipsum dolor")
			}
		}
		return drivertest.Subject{
			Driver: w.Driver,
			Calls: func() (calls []drivertest.Call) {
				for _, c := range w.fake.Calls() {
					call := drivertest.Call{Reference: c.Reference, Text: c.Text}
					if c.File != nil {
						call.File = c.File.Content
					}
					calls = append(calls, call)
				}
				return calls
			},
			Sent: func(n int) relay.Outgoing {
				return w.to(fmt.Sprintf("+55119%08d", n), fmt.Sprintf("lorem ipsum %d", n))
			},
			Refused:      scripted(metatest.Answer{Code: 131026, Message: "(#131026) to +4915112345678: lorem ipsum dolor"}),
			Deferred:     scripted(metatest.Answer{Code: 130429, Status: 429}),
			ChannelFault: scripted(metatest.Answer{Code: 190, Status: 401}),
			Unsure:       scripted(metatest.Answer{Cut: true, Taken: true}),
			Silent:       scripted(metatest.Answer{Silent: true, Taken: true}),
		}
	}})
}
