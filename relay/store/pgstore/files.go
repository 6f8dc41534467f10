package pgstore

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pieceSize is how much of a file one row holds, bytes: reading takes no more
// memory than that.
const pieceSize = 256 << 10

// Files keeps fetched files in the database, so that every node can serve
// them. A key begins with its workspace and a colon. The methods may be called
// concurrently.
type Files struct{ pool *pgxpool.Pool }

// NewFiles keeps files over a pool, which outlives it.
func NewFiles(pool *pgxpool.Pool) *Files { return &Files{pool} }

func fileKey(key string) (workspace, rest string) {
	workspace, rest, ok := strings.Cut(key, ":")
	if !ok {
		return "", key
	}
	return workspace, rest
}

// wholeKey is what fileKey took apart. A key of an early version has no
// workspace and no colon, and is told as it was given.
func wholeKey(workspace, rest string) string {
	if workspace == "" {
		return rest
	}
	return workspace + ":" + rest
}

// Put keeps size bytes of r under a key, whole or not at all, in place of what
// was there.
func (f *Files) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	ws, rest := fileKey(key)
	err := pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO file (workspace_id, key, size) VALUES ($1, $2, $3)
			ON CONFLICT (workspace_id, key) DO UPDATE SET size = excluded.size, kept_at = clock_timestamp()`, ws, rest, size)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM file_piece WHERE workspace_id = $1 AND key = $2`, ws, rest); err != nil {
			return err
		}
		piece := make([]byte, min(pieceSize, size))
		for n, left := 0, size; left > 0; n++ {
			piece = piece[:min(left, pieceSize)]
			if _, err := io.ReadFull(r, piece); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO file_piece (workspace_id, key, n, data) VALUES ($1, $2, $3, $4)`, ws, rest, n, piece); err != nil {
				return err
			}
			left -= int64(len(piece))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return nil
}

// Open reads a file; fs.ErrNotExist where there is none. It is read piece by
// piece: one that is replaced or removed meanwhile ends with an error.
func (f *Files) Open(key string) (io.ReadCloser, error) {
	r := &fileReader{f: f}
	r.ws, r.key = fileKey(key)
	ctx, cancel := context.WithTimeout(context.Background(), readFor)
	defer cancel()
	err := f.pool.QueryRow(ctx, `SELECT size, kept_at FROM file WHERE workspace_id = $1 AND key = $2`, r.ws, r.key).Scan(&r.left, &r.kept)
	if err == pgx.ErrNoRows {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return r, nil
}

// readFor bounds the reading of one piece.
const readFor = 10 * time.Second

type fileReader struct {
	f       *Files
	ws, key string
	kept    time.Time
	n       int
	left    int64
	piece   []byte
}

// Read reads on, from the next piece where this one is used up.
func (r *fileReader) Read(p []byte) (int, error) {
	if len(r.piece) == 0 {
		if r.left <= 0 {
			return 0, io.EOF
		}
		ctx, cancel := context.WithTimeout(context.Background(), readFor)
		defer cancel()
		err := r.f.pool.QueryRow(ctx, `SELECT p.data FROM file_piece p JOIN file f ON f.workspace_id = p.workspace_id AND f.key = p.key
			WHERE p.workspace_id = $1 AND p.key = $2 AND p.n = $3 AND f.kept_at = $4`, r.ws, r.key, r.n, r.kept).Scan(&r.piece)
		if err == pgx.ErrNoRows {
			err = fs.ErrNotExist
		}
		if err != nil {
			return 0, fmt.Errorf("read file: %w", err)
		}
		r.n++
		r.left -= int64(len(r.piece))
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}

// Close ends the reading.
func (r *fileReader) Close() error {
	r.left, r.piece = 0, nil
	return nil
}

// Remove forgets a file; one that is not there is no error.
func (f *Files) Remove(key string) error {
	ws, rest := fileKey(key)
	ctx, cancel := context.WithTimeout(context.Background(), readFor)
	defer cancel()
	return pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM file WHERE workspace_id = $1 AND key = $2`, ws, rest); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM file_piece WHERE workspace_id = $1 AND key = $2`, ws, rest)
		return err
	})
}

// keysPage is how many keys are read at once.
const keysPage = 500

// Keys calls fn with the key of every file and when it was kept. fn may call
// Remove.
func (f *Files) Keys(fn func(key string, at time.Time)) error {
	type entry struct {
		ws, key string
		at      time.Time
	}
	for from := (entry{}); ; {
		ctx, cancel := context.WithTimeout(context.Background(), readFor)
		rows, err := f.pool.Query(ctx, `SELECT workspace_id, key, kept_at FROM file WHERE (workspace_id, key) > ($1, $2) ORDER BY workspace_id, key LIMIT $3`, from.ws, from.key, keysPage)
		if err == nil {
			var page []entry
			page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (entry, error) {
				var e entry
				err := row.Scan(&e.ws, &e.key, &e.at)
				return e, err
			})
			cancel()
			for _, e := range page {
				fn(wholeKey(e.ws, e.key), e.at)
				from = e
			}
			if err == nil && len(page) < keysPage {
				return nil
			}
		}
		cancel()
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
	}
}
