package api

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// webhookView is a workspace's webhook as the API shows it.
type webhookView struct {
	// URL holds the secret; its owner may see it.
	URL     string `json:"url"`
	Enabled bool   `json:"enabled"`
	// PreviousValidUntil is null where the previous URL is dead.
	PreviousValidUntil *time.Time `json:"previous_valid_until"`
	PreviousLastUsedAt *time.Time `json:"previous_last_used_at"`
	PreviousLastUsedBy *string    `json:"previous_last_used_by"`
	RatePerMinute      int        `json:"rate_per_minute"`
	DedupeSeconds      int        `json:"dedupe_seconds"`
	Strict             bool       `json:"strict"`
	AllowMergeTags     bool       `json:"allow_merge_tags"`
	// Test answers calls without sending.
	Test bool `json:"test"`
	// Mapping is null where calls are taken as they are.
	Mapping *relay.Mapping `json:"mapping"`
}

// webhookBody changes what is given.
type webhookBody struct {
	Enabled       *bool `json:"enabled"`
	RatePerMinute *int  `json:"rate_per_minute"`
	DedupeSeconds *int  `json:"dedupe_seconds"`
	// Strict mends nothing, AllowMergeTags lets tags through that were not
	// filled in, Test answers without sending.
	Strict         *bool `json:"strict"`
	AllowMergeTags *bool `json:"allow_merge_tags"`
	Test           *bool `json:"test"`
	// Mapping is an object, or null to remove the one there is.
	Mapping jsontext.Value `json:"mapping"`
}

// rotateBody says how long the old URL lives on; without one it dies at once.
type rotateBody struct {
	GraceSeconds int `json:"grace_seconds" validate:"min=0,max=86400"`
}

func (s *server) viewWebhook(w relay.Workspace) (webhookView, error) {
	token, err := s.relay.Token(w)
	if err != nil {
		return webhookView{}, fmt.Errorf("token of workspace %s: %w", w.ID, err)
	}
	h := w.Webhook
	v := webhookView{
		URL: s.PublicURL + "/hook/" + token, Enabled: h.Enabled, RatePerMinute: h.RatePerMinute, DedupeSeconds: h.DedupeSeconds,
		Strict: h.Strict, AllowMergeTags: h.AllowMergeTags, Test: h.Test, Mapping: h.Mapping,
		PreviousLastUsedAt: instant(h.PreviousUsedAt), PreviousLastUsedBy: present(h.PreviousUsedBy),
	}
	if h.Previous != nil && time.Now().Before(h.PreviousUntil) {
		v.PreviousValidUntil = instant(h.PreviousUntil)
	}
	return v, nil
}

func (s *server) answerWebhook(w relay.Workspace, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	v, err := s.viewWebhook(w)
	return ok(v), err
}

func (s *server) showWebhook(r *request) (answer, error) {
	return s.answerWebhook(s.relay.Workspace(r.ctx, r.workspace()))
}

func (s *server) updateWebhook(r *request) (answer, error) {
	var in webhookBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	mapping, err := readMapping(in.Mapping)
	if err != nil {
		return answer{}, err
	}
	return s.answerWebhook(s.relay.UpdateWebhook(r.ctx, r.workspace(), relay.WebhookPatch{
		Enabled: in.Enabled, RatePerMinute: in.RatePerMinute, DedupeSeconds: in.DedupeSeconds,
		Strict: in.Strict, AllowMergeTags: in.AllowMergeTags, Test: in.Test, Mapping: mapping,
	}))
}

func (s *server) rotateWebhook(r *request) (answer, error) {
	var in rotateBody
	if err := r.bodyIfAny(&in); err != nil {
		return answer{}, err
	}
	return s.answerWebhook(s.relay.RotateWebhook(r.ctx, r.workspace(), time.Duration(in.GraceSeconds)*time.Second))
}
