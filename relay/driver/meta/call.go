package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// request is one call of the API.
type request struct {
	method string
	// path follows the version: /{phone-number-id}/messages.
	path  string
	query url.Values
	// token goes into the header Authorization, as Bearer where it names no
	// scheme of its own.
	token string
	// json is the body, nil without one.
	json any
}

// call makes a call and reads a 2xx into answer, which may be nil. Its error is
// a *relay.SendError, by the table in verdict.go.
func (d *Driver) call(ctx context.Context, r request, answer any) (http.Header, error) {
	var body []byte
	if r.json != nil {
		var err error
		if body, err = encode(r.json); err != nil {
			return nil, &relay.SendError{Verdict: relay.Refused, Code: relay.CodeInternal, Reason: "The message could not be written as JSON.", Err: errors.New("encode a request")}
		}
	}
	req, err := wire.NewJSON(ctx, r.method, d.address(r.path, r.query), body)
	if err != nil {
		return nil, badAddress(err)
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
		req.Header.Del("Content-Type")
	}
	authorize(req, r.token)
	return d.do(ctx, req, answer)
}

// do makes a call whose request is complete.
func (d *Driver) do(ctx context.Context, req *http.Request, answer any) (http.Header, error) {
	res, err := wire.Do(ctx, d.http, req)
	if err != nil {
		return nil, inWords(err)
	}
	if fault, parsed := readFault(res.Body); parsed || res.Status < 200 || res.Status > 299 {
		return res.Header, fault.sendError(res, parsed)
	}
	if answer == nil {
		return res.Header, nil
	}
	if err := json.Unmarshal(res.Body, answer); err != nil {
		return res.Header, unreadable()
	}
	return res.Header, nil
}

func (d *Driver) address(path string, query url.Values) string {
	if len(query) == 0 {
		return d.base + path
	}
	return d.base + path + "?" + query.Encode()
}

// userAgent has the form that Meta describes for it: a name and a version of
// three numbers. Go's own has two (business-messaging-api_v23.0.yaml,
// parameters.UserAgent).
const userAgent = "Relevo/1.0.0"

// authorize says who calls.
func authorize(req *http.Request, token string) {
	req.Header.Set("User-Agent", userAgent)
	if !strings.Contains(token, " ") {
		token = "Bearer " + token
	}
	req.Header.Set("Authorization", token)
}

// encode writes JSON as it is read: without \u0026 for an ampersand.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func unreadable() *relay.SendError {
	return &relay.SendError{Verdict: relay.Unsure, Code: relay.CodeProviderFailed,
		Reason: "Meta's answer could not be understood, so it is not known whether the message went out.", Err: errors.New("an answer of Meta's that is none")}
}

func badAddress(err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed, Reason: "The address of Meta's API is not set up well on this server. Ask its operator.", Err: err}
}

// inWords says who it was that could not be reached.
func inWords(err error) error {
	var e *relay.SendError
	if !errors.As(err, &e) {
		return err
	}
	said := *e
	switch said.Verdict {
	case relay.Deferred:
		said.Reason = "Meta could not be reached; Relevo tries again."
	case relay.Unsure:
		said.Reason = "Meta gave no clear answer, so it is not known whether the message went out."
	}
	return &said
}
