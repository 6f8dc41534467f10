package pgstore_test

import (
	"testing"
	"time"
)

// TestARunWhoseLeaseWasLostDoesNotEndTheRunOfAnotherNode lets a job's lease end
// while it runs, and another node take it.
func TestARunWhoseLeaseWasLostDoesNotEndTheRunOfAnotherNode(t *testing.T) {
	t.Parallel()
	d := newServed(t)
	a, b := d.open(), d.open()
	ctx, never, began := t.Context(), time.Time{}, time.Now().UTC().Truncate(time.Second)
	if mine, err := a.TakeJob(ctx, "j", "a", never, time.Millisecond); err != nil || !mine {
		t.Fatal(mine, err)
	}
	for mine, until := false, time.Now().Add(10*time.Second); !mine; {
		var err error
		if mine, err = b.TakeJob(ctx, "j", "b", never, time.Hour); err != nil || time.Now().After(until) {
			t.Fatal("the other node never gets the job", err)
		}
	}
	if err := a.PutJob(ctx, "j", began); err == nil {
		t.Error("a run whose lease was lost ended well")
	}
	if last, err := a.Job(ctx, "j"); err != nil || !last.IsZero() {
		t.Errorf("the job ran at %v (%v), while the run of the other node goes on", last, err)
	}
	if mine, err := a.TakeJob(ctx, "j", "a", never, time.Hour); err != nil || mine {
		t.Errorf("taken from the other node: %v (%v)", mine, err)
	}
	for range 2 { // the second one as where the first one's answer was lost
		if err := b.PutJob(ctx, "j", began.Add(time.Second)); err != nil {
			t.Error(err)
		}
	}
	if last, err := a.Job(ctx, "j"); err != nil || !last.Equal(began.Add(time.Second)) {
		t.Errorf("the job ran at %v (%v), want %v", last, err, began.Add(time.Second))
	}
}
