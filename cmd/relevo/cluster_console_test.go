package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"relevo/relay/store/pgstore/pgtest"
)

// aside is somebody's browser before a balancer: the cookies are of one host,
// whichever node answers.
type aside struct {
	t      *testing.T
	client *http.Client
	node   *process // that answers next
}

func newAside(t *testing.T) *aside {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &aside{t: t, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// ask posts a form, or gets a page where there is none, and returns what is
// shown in the end.
func (a *aside) ask(path string, form url.Values) (status int, body string) {
	a.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.node.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", a.node.url)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// Whoever signs up on one node is known on all, sees there what happens on the
// others, and is signed out everywhere at once.
func TestTheConsoleIsTheSameOnEveryNode(t *testing.T) {
	k := newCrew(t, pgtest.New(t, pgtest.Options{Durable: true}), 3)
	if k.node(0).setUp == "" || k.node(0).setUp != k.node(2).setUp {
		t.Fatalf("set-up links differ: %q, %q", k.node(0).setUp, k.node(2).setUp)
	}
	a := newAside(t)
	a.node = k.node(0)
	form := url.Values{"email": {"op@example.com"}, "name": {"Op"}, "password": {"correct horse battery"}}
	if status, body := a.ask(k.node(0).setUp, form); status != http.StatusOK || !strings.Contains(body, "Welcome, Op.") {
		t.Fatalf("sign up: %d %s", status, body)
	}
	a.node = k.node(1)
	if status, _ := a.ask(k.node(1).setUp, nil); status != http.StatusNotFound {
		t.Errorf("the set-up link works once more, on another node: %d", status)
	}
	_, body := a.ask("/", nil)
	_, ws, _ := strings.Cut(body, `href="/w/`)
	ws, _, _ = strings.Cut(ws, `"`)
	if len(ws) < 10 {
		t.Fatalf("another node does not know the session: %s", body)
	}
	live := k.follow(a, k.node(2), "/w/"+ws+"/attempts/live")
	if status, answer, err := post(k.node(0).url+k.token(), `{"action":"send","phone":"+14155550100","text":"from node to node"}`); err != nil || status != http.StatusOK {
		t.Fatalf("webhook: %d %s %v", status, answer, err)
	}
	select {
	case <-live:
	case <-time.After(20 * time.Second):
		t.Error("a node's live page does not show what another one accepted")
	}
	a.node = k.node(2)
	if status, body := a.ask("/w/"+ws+"/attempts?q=from+node+to+node", nil); status != http.StatusOK || !strings.Contains(body, "14155550100") {
		t.Errorf("attempts: %d %s", status, body)
	}
	a.ask("/sign-out", url.Values{})
	for i := range 3 {
		a.node = k.node(i)
		if _, body := a.ask("/me", nil); !strings.Contains(body, `name="password"`) || strings.Contains(body, "op@example.com") {
			t.Errorf("node %d has not heard of the end of the session", i)
		}
	}
}

// follow listens to a live page; the channel is closed once it tells of the
// recipient.
func (k *crew) follow(a *aside, node *process, path string) <-chan struct{} {
	k.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, node.url+path, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	resp, err := a.client.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		k.t.Fatal(fmt.Sprint("live: ", err, resp))
	}
	heard, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 4<<20)
		for told := false; lines.Scan(); {
			if !told && strings.Contains(lines.Text(), "14155550100") {
				told = true
				close(heard)
			}
		}
	}()
	k.t.Cleanup(func() { stop(); resp.Body.Close(); <-ended })
	return heard
}
