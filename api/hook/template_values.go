package hook

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxValues is how many variables a call may give, and how many buttons. The
// body of a template has at most 1,024 characters, with words between its
// variables, so that none comes near it:
// https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
const maxValues = 100

// What a variable may be called: a number, or a name of letters, digits and
// underscores.
var (
	ordinal      = regexp.MustCompile(`^(0|[1-9][0-9]{0,3})$`)
	variableName = regexp.MustCompile(`^[A-Za-z0-9_]*[A-Za-z_][A-Za-z0-9_]*$`)
)

const variableHint = "Numbers count 1, 2, 3 without a gap; names are of letters, digits and underscores."

// takeVariables reads the values for the template's variables: an array in
// their order, or an object by their numbers or names.
func (rd *reading) takeVariables() {
	m, t := rd.parts.variables, rd.call.Template
	if m == nil {
		return
	}
	switch m.value.Kind() {
	case jsontext.KindBeginArray:
		rd.parts.values = rd.listed(m)
	case jsontext.KindBeginObject:
		rd.parts.values = rd.keyed(m)
		t.Names = rd.variableNames(m)
	default:
		rd.refusePart(m, rd.partName(m.name), "an array or object of strings")
		return
	}
	t.Variables = rd.templateValues(m, rd.parts.values)
}

// takeButtons reads the values for the template's buttons.
func (rd *reading) takeButtons() {
	m := rd.parts.buttons
	if m == nil {
		return
	}
	if m.value.Kind() != jsontext.KindBeginArray {
		rd.refusePart(m, rd.partName(m.name), "an array of strings")
		return
	}
	rd.parts.pressed = rd.listed(m)
	rd.call.Template.Buttons = rd.templateValues(m, rd.parts.pressed)
}

// listed are the elements of an array, but no more than one too many.
func (rd *reading) listed(m *member) (all []member) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.value))
	_, _ = dec.ReadToken() // the document has been read once, so that no error can come here
	for dec.PeekKind() != jsontext.KindEndArray && len(all) <= maxValues {
		v, at, err := rd.cur.value(dec, m.valueAt)
		if err != nil {
			return all
		}
		all = append(all, member{value: v, valueAt: at})
	}
	return all
}

// keyed are the members of an object, but no more than one too many.
func (rd *reading) keyed(m *member) (all []member) {
	_ = rd.cur.object(jsontext.NewDecoder(bytes.NewBuffer(m.value)), m.valueAt, func(e member) {
		if len(all) <= maxValues {
			all = append(all, e)
		}
	})
	return all
}

// variableNames are those that the values came with. Where they are numbers,
// there are none, and the values are put in order.
func (rd *reading) variableNames(m *member) (names []string) {
	numbers, all := 0, rd.parts.values
	for i := range all {
		e := &all[i]
		switch {
		case ordinal.Match(e.name):
			numbers++
		case variableName.Match(e.name):
			names = append(names, string(e.name))
		default:
			rd.faultAt(e.nameAt, rd.partName(m.name), fmt.Sprintf("has a value for %s, which no variable can be called", excerpt(string(e.name))), variableHint)
		}
	}
	switch {
	case numbers > 0 && len(names) > 0:
		rd.faultAt(m.valueAt, rd.partName(m.name), "mixes numbers and names", `Write {"1": "…", "2": "…"}, or {"first_name": "…"} where the template's variables have names.`)
	case numbers == len(all):
		rd.inNumber(m)
	}
	return names
}

// inNumber puts values in the order of their numbers. They count from 1, or
// from 0 as those of forms and of PHP do.
func (rd *reading) inNumber(m *member) {
	slices.SortFunc(rd.parts.values, func(a, b member) int { return cmp.Compare(a.ordinal(), b.ordinal()) })
	for i := range rd.parts.values {
		e := &rd.parts.values[i]
		if want := i + min(rd.parts.values[0].ordinal(), 1); e.ordinal() != want {
			rd.faultAt(e.nameAt, rd.partName(m.name), fmt.Sprintf(`has a value for "%s", but none for "%d"`, e.name, want), variableHint)
			return
		}
	}
}

func (m *member) ordinal() int {
	n, _ := strconv.Atoi(string(m.name))
	return n
}

// templateValues are values as they go into a template. One that is absent is
// empty: whether it may be is for whoever knows the template.
func (rd *reading) templateValues(in *member, all []member) (values []string) {
	if len(all) > maxValues {
		rd.faultAt(in.valueAt, rd.partName(in.name), fmt.Sprintf("has more than %d values", maxValues), "Give one for each that the template takes.")
		return nil
	}
	for i := range all {
		e, s := &all[i], ""
		switch {
		case absent(e.value):
		case nothing(e.value):
			rd.warn("%s is the word %s: it counts as empty.", quoteName(rd.valueName(in, e, i)), e.value)
		default:
			var ok bool
			if s, ok = stringOf(e.value); !ok {
				rd.refusePart(e, rd.valueName(in, e, i), "a string")
			}
		}
		values = append(values, s)
	}
	return values
}

// valueName is the name of a variable or button, as the caller wrote it.
func (rd *reading) valueName(in, e *member, i int) string {
	if e.name == nil {
		return fmt.Sprintf("%s[%d]", rd.partName(in.name), i)
	}
	return rd.partName(in.name) + "." + string(e.name)
}

// refuseValue says that the value of a variable or button breaks its only
// rule. Field ends with its place: [0] for the first.
func (rd *reading) refuseValue(part, field string) {
	in, all := rd.parts.variables, rd.parts.values
	if part == "buttons" {
		in, all = rd.parts.buttons, rd.parts.pressed
	}
	i, _ := strconv.Atoi(strings.Trim(field[strings.IndexByte(field, '['):], "[]"))
	rd.faultAt(all[i].valueAt, rd.valueName(in, &all[i], i), "contains a NUL character (U+0000)", "Remove it.")
}
