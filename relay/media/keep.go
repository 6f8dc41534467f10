package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// keep writes src under a key, so that a file is there as a whole or not at
// all, also after a crash. It reads no more than limit bytes and one.
func (s *Store) keep(ctx context.Context, key string, src io.Reader, limit int64) (File, error) {
	name, err := place(key)
	if err != nil {
		return File{}, err
	}
	tmp := unfinished + "/" + rand.Text()
	f, err := s.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return File{}, fmt.Errorf("keep file: %w", err)
	}
	file, err := fill(f, src, limit)
	if err == nil {
		err = s.settle(ctx, key, tmp, name, file.Size)
	}
	if err != nil {
		_ = s.root.Remove(tmp) // the next Open removes it as well
		return File{}, err
	}
	return file, nil
}

// errOverLimit: the source had more than the limit.
var errOverLimit = errors.New("more bytes than the limit")

func fill(f *os.File, src io.Reader, limit int64) (File, error) {
	file, err := pour(f, src, limit)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return File{}, err
	}
	return file, nil
}

// pour writes src to w, no more than limit bytes and one. What it gives is
// true of what came, also with an error.
func pour(w io.Writer, src io.Reader, limit int64) (File, error) {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(src, limit+1))
	if err == nil && n > limit {
		err = errOverLimit
	}
	return File{Size: n, SHA256: [sha256.Size]byte(sum.Sum(nil))}, err
}

// settle gives a finished file its name, or to the keeper. The folder is synced
// too: without that the name may be gone after a crash, though the bytes are
// there.
func (s *Store) settle(ctx context.Context, key, tmp, name string, size int64) error {
	if s.shared != nil {
		return s.hand(ctx, key, tmp, size)
	}
	folder := path.Dir(name)
	switch err := s.root.Mkdir(folder, 0o700); {
	case err == nil:
		if err := s.sync("."); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("keep file: %w", err)
	}
	if err := s.root.Rename(tmp, name); err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return s.sync(folder)
}

// hand gives a finished file to the keeper.
func (s *Store) hand(ctx context.Context, key, tmp string, size int64) error {
	f, err := s.root.Open(tmp)
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	err = s.shared.Put(ctx, key, f, size)
	return errors.Join(err, f.Close(), s.root.Remove(tmp))
}

func (s *Store) sync(folder string) error {
	d, err := s.root.Open(folder)
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return nil
}

// Keep keeps what it reads from src under a key, whole or not at all. Its type
// is told from its content. An *Error of FileTooLarge where it has more than
// limit bytes.
func (s *Store) Keep(ctx context.Context, key string, src io.Reader, limit int64) (File, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(src, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return File{}, err
	}
	file, err := s.keep(ctx, key, io.MultiReader(bytes.NewReader(head[:n]), src), limit)
	if errors.Is(err, errOverLimit) {
		return File{}, failf(TooLarge, "The file has more than %s.", SizeText(limit))
	}
	file.Type = plain(sniff(head[:n]))
	return file, err
}
