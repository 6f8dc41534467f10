package relay

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Secrets of endpoints are those of Standard Webhooks: whsec_ and base64 of 24
// to 64 bytes. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	eventSecretPrefix = "whsec_"
	eventSecretBytes  = 32
	leastSecret       = 24
	mostSecret        = 64
)

// NewEventSecret makes a secret that signs events.
func NewEventSecret() string {
	var b [eventSecretBytes]byte
	rand.Read(b[:])
	return eventSecretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

func checkEventSecret(s string) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, eventSecretPrefix))
	if !strings.HasPrefix(s, eventSecretPrefix) || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return RefuseField(CodeInvalidField, "secret", fmt.Sprintf("A secret is whsec_ and base64 of %d to %d bytes.", leastSecret, mostSecret), "Leave it out and one is made.")
	}
	return nil
}

// secretsOf are the secrets that sign at a time, the current one first.
func (r *Relay) secretsOf(e Endpoint, now time.Time) (secrets []string, err error) {
	sealed := [][]byte{e.Secret}
	if len(e.Previous) > 0 && now.Before(e.PreviousUntil) {
		sealed = append(sealed, e.Previous)
	}
	for _, s := range sealed {
		secret, err := r.Secrets.Open(s, e.ID)
		if err != nil {
			return nil, fmt.Errorf("secret of endpoint %s: %w", e.ID, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// EndpointSecret is an endpoint's current secret in the clear, for its owner.
func (r *Relay) EndpointSecret(ctx context.Context, workspace, id string) (Endpoint, string, error) {
	e, err := r.Endpoint(ctx, workspace, id)
	if err != nil {
		return e, "", err
	}
	secrets, err := r.secretsOf(e, time.Time{})
	if err != nil {
		return e, "", err
	}
	return e, secrets[0], nil
}

// RotateEndpoint gives an endpoint a new secret and returns it in the clear.
// The old one signs too for a grace of up to MaxGrace, so that the receiver can
// be changed in between; one that was still in its grace ends at once.
func (r *Relay) RotateEndpoint(ctx context.Context, workspace, id string, grace time.Duration) (Endpoint, string, error) {
	if grace < 0 || grace > MaxGrace {
		return Endpoint{}, "", RefuseField(CodeInvalidField, "grace_seconds", "The grace is 0 to 86,400 seconds.", "")
	}
	secret := NewEventSecret()
	e, err := r.editEndpoint(ctx, workspace, id, func(e *Endpoint) error {
		old := e.Secret
		e.Secret, e.Previous, e.PreviousUntil = r.Secrets.Seal(secret, e.ID), nil, time.Time{}
		if grace > 0 {
			e.Previous, e.PreviousUntil = old, time.Now().Add(grace).UTC()
		}
		return nil
	})
	return e, secret, err
}
