package infobip

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// state is how Infobip says where a message is.
type state struct {
	GroupID   int    `json:"groupId"`
	GroupName string `json:"groupName"`
	ID        int    `json:"id"`
	Name      string `json:"name"`
}

// problem is why, with id 0 for none.
type problem struct {
	ID        int    `json:"id"`
	Name      string `json:"name"`
	Permanent *bool  `json:"permanent"`
}

// sentMessage is one message of an answer.
type sentMessage struct {
	MessageID string   `json:"messageId"`
	Status    *state   `json:"status"`
	Error     *problem `json:"error"`
}

// sentAnswer is the answer to a message: a bare object, or one in a list.
type sentAnswer struct {
	sentMessage
	Messages []sentMessage `json:"messages"`
}

// sent reads the answer to a message: the provider's id, or what it means
// that there is none.
func sent(r wire.Result, ours string) (string, error) {
	if r.Status < 200 || r.Status > 299 {
		return "", refusal(r)
	}
	var a sentAnswer
	if err := json.Unmarshal(r.Body, &a); err != nil {
		return "", unclear(err)
	}
	m := a.sentMessage
	if len(a.Messages) > 0 {
		m = a.Messages[0]
	}
	if m.MessageID == "" && m.Status == nil {
		return "", unclear(errors.New("answer without a message"))
	}
	if m.Status != nil {
		if e := turnedAway(*m.Status, m.Error); e != nil {
			return "", e
		}
	}
	if m.MessageID == "" {
		return ours, nil
	}
	return m.MessageID, nil
}

func unclear(err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.Unsure, Reason: "Infobip's answer cannot be read", Err: fmt.Errorf("decode answer: %w", err)}
}

// turnedAway is what a status in the answer to a message means: nil where
// Infobip took it.
func turnedAway(st state, p *problem) *relay.SendError {
	if st.ID != 29 && st.outcome() != relay.Failed {
		return nil
	}
	r := rowOf(st, p)
	return &relay.SendError{Verdict: r.verdict, After: r.after, Code: r.codeOf(), Reason: r.reason, Outage: r.outage,
		Err: fmt.Errorf("infobip: status %d %s, error %s", st.ID, word(st.Name), p)}
}

// outcome is what a status says of a message; empty for one that says
// nothing.
func (st state) outcome() relay.Status {
	switch st.ID {
	case 2, 29: // handed on; what became of it then is not known
		return relay.Sent
	case 5:
		return relay.Delivered
	}
	group := st.GroupID
	if group == 0 {
		group = slices.Index(groupNames, strings.ToUpper(st.GroupName))
	}
	switch group {
	case 1:
		return relay.Sent
	case 3:
		return relay.Delivered
	case 2, 4, 5:
		return relay.Failed
	}
	return ""
}

var groupNames = []string{"OK", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"}

// String names a problem for the log.
func (p *problem) String() string {
	if p == nil || p.ID == 0 {
		return "none"
	}
	return fmt.Sprintf("%d %s", p.ID, word(p.Name))
}

var wordForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// word is a name of Infobip's, where it is nothing but a name.
func word(s string) string {
	if !wordForm.MatchString(s) {
		return "?"
	}
	return s
}

// wrongCall are the two forms of Infobip's error bodies.
type wrongCall struct {
	RequestError *struct {
		ServiceException struct {
			MessageID        string                     `json:"messageId"`
			ValidationErrors map[string]json.RawMessage `json:"validationErrors"`
		} `json:"serviceException"`
	} `json:"requestError"`
	ErrorCode  string `json:"errorCode"`
	Violations []struct {
		Property string `json:"property"`
	} `json:"violations"`
}

var propertyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\[\]]{0,80}$`)

// read says whether a body is an error of Infobip's, its name and the fields
// that it is about.
func (w wrongCall) read() (parsed bool, name string, fields []string) {
	if w.RequestError != nil {
		name = w.RequestError.ServiceException.MessageID
		fields = slices.Sorted(maps.Keys(w.RequestError.ServiceException.ValidationErrors))
	} else {
		name = w.ErrorCode
		for _, v := range w.Violations {
			fields = append(fields, v.Property)
		}
	}
	fields = slices.DeleteFunc(fields, func(f string) bool { return !propertyForm.MatchString(f) })
	return name != "", word(name), fields[:min(len(fields), 5)]
}

// refusal is what an answer other than 2xx means.
func refusal(r wire.Result) *relay.SendError {
	var w wrongCall
	_ = json.Unmarshal(r.Body, &w) // what cannot be read has no name
	parsed, name, fields := w.read()
	e := wire.ByStatus(r, parsed)
	switch {
	case r.Status == http.StatusUnauthorized:
		e.Reason = "Infobip does not accept the API key. Make a new one under Developer Tools > API Keys and put it into the channel's settings."
	case r.Status == http.StatusForbidden:
		e.Reason = "Infobip does not let this API key do that. Give it the scopes for sending messages, and see whether it is bound to other IP addresses."
	case r.Status == http.StatusTooManyRequests:
		e.Reason = "Infobip takes no more messages at the moment; it will be tried again."
	case e.Verdict == relay.Refused && len(fields) > 0:
		e.Reason = "Infobip does not take this message because of " + strings.Join(fields, ", ") + "."
	case e.Verdict == relay.Refused:
		e.Reason = fmt.Sprintf("Infobip does not take this message (status %d).", r.Status)
	}
	e.Err = fmt.Errorf("infobip: status %d, %s %s", r.Status, name, strings.Join(fields, " "))
	return e
}
