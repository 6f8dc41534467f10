package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// claims are what a provider says of somebody.
type claims struct {
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Verified yes    `json:"email_verified"`
	Name     string `json:"name"`
	// Party is for whom the token was made, where several may read it.
	Party string `json:"azp"`
}

// yes is true as JSON has it or, as Cognito says it, in quotes.
type yes bool

// UnmarshalJSON takes anything else for no.
func (y *yes) UnmarshalJSON(b []byte) error {
	*y = string(b) == "true" || string(b) == `"true"`
	return nil
}

// maxSubject is how long the specification lets a subject be, in ASCII:
// https://openid.net/specs/openid-connect-core-1_0.html#IDToken
const maxSubject = 255

// read believes an ID token that the provider signed for this client, that has
// not ended, and that answers this question. Where the address of the person is
// not in it, the provider is asked once more.
func (i *Issuer) read(ctx context.Context, p *oidc.Provider, token *oauth2.Token, q Question) (Person, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, fmt.Errorf("%w: there is no ID token; is the scope openid missing?", ErrRefused)
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: i.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %s", ErrRefused, short(err))
	}
	if id.Nonce != q.Nonce {
		return Person{}, fmt.Errorf("%w: the ID token answers another question", ErrRefused)
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return Person{}, fmt.Errorf("%w: the ID token cannot be read", ErrRefused)
	}
	if c.Subject == "" || len(c.Subject) > maxSubject || c.Party != "" && c.Party != i.ClientID {
		return Person{}, fmt.Errorf("%w: the ID token is for somebody else", ErrRefused)
	}
	if c.Email == "" && p.UserInfoEndpoint() != "" {
		c = i.more(ctx, p, token, c)
	}
	return Person{Subject: c.Subject, Email: c.Email, Verified: bool(c.Verified), Name: c.Name}, nil
}

// more adds what the provider tells beside the ID token, of the same subject.
// Without it the person is who they are all the same.
func (i *Issuer) more(ctx context.Context, p *oidc.Provider, token *oauth2.Token, c claims) claims {
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return c
	}
	var told claims
	if info.Claims(&told) != nil || told.Subject != c.Subject {
		return c
	}
	return told
}

const (
	// callTimeout bounds one call to a provider, maxBody what is read of an
	// answer, in bytes: a token with many groups has some tens of KiB.
	callTimeout = 10 * time.Second
	maxBody     = 1 << 20
)

// newTransport reaches a provider, also in a private network: its address is
// the operator's choice. No proxy comes in between that nobody named here.
func newTransport() http.RoundTripper {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: callTimeout}).DialContext,
		TLSHandshakeTimeout: callTimeout, ResponseHeaderTimeout: callTimeout, IdleConnTimeout: time.Minute,
		MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
}

// newClient follows no redirects: what is asked is for whom was asked.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: bounded{transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// bounded ends answers that are too long with an error.
type bounded struct{ next http.RoundTripper }

// RoundTrip is the next one's.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, maxBody), tooLong{resp.Body}), resp.Body}
	}
	return resp, err
}

// tooLong fails where there is more.
type tooLong struct{ rest io.Reader }

func (t tooLong) Read([]byte) (int, error) {
	var one [1]byte
	if n, _ := io.ReadFull(t.rest, one[:]); n > 0 {
		return 0, errors.New("an answer of more than 1 MiB")
	}
	return 0, io.EOF
}

// discoveryFault is what the log may tell of a discovery: the document is
// nobody's secret.
func discoveryFault(err error) error {
	if m, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return fmt.Errorf("it calls itself %q; write that as oidc.issuer", m.Discovered)
	}
	return err
}

// oauthCode is how the specification writes what went wrong.
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// Code is an error of the protocol where it has the form of one; anything else
// may hold what is nobody's business.
func Code(s string) string {
	if oauthCode.MatchString(s) {
		return s
	}
	return "other"
}

// exchangeFault is what the log may tell of an exchange: never the answer, which
// may hold the code.
func exchangeFault(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if r.Response != nil && r.Response.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("%w: its token endpoint answers %d", ErrUnreachable, r.Response.StatusCode)
		}
		return fmt.Errorf("%w: its token endpoint says %s", ErrRefused, Code(r.ErrorCode))
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%w: %s", ErrUnreachable, short(u.Err))
	}
	return fmt.Errorf("%w: its token endpoint gave an answer that cannot be read", ErrRefused)
}

// short is the beginning of an error, in one line: providers answer whole pages.
func short(err error) error {
	const most = 200
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return errors.New(text)
}
