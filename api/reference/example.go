package reference

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// example is a value of a schema: its own first example, or one made of those
// of its parts.
func (d *document) example(s schema) *yaml.Node {
	switch {
	case len(s.Examples) > 0:
		return &s.Examples[0]
	case s.Ref != "":
		return d.example(d.schema(last(s.Ref)))
	case len(s.OneOf) > 0:
		return d.example(s.OneOf[0])
	case len(s.Enum) > 0:
		return &s.Enum[0]
	case len(s.Type) == 0 || len(s.Type) > 1 || s.Type[0] == "null":
		return scalar("!!null", "null")
	}
	switch s.Type[0] {
	case "array":
		list := &yaml.Node{Kind: yaml.SequenceNode}
		if s.Items != nil {
			list.Content = append(list.Content, d.example(*s.Items))
		}
		return list
	case "object":
		o := &yaml.Node{Kind: yaml.MappingNode}
		for _, p := range s.Properties {
			o.Content = append(o.Content, scalar("!!str", p.Name), d.example(p.Value))
		}
		return o
	case "boolean":
		return scalar("!!bool", "false")
	case "integer":
		return scalar("!!int", "1")
	}
	return scalar("!!str", "…")
}

func scalar(tag, v string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v}
}

// exampleOf is what a body looks like.
func (d *document) exampleOf(c content) *yaml.Node {
	switch {
	case !c.Example.IsZero():
		return &c.Example
	case len(c.Examples) > 0:
		return &c.Examples[0].Value.Value
	}
	return d.example(c.Schema)
}

// written is a value as JSON in its own order: on one line or, where indent is
// not empty, on several.
func written(n *yaml.Node, indent string) string {
	var b strings.Builder
	write(&b, n, indent, "\n")
	return b.String()
}

func write(b *strings.Builder, n *yaml.Node, indent, line string) {
	deeper := line + indent
	if indent == "" {
		deeper, line = "", ""
	}
	between := func(i int) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(deeper)
	}
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			between(i)
			b.WriteString(quoted(n.Content[i].Value) + ":")
			if indent != "" {
				b.WriteByte(' ')
			}
			write(b, n.Content[i+1], indent, deeper)
		}
		end(b, n, line, '}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, v := range n.Content {
			between(i)
			write(b, v, indent, deeper)
		}
		end(b, n, line, ']')
	default:
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
			b.WriteString(n.Value) // null, a number, true and false look the same in JSON
			return
		}
		b.WriteString(quoted(n.Value))
	}
}

func end(b *strings.Builder, n *yaml.Node, line string, bracket byte) {
	if len(n.Content) > 0 {
		b.WriteString(line)
	}
	b.WriteByte(bracket)
}

// quoted is a text as JSON, without escapes that HTML would want.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
