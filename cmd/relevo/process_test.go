package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the real program once, as its users do.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "relevo-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "relevo")
	out, err := exec.Command("go", "build", "-o", path, "relevo/cmd/relevo").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// process is one run of `relevo serve`.
type process struct {
	cmd *exec.Cmd
	// url is where it listens; hook the URL of the demo workspace, on the
	// first start alone.
	url, hook string
	// setUp is the path of the console's set-up link, until it was used.
	setUp  string
	dir    string
	stderr *syncBuffer
	exited chan error
}

// start runs the real binary over a data folder and returns once it listens.
func start(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	return startBy(t, []string{"env"}, dir, env...)
}

// startBy starts it by another program, which runs its arguments.
func startBy(t *testing.T, by []string, dir string, env ...string) *process {
	t.Helper()
	p := tryStart(t, by, dir, env...)
	if p.url == "" {
		t.Fatalf("the server did not start: %s", p.stderr)
	}
	return p
}

// tryStart starts it; its url is empty where it ended at once.
func tryStart(t *testing.T, by []string, dir string, env ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{dir: dir, stderr: &syncBuffer{}, exited: make(chan error, 1)}
	args := append(by[1:], path, "serve", "--data", dir, "--admin-listen", "off")
	listen := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "RELEVO_LISTEN="); ok {
			listen = v
		}
	}
	if listen == "" {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	p.cmd = exec.Command(by[0], args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	p.readBanner(stdout)
	if listen != "" && p.url != "" { // the banner says public_url, where it is set
		p.url = "http://" + listen
	}
	return p
}

// readBanner waits for the end of the banner; the rest is thrown away.
func (p *process) readBanner(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "Listening on "); ok {
			p.url, _, _ = strings.Cut(rest, ",")
		}
		if rest, ok := strings.CutPrefix(line, "Console: open "+p.url); ok {
			p.setUp, _, _ = strings.Cut(rest, " ")
		}
		if rest, ok := strings.CutPrefix(line, "Webhook URL: "); ok {
			p.hook = rest
		}
		if strings.HasPrefix(line, "Webhook URLs are shown") || strings.HasPrefix(line, "The operator key") {
			break
		}
	}
	go func() {
		for lines.Scan() { // a full pipe would stop the process
		}
		p.exited <- p.cmd.Wait()
	}()
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// kill ends the process as a power cut would, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	err := <-p.exited
	p.exited <- err
}

// stop asks the process to drain, and returns how it ended.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

// wait returns how a process ended that was asked to.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.exited:
		p.exited <- err
		return err
	case <-time.After(time.Minute):
		t.Fatalf("the server did not end within a minute: %s", p.stderr)
		return nil
	}
}

// operator is the key of the management API.
func (p *process) operator(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, operatorFile))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// api calls the management API as the operator and fails the test unless it
// answers with a 2xx.
func (p *process) api(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	answer, err := p.try(t, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func (p *process) try(t *testing.T, method, path string, body any) (map[string]any, error) {
	t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, p.url+"/api/v1"+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.operator(t))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			return nil, fmt.Errorf("%s: %w", b, err)
		}
	}
	if resp.StatusCode/100 != 2 {
		return out, fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return out, nil
}

// workspace is the id of the only workspace.
func (p *process) workspace(t *testing.T) string {
	t.Helper()
	list := p.api(t, http.MethodGet, "/workspaces", nil)["data"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d workspaces, want 1", len(list))
	}
	return list[0].(map[string]any)["id"].(string)
}

// messages are all messages of a workspace, newest first.
func (p *process) messages(t *testing.T, workspace string) (all []map[string]any) {
	t.Helper()
	for cursor := ""; ; {
		page := p.api(t, http.MethodGet, "/workspaces/"+workspace+"/messages?limit=200&cursor="+cursor, nil)
		for _, m := range page["data"].([]any) {
			all = append(all, m.(map[string]any))
		}
		next, more := page["next_cursor"].(string)
		if !more {
			return all
		}
		cursor = next
	}
}

// post calls a webhook and returns the status and the answer.
func post(url, body string, headers ...string) (status int, answer map[string]any, err error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, answer, err
}

// messageID is the id in a 200.
func messageID(answer map[string]any) string {
	data, _ := answer["data"].(map[string]any)
	id, _ := data["message_id"].(string)
	return id
}

// relevo runs a command of the real binary and returns what it printed.
func relevo(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err
}

// eventually waits until a condition holds. It polls: the thing happens in another
// process.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// sandboxLine is what the tests read of the sandbox's own log.
type sandboxLine struct {
	At         time.Time `json:"at"`
	MessageID  string    `json:"message_id"`
	Recipient  string    `json:"recipient"`
	Text       string    `json:"text"`
	HandedOver bool      `json:"handed_over"`
}

// sandboxLog reads the independent witness: what was handed over, by channel.
func sandboxLog(t *testing.T, dir string) map[string][]sandboxLine {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "sandbox", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]sandboxLine{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for raw := range bytes.Lines(b) {
			var l sandboxLine
			err := json.Unmarshal(raw, &l)
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) && !bytes.HasSuffix(raw, []byte("\n")) {
				continue // the process was killed while it wrote
			}
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			lines[path] = append(lines[path], l)
		}
	}
	return lines
}

// syncBuffer is a buffer that a process writes and a test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
