package console

import (
	"time"

	"relevo/relay"
)

// zoneChoice is the time zones to choose from for a workspace that is new.
type zoneChoice struct {
	Zones []zoneGroup
	// Chosen is a zone's name; empty: UTC. Offer it is what the script puts the
	// browser's own zone in the place of.
	Chosen string
	Offer  bool
}

func (p *call) zoneChoice() zoneChoice {
	chosen := p.chosenZone()
	return zoneChoice{Zones: zones(time.Now(), chosen), Chosen: chosen, Offer: !p.r.PostForm.Has("time_zone")}
}

// chosenZone is the zone of a form; what is none counts as not chosen, as a
// browser may know zones that are new to this server.
func (p *call) chosenZone() string {
	if z := p.field("time_zone"); relay.ValidTimeZone(z) {
		return z
	}
	return ""
}

// takeZone sets the zone of a workspace that has none. That it fails loses
// nothing: the page Settings has it too.
func (p *call) takeZone(w relay.Workspace, zone string) {
	if zone == "" || w.TimeZone != "" || !w.DeletedAt.IsZero() {
		return
	}
	if _, err := p.c.Relay.UpdateWorkspace(p.ctx, w.ID, relay.WorkspacePatch{TimeZone: &zone}); err != nil {
		p.c.Log.Error("set time zone", "workspace", w.ID, "request_id", p.RequestID(), "error", err)
	}
}

// takeFirstZone sets the zone of the workspace that a new server begins with.
// Where there are more, people have worked here without a console: theirs stay.
func (p *call) takeFirstZone(zone string) {
	list, _, err := p.c.Relay.Store.Workspaces(p.ctx, relay.Page{Limit: 2})
	if err != nil {
		p.c.Log.Error("find first workspace", "request_id", p.RequestID(), "error", err)
	}
	if len(list) == 1 {
		p.takeZone(list[0], zone)
	}
}
