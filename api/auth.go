package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"relevo/relay"
)

// caller is who makes a call of the API.
type caller struct {
	// operator may do everything, in all workspaces.
	operator bool
	// workspace is the only one that another caller sees, and key the id of
	// the key that opens it.
	workspace, key string
	// name is the key's.
	name string
}

// whoCalls finds the caller of an Authorization header.
func (s *server) whoCalls(ctx context.Context, h http.Header) (caller, error) {
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return caller{}, relay.Refusef(relay.CodeUnauthorized, "This call needs a key: send the header Authorization: Bearer and the key.")
	}
	if s.isOperator(key) {
		return caller{operator: true}, nil
	}
	k, err := s.relay.FindAPIKey(ctx, key)
	var e *relay.Error
	if errors.Is(err, relay.ErrNotFound) || errors.As(err, &e) && e.Code == relay.CodeNotFound {
		return caller{}, relay.Refusef(relay.CodeUnauthorized, "This key is not known. It may have been revoked.")
	}
	if err == nil {
		s.relay.UsedAPIKey(ctx, k)
	}
	return caller{workspace: k.Workspace, key: k.ID, name: k.Name}, err
}

func (s *server) isOperator(key string) bool {
	given := sha256.Sum256([]byte(key))
	return s.OperatorKey != "" && subtle.ConstantTimeCompare(given[:], s.operator[:]) == 1
}

// inRate refuses a workspace's key that calls too often, and tells how often it
// may.
func (r *request) inRate() error {
	most := r.s.CallsPerMinute
	if r.who.operator || most <= 0 {
		return nil
	}
	wait, left, reset := r.s.keys.take(r.who.key, most, time.Now())
	tellLimit(r.c, "api", most, left, reset)
	if wait == 0 {
		return nil
	}
	retryAfter(r.c, wait)
	return relay.Refusef(relay.CodeRateLimited, "This key makes more than %d calls a minute. Try again in %d s.", most, wait)
}

// mayCall refuses what the caller's key does not open. Another workspace
// answers as if it did not exist.
func (r *request) mayCall(rt route) error {
	if r.who.operator {
		return nil
	}
	if ws := r.workspace(); ws != "" && ws != r.who.workspace {
		return relay.Refusef(relay.CodeNotFound, "There is no workspace %s.", ws)
	}
	if rt.access == operatorOnly {
		return relay.Refusef(relay.CodeForbidden, "A workspace's key does not open this; it takes the operator's key.")
	}
	return nil
}
