package console

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestNoPartOfAPageTakesTheNameOfAnother(t *testing.T) {
	files, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil {
		t.Fatal(err)
	}
	define := regexp.MustCompile(`\{\{(?:define|block) "([^"]+)"`)
	shared, own := map[string]string{}, map[string]string{}
	for _, name := range files {
		b, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		everywhere := strings.HasPrefix(path.Base(name), "part_")
		for _, m := range define.FindAllStringSubmatch(string(b), -1) {
			switch {
			case !everywhere:
				own[m[1]] = name
			case shared[m[1]] != "":
				t.Errorf("%s is in %s and in %s: one replaces the other", m[1], shared[m[1]], name)
			default:
				shared[m[1]] = name
			}
		}
	}
	for part, name := range own {
		if shared[part] != "" {
			t.Errorf("%s of %s replaces that of %s", part, name, shared[part])
		}
	}
}
