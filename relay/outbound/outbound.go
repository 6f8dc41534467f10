// Package outbound posts events to the owners' systems.
//
// It makes one try: it signs the body by Standard Webhooks
// (https://www.standardwebhooks.com), posts it through the guard to an address
// that a user typed, follows no redirect, and says in words what came of it.
// When there is another try, and in which order events go, is package relay's
// question.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"relevo/relay"
	"relevo/relay/guard"
)

// Timeout bounds one try, from the look-up of the name to the last byte of the
// answer.
const Timeout = 15 * time.Second

const (
	// maxAnswer is how much of an answer is read, keptAnswer how much of it the
	// log keeps.
	maxAnswer  = 64 << 10
	keptAnswer = 1 << 10
)

// Poster posts events. It may be used by many goroutines at once. It is a
// relay.Poster.
type Poster struct {
	client *http.Client
	allow  []netip.Prefix
	lookUp func(ctx context.Context, host string) ([]netip.Addr, error)
}

// New makes a poster that reaches public addresses and those of allow.
func New(allow []netip.Prefix) *Poster {
	return &Poster{
		client: guard.New(guard.Config{Allow: allow, Timeout: Timeout, MaxRedirects: -1, UserAgent: "Relevo-Events/1"}),
		allow:  allow,
		lookUp: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
}

// Post makes one try. It never fails: what went wrong is in what it returns.
func (p *Poster) Post(ctx context.Context, out relay.Posting) relay.Posted {
	started := time.Now()
	got := p.post(ctx, out, started)
	got.Took = time.Since(started)
	return got
}

func (p *Poster) post(ctx context.Context, out relay.Posting, now time.Time) relay.Posted {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, out.URL, bytes.NewReader([]byte(out.Body)))
	if err != nil {
		return relay.Posted{Problem: "The address cannot be read."}
	}
	signatures, err := sign(out, now)
	if err != nil {
		return relay.Posted{Problem: "The secret cannot be read. Rotate it."}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, out.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	resp, err := p.client.Do(req)
	if resp != nil && err != nil { // a redirect that was not followed
		return relay.Posted{Status: resp.StatusCode, Problem: redirected(resp)}
	}
	if err != nil {
		return relay.Posted{Problem: unreached(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	got := relay.Posted{Status: resp.StatusCode, Answer: readable(body)}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		if err != nil { // it has taken the event: what it says to it does not matter
			got.Answer = ""
		}
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		got.Problem = redirected(resp)
	default:
		got.Problem = fmt.Sprintf("The receiver answered %s; only 200 to 299 say that it took the event.", word(resp.StatusCode))
		got.After = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return got
}

// sign is the header with one signature for each secret.
func sign(out relay.Posting, now time.Time) (string, error) {
	all := make([]string, len(out.Secrets))
	for i, secret := range out.Secrets {
		w, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return "", err
		}
		if all[i], err = w.Sign(out.ID, now, []byte(out.Body)); err != nil {
			return "", err
		}
	}
	return strings.Join(all, " "), nil
}

func word(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " (" + text + ")"
	}
	return strconv.Itoa(status)
}

// redirected names where a redirect leads: its host, as the rest may be a
// secret.
func redirected(resp *http.Response) string {
	to := "another address"
	if at, err := resp.Location(); err == nil && at.Host != "" {
		to = at.Scheme + "://" + at.Hostname()
	}
	return fmt.Sprintf("The receiver answered %s and sends on to %s. Redirects are not followed: give the address where it ends.", word(resp.StatusCode), to)
}

// unreached is why there was no answer, without the address.
func unreached(err error) string {
	cause := guard.Cause(err)
	var blocked *guard.BlockedError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(cause, &blocked) && blocked.Rule == guard.NotPublic:
		return "The address is not a public one; this server does not go there. Its operator may allow it."
	case errors.As(cause, &blocked) && blocked.Rule == guard.Port:
		return "The port of the address is not allowed. Use 443 or one above 1023."
	case errors.As(cause, &blocked):
		return "This server does not go there: " + string(blocked.Rule) + "."
	case errors.As(cause, &dns):
		return "The name in the address is not known. Check it for a slip, or your DNS."
	case errors.As(cause, &cert):
		return "The receiver's certificate is not valid for the address, or not trusted."
	case errors.Is(cause, context.DeadlineExceeded):
		return fmt.Sprintf("The receiver did not answer within %d seconds. Answer at once, and work afterwards.", int(Timeout.Seconds()))
	case errors.Is(cause, http.ErrSchemeMismatch):
		return "The receiver speaks no TLS there."
	case errors.Is(cause, io.EOF), errors.Is(cause, io.ErrUnexpectedEOF):
		return "The receiver hung up without an answer."
	}
	if op, ok := errors.AsType[*net.OpError](cause); ok && op.Op == "dial" {
		return "The receiver could not be reached: no connection was made."
	}
	return "The receiver gave no HTTP answer that could be read."
}

// retryAfter reads seconds, or a date; 0 where there is neither.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// readable is the beginning of an answer as it can be kept and shown.
func readable(b []byte) string {
	if len(b) > keptAnswer {
		b = b[:keptAnswer]
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, strings.ToValidUTF8(string(b), ""))
}
