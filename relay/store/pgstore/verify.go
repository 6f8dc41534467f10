package pgstore

import (
	"context"

	"relevo/relay"
)

// Verify is written by somebody else now.
func (s *Store) Verify(ctx context.Context, report func(string)) (relay.VerifyStats, error) {
	return relay.VerifyStats{}, nil
}
