package boltstore

import (
	"context"

	"relevo/relay"
)

// personKey is a hash for the reason that writerKey is one.
func personKey(workspace, channel, user string) string { return writerKey(workspace, channel, user) }

// RecipientOfUser is under which recipient a person is known.
func (t *tx) RecipientOfUser(_ context.Context, workspace, channel, user string) (string, error) {
	p, err := get[relay.Person](t, bPerson, personKey(workspace, channel, user))
	return p.Recipient, err
}

// PutUser writes it.
func (t *tx) PutUser(_ context.Context, workspace, channel, user, recipient string) error {
	p := relay.Person{Workspace: workspace, Channel: channel, User: user, Recipient: recipient}
	return put(t, bPerson, personKey(workspace, channel, user), p)
}

// DeleteUser forgets it.
func (t *tx) DeleteUser(_ context.Context, workspace, channel, user string) error {
	return t.delete(bPerson, personKey(workspace, channel, user))
}
