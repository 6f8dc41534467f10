package media

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"relevo/relay/guard"
)

// broken says why there was no answer, or why it broke off.
func (f *fetch) broken(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("fetch file: %w", context.Canceled)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		if at, err := url.Parse(wrapped.URL); err == nil {
			f.host = at.Hostname()
		}
	}
	cause := guard.Cause(err)
	if b, ok := errors.AsType[*guard.BlockedError](cause); ok {
		e := failf(Unreachable, "%s", f.blocked(b))
		e.Err = b
		return e
	}
	e := f.unanswered(cause)
	e.Err = cause
	return e
}

func (f *fetch) unanswered(cause error) *Error {
	var e *Error
	if timeout, ok := errors.AsType[net.Error](cause); ok && timeout.Timeout() {
		e = failf(Unreachable, "%s did not send the whole file in time (%s). Try again, or put the file on a faster host.", f.who(), f.took())
		e.Again = true
		return e
	}
	if name, ok := errors.AsType[*net.DNSError](cause); ok {
		e = failf(Unreachable, "The host %s could not be looked up just now. Check that it is spelled right.", f.who())
		if name.IsNotFound {
			e = failf(Unreachable, "The host %s does not exist. Check that it is spelled right.", f.who())
		}
		e.Again = true
		return e
	}
	if op, ok := errors.AsType[*net.OpError](cause); ok && op.Op == "dial" {
		e = failf(Unreachable, "%s does not accept connections. Check that the link opens in a browser from another network.", f.who())
		e.Again = true
		return e
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](cause); ok {
		return failf(Unreachable, "The certificate of %s is not valid, so nobody can tell whether it is the right server. Renew it, or put the file elsewhere.", f.who())
	}
	if errors.Is(cause, http.ErrSchemeMismatch) {
		return failf(Unreachable, "%s does not speak https at this port. Use http:// in the link, or put the file elsewhere.", f.who())
	}
	return failf(Unreachable, "The connection to %s broke before the whole file was there. Check that the link opens in a browser.", f.who())
}

// blocked words what the guard refused. It does not tell an address that a
// name leads to: that could describe a private network to a stranger.
func (f *fetch) blocked(b *guard.BlockedError) string {
	who := f.typed
	if f.host != f.typed {
		who += " redirects to " + f.host + ", which"
	}
	switch b.Rule {
	case guard.NotPublic:
		return who + " is not a public address, and files are fetched from public ones only. Put the file where everyone can reach it; for a host of your own network, the operator of this server can allow it (media.allow)."
	case guard.Port:
		return who + " is addressed at a port that files are not fetched from. Use 80, 443 or one above 1023."
	case guard.TooManyRedirects:
		return f.typed + " redirects too many times. Use the address that the link ends at."
	case guard.Downgrade:
		return f.typed + " redirects from https to http, which is not followed. Use the address that the link ends at."
	case guard.Credentials:
		return f.typed + " redirects to an address with a user name or a password. Use a link that works without them."
	}
	return f.typed + " redirects to something that is no http or https address. Use the address of the file itself."
}

// refused says what an HTTP status means; nil for an answer with a file.
func (f *fetch) refused(status int) error {
	if status == http.StatusOK || status == http.StatusNonAuthoritativeInfo {
		return nil
	}
	says := fmt.Sprintf("%s answered %s", f.who(), strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status))))
	e := &Error{Code: Unreachable, Err: fmt.Errorf("HTTP status %d", status)}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		e.Message = says + ": the file is not open to everyone. " + f.hint()
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Message = says + ": there is no file at this address, or not any more. " + f.hint()
	case status == http.StatusTooManyRequests:
		e.Message, e.Again = says+": it was asked too often. Wait a while, or put the file on a host without such a limit.", true
	case status >= 500:
		e.Message, e.Again = says+": that server has a fault of its own. Try again later, or put the file elsewhere.", true
	default:
		e.Message = says + " instead of a file. " + f.hint()
	}
	return e
}

// failedRead sorts an error of reading and keeping a body.
func (f *fetch) failedRead(ctx context.Context, body *source, err error) error {
	switch {
	case body.err != nil:
		return f.broken(ctx, body.err)
	case errors.Is(err, errPacking):
		e := failf(Unreachable, "%s sent the file packed in a way that was not asked for and cannot be undone. Put the file on another host.", f.who())
		e.Err = errPacking
		return e
	}
	return err
}

// tooLarge names both sizes; size is 0 where it is not known.
func (f *fetch) tooLarge(size int64) error {
	if size > 0 {
		return failf(TooLarge, "The file at %s has %s, the limit is %s. Make it smaller, or send a link to it in the text.", f.who(), SizeText(size), SizeText(f.Limit))
	}
	return failf(TooLarge, "The file at %s has more than the limit of %s. Make it smaller, or send a link to it in the text.", f.who(), SizeText(f.Limit))
}

// who names the host that was typed, and the one that answered in its place.
func (f *fetch) who() string {
	if f.host == f.typed {
		return f.typed
	}
	return f.typed + " (redirected to " + f.host + ")"
}

func (f *fetch) took() string {
	d := time.Since(f.start)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// SizeText is a size as people write it, and exactly: 2 MiB (2,097,152 bytes).
func SizeText(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	unit, name := int64(1<<10), "KiB"
	switch {
	case n == 1:
		return "1 byte"
	case n < unit:
		return digits + " bytes"
	case n >= 1<<30:
		unit, name = 1<<30, "GiB"
	case n >= 1<<20:
		unit, name = 1<<20, "MiB"
	}
	short := strings.TrimSuffix(strconv.FormatFloat(float64(n)/float64(unit), 'f', 1, 64), ".0")
	return short + " " + name + " (" + digits + " bytes)"
}
