// Package hook reads the body of one call of a webhook and says what it asks
// for, or what is wrong with it and where.
//
// It knows JSON on the wire and the rules of each field. It knows no HTTP
// server, no workspace and no store: whether a chat exists, a template is
// known or a text is too long for its channel is for whoever accepts the
// action.
//
// Reading has these steps, each with its own files: text of bytes (text.go), a
// document of text (document.go, form.go, unwrap.go, with syntax.go and
// token.go for what is wrong in one and mend.go for what can be mended), maybe
// another document by the webhook's mapping (mapping.go), the fields
// (names.go, fields.go, phone.go, template.go, template_values.go), the rules
// (rules.go, refusal.go, tags.go).
package hook

import (
	"bytes"
	"sync"
	"time"

	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// MaxBody is the longest body that is read, in bytes.
const MaxBody = 64 << 10

// Input is what a call says outside its body, and when it came.
type Input struct {
	// Keys are the idempotency keys given outside the body, the one that
	// counts most first. Empty values are skipped; a body's own key counts
	// least.
	Keys []Key
	// Deliveries are ids that tools give each delivery and repeat when they
	// try it again. They count where nobody chose a key; one that cannot be a
	// key is passed over.
	Deliveries []Key
	// Now is when the call came.
	Now time.Time
	// ContentType and ContentEncoding are the headers, as sent. What the bytes
	// say counts more.
	ContentType, ContentEncoding string
	// Query is the query of the address, without the question mark.
	Query string
	// Strict takes JSON as it is written, without mending.
	Strict bool
	// AllowTags lets merge tags through that nobody filled in.
	AllowTags bool
	// Country is whose numbers those without a country code are; empty: the
	// country code is never missing.
	Country string
	// Mapping makes a call of what is none; nil without one.
	Mapping *relay.Mapping
	// Explain asks for Understood.Document and Mapped.
	Explain bool
}

// Understood is what was read of a body. It is there with a refusal too, as
// far as the reading went.
type Understood struct {
	Action relay.Action
	// Named is whom a refused call names; zero unless it is one person or group
	// whose number or id can be read.
	Named relay.Address
	// Warnings say what was mended, ignored or taken otherwise than written,
	// one sentence each.
	Warnings []string
	// Mended are those of the warnings that say what was mended or unpacked.
	Mended []string
	// Text is the body as text in UTF-8, uncompressed; nil where it is the
	// body as it came.
	Text []byte
	// Challenge is set where the body holds nothing else: a tool asks whether
	// this address is ready, and expects the challenge back.
	Challenge string
	// Ping is set where a tool only tells that it will call.
	Ping bool
	// Document is the call as one JSON object, and Mapped what the mapping
	// made of it, where there is one; only with Input.Explain.
	Document, Mapped []byte
}

// Key is an idempotency key with the name of where it was found, such as the
// header Idempotency-Key.
type Key struct {
	Name, Value string
	// Unreadable is set where a key was given that cannot be decoded. It
	// counts like one with a value, and is refused.
	Unreadable bool
}

// Reader reads calls. Make one with NewReader and keep it: the rules are
// prepared once. It may be used by many at once.
type Reader struct {
	rules *validator.Validate
	names map[string]field
	idle  sync.Pool
}

// NewReader makes a Reader.
func NewReader() *Reader {
	r := &Reader{rules: newRules(), names: fieldNames()}
	r.idle.New = func() any { return new(reading) }
	return r
}

// Read reads one body into an action. A refusal is a *relay.Error whose
// Fields say all that is wrong, the most important fault first, and whose Err
// is always nil, so that nothing of the body reaches a log.
//
// Read keeps nothing of body.
func (r *Reader) Read(body []byte, in Input) (Understood, error) {
	rd, _ := r.idle.Get().(*reading)
	defer func() {
		rd.reset()
		r.idle.Put(rd)
	}()
	rd.doc.names, rd.mapped.names, rd.cur = r.names, r.names, &rd.doc
	refused := rd.doc.decode(body, &in)
	rd.doc.fromQuery(&in, refused == nil)
	if rd.doc.placed {
		refused = nil
	}
	rd.warnings = append(rd.warnings, rd.doc.told...)
	if refused != nil {
		return rd.understood(body, in), refused
	}
	if c := rd.doc.challenge(); c != "" || rd.doc.ping() {
		done := rd.understood(body, in)
		done.Challenge, done.Ping = c, c == ""
		return done, nil
	}
	rd.doc.identify(rd.scratch[:0])
	if in.Mapping != nil && !rd.saysSend() {
		rd.applyMapping(in.Mapping)
	}
	rd.take(&in)
	rd.judge(r.rules)
	done := rd.understood(body, in)
	if refused := rd.refusal(); refused != nil {
		done.Named = rd.named()
		return done, refused
	}
	done.Action = rd.action()
	return done, nil
}

// understood is what there is to tell of the reading, without the action.
func (rd *reading) understood(body []byte, in Input) Understood {
	done := Understood{Warnings: rd.warnings, Mended: rd.doc.told}
	if text := rd.doc.text; !bytes.Equal(text, body) && text != nil {
		done.Text = bytes.Clone(text)
	}
	if in.Explain {
		done.Document = rd.doc.json()
		if rd.cur == &rd.mapped {
			done.Mapped = rd.mapped.json()
		}
	}
	return done
}
