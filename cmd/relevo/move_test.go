package main

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"relevo/relay"
	"relevo/relay/guard"
	"relevo/relay/media"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// shown is what a store tells of its only workspace.
type shown struct {
	Workspace relay.Workspace
	Messages  []relay.Message
	Entries   []relay.LedgerLine
	Attempts  []relay.Attempt
	Chats     []relay.Chat
	Keys      []relay.APIKey
	Counts    []relay.Counts
	Queue     []relay.LaneView
	Jobs      []time.Time
	Channels  []relay.Channel
	Templates []relay.Template
	Inbounds  []relay.InboundMessage
	Fetches   []relay.Fetch
	Cards     []relay.Card
	// People are under which recipients the first channel knows odd ids.
	People []string
}

func show(t *testing.T, s relay.Store) (v shown) {
	t.Helper()
	ctx, page := t.Context(), relay.Page{Limit: 200}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := s.Workspaces(ctx, page)
	must(err)
	if len(list) != 1 {
		t.Fatalf("%d workspaces, want 1", len(list))
	}
	v.Workspace = list[0]
	ws := v.Workspace.ID
	v.Messages, _, err = s.Messages(ctx, relay.MessageFilter{Workspace: ws}, page)
	must(err)
	v.Entries, _, err = s.Entries(ctx, ws, page)
	must(err)
	v.Attempts, err = s.Attempts(ctx, ws, 100)
	must(err)
	v.Chats, _, err = s.Chats(ctx, ws, "", page)
	must(err)
	v.Keys, err = s.APIKeys(ctx, ws)
	must(err)
	v.Counts, err = s.Counts(ctx, ws, time.Time{}, time.Time{})
	must(err)
	v.Queue, err = s.Queue(ctx, ws, time.Now())
	must(err)
	v.shelf(t, s)
	for _, name := range []string{"backup", "expire", "refill"} {
		last, err := s.Job(ctx, name)
		must(err)
		v.Jobs = append(v.Jobs, last.Truncate(time.Microsecond))
	}
	return v
}

// shelf reads channels, and what is on their shelves.
func (v *shown) shelf(t *testing.T, s relay.Store) {
	t.Helper()
	ctx, ws := t.Context(), v.Workspace.ID
	err := s.View(ctx, func(tx relay.Tx) error {
		v.Channels = nil
		refs, err := tx.Channels(ctx, ws)
		for _, ref := range refs {
			c, err := tx.Channel(ctx, ws, ref.ID)
			if err != nil {
				return err
			}
			v.Channels = append(v.Channels, c)
		}
		v.People = nil
		for _, user := range oddUsers {
			to, err := tx.RecipientOfUser(ctx, ws, refs[0].ID, user)
			if err != nil && !errors.Is(err, relay.ErrNotFound) {
				return err
			}
			v.People = append(v.People, to)
		}
		return err
	})
	for _, c := range v.Channels {
		list, listErr := s.Templates(ctx, ws, c.ID)
		v.Templates, err = append(v.Templates, list...), errors.Join(err, listErr)
	}
	var inErr, dueErr, cardErr error
	v.Cards, _, cardErr = s.CardsDue(ctx, "note", time.Now(), 10)
	v.Inbounds, _, inErr = s.Inbounds(ctx, ws, "", "", relay.Page{Limit: 200})
	v.Fetches, _, dueErr = s.FetchesDue(ctx, time.Now(), 10)
	slices.SortFunc(v.Fetches, func(a, b relay.Fetch) int { return strings.Compare(a.MessageID, b.MessageID) }) // they come in no order
	if err := errors.Join(err, inErr, dueErr, cardErr); err != nil {
		t.Fatal(err)
	}
}

// oddUsers are ids of people as no provider should give them, and one as it does.
var oddUsers = []string{"US.1349", "caf\xe9", "日本 \x00"}

// fillShelf puts templates, what people wrote and their ids into a store, and a
// callback key on its channels.
func fillShelf(t *testing.T, s relay.Store, ws string) {
	t.Helper()
	ctx := t.Context()
	err := s.Update(ctx, func(tx relay.Tx) error {
		refs, err := tx.Channels(ctx, ws)
		if err != nil || len(refs) == 0 {
			return errors.Join(err, errors.New("no channels"))
		}
		for _, ref := range refs {
			c, err := tx.Channel(ctx, ws, ref.ID)
			if err != nil {
				return err
			}
			c.CallbackKey, c.VerifyToken, c.CallbackAt = "KEY", "TOKEN", time.Now().UTC()
			if err := tx.PutChannel(ctx, c); err != nil {
				return err
			}
			for _, language := range []string{"pt_BR", "en"} {
				m := relay.Template{Workspace: ws, Channel: c.ID, Name: "日本 \x00", Language: language, Status: relay.TemplateApproved, Body: "Hi {{1}}", Samples: []string{"Ann"}}
				if err := tx.PutTemplate(ctx, m); err != nil {
					return err
				}
			}
		}
		for n, of := range []string{"", ws} {
			r := relay.Card{Kind: "note", Workspace: of, Key: "日本", Due: time.Unix(int64(n), 0).UTC(), Value: []byte(` {"a": "\u0000"}`)}
			if err := tx.PutCard(ctx, r); err != nil {
				return err
			}
		}
		for n := range byte(3) {
			if err := tx.PutUser(ctx, ws, refs[0].ID, oddUsers[n], "+1 \x00"); err != nil {
				return err
			}
			m := relay.InboundMessage{ID: relay.FormatMessageID([9]byte{0, 0, 0, 0, 1, n}), Workspace: ws, Channel: refs[0].ID, ChatID: "10001", Recipient: "+1", Kind: "image",
				Text: "\x00 hi", At: time.Now().UTC(), Files: []relay.ReceivedFile{{InboundFile: relay.InboundFile{ID: "1"}}}}
			if err := errors.Join(tx.PutInbound(ctx, m), tx.PutFetch(ctx, relay.Fetch{MessageID: m.ID, Workspace: ws, Next: time.Now().UTC()})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMoveCarriesEverythingOverAndLeavesNothingToSendTwice moves the database
// of an earlier program, with messages of most statuses, a plan and a file.
func TestMoveCarriesEverythingOverAndLeavesNothingToSendTwice(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	dir, url := t.TempDir(), c.URL(name)
	unzip(t, "../../testdata/store/schema1.db.gz", filepath.Join(dir, databaseFile))
	old, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	fillShelf(t, old, show(t, old).Workspace.ID)
	before := show(t, old)
	if len(before.Templates) < 2 || len(before.Inbounds) != 3 || len(before.Fetches) != 3 || len(before.Cards) != 2 || slices.Contains(before.People, "") {
		t.Fatalf("nothing on the shelf: %+v", before)
	}
	if out, err := relevo(t, "move", "--from", dir, "--to", url); err == nil || !strings.Contains(out, "another process has the database open") {
		t.Errorf("a database in use was moved (%v): %s", err, out)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	key := before.Workspace.ID + ":3EB0000000000000000001"
	keepFile(t, dir, key, "a file")

	out, err := relevo(t, "move", "--from", dir, "--to", url)
	if err != nil || !strings.Contains(out, "Moved and verified 1 workspaces, 9 messages (2 queued)") || !strings.Contains(out, "1 files") {
		t.Fatalf("move: %v\n%s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, databaseFile)); len(left) > 0 {
		t.Error("the old database is still where a server would open it, and send everything again")
	}
	fresh, err := pgstore.Open(context.WithoutCancel(t.Context()), pgstore.Options{URL: url, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	micro := cmp.Comparer(func(a, b time.Time) bool { d := a.Sub(b); return d > -time.Millisecond && d < time.Millisecond })
	if diff := cmp.Diff(before, show(t, fresh), cmpopts.EquateEmpty(), micro, cmpopts.IgnoreFields(relay.LaneView{}, "NextSend")); diff != "" {
		t.Errorf("the two databases show different things (-old +new):\n%s", diff)
	}
	r, err := pgstore.NewFiles(fresh.Pool()).Open(key)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "a file" {
		t.Errorf("the file is %q (%v)", b, err)
	}
	if out, err := relevo(t, "verify", "--store", url); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	for what, args := range map[string][]string{"twice": {"move", "--from", dir, "--to", url}, "from nowhere": {"move", "--from", t.TempDir(), "--to", url}, "to nowhere": {"move", "--from", dir}} {
		if out, err := relevo(t, args...); err == nil {
			t.Errorf("moved %s: %s", what, out)
		}
	}
}

func unzip(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMigrateIsForwardOnlyAndRefusesANewerSchema brings an empty database up
// to date, twice, and meets one of a later program.
func TestMigrateIsForwardOnlyAndRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(it was 0)", "up to date"} {
		if out, err := relevo(t, "migrate", "--store", c.URL(name)); err != nil || !strings.Contains(out, want) {
			t.Errorf("migrate: %v\n%s\nwant %q", err, out, want)
		}
	}
	if err := c.Exec(t.Context(), name, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"migrate", "--store", c.URL(name)}, {"verify", "--store", c.URL(name)}} {
		if out, err := relevo(t, args...); err == nil || !strings.Contains(out, "is of schema 99, and this program knows up to") {
			t.Errorf("%s: %v\n%s", args[0], err, out)
		}
	}
	if out, err := relevo(t, "migrate", "--store", "postgres://127.0.0.1:1/x"); err == nil || !strings.Contains(out, "PostgreSQL does not answer") {
		t.Errorf("without a server: %v\n%s", err, out)
	}
}

// keepFile puts a file where a server keeps what it fetched.
func keepFile(t *testing.T, dir, key, body string) {
	t.Helper()
	s, err := media.Open(filepath.Join(dir, "files"), guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer srv.Close()
	if _, err := s.Fetch(t.Context(), media.Request{Key: key, URL: srv.URL + "/a.txt", Name: "a.txt", Kind: "document", Limit: 100}); err != nil {
		t.Fatal(err)
	}
}
