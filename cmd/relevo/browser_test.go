package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"relevo/api/console/issuer/issuertest"
)

// browserFolder has the stories that are told in a real browser.
const browserFolder = "../../testdata/browser"

// needsChromium returns a browser. Where CI is set, it has to be there.
func needsChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("Chromium is not installed")
	}
	t.Skip("Chromium is not installed: apt-get install chromium")
	return ""
}

// needsPlaywright installs what drives it: always where CI is set; elsewhere it
// is there, or the test is skipped.
func needsPlaywright(t *testing.T) {
	t.Helper()
	needsNode(t, 20, 0)
	if _, err := exec.LookPath("npm"); err == nil && os.Getenv("CI") != "" {
		if err := npmInstall(browserFolder); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(browserFolder + "/node_modules/playwright-core"); err != nil {
		t.Skip("playwright-core is not installed: npm ci --prefix testdata/browser")
	}
}

// storyTold is what run.mjs tells of one.
type storyTold struct {
	Story  string   `json:"story"`
	OK     bool     `json:"ok"`
	Error  string   `json:"error"`
	Faults []string `json:"faults"`
	MS     int      `json:"ms"`
}

// sampleSettings are those that a pretend Meta knows, as it prints them.
var sampleSettings = regexp.MustCompile(`\{"access_token":[^}]*\}`)

// TestInABrowser tells the stories of testdata/browser with the real program
// and a real browser. SHOTS names a folder for the screenshots.
func TestInABrowser(t *testing.T) {
	chromium := needsChromium(t)
	needsPlaywright(t)
	meta := startStage(t, "meta")
	id, listen := issuertest.StartAt(t, "localhost"), freeAddress(t)
	id.Is("sub-ada", map[string]any{"email": "ada@id.example", "email_verified": true})
	p := start(t, t.TempDir(), append([]string{"RELEVO_PROVIDERS__META=" + meta.url, "RELEVO_LISTEN=" + listen, "RELEVO_PUBLIC_URL=http://" + listen,
		"RELEVO_OIDC__ISSUER=" + id.URL, "RELEVO_OIDC__CLIENT_ID=" + issuertest.ClientID, "RELEVO_OIDC__CLIENT_SECRET=" + issuertest.ClientSecret, "RELEVO_OIDC__NAME=Acme ID"}, quick...)...)
	key, err := os.ReadFile(filepath.Join(p.dir, "operator.key"))
	if err != nil {
		t.Fatal(err)
	}
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	shots, err = filepath.Abs(shots)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "run.mjs")
	cmd.Dir, cmd.WaitDelay = browserFolder, 5*time.Second
	cmd.Env = append(os.Environ(), "RELEVO_URL="+p.url, "RELEVO_SETUP="+p.setUp, "RELEVO_HOOK="+p.hook, "RELEVO_META="+meta.url, "RELEVO_ISSUER="+id.URL, "RELEVO_KEY="+strings.TrimSpace(string(key)), "RELEVO_SETTINGS="+sampleSettings.FindString(meta.stdout.String()), "CHROMIUM="+chromium, "SHOTS="+shots)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	stories := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var s storyTold
		if json.Unmarshal(lines.Bytes(), &s) != nil {
			t.Logf("%s", lines.Bytes())
			continue
		}
		stories++
		t.Run(s.Story, func(t *testing.T) {
			t.Logf("%d ms", s.MS)
			if !s.OK {
				t.Errorf("%s\n%q", s.Error, s.Faults)
			}
		})
	}
	files, _ := filepath.Glob(browserFolder + "/stories/*.mjs")
	if err != nil || stories != len(files) {
		t.Errorf("%d of %d stories were told: %v\n%s", stories, len(files), err, stderr.Bytes())
	}
}
