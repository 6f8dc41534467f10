package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"relevo/cmd/relevo/pretend"
)

// stageProcess is one run of `relevo sandbox KIND`.
type stageProcess struct {
	cmd            *exec.Cmd
	stdout, stderr *syncBuffer
	url            string
}

// startStage plays a provider with the real binary.
func startStage(t *testing.T, kind string, args ...string) *stageProcess {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &stageProcess{cmd: exec.Command(path, append([]string{"sandbox", kind}, args...)...), stdout: &syncBuffer{}, stderr: &syncBuffer{}}
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("sandbox %s ended with %v: %s", kind, err, s.stderr)
		}
	})
	eventually(t, 20*time.Second, "the provider says where it is", func() bool {
		m := regexp.MustCompile(`Playing \w+ on (\S+),`).FindStringSubmatch(s.stdout.String())
		if m != nil {
			s.url = m[1]
		}
		return m != nil && strings.Contains(s.stdout.String(), "/_fake/template")
	})
	return s
}

// step are the commands that are printed under a number.
func (s *stageProcess) step(t *testing.T, n int) string {
	t.Helper()
	_, rest, ok := strings.Cut(s.stdout.String(), fmt.Sprintf("\n%d. ", n))
	if !ok {
		t.Fatalf("there is no step %d in\n%s", n, s.stdout)
	}
	part, _, _ := strings.Cut(rest, "\n\n")
	_, commands, _ := strings.Cut(part, "\n")
	return commands
}

// Whoever follows what the command prints, line by line, has a channel that
// sends and receives.
func TestThePrintedStepsOfAPretendProviderWork(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on this machine", program)
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range pretend.Kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			listen := freeAddress(t)
			s := startStage(t, kind, "--public-url", "http://"+listen, "--report")
			env := slices.Clone(quick)
			for kv := range strings.FieldsSeq(s.step(t, 1)) {
				if strings.HasPrefix(kv, "RELEVO_") {
					env = append(env, kv)
				}
			}
			p := start(t, t.TempDir(), env...)
			sh := func(script string) string {
				t.Helper()
				cmd := exec.Command("sh", "-ec", script)
				cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "RELEVO_DATA="+p.dir, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", script, err, out)
				}
				return string(out)
			}
			if out := sh(s.step(t, 2)); strings.Contains(out, "error") {
				t.Fatalf("connect: %s", out)
			}
			send, messages, _ := strings.Cut(s.step(t, 3), "\n")
			id := strings.TrimSpace(sh(send))
			var shown string
			defer func() {
				if t.Failed() {
					t.Logf("the message: %s\nthe provider: %s", shown, s.stderr)
				}
			}()
			eventually(t, 15*time.Second, "the message is read", func() bool {
				shown = sh("relevo messages show " + id + " --url " + p.url)
				return strings.Contains(shown, "read")
			})
			if out := sh(messages); !strings.Contains(out, `"text":"Hello"`) || !strings.Contains(out, id) {
				t.Errorf("what came is %s", out)
			}
			if out := sh(s.step(t, 4)); !strings.Contains(out, `"callback_status":200`) || !strings.Contains(out, "Hello") {
				t.Errorf("inbound: %s", out)
			}
			if log := s.stderr.String(); strings.Contains(log, "Hello") || strings.Contains(log, "4151231234") || !strings.Contains(log, "POST /") {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}

func TestAPretendProviderDoesWhatItIsToldByHand(t *testing.T) {
	s := startStage(t, "meta")
	hand := func(method, name, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, s.url+"/_fake/"+name, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for _, c := range []struct {
		method, name, body string
		status             int
		says               string
	}{
		{"GET", "messages", "", 200, "[]"},
		{"GET", "", "", 404, "POST /_fake/inbound"},
		{"POST", "inbound", `{"from":"+1415","text":"x"}`, 409, "it is not known where callbacks go"},
		{"POST", "callbacks", `{"id":"ch_1"}`, 409, "this is no channel with callbacks"},
		{"POST", "status", `{"id":"m","status":"read"}`, 409, "there is none of this name or id"},
		{"POST", "template", `{"name":"a","language":"en","event":"APPROVED"}`, 409, "there is none"},
		{"POST", "next", `{"code":131026}`, 200, "true"},
		{"POST", "next", `{`, 400, "not JSON"},
	} {
		if status, says := hand(c.method, c.name, c.body); status != c.status || !strings.Contains(says, c.says) {
			t.Errorf("%s %s: %d %s, want %d %q", c.method, c.name, status, says, c.status, c.says)
		}
	}
	var settings map[string]string
	if err := json.Unmarshal(pretend.New("meta", io.Discard).Channels()[0].Settings, &settings); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodPost, s.url+"/v26.0/"+settings["phone_number_id"]+"/messages",
		strings.NewReader(`{"messaging_product":"whatsapp","to":"14151231234","type":"text","text":{"body":"x"}}`))
	req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + settings["access_token"]}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("the scripted call was answered %d", res.StatusCode)
	}
	eventually(t, 5*time.Second, "the call is in the log", func() bool { return strings.Contains(s.stderr.String(), "POST /v26.0/…/messages 400\n") })
}

func TestAPretendProviderStaysOnThisMachine(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:9400", "192.0.2.1:9400", "9400", ":9400"} {
		if got := runWith(t, nil, "sandbox", "meta", "--listen", listen); got.code != exitUsage || !strings.Contains(got.errout, "--listen is a loopback address") {
			t.Errorf("%s: got %+v", listen, got)
		}
	}
}

// What is printed for one provider is no other's: a code of Meta's says
// nothing at Twilio.
func TestWhatIsDoneByHandIsTheProvidersOwn(t *testing.T) {
	for kind, code := range map[string]string{"meta": "131047", "twilio": "63016", "vonage": "1340", "infobip": "7010"} {
		if says := pretend.New(kind, io.Discard).Hand(); strings.Count(says, `{"code": `+code+"}") != 2 || strings.Contains(says, "viber") != (kind == "infobip") {
			t.Errorf("%s:\n%s", kind, says)
		}
	}
}

func TestThePretendInfobipDecidesAboutTemplates(t *testing.T) {
	pushed := make(chan string, 1)
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		pushed <- string(b)
	}))
	defer relay.Close()
	srv := httptest.NewServer(pretend.New("infobip", io.Discard))
	defer srv.Close()
	post := func(path, body, want string) {
		t.Helper()
		req, _ := http.NewRequest(http.MethodPost, srv.URL+path, strings.NewReader(body))
		req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"App 0123456789abcdef0123456789abcdef-11111111-2222-3333"}}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, _ := io.ReadAll(res.Body); !strings.Contains(string(b), want) {
			t.Errorf("%s: %s %s, want %s", path, res.Status, b, want)
		}
	}
	const decision = `{"name":"order","language":"en","event":"APPROVED"}`
	post("/_fake/callbacks", `{"kind":"infobip","callbacks":{"inbound_url":"`+relay.URL+`"}}`, "true")
	post("/_fake/template", decision, "there is none of this name")
	post("/whatsapp/2/senders/441134960000/templates", `{"name":"order","language":"en","category":"UTILITY","structure":{"body":{"text":"Hello"}}}`, "PENDING")
	post("/_fake/template", decision, `"callback_status":200`)
	if got := <-pushed; !strings.Contains(got, `"newStatus":"APPROVED"`) || !strings.Contains(got, `"messageTemplateName":"order"`) {
		t.Errorf("the push is %s", got)
	}
}
