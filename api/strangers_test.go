package api

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"relevo/api/hook"
	"relevo/api/sender"
	"relevo/relay"
)

func TestAStrangerIsCountedForAMinuteByWhatOneCustomerHas(t *testing.T) {
	var s strangers
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	v4, v6, neighbour := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:1:2::1"), netip.MustParseAddr("2001:db8:1:2:ffff::9")
	for range maxMisses {
		s.missed(v4, at)
		s.missed(v6, at)
	}
	for _, c := range []struct {
		ip    netip.Addr
		after time.Duration
		want  bool
	}{
		{v4, 0, true}, {v4, time.Minute - 1, true}, {v4, time.Minute, false}, {netip.MustParseAddr("192.0.2.2"), 0, false},
		{v6, 0, true}, {neighbour, 0, true}, {netip.MustParseAddr("2001:db8:1:3::1"), 0, false},
	} {
		if got := s.many(c.ip, at.Add(c.after)); got != c.want {
			t.Errorf("%s after %s: %v", c.ip, c.after, got)
		}
	}
	s.missed(v4, at.Add(time.Minute))
	if s.many(v4, at.Add(time.Minute)) {
		t.Error("a new minute begins with the misses of the last")
	}
}

func TestStrangersTakeNoMoreMemoryThanTheirLimit(t *testing.T) {
	var s strangers
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range uint32(3 * maxStrangerAddresses) {
		s.missed(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, i))), at)
		if len(s.of) > maxStrangerAddresses {
			t.Fatalf("%d addresses are counted", len(s.of))
		}
	}
	s.missed(netip.MustParseAddr("192.0.2.1"), at.Add(time.Minute))
}

func TestALimitIsToldInHeaders(t *testing.T) {
	h := build(t, 50)
	h.patch(`{"rate_per_minute":2}`)
	for i, want := range []string{`"webhook";r=1;t=30`, `"webhook";r=0;t=60`} {
		rec := h.post(hello)
		if got := rec.Header().Get("RateLimit"); rec.Code != 200 || got != want || rec.Header().Get("RateLimit-Policy") != `"webhook";q=2;w=60` {
			t.Errorf("call %d: %d, RateLimit %s, policy %s", i, rec.Code, got, rec.Header().Get("RateLimit-Policy"))
		}
	}
	rec := h.post(hello)
	h.refused(rec, http.StatusTooManyRequests, relay.CodeRateLimited)
	if wait := rec.Header().Get("Retry-After"); wait != "30" || rec.Header().Get("RateLimit") != `"webhook";r=0;t=60` {
		t.Errorf("Retry-After %s, RateLimit %s", wait, rec.Header().Get("RateLimit"))
	}
	h.patch(`{"rate_per_minute":0}`)
	if rec := h.post(hello); rec.Code != 200 || rec.Header().Get("RateLimit") != "" {
		t.Errorf("without a limit: %d %s", rec.Code, rec.Header().Get("RateLimit"))
	}
}

func TestEveryPresetIsAMappingThatAWebhookTakes(t *testing.T) {
	h := build(t, 50)
	presets := 0
	for _, tool := range sender.Tools() {
		if tool.Preset == nil {
			continue
		}
		presets++
		if err := hook.CheckMapping(tool.Mapping()); err != nil {
			t.Errorf("%s: %v", tool.ID, err)
		}
		h.patch(`{"mapping":{"preset":"` + tool.ID + `"}}`)
	}
	list := h.object(h.api(http.MethodGet, "webhook/presets", ""), 200)["data"].([]any)
	if len(list) != presets || presets < 8 {
		t.Errorf("%d presets are listed, %d are there", len(list), presets)
	}
}
