package api

import (
	"fmt"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// quotaView is a balance, in units.
type quotaView struct {
	Granted   int64 `json:"granted"`
	Available int64 `json:"available"`
	Reserved  int64 `json:"reserved"`
	Spent     int64 `json:"spent"`
	// Frozen is there where the books failed a check: nothing is accepted
	// until the operator has looked.
	Frozen bool `json:"frozen,omitzero"`
}

// entryView is one line of the ledger.
type entryView struct {
	ID    string     `json:"id"`
	Kind  quota.Kind `json:"kind"`
	Units int64      `json:"units"`
	Ref   string     `json:"ref"`
	// MessageID is null where it was for no message.
	MessageID *string   `json:"message_id"`
	At        time.Time `json:"at"`
	// AvailableAfter is null on a line that stands for several entries of
	// pruned messages.
	AvailableAfter *int64 `json:"available_after"`
	// Shortfall is what a redebit should have taken and could not.
	Shortfall int64 `json:"shortfall,omitzero"`
}

// planView is how the quota refills.
type planView struct {
	Units        int64      `json:"units"`
	Schedule     string     `json:"schedule"`
	RollOver     bool       `json:"roll_over"`
	NextRefillAt *time.Time `json:"next_refill_at"`
}

type grantBody struct {
	Units     *int64 `json:"units" validate:"required,min=1"`
	Reference string `json:"reference" validate:"required"`
}

type planBody struct {
	Units    *int64 `json:"units" validate:"required,min=1"`
	Schedule string `json:"schedule" validate:"required,max=200"`
	RollOver bool   `json:"roll_over"`
}

func viewQuota(a quota.Account) quotaView {
	return quotaView{Granted: a.Granted, Available: a.Available, Reserved: a.Reserved, Spent: a.Spent, Frozen: a.Frozen}
}

// viewEntry makes the id from time and kind: entry times of an account
// strictly increase.
func viewEntry(l relay.LedgerLine) entryView {
	v := entryView{
		ID: fmt.Sprintf("ent_%d_%s", l.At.UnixMicro(), l.Kind), Kind: l.Kind, Units: l.Units, Ref: l.Ref,
		MessageID: present(l.MessageID), At: l.At.UTC(), Shortfall: l.Shortfall,
	}
	if l.Folded == 0 {
		v.AvailableAfter = &l.AvailableAfter
	}
	return v
}

func viewPlan(p quota.Plan) planView {
	v := planView{Units: p.Units, Schedule: p.Schedule, RollOver: p.RollOver}
	if next, err := p.Next(p.Since); err == nil {
		v.NextRefillAt = instant(next)
	}
	return v
}

func (s *server) showQuota(r *request) (answer, error) {
	a, err := s.relay.Account(r.ctx, r.workspace())
	return ok(viewQuota(a)), err
}

func (s *server) grant(r *request) (answer, error) {
	var in grantBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	e, err := s.relay.Grant(r.ctx, r.workspace(), in.Reference, *in.Units)
	return created("/workspaces/"+r.workspace()+"/quota/entries", viewEntry(relay.LedgerLine{Entry: e})), err
}

func (s *server) listEntries(r *request) (answer, error) {
	page, err := r.pageIn()
	if err != nil {
		return answer{}, err
	}
	lines, next, err := s.relay.Store.Entries(r.ctx, r.workspace(), page)
	return pageOf(mapped(lines, viewEntry), next), err
}

func (s *server) showPlan(r *request) (answer, error) {
	w, err := s.relay.Workspace(r.ctx, r.workspace())
	if err != nil {
		return answer{}, err
	}
	if w.Plan == nil {
		return answer{}, relay.Refusef(relay.CodeNotFound, "This workspace has no plan: its quota grows by grants alone.")
	}
	return ok(viewPlan(*w.Plan)), nil
}

func (s *server) setPlan(r *request) (answer, error) {
	var in planBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	w, err := s.relay.SetPlan(r.ctx, r.workspace(), &quota.Plan{Units: *in.Units, Schedule: in.Schedule, RollOver: in.RollOver})
	if err != nil {
		return answer{}, err
	}
	return ok(viewPlan(*w.Plan)), nil
}

func (s *server) deletePlan(r *request) (answer, error) {
	_, err := s.relay.SetPlan(r.ctx, r.workspace(), nil)
	return noContent(), err
}
