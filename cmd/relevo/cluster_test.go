package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relevo/relay/store/pgstore/pgtest"
)

// crew is several real nodes over one database.
type crew struct {
	t   *testing.T
	url string // of the database
	env []string

	mu    sync.Mutex
	nodes []*process
	dirs  []string
}

// newCrew starts nodes on a database of their own. Lanes rest at least
// leastRest, and a lease lasts 16 s.
func newCrew(t *testing.T, c *pgtest.Cluster, nodes int, env ...string) *crew {
	t.Helper()
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	k := &crew{t: t, url: c.URL(name)}
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	k.env = append([]string{
		"RELEVO_STORE__URL=" + k.url, "RELEVO_SECRET_KEY=" + secret, "RELEVO_DELIVER__CALL_TIMEOUT=1s", "RELEVO_LOG__LEVEL=warn",
		"RELEVO_SPACING__MIN=4ms", "RELEVO_SPACING__MAX=12ms", "RELEVO_DELIVER__UNCONFIRMED_AFTER=20s",
	}, env...)
	for i := range nodes {
		k.dirs = append(k.dirs, t.TempDir())
		k.nodes = append(k.nodes, start(t, k.dirs[i], k.env...))
	}
	return k
}

func (k *crew) node(i int) *process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.nodes[i]
}

// any is a node, whichever.
func (k *crew) any() *process { return k.node(rand.IntN(len(k.dirs))) }

// restart starts a node again that was ended. As a supervisor does, it tries
// once more where the database crashed while the node began.
func (k *crew) restart(i int) {
	p := tryStart(k.t, []string{"env"}, k.dirs[i], k.env...)
	for began := time.Now(); p.url == "" && time.Since(began) < 30*time.Second; {
		pause(500 * time.Millisecond)
		if !strings.Contains(p.stderr.String(), "the store cannot be reached") {
			break
		}
		p = tryStart(k.t, []string{"env"}, k.dirs[i], k.env...)
	}
	if p.url == "" {
		k.t.Errorf("node %d did not start: %s", i, p.stderr)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nodes[i] = p
}

// token is the demo workspace's, which one node printed.
func (k *crew) token() string {
	for _, p := range k.nodes {
		if p.hook != "" {
			return strings.TrimPrefix(p.hook, p.url)
		}
	}
	k.t.Fatal("no node made the demo workspace")
	return ""
}

// log is what all nodes handed over, by channel.
func (k *crew) log() map[string][]sandboxLine {
	all := map[string][]sandboxLine{}
	for _, dir := range k.dirs {
		for path, lines := range sandboxLog(k.t, dir) {
			all[filepath.Base(path)] = append(all[filepath.Base(path)], lines...)
		}
	}
	return all
}

// channels connects more sandbox accounts and grants units.
func (k *crew) channels(ws string, n int) (accounts []string) {
	p := k.any()
	p.api(k.t, http.MethodPost, "/workspaces/"+ws+"/quota/grants", map[string]any{"units": 1_000_000, "reference": "crash test"})
	accounts = []string{demoAccount}
	for i := range n {
		phone := fmt.Sprintf("+1510556600%d", i)
		p.api(k.t, http.MethodPost, "/workspaces/"+ws+"/channels", map[string]any{"kind": "sandbox", "phone": phone, "name": phone})
		accounts = append(accounts, phone)
	}
	return accounts
}

// calm waits until every message has come to its end.
func (k *crew) calm(ws string, limit time.Duration) (messages []map[string]any) {
	k.t.Helper()
	open := []string{"queued", "sending", "unknown", "sent"}
	defer func() {
		if k.t.Failed() {
			left := map[any]int{}
			for _, m := range messages {
				left[m["status"]]++
			}
			k.t.Logf("messages by status: %v", left)
			for _, p := range k.nodes {
				k.t.Logf("a node said:\n%.4000s", p.stderr)
			}
		}
	}()
	eventually(k.t, limit, "every message comes to an end", func() bool {
		messages = k.any().messages(k.t, ws)
		return !slices.ContainsFunc(messages, func(m map[string]any) bool { return slices.Contains(open, m["status"].(string)) })
	})
	return messages
}

// TestThreeNodesUnderFireLoseNothingAndSendNothingTwice posts to three nodes
// while they are killed, one is stopped until its leases have ended and goes
// on, and the database crashes twice. Then it compares promises, witnesses,
// spacing and books.
func TestThreeNodesUnderFireLoseNothingAndSendNothingTwice(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{Durable: true})
	k := newCrew(t, c, 3)
	token, ws := k.token(), k.node(0).workspace(t)
	accounts := k.channels(ws, 7)
	got := &acked{ids: map[string]string{}}
	stop := make(chan struct{})
	var clients, fire sync.WaitGroup
	for n := range 8 {
		clients.Go(func() { tool(got, stop, n, accounts, func() string { return k.any().url + token }) })
	}
	killed, began := 0, time.Now()
	fire.Go(func() { // node 0: stopped for longer than a lease, in the middle of its work
		pause(3 * time.Second)
		p := k.node(0)
		send(t, p, syscall.SIGSTOP)
		pause(18 * time.Second)
		send(t, p, syscall.SIGCONT)
	})
	fire.Go(func() { // nodes 1 and 2: killed again and again
		for i := 1; time.Since(began) < 25*time.Second; i = 3 - i {
			pause(time.Duration(300+rand.IntN(2000)) * time.Millisecond)
			k.node(i).kill()
			pause(time.Duration(rand.IntN(500)) * time.Millisecond)
			k.restart(i)
			killed++
		}
	})
	for range 2 {
		pause(8 * time.Second)
		c.Restart(t, pgtest.Immediate)
	}
	fire.Wait()
	close(stop)
	clients.Wait()
	for _, bad := range got.bad {
		t.Error(bad)
	}
	messages := k.calm(ws, 100*time.Second)
	account := k.any().api(t, http.MethodGet, "/workspaces/"+ws+"/quota", nil)
	out, err := relevo(t, "verify", "--store", k.url)
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	handed := compare(t, got, messages, k.log())
	compareUnits(t, messages, account)
	for key, id := range got.ids { // the first answer again, from any node
		status, answer, err := post(k.any().url+token, fmt.Sprintf(`{"action":"send","phone":"+14155550100","text":%q}`, "other "+key), "Idempotency-Key", key)
		if err != nil || status != http.StatusConflict {
			t.Errorf("key %s of message %s with another body: status %d, %v (%v); want 409", key, id, status, answer, err)
		}
		break
	}
	t.Logf("%d kills, 1 stop past its leases, 2 crashes of the database; %d calls answered 200, %d messages, %d handed over; %s",
		killed, len(got.ids), len(messages), handed, strings.TrimSpace(out))
	if len(got.ids) < 100 { // a busy machine takes a few a second, a quiet one a hundred
		t.Errorf("only %d calls were accepted: the test did not test", len(got.ids))
	}
}

// pause lets other processes go on for a while.
func pause(d time.Duration) { <-time.After(d) }

func send(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Errorf("signal %s: %v", s, err)
	}
}
