package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// zapierFolder is where the Zapier app's package.json is.
const zapierFolder = clients + "/zapier"

// installZapier installs, once, what the app and its tests need. Zapier's
// command line is ten times as much, and its validation is part of that.
var installZapier = sync.OnceValue(func() error { return npmInstall(zapierFolder, "--omit=dev", "--omit=optional") })

// needsZapier returns the app's folder. Where CI is set, and nothing is there,
// its platform is installed first; elsewhere it is there or the test is skipped.
func needsZapier(t *testing.T) string {
	t.Helper()
	needsNode(t, 18, 20)
	folder, err := filepath.Abs(zapierFolder)
	if err != nil {
		t.Fatal(err)
	}
	platform := filepath.Join(folder, "node_modules", "zapier-platform-core")
	_, err = os.Stat(platform)
	if _, npm := exec.LookPath("npm"); err != nil && npm == nil && os.Getenv("CI") != "" {
		if err := installZapier(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(platform); err != nil {
		t.Skip("the Zapier platform is not installed: npm ci --prefix testdata/clients/zapier")
	}
	return folder
}

// inZapier runs a program in the app's folder with the Node.js that is
// installed there, if one is, and no address of anybody else.
func inZapier(t *testing.T, folder string, env []string, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	bin := filepath.Join(folder, "node_modules", ".bin")
	home := t.TempDir()
	cmd.Env = append(clientEnv(""), append(env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "CI=1",
		"DISABLE_ZAPIER_ANALYTICS=1", "ZAPIER_BASE_ENDPOINT=http://127.0.0.1:9", "NO_COLOR=1")...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTheZapierAppPassesZapiersOwnCommandOffline(t *testing.T) {
	folder := needsZapier(t)
	program := filepath.Join(folder, "node_modules", ".bin", "zapier-platform")
	if _, err := os.Stat(program); err != nil {
		t.Skip("Zapier's command line is not installed: npm ci --prefix testdata/clients/zapier; the app's own tests run its validation")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".bin", "node")); err != nil {
		needsNode(t, 22, 0)
	}
	out, err := inZapier(t, folder, nil, program, "validate", "--without-style")
	if err != nil || !strings.Contains(out, "This project is structurally sound!") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestTheZapierAppRunsUnderItsHarnessAgainstRelevo(t *testing.T) {
	folder := needsZapier(t)
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	key := p.api(t, http.MethodPost, "/workspaces/"+ws+"/keys", map[string]string{"name": "Zapier"})["key"].(string)
	tests, err := filepath.Glob(filepath.Join(folder, "test", "*.test.js"))
	if err != nil || len(tests) < 3 {
		t.Fatalf("%d files of tests: %v", len(tests), err)
	}
	args := append([]string{"--test", "--test-concurrency=1", "--test-reporter=tap"}, tests...)
	out, err := inZapier(t, folder, []string{"RELEVO_URL=" + p.url, "RELEVO_WORKSPACE=" + ws, "RELEVO_KEY=" + key}, "node", args...)
	if err != nil || !strings.Contains(out, "\n# fail 0\n") || strings.Contains(out, "\n# pass 0\n") {
		t.Errorf("%v:\n%s", err, out)
	}
	if strings.Contains(p.stderr.String(), key) {
		t.Error("the key is in the log")
	}
}
