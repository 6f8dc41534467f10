package api

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"relevo/relay"
)

// downloadBackup makes a copy of the whole store and sends it. The copy is
// finished before the first byte leaves, so that a slow client holds nothing
// up in the store.
func (s *server) downloadBackup(r *request) (answer, error) {
	if r.c.Request().Method == http.MethodGet {
		r.noteAs("backup_downloaded", answer{}) // before, so that the copy tells of itself
	}
	d, err := s.makeBackup(r.ctx)
	return answer{download: d}, err
}

// makeBackup makes a copy that is removed when its body is closed.
func (s *server) makeBackup(ctx context.Context) (*download, error) {
	if !s.backup.TryLock() {
		return nil, relay.Refusef(relay.CodeConflict, "Another backup is being made. Try again when it is done.")
	}
	defer s.backup.Unlock()
	dir, err := os.MkdirTemp(s.TempDir, "backup-")
	if err != nil {
		return nil, fmt.Errorf("make folder for backup: %w", err)
	}
	f, err := s.copyStore(ctx, filepath.Join(dir, "relevo.db"))
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	name := "relevo-" + time.Now().UTC().Format("20060102-150405") + ".db"
	return &download{mediaType: "application/octet-stream", name: name, size: info.Size(), body: &temporary{File: f, dir: dir}}, nil
}

func (s *server) copyStore(ctx context.Context, path string) (*os.File, error) {
	if err := s.relay.Store.Backup(ctx, path); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return os.Open(path)
}

// temporary is a file whose folder goes when it is closed.
type temporary struct {
	*os.File
	dir string
}

func (t *temporary) Close() error {
	err := t.File.Close()
	os.RemoveAll(t.dir)
	return err
}
