package api

import (
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

// fields checks which names an object has.
func fields(t *testing.T, o any, want string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(o.(map[string]any)))
	names := strings.Fields(want)
	slices.Sort(names)
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestAWorkspaceIsMadeShownRenamedAndDeleted(t *testing.T) {
	h := build(t, 0)
	rec := h.api("POST", "/workspaces", `{"name":" Acme "}`)
	w := h.object(rec, 201)
	fields(t, w, "id name created_at country time_zone webhook quota notices")
	fields(t, w["webhook"], "url enabled previous_valid_until previous_last_used_at previous_last_used_by rate_per_minute dedupe_seconds strict allow_merge_tags test mapping")
	fields(t, w["quota"], "granted available reserved spent")
	path := "/workspaces/" + w["id"].(string)
	if rec.Header().Get("Location") != apiBase+path || w["name"] != "Acme" {
		t.Errorf("got %v, Location %s", w, rec.Header().Get("Location"))
	}
	url := w["webhook"].(map[string]any)["url"].(string)
	if !strings.HasPrefix(url, "https://relay.example/hook/rlv_") {
		t.Errorf("url %s", url)
	}
	if got := h.object(h.api("PATCH", path, `{"name":"Zeta"}`), 200); got["name"] != "Zeta" {
		t.Errorf("got %v", got)
	}
	if got := h.object(h.api("PATCH", path, `{}`), 200); got["name"] != "Zeta" {
		t.Errorf("an empty patch answers %v", got)
	}
	if all := h.object(h.api("GET", "/workspaces", ""), 200)["data"].([]any); len(all) != 2 {
		t.Errorf("got %v", all)
	}
	if rec := h.api("DELETE", path, ""); rec.Code != 204 || rec.Body.Len() != 0 {
		t.Fatal(rec.Code, rec.Body)
	}
	h.refused(h.api("GET", path, ""), 404, relay.CodeNotFound)
	h.refused(h.api("DELETE", path, ""), 404, relay.CodeNotFound)
	if all := h.object(h.api("GET", "/workspaces", ""), 200)["data"].([]any); len(all) != 1 {
		t.Errorf("got %v", all)
	}
}

func TestARotatedURLLivesOnForItsGrace(t *testing.T) {
	h := build(t, 5)
	old := h.token
	got := h.object(h.api("POST", "webhook/rotate", `{"grace_seconds":3600}`), 200)
	if got["previous_valid_until"] == nil || strings.HasSuffix(got["url"].(string), old) {
		t.Fatalf("got %v", got)
	}
	if rec := h.post(hello, "User-Agent", "old-tool"); rec.Code != 200 {
		t.Fatal(rec.Code, rec.Body)
	}
	shown := h.object(h.api("GET", "webhook", ""), 200)
	if shown["previous_last_used_by"] != "old-tool" || shown["previous_last_used_at"] == nil || shown["url"] != got["url"] {
		t.Errorf("got %v", shown)
	}
	h.token = path.Base(got["url"].(string))
	h.accepted(h.post(hello))
	if a := h.attempts(); a[0].PreviousURL || !a[1].PreviousURL {
		t.Errorf("which URL was used: %v, %v", a[0].PreviousURL, a[1].PreviousURL)
	}
	h.token = old
	got = h.object(h.api("POST", "webhook/rotate", ""), 200)
	if got["previous_valid_until"] != nil || got["previous_last_used_by"] != nil {
		t.Errorf("got %v", got)
	}
	if rec := h.post(hello); rec.Code != 404 {
		t.Errorf("the old URL answers %d", rec.Code)
	}
	for _, body := range []string{`{"grace_seconds":-1}`, `{"grace_seconds":86401}`, `{"grace_seconds":1.5}`, `{"grace_seconds":"1"}`, `[]`, `{"grace":1}`} {
		if rec := h.api("POST", "webhook/rotate", body); rec.Code != 400 {
			t.Errorf("%s: got %d %s", body, rec.Code, rec.Body)
		}
	}
}

func TestAWebhooksSwitchesChangeOneByOne(t *testing.T) {
	h := build(t, 5)
	h.object(h.api("PATCH", "webhook", `{"rate_per_minute":60}`), 200)
	got := h.object(h.api("PATCH", "webhook", `{"dedupe_seconds":30,"enabled":false}`), 200)
	if got["rate_per_minute"] != 60.0 || got["dedupe_seconds"] != 30.0 || got["enabled"] != false {
		t.Errorf("got %v", got)
	}
	h.refused(h.api("PATCH", "webhook", `{"rate_per_minute":-1}`), 400, relay.CodeInvalidField)
	h.refused(h.api("PATCH", "webhook", `{"dedupe_seconds":86401}`), 400, relay.CodeInvalidField)
}

func TestABodyIsReadStrictly(t *testing.T) {
	h := build(t, 5)
	for _, c := range []struct {
		body, says string
		status     int
		code       relay.Code
	}{
		{`{"name":"x","colour":1,"nmae":2}`, "There are no fields colour, nmae.", 400, relay.CodeInvalidField},
		{`{"name":"x","name":"y"}`, "name is given twice", 400, relay.CodeDuplicateField},
		{`{"Name":"x"}`, "Name", 400, relay.CodeInvalidField},
		{`{"name":1}`, "name must be a string", 400, relay.CodeInvalidField},
		{`{}`, "name is missing", 400, relay.CodeMissingField},
		{`{"name":null}`, "name is missing", 400, relay.CodeMissingField},
		{`{"name":"x"`, "not JSON: there is a fault at line 1, column 12.", 400, relay.CodeInvalidJSON},
		{"{\"name\":\"é\"}\n {}", "line 2, column 2.", 400, relay.CodeInvalidJSON},
		{"{\"name\":\"\xff\"}", "line 1, column 10.", 400, relay.CodeInvalidJSON},
		{`null`, "must be a JSON object", 400, relay.CodeInvalidJSON},
		{`["x"]`, "must be a JSON object", 400, relay.CodeInvalidJSON},
		{``, "empty", 400, relay.CodeInvalidJSON},
		{`{"name":"` + strings.Repeat("x", 201) + `"}`, "200", 400, relay.CodeInvalidField},
		{`{"name":"` + strings.Repeat("x", 70_000) + `"}`, "64 KiB", 413, relay.CodeBodyTooLarge},
	} {
		rec := h.api("POST", "/workspaces", c.body)
		o := h.refused(rec, c.status, c.code)
		if !strings.Contains(o["detail"].(string), c.says) || o["type"] != "about:blank" || o["title"] != http.StatusText(c.status) || o["status"] != float64(c.status) {
			t.Errorf("%.60s: got %s", c.body, rec.Body)
		}
	}
}

func TestGrantsAreMadeOnceAReference(t *testing.T) {
	h := build(t, 0)
	rec := h.api("POST", "quota/grants", `{"units":50,"reference":"inv-1"}`)
	first := h.object(rec, 201)
	fields(t, first, "id kind units ref message_id at available_after")
	if rec.Header().Get("Location") == "" || first["available_after"] != 50.0 || first["kind"] != "grant" || first["ref"] != "inv-1" {
		t.Errorf("got %v", first)
	}
	if diff := cmp.Diff(first, h.object(h.api("POST", "quota/grants", `{"units":50,"reference":"inv-1"}`), 201)); diff != "" {
		t.Error(diff)
	}
	h.refused(h.api("POST", "quota/grants", `{"units":51,"reference":"inv-1"}`), 409, relay.CodeConflict)
	for _, body := range []string{`{"units":0,"reference":"x"}`, `{"units":-1,"reference":"x"}`, `{"units":1000000000001,"reference":"x"}`, `{"units":1}`, `{"units":1,"reference":" "}`,
		`{"units":1,"reference":"plan:x"}`, `{"units":1e30,"reference":"x"}`, `{"units":99999999999999999999,"reference":"x"}`} {
		if rec := h.api("POST", "quota/grants", body); rec.Code != 400 {
			t.Errorf("%s: got %d %s", body, rec.Code, rec.Body)
		}
	}
	if got := h.object(h.api("GET", "quota", ""), 200); got["available"] != 50.0 || got["granted"] != 50.0 {
		t.Errorf("got %v", got)
	}
}

func TestAFieldThatIsGivenIsNotCalledMissing(t *testing.T) {
	h := build(t, 0)
	const number = " Write the number with its country code, 7 to 15 digits, such as +14151231234."
	for _, c := range []struct {
		method, path, body, says string
		code                     relay.Code
	}{
		{"POST", "quota/grants", `{"reference":"x"}`, "units is missing.", relay.CodeMissingField},
		{"POST", "quota/grants", `{"units":null,"reference":"x"}`, "units is missing.", relay.CodeMissingField},
		{"POST", "quota/grants", `{"units":0,"reference":"x"}`, "units is at least 1.", relay.CodeInvalidField},
		{"POST", "quota/grants", `{"units":-1,"reference":"x"}`, "units is at least 1.", relay.CodeInvalidField},
		{"PUT", "quota/plan", `{"schedule":"@daily"}`, "units is missing.", relay.CodeMissingField},
		{"PUT", "quota/plan", `{"units":0,"schedule":"@daily"}`, "units is at least 1.", relay.CodeInvalidField},
		{"POST", "channels", `{"kind":"sandbox"}`, "phone is missing." + number, relay.CodeMissingField},
		{"POST", "channels", `{"kind":"sandbox","phone":" "}`, "phone is missing." + number, relay.CodeMissingField},
		{"POST", "channels", `{"kind":"sandbox","phone":"12"}`, "phone is not a phone number." + number, relay.CodeInvalidPhone},
	} {
		if o := h.refused(h.api(c.method, c.path, c.body), 400, c.code); o["detail"] != c.says {
			t.Errorf("%s %s: got %q, want %q", c.path, c.body, o["detail"], c.says)
		}
	}
}

func TestHEADAnswersLikeGETWithoutABody(t *testing.T) {
	h := build(t, 1)
	h.post(hello)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	call := func(method, path, key string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+apiBase+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("X-Request-Id", "r")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	paths := map[string]string{"/workspaces/" + h.ws + "/attempts?format=csv": operatorKey, "/workspaces/ws_x": operatorKey, "/workspaces": "wrong"}
	const digits = 9 // of a moment in an answer; the two calls may differ by them
	gets := 0
	for _, rt := range new(server).routes() {
		if rt.method == "GET" {
			gets++
			paths[h.places(rt.path)] = operatorKey
		}
	}
	if gets < 15 {
		t.Fatalf("found %d GET routes", gets)
	}
	for path, key := range paths {
		get, body := call("GET", path, key)
		head, none := call("HEAD", path, key)
		if head.StatusCode != get.StatusCode || len(none) != 0 || math.Abs(float64(head.ContentLength-int64(len(body)))) > digits {
			t.Errorf("%s: GET %d with %d bytes, HEAD %d with %d bytes and Content-Length %d", path, get.StatusCode, len(body), head.StatusCode, len(none), head.ContentLength)
		}
		for _, name := range []string{"Date", "Content-Disposition", "Content-Length", "Transfer-Encoding"} {
			get.Header.Del(name)
			head.Header.Del(name)
		}
		if strings.HasSuffix(path, "/queue") { // what it tells depends on the moment
			get.Header.Del("ETag")
			head.Header.Del("ETag")
		}
		if diff := cmp.Diff(get.Header, head.Header); diff != "" {
			t.Errorf("%s: headers (-GET +HEAD):\n%s", path, diff)
		}
	}
}

func TestAllowNamesHEADWhereThereIsGET(t *testing.T) {
	h := build(t, 1)
	for path, want := range map[string]string{"quota/grants": "OPTIONS, POST", "quota": "OPTIONS, GET, HEAD"} {
		rec := h.api("PATCH", path, "{}")
		h.refused(rec, 405, relay.CodeMethodNotAllowed)
		if got := rec.Header().Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", path, got, want)
		}
	}
	if rec := h.api("HEAD", "quota/grants", ""); rec.Code != 405 || rec.Body.Len() != 0 {
		t.Errorf("HEAD where there is no GET: %d %s", rec.Code, rec.Body)
	}
}

func TestThePlanIsSetShownAndRemoved(t *testing.T) {
	h := build(t, 0)
	h.refused(h.api("GET", "quota/plan", ""), 404, relay.CodeNotFound)
	got := h.object(h.api("PUT", "quota/plan", `{"units":100,"schedule":"0 0 1 * *","roll_over":true}`), 200)
	fields(t, got, "units schedule roll_over next_refill_at")
	if next, err := time.Parse(time.RFC3339, got["next_refill_at"].(string)); err != nil || next.Day() != 1 || next.Before(time.Now()) {
		t.Errorf("got %v", got)
	}
	if diff := cmp.Diff(got, h.object(h.api("GET", "quota/plan", ""), 200)); diff != "" {
		t.Error(diff)
	}
	h.refused(h.api("PUT", "quota/plan", `{"units":100,"schedule":"often"}`), 400, relay.CodeInvalidField)
	h.refused(h.api("PUT", "quota/plan", `{"units":100,"schedule":"TZ=x"}`), 400, relay.CodeInvalidField)
	if rec := h.api("DELETE", "quota/plan", ""); rec.Code != 204 {
		t.Fatal(rec.Code)
	}
	h.refused(h.api("GET", "quota/plan", ""), 404, relay.CodeNotFound)
}

func TestAChannelLivesThroughTheAPI(t *testing.T) {
	h := build(t, 5)
	rec := h.api("POST", "channels", `{"kind":"sandbox","phone":"+1 (510) 555-0000","name":"Two","settings":{"a":"b"},"spacing_ms":{"min":0,"max":0},"concurrency":4}`)
	c := h.object(rec, 201)
	fields(t, c, "id kind name phone state reason paused spacing_ms concurrency max_file_bytes connected_at created_at at_least_once settings callbacks callbacks_since files_out files_in fallback_template templates_synced_at credentials_until notices")
	path := "channels/" + c["id"].(string)
	if c["phone"] != "+15105550000" || c["concurrency"] != 4.0 || c["state"] != "connected" || rec.Header().Get("Location") != apiBase+"/workspaces/"+h.ws+"/"+path {
		t.Errorf("got %v", c)
	}
	if got := h.object(h.api("POST", path+"/pause", ""), 200); got["paused"] != true {
		t.Errorf("got %v", got)
	}
	if got := h.object(h.api("POST", path+"/resume", ""), 200); got["paused"] != false {
		t.Errorf("got %v", got)
	}
	got := h.object(h.api("PATCH", path, `{"concurrency":1,"spacing_ms":{"max":3000},"max_file_bytes":1000,"at_least_once":true,"phone":"0015105550001"}`), 200)
	if diff := cmp.Diff(map[string]any{"min": 0.0, "max": 3000.0}, got["spacing_ms"]); diff != "" || got["phone"] != "+15105550001" || got["max_file_bytes"] != 1000.0 {
		t.Errorf("got %v", got)
	}
	if all := h.object(h.api("GET", "channels", ""), 200); len(all["data"].([]any)) != 2 || all["next_cursor"] != nil {
		t.Errorf("got %v", all)
	}
	for _, body := range []string{`{"kind":"pigeon","phone":"+15105550009"}`, `{"kind":"sandbox"}`, `{"kind":"sandbox","phone":"12"}`, `{"kind":"sandbox","phone":"+15105550009","settings":[]}`,
		`{"kind":"sandbox","phone":"+15105550009","spacing_ms":{"min":-1}}`, `{"kind":"sandbox","phone":"+15105550009","spacing_ms":{"min":1,"most":2}}`,
		`{"kind":"sandbox","phone":"+15105550009","spacing_ms":{"min":9223372036854775807}}`, `{"kind":"sandbox","phone":"+15105550009","concurrency":9}`, `{"phone":"+15105550009"}`} {
		if rec := h.api("POST", "channels", body); rec.Code != 400 {
			t.Errorf("%s: got %d %s", body, rec.Code, rec.Body)
		}
	}
	h.refused(h.api("POST", "channels", `{"kind":"sandbox","phone":"+15105550001"}`), 409, relay.CodeConflict)
	if rec := h.api("DELETE", path, ""); rec.Code != 204 {
		t.Fatal(rec.Code, rec.Body)
	}
	h.refused(h.api("GET", path, ""), 404, relay.CodeNotFound)
	h.refused(h.api("POST", path+"/pause", ""), 404, relay.CodeNotFound)
}

func TestEveryListOfAWorkspaceThatIsNotThereIs404(t *testing.T) {
	h := build(t, 1)
	for _, rt := range new(server).routes() {
		if rest, ok := strings.CutPrefix(h.places(rt.path), "/workspaces/"+h.ws); ok {
			body := `{"name":"x","kind":"sandbox","phone":"+15105556777","channel_id":"ch_x","units":1,"reference":"x","schedule":"@daily","from":"+15105556777"}`
			if rt.method == "GET" {
				body = ""
			}
			rec := h.api(rt.method, "/workspaces/ws_nowhere"+rest, body)
			if rec.Code != 404 && rec.Code != 400 {
				t.Errorf("%s %s: got %d %s", rt.method, rt.path, rec.Code, rec.Body)
			}
			if rt.method == "GET" && rec.Code != 404 {
				t.Errorf("%s %s: got %d %s", rt.method, rt.path, rec.Code, rec.Body)
			}
		}
	}
}

func TestChatsAreMadeByHand(t *testing.T) {
	h := build(t, 1)
	body := `{"channel_id":"` + h.channel + `","phone":"+1 415 123 1234","name":"Ann"}`
	rec := h.api("POST", "chats", body)
	chat := h.object(rec, 201)
	fields(t, chat, "id channel_id recipient name group created_at last_inbound_at last_outbound_at closed window_until window_seconds")
	if chat["recipient"] != "+14151231234" || chat["name"] != "Ann" || chat["group"] != false {
		t.Errorf("got %v", chat)
	}
	if diff := cmp.Diff(chat, h.object(h.call("GET", rec.Header().Get("Location"), nil, "Authorization", "Bearer "+operatorKey), 200)); diff != "" {
		t.Error(diff)
	}
	if same := h.object(h.api("POST", "chats", body), 200); same["id"] != chat["id"] {
		t.Errorf("got %v", same)
	}
	for _, bad := range []string{`{"channel_id":"` + h.channel + `"}`, `{"channel_id":"` + h.channel + `","phone":"+14151231234","jid":"14151231234@s.whatsapp.net"}`,
		`{"channel_id":"` + h.channel + `","jid":"x"}`, `{"phone":"+14151231234"}`} {
		if rec := h.api("POST", "chats", bad); rec.Code != 400 {
			t.Errorf("%s: got %d %s", bad, rec.Code, rec.Body)
		}
	}
	h.refused(h.api("POST", "chats", `{"channel_id":"ch_x","phone":"+14151231234"}`), 404, relay.CodeNotFound)
	h.refused(h.api("GET", "chats/99", ""), 404, relay.CodeNotFound)
}

func TestTheSandboxIsWatchedAndPlayedThroughTheAPI(t *testing.T) {
	h := build(t, 5)
	base := "channels/" + h.channel + "/sandbox/"
	sent := h.object(h.api("GET", base+"sent?limit=7", ""), 200)
	if lines := sent["data"].([]any); len(lines) != 1 || lines[0].(map[string]any)["text"] != h.channel+" 7" {
		t.Errorf("got %v", lines)
	}
	chat := h.object(h.api("POST", base+"inbound", `{"from":"+14151231234","name":"Ann","text":"hi"}`), 200)
	if chat["name"] != "Ann" || chat["last_inbound_at"] == nil {
		t.Errorf("got %v", chat)
	}
	same := h.object(h.api("POST", base+"inbound", `{"from":"14151231234@s.whatsapp.net","text":"hi"}`), 200)
	if same["id"] != chat["id"] {
		t.Errorf("a person by number and by id is two chats: %v", same)
	}
	group := h.object(h.api("POST", base+"groups", `{"name":"Team"}`), 201)
	if group["group"] != true || !strings.HasSuffix(group["recipient"].(string), "@g.us") {
		t.Errorf("got %v", group)
	}
	if rec := h.post(`{"action":"send","chat_name":"Team","text":"x"}`); rec.Code != 200 {
		t.Errorf("to the group: %d %s", rec.Code, rec.Body)
	}
	counts := h.object(h.api("GET", "counters", ""), 200)
	if diff := cmp.Diff([]any{map[string]any{"channel_id": h.channel, "sent": 0.0, "delivered": 0.0, "failed": 0.0, "received": 2.0}}, counts["data"]); diff != "" {
		t.Error(diff)
	}
	fields(t, counts, "data from to")
	h.refused(h.api("GET", "channels/ch_x/sandbox/sent", ""), 404, relay.CodeNotFound)
	h.refused(h.api("POST", base+"inbound", `{"from":"nobody","text":"hi"}`), 400, relay.CodeInvalidPhone)
}
