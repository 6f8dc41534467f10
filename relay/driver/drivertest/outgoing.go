package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"relevo/relay"
)

// named gives a message an id of the suite's.
func named(out relay.Outgoing, n int) relay.Outgoing {
	out.MessageID = fmt.Sprintf("wa_backend:3EB0%018X", 0xD21E<<32+n)
	out.Try = max(out.Try, 1)
	return out
}

// verdictOf is what the relay makes of a driver's error.
func verdictOf(err error) relay.Verdict {
	if e := (*relay.SendError)(nil); errors.As(err, &e) {
		return e.Verdict
	}
	return relay.Unsure
}

// leaks looks for the recipient and the text in everything of an error that
// its owner or the log may show.
func leaks(err error, out relay.Outgoing) (faults []string) {
	shown := map[string]string{"error": err.Error()}
	if e := (*relay.SendError)(nil); errors.As(err, &e) {
		shown["reason"] = e.Reason
		if e.Err != nil {
			shown["error for the log"] = e.Err.Error()
		}
	}
	for where, s := range shown {
		if run := sharedDigits(s, out.Recipient); run != "" {
			faults = append(faults, fmt.Sprintf("the %s shows %s of the recipient's digits", where, run))
		}
		if out.Text != "" && strings.Contains(s, out.Text) {
			faults = append(faults, fmt.Sprintf("the %s shows the message's text", where))
		}
	}
	return faults
}

// shortRun is how many digits in a row may be shown: a kind of number, such as
// its last four digits, is nobody's number.
const shortRun = 4

// sharedDigits is a run of the recipient's digits that s shows, too long to be
// chance, whatever stands between them; empty without one.
func sharedDigits(s, recipient string) string {
	s, recipient = digits(s), digits(recipient)
	for i := range len(recipient) - shortRun {
		if run := recipient[i : i+shortRun+1]; strings.Contains(s, run) {
			return run
		}
	}
	return ""
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// file is an attachment that watches how it is used.
type file struct {
	content []byte
	is      condition
	server  *httptest.Server // nil where the driver reads the file

	mu     sync.Mutex
	opened int
	closed int
	ended  int // readers that were read to their end
}

type condition int

const (
	sound  condition = iota
	locked           // it cannot be opened
	broken           // reading fails half way
)

// errFile is what a locked or broken file answers.
var errFile = errors.New("input/output error")

// linked reports whether the provider fetches images itself.
func linked(d relay.Driver) bool {
	l, ok := d.(relay.Linked)
	return ok && l.NeedsLink(relay.Image)
}

// withFile puts an image of 300 kB under a message of the subject's. Where the
// provider fetches it, it is served until stop.
func withFile(s Subject, is condition) (relay.Outgoing, *file) {
	out := s.Sent(0)
	f := &file{content: make([]byte, 300_000), is: is}
	rand.NewChaCha8([32]byte{1}).Read(f.content)
	out = named(out, 0)
	out.File = &relay.OutgoingFile{
		Name: "picture.png", Kind: relay.Image, Type: "image/png", Size: int64(len(f.content)), Open: f.open,
	}
	if linked(s.Driver) {
		f.server = httptest.NewServer(http.HandlerFunc(f.serve))
		out.File.Link = f.server.URL + "/files/picture.png"
	}
	return out, f
}

// serve gives the file to a provider that fetches it.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	body, err := f.open()
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Length", strconv.Itoa(len(f.content)))
	if r.Method == http.MethodHead {
		return
	}
	io.Copy(w, body)
}

// stop ends what serves the file.
func (f *file) stop() {
	if f.server != nil {
		f.server.Close()
	}
}

func (f *file) open() (io.ReadCloser, error) {
	if f.is == locked {
		return nil, errFile
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &reader{file: f, rest: bytes.NewReader(f.content)}, nil
}

// faults says what was not done with the file that had to be.
func (f *file) faults() (faults []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.is != locked && f.opened == 0 {
		faults = append(faults, "the file was never opened")
	}
	if f.closed != f.opened {
		faults = append(faults, fmt.Sprintf("the file was opened %d times and closed %d times", f.opened, f.closed))
	}
	if f.is == sound && f.opened > 0 && f.ended == 0 {
		faults = append(faults, "the file was not read to its end")
	}
	return faults
}

// reader reads a file once.
type reader struct {
	file          *file
	rest          *bytes.Reader
	ended, closed bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.file.is == broken && r.rest.Len() <= len(r.file.content)/2 {
		return 0, errFile
	}
	n, err := r.rest.Read(p)
	if r.rest.Len() == 0 && !r.ended {
		r.ended = true
		r.count(&r.file.ended)
	}
	return n, err
}

func (r *reader) Close() error {
	if !r.closed {
		r.closed = true
		r.count(&r.file.closed)
	}
	return nil
}

func (r *reader) count(n *int) {
	r.file.mu.Lock()
	defer r.file.mu.Unlock()
	*n++
}
