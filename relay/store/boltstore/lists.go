package boltstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/quota"
	"relevo/relay"
)

// maxWalk bounds how many rows one page looks through, so that a filter that
// fits little holds no snapshot for long: such a page ends early, with a cursor.
const maxWalk = 50_000

// maxPage bounds a page whatever its caller asks for.
const maxPage = 1000

// walk goes through the rows whose keys begin with prefix, newest (largest
// key) first, from the cursor on, until fn returns false. It returns the
// cursor of the next page, empty where the rows end.
func (t *tx) walk(ctx context.Context, b bucket, prefix string, p relay.Page, fn func(key string, v []byte) (more bool, err error)) (next string, err error) {
	end := append([]byte(prefix), bytes.Repeat([]byte{0xFF}, 40)...)
	if p.Cursor != "" {
		at, ok := openCursor(b, prefix, p.Cursor)
		if !ok {
			return "", errForeignCursor()
		}
		end = append([]byte(prefix), at...)
	}
	c := t.b.Bucket(b.name()).Cursor()
	before := c.Prev
	if k, _ := c.Seek(end); k == nil {
		before = c.Last
	}
	k, v := before()
	for seen := 1; k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Prev() {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		more, err := fn(string(k), v)
		if err != nil {
			return "", err
		}
		if seen++; !more || seen > maxWalk {
			return nextCursor(b, c, k, prefix), nil
		}
	}
	return "", nil
}

// nextCursor is where the next page begins, or empty where k was the last row.
func nextCursor(b bucket, c *bolt.Cursor, k []byte, prefix string) string {
	at := newCursor(b, prefix, string(k[len(prefix):]))
	if k, _ := c.Prev(); k == nil || !bytes.HasPrefix(k, []byte(prefix)) {
		return ""
	}
	return at
}

// newCursor names a place in a list, with a checksum that tells it from one of
// another list.
func newCursor(b bucket, prefix, at string) string {
	return base64.RawURLEncoding.EncodeToString(seal(b, prefix, []byte(at)))
}

func errForeignCursor() error {
	return relay.RefuseField(relay.CodeInvalidField, "cursor", "This cursor was not made by this list.", "Leave it out to begin with the first page.")
}

func openCursor(b bucket, prefix, cursor string) (at []byte, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, false
	}
	at, err = unseal(b, prefix, sealed)
	return at, err == nil
}

func limit(p relay.Page) int { return max(1, min(p.Limit, maxPage)) }

// Workspaces are all that were not deleted.
func (s *Store) Workspaces(ctx context.Context, p relay.Page) (out []relay.Workspace, next string, err error) {
	err = s.view(func(t *tx) error {
		next, err = t.walk(ctx, bWS, "", p, func(key string, v []byte) (bool, error) {
			w, err := decode[relay.Workspace](bWS, key, v)
			if err == nil && w.DeletedAt.IsZero() {
				out = append(out, w)
			}
			return len(out) < limit(p), err
		})
		return err
	})
	slices.SortStableFunc(out, func(a, b relay.Workspace) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, next, err
}

// Messages are those that a filter lets through. They are found by their
// debits, which a workspace's ledger holds in the order of time. A debit is
// posted at or after the moment of its call, for at most debitLag.
func (s *Store) Messages(ctx context.Context, f relay.MessageFilter, p relay.Page) (out []relay.Message, next string, err error) {
	if f.Chat != "" {
		return s.messagesOfChat(ctx, f, p)
	}
	if !f.To.IsZero() && p.Cursor == "" {
		p.Cursor = newCursor(bLedger, f.Workspace, be(f.To.Add(debitLag).UnixMicro()))
	}
	err = s.view(func(t *tx) error {
		next, err = t.walk(ctx, bLedger, f.Workspace, p, func(key string, v []byte) (bool, error) {
			at := fromBE(key[len(f.Workspace):][:8])
			if !f.From.IsZero() && at < f.From.UnixMicro() {
				return false, errEnough
			}
			row, err := decode[ledgerRow](bLedger, key, v)
			if err != nil || row.Kind != quota.KindDebit {
				return true, err
			}
			m, err := t.Message(ctx, f.Workspace, row.Message)
			if err != nil {
				return false, fmt.Errorf("message of a debit: %w", err)
			}
			if passes(f, m) {
				out = append(out, m)
			}
			return len(out) < limit(p), nil
		})
		return err
	})
	if err == errEnough {
		return out, "", nil
	}
	return out, next, err
}

// debitLag bounds how much later than its call a debit may be posted: calls
// wait for seconds at most; the rest is for a clock that was set back.
const debitLag = time.Hour

func passes(f relay.MessageFilter, m relay.Message) bool {
	switch {
	case f.Channel != "" && m.Channel != f.Channel,
		f.Chat != "" && m.ChatID != f.Chat,
		len(f.Statuses) > 0 && !slices.Contains(f.Statuses, m.Status),
		!f.From.IsZero() && m.CreatedAt.Before(f.From),
		!f.To.IsZero() && !m.CreatedAt.Before(f.To):
		return false
	}
	return true
}

// Attempts are the newest of a workspace.
func (s *Store) Attempts(ctx context.Context, workspace string, n int) (out []relay.Attempt, err error) {
	err = s.view(func(t *tx) error {
		out, err = t.LastAttempts(ctx, workspace, n)
		return err
	})
	return out, err
}

// Entries are the lines of a workspace's ledger.
func (s *Store) Entries(ctx context.Context, workspace string, p relay.Page) (out []relay.LedgerLine, next string, err error) {
	err = s.view(func(t *tx) error {
		next, err = t.walk(ctx, bLedger, workspace, p, func(key string, v []byte) (bool, error) {
			line, err := t.line(key, v)
			out = append(out, line)
			return len(out) < limit(p), err
		})
		return err
	})
	return out, next, err
}

// line reads a row of the ledger, with the entry that a message carries.
func (t *tx) line(key string, v []byte) (relay.LedgerLine, error) {
	row, err := decode[ledgerRow](bLedger, key, v)
	if err != nil {
		return relay.LedgerLine{}, err
	}
	if row.Entry != nil {
		return relay.LedgerLine{Entry: *row.Entry, Folded: row.Folded}, nil
	}
	marks, err := t.marks(row.Message)
	if err != nil {
		return relay.LedgerLine{}, err
	}
	i := slices.IndexFunc(marks, func(e quota.Entry) bool { return e.Kind == row.Kind && e.Ref == row.Ref })
	if i < 0 {
		return relay.LedgerLine{}, fmt.Errorf("message %s lacks the %s that the ledger names", row.Message, row.Kind)
	}
	return relay.LedgerLine{Entry: marks[i], MessageID: row.Message}, nil
}

// Chats are those of a workspace, or of one channel.
func (s *Store) Chats(ctx context.Context, workspace, channel string, p relay.Page) (out []relay.Chat, next string, err error) {
	err = s.view(func(t *tx) error {
		next, err = t.walk(ctx, bChatID, workspace, p, func(key string, v []byte) (bool, error) {
			at, err := decode[[]byte](bChatID, key, v)
			if err != nil {
				return false, err
			}
			c, err := get[relay.Chat](t, bChat, string(at))
			if err == nil && (channel == "" || c.Channel == channel) {
				out = append(out, c)
			}
			return len(out) < limit(p), err
		})
		return err
	})
	return out, next, err
}

// APIKeys are a workspace's, newest first. There are few keys, so all are
// looked through.
func (s *Store) APIKeys(_ context.Context, workspace string) (out []relay.APIKey, err error) {
	err = s.view(func(t *tx) error {
		return t.b.Bucket(bAPIKey.name()).ForEach(func(k, v []byte) error {
			key, err := decode[relay.APIKey](bAPIKey, string(k), v)
			if err == nil && key.Workspace == workspace {
				out = append(out, key)
			}
			return err
		})
	})
	slices.SortFunc(out, func(a, b relay.APIKey) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, err
}

// Tokens calls fn with the hash of every webhook token.
func (s *Store) Tokens(ctx context.Context, fn func(relay.TokenHash)) error {
	return s.view(func(t *tx) error {
		return t.b.Bucket(bToken.name()).ForEach(func(k, _ []byte) error {
			fn(relay.TokenHash(k))
			return ctx.Err()
		})
	})
}

// Counts sums counters over whole minutes.
func (s *Store) Counts(_ context.Context, workspace string, from, to time.Time) ([]relay.Counts, error) {
	sums := map[string]*relay.Counts{}
	first, last := int64(0), int64(math.MaxInt64)
	if !from.IsZero() {
		first = from.Unix() / 60
	}
	if !to.IsZero() {
		last = (to.Unix() + 59) / 60
	}
	err := s.view(func(t *tx) error {
		c := t.b.Bucket(bCount.name()).Cursor()
		for k, v := c.Seek([]byte(workspace + be(first))); bytes.HasPrefix(k, []byte(workspace)); k, v = c.Next() {
			if fromBE(string(k[len(workspace):][:8])) >= last {
				break
			}
			n, err := decode[relay.Counts](bCount, string(k), v)
			if err != nil {
				return err
			}
			sum := sums[n.Channel]
			if sum == nil {
				sum = &relay.Counts{Channel: n.Channel}
				sums[n.Channel] = sum
			}
			sum.Add(n)
		}
		return nil
	})
	var out []relay.Counts
	for _, n := range sums {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b relay.Counts) int { return bytes.Compare([]byte(a.Channel), []byte(b.Channel)) })
	return out, err
}

// Queue tells of the lanes of a workspace, or of all.
func (s *Store) Queue(_ context.Context, workspace string, now time.Time) ([]relay.LaneView, error) {
	x := s.lanes
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []relay.LaneView
	for _, l := range x.lanes {
		if workspace == "" || l.Workspace == workspace {
			out = append(out, l.view(now))
		}
	}
	slices.SortFunc(out, func(a, b relay.LaneView) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return out, nil
}

func (l *lane) view(now time.Time) relay.LaneView {
	v := relay.LaneView{Lane: l.Lane, Waiting: l.count}
	if l.out != nil {
		v.Waiting--
	}
	var oldest *place
	for _, line := range l.recipients {
		first := line[0]
		if first.Unready || first.NotBefore.After(now) {
			v.Parked++
		}
		if oldest == nil || first.Seq < oldest.Seq {
			oldest = first
		}
	}
	if oldest != nil {
		v.Oldest = oldest.ID
	}
	v.NextSend = l.nextSend(now, v.Waiting)
	return v
}

// nextSend is when the next item may leave: behind one that is out, about one
// rest from now.
func (l *lane) nextSend(now time.Time, waiting int) time.Time {
	switch {
	case waiting == 0 || l.Paused || l.Hold != "":
		return time.Time{}
	case l.Lease.Item != "":
		return now.Add(l.Spacing.Mean())
	case !l.dueAt.IsZero() && l.dueAt.Before(now):
		return now
	}
	return l.dueAt
}

// Backlog sums up all lanes.
func (s *Store) Backlog(context.Context, time.Time) (b relay.Backlog, _ error) {
	x := s.lanes
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, l := range x.lanes {
		b.Queued += int64(l.Depth)
		switch {
		case l.Hold != "":
			b.Held++
		case l.Paused:
			b.Paused++
		default:
			b.Open++
		}
		for _, line := range l.recipients {
			if id := line[0].ID; b.Oldest == "" || id < b.Oldest {
				b.Oldest = id
			}
		}
	}
	return b, nil
}
