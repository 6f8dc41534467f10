package twilio

import (
	"strconv"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

// expected is what each documented code has to mean: r refused, d deferred,
// f channel fault, u unsure; capitals mark what a callback holds the channel
// for, and ! an outage.
var expected = strings.Fields(`
20003:f:provider_failed 20005:F:provider_failed 20404:f:provider_failed 20429:d:provider_failed 20500:u!:provider_failed 20503:u!:provider_failed 30002:F:provider_failed
21211:r:refused 21212:f:provider_failed 21408:r:refused 21602:r:refused 21603:f:provider_failed 21604:r:refused 21606:f:provider_failed 21608:r:refused
21609:f:provider_failed 21610:r:opted_out 21611:d:provider_failed 21614:r:refused 21617:r:text_too_long 21619:r:refused 21620:r:file_unreachable 21623:r:refused
21654:r:template_unknown 21655:r:template_unknown 21656:r:template_variables 21703:f:provider_failed 21705:f:provider_failed 21910:f:provider_failed 92005:r:template_variables
11751:r:file_too_large 12300:r:file_type_mismatch 63019:d:file_unreachable 63025:r:refused 63034:r:file_too_large 63037:u:provider_failed
30001:d:provider_failed 30003:r:refused 30004:r:refused 30005:r:not_on_whatsapp 30006:r:refused 30007:r:refused 30008:u:provider_failed 30036:r:expired
63001:F:provider_failed 63002:F:provider_failed 63003:r:not_on_whatsapp 63005:r:refused 63006:r:refused 63007:F:provider_failed 63009:u!:provider_failed 63010:u!:provider_failed
63012:u!:provider_failed 63013:r:refused 63014:r:refused 63015:r:refused 63016:r:window_closed 63017:d:provider_failed 63018:d:provider_failed 63020:F:provider_failed
63021:r:refused 63022:F:provider_failed 63023:u:provider_failed 63024:r:refused 63026:F:provider_failed 63031:r:refused 63032:r:refused 63033:r:refused 63038:d:provider_failed
63051:F:provider_failed 63027:r:template_unknown 63028:r:template_variables 63029:r:refused 63030:r:refused 63040:r:template_unknown 63041:r:template_unknown 63042:r:template_unknown
63049:r:refused 63062:r:refused`)

var letters = map[byte]relay.Verdict{'r': relay.Refused, 'd': relay.Deferred, 'f': relay.ChannelFault, 'F': relay.ChannelFault, 'u': relay.Unsure}

func TestEachCodeMeansTheSameInAnAnswerAndInACallback(t *testing.T) {
	if len(expected) != len(meanings) {
		t.Errorf("%d codes are expected, the table has %d", len(expected), len(meanings))
	}
	d, f := open(t, twiliotest.Options{})
	for _, row := range expected {
		parts := strings.Split(row, ":")
		code, _ := strconv.Atoi(parts[0])
		verdict, want := letters[parts[1][0]], relay.Code(parts[2])
		t.Run(parts[0], func(t *testing.T) {
			f.Next(twiliotest.Answer{Status: 400, Code: code})
			_, err := d.Send(t.Context(), text(t, "x"))
			e := sendError(t, err)
			if e.Verdict != verdict || e.Code != want || e.Outage != strings.HasSuffix(parts[1], "!") || e.Reason == "" {
				t.Errorf("in an answer: %s %s outage %t %q, want %s", e.Verdict, e.Code, e.Outage, e.Reason, row)
			}
			if verdict != relay.Deferred && e.After != 0 {
				t.Errorf("comes back after %s without being deferred", e.After)
			}
			m := twiliotest.Message{SID: sidOf("SM", 7), From: "whatsapp:" + twiliotest.From, To: "whatsapp:" + ana, Callback: callbackFor(status, ours)}
			got, err := d.Receive(channel(t, settings()), incoming(f.Status(m, "undelivered", code)))
			if err != nil || len(got.Reports) != 1 || got.Reports[0].Failure == nil {
				t.Fatalf("in a callback: %+v, %v", got, err)
			}
			r := got.Reports[0]
			if r.Status != relay.Failed || r.MessageID != ours || r.Failure.Code != want || r.Failure.Message != e.Reason {
				t.Errorf("in a callback: %+v %+v", r, r.Failure)
			}
			if holds := parts[1] == "F"; holds != (got.Fault != "") {
				t.Errorf("in a callback: holds the channel %t, want %t", got.Fault != "", holds)
			}
		})
	}
}

func TestCodesWithoutARowCountByTheirStatus(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	for status, want := range map[int]relay.Verdict{400: relay.Refused, 401: relay.ChannelFault, 403: relay.ChannelFault, 404: relay.Refused,
		408: relay.Unsure, 409: relay.Unsure, 429: relay.Deferred, 500: relay.Unsure, 503: relay.Unsure} {
		f.Next(twiliotest.Answer{Status: status, Code: 99999, Header: map[string][]string{"Retry-After": {"7"}}})
		_, err := d.Send(t.Context(), text(t, "x"))
		e := sendError(t, err)
		if e.Verdict != want {
			t.Errorf("status %d: %s, want %s", status, e.Verdict, want)
		}
		if want == relay.Deferred && e.After.Seconds() != 7 {
			t.Errorf("status %d: after %s, want 7 s", status, e.After)
		}
	}
	m := twiliotest.Message{SID: sidOf("SM", 7), To: "whatsapp:" + ana, Callback: status}
	for _, code := range []int{0, 99999} {
		got, err := d.Receive(channel(t, settings()), incoming(f.Status(m, "failed", code)))
		if err != nil || len(got.Reports) != 1 || got.Reports[0].Failure.Message == "" || got.Reports[0].Failure.Code != relay.CodeRefused || got.Fault != "" {
			t.Errorf("callback with code %d: %+v, %v", code, got, err)
		}
	}
}

// The fake's messages say numbers and texts; none of it may be passed on.
func TestNothingOfTwiliosWordsIsPassedOn(t *testing.T) {
	d, _ := open(t, twiliotest.Options{})
	out := text(t, "a secret text "+strings.Repeat("x", 1700))
	_, err := d.Send(t.Context(), out)
	e := sendError(t, err)
	if all := e.Reason + e.Err.Error(); e.Code != relay.CodeTextTooLong || strings.Contains(all, "secret") || strings.Contains(all, "5511") {
		t.Errorf("%s: %s", e.Code, all)
	}
}

func TestNoRowTellsANumberOrShouts(t *testing.T) {
	for code, m := range meanings {
		if m.reason == "" || !strings.HasSuffix(m.reason, ".") || m.code == "" {
			t.Errorf("%d: %q, %q", code, m.code, m.reason)
		}
	}
}
