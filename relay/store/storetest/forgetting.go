package storetest

import (
	"errors"
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
	stays := w.shelved()
	if err := w.relay.DeleteWorkspace(t.Context(), w.ws.ID); err != nil {
		t.Fatal(err)
	}
	written := func() (n int) {
		chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		in, _, err := w.shelf(w.ws.ID)
		if err != nil {
			t.Fatal(err)
		}
		templates, err := w.store.Templates(t.Context(), w.ws.ID, w.ch.ID) // its roster is empty by now
		if err != nil {
			t.Fatal(err)
		}
		due, _, err := w.store.FetchesDue(t.Context(), time.Now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(w.attempts()) + len(chats) + len(in) + len(templates) + len(due) + w.knows(w.ws.ID)
	}
	if err := w.relay.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if written() != 8 { // among them the other workspace's job
		t.Errorf("%d rows right after the deletion, want 8", written())
	}
	time.Sleep(w.set.KeepMessages + time.Hour)
	if err := w.relay.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if written() != 1 { // the other workspace's job
		t.Errorf("%d rows are left, want the job of another workspace", written())
	}
	if in, templates, err := w.shelf(stays); err != nil || len(in) != 1 || len(templates) != 2 {
		t.Errorf("another workspace has %d inbound messages and %d templates left (%v), want 1 and 2", len(in), len(templates), err)
	}
	if w.knows(stays) != 1 {
		t.Error("another workspace knows its person no more")
	}
}

// knows counts the people of shelved that a workspace still knows.
func (w *world) knows(workspace string) (n int) {
	w.t.Helper()
	w.view(func(t *report, tx relay.Tx) error {
		n = 0
		_, err := tx.RecipientOfUser(t.Context(), workspace, sampleChannelID, sampleUser)
		if errors.Is(err, relay.ErrNotFound) {
			return nil
		}
		n = 1
		return err
	})
	return n
}

// shelved puts two languages of a template, a message with a file to fetch and
// a person's id on the shelf of the workspace, and of another one, whose id it returns.
func (w *world) shelved() (other string) {
	w.t.Helper()
	ctx := w.t.Context()
	o, err := w.relay.CreateWorkspace(ctx, "Other")
	if err != nil {
		w.t.Fatal(err)
	}
	ch, err := w.relay.CreateChannel(ctx, o.ID, relay.NewChannel{Kind: "fake", Phone: w.ch.Phone})
	if err != nil {
		w.t.Fatal(err)
	}
	for i, of := range []relay.Channel{w.ch, ch} {
		m := written(of.Workspace, of.ID, "+1", 0)
		m.ID = idOf(time.Now().Add(w.set.KeepMessages+2*time.Hour), i) // its own age forgets it in no case
		w.putTemplates(template(of.Workspace, of.ID, "hello", "en"), template(of.Workspace, of.ID, "hello", "de"))
		w.putInbounds(m)
		w.update(func(t *report, tx relay.Tx) error {
			return errors.Join(tx.PutFetch(ctx, relay.Fetch{MessageID: m.ID, Workspace: of.Workspace, Next: time.Now()}),
				tx.PutUser(ctx, of.Workspace, sampleChannelID, sampleUser, "+1"))
		})
	}
	return o.ID
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
