package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"relevo/relay"
)

// Settings takes what is kept into a driver's settings, and returns what an
// owner gave, by name, with a fault for each name that is none of names. What
// a given value means, a null or an empty one too, is for the driver to say.
// example shows an object of settings.
func Settings(given, kept json.RawMessage, into any, names []string, example string) (values map[string]json.RawMessage, unknown []relay.FieldError, err error) {
	if len(kept) > 0 && json.Unmarshal(kept, into) != nil { // its error could quote a secret
		return nil, nil, errors.New("the kept settings of a channel cannot be read")
	}
	if err := json.Unmarshal(given, &values); err != nil {
		return nil, nil, relay.RefuseField(relay.CodeInvalidField, "settings", "The settings are not a JSON object.", "Write them as "+example+".")
	}
	for name := range values {
		if !slices.Contains(names, name) {
			unknown = append(unknown, *SettingFault(name, relay.CodeInvalidField,
				"Channels of this kind have no such setting.", "They have "+strings.Join(names, ", ")+"."))
		}
	}
	slices.SortFunc(unknown, func(a, b relay.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return values, unknown, nil
}

// SettingFault says what is wrong with a setting, and where its owner finds the
// right value.
func SettingFault(name string, code relay.Code, message, hint string) *relay.FieldError {
	return &relay.FieldError{Field: "settings." + name, Code: code, Message: message, Hint: hint}
}

// RefuseSettings is the error of one fault or more; it tells the first.
func RefuseSettings(faults []relay.FieldError) error {
	e := &relay.Error{Code: faults[0].Code, Message: faults[0].Message + " " + faults[0].Hint, Fields: faults}
	if n := len(faults); n > 1 {
		e.Message = fmt.Sprintf("%d settings have to be mended. %s", n, e.Message)
	}
	return e
}

// SettingText is a given value without the space around it: a text, or the
// digits of a number, as people write ids without quotes. Null and nothing are
// empty; false for every other value.
func SettingText(raw json.RawMessage) (text string, ok bool) {
	if json.Unmarshal(raw, &text) == nil || len(raw) == 0 {
		return strings.TrimSpace(text), true
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	return n.String(), err == nil
}

// ShownSettings are kept settings as their owner sees them again: those named
// open as they are, all others masked, empty ones not at all. Nil where they
// cannot be read.
func ShownSettings(kept json.RawMessage, open ...string) map[string]string {
	var shown map[string]string
	if err := json.Unmarshal(kept, &shown); err != nil {
		return nil
	}
	for name, v := range shown {
		switch {
		case v == "":
			delete(shown, name)
		case !slices.Contains(open, name):
			shown[name] = Masked(v)
		}
	}
	return shown
}
