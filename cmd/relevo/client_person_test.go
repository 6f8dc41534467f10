package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverythingAboutAPersonIsDownloaded(t *testing.T) {
	const path = "GET /api/v1/workspaces/ws_1/people/+14151231234/export"
	const all = `{"person":"+14151231234"}`
	srv := newRecorded(t, map[string]string{path: all})
	if got := srv.run(t, "person", "export", "+14151231234", "--workspace", "ws_1"); got.code != exitOK || strings.TrimSpace(got.out) != all {
		t.Fatalf("got %+v", got)
	}
	name := filepath.Join(t.TempDir(), "person.json")
	if got := srv.run(t, "person", "export", "+14151231234", "--workspace", "ws_1", "--output", name); got.code != exitOK || got.out != "" {
		t.Fatalf("got %+v", got)
	}
	b, err := os.ReadFile(name)
	info, _ := os.Stat(name)
	if err != nil || string(b) != all || info.Mode().Perm() != 0o600 {
		t.Errorf("got %q, %v, %v", b, info.Mode(), err)
	}
	if got := srv.run(t, "person", "export", "", "--workspace", "ws_1"); got.code != exitUsage || !strings.Contains(got.errout, "name somebody by their number") {
		t.Errorf("without a number: %+v", got)
	}
}

func TestAPersonIsErasedByTheirNumberWrittenTwice(t *testing.T) {
	const path = "POST /api/v1/workspaces/ws_1/people/+14151231234/erase"
	srv := newRecorded(t, map[string]string{path: `{"messages":12,"inbound":5,"attempts":3,"events":17,"left":2}`})
	args := []string{"person", "erase", "+14151231234", "--workspace", "ws_1"}
	for _, confirm := range [][]string{nil, {"--confirm", "+14151231235"}} {
		if got := srv.run(t, append(args, confirm...)...); got.code != exitUsage || len(srv.asked) != 0 || !strings.Contains(got.errout, "cannot be undone") {
			t.Errorf("%v: got %+v, asked %v", confirm, got, srv.asked)
		}
	}
	got := srv.run(t, append(args, "--confirm", "+14151231234")...)
	if got.code != exitOK || !strings.Contains(got.out, "12") || !strings.Contains(got.out, "STILL ON THEIR WAY") {
		t.Errorf("got %+v", got)
	}
}
