package boltstore

import (
	"context"
	"errors"
	"time"

	"relevo/relay"
)

// Message finds one by id.
func (t *tx) Message(_ context.Context, workspace, id string) (relay.Message, error) {
	raw, err := rawID(id)
	if err != nil {
		return relay.Message{}, err
	}
	m, err := get[relay.Message](t, bMessage, raw)
	if err == nil && m.Workspace != workspace {
		return relay.Message{}, relay.ErrNotFound
	}
	return m, err
}

// PutMessage writes one and keeps the indexes of unknown outcomes and of
// provider ids in step.
func (t *tx) PutMessage(_ context.Context, m relay.Message) error {
	raw, err := rawID(m.ID)
	if err != nil {
		return err
	}
	if m.Erased {
		if err := t.forgetProviderID(raw); err != nil {
			return err
		}
	}
	if m.ProviderID != "" && t.raw(bProvider, m.Channel+m.ProviderID) == nil {
		if err := put(t, bProvider, m.Channel+m.ProviderID, []byte(raw)); err != nil {
			return err
		}
	}
	if !m.UnknownAt.IsZero() {
		if err := t.indexUnknown(m, raw); err != nil {
			return err
		}
	}
	if at := messageByKey(m, raw); at != "" && t.raw(bMessage, raw) == nil { // its chat never changes
		if err := t.write(bMessageBy, at, seal(bMessageBy, at, nil)); err != nil {
			return err
		}
	}
	return put(t, bMessage, raw, m)
}

// forgetProviderID takes a message that is being erased out of the index of
// provider ids.
func (t *tx) forgetProviderID(raw string) error {
	old, err := get[relay.Message](t, bMessage, raw)
	if errors.Is(err, relay.ErrNotFound) || err == nil && old.ProviderID == "" {
		return nil
	}
	return errors.Join(err, t.delete(bProvider, old.Channel+old.ProviderID))
}

func unknownKey(m relay.Message, raw string) string { return be(m.UnknownAt.UnixMicro()) + raw }

func (t *tx) indexUnknown(m relay.Message, raw string) error {
	key := unknownKey(m, raw)
	listed := t.raw(bUnknown, key) != nil
	switch unknown := m.Status == relay.Unknown; {
	case unknown && !listed:
		return t.write(bUnknown, key, seal(bUnknown, key, nil))
	case !unknown && listed:
		return t.delete(bUnknown, key)
	}
	return nil
}

// MessageByProvider finds a message by its provider's id on a channel.
func (t *tx) MessageByProvider(ctx context.Context, workspace, channel, providerID string) (string, error) {
	if providerID == "" {
		return "", relay.ErrNotFound
	}
	raw, err := get[[]byte](t, bProvider, channel+providerID)
	if err != nil {
		return "", err
	}
	_, err = t.Message(ctx, workspace, idOf(string(raw)))
	return idOf(string(raw)), err
}

// Count adds to a channel's counters for one minute.
func (t *tx) Count(_ context.Context, workspace string, at time.Time, c relay.Counts) error {
	key := minuteKey(workspace, at) + c.Channel
	old, err := orZero[relay.Counts](t, bCount, key)
	if err != nil {
		return err
	}
	c.Add(old)
	return put(t, bCount, key, c)
}

// Fetch finds the job that fetches a message's file.
func (t *tx) Fetch(_ context.Context, workspace, messageID string) (relay.Fetch, error) {
	raw, err := rawID(messageID)
	if err != nil {
		return relay.Fetch{}, err
	}
	f, err := get[relay.Fetch](t, bFetch, raw)
	if err == nil && f.Workspace != workspace {
		return relay.Fetch{}, relay.ErrNotFound
	}
	return f, err
}

// PutFetch writes one.
func (t *tx) PutFetch(_ context.Context, f relay.Fetch) error {
	raw, err := rawID(f.MessageID)
	if err != nil {
		return err
	}
	return put(t, bFetch, raw, f)
}

// DeleteFetch forgets one.
func (t *tx) DeleteFetch(_ context.Context, f relay.Fetch) error {
	raw, err := rawID(f.MessageID)
	return errors.Join(err, t.delete(bFetch, raw))
}
