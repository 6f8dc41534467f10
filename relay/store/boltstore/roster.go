package boltstore

import (
	"context"
	"errors"
	"slices"

	"relevo/relay"
)

// Workspace finds one by id.
func (t *tx) Workspace(_ context.Context, id string) (relay.Workspace, error) {
	return get[relay.Workspace](t, bWS, id)
}

// PutWorkspace writes one.
func (t *tx) PutWorkspace(_ context.Context, w relay.Workspace) error { return put(t, bWS, w.ID, w) }

// Channel finds one of a workspace.
func (t *tx) Channel(_ context.Context, workspace, id string) (relay.Channel, error) {
	return get[relay.Channel](t, bChannel, workspace+id)
}

// PutChannel writes one.
func (t *tx) PutChannel(_ context.Context, c relay.Channel) error {
	return put(t, bChannel, c.Workspace+c.ID, c)
}

// Channels is a workspace's roster.
func (t *tx) Channels(_ context.Context, workspace string) ([]relay.ChannelRef, error) {
	return orZero[[]relay.ChannelRef](t, bRoster, workspace)
}

// PutChannels writes the roster.
func (t *tx) PutChannels(_ context.Context, workspace string, refs []relay.ChannelRef) error {
	return put(t, bRoster, workspace, refs)
}

// Chat finds the conversation of a channel with a recipient.
func (t *tx) Chat(_ context.Context, workspace, channel, recipient string) (relay.Chat, error) {
	return get[relay.Chat](t, bChat, chatKey(workspace, channel, recipient))
}

// ChatByID finds a conversation by its number.
func (t *tx) ChatByID(_ context.Context, workspace, id string) (relay.Chat, error) {
	key, err := get[[]byte](t, bChatID, chatIDKey(workspace, id))
	if err != nil {
		return relay.Chat{}, err
	}
	return get[relay.Chat](t, bChat, string(key))
}

// ChatsByName are the numbers of the chats of that name.
func (t *tx) ChatsByName(_ context.Context, workspace, name string) ([]string, error) {
	return orZero[[]string](t, bChatName, workspace+name)
}

// PutChat writes a conversation and keeps its indexes in step.
func (t *tx) PutChat(ctx context.Context, c relay.Chat) error {
	key := chatKey(c.Workspace, c.Channel, c.Recipient)
	old, err := t.Chat(ctx, c.Workspace, c.Channel, c.Recipient)
	switch {
	case errors.Is(err, relay.ErrNotFound):
		if err := put(t, bChatID, chatIDKey(c.Workspace, c.ID), []byte(key)); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if old.Name != c.Name {
		if err := t.rename(ctx, c, old.Name); err != nil {
			return err
		}
	}
	return put(t, bChat, key, c)
}

// DeleteChat forgets a chat, and what leads to it by number and name.
func (t *tx) DeleteChat(ctx context.Context, c relay.Chat) error {
	old, err := t.Chat(ctx, c.Workspace, c.Channel, c.Recipient)
	if errors.Is(err, relay.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	nameless := old
	nameless.Name = ""
	return errors.Join(t.rename(ctx, nameless, old.Name), t.delete(bChatID, chatIDKey(c.Workspace, old.ID)), t.delete(bChat, chatKey(c.Workspace, c.Channel, c.Recipient)))
}

func (t *tx) rename(ctx context.Context, c relay.Chat, from string) error {
	if from != "" {
		ids, err := t.ChatsByName(ctx, c.Workspace, from)
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == c.ID })
		if err := t.putNames(c.Workspace+from, ids); err != nil {
			return err
		}
	}
	if c.Name == "" {
		return nil
	}
	ids, err := t.ChatsByName(ctx, c.Workspace, c.Name)
	if err != nil {
		return err
	}
	return t.putNames(c.Workspace+c.Name, append(ids, c.ID))
}

func (t *tx) putNames(key string, ids []string) error {
	if len(ids) == 0 {
		return t.delete(bChatName, key)
	}
	return put(t, bChatName, key, ids)
}

// WorkspaceByToken leads from a token's hash to its workspace.
func (t *tx) WorkspaceByToken(_ context.Context, h relay.TokenHash) (string, error) {
	return get[string](t, bToken, string(h[:]))
}

// PutToken writes a token's hash.
func (t *tx) PutToken(_ context.Context, h relay.TokenHash, workspace string) error {
	return put(t, bToken, string(h[:]), workspace)
}

// DeleteToken forgets a token's hash.
func (t *tx) DeleteToken(_ context.Context, h relay.TokenHash) error {
	return t.delete(bToken, string(h[:]))
}

// APIKey finds a management key by its hash.
func (t *tx) APIKey(_ context.Context, h relay.TokenHash) (relay.APIKey, error) {
	return get[relay.APIKey](t, bAPIKey, string(h[:]))
}

// PutAPIKey writes a management key.
func (t *tx) PutAPIKey(_ context.Context, k relay.APIKey) error {
	return put(t, bAPIKey, string(k.Hash[:]), k)
}

// DeleteAPIKey forgets a management key.
func (t *tx) DeleteAPIKey(_ context.Context, k relay.APIKey) error {
	return t.delete(bAPIKey, string(k.Hash[:]))
}

// WorkspaceByCallback finds the workspace of a provider's callback address.
func (t *tx) WorkspaceByCallback(_ context.Context, callback string) (string, error) {
	return get[string](t, bCallback, callback)
}

// PutCallback writes what leads from a callback's address to its workspace.
func (t *tx) PutCallback(_ context.Context, callback, workspace string) error {
	return put(t, bCallback, callback, workspace)
}

// DeleteCallback forgets it.
func (t *tx) DeleteCallback(_ context.Context, callback string) error {
	return t.delete(bCallback, callback)
}
