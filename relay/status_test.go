package relay

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/quota"
)

// The whole life of a message, in words: from, to, and what the move does to
// the units. What is not here changes nothing.
//
//	held -> spent, held -> back, spent -> back, taken again, or nothing
const (
	nothing    = "nothing"
	spentNow   = "held units are spent"
	heldBack   = "held units go back"
	spentBack  = "spent units go back"
	takenAgain = "units are taken again"
)

var life = []struct {
	from, to Status
	units    string
}{
	{Queued, Sending, nothing},
	{Queued, Canceled, heldBack},
	{Queued, Expired, heldBack},
	{Queued, Failed, heldBack},
	{Sending, Queued, nothing},
	{Sending, Sent, spentNow},
	{Sending, Failed, heldBack},
	{Sending, Unknown, nothing},
	{Unknown, Sent, spentNow},
	{Unknown, Delivered, spentNow},
	{Unknown, Read, spentNow},
	{Unknown, Failed, heldBack},
	{Unknown, Unconfirmed, heldBack},
	{Unconfirmed, Sent, takenAgain},
	{Unconfirmed, Delivered, takenAgain},
	{Unconfirmed, Read, takenAgain},
	{Unconfirmed, Failed, nothing},
	{Sent, Delivered, nothing},
	{Sent, Read, nothing},
	{Sent, Failed, spentBack},
	{Delivered, Read, nothing},
	{Failed, Delivered, takenAgain},
	{Failed, Read, takenAgain},
}

var every = []Status{"queued", "sending", "sent", "delivered", "read", "failed", "unknown", "unconfirmed", "canceled", "expired"}

// after are granted, available, reserved, spent, of an account of 10 that a
// message of 2 units was debited from, once it got to a status.
func after(s Status) [4]int64 {
	switch s {
	case Queued, Sending, Unknown:
		return [4]int64{10, 8, 2, 0}
	case Sent, Delivered, Read:
		return [4]int64{10, 8, 0, 2}
	}
	return [4]int64{10, 10, 0, 0}
}

func TestAStatusMovesAlongTheTableAndNowhereElse(t *testing.T) {
	if !slices.Equal(statuses, every) {
		t.Fatalf("the statuses are %v, want %v", statuses, every)
	}
	for _, from := range every {
		for _, to := range every {
			t.Run(string(from+" to "+to), func(t *testing.T) {
				units, allowed := nothing, false
				for _, l := range life {
					if l.from == from && l.to == to {
						units, allowed = l.units, true
					}
				}
				desk := newDesk(t, from)
				c := Change{At: noon.Add(time.Hour), Status: to, Failure: &Failure{Code: CodeRefused}}
				applied, err := change(t.Context(), desk, &desk.message, c)
				if err != nil || applied != allowed {
					t.Fatalf("applied %t, error %v; want applied %t", applied, err, allowed)
				}
				want := from
				if allowed {
					want = to
				}
				if desk.message.Status != want || desk.put[desk.message.ID].Status != want {
					t.Errorf("the status is %s, written as %s; want %s", desk.message.Status, desk.put[desk.message.ID].Status, want)
				}
				if last := desk.message.History[len(desk.message.History)-1]; last.Status != to || last.Applied != allowed {
					t.Errorf("the history ends with %+v, want %s, applied %t", last, to, allowed)
				}
				if diff := cmp.Diff(balanceAfter(from, units), desk.balance()); diff != "" {
					t.Errorf("%s: granted, available, reserved, spent (-want +got):\n%s", units, diff)
				}
			})
		}
	}
}

// balanceAfter is where the units are after a move from a status.
func balanceAfter(from Status, units string) [4]int64 {
	b := after(from)
	switch units {
	case spentNow:
		b[2], b[3] = b[2]-2, b[3]+2
	case heldBack:
		b[1], b[2] = b[1]+2, b[2]-2
	case spentBack:
		b[1], b[3] = b[1]+2, b[3]-2
	case takenAgain:
		b[1], b[3] = b[1]-2, b[3]+2
	}
	return b
}

// desk is a transaction with one message and one account; it has no more than
// change needs of one that has no second part.
type desk struct {
	Tx
	message  Message
	account  quota.Account
	entries  map[string]quota.Entry
	put      map[string]Message
	sent     int64
	failed   int64
	countsAt time.Time
}

// newDesk has a message that came to a status by being paid for, then spent or
// given back as the status says.
func newDesk(t *testing.T, s Status) *desk {
	t.Helper()
	d := &desk{account: quota.Account{ID: "ws_1"}, entries: map[string]quota.Entry{}, put: map[string]Message{}}
	d.message = Message{ID: FormatMessageID(at(noon, 1)), Workspace: "ws_1", Channel: "ch_1", Status: s, Units: 2, Charge: 1,
		History: []Change{{At: noon, Status: Queued, Applied: true}}}
	if s == Failed || s == Unconfirmed || s == Unknown || positive(s) {
		d.message.HandedAt = noon
	}
	ctx, id := t.Context(), d.message.ID
	steps := []error{quota.Grant(ctx, d, "ws_1", "g", 10, noon), quota.Debit(ctx, d, "ws_1", id, 2, noon)}
	switch after(s) {
	case after(Sent):
		steps = append(steps, quota.Spend(ctx, d, "ws_1", id, noon))
	case after(Failed):
		steps = append(steps, quota.Refund(ctx, d, "ws_1", id, noon))
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *desk) balance() [4]int64 {
	return [4]int64{d.account.Granted, d.account.Available, d.account.Reserved, d.account.Spent}
}

func (d *desk) Account(context.Context, string) (quota.Account, error) { return d.account, nil }

// Workspace has no endpoints.
func (d *desk) Workspace(context.Context, string) (Workspace, error) {
	return Workspace{ID: "ws_1"}, nil
}

func (d *desk) PutAccount(_ context.Context, a quota.Account) error {
	d.account = a
	return nil
}

func (d *desk) Entry(_ context.Context, _ string, kind quota.Kind, ref string) (quota.Entry, bool, error) {
	e, found := d.entries[string(kind)+" "+ref]
	return e, found, nil
}

func (d *desk) PostEntry(_ context.Context, e quota.Entry) error {
	d.entries[string(e.Kind)+" "+e.Ref] = e
	return nil
}

func (d *desk) PutMessage(_ context.Context, m Message) error {
	d.put[m.ID] = m
	return nil
}

func (d *desk) Count(_ context.Context, _ string, at time.Time, c Counts) error {
	d.sent, d.failed, d.countsAt = d.sent+c.Sent, d.failed+c.Failed, at
	return nil
}

// step makes one move that must be in the table.
func (d *desk) step(t *testing.T, to Status) {
	t.Helper()
	c := Change{At: noon.Add(time.Duration(len(d.message.History)) * time.Minute), Status: to}
	if applied, err := change(t.Context(), d, &d.message, c); err != nil || !applied {
		t.Fatalf("to %s: applied %t, error %v", to, applied, err)
	}
}

func TestEachRedebitIsAChargeOfItsOwn(t *testing.T) {
	d := newDesk(t, Queued)
	for _, s := range []Status{Sending, Unknown, Unconfirmed, Sent, Failed, Delivered} {
		d.step(t, s)
	}
	if got := d.balance(); got != after(Delivered) || d.message.Charge != 3 {
		t.Errorf("granted, available, reserved, spent are %v after charge %d; want %v, 3", got, d.message.Charge, after(Delivered))
	}
	id := d.message.ID
	for _, entry := range []string{"debit " + id, "refund " + id, "redebit " + id + "#2", "refund " + id + "#2", "redebit " + id + "#3"} {
		if _, found := d.entries[entry]; !found {
			t.Errorf("there is no entry %s", entry)
		}
	}
	if len(d.entries) != 6 { // with the grant
		t.Errorf("there are %d entries, want 6", len(d.entries))
	}
}

func TestTheCountersFollowWhatIsKnownOfAMessage(t *testing.T) {
	for _, c := range []struct {
		way          []Status
		sent, failed int64
	}{
		{[]Status{Sending, Queued}, 0, 0},
		{[]Status{Sending, Sent, Delivered, Read}, 1, 0},
		{[]Status{Sending, Failed}, 1, 1},
		{[]Status{Sending, Queued, Sending, Sent}, 1, 0},
		{[]Status{Sending, Failed, Delivered}, 1, 0},
		{[]Status{Sending, Unknown, Unconfirmed}, 1, 1},
		{[]Status{Sending, Unknown, Unconfirmed, Failed}, 1, 1},
		{[]Status{Sending, Unknown, Unconfirmed, Read}, 1, 0},
		{[]Status{Canceled}, 0, 0},
		{[]Status{Expired}, 0, 0},
		{[]Status{Failed}, 0, 0}, // its file: nothing was handed over
	} {
		d := newDesk(t, Queued)
		for _, s := range c.way {
			d.step(t, s)
		}
		if d.sent != c.sent || d.failed != c.failed {
			t.Errorf("%v counts as %d sent, %d failed; want %d, %d", c.way, d.sent, d.failed, c.sent, c.failed)
		}
		if c.sent > 0 && !d.countsAt.Equal(d.message.HandedAt) {
			t.Errorf("%v is counted at %s, handed over at %s", c.way, d.countsAt, d.message.HandedAt)
		}
	}
}

func TestAStatusIsValidOrSettledAsItsNameSays(t *testing.T) {
	for _, s := range every {
		open := s == Queued || s == Sending || s == Unknown
		if !s.Valid() || s.Settled() == open {
			t.Errorf("%s: valid %t, settled %t", s, s.Valid(), s.Settled())
		}
		ended := s == Failed || s == Expired || s == Canceled || s == Unconfirmed
		if s.resendable() != ended {
			t.Errorf("%s: resendable %t", s, s.resendable())
		}
	}
	for _, s := range []Status{"", "Queued", "gone"} {
		if s.Valid() {
			t.Errorf("%q is a valid status", s)
		}
	}
}
