package pgstore

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// giveUpAfter bounds how long sent bytes may stay unacknowledged:
// https://man7.org/linux/man-pages/man7/tcp.7.html, TCP_USER_TIMEOUT.
func giveUpAfter(fd uintptr, d time.Duration) error {
	return syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}
