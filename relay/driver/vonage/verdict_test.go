package vonage

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/vonage/vonagetest"
)

func sendError(t *testing.T, err error) *relay.SendError {
	t.Helper()
	var e *relay.SendError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v (%T), want a *relay.SendError", err, err)
	}
	return e
}

// Every row of the table holds for the answer of a call. A code of callbacks
// that answers use for something else is the answers' there.
func TestEveryRowHoldsInAnAnswer(t *testing.T) {
	r := newRig(t)
	for _, row := range rows {
		if _, other := answered[row.code]; row.in == inStatus && other {
			continue
		}
		t.Run(row.code, func(t *testing.T) {
			r.fake.Next(vonagetest.Problem(422, row.code, "Something"))
			id, err := r.Send(t.Context(), r.text("+14155550100", "hi"))
			e := sendError(t, err)
			if id != "" || e.Verdict != row.verdict || e.Code != row.is || e.After != row.after || e.Outage != row.outage || e.Reason != row.reason {
				t.Errorf("got %q %+v, want %+v", id, e, row)
			}
		})
	}
}

// Every row of the table holds in a status callback.
func TestEveryRowHoldsInACallback(t *testing.T) {
	r := newRig(t)
	if _, err := r.Send(t.Context(), r.text("+14155550100", "hi")); err != nil {
		t.Fatal(err)
	}
	m := r.last(t)
	for _, row := range rows {
		if row.in != inStatus {
			continue
		}
		t.Run(row.code, func(t *testing.T) {
			got, err := r.receive(r.fake.Status(m, "rejected", row.code, time.Now()))
			if err != nil {
				t.Fatal(err)
			}
			switch row.code {
			case codeTimedOut:
				if len(got.Reports) != 0 {
					t.Errorf("got %+v, want nothing", got)
				}
				return
			case codeAlready:
				if len(got.Reports) != 1 || got.Reports[0].Status != relay.Sent || got.Reports[0].Failure != nil {
					t.Errorf("got %+v, want sent", got)
				}
				return
			}
			if len(got.Reports) != 1 {
				t.Fatalf("got %+v, want one report", got)
			}
			rep := got.Reports[0]
			if rep.Status != relay.Failed || rep.Failure == nil || rep.Failure.Code != row.is || rep.Failure.Message != row.reason || rep.MessageID != testID || rep.ProviderID != m.UUID {
				t.Errorf("got %+v %+v, want %+v", rep, rep.Failure, row)
			}
			if fault := row.verdict == relay.ChannelFault; fault != (got.Fault != "") {
				t.Errorf("fault %q, want one: %t", got.Fault, fault)
			}
		})
	}
}

func TestTheTableSaysEachThingOnceAndInWords(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		key := strconv.Itoa(int(r.in)) + r.code
		if seen[key] {
			t.Errorf("code %s has two rows in one place", r.code)
		}
		seen[key] = true
		if !strings.HasSuffix(r.reason, ".") || (r.is == "") != (r.verdict == relay.Unsure) {
			t.Errorf("row %+v has no sentence or no code", r)
		}
	}
	// The published list: https://developer.vonage.com/en/api-errors/messages
	for _, code := range strings.Fields(`1000 1010 1020 1021 1022 1030 1040 1050 1060 1070 1080 1090 1100 1120 1130 1140 1150 1160 1170 1180 1190
		1200 1210 1220 1230 1240 1241 1242 1250 1251 1260 1270 1280 1282 1290 1300 1310 1320 1330 1331 1340 1350 1360 1370 1380 1381 1382 1400 1410
		1420 1430 1431 1440 1450 1451 1460 1461 1470 1472 1473 1474 1475 1476 1480 1481 1482 1483 1484 1490 2001 2002 2003`) {
		if _, ok := told[code]; !ok {
			t.Errorf("code %s has no row", code)
		}
	}
}

func TestAnswersWithoutARowGoByTheirStatus(t *testing.T) {
	ms := strconv.FormatInt(time.Now().Add(90*time.Second).UnixMilli(), 10)
	secs := strconv.FormatInt(time.Now().Add(90*time.Second).Unix(), 10)
	for _, c := range []struct {
		name    string
		answer  vonagetest.Answer
		verdict relay.Verdict
		outage  bool
		after   time.Duration // within two seconds
	}{
		{"AnUnknownCode", vonagetest.Problem(422, "9999", "New"), relay.Refused, false, 0},
		{"AnErrorWithoutBody", vonagetest.Answer{Status: 422}, relay.Unsure, false, 0},
		{"CredentialsWithoutBody", vonagetest.Answer{Status: 401}, relay.ChannelFault, false, 0},
		{"ForbiddenWithoutBody", vonagetest.Answer{Status: 403, Body: "<html>"}, relay.ChannelFault, false, 0},
		{"NoCreditWithoutBody", vonagetest.Answer{Status: 402}, relay.ChannelFault, false, 0},
		{"NotFound", vonagetest.Problem(404, "not-found", "Not found"), relay.Refused, false, 0},
		{"NotFoundOfAProxy", vonagetest.Answer{Status: 404, Body: "nginx"}, relay.Unsure, false, 0},
		{"Conflict", vonagetest.Problem(409, "1150", "Conflict"), relay.Unsure, false, 0},
		{"RequestTimeout", vonagetest.Answer{Status: 408}, relay.Unsure, false, 0},
		{"OutOfOrder", vonagetest.Problem(500, "internal-error", "Oops"), relay.Unsure, true, 0},
		{"OutOfOrderWithACode", vonagetest.Problem(503, "1340", "Oops"), relay.Unsure, true, 0},
		{"ARedirect", vonagetest.Answer{Status: 307, Header: http.Header{"Location": {"https://example.com/"}}}, relay.Unsure, false, 0},
		{"ATwoHundredWithoutId", vonagetest.Answer{Status: 202, Body: "{}"}, relay.Unsure, false, 0},
		{"ATwoHundredThatIsNoJSON", vonagetest.Answer{Status: 200, Body: "ok"}, relay.Unsure, false, 0},
		{"Throttled", vonagetest.Answer{Status: 429, Header: http.Header{"Retry-After": {"15"}}}, relay.Deferred, false, 15 * time.Second},
		{"ThrottledWithACode", vonagetest.Problem(429, "throttled", "Slow down"), relay.Deferred, false, 0},
		{"ThrottledUntilMilliseconds", vonagetest.Answer{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {ms}}}, relay.Deferred, false, 90 * time.Second},
		{"ThrottledUntilSeconds", vonagetest.Answer{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {secs}}}, relay.Deferred, false, 90 * time.Second},
		{"ThrottledUntilNonsense", vonagetest.Answer{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {"12"}}}, relay.Deferred, false, 0},
		{"ACutConnection", vonagetest.Answer{Cut: true}, relay.Unsure, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.fake.Next(c.answer)
			_, err := r.Send(t.Context(), r.text("+14155550100", "hi"))
			e := sendError(t, err)
			if e.Verdict != c.verdict || e.Outage != c.outage || (e.After-c.after).Abs() > 2*time.Second {
				t.Errorf("got %+v, want %s, outage %t, after %s", e, c.verdict, c.outage, c.after)
			}
			if e.Verdict != relay.Unsure && e.Code == "" || e.Reason == "" {
				t.Errorf("got %+v, want a code and a reason", e)
			}
		})
	}
}

func TestTheParametersThatWereWrongAreNamedWithoutTheirValues(t *testing.T) {
	r := newRig(t)
	r.fake.Next(vonagetest.Problem(422, "1150", "Invalid params", "image.url", "14155550100", "a b"))
	_, err := r.Send(t.Context(), r.text("+14155550100", "hi"))
	if e := sendError(t, err); !strings.Contains(e.Reason, "complains about: image.url.") || strings.Contains(e.Reason, "1415") {
		t.Errorf("reason %q", e.Reason)
	}
}

func TestANumberThatIsNoSenderHoldsTheChannel(t *testing.T) {
	r := newRig(t)
	r.fake.Change(func(o *vonagetest.Options) { o.Number = "447700900099" })
	_, err := r.Send(t.Context(), r.text("+14155550100", "hi"))
	if e := sendError(t, err); e.Verdict != relay.ChannelFault || e.Code == "" {
		t.Errorf("got %+v, want a fault of the channel", e)
	}
}

func TestATokenThatEndedIsMadeAnewForTheNextTry(t *testing.T) {
	r := newRig(t)
	s, err := settingsOf(r.channel)
	if err != nil {
		t.Fatal(err)
	}
	old, err := sign(s, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	r.bearers.kept = map[[32]byte]bearer{bearerKey(s): {token: old, made: time.Now().Add(-5 * time.Minute)}}
	_, err = r.Send(t.Context(), r.text("+14155550100", "hi"))
	if e := sendError(t, err); e.Verdict != relay.Deferred || e.Code == "" {
		t.Fatalf("got %+v, want deferred", e)
	}
	if _, err = r.Send(t.Context(), r.text("+14155550100", "hi")); err != nil {
		t.Errorf("the next try: %v", err)
	}
	if len(r.fake.Messages()) != 2 {
		t.Errorf("%d calls, want 2", len(r.fake.Messages()))
	}
}

func TestATokenIsKeptUntilItIsOld(t *testing.T) {
	r := newRig(t)
	s, _ := settingsOf(r.channel)
	now := time.Now()
	a, err := r.bearers.of(s, now)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := r.bearers.of(s, now.Add(bearerRenew-time.Second))
	c, _ := r.bearers.of(s, now.Add(bearerRenew))
	if a.token != b.token || b.token == c.token || len(r.bearers.kept) != 1 {
		t.Errorf("kept: %t, made anew: %t, held: %d", a.token == b.token, b.token != c.token, len(r.bearers.kept))
	}
	other := s
	other.ApplicationID = "00000000-0000-4000-8000-000000000000"
	if d, _ := r.bearers.of(other, now.Add(bearerRenew)); d.token == c.token {
		t.Error("two applications have one token")
	}
}
