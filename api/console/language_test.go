package console

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// catalogues reads all texts by language.
func catalogues(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	files, err := fs.Glob(localeFiles, "locale/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		part := strings.Split(filepath.Base(name), ".")
		if len(part) != 3 || known(part[1]) == "" {
			t.Errorf("%s is not area.language.toml", name)
			continue
		}
		b, err := localeFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]any
		if err := toml.Unmarshal(b, &texts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all[part[1]] == nil {
			all[part[1]] = map[string]any{}
		}
		for key, text := range texts {
			if _, twice := all[part[1]][key]; twice {
				t.Errorf("%s: %s is in another file too", name, key)
			}
			all[part[1]][key] = text
		}
	}
	return all
}

var slot = regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)

// slots are the names in braces of a text and all its plural forms.
func slots(text any) string {
	found := map[string]bool{}
	forms := []any{text}
	if m, ok := text.(map[string]any); ok {
		forms = slices.Collect(maps.Values(m))
	}
	for _, f := range forms {
		s, _ := f.(string)
		for _, m := range slot.FindAllStringSubmatch(s, -1) {
			found[m[1]] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " ")
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	all := catalogues(t)
	if len(all) != len(languages) {
		t.Fatalf("languages: got %v", slices.Sorted(maps.Keys(all)))
	}
	for key, text := range all["en"] {
		for _, l := range languages {
			other, ok := all[l.Tag][key]
			switch {
			case !ok:
				t.Errorf("%s has no %s", l.Tag, key)
			case slots(other) != slots(text):
				t.Errorf("%s: %s has other slots than in English: %q, %q", l.Tag, key, slots(other), slots(text))
			}
			if s, ok := other.(string); ok && strings.TrimSpace(s) == "" {
				t.Errorf("%s: %s is empty", l.Tag, key)
			}
		}
	}
	for _, l := range languages {
		for key := range all[l.Tag] {
			if _, ok := all["en"][key]; !ok {
				t.Errorf("%s has %s, English has not", l.Tag, key)
			}
		}
	}
}

// families are keys that are put together while the program runs: the part
// before the last dot.
var families = map[string]bool{"chats.status": true, "quota.of": true, "quota.kind": true, "quota.every": true, "quota.preset": true, "operator.jobs": true, "audit.act": true, "audit.via": true, "error": true, "role": true, "menu": true, "time": true, "snippet": true, "field": true, "attempt.outcome": true, "attempt.status": true, "attempt.entry": true,
	"kinds": true, "steps": true, "fields": true, "fieldhints": true, "fieldoptions": true, "sandboxnumbers": true, "outcomes": true,
	"templatestatus": true, "templatecategories": true, "templatereasons": true, "templaterules": true, "headerkinds": true, "event": true, "buttontypes": true}

var used = regexp.MustCompile("(?:[.$p]T|[.$p]N|\\bT|\\bN|done\\([^\"]*|key:?)[ (]+\"([a-z]+\\.[a-z_.]+)\"|\"([a-z]+\\.[a-z_]+)\"")

// beginnings are those of keys whose end is put on while the program runs:
// "endpoint.state_".
var beginnings = regexp.MustCompile(`"([a-z]+\.[a-z_]*_)"`)

func TestTextsThatAreUsedAreThereAndOthersAreNot(t *testing.T) {
	texts := catalogues(t)["en"]
	seen := map[string]bool{}
	var begun []string // of keys that are put together
	for _, pattern := range []string{"*.go", "page/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range beginnings.FindAllStringSubmatch(string(b), -1) {
				begun = append(begun, m[1])
			}
			for _, m := range used.FindAllStringSubmatch(string(b), -1) {
				if key := m[1] + m[2]; texts[key] != nil {
					seen[key] = true
				} else if m[1] != "" && !strings.HasSuffix(key, "_") {
					t.Errorf("%s uses %s, which is in no language", name, key)
				}
			}
		}
	}
	for key := range texts {
		family := key[:strings.LastIndexByte(key, '.')]
		put := slices.ContainsFunc(begun, func(b string) bool { return strings.HasPrefix(key, b) })
		if !seen[key] && !families[family] && !put {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

func TestEveryRefusalHasASentenceInEveryLanguage(t *testing.T) {
	texts := catalogues(t)["en"]
	b, err := os.ReadFile("../../relay/error.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllStringSubmatch(string(b), -1)
	if len(codes) < 40 {
		t.Errorf("relay/error.go has %d codes", len(codes))
	}
	for _, m := range codes {
		if texts["error."+m[1]] == nil {
			t.Errorf("error.%s is missing", m[1])
		}
	}
}
