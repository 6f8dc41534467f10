package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rebinder is a store whose master secret can be changed.
type Rebinder interface {
	Store
	// RebindSecret replaces the check value of the master secret. Where it is
	// to already, nothing changes; where it is neither, the error is a
	// *SecretError. With from and to the same it only looks. A store that
	// several nodes share refuses while one of them is alive.
	RebindSecret(ctx context.Context, from, to string) error
}

// SecretError tells the check value of a store that was expected to have
// another one.
type SecretError struct {
	// Have is empty where no server has ever run on the store.
	Have string
}

// Error says so in words.
func (e *SecretError) Error() string {
	return "the secret key is not the one that this database was made with"
}

// Between reports whether a change of the secret has begun and not ended.
func (e *SecretError) Between() bool { return strings.HasPrefix(e.Have, between) }

// between begins the check value of a store whose secret is being changed. No
// key has such a check value, so no server starts on a store that one key
// opens by half.
const between = "between "

// Rekey changes the master secret of a store that nobody else uses meanwhile.
// Every value is tried with the new secret first, then with the old one, so a
// change that was broken off ends well by running it again, also with the two
// secrets the other way round, which takes it back.
//
// Webhook tokens, the settings of channels and the secrets of endpoints are
// sealed, so they are carried over; of what was deleted, they are dropped. Of API keys there is only a
// hash: they end. So do the links to files, and the operator's key where it
// follows from the secret.
type Rekey struct {
	Store    Rebinder
	Old, New *Secrets
	// DropAPIKeys lets Run delete API keys; where there are any and nobody
	// agreed, it changes nothing.
	DropAPIKeys bool
}

// RekeySurvey is what a change of the secret meets.
type RekeySurvey struct {
	// Done: the store has the new secret already. Nothing else is told then.
	Done bool
	// Begun: an earlier run was broken off.
	Begun bool
	// Workspaces and Channels count what has something sealed that is carried
	// over; what was deleted has not.
	Workspaces, Channels int
	// APIKeys end.
	APIKeys []EndingKeys
}

// EndingKeys are the API keys of one workspace that a change of the secret
// ends.
type EndingKeys struct {
	Workspace, Name string
	Keys            int
}

// Survey says what Run would do, and changes nothing. It fails where Run
// would: a *SecretError where the store has neither secret, a node that is
// alive, a value that neither secret opens.
func (k Rekey) Survey(ctx context.Context) (v RekeySurvey, err error) {
	if v.Done, v.Begun, err = k.standing(ctx); err != nil || v.Done {
		return v, err
	}
	rooms, err := k.rooms(ctx)
	if err != nil {
		return v, err
	}
	for _, r := range rooms {
		keys, err := k.Store.APIKeys(ctx, r.workspace)
		if err != nil {
			return v, err
		}
		var c carried
		err = k.Store.View(ctx, func(tx Tx) error {
			c, err = k.carry(ctx, tx, r)
			return err
		})
		if err != nil {
			return v, err
		}
		v.Channels += c.sealed
		if c.live {
			v.Workspaces++
		}
		if len(keys) > 0 {
			v.APIKeys = append(v.APIKeys, EndingKeys{Workspace: r.workspace, Name: c.workspace.Name, Keys: len(keys)})
		}
	}
	return v, nil
}

// Run changes the secret: it marks the store, so that no server starts on it,
// carries over one workspace after the other, and gives the store the check
// value of the new secret last. Where it is broken off, run it again.
func (k Rekey) Run(ctx context.Context) error {
	v, err := k.Survey(ctx)
	if err != nil || v.Done {
		return err
	}
	if len(v.APIKeys) > 0 && !k.DropAPIKeys {
		return errors.New("API keys would end, and nobody agreed to that")
	}
	if !v.Begun {
		if err := k.Store.RebindSecret(ctx, k.Old.CheckValue(), k.mark()); err != nil {
			return err
		}
	}
	// A node that started at this very moment has its name by now, and is met
	// here, or it meets the mark.
	if err := k.Store.RebindSecret(ctx, k.mark(), k.mark()); err != nil {
		return err
	}
	rooms, err := k.rooms(ctx)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if err := k.move(ctx, r); err != nil {
			return err
		}
	}
	return k.Store.RebindSecret(ctx, k.mark(), k.New.CheckValue())
}

// mark is the check value of a store between the two secrets, the same in
// either direction.
func (k Rekey) mark() string {
	checks := []string{k.Old.CheckValue(), k.New.CheckValue()}
	slices.Sort(checks)
	return between + strings.Join(checks, " ")
}

// standing says how far the store is.
func (k Rekey) standing(ctx context.Context) (done, begun bool, err error) {
	fresh := k.New.CheckValue()
	if fresh == k.Old.CheckValue() {
		return false, false, errors.New("the new secret key is the old one")
	}
	err = k.Store.RebindSecret(ctx, fresh, fresh)
	var other *SecretError
	switch {
	case err == nil:
		return true, false, nil
	case !errors.As(err, &other):
		return false, false, err
	case other.Have != k.Old.CheckValue() && other.Have != k.mark():
		return false, false, other
	}
	return false, other.Have == k.mark(), k.Store.RebindSecret(ctx, other.Have, other.Have)
}

// room is a workspace with what leads to its channels.
type room struct {
	workspace string
	channels  []string
	endpoints []string
}

// rooms are all workspaces. Lists leave out what was deleted; lanes do not:
// every channel that ever was has one.
func (k Rekey) rooms(ctx context.Context) ([]room, error) {
	of := map[string][]string{}
	for page := (Page{Limit: batch}); ; {
		list, next, err := k.Store.Workspaces(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, w := range list {
			of[w.ID] = nil
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	lanes, err := k.Store.Queue(ctx, "", time.Now())
	if err != nil {
		return nil, err
	}
	for _, l := range lanes {
		of[l.Workspace] = append(of[l.Workspace], l.Group)
	}
	rooms := make([]room, 0, len(of))
	for workspace, channels := range of {
		endpoints, err := k.endpointsOf(ctx, workspace)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, room{workspace, channels, endpoints})
	}
	slices.SortFunc(rooms, func(a, b room) int { return strings.Compare(a.workspace, b.workspace) })
	return rooms, nil
}

// move carries over one workspace in one transaction.
func (k Rekey) move(ctx context.Context, r room) error {
	keys, err := k.Store.APIKeys(ctx, r.workspace)
	if err != nil {
		return err
	}
	return k.Store.Update(ctx, func(tx Tx) error {
		c, err := k.carry(ctx, tx, r)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := tx.DeleteAPIKey(ctx, key); err != nil {
				return err
			}
		}
		return c.put(ctx, tx)
	})
}

// carried is a workspace as it is under the new secret.
type carried struct {
	workspace Workspace
	// live: it was not deleted, and has a URL.
	live bool
	// changed: the workspace is to be written; gone and fresh are the hashes
	// by which its URLs were found, and are.
	changed     bool
	gone, fresh []TokenHash
	// channels are to be written; sealed counts those with sealed settings.
	channels []Channel
	sealed   int
	// endpoints are to be written.
	endpoints []Endpoint
}

func (c carried) put(ctx context.Context, tx Tx) error {
	for _, h := range c.gone {
		if err := tx.DeleteToken(ctx, h); err != nil {
			return err
		}
	}
	for _, h := range c.fresh {
		if err := tx.PutToken(ctx, h, c.workspace.ID); err != nil {
			return err
		}
	}
	for _, ch := range c.channels {
		if err := tx.PutChannel(ctx, ch); err != nil {
			return err
		}
	}
	for _, e := range c.endpoints {
		if err := putEndpoint(ctx, tx, e); err != nil {
			return err
		}
	}
	if !c.changed {
		return nil
	}
	return tx.PutWorkspace(ctx, c.workspace)
}

// carry reads a workspace and its channels and seals them anew. It writes
// nothing.
func (k Rekey) carry(ctx context.Context, tx Tx, r room) (c carried, err error) {
	c.workspace, err = tx.Workspace(ctx, r.workspace)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return c, err
	}
	if err == nil {
		if err := k.carryTokens(&c); err != nil {
			return c, err
		}
	}
	refs, err := tx.Channels(ctx, r.workspace)
	if err != nil {
		return c, err
	}
	ids := slices.Clone(r.channels)
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		ch, err := tx.Channel(ctx, r.workspace, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			err = k.carryChannel(&c, ch)
		}
		if err != nil {
			return c, err
		}
	}
	return c, k.carryEndpoints(ctx, tx, &c, r)
}

// carryTokens seals and hashes the URLs anew. Those of a deleted workspace are
// dead, and its copies are dropped.
func (k Rekey) carryTokens(c *carried) error {
	h := &c.workspace.Webhook
	if !c.workspace.DeletedAt.IsZero() {
		c.changed = len(h.Token.Sealed) > 0 || h.Previous != nil
		h.Token.Sealed, h.Previous = nil, nil
		return nil
	}
	c.live = true
	tokens := []*SealedToken{&h.Token}
	if h.Previous != nil {
		previous := *h.Previous
		h.Previous = &previous
		tokens = append(tokens, &previous)
	}
	for _, t := range tokens {
		token, sealed, err := k.reseal(t.Sealed, c.workspace.ID)
		if err != nil {
			return fmt.Errorf("the webhook URL of workspace %s: %w", c.workspace.ID, err)
		}
		if hash := k.New.HashToken(token); hash != t.Hash {
			c.gone, c.fresh = append(c.gone, t.Hash), append(c.fresh, hash)
			t.Hash, c.changed = hash, true
		}
		if !slices.Equal(t.Sealed, sealed) {
			t.Sealed, c.changed = sealed, true
		}
	}
	return nil
}

// carryChannel seals a channel's settings anew where they are sealed. Nobody
// needs those of a deleted one: what an earlier program kept is dropped.
func (k Rekey) carryChannel(c *carried, ch Channel) error {
	was := sealedIn(ch.Settings)
	if was == nil {
		return nil
	}
	if !ch.DeletedAt.IsZero() {
		ch.Settings = nil
		c.channels = append(c.channels, ch)
		return nil
	}
	_, sealed, err := k.reseal(was, ch.ID)
	if err != nil {
		return fmt.Errorf("the settings of channel %s of workspace %s: %w", ch.ID, ch.Workspace, err)
	}
	if c.sealed++; slices.Equal(was, sealed) {
		return nil
	}
	if ch.Settings, err = json.Marshal(sealedSettings{sealed}); err != nil {
		return err
	}
	c.channels = append(c.channels, ch)
	return nil
}

// sealedIn is what settings hold sealed; nil where they are a driver's own, in
// the clear.
func sealedIn(settings json.RawMessage) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(settings, &fields) != nil || len(fields) != 1 {
		return nil
	}
	var s sealedSettings
	if json.Unmarshal(settings, &s) != nil || len(s.Sealed) == 0 {
		return nil
	}
	return s.Sealed
}

// reseal opens a value with either secret. What the new one opens stays as it
// is.
func (k Rekey) reseal(sealed []byte, context string) (plain string, again []byte, err error) {
	if plain, err = k.New.Open(sealed, context); err == nil {
		return plain, sealed, nil
	}
	if plain, err = k.Old.Open(sealed, context); err != nil {
		return "", nil, errors.New("neither the old nor the new secret key opens it; rotate the URL or delete the channel first")
	}
	return plain, k.New.Seal(plain, context), nil
}
