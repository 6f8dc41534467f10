package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relevo/relay/store/pgstore/pgtest"
)

// publicURL is where the providers of these tests reach the server: an address
// from outside, as some of them refuse others. Their client knows better.
const publicURL = "https://relay.example.com"

// world is one server, one provider, and a channel between them.
type world struct {
	*acted
	t  *testing.T
	p  *process
	ws string
	ch string
	at callbacks
	// base is where the provider's API is; client leads to the server,
	// whatever the address says.
	base   string
	client *http.Client
	// denied makes every credential wrong.
	denied atomic.Bool
	// earlier is the log of a process that was killed.
	earlier string
	// sent are messages of the chapter of this name.
	sent []gone
	// provider is what answers: the fake, or something in front of it.
	provider atomic.Pointer[http.HandlerFunc]
	verify   []string // what `relevo verify` is told
	env      []string
	dir      string
}

// newWorld starts a provider and a server that knows it. Where database is
// not nil, the server keeps its data there.
func newWorld(t *testing.T, kind string, database *pgtest.Cluster, env ...string) *world {
	t.Helper()
	listen := freeAddress(t)
	w := &world{t: t, client: leadingTo(listen), dir: t.TempDir()}
	w.acted = act(t, kind, false, w.client)
	w.inFront(w.fake.ServeHTTP)
	s := httptest.NewServer(http.HandlerFunc(w.serveProvider))
	t.Cleanup(s.Close)
	w.base, w.verify = s.URL, []string{"verify", "--data", w.dir}
	variable, _, _ := strings.Cut(strings.ToUpper(kind), "_")
	w.env = append([]string{"RELEVO_PROVIDERS__" + variable + "=" + s.URL, "RELEVO_LISTEN=" + listen, "RELEVO_PUBLIC_URL=" + publicURL, "RELEVO_LOG__LEVEL=debug"}, quick...)
	w.env = append(w.env, env...)
	if database != nil {
		name, err := database.Create(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		w.env = append(w.env, "RELEVO_STORE__URL="+database.URL(name), "RELEVO_SECRET_KEY=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
		w.verify = []string{"verify", "--store", database.URL(name)}
	}
	w.p = start(t, w.dir, w.env...)
	w.p.hook = w.p.url + strings.TrimPrefix(w.p.hook, publicURL)
	w.ws = w.p.workspace(t)
	return w
}

// leadingTo is a client that reaches one address only, without TLS.
func leadingTo(address string) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial, DialTLSContext: dial, MaxIdleConnsPerHost: 32}}
}

func (w *world) serveProvider(rw http.ResponseWriter, r *http.Request) {
	if w.denied.Load() {
		r.Header.Set("Authorization", "Bearer nobody's")
	}
	(*w.provider.Load())(rw, r)
}

// inFront puts something in the place of the fake.
func (w *world) inFront(h http.HandlerFunc) { w.provider.Store(&h) }

// connect makes the channel and tells the provider where callbacks go.
func (w *world) connect(more map[string]any) {
	w.t.Helper()
	body := map[string]any{"kind": w.kind, "name": "Shop", "settings": w.settings}
	if w.phone != "" {
		body["phone"] = w.phone
	}
	for k, v := range more {
		body[k] = v
	}
	made := w.p.api(w.t, http.MethodPost, "/workspaces/"+w.ws+"/channels", body)
	w.ch = made["id"].(string)
	c := object(made)
	w.at = callbacks{c.text("callbacks.url"), c.text("callbacks.status_url"), c.text("callbacks.inbound_url"), c.text("callbacks.verify_token")}
	w.point(w.t, w.at)
}

func (w *world) channelPath() string { return "/workspaces/" + w.ws + "/channels/" + w.ch }

// deliver makes one callback and returns the status of its answer.
func (w *world) deliver(c call) int {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(c.body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// told makes the callbacks about reports, which have to be taken.
func (w *world) told(reports ...told) {
	w.t.Helper()
	for _, c := range w.tell(w.at, reports...) {
		if status := w.deliver(c); status != http.StatusOK {
			w.t.Errorf("a callback was answered %d: %s", status, c.body)
		}
	}
}

// send calls the webhook and returns the message's id.
func (w *world) send(fields string) string {
	w.t.Helper()
	status, answer, err := post(w.p.hook, `{"action":"send",`+fields+`}`)
	if err != nil || status != http.StatusOK {
		w.t.Fatalf("send: status %d, %v, %v", status, answer, err)
	}
	return messageID(answer)
}

// arrived waits until the provider has taken a message and the server knows.
func (w *world) arrived(id string) (g gone) {
	w.t.Helper()
	eventually(w.t, 15*time.Second, "the provider takes "+id, func() bool {
		for _, one := range w.taken() {
			if one.ref == id {
				g = one
				return w.message(id).text("status") != "sending"
			}
		}
		return false
	})
	return g
}

func (w *world) message(id string) object {
	w.t.Helper()
	return w.p.api(w.t, http.MethodGet, "/workspaces/"+w.ws+"/messages/"+id, nil)
}

// becomes waits for a message's status.
func (w *world) becomes(id, status string) object {
	w.t.Helper()
	var m object
	defer func() {
		if w.t.Failed() {
			w.t.Logf("the message is %v", m)
		}
	}()
	eventually(w.t, 10*time.Second, id+" is "+status, func() bool {
		m = w.message(id)
		return m.text("status") == status
	})
	return m
}

// spent is how many units are gone for good, reserved ones among them.
func (w *world) spent() string {
	w.t.Helper()
	q := object(w.p.api(w.t, http.MethodGet, "/workspaces/"+w.ws+"/quota", nil))
	return q.text("spent") + "+" + q.text("reserved")
}

// inbounds are what people wrote, newest first.
func (w *world) inbounds() []any {
	w.t.Helper()
	return w.p.api(w.t, http.MethodGet, "/workspaces/"+w.ws+"/inbound?channel="+w.ch, nil)["data"].([]any)
}

// ends stops the server, verifies its books, and looks through its log.
func (w *world) ends(secrets ...string) {
	w.t.Helper()
	if err := w.p.stop(w.t); err != nil {
		w.t.Errorf("the server ended with %v", err)
	}
	if out, err := relevo(w.t, w.verify...); err != nil {
		w.t.Errorf("verify: %v\n%s", err, out)
	}
	var settings map[string]string
	if err := json.Unmarshal(w.settings, &settings); err != nil {
		w.t.Fatal(err)
	}
	for name, v := range settings {
		if strings.Contains(name, "token") || strings.Contains(name, "secret") || strings.Contains(name, "key") && len(v) > 10 {
			secrets = append(secrets, strings.Split(v+"\n\n", "\n")[min(1, strings.Count(v, "\n"))])
		}
	}
	_, callbackKey, _ := strings.Cut(w.at.url, w.ch+"/")
	log := w.earlier + w.p.stderr.String()
	for _, s := range append(secrets, callbackKey, strings.TrimPrefix(w.p.hook, w.p.url+"/hook/")) {
		if at := strings.Index(log, s); s != "" && at >= 0 {
			w.t.Errorf("the log holds %q: …%.300s", s, log[max(0, at-200):])
		}
	}
}

// said are the lines of the server's log with a word.
func (w *world) said(word string) string {
	var b strings.Builder
	for line := range strings.Lines(w.p.stderr.String()) {
		if strings.Contains(line, word) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// fileServer serves what is sent: a picture and a document.
func fileServer(t *testing.T) (url string, picture, document []byte) {
	t.Helper()
	picture = append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"), bytes.Repeat([]byte("pixel"), 500)...)
	document = append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("page "), 500)...)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".png") {
			w.Header().Set("Content-Type", "image/png")
			w.Write(picture)
			return
		}
		w.Header().Set("Content-Type", "application/pdf")
		w.Write(document)
	}))
	t.Cleanup(s.Close)
	return s.URL, picture, document
}

// kinds of channels that are played, with the database for some.
func TestChannelsOfProvidersEndToEnd(t *testing.T) {
	for _, kind := range []string{"meta", "twilio", "vonage", "infobip_whatsapp", "infobip_viber"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			story(newWorld(t, kind, nil))
		})
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		c := pgtest.New(t, pgtest.Options{})
		for _, kind := range []string{"meta", "twilio"} {
			t.Run(kind, func(t *testing.T) { story(newWorld(t, kind, c)) })
		}
	})
}

// story is the life of one channel.
func story(w *world) {
	for _, chapter := range []struct {
		name string
		tell func(*world)
	}{
		{"connected", connected}, {"sends", sends}, {"reports", reports}, {"refunds", refunds}, {"people", people}, {"forgeries", forgeries},
		{"refusals", refusals}, {"denied", denied},
	} {
		if t := w.t; !t.Failed() {
			chapter.tell(w)
			if t.Failed() {
				t.Errorf("in the chapter %q", chapter.name)
			}
		}
	}
	if !w.t.Failed() {
		w.ends("4155550177", "a first text", "look at this", "written by hand", "hidden")
	}
}
