package hook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// TestNoBodyTakesLongToRead tries what is expensive for readers that look
// back, try again or count lines: a body is read while its caller, and
// everybody behind, waits.
func TestNoBodyTakesLongToRead(t *testing.T) {
	readInTime(t, map[string]string{
		"missing commas":                fill(`{"a":1`, ` "b":1`, `}`),
		"missing commas, other names":   "{" + lines("\"n%d\":1\n") + "}",
		"line breaks in a text":         fill(`{"action":"send","phone":"+14151231234","text":"`, "x\n", `"}`),
		"single quotes":                 fill(`{'a':'`, `' `, `'}`),
		"single quotes that could end":  fill(`{'a':'`, `',`, `'}`),
		"curly quotes":                  fill(`{“a”:“`, `“”`, `”}`),
		"merge tags that do not end":    fill(`{"text":"`, `{{a`, `"}`),
		"merge tags with per cent":      fill(`{"text":"`, `%AB`, `"}`),
		"unclosed names":                fill(`{`, `"`, ``),
		"numbers with spaces":           fill(`[`, `1 `, `]`),
		"numbers in an object":          fill(`{"a":`, `+1 `, `}`),
		"odd spaces":                    fill(`{"a":1`, "\u00a0", `}`),
		"wrong variables on many lines": fill(`{"action":"send","phone":"+1","template":{"name":"a","language":"en","variables":[`, "{},\n", `{}]}}`),
		"one field in many spellings":   "{" + lines("\"te"+"-_"+"%d\":1,\n\"t-e-x-t"+"\": \"x\",\n") + `"a":1}`,
		"wrong variables on one line":   fill(`{"é":1,"action":"send","phone":"+1","template":{"name":"a","language":"en","variables":[`, `{},`, `{}]}}`),
		"bad variables on one line":     fill(`{"é":1,"action":"send","phone":"+1","template":{"name":"a","language":"en","variables":[`, `"\u0000",`, `{}]}}`),
		"one field twice, on one line":  `{"é":1,` + spellings("text", `"#"`) + `"a":1}`,
		"one part twice, on one line":   `{"é":1,"action":"send","template":{` + spellings("name", `"#"`) + `"a":1}}`,
		"many wrappers":                 `{"body":{` + spellings("x", "1")[:MaxBody/2] + `":1},` + spellings("data", `{}`)[:MaxBody/2-40] + `":1}`,
		"strings in many wrappers":      `{` + spellings("data", `"[#"`) + `"a":1}`,
		"wrapped strings":               fill(`{"body":"{\"body\":\"`, `x`, `\"}"}`),
		"wrapped again and again":       fill(``, `{"body":`, ``),
		"arrays":                        fill(``, `[`, ``),
		"backslashes":                   fill(`{"text":"`, `\'`, `"}`),
		"bytes of Windows-1252":         fill(`{"text":"`, "\xe9", `"}`),
		"UTF-16":                        fill("", "{\x00", ""),
	})
}

func TestNoFormTakesLongToRead(t *testing.T) {
	readInTime(t, map[string]string{
		"form fields":                lines("a%d=1&"),
		"form in brackets":           lines("a[b][%d]=1&"),
		"form with & in a text":      fill("action=send&text=a ", "& ", ""),
		"form with & between spaces": fill("action=send&text=a", " & b", ""),
		"form with & and nothing":    fill("a=1", "&", " & b"),
		"form with one name":         fill("", "a=1&", ""),
		"form, deep":                 fill(`a`, `[b]`, `=1`),
		"multipart":                  fill("--x\r\n", "Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n", "--x--"),
		"multipart headers":          fill("--x\r\n", "A: b\r\n", "--x--"),
	})
}

// readInTime reads bodies, none of which may take long.
func readInTime(t *testing.T, bodies map[string]string) {
	t.Helper()
	r := NewReader()
	for name, body := range bodies {
		began := time.Now()
		_, err := r.Read([]byte(body), Input{Now: now})
		// A hundred times what it takes; the slow ones took seconds.
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: took %s (%v)", name, took, err)
		} else {
			t.Logf("%s: %s", name, took.Round(10*time.Microsecond))
		}
	}
}

// fill is a body of the greatest length, with one thing in it again and again.
func fill(before, unit, after string) string {
	return before + strings.Repeat(unit, (MaxBody-len(before)-len(after))/len(unit)) + after
}

// lines are many of a format that differ in a number.
func lines(format string) string {
	var b strings.Builder
	for i := 0; b.Len() < MaxBody-60; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// spellings are a name again and again that normal makes the same; # in the
// value is a number.
func spellings(name, value string) string {
	var b strings.Builder
	signs := strings.NewReplacer("0", "-", "1", "_")
	for i := 0; b.Len() < MaxBody-200; i++ {
		fmt.Fprintf(&b, `"%s%s":%s,`, name, signs.Replace(fmt.Sprintf("%012b", i)), strings.ReplaceAll(value, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// TestNoMappingTakesLongToApply tries mappings that anybody with a key may
// make, on bodies that anybody with the address may send.
func TestNoMappingTakesLongToApply(t *testing.T) {
	const deep = maxDepth - 2
	same := strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep)
	var wide strings.Builder
	for i := 0; wide.Len() < MaxBody-200; i++ {
		fmt.Fprintf(&wide, `"A%d":[1],`, i)
	}
	lists := "[" + strings.Repeat("[1],", MaxBody/4-50) + "[1]]"
	fields := func(value string) relay.Mapping {
		m := relay.Mapping{Fields: map[string]relay.MappedField{"phone": {Value: "+14151231234"}, "text": {Value: "x"}}}
		for i := range maxMapped - 2 {
			m.Fields[fmt.Sprintf("template.variables.%d", i)] = relay.MappedField{Value: value}
		}
		return m
	}
	r := NewReader()
	for name, c := range map[string]struct {
		body string
		m    relay.Mapping
	}{
		"one name at every depth":  {same, fields("{" + strings.Repeat("a.", deep) + "x}")},
		"many members":             {"{" + wide.String() + `"z":1}`, fields(strings.Repeat("{a9}", 5))},
		"many elements":            {`{"a":` + lists + "}", fields(strings.Repeat("{a.9.x}", 5))},
		"many elements, one meant": {`{"a":` + lists + "}", fields(strings.Repeat("{a}", 5))},
		"a long value many times":  {`{"a":"` + strings.Repeat("x", MaxBody-100) + `"}`, fields(strings.Repeat("{a}", 5))},
		"a long path":              {`{"a":"` + strings.Repeat("x", MaxBody-100) + `"}`, fields("{" + strings.Repeat("a.", 2000) + "}")},
	} {
		if err := CheckMapping(c.m); err != nil {
			t.Fatalf("%s: %s", name, err.(*relay.Error).Message)
		}
		began := time.Now()
		_, err := r.Read([]byte(c.body), Input{Now: now, Mapping: &c.m})
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: took %s (%v)", name, took, err)
		} else {
			t.Logf("%s: %s (%v)", name, took.Round(10*time.Microsecond), err)
		}
	}
}
