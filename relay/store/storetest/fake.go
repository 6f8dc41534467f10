package storetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"relevo/relay"
)

// driver is a provider that does as it is told and remembers every call.
type driver struct {
	mu       sync.Mutex
	calls    []call
	answer   func(relay.Outgoing) (string, error) // nil: it is sent
	takes    func(relay.Outgoing) time.Duration   // nil: no time
	captions bool
}

// call is one hand-over.
type call struct {
	Message, Channel, Recipient, Text string
	File                              string
	Try                               int
	Start, End                        time.Time
	Err                               error
}

// Send answers as told, after the time that it is told to take.
func (d *driver) Send(ctx context.Context, out relay.Outgoing) (id string, err error) {
	c := call{Message: out.MessageID, Channel: out.Channel.ID, Recipient: out.Recipient, Text: out.Text, Try: out.Try, Start: time.Now()}
	if out.File != nil {
		c.File = out.File.Name
	}
	d.mu.Lock()
	answer, takes := d.answer, d.takes
	d.mu.Unlock()
	if takes != nil {
		select {
		case <-time.After(takes(out)):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if answer != nil && err == nil {
		id, err = answer(out)
	} else if err == nil {
		id = "p-" + out.MessageID
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c.End, c.Err = time.Now(), err
	d.calls = append(d.calls, c)
	return id, err
}

// Captions says whether a text goes under a file.
func (d *driver) Captions(relay.FileKind) bool { return d.captions }

// does sets what the next calls answer.
func (d *driver) does(answer func(relay.Outgoing) (string, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

// fails makes the next calls fail.
func (d *driver) fails(e *relay.SendError) {
	d.does(func(relay.Outgoing) (string, error) { return "", e })
}

func (d *driver) made() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]call(nil), d.calls...)
}

// tries counts the calls for a message.
func (d *driver) tries(id string) (n int) {
	for _, c := range d.made() {
		if c.Message == id {
			n++
		}
	}
	return n
}

// files is a place for attachments that does as it is told.
type files struct {
	mu    sync.Mutex
	fails []error // of the next fetches, in order; nil is a success
	kept  map[string]time.Time
	tried int
	takes time.Duration
}

// validKey is what package media takes for a key.
var validKey = regexp.MustCompile(`^[A-Za-z0-9_:-]{1,128}$`)

// Fetch keeps a file of 7 bytes, or fails as told.
func (f *files) Fetch(ctx context.Context, key, _, _ string, _ relay.FileKind, _ int64) (string, int64, error) {
	if !validKey.MatchString(key) {
		return "", 0, errors.New("not a key")
	}
	f.mu.Lock()
	f.tried++
	takes := f.takes
	f.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fails) > 0 {
		err := f.fails[0]
		f.fails = f.fails[1:]
		if err != nil {
			return "", 0, err
		}
	}
	f.kept[key] = time.Now()
	return "image/png", 7, nil
}

// made is how many fetches were begun.
func (f *files) made() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tried
}

// Keep keeps what a provider gave.
func (f *files) Keep(_ context.Context, key string, src io.Reader, limit int64) (string, int64, error) {
	if !validKey.MatchString(key) {
		return "", 0, errors.New("not a key")
	}
	b, err := io.ReadAll(io.LimitReader(src, limit+1))
	if err != nil {
		return "", 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[key] = time.Now()
	return http.DetectContentType(b), int64(len(b)), nil
}

// Open opens what was kept.
func (f *files) Open(key string) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.kept[key]; !ok {
		return nil, errors.New("no such file")
	}
	return io.NopCloser(strings.NewReader("content")), nil
}

// Remove forgets one.
func (f *files) Remove(key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, key)
	return nil
}

// Keys lists what is kept.
func (f *files) Keys(fn func(string, time.Time) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, at := range f.kept {
		if err := fn(k, at); err != nil {
			return err
		}
	}
	return nil
}
