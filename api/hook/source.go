package hook

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"relevo/relay"
)

// source is the text that places in refusals are told in: the body as its
// sender wrote it, in UTF-8.
type source struct {
	text []byte
	// edits lead from what was mended back to the text, in the order of both.
	edits []edit
	// placeless text was made here, from a form or by a mapping: nobody has
	// seen its lines.
	placeless bool
}

// edit is one change: old bytes of the text became so many others, at an
// offset of the mended text.
type edit struct{ at, old, now int }

// origin is where a byte of the mended text comes from.
func (s *source) origin(at int) int {
	moved := 0
	for _, e := range s.edits {
		switch {
		case at < e.at:
			return at + moved
		case at < e.at+e.now:
			return e.at + moved
		}
		moved += e.old - e.now
	}
	return at + moved
}

// place is the line and column of a byte of the mended text, both from 1;
// zero where there are no lines.
func (s *source) place(at int) (line, column int) {
	if s.placeless {
		return 0, 0
	}
	return position(s.text, s.origin(at))
}

// Widths of an excerpt, in characters around the place that it shows.
const (
	excerptBefore = 40
	excerptAfter  = 30
)

// pointOut gives a fault that has a place an excerpt: the line, and under it
// a caret at the column.
func (s *source) pointOut(f *relay.FieldError) {
	if f.Line == 0 {
		return
	}
	rest := s.text
	for range f.Line - 1 {
		rest = rest[bytes.IndexByte(rest, '\n')+1:]
	}
	raw, _, _ := bytes.Cut(rest, []byte{'\n'})
	line := []rune(printable(string(bytes.TrimRight(raw, "\r"))))
	at := min(f.Column-1, len(line))
	from, to := max(0, at-excerptBefore), min(len(line), at+excerptAfter)
	before, after := string(line[from:at]), string(line[at:to])
	if from > 0 {
		before = "…" + before
	}
	if to < len(line) {
		after += "…"
	}
	f.Excerpt = before + after + "\n" + strings.Repeat(" ", utf8.RuneCountInString(before)) + "^"
}
