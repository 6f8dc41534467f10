package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// channelView is a channel as the API shows it. Secrets in its settings are
// shown by their last characters.
type channelView struct {
	ID           string             `json:"id"`
	Kind         string             `json:"kind"`
	Name         string             `json:"name"`
	Phone        *string            `json:"phone"`
	State        relay.ChannelState `json:"state"`
	Reason       *string            `json:"reason"`
	Paused       bool               `json:"paused"`
	SpacingMS    spacingView        `json:"spacing_ms"`
	Concurrency  int                `json:"concurrency"`
	MaxFileBytes int64              `json:"max_file_bytes"`
	ConnectedAt  time.Time          `json:"connected_at"`
	CreatedAt    time.Time          `json:"created_at"`
	AtLeastOnce  bool               `json:"at_least_once"`
	// Settings are empty where the kind has none; Callbacks are what to paste
	// into the provider's console, null where it does not call back.
	Settings  map[string]string `json:"settings"`
	Callbacks *callbacksView    `json:"callbacks"`
	// CallbacksSince is since when callbacks come that show that what people
	// write would come too; null:
	// not yet.
	CallbacksSince *time.Time `json:"callbacks_since"`
	// FilesOut and FilesIn: are files sent, and those of what people write
	// fetched?
	FilesOut bool `json:"files_out"`
	FilesIn  bool `json:"files_in"`
	// FallbackTemplate takes the text outside the session window; null for
	// none.
	FallbackTemplate *relay.TemplateRef `json:"fallback_template"`
	TemplatesAt      *time.Time         `json:"templates_synced_at"`
	CredentialsUntil *time.Time         `json:"credentials_until"`
	// Notices are sentences about what needs attention.
	Notices []string `json:"notices"`
}

type callbacksView struct {
	URL         string `json:"url"`
	StatusURL   string `json:"status_url"`
	InboundURL  string `json:"inbound_url"`
	VerifyToken string `json:"verify_token"`
}

// spacingView is in milliseconds.
type spacingView struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// spacingBody is in milliseconds, at most an hour.
type spacingBody struct {
	Min *int64 `json:"min" validate:"omitempty,min=0,max=3600000"`
	Max *int64 `json:"max" validate:"omitempty,min=0,max=3600000"`
}

type newChannelBody struct {
	Kind         string         `json:"kind" validate:"required"`
	Name         string         `json:"name"`
	Phone        string         `json:"phone"`
	SpacingMS    *spacingBody   `json:"spacing_ms"`
	Concurrency  int            `json:"concurrency" validate:"min=0"`
	MaxFileBytes int64          `json:"max_file_bytes" validate:"min=0"`
	AtLeastOnce  bool           `json:"at_least_once"`
	FilesOut     *bool          `json:"files_out"`
	FilesIn      *bool          `json:"files_in"`
	Fallback     jsontext.Value `json:"fallback_template"`
	Settings     jsontext.Value `json:"settings"`
}

// channelBody changes what is given.
type channelBody struct {
	Name         *string        `json:"name"`
	Phone        *string        `json:"phone"`
	SpacingMS    *spacingBody   `json:"spacing_ms"`
	Concurrency  *int           `json:"concurrency"`
	MaxFileBytes *int64         `json:"max_file_bytes"`
	AtLeastOnce  *bool          `json:"at_least_once"`
	FilesOut     *bool          `json:"files_out"`
	FilesIn      *bool          `json:"files_in"`
	Fallback     jsontext.Value `json:"fallback_template"`
	Settings     jsontext.Value `json:"settings"`
}

func (s *server) viewChannel(c relay.Channel) channelView {
	shown, err := s.relay.ShownSettings(c)
	if err != nil { // sealed with another key: the channel is shown all the same
		s.Log.Error("show settings", "channel", c.ID, "error", err)
	}
	var callbacks *callbacksView
	if at := s.relay.Addresses(c); at.Callback != "" {
		callbacks = &callbacksView{URL: at.Callback, StatusURL: at.Status, InboundURL: at.Inbound, VerifyToken: at.VerifyToken}
	}
	return channelView{
		Settings: shown, Callbacks: callbacks, CallbacksSince: instant(c.CallbacksSince),
		ID: c.ID, Kind: c.Kind, Name: c.Name, Phone: present(c.Phone), State: c.State, Reason: present(c.Reason), Paused: c.Paused,
		SpacingMS:   spacingView{Min: c.SpacingMin.Milliseconds(), Max: c.SpacingMax.Milliseconds()},
		Concurrency: c.Concurrency, MaxFileBytes: c.MaxFileBytes,
		ConnectedAt: c.ConnectedAt.UTC(), CreatedAt: c.CreatedAt.UTC(), AtLeastOnce: c.AtLeastOnce,
		FilesOut: !c.NoFilesOut, FilesIn: !c.NoFilesIn, FallbackTemplate: c.Fallback,
		TemplatesAt: instant(c.TemplatesAt), CredentialsUntil: instant(c.CredentialsUntil), Notices: append([]string{}, s.relay.Notices(c, time.Now())...),
	}
}

// readFallback takes the template for texts outside the window: null removes
// it, nil where none was given.
func readFallback(v jsontext.Value) (*relay.TemplateRef, error) {
	var f relay.TemplateRef
	switch {
	case len(v) == 0:
		return nil, nil
	case v.Kind() == jsontext.KindNull:
		return &f, nil
	}
	if err := json.Unmarshal(v, &f); err != nil || f.Name == "" {
		return nil, relay.RefuseField(relay.CodeInvalidField, "fallback_template", "fallback_template must be an object with name and language, or null.", "")
	}
	return &f, nil
}

func not(b *bool) *bool {
	if b == nil {
		return nil
	}
	v := !*b
	return &v
}

// durations are a spacing's bounds; nil where one is not given.
func (b *spacingBody) durations() (least, most *time.Duration) {
	if b == nil {
		return nil, nil
	}
	return milliseconds(b.Min), milliseconds(b.Max)
}

func milliseconds(n *int64) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Millisecond
	return &d
}

// readSettings takes a driver's settings: an object, or nothing.
func readSettings(v jsontext.Value) (json.RawMessage, error) {
	if len(v) == 0 || v.Kind() == jsontext.KindNull {
		return nil, nil
	}
	if v.Kind() != jsontext.KindBeginObject {
		return nil, relay.RefuseField(relay.CodeInvalidField, "settings", "settings must be an object.", "")
	}
	return json.RawMessage(v), nil
}

func (s *server) listChannels(r *request) (answer, error) {
	found, err := s.relay.Channels(r.ctx, r.workspace())
	return pageOf(mapped(found, s.viewChannel), ""), err
}

func (s *server) createChannel(r *request) (answer, error) {
	var in newChannelBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	n := relay.NewChannel{
		Kind: in.Kind, Name: in.Name, Concurrency: in.Concurrency, MaxFileBytes: in.MaxFileBytes, AtLeastOnce: in.AtLeastOnce,
	}
	n.SpacingMin, n.SpacingMax = in.SpacingMS.durations()
	n.NoFilesOut, n.NoFilesIn = in.FilesOut != nil && !*in.FilesOut, in.FilesIn != nil && !*in.FilesIn
	var err error
	if n.Settings, err = readSettings(in.Settings); err != nil {
		return answer{}, err
	}
	if n.Fallback, err = readFallback(in.Fallback); err != nil {
		return answer{}, err
	}
	if n.Fallback != nil && n.Fallback.Name == "" {
		n.Fallback = nil
	}
	if n.Phone, err = readChannelPhone(in.Kind, in.Phone); err != nil {
		return answer{}, err
	}
	c, err := s.relay.CreateChannel(r.ctx, r.workspace(), n)
	return created("/workspaces/"+r.workspace()+"/channels/"+c.ID, s.viewChannel(c)), err
}

// readChannelPhone reads an account's number. Only Viber has none.
func readChannelPhone(kind, phone string) (string, error) {
	if strings.TrimSpace(phone) == "" {
		if strings.Contains(kind, "viber") {
			return "", nil
		}
		return "", relay.RefuseField(relay.CodeMissingField, "phone", "phone is missing.", phoneHint)
	}
	return readPhone("phone", phone)
}

func (s *server) showChannel(r *request) (answer, error) {
	c, err := s.relay.Channel(r.ctx, r.workspace(), r.param("ch"))
	return ok(s.viewChannel(c)), err
}

func (s *server) updateChannel(r *request) (answer, error) {
	var in channelBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	p := relay.ChannelPatch{Name: in.Name, Concurrency: in.Concurrency, MaxFileBytes: in.MaxFileBytes, AtLeastOnce: in.AtLeastOnce}
	p.SpacingMin, p.SpacingMax = in.SpacingMS.durations()
	var err error
	if p.Settings, err = readSettings(in.Settings); err != nil {
		return answer{}, err
	}
	if p.Fallback, err = readFallback(in.Fallback); err != nil {
		return answer{}, err
	}
	p.NoFilesOut, p.NoFilesIn = not(in.FilesOut), not(in.FilesIn)
	if in.Phone != nil {
		phone, err := readPhone("phone", *in.Phone)
		if err != nil {
			return answer{}, err
		}
		p.Phone = &phone
	}
	c, err := s.relay.UpdateChannel(r.ctx, r.workspace(), r.param("ch"), p)
	return ok(s.viewChannel(c)), err
}

func (s *server) deleteChannel(r *request) (answer, error) {
	return noContent(), s.relay.DeleteChannel(r.ctx, r.workspace(), r.param("ch"))
}

func (s *server) pauseChannel(r *request) (answer, error) {
	c, err := s.relay.PauseChannel(r.ctx, r.workspace(), r.param("ch"))
	return ok(s.viewChannel(c)), err
}

func (s *server) resumeChannel(r *request) (answer, error) {
	c, err := s.relay.ResumeChannel(r.ctx, r.workspace(), r.param("ch"))
	return ok(s.viewChannel(c)), err
}

// findingView is one line of a check.
type findingView struct {
	Subject string             `json:"subject"`
	State   relay.FindingState `json:"state"`
	Message string             `json:"message"`
	Hint    *string            `json:"hint"`
	Until   *time.Time         `json:"until"`
}

// checkChannel tests the channel's credentials and its provider's set-up.
func (s *server) checkChannel(r *request) (answer, error) {
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	found, err := s.relay.Check(ctx, r.workspace(), r.param("ch"))
	if err != nil {
		return answer{}, err
	}
	return pageOf(mapped(found, func(f relay.Finding) findingView {
		return findingView{Subject: f.Subject, State: f.State, Message: f.Message, Hint: present(f.Hint), Until: instant(f.Until)}
	}), ""), nil
}
