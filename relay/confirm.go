package relay

import (
	"context"
	"time"
)

// Confirm settles a message of unknown outcome, or one that stayed
// unconfirmed, as delivered: somebody asked the other side. It costs what a
// provider's report of the delivery would: an unconfirmed message, whose units
// came back, is paid again, once, as far as the units cover it. CodeConflict
// where the message is in any other state.
func (r *Relay) Confirm(ctx context.Context, workspace, id string) (m Message, err error) {
	err = r.update(ctx, workspace, func(tx Tx) error {
		if m, err = findMessage(ctx, tx, workspace, id); err != nil {
			return err
		}
		if m.Status != Unknown && m.Status != Unconfirmed {
			return Refusef(CodeConflict, "Only a message of unknown outcome can be confirmed; this one is %s.", m.Status)
		}
		_, err := change(ctx, tx, &m, Change{At: time.Now(), Status: Delivered, Try: m.Tries, Note: NoteConfirmed})
		return err
	})
	if err == nil {
		r.dispatcher.Wake()
	}
	return m, err
}
