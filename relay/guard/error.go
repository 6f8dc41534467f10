package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// BlockedError says that the guard refused to go somewhere, by rule. Nothing
// was sent there, and trying again changes nothing. Its text holds a host and
// an address, never a path or a query.
type BlockedError struct {
	Rule Rule
	// Host is where it would have gone: a name or an IP address, without
	// port. Empty where the URL has none.
	Host string
	// Addr is the resolved address, for NotPublic and Port. It may tell how a
	// private network is laid out: for the operator, not for the user.
	Addr netip.AddrPort
}

// Rule names the rule by which the guard refused.
type Rule string

// The rules.
const (
	// NotPublic: the address is not a public one, nor allowed.
	NotPublic Rule = "not a public address"
	// Port: a public address, on a port below 1024 that is not 80 or 443.
	Port Rule = "port not allowed"
	// Scheme: neither http nor https.
	Scheme Rule = "neither http nor https"
	// Credentials: a user name or password in the URL.
	Credentials Rule = "user name or password in the URL"
	// Host: no host, or one with characters that a host cannot have.
	Host Rule = "no usable host"
	// TooManyRedirects: more than Config.MaxRedirects.
	TooManyRedirects Rule = "too many redirects"
	// Downgrade: a redirect from https to http.
	Downgrade Rule = "redirect from https to http"
)

func (e *BlockedError) Error() string {
	if e.Addr.IsValid() {
		return fmt.Sprintf("blocked %q (%s): %s", e.Host, e.Addr, e.Rule)
	}
	return fmt.Sprintf("blocked %q: %s", e.Host, e.Rule)
}

// errNoAnswer stands for errors whose text may quote what the other side sent.
var errNoAnswer = errors.New("no HTTP answer that could be read")

// Cause is the part of a client's error that may be logged. The error itself
// holds the whole URL, and sometimes what the other side sent. Of a cause
// that may hold these, only the fact remains.
func Cause(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if b, ok := errors.AsType[*BlockedError](err); ok {
		return b
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	for _, known := range []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, http.ErrSchemeMismatch,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return context.DeadlineExceeded
	}
	return errNoAnswer
}
