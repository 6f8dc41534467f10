package console

import (
	"cmp"
	_ "embed"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"relevo/relay"
)

// settingsRoutes are a workspace's name, clock and country, and its end.
func (c *Console) settingsRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/settings", access: owners, page: func(p *call) error {
			return p.show("settings", p.settings(settingsForm{p.WS.Name, p.WS.TimeZone, p.WS.Country}))
		}},
		{pattern: "POST /w/{ws}/settings", access: owners, page: changeSettings},
		{pattern: "POST /w/{ws}/settings/person", access: owners, page: downloadPerson, stream: true},
		{pattern: "POST /w/{ws}/settings/erase", access: owners, page: erasePerson},
		{pattern: "POST /w/{ws}/settings/delete", access: owners, page: deleteWorkspace},
	}
}

// zoneList is the time zones of zone.tab, of the IANA database
// (https://www.iana.org/time-zones).
//
//go:embed zones.txt
var zoneList string

// settingsForm is what is filled in.
type settingsForm struct{ Name, TimeZone, Country string }

// settingsPage is what the page shows.
type settingsPage struct {
	Form      settingsForm
	Zones     []zoneGroup
	Countries []country
	Kept      []kept
	// Who was asked for, and could not be read.
	Who string
	// Erase and Again are the number to erase, and once more.
	Erase, Again string
	Ending       ending
}

// zoneGroup is the time zones of a part of the world.
type zoneGroup struct {
	Name  string
	Zones []zone
}

// zone is a time zone, and what it is called with its present offset.
type zone struct{ ID, Name string }

type country struct{ Code, Name string }

// kept is something that is kept for some time; Words where that is none.
type kept struct {
	What  string
	Long  time.Duration
	Words string
}

// ending is what the end of a workspace comes to.
type ending struct {
	Channels, Queued, People int
	Units                    int64
}

// zones are all of the list, and the chosen one, which may be another name of
// one of them: browsers say Asia/Calcutta.
func zones(now time.Time, chosen string) (groups []zoneGroup) {
	add := func(id string) {
		at, err := time.LoadLocation(id)
		if err != nil {
			return
		}
		part, name, _ := strings.Cut(id, "/")
		if len(groups) == 0 || groups[len(groups)-1].Name != part {
			groups = append(groups, zoneGroup{Name: part})
		}
		g := &groups[len(groups)-1]
		g.Zones = append(g.Zones, zone{id, strings.ReplaceAll(cmp.Or(name, id), "_", " ") + " (" + offset(now.In(at)) + ")"})
	}
	known := strings.Fields(zoneList)
	for _, id := range known {
		add(id)
	}
	if chosen != "" && !slices.Contains(known, chosen) {
		add(chosen)
	}
	return groups
}

// countries are those whose numbers can be read, in the order of their names in
// the page's language.
func (p *call) countries() (list []country) {
	names := display.Regions(p.tag)
	for _, code := range p.c.Countries {
		r, err := language.ParseRegion(code)
		if err != nil {
			continue
		}
		if name := names.Name(r); name != "" {
			list = append(list, country{code, name})
		}
	}
	order := collate.New(p.tag)
	slices.SortFunc(list, func(a, b country) int { return order.CompareString(a.Name, b.Name) })
	return list
}

func (p *call) settings(f settingsForm) settingsPage {
	p.Page = "settings"
	set := p.c.Relay.Set
	d := settingsPage{Form: f, Zones: zones(time.Now(), f.TimeZone), Countries: p.countries(), Kept: []kept{
		{What: p.T("settings.kept_messages"), Long: set.KeepMessages}, {What: p.T("settings.kept_attempts"), Words: p.T("settings.kept_attempts_long")},
		{What: p.T("settings.kept_files"), Long: set.KeepFiles}, {What: p.T("settings.kept_keys"), Long: set.KeepKeys},
		{What: p.T("settings.kept_counts"), Long: relay.KeepCounts}, {What: p.T("settings.kept_audit"), Long: relay.KeepNotes},
		{What: p.T("settings.kept_ledger"), Words: p.T("settings.kept_ledger_long")},
	}}
	if p.User.Operator {
		d.Ending = p.ending()
	}
	return d
}

// ending counts what a deletion would end; what cannot be read now is 0.
func (p *call) ending() (e ending) {
	lanes, _ := p.c.Relay.Store.Queue(p.ctx, p.WS.ID, time.Now())
	for _, l := range lanes {
		e.Queued += l.Waiting
	}
	_ = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		refs, err := tx.Channels(p.ctx, p.WS.ID)
		if err != nil {
			return err
		}
		a, err := tx.Account(p.ctx, p.WS.ID)
		e.Channels, e.Units = len(refs), a.Available
		return err
	})
	team, _ := p.c.Accounts.Team(p.ctx, p.WS.ID)
	e.People = len(team)
	return e
}

func changeSettings(p *call) error {
	f := settingsForm{Name: p.field("name"), TimeZone: p.field("time_zone"), Country: p.field("country")}
	if f.TimeZone != "" && !relay.ValidTimeZone(f.TimeZone) {
		return p.againField("time_zone", p.T("settings.zone_wrong"), "settings", p.settings(f))
	}
	if f.Country != "" && !slices.Contains(p.c.Countries, f.Country) {
		return p.againField("country", p.T("settings.country_wrong"), "settings", p.settings(f))
	}
	_, err := p.c.Relay.UpdateWorkspace(p.ctx, p.WS.ID, relay.WorkspacePatch{Name: &f.Name, TimeZone: &f.TimeZone, Country: &f.Country})
	if err != nil {
		return p.again(err, "settings", p.settings(f))
	}
	p.about = f.Name
	return p.done(p.At("settings"), "form.saved")
}

// againField shows a form once more with a sentence at one of its fields.
func (p *call) againField(field, sentence, name string, data any) error {
	p.Problem = &Problem{Message: sentence, Fields: map[string]string{field: sentence}}
	return p.showAs(422, name, data)
}

func deleteWorkspace(p *call) error {
	if err := p.forOperators(); err != nil {
		return err
	}
	if p.field("confirm") != p.WS.Name {
		return p.againField("confirm", p.T("settings.delete_wrong"), "settings", p.settings(settingsForm{p.WS.Name, p.WS.TimeZone, p.WS.Country}))
	}
	err := p.c.Relay.DeleteWorkspace(p.ctx, p.WS.ID)
	if err != nil && !errors.Is(err, relay.ErrNotFound) {
		return err
	}
	p.note("workspace_deleted", p.WS.Name+" "+p.WS.ID)
	return p.done("/operator/workspaces", "settings.deleted", "Name", p.WS.Name)
}
