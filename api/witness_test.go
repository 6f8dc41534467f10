package api

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// witness is a handler whose every call and answer is held to openapi.yaml.
type witness struct {
	t    *testing.T
	next http.Handler
	*contract
}

// watched puts a witness before a handler.
func watched(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return &witness{t: t, next: next, contract: c}
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	template := w.template(req.URL.EscapedPath())
	var call bytes.Buffer
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(req.Body, &call), req.Body}
	}
	seen := &seenAnswer{ResponseWriter: rw}
	w.next.ServeHTTP(seen, req)
	if seen.status == 0 {
		seen.WriteHeader(http.StatusOK)
	}
	if err := w.judge(req.Method, template, seen.status, seen.header, seen.body.Bytes()); err != nil {
		w.t.Errorf("%s %s answered %d, against openapi.yaml: %v\n%.2000s", req.Method, req.URL.Path, seen.status, err, seen.body.Bytes())
	}
	if seen.status >= 300 {
		return
	}
	if err := w.judgeCall(req, template, seen.header, call.Bytes()); err != nil {
		w.t.Errorf("%s %s went well, and openapi.yaml does not know such a call: %v\n%.2000s", req.Method, req.URL, err, call.Bytes())
	}
}

// seenAnswer keeps what is answered.
type seenAnswer struct {
	http.ResponseWriter
	status int
	header http.Header
	body   bytes.Buffer
}

// WriteHeader keeps status and headers as they leave.
func (s *seenAnswer) WriteHeader(status int) {
	if s.status == 0 {
		s.status, s.header = status, s.Header().Clone()
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seenAnswer) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.WriteHeader(http.StatusOK)
	}
	s.body.Write(b)
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find deadlines.
func (s *seenAnswer) Unwrap() http.ResponseWriter { return s.ResponseWriter }
