package relay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// templated checks a call's template against what is known of the channel's
// templates, and finishes it: the language as it is written there, values in
// the order in which they go. Where the list was never read, the provider
// decides.
func (t *acceptance) templated(ctx context.Context, tx Tx, rt *route) (*Error, error) {
	ch := rt.channel
	if _, ok := t.r.Drivers[ch.Kind].(Templater); !ok {
		return RefuseField(CodeTemplateUnsupported, "template", "This channel cannot send templates.", "Send a text instead."), nil
	}
	if isGroup(rt.chat.Recipient) {
		return RefuseField(CodeTemplateUnsupported, "template", "Templates go to one person, not to a group.", "Send a text instead."), nil
	}
	call := *t.a.Template
	call.Language = LanguageCode(call.Language)
	t.a.Template = &call
	for i, v := range call.Variables {
		if flat := flattened(v); flat != v {
			call.Variables = slices.Clone(call.Variables)
			call.Variables[i] = flat
			rt.warnings = append(rt.warnings, fmt.Sprintf("line breaks, tabs and runs of spaces in variable %d became one space: WhatsApp takes none in a template", i+1))
		}
	}
	if ch.TemplatesAt.IsZero() { // what is kept may be of the account before
		return nil, nil
	}
	found, err := tx.TemplatesByName(ctx, ch.Workspace, ch.ID, call.Name)
	if err != nil {
		return nil, err
	}
	tpl, refusal := chosen(found, &call, ch)
	if refusal == nil {
		refusal = filled(tpl, &call)
	}
	if refusal == nil {
		refusal = t.headed(tpl)
	}
	return refusal, nil
}

// flattened is a value as WhatsApp takes it: without line breaks, tabs and
// more than four spaces in a row.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
func flattened(v string) string {
	if !strings.ContainsAny(v, "\n\r\t") && !strings.Contains(v, "    ") {
		return v
	}
	return strings.Join(strings.FieldsFunc(v, unicode.IsSpace), " ")
}

// chosen is the template in the language of the call.
func chosen(found []Template, call *TemplateCall, ch Channel) (Template, *Error) {
	if len(found) == 0 {
		return Template{}, RefuseField(CodeTemplateUnknown, "template.name", fmt.Sprintf("This channel has no template named %q.", call.Name),
			fmt.Sprintf("The list was last read at %s: compare the name with it, or read it again.", ch.TemplatesAt.UTC().Format("2006-01-02 15:04 UTC")))
	}
	var there []string
	for _, tpl := range found {
		if !strings.EqualFold(LanguageCode(tpl.Language), call.Language) {
			there = append(there, tpl.Language)
			continue
		}
		if tpl.Status != TemplateApproved {
			why := fmt.Sprintf("The template %q (%s) cannot be sent: it is %s.", tpl.Name, tpl.Language, tpl.Status)
			if tpl.Reason != "" {
				why += " The provider says: " + tpl.Reason + "."
			}
			return tpl, RefuseField(CodeTemplateUnknown, "template.name", why, "Use an approved one.")
		}
		call.Language = tpl.Language
		return tpl, nil
	}
	return Template{}, RefuseField(CodeTemplateUnknown, "template.language", fmt.Sprintf("The template %q is not there in %q.", call.Name, call.Language),
		"It is there in "+strings.Join(there, ", ")+".")
}

// filled checks that each variable and each button that needs one has a value.
func filled(tpl Template, call *TemplateCall) *Error {
	header, body := tpl.variables()
	want := slices.Concat(header, body)
	if len(call.Names) > 0 {
		if refusal := sorted(call, want); refusal != nil {
			return refusal
		}
	}
	if len(call.Variables) != len(want) {
		return RefuseField(CodeTemplateVariables, "template.variables",
			fmt.Sprintf("The template %q (%s) takes %s; the call gives %d.", tpl.Name, tpl.Language, variableCount(want), len(call.Variables)),
			"Give one value for each, in this order.")
	}
	for i, v := range call.Variables {
		if strings.TrimSpace(v) == "" {
			return RefuseField(CodeTemplateVariables, fmt.Sprintf("template.variables[%d]", i), fmt.Sprintf("The value for {{%s}} is empty.", want[i]), "WhatsApp takes no empty value in a template.")
		}
	}
	var takers []TemplateButton
	for _, b := range tpl.Buttons {
		if b.TakesValue() {
			takers = append(takers, b)
		}
	}
	if len(call.Buttons) > len(takers) {
		return RefuseField(CodeTemplateVariables, "template.buttons",
			fmt.Sprintf("%d of the template's buttons take a value; the call gives %d.", len(takers), len(call.Buttons)), "Give one for each, in their order.")
	}
	for i, b := range takers {
		if b.Type != "quick_reply" && (i >= len(call.Buttons) || call.Buttons[i] == "") {
			return RefuseField(CodeTemplateVariables, "template.buttons", fmt.Sprintf("The button %q needs a value.", b.Text), "Give template.buttons: the end of the button's address, or its code.")
		}
	}
	return nil
}

func variableCount(want []string) string {
	switch len(want) {
	case 0:
		return "no variables"
	case 1:
		return "1 variable ({{" + want[0] + "}})"
	}
	return fmt.Sprintf("%d variables ({{%s}})", len(want), strings.Join(want, "}}, {{"))
}

// sorted puts values that came with names into the template's order. Where the
// same name stands in header and body, its value goes to both.
func sorted(call *TemplateCall, want []string) *Error {
	values := make([]string, 0, len(want))
	for _, name := range want {
		i := slices.Index(call.Names, name)
		if i < 0 {
			return RefuseField(CodeTemplateVariables, "template.variables", fmt.Sprintf("There is no value for {{%s}}.", name), "The template takes "+variableCount(want)+".")
		}
		values = append(values, call.Variables[i])
	}
	for _, name := range call.Names {
		if !slices.Contains(want, name) {
			return RefuseField(CodeTemplateVariables, "template.variables", fmt.Sprintf("The template has no variable {{%s}}.", name), "It takes "+variableCount(want)+".")
		}
	}
	call.Names, call.Variables = nil, values
	return nil
}

// headed checks the call's file against the template's header.
func (t *acceptance) headed(tpl Template) *Error {
	kind := tpl.headerFile()
	switch {
	case tpl.Header != nil && kind == "" && tpl.Header.Kind != "text":
		return RefuseField(CodeTemplateUnsupported, "template", fmt.Sprintf("The template %q begins with a %s, which cannot be sent from here.", tpl.Name, tpl.Header.Kind), "Use another template.")
	case kind == "" && t.a.FileURL != "":
		return RefuseField(CodeInvalidField, "file_url", fmt.Sprintf("The template %q has no place for a file.", tpl.Name), "Leave file_url and file_name out.")
	case kind != "" && t.a.FileURL == "":
		return RefuseField(CodeMissingField, "file_url", fmt.Sprintf("The template %q begins with a file (%s).", tpl.Name, kind), "Give file_url and file_name.")
	case kind != "" && kind != Document && KindOf(t.a.FileName) != kind:
		return RefuseField(CodeInvalidField, "file_name", fmt.Sprintf("The template %q begins with a file of kind %s; this name is of kind %s.", tpl.Name, kind, KindOf(t.a.FileName)), "")
	}
	t.header = kind
	return nil
}

// headerKind is the kind of file that a template begins with: what the list
// says, else what the file's name says.
func (t *acceptance) headerKind(byName FileKind) FileKind {
	if t.header != "" {
		return t.header
	}
	return byName
}

// outgoingTemplate sorts a call's values to the parts of its template. tpl has
// no name where it was never read.
func outgoingTemplate(call TemplateCall, tpl Template) *OutgoingTemplate {
	out := &OutgoingTemplate{ID: tpl.ID, Name: call.Name, Language: call.Language, Category: tpl.Category}
	header, body := tpl.variables()
	if len(header)+len(body) != len(call.Variables) { // the provider says what is wrong
		header, body = nil, make([]string, len(call.Variables))
	}
	names, named := slices.Concat(header, body), tpl.Named()
	for i, v := range call.Variables {
		value := TemplateValue{Text: v}
		if named {
			value.Name = names[i]
		} else if len(call.Names) > i {
			value.Name = call.Names[i]
		}
		if i < len(header) {
			out.Header = append(out.Header, value)
		} else {
			out.Body = append(out.Body, value)
		}
	}
	given := slices.Clone(call.Buttons)
	for i, b := range tpl.Buttons {
		if len(given) == 0 {
			break
		}
		if !b.TakesValue() {
			continue
		}
		if given[0] != "" {
			out.Buttons = append(out.Buttons, ButtonValue{Index: i, Type: b.Type, Value: given[0]})
		}
		given = given[1:]
	}
	return out
}
