package relay

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Line is one message of a conversation: either In or Out is set.
type Line struct {
	In  *InboundMessage
	Out *Message
}

// ID is the message's; ids of both kinds sort by when we took them.
func (l Line) ID() string {
	if l.In != nil {
		return l.In.ID
	}
	return l.Out.ID
}

// ChatID is the conversation's number.
func (l Line) ChatID() string {
	if l.In != nil {
		return l.In.ChatID
	}
	return l.Out.ChatID
}

// At is when it was written, or accepted.
func (l Line) At() time.Time {
	if l.In != nil {
		return l.In.At
	}
	return l.Out.CreatedAt
}

// Talk is a chat with what was last said in it.
type Talk struct {
	Chat Chat
	Last Line
}

// Conversation is what was said in a chat, both ways, newest first. The cursor
// is empty for the first page, and comes back empty with the last.
func (r *Relay) Conversation(ctx context.Context, c Chat, p Page) (lines []Line, next string, err error) {
	b, err := r.both(ctx, c.Workspace, c.Channel, p.Cursor, c)
	if err != nil {
		return nil, "", err
	}
	for len(lines) < max(1, p.Limit) {
		l, ok, err := b.take(min(p.Limit, walkChunk))
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return lines, "", nil
		}
		lines = append(lines, l)
	}
	next, err = b.cursor()
	return lines, next, err
}

// Bounds of Talks: how many messages a page looks through, and how many are
// read at once.
const (
	maxTalkWalk = 2000
	walkChunk   = 100
	maxPage     = 200 // as much as a store lists at once
)

// Talks are the conversations of a workspace, or of one channel, with the
// latest first. One page looks through a bounded number of messages: it may be
// short, with a cursor. Chats in which nothing was said, or nothing that is
// still kept, are not there.
func (r *Relay) Talks(ctx context.Context, workspace, channel string, p Page) (talks []Talk, next string, err error) {
	b, err := r.both(ctx, workspace, channel, p.Cursor, Chat{})
	if err != nil {
		return nil, "", err
	}
	seen := map[string]bool{}
	for n := 0; len(talks) < max(1, p.Limit) && n < maxTalkWalk; n++ {
		l, ok, err := b.take(walkChunk)
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return talks, "", nil
		}
		if seen[l.ChatID()] {
			continue
		}
		seen[l.ChatID()] = true
		c, err := r.Chat(ctx, workspace, l.ChatID())
		if isCode(err, CodeNotFound) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		last, _, err := r.Conversation(ctx, c, Page{Limit: 1})
		if err != nil {
			return nil, "", err
		}
		if len(last) > 0 && last[0].ID() == l.ID() { // else it stood on an earlier page
			talks = append(talks, Talk{Chat: c, Last: l})
		}
	}
	next, err = b.cursor()
	return talks, next, err
}

// Chat finds a conversation by its number. CodeNotFound.
func (r *Relay) Chat(ctx context.Context, workspace, id string) (c Chat, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		c, err = tx.ChatByID(ctx, workspace, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = &Error{Code: CodeNotFound, Message: "There is no chat of this number in this workspace.", Err: err}
	}
	return c, err
}

// maxChatSearch is how many chats one page of a search looks through.
const maxChatSearch = 5000

// SearchChats are the chats whose name or number holds what is looked for,
// without regard to case, accents and what is between digits; with nothing to
// look for, all. keep leaves others out; nil for none. A page may be short,
// with a cursor.
func (r *Relay) SearchChats(ctx context.Context, workspace, channel, query string, keep func(Chat) bool, p Page) (found []Chat, next string, err error) {
	word := bareWord(query)
	if word == "" && strings.TrimSpace(query) != "" {
		return nil, "", nil
	}
	page := Page{Cursor: p.Cursor, Limit: p.Limit}
	for n := 0; n < maxChatSearch; n += page.Limit {
		list, at, err := r.Store.Chats(ctx, workspace, channel, page)
		if err != nil {
			return nil, "", err
		}
		for _, c := range list {
			if (keep == nil || keep(c)) && (strings.Contains(bareWord(c.Name), word) || strings.Contains(bareWord(c.Recipient+c.Address), word)) {
				found = append(found, c)
			}
		}
		page.Cursor = at
		if at == "" || len(found) >= p.Limit {
			break
		}
	}
	return found, page.Cursor, nil
}

// both is what was sent and what was written, as one list by ids.
type both struct {
	out stream[Message]
	in  stream[InboundMessage]
}

// both begins where a cursor says: in one chat, or in a workspace or channel
// with an empty one.
func (r *Relay) both(ctx context.Context, workspace, channel, cursor string, c Chat) (*both, error) {
	at := [2]string{}
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(raw, &at) != nil {
			return nil, RefuseField(CodeInvalidField, "cursor", "This cursor was not made by this list.", "Leave it out to begin with the first page.")
		}
	}
	f := MessageFilter{Workspace: workspace, Channel: channel, Chat: c.ID}
	return &both{
		out: stream[Message]{at: at[0], id: func(m Message) string { return m.ID }, list: func(p Page) ([]Message, string, error) { return r.Store.Messages(ctx, f, p) }},
		in: stream[InboundMessage]{at: at[1], id: func(m InboundMessage) string { return m.ID }, list: func(p Page) ([]InboundMessage, string, error) {
			return r.Store.Inbounds(ctx, workspace, channel, c.Recipient, p)
		}},
	}, nil
}

// take is the newest line that was not taken; ok is false where there is none.
func (b *both) take(chunk int) (l Line, ok bool, err error) {
	if err := errors.Join(b.out.fill(chunk), b.in.fill(chunk)); err != nil {
		return l, false, err
	}
	out, in := b.out.head(), b.in.head()
	switch {
	case out == nil && in == nil:
		return l, false, nil
	case in == nil || out != nil && b.out.id(*out) > b.in.id(*in):
		b.out.used++
		return Line{Out: out}, true, nil
	}
	b.in.used++
	return Line{In: in}, true, nil
}

// cursor is where the next page begins; empty where nothing is left.
func (b *both) cursor() (string, error) {
	out, err := b.out.place()
	if err != nil {
		return "", err
	}
	in, err := b.in.place()
	if err != nil || out == ended && in == ended {
		return "", err
	}
	raw, err := json.Marshal([2]string{out, in})
	return base64.RawURLEncoding.EncodeToString(raw), err
}

// ended is the place of a list of which nothing is left.
const ended = "-"

// stream is a list of a store, row by row. at is the cursor of the rows that it
// holds, next that of those behind them.
type stream[T any] struct {
	id       func(T) string
	list     func(Page) ([]T, string, error)
	at, next string
	rows     []T
	used     int
	read     bool
}

func (s *stream[T]) head() *T {
	if s.used < len(s.rows) {
		return &s.rows[s.used]
	}
	return nil
}

// fill reads on where all rows are used. A page may be empty and not the last.
func (s *stream[T]) fill(n int) (err error) {
	for s.used == len(s.rows) && s.at != ended {
		if s.read {
			if s.at = cmp.Or(s.next, ended); s.at == ended {
				return nil
			}
		}
		if s.rows, s.next, err = s.list(Page{Cursor: s.at, Limit: max(1, n)}); err != nil {
			return err
		}
		s.used, s.read = 0, true
	}
	return nil
}

// place is the cursor of the first row that was not used.
func (s *stream[T]) place() (string, error) {
	switch {
	case s.at == ended || s.used == 0:
		return s.at, nil
	case s.used == len(s.rows):
		return cmp.Or(s.next, ended), nil
	}
	return s.behind(s.id(s.rows[s.used-1]))
}

// behind is the cursor of what is older than a row. What came or went since the
// list was read moves the others: as many rows as were taken may not be the
// same ones.
func (s *stream[T]) behind(last string) (next string, err error) {
	var rows []T
	for n, all := s.used, false; ; {
		if rows, next, err = s.list(Page{Cursor: s.at, Limit: n}); err != nil {
			return "", err
		}
		taken := 0
		for _, row := range rows {
			if s.id(row) >= last {
				taken++
			}
		}
		switch {
		case taken < len(rows) && taken == 0:
			return s.at, nil
		case taken < len(rows):
			n, all = taken, true
		case all || len(rows) < n || s.id(rows[taken-1]) == last || n >= maxPage:
			return cmp.Or(next, ended), nil
		default:
			n = min(2*n+walkChunk, maxPage)
		}
	}
}
