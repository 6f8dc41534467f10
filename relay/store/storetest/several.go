package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func several() []storyCase {
	return []storyCase{
		{"SeveralLanesOfAChannelSendAtOnce", sendAtOnce},
		{"SeveralLanesOfAChannelStopTogetherAndGoOnTogether", stopTogether},
		{"TheNumberOfLanesChangesOnlyWhileNothingIsQueued", otherLanes},
		{"AReportThroughAnotherWorkspacesChannelIsHarmless", foreignWorkspace},
		{"AReportThatComesAfterItsChannelWasDeletedCounts", reportAfterDeletion},
		{"TwoNodesFetchEachFileOnce", twoNodesFetch},
		{"AFileIsKeptByItsWorkspaceForAsLongAsItIsNeeded", keptFiles},
	}
}

// widen gives the channel n lanes.
func (w *world) widen(n int) {
	w.t.Helper()
	var none time.Duration
	ch, err := w.relay.UpdateChannel(w.t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{SpacingMin: &none, SpacingMax: &none, Concurrency: &n})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ch = ch
}

// toMany accepts a text to each of n people.
func (w *world) toMany(n int) (ids []string) {
	w.t.Helper()
	for i := range n {
		ids = append(ids, w.accept(text(fmt.Sprintf("+1415%03d", i), "x")))
	}
	return ids
}

func sendAtOnce(t *testing.T, w *world) {
	w.widen(12) // ids of lanes do not sort by their numbers
	ids := w.toMany(60)
	w.driver.takes = func(relay.Outgoing) time.Duration { return time.Second }
	begin := time.Now()
	w.dispatch(59 * time.Second)
	w.is(relay.Sent, ids...)
	first := map[string]bool{}
	for _, c := range w.driver.made() {
		if c.Start.Sub(begin) < time.Second {
			first[w.message(c.Message).Lane] = true
		}
	}
	for lane := range first {
		if !strings.HasPrefix(lane, w.ws.ID+"/"+w.ch.ID+"/") {
			t.Errorf("lane %s of channel %s", lane, w.ch.ID)
		}
	}
	if len(first) < 6 {
		t.Errorf("only %d of 12 lanes sent at once", len(first))
	}
}

func stopTogether(t *testing.T, w *world) {
	w.widen(12)
	ids := w.toMany(60)
	w.driver.takes = func(relay.Outgoing) time.Duration { return time.Second } // so that all fail at once
	w.driver.fails(&relay.SendError{Verdict: relay.ChannelFault, Reason: "no balance"})
	w.dispatch(time.Hour)
	w.is(relay.Queued, ids...)
	w.balance(40, 60, 0)
	if n := len(w.driver.made()); n > 12 {
		t.Errorf("%d calls on 12 lanes of a channel on hold", n)
	}
	if b, err := w.store.Backlog(t.Context(), time.Now()); err != nil || b.Held != 12 {
		t.Errorf("backlog %+v (%v), want 12 lanes on hold", b, err)
	}
	w.driver.does(nil)
	if _, err := w.relay.ResumeChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	w.dispatch(time.Minute)
	w.is(relay.Sent, ids...)
}

func otherLanes(t *testing.T, w *world) {
	w.widen(12)
	w.toMany(3)
	change := func(n int) error {
		_, err := w.relay.UpdateChannel(t.Context(), w.ws.ID, w.ch.ID, relay.ChannelPatch{Concurrency: &n})
		return err
	}
	w.code(change(1), relay.CodeConflict)
	w.code(change(20), relay.CodeConflict)
	w.dispatch(time.Minute)
	for _, n := range []int{1, 64, 1} {
		if err := change(n); err != nil {
			t.Errorf("to %d lanes: %v", n, err)
		}
		id := w.accept(text("+1", "x"))
		w.dispatch(time.Minute)
		w.is(relay.Sent, id)
	}
	w.code(change(65), relay.CodeInvalidField)
	w.code(change(2_000_000_000), relay.CodeInvalidField)
}

func foreignWorkspace(t *testing.T, w *world) {
	id := w.reach(relay.Sent)
	other, err := w.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	var none time.Duration
	ch, err := w.relay.CreateChannel(t.Context(), other.ID, relay.NewChannel{Kind: "fake", Phone: w.ch.Phone, SpacingMin: &none, SpacingMax: &none})
	if err != nil {
		t.Fatal(err)
	}
	for _, through := range []string{ch.ID, relay.NewID("ch_"), ""} {
		for _, rep := range []relay.Report{{MessageID: id, Status: relay.Failed}, {ProviderID: "p-" + id, Status: relay.Failed}} {
			if err := w.relay.Report(t.Context(), through, []relay.Report{rep}); err != nil {
				t.Errorf("report through %q: %v", through, err)
			}
		}
	}
	w.is(relay.Sent, id)
	if n := len(w.message(id).History); n != 3 {
		t.Errorf("%d lines of history, want those of queued, sending, sent", n)
	}
}

func reportAfterDeletion(t *testing.T, w *world) {
	id := w.reach(relay.Sent)
	if err := w.relay.DeleteChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	w.report(id, relay.Delivered)
	w.is(relay.Delivered, id)
	w.crash()
	w.report(id, relay.Read)
	w.is(relay.Read, id)
}

func twoNodesFetch(t *testing.T, w *world) {
	w.widen(12)
	w.files.takes = time.Second
	one := w.relay
	w.set.Node = "another"
	w.start()
	for _, fails := range []error{nil, &relay.FetchError{Code: relay.CodeFileUnreachable, Message: "503", Again: true}} {
		const files = 20
		var ids []string
		for n := range files {
			if fails != nil {
				w.files.fails = append(w.files.fails, fails)
			}
			to := relay.Address{Phone: fmt.Sprintf("+1415%03d", n)}
			ids = append(ids, w.accept(relay.Action{To: to, FileURL: "https://example.com/a.png", FileName: "a.png"}))
		}
		w.files.tried = 0
		stop := w.work()
		w.relay, one = one, w.relay
		stopOther := w.work()
		time.Sleep(3 * time.Second)
		if n := w.files.made(); n != files {
			t.Errorf("%d files were fetched %d times within 3 s", files, n)
		}
		time.Sleep(time.Minute)
		stop()
		stopOther()
		w.is(relay.Sent, ids...)
	}
}

func keptFiles(t *testing.T, w *world) {
	sent := w.accept(relay.Action{To: relay.Address{Phone: "+1"}, FileURL: "https://example.com/a.png", FileName: "a.png"})
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, sent)
	if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	waits := relay.Action{To: relay.Address{Phone: "+2"}, FileURL: "https://example.com/b.png", FileName: "b.png", ExpiresIn: 1000 * time.Hour}
	waiting := w.accept(waits)
	w.dispatch(10 * time.Second)
	key := func(id string) string { return w.ws.ID + ":" + strings.TrimPrefix(id, "wa_backend:") }
	if got := w.message(sent).File.Key; got != key(sent) {
		t.Errorf("the file is kept as %q, want %q", got, key(sent))
	}
	const old = "3EB00000000000000000AA" // of an early version, which named no workspace
	w.files.kept[old] = time.Now()
	check := func(after time.Duration, want ...string) {
		t.Helper()
		time.Sleep(after)
		if err := w.relay.PruneFiles(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for k := range w.files.kept {
			got[k] = true
		}
		wanted := map[string]bool{}
		for _, k := range want {
			wanted[k] = true
		}
		equal(t, "kept files", got, wanted)
	}
	check(w.set.KeepFiles-time.Hour, key(sent), key(waiting), old)
	check(2*time.Hour, key(waiting), old)
	check(w.set.KeepMessages-2*time.Hour, key(waiting), old)
	check(2*time.Hour, key(waiting))
}
