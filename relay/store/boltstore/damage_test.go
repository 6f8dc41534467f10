package boltstore_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// silent is a driver that is never called.
type silent struct{}

func (silent) Send(context.Context, relay.Outgoing) (string, error) { return "", nil }

func relayOver(t *testing.T, s *boltstore.Store) *relay.Relay {
	t.Helper()
	secrets, err := relay.NewSecrets([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	latest, err := s.LatestMessage()
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(s, map[string]relay.Driver{"silent": silent{}}, secrets, nil, relay.DefaultSettings(), latest, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestADamagedRowStopsWhatItIsAboutAndNothingElse damages the item of one
// message and the record of another that was being sent; a third goes on.
func TestADamagedRowStopsWhatItIsAboutAndNothingElse(t *testing.T) {
	synctest.Test(t, damagedRows)
}

func damagedRows(t *testing.T) {
	opt := fresh(t)
	s := openFile(t, opt)
	r := relayOver(t, s)
	w, err := r.CreateWorkspace(t.Context(), "W")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Grant(t.Context(), w.ID, "g", 10); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, phone := range []string{"+15550001", "+15550002", "+15550003"} {
		if _, err := r.CreateChannel(t.Context(), w.ID, relay.NewChannel{Kind: "silent", Phone: phone}); err != nil {
			t.Fatal(err)
		}
		call := relay.Call{Workspace: w.ID, Hook: w.Webhook.Token.Hash, At: time.Now()}
		got, err := r.Accept(t.Context(), call, relay.Action{To: relay.Address{Phone: "+14155550100"}, AccountPhone: phone, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, got.MessageID)
		if len(ids) == 1 { // the first one is being sent when the process ends
			if leases, err := r.Claim(t.Context(), 1); err != nil || len(leases) != 1 {
				t.Fatal(leases, err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, opt.Path, func(tx *bolt.Tx) error {
		return errors.Join(damage(tx, "message", ids[0]), damage(tx, "item", ids[1]))
	})

	s = openFile(t, opt)
	r = relayOver(t, s)
	if err := r.Recover(t.Context()); err != nil {
		t.Fatalf("one damaged message keeps the server down: %v", err)
	}
	if v := violations(t, s); len(v) == 0 {
		t.Error("verify found nothing wrong")
	}
	time.Sleep(relay.DefaultSpacingMax) // every lane rests after a start
	leases, err := r.Claim(t.Context(), 10)
	if err != nil || len(leases) != 1 || leases[0].Item != ids[2] {
		t.Errorf("leases %v (%v), want the sound message", leases, err)
	}
}

func damage(tx *bolt.Tx, table, id string) error {
	raw, _ := relay.RawMessageID(id)
	b := tx.Bucket([]byte(table))
	v := append([]byte(nil), b.Get(raw[:])...)
	v[len(v)/2] ^= 1
	return b.Put(raw[:], v)
}
