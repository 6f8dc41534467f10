package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// kills is how often the server is killed. Each time it has taken calls, sent,
// and had calls in flight.
const kills = 40

// leastRest is the spacing of the crash test: short, so that many messages go
// out between two kills.
const leastRest = 4 * time.Millisecond

var crashEnv = []string{"RELEVO_SPACING__MIN=4ms", "RELEVO_SPACING__MAX=12ms", "RELEVO_DELIVER__UNCONFIRMED_AFTER=12s", "RELEVO_LOG__LEVEL=warn"}

// acked is what a client was promised: a 200 for its key.
type acked struct {
	mu  sync.Mutex
	ids map[string]string // key -> message id
	bad []string
}

func (a *acked) note(key, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, ok := a.ids[key]; ok && old != id {
		a.bad = append(a.bad, fmt.Sprintf("key %s was answered with %s and %s", key, old, id))
	}
	a.ids[key] = id
}

// count is for how many keys there was a 200 so far.
func (a *acked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ids)
}

// troubles are the last digits of the sandbox's numbers with every kind of
// trouble; a sixth of the messages goes to one of them. 9906 and 9909 keep
// their lane busy for a second.
var troubles = []string{"9901", "9902", "9903", "9906", "9907", "9908", "9909"}

func recipient() string {
	ending := fmt.Sprintf("%04d", rand.IntN(50))
	if rand.IntN(6) == 0 {
		ending = troubles[rand.IntN(len(troubles))]
	}
	return fmt.Sprintf("+1415%03d%s", rand.IntN(1000), ending)
}

// TestKilledAtRandomNothingIsLostOrSentTwice posts from several clients, who
// try again as tools do, while the server is killed again and again; then it
// compares the clients' 200s, the sandbox's own log, the API and the books.
func TestKilledAtRandomNothingIsLostOrSentTwice(t *testing.T) {
	dir := t.TempDir()
	var at sync.Map // "url": where the server listens now
	p := start(t, dir, crashEnv...)
	at.Store("url", p.url)
	token := strings.TrimPrefix(p.hook, p.url)
	ws := p.workspace(t)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/quota/grants", map[string]any{"units": 1_000_000, "reference": "crash test"})
	accounts := []string{demoAccount}
	for i := range 7 {
		phone := fmt.Sprintf("+1510556600%d", i)
		p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels", map[string]any{"kind": "sandbox", "phone": phone, "name": phone})
		accounts = append(accounts, phone)
	}

	var messages []map[string]any
	got := &acked{ids: map[string]string{}}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			tool(got, stop, c, accounts, func() string { u, _ := at.Load("url"); return u.(string) + token })
		})
	}
	for range kills {
		// Any moment will do, once it took calls again: on a busy machine a
		// server needs longer to get that far.
		more := got.count() + rand.IntN(40)
		eventually(t, time.Minute, "the server takes calls again", func() bool { return got.count() >= more })
		<-time.After(time.Duration(rand.IntN(240)) * time.Millisecond)
		p.kill()
		p = start(t, dir, crashEnv...)
		at.Store("url", p.url)
	}
	close(stop)
	clients.Wait()
	for _, bad := range got.bad {
		t.Error(bad)
	}
	defer func() {
		if t.Failed() {
			left := map[any]int{}
			for _, m := range messages {
				left[m["status"]]++
			}
			t.Logf("messages by status: %v\n%s", left, p.stderr)
		}
	}()
	eventually(t, 90*time.Second, "every message comes to an end", func() bool {
		messages = p.messages(t, ws)
		return !slices.ContainsFunc(messages, func(m map[string]any) bool {
			return slices.Contains([]string{"queued", "sending", "unknown", "sent"}, m["status"].(string))
		})
	})
	account := p.api(t, http.MethodGet, "/workspaces/"+ws+"/quota", nil)
	if err := p.stop(t); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, p.stderr)
	}
	out, err := relevo(t, "verify", "--data", dir)
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	handed := compare(t, got, messages, sandboxLog(t, dir))
	compareUnits(t, messages, account)
	t.Logf("%d kills, %d calls answered 200, %d messages, %d handed over; %s", kills, len(got.ids), len(messages), handed, strings.TrimSpace(out))
	if len(got.ids) < 10*kills {
		t.Errorf("only %d calls were accepted: the test did not test", len(got.ids))
	}
}

// tool posts messages, each with its own key, and repeats a call until it is
// answered; sometimes it repeats one that was.
func tool(got *acked, stop <-chan struct{}, c int, accounts []string, url func() string) {
	for n := 0; ; n++ {
		key := fmt.Sprintf("client %d call %d", c, n)
		to := recipient()
		body := fmt.Sprintf(`{"action":"send","whatsapp_account_phone":%q,"phone":%q,"text":%q}`, accounts[n%len(accounts)], to, key)
		for answers := 0; answers == 0 || rand.IntN(8) == 0; {
			select {
			case <-stop:
				if answers > 0 {
					return
				}
			default:
			}
			status, answer, err := post(url(), body, "Idempotency-Key", key)
			switch {
			case err == nil && status == http.StatusOK:
				got.note(key, messageID(answer))
				answers++
			case err == nil && status != http.StatusServiceUnavailable:
				got.mu.Lock()
				got.bad = append(got.bad, fmt.Sprintf("%s: status %d, %v", key, status, answer))
				got.mu.Unlock()
				return
			default:
				<-time.After(5 * time.Millisecond) // the server is down; a tool waits before it tries again
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(30 * time.Millisecond): // about what the lanes can send
		}
	}
}

// compare holds the promises, the books and the witness against each other.
func compare(t *testing.T, got *acked, messages []map[string]any, log map[string][]sandboxLine) (handed int) {
	t.Helper()
	status := map[string]string{}
	for _, m := range messages {
		status[m["id"].(string)] = m["status"].(string)
	}
	promised := map[string]bool{}
	for key, id := range got.ids {
		promised[id] = true
		if status[id] == "" {
			t.Errorf("lost: %s was accepted as %s and is gone", key, id)
		}
	}
	if len(promised) != len(got.ids) || len(messages) != len(got.ids) {
		t.Errorf("%d keys, %d ids, %d messages: want one message for each key", len(got.ids), len(promised), len(messages))
	}
	times := map[string]int{}
	for channel, lines := range log {
		var out []time.Time
		for _, l := range lines {
			if !l.HandedOver {
				continue
			}
			handed++
			times[l.MessageID]++
			out = append(out, l.At)
			if !promised[l.MessageID] {
				t.Errorf("sent, but nobody was promised it: %s", l.MessageID)
			}
		}
		slices.SortFunc(out, time.Time.Compare)
		for i := 1; i < len(out); i++ {
			if rest := out[i].Sub(out[i-1]); rest < leastRest {
				t.Errorf("%s: two hand-overs within %s, want at least %s", channel, rest, leastRest)
			}
		}
	}
	want := map[string][]int{ // how often a message of that status may have been handed over
		"delivered": {1}, "read": {1}, "failed": {0, 1}, "unconfirmed": {0, 1},
	}
	for id, s := range status {
		if !slices.Contains(want[s], times[id]) {
			t.Errorf("message %s is %s and was handed over %d times", id, s, times[id])
		}
	}
	for id, n := range maps.All(times) {
		if n > 1 {
			t.Errorf("sent twice: %s", id)
		}
	}
	return handed
}

// compareUnits holds the balance against the messages.
func compareUnits(t *testing.T, messages []map[string]any, account map[string]any) {
	t.Helper()
	var spent float64
	for _, m := range messages {
		if s := m["status"]; s == "sent" || s == "delivered" || s == "read" {
			spent += m["units"].(float64)
		}
	}
	granted := float64(1_000_000 + demoUnits)
	if account["spent"] != spent || account["reserved"] != 0.0 || account["granted"] != granted || account["available"] != granted-spent {
		t.Errorf("balance %v; the messages say spent %v, reserved 0, granted %v", account, spent, granted)
	}
}
