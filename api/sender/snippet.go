package sender

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed snippets.yaml
var snippetTable []byte

// Snippet is what one pastes into a tool so that it calls a webhook.
type Snippet struct {
	// ID is small letters, digits and hyphens; it does not change.
	ID string `yaml:"id"`
	// Name is what people call the tool.
	Name string `yaml:"name"`
	// Code is to be pasted, or says what goes into which box.
	Code string `yaml:"code"`
}

// urlSlot stands for the webhook's address in the table.
const urlSlot = "{url}"

var snippets = sync.OnceValue(func() []Snippet {
	var all []Snippet
	if err := yaml.Unmarshal(snippetTable, &all); err != nil {
		panic(fmt.Sprintf("snippets.yaml: %v", err)) // it is part of the program; a test reads it
	}
	return all
})

// Snippets are those of all tools, for a webhook's address.
func Snippets(url string) []Snippet {
	all := append([]Snippet(nil), snippets()...)
	for i := range all {
		all[i].Code = strings.TrimRight(strings.ReplaceAll(all[i].Code, urlSlot, url), "\n")
	}
	return all
}
