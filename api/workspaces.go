package api

import (
	"context"
	"strings"
	"time"

	"relevo/api/hook"
	"relevo/quota"
	"relevo/relay"
)

// workspaceView is a workspace as the API shows it.
type workspaceView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// Country is whose phone numbers those without a country code are; null:
	// the code is never missing.
	Country *string `json:"country"`
	// TimeZone is an IANA name; null: UTC.
	TimeZone *string     `json:"time_zone"`
	Webhook  webhookView `json:"webhook"`
	Quota    quotaView   `json:"quota"`
	// Notices are sentences about what needs attention.
	Notices []string `json:"notices"`
}

// workspaceBody is what a workspace is made or renamed from.
type workspaceBody struct {
	Name string `json:"name" validate:"required"`
}

func (s *server) viewWorkspace(w relay.Workspace, a quota.Account) (workspaceView, error) {
	hook, err := s.viewWebhook(w)
	return workspaceView{ID: w.ID, Name: w.Name, CreatedAt: w.CreatedAt.UTC(), Country: present(w.Country), TimeZone: present(w.TimeZone), Webhook: hook, Quota: viewQuota(a),
		Notices: append([]string{}, w.Notices()...)}, err
}

// fullWorkspaces shows workspaces with their balances, read at one moment.
func (s *server) fullWorkspaces(ctx context.Context, ws ...relay.Workspace) ([]workspaceView, error) {
	views := make([]workspaceView, 0, len(ws))
	err := s.relay.Store.View(ctx, func(tx relay.Tx) error {
		views = views[:0]
		for _, w := range ws {
			a, err := tx.Account(ctx, w.ID)
			if err != nil {
				return err
			}
			v, err := s.viewWorkspace(w, a)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		return nil
	})
	return views, err
}

func (s *server) oneWorkspace(ctx context.Context, w relay.Workspace) (workspaceView, error) {
	views, err := s.fullWorkspaces(ctx, w)
	if err != nil {
		return workspaceView{}, err
	}
	return views[0], nil
}

func (s *server) listWorkspaces(r *request) (answer, error) {
	page, err := r.page()
	if err != nil {
		return answer{}, err
	}
	var found []relay.Workspace
	var next string
	if r.who.operator {
		found, next, err = s.relay.Store.Workspaces(r.ctx, page)
	} else {
		found = make([]relay.Workspace, 1)
		found[0], err = s.relay.Workspace(r.ctx, r.who.workspace)
	}
	if err != nil {
		return answer{}, err
	}
	views, err := s.fullWorkspaces(r.ctx, found...)
	return pageOf(views, next), err
}

func (s *server) createWorkspace(r *request) (answer, error) {
	var in workspaceBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	w, err := s.relay.CreateWorkspace(r.ctx, in.Name)
	if err != nil {
		return answer{}, err
	}
	v, err := s.oneWorkspace(r.ctx, w)
	return created("/workspaces/"+w.ID, v), err
}

func (s *server) showWorkspace(r *request) (answer, error) {
	w, err := s.relay.Workspace(r.ctx, r.workspace())
	if err != nil {
		return answer{}, err
	}
	v, err := s.oneWorkspace(r.ctx, w)
	return ok(v), err
}

// workspacePatch changes what is given.
type workspacePatch struct {
	Name *string `json:"name"`
	// Country is two letters of ISO 3166, such as MX; empty removes it.
	Country *string `json:"country"`
	// TimeZone is an IANA name, such as America/Mexico_City; empty removes it.
	TimeZone *string `json:"time_zone"`
}

func (s *server) updateWorkspace(r *request) (answer, error) {
	var in workspacePatch
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	if in.Country != nil {
		code := strings.ToUpper(strings.TrimSpace(*in.Country))
		if in.Country = &code; code != "" && !hook.Country(code) {
			return answer{}, relay.RefuseField(relay.CodeInvalidField, "country", "There is no country of this code.", "Write two letters of ISO 3166, such as US, MX or DE; or nothing to remove it.")
		}
	}
	if in.TimeZone != nil && *in.TimeZone != "" && !relay.ValidTimeZone(*in.TimeZone) {
		return answer{}, relay.RefuseField(relay.CodeInvalidField, "time_zone", "There is no time zone of this name.", "Write an IANA name, such as America/Mexico_City or Europe/Madrid; or nothing for UTC.")
	}
	w, err := s.relay.UpdateWorkspace(r.ctx, r.workspace(), relay.WorkspacePatch{Name: in.Name, Country: in.Country, TimeZone: in.TimeZone})
	if err != nil {
		return answer{}, err
	}
	v, err := s.oneWorkspace(r.ctx, w)
	return ok(v), err
}

func (s *server) deleteWorkspace(r *request) (answer, error) {
	return noContent(), s.relay.DeleteWorkspace(r.ctx, r.workspace())
}
