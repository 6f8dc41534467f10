package pgstore_test

import (
	"os"
	"strings"
	"testing"

	"relevo/relay"
)

// TestMessagesOfBeforeTheColumnAreGivenTheirChats runs the part of the
// migration that fills the column, over rows that were written without it.
func TestMessagesOfBeforeTheColumnAreGivenTheirChats(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	s := d.open()
	w, ids := workspaceOf(t, relayOver(t, s), 3)
	b, err := os.ReadFile("migrations/00004_chat.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(b), "StatementBegin")
	block, _, ok := strings.Cut(block, "-- +goose StatementEnd")
	if !ok {
		t.Fatal("the migration has no block")
	}
	d.exec(`UPDATE message SET chat = ''`)
	if list, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: w.ID, Chat: "10001"}, relay.Page{Limit: 10}); err != nil || len(list) != 0 {
		t.Fatalf("%d messages of a chat without the column (%v)", len(list), err)
	}
	for range 2 { // it may be begun anew
		d.exec(strings.Replace(block, "LIMIT 5000", "LIMIT 2", 1))
		for i, id := range ids {
			list, _, err := s.Messages(t.Context(), relay.MessageFilter{Workspace: w.ID, Chat: []string{"10001", "10002", "10003"}[i]}, relay.Page{Limit: 10})
			if err != nil || len(list) != 1 || list[0].ID != id {
				t.Errorf("chat %d: %+v (%v), want %s", i, list, err, id)
			}
		}
	}
	if _, err := s.Verify(t.Context(), func(v string) { t.Error(v) }); err != nil {
		t.Error(err)
	}
}
