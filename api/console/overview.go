package console

import "relevo/quota"

func (c *Console) overviewRoutes() []route {
	return []route{{pattern: "GET /w/{ws}", access: viewers, page: showOverview}}
}

// overview is what the first page of a workspace shows.
type overview struct {
	Account quota.Account
}

func showOverview(p *call) error {
	a, err := p.c.Relay.Account(p.ctx, p.WS.ID)
	if err != nil {
		return err
	}
	return p.show("overview", overview{Account: a})
}
