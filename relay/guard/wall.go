package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// wall decides by IP address and port. It never changes after it was made.
type wall struct {
	allow  []netip.Prefix
	public *ssrf.Guardian
}

// newWall takes the networks that are not public from the registries of
// special-purpose addresses, as the ssrf module lists them
// (https://www.iana.org/assignments/iana-ipv4-special-registry and
// iana-ipv6-special-registry). Of IPv6, only 2000::/3 is public: that leaves
// out loopback, link-local, unique and site-local, multicast, NAT64 and
// IPv4-compatible addresses; Teredo and 6to4 are listed on their own.
func newWall(allow []netip.Prefix) *wall {
	w := &wall{public: ssrf.New(
		ssrf.WithAnyPort(),
		// A public address that on Azure is the platform's own service.
		// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
		ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")),
	)}
	for _, p := range allow {
		w.allow = append(w.allow, unmap(p))
	}
	return w
}

// unmap turns an IPv4-mapped network into the IPv4 network it stands for.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// control is a net.Dialer's: it sees each resolved address before a packet
// leaves for it.
func (w *wall) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("guard: %s is not TCP", network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	if rule := w.refuses(at); rule != "" {
		return &BlockedError{Rule: rule, Host: at.Addr().String(), Addr: at}
	}
	return nil
}

// refuses is empty for an address that may be dialed. An IPv4-mapped address
// is the IPv4 address inside it, for better and for worse.
func (w *wall) refuses(at netip.AddrPort) Rule {
	ip := at.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(w.allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return ""
	}
	if w.public.SafeAddr(ip) != nil {
		return NotPublic
	}
	// Below 1024 live mail, SSH and the like, which must not be made to read
	// an HTTP request; people do serve files on 8080 or 8443.
	if port := at.Port(); port != 80 && port != 443 && port < 1024 {
		return Port
	}
	return ""
}
