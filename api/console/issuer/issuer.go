// Package issuer asks an OpenID Connect provider who somebody is.
//
// It knows the protocol: discovery, where to lead a browser, what comes back,
// and what of that is to be believed. It does not know who may come in, and
// keeps nothing of anybody: what belongs to one question is with its caller, so
// that another node can take the answer.
package issuer

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config is what a provider and this server know of each other.
type Config struct {
	// URL is the issuer's, as it calls itself: with or without a slash at its
	// end, as its discovery document has it.
	URL string
	// ClientID and ClientSecret are what it knows this server by. A client that
	// is public has no secret.
	ClientID, ClientSecret string
	// Name is what people know it by; empty: the host of its URL.
	Name string
	// Scopes are asked for; openid has to be among them.
	Scopes []string
}

// What may go wrong. Each wraps what the operator's log may tell: no code, no
// token, and nothing of anybody.
var (
	// ErrUnreachable: the provider cannot be asked now.
	ErrUnreachable = errors.New("the issuer cannot be reached")
	// ErrRefused: it was asked, and what it said is not to be believed.
	ErrRefused = errors.New("the issuer did not say who this is")
)

const (
	// discoveryLife is how long a discovery document is believed; one that
	// cannot be read again is believed for longer.
	discoveryLife = 24 * time.Hour
	// discoveryPause is between two tries to reach a provider that is down,
	// however many people wait.
	discoveryPause = 10 * time.Second
	// answerTimeout bounds all calls of one answer.
	answerTimeout = 20 * time.Second
	// answersAtOnce bounds how many are asked for at the same time.
	answersAtOnce = 16
)

// Issuer is one provider. Its methods may be called concurrently. Nothing is
// asked of it before somebody comes.
type Issuer struct {
	Config
	client *http.Client
	asks   chan struct{}
	// turn guards what follows: one discovers at a time, and the others wait.
	turn  chan struct{}
	found *oidc.Provider
	again time.Time // no discovery before
	fault error     // of the last one
}

// New makes one; it calls nobody.
func New(cfg Config) *Issuer { return with(cfg, newTransport()) }

func with(cfg Config, transport http.RoundTripper) *Issuer {
	if u, err := url.Parse(cfg.URL); err == nil {
		cfg.Name = cmp.Or(cfg.Name, u.Host)
	}
	return &Issuer{Config: cfg, client: newClient(transport), asks: make(chan struct{}, answersAtOnce), turn: make(chan struct{}, 1)}
}

// Question is what one journey to the provider is known by. It is secret: it
// stays with the browser that is led there, sealed.
type Question struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// NewQuestion is one that nobody can guess.
func NewQuestion() Question {
	return Question{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
}

// Person is who the provider says that somebody is.
type Person struct {
	// Subject never changes, and is nobody else's at this provider.
	Subject string
	// Email may change. Verified: the provider says that it is theirs.
	Email    string
	Verified bool
	Name     string
}

// Address is where a browser is led with a question; it comes back to back.
// ErrUnreachable.
func (i *Issuer) Address(ctx context.Context, back string, q Question) (string, error) {
	p, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	return i.oauth(p, back).AuthCodeURL(q.State, oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)), nil
}

// Person is who came back to back with a code, as the answer to a question.
// ErrUnreachable, ErrRefused.
func (i *Issuer) Person(ctx context.Context, back string, q Question, code string) (Person, error) {
	ctx, stop := context.WithTimeout(oidc.ClientContext(ctx, i.client), answerTimeout)
	defer stop()
	select {
	case i.asks <- struct{}{}:
		defer func() { <-i.asks }()
	case <-ctx.Done():
		return Person{}, fmt.Errorf("%w: too many ask at once", ErrUnreachable)
	}
	p, err := i.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	token, err := i.oauth(p, back).Exchange(ctx, code, oauth2.VerifierOption(q.Verifier))
	if err != nil {
		return Person{}, exchangeFault(err)
	}
	return i.read(ctx, p, token, q)
}

func (i *Issuer) oauth(p *oidc.Provider, back string) *oauth2.Config {
	e := p.Endpoint()
	e.AuthStyle = i.authStyle(p)
	return &oauth2.Config{ClientID: i.ClientID, ClientSecret: i.ClientSecret, Endpoint: e, RedirectURL: back, Scopes: i.Scopes}
}

// authStyle is how the secret is given: as the provider says, and not by trying
// both, as a code is good for one try.
func (i *Issuer) authStyle(p *oidc.Provider) oauth2.AuthStyle {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	err := p.Claims(&says)
	basic := err != nil || len(says.Methods) == 0 || slices.Contains(says.Methods, "client_secret_basic")
	if i.ClientSecret == "" || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// discover finds the provider's addresses: once a day, and where it is down,
// not more often than every discoveryPause.
func (i *Issuer) discover(ctx context.Context) (*oidc.Provider, error) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: it is being asked for its addresses", ErrUnreachable)
	}
	if time.Now().Before(i.again) {
		return i.known()
	}
	// Not the visitor's context: one who goes away must not fail it for others.
	free, stop := context.WithTimeout(context.WithoutCancel(oidc.ClientContext(ctx, i.client)), callTimeout)
	defer stop()
	p, err := oidc.NewProvider(free, i.URL)
	if err == nil {
		err = i.checkAddresses(p)
	}
	if err != nil {
		i.again, i.fault = time.Now().Add(discoveryPause), fmt.Errorf("%w: %s", ErrUnreachable, short(discoveryFault(err)))
		return i.known()
	}
	i.found, i.again, i.fault = p, time.Now().Add(discoveryLife), nil
	return p, nil
}

func (i *Issuer) known() (*oidc.Provider, error) {
	if i.found != nil {
		return i.found, nil
	}
	return nil, i.fault
}

// checkAddresses refuses those that are no addresses of the web, or not under
// TLS where the issuer is.
func (i *Issuer) checkAddresses(p *oidc.Provider) error {
	var says struct {
		Keys string `json:"jwks_uri"`
	}
	if err := p.Claims(&says); err != nil {
		return err
	}
	e, safe := p.Endpoint(), strings.HasPrefix(i.URL, "https://")
	for name, address := range map[string]string{"authorization_endpoint": e.AuthURL, "token_endpoint": e.TokenURL, "jwks_uri": says.Keys, "userinfo_endpoint": cmp.Or(p.UserInfoEndpoint(), i.URL)} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && (safe || u.Scheme != "http") {
			return fmt.Errorf("its %s is no address that begins with https", name)
		}
	}
	return nil
}
