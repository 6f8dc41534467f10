package api

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// decode reads a JSON object strictly: a name that is not known, or comes
// twice, is refused and named.
func decode(b []byte, into any) error {
	err := json.Unmarshal(b, into, json.RejectUnknownMembers(true))
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case err == nil && jsontext.Value(b).Kind() == jsontext.KindBeginObject:
		return nil
	case err == nil:
		return relay.Refusef(relay.CodeInvalidJSON, "The body must be a JSON object.")
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return relay.RefuseField(relay.CodeDuplicateField, fieldOf(syntax.JSONPointer), fieldOf(syntax.JSONPointer)+" is given twice.", "Keep one of the two.")
	case errors.As(err, &syntax):
		before := b[:min(int(syntax.ByteOffset), len(b))]
		line, column := bytes.Count(before, []byte{'\n'})+1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])+1
		return relay.Refusef(relay.CodeInvalidJSON, "The body is not JSON: there is a fault at line %d, column %d.", line, column)
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &meaning):
		return refuseUnknown(b, into, meaning)
	case errors.As(err, &meaning):
		return refuseType(meaning)
	}
	return &relay.Error{Code: relay.CodeInvalidJSON, Message: "The body cannot be read as JSON."}
}

// fieldOf writes a pointer into the document as a person would: spacing_ms.min.
func fieldOf(p jsontext.Pointer) string {
	return strings.Join(slices.Collect(p.Tokens()), ".")
}

// refuseUnknown names every field of the object that there is not, and what
// there is.
func refuseUnknown(b []byte, into any, found *json.SemanticError) error {
	name := fieldOf(found.JSONPointer)
	known := namesOf(reflect.TypeOf(into).Elem())
	var all map[string]jsontext.Value
	if strings.Contains(name, ".") || json.Unmarshal(b, &all) != nil {
		return relay.RefuseField(relay.CodeInvalidField, name, "There is no field "+name+".", "")
	}
	var strangers []string
	for n := range all {
		if !slices.Contains(known, n) {
			strangers = append(strangers, n)
		}
	}
	slices.Sort(strangers)
	hint := "Known here: " + strings.Join(known, ", ") + "."
	e := relay.RefuseField(relay.CodeInvalidField, "", "There is no field "+strangers[0]+".", hint)
	if len(strangers) > 1 {
		e.Message = fmt.Sprintf("There are no fields %s.", strings.Join(strangers, ", "))
	}
	e.Fields = nil
	for _, n := range strangers {
		e.Fields = append(e.Fields, relay.FieldError{Field: n, Code: relay.CodeInvalidField, Message: "There is no field " + n + ".", Hint: hint})
	}
	return e
}

func namesOf(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		names = append(names, jsonName(f))
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func refuseType(e *json.SemanticError) error {
	want := "of another type"
	if e.GoType != nil {
		switch e.GoType.Kind() {
		case reflect.Bool:
			want = "true or false"
		case reflect.String:
			want = "a string"
		case reflect.Int, reflect.Int64:
			want = "a whole number"
		case reflect.Struct, reflect.Map:
			want = "an object"
		case reflect.Slice:
			want = "a list"
		}
	}
	name := fieldOf(e.JSONPointer)
	if name == "" {
		return relay.Refusef(relay.CodeInvalidJSON, "The body must be a JSON object.")
	}
	return relay.RefuseField(relay.CodeInvalidField, name, fmt.Sprintf("%s must be %s.", name, want), "")
}

// newRules prepares the rules in the tags of request bodies; faults are named
// as on the wire.
func newRules() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	return v
}

// judge checks the rules and names every one that is broken.
func judge(rules *validator.Validate, body any) error {
	var broken validator.ValidationErrors
	if err := rules.Struct(body); !errors.As(err, &broken) {
		return nil
	}
	e := &relay.Error{Code: relay.CodeInvalidField}
	for _, b := range broken {
		_, name, _ := strings.Cut(b.Namespace(), ".")
		f := relay.FieldError{Field: name, Code: relay.CodeInvalidField}
		switch b.Tag() {
		case "required":
			f.Code, f.Message = relay.CodeMissingField, name+" is missing."
		case "min":
			f.Message = fmt.Sprintf("%s is at least %s.", name, b.Param())
		case "max":
			f.Message = fmt.Sprintf("%s is at most %s.", name, b.Param())
			if b.Kind() == reflect.String {
				f.Message = fmt.Sprintf("%s has at most %s characters.", name, b.Param())
			}
		default:
			f.Message = name + " is not valid."
		}
		e.Fields = append(e.Fields, f)
	}
	e.Code, e.Message = e.Fields[0].Code, e.Fields[0].Message
	return e
}
