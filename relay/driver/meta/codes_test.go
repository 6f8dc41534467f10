package meta

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

// documented is what each code of the facts means: the test's own copy, so
// that a row that changes is noticed.
var documented = []struct {
	code, status int
	want         string
	after        time.Duration
	outage       bool
}{
	{0, 401, "channel_fault provider_failed", 0, false}, {1, 400, "unsure provider_failed", 0, true}, {2, 503, "deferred provider_failed", 0, true},
	{3, 500, "channel_fault provider_failed", 0, false}, {4, 429, "deferred rate_limited", time.Minute, false}, {10, 403, "channel_fault provider_failed", 0, false},
	{17, 429, "deferred rate_limited", time.Minute, false}, {104, 401, "channel_fault provider_failed", 0, false}, {803, 404, "channel_fault provider_failed", 0, false},
	{33, 400, "channel_fault provider_failed", 0, false}, {100, 400, "refused refused", 0, false}, {190, 401, "channel_fault provider_failed", 0, false},
	{200, 403, "channel_fault provider_failed", 0, false}, {250, 403, "channel_fault provider_failed", 0, false}, {299, 403, "channel_fault provider_failed", 0, false},
	{368, 403, "channel_fault provider_failed", 0, false}, {80007, 429, "deferred rate_limited", time.Minute, false}, {130403, 400, "refused refused", 0, false},
	{130429, 429, "deferred rate_limited", 5 * time.Second, false}, {130472, 400, "refused refused", 0, false}, {130497, 400, "refused refused", 0, false},
	{130501, 400, "refused refused", 0, false}, {131000, 500, "deferred provider_failed", 0, true}, {131005, 403, "channel_fault provider_failed", 0, false},
	{131008, 400, "refused refused", 0, false}, {131009, 400, "refused refused", 0, false}, {131016, 500, "deferred provider_failed", 0, true},
	{131021, 400, "refused refused", 0, false}, {131026, 400, "refused not_on_whatsapp", 0, false}, {131030, 400, "refused refused", 0, false},
	{131031, 403, "channel_fault provider_failed", 0, false}, {131037, 400, "channel_fault provider_failed", 0, false}, {131042, 400, "channel_fault provider_failed", 0, false},
	{131045, 500, "channel_fault provider_failed", 0, false}, {131047, 400, "refused window_closed", 0, false}, {131048, 429, "channel_fault provider_failed", 0, false},
	{131049, 400, "refused refused", 0, false}, {131050, 400, "refused opted_out", 0, false}, {131051, 400, "refused refused", 0, false},
	{131052, 400, "refused file_unreachable", 0, false}, {131053, 400, "refused file_type_mismatch", 0, false}, {131056, 429, "deferred rate_limited", 6 * time.Second, false},
	{131057, 500, "deferred provider_failed", time.Minute, true}, {131062, 400, "refused refused", 0, false}, {131063, 400, "refused refused", 0, false},
	{131064, 400, "refused refused", 0, false}, {132000, 400, "refused template_variables", 0, false}, {132001, 404, "refused template_unknown", 0, false},
	{132005, 400, "refused text_too_long", 0, false}, {132007, 400, "refused refused", 0, false}, {132012, 400, "refused template_variables", 0, false},
	{132015, 400, "refused refused", 0, false}, {132016, 400, "refused refused", 0, false}, {132018, 400, "refused template_variables", 0, false},
	{132068, 400, "refused refused", 0, false}, {132069, 400, "deferred rate_limited", time.Minute, false}, {133000, 500, "channel_fault provider_failed", 0, false},
	{133004, 503, "deferred provider_failed", 0, true}, {133005, 400, "channel_fault provider_failed", 0, false}, {133006, 400, "channel_fault provider_failed", 0, false},
	{133008, 400, "channel_fault provider_failed", 0, false}, {133009, 400, "channel_fault provider_failed", 0, false}, {133010, 400, "channel_fault provider_failed", 0, false},
	{133015, 400, "channel_fault provider_failed", 0, false}, {133016, 400, "channel_fault provider_failed", 0, false}, {134011, 500, "channel_fault provider_failed", 0, false},
	{135000, 400, "refused refused", 0, false}, {137000, 400, "refused refused", 0, false}, {2388019, 400, "refused refused", 0, false},
	{2388039, 400, "refused refused", 0, false}, {2388040, 400, "refused refused", 0, false}, {2388047, 400, "refused refused", 0, false},
	{2388072, 400, "refused refused", 0, false}, {2388073, 400, "refused refused", 0, false}, {2388293, 400, "refused refused", 0, false},
	{2388299, 400, "refused refused", 0, false}, {2388100, 400, "refused refused", 0, false},
}

func TestEveryDocumentedCodeHasItsVerdict(t *testing.T) {
	w := open(t)
	tried := map[int]bool{}
	for i, c := range documented {
		a := metatest.Answer{Code: c.code, Status: c.status}
		if c.code == 0 {
			a.Code = -1
		}
		w.fake.Next("messages", a)
		e := w.fails(t, w.to("+5511900000001", "lorem"))
		if got := said(e); got != c.want || e.After != c.after || e.Outage != c.outage || len(e.Reason) < 30 {
			t.Errorf("code %d: %s after %s, outage %v, %q; want %s after %s, outage %v", c.code, got, e.After, e.Outage, e.Reason, c.want, c.after, c.outage)
		}
		if n := len(w.fake.Calls()); n != i+1 {
			t.Fatalf("code %d: %d calls after %d messages", c.code, n, i+1)
		}
		for j, r := range rows {
			if r.has(c.code) {
				tried[j] = true
				break
			}
		}
	}
	for j, r := range rows {
		if !tried[j] {
			t.Errorf("the row of code %d is never the one that counts", r.from)
		}
	}
}

func TestACodeInAStatusFailsTheMessageInTheSameWords(t *testing.T) {
	w := open(t)
	w.send(t, w.to("+5511900000001", "lorem"))
	call := w.fake.Taken()[0]
	for _, c := range documented {
		got := w.receives(t, w.fake.Status(call, "failed", c.code))
		r, _ := rowOf(fault{Code: c.code})
		if len(got.Reports) != 1 || got.Reports[0].Failure == nil || *got.Reports[0].Failure != (relay.Failure{Code: r.code, Message: r.reason}) {
			t.Errorf("code %d: %+v", c.code, got.Reports)
		}
		if holds := r.verdict == relay.ChannelFault && c.code != 0; holds != (got.Fault != "") {
			t.Errorf("code %d: fault %q", c.code, got.Fault)
		}
	}
	got := w.receives(t, w.fake.Status(call, "failed", 424242))
	if f := got.Reports[0].Failure; f == nil || f.Code != relay.CodeProviderFailed || got.Fault != "" {
		t.Errorf("an unknown code: %+v", got)
	}
}

func TestAnAnswerWithoutARowIsJudgedByItsStatus(t *testing.T) {
	w := open(t)
	for _, c := range []struct {
		a    metatest.Answer
		want string
	}{
		{metatest.Answer{Code: 424242, Status: 400}, "refused refused"},
		{metatest.Answer{Code: 424242, Status: 500}, "unsure "},
		{metatest.Answer{Code: 424242, Status: 429}, "deferred provider_failed"},
		{metatest.Answer{Code: 424242, Status: 403}, "channel_fault provider_failed"},
		{metatest.Answer{Status: 400, Body: "<html>"}, "unsure "},
		{metatest.Answer{Status: 400, Body: `{"error":{"message":"no code"}}`}, "refused refused"},
		{metatest.Answer{Status: 502, Body: "bad gateway"}, "unsure "},
		{metatest.Answer{Status: 200, Body: "{"}, "unsure provider_failed"},
		{metatest.Answer{Status: 200, Body: `{"messages":[]}`}, "unsure provider_failed"},
		{metatest.Answer{Status: 302, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, "unsure "},
		{metatest.Answer{Cut: true}, "unsure "},
	} {
		w.fake.Next("messages", c.a)
		if e := w.fails(t, w.to("+5511900000001", "lorem")); said(e) != c.want || e.Reason == "" {
			t.Errorf("%+v: %s (%s), want %s", c.a, said(e), e.Reason, c.want)
		}
	}
}

func TestWaitsGrowWithAPairAndFollowRetryAfter(t *testing.T) {
	w := open(t)
	for try, want := range map[int]time.Duration{0: 6 * time.Second, 1: 6 * time.Second, 2: 24 * time.Second, 3: 96 * time.Second, 30: 10 * time.Minute} {
		w.fake.Next("messages", metatest.Answer{Code: 131056, Status: 429})
		out := w.to("+5511900000001", "lorem")
		out.Try = try
		if e := w.fails(t, out); e.After != want {
			t.Errorf("try %d: after %s, want %s", try, e.After, want)
		}
	}
	w.fake.Next("messages", metatest.Answer{Code: 130429, Status: 429, Header: http.Header{"Retry-After": {"40"}}})
	if e := w.fails(t, w.to("+5511900000001", "lorem")); e.After != 40*time.Second {
		t.Errorf("after %s", e.After)
	}
}

func TestAWrongPhoneNumberIDIsAFaultOfTheChannel(t *testing.T) {
	w := open(t)
	w.ch.Settings = []byte(`{"access_token":"EAAGsampleToken0123456789","phone_number_id":"999999999","app_secret":"app-secret-123"}`)
	if e := w.fails(t, w.to("+5511900000001", "lorem")); e.Verdict != relay.ChannelFault {
		t.Errorf("%s (%s)", said(e), e.Reason)
	}
	w.ch.Settings = nil
	if e := w.fails(t, w.to("+5511900000001", "lorem")); e.Verdict != relay.ChannelFault {
		t.Errorf("no settings: %s (%s)", said(e), e.Reason)
	}
}

func TestAnErrorOfAnUploadIsNeverUnsure(t *testing.T) {
	w := open(t)
	for _, c := range []struct {
		a    metatest.Answer
		want relay.Verdict
	}{
		{metatest.Answer{Cut: true}, relay.Deferred}, {metatest.Answer{Status: 500, Body: "x"}, relay.Deferred}, {metatest.Answer{Code: 131000, Status: 500}, relay.Deferred},
		{metatest.Answer{Status: 200, Body: "{}"}, relay.Deferred}, {metatest.Answer{Code: 190, Status: 401}, relay.ChannelFault}, {metatest.Answer{Code: 100}, relay.Refused},
	} {
		w.fake.Next("media", c.a)
		out := w.to("+5511900000001", "")
		out.File = attachment("a.png", relay.Image, "image/png", []byte("png"))
		if e := w.fails(t, out); e.Verdict != c.want || e.Reason == "" || e.Code == "" {
			t.Errorf("%+v: %s (%s)", c.a, said(e), e.Reason)
		}
	}
	if n := len(w.fake.Calls()); n != 0 {
		t.Errorf("%d messages went out", n)
	}
}

func TestErrorsShowNoWordsOfMetas(t *testing.T) {
	w := open(t)
	w.fake.Next("messages", metatest.Answer{Code: 100, Message: "+5511900000001 said lorem ipsum"})
	e := w.fails(t, w.to("+5511900000001", "lorem ipsum"))
	if got, want := errors.Unwrap(e).Error(), "meta: status 400, code 100, subcode 0, trace AfakeTrace_1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
