package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorded is a server that knows some answers and writes down what it was
// asked.
type recorded struct {
	*httptest.Server
	asked []string
}

// answers maps "GET /api/v1/…" to a body, or to "404 body" where it is no 200.
func newRecorded(t *testing.T, answers map[string]string) *recorded {
	t.Helper()
	r := &recorded{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		route := req.Method + " " + req.URL.RequestURI()
		r.asked = append(r.asked, strings.TrimSpace(route+" "+string(body)))
		answer, ok := answers[route]
		if want := "Bearer the-key"; strings.HasPrefix(req.URL.Path, "/api/") && req.Header.Get("Authorization") != want {
			answer, ok = `401 {"detail":"This key is not known.","code":"unauthorized"}`, true
		}
		if strings.HasPrefix(req.URL.Path, "/hook/") && req.Header.Get("Authorization") != "" {
			t.Error("the hook was shown the API key")
		}
		if !ok {
			answer = `404 {"detail":"There is no such thing.","code":"not_found"}`
		}
		status := 200
		if n, err := fmt.Sscanf(answer, "%d ", &status); n == 1 && err == nil {
			_, answer, _ = strings.Cut(answer, " ")
		}
		if k := req.Header.Get("Idempotency-Key"); k != "" {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// result is what a run of the program left.
type result struct {
	code        int
	out, errout string
}

func (r *recorded) run(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, []string{"RELEVO_URL=" + r.URL, "RELEVO_KEY=the-key"}, args...)
}

func runWith(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	var out, errout strings.Builder
	code := run(t.Context(), args, environ, strings.NewReader("from stdin\n"), &out, &errout)
	return result{code, out.String(), errout.String()}
}

const (
	oneWorkspace = `{"data":[{"id":"ws_1","name":"Demo","created_at":"2024-05-01T10:00:00.123Z","webhook":{"url":"http://x/hook/rlv_t","enabled":true},"quota":{"granted":1000,"available":990,"reserved":4,"spent":6}}],"next_cursor":null}`
	twoOfThem    = `{"data":[{"id":"ws_1","name":"Demo"},{"id":"ws_2","name":"Acme"}],"next_cursor":null}`
	aChannel     = `{"id":"ch_1","kind":"sandbox","name":"Sales","phone":"+15105566777","state":"connected","paused":false,"spacing_ms":{"min":1500,"max":2500}}`
	aMessage     = `{"id":"wa_backend:3EB0018F3A2B4C5D6E7F80","status":"failed","units":1,"to":"+14151231234","text":"hi\u001b[31m there","created_at":"2024-05-01T10:00:00Z","error":{"code":"refused","message":"The provider refused it."},"history":[{"at":"2024-05-01T10:00:00Z","status":"queued","applied":true},{"at":"2024-05-01T10:00:02Z","status":"read","applied":false}]}`
)

func TestEachCommandAsksTheAPIForTheRightThing(t *testing.T) {
	const ws = "/api/v1/workspaces/ws_1"
	const id = "wa_backend:3EB0018F3A2B4C5D6E7F80"
	entry := `{"id":"e1","kind":"grant","units":5,"ref":"r","at":"2024-05-01T10:00:00Z","available_after":5}`
	list := func(o string) string { return `{"data":[` + o + `],"next_cursor":null}` }
	for _, c := range []struct {
		args   string
		asks   string // method and path; a body after a space
		answer string
		shows  string
	}{
		{"workspace list --limit 2 --cursor c", "GET /api/v1/workspaces?cursor=c&limit=2", oneWorkspace, "ws_1  Demo  yes      990        2024-05-01 10:00:00Z"},
		{"workspace create Acme", `POST /api/v1/workspaces {"name":"Acme"}`, `201 {"id":"ws_2","name":"Acme","webhook":{"url":"http://x/hook/rlv_t"}}`, "http://x/hook/rlv_t"},
		{"workspace show", "GET " + ws, `{"id":"ws_1","quota":{"available":7}}`, "Units available:  7"},
		{"workspace rename ws_1 Acme", "PATCH " + ws + ` {"name":"Acme"}`, `{"id":"ws_1","name":"Acme"}`, "Acme"},
		{"workspace delete ws_1", "DELETE " + ws, "204 ", "The workspace ws_1 is deleted."},
		{"webhook show", "GET " + ws + "/webhook", `{"url":"http://x/hook/rlv_t","enabled":true}`, "URL:      http://x/hook/rlv_t\nEnabled:  yes\n"},
		{"webhook rotate", "POST " + ws + `/webhook/rotate {"grace_seconds":0}`, `{"url":"http://x/hook/rlv_u"}`, "rlv_u"},
		{"webhook rotate --grace 1h", "POST " + ws + `/webhook/rotate {"grace_seconds":3600}`, `{"url":"u","previous_valid_until":"2024-05-01T11:00:00Z"}`, "2024-05-01 11:00:00Z"},
		{"webhook enable", "PATCH " + ws + `/webhook {"enabled":true}`, `{"enabled":true}`, "Enabled:  yes"},
		{"webhook disable", "PATCH " + ws + `/webhook {"enabled":false}`, `{"enabled":false}`, "Enabled:  no"},
		{"channel list", "GET " + ws + "/channels", list(aChannel), "ch_1  sandbox  Sales  +15105566777  connected  no      -"},
		{"channel create --kind sandbox --phone +1510 --name Sales --spacing-min 2s --setting a=b", "POST " + ws + `/channels {"kind":"sandbox","name":"Sales","phone":"+1510","settings":{"a":"b"},"spacing_ms":{"min":2000}}`, "201 " + aChannel, "ch_1"},
		{"channel show ch_1", "GET " + ws + "/channels/ch_1", aChannel, "Spacing min ms:  1500"},
		{"channel pause ch_1", "POST " + ws + "/channels/ch_1/pause", aChannel, "connected"},
		{"channel resume ch_1", "POST " + ws + "/channels/ch_1/resume", aChannel, "connected"},
		{"channel set ch_1 --spacing-min 1s --spacing-max 3s --max-file-bytes 5", "PATCH " + ws + `/channels/ch_1 {"max_file_bytes":5,"spacing_ms":{"max":3000,"min":1000}}`, aChannel, "ch_1"},
		{"channel delete ch/1", "DELETE " + ws + "/channels/ch%2F1", "204 ", "is deleted"},
		{"quota show", "GET " + ws + "/quota", `{"granted":1000000,"available":7,"reserved":0,"spent":3}`, "Granted:    1000000\nAvailable:  7\nReserved:   0\nSpent:      3\n"},
		{"quota grant 5 --reference r", "POST " + ws + `/quota/grants {"reference":"r","units":5}`, "201 " + entry, "Available after:  5"},
		{"quota entries", "GET " + ws + "/quota/entries", list(entry), "grant"},
		{"quota plan show", "GET " + ws + "/quota/plan", `{"units":5,"schedule":"@daily","roll_over":false}`, "Rolls over:  no"},
		{"quota plan set --units 5 --schedule @daily --roll-over", "PUT " + ws + `/quota/plan {"units":5,"schedule":"@daily","roll_over":true}`, `{"units":5}`, "Units:  5"},
		{"quota plan remove", "DELETE " + ws + "/quota/plan", "204 ", "The plan is removed."},
		{"attempts", "GET " + ws + "/attempts", list(`{"id":"att_1","at":"2024-05-01T10:00:00Z","status":402,"error_code":"quota_exhausted","message":"The quota is used up."}`), "quota_exhausted"},
		{"attempts --format csv", "GET " + ws + "/attempts?format=csv", "id,at\r\n", "id,at\r\n"},
		{"attempts --format jsonl", "GET " + ws + "/attempts?format=jsonl", "{}\n{}\n", "{}\n{}\n"},
		{"attempts --format text --hide-phones", "GET " + ws + "/attempts?format=text&hide_phones=true", "200 1. refused\n", "1. refused\n"},
		{"attempts --json", "GET " + ws + "/attempts?format=json", list(""), `{"data":[]`},
		{"messages list --status failed,expired --channel ch_1 --from a --to b", "GET " + ws + "/messages?channel=ch_1&from=a&status=failed%2Cexpired&to=b", list(aMessage), "+14151231234  1      2024-05-01 10:00:00Z  refused  hi[31m there"},
		{"messages show " + id, "GET " + ws + "/messages/" + id, aMessage, "  2024-05-01 10:00:02Z  read (reported; changed nothing)"},
		{"messages cancel " + id, "POST " + ws + "/messages/" + id + "/cancel", aMessage, id + " is canceled."},
		{"messages resend " + id, "POST " + ws + "/messages/" + id + "/resend", "201 " + aMessage, id},
		{"messages confirm " + id, "POST " + ws + "/messages/" + id + "/confirm", aMessage, id + " is settled as delivered."},
		{"queue", "GET " + ws + "/queue", list(`{"channel_id":"ch_1","depth":50}`), "ch_1     -     50"},
		{"chats --channel ch_1", "GET " + ws + "/chats?channel=ch_1", list(`{"id":"10001","recipient":"+1415"}`), "10001"},
		{"chats create --channel ch_1 --phone +1415 --name Ann", "POST " + ws + `/chats {"channel_id":"ch_1","name":"Ann","phone":"+1415"}`, `201 {"id":"10001"}`, "10001"},
		{"counters --from a --to b", "GET " + ws + "/counters?from=a&to=b", list(`{"channel_id":"ch_1","sent":3,"failed":1,"delivered":1,"received":2}`), "ch_1     3     1       1          2"},
		{"key list", "GET " + ws + "/keys", list(`{"id":"key_1","name":"zapier"}`), "zapier"},
		{"key create zapier", "POST " + ws + `/keys {"name":"zapier"}`, `201 {"id":"key_1","name":"zapier","key":"rlvk_k"}`, "Key:   rlvk_k"},
		{"key revoke key_1", "DELETE " + ws + "/keys/key_1", "204 ", "is revoked"},
		{"sandbox sent --channel ch_1", "GET " + ws + "/channels/ch_1/sandbox/sent", list(`{"recipient":"+1415","try":1,"outcome":"sent","text":"hi"}`), "+1415  -        1    sent     hi"},
		{"sandbox inbound --channel ch_1 --from +1415 --name Ann --text hi", "POST " + ws + `/channels/ch_1/sandbox/inbound {"from":"+1415","name":"Ann","text":"hi"}`, "{}", "received"},
	} {
		t.Run(c.args, func(t *testing.T) {
			method, rest, _ := strings.Cut(c.asks, " ")
			path, _, _ := strings.Cut(rest, " ")
			srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces?limit=200": oneWorkspace, method + " " + path: c.answer})
			got := srv.run(t, strings.Fields(c.args)...)
			if got.code != exitOK {
				t.Fatalf("exit %d: %s", got.code, got.errout)
			}
			if last := srv.asked[len(srv.asked)-1]; last != c.asks {
				t.Errorf("asked %s\nwant  %s", last, c.asks)
			}
			if !strings.Contains(got.out, c.shows) {
				t.Errorf("shows\n%s\nwant it to contain\n%s", got.out, c.shows)
			}
			if strings.Contains(got.out, "\x1b") {
				t.Error("an escape sequence reached the terminal")
			}
		})
	}
}

func TestJSONIsPrintedAsItCame(t *testing.T) {
	const raw = `{"data":[{"id":"ws_1","new_field":{"a":1.0}}],"next_cursor":"c"}`
	srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces": raw})
	if got := srv.run(t, "workspace", "list", "--json"); got.out != raw+"\n" || got.errout != "" {
		t.Errorf("got %q, %q", got.out, got.errout)
	}
}

func TestALongListSaysHowToGoOn(t *testing.T) {
	srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces": `{"data":[{"id":"ws_1"}],"next_cursor":"c7"}`})
	if got := srv.run(t, "workspace", "list"); !strings.Contains(got.errout, "--cursor c7") {
		t.Errorf("got %q", got.errout)
	}
}

func TestAnEmptyListIsSaidToBe(t *testing.T) {
	srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces/ws_1/messages": `{"data":[],"next_cursor":null}`})
	if got := srv.run(t, "messages", "list", "--workspace", "ws_1"); got.code != 0 || got.out != "" || got.errout != "There are no messages.\n" {
		t.Errorf("got %+v", got)
	}
}

func TestTheWorkspaceIsTheOneNamedOrTheOnlyOne(t *testing.T) {
	for _, c := range []struct {
		name, workspaces, flag string
		code                   int
		says                   string
	}{
		{"by name", twoOfThem, "Acme", 0, ""},
		{"by id", twoOfThem, "ws_2", 0, ""},
		{"several", twoOfThem, "", 2, "There are several workspaces. Choose one with --workspace or RELEVO_WORKSPACE:\n  ws_1  Demo\n  ws_2  Acme\n"},
		{"no such name", twoOfThem, "Other", 1, "There is no workspace \"Other\". There are:\n  ws_1  Demo\n  ws_2  Acme\n"},
		{"two of a name", `{"data":[{"id":"ws_1","name":"Acme"},{"id":"ws_2","name":"Acme"}]}`, "Acme", 2, "Several workspaces are called \"Acme\""},
		{"none", `{"data":[],"next_cursor":null}`, "", 1, "relevo workspace create NAME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newRecorded(t, map[string]string{
				"GET /api/v1/workspaces?limit=200":    c.workspaces,
				"GET /api/v1/workspaces/ws_2/webhook": `{"url":"http://x/hook/rlv_t"}`,
			})
			got := srv.run(t, "webhook", "show", "--workspace", c.flag)
			if got.code != c.code || !strings.Contains(got.errout, c.says) {
				t.Errorf("got %d %q, want %d %q", got.code, got.errout, c.code, c.says)
			}
		})
	}
}

func TestEveryPageOfWorkspacesIsLookedThrough(t *testing.T) {
	srv := newRecorded(t, map[string]string{
		"GET /api/v1/workspaces?limit=200":          `{"data":[{"id":"ws_1","name":"Demo"}],"next_cursor":"c"}`,
		"GET /api/v1/workspaces?cursor=c&limit=200": `{"data":[{"id":"ws_2","name":"Acme"}],"next_cursor":null}`,
		"GET /api/v1/workspaces/ws_2/quota":         `{"available":3}`,
	})
	if got := srv.run(t, "quota", "show", "--workspace", "Acme"); got.code != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestSendPrintsTheIdOfTheMessage(t *testing.T) {
	const accepted = `{"status":"success","data":{"message_id":"wa_backend:3EB0018F3A2B4C5D6E7F80"}}`
	answers := map[string]string{
		"GET /api/v1/workspaces?limit=200":    oneWorkspace,
		"GET /api/v1/workspaces/ws_1/webhook": `{"url":"https://public.example/hook/rlv_t"}`,
		"POST /hook/rlv_t":                    accepted,
	}
	for _, c := range []struct{ name, args, asks string }{
		{"text", "--phone +1415 --text hi", `{"action":"send","phone":"+1415","text":"hi"}`},
		{"text from stdin", "--chat-name Ops --text -", `{"action":"send","chat_name":"Ops","text":"from stdin"}`},
		{"all the rest", "--chat-id 10001 --account +1510 --file-url https://e/x.png --file-name x.png --send-at 2024-05-01T09:00:00Z --expires-in 1h",
			`{"action":"send","chat_id":"10001","whatsapp_account_phone":"+1510","file_url":"https://e/x.png","file_name":"x.png","send_at":"2024-05-01T09:00:00Z","expires_in":3600}`},
		{"template", "--phone +1415 --template order_shipped --language en --variable Ann,Bob --variable 77234 --button x9",
			`{"action":"send","phone":"+1415","template":{"name":"order_shipped","language":"en","variables":["Ann,Bob","77234"],"buttons":["x9"]}}`},
		{"half a template", "--phone +1415 --language en", `{"action":"send","phone":"+1415","template":{"language":"en"}}`},
		{"what is missing is left to the server", "", `{"action":"send"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newRecorded(t, answers)
			got := srv.run(t, append([]string{"send"}, strings.Fields(c.args)...)...)
			if got.code != 0 || got.out != "wa_backend:3EB0018F3A2B4C5D6E7F80\n" {
				t.Errorf("got %+v", got)
			}
			if last, want := srv.asked[len(srv.asked)-1], "POST /hook/rlv_t "+c.asks; last != want {
				t.Errorf("asked %s\nwant  %s", last, want)
			}
		})
	}
}

func TestSendToAGivenHookNeedsNoKey(t *testing.T) {
	srv := newRecorded(t, map[string]string{"POST /hook/rlv_t": `{"status":"success","data":{"message_id":"m"}}`})
	got := runWith(t, nil, "send", "--hook", srv.URL+"/hook/rlv_t", "--phone", "+1", "--text", "x", "--idempotency-key", "k")
	if got.code != 0 || got.out != "m\n" || !strings.Contains(got.errout, "was used before") {
		t.Errorf("got %+v", got)
	}
}

func TestARefusedSendSaysTheSentenceAndFails(t *testing.T) {
	const refusal = `{"status":402,"data":{},"message":"The quota is used up.","error_code":"quota_exhausted","errors":[]}`
	srv := newRecorded(t, map[string]string{"POST /hook/rlv_t": "402 " + refusal})
	args := []string{"send", "--hook", srv.URL + "/hook/rlv_t", "--text", "x"}
	if got := runWith(t, nil, args...); got != (result{1, "", "The quota is used up.\n"}) {
		t.Errorf("got %+v", got)
	}
	if got := runWith(t, nil, append(args, "--json")...); got != (result{1, refusal + "\n", "The quota is used up.\n"}) {
		t.Errorf("with --json got %+v", got)
	}
}

func TestABadHookIsNotRepeated(t *testing.T) {
	for _, hook := range []string{"/hook/rlv_secret", "ftp://x/hook/rlv_secret", "http://[/hook/rlv_secret"} {
		got := runWith(t, nil, "send", "--hook", hook, "--text", "x")
		if got.code != exitUsage || strings.Contains(got.errout, "rlv_secret") {
			t.Errorf("%s: got %+v", hook, got)
		}
	}
}

func TestCancelTriesEveryId(t *testing.T) {
	const ws = "POST /api/v1/workspaces/ws_1/messages/"
	srv := newRecorded(t, map[string]string{
		ws + "a/cancel": `409 {"detail":"It was sent already.","code":"not_cancelable"}`,
		ws + "b/cancel": aMessage,
	})
	got := srv.run(t, "messages", "cancel", "a", "b", "--workspace", "ws_1")
	if got != (result{1, "b is canceled.\n", "a: It was sent already.\n"}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheOnlySandboxIsFound(t *testing.T) {
	meta := strings.ReplaceAll(strings.ReplaceAll(aChannel, "sandbox", "meta"), "ch_1", "ch_0")
	for _, c := range []struct {
		channels string
		code     int
		says     string
	}{
		{meta + "," + aChannel, 0, ""},
		{meta, 1, "The workspace has no sandbox channel."},
		{aChannel + "," + aChannel, 2, "There are several sandbox channels."},
	} {
		srv := newRecorded(t, map[string]string{
			"GET /api/v1/workspaces/ws_1/channels?limit=200":         `{"data":[` + c.channels + `]}`,
			"GET /api/v1/workspaces/ws_1/channels/ch_1/sandbox/sent": `{"data":[{"to":"+1"}]}`,
		})
		got := srv.run(t, "sandbox", "sent", "--workspace", "ws_1")
		if got.code != c.code || !strings.Contains(got.errout, c.says) {
			t.Errorf("got %+v, want %d %q", got, c.code, c.says)
		}
	}
}

func TestADownloadIsWholeAndItsOwnersAlone(t *testing.T) {
	const path = "GET /api/v1/workspaces/ws_1/attempts?format=csv"
	name := filepath.Join(t.TempDir(), "attempts.csv")
	srv := newRecorded(t, map[string]string{path: "id,at\r\n"})
	args := []string{"attempts", "--workspace", "ws_1", "--format", "csv", "--output", name}
	if got := srv.run(t, args...); got.code != 0 || got.out != "" {
		t.Fatalf("got %+v", got)
	}
	b, err := os.ReadFile(name)
	info, _ := os.Stat(name)
	if err != nil || string(b) != "id,at\r\n" || info.Mode().Perm() != 0o600 {
		t.Errorf("got %q, %v, %v", b, info.Mode(), err)
	}
	if got := newRecorded(t, nil).run(t, args...); got.code != 1 {
		t.Errorf("got %+v", got)
	}
	left, _ := os.ReadDir(filepath.Dir(name))
	if b, _ := os.ReadFile(name); string(b) != "id,at\r\n" || len(left) != 1 {
		t.Errorf("a failed download left %q and %v", b, left)
	}
}

func TestTheKeyIsFoundInItsPlaces(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write("operator.key", "the-key\n")
	file := write("elsewhere", " the-key \n")
	empty := t.TempDir()
	for _, c := range []struct {
		name    string
		environ []string
		args    []string
		says    string
	}{
		{"flag before all", []string{"RELEVO_KEY=wrong"}, []string{"--key", "the-key"}, ""},
		{"variable", []string{"RELEVO_KEY=the-key", "RELEVO_OPERATOR_KEY=wrong"}, nil, ""},
		{"variable's file", []string{"RELEVO_KEY_FILE=" + file}, nil, ""},
		{"operator's variable", []string{"RELEVO_OPERATOR_KEY=the-key", "RELEVO_DATA=" + empty}, nil, ""},
		{"data folder by flag", nil, []string{"--data", dir}, ""},
		{"data folder by variable", []string{"RELEVO_DATA=" + dir}, nil, ""},
		{"nowhere", nil, []string{"--data", empty}, "There is no API key: " + filepath.Join(empty, "operator.key") + " does not exist."},
		{"wrong", nil, []string{"--key", "wrong"}, "This key is not known.\nGive the key with --key or RELEVO_KEY.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newRecorded(t, map[string]string{"GET /api/v1/workspaces": oneWorkspace})
			got := runWith(t, append(c.environ, "RELEVO_URL="+srv.URL), append([]string{"workspace", "list"}, c.args...)...)
			if (got.code == 0) != (c.says == "") || !strings.Contains(got.errout, c.says) {
				t.Errorf("got %+v, want %q", got, c.says)
			}
		})
	}
}

func TestAHealthyServerIsWell(t *testing.T) {
	srv := newRecorded(t, map[string]string{"GET /healthz": "ok"})
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, got := range []result{
		runWith(t, []string{"RELEVO_LISTEN=" + host}, "healthcheck"),
		runWith(t, nil, "healthcheck", "--url", srv.URL),
	} {
		if got != (result{0, "ok\n", ""}) {
			t.Errorf("got %+v", got)
		}
	}
	ill := newRecorded(t, map[string]string{"GET /healthz": "503 {}"})
	if got := runWith(t, nil, "healthcheck", "--url", ill.URL); got.code != 1 {
		t.Errorf("an ill server passed: %+v", got)
	}
}

func TestTheLocalAddressFollowsTheListener(t *testing.T) {
	for listen, want := range map[string]string{
		"": "http://127.0.0.1:8080", ":80": "http://127.0.0.1:80", "0.0.0.0:81": "http://127.0.0.1:81",
		"[::]:82": "http://[::1]:82", "10.1.2.3:83": "http://10.1.2.3:83",
	} {
		if got := localURL(listen); got != want {
			t.Errorf("%q: got %s, want %s", listen, got, want)
		}
	}
}

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	v := buildVersion{Version: "v1.2.3", Commit: "0123456789abcdef", Modified: true, Go: "go1.26", Platform: "linux/amd64"}
	if got, want := v.String(), "relevo v1.2.3 (commit 0123456789ab, changed) go1.26 linux/amd64"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v := readVersion(); v.Version == "" || v.Go == "" {
		t.Errorf("got %+v", v)
	}
}
