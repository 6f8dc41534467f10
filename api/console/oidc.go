package console

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/relay"
)

// oidcRoutes are the way by an OpenID Connect provider and back. Forms lead to
// a page that leads on (see leave), as the policy lets no form go elsewhere.
func (c *Console) oidcRoutes() []route {
	return []route{
		{pattern: "GET /sign-in/oidc", access: anybody, page: signInElsewhere},
		{pattern: "GET " + ReturnPath, access: anybody, page: comeBack},
		{pattern: "POST /join/{token}/oidc", access: anybody, page: joinElsewhere},
		{pattern: "POST /me/oidc", access: signedIn, page: linkElsewhere},
		{pattern: "POST /me/oidc/unlink", access: signedIn, page: unlinkElsewhere},
	}
}

// ReturnPath is where the provider leads back to, below the public address.
const ReturnPath = "/sign-in/oidc/callback"

// What somebody went to the provider for.
const (
	toSignIn = "sign-in"
	toJoin   = "join"
	toLink   = "link"
)

// journey is what stays with a browser while it is at the provider: sealed in a
// cookie, so that any node can take it back and strangers write nothing into
// the store.
type journey struct {
	issuer.Question
	For string `json:"for"`
	// To is where somebody was going, Token an invitation, User who is linked.
	To    string    `json:"to,omitzero"`
	Token string    `json:"token,omitzero"`
	User  string    `json:"user,omitzero"`
	Until time.Time `json:"until"`
}

const (
	// journeyLife is how long somebody may take to sign in at the provider.
	journeyLife = 15 * time.Minute
	// maxTo keeps the cookie below what browsers take, 4096 bytes.
	maxTo       = 500
	journeySeal = "a journey to the issuer"
)

// IssuerName is what people know the provider by; empty where there is none.
func (p *call) IssuerName() string {
	if p.c.Issuer == nil {
		return ""
	}
	return p.c.Issuer.Name
}

// Linked reports whether the provider's word opens the user's account.
func (p *call) Linked() bool { return p.c.Issuer != nil && p.User.Linked(p.c.Issuer.URL) }

// JoinPath is that of the invitation's page, JoinElsewhere where its form for the
// provider goes.
func (p *call) JoinPath() string      { return "/join/" + url.PathEscape(p.r.PathValue("token")) }
func (p *call) JoinElsewhere() string { return p.JoinPath() + "/oidc" }

// journeyCookie is sent when the provider leads back: a link from another site,
// so not with SameSite=Strict.
func (p *call) journeyCookie(value string, age int) *http.Cookie {
	k := &http.Cookie{Name: "relevo_oidc", Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if p.c.secure() {
		k.Name, k.Secure = "__Host-relevo-oidc", true
	}
	return k
}

// depart begins a journey and returns the address at the provider.
func (p *call) depart(j journey) (string, error) {
	j.Question, j.Until = issuer.NewQuestion(), time.Now().Add(journeyLife)
	if len(j.To) > maxTo {
		j.To = "/"
	}
	address, err := p.c.Issuer.Address(p.ctx, p.base()+ReturnPath, j.Question)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	sealed := p.c.Relay.Secrets.Seal(string(b), journeySeal)
	http.SetCookie(p.w, p.journeyCookie(base64.RawURLEncoding.EncodeToString(sealed), int(journeyLife.Seconds())))
	return address, nil
}

// arrive takes the journey back, once: ok is false where there is none that
// this answer belongs to.
func (p *call) arrive() (j journey, ok bool) {
	k, err := p.r.Cookie(p.journeyCookie("", 0).Name)
	if err != nil {
		return j, false
	}
	http.SetCookie(p.w, p.journeyCookie("", -1))
	sealed, err := base64.RawURLEncoding.DecodeString(k.Value)
	if err != nil {
		return j, false
	}
	text, err := p.c.Relay.Secrets.Open(sealed, journeySeal)
	if err != nil || json.Unmarshal([]byte(text), &j) != nil || time.Now().After(j.Until) {
		return journey{}, false
	}
	from := p.query("iss") // RFC 9207: where it is there, it is checked
	same := subtle.ConstantTimeCompare([]byte(p.query("state")), []byte(j.State)) == 1
	return j, same && j.State != "" && (from == "" || from == p.c.Issuer.URL)
}

// signInElsewhere leads to the provider. It is a link: the policy lets no form
// lead there.
func signInElsewhere(p *call) error {
	j := journey{For: toSignIn, To: back(p.query("to"))}
	if p.c.Issuer == nil {
		return errNoPage
	}
	if p.User.ID != "" {
		return p.goTo(j.To)
	}
	address, err := p.depart(j)
	if err != nil {
		return p.stranded(j, err)
	}
	return p.goTo(address)
}

// leave shows that somebody is led to the provider, and leads them there: not
// by a redirect, which the policy forbids after a form.
func (p *call) leave(j journey) error {
	address, err := p.depart(j)
	if err != nil {
		return p.stranded(j, err)
	}
	p.w.Header().Set("Refresh", "0;url="+address)
	return p.show("leave", address)
}

func joinElsewhere(p *call) error {
	if p.c.Issuer == nil {
		return errNoPage
	}
	if _, err := invited(p); err != nil {
		return err
	}
	if p.User.ID != "" { // has an account to join with
		return p.goTo(p.JoinPath())
	}
	return p.leave(journey{For: toJoin, Token: p.r.PathValue("token")})
}

// linkElsewhere asks for the password first: what is linked outlives the
// session.
func linkElsewhere(p *call) error {
	if p.c.Issuer == nil {
		return errNoPage
	}
	if err := p.c.Accounts.Prove(p.ctx, p.User, p.r.PostFormValue("old"), p.from()); err != nil {
		return p.againDoor(err, "me", nil)
	}
	return p.leave(journey{For: toLink, User: p.User.ID})
}

func unlinkElsewhere(p *call) error {
	if p.c.Issuer == nil {
		return errNoPage
	}
	u, err := p.c.Accounts.Unlink(p.ctx, p.User.ID)
	if errors.Is(err, account.ErrNoPassword) {
		p.Problem = &Problem{Message: p.T("oidc.why_no_password", "Name", p.IssuerName())}
		return p.showAs(http.StatusUnprocessableEntity, "me", nil)
	}
	if err != nil {
		return err
	}
	if err := p.begin(u); err != nil {
		return err
	}
	p.note("account_unlinked", p.IssuerName())
	return p.done("/me", "oidc.unlinked", "Name", p.IssuerName())
}

// errLost: an answer without a question, errAway: the provider sent somebody
// back without saying who they are.
var (
	errLost = errors.New("no journey that this answer belongs to")
	errAway = errors.New("canceled at the issuer")
)

// comeBack takes somebody in whom the provider leads back.
func comeBack(p *call) error {
	if p.c.Issuer == nil {
		return errNoPage
	}
	j, ok := p.arrive()
	if !ok {
		return p.stranded(journey{}, errLost)
	}
	if err := p.c.Accounts.Come(p.from()); err != nil {
		return p.stranded(j, err)
	}
	switch code := issuer.Code(p.query("error")); {
	case p.query("error") == "":
	case code == "access_denied":
		return p.stranded(j, errAway)
	default:
		return p.stranded(j, &answeredError{code})
	}
	who, err := p.c.Issuer.Person(p.ctx, p.base()+ReturnPath, j.Question, p.query("code"))
	if err != nil {
		return p.stranded(j, err)
	}
	id := account.Identity{Issuer: p.c.Issuer.URL, Subject: who.Subject, Email: who.Email, Verified: who.Verified, Name: who.Name, Language: chosen(p.r)}
	take := map[string]func(journey, account.Identity) error{toSignIn: p.takeIn, toJoin: p.takeOn, toLink: p.takeTogether}[j.For]
	if take == nil {
		return p.stranded(journey{}, errLost)
	}
	if err := take(j, id); err != nil {
		return p.stranded(j, err)
	}
	return nil
}

// answeredError is an error of the protocol that the provider came back with.
type answeredError struct{ code string }

func (e *answeredError) Error() string { return "the issuer answered " + e.code }

// takeIn signs somebody in.
func (p *call) takeIn(j journey, id account.Identity) error {
	u, linked, err := p.c.Accounts.SignInWith(p.ctx, id)
	if err != nil {
		return err
	}
	if err := p.begin(u); err != nil {
		return err
	}
	if !linked {
		return p.goTo(back(j.To))
	}
	p.note("account_linked", p.IssuerName())
	return p.done(back(j.To), "oidc.claimed", "Name", p.IssuerName())
}

// takeOn uses an invitation up: for the account that they have, else for a new
// one.
func (p *call) takeOn(j journey, id account.Identity) error {
	p.r.SetPathValue("token", j.Token)
	data, err := invited(p)
	if err != nil {
		return err
	}
	u, linked, err := p.c.Accounts.SignInWith(p.ctx, id)
	switch {
	case err == nil:
		u, err = p.c.Accounts.Accept(p.ctx, j.Token, u.ID)
	case errors.Is(err, account.ErrNobody) || errors.Is(err, account.ErrUnverified):
		u, err = p.c.Accounts.JoinWith(p.ctx, j.Token, id)
	}
	if err != nil {
		return err
	}
	if err := p.begin(u); err != nil {
		return err
	}
	if linked {
		p.note("account_linked", p.IssuerName())
	}
	p.noteJoined(u, data.Invite)
	return p.done("/w/"+data.Invite.Workspace, "door.joined", "Workspace", data.Workspace)
}

// takeTogether links the account of whoever began the journey.
func (p *call) takeTogether(j journey, id account.Identity) error {
	if p.User.ID == "" || p.User.ID != j.User {
		return errLost
	}
	u, err := p.c.Accounts.Link(p.ctx, p.User.ID, id)
	if err != nil {
		return err
	}
	if err := p.begin(u); err != nil {
		return err
	}
	p.note("account_linked", p.IssuerName())
	// Who is told as whom: at the provider, somebody else may be signed in.
	return p.done("/me", "oidc.linked_now", "Name", p.IssuerName(), "Who", p.Short(cmp.Or(id.Email, id.Name, id.Subject), 80))
}

// whys are what is told of a journey that came to nothing, by its end.
var whys = []struct {
	err error
	why string
}{
	{errLost, "lost"},
	{errAway, "canceled"},
	{account.ErrTooMany, "too_many"},
	{issuer.ErrUnreachable, "unreachable"},
	{issuer.ErrRefused, "refused"},
	{account.ErrNobody, "nobody"},
	{account.ErrUnverified, "unverified"},
	{account.ErrDisabled, "disabled"},
	{account.ErrOtherIdentity, "other"},
	{account.ErrOperatorLinks, "operator"},
	{account.ErrIdentityTaken, "taken"},
	{account.ErrEmailTaken, "email_taken"},
	{account.ErrNoEmail, "no_email"},
	{account.ErrLink, "link"},
}

// stranded leads back to where a journey began, which says why it came to
// nothing; a fault of ours is returned.
func (p *call) stranded(j journey, err error) error {
	why := ""
	for _, w := range whys {
		if errors.Is(err, w.err) {
			why = w.why
		}
	}
	if _, answered := errors.AsType[*answeredError](err); answered {
		why = "refused"
	}
	if isCode(err, relay.CodeNotFound) { // what was to be joined is gone
		why = "link"
	}
	if why == "" {
		return err
	}
	p.c.Log.Warn("sign-in by OpenID Connect came to nothing", "why", why, "request_id", p.RequestID(), "error", err)
	to := "/sign-in?" + values("to", j.To, "why", why)
	switch {
	case p.User.ID != "":
		to = "/me?" + values("why", why)
	case why == "link" || why == "lost":
		to = "/sign-in?" + values("why", why)
	case j.For == toJoin:
		to = "/join/" + url.PathEscape(j.Token) + "?" + values("why", why)
	}
	return p.goTo(to)
}

// tellWhy shows on a page why a journey came to nothing, by its address. Other
// words than ours are not shown.
func (p *call) tellWhy() {
	given := p.query("why")
	for _, w := range whys {
		if w.why == given && p.c.Issuer != nil {
			key := "oidc.why_" + given
			p.Problem = &Problem{Message: p.T(key, "Name", p.IssuerName())}
		}
	}
}
