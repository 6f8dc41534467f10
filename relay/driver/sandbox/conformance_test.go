package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"relevo/relay"
	"relevo/relay/driver/drivertest"
)

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Suite{Open: openSubject, Around: synctest.Test})
}

func openSubject(t *testing.T) drivertest.Subject {
	p := openPhone(t, t.TempDir())
	to := func(recipient string) func() relay.Outgoing {
		return func() relay.Outgoing { return toRecipient(recipient) }
	}
	return drivertest.Subject{
		Driver: p.Driver,
		Calls: func() (calls []drivertest.Call) {
			for _, id := range []string{channel, otherChannel} {
				for _, l := range p.lines(t, id) {
					calls = append(calls, drivertest.Call{Reference: l.MessageID, Text: l.Text, File: p.content(t, l)})
				}
			}
			return calls
		},
		// Two channels take turns; lanes of one channel write to one file.
		Sent: func(n int) relay.Outgoing {
			out := toRecipient(fmt.Sprintf("+1415555%04d", n))
			if n%2 == 1 {
				out.Channel.ID = otherChannel
			}
			return out
		},
		Refused: to("+14155559902"), Deferred: to("+14155559903"), ChannelFault: to("+14155559910"),
		Unsure: to("+14155559909"), Silent: to("+14155559905"),
	}
}

const otherChannel = "ch_zyxwvutsrqponmlkjihg"

// content is the copy of a line's file, as a person finds it.
func (p *phone) content(t *testing.T, l Line) []byte {
	t.Helper()
	if l.File == nil {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(l.File.Path)))
	if err != nil {
		t.Error(err)
	}
	return b
}
