package console

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"relevo/api/console/account"
)

// What a session holds.
const (
	sessionUser  = "user"
	sessionEpoch = "epoch"
	sessionFlash = "flash"
	// sessionFlashTo leads to the ledger where the flash told of units.
	sessionFlashTo = "flash_to"
	// sessionFlashKind is how the flash looks, where it tells of nothing good.
	sessionFlashKind = "flash_kind"
)

// sessionLife is how long somebody stays signed in.
const sessionLife = 14 * 24 * time.Hour

// newSessions keeps sessions in the store, by the hash of their tokens. Over
// TLS the cookie has the __Host- prefix, which no other host can set; browsers
// take that over nothing else.
func (c *Console) newSessions() *scs.SessionManager {
	// Not scs.New: that starts a goroutine for a store of its own, for ever.
	m := &scs.SessionManager{Lifetime: sessionLife, Store: account.Sessions{Store: c.Relay.Store}, Codec: scs.GobCodec{}, HashTokenInStore: true}
	m.Cookie = scs.SessionCookie{Name: "relevo_session", HttpOnly: true, Path: "/", SameSite: http.SameSiteLaxMode, Persist: true}
	if c.secure() {
		m.Cookie.Name, m.Cookie.Secure = "__Host-relevo", true
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.Log.Error("session", "error", err)
		http.Error(w, "Your session cannot be read now. Try again in a moment.", http.StatusServiceUnavailable)
	}
	return m
}

// token is the session's, from its cookie.
func (p *call) token() string {
	k, err := p.r.Cookie(p.c.sessions.Cookie.Name)
	if err != nil {
		return ""
	}
	return k.Value
}

// begin signs somebody in, under a new token; what another was to be told is
// forgotten.
func (p *call) begin(u account.User) error {
	if p.User.ID != u.ID {
		p.c.sessions.Remove(p.ctx, sessionFlash)
		p.c.sessions.Remove(p.ctx, sessionFlashKind)
	}
	if err := p.c.sessions.RenewToken(p.ctx); err != nil {
		return err
	}
	p.c.sessions.Put(p.ctx, sessionUser, u.ID)
	p.c.sessions.Put(p.ctx, sessionEpoch, u.Epoch)
	p.User = u
	return nil
}
