package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/relay"
)

// maxCallback is the longest body of a provider's callback, in bytes: Meta
// batches up to 1,000 events, at most 3 MB.
// https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
const maxCallback = 3 << 20

// callbackWithin bounds the work for one callback: providers wait 5 to 20
// seconds, and call again.
const callbackWithin = 10 * time.Second

// serveCallback takes one callback of a provider. Its 200 leaves after all of
// it is durable; anything but a 2xx makes the provider call again.
func (s *server) serveCallback(c echo.Context) error {
	req := c.Request()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), callbackWithin)
	defer cancel()
	// a body of a stranger is not worth the memory
	if err := s.relay.KnowsCallback(ctx, c.Param("ch"), c.Param("key")); err != nil {
		return callbackError(err)
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxCallback+1))
	switch {
	case err != nil:
		return relay.Refusef(relay.CodeInvalidJSON, "The call ended before its whole body had come.")
	case len(body) > maxCallback:
		return relay.Refusef(relay.CodeBodyTooLarge, "The body is over 3 MiB.")
	}
	got, err := s.relay.Receive(ctx, c.Param("ch"), c.Param("key"), relay.Callback{
		Method: req.Method, URL: s.PublicURL + req.URL.RequestURI(), Part: strings.Trim(c.Param("part"), "/"),
		Header: req.Header, Body: body, At: time.Now(),
	})
	switch {
	case errors.Is(err, relay.ErrForged):
		s.Log.Warn("callback refused: its signature is wrong, or it is for another account", "channel", c.Param("ch"), "remote_ip", clientIP(req, s.TrustedProxies).String())
	case errors.Is(err, relay.ErrUnreadable):
		s.Log.Warn("callback not understood", "channel", c.Param("ch"), "bytes", len(body), "error", err)
	}
	if err != nil {
		return callbackError(err)
	}
	if len(got.Reply) == 0 {
		return c.NoContent(http.StatusOK)
	}
	return c.Blob(http.StatusOK, got.Type, got.Reply)
}

// callbackError is what a provider is told of its call. What has no case is a
// fault of ours: it calls again.
func callbackError(err error) error {
	switch {
	case errors.Is(err, relay.ErrForged):
		return relay.Refusef(relay.CodeForbidden, "This call is not signed by the provider of this channel.")
	case errors.Is(err, relay.ErrNotFound):
		return relay.Refusef(relay.CodeNotFound, "There is nothing at this address.")
	case errors.Is(err, relay.ErrUnreadable):
		return relay.Refusef(relay.CodeInvalidJSON, "This call cannot be read.")
	}
	return err
}

// serveFile gives a provider the file of a message. Its address cannot be
// guessed and ends after three days.
func (s *server) serveFile(c echo.Context) error {
	id := strings.ReplaceAll(c.Param("id"), "%3A", ":")
	file, body, err := s.relay.OpenLink(c.Request().Context(), c.Param("ws"), id, c.Param("exp"), c.Param("mark"), time.Now())
	if err != nil {
		if errors.Is(err, relay.ErrNotFound) {
			return relay.Refusef(relay.CodeNotFound, "There is nothing at this address, or no longer.")
		}
		return err
	}
	defer body.Close()
	seeker, ok := body.(io.ReadSeeker)
	if !ok { // kept in the database
		b, err := io.ReadAll(io.LimitReader(body, file.Size+1))
		if err != nil {
			return err
		}
		seeker = bytes.NewReader(b)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, file.Type)
	h.Set(echo.HeaderContentDisposition, disposition(file.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=3600")
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{}) // a slow provider may take longer than a usual answer
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, seeker)
	return nil
}

// disposition names a file so that any client reads it: RFC 6266.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	if plain == name {
		return `attachment; filename="` + name + `"`
	}
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + percentEncoded(name)
}

// percentEncoded is a text as RFC 8187 writes it.
func percentEncoded(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
