package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// auditRoutes are who did what.
func (c *Console) auditRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/audit", access: owners, page: showAudit},
		{pattern: "GET /w/{ws}/audit.csv", access: owners, page: downloadAudit, stream: true},
		{pattern: "GET /operator/audit", access: operators, page: showAudit},
	}
}

// actions are what the audit log of a workspace may tell of, those of the
// server's own last.
var actions = []string{
	"webhook_changed", "webhook_enabled", "webhook_disabled", "webhook_rotated", "webhook_revealed", "webhook_listened",
	"channel_created", "channel_changed", "channel_paused", "channel_resumed", "channel_deleted", "template_submitted",
	"message_sent", "message_canceled", "message_resent", "message_confirmed", "opted_out", "opted_in", "person_exported", "person_erased", "endpoint_created", "endpoint_changed", "endpoint_deleted", "secret_revealed", "secret_rotated", "events_replayed",
	"quota_granted", "plan_set", "plan_removed", "key_created", "key_revoked",
	"member_invited", "invite_revoked", "member_joined", "member_role", "member_removed", "member_signed_out", "workspace_created", "workspace_changed", "other",
	"workspace_deleted", "account_linked", "account_unlinked", "operator_changed", "user_disabled", "user_enabled", "user_deleted", "password_link_made", "password_reset", "backup_downloaded",
}

// auditPage is what the page shows.
type auditPage struct {
	Lines []auditLine
	// By and Action narrow it, People and Actions may be chosen.
	By, Action string
	People     []person
	Actions    []string
	// Path is the page's own, More leads to what is older.
	Path, More string
}

// person is somebody or something that does things.
type person struct{ ID, Name string }

// auditLine is one action in words.
type auditLine struct {
	At                       time.Time
	Who, Via, Words, Subject string
}

const notesShown = 50

// actorID tells actors apart in the address of a filtered page.
func actorID(by relay.Actor) string { return by.Kind + ":" + by.ID }

func (p *call) auditLine(n relay.Note) auditLine {
	l := auditLine{At: n.At, Who: n.By.Name, Via: cmp.Or(n.By.Via, "api"), Subject: n.Subject}
	switch n.By.Kind {
	case "key":
		l.Who = p.T("audit.who_key", "Name", p.Short(n.By.Name, 60))
	case "operator":
		l.Who = p.T("audit.who_operator")
	}
	action := n.Action
	if !slices.Contains(actions, action) {
		action = "other"
	}
	key := "audit.act." + action
	l.Words = p.T(key)
	return l
}

func showAudit(p *call) error {
	d := auditPage{By: p.query("by"), Action: p.query("action"), Actions: actions, Path: p.r.URL.Path}
	p.Page = "audit"
	if p.WS.ID == "" {
		p.Page = "operator"
	}
	people := map[string]string{"operator:": p.T("audit.who_operator")}
	match := func(n relay.Note) bool {
		return (d.By == "" || actorID(n.By) == d.By) && (d.Action == "" || n.Action == d.Action)
	}
	notes, next, err := p.c.Relay.Notes(p.ctx, p.WS.ID, match, relay.Page{Cursor: p.query("cursor"), Limit: notesShown})
	if err != nil {
		return err
	}
	for _, n := range notes {
		l := p.auditLine(n)
		people[actorID(n.By)] = l.Who
		d.Lines = append(d.Lines, l)
	}
	if d.People, err = p.people(people, d.By); err != nil {
		return err
	}
	if next != "" {
		d.More = d.Path + "?" + query("by", d.By, "action", d.Action, "cursor", next)
	}
	return p.show("audit", d)
}

// query is the query of an address, of names and values; empty ones are left
// out.
func query(args ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(args); i += 2 {
		if args[i+1] != "" {
			q.Set(args[i], args[i+1])
		}
	}
	return q.Encode()
}

// people are who may be chosen: those of the lines, the team, the keys, and
// who is chosen already.
func (p *call) people(all map[string]string, chosen string) (list []person, err error) {
	if p.WS.ID != "" {
		team, err := p.c.Accounts.Team(p.ctx, p.WS.ID)
		if err != nil {
			return nil, err
		}
		for _, u := range team {
			all["user:"+u.ID] = u.Email
		}
		keys, err := p.c.Relay.Store.APIKeys(p.ctx, p.WS.ID)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			all["key:"+k.ID] = p.T("audit.who_key", "Name", p.Short(k.Name, 60))
		}
	}
	if _, ok := all[chosen]; chosen != "" && !ok {
		all[chosen] = p.Short(chosen, 60)
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		list = append(list, person{id, all[id]})
	}
	slices.SortStableFunc(list, func(a, b person) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func downloadAudit(p *call) error {
	return p.download("audit", []string{"at", "who", "who_id", "via", "action", "subject"}, func(s sheet, page relay.Page) (int, string, error) {
		notes, next, err := p.c.Relay.Notes(p.ctx, p.WS.ID, nil, page)
		for _, n := range notes {
			s.row(n.At.UTC().Format(time.RFC3339Nano), cmp.Or(n.By.Name, n.By.Kind), actorID(n.By), n.By.Via, n.Action, n.Subject)
		}
		return len(notes), next, err
	})
}
