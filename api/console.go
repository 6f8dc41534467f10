package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/api/console"
	"relevo/api/hook"
	"relevo/api/sender"
	"relevo/relay"
)

// consolePaths are where the console is, as Echo writes them. What is below them
// is the console's own affair.
var consolePaths = []string{
	"/", "/assets/*", "/sign-in", "/sign-in/*", "/sign-out", "/language", "/theme", "/setup/*", "/join/*", "/new-password/*", "/me", "/me/*", "/w/*", "/operator", "/operator/*",
}

// registerConsole gives the console its addresses.
func (s *server) registerConsole(e *echo.Echo) {
	if s.Accounts == nil {
		e.GET("/", s.home)
		e.HEAD("/", s.home)
		return
	}
	cfg := console.Config{
		Status: statusOf, IsOperator: s.isOperator,
		Relay: s.relay, Accounts: s.Accounts, Issuer: s.Issuer, Log: s.Log, PublicURL: s.PublicURL, Version: s.Version, Store: s.StoreName, Node: s.Node,
		Client: func(r *http.Request) netip.Addr { return clientIP(r, s.TrustedProxies) },
		Try:    s.tryForConsole, Countries: hook.Countries(),
		Post: func(ctx context.Context, token string, in console.PostCall) console.Posted {
			return postForConsole(ctx, e, token, in)
		},
		Phone:    hook.PhoneIn,
		Download: s.downloadForConsole, Person: s.personForConsole, Erase: s.erase, Backup: s.backupForConsole, Jobs: s.Jobs, Copied: s.Copied,
		Presets: presetsForConsole, Snippets: snippetsForConsole, CheckMapping: hook.CheckMapping, Draining: s.Draining,
	}
	if s.Sent != nil {
		cfg.Sent, cfg.Write, cfg.Group = s.sentForConsole, s.writeToSandbox, s.newSandboxGroup
	}
	pages := console.New(cfg)
	s.pages = pages
	for _, path := range consolePaths {
		e.Any(path, func(c echo.Context) error {
			if c.Request().URL.Path == "/" && !prefersHTML(c.Request().Header) && c.Request().Header.Get("Accept") != "" {
				return s.home(c)
			}
			c.Response().Header().Del("Referrer-Policy")
			pages.ServeHTTP(c.Response(), c.Request())
			return nil
		})
	}
}

// sentForConsole is what the sandbox was called with, for a page.
func (s *server) sentForConsole(ctx context.Context, workspace, channel string, limit int) (lines []console.SentLine, err error) {
	found, err := s.Sent(ctx, workspace, channel, limit)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	return lines, json.Unmarshal(b, &lines)
}

// tryForConsole is POST …/webhook/try for a page.
func (s *server) tryForConsole(ctx context.Context, workspace string, in console.TryCall) (console.Tried, error) {
	w, err := s.relay.Workspace(ctx, workspace)
	if err != nil {
		return console.Tried{}, err
	}
	h := relay.HookOf(w)
	if in.Mapping != nil {
		h.Mapping = *in.Mapping
	}
	v := s.try(ctx, h, in.Body, tryBody{Headers: map[string]string{"Content-Type": in.ContentType}})
	t := console.Tried{Status: v.Status, Code: text(v.ErrorCode), Message: text(v.Message), Warnings: v.Warnings, Faults: faultsOf(v.Errors)}
	for _, l := range v.Paths {
		t.Paths = append(t.Paths, console.Leaf{Path: l.Path, Value: l.Value})
	}
	if b := v.Would; b != nil {
		t.To, t.Text, t.File, t.Template, t.Channel = b.To, text(b.Text), text(b.FileName), text(b.Template), b.ChannelID
		t.Replays = text(b.Replays)
		t.Messages, t.Units, t.Available, t.Position = b.Messages, b.Units, b.Available, b.Position
		if b.SendAt != nil {
			t.SendAt = *b.SendAt
		}
	}
	return t, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func faultsOf(list []relay.FieldError) (faults []console.Fault) {
	for _, f := range list {
		faults = append(faults, console.Fault{Field: f.Field, Message: f.Message, Hint: f.Hint, Line: f.Line, Column: f.Column, Excerpt: f.Excerpt})
	}
	return faults
}

// postForConsole calls a webhook by its token, through all that a call from
// outside goes through.
func postForConsole(ctx context.Context, webhook http.Handler, token string, in console.PostCall) console.Posted {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/hook/"+token, bytes.NewReader(in.Body))
	if err != nil {
		return console.Posted{Status: http.StatusInternalServerError}
	}
	r.RemoteAddr = in.RemoteAddr
	r.Header.Set("Content-Type", in.ContentType)
	r.Header.Set("User-Agent", "Relevo console")
	r.Header.Set(requestIDHeader, in.RequestID)
	if in.Key != "" {
		r.Header.Set("Idempotency-Key", in.Key)
	}
	w := &kept{header: http.Header{}, status: http.StatusOK}
	webhook.ServeHTTP(w, r)
	posted := console.Posted{Status: w.status, Body: w.body.Bytes()}
	var a struct {
		Data struct {
			MessageID string `json:"message_id"`
		} `json:"data"`
		Message string             `json:"message"`
		Code    string             `json:"error_code"`
		Errors  []relay.FieldError `json:"errors"`
	}
	if json.Unmarshal(posted.Body, &a) == nil {
		posted.MessageID, posted.Code, posted.Faults = a.Data.MessageID, a.Code, faultsOf(a.Errors)
		posted.Message = a.Message
	}
	return posted
}

// kept is an answer that stays in memory.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// backupForConsole answers with a copy of the whole store.
func (s *server) backupForConsole(w http.ResponseWriter, r *http.Request) error {
	d, err := s.makeBackup(r.Context())
	if err != nil {
		return err
	}
	defer d.body.Close()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not every writer has one
	w.Header().Set("Content-Type", d.mediaType)
	w.Header().Set("Content-Disposition", disposition(d.name))
	w.Header().Set("Content-Length", strconv.FormatInt(d.size, 10))
	_, _ = io.Copy(w, d.body) // a client that went away
	return nil
}

// personForConsole answers with everything about somebody, and breaks off where
// it cannot be read to its end.
func (s *server) personForConsole(ctx context.Context, workspace, who string) (send func(http.ResponseWriter), err error) {
	d, err := s.aboutPerson(ctx, workspace, who)
	if err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not every writer has one
		w.Header().Set("Content-Type", d.mediaType)
		w.Header().Set("Content-Disposition", disposition(d.name))
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		if err := d.write(w); err != nil {
			s.Log.Error("download of everything about a person ended early", "workspace", workspace, "error", err)
			panic(http.ErrAbortHandler) // half of it must not pass for all
		}
	}, nil
}

// downloadForConsole writes the log of the last attempts; in a form that there
// is not, as JSON Lines.
func (s *server) downloadForConsole(w http.ResponseWriter, r *http.Request, workspace, format string, hidePhones bool) error {
	rows, err := s.attempts(r.Context(), workspace, newestAttempts)
	if err != nil {
		return err
	}
	if hidePhones {
		hideAll(rows)
	}
	form, ok := attemptForms[format]
	if !ok {
		form = attemptForms["jsonl"]
	}
	b, err := form.write(rows)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", form.mediaType)
	w.Header().Set("Content-Disposition", disposition(form.name(workspace)))
	_, _ = w.Write(b) // a client that went away
	return nil
}

func presetsForConsole() (all []console.Preset) {
	for _, t := range sender.Tools() {
		if t.Preset != nil {
			all = append(all, console.Preset{ID: t.ID, Name: t.Name, Note: t.Preset.Note, Fields: t.Mapping().Fields})
		}
	}
	return all
}

func snippetsForConsole(url string) (all []console.Snippet) {
	for _, s := range sender.Snippets(url) {
		all = append(all, console.Snippet(s))
	}
	return all
}
