package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// clients is the folder of the importable examples.
const clients = "../../testdata/clients"

// snippet is an example that runs by itself: program PHONE TEXT.
type snippet struct {
	needs []string
	run   []string
}

var snippets = map[string]snippet{
	"curl":       {[]string{"bash", "curl"}, []string{"bash", "curl/send.sh"}},
	"python":     {[]string{"python3"}, []string{"python3", "python/send.py"}},
	"php":        {[]string{"php"}, []string{"php", "php/send.php"}},
	"javascript": {[]string{"node"}, []string{"node", "javascript/send.mjs"}},
}

// eachSnippet runs a test with every snippet whose interpreter is there.
func eachSnippet(t *testing.T, test func(t *testing.T, name string, s snippet)) {
	for name, s := range snippets {
		t.Run(name, func(t *testing.T) {
			for _, program := range s.needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not on this machine", program)
				}
			}
			if name == "javascript" {
				needsNode(t, 18, 0)
			}
			t.Parallel()
			test(t, name, s)
		})
	}
}

// needsNode skips a test where there is no Node.js, or too old a one.
func needsNode(t *testing.T, major, minor int) {
	t.Helper()
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Skipf("Node.js is not on this machine: %v", err)
	}
	var gotMajor, gotMinor int
	if _, err := fmt.Sscanf(string(out), "v%d.%d", &gotMajor, &gotMinor); err != nil {
		t.Fatalf("node --version: %s: %v", out, err)
	}
	if gotMajor < major || gotMajor == major && gotMinor < minor {
		t.Skipf("Node.js is %s here; this needs %d.%d", strings.TrimSpace(string(out)), major, minor)
	}
}

// send runs the snippet and returns what it printed and its exit code.
func (s snippet) send(t *testing.T, hook, phone, text string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.run[0], append(slices.Clone(s.run[1:]), phone, text)...)
	cmd.Dir = clients
	cmd.Env = clientEnv(hook)
	cmd.WaitDelay = 5 * time.Second
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v: %v\n%s", s.run, err, &errOut)
	}
	return strings.TrimSpace(out.String()), strings.TrimSpace(errOut.String()), cmd.ProcessState.ExitCode()
}

// clientEnv is the environment of a client; no proxy stands between it and a
// server on this machine.
func clientEnv(hook string) []string {
	return append(os.Environ(), "RELEVO_HOOK="+hook, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
}

// ofText are the messages that have a text.
func (p *process) ofText(t *testing.T, workspace, text string) (found []map[string]any) {
	t.Helper()
	for _, m := range p.messages(t, workspace) {
		if m["text"] == text {
			found = append(found, m)
		}
	}
	return found
}

func TestTheSnippetsSendOneMessage(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	eachSnippet(t, func(t *testing.T, name string, s snippet) {
		text := "By " + name + ": \"quoted\" \\ back\\slash\n\tJürgen's 10 % & <more> 👋"
		id, stderr, code := s.send(t, p.hook, "+14155550100", text)
		if code != 0 || id == "" || stderr != "" {
			t.Fatalf("exit %d, stdout %q, stderr %q", code, id, stderr)
		}
		if m := p.ofText(t, ws, text); len(m) != 1 || m[0]["id"] != id {
			t.Errorf("it printed %s; the server has %v", id, m)
		}
	})
}

func TestTheSnippetsSayWhyACallWasRefused(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	status, answer, err := post(p.hook, `{"action":"send","phone":"\"12\"","text":"x"}`)
	if err != nil || status != http.StatusBadRequest {
		t.Fatalf("%d %v %v", status, answer, err)
	}
	want := answer["message"].(string)
	eachSnippet(t, func(t *testing.T, _ string, s snippet) {
		stdout, stderr, code := s.send(t, p.hook, `"12"`, "x")
		if code != 1 || stdout != "" || stderr != want {
			t.Errorf("exit %d, stdout %q, stderr %q, want %q", code, stdout, stderr, want)
		}
		if _, usage, code := s.send(t, "", "+14155550100", "x"); code != 2 || !strings.Contains(usage, "RELEVO_HOOK") {
			t.Errorf("without RELEVO_HOOK: exit %d, stderr %q", code, usage)
		}
	})
}

func TestTheSnippetsSendOnceThoughAnswersAreLost(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	eachSnippet(t, func(t *testing.T, name string, s snippet) {
		line := between(t, p.hook)
		line.loseNext(busy, hangUp)
		text := "Once, by " + name
		id, stderr, code := s.send(t, line.url, "+14155550100", text)
		if code != 0 {
			t.Fatalf("exit %d, stderr %q", code, stderr)
		}
		calls := line.calls()
		if len(calls) != 3 || calls[0].key == "" || calls[1].key != calls[0].key || calls[2].key != calls[0].key {
			t.Fatalf("calls %+v, want 3 with one key", calls)
		}
		if waited := calls[1].at.Sub(calls[0].at); waited < 1900*time.Millisecond {
			t.Errorf("it came back after %s; Retry-After was 2 s", waited)
		}
		if m := p.ofText(t, ws, text); len(m) != 1 || m[0]["id"] != id {
			t.Errorf("it printed %s; the server has %v", id, m)
		}
	})
}

func TestEveryClientExampleInJSONParses(t *testing.T) {
	n := 0
	err := filepath.WalkDir(clients, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		n++
		b, err := os.ReadFile(path)
		if err == nil && !json.Valid(b) {
			t.Errorf("%s is not JSON", path)
		}
		return err
	})
	if err != nil || n < 5 {
		t.Fatalf("%d files: %v", n, err)
	}
	for _, folder := range []string{"node-red", "zapier"} {
		lock := document(t, "testdata/clients/"+folder+"/package-lock.json")
		for _, from := range regexp.MustCompile(`"resolved": "([^"]*)"`).FindAllStringSubmatch(lock, -1) {
			if !strings.HasPrefix(from[1], "https://registry.npmjs.org/") {
				t.Errorf("the lock file of %s fetches %s", folder, from[1])
			}
		}
	}
}

func TestTheTableOfClientsNamesEveryFolder(t *testing.T) {
	table := document(t, "testdata/clients/README.md")
	folders, err := os.ReadDir(clients)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && !strings.Contains(table, "| [`"+f.Name()+"/") {
			t.Errorf("%s is not in the table", f.Name())
		}
	}
}

// n8nKnown are the types of nodes in the workflow, and the parameters without
// which one does nothing. That is all that is checked of them.
var n8nKnown = map[string]struct {
	versions []float64
	needs    []string
}{
	"n8n-nodes-base.manualTrigger": {[]float64{1}, nil},
	"n8n-nodes-base.set":           {[]float64{3.3, 3.4}, []string{"assignments"}},
	"n8n-nodes-base.httpRequest":   {[]float64{4.1, 4.2, 4.3}, []string{"method", "url", "sendBody", "headerParameters", "bodyParameters"}},
	"n8n-nodes-base.if":            {[]float64{2, 2.1, 2.2}, []string{"conditions"}},
	"n8n-nodes-base.wait":          {[]float64{1.1}, []string{"amount", "unit"}},
	"n8n-nodes-base.stopAndError":  {[]float64{1}, []string{"errorMessage"}},
}

func TestTheN8NWorkflowHangsTogether(t *testing.T) {
	type link struct {
		Node, Type string
		Index      int
	}
	var flow struct {
		Name  string
		Nodes []struct {
			ID, Name, Type string
			TypeVersion    float64
			Position       []float64
			RetryOnFail    bool
			MaxTries       int
			Parameters     map[string]any
		}
		Connections map[string]struct{ Main [][]link }
	}
	raw := document(t, "testdata/clients/n8n/workflow.json")
	if err := json.Unmarshal([]byte(raw), &flow); err != nil {
		t.Fatal(err)
	}
	names, ids := map[string]bool{}, map[string]bool{}
	for _, n := range flow.Nodes {
		known, ok := n8nKnown[n.Type]
		if !ok || !slices.Contains(known.versions, n.TypeVersion) {
			t.Errorf("%s: type %s %v is not known", n.Name, n.Type, n.TypeVersion)
		}
		for _, name := range known.needs {
			if n.Parameters[name] == nil {
				t.Errorf("%s has no parameter %s", n.Name, name)
			}
		}
		if n.Name == "" || n.ID == "" || names[n.Name] || ids[n.ID] || len(n.Position) != 2 {
			t.Errorf("node %q, id %q, at %v", n.Name, n.ID, n.Position)
		}
		names[n.Name], ids[n.ID] = true, true
		if n.Type == "n8n-nodes-base.httpRequest" {
			headers := fmt.Sprint(n.Parameters["headerParameters"])
			if n.Parameters["method"] != "POST" || !strings.Contains(headers, "name:Idempotency-Key") || !n.RetryOnFail || n.MaxTries < 2 || n.MaxTries > 5 {
				t.Errorf("the call: %+v", n)
			}
		}
	}
	reached := map[string]bool{flow.Nodes[0].Name: true}
	for from, c := range flow.Connections {
		if !names[from] {
			t.Errorf("a connection from %q, which is no node", from)
		}
		for _, l := range slices.Concat(c.Main...) {
			if !names[l.Node] || l.Type != "main" || l.Index != 0 {
				t.Errorf("a connection from %q to %+v", from, l)
			}
			reached[l.Node] = true
		}
	}
	if len(reached) != len(names) || !strings.Contains(raw, "{{ $json.statusCode }}") {
		t.Errorf("reached %v of %v", reached, names)
	}
	for _, ref := range regexp.MustCompile(`\$\('([^']*)'\)`).FindAllStringSubmatch(raw, -1) {
		if !names[ref[1]] {
			t.Errorf("an expression reads %q, which is no node", ref[1])
		}
	}
}

// bruBlocks are the blocks of a file of Bruno: name to content, without the
// indent.
func bruBlocks(t *testing.T, name string) map[string]string {
	t.Helper()
	doc := document(t, "testdata/clients/bruno/"+name)
	block := regexp.MustCompile(`(?ms)^([a-z:-]+) \{\n(.*?)^\}\n`)
	if rest := strings.TrimSpace(block.ReplaceAllString(doc, "")); rest != "" {
		t.Errorf("%s: outside of blocks: %s", name, rest)
	}
	blocks := map[string]string{}
	for _, b := range block.FindAllStringSubmatch(doc, -1) {
		if _, twice := blocks[b[1]]; twice {
			t.Errorf("%s has two blocks %s", name, b[1])
		}
		blocks[b[1]] = regexp.MustCompile(`(?m)^  `).ReplaceAllString(b[2], "")
	}
	return blocks
}

func TestTheBrunoCallsHaveTheirBlocksAndRelevoAnswersThem(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	vars := bruBlocks(t, "environments/local.bru")["vars"]
	if !strings.Contains(vars, "hook: {{process.env.RELEVO_HOOK}}\n") {
		t.Errorf("the environment has no hook: %s", vars)
	}
	for name, want := range map[string]struct {
		seq, body, contentType string
		status                 int
	}{
		"send-text":             {"1", "json", "application/json", 200},
		"send-file":             {"2", "json", "application/json", 200},
		"replay-with-key":       {"3", "json", "application/json", 200},
		"refused-quote-in-text": {"4", "text", "text/plain", 400},
	} {
		b := bruBlocks(t, name+".bru")
		for block, line := range map[string]string{
			"meta":    "type: http\nseq: " + want.seq + "\n",
			"post":    "url: {{hook}}\nbody: " + want.body + "\nauth: none\n",
			"headers": "Content-Type: " + want.contentType + "\n",
			"assert":  fmt.Sprintf("res.status: eq %d\n", want.status),
		} {
			if !strings.Contains(b[block], line) {
				t.Errorf("%s: block %s is %q, want %q in it", name, block, b[block], line)
			}
		}
		body := regexp.MustCompile(`\{\{(\w+)\}\}`).ReplaceAllStringFunc(b["body:"+want.body], func(v string) string {
			_, rest, ok := strings.Cut("\n"+vars, "\n"+strings.Trim(v, "{}")+": ")
			if !ok {
				t.Errorf("%s: %s is not in the environment", name, v)
			}
			value, _, _ := strings.Cut(rest, "\n")
			return value
		})
		status, answer, err := post(p.hook, body)
		if err != nil || status != want.status || status == 400 && answer["error_code"] != "invalid_json" {
			t.Errorf("%s: %d %v %v", name, status, answer, err)
		}
	}
}
