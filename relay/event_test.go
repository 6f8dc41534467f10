package relay

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"relevo/quota"
)

func TestAnEndpointRestsAboutAsLongAsTheScheduleSays(t *testing.T) {
	for n, want := range eventDelays {
		seen := map[time.Duration]bool{}
		for range 200 {
			got := eventDelay(n+1, 0)
			seen[got] = true
			if got < want*9/10 || got > want*11/10 {
				t.Fatalf("after try %d it rests %s, want %s and at most a tenth less or more", n+1, got, want)
			}
		}
		if len(seen) < 2 {
			t.Errorf("after try %d it always rests the same", n+1)
		}
		if got := eventDelay(n+1, 100*time.Hour); got < 24*time.Hour || got > 27*time.Hour {
			t.Errorf("after try %d it rests %s because the receiver asked for 100 hours", n+1, got)
		}
	}
}

func TestAMarkIsReachedByWhatIsUsedOfWhatThereWas(t *testing.T) {
	for _, c := range []struct{ full, available, want int64 }{
		{100, 100, 0}, {100, 21, 0}, {100, 20, 80}, {100, 6, 80}, {100, 5, 95}, {100, 1, 95}, {100, 0, 100},
		{1, 1, 0}, {1, 0, 100}, {0, 50, 0}, {0, 0, 100}, {3, 1, 0}, {100, 200, 0},
		{quota.MaxUnits * 1000, quota.MaxUnits * 200, 80},
	} {
		if got := (Meter{Full: c.full}).Mark(c.available); int64(got) != c.want {
			t.Errorf("%d left of %d: mark %d, want %d", c.available, c.full, got, c.want)
		}
	}
}

func TestThereIsASampleOfEveryTypeInEveryForm(t *testing.T) {
	for _, form := range []EventForm{FormStandard, FormTimelines} {
		for _, name := range EventTypes(form) {
			e, err := SampleEvent("ws_1", form, name, noon)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var b map[string]any
			if err := json.Unmarshal([]byte(e.Body), &b); err != nil {
				t.Fatal(err)
			}
			typed, told := "type", "data"
			if form == FormTimelines {
				typed, told = "event_type", "whatsapp_account"
			}
			if b[typed] != string(name) || b[told] == nil || !validEventID(e.ID) {
				t.Errorf("%s: %s", name, e.Body)
			}
		}
	}
	if _, err := SampleEvent("ws_1", FormStandard, "message:new", noon); err == nil {
		t.Error("there is a sample of a type of another form")
	}
}

func TestEveryStatusThatLastsIsToldByItsName(t *testing.T) {
	for _, s := range Statuses() {
		what, told := eventOf[s]
		if passes := s == Sending || s == Unknown; told == passes {
			t.Errorf("%s: told %t", s, told)
		}
		if told && !slices.Contains(eventTypes, what) {
			t.Errorf("%s is told as %s, which is no type", s, what)
		}
		if told && s != Queued && string(what) != "message."+string(s) {
			t.Errorf("%s is told as %s", s, what)
		}
	}
}

func TestEventsOfOneProcessSortAsTheyHappen(t *testing.T) {
	var ids IDs
	tx := &tally{ids: &ids}
	last := ""
	for n := range 1000 {
		id := eventID(tx, noon.Add(time.Duration(n/300)*time.Millisecond))
		if id <= last || !validEventID(id) {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}
