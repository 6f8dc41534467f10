package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

var ana = metatest.Person{Number: "5511900000001", UserID: "BR.134912", Name: "Ana"}

func TestTheSignatureOfTheFactsHolds(t *testing.T) {
	const secret, body, mark = "app-secret-123", `{"object":"whatsapp_business_account","entry":[]}`, "20e391a99a86fc5adf7e3a453236d20c906360291977896cf2f671e03bb95703"
	c := relay.Callback{Body: []byte(body), Header: http.Header{"X-Hub-Signature-256": {"sha256=" + mark}}}
	if !signed(c, secret) {
		t.Error("the vector is not taken")
	}
	for _, h := range []string{"", mark, "sha256=", "sha256=" + mark[:62], "sha1=" + mark, "sha256=" + strings.Repeat("0", 64), "sha256=zz" + mark[2:]} {
		c.Header = http.Header{"X-Hub-Signature-256": {h}}
		if signed(c, secret) {
			t.Errorf("%q is taken", h)
		}
	}
	c.Header = http.Header{"X-Hub-Signature-256": {"sha256=" + mark}}
	if signed(c, "") {
		t.Error("an empty secret signs")
	}
}

func TestOnlySignedCallsForThisChannelCount(t *testing.T) {
	w := open(t)
	good := w.callback(w.fake.Inbound(ana, "text", text1("oi"), nil))
	other := metatest.New(metatest.Options{PhoneNumberID: "999999999"})
	otherAccount := metatest.New(metatest.Options{WABAID: "888888888"})
	for name, change := range map[string]func(c *relay.Callback){
		"no signature": func(c *relay.Callback) { c.Header = http.Header{} },
		"another secret": func(c *relay.Callback) {
			c.Header = http.Header{"X-Hub-Signature-256": {metatest.New(metatest.Options{AppSecret: "another-secret"}).Sign(c.Body)}}
		},
		"changed body":   func(c *relay.Callback) { c.Body = bytes.Replace(c.Body, []byte("oi"), []byte("ol"), 1) },
		"another number": func(c *relay.Callback) { *c = w.callbackOf(other.Body(other.Inbound(ana, "text", text1("oi"), nil))) },
		"another account": func(c *relay.Callback) {
			*c = w.callbackOf(otherAccount.Body(otherAccount.Inbound(ana, "text", text1("oi"), nil)))
		},
		"another account's template": func(c *relay.Callback) {
			*c = w.callbackOf(otherAccount.Body(otherAccount.TemplateStatus("a", "en", "APPROVED", "")))
		},
		"another method": func(c *relay.Callback) { c.Method = http.MethodPut },
	} {
		c := good
		change(&c)
		if got, err := w.Receive(w.ch, c); !errors.Is(err, relay.ErrForged) || len(got.Inbound) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := w.Receive(w.ch, good); err != nil || len(got.Inbound) != 1 {
		t.Errorf("the good one: %+v, %v", got, err)
	}
	if _, err := w.Receive(w.ch, w.callbackOf([]byte(`{"object":`))); err == nil || errors.Is(err, relay.ErrForged) {
		t.Errorf("signed rubbish: %v", err)
	}
}

func TestChangesOfOtherNumbersAreLeftOutOfABatch(t *testing.T) {
	w := open(t)
	other := metatest.New(metatest.Options{PhoneNumberID: "999999999"})
	got := w.receives(t, other.Inbound(ana, "text", text1("not ours"), nil), w.fake.Inbound(ana, "text", text1("ours"), nil))
	if len(got.Inbound) != 1 || got.Inbound[0].Text != "ours" {
		t.Errorf("%+v", got.Inbound)
	}
}

func TestTheHandshakeIsAnsweredToTheRightTokenAlone(t *testing.T) {
	w := open(t)
	ask := func(query string) (relay.Received, error) {
		return w.Receive(w.ch, relay.Callback{Method: http.MethodGet, URL: callbackURL + "?" + query, VerifyToken: verifyToken, At: w.at})
	}
	got, err := ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + verifyToken)
	if err != nil || string(got.Reply) != "1158201444" || !strings.HasPrefix(got.Type, "text/plain") {
		t.Errorf("%+v, %v", got, err)
	}
	for _, q := range []string{"", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", "hub.mode=subscribe&hub.challenge=1", "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=" + verifyToken,
		"hub.mode=subscribe&hub.verify_token=" + verifyToken} {
		if _, err := ask(q); !errors.Is(err, relay.ErrForged) {
			t.Errorf("%q: %v", q, err)
		}
	}
	if _, err := w.Receive(w.ch, relay.Callback{Method: http.MethodGet, URL: callbackURL + "?hub.mode=subscribe&hub.challenge=1&hub.verify_token="}); !errors.Is(err, relay.ErrForged) {
		t.Errorf("a channel without a token: %v", err)
	}
}

func TestStatusesBecomeReports(t *testing.T) {
	w := open(t)
	w.send(t, w.to("+5511900000001", "lorem"))
	c := w.fake.Taken()[0]
	for status, want := range map[string]relay.Status{"sent": relay.Sent, "delivered": relay.Delivered, "read": relay.Read, "played": relay.Read} {
		got := w.receives(t, w.fake.Status(c, status))
		if len(got.Reports) != 1 || got.Reports[0].Status != want || got.Reports[0].MessageID != "wa_backend:3EB0000000000000000001" || got.Reports[0].ProviderID != c.ID ||
			got.Reports[0].At.Location() != time.UTC || got.Reports[0].Failure != nil {
			t.Errorf("%s: %+v", status, got.Reports)
		}
	}
	for _, status := range []string{"deleted", "warning", ""} {
		if got := w.receives(t, w.fake.Status(c, status)); len(got.Reports) != 0 {
			t.Errorf("%q: %+v", status, got.Reports)
		}
	}
	c.Reference = "somebody else's"
	got := w.receives(t, w.fake.Status(c, "delivered"), w.fake.Status(c, "sent"), w.fake.Status(c, "delivered"), w.fake.Status(c, "failed"))
	if len(got.Reports) != 4 || got.Reports[0].MessageID != "" || got.Reports[0].ProviderID != c.ID || got.Reports[3].Failure == nil {
		t.Errorf("a batch: %+v", got.Reports)
	}
}

func TestTimesAreReadWithCare(t *testing.T) {
	call := time.Date(2026, 9, 11, 12, 0, 0, 0, time.UTC)
	for in, want := range map[word]time.Time{
		"1789128000": time.Unix(1789128000, 0), "1789128000123": time.UnixMilli(1789128000123), "": call, "soon": call, "-5": call, "0": call, "17": call, "99999999999999999": call,
		word(strconv.FormatInt(call.Add(48*time.Hour).Unix(), 10)): call,
	} {
		if got := moment(in, call); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestFaultsOfTheAccountHoldTheChannel(t *testing.T) {
	w := open(t)
	update := func(value string) metatest.Change {
		var v map[string]any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		return metatest.Change{Field: "account_update", Value: v}
	}
	for name, c := range map[string]struct {
		change metatest.Change
		holds  bool
	}{
		"locked":      {w.fake.AccountError(131031), true},
		"throughput":  {w.fake.AccountError(130429), false},
		"disabled":    {update(`{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"DISABLE"}}`), true},
		"reinstated":  {update(`{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"REINSTATE"}}`), false},
		"deleted":     {update(`{"event":"ACCOUNT_DELETED"}`), true},
		"half closed": {update(`{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING"}]}`), false},
		"closed": {update(`{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING"},
			{"restriction_type":"RESTRICTED_CUSTOMER_INITIATED_MESSAGING"}]}`), true},
		"other":   {update(`{"event":"PARTNER_ADDED"}`), false},
		"unknown": {metatest.Change{Field: "account_alerts", Value: map[string]any{"x": 1}}, false},
	} {
		if got := w.receives(t, c.change); (got.Fault != "") != c.holds {
			t.Errorf("%s: fault %q", name, got.Fault)
		}
	}
	w.send(t, w.to("+5511900000001", "lorem"))
	old := w.fake.Status(w.fake.Taken()[0], "failed", 131031)
	w.at = w.at.Add(time.Hour)
	if got := w.receives(t, old); got.Fault != "" || len(got.Reports) != 1 {
		t.Errorf("a fault of an hour ago: %+v", got)
	}
}

func TestTemplatePushesAreRead(t *testing.T) {
	w := open(t)
	w.fake.AddTemplate(`{"id":"1689556908129835","name":"abandoned_cart","language":"pt_BR","status":"PENDING","category":"MARKETING","components":[]}`)
	want := relay.TemplateChange{ID: "1689556908129835", Name: "abandoned_cart", Language: "pt_BR", Category: relay.Marketing}
	for event, c := range map[string]struct {
		reason string
		status relay.TemplateStatus
		why    string
	}{
		"APPROVED": {"NONE", relay.TemplateApproved, ""}, "REJECTED": {"INVALID_FORMAT", relay.TemplateRejected, "INVALID_FORMAT"}, "PAUSED": {"", relay.TemplatePaused, ""},
		"DISABLED": {"", relay.TemplateDisabled, ""}, "DELETED": {"", relay.TemplateDeleted, ""}, "PENDING": {"", relay.TemplatePending, ""}, "REINSTATED": {"", relay.TemplateApproved, ""},
		"FLAGGED": {"", "", "FLAGGED"}, "LOCKED": {"", "", ""}, "IN_APPEAL": {"", "in_appeal", ""}, "ARCHIVED": {"", "archived", ""}, "LIMIT_EXCEEDED": {"", "limit_exceeded", ""},
	} {
		want.Status, want.Reason = c.status, c.why
		got := w.receives(t, w.fake.TemplateStatus("abandoned_cart", "pt_BR", event, c.reason))
		if diff := cmp.Diff([]relay.TemplateChange{want}, got.Templates); diff != "" {
			t.Errorf("%s: %s", event, diff)
		}
	}
	moved := metatest.Change{Field: "template_category_update", Value: map[string]any{"message_template_id": 1689556908129835, "message_template_name": "abandoned_cart",
		"message_template_language": "pt-BR", "previous_category": "MARKETING", "new_category": "UTILITY"}}
	want.Status, want.Reason, want.Category = "", "", relay.Utility
	if diff := cmp.Diff([]relay.TemplateChange{want}, w.receives(t, moved).Templates); diff != "" {
		t.Error(diff)
	}
	w.ch.Settings = []byte(`{"access_token":"EAAGsampleToken0123456789","phone_number_id":"106540352242922","app_secret":"app-secret-123"}`)
	if got := w.receives(t, moved); len(got.Templates) != 0 {
		t.Errorf("without an account's ID: %+v", got.Templates)
	}
}

func FuzzReceive(f *testing.F) {
	fake := metatest.New(metatest.Options{})
	d, at := New(Options{}), time.Date(2026, 9, 11, 12, 0, 0, 0, time.UTC)
	ch := relay.Channel{ID: "ch_1", Settings: fake.Settings()}
	f.Add(fake.Body(fake.Inbound(ana, "text", text1("oi"), nil), fake.TemplateStatus("a", "en", "APPROVED", "")))
	f.Add(fake.Body(fake.Inbound(ana, "location", map[string]any{"latitude": 1, "longitude": 2}, nil)))
	f.Add(fake.Body(fake.Status(metatest.Call{ID: "wamid.1", To: "1"}, "failed", 131047), fake.AccountError(131031)))
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"id":1,"changes":[{"field":"messages","value":null}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := relay.Callback{Method: http.MethodPost, URL: callbackURL, Body: body, At: at, Header: http.Header{"X-Hub-Signature-256": {fake.Sign(body)}}}
		got, err := d.Receive(ch, c)
		if err != nil {
			return
		}
		for _, in := range got.Inbound {
			if in.From == "" && in.User == "" || in.At.IsZero() || in.Kind == "" {
				t.Errorf("a message of nobody: %+v", in)
			}
		}
		for _, r := range got.Reports {
			if r.ProviderID == "" && r.MessageID == "" || !r.Status.Valid() || (r.Status == relay.Failed) != (r.Failure != nil) {
				t.Errorf("a report of nothing: %+v", r)
			}
		}
	})
}
