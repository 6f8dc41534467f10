package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"relevo/relay"
)

// filledValue is a variable of a template, or a button that takes one, with
// what somebody filled in.
type filledValue struct {
	// Field is the name of the form's field; Name the variable's, or the
	// button's text.
	Field, Name, Value string
	Header, Button     bool
}

// shownMessage is a template as a phone shows it: text only.
type shownMessage struct {
	// HeaderKind is text, image, video, document, location, or empty.
	HeaderKind, Header, Body, Footer string
	Buttons                          []relay.TemplateButton
}

// mostShown bounds a value in a preview, in bytes.
const mostShown = 1024

// valuesOf are the values of a template: those that were filled in, else the
// samples with which it was approved.
func valuesOf(t relay.Template, given url.Values) (values []filledValue) {
	take := func(v filledValue) {
		if typed, ok := given[v.Field]; ok && len(typed) > 0 {
			v.Value = typed[0][:min(len(typed[0]), mostShown)]
		}
		values = append(values, v)
	}
	inHeader := 0
	if t.Header != nil {
		for i, name := range relay.TemplateVariables(t.Header.Text) {
			take(filledValue{Field: fmt.Sprintf("h%d", i), Name: name, Value: t.Header.Sample, Header: true})
			inHeader++
		}
	}
	for i, name := range t.Variables()[inHeader:] {
		sample := ""
		if i < len(t.Samples) {
			sample = t.Samples[i]
		}
		take(filledValue{Field: fmt.Sprintf("v%d", i), Name: name, Value: sample})
	}
	for i, b := range t.Buttons {
		if b.TakesValue() && b.Type != "quick_reply" {
			take(filledValue{Field: fmt.Sprintf("b%d", i), Name: b.Text, Value: buttonSample(b), Button: true})
		}
	}
	return values
}

// buttonSample is the value that makes a button's example: the end of its
// address, or its code.
func buttonSample(b relay.TemplateButton) string {
	if b.Type != "url" {
		return b.Sample
	}
	start := relay.FillTemplate(b.URL, func(string) string { return "" })
	if len(b.Sample) > len(start) && b.Sample[:len(start)] == start {
		return b.Sample[len(start):]
	}
	return b.Sample
}

// shownMessageOf fills the values in; what has none keeps its braces.
func shownMessageOf(t relay.Template, values []filledValue) shownMessage {
	fill := func(text string, header bool) string {
		return relay.FillTemplate(text, func(name string) string {
			for _, v := range values {
				if v.Name == name && v.Header == header && !v.Button && v.Value != "" {
					return v.Value
				}
			}
			return "{{" + name + "}}"
		})
	}
	b := shownMessage{Body: fill(t.Body, false), Footer: t.Footer, Buttons: t.Buttons}
	if t.Header != nil {
		b.HeaderKind, b.Header = t.Header.Kind, fill(t.Header.Text, true)
	}
	return b
}

// callOf is the call of the webhook that sends a template with these values.
func callOf(t relay.Template, ch relay.Channel, values []filledValue) string {
	type inCall struct {
		Name      string   `json:"name"`
		Language  string   `json:"language"`
		Variables any      `json:"variables,omitempty"`
		Buttons   []string `json:"buttons,omitempty"`
	}
	call := struct {
		Action   string `json:"action"`
		Phone    string `json:"phone"`
		Account  string `json:"whatsapp_account_phone,omitempty"`
		FileURL  string `json:"file_url,omitempty"`
		FileName string `json:"file_name,omitempty"`
		Template inCall `json:"template"`
	}{Action: "send", Phone: "+14151231234", Account: ch.Phone, Template: inCall{Name: t.Name, Language: t.Language}}
	named := map[string]string{}
	var inOrder []string
	for _, v := range values {
		if v.Button {
			continue
		}
		named[v.Name] = v.Value
		inOrder = append(inOrder, v.Value)
	}
	if t.Named() {
		call.Template.Variables = named
	} else if len(inOrder) > 0 {
		call.Template.Variables = inOrder
	}
	call.Template.Buttons = buttonValues(t, values)
	if t.Header != nil {
		call.FileURL, call.FileName = exampleFile(t.Header.Kind)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(call); err != nil {
		panic(err) // texts only
	}
	return b.String()
}

// buttonValues are those of the buttons that take one, in order; a quick reply
// stays as it is.
func buttonValues(t relay.Template, values []filledValue) (list []string) {
	filled := map[string]string{}
	for _, v := range values {
		filled[v.Field] = v.Value
	}
	needed := false
	for i, b := range t.Buttons {
		if b.TakesValue() {
			v, ok := filled[fmt.Sprintf("b%d", i)]
			needed = needed || ok
			list = append(list, v)
		}
	}
	if !needed {
		return nil
	}
	return list
}

// exampleFile is a file for a header of a kind; none for a text.
func exampleFile(kind string) (address, name string) {
	switch kind {
	case "image":
		return "https://example.com/picture.jpg", "picture.jpg"
	case "video":
		return "https://example.com/film.mp4", "film.mp4"
	case "document":
		return "https://example.com/invoice.pdf", "invoice.pdf"
	}
	return "", ""
}

// PlainTag is a template's language as pages write it: pt-BR for pt_BR.
func (p *call) PlainTag(language string) string { return strings.ReplaceAll(language, "_", "-") }

// Next is the number after i.
func (p *call) Next(i int) int { return i + 1 }
