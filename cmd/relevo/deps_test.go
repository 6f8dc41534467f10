package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// rooms is who may import whom: a room and the rooms that it may know. A room
// is a folder and what is below it, up to the next room. Within a room,
// imports lead downwards only. If this table stops you, move the code.
var rooms = map[string][]string{
	"quota":                 {},
	"queue":                 {},
	"relay":                 {"quota", "queue"},
	"relay/store/boltstore": {"relay", "quota", "queue"},
	"relay/store/pgstore":   {"relay", "quota", "queue"},
	"relay/store/storetest": {"relay", "quota", "queue"},
	"relay/guard":           {},
	"relay/media":           {"relay/guard"},
	"relay/driver":          {"relay", "relay/driver/wire", "relay/driver/whatsapp"},
	"relay/driver/wire":     {"relay"},
	"relay/driver/whatsapp": {"relay"}, // what several providers hand on to WhatsApp unchanged
	"relay/outbound":        {"relay", "relay/guard"},
	"api":                   {"relay", "quota", "queue", "relay/media"},
	"cmd/relevo":            {"*"},
}

// homes are modules that one room alone may know, so that each can be
// replaced there.
var homes = map[string]string{
	"github.com/labstack/echo": "api",
	"go.etcd.io/bbolt":         "relay/store/boltstore",
	"github.com/jackc/pgx":     "relay/store/pgstore",
	"github.com/spf13/cobra":   "cmd/relevo",
	"github.com/knadh/koanf":   "cmd/relevo",

	"github.com/coreos/go-oidc": "api/console/issuer",
	"golang.org/x/oauth2":       "api/console/issuer",
}

// homeless are names that say nothing: what is in such a package belongs to
// its only caller.
var homeless = []string{"util", "utils", "common", "helper", "helpers", "types", "model", "models", "manager", "service"}

const module = "relevo/"

// within reports whether a path is a folder or below it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// room is the longest entry of the table that a package is within; empty
// where it is in none.
func room(pkg string) string {
	best := ""
	for r := range rooms {
		if within(pkg, r) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

// fake reports whether a package is for tests: storetest, drivertest,
// metatest.
func fake(pkg string) bool { return strings.HasSuffix(path.Base(pkg), "test") }

// mayImport holds the code of the program to the table. Paths are without the
// module's name.
func mayImport(from, to string) bool {
	r := room(from)
	if r == "" {
		return false
	}
	if slices.Contains(rooms[r], to) || slices.Contains(rooms[r], "*") && room(to) != r {
		return true
	}
	if fake(from) && path.Base(to)+"test" == path.Base(from) {
		return room(to) == r // metatest may know meta
	}
	return room(to) == r && to != from && within(to, from)
}

// testMayImport is the table for tests: they may know everything that is not
// above them.
func testMayImport(from, to string) bool {
	height := func(pkg string) int { return slices.Index([]string{"api", "cmd"}, strings.Split(pkg, "/")[0]) }
	return height(to) <= height(from)
}

// homeOf is the room that alone may import a package of another module; empty
// where every room may.
func homeOf(imported string) string {
	for m, r := range homes {
		if within(imported, m) {
			return r
		}
	}
	return ""
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if room(from) == "" {
			t.Errorf("%s is in no room of the table", from)
		}
		for _, name := range append(strings.Split(from, "/"), p.Name) {
			if slices.Contains(homeless, name) {
				t.Errorf("%s: a package called %q answers no question; name it for what it knows", from, name)
			}
		}
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module); ours && !mayImport(from, to) {
				t.Errorf("%s may not import %s", from, to)
			}
			if home := homeOf(imported); home != "" && !within(from, home) {
				t.Errorf("%s may not import %s: it stays in %s", from, imported, home)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if to, ours := strings.CutPrefix(imported, module); ours && !testMayImport(from, to) {
				t.Errorf("tests of %s may not import %s", from, to)
			}
		}
	}
}

func TestTheTableRefusesOtherArrows(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"relay", "quota", true},
		{"relay/store/boltstore", "relay", true},
		{"relay/store/boltstore", "relay/store/boltstore/record", true},
		{"relay/media", "relay/guard", true},
		{"relay/driver/sandbox", "relay", true},
		{"relay/driver/meta", "relay/driver/whatsapp", true},
		{"relay/driver/meta/metatest", "relay/driver/meta", true},
		{"relay/driver/metatest", "relay/driver/meta", true},
		{"relay/driver/drivertest", "relay", true},
		{"api", "api/hook", true},
		{"api/hook", "relay", true},
		{"cmd/relevo", "relay/driver/meta/metatest", true},
		{"cmd/relevo", "cmd/relevo/config", true},

		{"quota", "queue", false},
		{"queue", "relay", false},
		{"relay", "relay/guard", false},
		{"relay", "relay/store/boltstore", false},
		{"relay", "api", false},
		{"relay/guard", "relay", false},
		{"relay/media", "relay", false},
		{"relay/store/boltstore", "relay/store/storetest", false},
		{"relay/store/boltstore", "relay/store/pgstore", false},
		{"relay/driver/meta", "relay/driver/sandbox", false},
		{"relay/driver/meta", "quota", false},
		{"relay/driver/whatsapp", "relay/driver/meta", false},
		{"relay/driver/whatsapp", "relay/driver/wire", false},
		{"relay/driver/metatest", "relay/driver/sandbox", false},
		{"relay/outbound", "relay/media", false},
		{"api", "relay/store/boltstore", false},
		{"api", "relay/driver/sandbox", false},
		{"api", "relay/guard", false},
		{"api/hook", "api", false},
		{"api", "cmd/relevo/config", false},
		{"cmd/relevo/config", "cmd/relevo", false},
		{"cmd/relevo/config", "cmd/relevo/client", false},
		{"cmd/other", "quota", false},
		{"relayed", "quota", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("%s may import %s: got %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestTestsDoNotLookUp(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"quota", "relay/store/boltstore", true},
		{"relay", "relay/driver/sandbox", true},
		{"api", "relay/store/boltstore", true},
		{"cmd/relevo", "api", true},
		{"relay", "api", false},
		{"quota", "cmd/relevo/config", false},
		{"api", "cmd/relevo", false},
	} {
		if got := testMayImport(c.from, c.to); got != c.want {
			t.Errorf("tests of %s may import %s: got %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// pkg is what `go list -json` says of a package, as far as it matters here.
type pkg struct {
	ImportPath, Name                   string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports,TestImports,XTestImports", "relevo/...")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %s", exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages: it looked in the wrong place", len(all))
	}
	return all
}
