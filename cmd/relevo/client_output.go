package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"relevo/cmd/relevo/client"
)

// object is an object of the API as it came: the client has no model of its
// own, so a newer server's fields cannot break it.
type object map[string]any

// errNotJSON means that something else than Relevo answered.
const errNotJSON = sentence("The answer is not Relevo's JSON. Is --url right?")

func readObject(b []byte) (object, error) {
	var o object
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if dec.Decode(&o) != nil || o == nil {
		return nil, errNotJSON
	}
	return o, nil
}

// broken says of a file, or of stdin, that it does not hold what was asked
// for, and where it stops being JSON. It repeats nothing of it: it may hold
// secrets.
func broken(file, what string, b []byte) error {
	if file == "-" {
		file = "What came on stdin"
	}
	var v any
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(b, &v)); ok && len(bytes.TrimSpace(b)) > 0 {
		line := 1 + bytes.Count(b[:max(0, min(int(e.Offset)-1, len(b)))], []byte("\n"))
		what += fmt.Sprintf(" In line %d it stops being JSON: look there, and at the end of the line before, for a comma too many or too few, "+
			"a quotation mark that is missing, or a value with a line break in it.", line)
	}
	return sayf("%s holds no %s", file, what)
}

// readList reads a page and the cursor of the next; empty on the last.
func readList(b []byte) (rows []object, next string, err error) {
	var page struct {
		Data []object `json:"data"`
		Next string   `json:"next_cursor"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if dec.Decode(&page) != nil || page.Data == nil {
		return nil, "", errNotJSON
	}
	return page.Data, page.Next, nil
}

// at is the value at a path like "webhook.url"; nil where there is none.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// text is the value at a path in words; empty where there is none.
func (o object) text(path string) string {
	switch v := o.at(path).(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = word(e)
		}
		return strings.Join(words, ", ")
	case map[string]any:
		b, _ := json.Marshal(v) // was JSON
		return string(b)
	default:
		return fmt.Sprint(v)
	}
}

// word is one value of a list: of an object its name, with the role where it
// has one, else its type.
func word(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	name, role := object(m).text("name"), object(m).text("role")
	switch {
	case name != "" && role != "":
		return name + " (" + role + ")"
	case name != "":
		return name
	}
	return object(m).text("type")
}

// column is a value to show and how.
type column struct {
	head, path string
	show       func(string) string
}

// when shows a time to the second, in UTC.
func when(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// clip shows the beginning of a long text.
func clip(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// printable takes out what could move the cursor, colour the terminal or turn
// the reading direction: names and texts are other people's.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			return ' '
		case unicode.IsControl(c) || unicode.Is(unicode.Cf, c):
			return -1
		}
		return c
	}, s)
}

func (c column) of(o object) string {
	s := o.text(c.path)
	if s == "" {
		return "-"
	}
	if c.show != nil {
		s = c.show(s)
	}
	return printable(s)
}

// writeJSON prints an answer as it came.
func (r *remote) writeJSON(b []byte) {
	fmt.Fprintf(r.stdout, "%s\n", bytes.TrimRight(b, "\n"))
}

// table prints a page, one object a line, or its JSON. What says how the rows
// are called where there are none: "messages".
func (r *remote) table(a client.Answer, what string, cols ...column) error {
	rows, next, err := readList(a.Body)
	if err != nil {
		return err
	}
	if r.json {
		r.writeJSON(a.Body)
		return nil
	}
	if len(rows) == 0 {
		fmt.Fprintf(r.stderr, "There are no %s.\n", what)
		return nil
	}
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	heads := make([]string, len(cols))
	for i, c := range cols {
		heads[i] = c.head
	}
	fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, row := range rows {
		cells := make([]string, len(cols))
		for i, c := range cols {
			cells[i] = c.of(row)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if next != "" {
		fmt.Fprintf(r.stderr, "There are more; go on with --cursor %s\n", printable(next))
	}
	return nil
}

// detail prints one object, one value a line, or its JSON. Values that are
// not there are left out.
func (r *remote) detail(a client.Answer, cols ...column) error {
	o, err := readObject(a.Body)
	if err != nil {
		return err
	}
	if r.json {
		r.writeJSON(a.Body)
		return nil
	}
	w := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	for _, c := range cols {
		if s := c.of(o); s != "-" {
			fmt.Fprintf(w, "%s:\t%s\n", c.head, s)
		}
	}
	return w.Flush()
}

// done prints a sentence, where no JSON was asked for.
func (r *remote) done(format string, args ...any) {
	if !r.json {
		fmt.Fprintln(r.stdout, printable(fmt.Sprintf(format, args...)))
	}
}
