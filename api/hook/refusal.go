package hook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// ranked is a fault with the field that gives it its place among others.
type ranked struct {
	relay.FieldError
	rank field
}

// maxFaults is how many faults of one field are told: a body of 64 KiB can
// have thousands, and each costs a look for its place.
const maxFaults = 10

// enough reports whether no more faults of a field are told. What is costly to
// say is asked for first.
func (rd *reading) enough(f field) bool { return rd.counts[f] >= maxFaults }

func (rd *reading) fault(f field, e relay.FieldError) {
	if rd.enough(f) {
		return
	}
	rd.counts[f]++
	rd.faults = append(rd.faults, ranked{e, f})
}

// refuse notes what is wrong with a field, at its value if it has one.
func (rd *reading) refuse(f field, code relay.Code, message, hint string) {
	e := relay.FieldError{Field: rd.name(f), Code: code, Message: message, Hint: rd.mappedHint(f, hint)}
	if m := rd.at[f]; m != nil {
		e.Line, e.Column = rd.cur.src.place(m.valueAt)
	}
	rd.fault(f, e)
}

// refusal is all faults as one error, or nil.
func (rd *reading) refusal() *relay.Error {
	if len(rd.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(rd.faults, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range rd.faults {
		rd.cur.src.pointOut(&rd.faults[i].FieldError)
	}
	e := &relay.Error{Code: rd.faults[0].Code, Message: withHint(rd.faults[0].Message, rd.faults[0].Hint)}
	for _, f := range rd.faults {
		e.Fields = append(e.Fields, f.FieldError)
	}
	return e
}

// judge checks the rules and notes every one that is broken.
func (rd *reading) judge(rules *validator.Validate) {
	var broken validator.ValidationErrors
	if err := rules.Struct(&rd.call); !errors.As(err, &broken) {
		return
	}
	for _, b := range broken {
		name, _, _ := strings.Cut(b.Field(), "[")
		if part, ok := strings.CutPrefix(name, "template."); ok {
			rd.refuseTemplate(part, b)
			continue
		}
		for f := action; f < fieldCount; f++ {
			if f.canonical() == name && !rd.typed[f] {
				rd.explain(f, b.Tag())
			}
		}
	}
}

// explain turns a broken rule into a sentence.
func (rd *reading) explain(f field, tag string) {
	name := rd.called(f)
	switch tag {
	case "content", "recipient", "one_recipient":
		rd.explainMissing(tag)
	case "required", "eq":
		rd.explainAction()
	case "with_file_url":
		rd.explainFileName()
	case "file_url":
		rd.explainURL()
	case "phone":
		rd.explainPhone(f)
	case "jid":
		rd.explainJID()
	case "chat_id":
		rd.refuse(f, relay.CodeInvalidField, fmt.Sprintf("%s must be 1 to 19 digits, not %s.", name, excerpt(rd.call.ChatID)), `For a phone number use "phone", for a chat's title "chat_name".`)
	case "no_nul":
		rd.refuse(f, relay.CodeInvalidField, name+" contains a NUL character (U+0000).", "Remove it.")
	case "without_text":
		rd.refuse(f, relay.CodeInvalidField, fmt.Sprintf("%s and %s exclude each other.", name, rd.called(text)), "A template brings its own text: put what varies into its variables.")
	case "far":
		rd.refuse(f, relay.CodeInvalidField, name+" is more than 365 days ahead.", "Give a time within the next 365 days.")
	case "before_send_at":
		rd.refuse(f, relay.CodeInvalidField, fmt.Sprintf("The message would expire before %s.", rd.called(sendAt)), fmt.Sprintf("%s is counted from now: give more seconds, or leave it out.", name))
	case "min", "max", "printable":
		rd.explainRange(f)
	}
}

func (rd *reading) explainRange(f field) {
	switch f {
	case chatName:
		rd.refuse(f, relay.CodeInvalidField, rd.called(f)+" is longer than 256 characters.", "")
	case expiresIn:
		rd.refuse(f, relay.CodeInvalidField, rd.called(f)+" must be a whole number of seconds from 1 to 31536000.", "A day is 86400.")
	case idempotencyKey:
		const hint = "A UUID is a good key."
		if rd.keyName != "" {
			rd.fault(f, relay.FieldError{Field: rd.keyName, Code: relay.CodeInvalidIdempotencyKey,
				Message: quoteName(rd.keyName) + " must be 1 to 255 printable ASCII characters.", Hint: hint})
			return
		}
		rd.refuse(f, relay.CodeInvalidIdempotencyKey, rd.called(f)+" must be 1 to 255 printable ASCII characters.", hint)
	}
}

func (rd *reading) explainAction() {
	const hint = `Write "action": "send".`
	got := rd.call.Action
	switch {
	case got == "" && rd.foreign():
		rd.refuse(action, relay.CodeMissingField, `This is no call: "action" is missing, and so is anything to send.`,
			`Send an object such as `+exampleCall+`; for a tool that cannot, give the webhook a mapping.`)
	case got == "":
		rd.refuse(action, relay.CodeMissingField, `"action" is missing.`, rd.misspelt(hint, action))
	case strings.EqualFold(got, "send"):
		rd.refuse(action, relay.CodeInvalidAction, fmt.Sprintf("%s must be \"send\" in small letters, not %s.", rd.called(action), excerpt(got)), hint)
	default:
		rd.refuse(action, relay.CodeInvalidAction, fmt.Sprintf("%s is %s, but the only action is \"send\".", rd.called(action), excerpt(got)), hint)
	}
}

// misspelt is a hint that begins with the name that was probably meant for
// one of the fields.
func (rd *reading) misspelt(hint string, fields ...field) string {
	for _, f := range fields {
		if rd.meant[f] != "" {
			return fmt.Sprintf("Did you mean %q where you wrote %s? %s", f.canonical(), quoteName(rd.meant[f]), hint)
		}
	}
	return hint
}

func (rd *reading) explainMissing(tag string) {
	switch tag {
	case "content":
		rd.refuse(text, relay.CodeNoContent, "There is nothing to send.",
			rd.misspelt(`Give "text", or "file_url" with "file_name", or "template".`, text, fileURL, template))
		return
	case "recipient":
		rd.fault(chatID, relay.FieldError{
			Field: phone.canonical(), Code: relay.CodeMissingRecipient, Message: "There is no recipient.",
			Hint: rd.emptyHint(rd.misspelt(`Give one of "phone", "chat_id", "jid" or "chat_name".`, phone, chatID, jid, chatName), phone, chatID, jid, chatName),
		})
		return
	}
	var names []string
	last := unknown
	for _, f := range [...]field{chatID, jid, phone, chatName} {
		if rd.at[f] == nil {
			continue
		}
		names = append(names, rd.called(f))
		if last == unknown || rd.at[f].nameAt > rd.at[last].nameAt {
			last = f
		}
	}
	if len(names) < 2 {
		return // a mapping found several, and not in one value: that has been said
	}
	line, column := rd.cur.src.place(rd.at[last].nameAt)
	rd.fault(chatID, relay.FieldError{
		Field: rd.name(last), Code: relay.CodeTooManyRecipients, Line: line, Column: column,
		Message: "There is more than one recipient: " + strings.Join(names, ", ") + ".",
		Hint:    "Keep one of them.",
	})
}

func (rd *reading) explainFileName() {
	if rd.call.given[fileName] {
		rd.refuse(fileName, relay.CodeInvalidField, rd.called(fileName)+" has no character that may stand in a file name.", `Write a name with its ending, such as "invoice.pdf".`)
		return
	}
	rd.refuse(fileName, relay.CodeFileNameRequired, fmt.Sprintf(`"file_name" is missing; it is required with %s.`, rd.called(fileURL)),
		rd.misspelt(`Write a name with its ending, such as "invoice.pdf".`, fileName))
}

func (rd *reading) explainURL() {
	hint := "Write the whole address of a file that opens without logging in, such as https://example.com/invoice.pdf."
	if len(rd.call.FileURL) > maxURL {
		hint = "Give a shorter address that leads to the same file."
	}
	rd.refuse(fileURL, relay.CodeInvalidFileURL, fmt.Sprintf("%s %s.", rd.called(fileURL), urlFault(rd.call.FileURL)), hint)
}

func (rd *reading) explainPhone(f field) {
	hint := "Write the number with its country code, 7 to 15 digits, such as +14151231234."
	got := rd.call.Phone
	if f == accountPhone {
		got = rd.call.AccountPhone
	}
	switch {
	case strings.Contains(got, "@") && f == phone:
		hint = `An id with @ belongs in "jid".`
	case severalIn(got, rd.country):
		hint = "It looks like more than one number, or like a date. " + hint
	case strings.HasPrefix(got, "+0"), strings.HasPrefix(got, "("):
		if got[0] == '+' {
			hint = "A country code does not start with 0. " + hint
		}
		if rd.country == "" {
			hint += " Or set the workspace's country, so that its own numbers can be written as they are dialled there."
		}
	case strings.ContainsAny(got, "eE") && strings.Trim(got, "0123456789+eE") == "":
		hint = "A spreadsheet has shortened it and digits are lost: format the column as text. " + hint
	}
	if rd.country != "" && got != "" && strings.Trim(got, "0123456789") == "" {
		hint = fmt.Sprintf("A number of the workspace's country (%s) has more or fewer digits. %s", rd.country, hint)
	}
	raw, _ := stringOf(rd.at[f].value)
	rd.refuse(f, relay.CodeInvalidPhone, fmt.Sprintf("%s is not a phone number: %s was found.", rd.called(f), excerpt(raw)), hint)
}

func (rd *reading) explainJID() {
	hint := `A jid is like 14151231234@s.whatsapp.net, 123456789012345678@g.us or 123456789012345@lid. A bare number belongs in "phone".`
	if deviceForm.MatchString(rd.call.JID) {
		hint = "This is one device of a person: leave out the colon and the number after it."
	}
	rd.refuse(jid, relay.CodeInvalidJID, fmt.Sprintf("%s is not the id of a person or group: %s was found.", rd.called(jid), excerpt(rd.call.JID)), hint)
}
