package console

import (
	"net/http"

	"relevo/api/console/account"
)

// meRoutes are the pages about the user.
func (c *Console) meRoutes() []route {
	return []route{
		{pattern: "GET /me", access: signedIn, page: showMe},
		{pattern: "POST /me", access: signedIn, page: changeMe},
		{pattern: "POST /me/password", access: signedIn, page: changePassword},
		{pattern: "POST /me/sessions", access: signedIn, page: endSessions},
	}
}

func showMe(p *call) error {
	p.tellWhy()
	return p.show("me", nil)
}

func changeMe(p *call) error {
	name := p.field("name")
	if len([]rune(name)) > 80 {
		p.Problem = &Problem{Message: p.T("me.name_long"), Fields: map[string]string{"name": p.T("me.name_long")}}
		return p.showAs(http.StatusUnprocessableEntity, "me", nil)
	}
	if _, err := p.c.Accounts.Change(p.ctx, p.User.ID, func(u *account.User) error { u.Name = name; return nil }); err != nil {
		return err
	}
	return p.done("/me", "form.saved")
}

func changePassword(p *call) error {
	u, err := p.c.Accounts.SetPassword(p.ctx, p.User.ID, p.r.PostFormValue("old"), p.r.PostFormValue("password"), p.from())
	if err != nil {
		return p.againDoor(err, "me", nil)
	}
	if err := p.begin(u); err != nil {
		return err
	}
	return p.done("/me", "me.password_changed")
}

// endSessions signs out everywhere but here.
func endSessions(p *call) error {
	u, err := p.c.Accounts.Change(p.ctx, p.User.ID, func(u *account.User) error { u.Epoch++; return nil })
	if err != nil {
		return err
	}
	if err := p.begin(u); err != nil {
		return err
	}
	return p.done("/me", "me.sessions_ended")
}
