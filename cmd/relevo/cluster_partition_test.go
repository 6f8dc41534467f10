package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// count runs a query for one number.
func count(t *testing.T, url, sql string) (n int) {
	t.Helper()
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Pool().QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// island is a network namespace whose only way out is one cable.
type island struct{ name, outside, inside string }

// newIsland makes one; the test is skipped where that is not allowed.
func newIsland(t *testing.T) island {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may make a network namespace")
	}
	n := os.Getpid() % 250
	i := island{fmt.Sprintf("rlv%d", os.Getpid()), fmt.Sprintf("10.213.%d.1", n), fmt.Sprintf("10.213.%d.2", n)}
	ip := func(args ...string) error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", i.name+"o").Run() // it may never have been made
		_ = exec.Command("ip", "netns", "del", i.name).Run()
	})
	for _, args := range [][]string{
		{"netns", "add", i.name},
		{"link", "add", i.name + "o", "type", "veth", "peer", "name", i.name + "i"},
		{"link", "set", i.name + "i", "netns", i.name},
		{"addr", "add", i.outside + "/24", "dev", i.name + "o"},
		{"link", "set", i.name + "o", "up"},
		{"netns", "exec", i.name, "ip", "addr", "add", i.inside + "/24", "dev", i.name + "i"},
		{"netns", "exec", i.name, "ip", "link", "set", i.name + "i", "up"},
		{"netns", "exec", i.name, "ip", "link", "set", "lo", "up"},
	} {
		if err := ip(args...); err != nil {
			t.Skipf("no network namespace on this machine: %v", err)
		}
	}
	return i
}

// ask calls a node on the island from within.
func (i island) ask(ctx context.Context, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	path, err := binary()
	if err != nil {
		return err.Error()
	}
	out, _ := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", i.name, path}, args...)...).CombinedOutput() // what it says tells more
	return string(out)
}

func (i island) cable(t *testing.T, state string) {
	t.Helper()
	if out, err := exec.Command("ip", "link", "set", i.name+"o", state).CombinedOutput(); err != nil {
		t.Fatalf("set the cable %s: %v: %s", state, err, out)
	}
}

// TestANodeCutOffFromTheDatabaseSendsNothingAfterItsLeases pulls the cable
// between a node and the database for longer than a lease.
func TestANodeCutOffFromTheDatabaseSendsNothingAfterItsLeases(t *testing.T) {
	t.Parallel()
	i := newIsland(t)
	c := pgtest.New(t, pgtest.Options{Durable: true, Listen: []string{i.outside}})
	k := newCrew(t, c, 1)
	dir := t.TempDir()
	env := append(k.env, "RELEVO_STORE__URL="+c.URLAt(i.outside, k.url[strings.LastIndex(k.url, "/")+1:strings.Index(k.url, "?")]))
	far := startBy(t, []string{"ip", "netns", "exec", i.name}, dir, env...)
	token, ws := k.token(), k.node(0).workspace(t)
	accounts := k.channels(ws, 3)
	got := &acked{ids: map[string]string{}}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tool(got, stop, 0, accounts, func() string { return k.node(0).url + token })
	}()

	eventually(t, 30*time.Second, "both nodes send", func() bool { return len(sandboxLog(t, dir)) > 0 && len(sandboxLog(t, k.dirs[0])) > 0 })
	i.cable(t, "down")
	cut := time.Now()
	pause(20 * time.Second) // a lease is 16 s
	asked := time.Now()
	out := i.ask(t.Context(), "workspace", "list", "--url", far.url, "--key", far.operator(t))
	if !strings.Contains(out, "cannot") || time.Since(asked) > 8*time.Second {
		t.Errorf("the node that is cut off says after %s: %s", time.Since(asked), out)
	}
	i.cable(t, "up")
	healed := time.Now()
	eventually(t, 60*time.Second, "the node sends again", func() bool {
		for _, lines := range sandboxLog(t, dir) {
			if lines[len(lines)-1].At.After(healed) {
				return true
			}
		}
		return false
	})
	close(stop)
	<-done
	for _, bad := range got.bad {
		t.Error(bad)
	}
	k.dirs = append(k.dirs, dir)
	k.nodes = append(k.nodes, k.nodes[0]) // asked in its place: it cannot be reached from here
	messages := k.calm(ws, 100*time.Second)
	for channel, lines := range sandboxLog(t, dir) {
		for _, l := range lines {
			if l.At.After(cut.Add(2*time.Second)) && l.At.Before(healed) {
				t.Errorf("%s: %s was handed over %s after the cable was pulled", channel, l.MessageID, l.At.Sub(cut))
			}
		}
	}
	handed := compare(t, got, messages, k.log())
	account := k.node(0).api(t, http.MethodGet, "/workspaces/"+ws+"/quota", nil)
	compareUnits(t, messages, account)
	if out, err := relevo(t, "verify", "--store", k.url); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	t.Logf("%d calls answered 200, %d handed over", len(got.ids), handed)
}
