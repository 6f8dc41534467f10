package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// silent is a driver that is never called.
type silent struct{}

func (silent) Send(context.Context, relay.Outgoing) (string, error) { return "", nil }

// relayOver is a node over a store.
func relayOver(t *testing.T, s relay.Store) *relay.Relay {
	t.Helper()
	secrets, err := relay.NewSecrets([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	set := relay.DefaultSettings()
	set.Node = "node"
	r, err := relay.New(s, map[string]relay.Driver{"silent": silent{}}, secrets, nil, set, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// workspaceOf makes a workspace with units and channels, and a message on each.
func workspaceOf(t *testing.T, r *relay.Relay, channels int) (w relay.Workspace, ids []string) {
	t.Helper()
	w, err := r.CreateWorkspace(t.Context(), "W")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Grant(t.Context(), w.ID, "g", 1000); err != nil {
		t.Fatal(err)
	}
	for i := range channels {
		phone := fmt.Sprint("+1555", 1000+i)
		if _, err := r.CreateChannel(t.Context(), w.ID, relay.NewChannel{Kind: "silent", Phone: phone}); err != nil {
			t.Fatal(err)
		}
		call := relay.Call{Workspace: w.ID, Hook: w.Webhook.Token.Hash, At: time.Now()}
		got, err := r.Accept(t.Context(), call, relay.Action{To: relay.Address{Phone: "+14155550100"}, AccountPhone: phone, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, got.MessageID)
	}
	return w, ids
}

// TestADamagedRecordStopsWhatItIsAboutAndNothingElse damages a message that
// was being sent when its process ended, and one that waits; others go on.
func TestADamagedRecordStopsWhatItIsAboutAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	r := relayOver(t, d.open())
	w, ids := workspaceOf(t, r, 5)
	leases, err := r.Claim(t.Context(), 1)
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	sound := map[string]bool{}
	for _, id := range ids {
		sound[id] = id != leases[0].Item
	}
	damaged := leases[0].Item
	for _, id := range ids {
		if sound[id] {
			sound[id], damaged = false, damaged+id
			break
		}
	}
	d.exec(`UPDATE message SET record = '{"created_at":5}' WHERE strpos('` + damaged + `', id) > 0`)

	r = relayOver(t, d.open())
	if err := r.Recover(t.Context()); err != nil {
		t.Fatalf("one damaged message keeps the server down: %v", err)
	}
	d.exec(`UPDATE lane SET next_free = now(), due_at = now() WHERE lease_item = ''`) // a rest after the start is over
	if err := r.ExpireDue(t.Context()); err != nil {
		t.Errorf("expire: %v", err)
	}
	taken := map[string]bool{}
	for range 2 { // the first one sets the lane aside
		leases, err = r.Claim(t.Context(), 10)
		for _, l := range leases {
			taken[l.Item] = true
		}
	}
	if err != nil || len(taken) != 3 {
		t.Errorf("%d messages were taken (%v), want the sound ones", len(taken), err)
	}
	for id := range taken {
		if !sound[id] {
			t.Errorf("message %s of %s was taken", id, w.ID)
		}
	}
}
