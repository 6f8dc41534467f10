package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestAReferenceNamesItsMessageAgain(t *testing.T) {
	id := FormatMessageID(at(noon, 1))
	for n, want := range map[int]string{-1: id, 0: id, 1: id, 2: id + "#2", 3: id + "#3", 12: id + "#12"} {
		ref := ChargeRef(id, n)
		if ref != want {
			t.Errorf("charge %d is named %s, want %s", n, ref, want)
		}
		if got, ok := MessageOfRef(ref); !ok || got != id {
			t.Errorf("%s names %q, %t; want %s", ref, got, ok, id)
		}
	}
	for _, ref := range []string{"", "g", "invoice 7", "plan:2026-03-03T00:00:00Z", id[:len(id)-1], id + "2", id + " #2", "x" + id, "#2"} {
		if got, ok := MessageOfRef(ref); ok || got != "" {
			t.Errorf("%q names the message %q", ref, got)
		}
	}
}

func line(n int, s Status, applied bool) Change {
	return Change{At: noon.Add(time.Duration(n) * time.Second), Status: s, Applied: applied, Note: fmt.Sprint("line ", n)}
}

func TestAHistoryIsBoundedAndKeepsItsBeginningAndItsEnd(t *testing.T) {
	m := Message{Status: Sending, History: []Change{line(0, Queued, true)}}
	for n := 1; n < 500; n++ {
		c := line(n, Sending, true)
		if n%2 == 0 {
			c.Status = Queued
		}
		remember(&m, c)
		if len(m.History) > maxHistory {
			t.Fatalf("after %d changes the history has %d lines, want at most %d", n, len(m.History), maxHistory)
		}
		if last := m.History[len(m.History)-1]; last != c {
			t.Fatalf("change %d was not told: the history ends with %+v", n, last)
		}
	}
	if len(m.History) != maxHistory || m.History[0] != line(0, Queued, true) || m.History[1].Note != "line 441" {
		t.Errorf("%d lines, beginning with %q and %q; want %d, the first of all and the 59 latest", len(m.History), m.History[0].Note, m.History[1].Note, maxHistory)
	}
}

func TestReportsThatChangeNothingDoNotFillAHistory(t *testing.T) {
	for _, c := range []struct {
		status Status
		tells  bool // the report came during a call, so that it counts later
	}{{Read, false}, {Queued, false}, {Sending, true}} {
		m := Message{Status: c.status}
		for n := range maxHistory {
			m.History = append(m.History, line(n, Sent, n == 0))
		}
		was := slices.Clone(m.History)
		remember(&m, line(999, Delivered, false))
		told := m.History[len(m.History)-1].Note == "line 999"
		if told != c.tells || len(m.History) != maxHistory {
			t.Errorf("%s: told %t, %d lines; want %t, %d", c.status, told, len(m.History), c.tells, maxHistory)
		}
		if !told && !slices.Equal(m.History, was) {
			t.Errorf("%s: the history changed", c.status)
		}
	}
}

func TestWhatChangesNothingIsToldOnceAfterEachChange(t *testing.T) {
	report := func(s Status, note string) Change { return Change{At: noon, Status: s, Note: note} }
	m := Message{Status: Read, History: []Change{line(0, Read, true)}}
	for _, step := range []struct {
		c     Change
		lines int
	}{
		{report(Delivered, NoteReport), 2},
		{report(Delivered, NoteReport), 2}, // again
		{report(Sent, NoteReport), 3},
		{report(Delivered, NoteReport), 3}, // again, with another between
		{report(Delivered, "by look-up"), 4},
		{line(1, Failed, true), 5}, // a change
		{report(Delivered, NoteReport), 6},
		{report(Delivered, NoteReport), 6},
		{line(1, Failed, true), 7}, // a change is told even where it says the same
	} {
		remember(&m, step.c)
		if len(m.History) != step.lines {
			t.Fatalf("after %+v there are %d lines, want %d", step.c, len(m.History), step.lines)
		}
	}
}

func TestRememberLeavesTheHistoryOfOtherCopiesAlone(t *testing.T) {
	shared := append(make([]Change, 0, 2*maxHistory), line(0, Queued, true))
	for n := 1; n < maxHistory; n++ {
		shared = append(shared, line(n, Sending, true))
	}
	was := slices.Clone(shared)
	a, b := Message{Status: Sending, History: shared}, Message{Status: Sending, History: shared}
	remember(&a, line(100, Sent, true))
	remember(&b, line(200, Unknown, true))
	if !slices.Equal(shared, was) {
		t.Error("the history that both began with was changed")
	}
	if got := a.History[len(a.History)-1].Status; got != Sent {
		t.Errorf("one message's history ends with the other's %s", got)
	}
}

func TestAHistoryIsWrittenInUTC(t *testing.T) {
	m := Message{}
	remember(&m, Change{At: noon.In(time.FixedZone("", 7200)), Status: Queued, Applied: true})
	if got := m.History[0].At; got != noon {
		t.Errorf("written as %s, want %s", got, noon)
	}
}

func TestOnlyTheReportsOfTheLatestCallAreEarly(t *testing.T) {
	report := func(s Status) Change { return Change{Status: s, Note: NoteReport} }
	m := Message{History: []Change{
		line(0, Queued, true), line(1, Sending, true), report(Failed), line(2, Queued, true),
		line(3, Sending, true), report(Delivered), line(4, Read, false), report(Read), line(5, Sent, true),
	}}
	var got []Status
	for _, c := range early(&m) {
		got = append(got, c.Status)
	}
	if !slices.Equal(got, []Status{Delivered, Read}) {
		t.Errorf("early reports are %v, want delivered, then read", got)
	}
	if c := evidence(&m); c == nil || c.Status != Delivered {
		t.Errorf("the evidence is %+v, want delivered", c)
	}
	m.History = []Change{line(0, Sending, true), line(1, Queued, true), report(Delivered), line(2, Sending, true), report(Read)}
	if got := early(&m); len(got) != 1 || got[0].Status != Read {
		t.Errorf("during a call the early reports are %+v, want read alone", got)
	}
	m.History = []Change{line(0, Sending, true), report(Failed), line(1, Unknown, true)}
	if c := evidence(&m); c != nil {
		t.Errorf("a failed report is taken as evidence: %+v", c)
	}
}
