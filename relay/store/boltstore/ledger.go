package boltstore

import (
	"context"
	"slices"

	"relevo/quota"
	"relevo/relay"
)

// ledgerRow is one line of a workspace's ledger: an entry of its own (a grant,
// an expiry, a fold), or the name of one that its message carries.
type ledgerRow struct {
	Entry *quota.Entry `json:"entry,omitzero"`
	// Message carries the entry of this kind and reference.
	Message string     `json:"message,omitzero"`
	Kind    quota.Kind `json:"kind,omitzero"`
	Ref     string     `json:"ref,omitzero"`
	// Folded counts the entries of pruned messages in Entry.
	Folded int64 `json:"folded,omitzero"`
}

// Account loads a balance. The writer is alone, so it is held by nature.
func (t *tx) Account(_ context.Context, id string) (quota.Account, error) {
	a, err := orZero[quota.Account](t, bAccount, id)
	a.ID = id
	return a, err
}

// PutAccount writes a balance back.
func (t *tx) PutAccount(_ context.Context, a quota.Account) error { return put(t, bAccount, a.ID, a) }

// Entry finds an entry: a message's among its marks, any other by its name.
func (t *tx) Entry(_ context.Context, account string, kind quota.Kind, ref string) (quota.Entry, bool, error) {
	if id, ok := relay.MessageOfRef(ref); ok && kind != quota.KindGrant && kind != quota.KindExpire {
		marks, err := t.marks(id)
		if err != nil {
			return quota.Entry{}, false, err
		}
		i := slices.IndexFunc(marks, func(e quota.Entry) bool { return e.Kind == kind && e.Ref == ref && e.Account == account })
		if i < 0 {
			return quota.Entry{}, false, nil
		}
		return marks[i], true, nil
	}
	v := t.raw(bGrant, grantKey(account, kind, ref))
	if v == nil {
		return quota.Entry{}, false, nil
	}
	at, err := decode[[]byte](bGrant, grantKey(account, kind, ref), v)
	if err != nil {
		return quota.Entry{}, false, err
	}
	row, err := get[ledgerRow](t, bLedger, string(at))
	if err != nil {
		return quota.Entry{}, false, err
	}
	return *row.Entry, true, nil
}

// PostEntry writes an entry and its line in the ledger.
func (t *tx) PostEntry(_ context.Context, e quota.Entry) error {
	key := ledgerKey(e.Account, e.At, e.Kind)
	if id, ok := relay.MessageOfRef(e.Ref); ok && e.Kind != quota.KindGrant && e.Kind != quota.KindExpire {
		marks, err := t.marks(id)
		if err != nil {
			return err
		}
		raw, err := rawID(id)
		if err != nil {
			return err
		}
		if err := put(t, bMarks, raw, append(marks, e)); err != nil {
			return err
		}
		return put(t, bLedger, key, ledgerRow{Message: id, Kind: e.Kind, Ref: e.Ref})
	}
	if err := put(t, bGrant, grantKey(e.Account, e.Kind, e.Ref), []byte(key)); err != nil {
		return err
	}
	return put(t, bLedger, key, ledgerRow{Entry: &e})
}

// marks are the entries that a message carries, oldest first.
func (t *tx) marks(id string) ([]quota.Entry, error) {
	raw, err := rawID(id)
	if err != nil {
		return nil, err
	}
	return orZero[[]quota.Entry](t, bMarks, raw)
}
