package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// endpointsOf are the ids of a workspace's endpoints, also of one that was
// deleted.
func (k Rekey) endpointsOf(ctx context.Context, workspace string) (ids []string, err error) {
	for page := (Page{Limit: batch}); ; {
		cards, next, err := k.Store.Cards(ctx, CardFilter{Kind: kindEndpoint, Workspace: workspace}, page)
		if err != nil {
			return nil, err
		}
		for _, c := range cards {
			ids = append(ids, c.Key)
		}
		if page.Cursor = next; next == "" {
			return ids, nil
		}
	}
}

// carryEndpoints seals the secrets of a workspace's endpoints anew. Those of a
// deleted workspace sign nothing any more, and are dropped.
func (k Rekey) carryEndpoints(ctx context.Context, tx Tx, c *carried, r room) error {
	for _, id := range r.endpoints {
		e, err := findEndpoint(ctx, tx, r.workspace, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		was := [2][]byte{e.Secret, e.Previous}
		if !c.live {
			e.Secret, e.Previous = nil, nil
		}
		for _, sealed := range []*[]byte{&e.Secret, &e.Previous} {
			if len(*sealed) == 0 {
				continue
			}
			if _, *sealed, err = k.reseal(*sealed, e.ID); err != nil {
				return fmt.Errorf("the secret of endpoint %s of workspace %s: %w", e.ID, r.workspace, err)
			}
		}
		if !bytes.Equal(was[0], e.Secret) || !bytes.Equal(was[1], e.Previous) {
			c.endpoints = append(c.endpoints, e)
		}
	}
	return nil
}
