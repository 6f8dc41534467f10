package console

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"relevo/api/console/account"
	"relevo/quota"
	"relevo/relay"
)

// operatorRoutes are what those see who run the server.
func (c *Console) operatorRoutes() []route {
	return []route{
		{pattern: "GET /operator", access: operators, page: showOperator},
		{pattern: "POST /operator/backup", access: operators, page: downloadBackup},
		{pattern: "GET /operator/workspaces", access: operators, page: showWorkspaces},
		{pattern: "POST /operator/workspaces", access: operators, page: createWorkspace},
		{pattern: "GET /operator/users", access: operators, page: showUsers},
		{pattern: "POST /operator/users/{id}/operator", access: operators, page: changeOperator},
		{pattern: "POST /operator/users/{id}/disable", access: operators, page: disableUser},
		{pattern: "POST /operator/users/{id}/enable", access: operators, page: enableUser},
		{pattern: "POST /operator/users/{id}/delete", access: operators, page: deleteUser},
	}
}

// operatorPage is how the server is.
type operatorPage struct {
	// Free is in bytes; Low: within the reserve.
	Free    int64
	Low     bool
	Backlog relay.Backlog
	// Oldest is since when the oldest message waits.
	Oldest time.Time
	Jobs   []jobShown
	// Copied is when the last nightly copy was made. Copies: this server can
	// make one.
	Copied time.Time
	Copies bool
}

func showOperator(p *call) error {
	p.Page = "operator"
	free := p.c.Relay.Store.Free()
	d := operatorPage{Free: free, Low: free < 0, Copies: p.c.Store != "PostgreSQL"}
	var err error
	if d.Backlog, err = p.c.Relay.Store.Backlog(p.ctx, time.Now()); err != nil {
		return err
	}
	if raw, ok := relay.RawMessageID(d.Backlog.Oldest); ok {
		d.Oldest = relay.MessageTime(raw)
	}
	if p.c.Copied != nil {
		d.Copied = p.c.Copied()
	}
	if d.Jobs, err = p.jobs(p.ctx, d.Copied); err != nil {
		return err
	}
	return p.show("operator", d)
}

func downloadBackup(p *call) error {
	if p.c.Backup == nil {
		return errNoPage
	}
	return p.c.Backup(p.w, p.r)
}

// workspacesPage lists all workspaces.
type workspacesPage struct {
	Rows []workspaceRow
	// Search narrows it, Name was filled in.
	Search, Name, More string
	// Frozen: one of the rows is.
	Frozen bool
	// Zone is where a new one keeps its clocks.
	Zone zoneChoice
}

type workspaceRow struct {
	relay.Workspace
	Account quota.Account
	Queued  int
}

const (
	workspacesShown = 50
	maxSearched     = 20 // pages of 200
)

func showWorkspaces(p *call) error {
	d, err := p.allWorkspaces()
	if err != nil {
		return err
	}
	return p.show("operator_workspaces", d)
}

func (p *call) allWorkspaces() (d workspacesPage, err error) {
	p.Page = "operator"
	d.Search, d.Zone = p.query("q"), p.zoneChoice()
	page := relay.Page{Cursor: p.query("cursor"), Limit: workspacesShown}
	for range maxSearched {
		list, next, err := p.c.Relay.Store.Workspaces(p.ctx, page)
		if err != nil {
			return d, err
		}
		for _, w := range list {
			if w.DeletedAt.IsZero() && matches(w, d.Search) {
				d.Rows = append(d.Rows, workspaceRow{Workspace: w})
			}
		}
		if page.Cursor = next; next == "" || len(d.Rows) >= workspacesShown/2 {
			break
		}
	}
	if page.Cursor != "" {
		d.More = "/operator/workspaces?" + query("q", d.Search, "cursor", page.Cursor)
	}
	return d, p.balances(&d)
}

func matches(w relay.Workspace, search string) bool {
	search = strings.ToLower(search)
	return strings.Contains(strings.ToLower(w.Name), search) || strings.Contains(w.ID, search)
}

// balances adds to rows what is left and what waits.
func (p *call) balances(d *workspacesPage) error {
	err := p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) (err error) {
		for i := range d.Rows {
			if d.Rows[i].Account, err = tx.Account(p.ctx, d.Rows[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range d.Rows {
		row := &d.Rows[i]
		d.Frozen = d.Frozen || row.Account.Frozen
		lanes, err := p.c.Relay.Store.Queue(p.ctx, row.ID, time.Now())
		if err != nil {
			return err
		}
		for _, l := range lanes {
			row.Queued += l.Waiting
		}
	}
	return nil
}

func createWorkspace(p *call) error {
	name := p.field("name")
	w, err := p.c.Relay.CreateWorkspace(p.ctx, name)
	if err != nil {
		d, fault := p.allWorkspaces()
		if fault != nil {
			return fault
		}
		d.Name = name
		return p.again(err, "operator_workspaces", d)
	}
	p.takeZone(w, p.chosenZone())
	p.WS = w
	p.note("workspace_created", w.Name)
	return p.done("/w/"+w.ID, "operator.created")
}

// usersPage lists all accounts.
type usersPage struct {
	Rows []userRow
	// Link leads Who to a new password until a time; shown once.
	Link, Who string
	Until     time.Time
}

// userRow is an account, with the names of its workspaces.
type userRow struct {
	account.User
	Places []seat
}

// seat is a role of theirs, in a workspace.
type seat struct{ ID, Name, Role string }

func showUsers(p *call) error {
	d, err := p.users()
	if err != nil {
		return err
	}
	return p.show("operator_users", d)
}

func (p *call) users() (d usersPage, err error) {
	p.Page = "operator"
	all, err := p.c.Accounts.Users(p.ctx)
	if err != nil {
		return d, err
	}
	living, err := p.c.Relay.LiveWorkspaces(p.ctx, account.WorkspacesOf(all...))
	if err != nil {
		return d, err
	}
	for _, u := range all {
		row := userRow{User: u}
		for _, id := range slices.Sorted(maps.Keys(u.Roles)) {
			if w, ok := living[id]; ok {
				row.Places = append(row.Places, seat{id, w.Name, u.Roles[id]})
			}
		}
		d.Rows = append(d.Rows, row)
	}
	return d, nil
}

// changeUser does something to the user of the path, and leads back.
func (p *call) changeUser(do func(id string) error) error {
	u, err := p.c.Accounts.User(p.ctx, p.r.PathValue("id"))
	if err != nil {
		return err
	}
	p.about = u.Email
	err = do(u.ID)
	if errors.Is(err, account.ErrLastOwner) {
		d, fault := p.users()
		if fault != nil {
			return fault
		}
		p.Problem = &Problem{Message: p.T("operator.last_operator")}
		return p.showAs(http.StatusUnprocessableEntity, "operator_users", d)
	}
	if err != nil {
		return err
	}
	return p.done("/operator/users", "operator.changed", "Who", u.Email)
}

func changeOperator(p *call) error {
	return p.changeUser(func(id string) error {
		_, err := p.c.Accounts.SetOperator(p.ctx, id, p.field("operator") == "yes")
		return err
	})
}

func disableUser(p *call) error {
	return p.changeUser(func(id string) error { _, err := p.c.Accounts.SetDisabled(p.ctx, id, true); return err })
}

func enableUser(p *call) error {
	return p.changeUser(func(id string) error { _, err := p.c.Accounts.SetDisabled(p.ctx, id, false); return err })
}

func deleteUser(p *call) error {
	return p.changeUser(func(id string) error { return p.c.Accounts.Delete(p.ctx, id) })
}
