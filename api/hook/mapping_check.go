package hook

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"relevo/relay"
)

// Limits of a mapping.
const (
	maxMapped     = 40
	maxMappedText = 4096
	// maxPaths bounds what is looked for in one document. Forty fields with a
	// few values each take that many.
	maxPaths = 200
)

// CheckMapping refuses a mapping that can make no call, with a *relay.Error.
func CheckMapping(m relay.Mapping) error {
	refuse := func(name, message, hint string) error {
		return relay.RefuseField(relay.CodeInvalidField, "mapping.fields."+name, message, hint)
	}
	if len(m.Fields) > maxMapped {
		return relay.RefuseField(relay.CodeInvalidField, "mapping.fields", fmt.Sprintf("A mapping has at most %d fields.", maxMapped), "")
	}
	known := fieldNames()
	has := map[field]bool{}
	paths := 0
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		from := m.Fields[name]
		f := mappable(known, name)
		switch {
		case f == unknown:
			return refuse(name, fmt.Sprintf("There is no field %s.", quoteName(name)), "The fields are those of a call, such as phone, text and file_url, and template.name, template.language, template.variables.0 or template.variables.first_name, template.buttons.0.")
		case valueOfTemplate(name) && !follows(m.Fields, name):
			return refuse(name, fmt.Sprintf("%s does not go with the other values of the template.", quoteName(name)), "Number the values from 0 without a gap, or name all variables.")
		case (from.Path == "") == (from.Value == ""):
			return refuse(name, fmt.Sprintf("%s needs either a path or a value.", quoteName(name)), `For example {"path": "contact.phone"} or {"value": "Hello {contact.name}"}.`)
		case len(from.Path) > maxMappedText || len(from.Value) > maxMappedText || len(from.Default) > maxMappedText:
			return refuse(name, fmt.Sprintf("What %s is made from is longer than %d bytes.", quoteName(name), maxMappedText), "")
		case !balanced(from.Value) || !balanced(from.Default):
			return refuse(name, fmt.Sprintf("A brace in the text of %s has no partner, or nothing between.", quoteName(name)), "Write a placeholder as {path}, and a brace that is meant as {{ or }}.")
		}
		if paths += pathsIn(from); paths > maxPaths {
			return refuse(name, fmt.Sprintf("With %s the mapping looks in more than %d places.", quoteName(name), maxPaths), "Of several paths with commas between them, each is one.")
		}
		has[f] = true
	}
	switch {
	case !has[text] && !has[fileURL] && !has[template]:
		return refuse(text.canonical(), "The mapping says nothing of what to send.", `Map "text", "file_url" or "template.name".`)
	case !has[phone] && !has[chatID] && !has[jid] && !has[chatName]:
		return refuse(phone.canonical(), "The mapping says nothing of whom to send to.", `Map "phone", "chat_id", "jid" or "chat_name".`)
	}
	return nil
}

// mappable is the field that a name in a mapping stands for.
func mappable(known map[string]field, name string) field {
	first, rest, nested := strings.Cut(name, ".")
	f := known[string(normal(nil, []byte(first)))]
	if f.canonical() != first || nested != (f == template) {
		return unknown
	}
	if !nested || rest == "name" || rest == "language" {
		return f
	}
	part, key, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(key)
	switch {
	case part != "variables" && part != "buttons":
		return unknown
	case ordinal.MatchString(key) && err == nil && n < maxMapped, part == "variables" && variableName.MatchString(key):
		return f
	}
	return unknown
}

// follows reports whether a variable or button of a mapping goes with the
// others: by number after the one before it, or by name beside names only.
func follows(fields map[string]relay.MappedField, name string) bool {
	at := strings.LastIndexByte(name, '.') + 1
	n, err := strconv.Atoi(name[at:])
	if err == nil && n > 1 || err == nil && n == 1 && strings.HasPrefix(name, "template.buttons.") {
		_, ok := fields[name[:at]+strconv.Itoa(n-1)]
		return ok
	}
	for other := range fields {
		key, same := strings.CutPrefix(other, name[:at])
		if _, errOther := strconv.Atoi(key); same && (err == nil) != (errOther == nil) {
			return false
		}
	}
	return true
}

// pathsIn is how many paths are looked for to fill in a field.
func pathsIn(from relay.MappedField) (n int) {
	if from.Path != "" {
		n = 1 + strings.Count(from.Path, ",")
	}
	for _, s := range [...]string{from.Value, from.Default} {
		for s != "" {
			var path string
			if _, path, _, s, _ = nextPlaceholder(s); path != "" {
				n += 1 + strings.Count(path, ",")
			}
		}
	}
	return n
}

func balanced(s string) bool {
	for s != "" {
		var ok bool
		if _, _, _, s, ok = nextPlaceholder(s); !ok {
			return false
		}
	}
	return true
}
