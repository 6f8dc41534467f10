package api

import (
	"errors"
	"maps"
	"slices"
	"time"

	"relevo/api/console"
	"relevo/api/console/account"
	"relevo/relay"
)

// accountView is somebody who signs in to the console.
type accountView struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Operator bool   `json:"operator"`
	Disabled bool   `json:"disabled"`
	// Password: they have one. Linked: the OpenID Connect provider's word opens
	// the account.
	Password   bool       `json:"has_password"`
	Linked     bool       `json:"linked"`
	Workspaces []seatView `json:"workspaces"`
	CreatedAt  time.Time  `json:"created_at"`
}

// seatView is a role of theirs, in a workspace.
type seatView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

// resetView is a new link to a new password, shown once.
type resetView struct {
	ID    string    `json:"id"`
	Email string    `json:"email"`
	URL   string    `json:"url"`
	Until time.Time `json:"valid_until"`
}

var errNoAccounts = relay.Refusef(relay.CodeNotFound, "This server has no console, and so no accounts.")

func (s *server) listAccounts(r *request) (answer, error) {
	if s.Accounts == nil {
		return answer{}, errNoAccounts
	}
	all, err := s.Accounts.Users(r.ctx)
	if err != nil {
		return answer{}, err
	}
	slices.SortStableFunc(all, func(a, b account.User) int { return b.CreatedAt.Compare(a.CreatedAt) })
	living, err := s.relay.LiveWorkspaces(r.ctx, account.WorkspacesOf(all...))
	if err != nil {
		return answer{}, err
	}
	return pageOf(mapped(all, func(u account.User) accountView { return s.viewAccount(u, living) }), ""), nil
}

func (s *server) viewAccount(u account.User, living map[string]relay.Workspace) accountView {
	v := accountView{
		ID: u.ID, Email: u.Email, Name: u.Name, Operator: u.Operator, Disabled: u.Disabled, Password: u.Password != "",
		Linked: s.Issuer != nil && u.Linked(s.Issuer.URL), Workspaces: []seatView{}, CreatedAt: u.CreatedAt.UTC(),
	}
	for _, id := range slices.Sorted(maps.Keys(u.Roles)) {
		if w, ok := living[id]; ok {
			v.Workspaces = append(v.Workspaces, seatView{id, w.Name, u.Roles[id]})
		}
	}
	return v
}

// resetAccount makes a link to a new password. Whoever has the link has the
// account.
func (s *server) resetAccount(r *request) (answer, error) {
	if s.Accounts == nil {
		return answer{}, errNoAccounts
	}
	l, err := s.Accounts.NewReset(r.ctx, r.param("id"))
	switch {
	case errors.Is(err, relay.ErrNotFound):
		return answer{}, relay.Refusef(relay.CodeNotFound, "There is no such account.")
	case errors.Is(err, account.ErrDisabled):
		return answer{}, relay.Refusef(relay.CodeConflict, "This account is kept out. Let it in again first, on the console's page of accounts.")
	case err != nil:
		return answer{}, err
	}
	return ok(resetView{ID: l.User.ID, Email: l.User.Email, URL: s.PublicURL + console.NewPasswordPath + l.Token, Until: l.Until}), nil
}
