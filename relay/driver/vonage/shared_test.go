package vonage

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/drivertest"
	"relevo/relay/driver/vonage/vonagetest"
)

// testKey is one key for all tests: making one takes a while.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// rig is a driver, the pretend Vonage behind it, and a channel that is
// connected to it.
type rig struct {
	*Driver
	fake    *vonagetest.Fake
	server  *httptest.Server
	channel relay.Channel
}

func newRig(t testing.TB, change ...func(*vonagetest.Options)) *rig {
	t.Helper()
	o := vonagetest.Options{Key: testKey()}
	for _, c := range change {
		c(&o)
	}
	f := vonagetest.New(o)
	server := httptest.NewServer(f)
	t.Cleanup(func() { server.Close(); f.Close() })
	d := New(Options{Base: server.URL, MetaBase: server.URL + vonagetest.MetaPath})
	kept, err := d.Connect(f.Settings(), nil)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return &rig{Driver: d, fake: f, server: server, channel: relay.Channel{ID: "ch_abcdefghijklmnopqrst", Kind: Kind, Phone: "+447700900001", Settings: kept}}
}

const testID = "wa_backend:3EB00000000000000000A1"

func (r *rig) text(to, text string) relay.Outgoing {
	return relay.Outgoing{Channel: r.channel, MessageID: testID, Recipient: to, Text: text, Try: 1}
}

// last is the last message that the fake got.
func (r *rig) last(t *testing.T) vonagetest.Message {
	t.Helper()
	all := r.fake.Messages()
	if len(all) == 0 {
		t.Fatal("no message reached the provider")
	}
	return all[len(all)-1]
}

// receive gives a body to the driver as Vonage would.
func (r *rig) receive(body []byte) (relay.Received, error) {
	now := time.Now()
	return r.Receive(r.channel, relay.Callback{Method: "POST", Part: "status", Body: body, At: now, Header: header(r.fake.Sign(body, now))})
}

func header(authorization string) map[string][]string {
	return map[string][]string{"Authorization": {authorization}}
}

func mustJSON(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Suite{Open: openSubject})
}

func openSubject(t *testing.T) drivertest.Subject {
	r := newRig(t)
	scripted := func(to string, a vonagetest.Answer) func() relay.Outgoing {
		return func() relay.Outgoing {
			r.fake.To(to, a)
			return r.text("+"+to, "the text of nobody else")
		}
	}
	return drivertest.Subject{
		Driver: r.Driver,
		Calls: func() (calls []drivertest.Call) {
			for _, m := range r.fake.Messages() {
				calls = append(calls, drivertest.Call{Reference: m.Ref, Text: m.Text, File: m.File})
			}
			return calls
		},
		Sent: func(n int) relay.Outgoing {
			return r.text("+1415555010"+string(rune('0'+n%10)), "hello on lane "+string(rune('a'+n)))
		},
		Refused:      scripted("14155550111", vonagetest.Problem(422, "1150", "Invalid params", "text")),
		Deferred:     scripted("14155550112", vonagetest.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"7"}}}),
		ChannelFault: scripted("14155550113", vonagetest.Problem(402, "low-balance", "Low balance")),
		Unsure:       scripted("14155550114", vonagetest.Answer{Cut: true, Taken: true}),
		Silent:       scripted("14155550115", vonagetest.Answer{Silent: true}),
	}
}
