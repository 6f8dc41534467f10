package vonage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// problem is Vonage's error object, RFC 7807:
// https://developer.vonage.com/en/api-errors
type problem struct {
	Type     string `json:"type"`
	Title    word   `json:"title"`
	Instance word   `json:"instance"`
	Invalid  []struct {
		Name string `json:"name"`
	} `json:"invalid_parameters"`
	InvalidOld []struct {
		Name string `json:"name"`
	} `json:"invalid_params"`
}

// readProblem reads an answer's body; the zero problem where it is none.
func readProblem(body []byte) problem {
	var p problem
	if json.Unmarshal(body, &p) != nil {
		return problem{}
	}
	return p
}

// parsed reports whether it is an error object at all.
func (p problem) parsed() bool { return p.Type != "" || p.Title != "" }

var slugForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// slug is the end of its type: a word, or a number of one of Vonage's two
// lists of numbers; empty without one.
func (p problem) slug() string {
	end := p.Type
	if i := strings.LastIndexAny(end, "#/"); i >= 0 {
		end = end[i+1:]
	}
	if end == "" || !slugForm.MatchString(end) {
		return ""
	}
	return strings.ToLower(end)
}

var fieldForm = regexp.MustCompile(`^[a-z_][a-z_.\[\]0-9]{0,59}$`)

// fields are the names of the parameters that it complains about.
func (p problem) fields() (names []string) {
	for _, f := range append(slices.Clone(p.Invalid), p.InvalidOld...) {
		if fieldForm.MatchString(f.Name) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// byStatus are the rows of statuses whose answer names no row of its own.
var byStatus = map[int]string{
	http.StatusUnauthorized:    "unauthorized",
	http.StatusPaymentRequired: "low-balance",
	http.StatusForbidden:       "forbidden",
}

// refusal is what an answer that is no 2xx means. 5xx, 408 and 409 leave open
// whether the message was taken, whatever they say.
func refusal(res wire.Result, p problem) *relay.SendError {
	e := wire.ByStatus(res, p.parsed())
	e.Err = errorOf(res, p)
	if res.Status == http.StatusTooManyRequests && e.After == 0 {
		e.After = resetAfter(res.Header, time.Now())
	}
	if res.Status < 400 || res.Status >= 500 || res.Status == http.StatusRequestTimeout || res.Status == http.StatusConflict {
		return e
	}
	r, ok := answered[p.slug()]
	if !ok {
		if r, ok = answered[byStatus[res.Status]]; !ok {
			r, ok = told[p.slug()]
		}
	}
	if !ok && res.Status != http.StatusTooManyRequests {
		e.Reason += p.named()
		return e
	}
	if res.Status == http.StatusTooManyRequests { // a wait, whatever the code
		e.Reason = "Vonage takes no more messages for the moment. The message waits."
		return e
	}
	e.Verdict, e.Code, e.Outage, e.Reason = r.verdict, r.is, r.outage, r.reason+p.named()
	if r.verdict == relay.Deferred && e.After == 0 {
		e.After = r.after
	}
	return e
}

// named is a sentence about the parameters that were wrong.
func (p problem) named() string {
	if f := p.fields(); len(f) > 0 {
		return " Vonage complains about: " + strings.Join(f, ", ") + "."
	}
	return ""
}

var traceForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// errorOf is an answer for the operator's log: numbers and names that Vonage's
// support asks for, and nothing of the message.
func errorOf(res wire.Result, p problem) error {
	s := fmt.Sprintf("vonage: status %d", res.Status)
	if c := p.slug(); c != "" {
		s += ", type " + c
	}
	if traceForm.MatchString(string(p.Instance)) {
		s += ", instance " + string(p.Instance)
	}
	return errors.New(s)
}

// resetAfter reads X-RateLimit-Reset, which is described as Unix time and
// shown in milliseconds: both are understood. Zero without a sensible one.
// https://developer.vonage.com/en/api/messages
func resetAfter(h http.Header, now time.Time) time.Duration {
	n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	at := time.Unix(n, 0)
	if n > 1e11 { // seconds would be the year 5138
		at = time.UnixMilli(n)
	}
	if wait := at.Sub(now); wait > 0 && wait <= 24*time.Hour {
		return wait
	}
	return 0
}

// failure is what a status callback says of a message that failed.
func failure(code string) *relay.Failure {
	r, ok := told[code]
	if !ok {
		return &relay.Failure{Code: relay.CodeProviderFailed, Message: "Vonage could not deliver the message" + inBrackets(code) + "."}
	}
	return &relay.Failure{Code: r.is, Message: r.reason}
}

func inBrackets(code string) string {
	if !slugForm.MatchString(code) {
		return ""
	}
	return " (error " + code + ")"
}
