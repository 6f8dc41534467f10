package guard

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
)

// nameServer is a resolver that gives each IPv4 look-up the next address, and
// then the last one for ever. It answers on loopback.
func nameServer(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answerAll(conn, addresses)
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
}

func answerAll(conn net.PacketConn, addresses []string) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		// The question: a header of 12 bytes, labels up to a zero, type, class.
		end := 12
		for buf[end] != 0 {
			end += int(buf[end]) + 1
		}
		end += 5
		if end > n {
			continue
		}
		answer := append([]byte(nil), buf[:end]...)
		binary.BigEndian.PutUint16(answer[2:], 0x8180) // an answer, no error
		clear(answer[6:12])                            // no other sections
		if binary.BigEndian.Uint16(buf[end-4:]) == 1 { // type A
			ip := netip.MustParseAddr(addresses[0]).As4()
			addresses = addresses[min(1, len(addresses)-1):]
			binary.BigEndian.PutUint16(answer[6:], 1)
			// The name by reference, type A, class IN, no time to live, 4 bytes.
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, ip[:]...)
		}
		_, _ = conn.WriteTo(answer, from)
	}
}
