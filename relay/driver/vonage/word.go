package vonage

import (
	"bytes"
	"encoding/json"
	"strings"
)

// word is a text that may come as a number or a flag: Vonage's own libraries
// disagree about some fields. An object becomes its JSON.
type word string

// UnmarshalJSON takes any value.
func (w *word) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		*w = ""
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*w = word(s)
	default:
		var c bytes.Buffer
		if err := json.Compact(&c, b); err != nil {
			return err
		}
		*w = word(c.String())
	}
	return nil
}

// party is the number or id of one side. Version 0.1 of the API writes it as
// an object.
type party string

// UnmarshalJSON takes a text, a number, or an object with a number or an id.
func (p *party) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return (*word)(p).UnmarshalJSON(b)
	}
	var o struct {
		Number word `json:"number"`
		ID     word `json:"id"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	*p = party(o.Number)
	if *p == "" {
		*p = party(o.ID)
	}
	return nil
}

// digits is a phone number without its + or 00; empty where it is none.
func (p party) digits() string {
	d := strings.TrimPrefix(strings.TrimPrefix(string(p), "+"), "00")
	if !numberForm.MatchString(d) {
		return ""
	}
	return d
}

// event is one object of a callback. Its fields are read one by one, so that
// a field of an unknown shape costs no more than itself.
type event map[string]json.RawMessage

// field reads one field; its zero value where it is absent or of another
// shape.
func field[T any](e event, name string) T {
	var v, none T
	if raw, ok := e[name]; !ok || json.Unmarshal(raw, &v) != nil {
		return none
	}
	return v
}

func (e event) word(name string) string { return string(field[word](e, name)) }
