package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"relevo/relay"
)

// TestEveryCodeHasItsStatus reads the codes out of relay/error.go.
func TestEveryCodeHasItsStatus(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../relay/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Code" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes++
		if s := statuses[relay.Code(code)]; s < 400 || s > 599 {
			t.Errorf("%s has the status %d", code, s)
		}
		return true
	})
	if codes < 40 || codes != len(statuses) {
		t.Errorf("relay has %d codes, the table %d", codes, len(statuses))
	}
}

func TestACodeWithoutARowIsInternal(t *testing.T) {
	if got := statusOf("no_such_code"); got != 500 {
		t.Errorf("got %d", got)
	}
	if got := statusOf(""); got != 200 {
		t.Errorf("no code: got %d", got)
	}
}
