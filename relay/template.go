package relay

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Template is one language of a message template, as the provider keeps it.
// Templates of one name may exist in several languages.
type Template struct {
	Workspace string `json:"workspace"`
	Channel   string `json:"channel"`
	// ID is the provider's own; empty where it has none.
	ID   string `json:"id,omitzero"`
	Name string `json:"name"`
	// Language is written as Meta writes it: en, pt_BR.
	Language string           `json:"language"`
	Category TemplateCategory `json:"category,omitzero"`
	Status   TemplateStatus   `json:"status"`
	// Reason is why it was rejected or stopped, in the provider's words.
	Reason string          `json:"reason,omitzero"`
	Header *TemplateHeader `json:"header,omitzero"`
	// Body is the text, its variables written {{1}} or {{name}}; Samples are
	// examples of their values, as TemplateVariables orders them.
	Body    string           `json:"body,omitzero"`
	Samples []string         `json:"samples,omitzero"`
	Footer  string           `json:"footer,omitzero"`
	Buttons []TemplateButton `json:"buttons,omitzero"`
	// SyncedAt is when the provider last told of it.
	SyncedAt time.Time `json:"synced_at,omitzero"`
}

// TemplateCategory decides what a template costs and who may get it.
type TemplateCategory string

// Categories of a template:
// https://developers.facebook.com/docs/whatsapp/updates-to-pricing/new-template-guidelines
const (
	Authentication TemplateCategory = "AUTHENTICATION"
	Marketing      TemplateCategory = "MARKETING"
	Utility        TemplateCategory = "UTILITY"
)

// TemplateStatus says whether a template may be sent.
type TemplateStatus string

// What a template may be. Other words of a provider are kept in small
// letters; nothing but approved can be sent.
const (
	TemplateApproved TemplateStatus = "approved"
	TemplatePending  TemplateStatus = "pending"
	TemplateRejected TemplateStatus = "rejected"
	TemplatePaused   TemplateStatus = "paused"
	TemplateDisabled TemplateStatus = "disabled"
	TemplateDeleted  TemplateStatus = "deleted"
)

// TemplateHeader stands over a template's body: a text with at most one
// variable, a file of a kind, or a place.
type TemplateHeader struct {
	// Kind is text, image, video, document or location.
	Kind string `json:"kind"`
	Text string `json:"text,omitzero"`
	// Sample is an example of the variable's value, or a link to a file.
	Sample string `json:"sample,omitzero"`
}

// TemplateButton is a button under a template.
type TemplateButton struct {
	// Type is quick_reply, url, phone_number, copy_code or another word of the
	// provider's in small letters.
	Type string `json:"type"`
	Text string `json:"text,omitzero"`
	// URL may end with the variable {{1}}; Sample is an example of the whole
	// address, or of a code to copy.
	URL    string `json:"url,omitzero"`
	Phone  string `json:"phone,omitzero"`
	Sample string `json:"sample,omitzero"`
}

// TakesValue reports whether a call may give a value for the button: the end
// of its address, the code to copy, or what a quick reply answers.
func (b TemplateButton) TakesValue() bool {
	return b.Type == "quick_reply" || b.Type == "copy_code" || b.Type == "url" && placeholder.MatchString(b.URL)
}

// placeholder is a variable of a template: {{1}} or {{first_name}}.
var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// TemplateVariables are the names of a text's variables, each once: by number
// where they are numbered, else in the order in which they first appear.
func TemplateVariables(text string) []string {
	var names []string
	numbered := true
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
		if _, err := strconv.Atoi(m[1]); err != nil {
			numbered = false
		}
	}
	if numbered {
		slices.SortFunc(names, func(a, b string) int { return number(a) - number(b) })
	}
	return names
}

// FillTemplate puts a value in the place of each variable of a text, by its
// name.
func FillTemplate(text string, value func(name string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		return value(placeholder.FindStringSubmatch(found)[1])
	})
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// Named reports whether the template's variables go by name, not by number.
func (t Template) Named() bool {
	return slices.ContainsFunc(t.Variables(), func(v string) bool { return number(v) == 0 })
}

// Variables are the names of all variables that a call gives values for, in
// their order: of the header, then of the body.
func (t Template) Variables() []string { return slices.Concat(t.variables()) }

// variables are those of the header, and those of the body.
func (t Template) variables() (header, body []string) {
	if t.Header != nil {
		header = TemplateVariables(t.Header.Text)
	}
	return header, TemplateVariables(t.Body)
}

// headerFile is the kind of file that the template begins with; empty for
// none.
func (t Template) headerFile() FileKind {
	if t.Header == nil {
		return ""
	}
	switch k := FileKind(t.Header.Kind); k {
	case Image, Video, Document:
		return k
	}
	return ""
}

// TemplateRef names a template.
type TemplateRef struct {
	Name     string `json:"name"`
	Language string `json:"language"`
}

// LanguageCode is a language as Meta writes it, pt_BR for pt-br: the language
// in small letters, a script of four with one capital, a country in capitals.
// What is no such code comes out as none; see ValidLanguage.
func LanguageCode(s string) string {
	parts := strings.Split(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "-", "_"), "_")
	for i, p := range parts[1:] {
		if len(p) == len("Hans") {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
			continue
		}
		parts[i+1] = strings.ToUpper(p)
	}
	return strings.Join(parts, "_")
}

// OutgoingTemplate is a template to send, its values sorted to its parts. A
// file of the header is Outgoing.File.
type OutgoingTemplate struct {
	// ID is the provider's own, empty where the template was never synced;
	// all values are the body's then.
	ID, Name, Language string
	// Category as synced.
	Category     TemplateCategory
	Header, Body []TemplateValue
	Buttons      []ButtonValue
}

// TemplateValue is the value of a variable. Name is empty where variables go
// by number.
type TemplateValue struct{ Name, Text string }

// ButtonValue is what a button was given.
type ButtonValue struct {
	// Index counts all buttons of the template from 0.
	Index int
	// Type as in TemplateButton.
	Type, Value string
}

// Templater is a driver whose provider keeps message templates. An error that
// is a *SendError has a Reason for the owner.
type Templater interface {
	// Templates lists every template of the channel's account. Workspace and
	// Channel of them may be empty.
	Templates(ctx context.Context, ch Channel) ([]Template, error)
	// Submit hands a template in for approval. The rules that all of WhatsApp
	// shares were checked. sample is the header's example file, nil without
	// one. It returns the template with the provider's ID and status.
	Submit(ctx context.Context, ch Channel, t Template, sample *OutgoingFile) (Template, error)
}

// TemplateChange is what a provider tells of a template by itself. Empty
// fields are not told.
type TemplateChange struct {
	// ID or Name with Language says which one.
	ID, Name, Language string
	Status             TemplateStatus
	Category           TemplateCategory
	Reason             string
}
