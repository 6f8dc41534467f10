package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// contract is openapi.yaml, for holding calls and answers to it.
type contract struct {
	doc *openapi3.T
	// answers and bodies count what was held to it.
	answers, bodies atomic.Int64
}

var readContract = sync.OnceValues(func() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	return &contract{doc: doc}, err
})

// told are the headers that every answer may have without its operation saying
// so.
var told = []string{"Content-Type", "Content-Length", "Cache-Control", "X-Content-Type-Options", "Referrer-Policy", "X-Request-Id", "Date", "Last-Modified"}

// rules are what a value is held to its schema by.
func rules() []openapi3.SchemaValidationOption {
	date := openapi3.NewCallbackValidator(func(s string) error {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err == nil && at.Location() != time.UTC {
			err = errors.New("a time that is not in UTC")
		}
		return err
	})
	return []openapi3.SchemaValidationOption{openapi3.EnableJSONSchema2020(), openapi3.MultiErrors(), openapi3.WithStringFormatValidator("date-time", date)}
}

// template finds the path of the document that an address is of; empty where
// there is none.
func (c *contract) template(path string) string {
	if first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/"); first == "hook" {
		return "/hook/{token}" // however many slashes, and without a token
	}
	if strings.HasPrefix(path, "/callback/") {
		path = strings.TrimSuffix(path, "/")
	}
	parts := strings.Split(path, "/")
	best := ""
	for template := range c.doc.Paths.Map() {
		want := strings.Split(template, "/")
		if len(want) == len(parts) && slices.EqualFunc(want, parts, segment) && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best = template
		}
	}
	return best
}

func segment(want, got string) bool {
	return want == got || strings.HasPrefix(want, "{") && got != ""
}

// operation is what the document says of a call; nil where its address or its
// method is not in it.
func (c *contract) operation(method, template string) *openapi3.Operation {
	if template == "" {
		return nil
	}
	if method == http.MethodHead || template == "/hook/{token}" && method != http.MethodPost {
		method = http.MethodGet
	}
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return c.doc.Paths.Value(template).GetOperation(method)
	}
	return nil
}

// response is what the document says of an answer.
func (c *contract) response(method, template string, status int) (*openapi3.Response, error) {
	op := c.operation(method, template)
	switch {
	case template == "":
		if status != http.StatusNotFound {
			return nil, fmt.Errorf("an address that is not in the document answers %d", status)
		}
		return c.doc.Components.Responses["NotFound"].Value, nil
	case op == nil:
		if status != http.StatusMethodNotAllowed {
			return nil, fmt.Errorf("a method that is not in the document answers %d", status)
		}
		return c.doc.Components.Responses["MethodNotAllowed"].Value, nil
	}
	ref := op.Responses.Status(status)
	if ref == nil {
		return nil, fmt.Errorf("%s has no answer %d", op.OperationID, status)
	}
	return ref.Value, nil
}

// judge holds one answer to the document.
func (c *contract) judge(method, template string, status int, h http.Header, body []byte) error {
	c.answers.Add(1)
	if method == http.MethodOptions && status == http.StatusNoContent {
		return nil // the router's own
	}
	want, err := c.response(method, template, status)
	if err != nil {
		return err
	}
	cached := h.Get("Cache-Control") != "" || status == http.StatusRequestedRangeNotSatisfiable // http.ServeContent takes it away there
	if h.Get("X-Request-Id") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || !cached {
		return fmt.Errorf("a header is missing that every answer has: %v", h)
	}
	if err := judgeHeaders(want, h); err != nil {
		return err
	}
	if method == http.MethodHead {
		if len(body) > 0 {
			return errors.New("HEAD has a body")
		}
		return nil
	}
	return judgeBody(want, h.Get("Content-Type"), status, body)
}

func judgeHeaders(want *openapi3.Response, h http.Header) error {
	for name := range h {
		declared := slices.ContainsFunc(slices.Collect(mapKeys(want.Headers)), func(d string) bool { return strings.EqualFold(d, name) })
		if !declared && !slices.Contains(told, name) {
			return fmt.Errorf("the header %s is not declared", name)
		}
	}
	for name, ref := range want.Headers {
		v := h.Get(name)
		if v == "" {
			if ref.Value.Required {
				return fmt.Errorf("the header %s is missing", name)
			}
			continue
		}
		if err := ref.Value.Schema.Value.VisitJSON(parsed(ref.Value.Schema.Value, v), rules()...); err != nil {
			return fmt.Errorf("the header %s is %q: %w", name, v, err)
		}
	}
	return nil
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// parsed is a text of a header or a query as its schema means it.
func parsed(s *openapi3.Schema, v string) any {
	if s.Type.Is("integer") {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return float64(n)
		}
	}
	if s.Type.Is("boolean") && (v == "true" || v == "false") {
		return v == "true"
	}
	return v
}

func judgeBody(want *openapi3.Response, mediaType string, status int, body []byte) error {
	if len(want.Content) == 0 {
		if len(body) > 0 {
			return errors.New("there is a body")
		}
		return nil
	}
	content := want.Content[mediaType]
	if content == nil {
		content = want.Content["*/*"]
	}
	if content == nil && strings.HasPrefix(mediaType, "text/html") {
		content = want.Content["text/html"]
	}
	if content == nil {
		return fmt.Errorf("the content type is %q", mediaType)
	}
	if !strings.HasSuffix(mediaType, "json") || content.Schema == nil {
		return nil
	}
	v, err := value(body)
	if err != nil {
		return err
	}
	if err := content.Schema.Value.VisitJSON(v, rules()...); err != nil {
		return err
	}
	if o, ok := v.(map[string]any); ok && status >= 400 {
		if told, ok := o["status"].(float64); ok && int(told) != status {
			return fmt.Errorf("the body says %v", told)
		}
	}
	return nil
}

// value reads JSON.
func value(b []byte) (v any, err error) {
	err = json.Unmarshal(b, &v)
	return v, err
}

// judgeCall holds a call that went well to what the document says of calls:
// its body and its query.
func (c *contract) judgeCall(req *http.Request, template string, h http.Header, body []byte) error {
	op := c.operation(req.Method, template)
	if op == nil {
		return nil
	}
	if strings.HasPrefix(template, apiBase) { // the hook reads any query, providers write theirs
		if err := judgeQuery(op, req.URL.Query()); err != nil {
			return err
		}
	}
	if op.RequestBody == nil || len(bytes.TrimSpace(body)) == 0 {
		if op.RequestBody != nil && op.RequestBody.Value.Required {
			return errors.New("the document wants a body")
		}
		return nil
	}
	content := op.RequestBody.Value.Content["application/json"]
	if content == nil {
		return nil
	}
	v, err := value(body)
	if template == "/hook/{token}" && (err != nil || !documented(v, h)) {
		return nil
	}
	if err != nil {
		return err
	}
	c.bodies.Add(1)
	return content.Schema.Value.VisitJSON(v, rules()...)
}

// documented reports whether a call of the hook is one as the document has it:
// what was mended, captured or mapped is not.
func documented(v any, h http.Header) bool {
	o, ok := v.(map[string]any)
	_, itself := o["action"]
	return ok && itself && h.Get("Relevo-Warnings") == "" && h.Get("Relevo-Captured") == ""
}

func judgeQuery(op *openapi3.Operation, query url.Values) error {
	for name := range query {
		p := op.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		if p == nil {
			return fmt.Errorf("the query %s is not declared", name)
		}
		if v := query.Get(name); v != "" {
			if err := p.Schema.Value.VisitJSON(parsed(p.Schema.Value, v), rules()...); err != nil {
				return fmt.Errorf("the query %s is %q: %w", name, v, err)
			}
		}
	}
	return nil
}
