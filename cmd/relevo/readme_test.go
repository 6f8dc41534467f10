package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/cmd/relevo/config"
)

// document reads a file of the project's top level.
func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section is a part of a document in Markdown: from its heading to the next
// heading of any depth.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no section %q", heading)
	}
	part, _, _ := strings.Cut(rest, "\n#")
	return part
}

// rows are the cells of a section's table, without its first two lines and
// without marks of code.
func rows(t *testing.T, part string) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(part) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(strings.TrimSpace(cell), "`"))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("the table has %d lines", len(rows))
	}
	return rows[2:]
}

func TestTheReadmeListsEverySettingWithItsDefault(t *testing.T) {
	var got, want [][2]string
	for _, row := range rows(t, section(t, document(t, "README.md"), "### Settings")) {
		got = append(got, [2]string{row[0], row[1]})
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"config", "print"}, nil, nil, &out, &errs); code != exitOK {
		t.Fatalf("config print: %s", &errs)
	}
	printed := strings.Split(out.String(), "\n")
	at := strings.Index(printed[0], "VALUE")
	for _, line := range printed[1 : len(config.Keys())+1] {
		value := strings.TrimSpace(strings.TrimSuffix(line[at:], "default"))
		if value == `""` || value == "(not set)" {
			value = ""
		}
		want = append(want, [2]string{strings.TrimSpace(line[:at]), value})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings and README.md (-settings +README):\n%s", diff)
	}
}

func TestTheReadmeListsEveryField(t *testing.T) {
	var got []string
	for _, row := range rows(t, section(t, document(t, "README.md"), "## The webhook")) {
		got = append(got, row[0])
	}
	want := returned(t, "../../api/hook/names.go", "canonical")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields and README.md (-fields +README):\n%s", diff)
	}
}

func TestTheReadmeListsEveryCode(t *testing.T) {
	part := section(t, document(t, "README.md"), "### Answers")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(part, -1) {
		listed[m[1]] = true
	}
	codes := constants(t, "../../relay/error.go", "Code")
	if len(codes) < 30 {
		t.Fatalf("found %d codes in relay/error.go", len(codes))
	}
	for _, code := range codes {
		if !listed[code] {
			t.Errorf("README.md does not list the code %s", code)
		}
	}
	for _, row := range rows(t, part) {
		for _, m := range regexp.MustCompile("[a-z_]{5,}").FindAllString(strings.ReplaceAll(row[1], "(none: `Webhook not found`)", ""), -1) {
			if !slices.Contains(codes, m) {
				t.Errorf("README.md lists the code %s, which there is not", m)
			}
		}
	}
}

func TestTheReadmeNamesEveryCommand(t *testing.T) {
	part := section(t, document(t, "README.md"), "## The command line")
	for _, c := range newRootCommand(&program{}).Commands() {
		if !strings.Contains(part, "`"+c.Name()+"`") && !strings.Contains(part, "`relevo "+c.Name()+"`") {
			t.Errorf("README.md does not name `relevo %s`", c.Name())
		}
	}
}

// Every command line of the examples is one that the program understands.
func TestTheReadmesCommandsExist(t *testing.T) {
	root := newRootCommand(&program{})
	for _, name := range []string{"README.md", "SECURITY.md", "relevo.service", "relay/driver/meta/README.md", "relay/driver/twilio/README.md", "relay/driver/vonage/README.md", "relay/driver/infobip/README.md"} {
		found := regexp.MustCompile("(?:`|\\$\\(|(?m:^ *)|-- )relevo ([^`#)\n]+)").FindAllStringSubmatch(document(t, name), -1)
		if len(found) == 0 {
			t.Errorf("%s shows no command", name)
		}
		for _, m := range found {
			command, _, _ := strings.Cut(m[1], " | ")
			args := strings.Fields(command)
			if args[0] == "COMMAND" {
				continue
			}
			c, left, err := root.Find(args)
			if err != nil || c == root || len(c.Commands()) > 0 && len(left) > 0 {
				t.Errorf("%s: there is no command `relevo %s`", name, m[1])
				continue
			}
			for _, arg := range left {
				flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				if strings.HasPrefix(arg, "--") && c.Flags().Lookup(flag) == nil && c.InheritedFlags().Lookup(flag) == nil && flag != "help" {
					t.Errorf("%s: `relevo %s` has no flag %s", name, m[1], arg)
				}
			}
		}
	}
}

func TestTheReadmeListsEveryRoute(t *testing.T) {
	part := section(t, document(t, "README.md"), "## The API")
	listed := map[string]bool{}
	for _, row := range rows(t, part) {
		paths, methods := strings.Split(row[0], " · "), strings.Split(row[1], " · ")
		for i, p := range paths {
			p, _, _ = strings.Cut(strings.Trim(p, "` "), "`") // without what its query takes
			p = strings.Replace(p, "…/sandbox", "…/channels/{ch}/sandbox", 1)
			p = regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(strings.Replace(p, "…", "/workspaces/{ws}", 1), ":$1")
			for m := range strings.SplitSeq(methods[min(i, len(methods)-1)], ", ") {
				listed[strings.TrimSuffix(m, " ¹")+" "+p+strings.TrimLeft(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = true
			}
		}
	}
	b, err := os.ReadFile("../../api/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\{http\.Method(\w+), (ws|ch|ep)?(?: \+ )?(?:"([^"]*)")?, (\w+),`).FindAllStringSubmatch(string(b), -1)
	if len(found) < 30 {
		t.Fatalf("found %d routes in api/routes.go", len(found))
	}
	before := map[string]string{"ws": "/workspaces/:ws", "ch": "/workspaces/:ws/channels/:ch", "ep": "/workspaces/:ws/endpoints/:ep"}
	for _, m := range found {
		route := strings.ToUpper(m[1]) + " " + before[m[2]] + m[3]
		if m[4] == "operatorOnly" {
			route += " ¹"
		}
		if !listed[route] {
			t.Errorf("README.md does not list %s", route)
		}
		delete(listed, route)
	}
	for route := range listed {
		t.Errorf("README.md lists %s, which there is not", route)
	}
}

func TestContributingShowsTheTableOfImports(t *testing.T) {
	for _, row := range rows(t, section(t, document(t, "CONTRIBUTING.md"), "## Rooms, and who may import whom")) {
		for r := range strings.SplitSeq(row[0], ", ") {
			r = strings.TrimSuffix(strings.Trim(r, "`"), "/…")
			want, ok := rooms[r]
			if !ok {
				t.Errorf("CONTRIBUTING.md lists the room %s, which deps_test.go does not", r)
				continue
			}
			said := strings.ReplaceAll(strings.ReplaceAll(row[1], "`", ""), "everything", "*")
			if got := strings.Join(want, ", "); got != strings.TrimSuffix(said, "nothing") {
				t.Errorf("CONTRIBUTING.md says that %s may import %s; deps_test.go says %q", r, row[1], got)
			}
		}
	}
}

// constants are the values of a file's string constants of a type.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	ast.Inspect(parsed(t, file), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == typ {
				values = append(values, literals(t, v)...)
			}
		}
		return true
	})
	return values
}

// returned are the string literals in a function, but the empty one.
func returned(t *testing.T, file, function string) (values []string) {
	t.Helper()
	ast.Inspect(parsed(t, file), func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == function {
			values = append(values, literals(t, f)...)
		}
		return true
	})
	return slices.DeleteFunc(values, func(s string) bool { return s == "" })
}

func parsed(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func literals(t *testing.T, in ast.Node) (values []string) {
	t.Helper()
	ast.Inspect(in, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, s)
		}
		return true
	})
	return values
}
