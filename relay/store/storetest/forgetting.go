package storetest

import (
	"testing"
	"time"

	"relevo/relay"
)

func forgetting() []storyCase {
	return []storyCase{
		{"WhatPeopleWroteOfADeletedWorkspaceIsForgotten", forgottenWorkspace},
		{"OldCountersAreForgottenAndNewOnesKept", prunedCounts},
	}
}

func forgottenWorkspace(t *testing.T, w *world) {
	id := w.accept(withKey(text("+1", "private"), "k"))
	w.dispatch(time.Minute)
	w.is(relay.Sent, id)
	if err := w.relay.DeleteWorkspace(t.Context(), w.ws.ID); err != nil {
		t.Fatal(err)
	}
	written := func() (n int) {
		chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(w.attempts()) + len(chats)
	}
	if err := w.relay.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if written() != 2 {
		t.Errorf("%d rows right after the deletion, want 2", written())
	}
	time.Sleep(w.set.KeepMessages + time.Hour)
	if err := w.relay.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if written() != 0 {
		t.Errorf("%d rows are left", written())
	}
}

func prunedCounts(t *testing.T, w *world) {
	sent := func() int64 {
		counts, err := w.store.Counts(t.Context(), w.ws.ID, time.Time{}, time.Time{})
		if err != nil || len(counts) > 1 {
			t.Fatal(counts, err)
		}
		if len(counts) == 0 {
			return 0
		}
		return counts[0].Sent
	}
	for range 3 {
		w.accept(text("+1", "x"))
		w.dispatch(time.Minute)
		time.Sleep(300 * 24 * time.Hour)
	}
	if err := w.relay.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent() != 1 { // 900 and 600 days old are gone
		t.Errorf("%d counted, want the one of less than a year and a month", sent())
	}
}
