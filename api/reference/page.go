package reference

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed page.html
var layout string

//go:embed style.css
var style []byte

// Style is the style sheet that the page asks for at /reference.css.
func Style() []byte { return style }

// view is what the page is made from.
type view struct {
	Title, Summary string
	About          []string
	Base           string
	Groups         []group
	Objects        []object
	Codes          []code
}

type group struct {
	ID, Name, About string
	Calls           []call
}

// call is one operation.
type call struct {
	ID, Method, Path, Summary string
	About                     []string
	// Key says whose key opens it.
	Key                  string
	Parameters           []field
	BodyAbout            string
	Body                 []kind
	BodyOptional         bool
	Fields               []field // of the body of what is posted to others
	Curl                 []named
	Answers              []answer
	Example, ExampleKind string
}

// named is a piece of code with what it shows.
type named struct{ Name, Code string }

type answer struct {
	Status, About string
	Kind          []kind
	// Codes are those that it can have, where that are not all.
	Codes   []string
	Headers []field
}

// field is a field of an object, a parameter or a header.
type field struct {
	Name, Where, About string
	Kind               []kind
	Required           bool
	// Limits says what values there may be.
	Limits string
}

// kind is a piece of the name of a type; with a Link where it is an object of
// the page.
type kind struct{ Text, Link string }

type object struct {
	Name, About string
	Fields      []field
	Example     string
}

type code struct{ Name, About string }

// Page makes the page of an OpenAPI document in YAML. base is what the
// server's addresses begin with.
func Page(openapi []byte, base string) ([]byte, error) {
	d, err := parse(openapi)
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d.view(base)); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return b.Bytes(), nil
}

func (d *document) view(base string) view {
	v := view{Title: d.Info.Title, Summary: d.Info.Summary, About: paragraphs(d.Info.Description), Base: base}
	for _, tag := range d.Tags {
		g := group{ID: strings.ReplaceAll(strings.ToLower(tag.Name), " ", "-"), Name: tag.Name, About: tag.Description}
		for _, p := range d.Paths {
			for _, op := range p.Value.operations {
				if slices.Contains(op.Tags, tag.Name) {
					g.Calls = append(g.Calls, d.call(p.Name, p.Value.parameters, op))
				}
			}
		}
		for _, p := range d.Webhooks {
			for _, op := range p.Value.operations {
				if slices.Contains(op.Tags, tag.Name) {
					g.Calls = append(g.Calls, d.webhook(p.Name, op))
				}
			}
		}
		v.Groups = append(v.Groups, g)
	}
	for _, s := range d.Components.Schemas {
		for _, c := range s.Value.Sentences {
			v.Codes = append(v.Codes, code{c.Name, c.Value})
		}
		if d.isObject(s.Name) {
			v.Objects = append(v.Objects, object{Name: s.Name, About: s.Value.Description, Fields: d.fields(s.Value)})
		}
	}
	return v
}

// isObject reports whether a schema has a place of its own on the page: an
// object that is no list.
func (d *document) isObject(name string) bool {
	s := d.schema(name)
	list := len(s.Properties) == 2 && s.Properties[0].Name == "data" && strings.HasSuffix(name, "List")
	return (len(s.Properties) > 0 || s.Additional.schema != nil || name == "Settings") && !list
}

// paragraphs splits a description, and takes its line breaks away.
func paragraphs(s string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		if p != "" {
			all = append(all, strings.ReplaceAll(p, "\n", " "))
		}
	}
	return all
}

func (d *document) call(path string, shared []parameter, op operation) call {
	c := call{ID: op.ID, Method: op.method, Path: path, Summary: op.Summary, About: paragraphs(op.Description), Key: "operator's key or the workspace's"}
	switch {
	case op.Security != nil && len(*op.Security) == 0:
		c.Key = "no key"
	case op.Security != nil && len(*op.Security) == 1:
		c.Key = "operator's key only"
	}
	for _, p := range slices.Concat(shared, op.Parameters) {
		p = d.parameter(p)
		where := map[string]string{"path": "in the path", "query": "in the query", "header": "header"}[p.In]
		c.Parameters = append(c.Parameters, field{
			Name: p.Name, Where: where, About: p.Description, Kind: d.kind(p.Schema), Required: p.Required && p.In != "path", Limits: limits(p.Schema),
		})
	}
	if b := op.RequestBody; b != nil && !slices.Contains(op.Tags, "Not for callers") {
		c.BodyAbout, c.BodyOptional = b.Description, !b.Required
		c.Body = d.kind(b.Content[0].Value.Schema)
	}
	if !slices.Contains(op.Tags, "Not for callers") {
		c.Curl = d.curl(path, slices.Concat(shared, op.Parameters), op)
	}
	for _, r := range op.Responses {
		c.answer(d, r.Name, d.response(r.Value))
	}
	return c
}

// webhook is a call that is made to an address of somebody else.
func (d *document) webhook(name string, op operation) call {
	c := call{ID: op.ID, Method: op.method, Path: name, Summary: op.Summary, About: paragraphs(op.Description), Key: "to your address"}
	if b := op.RequestBody; b != nil {
		body := b.Content[0].Value
		c.Fields = d.fields(body.Schema)
		c.Example = written(d.exampleOf(body), "  ")
	}
	for _, r := range op.Responses {
		c.answer(d, r.Name, d.response(r.Value))
	}
	return c
}

// answer adds an answer and, of the first that has one, its example.
func (c *call) answer(d *document, status string, r response) {
	a := answer{Status: status, About: strings.Join(paragraphs(r.Description), " ")}
	for i, media := range r.Content {
		if i == 0 && strings.HasSuffix(media.Name, "json") {
			a.Kind, a.Codes = d.kind(media.Value.Schema), codesOf(media.Value.Schema)
			if c.Example == "" && status < "3" {
				c.Example, c.ExampleKind = written(d.exampleOf(media.Value), "  "), status
			}
			continue
		}
		if media.Name != "*/*" {
			name, _, _ := strings.Cut(media.Name, ";")
			if len(a.Kind) > 0 {
				name = " or " + name
			}
			a.Kind = append(a.Kind, kind{Text: name})
		}
	}
	for _, h := range r.Headers {
		there := d.header(h.Value)
		if h.Name == "X-Request-Id" { // on every answer
			continue
		}
		a.Headers = append(a.Headers, field{Name: h.Name, About: there.Description, Required: there.Required})
	}
	c.Answers = append(c.Answers, a)
}

// codesOf are the codes that an answer allows of all.
func codesOf(s schema) (all []string) {
	for _, p := range s.Properties {
		if p.Name == "error_code" || p.Name == "code" {
			for _, v := range p.Value.Enum {
				all = append(all, v.Value)
			}
		}
	}
	return all
}

func (d *document) fields(s schema) (all []field) {
	for _, p := range s.Properties {
		about := p.Value.Description
		if p.Value.Ref != "" && about == "" && !d.isObject(last(p.Value.Ref)) {
			about = d.schema(last(p.Value.Ref)).Description
		}
		all = append(all, field{
			Name: p.Name, About: strings.Join(paragraphs(about), " "), Kind: d.kind(p.Value), Required: slices.Contains(s.Required, p.Name), Limits: limits(p.Value),
		})
	}
	return all
}

// kind names the type of a schema.
func (d *document) kind(s schema) []kind {
	switch {
	case s.Ref != "":
		name := last(s.Ref)
		if d.isObject(name) || len(d.schema(name).Sentences) > 0 {
			return []kind{{Text: name, Link: name}}
		}
		return d.kind(d.schema(name))
	case len(s.OneOf) > 0:
		var all []kind
		for _, one := range s.OneOf {
			if len(all) > 0 {
				all = append(all, kind{Text: " or "})
			}
			all = append(all, d.kind(one)...)
		}
		return all
	case len(s.Properties) == 2 && s.Properties[0].Name == "data" && s.Properties[0].Value.Items != nil:
		return append([]kind{{Text: "page of "}}, d.kind(*s.Properties[0].Value.Items)...)
	case len(s.Type) == 1 && s.Type[0] == "array" && s.Items != nil:
		return append([]kind{{Text: "list of "}}, d.kind(*s.Items)...)
	case s.Additional.schema != nil:
		return append([]kind{{Text: "object of "}}, d.kind(*s.Additional.schema)...)
	case len(s.Type) == 0:
		return []kind{{Text: "any JSON"}}
	case s.Format == "date-time":
		return []kind{{Text: strings.Replace(strings.Join(s.Type, " or "), "string", "time", 1)}}
	}
	return []kind{{Text: strings.Join(s.Type, " or ")}}
}

// limits says what values there may be.
func limits(s schema) string {
	var all []string
	if len(s.Enum) > 0 && len(s.Sentences) == 0 {
		var names []string
		for i := range s.Enum {
			names = append(names, s.Enum[i].Value)
		}
		all = append(all, strings.Join(names, ", "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		all = append(all, fmt.Sprintf("%d to %d", *s.Minimum, *s.Maximum))
	case s.Minimum != nil && *s.Minimum > 0:
		all = append(all, fmt.Sprintf("from %d", *s.Minimum))
	}
	if s.MaxLength > 0 {
		all = append(all, fmt.Sprintf("at most %d characters", s.MaxLength))
	}
	if !s.Default.IsZero() {
		all = append(all, "default "+s.Default.Value)
	}
	return strings.Join(all, "; ")
}

// variable is what stands in the examples for a part of a path.
func variable(name string) string {
	if name == "ws" {
		return "$RELEVO_WORKSPACE"
	}
	return "$" + strings.ToUpper(name)
}

// curl shows an operation as command lines, one for each example of its body.
func (d *document) curl(path string, parameters []parameter, op operation) []named {
	if op.Responses[0].Name > "3" {
		return nil // it is always refused
	}
	address := `"$RELEVO_URL` + path
	for _, p := range parameters {
		address = strings.ReplaceAll(address, "{"+d.parameter(p).Name+"}", variable(d.parameter(p).Name))
	}
	query := "?"
	for _, p := range parameters {
		if p = d.parameter(p); p.In == "query" && !p.Example.IsZero() {
			address += query + p.Name + "=" + p.Example.Value
			query = "&"
		}
	}
	line := "curl -sS"
	if op.method != "GET" && op.RequestBody == nil || op.method != "GET" && op.method != "POST" {
		line += " -X " + op.method
	}
	first := d.response(op.Responses[0].Value)
	if slices.ContainsFunc(first.Headers, func(h entry[header]) bool { return h.Name == "Content-Disposition" }) && !strings.HasSuffix(first.Content[0].Name, "json") {
		line += " -OJ"
	}
	line += " " + address + `"`
	if op.Security == nil || len(*op.Security) > 0 {
		line += " \\\n  -H \"Authorization: Bearer $RELEVO_KEY\""
	}
	if op.RequestBody == nil {
		return []named{{Code: line}}
	}
	return d.curlBodies(line, op.RequestBody.Content[0].Value)
}

func (d *document) curlBodies(line string, c content) (all []named) {
	line += " \\\n  -H 'Content-Type: application/json'"
	add := func(name string, v *yaml.Node) {
		all = append(all, named{name, line + " \\\n  -d '" + strings.ReplaceAll(written(v, ""), "'", `'\''`) + "'"})
	}
	for i := range c.Examples {
		add(c.Examples[i].Value.Summary, &c.Examples[i].Value.Value)
	}
	if len(all) == 0 {
		add("", d.exampleOf(c))
	}
	return all
}
