package console

import (
	"strings"
	"unicode"
)

// codeLine is one line of a body as it is shown.
type codeLine struct {
	// N counts from 1.
	N    int
	Text string
	// Fault marks the line of the fault; Before is what stands left of it.
	Fault  bool
	Before string
}

// maxCodeLines bounds what one page shows of a body; the rest can be
// downloaded.
const maxCodeLines = 1000

// codeLines cuts a body into lines, with a caret under the place of a fault;
// line and column count from 1, 0 for none. more is how many lines are left
// out. What would hide in a line is shown by a sign in its place.
func codeLines(body []byte, line, column int) (lines []codeLine, more int) {
	text := strings.ToValidUTF8(string(body), "\uFFFD")
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	from := 0
	if line > maxCodeLines {
		from = min(line, len(all)) - maxCodeLines/2
	}
	for i, s := range all {
		if i < from || len(lines) == maxCodeLines {
			more++
			continue
		}
		s = visible(strings.TrimSuffix(s, "\r"))
		l := codeLine{N: i + 1, Text: s}
		if i+1 == line && column > 0 {
			r := []rune(s)
			l.Fault, l.Before = true, string(r[:min(column-1, len(r))])
		}
		lines = append(lines, l)
	}
	return lines, more
}

// visible shows a sign for each character that cannot be seen or turns the
// direction of what follows, so that columns stay what they are.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' ' // one column wide, as columns count it
		case r < ' ':
			return '␀' + r
		case r == 0x7F:
			return '␡'
		case r == ' ' || r == 0x200D || unicode.IsPrint(r) || unicode.Is(unicode.Mn, r):
			return r
		}
		return '\uFFFD'
	}, s)
}
