package relay

import (
	"time"

	"relevo/quota"
)

// Workspace is one customer's room: a webhook, channels, a balance. No rule
// touches two workspaces.
type Workspace struct {
	// ID is ws_ and 20 characters; it never changes.
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	Webhook   Webhook   `json:"webhook"`
	// Plan refills the quota; nil without one.
	Plan *quota.Plan `json:"plan,omitzero"`
	// Country is whose phone numbers those without a country code are: two
	// capital letters of ISO 3166; empty where the code is never missing.
	Country string `json:"country,omitzero"`
	// TimeZone is where its people keep their clocks, by its IANA name; empty
	// for UTC. No rule depends on it.
	TimeZone string `json:"time_zone,omitzero"`
	// NextChat is the number the next new chat gets; it starts at 10001.
	NextChat int64 `json:"next_chat"`
	// Subscriptions are its endpoints and what each wants to hear of, at most
	// MaxEndpoints; Meter is how far its quota was told to be used up.
	Subscriptions []Subscription `json:"subscriptions,omitzero"`
	Meter         Meter          `json:"meter,omitzero"`
	// OptedOut is how many people are on its opt-out list: where there are
	// none, no call looks for one.
	OptedOut int64 `json:"opted_out,omitzero"`
	// DeletedAt: its URL and keys are dead; its books stay until pruned.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
}

// Webhook is a workspace's secret URL.
type Webhook struct {
	// Enabled is the owner's switch; off, calls are answered 403.
	Enabled bool `json:"enabled"`
	// Token is the current secret; Previous the one that it replaced, nil
	// where that died at once.
	Token    SealedToken  `json:"token"`
	Previous *SealedToken `json:"previous,omitzero"`
	// PreviousUntil is when the previous URL dies.
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	// RotatedAt is since when the present URL is; zero: since the workspace is.
	RotatedAt time.Time `json:"rotated_at,omitzero"`
	// PreviousUsedAt and PreviousUsedBy (a User-Agent) say when and by what
	// the previous URL was last used. The zero time: not since the rotation.
	PreviousUsedAt time.Time `json:"previous_used_at,omitzero"`
	PreviousUsedBy string    `json:"previous_used_by,omitzero"`
	// RatePerMinute limits calls; 0 does not.
	RatePerMinute int `json:"rate_per_minute,omitzero"`
	// DedupeSeconds takes a call with the same content within that time for a
	// repetition of the first; 0 does not.
	DedupeSeconds int `json:"dedupe_seconds,omitzero"`
	// Strict takes JSON as it is written and mends nothing.
	Strict bool `json:"strict,omitzero"`
	// AllowMergeTags lets through what looks like a merge tag that a tool has
	// not filled in.
	AllowMergeTags bool `json:"allow_merge_tags,omitzero"`
	// Test answers calls as if they were accepted, and sends nothing.
	Test bool `json:"test,omitzero"`
	// Mapping makes calls of payloads that are none; nil without one.
	Mapping *Mapping `json:"mapping,omitzero"`
	// ListenUntil: the next call before it is captured, not sent. The zero
	// time: none is waited for.
	ListenUntil time.Time `json:"listen_until,omitzero"`
	// Captured is the id of the attempt that holds the last capture.
	Captured string `json:"captured,omitzero"`
}

// SealedToken is a webhook token at rest.
type SealedToken struct {
	// Hash is the HMAC-SHA-256 that calls are looked up by.
	Hash TokenHash `json:"hash"`
	// Sealed is the AES-256-GCM copy that lets the owner see the URL again.
	Sealed []byte `json:"sealed"`
}

// APIKey opens the management API for one workspace.
type APIKey struct {
	// ID is key_ and 20 characters.
	ID        string `json:"id"`
	Workspace string `json:"workspace"`
	Name      string `json:"name"`
	// Hash is the HMAC-SHA-256 of the key; the key itself is shown once.
	Hash      TokenHash `json:"hash"`
	CreatedAt time.Time `json:"created_at"`
}
