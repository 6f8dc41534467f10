package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestAFileThatIsTooLongEndsWithAnError(t *testing.T) {
	errTooLong := errors.New("too long")
	for n, want := range map[int]error{9: nil, 10: nil, 11: errTooLong, 5000: errTooLong} {
		b := Bounded(io.NopCloser(bytes.NewReader(make([]byte, n))), 10, errTooLong)
		if got, err := io.ReadAll(b); err != want || err == nil && len(got) != n {
			t.Errorf("%d of %d bytes: %v, want %v", len(got), n, err, want)
		}
	}
}

func TestAFileThatNeverEndsIsCutOff(t *testing.T) {
	b := Bounded(io.NopCloser(endless{}), 1<<20, errors.New("too long"))
	if n, err := io.Copy(io.Discard, b); err == nil || n > 1<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
