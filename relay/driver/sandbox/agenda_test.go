package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

func TestReportsComeWhenTheyAreDueAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		var at []time.Duration
		p.refuse = func([]relay.Report) error { at = append(at, time.Since(p.began)); return nil }
		go p.run(t, time.Hour)
		for i, digits := range []string{"9906", "0001", "9907"} {
			out := toRecipient("+1415555" + digits)
			out.MessageID = messageID(i)
			if _, err := p.Send(t.Context(), out); (err != nil) != (digits == "9906") {
				t.Errorf("%s: %v", digits, err)
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Hour) // run has ended
		// 9906 answers after a second, so that the others follow it by one.
		want := []string{"delivered 2s", "read 3s", "delivered 5s", "failed 6s"}
		if diff := cmp.Diff(want, p.told(p.began)); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]time.Duration{2e9, 3e9, 5e9, 6e9}, at); diff != "" {
			t.Errorf("times of the calls (-want +got):\n%s", diff)
		}
	})
}

// A process that is killed has told nobody; the next one does, at the same
// times or as soon as it is there, and says the same.
func TestReportsSurviveTheProcess(t *testing.T) {
	for _, c := range []struct {
		down time.Duration
		want []string
	}{
		{0, []string{"delivered 1s", "read 2s"}},
		{1500 * time.Millisecond, []string{"delivered 1s", "read 2s"}},
		{10 * time.Minute, []string{"delivered 1s", "read 2s"}},
		{9 * time.Hour, []string{"delivered 1s", "read 2s"}}, // over night
		{25 * time.Hour, nil},
	} {
		t.Run(c.down.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				killed := openPhone(t, dir)
				if _, err := killed.Send(t.Context(), toRecipient("+14155550123")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.down)
				next := openPhone(t, dir)
				next.run(t, 3*time.Second)
				if diff := cmp.Diff(c.want, next.told(killed.began), equateEmpty); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOnlyTheEndOfAFileIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := openPhone(t, dir)
		for i := range 40 {
			out := toRecipient("+14155550123")
			out.MessageID = messageID(i)
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		next := openPhone(t, dir)
		next.run(t, time.Second)
		told := map[string]bool{}
		for _, r := range next.reports {
			told[r.MessageID] = true
		}
		// 15 minutes back from the last one, which is the fortieth.
		if len(told) != 16 || !told[messageID(39)] || !told[messageID(24)] {
			t.Errorf("%d messages were taken up, want the last 16", len(told))
		}
	})
}

func TestABusyChannelCostsABoundedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l := newLine(toRecipient("+14155559907"), nil) // one report each
		l.HandedOver = true
		line, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		file := bytes.Repeat(append(line, '\n'), recoverMost+1)
		if err := os.WriteFile(filepath.Join(dir, channel+".jsonl"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := openPhone(t, dir).agenda.all.Len(); got != recoverMost {
			t.Errorf("%d reports are waiting, want %d", got, recoverMost)
		}
	})
}

func TestWhatNeverWentOutIsNotReportedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := openPhone(t, dir)
		for i, digits := range []string{"9901", "9902", "9903", "9904", "9910", "9909"} {
			out := toRecipient("+1415555" + digits)
			out.MessageID = messageID(i)
			if _, err := p.Send(t.Context(), out); err == nil {
				t.Fatalf("%s was sent", digits)
			}
		}
		next := openPhone(t, dir)
		next.run(t, time.Hour)
		if len(next.reports) != 0 {
			t.Errorf("reports %v, want none", next.told(p.began))
		}
	})
}

func TestAReportThatIsNotTakenComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		down := p.began.Add(3500 * time.Millisecond)
		p.refuse = func([]relay.Report) error {
			if time.Now().Before(down) {
				return errors.New("the store is away")
			}
			return nil
		}
		if _, err := p.Send(t.Context(), toRecipient("+14155550123")); err != nil {
			t.Fatal(err)
		}
		p.run(t, time.Minute)
		got := p.told(p.began)
		slices.Sort(got)
		if diff := cmp.Diff([]string{"delivered 1s", "read 2s"}, got); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
		if p.logged.Len() > 0 {
			t.Errorf("a report that was taken in the end is logged:\n%s", p.logged.String())
		}
	})
}

func TestAReportThatIsNeverTakenIsDroppedAndStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		tried := map[string]bool{}
		p.refuse = func(reports []relay.Report) error {
			for _, r := range reports {
				again := fmt.Sprint(r.MessageID, r.Status)
				if tried[again] && len(reports) > 1 {
					t.Errorf("a report of %s comes again among %d, want it alone", r.Status, len(reports))
				}
				tried[again] = true
			}
			for _, r := range reports {
				if r.MessageID == messageID(1) {
					return errors.New("no such message")
				}
			}
			return nil
		}
		for i := range 3 {
			out := toRecipient("+14155550123")
			out.MessageID = messageID(i)
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		p.run(t, time.Minute)
		told := map[string]int{}
		for _, r := range p.reports {
			told[r.MessageID]++
		}
		if diff := cmp.Diff(map[string]int{messageID(0): 2, messageID(2): 2}, told); diff != "" {
			t.Errorf("reports by message (-want +got):\n%s", diff)
		}
		log := p.logged.String()
		if n := strings.Count(log, "drop a report"); n != 2 || !strings.Contains(log, messageID(1)) || !strings.Contains(log, channel) {
			t.Errorf("the log names %d dropped reports, want 2 with message and channel:\n%s", n, log)
		}
	})
}

func TestReportsOfAChannelComeTogetherButNotTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		for i := range 300 {
			out := toRecipient("+14155559907") // one report each
			out.MessageID = messageID(i)
			if i%3 == 0 {
				out.Channel.ID = "ch_other"
			}
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 200 {
			out := toRecipient("+14155559907")
			out.MessageID = messageID(1000 + i)
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		p.run(t, time.Minute)
		want := []string{"ch_other 100", channel + " 256", channel + " 144"}
		if diff := cmp.Diff(want, p.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestRunEndsInTheMiddleOfAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := openPhone(t, dir)
		calls := 0
		p.report = func(ctx context.Context, _ string, _ []relay.Report) error {
			calls++
			<-ctx.Done()
			return ctx.Err()
		}
		for i, id := range []string{channel, "ch_other"} {
			out := toRecipient("+14155550123")
			out.Channel.ID, out.MessageID = id, messageID(i)
			if _, err := p.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		p.run(t, 5*time.Second)
		if calls != 1 || p.logged.Len() > 0 {
			t.Errorf("%d calls, want 1 and no log:\n%s", calls, p.logged.String())
		}
		next := openPhone(t, dir)
		next.run(t, time.Second)
		if len(next.reports) != 4 {
			t.Errorf("after a restart there are %d reports, want all 4", len(next.reports))
		}
	})
}

func TestStartPassesOverWhatIsNoChannelsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a [b] *") // read as a pattern it finds nothing
		p := openPhone(t, dir)
		if _, err := p.Send(t.Context(), toRecipient("+14155550123")); err != nil {
			t.Fatal(err)
		}
		line, err := os.ReadFile(filepath.Join(dir, channel+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ch_a b.jsonl", "other.jsonl", "ch_.jsonl"} {
			if err := os.WriteFile(filepath.Join(dir, name), line, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		torn := fmt.Sprintf("{\"at\": \"no time\"}\n\nnull\n%s%s", line, line[:20])
		if err := os.WriteFile(filepath.Join(dir, "ch_torn.jsonl"), []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		next := openPhone(t, dir)
		next.run(t, 3*time.Second)
		slices.Sort(next.calls)
		want := []string{channel + " 1", channel + " 1", "ch_torn 1", "ch_torn 1"}
		if diff := cmp.Diff(want, next.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
