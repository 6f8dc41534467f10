package pgstore

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// table names what a key leads to.
type table int

// The tables, in the order in which their rows are locked and written: lanes
// before accounts, everywhere.
const (
	tLane      table = iota // workspace, lane
	tWorkspace              // workspace: record, roster, account, count of attempts
	tChannel                // workspace, channel
	tChat                   // workspace, channel, recipient
	tTemplates              // workspace, channel, name: all languages
	tPerson                 // workspace, channel, provider's id of a person
	tMessage                // workspace, message: record, marks, place
	tInbound                // workspace, inbound message
	tFetch                  // workspace, message or inbound message
	tCard                   // workspace, kind, key
	tCardHeld               // workspace, kind, key: of tCard, to be held and not read
	tKey                    // workspace, idempotency key
	tEntry                  // workspace, kind, reference: what no message carries
	tAttempts               // workspace: the newest three
	tChatByID               // workspace, number
	tChatNames              // workspace, name
	tProvider               // workspace, channel, provider's id
	tToken                  // hash
	tCallback               // callback id
	tAPIKey                 // hash
	tAhead                  // workspace, lane, recipient: whether any item waits
	tables
)

// key is a row's.
type key struct {
	t        table
	ws, a, b string
}

// sound is false for what PostgreSQL takes in no text: NUL, or what is not
// UTF-8. Hashes are bytes.
func (k key) sound() bool {
	if k.ws != plain(k.ws) {
		return false
	}
	return k.t == tKey || k.t == tToken || k.t == tAPIKey || k.t == tChatNames || k.a == plain(k.a) && k.b == plain(k.b)
}

func compareKeys(a, b key) int {
	if n := strings.Compare(a.ws, b.ws); n != 0 {
		return n
	}
	if n := strings.Compare(a.a, b.a); n != 0 {
		return n
	}
	return strings.Compare(a.b, b.b)
}

// row is what a key leads to. Rows in a cache are never changed: a write puts
// another in their place.
type row struct {
	// found is false where the database has no such row.
	found bool
	// locked rows stay as they are until the transaction ends.
	locked bool
	// dirty says which parts were written.
	dirty part
	v     any
	// bad is why what is there cannot be read.
	bad error
}

// part is a part of a row that is written on its own.
type part uint8

const (
	dirtyRecord part = 1 << iota
	dirtyAccount
	dirtyPlace
	dirtyDue
	deleted
)

type laneRow struct {
	queue.Lane
	// holder is who leased it last.
	holder string
	// due is when it may release something (not before another change, where it
	// is none), if settled, by a claim that has looked for its first item;
	// otherwise it is worked out from the lane.
	due     optionalTime
	settled bool
}

type workspaceRow struct {
	// bad is why the record or the roster cannot be read. The account can.
	bad      error
	record   *relay.Workspace
	roster   []relay.ChannelRef
	account  quota.Account
	attempts int64
}

type messageRow struct {
	// bad is why the record or the marks cannot be read. The item can.
	bad    error
	record *relay.Message
	marks  []quota.Entry
	item   *queue.Item
}

// attemptRow is an attempt and its place among all of its workspace.
type attemptRow struct {
	seq     int64
	attempt relay.Attempt
}

// form is how records are written: durations as whole nanoseconds.
var form = jsonv1.FormatDurationAsNano(true)

// encode makes a record. A provider's sentence may be in any encoding: U+FFFD
// stands for what is not UTF-8, so that it never keeps an outcome from being
// written.
func encode[T any](v T) ([]byte, error) {
	b, err := json.Marshal(&v, form, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}

func decode[T any](b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v, form); err != nil {
		return v, fmt.Errorf("decode: %w", err)
	}
	return v, nil
}

// plain is a text that PostgreSQL takes: without NUL, in UTF-8.
func plain(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// hashKey is what an idempotency key is kept under.
func hashKey(k string) string {
	h := sha256.Sum256([]byte(k))
	return string(h[:16])
}

// idPrefix stands before the 18 digits that a message is kept under.
var idPrefix = relay.FormatMessageID([9]byte{})[:len(relay.FormatMessageID([9]byte{}))-18]

// shortID is what a message is kept under; false where id is none.
func shortID(id string) (string, bool) {
	if !relay.ValidMessageID(id) {
		return "", false
	}
	return id[len(idPrefix):], true
}

func longID(short string) string { return idPrefix + short }

// Copies of what a caller may change.

func cloneWorkspace(w relay.Workspace) relay.Workspace {
	if w.Plan != nil {
		p := *w.Plan
		w.Plan = &p
	}
	if w.Webhook.Previous != nil {
		p := *w.Webhook.Previous
		w.Webhook.Previous = &p
	}
	return w
}

func cloneChannel(c relay.Channel) relay.Channel {
	c.Settings = slices.Clone(c.Settings)
	if c.Fallback != nil {
		f := *c.Fallback
		c.Fallback = &f
	}
	return c
}

func cloneMessage(m relay.Message) relay.Message {
	m.History = slices.Clone(m.History)
	m.Parts = slices.Clone(m.Parts)
	if m.File != nil {
		f := *m.File
		m.File = &f
	}
	if m.Failure != nil {
		f := *m.Failure
		m.Failure = &f
	}
	return m
}
