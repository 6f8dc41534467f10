package pgstore

import (
	"context"
	"slices"

	"relevo/quota"
	"relevo/relay"
)

// Account loads a balance and holds it.
func (t *tx) Account(_ context.Context, id string) (quota.Account, error) {
	_, w, err := t.workspace(id)
	return w.account, err
}

// PutAccount writes a balance back.
func (t *tx) PutAccount(_ context.Context, a quota.Account) error {
	r, w, err := t.workspace(a.ID)
	if err != nil {
		return err
	}
	w.account = a
	return t.putWorkspace(a.ID, r, w, dirtyAccount)
}

// carrier is the message that carries an entry as one of its marks; false for
// an entry of its own.
func carrier(kind quota.Kind, ref string) (id string, ok bool) {
	if kind == quota.KindGrant || kind == quota.KindExpire {
		return "", false
	}
	return relay.MessageOfRef(ref)
}

func entryKey(account string, kind quota.Kind, ref string) key {
	return key{t: tEntry, ws: account, a: string(kind), b: plain(ref)}
}

// Entry finds an entry: a message's among its marks, any other by its name.
func (t *tx) Entry(_ context.Context, account string, kind quota.Kind, ref string) (quota.Entry, bool, error) {
	if id, ok := carrier(kind, ref); ok {
		_, m, err := t.whole(account, id)
		i := slices.IndexFunc(m.marks, func(e quota.Entry) bool { return e.Kind == kind && e.Ref == ref && e.Account == account })
		if err != nil || i < 0 {
			return quota.Entry{}, false, err
		}
		return m.marks[i], true, nil
	}
	r, err := t.read(entryKey(account, kind, ref), false)
	e, found := r.v.(quota.Entry)
	return e, found, err
}

// PostEntry writes an entry.
func (t *tx) PostEntry(_ context.Context, e quota.Entry) error {
	if t.view {
		return errReadOnly
	}
	id, ok := carrier(e.Kind, e.Ref)
	t.o.entries = append(t.o.entries, entryRow{Entry: e, message: id})
	if !ok {
		return t.write(entryKey(e.Account, e.Kind, e.Ref), row{v: e})
	}
	r, m, err := t.whole(e.Account, id)
	if err != nil {
		return err
	}
	m.marks = append(m.marks[:len(m.marks):len(m.marks)], e)
	return t.putMessage(e.Account, id, r, m, dirtyRecord)
}
