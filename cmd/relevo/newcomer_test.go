package main

import (
	"bytes"
	"encoding/csv"
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
	"testing"
	"time"
)

// quick is a server whose pace a test can wait for.
var quick = []string{"RELEVO_SPACING__MIN=10ms", "RELEVO_SPACING__MAX=20ms", "RELEVO_MEDIA__ALLOW=127.0.0.0/8"}

// The product page's examples, to the letter; the second lacks a comma.
const (
	pageExample1 = `{"action":"send","whatsapp account phone":"+15105566777","phone":"+14151231234","text":"lorem ipsum"}`
	pageExample2 = `{
  "action": "send",
  "chat_id": "77234",
  "text": "lorem ipsum"
  "file_url": "https://timelines.ai/logo.png",
  "file_name": "logo.png"
}`
)

// status is a message's status by the API.
func (p *process) status(t *testing.T, workspace, id string) string {
	t.Helper()
	return p.api(t, http.MethodGet, "/workspaces/"+workspace+"/messages/"+id, nil)["status"].(string)
}

func (p *process) becomes(t *testing.T, workspace, id string, want ...string) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("message %s becomes one of %v", id, want), func() bool {
		got := p.status(t, workspace, id)
		for _, w := range want {
			if got == w {
				return true
			}
		}
		return false
	})
}

func (p *process) quota(t *testing.T, workspace string) (available, reserved, spent float64) {
	t.Helper()
	q := p.api(t, http.MethodGet, "/workspaces/"+workspace+"/quota", nil)
	return q["available"].(float64), q["reserved"].(float64), q["spent"].(float64)
}

func TestThePrintedCurlSendsAMessage(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not on this machine")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var out syncBuffer
	cmd := exec.Command(path, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "off")
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	printed := regexp.MustCompile(`(?m)^\s*(curl .*)$`)
	eventually(t, 10*time.Second, "the banner", func() bool { return printed.MatchString(out.String()) })
	answer, err := exec.Command("sh", "-c", printed.FindStringSubmatch(out.String())[1]).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^\{"status":"success","data":\{"message_id":"wa_backend:3EB0[0-9A-F]{18}"\}\}\s*$`); !want.Match(answer) {
		t.Errorf("answer %s", answer)
	}
	eventually(t, 10*time.Second, "the message in the sandbox", func() bool {
		for _, lines := range sandboxLog(t, dir) {
			return lines[0].HandedOver && lines[0].Text == "Hello from Relevo"
		}
		return false
	})
}

func TestTheProductPagesExamplesWork(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	status, answer, err := post(p.hook, pageExample1)
	if err != nil || status != http.StatusOK {
		t.Fatalf("example 1: %d %v %v", status, answer, err)
	}
	p.becomes(t, ws, messageID(answer), "sent", "delivered", "read")

	if status, answer, err = post(p.hook, pageExample2); err != nil || status != http.StatusOK {
		t.Errorf("example 2 as printed: %d %v %v", status, answer, err)
	}
	p.api(t, http.MethodPatch, "/workspaces/"+ws+"/webhook", map[string]any{"strict": true})
	before, _, _ := p.quota(t, ws)
	status, answer, err = post(p.hook, pageExample2)
	if err != nil || status != http.StatusBadRequest {
		t.Fatalf("example 2 as printed, read strictly: %d %v %v", status, answer, err)
	}
	if msg := answer["message"].(string); !strings.Contains(msg, "Line 4, column 24") || !strings.Contains(msg, "comma") {
		t.Errorf("example 2 as printed, read strictly: %s", msg)
	}
	if after, _, _ := p.quota(t, ws); after != before {
		t.Errorf("a refusal moved %v units", before-after)
	}
	mended := strings.Replace(pageExample2, `"lorem ipsum"`, `"lorem ipsum",`, 1)
	if status, answer, err = post(p.hook, mended); err != nil || status != http.StatusOK {
		t.Errorf("example 2 mended: %d %v %v", status, answer, err)
	}
}

func TestAFileArrivesWithItsTextAndABrokenLinkIsRefunded(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0}, 64)...)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/logo.png":
			w.Write(png)
		case "/page.png":
			fmt.Fprint(w, "<!DOCTYPE html><html><body>Sign in</body></html>")
		default:
			http.NotFound(w, r)
		}
	}))
	defer files.Close()
	dir := t.TempDir()
	p := start(t, dir, quick...)
	ws := p.workspace(t)
	send := func(file, name string) string {
		status, answer, err := post(p.hook, fmt.Sprintf(`{"action":"send","phone":"+14155550111","text":"with a file","file_url":%q,"file_name":%q}`, files.URL+file, name))
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %v %v", file, status, answer, err)
		}
		return messageID(answer)
	}
	id := send("/logo.png", "logo.png")
	p.becomes(t, ws, id, "sent", "delivered", "read")
	var kept []byte
	filepath.WalkDir(filepath.Join(dir, "sandbox"), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "logo.png") {
			kept, err = os.ReadFile(path)
		}
		return err
	})
	if !bytes.Equal(kept, png) {
		t.Errorf("the sandbox has %d bytes of the file, want %d", len(kept), len(png))
	}
	for file, code := range map[string]string{"/gone.png": "file_unreachable", "/page.png": "file_is_web_page"} {
		before, _, _ := p.quota(t, ws)
		id := send(file, "logo.png")
		p.becomes(t, ws, id, "failed")
		m := p.api(t, http.MethodGet, "/workspaces/"+ws+"/messages/"+id, nil)
		failure := m["error"].(map[string]any)
		if failure["code"] != code || failure["message"] == "" {
			t.Errorf("%s: %v, want %s with a sentence", file, failure, code)
		}
		if after, reserved, _ := p.quota(t, ws); after != before || reserved != 0 {
			t.Errorf("%s: %v units of %v are left", file, after, before)
		}
	}
}

func TestAFailingNumberIsRefunded(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	for ending, code := range map[string]string{"9901": "not_on_whatsapp", "9902": "refused"} {
		_, answer, err := post(p.hook, `{"action":"send","phone":"+1415555`+ending+`","text":"x"}`)
		if err != nil {
			t.Fatal(err)
		}
		p.becomes(t, ws, messageID(answer), "failed")
		m := p.api(t, http.MethodGet, "/workspaces/"+ws+"/messages/"+messageID(answer), nil)
		if got := m["error"].(map[string]any)["code"]; got != code {
			t.Errorf("%s: %v, want %s", ending, got, code)
		}
	}
	if a, r, s := p.quota(t, ws); a != demoUnits || r != 0 || s != 0 {
		t.Errorf("available %v, reserved %v, spent %v", a, r, s)
	}
}

func TestARotatedURLIsAnsweredLikeAnUnknownOne(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	fresh := p.api(t, http.MethodPost, "/workspaces/"+ws+"/webhook/rotate", map[string]any{})["url"].(string)
	if status, _, err := post(fresh, pageExample1); err != nil || status != http.StatusOK {
		t.Errorf("the new URL: %d %v", status, err)
	}
	answer := func(url string) string {
		resp, err := http.Post(url, "application/json", strings.NewReader(pageExample1))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		resp.Header.Del("Date")
		resp.Header.Del("X-Request-Id")
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(resp.StatusCode, resp.Header, string(body))
	}
	old, unknown, malformed := answer(p.hook), answer(p.url+"/hook/rlv_"+strings.Repeat("0", 49)), answer(p.url+"/hook/x")
	if !strings.Contains(old, `{"status":404,"data":{},"message":"Webhook not found"}`) || old != unknown || old != malformed {
		t.Errorf("old URL:\n%s\nunknown:\n%s\nmalformed:\n%s", old, unknown, malformed)
	}
}

func TestTheLogIsDownloadedAndTheQuotaRunsDry(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	w := p.api(t, http.MethodPost, "/workspaces", map[string]any{"name": "Small"})
	ws, hook := w["id"].(string), w["webhook"].(map[string]any)["url"].(string)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/quota/grants", map[string]any{"units": 3, "reference": "r1"})
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels", map[string]any{"kind": "sandbox", "phone": "+15105566001", "name": "Small"})
	for i, want := range []int{200, 200, 200, 402} {
		status, answer, err := post(hook, fmt.Sprintf(`{"action":"send","phone":"+14155550123","text":"=1+%d"}`, i))
		if err != nil || status != want {
			t.Fatalf("call %d: %d %v %v", i, status, answer, err)
		}
		if want == 402 && (answer["error_code"] != "quota_exhausted" || !strings.Contains(answer["message"].(string), "0 units")) {
			t.Errorf("402: %v", answer)
		}
	}
	out, err := relevo(t, "attempts", "--url", p.url, "--key", p.operator(t), "--workspace", ws, "--format", "csv")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows: %v\n%s", len(rows), err, out)
	}
}

func TestARestartInTheMiddleOfAQueueOf50LosesNothing(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, quick...)
	ws := p.workspace(t)
	for i := range 50 {
		if status, _, err := post(p.hook, fmt.Sprintf(`{"action":"send","phone":"+1415555%04d","text":"number %d"}`, i, i)); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	eventually(t, 10*time.Second, "some are sent", func() bool { return len(sandboxLog(t, dir)) > 0 })
	if err := p.stop(t); err != nil {
		t.Fatalf("SIGTERM: %v\n%s", err, p.stderr)
	}
	if out, err := relevo(t, "verify", "--data", dir); err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	p = start(t, dir, quick...)
	eventually(t, 20*time.Second, "all are delivered", func() bool {
		for _, m := range p.messages(t, ws) {
			if m["status"] != "delivered" && m["status"] != "read" {
				return false
			}
		}
		return true
	})
	seen := map[string]int{}
	for _, lines := range sandboxLog(t, dir) {
		for i, l := range lines {
			seen[l.Text]++
			if want := fmt.Sprintf("number %d", i); l.Text != want {
				t.Errorf("place %d is %q: not in order", i, l.Text)
			}
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d messages in the sandbox, want 50", len(seen))
	}
}

func TestReadyzAnswersAndTheAttemptLogKeepsTheBody(t *testing.T) {
	p := start(t, t.TempDir(), quick...)
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	cut := pageExample2[:len(pageExample2)-1]
	post(p.hook, cut, "User-Agent", "Zapier")
	list := p.api(t, http.MethodGet, "/workspaces/"+p.workspace(t)+"/attempts", nil)["data"].([]any)
	a := list[0].(map[string]any)
	if a["body"] != cut || a["sender"] != "Zapier" || a["tool"] != "Zapier" || a["fix"] == nil || a["excerpt"] == nil || a["error_code"] != "invalid_json" || a["status"] != 400.0 {
		b, _ := json.Marshal(a)
		t.Errorf("attempt %s", b)
	}
}

// Whoever sets up the proxy in front needs the one address, and tools the other.
func TestTheBannerTellsTheListenerFromThePublicAddress(t *testing.T) {
	p := start(t, t.TempDir(), append(slices.Clone(quick), "RELEVO_PUBLIC_URL=https://relay.example.com")...)
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") || !strings.HasPrefix(p.hook, "https://relay.example.com/hook/") {
		t.Errorf("listening on %s, the webhook is %s", p.url, p.hook)
	}
}
