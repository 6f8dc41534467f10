package console

import (
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// keyRoutes are a workspace's keys of the API.
func (c *Console) keyRoutes() []route {
	return []route{
		{pattern: "GET /w/{ws}/keys", access: owners, page: showKeys},
		{pattern: "POST /w/{ws}/keys", access: owners, page: createKey},
		{pattern: "POST /w/{ws}/keys/{id}/revoke", access: owners, page: revokeKey},
	}
}

// keysPage is what the page shows.
type keysPage struct {
	Keys []keyShown
	// Name was filled in. New is a key in the clear, once.
	Name, New string
	// API is the address that examples call.
	API string
}

type keyShown struct {
	relay.APIKey
	UsedAt time.Time
}

func (p *call) keys() (d keysPage, err error) {
	p.Page = "keys"
	keys, err := p.c.Relay.Store.APIKeys(p.ctx, p.WS.ID)
	if err != nil {
		return d, err
	}
	uses, err := p.c.Relay.APIKeyUses(p.ctx, p.WS.ID)
	for _, k := range keys {
		d.Keys = append(d.Keys, keyShown{k, uses[k.ID]})
	}
	slices.SortFunc(d.Keys, func(a, b keyShown) int { return b.CreatedAt.Compare(a.CreatedAt) })
	d.API = p.base() + "/api/v1/workspaces/" + p.WS.ID
	return d, err
}

// base is the server's own address, as links for people elsewhere begin.
func (p *call) base() string {
	if p.c.PublicURL != "" {
		return strings.TrimRight(p.c.PublicURL, "/")
	}
	if p.r.TLS != nil {
		return "https://" + p.r.Host
	}
	return "http://" + p.r.Host
}

func showKeys(p *call) error {
	d, err := p.keys()
	if err != nil {
		return err
	}
	return p.show("keys", d)
}

// createKey shows the new key on the page itself: nowhere else is it kept in
// the clear, not even in a session.
func createKey(p *call) error {
	name := p.field("name")
	_, secret, err := p.c.Relay.CreateAPIKey(p.ctx, p.WS.ID, name)
	d, fault := p.keys()
	if fault != nil {
		return fault
	}
	if err != nil {
		d.Name = name
		return p.again(err, "keys", d)
	}
	p.note("key_created", name)
	d.New = secret
	return p.show("keys", d)
}

func revokeKey(p *call) error {
	id := p.r.PathValue("id")
	keys, err := p.c.Relay.Store.APIKeys(p.ctx, p.WS.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID == id {
			p.about = k.Name
		}
	}
	if err := p.c.Relay.DeleteAPIKey(p.ctx, p.WS.ID, id); err != nil {
		return err
	}
	return p.done(p.At("keys"), "keys.revoked")
}
