package vonage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

const tokenHint = "In Meta Business Suite: Settings > Users > System users > Generate token, with the permission whatsapp_business_management for this WhatsApp account."

// missing is the error where templates cannot be had: they lie at Meta, for
// the WhatsApp account and under a token that the owner gives. Nil where both
// are there.
func missing(s Settings) *relay.SendError {
	var names []string
	if s.WABAID == "" {
		names = append(names, "waba_id")
	}
	if s.UserToken == "" {
		names = append(names, "user_token")
	}
	if len(names) == 0 {
		return nil
	}
	return refuse(relay.CodeTemplateUnsupported, "Templates are read from Meta with the settings waba_id and user_token; missing: %s.", strings.Join(names, ", "))
}

// graphError is Meta's error object:
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
type graphError struct {
	Error *struct {
		Code    int    `json:"code"`
		Subcode int    `json:"error_subcode"`
		Trace   word   `json:"fbtrace_id"`
		Title   string `json:"error_user_title"`
		Message string `json:"error_user_msg"`
	} `json:"error"`
}

// graph makes one call of Meta's Graph API and reads its answer into v. Its
// error is a *relay.SendError with a reason for the owner.
func (d *Driver) graph(ctx context.Context, s Settings, method, path string, query url.Values, body []byte, v any) error {
	at := d.meta + path
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	res, err := d.call(ctx, method, at, body, "Bearer "+s.UserToken)
	if err != nil {
		return atMeta(err)
	}
	return s.answerOf(res, v)
}

// atMeta names Meta in an error of the wire. Nothing of templates is a
// message: what is unsure may be tried again.
func atMeta(err error) error {
	var e *relay.SendError
	if errors.As(wire.Prepared(err), &e) {
		named := *e
		named.Reason = "Meta could not be reached, or gave no clear answer. Try again in a few minutes."
		return &named
	}
	return err
}

func (s Settings) answerOf(res wire.Result, v any) error {
	if res.Status == http.StatusOK {
		if err := json.Unmarshal(res.Body, v); err != nil {
			return atMeta(wire.ByStatus(res, false))
		}
		return nil
	}
	var g graphError
	if err := json.Unmarshal(res.Body, &g); err != nil || g.Error == nil {
		return atMeta(wire.ByStatus(res, false))
	}
	e := wire.ByStatus(res, true)
	e.Err = fmt.Errorf("vonage: meta answered with status %d, code %d, subcode %d", res.Status, g.Error.Code, g.Error.Subcode)
	e.Reason = fmt.Sprintf("Meta did not take the call (code %d).", g.Error.Code)
	switch c := g.Error.Code; {
	case c == 190 || c == 0:
		e.Verdict, e.Code, e.Reason = relay.Refused, relay.CodeRefused, "Meta does not take the user token: it has ended or was withdrawn. Generate a new one and save it here."
	case c == 3 || c == 10 || c >= 200 && c <= 299:
		e.Verdict, e.Code, e.Reason = relay.Refused, relay.CodeRefused, "The user token may not manage this WhatsApp account. Generate one with the permission whatsapp_business_management."
	case c == 4 || c == 80007 || c == 80008:
		e.Verdict, e.Code, e.Reason = relay.Deferred, relay.CodeProviderFailed, "Meta takes no more calls for this WhatsApp account for the moment. Try again in an hour."
	case c == 1 || c == 2:
		e.Verdict, e.Code, e.Outage, e.Reason = relay.Deferred, relay.CodeProviderFailed, true, "Meta is out of order for the moment. Try again in a few minutes."
	case g.Error.Subcode == 33:
		e.Verdict, e.Code, e.Reason = relay.Refused, relay.CodeRefused, "Meta has no WhatsApp account with this waba_id, or the user token does not cover it."
	default:
		e.Verdict, e.Code = relay.Refused, relay.CodeRefused
		if why := joined(": ", g.Error.Title, g.Error.Message); why != "" {
			e.Reason = "Meta did not take it. " + clip(strings.ReplaceAll(why, s.UserToken, "…"), 400)
		}
	}
	return e
}

// clip is the beginning of a text, in characters.
func clip(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i] + "…"
		}
		runes--
	}
	return s
}

func reasonOf(err error) string {
	var e *relay.SendError
	if errors.As(err, &e) {
		return e.Reason
	}
	return "Meta could not be asked."
}

// stateOf is what an error means for a check: that something is wrong, or only
// that it could not be found out.
func stateOf(err error) relay.FindingState {
	var e *relay.SendError
	if errors.As(err, &e) && (e.Verdict == relay.Refused || e.Verdict == relay.ChannelFault) {
		return relay.Trouble
	}
	return relay.Doubt
}

// tokenInfo is what Meta tells of a token.
type tokenInfo struct {
	AppID     word  `json:"app_id"`
	Valid     bool  `json:"is_valid"`
	ExpiresAt int64 `json:"expires_at"` // Unix time, 0 for never
}

// debugToken asks Meta about the user token.
// https://developers.facebook.com/docs/graph-api/reference/debug_token
func (d *Driver) debugToken(ctx context.Context, s Settings) (tokenInfo, error) {
	var a struct {
		Data tokenInfo `json:"data"`
	}
	err := d.graph(ctx, s, http.MethodGet, "/debug_token", url.Values{"input_token": {s.UserToken}}, nil, &a)
	return a.Data, err
}

// upload hands a header's example file in and returns its handle.
// https://developers.facebook.com/docs/graph-api/guides/upload
func (d *Driver) upload(ctx context.Context, s Settings, f relay.OutgoingFile) (string, error) {
	token, err := d.debugToken(ctx, s)
	if err != nil {
		return "", err
	}
	if !fieldID.MatchString(string(token.AppID)) {
		return "", refuse(relay.CodeRefused, "Meta does not say which app the user token belongs to, so that the example file cannot be handed in. Generate the token from a system user.")
	}
	var session struct {
		ID string `json:"id"`
	}
	query := url.Values{"file_name": {f.Name}, "file_length": {fmt.Sprint(f.Size)}, "file_type": {f.Type}}
	if err := d.graph(ctx, s, http.MethodPost, "/"+string(token.AppID)+"/uploads", query, nil, &session); err != nil {
		return "", err
	}
	body, err := f.Open()
	if err != nil {
		return "", refuse(relay.CodeFileUnreachable, "The example file cannot be opened.")
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, f.Size+1))
	if err != nil || int64(len(content)) != f.Size {
		return "", refuse(relay.CodeFileUnreachable, "The example file cannot be read.")
	}
	req, err := wire.NewJSON(ctx, http.MethodPost, d.meta+"/"+session.ID, content)
	if err != nil {
		return "", refuse(relay.CodeRefused, "Meta named no place for the example file.")
	}
	req.Header.Set("Authorization", "OAuth "+s.UserToken)
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("File_offset", "0")
	res, err := wire.Do(ctx, d.http, req)
	if err != nil {
		return "", atMeta(err)
	}
	var done struct {
		Handle string `json:"h"`
	}
	if err := s.answerOf(res, &done); err != nil {
		return "", err
	}
	if done.Handle == "" {
		return "", refuse(relay.CodeRefused, "Meta gave no handle for the example file.")
	}
	return done.Handle, nil
}
