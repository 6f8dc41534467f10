package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. It is written with a unit: 64MiB, 1GiB, 500kB.
type Size int64

// The binary units.
const (
	KiB Size = 1 << 10
	MiB      = KiB << 10
	GiB      = MiB << 10
	TiB      = GiB << 10
)

// sizeUnits are tried in this order; "B" and nothing mean bytes.
var sizeUnits = [...]struct {
	name  string
	bytes Size
}{
	{"tib", TiB}, {"gib", GiB}, {"mib", MiB}, {"kib", KiB},
	{"tb", 1e12}, {"gb", 1e9}, {"mb", 1e6}, {"kb", 1e3},
	{"b", 1}, {"", 1},
}

// UnmarshalText reads a whole number and its unit.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.ToLower(strings.TrimSpace(string(b)))
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || Size(n) > math.MaxInt64/u.bytes {
			break
		}
		*s = Size(n) * u.bytes
		return nil
	}
	return errors.New("is no size; write a whole number and a unit, like 64MiB or 1GiB")
}

// String writes it with the largest binary unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range []struct {
		name  string
		bytes Size
	}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}} {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
