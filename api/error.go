package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"relevo/quota"
	"relevo/relay"
)

// statuses is the only table from a code to an HTTP status.
var statuses = map[relay.Code]int{
	relay.CodeInvalidJSON:           http.StatusBadRequest,
	relay.CodeInvalidEncoding:       http.StatusBadRequest,
	relay.CodeDuplicateField:        http.StatusBadRequest,
	relay.CodeMissingField:          http.StatusBadRequest,
	relay.CodeInvalidField:          http.StatusBadRequest,
	relay.CodeInvalidAction:         http.StatusBadRequest,
	relay.CodeNoContent:             http.StatusBadRequest,
	relay.CodeMissingRecipient:      http.StatusBadRequest,
	relay.CodeTooManyRecipients:     http.StatusBadRequest,
	relay.CodeInvalidPhone:          http.StatusBadRequest,
	relay.CodeInvalidJID:            http.StatusBadRequest,
	relay.CodeChatNotFound:          http.StatusBadRequest,
	relay.CodeChatAmbiguous:         http.StatusBadRequest,
	relay.CodeAccountNotFound:       http.StatusBadRequest,
	relay.CodeNoChannel:             http.StatusBadRequest,
	relay.CodeFileNameRequired:      http.StatusBadRequest,
	relay.CodeInvalidFileURL:        http.StatusBadRequest,
	relay.CodeTextTooLong:           http.StatusBadRequest,
	relay.CodeTemplateUnknown:       http.StatusBadRequest,
	relay.CodeTemplateVariables:     http.StatusBadRequest,
	relay.CodeTemplateUnsupported:   http.StatusBadRequest,
	relay.CodeProviderFailed:        http.StatusBadGateway,
	relay.CodeWindowClosed:          http.StatusBadRequest,
	relay.CodeOptedOut:              http.StatusBadRequest,
	relay.CodeInvalidIdempotencyKey: http.StatusBadRequest,

	relay.CodeUnauthorized:        http.StatusUnauthorized,
	relay.CodeQuotaExhausted:      http.StatusPaymentRequired,
	relay.CodeWebhookDisabled:     http.StatusForbidden,
	relay.CodeForbidden:           http.StatusForbidden,
	relay.CodeNotFound:            http.StatusNotFound,
	relay.CodeMethodNotAllowed:    http.StatusMethodNotAllowed,
	relay.CodeIdempotencyConflict: http.StatusConflict,
	relay.CodeConflict:            http.StatusConflict,
	relay.CodeNotCancelable:       http.StatusConflict,
	relay.CodeNotResendable:       http.StatusConflict,
	relay.CodeBodyTooLarge:        http.StatusRequestEntityTooLarge,
	relay.CodeRateLimited:         http.StatusTooManyRequests,
	relay.CodeInternal:            http.StatusInternalServerError,
	relay.CodeUnavailable:         http.StatusServiceUnavailable,
	relay.CodeDiskFull:            http.StatusInsufficientStorage,

	// Why a message failed later. No call is answered with one of these.
	relay.CodeFileUnreachable:  http.StatusBadRequest,
	relay.CodeFileIsWebPage:    http.StatusBadRequest,
	relay.CodeFileTooLarge:     http.StatusBadRequest,
	relay.CodeFileTypeMismatch: http.StatusBadRequest,
	relay.CodeNotOnWhatsApp:    http.StatusBadRequest,
	relay.CodeRefused:          http.StatusBadRequest,
	relay.CodeExpired:          http.StatusBadRequest,
	relay.CodeCanceled:         http.StatusBadRequest,
}

// statusOf is the HTTP status of a code; no code means that all went well.
func statusOf(code relay.Code) int {
	if code == "" {
		return http.StatusOK
	}
	if status := statuses[code]; status != 0 {
		return status
	}
	return http.StatusInternalServerError
}

// unavailableSeconds is what Retry-After says where the server itself cannot
// take a call: longer than a restart takes.
const unavailableSeconds = 5

// refusal is any error as its caller may see it.
func refusal(err error) *relay.Error {
	var e *relay.Error
	var routed *echo.HTTPError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &routed):
		return refusalOfRouter(routed)
	case errors.Is(err, relay.ErrNotFound):
		return &relay.Error{Code: relay.CodeNotFound, Message: "There is nothing of this id here.", Err: err}
	case errors.Is(err, relay.ErrDiskFull):
		return &relay.Error{Code: relay.CodeDiskFull, Message: diskFull, Err: err}
	case errors.Is(err, relay.ErrInDoubt), errors.Is(err, relay.ErrUnavailable), errors.Is(err, relay.ErrClosed), errors.Is(err, quota.ErrFrozen), errors.Is(err, quota.ErrUnbalanced),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &relay.Error{Code: relay.CodeUnavailable, Message: "The server cannot do this now. Try again in a moment.", Err: err}
	}
	return &relay.Error{Code: relay.CodeInternal, Message: "Something went wrong on the server; its log has more under this request_id.", Err: err}
}

const diskFull = "The server's disk is full; nothing was accepted. Its operator has to make room."

func refusalOfRouter(e *echo.HTTPError) *relay.Error {
	switch e.Code {
	case http.StatusNotFound:
		return relay.Refusef(relay.CodeNotFound, "There is nothing at this address.")
	case http.StatusMethodNotAllowed:
		return relay.Refusef(relay.CodeMethodNotAllowed, "This address does not take that method; the header Allow names those that it takes.")
	}
	return &relay.Error{Code: relay.CodeInternal, Message: "Something went wrong on the server; its log has more under this request_id.", Err: e}
}

// problem is the body of every error outside the hook: RFC 9457.
type problem struct {
	Type      string             `json:"type"`
	Title     string             `json:"title"`
	Status    int                `json:"status"`
	Detail    string             `json:"detail"`
	Code      relay.Code         `json:"code"`
	Errors    []relay.FieldError `json:"errors"`
	RequestID string             `json:"request_id"`
}

// fail answers an error that a handler or the router returned.
func (s *server) fail(c echo.Context, err error) {
	e := refusal(err)
	noteError(c, e)
	if c.Response().Committed {
		return
	}
	if strings.HasPrefix(c.Path(), "/hook") {
		s.failHook(c, e)
		return
	}
	status := statusOf(e.Code)
	if s.pages != nil && c.Path() == "" && status == http.StatusNotFound && prefersHTML(c.Request().Header) {
		c.Response().Header().Del("Referrer-Policy")
		s.pages.ServeHTTP(c.Response(), c.Request()) // somebody mistyped an address
		return
	}
	h := c.Response().Header()
	switch status {
	case http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, "Bearer")
	case http.StatusServiceUnavailable:
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(unavailableSeconds))
	}
	b, err := encode(problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code,
		Errors: e.Fields, RequestID: requestIDOf(c),
	})
	if err != nil {
		noteError(c, fmt.Errorf("encode problem: %w", err))
	}
	s.send(c, status, "application/problem+json", b)
}

// send writes a body, or its headers alone where the method was HEAD.
func (s *server) send(c echo.Context, status int, mediaType string, b []byte) {
	if err := writeBytes(c, status, mediaType, b); err != nil {
		noteError(c, fmt.Errorf("write answer: %w", err)) // the client has gone
	}
}

func writeBytes(c echo.Context, status int, mediaType string, b []byte) error {
	if c.Request().Method == http.MethodHead {
		return writeHead(c, status, mediaType, int64(len(b)))
	}
	return c.Blob(status, mediaType, b)
}

// writeHead writes the headers that come before a body of so many bytes.
func writeHead(c echo.Context, status int, mediaType string, size int64) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, mediaType)
	h.Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	return c.NoContent(status)
}
