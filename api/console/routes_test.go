package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/api/console"
	"relevo/api/console/account"
	"relevo/relay"
)

// marked is in the name of everything that furnished makes: who may not look
// into the workspace must never read it.
const marked = "MARKED"

// furnished fills the workspace, and returns what stands in an address for each
// name of a pattern.
func (h *house) furnished() map[string][]string {
	h.t.Helper()
	ctx := h.t.Context()
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	message := h.accept("+15105550001", marked+" text")
	chat, err := h.relay.Inbound(ctx, h.ws.ID, h.channel.ID, relay.Inbound{ID: "in1", From: "+15105550002", Name: marked + " Ann", Text: marked + " hello", At: time.Now()})
	must(err)
	_, _, err = h.relay.PutOptOut(ctx, relay.OptOut{Workspace: h.ws.ID, Recipient: "+15105550002", Reason: marked})
	must(err)
	key, _, err := h.relay.CreateAPIKey(ctx, h.ws.ID, marked+" key")
	must(err)
	h.posts()
	endpoint, _, err := h.relay.CreateEndpoint(ctx, h.ws.ID, relay.NewEndpoint{URL: "https://receiver.invalid/", Description: marked})
	must(err)
	h.invite("viewer")
	invites, err := h.accounts.Invites(ctx, h.ws.ID)
	must(err)
	team, err := h.accounts.Team(ctx, h.ws.ID)
	must(err)
	ids := []string{key.ID, message, invites[0].ID}
	for _, u := range team {
		ids = append(ids, u.ID)
	}
	return map[string][]string{
		"ws": {h.ws.ID}, "ch": {h.channel.ID, "new"}, "chat": {chat.ID}, "who": {"15105550002"}, "ep": {endpoint.ID}, "id": ids, "n": {"0"},
		"name": {"hello"}, "language": {"en"}, "token": {"none"}, "format": {"csv", "jsonl"},
		"what": {"edit", "connect", "check", "pause", "resume", "delete", "credentials", "inbound", "group", "sandbox"},
	}
}

var inPattern = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// addresses are those of a pattern, with all values for its names.
func addresses(pattern string, values map[string][]string) []string {
	at := inPattern.FindStringSubmatchIndex(pattern)
	if at == nil {
		return []string{strings.TrimSuffix(pattern, "{$}")}
	}
	name := pattern[at[2]:at[3]]
	given := values[name]
	if given == nil {
		given = []string{"none"}
	}
	var all []string
	for _, v := range given {
		all = append(all, addresses(pattern[:at[0]]+url.PathEscape(v)+pattern[at[1]:], values)...)
	}
	return all
}

// ownersOnly are forms that take the owner's role, by what their pattern begins
// with.
var ownersOnly = []string{
	"/w/{ws}/settings", "/w/{ws}/team", "/w/{ws}/keys", "/w/{ws}/audit", "/w/{ws}/quota/", "/w/{ws}/contacts/opt-outs", "/w/{ws}/contacts/{who}/",
	"/w/{ws}/endpoints/{ep}/secret", "/w/{ws}/endpoints/{ep}/rotate", "/w/{ws}/endpoints/{ep}/delete", "/w/{ws}/endpoints/{ep}/switch",
	"/w/{ws}/webhook/rotate", "/w/{ws}/webhook/enabled", "/w/{ws}/webhook/settings", "/w/{ws}/webhook/mapping",
}

// looks are forms that change nothing: whoever may read may send them.
var looks = []string{"/w/{ws}/webhook/check", "/w/{ws}/attempts/{id}/check"}

// streams go on for as long as somebody listens; live_test.go has them.
var streams = []string{"/w/{ws}/attempts/live"}

// forms has something for each field of a form that there may be.
func forms() url.Values {
	return url.Values{
		"name": {"Sales"}, "email": {"x@example.com"}, "role": {"owner"}, "text": {"x"}, "phone": {"+15105550003"}, "enabled": {"false"}, "url": {"https://example.com/"},
		"types": {"message.sent"}, "form": {"standard"}, "numbers": {"+15105550009"}, "reason": {"x"}, "units": {"5"}, "reference": {"r"}, "plan_units": {"5"}, "preset": {"daily"},
		"confirm": {"Acme"}, "all": {"yes"}, "from": {"15105550002"}, "time_zone": {"UTC"}, "country": {"US"}, "operator": {"yes"}, "channel": {"none"},
	}
}

// state is all that could be changed from outside, of the workspace and of who
// may open it.
func (h *house) state() string {
	h.t.Helper()
	ctx := h.t.Context()
	var b bytes.Buffer
	show := func(v any, err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
		j, err := json.Marshal(v)
		if err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", j)
	}
	show(h.relay.Workspace(ctx, h.ws.ID))
	show(h.relay.Channels(ctx, h.ws.ID))
	show(h.relay.Account(ctx, h.ws.ID))
	show(h.relay.Store.APIKeys(ctx, h.ws.ID))
	show(h.relay.Endpoints(ctx, h.ws.ID))
	page := relay.Page{Limit: 200}
	chats, _, err := h.relay.Store.Chats(ctx, h.ws.ID, "", page)
	show(chats, err)
	messages, _, err := h.relay.Store.Messages(ctx, relay.MessageFilter{Workspace: h.ws.ID}, page)
	show(messages, err)
	out, _, err := h.relay.OptOuts(ctx, h.ws.ID, "", page)
	show(out, err)
	invites, err := h.accounts.Invites(ctx, h.ws.ID)
	show(invites, err)
	users, err := h.accounts.Users(ctx)
	for i := range users {
		users[i].Networks = nil
	}
	show(users, err)
	return b.String()
}

// once sends a request and does not go where it leads.
func (b *browser) once(method, path string, form url.Values) shown {
	b.t.Helper()
	still := *b
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	still.client = &client
	return still.do(method, path, form)
}

func (h *house) patterns() []string {
	return console.New(console.Config{Relay: h.relay, Accounts: h.accounts, Log: h.relay.Log}).Patterns()
}

// stranger owns another workspace, and has no business in the first one.
func (h *house) stranger() *browser {
	h.t.Helper()
	other, err := h.relay.CreateWorkspace(h.t.Context(), "Other")
	if err != nil {
		h.t.Fatal(err)
	}
	token, err := h.accounts.Invite(h.t.Context(), account.Invite{Workspace: other.ID, Role: "owner", By: "Op"})
	if err != nil {
		h.t.Fatal(err)
	}
	b := h.visitor()
	b.post("/join/"+token, url.Values{"email": {"stranger@example.com"}, "password": {password}}).is(200)
	return b
}

// The routes are found by themselves: a new one that forgets who may use it
// fails here.
func TestEveryRouteOfAWorkspaceAsksWhoCalls(t *testing.T) {
	h := newHouse(t)
	h.operator()
	viewer, member, owner := h.somebody(account.Viewer), h.somebody(account.Member), h.somebody(account.Owner)
	values := h.furnished()
	stranger, nobody := h.stranger(), h.visitor()
	before := h.state()
	got := map[int]int{}
	for _, pattern := range h.patterns() {
		if !strings.HasPrefix(pattern, "/w/{ws}") && !strings.HasPrefix(pattern, "/operator") {
			continue
		}
		for _, path := range addresses(pattern, values) {
			for _, method := range []string{"GET", "POST"} {
				form := forms()
				if method == "GET" {
					form = nil
				}
				check := func(who string, b *browser, want int) {
					t.Helper()
					s := b.once(method, path, form)
					if s.status != want && s.status != http.StatusNotFound { // 404: nothing answers that method there
						t.Errorf("%s: %s %s (%s): got %d, want %d", who, method, path, pattern, s.status, want)
					}
					got[s.status]++
					if strings.Contains(s.body, marked) {
						t.Errorf("%s: %s %s (%s) tells what is not theirs", who, method, path, pattern)
					}
				}
				check("nobody", nobody, 303)
				check("the owner of another workspace", stranger, 404)
				switch {
				case strings.HasPrefix(pattern, "/operator"):
					check("a viewer", viewer, 404)
				case method == "POST" && !slices.Contains(looks, pattern):
					check("a viewer", viewer, 403)
				}
				if method == "GET" && !slices.Contains(streams, pattern) { // reading changes nothing, whoever reads
					owner.once(method, path, nil)
				}
				if method == "POST" && slices.ContainsFunc(ownersOnly, func(p string) bool { return strings.HasPrefix(pattern, p) }) &&
					!strings.HasSuffix(pattern, "/test") && !strings.HasSuffix(pattern, "/replay") {
					check("a member", member, 403)
				}
			}
		}
	}
	if got[303] < 50 || got[403] < 50 || got[404] < 100 {
		t.Errorf("too few were refused: %v", got)
	}
	if after := h.state(); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}

// An id of another workspace is one that is not there.
func TestIdsOfAnotherWorkspaceLeadNowhere(t *testing.T) {
	h := newHouse(t)
	h.operator()
	values := h.furnished()
	stranger := h.stranger()
	list, _, err := h.relay.Store.Workspaces(t.Context(), relay.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(w relay.Workspace) bool { return w.Name == "Other" })
	values["ws"] = []string{list[i].ID}
	before := h.state()
	for _, pattern := range h.patterns() {
		if !strings.HasPrefix(pattern, "/w/{ws}/") || strings.Count(pattern, "{") < 2 {
			continue
		}
		for _, path := range addresses(pattern, values) {
			if strings.Contains(path+"/", "/new/") {
				continue // makes something of their own
			}
			for _, method := range []string{"GET", "POST"} {
				form := forms()
				if method == "GET" {
					form = nil
				}
				s := stranger.once(method, path, form)
				if s.status < 400 && !strings.Contains(pattern, "/replay") || s.status >= 500 || strings.Contains(s.body, marked) {
					t.Errorf("%s %s (%s): got %d, which tells or does something: %.200s", method, path, pattern, s.status, s.text())
				}
			}
		}
	}
	if after := h.state(); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}

// Whatever stands in an address or a form, an answer is a page of ours and
// never a fault of ours.
func TestNothingOddBreaksAPage(t *testing.T) {
	h := newHouse(t)
	op := h.operator()
	values := h.furnished()
	odd := []string{"\x00", "\xff\xfe", strings.Repeat("9", 400), "-1", "'\"><script>alert(1)</script>"}
	for name := range values {
		if name != "ws" && name != "what" {
			values[name] = append(odd, values[name][0])
		}
	}
	for _, pattern := range h.patterns() {
		if !strings.HasPrefix(pattern, "/w/{ws}") && pattern != "/operator/workspaces" && pattern != "/operator/audit" && pattern != "/operator/users/{id}/disable" {
			continue
		}
		for _, path := range addresses(pattern, values) {
			if strings.Contains(path, "/delete") || slices.Contains(streams, pattern) {
				continue
			}
			for i, v := range odd {
				if i > 0 && strings.Count(pattern, "{") > 1 { // one of them, as the path has them all
					break
				}
				q := url.Values{}
				for _, name := range []string{"cursor", "q", "before", "seen", "last", "kind", "state", "by", "action", "channel", "template", "status", "from", "to", "n", "limit", "as", "phone", "show", "language", "name"} {
					q.Set(name, v)
				}
				if s := op.once("GET", path+"?"+q.Encode(), nil); s.status >= 500 || s.doc != nil && strings.Contains(s.body, "<script>alert") {
					t.Errorf("GET %s with %.20q: got %d", path, v, s.status)
				}
				form := forms()
				for name := range form {
					form.Set(name, v)
				}
				form.Set("do", "look")
				if s := op.once("POST", path, form); s.status >= 500 || s.doc != nil && strings.Contains(s.body, "<script>alert") {
					t.Errorf("POST %s with %.20q: got %d", path, v, s.status)
				}
			}
		}
	}
}
