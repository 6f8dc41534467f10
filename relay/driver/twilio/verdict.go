package twilio

import (
	"encoding/json"
	"fmt"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// meaning is what one of Twilio's codes says: in the answer of a call the
// verdict counts, in a callback the message failed and code and reason say why.
type meaning struct {
	verdict relay.Verdict
	code    relay.Code
	after   time.Duration
	outage  bool
	// holds: a callback with it means that nothing goes out any more.
	holds  bool
	reason string
}

// meaningOf is a row of the table, or the zero meaning.
func meaningOf(code int) meaning { return meanings[code] }

func (m meaning) sendError(code int, res wire.Result) *relay.SendError {
	e := &relay.SendError{Verdict: m.verdict, Code: m.code, After: m.after, Reason: m.reason, Outage: m.outage, Err: wireError(code, res.Status)}
	if e.Reason == "" {
		e.Reason = unexplained(code)
	}
	if e.Verdict == relay.Deferred {
		e.After = max(e.After, wire.RetryAfter(res.Header))
	}
	return e
}

// failure is what the owner of a message reads that failed after it was taken.
func (m meaning) failure(code int) *relay.Failure {
	f := &relay.Failure{Code: m.code, Message: m.reason}
	if f.Code == "" {
		f.Code = relay.CodeRefused
	}
	if f.Message == "" {
		f.Message = unexplained(code)
	}
	return f
}

func unexplained(code int) string {
	if code == 0 {
		return "Twilio could not deliver the message and does not say why."
	}
	return fmt.Sprintf("Twilio could not deliver the message. Its code %d is explained at https://www.twilio.com/docs/api/errors/%d", code, code)
}

// wireError is for the operator's log. Twilio's own words hold phone numbers.
func wireError(code, status int) error {
	return fmt.Errorf("twilio: code %d, status %d", code, status)
}

// errorOf is what an answer other than 2xx means: by its code where that is in
// the table, else by its status.
// https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions
func errorOf(res wire.Result) error {
	code, parsed := codeOf(res.Body)
	if m, ok := meanings[code]; ok {
		return m.sendError(code, res)
	}
	e := wire.ByStatus(res, parsed)
	e.Err = wireError(code, res.Status)
	switch {
	case e.Verdict == relay.ChannelFault:
		e.Reason = meanings[20003].reason
	case code != 0:
		e.Reason = fmt.Sprintf("Twilio answered with its code %d, explained at https://www.twilio.com/docs/api/errors/%d", code, code)
	}
	return e
}

// codeOf reads an error object: of the 2010 API, or of a newer one, which names
// the status differently.
func codeOf(body []byte) (code int, parsed bool) {
	var e struct {
		Code    *int    `json:"code"`
		Message *string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Code == nil {
		return 0, false
	}
	return *e.Code, e.Message != nil
}
