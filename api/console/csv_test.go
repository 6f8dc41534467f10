package console_test

import (
	"encoding/csv"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// Every table that can be downloaded is opened in a spreadsheet sooner or
// later. https://owasp.org/www-community/attacks/CSV_Injection
func TestNoCellOfADownloadIsAFormula(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	begins := []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}
	for i, c := range begins {
		bomb := c + `1+HYPERLINK("https://evil.example","x")`
		if _, err := h.relay.Grant(t.Context(), h.ws.ID, bomb, 1); err != nil && strings.TrimSpace(c) != "" {
			t.Fatal(err)
		}
		if _, _, err := h.relay.PutOptOut(t.Context(), relay.OptOut{Workspace: h.ws.ID, Recipient: "+1510555000" + string(rune('0'+i%10)), By: bomb, Reason: bomb}); err != nil {
			t.Fatal(err)
		}
		if err := h.relay.Note(t.Context(), relay.Note{Workspace: h.ws.ID, Action: "other", Subject: bomb, By: relay.Actor{Kind: "key", ID: bomb, Name: bomb}}); err != nil {
			t.Fatal(err)
		}
	}
	h.accept("+15105550099", "x")
	for _, file := range []string{"contacts/opt-outs.csv", "quota.csv", "audit.csv"} {
		s := b.get(h.path() + "/" + file).is(200)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.body, "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		bombs := 0
		for _, row := range rows {
			for _, cell := range row {
				if strings.Contains(cell, "HYPERLINK") {
					bombs++
				}
				if cell != "" && strings.Trim(cell[1:], "0123456789") == "" {
					continue // a number stays one
				}
				for _, c := range begins {
					if strings.HasPrefix(cell, c) {
						t.Errorf("%s: %q is taken for a formula", file, cell)
					}
				}
			}
		}
		if bombs < 8 {
			t.Errorf("%s: %d of what was looked for:\n%s", file, bombs, s.body)
		}
	}
}

// slow is a connection that notes until when it may be written to.
type slow struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error { s.until = append(s.until, t); return nil }

// A download may take long, but one that nobody reads ends.
func TestADownloadThatNobodyReadsEnds(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	at, err := url.Parse(h.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"/quota.csv", "/contacts/opt-outs.csv"} {
		req := httptest.NewRequest("GET", h.path()+file, nil)
		for _, c := range b.client.Jar.Cookies(at) {
			req.AddCookie(c)
		}
		w := &slow{ResponseRecorder: httptest.NewRecorder()}
		h.handler.ServeHTTP(w, req)
		if w.Code != 200 || len(w.until) == 0 || slices.ContainsFunc(w.until, time.Time.IsZero) {
			t.Errorf("%s: %d, may be written to until %v", file, w.Code, w.until)
		}
	}
}
