package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"relevo/relay"
)

// SetRole gives somebody another role in a workspace; Nobody takes them out of
// its team. ErrLastOwner where nobody would be left who may let people in.
func (a *Accounts) SetRole(ctx context.Context, workspace, id string, role Role) (User, error) {
	lets := func(u User) bool { return !u.Disabled && u.Role(workspace) == Owner }
	return a.changeUnlessLast(ctx, id, lets, func(u *User) error {
		if ParseRole(u.Roles[workspace]) == Nobody {
			return relay.ErrNotFound
		}
		if role == Nobody {
			delete(u.Roles, workspace)
			return nil
		}
		u.Roles[workspace] = role.String()
		return nil
	}, keepUser)
}

// SignOut ends all sessions of somebody.
func (a *Accounts) SignOut(ctx context.Context, id string) (User, error) {
	return a.Change(ctx, id, func(u *User) error { u.Epoch++; return nil })
}

func runsServer(u User) bool { return u.Operator && !u.Disabled }

// SetOperator lets somebody run the server, or no longer. ErrLastOwner for the
// last one.
func (a *Accounts) SetOperator(ctx context.Context, id string, operator bool) (User, error) {
	return a.changeUnlessLast(ctx, id, runsServer, func(u *User) error { u.Operator = operator; return nil }, keepUser)
}

// SetDisabled keeps somebody out, whatever they know, or lets them in again.
// Their sessions end. ErrLastOwner for the last operator.
func (a *Accounts) SetDisabled(ctx context.Context, id string, disabled bool) (User, error) {
	return a.changeUnlessLast(ctx, id, runsServer, func(u *User) error {
		u.Disabled = disabled
		u.Epoch++
		return nil
	}, keepUser)
}

// Delete forgets a user and ends their sessions. ErrLastOwner for the last
// operator.
func (a *Accounts) Delete(ctx context.Context, id string) error {
	_, err := a.changeUnlessLast(ctx, id, runsServer, func(u *User) error { u.Operator = false; return nil }, func(ctx context.Context, tx relay.Tx, u User) error {
		if err := errors.Join(tx.DeleteCard(ctx, kindEmail, "", u.Email), tx.DeleteCard(ctx, kindReset, "", id), unlink(ctx, tx, &u)); err != nil {
			return err
		}
		return tx.DeleteCard(ctx, kindUser, "", id)
	})
	return err
}

func keepUser(ctx context.Context, tx relay.Tx, u User) error {
	return keep(ctx, tx, relay.Card{Kind: kindUser, Key: u.ID}, u)
}

// changeUnlessLast changes a user, but not the last one that lets is true of so
// that it is no longer. Two that do so at once hold each other's rows, in the
// order of their ids: one of them sees what the other did.
func (a *Accounts) changeUnlessLast(ctx context.Context, id string, lets func(User) bool, fn func(*User) error, write func(context.Context, relay.Tx, User) error) (u User, err error) {
	all, err := a.Users(ctx)
	if err != nil {
		return u, err
	}
	all = slices.DeleteFunc(all, func(v User) bool { return v.ID != id && !lets(v) })
	err = a.store.Update(ctx, func(tx relay.Tx) error {
		u = User{}
		others := false
		for _, v := range all {
			now, err := load[User](ctx, tx, kindUser, "", v.ID)
			switch {
			case errors.Is(err, relay.ErrNotFound):
			case err != nil:
				return err
			case v.ID == id:
				u = now
			default:
				others = others || lets(now)
			}
		}
		if u.ID == "" {
			return relay.ErrNotFound
		}
		was := lets(u)
		if err := fn(&u); err != nil {
			return err
		}
		if was && !others && !lets(u) {
			return ErrLastOwner
		}
		return write(ctx, tx, u)
	})
	return u, err
}

// Invites are the links into a workspace's team that nobody has used and that
// are still good, in no order.
func (a *Accounts) Invites(ctx context.Context, workspace string) (list []Invite, err error) {
	err = a.eachInvite(ctx, func(_ relay.Card, in Invite) {
		if in.Workspace == workspace && time.Now().Before(in.Until) {
			list = append(list, in)
		}
	})
	return list, err
}

func (a *Accounts) eachInvite(ctx context.Context, fn func(relay.Card, Invite)) error {
	for p := (relay.Page{Limit: 200}); ; {
		cards, next, err := a.store.Cards(ctx, relay.CardFilter{Kind: kindInvite}, p)
		if err != nil {
			return err
		}
		for _, c := range cards {
			var in Invite
			if err := json.Unmarshal(c.Value, &in); err != nil {
				return err
			}
			fn(c, in)
		}
		if p.Cursor = next; next == "" {
			return nil
		}
	}
}

// Revoke makes a link worthless, by the invitation's id. relay.ErrNotFound.
func (a *Accounts) Revoke(ctx context.Context, workspace, id string) (revoked Invite, err error) {
	key := ""
	err = a.eachInvite(ctx, func(c relay.Card, in Invite) {
		if in.Workspace == workspace && in.ID == id {
			key, revoked = c.Key, in
		}
	})
	if err != nil {
		return revoked, err
	}
	if key == "" {
		return revoked, relay.ErrNotFound
	}
	return revoked, a.store.Update(ctx, func(tx relay.Tx) error { return tx.DeleteCard(ctx, kindInvite, "", key) })
}
