package guard

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicIPv4AddressesPassTheWall(t *testing.T) {
	passTheWall(t, map[string]Rule{
		"93.184.216.34":   "",
		"8.8.8.8":         "",
		"172.15.255.255":  "",
		"172.32.0.0":      "",
		"100.128.0.0":     "",
		"0.0.0.0":         NotPublic,
		"0.1.2.3":         NotPublic,
		"127.0.0.1":       NotPublic,
		"127.255.255.255": NotPublic,
		"10.0.0.1":        NotPublic,
		"172.16.0.1":      NotPublic,
		"172.31.255.255":  NotPublic,
		"192.168.1.1":     NotPublic,
		"100.64.0.1":      NotPublic, // carrier-grade NAT
		"100.100.100.200": NotPublic, // a cloud's metadata service
		"169.254.169.254": NotPublic, // most clouds' metadata service
		"168.63.129.16":   NotPublic, // Azure's platform service
		"192.0.0.192":     NotPublic,
		"192.0.2.1":       NotPublic,
		"198.51.100.1":    NotPublic,
		"203.0.113.1":     NotPublic,
		"198.18.0.1":      NotPublic,
		"198.19.255.255":  NotPublic,
		"192.88.99.1":     NotPublic,
		"224.0.0.1":       NotPublic,
		"239.255.255.250": NotPublic,
		"240.0.0.1":       NotPublic,
		"255.255.255.255": NotPublic,
	})
}

func TestOnlyPublicIPv6AddressesPassTheWall(t *testing.T) {
	passTheWall(t, map[string]Rule{
		"2606:4700:4700::1111":   "",
		"2a00:1450:4001:80b::1":  "",
		"::ffff:93.184.216.34":   "", // the IPv4 address inside it
		"::":                     NotPublic,
		"::1":                    NotPublic,
		"::127.0.0.1":            NotPublic, // IPv4-compatible
		"::8.8.8.8":              NotPublic,
		"::ffff:127.0.0.1":       NotPublic, // IPv4-mapped
		"::ffff:169.254.169.254": NotPublic,
		"::ffff:10.0.0.1":        NotPublic,
		"::ffff:0:127.0.0.1":     NotPublic, // IPv4-translated
		"64:ff9b::a9fe:a9fe":     NotPublic, // NAT64
		"64:ff9b::808:808":       NotPublic,
		"64:ff9b:1::a00:1":       NotPublic, // NAT64 of local use
		"100::1":                 NotPublic, // discard
		"2001::1":                NotPublic, // Teredo
		"2001:0:4136:e378::1":    NotPublic,
		"2001:2::1":              NotPublic, // benchmarks
		"2001:20::1":             NotPublic, // ORCHIDv2
		"2001:db8::1":            NotPublic,
		"3fff::1":                NotPublic,
		"2002:7f00:1::":          NotPublic, // 6to4
		"fc00::1":                NotPublic,
		"fd00:ec2::254":          NotPublic, // a cloud's metadata service
		"fe80::1":                NotPublic,
		"fe80::1%eth0":           NotPublic,
		"fec0::1":                NotPublic, // site-local
		"ff02::1":                NotPublic,
		"5f00::1":                NotPublic, // segment routing
	})
}

func passTheWall(t *testing.T, addresses map[string]Rule) {
	t.Helper()
	w := newWall(nil)
	for address, want := range addresses {
		t.Run(address, func(t *testing.T) {
			at := netip.AddrPortFrom(netip.MustParseAddr(address), 443)
			if got := w.refuses(at); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			network := "tcp4"
			if at.Addr().Is6() {
				network = "tcp6"
			}
			if err := w.control(network, at.String(), nil); (err != nil) != (want != "") {
				t.Errorf("control: got %v, want %q", err, want)
			}
		})
	}
}

func TestPublicAddressesOpenOnWebAndHighPortsOnly(t *testing.T) {
	w := newWall(nil)
	for port, want := range map[uint16]Rule{
		80: "", 443: "", 1024: "", 8080: "", 65535: "",
		0: Port, 22: Port, 25: Port, 53: Port, 445: Port, 1023: Port,
	} {
		if got := w.refuses(netip.AddrPortFrom(netip.MustParseAddr("93.184.216.34"), port)); got != want {
			t.Errorf("port %d: got %q, want %q", port, got, want)
		}
	}
}

func TestAnAllowedNetworkIsOpenOnEveryPortAndInItsMappedForm(t *testing.T) {
	for _, c := range []struct {
		allow, address string
		want           Rule
	}{
		{"10.1.0.0/16", "10.1.2.3:22", ""},
		{"10.1.0.0/16", "[::ffff:10.1.2.3]:22", ""},
		{"10.1.0.0/16", "10.2.0.1:443", NotPublic},
		{"10.1.0.0/16", "[::ffff:10.2.0.1]:443", NotPublic},
		{"::ffff:10.1.0.0/112", "10.1.2.3:22", ""},
		{"::ffff:10.1.0.0/112", "10.2.0.1:443", NotPublic},
		{"fe80::/10", "[fe80::1%eth0]:8080", ""},
		{"fd00::/8", "[fd12::1]:25", ""},
		{"fd00::/8", "[fc12::1]:443", NotPublic},
		{"64:ff9b::/96", "[64:ff9b::808:808]:443", ""},
		{"93.184.216.34/32", "93.184.216.34:25", ""},
	} {
		w := newWall([]netip.Prefix{netip.MustParsePrefix(c.allow)})
		if got := w.refuses(netip.MustParseAddrPort(c.address)); got != c.want {
			t.Errorf("%s with %s allowed: got %q, want %q", c.address, c.allow, got, c.want)
		}
	}
}

func TestOnlyTCPIsDialed(t *testing.T) {
	if newWall(nil).control("udp4", "93.184.216.34:443", nil) == nil {
		t.Error("UDP passed the wall")
	}
	if newWall(nil).control("tcp4", "not an address", nil) == nil {
		t.Error("something that is no address passed the wall")
	}
}
