package api

import (
	"context"
	"testing"

	"relevo/relay"
)

// forgetful is a store that remembers a workspace as it once was.
type forgetful struct {
	relay.Store
	was relay.Workspace
}

func (f forgetful) Glance(fn func(relay.Tx) error) error {
	return f.View(context.Background(), func(tx relay.Tx) error { return fn(stale{tx, f.was}) })
}

type stale struct {
	relay.Tx
	was relay.Workspace
}

func (s stale) Workspace(context.Context, string) (relay.Workspace, error) { return s.was, nil }

// fenced is a call that a strict webhook refuses.
const fenced = "```json\n" + hello + "\n```"

func TestSettingsThatAnotherNodeChangedCountAtOnce(t *testing.T) {
	h := build(t, 5)
	limit, strict := 1, true
	h.patchBehindItsBack(relay.WebhookPatch{RatePerMinute: &limit})
	h.refused(h.post(`{`), 400, relay.CodeInvalidJSON)

	h.patchBehindItsBack(relay.WebhookPatch{Strict: &strict, RatePerMinute: new(int)})
	rec := h.post(fenced)
	h.refused(rec, 400, relay.CodeInvalidJSON)
	if got := rec.Header().Get("Ratelimit-Policy") + rec.Header().Get("Retry-After"); got != "" {
		t.Errorf("it tells of a limit that is no more: %q", got)
	}
	if got := h.attempts(); len(got) != 2 {
		t.Errorf("got %+v", got)
	}

	h.patchBehindItsBack(relay.WebhookPatch{Strict: new(bool)})
	h.object(h.post(fenced), 200)
}

// patchBehindItsBack changes the webhook, and leaves the server with what it
// was before.
func (h *house) patchBehindItsBack(p relay.WebhookPatch) {
	h.t.Helper()
	if f, ok := h.relay.Store.(forgetful); ok {
		h.relay.Store = f.Store
	}
	was, err := h.relay.Workspace(h.t.Context(), h.ws)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.relay.UpdateWebhook(h.t.Context(), h.ws, p); err != nil {
		h.t.Fatal(err)
	}
	h.relay.Store = forgetful{h.relay.Store, was}
}
