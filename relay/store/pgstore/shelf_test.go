package pgstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// fillShelf writes two languages of a template, a message of a person, their id
// and two cards.
func fillShelf(t *testing.T, s relay.Store, workspace, channel string) {
	t.Helper()
	ctx := t.Context()
	err := s.Update(ctx, func(tx relay.Tx) error {
		en := relay.Template{Workspace: workspace, Channel: channel, Name: "hello", Language: "en", Status: relay.TemplateApproved}
		de := en
		de.Language = "de"
		in := relay.InboundMessage{ID: relay.FormatMessageID([9]byte{8: 1}), Workspace: workspace, Channel: channel, Recipient: "+1", Kind: "text", At: time.Now().UTC()}
		for _, of := range []string{"", workspace} {
			if err := tx.PutCard(ctx, relay.Card{Kind: "note", Workspace: of, Key: "a", Due: in.At, Value: json.RawMessage(`{}`)}); err != nil {
				return err
			}
		}
		return errors.Join(tx.PutTemplate(ctx, en), tx.PutTemplate(ctx, de), tx.PutInbound(ctx, in), tx.PutUser(ctx, workspace, channel, "US.1", "+1"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestADatabaseOfBeforeIsBroughtUpToDateWithItsRows makes a full database what
// earlier releases left, and opens it.
func TestADatabaseOfBeforeIsBroughtUpToDateWithItsRows(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	for schema, without := range map[int64]string{1: "template, inbound, person, card", 2: "card"} {
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) { broughtUpToDate(t, c, schema, without) })
	}
}

func broughtUpToDate(t *testing.T, c *pgtest.Cluster, schema int64, without string) {
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	url := c.URL(name)
	fillDatabase(t, url)
	if err := c.Exec(t.Context(), name, fmt.Sprintf(`DROP TABLE %s; DELETE FROM goose_db_version WHERE version_id > %d`, without, schema)); err != nil {
		t.Fatal(err)
	}
	if have, known, err := pgstore.Schema(t.Context(), url); err != nil || have != schema || known <= schema {
		t.Fatalf("schema %d of %d (%v), want %d of more", have, known, err, schema)
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
