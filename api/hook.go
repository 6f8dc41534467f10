package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/api/hook"
	"relevo/api/sender"
	"relevo/relay"
)

const hookPath = "/hook/:token"

// answerWithin is how long a call waits for its turn in the store; then it is
// withdrawn and answered 503, before tools (the quickest wait 5 s) give up and
// call again. The connection does not decide: a caller that has closed its
// sending half looks like one that has gone.
const answerWithin = 4 * time.Second

// serveHook answers one call of a webhook. The checks come in the order that
// the contract fixes; the first that fails answers. From the webhook's own
// switch on every call leaves an attempt.
func (s *server) serveHook(c echo.Context) error {
	req := c.Request()
	if req.Method != http.MethodPost {
		return hookMethod()
	}
	if s.draining() {
		return relay.Refusef(relay.CodeUnavailable, "The server is about to restart and takes no more calls. Try again in a moment.")
	}
	now, ip := time.Now(), clientIP(req, s.TrustedProxies)
	h, err := s.findHook(context.WithoutCancel(req.Context()), hookToken(c), ip, now)
	if err != nil {
		return err
	}
	body, err := readCall(req)
	if err != nil {
		return err
	}
	// From here on, and not before: a body may come slowly.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), answerWithin)
	defer cancel()
	for {
		err := s.serveCall(ctx, c, h, body, ip, now)
		if !errors.Is(err, relay.ErrHookChanged) {
			return err
		}
		forgetLimit(c)
		if h, err = s.relay.FindHookAnew(ctx, hookToken(c), now); err != nil {
			return err
		}
	}
}

// serveCall reads a call by the settings of its webhook, and answers it.
// ErrHookChanged where those are not the webhook's any more.
func (s *server) serveCall(ctx context.Context, c echo.Context, h relay.Hook, body callBody, ip netip.Addr, now time.Time) error {
	req := c.Request()
	tool := sender.Recognise(req.Header)
	call := relay.Call{
		Workspace: h.Workspace, Hook: h.Hash, ReadBy: &h, At: now, RequestID: requestIDOf(c), RemoteIP: ip, UserAgent: agentOf(req),
		Tool: tool.Name, Fix: fixOf(tool, h), Body: body.bytes,
	}
	if body.tooLong {
		call.Warnings = []string{"the body is cut here: these are its first 4,096 bytes"}
	}
	if refused := s.atTheDoor(c, h, body, now); refused != nil {
		return s.turnAway(ctx, c, call, refused)
	}
	in := inputOf(h, req.Header, now)
	in.Keys, in.Query, in.Deliveries = keysIn(req.Header, req.URL.RawQuery), req.URL.RawQuery, deliveriesOf(tool, req.Header)
	read, err := s.calls.Read(body.bytes, in)
	call.Warnings, call.Named = read.Warnings, read.Named
	if read.Text != nil {
		call.Body = read.Text
	}
	if err != nil {
		return s.turnAway(ctx, c, call, refusal(err))
	}
	if s.relay.Store.Free() < 0 {
		return relay.Refusef(relay.CodeDiskFull, diskFull)
	}
	if read.Challenge != "" || read.Ping {
		if err := s.relay.Challenged(ctx, call); err != nil {
			return err
		}
		return answerChallenge(c, read.Challenge)
	}
	done, err := s.relay.Accept(ctx, call, read.Action)
	if err != nil {
		return err
	}
	return answerAccepted(c, done)
}

// findHook finds the webhook of a token. Who has missed often is answered from
// memory; a token that there is opens its webhook wherever it comes from.
func (s *server) findHook(ctx context.Context, token string, ip netip.Addr, now time.Time) (h relay.Hook, err error) {
	if s.strangers.many(ip, now) && !s.relay.MaybeToken(ctx, token) {
		return h, relay.ErrNotFound
	}
	if h, err = s.relay.FindHook(ctx, token, now); errors.Is(err, relay.ErrNotFound) {
		s.strangers.missed(ip, now)
	}
	return h, err
}

// inputOf is what reading a call depends on beside its body: the webhook's
// settings, and the headers.
func inputOf(h relay.Hook, headers http.Header, now time.Time) hook.Input {
	return hook.Input{
		Now: now, ContentType: headers.Get("Content-Type"), ContentEncoding: headers.Get("Content-Encoding"),
		Strict: h.Strict, AllowTags: h.AllowMergeTags, Country: h.Country, Mapping: h.Mapping,
	}
}

// deliveriesOf are the ids that a tool gives its deliveries.
func deliveriesOf(tool sender.Tool, h http.Header) (keys []hook.Key) {
	for _, name := range tool.Deliveries {
		if v := h.Get(name); v != "" {
			keys = append(keys, hook.Key{Name: name, Value: v})
		}
	}
	return keys
}

// fixOf says what to do in a tool about a refusal.
func fixOf(tool sender.Tool, h relay.Hook) func(*relay.Error) string {
	return func(e *relay.Error) string {
		fix := tool.Fix(reasonOf(e))
		switch e.Code {
		case relay.CodeMissingField, relay.CodeMissingRecipient, relay.CodeNoContent, relay.CodeInvalidAction:
			if tool.Preset != nil && h.Mapping == nil {
				fix = strings.TrimSpace(fmt.Sprintf("%s There is a mapping for what %s sends on its own: the preset %s.", fix, tool.Name, tool.ID))
			}
		}
		return fix
	}
}

// reasonOf is what the fix of a refusal is found under.
func reasonOf(e *relay.Error) sender.Reason {
	if hook.IsMergeTag(e) {
		return sender.Tag
	}
	return sender.ReasonOf(e.Code)
}

// hookToken is the secret in the address; empty where there is none.
func hookToken(c echo.Context) string { return c.Param("token") }

// atTheDoor refuses for what is known before the body is looked into.
func (s *server) atTheDoor(c echo.Context, h relay.Hook, body callBody, now time.Time) *relay.Error {
	if !h.Enabled {
		return relay.DisabledWebhook()
	}
	wait, left, reset := s.limits.take(h.Workspace, h.RatePerMinute, now)
	if h.RatePerMinute > 0 {
		tellLimit(c, "webhook", h.RatePerMinute, left, reset)
	}
	if wait > 0 {
		retryAfter(c, wait)
		return relay.Refusef(relay.CodeRateLimited, "This webhook takes %d calls a minute, and this one is too many; nothing was sent. Try again in %d s.", h.RatePerMinute, wait)
	}
	if body.tooLong {
		return relay.Refusef(relay.CodeBodyTooLarge, "The body is over 64 KiB (65,536 bytes); nothing was sent. Give a large file by file_url.")
	}
	return nil
}

// turnAway writes the attempt of a refusal and answers it. What cannot be
// written, because the disk is full or the store in doubt, changes nothing for
// the caller: the fault in the call is the caller's. A call that was waited
// for is answered as if nothing were wrong with it.
func (s *server) turnAway(ctx context.Context, c echo.Context, call relay.Call, refused *relay.Error) error {
	if s.relay.Store.Free() < 0 {
		return refused
	}
	done, err := s.relay.Refused(ctx, call, refused)
	var answer *relay.Error
	switch {
	case err == nil:
		return answerAccepted(c, done)
	case errors.As(err, &answer) && answer.Err == nil:
		return answer
	case errors.Is(err, relay.ErrHookChanged):
		return err
	}
	s.Log.Error("write attempt", "request_id", call.RequestID, "error", err)
	return refused
}

// keptOfLong is how much of a body that is too long its attempt keeps.
const keptOfLong = 4 << 10

// callBody is what came of a call's body: all of it, or the beginning of one
// that is too long.
type callBody struct {
	bytes   []byte
	tooLong bool
}

// errCutShort answers a call whose body did not come: nobody may be there to
// read it, but it must not look like a success to whoever is.
var errCutShort = relay.Refusef(relay.CodeInvalidJSON, "The call ended before its whole body had come; nothing was sent.")

// readCall reads a body as far as it may go. The bytes are the call's own:
// the store may keep them.
func readCall(req *http.Request) (callBody, error) {
	long := req.ContentLength > hook.MaxBody
	var b []byte
	var err error
	switch {
	case long:
		b = make([]byte, keptOfLong)
		_, err = io.ReadFull(req.Body, b)
	case req.ContentLength >= 0:
		b = make([]byte, req.ContentLength)
		_, err = io.ReadFull(req.Body, b)
	default:
		b, err = io.ReadAll(io.LimitReader(req.Body, hook.MaxBody+1))
		if long = len(b) > hook.MaxBody; long {
			b = b[:keptOfLong:keptOfLong]
		}
	}
	if err != nil {
		return callBody{}, errCutShort
	}
	return callBody{bytes: b, tooLong: long}, nil
}

// keysIn are the idempotency keys outside the body, the one that counts most
// first.
func keysIn(h http.Header, query string) []hook.Key {
	var keys []hook.Key
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key", "Webhook-Id"} {
		if v := h.Get(name); v != "" {
			keys = append(keys, hook.Key{Name: name, Value: v})
		}
	}
	if strings.Contains(query, "key") {
		keys = append(keys, keyInQuery(query))
	}
	return keys
}

// keyInQuery is the first key of a query that is not empty, also where other
// parts of the query cannot be decoded. One that cannot be decoded itself is
// not passed over: its caller counts on it.
func keyInQuery(query string) hook.Key {
	const name = "idempotency_key"
	for part := range strings.SplitSeq(query, "&") {
		values, err := url.ParseQuery(part)
		if err != nil && strings.Contains(part, name) {
			return hook.Key{Name: name, Unreadable: true}
		}
		if v := values.Get(name); v != "" {
			return hook.Key{Name: name, Value: v}
		}
	}
	return hook.Key{Name: name}
}

// maxAgent bounds what an attempt keeps of a User-Agent, in bytes.
const maxAgent = 256

func agentOf(req *http.Request) string {
	ua := req.UserAgent()
	return strings.ToValidUTF8(ua[:min(len(ua), maxAgent)], "")
}
