package hook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

const templateStart = callStart + `"template":{"name":"a","language":"en",`

func TestVariablesInAnyOrderAreTheSameCall(t *testing.T) {
	r := NewReader()
	for name, bodies := range map[string][2]string{
		"numbers": {`"variables":{"1":"x","2":"y","10":"z","3":"a","4":"","5":"","6":"","7":"","8":"","9":"b"}}}`, `"variables":{"10":"z","9":"b","8":"","7":"","6":"","5":"","4":"","3":"a","2":"y","\u0031" : "\u0078"}}}`},
		"names":   {`"variables":{"a":"x","b":"y"}}}`, `"variables":{"b":"y" , "\u0061":"x"}}}`},
	} {
		first, _, err := read(r, []byte(templateStart+bodies[0]), Input{Now: now})
		again, _, errAgain := read(r, []byte(templateStart+bodies[1]), Input{Now: now})
		if err != nil || errAgain != nil || first.Fingerprint != again.Fingerprint {
			t.Errorf("%s: two calls that say the same have other fingerprints (%v, %v)", name, err, errAgain)
		}
		if d := cmp.Diff(first.Template, again.Template); d != "" && name == "numbers" {
			t.Errorf("numbers are not in order: %s", d)
		}
	}
}

func TestATemplateTakesNoMoreThan100Values(t *testing.T) {
	list := func(n int) string { return `[` + strings.Repeat(`"x",`, n-1) + `"x"]` }
	object := func(format string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, n-i))
		}
		return `{` + strings.Join(all, ",") + `}`
	}
	for format, of := range map[string]func(n int) string{
		`"variables":%s}}`:          list,
		`"buttons":%s}}`:            list,
		`"variables":%s, "b":1}}`:   func(n int) string { return object(`"%d":"x"`, n) },
		`"variables":%s, "b":"2"}}`: func(n int) string { return object(`"name_%d":"x"`, n) },
	} {
		if e := refusalOf(t, templateStart+fmt.Sprintf(format, of(100))); e != nil {
			t.Errorf("%s: 100 are refused: %s", format, e.Message)
		}
		if e := refusalOf(t, templateStart+fmt.Sprintf(format, of(101))); e == nil || !strings.Contains(e.Message, "more than 100 values") {
			t.Errorf("%s: 101 are not refused as too many: %+v", format, e)
		}
	}
}

func TestAMergeTagInATemplateIsFoundAsInAText(t *testing.T) {
	for _, rest := range []string{
		`"variables":["x","%FIRSTNAME%"]}}`, `"variables":{"1":"[[first_name]]"}}}`, `"variables":{"first_name":"*|FNAME|*"}}}`,
		`"variables":{"x":"[object Object]"}}}`, `"buttons":[null,"${Leads.First Name}"]}}`,
	} {
		e := refusalOf(t, templateStart+rest)
		if e == nil || e.Fields[0].Field != "template" || !IsMergeTag(e) && !strings.Contains(rest, objectObject) {
			t.Errorf("%s: %+v", rest, e)
		}
	}
	body := []byte(templateStart + `"variables":{"first_name":"{{contact.name}}"},"buttons":["{{code}}"]}}`)
	if _, err := NewReader().Read(body, Input{Now: now, AllowTags: true}); err != nil {
		t.Errorf("refused although tags are allowed: %v", err)
	}
}

func TestAMappingsTemplateValuesGoTogether(t *testing.T) {
	for _, c := range []struct {
		fit   bool
		names []string
	}{
		{true, []string{"variables.0", "variables.1", "variables.2", "buttons.0"}},
		{true, []string{"variables.1", "variables.2"}},
		{true, []string{"variables.first_name", "variables.order", "buttons.0", "buttons.1"}},
		{false, []string{"variables.2"}},
		{false, []string{"variables.0", "variables.2"}},
		{false, []string{"variables.0", "variables.first_name"}},
		{false, []string{"variables.1", "variables.first_name"}},
		{false, []string{"buttons.1"}},
		{false, []string{"buttons.a"}},
		{false, []string{"buttons."}},
		{false, []string{"variables.01"}},
		{false, []string{"variables.first name"}},
		{false, []string{"variables.a.b"}},
		{false, []string{"variables"}},
		{false, []string{"footer.0"}},
	} {
		m := relay.Mapping{Fields: map[string]relay.MappedField{"phone": {Path: "p"}, "template.name": {Value: "a"}, "template.language": {Value: "en"}}}
		for _, name := range c.names {
			m.Fields["template."+name] = relay.MappedField{Path: "v"}
		}
		if err := CheckMapping(m); (err == nil) != c.fit {
			t.Errorf("%q: %v", c.names, err)
		}
	}
}
