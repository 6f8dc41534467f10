// Package sender knows the tools that call webhooks: how a call of each is
// recognised, what to do there about a refusal, and where in its payload the
// fields of a call are.
//
// All of that is data, in senders.yaml. The package decides nothing about a
// call: what it says is shown to people.
package sender

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"relevo/relay"
)

//go:embed senders.yaml
var table []byte

// Tool is one program that calls webhooks.
type Tool struct {
	// ID is small letters, digits and hyphens; it does not change.
	ID string `yaml:"id"`
	// Name is what people call it.
	Name string `yaml:"name"`
	// Agents are parts of its User-Agent in small letters, Headers names of
	// headers that it alone sends. Any one is enough.
	Agents  []string `yaml:"agents"`
	Headers []string `yaml:"headers"`
	// Deliveries are headers with an id that it gives each delivery and
	// repeats when it tries the delivery again.
	Deliveries []string `yaml:"deliveries"`
	// Fixes say what to do in the tool about a refusal, by Reason.
	Fixes map[Reason]string `yaml:"fixes"`
	// Preset is a mapping for its payload; nil where it can shape a call.
	Preset *Preset `yaml:"preset"`
}

// Preset is a mapping to begin with.
type Preset struct {
	// Note says which of the tool's calls it is for.
	Note   string           `yaml:"note"`
	Fields map[string]Field `yaml:"fields"`
}

// Field is relay.MappedField as the table writes it.
type Field struct {
	Path    string `yaml:"path"`
	Value   string `yaml:"value"`
	Default string `yaml:"default"`
}

// Mapping is the preset as a webhook carries it.
func (t Tool) Mapping() relay.Mapping {
	m := relay.Mapping{Preset: t.ID, Fields: map[string]relay.MappedField{}}
	for name, f := range t.Preset.Fields {
		m.Fields[name] = relay.MappedField(f)
	}
	return m
}

// Reason is an error code, or one of the words that stand for several.
type Reason string

// Reasons that are no error codes.
const (
	// JSON: the body's form is at fault.
	JSON Reason = "json"
	// Tag: a merge tag was not filled in.
	Tag Reason = "tag"
	// Phone: a number is no phone number.
	Phone Reason = "phone"
	// Default: anything else that the caller can mend.
	Default Reason = "default"
)

// ReasonOf is what a code's fix is found under.
func ReasonOf(code relay.Code) Reason {
	switch code {
	case relay.CodeInvalidJSON, relay.CodeInvalidEncoding, relay.CodeDuplicateField:
		return JSON
	case relay.CodeInvalidPhone:
		return Phone
	}
	return Reason(code)
}

// Fix is what to do in the tool about a refusal; empty where that is not
// known, or where the tool is not at fault.
func (t Tool) Fix(reason Reason) string {
	if s := t.Fixes[reason]; s != "" {
		return s
	}
	switch relay.Code(reason) {
	case relay.CodeQuotaExhausted, relay.CodeWebhookDisabled, relay.CodeRateLimited, relay.CodeNoChannel, relay.CodeUnavailable, relay.CodeDiskFull, relay.CodeInternal:
		return ""
	}
	return t.Fixes[Default]
}

// Tools are all that are known, in the order in which they are tried. The
// slice is shared: it is not to be changed.
var Tools = sync.OnceValue(func() []Tool {
	var all []Tool
	if err := yaml.Unmarshal(table, &all); err != nil {
		panic(fmt.Sprintf("senders.yaml: %v", err)) // it is part of the program; a test reads it
	}
	for i := range all {
		for _, names := range [...][]string{all[i].Headers, all[i].Deliveries} {
			for j, h := range names {
				names[j] = http.CanonicalHeaderKey(h)
			}
		}
	}
	return all
})

// Recognise finds the tool of a call by its headers. Without one its name is
// empty. It may be called by many at once.
func Recognise(h http.Header) Tool {
	agent := strings.ToLower(h.Get("User-Agent"))
	for _, t := range Tools() {
		for _, name := range t.Headers {
			if len(h[name]) > 0 {
				return t
			}
		}
		for _, part := range t.Agents {
			if agent != "" && strings.Contains(agent, part) {
				return t
			}
		}
	}
	return Tool{}
}
