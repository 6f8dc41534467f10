package relay

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// idPrefix and the 3EB0 after it give a message id the form of a WhatsApp Web
// id, so that such a channel can send the same id again without a second
// message.
const idPrefix = "wa_backend:3EB0"

// ValidMessageID reports whether s has the form of a message id:
// ^wa_backend:3EB0[0-9A-F]{18}$.
func ValidMessageID(s string) bool {
	digits, ok := strings.CutPrefix(s, idPrefix)
	if !ok || len(digits) != 18 {
		return false
	}
	for _, c := range []byte(digits) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// RawMessageID is the 9 bytes of a message id: 48 bits of milliseconds and 24
// that tell apart what one millisecond brings. False where s is no id.
func RawMessageID(s string) (raw [9]byte, ok bool) {
	if !ValidMessageID(s) {
		return raw, false
	}
	_, err := hex.Decode(raw[:], []byte(s[len(idPrefix):]))
	return raw, err == nil
}

// FormatMessageID is the id of 9 raw bytes.
func FormatMessageID(raw [9]byte) string {
	return idPrefix + strings.ToUpper(hex.EncodeToString(raw[:]))
}

// MessageTime is when an id was made, to the millisecond.
func MessageTime(raw [9]byte) time.Time {
	var b [8]byte
	copy(b[2:], raw[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:]))).UTC()
}

// IDs makes message ids that strictly increase. It may be used concurrently.
type IDs struct {
	mu   sync.Mutex
	ms   int64
	tail uint32
}

// After makes later ids sort after raw: what a store already holds.
func (g *IDs) After(raw [9]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms, tail := MessageTime(raw).UnixMilli(), uint32(raw[6])<<16|uint32(raw[7])<<8|uint32(raw[8])
	if ms > g.ms || ms == g.ms && tail > g.tail {
		g.ms, g.tail = ms, tail
	}
}

// New makes an id for now. The first of a millisecond gets a random tail, the
// next ones count up; the clock part never goes back, and moves on by itself
// where a millisecond is used up.
func (g *IDs) New(now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch ms := now.UnixMilli(); {
	case ms > g.ms:
		g.ms, g.tail = ms, randomTail()
	case g.tail == 1<<24-1:
		g.ms, g.tail = g.ms+1, randomTail()
	default:
		g.tail++
	}
	var raw [9]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(g.ms))
	copy(raw[:6], ms[2:])
	raw[6], raw[7], raw[8] = byte(g.tail>>16), byte(g.tail>>8), byte(g.tail)
	return FormatMessageID(raw)
}

func randomTail() uint32 {
	var b [3]byte
	rand.Read(b[:])
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}

// NewID makes an id for a workspace, channel or key: the prefix and 20
// characters that sort by time, to the millisecond, and are random below it.
func NewID(prefix string) string {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	var b [12]byte
	copy(b[:6], ms[2:])
	rand.Read(b[6:])
	return prefix + idText.EncodeToString(b[:])
}

// idText keeps the order of the bytes: digits before letters.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
