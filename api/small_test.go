package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func TestTheCallerIsTheLastAddressThatNobodyTrusts(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.1:99", []string{"6.6.6.6"}, "203.0.113.1"},
		{"10.0.0.1:99", nil, "10.0.0.1"},
		{"10.0.0.1:99", []string{"6.6.6.6, 203.0.113.1"}, "203.0.113.1"},
		{"10.0.0.1:99", []string{"203.0.113.1, 10.0.0.2"}, "203.0.113.1"},
		{"10.0.0.1:99", []string{"6.6.6.6", "203.0.113.1"}, "203.0.113.1"},
		{"10.0.0.1:99", []string{"203.0.113.1:443"}, "203.0.113.1"},
		{"10.0.0.1:99", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"10.0.0.1:99", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"[::ffff:10.0.0.1]:99", []string{"203.0.113.1"}, "203.0.113.1"},
		{"[fd00::1]:99", []string{"2001:db8::2"}, "2001:db8::2"},
		{"10.0.0.1:99", []string{"203.0.113.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:99", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"@", []string{"203.0.113.1"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
		if got := clientIP(r, trusted).String(); got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestOnlyWhoPrefersHTMLReadsIt(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/html": true, "text/html, application/json": false, "text/html;q=0.5, application/json": false,
		"text/html, */*;q=0.1": true, "text/*": true, "text/html;q=0": false, "TEXT/HTML": true, "text/html;q=x": false, "image/*": false, "*/*, text/html;q=0.2": false,
	} {
		if got := prefersHTML(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("%q: got %t", accept, got)
		}
	}
}

func TestARequestIDThatIsNotPlainIsReplaced(t *testing.T) {
	for id, kept := range map[string]bool{
		"a": true, "A.b_c-9": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "": false, "a b": false, "a\nb": false, "é": false, "a\"": false,
	} {
		got := chooseRequestID(http.Header{"X-Request-Id": {id}})
		if (got == id) != kept || got == "" {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestTheHeaderOfWarningsIsBounded(t *testing.T) {
	got := headerText([]string{strings.Repeat("é", 400), "b"})
	if len(got) > 1000 || !strings.HasSuffix(got, `\u00e9...`) {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-20:])
	}
	if got := headerText([]string{"a \\ \"q\"\r\n", "\U0001F600"}); got != `a \ "q"\r\n; \U0001f600` {
		t.Errorf("got %s", got)
	}
}

func TestPhonesAreBroughtIntoOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"+1 (415) 123-1234": "+14151231234", "0014151231234": "+14151231234", "14151231234": "+14151231234", "+4915112345678": "+4915112345678",
		"": "", "+": "", "123456": "", "+1234567": "+1234567", "+1234567890123456": "", "+0123456789": "", "++14151231234": "", "abc": "", "+1415x231234": "", "+00441234567": "",
		"+44 (0)20 7946 0958": "+442079460958", "0044(0)2079460958": "+442079460958", "+39 (0)6 12345678": "+390612345678", "(0)20 7946 0958": "", "44 (0)20 7946 0958": "",
	} {
		got, err := readPhone("phone", in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for in, want := range map[string]string{
		"＝1+1": "'＝1+1", "＠x": "'＠x", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx", "a=1": "a=1", "": "", "1": "1",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestALimitGivesBackOnePlaceAtATime(t *testing.T) {
	var l limits
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		if got := waitOf(&l, "w", 3, at); got != 0 {
			t.Fatalf("call %d waits %d s", i, got)
		}
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 20}, {500 * time.Millisecond, 20}, {time.Second, 19}, {20 * time.Second, 0}, {20 * time.Second, 20}, {21 * time.Second, 19}, {40 * time.Second, 0}} {
		if got := waitOf(&l, "w", 3, at.Add(c.after)); got != c.want {
			t.Errorf("after %s: wait %d s, want %d", c.after, got, c.want)
		}
	}
	if got := waitOf(&l, "other", 3, at); got != 0 {
		t.Errorf("another webhook waits %d s", got)
	}
	if got := waitOf(&l, "w", 0, at.Add(40*time.Second)); got != 0 || len(l.of) != 1 {
		t.Errorf("without a limit it waits %d s, %d kept", got, len(l.of))
	}
}

func TestALineThatStandsForManyHasNoBalanceAfterIt(t *testing.T) {
	line := relay.LedgerLine{Entry: quota.Entry{Kind: quota.KindDebit, Ref: "r", Units: 2, At: time.UnixMicro(7), AvailableAfter: 5}, MessageID: "m"}
	if got := viewEntry(line); got.AvailableAfter == nil || *got.AvailableAfter != 5 || got.ID != "ent_7_debit" || *got.MessageID != "m" {
		t.Errorf("got %+v", got)
	}
	line.Folded, line.MessageID = 9, ""
	if got := viewEntry(line); got.AvailableAfter != nil || got.MessageID != nil {
		t.Errorf("folded: got %+v", got)
	}
}

func TestAPreviousURLWhoseGraceIsOverIsNotShown(t *testing.T) {
	h := build(t, 0)
	s := &server{relay: h.relay}
	w, err := h.relay.RotateWebhook(t.Context(), h.ws, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.viewWebhook(w); err != nil || v.PreviousValidUntil == nil {
		t.Errorf("within the grace: %+v, %v", v, err)
	}
	w.Webhook.PreviousUntil = time.Now().Add(-time.Second)
	if v, err := s.viewWebhook(w); err != nil || v.PreviousValidUntil != nil {
		t.Errorf("after it: %+v, %v", v, err)
	}
}

// waitOf is how long a call has to wait.
func waitOf(l *limits, workspace string, perMinute int, now time.Time) int {
	wait, _, _ := l.take(workspace, perMinute, now)
	return wait
}

func TestWhatWasWrittenInAGroupNamesItsAuthor(t *testing.T) {
	h := build(t, 5)
	for _, in := range []relay.Inbound{
		{ID: "1", From: "+14151231234", Author: "+14151231234", AuthorName: "Ann", Text: "to you", Kind: "text"},
		{ID: "2", From: "123456-789@g.us", Group: true, Author: "+14151231234", AuthorName: "Ann", Text: "to all", Kind: "text"},
	} {
		if _, err := h.relay.Inbound(t.Context(), h.ws, h.channel, in); err != nil {
			t.Fatal(err)
		}
	}
	list := h.object(h.api("GET", "inbound", ""), 200)["data"].([]any)
	for i, want := range []map[string]any{
		{"sender": "123456-789@g.us", "author": "+14151231234", "author_name": "Ann", "text": "to all"},
		{"sender": "+14151231234", "author": nil, "author_name": nil, "text": "to you"},
	} {
		for k, v := range want {
			if got, there := list[i].(map[string]any)[k]; !there || got != v {
				t.Errorf("message %d: %s is %v, want %v", i, k, got, v)
			}
		}
	}
}
