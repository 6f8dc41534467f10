package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"relevo/relay"
)

// How a stream behaves: how often it looks for something new, says that it is
// there, and asks whether its user may still see it.
const (
	liveLook  = time.Second
	liveBeat  = 15 * time.Second
	liveCheck = time.Minute
	// liveWrite is how long a client may take to read an event.
	liveWrite = 30 * time.Second
	// maxStreams is how many one user may have open on this node: a browser
	// opens no more to one host.
	maxStreams = 6
)

// streams counts those that are open, by user. The zero value has none.
type streams struct {
	mu   sync.Mutex
	open map[string]int
}

// begin reports whether the user may open one more; end closes it.
func (s *streams) begin(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]int{}
	}
	if s.open[user] >= maxStreams {
		return false
	}
	s.open[user]++
	return true
}

func (s *streams) end(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// liveAttempts tells of new and changed rows until the client goes, the server
// drains, or the user may no longer look.
func liveAttempts(p *call) error {
	if !p.c.streams.begin(p.User.ID) {
		return &relay.Error{Code: relay.CodeRateLimited, Message: "You have this open in six places already. Close one of them."}
	}
	defer p.c.streams.end(p.User.ID)
	s := &stream{p: p, rc: http.NewResponseController(p.w), known: map[string]time.Time{}}
	l, err := s.first()
	if err == nil {
		err = s.begin()
	}
	if err != nil {
		return err
	}
	if err := s.run(l); err != nil && p.ctx.Err() == nil && !errors.Is(err, errStreamOver) {
		p.c.Log.Error("stream", "route", p.r.Pattern, "request_id", p.RequestID(), "error", err)
	}
	return nil // what was begun cannot be answered otherwise
}

// stream is one that is open.
type stream struct {
	p  *call
	rc *http.ResponseController
	// known are the rows that the page has, by when they last changed.
	known map[string]time.Time
	// newest and count are of the newest attempt when it was looked at last.
	newest string
	count  int
}

// errStreamOver ends a stream whose client reads no more.
var errStreamOver = errors.New("nobody reads the stream")

// begin answers, and lets the connection stay open: the server's limits are
// for calls that end. That of writing begins anew with each event.
func (s *stream) begin() error {
	if err := s.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	h := s.p.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	s.p.w.WriteHeader(http.StatusOK)
	return s.write(": open\n\n")
}

// run looks for something new until it is over. A page that is behind l is
// given all of it.
func (s *stream) run(l attemptList) error {
	look, beat, check := time.NewTicker(liveLook), time.NewTicker(liveBeat), time.NewTicker(liveCheck)
	defer look.Stop()
	defer beat.Stop()
	defer check.Stop()
	if l.After > s.after() {
		if err := s.send("all", "attempts-list", l, l.After); err != nil {
			return err
		}
	}
	for {
		select {
		case <-s.p.ctx.Done():
			return nil
		case <-beat.C:
			if err := s.write(": here\n\n"); err != nil {
				return err
			}
		case <-check.C:
			if !s.still() {
				return nil
			}
		case <-look.C:
			if s.p.c.Draining != nil && s.p.c.Draining() {
				return nil
			}
			if err := s.look(); err != nil {
				return err
			}
		}
	}
}

// still reports whether whoever opened the stream may look at it now.
func (s *stream) still() bool {
	now := &call{c: s.p.c, w: &silent{}, r: s.p.r, ctx: s.p.r.Context()}
	return now.open(route{access: viewers, stream: true}) == nil
}

// silent takes the headers of an answer that nobody gets.
type silent struct{ header http.Header }

func (w *silent) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}
func (w *silent) Write(b []byte) (int, error) { return len(b), nil }
func (w *silent) WriteHeader(int)             {}

// after is what the page knew when it was made, or when the stream broke off.
func (s *stream) after() int64 {
	for _, v := range []string{s.p.r.Header.Get("Last-Event-ID"), s.p.query("after")} {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// first is the list as the stream begins.
func (s *stream) first() (attemptList, error) {
	if _, err := s.peek(); err != nil {
		return attemptList{}, err
	}
	l, err := s.p.attemptList(s.p.ctx)
	for _, r := range l.Rows {
		s.known[r.ID] = r.Latest()
	}
	return l, err
}

// peek reports whether the newest attempt is another, or stands for more calls,
// than when it was looked at last. It reads one row.
func (s *stream) peek() (changed bool, err error) {
	ctx, cancel := context.WithTimeout(s.p.ctx, liveBeat)
	defer cancel()
	err = s.p.c.Relay.Store.View(ctx, func(tx relay.Tx) error {
		last, err := tx.LastAttempts(ctx, s.p.WS.ID, 1)
		if err != nil || len(last) == 0 {
			return err
		}
		changed = last[0].ID != s.newest || last[0].Count != s.count
		s.newest, s.count = last[0].ID, last[0].Count
		return nil
	})
	return changed, err
}

// liveRows are what changed: New in the order of the list, Changed in their
// places, Gone by their ids.
type liveRows struct {
	New, Changed []attemptRow
	Gone         []string
}

// look sends what is new.
func (s *stream) look() error {
	if changed, err := s.peek(); err != nil || !changed {
		return err
	}
	l, err := s.p.attemptList(s.p.ctx)
	if err != nil {
		return err
	}
	var d liveRows
	were, now := len(s.known), map[string]time.Time{}
	for _, r := range l.Rows {
		now[r.ID] = r.Latest()
		switch was, ok := s.known[r.ID]; {
		case !ok:
			d.New = append(d.New, r)
		case !was.Equal(r.Latest()):
			d.Changed = append(d.Changed, r)
		}
	}
	for id := range s.known {
		if _, ok := now[id]; !ok {
			d.Gone = append(d.Gone, id)
		}
	}
	s.known = now
	switch {
	case len(d.New)+len(d.Changed)+len(d.Gone) == 0:
		return nil
	case were == 0:
		return s.send("all", "attempts-list", l, l.After)
	}
	return s.send("rows", "attempts-live", d, l.After)
}

// send writes one event: a part of the page, under an id by which the browser
// says what it has seen.
func (s *stream) send(event, part string, data any, id int64) error {
	b, err := s.p.render("attempts", part, data)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "event: %s\nid: %d\n", event, id)
	for line := range bytes.Lines(b) {
		out.WriteString("data: ")
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	return s.write(out.String())
}

func (s *stream) write(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errStreamOver
	}
	if _, err := s.p.w.Write([]byte(text)); err != nil {
		return errStreamOver
	}
	if err := s.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errStreamOver
	}
	return nil
}
