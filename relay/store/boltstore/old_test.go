package boltstore_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// TestFilesOfEveryEarlierSchemaOpen opens what earlier programs wrote: a file
// of each schema lies in testdata/store, made with the program of its time, or
// brought to its schema by it.
func TestFilesOfEveryEarlierSchemaOpen(t *testing.T) {
	paths, err := filepath.Glob("../../../testdata/store/schema*.db.gz")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			opt := boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db")}
			unpack(t, path, opt.Path)
			s := openFile(t, opt)
			_, err := s.Verify(t.Context(), func(v string) { t.Error(v) })
			if err != nil {
				t.Fatal(err)
			}
			holdsOneOfEach(t, s)
		})
	}
}

// TestADamagedRowDoesNotKeepAnOldFileFromOpening damages one row of each table
// that a migration rewrites.
func TestADamagedRowDoesNotKeepAnOldFileFromOpening(t *testing.T) {
	for _, table := range []string{"lane", "item", "message", "channel"} {
		t.Run(table, func(t *testing.T) {
			opt := boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db")}
			unpack(t, "../../../testdata/store/schema1.db.gz", opt.Path)
			db, err := bolt.Open(opt.Path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(b *bolt.Tx) error {
				k, v := b.Bucket([]byte(table)).Cursor().First()
				broken := bytes.Clone(v)
				broken[len(broken)-1] ^= 0xFF
				return b.Bucket([]byte(table)).Put(bytes.Clone(k), broken)
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			found := 0
			_, err = openFile(t, opt).Verify(t.Context(), func(string) { found++ })
			if err != nil || found == 0 {
				t.Errorf("verify found %d faults (%v), want the damaged row", found, err)
			}
		})
	}
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// holdsOneOfEach checks what the files of all schemas were made with: the
// demo workspace with a plan, a key, a paused channel, and messages of most
// statuses, two of them queued.
func holdsOneOfEach(t *testing.T, s *boltstore.Store) {
	t.Helper()
	list, _, err := s.Workspaces(t.Context(), relay.Page{Limit: 10})
	if err != nil || len(list) != 1 || list[0].Plan == nil || list[0].Plan.Units != 10 || list[0].Webhook.Previous == nil {
		t.Fatalf("workspaces %+v (%v)", list, err)
	}
	ws := list[0].ID
	messages, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: ws}, relay.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	count := map[relay.Status]int{}
	for _, m := range messages {
		count[m.Status]++
	}
	want := map[relay.Status]int{relay.Queued: 2, relay.Read: 2, relay.Failed: 3, relay.Delivered: 1, relay.Unknown: 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	keys, err := s.APIKeys(t.Context(), ws)
	if err != nil || len(keys) != 1 {
		t.Errorf("keys %v (%v)", keys, err)
	}
	attempts, err := s.Attempts(t.Context(), ws, 100)
	if err != nil || len(attempts) != 10 {
		t.Errorf("%d attempts (%v)", len(attempts), err)
	}
	lanes, err := s.Queue(t.Context(), ws, time.Now())
	if err != nil || len(lanes) != 1 || lanes[0].Depth != 2 || !lanes[0].Paused {
		t.Errorf("lanes %+v (%v), statuses %v", lanes, err, slices.Sorted(maps.Keys(count)))
	}
	queued, err := s.Items(t.Context(), ws+"/"+lanes[0].Group, 10)
	if err != nil || len(queued) != 2 {
		t.Errorf("items %v of the lane (%v)", queued, err)
	}
	err = s.View(t.Context(), func(tx relay.Tx) error {
		if of, err := tx.WorkspaceByCallback(t.Context(), lanes[0].Group); err != nil || of != ws {
			t.Errorf("the channel's callback leads to %q (%v)", of, err)
		}
		for _, m := range messages {
			if m.Lane != lanes[0].ID || relay.WorkspaceOfLane(m.Lane) != ws {
				t.Errorf("message %s is on lane %s, want %s", m.ID, m.Lane, lanes[0].ID)
			}
		}
		for _, id := range queued {
			if _, err := tx.Item(t.Context(), lanes[0].ID, id); err != nil {
				t.Errorf("item %s: %v", id, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
