package boltstore_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// byChat are the ids of all messages of a file's workspace by their chats: as
// they say themselves, and as the lists of the chats say.
func byChat(t *testing.T, s *boltstore.Store) (said, listed map[string][]string) {
	t.Helper()
	list, _, err := s.Workspaces(t.Context(), relay.Page{Limit: 1})
	if err != nil || len(list) != 1 {
		t.Fatalf("workspaces: %v (%v)", list, err)
	}
	said, listed = map[string][]string{}, map[string][]string{}
	all, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: list[0].ID}, relay.Page{Limit: 1000})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d messages (%v)", len(all), err)
	}
	for _, m := range all {
		said[m.ChatID] = append(said[m.ChatID], m.ID)
	}
	for chat := range said {
		of, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: list[0].ID, Chat: chat}, relay.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range of {
			listed[chat] = append(listed[chat], m.ID)
		}
	}
	return said, listed
}

// TestTheMessagesOfEachChatAreListedAlsoWhereAnEarlierProgramWroteThem opens a
// file from before the index, and one to which an earlier program added
// messages, and took some away, after the index was there.
func TestTheMessagesOfEachChatAreListedAlsoWhereAnEarlierProgramWroteThem(t *testing.T) {
	opt := boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db")}
	unpack(t, "../../../testdata/store/schema2.db.gz", opt.Path)
	for _, before := range []struct {
		what string
		edit func(index *bolt.Bucket) error
	}{
		{"before the index", func(*bolt.Bucket) error { return nil }},
		{"new messages without it", func(index *bolt.Bucket) error {
			var newest []byte
			for k, _ := index.Cursor().First(); k != nil; k, _ = index.Cursor().First() {
				newest = append(newest[:0], k...)
				if err := index.Delete(newest); err != nil {
					return err
				}
			}
			return nil
		}},
		{"a message that is gone", func(index *bolt.Bucket) error {
			k, v := index.Cursor().First()
			gone := append([]byte(nil), k...)
			for i := len(gone) - 9; i < len(gone); i++ {
				gone[i] = 0
			}
			return index.Put(gone, v)
		}},
	} {
		t.Run(before.what, func(t *testing.T) {
			edit(t, opt.Path, func(tx *bolt.Tx) error {
				index, err := tx.CreateBucketIfNotExists([]byte("message_by"))
				return errors.Join(err, before.edit(index))
			})
			s := openFile(t, opt)
			said, listed := byChat(t, s)
			if diff := cmp.Diff(said, listed); diff != "" {
				t.Errorf("by chat (-said +listed):\n%s", diff)
			}
			if before.what != "a message that is gone" { // its checksum is of another key, which is what is told
				if v := violations(t, s); len(v) > 0 {
					t.Errorf("violations: %q", v)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
