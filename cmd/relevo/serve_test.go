package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wires is a listener whose connections a test makes by hand.
type wires chan net.Conn

func (w wires) Accept() (net.Conn, error) {
	if c, ok := <-w; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (w wires) Close() error   { return nil }
func (w wires) Addr() net.Addr { return &net.TCPAddr{} }

func TestWhoReadsNoAnswerIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, end := make(wires), make(chan struct{})
		wrote := make(chan error, 1)
		s := &server{log: slog.New(slog.DiscardHandler)}
		ended := make(chan error, 1)
		go func() {
			ended <- s.serveHTTP(end, t.Context(), w, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20)))
				wrote <- err
			}))
		}()
		ours, theirs := net.Pipe()
		defer ours.Close()
		w <- theirs
		begun := time.Now()
		fmt.Fprint(ours, "GET / HTTP/1.1\r\nHost: relevo.example\r\n\r\n") // and never reads
		if err := <-wrote; err == nil {
			t.Error("an answer that nobody reads was written")
		}
		if took := time.Since(begun); took > answerWithin {
			t.Errorf("it was written for %s", took)
		}
		close(end)
		close(w)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
