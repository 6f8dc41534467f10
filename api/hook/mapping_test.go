package hook

import (
	"encoding/json"
	"strings"
	"testing"

	"relevo/relay"
)

const payload = `{
  "id": 12345678901234567890, "Name": "Ann", "note": null, "flag": true, "tags": ["a", "b"], "empty": "", "none": "null",
  "contact": {"phones": [{"value": "+14155550100", "primary": true}], "first.name": "An", "first": {"name": "other"}},
  "contact.mail": "x@example.com", "leads[0]": "odd", "text": "Line 1\r\nLine 2"
}`

func mapped(t *testing.T, body string, fields map[string]relay.MappedField) (Understood, error) {
	t.Helper()
	m := relay.Mapping{Fields: fields}
	if err := CheckMapping(m); err != nil {
		t.Fatalf("the mapping is refused: %s", err.(*relay.Error).Message)
	}
	return NewReader().Read([]byte(body), Input{Now: now, Mapping: &m, Explain: true})
}

func TestAPathLeadsToItsValue(t *testing.T) {
	for path, want := range map[string]string{
		"Name": "Ann", "name": "Ann", "id": "12345678901234567890", "flag": "true", "tags.1": "b", "tags[0]": "a",
		"contact.phones.0.value": "+14155550100", "contact.phones[0].value": "+14155550100", "contact[phones][0][value]": "+14155550100",
		"$.contact.phones.0.primary": "true", "contact.first.name": "An", "contact.mail": "x@example.com",
		"nothing": "", "note": "", "empty": "", "none": "", "tags.2": "", "tags.x": "", "tags.-1": "", "Name.x": "", "contact": "",
	} {
		done, err := mapped(t, payload, map[string]relay.MappedField{"phone": {Path: "contact.phones.0.value"}, "text": {Value: "<{" + path + "}>"}})
		if err != nil {
			t.Fatalf("%s: %s", path, err.(*relay.Error).Message)
		}
		if done.Action.Text != "<"+want+">" {
			t.Errorf("%s leads to %s, want %s", path, done.Action.Text, want)
		}
		if told := len(done.Warnings) == 1 && strings.Contains(done.Warnings[0], path); told != (want == "") {
			t.Errorf("%s: told %q", path, done.Warnings)
		}
	}
}

func TestAMappingMakesACall(t *testing.T) {
	done, err := mapped(t, payload, map[string]relay.MappedField{
		"phone":           {Path: "contact.phones.0.value"},
		"text":            {Path: "text"},
		"file_url":        {Path: "nothing", Default: "https://example.com/{id}.pdf"},
		"file_name":       {Value: "{name|you} {{1}}.pdf"},
		"idempotency_key": {Value: "order {id}"},
		"expires_in":      {Value: "3600"},
	})
	if err != nil {
		t.Fatal(err.(*relay.Error).Message)
	}
	a := done.Action
	if a.Text != "Line 1\nLine 2" || a.FileURL != "https://example.com/12345678901234567890.pdf" || a.FileName != "Ann {1}.pdf" || a.Key != "order 12345678901234567890" || a.ExpiresIn.Seconds() != 3600 {
		t.Errorf("got %+v", a)
	}
	var document map[string]any
	if err := json.Unmarshal(done.Document, &document); err != nil || document["Name"] != "Ann" {
		t.Errorf("the document is %s (%v)", done.Document, err)
	}
	done, err = mapped(t, payload, map[string]relay.MappedField{
		"phone": {Path: "contact.phones.0.value"}, "template.name": {Value: "hello"}, "template.language": {Value: "en"},
		"template.variables.0": {Path: "name"}, "template.variables.1": {Value: "{nothing|you}"},
	})
	if tmpl := done.Action.Template; err != nil || tmpl == nil || tmpl.Name != "hello" || len(tmpl.Variables) != 2 || tmpl.Variables[0] != "Ann" || tmpl.Variables[1] != "you" {
		t.Errorf("got %+v, %v", done.Action, err)
	}
}

func TestAMappingThatFindsTheWrongThingSaysWhere(t *testing.T) {
	text := relay.MappedField{Value: "x"}
	for _, c := range []struct {
		name  string
		phone relay.MappedField
		code  relay.Code
		says  string
	}{
		{"an object", relay.MappedField{Path: "contact"}, relay.CodeInvalidField, `The mapping takes "phone" from "contact", where there is an object`},
		{"an array", relay.MappedField{Path: "tags"}, relay.CodeInvalidField, "where there is an array"},
		{"nothing", relay.MappedField{Path: "nobody"}, relay.CodeMissingRecipient, `The webhook's mapping takes "phone" from "nobody", where there is nothing`},
		{"no number", relay.MappedField{Path: "name"}, relay.CodeInvalidPhone, `The webhook's mapping takes it from "name"`},
	} {
		done, err := mapped(t, payload, map[string]relay.MappedField{"phone": c.phone, "text": text})
		if e, ok := err.(*relay.Error); !ok || e.Code != c.code || !strings.Contains(e.Message, c.says) || e.Fields[0].Line != 0 {
			t.Errorf("%s: %+v (warnings %q)", c.name, err, done.Warnings)
		}
	}
	_, err := mapped(t, payload, map[string]relay.MappedField{"phone": {Path: "contact"}, "jid": {Path: "tags"}, "text": {Path: "contact"}, "template.name": {Path: "tags"}})
	if e, ok := err.(*relay.Error); !ok || e.Code != relay.CodeInvalidField || len(e.Fields) < 4 {
		t.Errorf("several: %+v", err)
	}
	done, _ := mapped(t, payload, map[string]relay.MappedField{"phone": {Path: "nobody"}, "text": text})
	if len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], `nothing at "nobody" for "phone"`) {
		t.Errorf("told %q", done.Warnings)
	}
}

func TestAMappingsKeyIsWholeOrNone(t *testing.T) {
	fields := map[string]relay.MappedField{"phone": {Path: "x"}, "text": {Value: "hi"}, "idempotency_key": {Value: "order {id}"}}
	first, _ := mapped(t, `{"x":"+14155550100","id":1,"attempt":1}`, fields)
	again, _ := mapped(t, `{"x":"+14155550100","id":1,"attempt":2}`, fields)
	other, _ := mapped(t, `{"x":"+14155550199","id":1,"attempt":1}`, fields)
	if first.Action.Key != "order 1" || again.Action.Key != "order 1" || first.Action.Fingerprint != again.Action.Fingerprint {
		t.Errorf("a second delivery is no repetition: %+v and %+v", first.Action, again.Action)
	}
	if other.Action.Fingerprint == first.Action.Fingerprint {
		t.Error("another call under the same key looks like a repetition")
	}
	hole, err := mapped(t, `{"x":"+14155550100"}`, fields)
	if err != nil || hole.Action.Key != "" || len(hole.Warnings) != 2 || !strings.Contains(hole.Warnings[1], "the key of many calls") {
		t.Errorf("got %+v, %v", hole, err)
	}
}

func TestOfSeveralPathsTheFirstThatLeadsSomewhereCounts(t *testing.T) {
	done, err := mapped(t, payload, map[string]relay.MappedField{
		"phone": {Path: "nobody, contact.phones, name"}, "text": {Value: "{x, note, Name|you} {x,y|you}"},
	})
	if err != nil || done.Action.To.Phone != "+14155550100" || done.Action.Text != "Ann you" {
		t.Errorf("got %+v, %v", done.Action, err)
	}
}

func TestACallThatSaysSendIsNotMapped(t *testing.T) {
	fields := map[string]relay.MappedField{"phone": {Path: "x"}, "text": {Value: "mapped"}}
	for body, want := range map[string]string{
		`{"action":"send","phone":"+14155550100","text":"own"}`:                                           "own",
		`{"body":{"Action":" SEND","phone":"+14155550100","text":"own"}}`:                                 "own",
		`{"data":{"action":"send","phone":"+14155550100","text":"own"}}`:                                  "own",
		`{"action":"created","x":"+14155550100"}`:                                                         "mapped",
		`{"data":{"phone":"+14155550111"},"x":"+14155550100"}`:                                            "mapped",
		`x=%2B14155550100&data[phone]=1`:                                                                  "mapped",
		`{"phone":"+14155550111","text":"theirs","x":"+14155550100"}`:                                     "mapped",
		`[{"x":"+14155550100"}]`:                                                                          "mapped",
		`{"x":"+14155550100","body":"{\"action\":\"send\",\"phone\":\"+14155550100\",\"text\":\"own\"}"}`: "own",
	} {
		done, err := mapped(t, body, fields)
		if err != nil || done.Action.Text != want {
			t.Errorf("%s: %q, %v", body, done.Action.Text, err)
		}
	}
}

func TestTheFingerprintIsOfWhatCameAndNotOfWhatAMappingMakesOfIt(t *testing.T) {
	fields := func(text string) map[string]relay.MappedField {
		return map[string]relay.MappedField{"phone": {Path: "x"}, "text": {Value: text}}
	}
	one, _ := mapped(t, `{"x":"+14155550100","n":1}`, fields("a"))
	same, _ := mapped(t, ` {"n":1, "x":"+14155550100"}`, fields("b"))
	other, _ := mapped(t, `{"x":"+14155550100","n":2}`, fields("a"))
	if one.Action.Fingerprint != same.Action.Fingerprint || one.Action.Fingerprint == other.Action.Fingerprint {
		t.Error("the fingerprint follows the mapping, or not the document")
	}
}

func TestLeavesAreAllValuesWithTheirPaths(t *testing.T) {
	got := map[string]string{}
	for _, l := range Leaves([]byte(payload)) {
		got[l.Path] = l.Value
	}
	for path, want := range map[string]string{"contact.phones.0.value": "+14155550100", "tags.1": "b", "flag": "true", "note": "null", "id": "12345678901234567890"} {
		if got[path] != want {
			t.Errorf("%s is %q, want %q", path, got[path], want)
		}
	}
	if n := len(Leaves([]byte("[" + strings.Repeat("1,", 999) + "1]"))); n != maxLeaves {
		t.Errorf("%d leaves", n)
	}
	if l := Leaves([]byte(`{"a":"` + strings.Repeat("é", 500) + `"}`)); len([]rune(l[0].Value)) != maxLeaf {
		t.Errorf("a value of %d characters", len([]rune(l[0].Value)))
	}
	if len(Leaves(nil)) != 0 || len(Leaves([]byte("{"))) != 0 {
		t.Error("what is no document has leaves")
	}
}

func TestAMappingMakesNoMoreThanABodyMayHold(t *testing.T) {
	long := strings.Repeat("x", MaxBody/2)
	body := `{"a":"` + long + `","p":"+14155550100"}`
	for _, c := range []struct {
		name   string
		fields map[string]relay.MappedField
		field  string
		code   relay.Code
	}{
		{"one text", map[string]relay.MappedField{"phone": {Path: "p"}, "text": {Value: strings.Repeat("{a}", 100)}}, "text", relay.CodeTextTooLong},
		{"a default", map[string]relay.MappedField{"phone": {Path: "p"}, "text": {Path: "x", Default: "{a}{a}-"}}, "text", relay.CodeTextTooLong},
		{"several variables", map[string]relay.MappedField{"phone": {Path: "p"}, "template.name": {Value: "a"}, "template.language": {Value: "en"}, "template.variables.0": {Path: "a"}, "template.variables.1": {Path: "a"}}, "template.variables.1", relay.CodeInvalidField},
		{"a variable", map[string]relay.MappedField{"phone": {Path: "p"}, "template.name": {Value: "a"}, "template.language": {Value: "en"}, "template.variables.0": {Value: "{a}{a}"}}, "template.variables.0", relay.CodeInvalidField},
	} {
		done, err := mapped(t, body, c.fields)
		e, ok := err.(*relay.Error)
		if !ok || e.Code != c.code || len(e.Fields) != 1 || e.Fields[0].Field != c.field || !strings.Contains(e.Message, "makes more than 65536 bytes") {
			t.Errorf("%s: %+v", c.name, err)
		}
		if len(done.Mapped) > 2*MaxBody {
			t.Errorf("%s: made %d bytes", c.name, len(done.Mapped))
		}
	}
	done, err := mapped(t, body, map[string]relay.MappedField{"phone": {Path: "p"}, "text": {Value: "{a}{p}"}})
	if err != nil || done.Action.Text != long+"+14155550100" {
		t.Errorf("a long text: %v", err)
	}
}

func TestAMappingLooksInNoMorePlacesThanItMay(t *testing.T) {
	phone := relay.MappedField{Path: "p"}
	for value, fits := range map[string]bool{
		strings.Repeat("{a}", maxPaths-1): true, strings.Repeat("{a}", maxPaths): false,
		"{" + strings.Repeat("a,", maxPaths-1) + "a}": false, strings.Repeat("{{a}} ", 500): true,
	} {
		for _, from := range []relay.MappedField{{Value: value}, {Path: "p", Default: value}} {
			err := CheckMapping(relay.Mapping{Fields: map[string]relay.MappedField{"phone": phone, "text": from}})
			if fits && from.Path != "" && strings.HasPrefix(value, "{a}") {
				continue // the path is one more
			}
			if e, refused := err.(*relay.Error); refused == fits || refused && !strings.Contains(e.Message, "more than 200 places") {
				t.Errorf("%.20s…: %v", value, err)
			}
		}
	}
}

func TestCaseCountsOnlyWhereTwoNamesDifferInNothingElse(t *testing.T) {
	const body = `{"P":"+14155550100","A":{"b":"1","B":"2"},"a":{"B":"3"},"a.c":"4","A.d":{"E":"5"}}`
	for path, want := range map[string]string{"a.b": "3", "A.b": "1", "A.B": "2", "a.c": "4", "a.d.e": "5", "a.e": ""} {
		done, err := mapped(t, body, map[string]relay.MappedField{"phone": {Path: "p"}, "text": {Value: "<{" + path + "}>"}})
		if err != nil || done.Action.Text != "<"+want+">" {
			t.Errorf("%s leads to %s, want %s (%v)", path, done.Action.Text, want, err)
		}
	}
}
