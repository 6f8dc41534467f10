package pgstore

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"relevo/relay"
)

const (
	// maxPage bounds a page whatever its caller asks for.
	maxPage = 1000
	// maxWalk bounds how many rows one page looks through: a page whose filter
	// fits little ends early, with a cursor.
	maxWalk = 50_000
	// walkStep is how many rows are read at once while walking.
	walkStep = 1000
)

func limit(p relay.Page) int { return max(1, min(p.Limit, maxPage)) }

// reading runs fn with a connection, again where that broke.
func (s *Store) reading(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	select {
	case <-s.closing:
		return relay.ErrClosed
	default:
	}
	return s.retrying(ctx, func() error {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return fn(conn.Conn())
	})
}

// told is an error of the database as package relay knows it.
func (s *Store) told(err error) error {
	if err == nil {
		return nil
	}
	first := true
	return s.retrying(s.ctx, func() error {
		if first {
			first = false
			return err
		}
		return relay.ErrUnavailable
	})
}

// list hands the rows of a query to scan, all of them or an error. What
// somebody typed that is no text is looked for in a form that is kept nowhere.
func (s *Store) list(ctx context.Context, scan func(at instant, rows pgx.Rows) error, sql string, args ...any) error {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = plain(text)
		}
	}
	return s.reading(ctx, func(conn *pgx.Conn) error {
		at, err := s.moment(ctx, conn)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(at, rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// newCursor names a place in a list of one workspace.
func newCursor(list, workspace, at string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + "\x00" + workspace + "\x00" + at))
}

// openCursor is the place that a cursor of the same list names; empty for none.
func openCursor(list, workspace, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	at, ok := strings.CutPrefix(string(b), list+"\x00"+workspace+"\x00")
	if err != nil || !ok {
		return "", errForeignCursor()
	}
	return at, nil
}

func errForeignCursor() error {
	return relay.RefuseField(relay.CodeInvalidField, "cursor", "This cursor was not made by this list.", "Leave it out to begin with the first page.")
}

// last sorts after every key.
const last = "\U0010FFFF"

func orLast(at string) string {
	if at == "" {
		return last
	}
	return at
}

// Workspaces are all that were not deleted.
func (s *Store) Workspaces(ctx context.Context, p relay.Page) (out []relay.Workspace, next string, err error) {
	at, err := openCursor("workspaces", "", p.Cursor)
	if err != nil {
		return nil, "", err
	}
	n := limit(p)
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		w, err := decode[relay.Workspace](record)
		out = append(out, w)
		return err
	}, `SELECT record FROM workspace WHERE record IS NOT NULL AND deleted_at IS NULL AND id < $1 ORDER BY id DESC LIMIT $2`, orLast(at), n+1)
	if err != nil || len(out) <= n {
		return out, "", err
	}
	return out[:n], newCursor("workspaces", "", out[n-1].ID), nil
}

// Messages are those that a filter lets through, by their ids, which sort by
// the time of their calls.
func (s *Store) Messages(ctx context.Context, f relay.MessageFilter, p relay.Page) (out []relay.Message, next string, err error) {
	at, err := openCursor("messages", f.Workspace, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	if at == "" && !f.To.IsZero() {
		at = idAt(f.To.Add(idLag))
	}
	statuses := make([]string, len(f.Statuses))
	for i, st := range f.Statuses {
		statuses[i] = string(st)
	}
	n, from := limit(p), orLast(at)
	for seen := 0; ; {
		var page []relay.Message
		err := s.list(ctx, func(_ instant, rows pgx.Rows) error {
			var record []byte
			if err := rows.Scan(&record); err != nil {
				return err
			}
			m, err := decode[relay.Message](record)
			page = append(page, m)
			return err
		}, messagesOf(f.Chat), f.Workspace, from, f.Channel, statuses, min(walkStep, n+1), f.Chat)
		if err != nil {
			return nil, "", err
		}
		for _, m := range page {
			if !f.From.IsZero() && m.CreatedAt.Before(f.From.Add(-idLag)) {
				return out, "", nil
			}
			if len(out) == n {
				return out, newCursor("messages", f.Workspace, from), nil
			}
			from, _ = shortID(m.ID)
			if (f.From.IsZero() || !m.CreatedAt.Before(f.From)) && (f.To.IsZero() || m.CreatedAt.Before(f.To)) {
				out = append(out, m)
			}
		}
		if len(page) < min(walkStep, n+1) {
			return out, "", nil
		}
		if seen += len(page); seen >= maxWalk {
			return out, newCursor("messages", f.Workspace, from), nil
		}
	}
}

// messagesOf lists messages of all chats, or of one: each is a walk along an
// index of its own.
func messagesOf(chat string) string {
	one := `$6 = ''`
	if chat != "" {
		one = `chat = $6`
	}
	return `SELECT record FROM message WHERE workspace_id = $1 AND ` + one + ` AND id < $2 AND record IS NOT NULL
		AND ($3 = '' OR channel = $3) AND (cardinality($4::text[]) = 0 OR status = ANY($4)) ORDER BY id DESC LIMIT $5`
}

// idLag bounds how far the time in an id may be from the time of its call:
// ids of a node never go back, and a clock that is set does.
const idLag = time.Hour

// idAt is the first id of a moment, as messages are kept under.
func idAt(t time.Time) string {
	ms := max(0, t.UnixMilli())
	s := strings.ToUpper(strconv.FormatInt(ms, 16))
	return strings.Repeat("0", max(0, 12-len(s))) + s + "000000"
}

// Attempts are the newest of a workspace.
func (s *Store) Attempts(ctx context.Context, workspace string, n int) (out []relay.Attempt, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		a, err := decode[relay.Attempt](record)
		out = append(out, a)
		return err
	}, `SELECT record FROM attempt WHERE workspace_id = $1 ORDER BY seq DESC LIMIT $2`, workspace, max(0, n))
	return out, err
}

// Entries are the lines of a workspace's ledger.
func (s *Store) Entries(ctx context.Context, workspace string, p relay.Page) (out []relay.LedgerLine, next string, err error) {
	at, err := openCursor("entries", workspace, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	before, kind, ref := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "", ""
	if at != "" {
		parts := strings.SplitN(at, " ", 3)
		us, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil || len(parts) < 3 {
			return nil, "", relay.RefuseField(relay.CodeInvalidField, "cursor", "This cursor was not made by this list.", "Leave it out to begin with the first page.")
		}
		before, kind, ref = time.UnixMicro(us), parts[1], parts[2]
	}
	n := limit(p)
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		l, err := scanEntry(rows)
		out = append(out, l)
		return err
	}, `SELECT `+entryColumns+` FROM entry r WHERE r.workspace_id = $1 AND (r.at, r.kind, r.ref) < ($2, $3, $4) ORDER BY r.at DESC, r.kind DESC, r.ref DESC LIMIT $5`,
		workspace, before, kind, ref, n+1)
	if err != nil || len(out) <= n {
		return out, "", err
	}
	l := out[n-1]
	return out[:n], newCursor("entries", workspace, strconv.FormatInt(l.At.UnixMicro(), 10)+" "+string(l.Kind)+" "+l.Ref), nil
}

// Chats are those of a workspace, or of one channel.
func (s *Store) Chats(ctx context.Context, workspace, channel string, p relay.Page) (out []relay.Chat, next string, err error) {
	at, err := openCursor("chats", workspace, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	before := int64(1<<63 - 1)
	if at != "" {
		before = chatNumber(at)
	}
	n := limit(p)
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		c, err := decode[relay.Chat](record)
		out = append(out, c)
		return err
	}, `SELECT record FROM chat WHERE workspace_id = $1 AND ($2 = '' OR channel = $2) AND number < $3 ORDER BY number DESC LIMIT $4`, workspace, channel, before, n+1)
	if err != nil || len(out) <= n {
		return out, "", err
	}
	return out[:n], newCursor("chats", workspace, out[n-1].ID), nil
}

// APIKeys are a workspace's, newest first.
func (s *Store) APIKeys(ctx context.Context, workspace string) (out []relay.APIKey, err error) {
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return err
		}
		k, err := decode[relay.APIKey](record)
		out = append(out, k)
		return err
	}, `SELECT record FROM api_key WHERE workspace_id = $1`, workspace)
	slices.SortFunc(out, func(a, b relay.APIKey) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, err
}

// Tokens calls fn with the hash of every webhook token, maybe twice.
func (s *Store) Tokens(ctx context.Context, fn func(relay.TokenHash)) error {
	return s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var hash []byte
		err := rows.Scan(&hash)
		if err == nil && len(hash) == len(relay.TokenHash{}) {
			fn(relay.TokenHash(hash))
		}
		return err
	}, `SELECT hash FROM token`)
}

// Counts sums counters over whole minutes.
func (s *Store) Counts(ctx context.Context, workspace string, from, to time.Time) (out []relay.Counts, err error) {
	first, end := int64(0), int64(1<<62)
	if !from.IsZero() {
		first = from.Unix() / 60
	}
	if !to.IsZero() {
		end = (to.Unix() + 59) / 60
	}
	err = s.list(ctx, func(_ instant, rows pgx.Rows) error {
		var c relay.Counts
		err := rows.Scan(&c.Channel, &c.Sent, &c.Failed, &c.Delivered, &c.Received)
		out = append(out, c)
		return err
	}, `SELECT channel, sum(sent)::bigint, sum(failed)::bigint, sum(delivered)::bigint, sum(received)::bigint FROM counter
		WHERE workspace_id = $1 AND minute >= $2 AND minute < $3 GROUP BY channel ORDER BY channel`, workspace, first, end)
	return out, err
}
