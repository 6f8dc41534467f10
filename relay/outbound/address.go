package outbound

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/guard"
)

// lookUpWithin bounds the look-up of a name while its owner waits.
const lookUpWithin = 3 * time.Second

// CheckURL reads an address that an owner typed: https, without user name,
// password and fragment. http is for hosts that the operator allows by their
// addresses, which are looked up now; where it leads later, the guard sees.
func (p *Poster) CheckURL(ctx context.Context, raw string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "", relay.RefuseField(relay.CodeMissingField, "url", "url is missing.", "Give the https address of your receiver.")
	}
	u, err := guard.CheckURL(raw)
	if bad, ok := errors.AsType[*guard.URLError](err); ok {
		return "", relay.RefuseField(relay.CodeInvalidField, "url", strings.ReplaceAll(bad.Message, "https://example.com/logo.png", "https://example.com/events"), "")
	}
	if err != nil {
		return "", err
	}
	if strings.Contains(raw, "#") {
		return "", relay.RefuseField(relay.CodeInvalidField, "url", "The address has a part behind a #, which is never sent.", "Leave it out.")
	}
	if u.Scheme == "http" && !p.allowed(ctx, u.Hostname()) {
		return "", relay.RefuseField(relay.CodeInvalidField, "url", "The address begins with http://; what is sent there could be read on the way.", "Use https://.")
	}
	return u.String(), nil
}

// allowed reports whether every address of a host is one that the operator
// allows.
func (p *Poster) allowed(ctx context.Context, host string) bool {
	if len(p.allow) == 0 {
		return false
	}
	addrs := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, ip)
	} else {
		ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
		defer cancel()
		if addrs, err = p.lookUp(ctx, host); err != nil {
			return false
		}
	}
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(ip netip.Addr) bool {
		ip = ip.Unmap().WithZone("")
		return !slices.ContainsFunc(p.allow, func(n netip.Prefix) bool { return n.Contains(ip) })
	})
}
