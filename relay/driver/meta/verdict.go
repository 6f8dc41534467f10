package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// fault is Meta's error object, of an answer or in a callback.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
type fault struct {
	Code    int    `json:"code"`
	Subcode int    `json:"error_subcode"`
	Message string `json:"message"`
	Title   string `json:"title"`
	Data    struct {
		Details string `json:"details"`
	} `json:"error_data"`
	// UserMessage is meant for the person who made a template.
	UserMessage string `json:"error_user_msg"`
	Trace       string `json:"fbtrace_id"`
}

// noCode stands for a code that an error object does not have: 0 is one of
// Meta's.
const noCode = -1

// UnmarshalJSON tells an absent code from 0.
func (f *fault) UnmarshalJSON(b []byte) error {
	type plain fault
	p := plain{Code: noCode}
	err := json.Unmarshal(b, &p)
	*f = fault(p)
	return err
}

// readFault finds an error object in an answer.
func readFault(body []byte) (f fault, parsed bool) {
	var a struct {
		Error *json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &a) != nil || a.Error == nil {
		return fault{Code: noCode}, false
	}
	err := json.Unmarshal(*a.Error, &f)
	return f, err == nil && (f.Code != noCode || f.Message != "")
}

// sendError is what an answer means for the message.
func (f fault) sendError(res wire.Result, parsed bool) *relay.SendError {
	e := wire.ByStatus(res, parsed)
	e.Err = &answered{f, res.Status}
	e.Reason = unknownAnswer(e.Verdict, f.Code, res.Status)
	if !parsed {
		return e
	}
	if r, ok := rowOf(f); ok {
		e.Verdict, e.Code, e.Reason, e.Outage = r.verdict, r.code, r.reason, r.outage
		if e.After = 0; r.verdict == relay.Deferred {
			e.After = max(r.after, wire.RetryAfter(res.Header))
		}
	}
	return e
}

// unknownAnswer is the reason of an answer without a row.
func unknownAnswer(v relay.Verdict, code, status int) string {
	what := fmt.Sprintf("status %d", status)
	if code > 0 {
		what = fmt.Sprintf("error %d", code)
	}
	switch v {
	case relay.Refused:
		return fmt.Sprintf("Meta refused the message with %s, which Relevo does not know. Look it up among WhatsApp's error codes at Meta.", what)
	case relay.Deferred:
		return fmt.Sprintf("Meta asked to come back later (%s); Relevo tries again.", what)
	case relay.ChannelFault:
		return fmt.Sprintf("Meta does not let this channel in (%s). Check its access token and permissions, then resume it.", what)
	}
	return fmt.Sprintf("Meta answered with %s, which leaves open whether the message went out.", what)
}

// answered is a fault for the operator: numbers only, as Meta's own words may
// quote a phone number or a text.
type answered struct {
	fault
	status int
}

func (a *answered) Error() string {
	trace := a.Trace
	if !traceForm.MatchString(trace) {
		trace = "none"
	}
	return fmt.Sprintf("meta: status %d, code %d, subcode %d, trace %s", a.status, a.Code, a.Subcode, trace)
}

var traceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// failure is what a fault in a callback means for a message that was taken.
func (f fault) failure() *relay.Failure {
	r, ok := rowOf(f)
	if !ok {
		return &relay.Failure{Code: relay.CodeProviderFailed,
			Message: fmt.Sprintf("Meta could not deliver the message (error %d). Look the number up among WhatsApp's error codes at Meta.", f.Code)}
	}
	return &relay.Failure{Code: r.code, Message: r.reason}
}

// aboutNumber adds to an error what only the caller knows: "no such object" is
// a fault of the channel where the object is the number that sends (Meta has
// no code of its own for that), and a pair limit lasts longer with every try.
func (s settings) aboutNumber(err error, try int) error {
	e, a := (*relay.SendError)(nil), (*answered)(nil)
	if !errors.As(err, &e) || !errors.As(err, &a) {
		return err
	}
	switch {
	case a.Code == 131056:
		e.After = max(e.After, tooMany(try))
	case a.Code == 100 && a.Subcode == 33 && strings.Contains(a.Message, "'"+s.PhoneNumberID+"'"):
		return &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed, Err: e.Err,
			Reason: "Meta knows no number with this phone number ID, or the access token may not use it. Compare the ID under WhatsApp > API Setup, and give the token's system user this WhatsApp account."}
	}
	return err
}

// tooMany is how long to wait for a pair limit: 4^n seconds, at least the 6
// that one message to a person takes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func tooMany(try int) time.Duration {
	wait := 6 * time.Second
	for n := 1; n < try && wait < 10*time.Minute; n++ {
		wait *= 4
	}
	return min(wait, 10*time.Minute)
}

// served is the version that Meta answered with; empty where it does not say.
func served(h http.Header) string { return h.Get("Facebook-Api-Version") }
