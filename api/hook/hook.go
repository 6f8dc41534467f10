// Package hook reads the body of one call of a webhook and says what it asks
// for, or what is wrong with it and where.
//
// It knows JSON on the wire and the rules of each field. It knows no HTTP
// server, no workspace and no store: whether a chat exists, a template is
// known or a text is too long for its channel is for whoever accepts the
// action.
//
// Reading has three steps, each with its own files: the document (document.go,
// with syntax.go for what is wrong in one), the fields (names.go, fields.go,
// template.go), the rules (rules.go, refusal.go). A step that mends almost-JSON or turns a
// form into JSON belongs before the first: it hands mended bytes to Read.
package hook

import (
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
	// Now is when the call came.
	Now time.Time
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
// is always nil, so that nothing of the body reaches a log. The warnings,
// one sentence each, name what was ignored or taken otherwise than written;
// they are there on a refusal too.
//
// Read keeps nothing of body.
func (r *Reader) Read(body []byte, in Input) (relay.Action, []string, error) {
	rd, _ := r.idle.Get().(*reading)
	defer func() {
		rd.reset()
		r.idle.Put(rd)
	}()
	if refused := rd.doc.decode(body); refused != nil {
		return relay.Action{}, nil, refused
	}
	rd.take(r, in)
	rd.judge(r.rules)
	if refused := rd.refusal(); refused != nil {
		return relay.Action{}, rd.warnings, refused
	}
	return rd.action(), rd.warnings, nil
}
