package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// bucket is one table of the file.
type bucket int

// The tables. A key that begins with a workspace's id has its 23 bytes there;
// raw is the 9 bytes of a message id; numbers are big-endian.
const (
	bMeta      bucket = iota // "schema", "secret", "job:"name
	bWS                      // workspace -> Workspace
	bAccount                 // workspace -> quota.Account
	bChannel                 // workspace channel -> Channel
	bRoster                  // workspace -> []ChannelRef
	bChat                    // workspace channel recipient -> Chat
	bChatID                  // workspace digits(1) number -> key of bChat
	bChatName                // workspace name -> []number
	bToken                   // hash -> workspace
	bAPIKey                  // hash -> APIKey
	bCallback                // callback id -> workspace
	bAttempt                 // workspace slot(1) -> Attempt
	bHead                    // workspace -> head of its attempts
	bKey                     // workspace sha256(key)[:16] -> KeyUse
	bMessage                 // raw -> Message
	bMarks                   // raw -> []quota.Entry of that message
	bProvider                // channel provider's id -> raw
	bLedger                  // workspace time(8) kind(1) -> ledgerRow
	bGrant                   // workspace kind ref -> key of bLedger
	bLane                    // lane, which begins with its workspace -> queue.Lane
	bItem                    // raw -> queue.Item
	bUnknown                 // time(8) raw -> nothing
	bFetch                   // raw -> Fetch
	bCount                   // workspace minute(8) channel -> Counts
	bTemplate                // workspace channel name -> []Template, by language
	bInbound                 // workspace raw -> InboundMessage
	bInboundBy               // workspace sha256(channel 0 recipient)[:16] raw -> nothing
	bPerson                  // workspace sha256(channel 0 user)[:16] -> Person
	bCard                    // workspace 0 kind 0 key -> due(8), value
	bCardDue                 // kind 0 due(8) key of bCard -> nothing
	bMessageBy               // workspace digits(1) number of its chat, raw -> nothing
	buckets
)

var bucketNames = [buckets]string{
	"meta", "workspace", "account", "channel", "roster", "chat", "chat_id", "chat_name", "token", "api_key", "callback", "attempt", "attempt_head", "key",
	"message", "marks", "provider", "ledger", "grant", "lane", "item", "unknown", "fetch", "count",
	"template", "inbound", "inbound_by", "person", "card", "card_due", "message_by",
}

func (b bucket) name() []byte { return []byte(bucketNames[b]) }

// fill packs the pages of tables that only grow at their end.
func (b bucket) fill() float64 {
	switch b {
	case bMessage, bMarks, bItem:
		return 0.9
	}
	return 0.6
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged means that a record is not what was written.
var errDamaged = errors.New("record is damaged: its checksum does not match")

// seal puts a CRC-32C before a payload. It covers table and key too, so that a
// record in the wrong place is found as well.
func seal(b bucket, key string, payload []byte) []byte {
	out := make([]byte, 4, 4+len(payload))
	binary.BigEndian.PutUint32(out, sum(b, key, payload))
	return append(out, payload...)
}

func sum(b bucket, key string, payload []byte) uint32 {
	c := crc32.Update(0, castagnoli, []byte(bucketNames[b]))
	c = crc32.Update(c, castagnoli, []byte(key))
	return crc32.Update(c, castagnoli, payload)
}

// unseal checks a record and returns its payload.
func unseal(b bucket, key string, v []byte) ([]byte, error) {
	if len(v) < 4 || binary.BigEndian.Uint32(v) != sum(b, key, v[4:]) {
		return nil, fmt.Errorf("table %s: %w", bucketNames[b], errDamaged)
	}
	return v[4:], nil
}

// form is how records are written: durations as whole nanoseconds.
var form = jsonv1.FormatDurationAsNano(true)

func encode[T any](b bucket, key string, v T) ([]byte, error) {
	// A provider's sentence may be in any encoding: U+FFFD stands for what is
	// not UTF-8, so that it never keeps an outcome from being written.
	payload, err := json.Marshal(&v, form, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("encode into %s: %w", bucketNames[b], err)
	}
	return seal(b, key, payload), nil
}

func decode[T any](b bucket, key string, v []byte) (T, error) {
	var out T
	payload, err := unseal(b, key, v)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(payload, &out, form); err != nil {
		return out, fmt.Errorf("decode from %s: %w", bucketNames[b], err)
	}
	return out, nil
}
