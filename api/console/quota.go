package console

import (
	"strconv"
	"strings"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// quotaRoutes are the pages of a workspace's units.
func (c *Console) quotaRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/quota", access: viewers, page: showQuota},
		{pattern: "GET /w/{ws}/quota.csv", access: viewers, page: downloadLedger, stream: true},
		{pattern: "POST /w/{ws}/quota/grants", access: owners, page: grantUnits},
		{pattern: "POST /w/{ws}/quota/plan", access: owners, page: setPlan},
		{pattern: "POST /w/{ws}/quota/plan/remove", access: owners, page: removePlan},
	}
}

// quotaPage is what the page shows.
type quotaPage struct {
	Account quota.Account
	Plan    *planShown
	Use     use
	Chart   useChart
	Ledger  ledger
	Grant   grantForm
	Form    planForm
}

// planShown is how the quota refills, in words.
type planShown struct {
	Units    int64
	Words    string
	RollOver bool
	Next     []time.Time
}

type grantForm struct{ Units, Reference string }

// planForm is what an operator fills in. Dates are what its schedule comes to.
type planForm struct {
	Units, Preset, Schedule string
	RollOver                bool
	Dates                   []time.Time
}

// presets are schedules that have a name.
var presets = map[string]string{"daily": "@daily", "weekly": "@weekly", "monthly": "@monthly"}

func showQuota(p *call) error {
	data, err := p.quota()
	if err != nil {
		return err
	}
	if p.Htmx() && p.r.Header.Get("HX-Target") == "ledger" {
		return p.part("quota", "ledger", data)
	}
	return p.show("quota", data)
}

func (p *call) quota() (d quotaPage, err error) {
	p.Page = "quota"
	if d.Account, err = p.c.Relay.Account(p.ctx, p.WS.ID); err != nil {
		return d, err
	}
	d.Plan = p.planShown(p.WS.Plan)
	d.Form = planForm{Preset: "monthly"}
	if w := p.WS.Plan; w != nil {
		d.Form = planForm{Units: strconv.FormatInt(w.Units, 10), Preset: presetOf(w.Schedule), Schedule: w.Schedule, RollOver: w.RollOver}
	}
	if d.Ledger, err = p.ledger(); err != nil {
		return d, err
	}
	if d.Use, err = p.use(d.Account); err != nil {
		return d, err
	}
	d.Chart, err = p.chart()
	return d, err
}

func presetOf(schedule string) string {
	for name, s := range presets {
		if s == schedule {
			return name
		}
	}
	return "custom"
}

func (p *call) planShown(plan *quota.Plan) *planShown {
	if plan == nil {
		return nil
	}
	v := &planShown{Units: plan.Units, RollOver: plan.RollOver, Next: dates(*plan, plan.Since)}
	v.Words = plan.Schedule
	if name := presetOf(plan.Schedule); name != "custom" {
		key := "quota.every." + name
		v.Words = p.T(key)
	}
	return v
}

// dates are the next three of a plan.
func dates(plan quota.Plan, from time.Time) (list []time.Time) {
	for range 3 {
		next, err := plan.Next(from)
		if err != nil {
			return list
		}
		list, from = append(list, next), next
	}
	return list
}

// forOperators refuses who does not run the server.
func (p *call) forOperators() error {
	if p.User.Operator {
		return nil
	}
	return &relay.Error{Code: relay.CodeForbidden, Message: "This takes an operator of the server."}
}

// units reads a number of units as people write it: 10 000, 10,000.
func units(s string) int64 {
	n, err := strconv.ParseInt(strings.NewReplacer(" ", "", ",", "", "\u00a0", "", "\u202f", "", "'", "").Replace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func grantUnits(p *call) error {
	if err := p.forOperators(); err != nil {
		return err
	}
	in := grantForm{Units: p.field("units"), Reference: p.field("reference")}
	twice := false
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) (err error) {
		_, twice, err = tx.Entry(p.ctx, p.WS.ID, quota.KindGrant, in.Reference)
		return err
	})
	if err != nil {
		return err
	}
	e, err := p.c.Relay.Grant(p.ctx, p.WS.ID, in.Reference, units(in.Units))
	if err != nil {
		return p.againQuota(err, func(d *quotaPage) { d.Grant = in })
	}
	if twice {
		p.noted = true
		return p.done(p.At("quota"), "quota.granted_before", "Reference", e.Ref, "At", p.Exact(e.At))
	}
	p.note("quota_granted", in.Reference+" ("+strconv.FormatInt(e.Units, 10)+")")
	return p.done(p.At("quota"), "quota.granted", "Units", p.Num(e.Units))
}

// againQuota shows the page once more with what was filled in.
func (p *call) againQuota(err error, fill func(*quotaPage)) error {
	data, fault := p.quota()
	if fault != nil {
		return fault
	}
	fill(&data)
	return p.again(err, "quota", data)
}

func setPlan(p *call) error {
	if err := p.forOperators(); err != nil {
		return err
	}
	in := planForm{Units: p.field("plan_units"), Preset: p.field("preset"), Schedule: p.field("schedule"), RollOver: p.field("roll_over") != ""}
	if s := presets[in.Preset]; s != "" {
		in.Schedule = s
	} else {
		in.Preset = "custom"
	}
	plan := quota.Plan{Units: units(in.Units), Schedule: in.Schedule, RollOver: in.RollOver}
	if p.field("do") == "look" {
		p.noted = true
		return p.lookAtPlan(plan, in)
	}
	if _, err := p.c.Relay.SetPlan(p.ctx, p.WS.ID, &plan); err != nil {
		return p.againQuota(planFields(err), func(d *quotaPage) { d.Form = in })
	}
	p.note("plan_set", strconv.FormatInt(plan.Units, 10)+" "+plan.Schedule)
	return p.done(p.At("quota"), "quota.plan_set")
}

// planFields gives the units of a plan's form their own name: there is another
// field for units on the page.
func planFields(err error) error {
	e, ok := err.(*relay.Error)
	if !ok || len(e.Fields) == 0 || e.Fields[0].Field != "units" {
		return err
	}
	other := *e
	other.Fields = append([]relay.FieldError(nil), e.Fields...)
	other.Fields[0].Field = "plan_units"
	return &other
}

// lookAtPlan shows when a plan would refill, and changes nothing.
func (p *call) lookAtPlan(plan quota.Plan, in planForm) error {
	if _, err := plan.Next(time.Now()); err != nil {
		refusal := relay.RefuseField(relay.CodeInvalidField, "schedule", "The "+err.Error()+".", "For example \"0 0 1 * *\": midnight (UTC) on the first of each month.")
		return p.againQuota(refusal, func(d *quotaPage) { d.Form = in })
	}
	data, err := p.quota()
	if err != nil {
		return err
	}
	in.Dates = dates(plan, time.Now())
	data.Form = in
	return p.show("quota", data)
}

func removePlan(p *call) error {
	if err := p.forOperators(); err != nil {
		return err
	}
	if _, err := p.c.Relay.SetPlan(p.ctx, p.WS.ID, nil); err != nil {
		return err
	}
	return p.done(p.At("quota"), "quota.plan_removed")
}
