package hook

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fingerprint is the SHA-256 of the document in canonical JSON as RFC 8785
// describes it (no white space, sorted names, shortest escapes), with one
// exception: numbers stay as they are written, so that no digit of a long one
// is lost; 1 and 1.0 therefore differ, as do 77234 and "77234". Every member
// that is an idempotency key, however spelt, is left out.
//
// Two documents that say the same have the same fingerprint, whatever the
// order of names, the white space and the escapes.
func (d *document) fingerprint() [sha256.Size]byte {
	d.sorted = d.sorted[:0]
	for i := range d.members {
		if m := &d.members[i]; m.id != idempotencyKey {
			d.sorted = append(d.sorted, m)
		}
	}
	slices.SortFunc(d.sorted, func(a, b *member) int { return compareUTF16(a.name, b.name) })
	b := append(d.canonical[:0], '{')
	for i, m := range d.sorted {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, m.name) // an error is bad UTF-8, and there is none
		b = appendCanonical(append(b, ':'), m.value)
	}
	d.canonical = append(b, '}')
	return sha256.Sum256(d.canonical)
}

func appendCanonical(b []byte, v jsontext.Value) []byte {
	nested := v[0] == '{' || v[0] == '['
	if !nested && bytes.IndexByte(v, '\\') < 0 {
		return append(b, v...) // a string without escapes is as short as it gets
	}
	b, _ = jsontext.AppendFormat(b, v, jsontext.ReorderRawObjects(true)) // it has been read once, so no error
	return b
}

// surrogate is what a character beyond U+FFFF starts with in UTF-16, or less
// by too little to matter: no character is in U+D800 to U+DFFF itself.
const surrogate rune = 0xd800

// compareUTF16 compares as RFC 8785 sorts names: by UTF-16 code units.
func compareUTF16(a, b []byte) int {
	for len(a) > 0 && len(b) > 0 {
		x, n := utf8.DecodeRune(a)
		y, m := utf8.DecodeRune(b)
		switch {
		case x > 0xffff && y <= 0xffff:
			return cmp.Compare(surrogate, y)
		case x <= 0xffff && y > 0xffff:
			return cmp.Compare(x, surrogate)
		case x != y:
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}
