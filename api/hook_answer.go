package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"relevo/relay"
)

// unknownHook is the whole answer to a token that leads nowhere: malformed,
// never made, rotated away, its workspace deleted. The same bytes for all.
const unknownHook = `{"status":404,"data":{},"message":"Webhook not found"}`

// answerAccepted writes the 200: exactly the id, and the rest in headers.
func answerAccepted(c echo.Context, done relay.Accepted) error {
	res := c.Response()
	h := res.Header()
	switch {
	case done.Captured:
		h["Relevo-Captured"] = []string{"true"}
	case done.Test:
		h["Relevo-Test"] = []string{"true"}
	case done.Replayed:
		h["Idempotent-Replayed"] = []string{"true"}
	default:
		h["Relevo-Queue-Position"] = []string{strconv.Itoa(done.Position)}
	}
	if !done.Captured {
		h["Relevo-Quota-Available"] = []string{strconv.FormatInt(done.Available, 10)}
	}
	if len(done.Warnings) > 0 {
		h["Relevo-Warnings"] = []string{headerText(done.Warnings)}
	}
	b := make([]byte, 0, 96)
	b = append(b, `{"status":"success","data":{"message_id":"`...)
	b = append(b, done.MessageID...)
	b = append(b, `"}}`...)
	return c.Blob(http.StatusOK, jsonType, b)
}

// answerChallenge sends a challenge back, or says that all is well.
func answerChallenge(c echo.Context, challenge string) error {
	if challenge == "" {
		return c.Blob(http.StatusOK, jsonType, []byte(`{"status":"success","data":{}}`))
	}
	b, err := encode(map[string]string{"challenge": challenge})
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, jsonType, b)
}

// hookRefusal is the body of every other refusal of a call.
type hookRefusal struct {
	Status    int                `json:"status"`
	Data      struct{}           `json:"data"`
	Message   string             `json:"message"`
	ErrorCode relay.Code         `json:"error_code"`
	Errors    []relay.FieldError `json:"errors"`
	RequestID string             `json:"request_id"`
}

// hookMethod refuses everything but POST, whatever the token.
func hookMethod() *relay.Error {
	return relay.Refusef(relay.CodeMethodNotAllowed, "This is a webhook: it takes messages by POST alone. Nothing was sent.")
}

// failHook answers a refusal in the hook's form.
func (s *server) failHook(c echo.Context, e *relay.Error) {
	if e.Code == relay.CodeNotFound {
		s.send(c, http.StatusNotFound, jsonType, []byte(unknownHook))
		return
	}
	status := statusOf(e.Code)
	switch status {
	case http.StatusMethodNotAllowed:
		e = hookMethod()
		c.Response().Header().Set(echo.HeaderAllow, http.MethodPost)
		if prefersHTML(c.Request().Header) {
			s.sendPage(c, status)
			return
		}
	case http.StatusServiceUnavailable:
		retryAfter(c, unavailableSeconds)
	}
	b, err := encode(hookRefusal{Status: status, Message: e.Message, ErrorCode: e.Code, Errors: e.Fields, RequestID: requestIDOf(c)})
	if err != nil {
		noteError(c, err)
	}
	s.send(c, status, jsonType, b)
}

func retryAfter(c echo.Context, seconds int) {
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
}

// tellLimit says how much of a limit is left, of the webhook or the api, as
// https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html
// has it.
func tellLimit(c echo.Context, policy string, perMinute, left, reset int) {
	h := c.Response().Header()
	h["Ratelimit-Policy"] = []string{fmt.Sprintf(`"%s";q=%d;w=60`, policy, perMinute)}
	h["Ratelimit"] = []string{fmt.Sprintf(`"%s";r=%d;t=%d`, policy, left, reset)}
}

// forgetLimit takes back what was said of a limit that is not the webhook's any
// more.
func forgetLimit(c echo.Context) {
	h := c.Response().Header()
	delete(h, "Ratelimit-Policy")
	delete(h, "Ratelimit")
	delete(h, echo.HeaderRetryAfter)
}

// maxHeaderText bounds the header of warnings, in bytes; the attempt has them
// in full.
const maxHeaderText = 1000

// headerText joins warnings so that any client can read them: ASCII alone,
// the rest escaped as in JSON.
func headerText(warnings []string) string {
	const cut = "..."
	var b strings.Builder
	for i, w := range warnings {
		if i > 0 {
			w = "; " + w
		}
		for _, r := range w {
			piece := string(r)
			if r < ' ' || r > '~' {
				piece = strings.Trim(strconv.QuoteToASCII(piece), `"`)
			}
			if b.Len()+len(piece) > maxHeaderText-len(cut) {
				return b.String() + cut
			}
			b.WriteString(piece)
		}
	}
	return b.String()
}
