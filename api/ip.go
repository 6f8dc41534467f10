package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP is who calls: the other end of the connection or, where that is a
// trusted proxy, the last address in X-Forwarded-For that is none. What stands
// further left in that header was written by the caller.
func clientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	ip := readIP(r.RemoteAddr)
	if !isTrusted(ip, trusted) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		next := readIP(strings.TrimSpace(hop))
		if !next.IsValid() {
			return ip
		}
		if ip = next; !isTrusted(ip, trusted) {
			return ip
		}
	}
	return ip
}

func isTrusted(ip netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// readIP reads an address with or without a port; the zero address where it is
// none.
func readIP(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
