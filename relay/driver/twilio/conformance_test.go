package twilio

import (
	"fmt"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/drivertest"
	"relevo/relay/driver/twilio/twiliotest"
)

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Suite{Open: func(t *testing.T) drivertest.Subject {
		d, f := open(t, twiliotest.Options{})
		scripted := func(a twiliotest.Answer) func() relay.Outgoing {
			return func() relay.Outgoing {
				f.For(ana, a)
				return text(t, "lorem ipsum")
			}
		}
		return drivertest.Subject{
			Driver: d,
			Calls: func() (calls []drivertest.Call) {
				for _, c := range f.Calls() {
					calls = append(calls, drivertest.Call{Reference: reference(c.Form), Text: c.Form.Get("Body"), File: c.File})
				}
				return calls
			},
			Sent: func(n int) relay.Outgoing {
				out := text(t, fmt.Sprintf("lorem ipsum %d", n))
				out.Recipient = fmt.Sprintf("+55119000001%02d", n)
				return out
			},
			Refused:      scripted(twiliotest.Answer{Status: 400, Code: 21211}),
			Deferred:     scripted(twiliotest.Answer{Status: 429, Code: 20429}),
			ChannelFault: scripted(twiliotest.Answer{Status: 401, Code: 20003}),
			Unsure:       scripted(twiliotest.Answer{Status: 503, Code: 20503}),
			Silent:       scripted(twiliotest.Answer{Silent: true, Taken: true}),
		}
	}})
}
