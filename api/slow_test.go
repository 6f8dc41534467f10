package api

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a body that takes its time.
type slowly struct {
	io.Reader
	wait time.Duration
}

// Read waits first.
func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	return s.Reader.Read(p)
}

func TestASlowBodyIsAcceptedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, 5)
		body := `{"action":"send","phone":"+14155550100","text":"from afar"}`
		rec := h.call("POST", "/hook/"+h.token, &slowly{Reader: strings.NewReader(body), wait: 2 * answerWithin})
		if rec.Code != 200 {
			t.Errorf("got %d %s", rec.Code, rec.Body)
		}
	})
}
