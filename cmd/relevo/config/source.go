package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind is what sort of place a value comes from.
type Kind int

// The kinds, weakest first.
const (
	FromDefault Kind = iota
	FromFile
	FromEnv
	FromFlag
)

// Source is the place that a value comes from. The zero value is the default.
type Source struct {
	Kind Kind
	// Name is the file's, the variable's or the flag's, with its dashes.
	Name string
	// Line of the file, from 1; 0 where it is not known.
	Line int
}

// String is "default", "relevo.yaml:3", "env RELEVO_DATA" or "flag --data".
func (s Source) String() string {
	switch s.Kind {
	case FromFile:
		if s.Line > 0 {
			return fmt.Sprintf("%s:%d", s.Name, s.Line)
		}
		return s.Name
	case FromEnv:
		return "env " + s.Name
	case FromFlag:
		return "flag " + s.Name
	}
	return "default"
}

// Sources says of each key where its value comes from; a key that is not in
// it has its default.
type Sources map[string]Source

// FlagName is how a setting is called as a flag: --public-url.
func FlagName(key string) string {
	if key == "store.url" {
		return "--store"
	}
	return "--" + strings.ReplaceAll(key, "_", "-")
}

// keyLines finds the line of every key of a YAML document.
func keyLines(b []byte) (map[string]int, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	lines := map[string]int{}
	for _, root := range doc.Content {
		if root.Kind != yaml.MappingNode && root.Tag != "!!null" {
			return nil, fmt.Errorf("line %d: settings are written as \"name: value\"", root.Line)
		}
		if err := walkKeys(root, "", lines); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func walkKeys(n *yaml.Node, prefix string, lines map[string]int) error {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if section, rest, dotted := strings.Cut(k.Value, "."); dotted {
			return fmt.Errorf("line %d: %q is written nested: %q, and %q indented on the next line", k.Line, k.Value, section+":", rest+":")
		}
		key := prefix + k.Value
		lines[key] = k.Line
		if err := walkKeys(n.Content[i+1], key+".", lines); err != nil {
			return err
		}
	}
	return nil
}
