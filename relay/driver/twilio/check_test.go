package twilio

import (
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

var addresses = relay.Addresses{Callback: "https://relay.example.com/callback/ch_1/key", Status: status, Inbound: inboundAddress}

// told is the findings in short: subject and state, one a line.
func told(all []relay.Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(f.Subject + " " + string(f.State) + "\n")
	}
	return b.String()
}

// useful checks that each finding says something, and each that is not well
// what to do; and that none shows a secret.
func useful(t *testing.T, all []relay.Finding) {
	t.Helper()
	for _, f := range all {
		said := f.Message + f.Hint
		if f.Message == "" || f.State != relay.Well && f.Hint == "" || strings.Contains(said, twiliotest.AuthToken) || strings.Contains(said, keySecret) {
			t.Errorf("%+v", f)
		}
	}
}

const keySecret = "0123456789abcdefgh"

func TestCheck(t *testing.T) {
	const own = "+14155550100"
	service := sidOf("MG", 1)
	key := Settings{AccountSID: twiliotest.AccountSID, AuthToken: twiliotest.AuthToken, APIKey: sidOf("SK", 1), APISecret: keySecret, From: own}
	keyAlone, wrongKey, wrongToken, alone, pool := key, key, key, key, key
	keyAlone.AuthToken, wrongKey.APISecret = "", "wrong but long enough"
	wrongToken.AuthToken = strings.Repeat("f", 32)
	alone.APIKey, alone.APISecret = "", ""
	pool.From, pool.MessagingServiceSID = "", service
	sandbox := alone
	sandbox.From = twiliotest.From
	lost := alone
	lost.AuthToken = strings.Repeat("f", 32)
	online := []twiliotest.Sender{{ID: "whatsapp:" + own, Status: "ONLINE", Callback: inboundAddress + "#rc=5&rp=all", Method: "POST"}}
	with := func(change func(*twiliotest.Sender)) []twiliotest.Sender {
		s := online[0]
		change(&s)
		return []twiliotest.Sender{s}
	}
	active := twiliotest.Account{Status: "active", Type: "Full"}
	cases := []struct {
		name    string
		s       Settings
		account twiliotest.Account
		senders []twiliotest.Sender
		service twiliotest.Service
		want    string
	}{
		{"all well", key, active, online, twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender ok\ninbound address ok\n"},
		{"token alone", alone, active, online, twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender ok\ninbound address ok\n"},
		{"trial", alone, twiliotest.Account{Status: "active", Type: "Trial"}, online, twiliotest.Service{}, "credentials ok\naccount warning\ncallback signature ok\nsender ok\ninbound address ok\n"},
		{"suspended", alone, twiliotest.Account{Status: "suspended", Type: "Full"}, online, twiliotest.Service{}, "credentials error\n"},
		{"wrong token", lost, active, online, twiliotest.Service{}, "credentials error\n"},
		{"wrong key", wrongKey, active, online, twiliotest.Service{}, "credentials error\ncallback signature ok\n"},
		{"key and wrong token", wrongToken, active, online, twiliotest.Service{}, "credentials ok\ncallback signature error\nsender ok\ninbound address ok\n"},
		{"key alone", keyAlone, active, online, twiliotest.Service{}, "credentials ok\ncallback signature error\nsender ok\ninbound address ok\n"},
		{"sandbox", sandbox, active, nil, twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender warning\n"},
		{"no such sender", key, active, []twiliotest.Sender{{ID: "whatsapp:+14155550101", Status: "ONLINE"}}, twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender error\n"},
		{"offline", key, active, with(func(s *twiliotest.Sender) { s.Status = "OFFLINE" }), twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender error\ninbound address ok\n"},
		{"low quality, being changed", key, active, with(func(s *twiliotest.Sender) { s.Status, s.Quality = "ONLINE:UPDATING", "LOW" }), twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender warning\nquality warning\ninbound address ok\n"},
		{"no inbound address", key, active, with(func(s *twiliotest.Sender) { s.Callback = "" }), twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender ok\ninbound address error\n"},
		{"another address", key, active, with(func(s *twiliotest.Sender) { s.Callback = "https://other.example" }), twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender ok\ninbound address error\n"},
		{"by GET", key, active, with(func(s *twiliotest.Sender) { s.Method = "GET" }), twiliotest.Service{}, "credentials ok\ncallback signature ok\nsender ok\ninbound address warning\n"},
		{"service", pool, active, nil, twiliotest.Service{Inbound: inboundAddress, Method: "POST"}, "credentials ok\ncallback signature ok\nmessaging service ok\ninbound address of the service ok\n"},
		{"service leaves it to numbers", pool, active, nil, twiliotest.Service{OnNumbers: true}, "credentials ok\ncallback signature ok\nmessaging service ok\ninbound address warning\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, f := open(t, twiliotest.Options{From: own, APIKey: key.APIKey, APISecret: key.APISecret, MessagingServiceSID: service})
			f.SetUp(c.account, c.senders, c.service)
			all := d.Check(t.Context(), channel(t, c.s), addresses)
			if got := told(all); got != c.want {
				t.Errorf("got\n%swant\n%s%+v", got, c.want, all)
			}
			useful(t, all)
		})
	}
}

func TestTheSenderIsFoundOnALaterPage(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	var many []twiliotest.Sender
	for range 150 {
		many = append(many, twiliotest.Sender{ID: "whatsapp:+14155550101", Status: "ONLINE"})
	}
	f.SetUp(twiliotest.Account{Status: "active"}, append(many, twiliotest.Sender{ID: "whatsapp:+14155550100", Status: "ONLINE"}), twiliotest.Service{})
	s := settings()
	s.From = "+14155550100"
	if got := told(d.Check(t.Context(), channel(t, s), addresses)); !strings.Contains(got, "sender ok") {
		t.Error(got)
	}
}

func TestAddressesThatTwilioCannotCall(t *testing.T) {
	for address, trouble := range map[string]bool{"https://a.example/x": false, "": false, "/callback/x": true, "https://a_b.example/x": true, "http://localhost:8080/x": true, "http://127.0.0.1/x": true, "http://[::1]/x": true, "://": true} {
		if got := len(reachable(relay.Addresses{Status: address})) == 1; got != trouble {
			t.Errorf("%q: trouble %t, want %t", address, got, trouble)
		}
	}
}

func TestACheckWithoutSettings(t *testing.T) {
	if got := told(New(Options{}).Check(t.Context(), relay.Channel{}, addresses)); got != "credentials error\n" {
		t.Error(got)
	}
}
