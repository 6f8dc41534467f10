package hook

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// mending is what a walk changes in a body that is almost JSON, where only
// one thing can be meant.
type mending uint8

const (
	part mending = iota // of a change that another one names
	lineBreak
	controls
	missingComma
	extraComma
	otherQuotes
	bareNumbers
	bareNames
	bareWords
	emptyValue
	oddSpace
	needlessEscape
)

// mended says in words what was done.
func (k mending) String() string {
	return [...]string{
		"", `a line break inside a text was read as \n`, "a control character inside a text was escaped", "a missing comma was put in",
		"a comma or semicolon too many was left out", "quotes that are no plain double quotes were read as such", "a number without quotes that is none in JSON was read as text",
		"a name without double quotes was quoted", "a word that is none in JSON was read as the one that is meant",
		"an empty value was read as null", "characters that only look like spaces were left out", `\' was read as '`,
	}[k]
}

// repair puts something in place of the bytes from, to of a body.
type repair struct {
	from, to int
	put      string
	kind     mending
}

// mend notes a repair. Without leave to mend it does not, and returns false.
func (w *walk) mend(kind mending, from, to int, put string) bool {
	if w.leave {
		w.repairs = append(w.repairs, repair{from, to, put, kind})
	}
	return w.leave
}

// mended is the body with all repairs made, and how to find the way back.
func (w *walk) mended() ([]byte, []edit) {
	slices.SortStableFunc(w.repairs, func(a, b repair) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	out := make([]byte, 0, len(w.b)+2*len(w.repairs))
	edits := make([]edit, 0, len(w.repairs))
	at := 0
	for _, r := range w.repairs {
		if r.from < at { // cannot happen: two repairs of the same bytes
			return nil, nil
		}
		out = append(out, w.b[at:r.from]...)
		edits = append(edits, edit{at: len(out), old: r.to - r.from, now: len(r.put)})
		out = append(out, r.put...)
		at = r.to
	}
	return append(out, w.b[at:]...), edits
}

// told are the repairs in words, one sentence for each kind.
func (w *walk) told() []string {
	var count [needlessEscape + 1]int
	for _, r := range w.repairs {
		count[r.kind]++
	}
	var all []string
	for _, r := range w.repairs {
		n := count[r.kind]
		if r.kind == part || n == 0 {
			continue
		}
		count[r.kind] = 0
		line, column := position(w.b, r.from)
		s := fmt.Sprintf("Mended: line %d, column %d: %s", line, column, r.kind)
		if n > 1 {
			s += fmt.Sprintf(" (%d times in all)", n)
		}
		all = append(all, s+".")
	}
	return all
}

// control escapes a control character inside a text.
func (w *walk) control(c byte) bool {
	switch c {
	case 0:
		return false
	case '\n':
		return w.mend(lineBreak, w.at, w.at+1, `\n`)
	case '\r':
		if w.at+1 < len(w.b) && w.b[w.at+1] == '\n' {
			return w.mend(part, w.at, w.at+1, "")
		}
		return w.mend(lineBreak, w.at, w.at+1, `\n`)
	}
	return w.mend(controls, w.at, w.at+1, fmt.Sprintf(`\u%04x`, c))
}

// closers are what may close a text that one of these opened. Word processors
// mix them.
func closers(open rune) string {
	switch {
	case open == '\'':
		return "'"
	case strings.ContainsRune("‘’‚‛′`´", open):
		return "‘’‚‛′`´'"
	case strings.ContainsRune("“”„‟″«»", open):
		return "“”„‟″«»\""
	}
	return ""
}

// otherwiseQuoted walks over a text between quotes that are not JSON's. It
// ends where a closing one is followed by what may follow a text: an
// apostrophe within does not end it.
func (w *walk) otherwiseQuoted() bool {
	start := w.at
	open, n := utf8.DecodeRune(w.b[w.at:])
	close := closers(open)
	w.mend(otherQuotes, w.at, w.at+n, `"`)
	for w.at += n; !w.done(); w.at += n {
		var r rune
		r, n = utf8.DecodeRune(w.b[w.at:])
		switch {
		case strings.ContainsRune(close, r) && w.endsHere(w.at+n):
			w.mend(part, w.at, w.at+n, `"`)
			w.at += n
			w.begin, w.end = start, w.at
			return true
		case r == '"':
			w.mend(part, w.at, w.at+1, `\"`)
		case r < ' ':
			if !w.control(byte(r)) {
				return w.badControl(byte(r))
			}
		case r == '\\' && w.at+1 < len(w.b) && w.b[w.at+1] == '\'':
			w.mend(part, w.at, w.at+1, "")
			n = 2
		case r == '\\':
			var ok bool
			if n, ok = escape(w.b[w.at:]); !ok {
				return w.badEscape()
			}
		}
	}
	line, column := position(w.b, start)
	return w.cutShort(fmt.Sprintf("in the middle of the text in quotes that starts on line %d, column %d", line, column))
}

// endsHere reports whether what follows may follow a text.
func (w *walk) endsHere(at int) bool {
	probe := walk{b: w.b, at: at, leave: w.leave}
	probe.next()
	at = probe.at
	return at == len(w.b) || strings.IndexByte(":,}]", w.b[at]) >= 0
}

// aName reports whether a name and a colon come next: then nothing but a
// comma is missing before them.
func (w *walk) aName() bool {
	probe := walk{b: w.b, at: w.at, leave: true}
	c := probe.next()
	return !probe.done() && probe.name(c) && probe.next() == ':'
}

var (
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	looseNumber = regexp.MustCompile(`^[+(]?[0-9][0-9 \x{a0}()./+-]*`)
	looseWord   = regexp.MustCompile(`^[A-Za-z]+`)
)

// bareNumber walks over what is a number to people only, such as a phone
// number without quotes.
func (w *walk) bareNumber() bool {
	rest := w.b[w.at:]
	found := bytes.TrimRight(looseNumber.Find(rest), " \u00a0")
	if len(found) == 0 || jsonNumber.Match(found) {
		return false
	}
	if next := w.at + len(found); !w.endsHere(next) && !bytes.ContainsAny(w.b[next:space(w.b, next)], "\r\n") {
		return false
	}
	w.quote(bareNumbers, len(found))
	return true
}

// quote puts n bytes into double quotes, and steps over them.
func (w *walk) quote(kind mending, n int) {
	w.mend(kind, w.at, w.at, `"`)
	w.begin = w.at
	w.at += n
	w.end = w.at
	w.mend(part, w.at, w.at, `"`)
}

// bareWord walks over what other languages write for true, false and null.
func (w *walk) bareWord() bool {
	found := looseWord.Find(w.b[w.at:])
	if !w.endsHere(w.at + len(found)) {
		return false
	}
	want := strings.ToLower(string(found))
	switch want {
	case "none", "nil", "undefined":
		want = "null"
	case "true", "false", "null":
		if want == string(found) {
			return false
		}
	default:
		return false
	}
	w.mend(bareWords, w.at, w.at+len(found), want)
	w.begin = w.at
	w.at += len(found)
	w.end = w.at
	return true
}

// skipOdd leaves out what looks like white space and is none in JSON, as text
// copied from web pages has it.
func (w *walk) skipOdd() {
	for w.leave && !w.done() && w.b[w.at] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(w.b[w.at:])
		if !oddSpaces(r) {
			return
		}
		w.mend(oddSpace, w.at, w.at+n, "")
		w.at = space(w.b, w.at+n)
	}
}
