package console

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"relevo/api/console/account"
	"relevo/relay"
)

// access says who may open a page.
type access int

const (
	// anybody: signed in or not.
	anybody access = iota
	// signedIn: with an account.
	signedIn
	// viewers, members, owners: with at least that role in the workspace of
	// the path, {ws}.
	viewers
	members
	owners
	// operators run the server.
	operators
)

var needs = map[access]account.Role{viewers: account.Viewer, members: account.Member, owners: account.Owner}

// page answers one call; its error becomes a page that says so.
type page func(p *call) error

// route is one address of the console. A pattern is in the form of
// http.ServeMux, with its method.
type route struct {
	pattern string
	access  access
	page    page
	// stream routes stay open: no session is written when they end.
	stream bool
}

// allRoutes lists every page, by the file that has it.
func (c *Console) allRoutes() []route {
	return slices.Concat(
		c.doorRoutes(), c.oidcRoutes(), c.meRoutes(), c.overviewRoutes(), c.webhookRoutes(), c.attemptRoutes(),
		c.messageRoutes(), c.queueRoutes(), c.channelRoutes(), c.templateRoutes(), c.chatRoutes(),
		c.contactRoutes(), c.quotaRoutes(), c.endpointRoutes(), c.keyRoutes(), c.teamRoutes(),
		c.auditRoutes(), c.settingsRoutes(), c.operatorRoutes(), c.newPasswordRoutes(),
	)
}

func (c *Console) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", c.assets.serve)
	for _, rt := range c.routes {
		serve := http.Handler(c.serve(rt))
		if !rt.stream {
			serve = c.sessions.LoadAndSave(serve)
		}
		mux.Handle(rt.pattern, serve)
	}
	mux.Handle("/", c.sessions.LoadAndSave(c.serve(route{page: func(p *call) error { return errNoPage }})))
	return mux
}

// pageAbove is a path itself where there is a page, else the next one above.
func (c *Console) pageAbove(at string) string {
	for ; at != "/"; at = path.Dir(at) {
		u, err := url.Parse(at)
		if err != nil {
			continue
		}
		if _, pattern := c.mux.Handler(&http.Request{Method: http.MethodGet, URL: u}); strings.HasPrefix(pattern, "GET ") {
			return at
		}
	}
	return at
}

// errNoPage is answered 404.
var errNoPage = &relay.Error{Code: relay.CodeNotFound, Message: "There is no such page."}

// serve is a page with what comes before it: who calls, in which workspace, and
// whether they may.
func (c *Console) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := &call{c: c, w: w, r: r, ctx: r.Context()}
		setHeaders(w.Header(), c.secure())
		err := p.open(rt)
		if err == nil {
			err = p.readForm()
		}
		if err == nil {
			err = rt.page(p)
		}
		if err == nil && p.status < http.StatusBadRequest {
			p.noteRoute(rt.pattern)
		}
		if err != nil {
			p.fail(err)
		}
	}
}

// setHeaders are on every page: it loads nothing from elsewhere, runs no script
// that is not a file of ours, and is in nobody's frame.
func setHeaders(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Vary", "Accept-Language, Cookie")
	// Not no-referrer: forms would be sent without saying from which site, and
	// refused where browsers say that in no other way.
	h.Set("Referrer-Policy", "same-origin")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// open finds out who calls and what they may see. A workspace in which they
// have no role is answered as one that is not there.
func (p *call) open(rt route) error {
	err := p.whoCalls(rt.stream)
	p.speak()
	if err != nil || rt.access == anybody {
		return err
	}
	if p.User.ID == "" {
		return errSignIn
	}
	if rt.access == operators {
		if !p.User.Operator {
			return errNoPage
		}
		return nil
	}
	id := p.r.PathValue("ws")
	if id == "" {
		return nil
	}
	p.Role = p.User.Role(id)
	if p.Role < account.Viewer {
		return errNoPage
	}
	if p.WS, err = p.c.Relay.Workspace(p.ctx, id); err != nil {
		return err
	}
	if p.Role < needs[rt.access] {
		return &relay.Error{Code: relay.CodeForbidden, Message: "Your role in this workspace does not allow this."}
	}
	return nil
}

// errSignIn leads to the page where one signs in, and back.
var errSignIn = errors.New("not signed in")

// back is a path of ours that somebody may be led to; / for anything else.
func back(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
