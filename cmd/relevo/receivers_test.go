package main

import (
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// receivers are the examples that take events: program, then arguments by the
// address to listen on.
var receivers = map[string]struct {
	needs string
	run   func(host, port string) []string
}{
	"python":     {"python3", func(_, port string) []string { return []string{"events/receive.py", port} }},
	"javascript": {"node", func(_, port string) []string { return []string{"events/receive.mjs", port} }},
	"php":        {"php", func(host, port string) []string { return []string{"-S", host + ":" + port, "events/receive.php"} }},
}

// receiver is a running one.
type receiver struct {
	url    string
	output *syncBuffer
}

// eachReceiver runs a test with every receiver whose interpreter is there.
func eachReceiver(t *testing.T, test func(t *testing.T, r receiver)) {
	for name, how := range receivers {
		t.Run(name, func(t *testing.T) {
			program, err := exec.LookPath(how.needs)
			if err != nil {
				t.Skipf("%s is not on this machine", how.needs)
			}
			if how.needs == "node" {
				needsNode(t, 18, 0)
			}
			host, port, err := net.SplitHostPort(freeAddress(t))
			if err != nil {
				t.Fatal(err)
			}
			r := receiver{"http://" + net.JoinHostPort(host, port) + "/events", &syncBuffer{}}
			cmd := exec.Command(program, how.run(host, port)...)
			cmd.Dir = clients
			cmd.Env = append(clientEnv(""), "RELEVO_SECRET="+eventSecret, "RELEVO_SEEN="+t.TempDir())
			cmd.Stdout, cmd.Stderr = r.output, r.output
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Kill() // it may have ended already
				_ = cmd.Wait()         // it was killed
				if t.Failed() {
					t.Logf("%s:\n%s", name, r.output)
				}
			})
			eventually(t, 30*time.Second, name+" listens", func() bool {
				conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
				if err == nil {
					conn.Close()
				}
				return err == nil
			})
			test(t, r)
		})
	}
}

// took are the events that it has printed.
func (r receiver) took() (events []string) {
	for line := range strings.Lines(r.output.String()) {
		if strings.HasPrefix(line, "{") {
			events = append(events, strings.TrimSpace(line))
		}
	}
	return events
}

func TestTheReceiversTakeOnlyWhatIsSignedAndOnce(t *testing.T) {
	eachReceiver(t, func(t *testing.T, r receiver) {
		for what, bad := range badPosts(t, eventSecret) {
			if got := bad.post(t, r.url); got != http.StatusUnauthorized {
				t.Errorf("%s: %d, want 401", what, got)
			}
		}
		one := signed(t, eventSecret, "evt_1", failedBody, time.Now().Add(-4*time.Minute))
		two := signed(t, eventSecret, "evt_2", receivedBody, time.Now())
		two.signature = signed(t, "whsec_"+strings.Repeat("B", 32), "evt_2", receivedBody, two.at).signature + " " + two.signature
		for _, e := range []eventPost{one, one, two, one} {
			if got := e.post(t, r.url); got != http.StatusNoContent {
				t.Errorf("%s: %d, want 204", e.id, got)
			}
		}
		eventually(t, 10*time.Second, "the last event is printed", func() bool { return len(r.took()) >= 2 })
		if got := r.took(); len(got) != 2 || !strings.Contains(got[0], "not on WhatsApp. <é>") || !strings.Contains(got[1], `"Hi"`) {
			t.Errorf("events %q", got)
		}
	})
}

func TestTheReceiversTakeTheEventsOfRelevo(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	eachReceiver(t, func(t *testing.T, r receiver) {
		ep := p.api(t, http.MethodPost, "/workspaces/"+ws+"/endpoints", map[string]any{"url": r.url, "types": []string{"message.accepted"}, "secret": eventSecret})
		text := "Jürgen's 10 % & <more> 👋 " + r.url
		if status, answer, err := post(p.hook, `{"action":"send","phone":"+14155550100","text":"`+text+`"}`); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %v", status, answer, err)
		}
		eventually(t, 30*time.Second, "the event came", func() bool { return len(r.took()) > 0 })
		if got := r.took(); len(got) != 1 || !strings.Contains(got[0], text) {
			t.Errorf("events %q, want one with %q", got, text)
		}
		p.api(t, http.MethodDelete, "/workspaces/"+ws+"/endpoints/"+ep["id"].(string), nil)
	})
}
