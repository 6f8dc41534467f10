package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Error is a refusal by a server.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the server's name for the refusal; empty where what answered
	// was no Relevo.
	Code string
	// Sentence says what happened and what to do.
	Sentence string
	// Body is the answer as it came.
	Body []byte
}

func (e *Error) Error() string { return e.Sentence }

// Unreachable means that no answer came. Whether the call arrived is not
// known, except where Refused is set: then it did not.
type Unreachable struct {
	// Sentence says what happened and what to do.
	Sentence string
	// Refused is set where nothing was listening.
	Refused bool
	// Err is the cause, without the address that was called.
	Err error
}

func (e *Unreachable) Error() string { return e.Sentence }

func (e *Unreachable) Unwrap() error { return e.Err }

// maxRefusal bounds the body of an error.
const maxRefusal = 1 << 20

// faults is the body of an error: problem+json of the API, or the form of the
// hook.
type faults struct {
	Title     string `json:"title"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	ErrorCode string `json:"error_code"`
	RequestID string `json:"request_id"`
	Errors    []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
	} `json:"errors"`
}

// refusal reads an answer that is none of the 2xx.
func (c *Client) refusal(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // a part is as good
	e := &Error{Status: resp.StatusCode, Body: body}
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode/100 == 3 {
		e.Sentence = fmt.Sprintf("%s sends callers on to %s. Give that address with --url.", c.base, host(to))
		return e
	}
	var f faults
	if json.Unmarshal(body, &f) != nil || cmp.Or(f.Detail, f.Message, f.Title) == "" {
		e.Sentence = fmt.Sprintf("%s answered %d %s, and not in Relevo's form. Is --url right?", c.base, resp.StatusCode, http.StatusText(resp.StatusCode))
		return e
	}
	e.Code = cmp.Or(f.Code, f.ErrorCode)
	e.Sentence = f.sentence(resp.StatusCode)
	return e
}

func (f faults) sentence(status int) string {
	var b strings.Builder
	main := cmp.Or(f.Detail, f.Message, f.Title)
	b.WriteString(main)
	for _, d := range f.Errors {
		if line := d.Message; !strings.Contains(main, line) {
			b.WriteString("\n  " + cmp.Or(d.Field, "body") + ": " + line)
		}
		if d.Hint != "" && !strings.Contains(b.String(), d.Hint) {
			b.WriteString("\n  " + d.Hint)
		}
	}
	if status == http.StatusUnauthorized {
		b.WriteString("\nGive the key with --key or RELEVO_KEY.")
	}
	if status >= 500 && f.RequestID != "" {
		b.WriteString("\nThe server's log has more under request " + f.RequestID + ".")
	}
	return b.String()
}

// inWords says why no answer came. The path that was called is never shown:
// it may hold a webhook's token. A caller that gave up gets its ctx's error.
func (c *Client) inWords(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refusal *Error
	if errors.As(err, &refusal) {
		return err
	}
	err = bare(err)
	e := &Unreachable{Err: err}
	where := host(c.base)
	var noName *net.DNSError
	var noTrust *tls.CertificateVerificationError
	var timer net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Refused = true
		e.Sentence = fmt.Sprintf("Nothing answers at %s. Is `relevo serve` running?", where)
	case errors.As(err, &noName):
		e.Sentence = fmt.Sprintf("The name %q cannot be found. Is the address right?", noName.Name)
	case errors.As(err, &noTrust):
		e.Sentence = fmt.Sprintf("The certificate of %s is not trusted: %v.", where, noTrust.Err)
	case errors.Is(err, http.ErrSchemeMismatch):
		e.Sentence = fmt.Sprintf("%s does not speak HTTPS. Try http:// in front of the address.", where)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timer) && timer.Timeout():
		e.Sentence = fmt.Sprintf("%s did not answer within %s. Whether it took the call is not known.", where, c.timeout)
	default:
		e.Sentence = fmt.Sprintf("The call to %s broke off: %v. Whether it was taken is not known.", where, err)
	}
	return e
}

// bare takes the address off an error of net/http.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// host is an address without its path.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the server"
	}
	return u.Scheme + "://" + u.Host
}
