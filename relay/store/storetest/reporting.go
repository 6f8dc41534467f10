package storetest

import (
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func reporting() []storyCase {
	var cases []storyCase
	for _, from := range []relay.Status{relay.Queued, relay.Sent, relay.Delivered, relay.Read, relay.Failed, relay.Unknown, relay.Unconfirmed, relay.Canceled, relay.Expired} {
		for _, to := range []relay.Status{relay.Sent, relay.Delivered, relay.Read, relay.Failed} {
			cases = append(cases, storyCase{"AReportOf_" + string(to) + "_After_" + string(from), func(_ *testing.T, w *world) { reported(w, from, to) }})
		}
	}
	return append(cases,
		storyCase{"AReportBeforeTheCallReturnedCountsOnceTheOutcomeIsIn", earlyReports},
		storyCase{"AReportDuringACallThatIsDeferredLeavesTheMessageOnItsLane", earlyThenDeferred},
		storyCase{"AReportCountsAlsoAfterManyTries", afterManyTries},
		storyCase{"RepeatedAndReorderedReportsChangeNothing", repeatedReports},
		storyCase{"ReportsOfUnknownAndForeignMessagesAreHarmless", foreignReports},
		storyCase{"AReportFindsItsMessageByTheProvidersID", byProvidersID},
		storyCase{"AReportAfterUnconfirmedNotesWhatItCannotTake", lateShortfall},
		storyCase{"EachReversalIsPaidOnceMore", reversals},
	)
}

// reach brings a fresh message to a status.
func (w *world) reach(s relay.Status) string {
	w.t.Helper()
	switch s {
	case relay.Failed:
		w.driver.fails(&relay.SendError{Verdict: relay.Refused})
	case relay.Unknown, relay.Unconfirmed:
		w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	}
	a := text("+1", "hello")
	a.ExpiresIn = time.Minute
	id := w.accept(a)
	switch s {
	case relay.Queued:
	case relay.Canceled:
		if _, err := w.relay.Cancel(w.t.Context(), w.ws.ID, id); err != nil {
			w.t.Fatal(err)
		}
	case relay.Expired:
		time.Sleep(time.Minute)
		if err := w.relay.ExpireDue(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	default:
		w.dispatch(3 * time.Second)
	}
	switch s {
	case relay.Delivered, relay.Read:
		w.report(id, s)
	case relay.Unconfirmed:
		time.Sleep(2 * time.Hour)
		w.reconcile()
	}
	w.driver.does(nil)
	w.is(s, id)
	return id
}

// outcome is what the table says: the status after a report, and where the one
// unit is then.
type outcome struct {
	status relay.Status
	units  [3]int64 // available, reserved, spent
}

// table is the table of moves as far as reports can move.
func table(from, to relay.Status) outcome {
	const sent, delivered, read, failed = relay.Sent, relay.Delivered, relay.Read, relay.Failed
	inLine, paid, back := [3]int64{99, 1, 0}, [3]int64{99, 0, 1}, [3]int64{100, 0, 0}
	rest := map[relay.Status][3]int64{
		relay.Queued: inLine, sent: paid, delivered: paid, read: paid, failed: back, relay.Unknown: inLine, relay.Unconfirmed: back, relay.Canceled: back, relay.Expired: back,
	}
	moved := map[[2]relay.Status][3]int64{
		{sent, delivered}: paid, {sent, read}: paid, {sent, failed}: back, {delivered, read}: paid,
		{failed, delivered}: paid, {failed, read}: paid,
		{relay.Unknown, sent}: paid, {relay.Unknown, delivered}: paid, {relay.Unknown, read}: paid, {relay.Unknown, failed}: back,
		{relay.Unconfirmed, sent}: paid, {relay.Unconfirmed, delivered}: paid, {relay.Unconfirmed, read}: paid, {relay.Unconfirmed, failed}: back,
	}
	if units, ok := moved[[2]relay.Status{from, to}]; ok {
		return outcome{to, units}
	}
	return outcome{from, rest[from]}
}

func reported(w *world, from, to relay.Status) {
	id := w.reach(from)
	lines := len(w.message(id).History)
	want := table(from, to)
	for range 2 { // a repetition changes nothing
		w.report(id, to)
		w.is(want.status, id)
		w.balance(want.units[0], want.units[1], want.units[2])
	}
	m := w.message(id)
	if len(m.History) <= lines {
		w.t.Error("the report is not in the history")
	}
	if line := m.History[lines]; line.Applied != (want.status != from) || line.Status != to {
		w.t.Errorf("the report is in the history as %+v", line)
	}
	w.verify()
	if from == relay.Queued { // whatever was said of it, it leaves as any other
		w.dispatch(3 * time.Second)
		w.is(relay.Sent, id)
		w.balance(99, 0, 1)
	}
}

func earlyReports(t *testing.T, w *world) {
	for _, c := range []struct {
		what    string
		reports []relay.Status
		err     error
		want    relay.Status
		spent   int64
	}{
		{"delivered, then sent", []relay.Status{relay.Delivered}, nil, relay.Delivered, 1},
		{"sent, then sent", []relay.Status{relay.Sent}, nil, relay.Sent, 1},
		{"failed, then sent", []relay.Status{relay.Failed}, nil, relay.Failed, 0},
		{"read before delivered", []relay.Status{relay.Read, relay.Delivered, relay.Read}, nil, relay.Read, 1},
		{"delivered, then unsure", []relay.Status{relay.Delivered}, &relay.SendError{Verdict: relay.Unsure}, relay.Delivered, 1},
		{"failed, then unsure", []relay.Status{relay.Failed}, &relay.SendError{Verdict: relay.Unsure}, relay.Failed, 0},
		{"delivered, then refused", []relay.Status{relay.Delivered}, &relay.SendError{Verdict: relay.Refused}, relay.Delivered, 1},
	} {
		before, _ := w.relay.Account(t.Context(), w.ws.ID)
		id := w.accept(text("+1", c.what))
		w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
		w.driver.does(func(out relay.Outgoing) (string, error) { return "p-" + out.MessageID, c.err })
		stop := w.work()
		time.Sleep(5 * time.Second)
		for _, s := range c.reports {
			w.report(id, s)
			w.is(relay.Sending, id)
			w.verify()
		}
		time.Sleep(10 * time.Second)
		stop()
		w.is(c.want, id)
		w.balance(before.Available-c.spent, 0, before.Spent+c.spent)
	}
}

func earlyThenDeferred(t *testing.T, w *world) {
	for _, s := range []relay.Status{relay.Sent, relay.Failed} {
		id := w.accept(text("+1", string(s)))
		w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
		w.driver.fails(&relay.SendError{Verdict: relay.Deferred, After: time.Minute})
		stop := w.work()
		time.Sleep(5 * time.Second)
		w.report(id, s)
		time.Sleep(10 * time.Second)
		w.verify()
		w.is(relay.Queued, id)
		w.driver.does(nil)
		time.Sleep(2 * time.Minute)
		stop()
		w.is(relay.Sent, id)
		if n := w.driver.tries(id); n != 2 {
			t.Errorf("%d tries, want 2", n)
		}
	}
	w.balance(98, 0, 2)
}

func afterManyTries(t *testing.T, w *world) {
	id := w.accept(text("+1", "x"))
	w.driver.fails(&relay.SendError{Verdict: relay.Deferred, After: time.Second})
	w.dispatch(5 * time.Minute)
	tries := w.driver.tries(id)
	if n := len(w.message(id).History); tries < 100 || n > 100 {
		t.Errorf("after %d tries the history has %d lines", tries, n)
	}
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	w.driver.does(nil)
	stop := w.work()
	time.Sleep(5 * time.Second)
	w.report(id, relay.Delivered)
	time.Sleep(10 * time.Second)
	stop()
	w.is(relay.Delivered, id)
	w.balance(99, 0, 1)
}

func repeatedReports(t *testing.T, w *world) {
	id := w.reach(relay.Sent)
	for range 100 {
		for _, s := range []relay.Status{relay.Read, relay.Delivered, relay.Sent, relay.Failed} {
			w.report(id, s)
		}
	}
	w.is(relay.Read, id)
	w.balance(99, 0, 1)
	if n := len(w.message(id).History); n > 100 {
		t.Errorf("the history has %d lines", n)
	}
}

func foreignReports(t *testing.T, w *world) {
	id := w.reach(relay.Sent)
	other := w.channel("+15550002222", 0, 0)
	for _, rep := range []relay.Report{
		{MessageID: messageID(77), Status: relay.Failed}, {ProviderID: "nobody's", Status: relay.Failed}, {MessageID: "x", Status: relay.Failed}, {Status: relay.Failed},
	} {
		if err := w.relay.Report(t.Context(), w.ch.ID, []relay.Report{rep}); err != nil {
			t.Errorf("report %+v: %v", rep, err)
		}
	}
	for _, rep := range []relay.Report{{MessageID: id, Status: relay.Failed}, {ProviderID: "p-" + id, Status: relay.Failed}} {
		if err := w.relay.Report(t.Context(), other.ID, []relay.Report{rep}); err != nil {
			t.Errorf("report %+v: %v", rep, err)
		}
	}
	w.is(relay.Sent, id)
}

func byProvidersID(t *testing.T, w *world) {
	id := w.reach(relay.Sent)
	w.reopen()
	w.start()
	if err := w.relay.Report(t.Context(), w.ch.ID, []relay.Report{{ProviderID: "p-" + id, Status: relay.Delivered}, {ProviderID: "p-" + id, Status: relay.Read}}); err != nil {
		t.Fatal(err)
	}
	w.is(relay.Read, id)
}

func lateShortfall(t *testing.T, w *world) {
	w.driver.captions = true
	a := text("+1", "hello")
	a.FileURL, a.FileName = "https://example.com/a.png", "a.png"
	id := w.accept(a)
	w.driver.fails(&relay.SendError{Verdict: relay.Unsure})
	w.dispatch(3 * time.Second)
	time.Sleep(2 * time.Hour)
	w.reconcile()
	w.is(relay.Unconfirmed, id)
	for range 99 {
		w.accept(text("+2", "x"))
	}
	w.balance(1, 99, 0)
	w.report(id, relay.Delivered)
	w.is(relay.Delivered, id)
	w.balance(0, 99, 1)
	w.view(func(t *report, tx relay.Tx) error {
		e, found, err := tx.Entry(t.Context(), w.ws.ID, quota.KindRedebit, relay.ChargeRef(id, 2))
		if !found || e.Units != 1 || e.Shortfall != 1 {
			t.Errorf("the redebit is %+v (%v), want 1 unit and a shortfall of 1", e, found)
		}
		return err
	})
}

func reversals(t *testing.T, w *world) {
	id := w.reach(relay.Unconfirmed)
	w.report(id, relay.Sent)
	w.balance(99, 0, 1)
	w.report(id, relay.Failed)
	w.balance(100, 0, 0)
	w.report(id, relay.Delivered)
	w.balance(99, 0, 1)
	w.report(id, relay.Failed)
	w.is(relay.Delivered, id)
	equal(t, "entries", w.entries(id), []quota.Kind{quota.KindDebit, quota.KindRefund, quota.KindRedebit, quota.KindRefund, quota.KindRedebit})
}
