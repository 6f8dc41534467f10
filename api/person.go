package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"relevo/api/hook"
	"relevo/relay"
)

// exportPerson is all that is kept of somebody, as a download: what they have a
// right to see.
func (s *server) exportPerson(r *request) (answer, error) {
	d, err := s.aboutPerson(r.ctx, r.workspace(), r.person())
	if err != nil {
		return answer{}, err
	}
	if r.c.Request().Method == http.MethodGet {
		r.noteAs("person_exported", answer{})
	}
	return answer{download: d}, nil
}

// erasureView is what an erasure came to.
type erasureView struct {
	Messages int `json:"messages"`
	Inbound  int `json:"inbound"`
	Attempts int `json:"attempts"`
	Events   int `json:"events"`
	// Left are messages still on their way: another call ends the erasure.
	Left int `json:"left"`
}

func (s *server) erasePerson(r *request) (answer, error) {
	done, err := s.erase(r.ctx, r.workspace(), r.person())
	return ok(erasureView(done)), err
}

// erase takes somebody out of a workspace. Who is neither a number nor known by
// their id is nobody.
func (s *server) erase(ctx context.Context, workspace, who string) (relay.Erasure, error) {
	if _, err := s.aboutPerson(ctx, workspace, who); err != nil {
		return relay.Erasure{}, err
	}
	return s.relay.ErasePerson(ctx, workspace, who)
}

// aboutPerson makes the download. Who was never heard of has one too: that
// nothing is kept is an answer.
func (s *server) aboutPerson(ctx context.Context, workspace, who string) (*download, error) {
	if _, err := s.relay.Workspace(ctx, workspace); err != nil {
		return nil, err
	}
	e := export{s: s, workspace: workspace, who: relay.Identity(who)}
	var err error
	if e.chats, err = s.relay.ChatsAbout(ctx, workspace, who); err != nil {
		return nil, err
	}
	o, err := s.relay.OptOut(ctx, workspace, who)
	switch refused, known := errors.AsType[*relay.Error](err); {
	case err == nil:
		v := viewOptOut(o)
		e.out = &v
	case !known || refused.Code != relay.CodeNotFound:
		return nil, err
	}
	if _, isPhone := hook.Phone(who); !isPhone && len(e.chats) == 0 && e.out == nil {
		return nil, relay.RefuseField(relay.CodeInvalidPhone, "phone", "This is not a phone number, nor an id under which a provider knows somebody.", phoneHint)
	}
	name := "person-" + workspace + "-" + time.Now().UTC().Format(time.DateOnly) + ".json" // the number is no name for a file
	return &download{mediaType: jsonType, name: name, write: func(w io.Writer) error { return e.write(ctx, w) }}, nil
}

// export is what is written of one person.
type export struct {
	s              *server
	workspace, who string
	chats          []relay.Chat
	out            *optOutView
}

// write writes it as one JSON object, and never holds more of it than a page
// of a list.
func (e *export) write(ctx context.Context, to io.Writer) error {
	w := &jsonWriter{w: to}
	w.raw("{")
	w.field("workspace_id", e.workspace)
	w.field("person", e.who)
	w.field("exported_at", time.Now().UTC())
	w.field("opt_out", e.out)
	chats, err := e.s.viewChats(ctx, e.workspace, e.chats...)
	if err != nil {
		return err
	}
	w.field("chats", chats)
	for _, part := range []struct {
		name string
		fill func(context.Context, *jsonWriter) error
	}{{"messages", e.messages}, {"inbound", e.inbound}, {"attempts", e.attempts}} {
		w.open(part.name)
		if err := part.fill(ctx, w); err != nil {
			return err
		}
		w.raw("]")
	}
	w.raw("}\n")
	return w.err
}

// messages are those that were sent to them, the newest of each chat first.
func (e *export) messages(ctx context.Context, w *jsonWriter) error {
	for _, c := range e.chats {
		f := relay.MessageFilter{Workspace: e.workspace, Chat: c.ID}
		for p := (relay.Page{Limit: 200}); ; {
			list, next, err := e.s.relay.Store.Messages(ctx, f, p)
			if err != nil {
				return err
			}
			for _, m := range list {
				w.item(viewMessage(m))
			}
			if p.Cursor = next; next == "" || w.err != nil {
				break
			}
		}
	}
	return w.err
}

// inbound is what they wrote: to a channel, and in groups.
func (e *export) inbound(ctx context.Context, w *jsonWriter) error {
	put := func(m relay.InboundMessage) error {
		w.item(relay.InboundBodyOf(m))
		return w.err
	}
	for _, c := range e.chats {
		if err := e.s.relay.EachInbound(ctx, c, put); err != nil {
			return err
		}
	}
	return e.s.relay.WrittenInGroups(ctx, e.workspace, e.who, e.chats, put)
}

func (e *export) attempts(ctx context.Context, w *jsonWriter) error {
	about, err := e.s.relay.AttemptsAbout(ctx, e.workspace, e.who, e.chats)
	for _, a := range about {
		w.item(viewAttempt(a))
	}
	return errors.Join(err, w.err)
}

// jsonWriter writes an object part by part. After an error it writes nothing
// more.
type jsonWriter struct {
	w io.Writer
	// fields and items are how many there are: a comma stands before each but
	// the first.
	fields, items int
	err           error
}

func (w *jsonWriter) raw(s string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.w, s)
	}
}

func (w *jsonWriter) value(v any) {
	b, err := encode(v)
	if w.err == nil {
		w.err = err
	}
	w.raw(string(b))
}

func (w *jsonWriter) name(s string) {
	if w.fields++; w.fields > 1 {
		w.raw(",\n")
	}
	w.raw(`"` + s + `":`)
}

func (w *jsonWriter) field(name string, v any) {
	w.name(name)
	w.value(v)
}

// open begins a field that is a list.
func (w *jsonWriter) open(name string) {
	w.name(name)
	w.raw("[")
	w.items = 0
}

func (w *jsonWriter) item(v any) {
	if w.items++; w.items > 1 {
		w.raw(",")
	}
	w.raw("\n")
	w.value(v)
}
