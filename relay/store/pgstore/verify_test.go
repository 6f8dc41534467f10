package pgstore_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// TestVerifyFindsWhatSomebodyChanged plants one fault after the other into a
// database with messages of several statuses, each in a copy of its own.
func TestVerifyFindsWhatSomebodyChanged(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	whole, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	fillDatabase(t, c.URL(whole))
	for _, f := range []struct{ fault, want string }{
		{``, ""},
		{`UPDATE workspace SET available = available + 1`, "does not balance"},
		{`UPDATE workspace SET available = available + 1, granted = granted + 1`, "its entries say"},
		{`UPDATE workspace SET available = available + 1, reserved = reserved - 1`, "its entries say"},
		{`DELETE FROM entry WHERE kind = 'debit' AND at = (SELECT min(at) FROM entry WHERE kind = 'debit')`, "its debit is not in the ledger"},
		{`UPDATE entry SET units = units + 1 WHERE kind = 'grant'`, "its entries say"},
		{`UPDATE entry SET units = -5 WHERE kind = 'grant'`, "less than 0"},
		{`UPDATE message SET marks = '[]' WHERE status = 'sent'`, "was debited 0"},
		{`UPDATE message SET status = 'sent' WHERE status = 'queued'`, "say something else"},
		{`UPDATE message SET record = replace(record::text, '"status":"sent"', '"status":"queued"')::json, status = 'queued' WHERE status = 'sent'`, "but on no lane"},
		{`UPDATE message SET record = replace(record::text, '"status":"queued"', '"status":"sent"')::json, status = 'sent' WHERE status = 'queued'`, "its units are not spent"},
		{`UPDATE message SET record = '{"status":7}' WHERE status = 'sent'`, "cannot be read"},
		{`UPDATE message SET seq = NULL WHERE status = 'queued'`, "but on no lane"},
		{`UPDATE message SET out = true WHERE status = 'queued'`, "which is not leased for it"},
		{`UPDATE message SET unready = true WHERE status = 'queued'`, "waits for a file that nobody fetches"},
		{`DELETE FROM message WHERE status = 'sent'`, "more or less than the messages carry"},
		{`UPDATE lane SET depth = depth + 1`, "items and has"},
		{`UPDATE lane SET due_at = NULL`, "no time for it"},
		{`UPDATE lane SET lease_item = '000000000000000001'`, "is leased for an item that is not out"},
		{`DELETE FROM lane`, "which does not exist"},
		{`DELETE FROM token`, "its URL leads nowhere"},
		{`DELETE FROM callback`, "lead nowhere"},
		{`UPDATE chat SET number = number + 100`, "leads to another chat"},
		{`UPDATE message SET unknown_at = now() WHERE status = 'sent'`, "index of unknown outcomes"},
		{`DELETE FROM workspace`, "no balance"},
		{`UPDATE template SET name = 'other'`, "template other of channel"},
		{`UPDATE template SET record = '[]'`, "cannot be read"},
		{`UPDATE template SET record = ('[' || (record->1)::text || ',' || (record->0)::text || ']')::json`, "languages are not in order"},
		{`UPDATE inbound SET channel = 'other'`, "say something else"},
		{`UPDATE inbound SET recipient = '+2'`, "say something else"},
		{`UPDATE inbound SET id = '000000000000000009'`, "inbound message " + relay.FormatMessageID([9]byte{8: 9}) + ": the columns"},
		{`UPDATE inbound SET record = '{"at":5}'`, "cannot be read"},
		{`UPDATE person SET user_id = 'US.2'`, "person US.2 of channel"},
		{`UPDATE person SET record = '{}'`, "cannot be read"},
		{`UPDATE card SET record = '{'`, "a value that is not JSON"},
		{`UPDATE card SET kind = 'Note'`, "the kind of a card"},
		{`UPDATE card SET key = ''`, "the key of a card"},
		{`UPDATE card SET due = '20000-01-01'`, "due in year 20000"},
	} {
		name, err := c.Create(t.Context(), whole)
		if err != nil {
			t.Fatal(err)
		}
		if f.fault != "" {
			if err := c.Exec(t.Context(), name, f.fault); err != nil {
				t.Fatalf("%s: %v", f.fault, err)
			}
		}
		got := violations(t, c.URL(name))
		switch {
		case f.want == "" && got != "":
			t.Errorf("nothing was changed, and verify says:\n%s", got)
		case !strings.Contains(got, f.want):
			t.Errorf("%s\nverify says %q, want %q", f.fault, got, f.want)
		}
		if err := c.Drop(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
}

func violations(t *testing.T, url string) string {
	t.Helper()
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []string
	if _, err := s.Verify(t.Context(), func(bad string) { all = append(all, bad) }); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// mute is a driver that is never called, or says that everything went out.
type mute struct{}

func (mute) Send(_ context.Context, out relay.Outgoing) (string, error) {
	return "p-" + out.MessageID, nil
}

// fillDatabase makes a workspace with messages that were sent, canceled and
// are queued.
func fillDatabase(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	s, err := pgstore.Open(ctx, pgstore.Options{URL: url, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	secrets, err := relay.NewSecrets([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	set := relay.DefaultSettings()
	set.Node = "n"
	r, err := relay.New(s, map[string]relay.Driver{"mute": mute{}}, secrets, nil, set, "", slog.New(slog.DiscardHandler))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	w, err := r.CreateWorkspace(ctx, "Acme")
	must(err)
	_, err = r.Grant(ctx, w.ID, "g", 100)
	must(err)
	long := time.Hour
	ch, err := r.CreateChannel(ctx, w.ID, relay.NewChannel{Kind: "mute", SpacingMin: &long, SpacingMax: &long})
	must(err)
	var ids []string
	for _, to := range []string{"+1", "+2", "+3"} {
		got, err := r.Accept(ctx, relay.Call{Workspace: w.ID, Hook: w.Webhook.Token.Hash, At: time.Now(), Body: []byte("{}")},
			relay.Action{To: relay.Address{Phone: to}, Text: "nul \x00", AccountPhone: ch.Phone})
		must(err)
		ids = append(ids, got.MessageID)
	}
	fillShelf(t, s, w.ID, ch.ID)
	_, err = r.Cancel(ctx, w.ID, ids[1])
	must(err)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.Dispatch(running) }()
	for status := relay.Queued; status != relay.Sent; {
		must(s.View(ctx, func(tx relay.Tx) error {
			m, err := tx.Message(ctx, w.ID, ids[0])
			status = m.Status
			return err
		}))
	}
	stop()
	must(<-done)
}
