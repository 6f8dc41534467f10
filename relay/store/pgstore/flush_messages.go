package pgstore

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"relevo/queue"
	"relevo/relay"
)

// flushMessages writes records, places, or both: what was not written of a
// row stays as it is.
func flushMessages(g *gathering, b *pgx.Batch, keys []key, o *overlay, onConflict string) error {
	var by [(dirtyRecord | dirtyPlace) + 1][]key
	for _, k := range keys {
		p := o.rows[k].dirty & (dirtyRecord | dirtyPlace)
		by[p] = append(by[p], k)
	}
	for p, keys := range by {
		if len(keys) == 0 || p == 0 {
			continue
		}
		m := newMessageArrays(len(keys))
		for i, k := range keys {
			if err := m.set(g, i, k, o.rows[k]); err != nil {
				return err
			}
		}
		m.queue(b, part(p), onConflict)
	}
	return nil
}

// messageArrays are the arrays of the statement that writes messages.
type messageArrays struct {
	ws, ids, channels, statuses  []string
	chats                        []string
	records, marks               records
	providers, lanes, recipients []pgtype.Text
	unknown, notBefore, expires  []pgtype.Timestamptz
	seqs                         []pgtype.Int8
	unready, out                 []pgtype.Bool
	tries                        []pgtype.Int4
}

func newMessageArrays(n int) *messageArrays {
	return &messageArrays{
		ws: make([]string, n), ids: make([]string, n), channels: make([]string, n), statuses: make([]string, n), chats: make([]string, n),
		records: make(records, n), marks: make(records, n),
		providers: make([]pgtype.Text, n), lanes: make([]pgtype.Text, n), recipients: make([]pgtype.Text, n),
		unknown: make([]pgtype.Timestamptz, n), notBefore: make([]pgtype.Timestamptz, n), expires: make([]pgtype.Timestamptz, n),
		seqs: make([]pgtype.Int8, n), unready: make([]pgtype.Bool, n), out: make([]pgtype.Bool, n), tries: make([]pgtype.Int4, n),
	}
}

func (c *messageArrays) set(g *gathering, i int, k key, r row) error {
	m := r.v.(messageRow)
	c.ws[i], c.ids[i] = k.ws, k.a
	if r.dirty&dirtyPlace != 0 && m.item != nil {
		c.place(g, i, m.item)
	}
	if r.dirty&dirtyRecord == 0 {
		return nil
	}
	if m.marks != nil {
		enc, err := encode(m.marks)
		if err != nil {
			return err
		}
		c.marks[i] = enc
	}
	rec := m.record
	if rec == nil {
		return nil
	}
	enc, err := encode(*rec)
	if err != nil {
		return err
	}
	c.records[i], c.channels[i], c.statuses[i] = enc, plain(rec.Channel), string(rec.Status)
	c.chats[i] = plain(rec.ChatID)
	if rec.ProviderID != "" {
		c.providers[i] = text(plain(rec.ProviderID))
	}
	if rec.Status == relay.Unknown {
		c.unknown[i] = at(rec.UnknownAt)
	}
	return nil
}

func (c *messageArrays) place(g *gathering, i int, it *queue.Item) {
	c.lanes[i], c.recipients[i] = text(it.Lane), text(plain(it.Recipient))
	c.seqs[i] = pgtype.Int8{Int64: it.Seq, Valid: true}
	c.notBefore[i], c.expires[i] = at(g.at.toRemote(it.NotBefore)), at(it.Expires)
	c.unready[i], c.out[i] = pgtype.Bool{Bool: it.Unready, Valid: true}, pgtype.Bool{Bool: it.Out, Valid: true}
	c.tries[i] = pgtype.Int4{Int32: int32(it.Try), Valid: true}
}

func text(s string) pgtype.Text { return pgtype.Text{String: s, Valid: true} }

func (c *messageArrays) queue(b *pgx.Batch, p part, onConflict string) {
	if onConflict != "" {
		onConflict += setMessages[p]
	}
	b.Queue(insertMessages+onConflict, c.ws, c.ids, c.records, c.marks, c.channels, c.statuses, c.providers, c.unknown,
		c.lanes, c.recipients, c.seqs, c.notBefore, c.expires, c.unready, c.out, c.tries, c.chats)
}

const (
	insertMessages = `INSERT INTO message (workspace_id, id, record, marks, channel, status, provider_id, unknown_at,
			lane, recipient, seq, not_before, expires, unready, out, try, chat)
		SELECT * FROM unnest($1::text[], $2::text[], $3::json[], $4::json[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
			$9::text[], $10::text[], $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::boolean[], $15::boolean[], $16::int[], $17::text[])`
	setRecord = `record = excluded.record, marks = excluded.marks, channel = excluded.channel, chat = excluded.chat, status = excluded.status,
			provider_id = excluded.provider_id, unknown_at = excluded.unknown_at`
	setPlace = `lane = excluded.lane, recipient = excluded.recipient, seq = excluded.seq, not_before = excluded.not_before,
			expires = excluded.expires, unready = excluded.unready, out = excluded.out, try = excluded.try`
)

var setMessages = map[part]string{dirtyRecord: setRecord, dirtyPlace: setPlace, dirtyRecord | dirtyPlace: setRecord + ", " + setPlace}
