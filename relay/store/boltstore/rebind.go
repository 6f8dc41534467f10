package boltstore

import (
	"context"

	"relevo/relay"
)

var _ relay.Rebinder = (*Store)(nil)

// RebindSecret replaces the check value of the secret key. See relay.Rebinder.
func (s *Store) RebindSecret(ctx context.Context, from, to string) error {
	return s.do(ctx, &request{fn: func(t *tx) error {
		have, err := orZero[string](t, bMeta, "secret")
		switch {
		case err != nil:
			return err
		case have == to && have != "":
			return nil
		case have != from || have == "":
			return &relay.SecretError{Have: have}
		}
		return put(t, bMeta, "secret", to)
	}})
}
