// Package reference shows an OpenAPI document as one page of HTML that needs
// no script.
//
// It knows what is in such a document and how it looks; it has never heard of
// what the addresses in it do.
package reference

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is what the page shows of an OpenAPI document, in its order.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Tags []struct {
		Name, Description string
	}
	Paths ordered[pathItem]
	// Webhooks are what is posted to addresses of others, by name.
	Webhooks   ordered[pathItem]
	Components struct {
		Parameters map[string]parameter
		Headers    map[string]header
		Responses  map[string]response
		Schemas    ordered[schema]
	}
}

// ordered is a map that keeps the order of its document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a mapping", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		e := entry[T]{Name: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// pathItem is an address: its operations, and the parameters of all of them.
type pathItem struct {
	parameters []parameter
	operations []operation
}

// UnmarshalYAML reads what belongs to an address.
func (p *pathItem) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		if name == "parameters" {
			if err := value.Decode(&p.parameters); err != nil {
				return err
			}
			continue
		}
		op := operation{method: strings.ToUpper(name)}
		if err := value.Decode(&op); err != nil {
			return err
		}
		p.operations = append(p.operations, op)
	}
	return nil
}

type operation struct {
	method               string
	ID                   string `yaml:"operationId"`
	Tags                 []string
	Summary, Description string
	// Security is nil where it is the document's.
	Security    *[]map[string][]string
	Parameters  []parameter
	RequestBody *struct {
		Required    bool
		Description string
		Content     ordered[content]
	} `yaml:"requestBody"`
	Responses ordered[response]
}

type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
	Example               yaml.Node
}

type header struct {
	Ref         string `yaml:"$ref"`
	Description string
	Required    bool
	Schema      schema
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     ordered[header]
	Content     ordered[content]
}

type content struct {
	Schema   schema
	Example  yaml.Node
	Examples ordered[struct {
		Summary string
		Value   yaml.Node
	}]
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        words
	Description string
	Properties  ordered[schema]
	Required    []string
	Items       *schema
	OneOf       []schema `yaml:"oneOf"`
	// Additional is what other fields hold; nil where there are none, or any.
	Additional       additional `yaml:"additionalProperties"`
	Enum             []yaml.Node
	Minimum, Maximum *int64
	MinLength        int `yaml:"minLength"`
	MaxLength        int `yaml:"maxLength"`
	Default          yaml.Node
	Format           string
	Examples         []yaml.Node
	Sentences        ordered[string] `yaml:"x-enumDescriptions"`
}

// words are one word or several.
type words []string

// UnmarshalYAML reads them.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

// additional is a schema, where additionalProperties is one.
type additional struct{ *schema }

// UnmarshalYAML passes over true and false.
func (a *additional) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return nil
	}
	return n.Decode(&a.schema)
}

func parse(b []byte) (*document, error) {
	var d document
	if err := yaml.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return &d, nil
}

// last is the name at the end of a reference.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// schema finds one by its name.
func (d *document) schema(name string) schema {
	for _, e := range d.Components.Schemas {
		if e.Name == name {
			return e.Value
		}
	}
	return schema{}
}

// parameter is one, or what it refers to.
func (d *document) parameter(p parameter) parameter {
	if p.Ref != "" {
		return d.Components.Parameters[last(p.Ref)]
	}
	return p
}

func (d *document) response(r response) response {
	if r.Ref != "" {
		return d.Components.Responses[last(r.Ref)]
	}
	return r
}

func (d *document) header(h header) header {
	if h.Ref == "" {
		return h
	}
	there := d.Components.Headers[last(h.Ref)]
	there.Required = there.Required || h.Required
	return there
}
