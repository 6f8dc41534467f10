package relay

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestValuesInQuotationMarksAreRefused(t *testing.T) {
	for given, field := range map[string]string{
		`{"token":"\"secret\""}`:               "settings.token",
		`{"a":"x","token":" \"secret\"\n"}`:    "settings.token",
		`{"token":"'secret'"}`:                 "settings.token",
		`{"token":"“secret”"}`:                 "settings.token",
		`{"token":"sec\"ret"}`:                 "",
		`{"token":"\"","n":1,"o":null,"p":""}`: "",
		`{"token":"\"secret"}`:                 "",
		`not JSON`:                             "",
	} {
		err := unquoted(json.RawMessage(given))
		e, ok := errors.AsType[*Error](err)
		if ok != (field != "") || ok && (len(e.Fields) != 1 || e.Fields[0].Field != field || strings.Contains(e.Error()+e.Fields[0].Hint, "secret")) {
			t.Errorf("%s: got %v, want one about %q", given, err, field)
		}
	}
}
