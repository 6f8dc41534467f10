package relay

// Mapping makes a call of a payload that a tool will not shape: it says where
// each field of the call is found. Whoever makes one has checked it.
type Mapping struct {
	// Preset is the tool whose preset it was made from; it changes nothing.
	Preset string `json:"preset,omitzero"`
	// Fields go by the names of the hook's fields; template.name,
	// template.language and template.variables.0, .1 … are those of a template, and so are
	// template.variables.first_name and template.buttons.0.
	// Without action, the action is send.
	Fields map[string]MappedField `json:"fields"`
}

// MappedField says where one field comes from. Exactly one of Path and Value
// is set.
type MappedField struct {
	// Path leads to the value in the payload: names and numbers with dots
	// between them, such as leads.add.0.phone. Of several with commas between
	// them the first counts that leads to something.
	Path string `json:"path,omitzero"`
	// Value is a text with {path} and {path|what to write instead} in it, or
	// without any: then it is always the same.
	Value string `json:"value,omitzero"`
	// Default is a text like Value, for where there is nothing at Path.
	Default string `json:"default,omitzero"`
}
