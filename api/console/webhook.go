package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// webhookRoutes are the pages of the workspace's secret address: what it is,
// how it takes calls, a form that makes one, and what becomes of payloads.
func (c *Console) webhookRoutes() []route {
	const at = " /w/{ws}/webhook"
	return []route{
		{pattern: "GET" + at, access: viewers, page: func(p *call) error { return p.showWebhook("") }},
		{pattern: "POST" + at + "/reveal", access: members, page: revealWebhook},
		{pattern: "POST" + at + "/enabled", access: owners, page: switchWebhook},
		{pattern: "POST" + at + "/rotate", access: owners, page: rotateWebhook},
		{pattern: "GET" + at + "/settings", access: viewers, page: showHookSettings},
		{pattern: "POST" + at + "/settings", access: owners, page: saveHookSettings},
		{pattern: "GET" + at + "/try", access: viewers, page: showCompose},
		{pattern: "POST" + at + "/check", access: viewers, page: checkComposed},
		{pattern: "POST" + at + "/send", access: members, page: sendComposed},
		{pattern: "GET" + at + "/mapping", access: viewers, page: showMapping},
		{pattern: "POST" + at + "/mapping", access: owners, page: changeMapping},
		{pattern: "GET" + at + "/listening", access: viewers, page: showListening},
		{pattern: "POST" + at + "/listen", access: members, page: listen},
	}
}

// webhookPage is what the first page of a webhook shows.
type webhookPage struct {
	// URL is the address in the clear; empty where it is not shown now. Shown
	// is it, or the same with its secret hidden.
	URL, Shown string
	// Last is the last call of the present address; nil for none.
	Last *relay.Attempt
	// OldUntil is when the address before this one dies; zero: it is dead.
	OldUntil time.Time
	// Snippets are what to paste into each tool; Tool is the one that is shown.
	Snippets []Snippet
	Tool     string
}

// mask stands for what is secret of an address.
const mask = "rlv_••••••••"

// origin is how browsers reach this server.
func (p *call) origin() string {
	if p.c.PublicURL != "" {
		return strings.TrimRight(p.c.PublicURL, "/")
	}
	return "http://" + p.r.Host
}

// webhookData is the page with the token, or with a mask for none.
func (p *call) webhookData(token string) (webhookPage, error) {
	base := p.origin() + "/hook/"
	d := webhookPage{Shown: base + mask}
	if token != "" {
		d.URL, d.Shown = base+token, base+token
	}
	if d.Snippets = p.c.Snippets(d.Shown); len(d.Snippets) > 1 { // the first is a line for a terminal: few owners have one
		d.Snippets = append(slices.Clone(d.Snippets[1:]), d.Snippets[0])
	}
	h := p.WS.Webhook
	if h.Previous != nil && h.PreviousUntil.After(time.Now()) {
		d.OldUntil = h.PreviousUntil
	}
	all, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, newestAttempts)
	by := ""
	for i, a := range all {
		by = cmp.Or(by, a.Tool)
		if !a.PreviousURL && !a.At.Before(h.RotatedAt) {
			d.Last = &all[i]
			break
		}
	}
	d.Tool = p.chosenTool(d.Snippets, by)
	return d, err
}

// chosenTool is the tool whose snippet is shown: the one that was open, the one
// that called last, or the first.
func (p *call) chosenTool(all []Snippet, by string) string {
	for _, s := range all {
		if s.ID == p.r.FormValue("tool") {
			return s.ID
		}
	}
	for _, s := range all {
		if s.Name == by {
			return s.ID
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].ID
}

func (p *call) showWebhook(token string) error {
	d, err := p.webhookData(token)
	if err != nil {
		return err
	}
	if p.Htmx() {
		return p.part("webhook", "address", d)
	}
	return p.show("webhook", d)
}

// revealWebhook shows the address once. Nothing keeps the page.
func revealWebhook(p *call) error {
	token, err := p.c.Relay.Token(p.WS)
	if err != nil {
		return err
	}
	p.Page = "webhook"
	p.w.Header().Set("Cache-Control", "no-store")
	return p.showWebhook(token)
}

func switchWebhook(p *call) error {
	on := p.field("enabled") == "true"
	if _, err := p.c.Relay.UpdateWebhook(p.ctx, p.WS.ID, relay.WebhookPatch{Enabled: &on}); err != nil {
		return err
	}
	if on {
		p.note("webhook_enabled", "")
		return p.done(p.At("webhook"), "webhook.is_on")
	}
	p.note("webhook_disabled", "")
	return p.done(p.At("webhook"), "webhook.is_off")
}

func rotateWebhook(p *call) error {
	hours, err := strconv.Atoi(p.field("grace"))
	if err != nil {
		hours = -1 // refused in words
	}
	if _, err := p.c.Relay.RotateWebhook(p.ctx, p.WS.ID, time.Duration(hours)*time.Hour); err != nil {
		d, readErr := p.webhookData("")
		if readErr != nil {
			return readErr
		}
		return p.again(err, "webhook", d)
	}
	if hours == 0 {
		return p.done(p.At("webhook"), "webhook.rotated")
	}
	return p.done(p.At("webhook"), "webhook.rotated_grace")
}

// HookTabs are the pages of the webhook.
func (p *call) HookTabs() []MenuItem {
	return []MenuItem{
		{"webhook", "webhook.tab_address", p.At("webhook")}, {"try", "webhook.tab_try", p.At("webhook", "try")},
		{"mapping", "webhook.tab_mapping", p.At("webhook", "mapping")}, {"settings", "webhook.tab_settings", p.At("webhook", "settings")},
	}
}

// hookSettings are the settings as the form has them.
type hookSettings struct {
	Test, Strict, AllowMergeTags bool
	// Dedupe in seconds, Rate in calls a minute, as they were typed.
	Dedupe, Rate string
}

func showHookSettings(p *call) error {
	h := p.WS.Webhook
	p.Page = "webhook"
	return p.show("webhook_settings", hookSettings{
		Test: h.Test, Strict: h.Strict, AllowMergeTags: h.AllowMergeTags,
		Dedupe: strconv.Itoa(h.DedupeSeconds), Rate: strconv.Itoa(h.RatePerMinute),
	})
}

func saveHookSettings(p *call) error {
	is := func(name string) bool { return p.field(name) == "true" }
	s := hookSettings{Test: is("test"), Strict: is("strict"), AllowMergeTags: is("allow_merge_tags"), Dedupe: p.field("dedupe_seconds"), Rate: p.field("rate_per_minute")}
	dedupe, rate := countTyped(s.Dedupe), countTyped(s.Rate)
	_, err := p.c.Relay.UpdateWebhook(p.ctx, p.WS.ID, relay.WebhookPatch{
		Test: &s.Test, Strict: &s.Strict, AllowMergeTags: &s.AllowMergeTags, DedupeSeconds: &dedupe, RatePerMinute: &rate,
	})
	if err != nil {
		p.Page = "webhook"
		return p.again(err, "webhook_settings", s)
	}
	return p.done(p.At("webhook", "settings"), "form.saved")
}

// countTyped reads a whole number; nothing is 0, and what is no number is -1,
// which every limit refuses.
func countTyped(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// listening is what a webhook waits for, and what it has captured.
type listening struct {
	// Until is when the waiting ends; zero: nothing is waited for.
	Until time.Time
	// Captured is the last call that was kept; nil for none, or where it is no
	// longer among the newest.
	Captured *relay.Attempt
}

// Left is how much longer is waited.
func (l listening) Left() time.Duration { return time.Until(l.Until) }

func (p *call) listening() (l listening, err error) {
	h := p.WS.Webhook
	if h.ListenUntil.After(time.Now()) {
		l.Until = h.ListenUntil
	}
	if h.Captured == "" {
		return l, nil
	}
	a, err := p.attempt(h.Captured)
	if isCode(err, relay.CodeNotFound) {
		return l, nil
	}
	if err == nil {
		l.Captured = &a
	}
	return l, err
}

// listenFor is how long a test is waited for.
const listenFor = 5 * time.Minute

func listen(p *call) error {
	d := listenFor
	if p.field("stop") != "" {
		d = 0
	}
	if _, err := p.c.Relay.Listen(p.ctx, p.WS.ID, d); err != nil {
		return err
	}
	return p.goTo(p.At("webhook", "mapping"))
}

// showListening is asked for again and again while a test is waited for. Once
// a call came, the whole page is loaded anew.
func showListening(p *call) error {
	l, err := p.listening()
	if err != nil {
		return err
	}
	if !p.Htmx() || l.Until.IsZero() {
		return p.goTo(p.At("webhook", "mapping"))
	}
	return p.part("webhook_mapping", "waiting", l)
}

// attempt finds one of the newest. CodeNotFound.
func (p *call) attempt(id string) (relay.Attempt, error) {
	all, err := p.c.Relay.Store.Attempts(p.ctx, p.WS.ID, newestAttempts)
	if err != nil {
		return relay.Attempt{}, err
	}
	for _, a := range all {
		if a.ID == id {
			return a, nil
		}
	}
	return relay.Attempt{}, &relay.Error{Code: relay.CodeNotFound, Message: "There is no such attempt among the newest 100.", Err: relay.ErrNotFound}
}

// tokenOf is the webhook's secret, for a call from here.
func (p *call) tokenOf() (string, error) {
	token, err := p.c.Relay.Token(p.WS)
	if err != nil {
		return "", errors.Join(errors.New("token of the webhook"), err)
	}
	return token, nil
}

// unprocessable is how a form with a fault is answered.
const unprocessable = http.StatusUnprocessableEntity
