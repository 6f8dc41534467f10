package wire

import (
	"errors"
	"io"
	"net/url"
)

// Bounded is a file that somebody sent, of at most so many bytes. A longer one
// ends with the error tooLong, so that nobody takes a part for the whole.
func Bounded(body io.ReadCloser, most int64, tooLong error) io.ReadCloser {
	return &bounded{body, most, tooLong}
}

type bounded struct {
	io.ReadCloser
	left    int64
	tooLong error
}

// Read reads what is left of the limit, and one byte more to see the end.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		return 0, b.tooLong
	}
	b.left -= int64(n)
	return n, err
}

// WithoutAddress is the error of a call without the address, which may be
// secret: that of a file is often enough to open it.
func WithoutAddress(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
