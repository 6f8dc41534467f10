package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relevo/relay"
)

// Rekey changes the master secret of the stores that open makes, which must be
// relay.Rebinders.
func Rekey(t *testing.T, open Open) {
	for name, run := range map[string]func(*rekeyed){
		"EverySecretIsCarriedOverAndTheOldOneOpensNothing": carriesOver,
		"BrokenOffAnywhereItEndsByRunningAgain":            endsByRunningAgain,
		"BrokenOffAnywhereItCanBeTakenBack":                takesBack,
		"APIKeysEndOnlyWhereThatWasSaid":                   keysEnd,
		"AnotherSecretIsRefused":                           otherSecret,
		"WhatNeitherSecretOpensIsToldBeforeAnythingIsDone": neitherOpens,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newRekeyed(t, open)
				run(k)
				k.verify()
				k.close()
			})
		})
	}
}

// rekeyed is a store under the first of two secrets, with a workspace, another
// one, and one that was deleted.
type rekeyed struct {
	bench
	raw        relay.Rebinder
	left       int // writes until the process is killed; negative: never
	old, fresh *relay.Secrets
	acme, gone string
	// current and previous are acme's tokens, other the other workspace's.
	current, previous, other string
	// channel is acme's, with sealed settings; deleted are one of acme and one
	// of the deleted workspace, with settings that an earlier program kept.
	channel relay.Channel
	deleted []relay.Channel
	// endpoint is acme's, with two secrets; signs are both, the current first.
	endpoint relay.Endpoint
	signs    []string
}

// sealing is a driver whose channels have settings.
type sealing struct{ driver }

// Connect keeps what is given.
func (*sealing) Connect(given, _ json.RawMessage) (json.RawMessage, error) { return given, nil }

// Show shows everything.
func (*sealing) Show(settings json.RawMessage) map[string]string {
	return map[string]string{"all": string(settings)}
}

// Account is nobody.
func (*sealing) Account(json.RawMessage) string { return "" }

// binder is a store as a server opens it.
type binder interface {
	BindSecret(ctx context.Context, check string) error
}

func newRekeyed(t *testing.T, open Open) *rekeyed {
	t.Helper()
	k := &rekeyed{bench: bench{t: t, open: open, dir: t.TempDir()}, left: -1}
	k.begin()
	k.raw = k.store.(*watched).Store.(relay.Rebinder)
	k.store = watch(t, &twice{k.raw})
	k.old, k.fresh = k.secrets("old"), k.secrets("new")
	ctx, r := t.Context(), k.relay(k.old)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	make := func(name string) relay.Workspace {
		w, err := r.CreateWorkspace(ctx, name)
		must(err)
		return w
	}
	connect := func(workspace, phone string) relay.Channel {
		ch, err := r.CreateChannel(ctx, workspace, relay.NewChannel{Kind: "sealing", Phone: phone, Settings: json.RawMessage(sealedText)})
		must(err)
		return ch
	}
	must(k.raw.(binder).BindSecret(ctx, k.old.CheckValue()))
	acme, other, gone := make("Acme"), make("Other"), make("Gone")
	k.acme, k.gone = acme.ID, gone.ID
	var err error
	k.previous, err = r.Token(acme)
	must(err)
	acme, err = r.RotateWebhook(ctx, k.acme, time.Hour)
	must(err)
	k.current, err = r.Token(acme)
	must(err)
	k.other, err = r.Token(other)
	must(err)
	k.channel = connect(k.acme, "+15550000001")
	k.deleted = []relay.Channel{connect(k.acme, "+15550000002"), connect(k.gone, "+15550000003")}
	must(r.DeleteChannel(ctx, k.acme, k.deleted[0].ID))
	listen := func(workspace string) (e relay.Endpoint, secret string) {
		e, secret, err := r.CreateEndpoint(ctx, workspace, relay.NewEndpoint{URL: listening})
		must(err)
		return e, secret
	}
	listen(k.gone)
	var first, second string
	k.endpoint, first = listen(k.acme)
	_, second, err = r.RotateEndpoint(ctx, k.acme, k.endpoint.ID, 24*time.Hour)
	must(err)
	k.signs = []string{second, first}
	must(r.DeleteWorkspace(ctx, k.gone))
	for _, ch := range k.deleted {
		k.keep(ch, ch.Settings)
	}
	return k
}

// sealedText is what the settings of channels are.
const sealedText = `{"token":"secret"}`

// keep writes the settings of a channel as they lie in the store.
func (k *rekeyed) keep(made relay.Channel, settings json.RawMessage) {
	k.t.Helper()
	k.update(func(_ *report, tx relay.Tx) error {
		ch, err := tx.Channel(k.t.Context(), made.Workspace, made.ID)
		ch.Settings = settings
		return errors.Join(err, tx.PutChannel(k.t.Context(), ch))
	})
}

func (k *rekeyed) secrets(name string) *relay.Secrets {
	k.t.Helper()
	s, err := relay.NewSecrets([]byte(strings.Repeat(name, 11)))
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// relay is one that has just started over the store.
func (k *rekeyed) relay(s *relay.Secrets) *relay.Relay {
	k.t.Helper()
	r, err := relay.New(k.store, map[string]relay.Driver{"sealing": &sealing{}}, s, nil, relay.DefaultSettings(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		k.t.Fatal(err)
	}
	r.Poster = &receiver{}
	return r
}

// change is what changes the secret.
func (k *rekeyed) change(from, to *relay.Secrets) relay.Rekey {
	return relay.Rekey{Store: mortal{Store: k.store, k: k}, Old: from, New: to}
}

// mortal is the store of a process that is killed at one of its writes.
type mortal struct {
	relay.Store
	k *rekeyed
}

var errKilled = errors.New("killed")

func (m mortal) write(fn func() error) error {
	if m.k.left == 0 {
		return errKilled
	}
	m.k.left--
	return fn()
}

// Update is one write.
func (m mortal) Update(ctx context.Context, fn func(relay.Tx) error) error {
	return m.write(func() error { return m.Store.Update(ctx, fn) })
}

// RebindSecret is one write too.
func (m mortal) RebindSecret(ctx context.Context, from, to string) error {
	if from == to {
		return m.k.raw.RebindSecret(ctx, from, to)
	}
	return m.write(func() error { return m.k.raw.RebindSecret(ctx, from, to) })
}

// isUnder checks that one secret opens everything, and the other nothing.
func (k *rekeyed) isUnder(s, not *relay.Secrets) {
	k.t.Helper()
	ctx, r := k.t.Context(), k.relay(s)
	for what, token := range map[string]string{"current": k.current, "previous": k.previous, "other": k.other} {
		if _, err := r.FindHook(ctx, token, time.Now()); err != nil {
			k.t.Errorf("the %s URL leads nowhere: %v", what, err)
		}
		if _, err := k.relay(not).FindHook(ctx, token, time.Now()); !errors.Is(err, relay.ErrNotFound) {
			k.t.Errorf("the %s URL is found by the secret that is gone: %v", what, err)
		}
	}
	w, err := r.Workspace(ctx, k.acme)
	if err != nil {
		k.t.Fatal(err)
	}
	if token, err := r.Token(w); err != nil || token != k.current {
		k.t.Errorf("its owner does not see the URL again: %v", err)
	}
	hashes := 0
	if err := k.store.Tokens(ctx, func(relay.TokenHash) { hashes++ }); err != nil || hashes != 3 {
		k.t.Errorf("%d tokens lead to a workspace (%v), want 3", hashes, err)
	}
	ch, err := r.Channel(ctx, k.acme, k.channel.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	if shown, err := r.ShownSettings(ch); err != nil || shown["all"] != sealedText {
		k.t.Errorf("settings are %v (%v), want %s", shown, err, sealedText)
	}
	if _, err := k.relay(not).ShownSettings(ch); err == nil {
		k.t.Error("settings open with the secret that is gone")
	}
	signed := &receiver{}
	r.Poster = signed
	if _, err := r.TestEndpoint(ctx, k.acme, k.endpoint.ID, ""); err != nil || len(signed.made("")) != 1 {
		k.t.Errorf("nothing is sent to an endpoint: %v", err)
	} else {
		equal(k.t, "secrets that sign", signed.made("")[0].Secrets, k.signs)
	}
	if _, err := k.relay(not).TestEndpoint(ctx, k.acme, k.endpoint.ID, ""); err == nil {
		k.t.Error("events are signed with the secret that is gone")
	}
	b := k.raw.(binder)
	if err := b.BindSecret(ctx, s.CheckValue()); err != nil {
		k.t.Errorf("a server with the secret does not start: %v", err)
	}
	if b.BindSecret(ctx, not.CheckValue()) == nil {
		k.t.Error("a server with the secret that is gone starts")
	}
}

func carriesOver(k *rekeyed) {
	c := k.change(k.old, k.fresh)
	v, err := c.Survey(k.t.Context())
	equal(k.t, "survey", v, relay.RekeySurvey{Workspaces: 2, Channels: 1})
	k.isUnder(k.old, k.fresh)
	if err := errors.Join(err, c.Run(k.t.Context())); err != nil {
		k.t.Fatal(err)
	}
	k.isUnder(k.fresh, k.old)
	for range 2 { // there is nothing left to do
		if v, err = c.Survey(k.t.Context()); err != nil || !v.Done {
			k.t.Errorf("survey of what is done: %+v, %v", v, err)
		}
		if err := c.Run(k.t.Context()); err != nil {
			k.t.Error(err)
		}
	}
	k.isUnder(k.fresh, k.old)
	k.view(func(t *report, tx relay.Tx) error {
		w, err := tx.Workspace(k.t.Context(), k.gone)
		if len(w.Webhook.Token.Sealed) > 0 || w.Webhook.Previous != nil {
			t.Errorf("a deleted workspace keeps a copy of its URL")
		}
		for _, made := range k.deleted {
			ch, err := tx.Channel(k.t.Context(), made.Workspace, made.ID)
			if err != nil || len(ch.Settings) > 0 {
				t.Errorf("deleted channel %s keeps its settings (%v)", ch.Phone, err)
			}
		}
		return err
	})
}

// writes are all writes of a change: the mark, three workspaces, the end.
const writes = 5

// broken runs a change that is killed before its n-th write, n from 0.
func (k *rekeyed) broken(n int) {
	k.t.Helper()
	k.left = n
	if err := k.change(k.old, k.fresh).Run(k.t.Context()); !errors.Is(err, errKilled) {
		k.t.Fatalf("killed before write %d, it ended with %v", n, err)
	}
	k.left = -1
	if n == 0 {
		return
	}
	for _, s := range []*relay.Secrets{k.old, k.fresh} {
		if k.raw.(binder).BindSecret(k.t.Context(), s.CheckValue()) == nil {
			k.t.Errorf("killed before write %d, a server starts", n)
		}
	}
	if v, err := k.change(k.old, k.fresh).Survey(k.t.Context()); err != nil || !v.Begun || v.Channels != 1 {
		k.t.Errorf("killed before write %d: survey %+v, %v", n, v, err)
	}
	var other *relay.SecretError
	if err := k.change(k.old, k.secrets("bad")).Run(k.t.Context()); !errors.As(err, &other) || !other.Between() {
		k.t.Errorf("killed before write %d, it goes on with another secret: %v", n, err)
	}
}

func endsByRunningAgain(k *rekeyed) {
	for n := range writes {
		k.broken(n)
		if err := k.change(k.old, k.fresh).Run(k.t.Context()); err != nil {
			k.t.Fatal(err)
		}
		k.isUnder(k.fresh, k.old)
		k.old, k.fresh = k.fresh, k.old
	}
}

func takesBack(k *rekeyed) {
	for n := range writes {
		k.broken(n)
		if err := k.change(k.fresh, k.old).Run(k.t.Context()); err != nil {
			k.t.Fatal(err)
		}
		k.isUnder(k.old, k.fresh)
	}
}

func keysEnd(k *rekeyed) {
	ctx := k.t.Context()
	_, key, err := k.relay(k.old).CreateAPIKey(ctx, k.acme, "zapier")
	if err != nil {
		k.t.Fatal(err)
	}
	c := k.change(k.old, k.fresh)
	v, err := c.Survey(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	equal(k.t, "keys that end", v.APIKeys, []relay.EndingKeys{{Workspace: k.acme, Name: "Acme", Keys: 1}})
	if err := c.Run(ctx); err == nil {
		k.t.Error("an API key was dropped without leave")
	}
	if _, err := k.relay(k.old).FindAPIKey(ctx, key); err != nil {
		k.t.Errorf("the key is gone: %v", err)
	}
	k.isUnder(k.old, k.fresh)
	c.DropAPIKeys = true
	if err := c.Run(ctx); err != nil {
		k.t.Fatal(err)
	}
	k.isUnder(k.fresh, k.old)
	if keys, err := k.store.APIKeys(ctx, k.acme); err != nil || len(keys) > 0 {
		k.t.Errorf("keys that open nothing are left: %v, %v", keys, err)
	}
}

func otherSecret(k *rekeyed) {
	before := k.snapshot()
	for _, c := range []relay.Rekey{k.change(k.secrets("bad"), k.fresh), k.change(k.old, k.old)} {
		_, err := c.Survey(k.t.Context())
		if err == nil || c.Run(k.t.Context()) == nil {
			k.t.Error("the secret was changed")
		}
	}
	var none *relay.SecretError
	if err := k.raw.RebindSecret(k.t.Context(), "", ""); !errors.As(err, &none) || none.Have != k.old.CheckValue() {
		k.t.Errorf("without a check value: %v", err)
	}
	if diff := differ(before, k.snapshot(), same()...); diff != "" {
		k.t.Errorf("it changed something (-before +after):\n%s", diff)
	}
	k.isUnder(k.old, k.fresh)
}

func neitherOpens(k *rekeyed) {
	ctx := k.t.Context()
	damaged := json.RawMessage(`{"sealed":"AAAA"}`)
	k.keep(k.channel, damaged)
	c := k.change(k.old, k.fresh)
	if _, err := c.Survey(ctx); err == nil || !strings.Contains(err.Error(), k.channel.ID) {
		k.t.Errorf("survey: %v", err)
	}
	if err := k.raw.(binder).BindSecret(ctx, k.old.CheckValue()); err != nil {
		k.t.Error(err)
	}
	k.keep(k.channel, k.channel.Settings)
	k.keep(k.deleted[0], damaged) // nobody needs it
	if err := c.Run(ctx); err != nil {
		k.t.Fatal(err)
	}
	k.isUnder(k.fresh, k.old)
}
