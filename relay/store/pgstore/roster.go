package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"relevo/relay"
)

func (t *tx) workspace(id string) (row, workspaceRow, error) {
	r, err := t.read(key{t: tWorkspace, ws: id}, true)
	w, _ := r.v.(workspaceRow)
	w.account.ID = id
	return r, w, err
}

// wholeWorkspace is workspace for who needs its record or its roster.
func (t *tx) wholeWorkspace(id string) (row, workspaceRow, error) {
	r, w, err := t.workspace(id)
	if err == nil {
		err = w.bad
	}
	return r, w, err
}

func (t *tx) putWorkspace(id string, r row, w workspaceRow, p part) error {
	r.v, r.dirty = w, r.dirty|p
	return t.write(key{t: tWorkspace, ws: id}, r)
}

// Workspace finds one by id.
func (t *tx) Workspace(_ context.Context, id string) (relay.Workspace, error) {
	_, w, err := t.wholeWorkspace(id)
	if err == nil && w.record == nil {
		err = relay.ErrNotFound
	}
	if err != nil {
		return relay.Workspace{}, err
	}
	return cloneWorkspace(*w.record), nil
}

// PutWorkspace writes one.
func (t *tx) PutWorkspace(_ context.Context, rec relay.Workspace) error {
	r, w, err := t.wholeWorkspace(rec.ID)
	if err != nil {
		return err
	}
	rec = cloneWorkspace(rec)
	w.record = &rec
	return t.putWorkspace(rec.ID, r, w, dirtyRecord)
}

// Channels is a workspace's roster.
func (t *tx) Channels(_ context.Context, workspace string) ([]relay.ChannelRef, error) {
	_, w, err := t.wholeWorkspace(workspace)
	return slices.Clone(w.roster), err
}

// PutChannels writes the roster.
func (t *tx) PutChannels(_ context.Context, workspace string, refs []relay.ChannelRef) error {
	r, w, err := t.wholeWorkspace(workspace)
	if err != nil {
		return err
	}
	w.roster = slices.Clone(refs)
	return t.putWorkspace(workspace, r, w, dirtyRecord)
}

// Channel finds one of a workspace.
func (t *tx) Channel(_ context.Context, workspace, id string) (relay.Channel, error) {
	c, err := find[relay.Channel](t, key{t: tChannel, ws: workspace, a: id}, false)
	return cloneChannel(c), err
}

// PutChannel writes one.
func (t *tx) PutChannel(_ context.Context, c relay.Channel) error {
	k := key{t: tChannel, ws: c.Workspace, a: c.ID}
	r, _, err := change[relay.Channel](t, k)
	if err != nil {
		return err
	}
	r.v, r.dirty = cloneChannel(c), dirtyRecord
	return t.write(k, r)
}

// Chat finds the conversation of a channel with a recipient.
func (t *tx) Chat(_ context.Context, workspace, channel, recipient string) (relay.Chat, error) {
	return find[relay.Chat](t, key{t: tChat, ws: workspace, a: channel, b: recipient}, false)
}

// chatPlace is what leads to a chat.
type chatPlace struct{ channel, recipient string }

// ChatByID finds a conversation by its number.
func (t *tx) ChatByID(ctx context.Context, workspace, id string) (relay.Chat, error) {
	at, err := find[chatPlace](t, key{t: tChatByID, ws: workspace, a: id}, false)
	if err != nil {
		return relay.Chat{}, err
	}
	return t.Chat(ctx, workspace, at.channel, at.recipient)
}

// ChatsByName are the numbers of the chats with exactly that name, the
// smallest first.
func (t *tx) ChatsByName(_ context.Context, workspace, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	r, err := t.read(key{t: tChatNames, ws: workspace, a: name}, false)
	ids, _ := r.v.([]string)
	return slices.Clone(ids), err
}

// PutChat writes a chat, and what leads to it by number and name.
func (t *tx) PutChat(ctx context.Context, c relay.Chat) error {
	if _, err := strconv.ParseInt(c.ID, 10, 64); err != nil {
		return fmt.Errorf("chat number %.40q is no number", c.ID)
	}
	k := key{t: tChat, ws: c.Workspace, a: c.Channel, b: c.Recipient}
	r, old, err := change[relay.Chat](t, k)
	if err != nil {
		return err
	}
	if old.Name != c.Name {
		err := errors.Join(t.rename(ctx, c, old.Name, false), t.rename(ctx, c, c.Name, true))
		if err != nil {
			return err
		}
	}
	r.v, r.dirty = c, dirtyRecord
	// a row that only leads to this one is never written by itself
	leads := row{v: chatPlace{c.Channel, c.Recipient}}
	return errors.Join(t.write(key{t: tChatByID, ws: c.Workspace, a: c.ID}, leads), t.write(k, r))
}

// DeleteChat forgets a chat, and what leads to it by number and name.
func (t *tx) DeleteChat(ctx context.Context, c relay.Chat) error {
	k := key{t: tChat, ws: c.Workspace, a: c.Channel, b: c.Recipient}
	r, old, err := change[relay.Chat](t, k)
	if err != nil || r.v == nil {
		return err
	}
	if err := t.rename(ctx, old, old.Name, false); err != nil {
		return err
	}
	r.v, r.dirty = nil, deleted
	return errors.Join(t.write(key{t: tChatByID, ws: c.Workspace, a: old.ID}, row{}), t.write(k, r))
}

// rename keeps what this transaction finds by name in step.
func (t *tx) rename(ctx context.Context, c relay.Chat, name string, has bool) error {
	if name == "" {
		return nil
	}
	ids, err := t.ChatsByName(ctx, c.Workspace, name)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == c.ID })
	if has {
		ids = append(ids, c.ID)
		slices.SortFunc(ids, func(a, b string) int { // as numbers
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return compareKeys(key{a: a}, key{a: b})
		})
	}
	return t.write(key{t: tChatNames, ws: c.Workspace, a: name}, row{v: ids})
}

// WorkspaceByToken finds the workspace of a webhook's secret.
func (t *tx) WorkspaceByToken(_ context.Context, h relay.TokenHash) (string, error) {
	return find[string](t, key{t: tToken, a: string(h[:])}, false)
}

// PutToken writes what leads from a secret to its workspace.
func (t *tx) PutToken(_ context.Context, h relay.TokenHash, workspace string) error {
	return t.write(key{t: tToken, a: string(h[:])}, row{v: workspace, dirty: dirtyRecord})
}

// DeleteToken forgets it.
func (t *tx) DeleteToken(_ context.Context, h relay.TokenHash) error {
	return t.write(key{t: tToken, a: string(h[:])}, row{dirty: deleted})
}

// WorkspaceByCallback finds the workspace of a provider's callback address.
func (t *tx) WorkspaceByCallback(_ context.Context, callback string) (string, error) {
	return find[string](t, key{t: tCallback, a: callback}, false)
}

// PutCallback writes what leads from a callback's address to its workspace.
func (t *tx) PutCallback(_ context.Context, callback, workspace string) error {
	return t.write(key{t: tCallback, a: callback}, row{v: workspace, dirty: dirtyRecord})
}

// DeleteCallback forgets it.
func (t *tx) DeleteCallback(_ context.Context, callback string) error {
	return t.write(key{t: tCallback, a: callback}, row{dirty: deleted})
}

// APIKey finds a key of the management API by its hash.
func (t *tx) APIKey(_ context.Context, h relay.TokenHash) (relay.APIKey, error) {
	return find[relay.APIKey](t, key{t: tAPIKey, a: string(h[:])}, false)
}

// PutAPIKey writes one.
func (t *tx) PutAPIKey(_ context.Context, k relay.APIKey) error {
	return t.write(key{t: tAPIKey, a: string(k.Hash[:])}, row{v: k, dirty: dirtyRecord})
}

// DeleteAPIKey forgets one.
func (t *tx) DeleteAPIKey(_ context.Context, k relay.APIKey) error {
	return t.write(key{t: tAPIKey, a: string(k.Hash[:])}, row{v: k, dirty: deleted})
}
