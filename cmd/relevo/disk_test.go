package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAFullDiskRefusesCallsAndLosesNothing fills a small disk of its own while
// messages are on their way: calls are refused with 507, what was accepted
// still settles, and nothing has to be mended afterwards.
func TestAFullDiskRefusesCallsAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("a small disk cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	data := filepath.Join(dir, "data")
	p := start(t, data, append(quick, "RELEVO_STORE__RESERVE=16MiB")...)
	ws := p.workspace(t)
	accepted := 0
	send := func(n int) int {
		status, _, err := post(p.hook, fmt.Sprintf(`{"action":"send","phone":"+1415555%04d","text":"number %d"}`, n, n))
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusOK {
			accepted++
		}
		return status
	}
	for n := range 60 {
		send(n)
	}
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 96<<20), 0o600); err == nil {
		t.Fatal("the disk is not as small as it was made")
	}
	eventually(t, 5*time.Second, "calls are refused", func() bool { return send(9000) == http.StatusInsufficientStorage })
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "calls are taken again", func() bool { return send(9001) == http.StatusOK })
	var all []map[string]any
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range all {
				if m["status"] != "delivered" && m["status"] != "read" {
					t.Logf("left as %v", m)
				}
			}
		}
	})
	eventually(t, 30*time.Second, "everything is delivered", func() bool {
		all = p.messages(t, ws)
		for _, m := range all {
			if m["status"] != "delivered" && m["status"] != "read" {
				return false
			}
		}
		return true
	})
	if len(all) != accepted {
		t.Errorf("%d messages, %d calls were answered 200", len(all), accepted)
	}
	if err := p.stop(t); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, p.stderr)
	}
	if out, err := relevo(t, "verify", "--data", data); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestACommitInDoubtIsAnsweredWithoutAnIDAndEndsTheProcess lets a commit fail
// in a way that is no clean "no space": the file may not grow any more. Nobody
// may guess what is durable: the call gets a 503, the process ends, and the
// next start finds every message that was promised.
func TestACommitInDoubtIsAnsweredWithoutAnIDAndEndsTheProcess(t *testing.T) {
	dir := t.TempDir()
	// bbolt makes the file 16 MiB and then grows it by as much; POSIX counts
	// in blocks of 512 bytes.
	p := startBy(t, []string{"sh", "-c", `ulimit -f 40960; exec "$0" "$@"`}, dir, quick...)
	ws := p.workspace(t)
	ch := p.api(t, http.MethodGet, "/workspaces/"+ws+"/channels", nil)["data"].([]any)[0].(map[string]any)["id"].(string)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels/"+ch+"/pause", nil)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/quota/grants", map[string]any{"units": 100_000, "reference": "r"})
	promised := map[string]bool{}
	text := strings.Repeat("x", 4000)
	for n := 0; ; n++ {
		status, answer, err := post(p.hook, fmt.Sprintf(`{"action":"send","phone":"+1415%07d","text":%q}`, n, text))
		if err != nil || status != http.StatusOK {
			if err == nil && (status != http.StatusServiceUnavailable || messageID(answer) != "") {
				t.Errorf("the call in doubt: %d %v", status, answer)
			}
			break
		}
		promised[messageID(answer)] = true
		if n > 20_000 {
			t.Fatal("the file grew on")
		}
	}
	select {
	case err := <-p.exited:
		p.exited <- err
		if err == nil || !strings.Contains(p.stderr.String(), "in doubt") {
			t.Errorf("ended with %v: %s", err, p.stderr)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the process goes on after a commit in doubt")
	}
	if out, err := relevo(t, "verify", "--data", dir); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	p = start(t, dir, quick...)
	for _, m := range p.messages(t, ws) {
		delete(promised, m["id"].(string))
	}
	if len(promised) > 0 {
		t.Errorf("%d promised messages are gone", len(promised))
	}
}
