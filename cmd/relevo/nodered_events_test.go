package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// eventSecret signs the events that the tests make up.
const eventSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// eventPost is a post as Relevo makes it, of an event that never was.
type eventPost struct {
	id, body, signature string
	at                  time.Time
}

// signed signs an event with a secret.
func signed(t *testing.T, secret, id, body string, at time.Time) eventPost {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return eventPost{id, body, signature, at}
}

// post posts it and returns the status of the answer.
func (e eventPost) post(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, e.id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(e.at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, e.signature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Bodies as Relevo writes them; the spaces are what a receiver loses that
// parses the body before it verifies.
const (
	failedBody   = `{"type":"message.failed","timestamp":"2026-08-20T09:15:04Z",  "data":{"error":{"message":"This number is not on WhatsApp. <é>"}}}`
	receivedBody = `{"type":"message.received","timestamp":"2026-08-20T09:15:04Z","data":{"chat_id":"10001","text":"Hi"}}`
)

// badPosts are what a receiver must not take, by what is wrong with them.
func badPosts(t *testing.T, secret string) map[string]eventPost {
	t.Helper()
	now := time.Now()
	good := signed(t, secret, "evt_bad", failedBody, now)
	tampered, renamed, later, unsigned, short := good, good, good, good, good
	tampered.body = strings.Replace(good.body, "is not on", "is on", 1)
	renamed.id = "evt_other"
	later.at = now.Add(time.Second)
	unsigned.signature = ""
	short.signature = "v1,AAAA"
	other := signed(t, "whsec_"+strings.Repeat("A", 32), "evt_bad", failedBody, now)
	version := good
	version.signature = strings.Replace(good.signature, "v1,", "v2,", 1)
	return map[string]eventPost{
		"tampered": tampered, "another id": renamed, "another time": later, "unsigned": unsigned, "too short": short,
		"another secret": other, "another version": version,
		"old":             signed(t, secret, "evt_bad", failedBody, now.Add(-6*time.Minute)),
		"from the future": signed(t, secret, "evt_bad", failedBody, now.Add(6*time.Minute)),
	}
}

func TestARealNodeREDTakesOnlyWhatIsSignedAndOnce(t *testing.T) {
	n := startNodeRED(t, needsNodeRED(t), "events.json", "http://127.0.0.1:9/hook/none", "RELEVO_SECRET="+eventSecret)
	url := n.url + "/relevo/events"
	for what, bad := range badPosts(t, eventSecret) {
		if got := bad.post(t, url); got != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", what, got)
		}
	}
	good := signed(t, eventSecret, "evt_1", failedBody, time.Now())
	for range 3 {
		if got := good.post(t, url); got != http.StatusNoContent {
			t.Errorf("signed: %d, want 204", got)
		}
	}
	// While a secret is replaced the other one signs too, before ours or behind.
	other := signed(t, "whsec_"+strings.Repeat("B", 32), "evt_2", receivedBody, time.Now())
	both := signed(t, eventSecret, "evt_2", receivedBody, other.at)
	both.signature = other.signature + " " + both.signature
	if got := both.post(t, url); got != http.StatusNoContent {
		t.Errorf("signed twice: %d, want 204", got)
	}
	late := signed(t, eventSecret, "evt_3", failedBody, time.Now().Add(-4*time.Minute))
	if got := late.post(t, url); got != http.StatusNoContent {
		t.Errorf("four minutes old: %d, want 204", got)
	}
	eventually(t, 10*time.Second, "Node-RED has shown the last event", func() bool { return len(n.shown("Event")) >= 3 })
	if got := n.shown("Event"); len(got) != 3 {
		t.Errorf("%d events, want 3", len(got))
	}
	if got := n.shown("Failed"); len(got) != 2 || got[0] != "This number is not on WhatsApp. <é>" {
		t.Errorf("failed: %q", got)
	}
}

func TestANodeREDWithoutASecretTakesNothing(t *testing.T) {
	n := startNodeRED(t, needsNodeRED(t), "events.json", "http://127.0.0.1:9/hook/none", "RELEVO_SECRET=")
	empty := signed(t, "whsec_", "evt_1", failedBody, time.Now())
	if got := empty.post(t, n.url+"/relevo/events"); got != http.StatusInternalServerError {
		t.Errorf("%d, want 500: Relevo tries again", got)
	}
	if got := n.shown("Event"); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestARealNodeREDAnswersWhatSomebodyWroteThroughRelevo(t *testing.T) {
	program := needsNodeRED(t)
	p := start(t, t.TempDir(), quick...)
	ws := p.workspace(t)
	n := startNodeRED(t, program, "events.json", p.hook, "RELEVO_SECRET="+eventSecret)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/endpoints", map[string]any{
		"url": n.url + "/relevo/events", "types": []string{"message.received", "message.failed"}, "secret": eventSecret,
	})
	channel := p.api(t, http.MethodGet, "/workspaces/"+ws+"/channels", nil)["data"].([]any)[0].(map[string]any)["id"].(string)
	for _, text := range []string{"Hello", " Hours "} {
		p.api(t, http.MethodPost, "/workspaces/"+ws+"/channels/"+channel+"/sandbox/inbound", map[string]string{"from": "+14155550143", "name": "Ann", "text": text})
	}
	eventually(t, 30*time.Second, "Node-RED has answered", func() bool { return len(p.messages(t, ws)) > 0 })
	if m := p.messages(t, ws); len(m) != 1 || m[0]["to"] != "+14155550143" || m[0]["text"] != "We are open from 9 to 17." {
		t.Errorf("messages %v", m)
	}
	if _, _, err := post(p.hook, `{"action":"send","phone":"+14155559901","text":"x"}`); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "Node-RED shows what failed", func() bool { return len(n.shown("Failed")) == 1 })
	if got := n.shown("Event"); len(got) != 3 {
		t.Errorf("%d events, want 3", len(got))
	}
}
