package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"relevo/api/console/account"
	"relevo/relay"
)

// teamRoutes are who may open a workspace.
func (c *Console) teamRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/team", access: owners, page: showTeam},
		{pattern: "POST /w/{ws}/team/invites", access: owners, page: invite},
		{pattern: "POST /w/{ws}/team/invites/{id}", access: owners, page: revokeInvite},
		{pattern: "POST /w/{ws}/team/members/{id}/role", access: owners, page: changeRole},
		{pattern: "POST /w/{ws}/team/members/{id}/remove", access: owners, page: removeMember},
		{pattern: "POST /w/{ws}/team/members/{id}/sign-out", access: owners, page: signOutMember},
	}
}

// teamPage is what the page shows.
type teamPage struct {
	Members []account.User
	Invites []account.Invite
	Roles   []string
	// Email and Role were filled in; Link is a new invitation's, once.
	Email, Role, Link string
}

func (p *call) team() (d teamPage, err error) {
	p.Page = "team"
	d.Roles, d.Role = []string{"viewer", "member", "owner"}, "member"
	if d.Members, err = p.c.Accounts.Team(p.ctx, p.WS.ID); err != nil {
		return d, err
	}
	slices.SortFunc(d.Members, func(a, b account.User) int {
		return cmp.Or(cmp.Compare(b.Role(p.WS.ID), a.Role(p.WS.ID)), cmp.Compare(a.Email, b.Email))
	})
	d.Invites, err = p.c.Accounts.Invites(p.ctx, p.WS.ID)
	slices.SortFunc(d.Invites, func(a, b account.Invite) int { return b.Until.Compare(a.Until) })
	return d, err
}

func showTeam(p *call) error {
	d, err := p.team()
	if err != nil {
		return err
	}
	return p.show("team", d)
}

// member is the user of the path, who has to be in the team: others are none of
// an owner's business.
func (p *call) member() (account.User, error) {
	u, err := p.c.Accounts.User(p.ctx, p.r.PathValue("id"))
	if err == nil && account.ParseRole(u.Roles[p.WS.ID]) == account.Nobody {
		err = relay.ErrNotFound
	}
	p.about = u.Email
	return u, err
}

// againTeam shows the page once more where the last owner would go.
func (p *call) againTeam(err error) error {
	if !errors.Is(err, account.ErrLastOwner) {
		return err
	}
	d, fault := p.team()
	if fault != nil {
		return fault
	}
	p.Problem = &Problem{Message: p.T("team.last")}
	return p.showAs(http.StatusUnprocessableEntity, "team", d)
}

func changeRole(p *call) error {
	role := account.ParseRole(p.field("role"))
	if role == account.Nobody {
		return errNoPage
	}
	u, err := p.member()
	if err != nil {
		return err
	}
	if u, err = p.c.Accounts.SetRole(p.ctx, p.WS.ID, u.ID, role); err != nil {
		return p.againTeam(err)
	}
	p.note("member_role", u.Email+": "+role.String())
	key := "role." + role.String()
	return p.done(p.afterTeam(u, role), "team.changed", "Who", u.Email, "Role", p.T(key))
}

// afterTeam is where one goes on: who took the owner's role from themselves may
// not see the team any more.
func (p *call) afterTeam(u account.User, role account.Role) string {
	switch {
	case u.ID != p.User.ID || u.Operator || role == account.Owner:
		return p.At("team")
	case role == account.Nobody:
		return "/"
	}
	return p.At()
}

func removeMember(p *call) error {
	u, err := p.member()
	if err != nil {
		return err
	}
	if _, err := p.c.Accounts.SetRole(p.ctx, p.WS.ID, u.ID, account.Nobody); err != nil {
		return p.againTeam(err)
	}
	return p.done(p.afterTeam(u, account.Nobody), "team.removed", "Who", u.Email)
}

// signOutMember ends somebody's sessions; an operator's only for operators.
func signOutMember(p *call) error {
	u, err := p.member()
	if err != nil {
		return err
	}
	if u.Operator && !p.User.Operator {
		return p.forOperators()
	}
	if u, err = p.c.Accounts.SignOut(p.ctx, u.ID); err != nil {
		return err
	}
	if u.ID == p.User.ID {
		if err := p.begin(u); err != nil {
			return err
		}
	}
	return p.done(p.At("team"), "team.signed_out", "Who", u.Email)
}

// invite shows the new link on the page itself, once.
func invite(p *call) error {
	role, email := account.ParseRole(p.field("role")), p.field("email")
	if role == account.Nobody {
		return errNoPage
	}
	token, err := p.c.Accounts.Invite(p.ctx, account.Invite{Workspace: p.WS.ID, Role: role.String(), Email: email, By: cmp.Or(p.User.Name, p.User.Email), Maker: p.User.ID})
	if errors.Is(err, account.ErrEmail) {
		d, fault := p.team()
		if fault != nil {
			return fault
		}
		d.Email, d.Role = email, role.String()
		return p.againField("email", p.T("door.email_bad"), "team", d)
	}
	if err != nil {
		return err
	}
	p.note("member_invited", cmp.Or(email, role.String()))
	d, err := p.team()
	if err != nil {
		return err
	}
	d.Link, d.Role = p.base()+"/join/"+token, role.String()
	return p.show("team", d)
}

func revokeInvite(p *call) error {
	in, err := p.c.Accounts.Revoke(p.ctx, p.WS.ID, p.r.PathValue("id"))
	if err != nil {
		return err
	}
	p.about = cmp.Or(in.Email, in.Role)
	return p.done(p.At("team"), "team.revoked")
}
