package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relevo/relay/store/pgstore/pgtest"
)

func readiness(url string) int {
	resp, err := http.Get(url + "/readyz")
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestARollingRestartLosesNothing drains and replaces one node after the other
// while tools post.
func TestARollingRestartLosesNothing(t *testing.T) {
	t.Parallel()
	k := newCrew(t, pgtest.New(t, pgtest.Options{Durable: true}), 3)
	token, ws := k.token(), k.node(0).workspace(t)
	accounts := k.channels(ws, 3)
	got := &acked{ids: map[string]string{}}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for n := range 6 {
		clients.Go(func() { tool(got, stop, n, accounts, func() string { return k.any().url + token }) })
	}
	for i := range 3 {
		pause(500 * time.Millisecond)
		p := k.node(i)
		// a call in flight keeps the node up while it drains
		if status, answer, err := post(p.url+token, `{"action":"send","phone":"+14155559905","text":"slow"}`); err != nil || status != http.StatusOK {
			t.Fatalf("status %d %v %v", status, answer, err)
		} else {
			got.note(fmt.Sprint("slow ", i), messageID(answer))
		}
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for range 100 { // it says so for as long as it is there
			if s := readiness(p.url); s == 0 || s == http.StatusServiceUnavailable {
				break
			}
			pause(5 * time.Millisecond)
		}
		if s := readiness(p.url); s == http.StatusOK {
			t.Errorf("a node that drains is ready")
		}
		if err := p.wait(t); err != nil {
			t.Errorf("node %d after SIGTERM: %v\n%s", i, err, p.stderr)
		}
		k.restart(i)
	}
	close(stop)
	clients.Wait()
	for _, bad := range got.bad {
		t.Error(bad)
	}
	messages := k.calm(ws, 60*time.Second)
	if out, err := relevo(t, "verify", "--store", k.url); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	handed := compare(t, got, messages, k.log())
	for _, m := range messages { // slow ones may become unknown: their call takes longer than a call may
		if m["status"] == "unconfirmed" && !strings.HasSuffix(m["to"].(string), "9905") && !strings.HasSuffix(m["to"].(string), "9909") {
			t.Errorf("message %s to %s is unconfirmed after an orderly restart", m["id"], m["to"])
		}
	}
	t.Logf("%d calls answered 200, %d handed over", len(got.ids), handed)
}

// TestADeadNodesLanesGoOnWithinTheLeaseAndOneSpacing kills the node that is
// sending, and waits for another one to go on with its lane.
func TestADeadNodesLanesGoOnWithinTheLeaseAndOneSpacing(t *testing.T) {
	t.Parallel()
	const spacing = 2 * time.Second
	k := newCrew(t, pgtest.New(t, pgtest.Options{Durable: true}), 2, "RELEVO_SPACING__MIN=2s", "RELEVO_SPACING__MAX=2s", "RELEVO_DELIVER__CALL_TIMEOUT=5s")
	const lease = 20 * time.Second
	token, ws := k.token(), k.node(0).workspace(t)
	call := func(to string) string {
		t.Helper()
		status, answer, err := post(k.any().url+token, fmt.Sprintf(`{"action":"send","phone":%q,"text":"x"}`, to))
		if err != nil || status != http.StatusOK {
			t.Fatalf("status %d, %v (%v)", status, answer, err)
		}
		return messageID(answer)
	}
	inFlight, next := call("+14155559905"), call("+14155550001")
	eventually(t, 10*time.Second, "the first message is being sent", func() bool { return len(k.log()) == 1 })
	at := slices.IndexFunc(k.dirs, func(dir string) bool { return len(sandboxLog(t, dir)) == 1 })
	killed := time.Now()
	k.node(at).kill()
	other := k.node(1 - at)
	status := func(id string) any {
		return other.api(t, http.MethodGet, "/workspaces/"+ws+"/messages/"+id, nil)["status"]
	}
	eventually(t, lease+spacing+10*time.Second, "the other node goes on", func() bool { return len(sandboxLog(t, k.dirs[1-at])) == 1 })
	for _, lines := range sandboxLog(t, k.dirs[1-at]) {
		took := lines[0].At.Sub(killed)
		t.Logf("the lane went on %s after its node was killed; lease %s, spacing %s", took.Round(time.Millisecond), lease, spacing)
		if lines[0].MessageID != next || took > lease+spacing+5*time.Second+time.Second { // a look every five seconds
			t.Errorf("message %s left after %s, want %s within the lease, one spacing and one look", lines[0].MessageID, took, next)
		}
		if took < spacing {
			t.Errorf("the lane went on after %s, without one full spacing", took)
		}
	}
	if s := status(inFlight); s != "unknown" && s != "unconfirmed" {
		t.Errorf("the message in flight is %v, want unknown", s)
	}
	pause(4 * time.Second)
	times := 0
	for _, lines := range k.log() {
		for _, l := range lines {
			if l.MessageID == inFlight {
				times++
			}
		}
	}
	if times != 1 {
		t.Errorf("the message in flight was handed over %d times", times)
	}
}

// TestANodeOfTheSameNameOrAnotherKeyIsRefused starts nodes that must not run.
func TestANodeOfTheSameNameOrAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	k := newCrew(t, pgtest.New(t, pgtest.Options{}), 1, "RELEVO_NODE=alpha")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, want string }{
		{"RELEVO_NODE=alpha", "Give each node a name of its own"},
		{"RELEVO_SECRET_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==", "the secret key is not the one"},
		{"RELEVO_SECRET_KEY=", "secret_key"},
		{"RELEVO_STORE__URL=mysql://x", "no address of a PostgreSQL database"},
		{"RELEVO_STORE__URL=postgres://nobody@127.0.0.1:1/x", "PostgreSQL"},
	} {
		cmd := exec.Command(path, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "off")
		cmd.Env = append(append(os.Environ(), k.env...), c.env)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v\n%s\nwant %q", c.env, err, out, c.want)
		}
		if strings.Contains(string(out), "kkkk") {
			t.Errorf("%s: a secret is in the output", c.env)
		}
	}
}

// TestJobsRunOnceForAllNodes counts the runs of a job of five seconds.
func TestJobsRunOnceForAllNodes(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	k := newCrew(t, c, 3)
	err := c.Exec(t.Context(), strings.TrimSuffix(k.url[strings.LastIndex(k.url, "/")+1:], "?sslmode=disable"),
		`CREATE TABLE run (at timestamptz DEFAULT clock_timestamp(), name text);
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.last IS DISTINCT FROM OLD.last THEN INSERT INTO run (name) VALUES (NEW.name); END IF; RETURN NEW; END';
		CREATE TRIGGER note BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION note()`)
	if err != nil {
		t.Fatal(err)
	}
	pause(16 * time.Second)
	if n := count(t, k.url, `SELECT count(*) FROM run WHERE name = 'expire'`); n < 2 || n > 4 {
		t.Errorf("a job of every 5 s ran %d times in 16 s on three nodes, want about 3", n)
	}
}
