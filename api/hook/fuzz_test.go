package hook

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"relevo/relay"
)

func FuzzABodyIsReadTheSameWayTwice(f *testing.F) {
	files, err := filepath.Glob("../../testdata/hooks/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden calls: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		body, _, _ := golden(f, archive)
		f.Add(body)
	}
	f.Add([]byte(`{"action":"send","phone":1234567,"text":"x","\u20ac":1,"\ue000":1,"\ud83d\ude00":1,"\ud83d\ude01":2,"\uffff":{"\ue000":1,"\ud83d\ude00":2},"a":1,"":2}`))
	r := NewReader()
	f.Fuzz(func(t *testing.T, body []byte) {
		kept := bytes.Clone(body)
		action, warnings, err := read(r, body, Input{Now: now})
		if !bytes.Equal(body, kept) {
			t.Fatal("Read changed the body")
		}
		again, warningsAgain, errAgain := read(r, body, Input{Now: now})
		if d := cmp.Diff(action, again) + cmp.Diff(warnings, warningsAgain); d != "" {
			t.Fatalf("the second reading differs: %s", d)
		}
		if err != nil {
			checkRefusal(t, body, err, errAgain)
			return
		}
		body = whole(t, r, body)
		checkCanonical(t, body)
		for _, body := range [][]byte{body, indented(t, body), backwards(t, body)} {
			other, _, err := read(r, body, Input{Now: now})
			if len(body) > MaxBody {
				continue
			}
			if err != nil {
				t.Fatalf("the same document in another form is refused: %v\n%s", err, body)
			}
			if d := cmp.Diff(action, other); d != "" {
				t.Fatalf("the same document in another form differs: %s\n%s", d, body)
			}
		}
	})
}

// FuzzAnyCallWithAnySettingsIsReadOrRefused looks that whatever comes, under
// whatever settings, is an action or a refusal that its caller can act on.
func FuzzAnyCallWithAnySettingsIsReadOrRefused(f *testing.F) {
	for _, body := range []string{
		payload, "action=send&phone=%2B14155550100&text=x&a[b][]=1", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--",
		`{'action':'send','phone':+1415 "text":'it's'}`, "\xff\xfe{\x00}\x00", "[{\"data\":{}}]", `"{\"action\":\"send\"}"`, gzipped("{}"), sent + "caf\xe9\"}",
	} {
		f.Add([]byte(body), "application/json; charset=utf-8", "", "a=1", "DE", "x.y[0]", "{x|y} {{", true, false)
	}
	r := NewReader()
	f.Fuzz(func(t *testing.T, body []byte, contentType, encoding, query, country, path, value string, strict, tags bool) {
		in := Input{
			Keys: []Key{{Name: "Idempotency-Key", Value: value}}, Deliveries: []Key{{Name: "X-Id", Value: path}}, Now: now,
			ContentType: contentType, ContentEncoding: encoding, Query: query, Strict: strict, AllowTags: tags, Explain: true,
		}
		if Country(country) {
			in.Country = country
		}
		m := relay.Mapping{Fields: map[string]relay.MappedField{"phone": {Path: path, Default: value}, "text": {Value: value}, "template.variables.0": {Path: path}}}
		if CheckMapping(m) == nil {
			in.Mapping = &m
		}
		done, err := r.Read(body, in)
		if len(done.Document) > 0 && !jsontext.Value(done.Document).IsValid() || len(done.Mapped) > 0 && !jsontext.Value(done.Mapped).IsValid() {
			t.Fatalf("no JSON: %q, %q", done.Document, done.Mapped)
		}
		Leaves(done.Document)
		if done.Text != nil && !utf8.Valid(done.Text) || len(done.Warnings) > 100 {
			t.Fatalf("text %q, %d warnings", done.Text, len(done.Warnings))
		}
		var refused *relay.Error
		switch {
		case err == nil && done.Challenge == "" && done.Action.To == relay.Address{}:
			t.Fatalf("an action for nobody: %+v", done.Action)
		case err != nil && (!errors.As(err, &refused) || refused.Code == "" || refused.Message == "" || !utf8.ValidString(refused.Message)):
			t.Fatalf("an empty refusal: %#v", err)
		}
	})
}

// whole is the document that was understood, without what was around it.
func whole(t *testing.T, r *Reader, body []byte) []byte {
	t.Helper()
	done, err := r.Read(body, Input{Now: now, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if !jsontext.Value(done.Document).IsValid() {
		t.Fatalf("the document that was understood is no JSON: %s", done.Document)
	}
	return done.Document
}

// checkRefusal looks that a refusal has a code and a sentence, and that the
// walk that explains syntax agrees with the decoder on what is JSON.
func checkRefusal(t *testing.T, body []byte, err, again error) {
	t.Helper()
	var refused *relay.Error
	if !errors.As(err, &refused) || refused.Code == "" || refused.Message == "" || len(refused.Fields) == 0 && refused.Code != relay.CodeBodyTooLarge {
		t.Fatalf("an empty refusal: %#v", err)
	}
	if d := cmp.Diff(err, again); d != "" {
		t.Fatalf("the second refusal differs: %s", d)
	}
	for _, f := range refused.Fields {
		if f.Code == "" || f.Message == "" {
			t.Fatalf("an empty fault: %+v", f)
		}
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(body) > MaxBody || invalidUTF8(body) >= 0 {
		return
	}
	w := walk{b: body}
	valid := jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true))
	if fine := w.document(); fine && !valid {
		t.Fatalf("the walk finds nothing wrong in %q", body)
	} else if !fine && valid && !bytes.Contains([]byte(w.fault.message), []byte("nested deeper")) {
		t.Fatalf("the walk finds %q in valid JSON %q", w.fault.message, body)
	}
}

// checkCanonical compares what the fingerprint is made of with the library's
// canonical form of the whole document.
func checkCanonical(t *testing.T, body []byte) {
	t.Helper()
	d := document{names: fieldNames()}
	if err := d.decode(body, &Input{Now: now}); err != nil {
		t.Fatal(err)
	}
	d.fingerprint() // no member is known as a key: all are in it
	want, err := jsontext.AppendFormat(nil, d.body, jsontext.ReorderRawObjects(true))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.canonical, want) {
		t.Fatalf("the canonical form is\n%s\nwant\n%s", d.canonical, want)
	}
}

func indented(t *testing.T, body []byte) []byte {
	t.Helper()
	v := jsontext.Value(bytes.Clone(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	if err := v.Indent(); err != nil {
		t.Fatalf("an accepted body is no JSON: %v", err)
	}
	return v
}

// backwards is the document with its members in the opposite order.
func backwards(t *testing.T, body []byte) []byte {
	t.Helper()
	d := document{names: fieldNames()}
	if err := d.decode(body, &Input{Now: now}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(d.members)
	b := []byte{'{'}
	for i, m := range d.members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, d.body[m.nameAt:m.valueAt]...), m.value...)
	}
	return append(b, '}')
}

func BenchmarkReadABodyOf300Bytes(b *testing.B) {
	body := []byte(`{
  "action": "send",
  "whatsapp account phone": "+15105566777",
  "phone": "+1 (415) 123-1234",
  "text": "Hello Ann, your order 77234 has left our house and should be with you on Friday.",
  "file_url": "https://example.com/orders/77234/invoice.pdf",
  "file_name": "invoice.pdf",
  "idempotency_key": "order-77234-shipped"
}`)
	r := NewReader()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := read(r, body, Input{Now: now}); err != nil {
			b.Fatal(err)
		}
	}
}
