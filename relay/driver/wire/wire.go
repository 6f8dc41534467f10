// Package wire makes one HTTP call of a provider, and says what is known of it
// when it failed. Beside a call it holds two rules of all drivers: how settings
// of a channel are read and shown, and how long a file may be.
//
// It knows connections and statuses; it knows no provider, no message and no
// error code. A call is never repeated here, redirects are never followed, and
// no proxy of the environment is used.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"relevo/relay"
)

// MaxAnswer bounds a provider's answer, in bytes.
const MaxAnswer = 1 << 20

// Result is a provider's answer.
type Result struct {
	Status int
	Header http.Header
	// Body is at most MaxAnswer bytes.
	Body []byte
}

// NewClient makes a client for providers whose addresses are part of this
// program. It may be used by many goroutines at once. Addresses that a user
// typed take a guarded client instead.
func NewClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               nil,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
		},
	}
}

// Do makes a call once. Its error is a *relay.SendError:
// Deferred where the provider certainly saw nothing of it (no address, no
// connection, no byte written), Unsure otherwise. Its Err never holds the
// address, whose query may be secret.
func Do(ctx context.Context, c *http.Client, req *http.Request) (Result, error) {
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }}
	req = req.WithContext(httptrace.WithClientTrace(ctx, trace))
	req.GetBody = nil // so that the transport cannot send it again by itself
	once := *c
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := once.Do(req)
	if err != nil {
		return Result{}, failed(err, wrote.Load())
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return Result{}, failed(err, true)
	case len(body) > MaxAnswer:
		return Result{}, &relay.SendError{Verdict: relay.Unsure, Reason: "the provider's answer is too long to be one", Err: errors.New("answer over 1 MiB")}
	}
	return Result{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

func failed(err error, wrote bool) *relay.SendError {
	err = WithoutAddress(err)
	if wrote {
		return &relay.SendError{Verdict: relay.Unsure, Reason: "the provider gave no clear answer", Outage: true, Err: err}
	}
	return &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, Reason: "the provider could not be reached", Outage: true, Err: err}
}

// NewJSON makes a request with a JSON body.
func NewJSON(ctx context.Context, method, url string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the provider's address cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// ByStatus is what an answer without a row in the driver's table of codes
// means, by its status and whether its body is an error object of the
// provider. 2xx is for the driver to read; one that it cannot read is Unsure.
func ByStatus(r Result, parsed bool) *relay.SendError {
	e := &relay.SendError{Verdict: relay.Unsure, Reason: fmt.Sprintf("the provider answered with status %d", r.Status)}
	switch s := r.Status; {
	case s == http.StatusTooManyRequests:
		e.Verdict, e.After = relay.Deferred, RetryAfter(r.Header)
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Verdict, e.Code = relay.ChannelFault, relay.CodeProviderFailed
	case s == http.StatusRequestTimeout, s == http.StatusConflict:
	case s >= 500:
		e.Outage = true
	case s >= 400 && s < 500 && parsed:
		e.Verdict, e.Code = relay.Refused, relay.CodeRefused
	}
	if e.Code == "" && e.Verdict == relay.Deferred {
		e.Code = relay.CodeProviderFailed
	}
	return e
}

// maxAfter bounds how long a provider may make a message wait.
const maxAfter = 24 * time.Hour

// RetryAfter is how long a header Retry-After asks to wait; zero without one.
func RetryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, time.Until(at)), maxAfter)
	}
	return 0
}

// Prepared is the error of a preparatory call (a token, an upload): what is
// unsure of it is no message, so it is deferred.
func Prepared(err error) error {
	var e *relay.SendError
	if !errors.As(err, &e) || e.Verdict != relay.Unsure {
		return err
	}
	later := *e
	later.Verdict = relay.Deferred
	if later.Code == "" {
		later.Code = relay.CodeProviderFailed
	}
	return &later
}

// Masked is the end of a secret, for its owner to tell it from others.
func Masked(secret string) string {
	if len(secret) < 12 {
		return strings.Repeat("•", min(len(secret), 8))
	}
	return "••••" + secret[len(secret)-4:]
}
