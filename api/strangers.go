package api

import (
	"net/netip"
	"sync"
	"time"
)

// strangers counts, by address, calls whose token leads nowhere, so that
// somebody who tries tokens costs the store nothing.
type strangers struct {
	mu sync.Mutex
	of map[netip.Addr]*misses
}

// misses are an address's within the minute that began with the first.
type misses struct {
	since time.Time
	count int
}

// maxMisses is how many unknown tokens of one address in a minute are looked
// for in the store, and maxStrangerAddresses how many addresses are counted.
const (
	maxMisses            = 60
	maxStrangerAddresses = 10_000
)

// counted is what is counted together: an IPv4 address, or the /64 that one
// IPv6 customer has.
func counted(ip netip.Addr) netip.Addr {
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}

// many reports whether an address has missed as often as it may.
func (s *strangers) many(ip netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of[counted(ip)]
	return m != nil && now.Sub(m.since) < time.Minute && m.count >= maxMisses
}

// missed counts one more.
func (s *strangers) missed(ip netip.Addr, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of[counted(ip)]
	switch {
	case m != nil && now.Sub(m.since) < time.Minute:
		m.count++
		return
	case len(s.of) >= maxStrangerAddresses:
		s.forget(now)
	}
	if s.of == nil {
		s.of = map[netip.Addr]*misses{}
	}
	s.of[counted(ip)] = &misses{since: now, count: 1}
}

// forget makes room: for minutes that are over or, where there are none, by
// beginning anew.
func (s *strangers) forget(now time.Time) {
	for ip, m := range s.of {
		if now.Sub(m.since) >= time.Minute {
			delete(s.of, ip)
		}
	}
	if len(s.of) >= maxStrangerAddresses {
		clear(s.of)
	}
}
