package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"relevo/api/console/account"
	"relevo/relay"
)

// call is one request of a page. It is also what templates are executed with:
// its exported fields and methods are theirs.
type call struct {
	c   *Console
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context

	// User is who calls; without an ID nobody is signed in.
	User account.User
	// WS is the workspace of the path, Role what the user may do there.
	WS   relay.Workspace
	Role account.Role
	// Page is the name of the page that is shown; the menu marks it.
	Page string
	// Data is the page's own.
	Data any
	// Flash is what the last form came to, told once.
	Flash string
	// FlashTo leads to the ledger, where the flash tells of units.
	FlashTo string
	// FlashKind is wait where nothing was done, empty else.
	FlashKind string
	// Problem is what was wrong with the form that was sent; nil for nothing.
	Problem *Problem

	// noted: what was done is in the audit log already. status is that of the
	// answer, about what the audit log names.
	noted  bool
	status int
	about  string

	localizer *i18n.Localizer
	tag       language.Tag
}

// Problem is what was wrong with a form: a sentence on top and, where that is
// known, sentences by the names of its fields.
type Problem struct {
	Message string
	// Detail is in English, from where the refusal was made; empty where the
	// message says it all.
	Detail string
	Fields map[string]string
}

// Field is what is wrong with one field; empty for nothing. It may be called
// on nil.
func (p *Problem) Field(name string) string {
	if p == nil {
		return ""
	}
	return p.Fields[name]
}

// whoCalls finds the user of the session. Streams read it without writing.
func (p *call) whoCalls(stream bool) error {
	if stream {
		ctx, err := p.c.sessions.Load(p.ctx, p.token())
		if err != nil {
			return err
		}
		p.ctx = ctx
	}
	id := p.c.sessions.GetString(p.ctx, sessionUser)
	if id == "" {
		return nil
	}
	u, err := p.c.Accounts.User(p.ctx, id)
	if errors.Is(err, relay.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !u.Disabled && u.Epoch == p.c.sessions.GetInt(p.ctx, sessionEpoch) {
		p.User = u
	}
	return nil
}

// show answers with a page.
func (p *call) show(name string, data any) error { return p.showAs(http.StatusOK, name, data) }

func (p *call) showAs(status int, name string, data any) error {
	p.Data = data
	if p.Page == "" {
		p.Page = name
	}
	if p.Flash == "" && p.User.ID != "" {
		p.Flash, p.FlashTo = p.c.sessions.PopString(p.ctx, sessionFlash), p.c.sessions.PopString(p.ctx, sessionFlashTo)
		p.FlashKind = p.c.sessions.PopString(p.ctx, sessionFlashKind)
	}
	t := p.c.pages[name]
	if t == nil {
		return fmt.Errorf("there is no template for the page %s", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	return p.write(status, b.Bytes())
}

// part answers with one named part of a page, for htmx to put in its place.
func (p *call) part(page, name string, data any) error {
	b, err := p.render(page, name, data)
	if err != nil {
		return err
	}
	return p.write(http.StatusOK, b)
}

// render makes one named part of a page.
func (p *call) render(page, name string, data any) ([]byte, error) {
	p.Data = data
	var b bytes.Buffer
	err := p.c.pages[page].ExecuteTemplate(&b, name, p)
	return b.Bytes(), err
}

func (p *call) write(status int, b []byte) error {
	p.status = status
	p.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return writePacked(p.w, p.r, status, b)
}

// done leads on after a form, with what it came to: a key of the texts.
func (p *call) done(path, flash string, args ...any) error {
	if flash != "" {
		p.c.sessions.Put(p.ctx, sessionFlash, p.T(flash, args...))
	}
	return p.goTo(path)
}

// notDone leads on after a form that changed nothing, with why: a key of the
// texts.
func (p *call) notDone(path, flash string) error {
	p.c.sessions.Put(p.ctx, sessionFlashKind, "wait")
	return p.done(path, flash)
}

// goTo leads to another page.
func (p *call) goTo(path string) error {
	if p.Htmx() {
		p.w.Header().Set("HX-Redirect", path)
		p.w.WriteHeader(http.StatusOK)
		return nil
	}
	http.Redirect(p.w, p.r, path, http.StatusSeeOther)
	return nil
}

// Htmx reports whether the page's script asks, for a part of it.
func (p *call) Htmx() bool { return p.r.Header.Get("HX-Request") == "true" }

// field is a value of a form, without spaces around it.
func (p *call) field(name string) string { return strings.TrimSpace(p.r.PostFormValue(name)) }

// query is a value of the address.
func (p *call) query(name string) string { return strings.TrimSpace(p.r.URL.Query().Get(name)) }

// At is a path within the workspace: At "messages" id.
func (p *call) At(parts ...string) string {
	var b strings.Builder
	b.WriteString("/w/" + p.WS.ID)
	for _, s := range parts {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Can reports whether the role is at least this one: viewer, member, owner.
func (p *call) Can(role string) bool { return p.Role >= account.ParseRole(role) && p.Role > 0 }

// Path is the page's own, with its query; where it is the answer to a form,
// that of the page which the form was on.
func (p *call) Path() string {
	if p.r.Method == http.MethodPost {
		return p.c.pageAbove(p.r.URL.EscapedPath())
	}
	return p.r.URL.RequestURI()
}

// RequestID is what the log knows this call by.
func (p *call) RequestID() string { return p.w.Header().Get("X-Request-Id") }

// Foot is what stands at the foot of every page.
func (p *call) Foot() Config { return p.c.Config }
