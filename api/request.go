package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"relevo/relay"
)

// endpoint answers one call of the management API.
type endpoint func(r *request) (answer, error)

// request is one call of the management API, by somebody who may make it.
type request struct {
	c   echo.Context
	ctx context.Context
	s   *server
	who caller
}

// answer is what goes back: an object as JSON, a download, or nothing.
type answer struct {
	// status is 200 where it is zero.
	status   int
	location string
	body     any
	download *download
}

// download is an answer that a browser saves as a file: a body of a known size,
// or what write writes while it is sent. Where that fails the answer breaks off.
type download struct {
	mediaType, name string
	size            int64
	body            io.ReadCloser
	write           func(io.Writer) error
}

func ok(body any) answer { return answer{body: body} }

func created(location string, body any) answer {
	return answer{status: http.StatusCreated, location: apiBase + location, body: body}
}

func noContent() answer { return answer{status: http.StatusNoContent} }

// param is a part of the path, decoded.
func (r *request) param(name string) string {
	v := r.c.Param(name)
	if r.c.Request().URL.RawPath == "" {
		return v // the router saw the decoded path
	}
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}

// workspace is the id in the path.
func (r *request) workspace() string { return r.param("ws") }

func (r *request) query(name string) string { return strings.TrimSpace(r.c.QueryParam(name)) }

// flag is a parameter that is true or false; false where it is not given.
func (r *request) flag(name string) (bool, error) {
	switch r.query(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, relay.RefuseField(relay.CodeInvalidField, name, name+" is true or false.", "")
}

// limit is how many rows are asked for: 1 to most, otherwise where nothing is
// said.
func (r *request) limit(otherwise, most int) (int, error) {
	v := r.query("limit")
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, relay.RefuseField(relay.CodeInvalidField, "limit", "limit is a whole number from 1 to "+strconv.Itoa(most)+".", "")
	}
	return n, nil
}

// page is the part of a list that is asked for.
func (r *request) page() (relay.Page, error) {
	n, err := r.limit(50, 200)
	if err != nil {
		return relay.Page{}, err
	}
	return relay.Page{Cursor: r.query("cursor"), Limit: n}, nil
}

// time reads a time from the query; the zero time where there is none.
func (r *request) time(name string) (time.Time, error) {
	v := r.query(name)
	if v == "" {
		return time.Time{}, nil
	}
	// a + that was not encoded arrives as a space
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, strings.ReplaceAll(v, " ", "+")); err == nil && t.Year() >= 1970 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, relay.RefuseField(relay.CodeInvalidField, name, name+" is not a time.",
		"Write it like 2026-01-31T15:04:05Z, or a day (from its midnight, UTC) like 2026-01-31.")
}

// maxAPIBody is the longest body of a call of the API, in bytes: as long as a
// call of the hook.
const maxAPIBody = 64 << 10

// body reads the JSON object of a call into a struct and checks the rules in
// its tags.
func (r *request) body(into any) error { return r.bodyUpTo(maxAPIBody, into) }

// bodyUpTo is body for calls that may be longer than others.
func (r *request) bodyUpTo(most int64, into any) error {
	b, err := r.rawBody(most)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return relay.Refusef(relay.CodeInvalidJSON, "The body is empty. Send a JSON object.")
	}
	if err := decode(b, into); err != nil {
		return err
	}
	return judge(r.s.rules, into)
}

// bodyIfAny is body for calls whose body may be left out.
func (r *request) bodyIfAny(into any) error {
	b, err := r.rawBody(maxAPIBody)
	if err != nil || len(b) == 0 {
		return err
	}
	if err := decode(b, into); err != nil {
		return err
	}
	return judge(r.s.rules, into)
}

func (r *request) rawBody(most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r.c.Request().Body, most+1))
	if err != nil {
		return nil, relay.Refusef(relay.CodeInvalidJSON, "The call ended before its whole body had come.")
	}
	if int64(len(b)) > most {
		return nil, relay.Refusef(relay.CodeBodyTooLarge, "The body is over %d KiB.", most>>10)
	}
	return b, nil
}

// guarded is a route as Echo calls it: the key, the call, the answer.
func (s *server) guarded(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := &request{c: c, ctx: c.Request().Context(), s: s}
		who, err := s.whoCalls(r.ctx, c.Request().Header)
		if err != nil {
			return err
		}
		r.who = who
		if err := r.inRate(); err != nil {
			return err
		}
		if err := r.mayCall(rt); err != nil {
			return err
		}
		a, err := rt.handle(r)
		if err != nil {
			return err
		}
		r.note(rt, a)
		return write(c, a)
	}
}

func write(c echo.Context, a answer) error {
	h := c.Response().Header()
	if a.location != "" {
		h.Set(echo.HeaderLocation, a.location)
	}
	if a.download != nil {
		return writeDownload(c, a.download)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.body == nil {
		return c.NoContent(a.status)
	}
	b, err := encode(a.body)
	if err != nil {
		return err
	}
	if a.status == http.StatusOK && (c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead) && unchanged(c, b) {
		return c.NoContent(http.StatusNotModified)
	}
	return writeBytes(c, a.status, jsonType, b)
}

// unchanged tells the tag of an answer, and reports whether it is the one that
// the caller has already (If-None-Match, RFC 9110 section 13.1.2).
func unchanged(c echo.Context, b []byte) bool {
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	c.Response().Header().Set("ETag", tag)
	return strings.Contains(c.Request().Header.Get("If-None-Match"), tag)
}

// encode writes JSON in which an empty list is [] and bytes that are no text
// show as U+FFFD.
func encode(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.AllowInvalidUTF8(true), json.Deterministic(true)) // the same answer has the same ETag
}

func writeDownload(c echo.Context, d *download) error {
	// A slow client may take longer than the server lets a usual answer take.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{}) // not every writer has one
	h := c.Response().Header()
	h.Set(echo.HeaderContentDisposition, disposition(d.name))
	if d.write != nil {
		h.Set(echo.HeaderContentType, d.mediaType)
		c.Response().WriteHeader(http.StatusOK)
		if c.Request().Method == http.MethodHead {
			return nil
		}
		return d.write(c.Response())
	}
	defer d.body.Close()
	h.Set(echo.HeaderContentLength, strconv.FormatInt(d.size, 10))
	if c.Request().Method == http.MethodHead {
		return writeHead(c, http.StatusOK, d.mediaType, d.size)
	}
	return c.Stream(http.StatusOK, d.mediaType, d.body)
}

// pageIn is page, of a list within a workspace that has to be there.
func (r *request) pageIn() (relay.Page, error) {
	if _, err := r.s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return relay.Page{}, err
	}
	return r.page()
}
