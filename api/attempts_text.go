package api

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// writeText is the log for people: a block for each attempt, the newest first.
// Lines that came from outside are set in, so that none can pass for ours.
func writeText(rows []attemptView) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Last sending attempts: %d, the newest first. Times are in UTC.\n", len(rows))
	for i, row := range rows {
		fmt.Fprintf(&b, "\n%s\n", strings.Repeat("=", 72))
		row.writeText(&b, i+1)
	}
	return b.Bytes(), nil
}

func (v attemptView) writeText(b *bytes.Buffer, n int) {
	fmt.Fprintf(b, "%d. %s  %s\n", n, textTime(v.At), v.outcome())
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"Recipient", v.Recipient}, {"Account", v.Account}, {"Message", v.MessageID}, {"Status", v.MessageStatus},
		{"Units", present(strconv.FormatInt(v.Units, 10))}, {"Tool", v.Tool}, {"User-Agent", v.Sender}, {"From", v.RemoteIP},
		{"Request", v.RequestID}, {"Attempt", &v.ID}, {"Reason", v.Message}, {"What to do", v.Fix},
	} {
		if f.value != nil {
			fmt.Fprintf(b, "%-12s%s\n", f.name, strings.Join(shownLines(*f.value), " "))
		}
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(b, "%-12s%s\n", "Note", strings.Join(shownLines(w), " "))
	}
	if v.Excerpt != nil {
		b.WriteString("\nThe place of the fault")
		if v.Line != nil && v.Column != nil {
			fmt.Fprintf(b, ": line %d, column %d", *v.Line, *v.Column)
		}
		b.WriteByte('\n')
		setIn(b, *v.Excerpt)
	}
	switch {
	case v.Body == "":
		b.WriteString("\nNo body is shown.\n")
		return
	case v.BodyBase64:
		b.WriteString("\nThe body is no text. In base64:\n")
	default:
		b.WriteString("\nThe body:\n")
	}
	setIn(b, v.Body)
}

// outcome is what the call was answered with, in words.
func (v attemptView) outcome() string {
	word := "accepted"
	switch {
	case v.ErrorCode != nil:
		word = "refused"
	case v.Captured:
		word = "captured, not sent"
	case v.Test:
		word = "test, not sent"
	case v.Replayed:
		word = "repeated, not sent again"
	}
	word += " " + strconv.Itoa(v.Status)
	if v.ErrorCode != nil {
		word += " " + *v.ErrorCode
	}
	if v.LastAt != nil {
		word += fmt.Sprintf("  (%d times, the latest %s)", v.Count, textTime(*v.LastAt))
	}
	return word
}

func textTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func setIn(b *bytes.Buffer, text string) {
	for _, line := range shownLines(text) {
		b.WriteString(strings.TrimRight("    "+line, " "))
		b.WriteByte('\n')
	}
}

// shownLines are the lines of a text without what a terminal or an editor would
// obey.
func shownLines(text string) []string {
	text = strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' || !unicode.Is(unicode.C, c) && c != '\u2028' && c != '\u2029' {
			return c
		}
		return unicode.ReplacementChar
	}, strings.ReplaceAll(text, "\r\n", "\n"))
	return strings.Split(text, "\n")
}
