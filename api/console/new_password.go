package console

import (
	"errors"
	"net/http"

	"relevo/api/console/account"
	"relevo/relay"
)

// NewPasswordPath is in front of the token of a link to a new password.
const NewPasswordPath = "/new-password/"

// newPasswordRoutes are how somebody who forgot their password comes in again:
// an operator makes a link, and whoever opens it sets the password.
func (c *Console) newPasswordRoutes() []route {
	return []route{
		{pattern: "POST /operator/users/{id}/new-password", access: operators, page: makeNewPasswordLink},
		// by its address once more
		{pattern: "GET /operator/users/{id}/new-password", access: operators, page: func(p *call) error { return p.goTo("/operator/users") }},
		{pattern: "GET " + NewPasswordPath + "{token}", access: anybody, page: showNewPassword},
		{pattern: "POST " + NewPasswordPath + "{token}", access: anybody, page: setNewPassword},
	}
}

// makeNewPasswordLink shows the new link on the page itself, once.
func makeNewPasswordLink(p *call) error {
	l, err := p.c.Accounts.NewReset(p.ctx, p.r.PathValue("id"))
	if err != nil && !errors.Is(err, account.ErrDisabled) {
		return err
	}
	d, fault := p.users()
	if fault != nil {
		return fault
	}
	if err != nil {
		p.Problem = &Problem{Message: p.T("operator.password_disabled")}
		return p.showAs(http.StatusUnprocessableEntity, "operator_users", d)
	}
	p.about = l.User.Email
	d.Link, d.Who, d.Until = p.base()+NewPasswordPath+l.Token, l.User.Email, l.Until
	return p.show("operator_users", d)
}

// noLink is the page's answer to a link that leads nowhere, or to too many of
// them.
func (p *call) noLink(err error) error {
	switch {
	case errors.Is(err, account.ErrLink):
		return &relay.Error{Code: relay.CodeNotFound, Message: p.T("door.link")}
	case errors.Is(err, account.ErrTooMany):
		p.w.Header().Set("Retry-After", "60")
		return &relay.Error{Code: relay.CodeRateLimited, Message: p.T("door.too_many")}
	}
	return err
}

func showNewPassword(p *call) error {
	u, err := p.c.Accounts.ResetBy(p.ctx, p.r.PathValue("token"), p.from())
	if err != nil {
		return p.noLink(err)
	}
	return p.show("new_password", u.Email)
}

func setNewPassword(p *call) error {
	u, err := p.c.Accounts.Reset(p.ctx, p.r.PathValue("token"), p.r.PostFormValue("password"), p.from())
	if err != nil && u.ID == "" {
		return p.noLink(err)
	}
	if err != nil {
		return p.againDoor(err, "new_password", u.Email)
	}
	if err := p.begin(u); err != nil {
		return err
	}
	p.note("password_reset", u.Email)
	return p.done("/", "me.password_changed")
}
