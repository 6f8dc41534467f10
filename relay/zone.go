package relay

import (
	"time"
	_ "time/tzdata" // images without a system have no zones
)

// ValidTimeZone reports whether a time zone is known by this IANA name. What
// only means this machine's own is none.
func ValidTimeZone(name string) bool {
	if name == "" || name == "Local" || len(name) > 64 {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}
