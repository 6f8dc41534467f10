package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lossy stands between a client and Relevo: it hands every call on and loses
// the next answers that it is told to.
type lossy struct {
	url  string
	mu   sync.Mutex
	lost []func(http.ResponseWriter)
	seen []seen
}

// seen is a call that went by.
type seen struct {
	at        time.Time
	key, body string
	status    int // Relevo's answer, lost or not
}

// busy is what a client gets in place of the answer: come back in 2 seconds.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func between(t *testing.T, hook string) *lossy {
	l := &lossy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		onward, err := http.NewRequestWithContext(r.Context(), r.Method, hook, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		onward.Header = r.Header.Clone()
		resp, err := http.DefaultTransport.RoundTrip(onward)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		lose := l.note(seen{time.Now(), r.Header.Get("Idempotency-Key"), string(body), resp.StatusCode})
		if lose != nil {
			lose(w)
			return
		}
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	t.Cleanup(server.Close)
	l.url = server.URL + "/hook"
	return l
}

// note keeps a call and returns how its answer is lost, if it is.
func (l *lossy) note(s seen) func(http.ResponseWriter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, s)
	if len(l.lost) == 0 {
		return nil
	}
	lose := l.lost[0]
	l.lost = l.lost[1:]
	return lose
}

// loseNext loses the next answers.
func (l *lossy) loseNext(how ...func(http.ResponseWriter)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, how...)
}

// calls are the calls so far.
func (l *lossy) calls() []seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seen)
}

// The nodes of flow.json that the tests press.
const (
	injectText     = "a1c0de0000000010"
	injectOrder    = "a1c0de0000000011"
	injectTemplate = "a1c0de0000000012"
)

// nodeRED is a running Node-RED with one of the example's flows.
type nodeRED struct {
	url    string
	stdout *syncBuffer
}

// nodeREDFolder is where the example's package.json is.
const nodeREDFolder = clients + "/node-red"

// installNodeRED installs it once.
var installNodeRED = sync.OnceValue(func() error { return npmInstall(nodeREDFolder) })

// npmInstall installs what a folder's lock file names, less what flags leave out.
func npmInstall(folder string, flags ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", append([]string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}, flags...)...)
	cmd.Dir = folder
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// needsNodeRED returns the program. Where CI is set it is installed first;
// elsewhere it is there or the test is skipped.
func needsNodeRED(t *testing.T) string {
	t.Helper()
	needsNode(t, 18, 5)
	if _, err := exec.LookPath("npm"); err == nil && os.Getenv("CI") != "" {
		if err := installNodeRED(); err != nil {
			t.Fatal(err)
		}
	}
	program, err := filepath.Abs(nodeREDFolder + "/node_modules/node-red/red.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("Node-RED is not installed: npm ci --prefix testdata/clients/node-red")
	}
	return program
}

// nodeREDSettings keep it to this machine, and quiet: no telemetry, no
// look for updates, no installing, no editor.
const nodeREDSettings = `module.exports = {
	uiHost: "127.0.0.1",
	uiPort: %d,
	flowFile: "flow.json",
	credentialSecret: false,
	disableEditor: true,
	telemetry: { enabled: false, updateNotification: false },
	diagnostics: { enabled: false },
	externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
	logging: { console: { level: "info", metrics: false, audit: false } },
};
`

// startNodeRED runs a flow against a webhook, and returns once it listens.
func startNodeRED(t *testing.T, program, name, hook string, env ...string) *nodeRED {
	t.Helper()
	flow, err := os.ReadFile(nodeREDFolder + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	// A free port may be taken before Node-RED has it; then once more.
	for range 3 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := free.Addr().(*net.TCPAddr).Port
		free.Close()
		dir := t.TempDir()
		for name, content := range map[string]string{"flow.json": string(flow), "settings.js": fmt.Sprintf(nodeREDSettings, port)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n := &nodeRED{url: fmt.Sprintf("http://127.0.0.1:%d", port), stdout: &syncBuffer{}}
		cmd := exec.Command("node", program, "--userDir", dir, "--settings", filepath.Join(dir, "settings.js"))
		cmd.Dir = dir
		cmd.Env = append(clientEnv(hook), append(env, "HOME="+dir, "NODE_RED_HOME="+filepath.Dir(program))...)
		cmd.Stdout, cmd.Stderr = n.stdout, n.stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it is killed at the end
			close(exited)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended already
			<-exited
			if t.Failed() {
				t.Logf("Node-RED:\n%s", n.stdout)
			}
		})
		ended := false
		eventually(t, time.Minute, "Node-RED runs the flow", func() bool {
			select {
			case <-exited:
				ended = true
			default:
			}
			return ended || strings.Contains(n.stdout.String(), "Started flows")
		})
		if !ended {
			return n
		}
		if !strings.Contains(n.stdout.String(), "port in use") {
			t.Fatal("Node-RED ended before it ran the flow")
		}
	}
	t.Fatal("three free ports were taken before Node-RED had them")
	return nil
}

// press presses an inject node, with its own properties or with others.
func (n *nodeRED) press(t *testing.T, inject string, props ...map[string]string) {
	t.Helper()
	body := []byte("{}")
	if len(props) > 0 {
		var err error
		if body, err = json.Marshal(map[string]any{"__user_inject_props__": props}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/inject/"+inject, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("inject %s: %d", inject, resp.StatusCode)
	}
}

// shown is what a debug node has printed, one line each.
func (n *nodeRED) shown(debug string) (lines []string) {
	for line := range strings.Lines(n.stdout.String()) {
		if _, what, ok := strings.Cut(line, "[debug:"+debug+"] "); ok {
			lines = append(lines, strings.TrimSpace(what))
		}
	}
	return lines
}

// presses presses and waits until the flow has ended, and returns what the
// debug node printed.
func (n *nodeRED) presses(t *testing.T, debug, inject string, props ...map[string]string) string {
	t.Helper()
	before := len(n.shown(debug))
	n.press(t, inject, props...)
	eventually(t, 30*time.Second, "Node-RED shows "+debug, func() bool { return len(n.shown(debug)) > before })
	return n.shown(debug)[before]
}

func TestARealNodeREDSendsOnceWhateverItRepeats(t *testing.T) {
	program := needsNodeRED(t)
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	line := between(t, p.hook)
	n := startNodeRED(t, program, "flow.json", line.url)

	// one is a press after which there is one message and one debit more.
	one := func(t *testing.T, calls int, press func() (id string)) (message map[string]any) {
		t.Helper()
		messages, past := len(p.messages(t, ws)), len(line.calls())
		available, _, _ := p.quota(t, ws)
		id := press()
		all := p.messages(t, ws)
		if len(all) != messages+1 || all[0]["id"] != id {
			t.Fatalf("%d messages more, the last %v; Node-RED shows %s", len(all)-messages, all[0], id)
		}
		if after, _, _ := p.quota(t, ws); after != available-1 {
			t.Errorf("%v units went, want 1", available-after)
		}
		made := line.calls()[past:]
		if len(made) != calls {
			t.Errorf("%d calls, want %d", len(made), calls)
		}
		for _, c := range made {
			if c.key == "" || c.key != made[0].key || c.body != made[0].body {
				t.Errorf("a call with key %q and body %s after one with %q and %s", c.key, c.body, made[0].key, made[0].body)
			}
		}
		return all[0]
	}

	t.Run("a text", func(t *testing.T) {
		m := one(t, 1, func() string { return n.presses(t, "Accepted", injectText) })
		if m["text"] != "Hello from Node-RED" {
			t.Errorf("message %v", m)
		}
	})
	t.Run("an answer is lost", func(t *testing.T) {
		one(t, 3, func() string {
			line.loseNext(hangUp, busy)
			return n.presses(t, "Accepted", injectText)
		})
	})
	t.Run("the same key again", func(t *testing.T) {
		one(t, 2, func() string {
			first, second := n.presses(t, "Accepted", injectOrder), n.presses(t, "Accepted", injectOrder)
			if first != second {
				t.Errorf("first %s, then %s", first, second)
			}
			return first
		})
	})
	t.Run("a refusal", func(t *testing.T) {
		past := len(line.calls())
		text := map[string]string{"p": "text", "v": "x", "vt": "str"}
		got := n.presses(t, "Refused", injectText, map[string]string{"p": "phone", "v": "12", "vt": "str"}, text)
		_, answer, err := post(p.hook, `{"action":"send","phone":"12","text":"x"}`)
		if err != nil || got != answer["message"] {
			t.Errorf("Node-RED shows %q; the answer is %v %v", got, answer, err)
		}
		if made := line.calls()[past:]; len(made) != 1 {
			t.Errorf("a refused call was made %d times", len(made))
		}
	})
}

func TestARealNodeREDSendsATemplateTypedByHandWithARawLineBreak(t *testing.T) {
	program := needsNodeRED(t)
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	line := between(t, p.hook)
	n := startNodeRED(t, program, "flow.json", line.url)
	n.press(t, injectTemplate)
	eventually(t, 30*time.Second, "the call", func() bool { return len(line.calls()) > 0 })
	call := line.calls()[0]
	if !strings.Contains(call.body, "Hello Ada,\nyour order left.") || json.Valid([]byte(call.body)) {
		t.Fatalf("the call has no raw line break: %s", call.body)
	}
	if call.status != http.StatusOK {
		t.Fatalf("status %d, want 200", call.status)
	}
	if m := p.messages(t, ws); len(m) != 1 || m[0]["text"] != "Hello Ada,\nyour order left." {
		t.Errorf("messages %v", m)
	}
}
