package api

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/relay"
)

const (
	requestIDHeader = "X-Request-Id"
	jsonType        = "application/json"
	errorKey        = "error" // of what noteError notes
)

// fixedHeaders are on every answer; made once, because they are on every one.
type fixedHeaders struct{ sniff, referrer, cache []string }

func newFixedHeaders() fixedHeaders {
	return fixedHeaders{sniff: []string{"nosniff"}, referrer: []string{"no-referrer"}, cache: []string{"no-store"}}
}

// around is what happens around every call: its id, the fixed headers, an end
// to panics, one line in the log. The line names the route and never the
// address, which holds a token.
func (s *server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		h := c.Response().Header()
		h["X-Content-Type-Options"] = s.fixed.sniff
		h["Referrer-Policy"] = s.fixed.referrer
		h["Cache-Control"] = s.fixed.cache
		h[requestIDHeader] = []string{chooseRequestID(c.Request().Header)}
		broken := s.safely(c, next)
		s.tell(c, time.Since(start))
		if broken {
			panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
		}
		return nil
	}
}

// safely calls the handler and answers its error. A panic is answered as
// internal; broken means that it came too late for that.
func (s *server) safely(c echo.Context, next echo.HandlerFunc) (broken bool) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		broken = c.Response().Committed
		s.Log.Error("panic", "route", routeOf(c), "request_id", requestIDOf(c), "panic", describe(p), "stack", string(debug.Stack()))
		s.fail(c, &relay.Error{Code: relay.CodeInternal, Message: "Something went wrong on the server; its log has more under this request_id."})
	}()
	if err := next(c); err != nil {
		broken = c.Response().Committed
		s.fail(c, err)
	}
	return broken
}

// describe says what a panic was without the data that it may carry.
func describe(p any) string {
	if e, ok := p.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", p)
}

// noteError keeps an error for the line of the log.
func noteError(c echo.Context, err error) { c.Set(errorKey, err) }

// clientGone stands in log and metrics, as in nginx, for a call whose caller
// did not wait for the answer: what it left undone is no fault of the server.
const clientGone = 499

// tell writes the line of the log and tells Observe.
func (s *server) tell(c echo.Context, took time.Duration) {
	route, status := routeOf(c), c.Response().Status
	ctx := c.Request().Context()
	if status == http.StatusServiceUnavailable && ctx.Err() != nil {
		status = clientGone
	}
	if s.Observe != nil {
		s.Observe(route, status, took)
	}
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case route == "/healthz" || route == "/readyz":
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", knownMethod(c.Request().Method)), slog.String("route", route), slog.Int("status", status),
		slog.String("duration", took.Round(time.Microsecond).String()), slog.Int64("bytes", c.Response().Size), slog.String("request_id", requestIDOf(c)),
	}
	if err, _ := c.Get(errorKey).(error); err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	s.Log.LogAttrs(ctx, level, "request", attrs...)
}

// routeOf is the pattern that a call matched.
func routeOf(c echo.Context) string {
	if p := c.Path(); p != "" {
		return p
	}
	return "unmatched"
}

// knownMethod keeps what a caller invents out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }

// chooseRequestID takes the caller's id where it is 1 to 128 of A–Z a–z 0–9
// . _ - and makes one otherwise.
func chooseRequestID(h http.Header) string {
	id := h.Get(requestIDHeader)
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, strange) {
		return rand.Text()
	}
	return id
}

func strange(r rune) bool {
	plain := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
	return !plain
}

// tidyHookPath takes doubled slashes and one at the end out of a hook's
// address, as people paste it, without a redirect: that would turn a POST into
// a GET.
func tidyHookPath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if tidied, ok := tidy(u.Path); ok {
			u.Path = tidied
		}
		if tidied, ok := tidy(u.RawPath); ok {
			u.RawPath = tidied
		}
		return next(c)
	}
}

func tidy(path string) (string, bool) {
	if !strings.Contains(path, "//") && !strings.HasSuffix(path, "/") {
		return "", false
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 || parts[0] != "hook" {
		return "", false
	}
	return "/" + strings.Join(parts, "/"), true
}
