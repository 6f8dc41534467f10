package vonage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Send makes one call: POST /v1/messages with the application's token. It
// returns Vonage's message_uuid.
// https://developer.vonage.com/en/api/messages#SendMessage
func (d *Driver) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	s, err := settingsOf(out.Channel)
	if err != nil {
		return "", err
	}
	m, err := newMessage(s, out)
	if err != nil {
		return "", err
	}
	now := time.Now()
	b, err := d.bearers.of(s, now)
	if err != nil {
		return "", err
	}
	body, err := encode(m)
	if err != nil {
		return "", err
	}
	res, err := d.call(ctx, http.MethodPost, d.base+"/v1/messages", body, "Bearer "+b.token)
	if err != nil {
		return "", err
	}
	if res.Status/100 == 2 {
		return accepted(res)
	}
	p := readProblem(res.Body)
	if p.slug() == slugExpired {
		d.bearers.drop(s)
		if now.Sub(b.made) > bearerBack { // it was good once: the next one will be
			return "", &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeProviderFailed, After: time.Second,
				Reason: "Vonage asked for a new token. The message goes out with it.", Err: errorOf(res, p)}
		}
	}
	return "", refusal(res, p)
}

// userAgent has the form that Meta describes for it, where templates are: a
// name and three numbers (business-messaging-api_v23.0.yaml,
// parameters.UserAgent). Vonage takes any.
const userAgent = "Relevo/1.0.0"

// call makes one call with an Authorization header.
func (d *Driver) call(ctx context.Context, method, url string, body []byte, authorization string) (wire.Result, error) {
	req, err := wire.NewJSON(ctx, method, url, body)
	if err != nil {
		return wire.Result{}, &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed, Reason: "The address of Vonage's API cannot be read.", Err: err}
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
		req.Header.Del("Content-Type")
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("User-Agent", userAgent)
	return wire.Do(ctx, d.http, req)
}

// accepted reads the answer 202.
func accepted(res wire.Result) (string, error) {
	var a struct {
		UUID string `json:"message_uuid"`
	}
	if err := json.Unmarshal(res.Body, &a); err != nil || a.UUID == "" {
		e := wire.ByStatus(res, false)
		e.Reason, e.Err = "Vonage took the message and did not say under which id.", errors.New("vonage: no message_uuid in the answer")
		return "", e
	}
	return a.UUID, nil
}

// encode writes JSON as it is meant to be read, without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, &relay.SendError{Verdict: relay.Refused, Code: relay.CodeRefused, Reason: "The message cannot be written as JSON.", Err: errors.New("vonage: encode the message")}
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
