package api

import (
	"slices"
	"time"

	"relevo/relay"
)

// keyView is a key of a workspace.
type keyView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// Key is the secret, shown once: when it is made.
	Key string `json:"key,omitzero"`
}

type keyBody struct {
	Name string `json:"name" validate:"required"`
}

func viewKey(k relay.APIKey) keyView {
	return keyView{ID: k.ID, Name: k.Name, CreatedAt: k.CreatedAt.UTC()}
}

func (s *server) listKeys(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	keys, err := s.relay.Store.APIKeys(r.ctx, r.workspace())
	slices.SortFunc(keys, func(a, b relay.APIKey) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return pageOf(mapped(keys, viewKey), ""), err
}

func (s *server) createKey(r *request) (answer, error) {
	var in keyBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	k, secret, err := s.relay.CreateAPIKey(r.ctx, r.workspace(), in.Name)
	v := viewKey(k)
	v.Key = secret
	return created("/workspaces/"+r.workspace()+"/keys/"+k.ID, v), err
}

func (s *server) deleteKey(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	return noContent(), s.relay.DeleteAPIKey(r.ctx, r.workspace(), r.param("id"))
}
