package api

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"relevo/relay"
)

func theContract(t *testing.T) *contract {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheDocumentIsValid(t *testing.T) {
	c := theContract(t)
	if err := c.doc.Validate(t.Context(), openapi3.EnableMultiError(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	if c.doc.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", c.doc.OpenAPI)
	}
}

// addressOf is a route of Echo as the document writes it: a callback's is the
// same with a slash at its end.
func addressOf(path string) string {
	if strings.HasPrefix(path, callbackPath) {
		path = strings.TrimSuffix(path, "/")
	}
	return regexp.MustCompile(`:(\w+)`).ReplaceAllString(path, "{$1}")
}

func TestEveryRouteIsInTheDocumentAndBack(t *testing.T) {
	s := &server{Config: Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
	e := echo.New()
	s.register(e)
	got := map[string]bool{}
	for _, r := range e.Routes() {
		method, address := r.Method, addressOf(r.Path)
		switch {
		case address == "/hook" || address == "/hook/*": // an address without its token, which leads nowhere
			continue
		case address == "/hook/{token}" && method != http.MethodPost: // all refused alike: GET stands for them
			method = http.MethodGet
		case method == http.MethodHead: // wherever GET is
			if !slices.ContainsFunc(e.Routes(), func(o *echo.Route) bool { return o.Path == r.Path && o.Method == http.MethodGet }) {
				t.Errorf("%s takes HEAD and not GET", r.Path)
			}
			continue
		}
		got[method+" "+address] = true
	}
	want := map[string]bool{}
	for address, item := range theContract(t).doc.Paths.Map() {
		for method := range item.Operations() {
			want[method+" "+address] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("openapi.yaml and the routes (-openapi.yaml +routes):\n%s", diff)
	}
	t.Logf("%d operations", len(want))
}

func TestEveryRouteSaysWhoseKeyOpensIt(t *testing.T) {
	doc := theContract(t).doc
	for _, r := range new(server).routes() {
		op := doc.Paths.Value(apiBase + addressOf(r.path)).GetOperation(r.method)
		forbidden := op.Responses.Value("403") != nil
		alone := op.Security != nil && len(*op.Security) == 1 && (*op.Security)[0]["operatorKey"] != nil
		if operator := r.access == operatorOnly; operator != forbidden || operator != alone {
			t.Errorf("%s %s: opened by the operator alone: %t; the document has 403: %t, the operator's key alone: %t", r.method, r.path, operator, forbidden, alone)
		}
	}
	for address, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if public := !strings.HasPrefix(address, apiBase); public != (op.Security != nil && len(*op.Security) == 0) {
				t.Errorf("%s %s: public: %t, and the document says otherwise", method, address, public)
			}
		}
	}
}

func TestEveryCodeIsInTheDocumentWithASentence(t *testing.T) {
	schema := theContract(t).doc.Components.Schemas["Code"].Value
	sentences, _ := schema.Extensions["x-enumDescriptions"].(map[string]any)
	var listed []relay.Code
	for _, v := range schema.Enum {
		listed = append(listed, relay.Code(v.(string)))
		if s, _ := sentences[v.(string)].(string); !strings.HasSuffix(s, ".") {
			t.Errorf("%s has the sentence %q", v, s)
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(statuses)), listed); diff != "" {
		t.Errorf("codes and the document (-codes +document):\n%s", diff)
	}
	if len(sentences) != len(listed) {
		t.Errorf("%d sentences for %d codes", len(sentences), len(listed))
	}
}

// The codes of a hook's refusal are those that its status can have.
func TestTheHooksCodesHaveTheStatusUnderWhichTheyStand(t *testing.T) {
	c := theContract(t)
	seen := 0
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		for status, ref := range c.operation(method, "/hook/{token}").Responses.Map() {
			if status == "200" || status == "404" {
				continue
			}
			v, err := value(mustMarshal(t, ref.Value.Content["application/json"].Schema))
			if err != nil {
				t.Fatal(err)
			}
			props := v.(map[string]any)["properties"].(map[string]any)
			for _, code := range props["error_code"].(map[string]any)["enum"].([]any) {
				seen++
				if got := float64(statusOf(relay.Code(code.(string)))); got != props["status"].(map[string]any)["enum"].([]any)[0] {
					t.Errorf("%s stands under %s, and is answered %v", code, status, got)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("the hook has %d codes", seen)
	}
}

func mustMarshal(t *testing.T, v interface{ MarshalJSON() ([]byte, error) }) []byte {
	t.Helper()
	b, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A view's fields are fixed: an answer with a field that is not described must
// not pass.
func TestEveryObjectOfTheDocumentIsClosed(t *testing.T) {
	for name, ref := range theContract(t).doc.Components.Schemas {
		s := ref.Value
		if name == "Call" || name == "TemplateCall" || !s.Type.Is("object") {
			continue // the hook names what it does not know, and goes on
		}
		closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has || s.AdditionalProperties.Schema != nil
		if !closed {
			t.Errorf("%s takes any field", name)
		}
		for field, p := range s.Properties {
			if !strings.Contains(string(mustMarshal(t, p)), `"type"`) && p.Ref == "" && p.Value.OneOf == nil && field != "json" {
				t.Errorf("%s.%s may be anything", name, field)
			}
		}
	}
}
