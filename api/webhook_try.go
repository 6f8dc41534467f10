package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/api/hook"
	"relevo/api/sender"
	"relevo/relay"
)

// mappingBody is relay.Mapping on the wire. A preset's name alone stands for
// its fields.
type mappingBody struct {
	Preset string                       `json:"preset"`
	Fields map[string]relay.MappedField `json:"fields"`
}

// read checks a mapping and fills in a preset.
func (b mappingBody) read() (*relay.Mapping, error) {
	m := relay.Mapping{Preset: b.Preset, Fields: b.Fields}
	if b.Preset != "" {
		i := slices.IndexFunc(sender.Tools(), func(t sender.Tool) bool { return t.ID == b.Preset && t.Preset != nil })
		if i < 0 {
			return nil, relay.RefuseField(relay.CodeInvalidField, "mapping.preset", "There is no preset of this name.", "GET …/webhook/presets lists them.")
		}
		if len(m.Fields) == 0 {
			m = sender.Tools()[i].Mapping()
		}
	}
	return &m, hook.CheckMapping(m)
}

// readMapping reads what a call says of a mapping: nothing (nil), null (a
// pointer to nil) or a mapping.
func readMapping(v jsontext.Value) (**relay.Mapping, error) {
	if len(v) == 0 {
		return nil, nil
	}
	if v.Kind() == jsontext.KindNull {
		return new(*relay.Mapping), nil
	}
	var b mappingBody
	if err := decode(v, &b); err != nil {
		var e *relay.Error
		if errors.As(err, &e) && len(e.Fields) > 0 {
			const hint = `A mapping is like {"fields": {"phone": {"path": "contact.phone"}, "text": {"value": "Hello {contact.name|there}"}}}.`
			err = relay.RefuseField(e.Code, "mapping."+e.Fields[0].Field, "mapping."+e.Fields[0].Message, hint)
		}
		return nil, err
	}
	m, err := b.read()
	return &m, err
}

// presetView is a mapping to begin with.
type presetView struct {
	ID     string                       `json:"id"`
	Name   string                       `json:"name"`
	Note   string                       `json:"note"`
	Fields map[string]relay.MappedField `json:"fields"`
}

func (s *server) listPresets(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	var all []presetView
	for _, t := range sender.Tools() {
		if t.Preset != nil {
			all = append(all, presetView{ID: t.ID, Name: t.Name, Note: t.Preset.Note, Fields: t.Mapping().Fields})
		}
	}
	return pageOf(all, ""), nil
}

// listenView is what a webhook waits for, and what it has captured.
type listenView struct {
	// ListeningUntil is null where nothing is waited for.
	ListeningUntil *time.Time    `json:"listening_until"`
	Captured       *capturedView `json:"captured"`
}

// capturedView is a call that was kept instead of sent.
type capturedView struct {
	AttemptID string    `json:"attempt_id"`
	At        time.Time `json:"at"`
	Tool      *string   `json:"tool"`
	Body      string    `json:"body"`
	// Document is the body as one JSON object as a mapping reads it, null where
	// that cannot be made of it; Paths lead to its values.
	Document jsontext.Value `json:"document"`
	Paths    []hook.Leaf    `json:"paths"`
	Warnings []string       `json:"warnings"`
}

// listenBody says for how long; without it five minutes, 0 ends the waiting.
type listenBody struct {
	Seconds *int `json:"seconds" validate:"omitnil,min=0,max=3600"`
}

const listenSeconds = 300

func (s *server) listen(r *request) (answer, error) {
	var in listenBody
	if err := r.bodyIfAny(&in); err != nil {
		return answer{}, err
	}
	seconds := listenSeconds
	if in.Seconds != nil {
		seconds = *in.Seconds
	}
	w, err := s.relay.Listen(r.ctx, r.workspace(), time.Duration(seconds)*time.Second)
	return s.answerListening(r.ctx, w, err)
}

func (s *server) showListening(r *request) (answer, error) {
	w, err := s.relay.Workspace(r.ctx, r.workspace())
	return s.answerListening(r.ctx, w, err)
}

func (s *server) answerListening(ctx context.Context, w relay.Workspace, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	var v listenView
	if w.Webhook.ListenUntil.After(time.Now()) {
		v.ListeningUntil = instant(w.Webhook.ListenUntil)
	}
	if w.Webhook.Captured != "" {
		a, err := s.attempt(ctx, w.ID, w.Webhook.Captured)
		if err != nil && !errors.Is(err, relay.ErrNotFound) { // it is no longer among the newest
			return answer{}, err
		}
		if err == nil {
			v.Captured = s.viewCaptured(a)
		}
	}
	return ok(v), nil
}

// attempt finds one of the newest. ErrNotFound.
func (s *server) attempt(ctx context.Context, workspace, id string) (relay.Attempt, error) {
	all, err := s.relay.Store.Attempts(ctx, workspace, newestAttempts)
	if err != nil {
		return relay.Attempt{}, err
	}
	if i := slices.IndexFunc(all, func(a relay.Attempt) bool { return a.ID == id }); i >= 0 {
		return all[i], nil
	}
	return relay.Attempt{}, &relay.Error{Code: relay.CodeNotFound, Message: "There is no such attempt among the newest 100.", Err: relay.ErrNotFound}
}

func (s *server) viewCaptured(a relay.Attempt) *capturedView {
	read := s.payload(a.Body, hook.Input{Now: a.At})
	v := &capturedView{AttemptID: a.ID, At: a.At.UTC(), Tool: present(a.Tool), Body: string(a.Body), Paths: hook.Leaves(read.Document), Warnings: read.Mended}
	v.Document = read.Document
	if len(v.Document) == 0 {
		v.Document = jsontext.Value("null")
	}
	return v
}

// payload reads a body as for a mapping, which goes by other names than a call:
// where no call is inside, {"data":{…}} stays as it came, and the paths in it
// begin with data. What is wrong with it as a call does not matter.
func (s *server) payload(body []byte, in hook.Input) hook.Understood {
	in.Mapping, in.Explain = &relay.Mapping{}, true
	read, _ := s.calls.Read(body, in)
	return read
}

// tryBody is a call to be looked at: as text, as bytes in base64, as JSON, or
// an attempt that came in. Settings that are not given are the webhook's.
type tryBody struct {
	Body       *string        `json:"body"`
	BodyBase64 []byte         `json:"body_base64"`
	JSON       jsontext.Value `json:"json"`
	AttemptID  string         `json:"attempt_id"`
	// Headers and Query are the call's.
	Headers map[string]string `json:"headers"`
	Query   string            `json:"query"`

	Mapping        jsontext.Value `json:"mapping"`
	Strict         *bool          `json:"strict"`
	AllowMergeTags *bool          `json:"allow_merge_tags"`
}

// tryView says what would happen to a call.
type tryView struct {
	// Status and ErrorCode are those of the answer; Message and Errors are as
	// in a refusal.
	Status    int                `json:"status"`
	ErrorCode *string            `json:"error_code"`
	Message   *string            `json:"message"`
	Errors    []relay.FieldError `json:"errors"`
	Warnings  []string           `json:"warnings"`
	Tool      *string            `json:"tool"`
	Fix       *string            `json:"fix"`
	// Document is the call as one JSON object, Mapped what the mapping makes of
	// it; null where there are none. Paths lead to the values that a mapping
	// finds: without one, more may have been taken off around the document.
	Document jsontext.Value `json:"document"`
	Mapped   jsontext.Value `json:"mapped"`
	Paths    []hook.Leaf    `json:"paths"`
	// Would is what it would become; null for a refusal.
	Would *wouldView `json:"would"`
}

type wouldView struct {
	// Replays is the message whose call this one repeats: nothing new is sent.
	Replays   *string    `json:"replays"`
	ChannelID string     `json:"channel_id"`
	ChatID    *string    `json:"chat_id"`
	To        string     `json:"to"`
	Text      *string    `json:"text"`
	FileURL   *string    `json:"file_url"`
	FileName  *string    `json:"file_name"`
	Template  *string    `json:"template"`
	Key       *string    `json:"idempotency_key"`
	Messages  int        `json:"messages"`
	Units     int64      `json:"units"`
	Available int64      `json:"available"`
	Position  int        `json:"position"`
	SendAt    *time.Time `json:"send_at"`
	ExpiresAt time.Time  `json:"expires_at"`
}

// maxTryBody is a body of the hook as text in JSON, where a character may take
// six, and something around it.
const maxTryBody = 7 * hook.MaxBody

// tryWebhook reads a call as the webhook would, and says what would come of
// it. Nothing is sent, paid or written.
func (s *server) tryWebhook(r *request) (answer, error) {
	var in tryBody
	if err := r.bodyUpTo(maxTryBody, &in); err != nil {
		return answer{}, err
	}
	w, err := s.relay.Workspace(r.ctx, r.workspace())
	if err != nil {
		return answer{}, err
	}
	body, err := s.tried(r.ctx, w.ID, in)
	if err != nil {
		return answer{}, err
	}
	h := relay.HookOf(w)
	mapping, err := readMapping(in.Mapping)
	if err != nil {
		return answer{}, err
	}
	override(&h.Mapping, mapping)
	override(&h.Strict, in.Strict)
	override(&h.AllowMergeTags, in.AllowMergeTags)
	return ok(s.try(r.ctx, h, body, in)), nil
}

func override[T any](what *T, by *T) {
	if by != nil {
		*what = *by
	}
}

// tried is the body that is meant.
func (s *server) tried(ctx context.Context, workspace string, in tryBody) ([]byte, error) {
	given := 0
	for _, is := range []bool{in.Body != nil, in.BodyBase64 != nil, len(in.JSON) > 0, in.AttemptID != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, relay.RefuseField(relay.CodeInvalidField, "body", "Give the call to try in one way.", "As body (text), body_base64, json, or attempt_id.")
	case in.Body != nil:
		return []byte(*in.Body), nil
	case in.BodyBase64 != nil:
		return in.BodyBase64, nil
	case len(in.JSON) > 0:
		return in.JSON, nil
	}
	a, err := s.attempt(ctx, workspace, in.AttemptID)
	return a.Body, err
}

func (s *server) try(ctx context.Context, h relay.Hook, body []byte, in tryBody) tryView {
	headers := http.Header{}
	for name, value := range in.Headers {
		headers.Set(name, value)
	}
	now := time.Now()
	tool := sender.Recognise(headers)
	input := inputOf(h, headers, now)
	input.Explain, input.Query, input.Deliveries = true, in.Query, deliveriesOf(tool, headers)
	input.Keys = keysIn(headers, in.Query)
	read, err := s.calls.Read(body, input)
	v := tryView{
		Status: http.StatusOK, Warnings: read.Warnings, Tool: present(tool.Name), Errors: []relay.FieldError{},
		Document: read.Document, Mapped: read.Mapped, Paths: hook.Leaves(s.payload(body, input).Document),
	}
	for _, doc := range []*jsontext.Value{&v.Document, &v.Mapped} {
		if len(*doc) == 0 {
			*doc = jsontext.Value("null")
		}
	}
	if read.Challenge != "" || read.Ping {
		v.Warnings = append(v.Warnings, "The tool only asks whether this address is ready: it would be told so, and nothing sent.")
		return v
	}
	var trial relay.Trial
	if err == nil {
		trial, err = s.relay.Try(ctx, h.Workspace, read.Action, now)
		v.Warnings = append(v.Warnings, trial.Warnings...)
	}
	if err != nil {
		e := refusal(err)
		v.Status, v.ErrorCode, v.Message, v.Fix = statusOf(e.Code), present(string(e.Code)), present(e.Message), present(fixOf(tool, h)(e))
		v.Errors = append(v.Errors, e.Fields...)
		return v
	}
	v.Would = viewTrial(trial, read.Action)
	return v
}

func viewTrial(t relay.Trial, a relay.Action) *wouldView {
	v := &wouldView{
		Replays: present(t.Replays), ChannelID: t.Channel.ID, ChatID: present(t.Chat.ID), To: t.To, Text: present(a.Text),
		FileURL: present(a.FileURL), FileName: present(a.FileName), Key: present(a.Key), Messages: t.Messages, Units: t.Units,
		Available: t.Available, Position: t.Position, SendAt: instant(t.SendAt), ExpiresAt: t.ExpiresAt.UTC(),
	}
	if a.Template != nil {
		v.Template = &a.Template.Name
	}
	if t.Replays != "" {
		v.Messages, v.Units, v.Position = 0, 0, 0
	}
	return v
}
