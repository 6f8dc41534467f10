package hook

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text walks over a string.
func (w *walk) text() bool {
	start := w.at
	w.broken = -1
	for w.at++; !w.done(); w.at++ {
		switch c := w.b[w.at]; {
		case c == '"':
			w.step()
			w.begin = start
			return true
		case c < ' ':
			if w.broken < 0 && (c == '\n' || c == '\r') {
				w.broken = w.at
			}
			if !w.control(c) {
				return w.badControl(c)
			}
		case c == '\\' && w.at+1 < len(w.b) && w.b[w.at+1] == '\'' && w.mend(needlessEscape, w.at, w.at+1, ""):
			w.at++
		case c == '\\':
			n, ok := escape(w.b[w.at:])
			if !ok {
				return w.badEscape()
			}
			w.at += n - 1
		}
	}
	line, column := position(w.b, start)
	return w.cutShort(fmt.Sprintf("in the middle of the string that starts on line %d, column %d", line, column))
}

// badControl is the fault of a control character inside a text.
func (w *walk) badControl(c byte) bool {
	switch c {
	case '\n', '\r':
		return w.fail(w.at, "there is a line break inside a string.", `Write it as \n. If the string should end here, its closing double quote is missing.`)
	case '\t':
		return w.fail(w.at, "there is a tab inside a string.", `Write it as \t.`)
	}
	return w.fail(w.at, fmt.Sprintf("there is the control character U+%04X inside a string.", c), fmt.Sprintf(`Remove it, or write it as \u%04X.`, c))
}

func (w *walk) badEscape() bool {
	rest := w.b[w.at+1:]
	switch {
	case len(rest) == 0 || rest[0] == 'u' && len(rest) < 5 && strings.Trim(string(rest[1:]), "0123456789abcdefABCDEF") == "":
		return w.cutShort("in the middle of a string")
	case rest[0] == 'u':
		return w.fail(w.at, `this \u stands for no character.`, `Write the character itself, or its whole code, such as \u00e9 or \ud83d\ude00.`)
	}
	if rest[0] < ' ' {
		return w.fail(w.at, "a backslash stands at the end of a line.", `Write a line break as \n, and a backslash as \\.`)
	}
	_, n := utf8.DecodeRune(rest)
	return w.fail(w.at, fmt.Sprintf(`a backslash before %s means nothing.`, quoteWord(rest[:n])), `Write a backslash as \\.`)
}

// escape is the length of the escape sequence at the start of b.
func escape(b []byte) (n int, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	if b[1] != 'u' {
		return 2, strings.IndexByte(`"\/bfnrt`, b[1]) >= 0
	}
	r, ok := hex4(b[2:])
	if !ok || !utf16.IsSurrogate(r) {
		return 6, ok
	}
	if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return 0, false
	}
	low, ok := hex4(b[8:])
	return 12, ok && utf16.DecodeRune(r, low) != utf8.RuneError
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case digit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// number walks over a number.
func (w *walk) number() bool {
	start := w.at
	if w.b[w.at] == '-' {
		w.at++
	}
	zero := !w.done() && w.b[w.at] == '0'
	first := w.at
	if !w.digits() {
		return w.badNumber(start)
	}
	if zero && w.at > first+1 {
		return w.fail(start, "a number cannot start with 0.", "Write it in double quotes.")
	}
	if !w.done() && w.b[w.at] == '.' {
		w.at++
		if !w.digits() {
			return w.badNumber(start)
		}
	}
	if !w.done() && w.b[w.at]|0x20 == 'e' {
		w.at++
		if !w.done() && (w.b[w.at] == '+' || w.b[w.at] == '-') {
			w.at++
		}
		if !w.digits() {
			return w.badNumber(start)
		}
	}
	w.begin, w.end = start, w.at
	return true
}

func (w *walk) digits() bool {
	start := w.at
	for !w.done() && digit(w.b[w.at]) {
		w.at++
	}
	return w.at > start
}

func (w *walk) badNumber(start int) bool {
	if w.done() {
		return w.cutShort("in the middle of a number")
	}
	return w.fail(start, fmt.Sprintf("%s is not a number.", excerpt(string(w.b[start:w.at])+"…")), "Write it in double quotes.")
}

// literal walks over true, false or null, and explains what else may start a
// value wrongly.
func (w *walk) literal() bool {
	rest := w.b[w.at:]
	if w.comment() {
		return false
	}
	n := 0
	for n < len(rest) && wordByte(rest[n]) {
		n++
	}
	found := string(rest[:n])
	if w.leave && n > 0 && w.bareWord() {
		return true
	}
	for _, want := range [...]string{"true", "false", "null"} {
		switch {
		case found == want:
			w.begin = w.at
			w.at += n
			w.end = w.at
			return true
		case n == len(rest) && strings.HasPrefix(want, found):
			return w.cutShort("in the middle of " + want)
		case strings.EqualFold(found, want):
			return w.fail(w.at, fmt.Sprintf("%s is not a JSON value.", found), "Write "+want+" in small letters.")
		}
	}
	switch found {
	case "None", "undefined", "nil", "NaN":
		return w.fail(w.at, found+" is not a JSON value.", "Write null.")
	}
	if rest[0] == '\'' || curly(rest) {
		if w.leave {
			return w.otherwiseQuoted()
		}
		return w.wrongQuote()
	}
	if n > 0 {
		return w.fail(w.at, fmt.Sprintf("the text %s is not in double quotes.", excerpt(found)), "Write text in double quotes.")
	}
	return w.fail(w.at, fmt.Sprintf("a value is expected, but there is %s.", quoteWord(rest)), "")
}

// curly reports whether b starts with a quote that word processors write.
func curly(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return strings.ContainsRune("“”„‟″«»‘’‚‛′`´", r)
}

func (w *walk) wrongQuote() bool {
	if w.b[w.at] == '\'' {
		return w.fail(w.at, "there is a single quote where a double quote is expected.", `JSON knows double quotes (") only.`)
	}
	r, _ := utf8.DecodeRune(w.b[w.at:])
	return w.fail(w.at, fmt.Sprintf("the quote %c is not a plain double quote.", r), `Write straight double quotes ("); word processors turn them into curly ones.`)
}
