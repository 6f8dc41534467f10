package pgstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// fillShelf writes two languages of a template, a message of a person and their
// id.
func fillShelf(t *testing.T, s relay.Store, workspace, channel string) {
	t.Helper()
	ctx := t.Context()
	err := s.Update(ctx, func(tx relay.Tx) error {
		en := relay.Template{Workspace: workspace, Channel: channel, Name: "hello", Language: "en", Status: relay.TemplateApproved}
		de := en
		de.Language = "de"
		in := relay.InboundMessage{ID: relay.FormatMessageID([9]byte{8: 1}), Workspace: workspace, Channel: channel, Recipient: "+1", Kind: "text", At: time.Now().UTC()}
		return errors.Join(tx.PutTemplate(ctx, en), tx.PutTemplate(ctx, de), tx.PutInbound(ctx, in), tx.PutUser(ctx, workspace, channel, "US.1", "+1"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestADatabaseOfBeforeTheShelfIsBroughtUpToDateWithItsRows makes a full
// database what the first release left, and opens it.
func TestADatabaseOfBeforeTheShelfIsBroughtUpToDateWithItsRows(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	url := c.URL(name)
	fillDatabase(t, url)
	if err := c.Exec(t.Context(), name, `DROP TABLE template, inbound, person; DELETE FROM goose_db_version WHERE version_id > 1`); err != nil {
		t.Fatal(err)
	}
	if have, known, err := pgstore.Schema(t.Context(), url); err != nil || have != 1 || known < 2 {
		t.Fatalf("schema %d of %d (%v), want 1 of 2 or more", have, known, err)
	}
	if bad := violations(t, url); bad != "" { // it opens the database first
		t.Errorf("verify says:\n%s", bad)
	}
	have, known, err := pgstore.Schema(t.Context(), url)
	if err != nil || have != known {
		t.Errorf("schema %d of %d (%v), want the newest", have, known, err)
	}
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, _, err := s.Workspaces(t.Context(), relay.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d workspaces (%v), want the one of before", len(list), err)
	}
	fillShelf(t, s, list[0].ID, "ch_00000000000000000000")
	messages, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: list[0].ID}, relay.Page{Limit: 10})
	if err != nil || len(messages) != 3 {
		t.Errorf("%d messages (%v), want 3", len(messages), err)
	}
	// The program of before meets the newer schema as this one meets the next.
	if err := c.Exec(t.Context(), name, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, true)", known+1)); err != nil {
		t.Fatal(err)
	}
	if s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url, Connections: 4}); err == nil {
		_ = s.Close()
		t.Error("a database of a newer schema was opened")
	}
}
