package hook

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// branch is a value of a document and what is inside it, which is cut when it
// is first asked for, and once.
type branch struct {
	value jsontext.Value
	cut   bool
	names []string // of an object's members
	parts []branch // the values of those, or an array's elements
	// What can be told of the value, once it has been asked for: whether it is
	// nothing, and the single text that it is or holds, where it does.
	asked, nothing, plain bool
	single                string
}

// firstOf is the value at the first of several paths, with commas between
// them, where there is one; nil for none.
func (b *branch) firstOf(paths string) *branch {
	for path := range strings.SplitSeq(paths, ",") {
		if path = dotted(path); path == "" {
			continue
		}
		if found := b.lookUp(path); found != nil && !found.ask().nothing {
			return found
		}
	}
	return nil
}

// lookUp follows a path. A name that has dots itself is found too; case only
// counts where two names differ in nothing else. No part is looked into twice.
// Nil for nothing.
func (b *branch) lookUp(path string) *branch {
	if path == "" {
		return b
	}
	b.open()
	if b.value.Kind() == jsontext.KindBeginArray {
		head, rest, _ := strings.Cut(path, ".")
		n, err := strconv.Atoi(head)
		if err != nil || n < 0 || n >= len(b.parts) {
			return nil
		}
		return b.parts[n].lookUp(rest)
	}
	for _, exact := range [...]bool{true, false} {
		for i, name := range b.names {
			n := len(name)
			if n > len(path) || n < len(path) && path[n] != '.' || !strings.EqualFold(name, path[:n]) || (name == path[:n]) != exact {
				continue
			}
			if found := b.parts[i].lookUp(strings.TrimPrefix(path[n:], ".")); found != nil {
				return found
			}
		}
	}
	return nil
}

// ask finds out what can be told of the value.
func (b *branch) ask() *branch {
	if !b.asked {
		b.asked, b.nothing = true, absent(b.value) || nothing(b.value) || holdsNothing(b.value)
		b.single, b.plain = plain(b.value)
	}
	return b
}

// open cuts an object or array.
func (b *branch) open() {
	if b.cut {
		return
	}
	b.cut = true
	switch b.value.Kind() {
	case jsontext.KindBeginObject:
		for _, m := range membersOf(b.value) {
			b.names = append(b.names, string(m.name))
			b.parts = append(b.parts, branch{value: m.value})
		}
	case jsontext.KindBeginArray:
		for _, e := range elements(b.value) {
			b.parts = append(b.parts, branch{value: e})
		}
	}
}

// lookUp follows one path from a value.
func lookUp(v jsontext.Value, path string) (jsontext.Value, bool) {
	b := branch{value: v}
	found := b.lookUp(path)
	if found == nil {
		return nil, false
	}
	return found.value, true
}

// dotted writes a path with brackets, as some tools show it, with dots.
func dotted(path string) string {
	path = strings.TrimPrefix(strings.TrimSpace(path), "$.")
	if strings.IndexByte(path, '[') < 0 {
		return path
	}
	path = strings.NewReplacer("][", ".", "].", ".", "[", ".", "]", "", `"`, "", "'", "").Replace(path)
	return strings.TrimPrefix(path, ".")
}

// membersOf cuts an object that is known to be valid.
func membersOf(v jsontext.Value) []member {
	d := document{body: v}
	_ = d.object(jsontext.NewDecoder(bytes.NewBuffer(v)), 0, d.add)
	return d.members
}

// elements cuts an array that is known to be valid.
func elements(v jsontext.Value) (all []jsontext.Value) {
	d := document{body: v}
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
	_, _ = dec.ReadToken()
	for dec.PeekKind() != jsontext.KindEndArray {
		e, _, err := d.value(dec, 0)
		if err != nil {
			return all
		}
		all = append(all, e)
	}
	return all
}

// Leaf is one value of a document and the path that leads to it.
type Leaf struct {
	Path string `json:"path"`
	// Value is the beginning of it, at most 100 characters.
	Value string `json:"value"`
}

// maxLeaves bounds what Leaves tells, and maxLeaf the length of a value.
const (
	maxLeaves = 200
	maxLeaf   = 100
)

// Leaves are the values of a JSON object, in its order, for people who choose
// paths from what was received. At most 200.
func Leaves(document []byte) []Leaf {
	all := []Leaf{}
	var walk func(path string, v jsontext.Value)
	step := func(path, name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	walk = func(path string, v jsontext.Value) {
		switch {
		case len(all) == maxLeaves:
		case v.Kind() == jsontext.KindBeginObject:
			for _, m := range membersOf(v) {
				walk(step(path, string(m.name)), m.value)
			}
		case v.Kind() == jsontext.KindBeginArray:
			for i, e := range elements(v) {
				walk(step(path, strconv.Itoa(i)), e)
			}
		default:
			s, ok := plain(v)
			if !ok {
				s = "null"
			}
			if r := []rune(s); len(r) > maxLeaf {
				s = string(r[:maxLeaf-1]) + "…"
			}
			all = append(all, Leaf{Path: path, Value: s})
		}
	}
	if v := jsontext.Value(document); v.IsValid() {
		walk("", v)
	}
	return all
}
