package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func owning() []storyCase {
	return []storyCase{
		{"ARotatedURLDiesAtOnce", rotated},
		{"ARotatedURLLivesOnThroughItsGrace", rotatedWithGrace},
		{"RotateAndDisableRacingAcceptsLinearize", racingRotation},
		{"WhatIsQueuedStillLeavesADisabledWebhook", disabled},
		{"ADeletedChannelGivesBackWhatIsQueued", deletedChannel},
		{"AMessageInFlightOnADeletedChannelSettles", deletedInFlight},
		{"ADeletedWorkspaceGivesBackWhatIsQueuedAndIsGone", deletedWorkspace},
		{"APausedChannelAcceptsAndWaits", pausedChannel},
		{"AShorterPaceBeginsWithTheRestThatIsRunning", shorterPace},
		{"TheUseOfAnOldURLIsNotedAlsoWhenTheCallIsRefused", oldURLRefused},
		{"ANewPlanTakesNothingThatTheOldOneOwed", newPlan},
		{"ChannelsAreChosenByNumberAndLatestConnection", chosenChannel},
	}
}

func (w *world) callWith(h relay.TokenHash) error {
	call := w.now()
	call.Hook = h
	_, err := w.relay.Accept(w.t.Context(), call, text("+1", "x"))
	return err
}

func (w *world) find(h relay.TokenHash) (workspace string, err error) {
	err = w.store.View(w.t.Context(), func(tx relay.Tx) error {
		workspace, err = tx.WorkspaceByToken(w.t.Context(), h)
		return err
	})
	return workspace, err
}

func rotated(t *testing.T, w *world) {
	token, err := w.relay.Token(w.ws)
	if err != nil {
		t.Fatal(err)
	}
	old := w.rotate(0)
	w.code(w.callWith(old), relay.CodeNotFound)
	if _, err := w.find(old); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("the old token leads to %v", err)
	}
	if _, err := w.relay.FindHook(t.Context(), token, time.Now()); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("the old URL: %v, want ErrNotFound", err)
	}
	w.accept(text("+1", "x"))
	w.balance(99, 1, 0)
	if n := len(w.attempts()); n != 1 {
		t.Errorf("%d attempts, want 1: a dead URL leaves none", n)
	}
}

func rotatedWithGrace(t *testing.T, w *world) {
	first := w.rotate(time.Hour)
	time.Sleep(time.Minute)
	used := time.Now()
	if err := w.callWith(first); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	ws, err := w.relay.Workspace(t.Context(), w.ws.ID)
	if err != nil || !ws.Webhook.PreviousUsedAt.Equal(used) || ws.Webhook.PreviousUsedBy != "test/1" {
		t.Errorf("last used at %v by %q (%v)", ws.Webhook.PreviousUsedAt, ws.Webhook.PreviousUsedBy, err)
	}
	w.accept(text("+1", "x"))
	w.crash()
	second := w.rotate(time.Hour) // what was in its grace dies at once
	w.code(w.callWith(first), relay.CodeNotFound)
	if err := w.callWith(second); err != nil {
		t.Errorf("within the second grace: %v", err)
	}
	time.Sleep(time.Hour - time.Minute)
	if err := w.callWith(second); err != nil {
		t.Errorf("within the second grace: %v", err)
	}
	time.Sleep(time.Minute)
	w.code(w.callWith(second), relay.CodeNotFound)
	w.balance(96, 4, 0)
}

func racingRotation(t *testing.T, w *world) {
	w.grant("more", 1000)
	for round := range 20 {
		old := w.ws.Webhook.Token.Hash
		gun, over := make(chan struct{}), make(chan struct{})
		var g sync.WaitGroup
		g.Go(func() {
			<-gun
			if round%2 == 0 {
				w.rotate(0)
			} else {
				w.enable(false)
			}
			close(over)
		})
		calls := make([]relay.Call, 10)
		for i := range calls {
			calls[i] = w.now()
		}
		for _, call := range calls {
			call.Hook = old
			g.Go(func() {
				<-gun
				dead := false
				select {
				case <-over:
					dead = true
				default:
				}
				_, err := w.relay.Accept(t.Context(), call, text("+1", "x"))
				var e *relay.Error
				switch {
				case err == nil && dead:
					t.Error("accepted after the rotation had returned")
				case err != nil && (!errors.As(err, &e) || e.Code != relay.CodeNotFound && e.Code != relay.CodeWebhookDisabled):
					t.Errorf("accept: %v", err)
				}
			})
		}
		close(gun)
		g.Wait()
		w.enable(true)
	}
}

func (w *world) enable(on bool) {
	w.t.Helper()
	if _, err := w.relay.UpdateWebhook(w.t.Context(), w.ws.ID, relay.WebhookPatch{Enabled: &on}); err != nil {
		w.t.Errorf("enable: %v", err)
	}
}

func disabled(_ *testing.T, w *world) {
	id := w.accept(text("+1", "x"))
	w.enable(false)
	w.refused(text("+1", "y"), relay.CodeWebhookDisabled)
	w.dispatch(time.Minute)
	w.is(relay.Sent, id)
	w.enable(true)
	w.accept(text("+1", "y"))
}

func deletedChannel(t *testing.T, w *world) {
	for range 5 {
		w.accept(text("+1", "x"))
	}
	w.accept(pair("+2"))
	if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	w.balance(100, 0, 0)
	w.refused(text("+1", "x"), relay.CodeNoChannel)
	w.refused(relay.Action{To: relay.Address{ChatID: "10001"}, Text: "x"}, relay.CodeChatNotFound)
	w.code(w.relay.DeleteChannel(t.Context(), w.ws.ID, w.ch.ID), relay.CodeNotFound)
	w.dispatch(time.Minute)
	if n := len(w.driver.made()); n != 0 {
		t.Errorf("a deleted channel sent %d messages", n)
	}
	w.channel(w.ch.Phone, 0, 0) // its number may be connected again
}

func deletedInFlight(t *testing.T, w *world) {
	for _, c := range []struct {
		err   error
		want  relay.Status
		spent int64
	}{
		{nil, relay.Sent, 1},
		{&relay.SendError{Verdict: relay.Refused}, relay.Failed, 0},
		{&relay.SendError{Verdict: relay.Deferred, After: time.Minute}, relay.Canceled, 0},
		{&relay.SendError{Verdict: relay.ChannelFault}, relay.Canceled, 0},
	} {
		before, _ := w.relay.Account(t.Context(), w.ws.ID)
		w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
		w.driver.does(func(relay.Outgoing) (string, error) { return "p", c.err })
		ids := []string{w.accept(text("+1", "x")), w.accept(text("+1", "y"))}
		stop := w.work()
		time.Sleep(5 * time.Second)
		if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
			t.Fatal(err)
		}
		w.is(relay.Sending, ids[0])
		w.is(relay.Canceled, ids[1])
		time.Sleep(10 * time.Second)
		stop()
		w.is(c.want, ids[0])
		w.balance(before.Available-c.spent, 0, before.Spent+c.spent)
		w.ch = w.channel(w.ch.Phone, 0, 0)
	}
}

func deletedWorkspace(t *testing.T, w *world) {
	for range 5 {
		w.accept(text("+1", "x"))
	}
	old := w.rotate(time.Hour)
	_, secret, err := w.relay.CreateAPIKey(t.Context(), w.ws.ID, "k")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.relay.FindAPIKey(t.Context(), secret); err != nil {
		t.Errorf("a fresh key: %v", err)
	}
	if err := w.relay.DeleteWorkspace(t.Context(), w.ws.ID); err != nil {
		t.Fatal(err)
	}
	w.code(w.callWith(w.ws.Webhook.Token.Hash), relay.CodeNotFound)
	w.code(w.callWith(old), relay.CodeNotFound)
	if _, err := w.relay.FindAPIKey(t.Context(), secret); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("a key of a deleted workspace: %v, want ErrNotFound", err)
	}
	w.view(func(t *report, tx relay.Tx) error {
		a, err := tx.Account(t.Context(), w.ws.ID)
		if a.Available != 100 || a.Reserved != 0 {
			t.Errorf("account %+v, want all 100 units back", a)
		}
		return err
	})
	if list, _, err := w.store.Workspaces(t.Context(), relay.Page{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("%d workspaces are listed (%v)", len(list), err)
	}
}

func pausedChannel(t *testing.T, w *world) {
	if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	id := w.accept(text("+1", "x"))
	stop := w.work()
	time.Sleep(time.Hour)
	w.is(relay.Queued, id)
	resumed := time.Now()
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	stop()
	w.is(relay.Sent, id)
	if calls := w.driver.made(); calls[0].Start.Sub(resumed) != w.ch.SpacingMax {
		t.Errorf("it left %v after the resume, want one full spacing", calls[0].Start.Sub(resumed))
	}
}

func chosenChannel(t *testing.T, w *world) {
	through := func(want relay.Channel, account string) {
		t.Helper()
		a := text("+1", "x")
		a.AccountPhone = account
		if m := w.message(w.accept(a)); m.Channel != want.ID {
			t.Errorf("account %q goes through %s, want %s", account, m.Channel, want.ID)
		}
	}
	first := w.ch
	time.Sleep(time.Second)
	second := w.channel("+15550002222", 0, 0)
	through(second, "")
	through(first, first.Phone)
	if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	through(second, "") // paused counts as connected
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.Channel.ID == second.ID {
			return "", &relay.SendError{Verdict: relay.ChannelFault}
		}
		return "p", nil
	})
	w.dispatch(10 * time.Second)
	through(first, "") // the latest connected before what is on hold
	if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, first.ID); err != nil {
		t.Fatal(err)
	}
	through(second, "")
}

func shorterPace(t *testing.T, w *world) {
	hour, second := time.Hour, time.Second
	set := func(d time.Duration) {
		if _, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{SpacingMin: &d, SpacingMax: &d}); err != nil {
			t.Fatal(err)
		}
	}
	set(hour)
	first, next := w.accept(text("+1", "a")), w.accept(text("+2", "b"))
	w.dispatch(time.Minute)
	w.is(relay.Sent, first)
	w.is(relay.Queued, next)
	set(second)
	w.dispatch(2 * time.Second)
	w.is(relay.Sent, next)
}

func oldURLRefused(t *testing.T, w *world) {
	old := w.rotate(time.Hour)
	time.Sleep(time.Minute)
	call := w.now()
	call.Hook, call.UserAgent = old, "Zapier"
	refuse(t, w, call, relay.CodeInvalidJSON, relay.CodeInvalidJSON)
	ws, err := w.relay.Workspace(t.Context(), w.ws.ID)
	if err != nil || ws.Webhook.PreviousUsedBy != "Zapier" || !ws.Webhook.PreviousUsedAt.Equal(call.At) {
		t.Errorf("webhook %+v (%v)", ws.Webhook, err)
	}
	time.Sleep(2 * time.Hour) // the grace is over
	refuse(t, w, call, relay.CodeNoContent, relay.CodeNoContent)
	call.At = time.Now()
	before := len(w.attempts())
	refuse(t, w, call, relay.CodeNoContent, relay.CodeNotFound)
	if after := len(w.attempts()); after != before {
		t.Errorf("a call of a dead URL left an attempt: %d after %d", after, before)
	}
}

// refuse turns a call away for one reason, and looks what is answered.
func refuse(t *testing.T, w *world, call relay.Call, given, want relay.Code) {
	t.Helper()
	_, err := w.relay.Refused(t.Context(), call, relay.Refusef(given, "no"))
	if e, ok := errors.AsType[*relay.Error](err); !ok || e.Code != want {
		t.Fatalf("a call refused with %s was answered %v, want %s", given, err, want)
	}
}

func newPlan(t *testing.T, w *world) {
	plan := func(units int64) {
		if _, err := w.relay.SetPlan(t.Context(), w.ws.ID, &quota.Plan{Units: units, Schedule: "0 * * * *", RollOver: true}); err != nil {
			t.Fatal(err)
		}
	}
	plan(10)
	time.Sleep(2*time.Hour + time.Minute) // two refills are due, and no job has run
	plan(500)
	w.balance(120, 0, 0)
	time.Sleep(time.Hour)
	if err := w.relay.RefillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.balance(620, 0, 0)
}
