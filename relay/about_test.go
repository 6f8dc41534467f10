package relay

import (
	"slices"
	"testing"
)

func TestAPersonIsMentionedInAnyFormOfTheirNumber(t *testing.T) {
	mexican := names("+5215512345678", []Chat{{Recipient: "+525512345678", User: "MX.77"}})
	if !slices.Equal(mexican, []string{"+525512345678", "+5215512345678", "MX.77"}) {
		t.Fatalf("names: %q", mexican)
	}
	for text, want := range map[string]bool{
		`{"phone":"+525512345678"}`:                       true,
		`{"phone":"+52 1 (55) 1234-5678"}`:                true,
		`{"phone":5215512345678}`:                         true,
		`phone=%2B52+55+1234+5678&text=100%25`:            true,
		`phone=%2B52%2055%201234%205678&text=%zz`:         false, // no form, and its %20 are digits too
		`{"jid":"5215512345678@s.whatsapp.net"}`:          true,
		"{\"phone\":\"+52\u00a055\u00a01234\u00a05678\"}": true,
		`{"jid":"MX.77"}`:                                 true,
		`{"phone":"+525512345679"}`:                       false,
		`{"a":"52551234","b":"5678"}`:                     false,
		``:                                                false,
	} {
		if got := mentions(text, mexican); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestBothFormsOfANumberAreFoundFromEither(t *testing.T) {
	for _, forms := range [][]string{
		{"+525512345678", "+5215512345678"},
		{"+541123456789", "+5491123456789"},
		{"+551187654321", "+5511987654321"},
		{"+14155550100"}, {"+551133334444"}, {"US.12345"},
	} {
		for _, f := range forms {
			if got := Forms(f); !slices.Equal(got, forms) {
				t.Errorf("forms of %s: %q, want %q", f, got, forms)
			}
		}
	}
}
