package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/quota"
)

func TestARefusalHasItsSentenceAndNoCause(t *testing.T) {
	got := Refusef(CodeNotCancelable, "Only a queued message can be canceled; this one is %s.", Sent)
	want := &Error{Code: "not_cancelable", Message: "Only a queued message can be canceled; this one is sent."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Error() != "not_cancelable" || got.Unwrap() != nil {
		t.Errorf("for the log it is %q, cause %v", got.Error(), got.Unwrap())
	}
}

func TestARefusedFieldSaysWhatIsWrongAndWhatToWrite(t *testing.T) {
	for _, c := range []struct{ hint, message string }{
		{"Write + and digits.", "This is no number. Write + and digits."},
		{"", "This is no number."},
	} {
		got := RefuseField(CodeInvalidPhone, "phone", "This is no number.", c.hint)
		want := &Error{Code: "invalid_phone", Message: c.message,
			Fields: []FieldError{{Field: "phone", Code: "invalid_phone", Message: "This is no number.", Hint: c.hint}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestTheCauseOfAnErrorIsFoundAndNotShown(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.1: refused")
	for name, err := range map[string]error{
		"error": &Error{Code: CodeInternal, Message: "shown", Err: cause},
		"send":  &SendError{Code: CodeRefused, Reason: "shown", Err: cause},
		"fetch": &FetchError{Code: CodeFileUnreachable, Message: "shown", Err: cause},
	} {
		if !errors.Is(fmt.Errorf("wrapped: %w", err), cause) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	if got := (&SendError{Verdict: Deferred, Code: CodeRefused, Reason: "busy", Err: cause}).Error(); got != "deferred: refused (busy)" {
		t.Errorf("a driver's error reads %q", got)
	}
}

func TestTheZeroVerdictAssumesLeast(t *testing.T) {
	for v, want := range map[Verdict]string{0: "unsure", Refused: "refused", Deferred: "deferred", ChannelFault: "channel_fault"} {
		if v.String() != want {
			t.Errorf("verdict %d is %s, want %s", v, v, want)
		}
	}
	if (&SendError{}).Verdict != Unsure {
		t.Error("an error of a driver without a verdict is not unsure")
	}
}

func TestAnOutcomeIsWhatTheDriverSaid(t *testing.T) {
	cause := errors.New("reset")
	for _, c := range []struct {
		name string
		err  error
		want outcome
		to   Status
	}{
		{"sent", nil, outcome{sent: true, providerID: "p"}, Sent},
		{"any other error", cause, outcome{verdict: Unsure, note: "no clear answer from the provider", err: cause}, Unknown},
		{"refused without a code", &SendError{Verdict: Refused, Reason: "no"}, outcome{verdict: Refused, code: CodeRefused, note: "no"}, Failed},
		{"refused", fmt.Errorf("wrapped: %w", &SendError{Verdict: Refused, Code: CodeNotOnWhatsApp}), outcome{verdict: Refused, code: CodeNotOnWhatsApp}, Failed},
		{"deferred", &SendError{Verdict: Deferred, After: time.Minute, Err: cause}, outcome{verdict: Deferred, after: time.Minute, err: cause}, Queued},
		{"channel fault", &SendError{Verdict: ChannelFault, Reason: "balance"}, outcome{verdict: ChannelFault, note: "balance"}, Queued},
		{"unsure", &SendError{}, outcome{}, Unknown},
	} {
		got := outcomeOf("p", c.err)
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if ch := got.change(3); ch.Status != c.to || ch.Try != 3 || (ch.Failure != nil) != (c.to == Failed) {
			t.Errorf("%s: becomes %+v, want %s at try 3", c.name, ch, c.to)
		}
	}
}

func TestAFaultOfTheStoreIsARefusalThatSaysNothingOfIt(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Code
	}{
		{ErrDiskFull, CodeDiskFull}, {ErrInDoubt, CodeUnavailable}, {ErrClosed, CodeUnavailable}, {context.Canceled, CodeUnavailable},
		{context.DeadlineExceeded, CodeUnavailable}, {quota.ErrFrozen, CodeUnavailable}, {quota.ErrUnbalanced, CodeUnavailable},
	} {
		var e *Error
		if err := refusalOf(fmt.Errorf("secret: %w", c.err)); !errors.As(err, &e) || e.Code != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v becomes %v, want %s", c.err, err, c.want)
		} else if e.Message == "" || strings.Contains(e.Message, "secret") {
			t.Errorf("%v is shown as %q", c.err, e.Message)
		}
	}
	if other := errors.New("other"); refusalOf(other) != other {
		t.Error("an error that is not known does not come back as it is")
	}
	if asError(nil) != nil {
		t.Error("no refusal became an error")
	}
}

func TestNamesOfChatsAreComparedInOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"Ana": "Ana", " \t\u00a0Ana\n": "Ana", "Jose\u0301": "José", "José": "José", "ana": "ana", "A  B": "A  B", "": "", "   ": "",
	} {
		if got := ChatName(in); got != want {
			t.Errorf("%q is kept as %q, want %q", in, got, want)
		}
	}
}

func TestAClippedNameEndsBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"ñandú", 3, "ñan"}, {"ñandú", 5, "ñandú"}, {"ñandú", 9, "ñandú"}, {"ñ", 0, ""}, {"", 3, ""}} {
		if got := clip(c.in, c.n); got != c.want {
			t.Errorf("%q clipped to %d is %q, want %q", c.in, c.n, got, c.want)
		}
	}
}
