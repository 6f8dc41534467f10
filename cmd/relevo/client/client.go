// Package client calls a Relevo server and says in words what went wrong.
//
// It knows addresses, keys and the two forms of error that a server answers
// with. It knows no workspace, message or channel: answers are the bytes that
// came.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// answerTimeout is how long one call may take; the server itself answers well
// under a second.
const answerTimeout = 30 * time.Second

// maxAnswer bounds an answer that is kept in memory. A page has at most 200
// rows; a hundred attempts with bodies of 64 KiB are the largest.
const maxAnswer = 64 << 20

// Client calls one server. Methods may be called concurrently.
type Client struct {
	base    string
	key     string
	http    *http.Client
	timeout time.Duration
}

// New makes a client of the server at base, an http or https address. The key
// may be empty for calls that need none.
func New(base, key string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is no address of a server; write one like http://127.0.0.1:8080", base)
	}
	return &Client{
		base:    strings.TrimRight(base, "/"),
		key:     key,
		timeout: answerTimeout,
		// A redirect would carry the key or the message elsewhere, or turn a
		// POST into a GET. Relevo never sends one.
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// WithTimeout is the same client with another patience.
func (c *Client) WithTimeout(d time.Duration) *Client {
	other := *c
	other.timeout = d
	return &other
}

// Base is the server's address, without a slash at the end.
func (c *Client) Base() string { return c.base }

// Call is one request.
type Call struct {
	Method string
	// Path begins with a slash and is already escaped.
	Path  string
	Query url.Values
	// Body is sent as JSON; nil sends none.
	Body   any
	Header http.Header
}

// Answer is what came back from a call that succeeded.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Do makes a call. The error is an *Error where the server refused it, an
// *Unreachable where no answer came, or ctx's.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.send(timed, call)
	if err != nil {
		return Answer{}, c.inWords(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, c.inWords(ctx, err)
	}
	if len(body) > maxAnswer {
		return Answer{}, fmt.Errorf("%s answered with more than %d MiB; ask for less", c.base, maxAnswer>>20)
	}
	return Answer{resp.Header, body}, nil
}

// Download makes a call and copies the answer to w as it comes, however long
// that takes. Where it returns an error, w has a part of it or nothing.
func (c *Client) Download(ctx context.Context, call Call, w io.Writer) error {
	timed, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) }) // for the beginning alone
	resp, err := c.send(timed, call)
	patience.Stop()
	if err != nil {
		return c.inWords(ctx, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the download broke off: %w", bare(err))
	}
	return nil
}

// send makes the request and returns an answer of the 2xx. Its errors are not
// in words yet.
func (c *Client) send(ctx context.Context, call Call) (*http.Response, error) {
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.refusal(resp)
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	address := c.base + call.Path
	if len(call.Query) > 0 {
		address += "?" + call.Query.Encode()
	}
	var body io.Reader
	if call.Body != nil {
		b, err := json.Marshal(call.Body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, address, body)
	if err != nil {
		return nil, errors.New("the address cannot be called") // err would show a webhook's token
	}
	req.Header.Set("User-Agent", "relevo/cli") // the audit log says by what
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range call.Header {
		req.Header[name] = values
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	return req, nil
}
