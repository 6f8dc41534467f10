package relay

import "testing"

func TestFillTemplatePutsEachValueInItsPlace(t *testing.T) {
	values := map[string]string{"1": "Ann", "2": "{{1}}", "first_name": "Bea"}
	for text, want := range map[string]string{
		"Hi {{1}}, {{ 1 }}!":        "Hi Ann, Ann!",
		"{{2}} stays":               "{{1}} stays", // what was put in is not read again
		"Dear {{first_name}}{{9}}.": "Dear Bea.",
		"{1} {{a b}} {{":            "{1} {{a b}} {{",
	} {
		if got := FillTemplate(text, func(name string) string { return values[name] }); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
