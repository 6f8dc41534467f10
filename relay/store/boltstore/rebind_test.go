package boltstore_test

import (
	"testing"

	"relevo/relay/store/storetest"
)

func TestRekey(t *testing.T) {
	t.Parallel()
	storetest.Rekey(t, open)
}
