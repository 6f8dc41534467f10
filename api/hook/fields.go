package hook

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"relevo/relay"
	"relevo/relay/media"
)

// call is the body's fields as read, before its rules are checked. A field
// that is absent, or of the wrong type, is zero.
type call struct {
	Action       string        `field:"action" validate:"required,eq=send"`
	Text         string        `field:"text" validate:"no_nul"`
	Template     *templateCall `field:"template" validate:"omitnil"`
	FileURL      string        `field:"file_url" validate:"omitempty,file_url"`
	FileName     string        `field:"file_name"`
	ChatID       string        `field:"chat_id" validate:"omitempty,chat_id"`
	JID          string        `field:"jid" validate:"omitempty,jid"`
	Phone        string        `field:"phone" validate:"omitempty,phone"`
	ChatName     string        `field:"chat_name" validate:"omitempty,max=256,no_nul"`
	AccountPhone string        `field:"whatsapp_account_phone" validate:"omitempty,phone"`
	ExpiresIn    *int64        `field:"expires_in" validate:"omitnil,min=1,max=31536000"`
	Key          string        `field:"idempotency_key" validate:"omitempty,max=255,printable"`

	// What follows has no rule of its own; together looks at it.
	sendAt time.Time
	now    time.Time
	given  [fieldCount]bool
}

// templateCall is the field template.
type templateCall struct {
	Name      string   `field:"template.name" validate:"required,template_name"`
	Language  string   `field:"template.language" validate:"required,template_language"`
	Variables []string `field:"template.variables" validate:"dive,no_nul"`
	// Names go with Variables; none where those go by number.
	Names   []string `field:"template.variables"`
	Buttons []string `field:"template.buttons" validate:"dive,no_nul"`
}

// reading is the work on one body.
type reading struct {
	doc      document // what was received
	mapped   document // what a mapping made of it
	mapping  *relay.Mapping
	cur      *document // the one of the two whose fields are read
	strict   bool
	country  string // of numbers without a country code
	call     call
	at       [fieldCount]*member // where each given field is
	typed    [fieldCount]bool    // its type is wrong and that has been said
	parts    templateParts
	keyName  string             // where a key outside the body was found
	meant    [fieldCount]string // a name not read that looks like the field
	faults   []ranked
	counts   [fieldCount]int // of faults
	warnings []string
	scratch  [2 * maxGuessed]byte
}

// maxKept is how many members, and 32 times as many bytes, are kept room for
// between two bodies.
const maxKept = 64

// reset forgets a body and keeps only what is worth using again.
func (rd *reading) reset() {
	d := &rd.doc
	members, sorted, canonical, dec := d.members[:0], d.sorted, d.canonical, d.dec
	clear(members[:cap(members)])
	clear(sorted)
	*rd = reading{}
	if d.dec = dec; dec != nil {
		dec.Reset(&d.buf)
	}
	if cap(members) <= maxKept {
		d.members, d.sorted = members[:0], sorted[:0]
	}
	if cap(canonical) <= 32*maxKept {
		d.canonical = canonical[:0]
	}
}

// take fills the call from the document.
func (rd *reading) take(in *Input) {
	rd.call.now, rd.country, rd.strict = in.Now, in.Country, in.Strict
	strangers := rd.sort()
	rd.ignoreStrangers(strangers)
	rd.takeKey(in)
	if !in.AllowTags {
		rd.refuseTags()
	}
	c := &rd.call
	if v, ok := rd.string(action); ok {
		c.Action = strings.TrimSpace(v)
		if c.Action != "send" && strings.EqualFold(c.Action, "send") && !rd.strict {
			rd.warn("%s was read as \"send\".", rd.called(action))
			c.Action = "send"
		}
	}
	c.Text, _ = rd.string(text)
	c.Text = oneBreak(c.Text)
	rd.doubtText()
	rd.takeTemplate()
	c.FileURL, _ = rd.string(fileURL)
	c.FileURL = strings.TrimSpace(c.FileURL)
	rd.takeFileName()
	rd.takeRecipient()
	if !c.given[chatID] {
		c.AccountPhone = rd.phone(accountPhone)
	} else if c.given[accountPhone] {
		rd.warn("%s was ignored: the chat already says which account sends.", rd.called(accountPhone))
	}
	rd.takeTimes()
}

// sort finds each field's member and returns how many members are none.
func (rd *reading) sort() (strangers int) {
	for i := range rd.cur.members {
		m := &rd.cur.members[i]
		switch {
		case m.id == unknown:
			strangers++
		case absent(m.value):
		case nothing(m.value):
			rd.warn("%s is the word %s: it counts as not given.", quoteName(string(m.name)), m.value)
		case m.id != template && !rd.strict && holdsNothing(m.value):
			rd.warn("%s holds nothing but an empty value: it counts as not given.", quoteName(string(m.name)))
		case rd.at[m.id] != nil && bytes.Equal(rd.at[m.id].value, m.value):
			rd.warn("%s and %s are the same field, with the same value.", quoteName(string(rd.at[m.id].name)), quoteName(string(m.name)))
		case rd.at[m.id] != nil && !rd.enough(m.id):
			first := rd.at[m.id]
			line, column := rd.cur.src.place(m.nameAt)
			message := fmt.Sprintf("%s and %s are the same field", quoteName(string(first.name)), quoteName(string(m.name)))
			if line > 0 {
				message += fmt.Sprintf("; the second is at line %d, column %d", line, column)
			}
			rd.fault(m.id, relay.FieldError{
				Field: string(m.name), Code: relay.CodeDuplicateField, Line: line, Column: column, Message: message + ".", Hint: "Keep one of the two.",
			})
		case rd.at[m.id] == nil:
			rd.at[m.id], rd.call.given[m.id] = m, true
		}
	}
	return strangers
}

// maxStrangers bounds how many unknown names are told one by one.
const maxStrangers = 20

func (rd *reading) ignoreStrangers(count int) {
	if count == 0 {
		return
	}
	told, foreign := 0, rd.foreign()
	for i := range rd.cur.members {
		m := &rd.cur.members[i]
		if m.id != unknown {
			continue
		}
		if told++; told > maxStrangers {
			rd.warn("%d more unknown fields were ignored.", count-maxStrangers)
			return
		}
		f := guess(m.name)
		if f == unknown || foreign {
			rd.warn("%s was ignored: there is no such field.", quoteName(string(m.name)))
			continue
		}
		rd.warn("%s was ignored: there is no such field; did you mean %q?", quoteName(string(m.name)), f.canonical())
		if rd.meant[f] == "" {
			rd.meant[f] = string(m.name)
		}
	}
}

// maxWarnings bounds what is told of one call.
const maxWarnings = 50

// foreign reports whether the document is no call at all, but what some tool
// sends on its own: then its names mean nothing here.
func (rd *reading) foreign() bool {
	return len(rd.cur.members) > 1 && !slices.ContainsFunc(rd.cur.members, func(m member) bool {
		return m.id == action || m.id == text || m.id == fileURL || m.id == template
	})
}

func (rd *reading) warn(format string, args ...any) {
	if len(rd.warnings) >= maxWarnings {
		return
	}
	rd.warnings = append(rd.warnings, fmt.Sprintf(format, args...))
}

// called is a field's name in quotes, as the caller wrote it.
func (rd *reading) called(f field) string { return quoteName(rd.name(f)) }

func (rd *reading) name(f field) string {
	if rd.at[f] == nil {
		return f.canonical()
	}
	return string(rd.at[f].name)
}

// takeFileName reads the file's name. Without a file it says nothing.
func (rd *reading) takeFileName() {
	if !rd.call.given[fileName] {
		return
	}
	if !rd.call.given[fileURL] && rd.meant[fileURL] != "" {
		rd.refuse(fileURL, relay.CodeMissingField, `"file_url" is missing; there is a file's name.`, rd.misspelt("Or leave the name out.", fileURL))
		return
	}
	if !rd.call.given[fileURL] {
		rd.warn(`%s was ignored: there is no "file_url".`, rd.called(fileName))
		return
	}
	if v, ok := rd.string(fileName); ok {
		rd.call.FileName = media.CleanName(v)
	}
}

// takeTimes reads send_at and expires_in.
func (rd *reading) takeTimes() {
	if v, ok := rd.string(sendAt); ok {
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(v))
		switch {
		case err != nil:
			rd.typed[sendAt] = true
			rd.refuse(sendAt, relay.CodeInvalidField, fmt.Sprintf("%s is not a time that can be read.", rd.called(sendAt)),
				"Write date, time and zone as RFC 3339, such as 2026-01-31T09:30:00Z or 2026-01-31T09:30:00-05:00.")
		case !at.After(rd.call.now):
			rd.warn("%s is in the past: the message leaves at once.", rd.called(sendAt))
		default:
			rd.call.sendAt = at.UTC()
		}
	}
	if m := rd.at[expiresIn]; m != nil {
		v, _ := stringOf(m.value) // of another type: no number either
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			rd.typed[expiresIn] = true
			rd.explainRange(expiresIn)
			return
		}
		rd.call.ExpiresIn = &n
	}
}

// takeKey chooses the idempotency key.
func (rd *reading) takeKey(in *Input) {
	for _, k := range in.Keys {
		if k.Unreadable {
			rd.fault(idempotencyKey, relay.FieldError{Field: k.Name, Code: relay.CodeInvalidIdempotencyKey,
				Message: quoteName(k.Name) + " in the address cannot be read.", Hint: "Write % there as %25, & as %26 and ; as %3B."})
			return
		}
		v := strings.TrimSpace(k.Value)
		if v == "null" || v == "undefined" {
			rd.warn("%s is the word %q: it counts as not given.", quoteName(k.Name), v)
			continue
		}
		if v != "" {
			rd.call.Key, rd.keyName = v, k.Name
			if !in.AllowTags {
				rd.refuseKeyTag()
			}
			return
		}
	}
	v, _ := rd.string(idempotencyKey)
	if rd.call.Key = strings.TrimSpace(v); rd.call.Key != "" {
		return
	}
	for _, k := range in.Deliveries {
		if v := strings.TrimSpace(k.Value); v != "" && v != "null" && v != "undefined" && len(v) <= maxKey && printableASCII(v) {
			rd.call.Key, rd.keyName = v, k.Name
			return
		}
	}
}

// action is the call as an action, once no rule is broken.
func (rd *reading) action() relay.Action {
	c := &rd.call
	a := relay.Action{
		Text: c.Text, FileURL: c.FileURL, FileName: c.FileName,
		To:           relay.Address{ChatID: c.ChatID, Phone: c.Phone, JID: c.JID, ChatName: c.ChatName},
		AccountPhone: c.AccountPhone,
		SendAt:       c.sendAt,
		Key:          c.Key,
		Fingerprint:  rd.fingerprinted().fingerprint(),
	}
	if c.ExpiresIn != nil {
		a.ExpiresIn = time.Duration(*c.ExpiresIn) * time.Second
	}
	if t := c.Template; t != nil {
		a.Template = &relay.TemplateCall{Name: t.Name, Language: t.Language, Variables: t.Variables, Names: t.Names, Buttons: t.Buttons}
	}
	return a
}

// fingerprinted is the document whose fingerprint tells a repetition from
// another call under the same key: what came; but where the key is a mapping's
// work, what the mapping made. Such payloads count deliveries and carry times,
// so that a repetition of one would never equal it.
func (rd *reading) fingerprinted() *document {
	if rd.cur == &rd.mapped && rd.at[idempotencyKey] != nil && rd.keyName == "" {
		return &rd.mapped
	}
	return &rd.doc
}

func trimmedName(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }
