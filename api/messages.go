package api

import (
	"errors"
	"strings"
	"time"

	"relevo/relay"
)

// messageView is a message as the API shows it.
type messageView struct {
	ID         string        `json:"id"`
	Status     relay.Status  `json:"status"`
	Units      int64         `json:"units"`
	ChannelID  string        `json:"channel_id"`
	ChatID     string        `json:"chat_id"`
	To         string        `json:"to"`
	Text       *string       `json:"text"`
	File       *fileView     `json:"file"`
	Template   *templateView `json:"template"`
	CreatedAt  time.Time     `json:"created_at"`
	SendAt     *time.Time    `json:"send_at"`
	ExpiresAt  time.Time     `json:"expires_at"`
	Tries      int           `json:"tries"`
	ProviderID *string       `json:"provider_id"`
	Error      *failureView  `json:"error"`
	// PartOf is the first part's id, on the second of two; Parts are both
	// ids, on the first.
	PartOf   *string      `json:"part_of"`
	Parts    []string     `json:"parts"`
	ResendOf *string      `json:"resend_of"`
	History  []changeView `json:"history"`
}

// fileView is an attachment; type and size are null until it was fetched.
type fileView struct {
	URL  string         `json:"url"`
	Name string         `json:"name"`
	Kind relay.FileKind `json:"kind"`
	Type *string        `json:"type"`
	Size *int64         `json:"size"`
}

// templateView is a template as it was asked for. Names go with variables
// where the call had them and the template was not known; an empty value of a
// button leaves it as it is.
type templateView struct {
	Name      string   `json:"name"`
	Language  string   `json:"language"`
	Variables []string `json:"variables"`
	Names     []string `json:"names"`
	Buttons   []string `json:"buttons"`
}

type failureView struct {
	Code    relay.Code `json:"code"`
	Message string     `json:"message"`
}

// changeView is one line of a message's history.
type changeView struct {
	At     time.Time    `json:"at"`
	Status relay.Status `json:"status"`
	// Applied is false for what was reported and changed nothing.
	Applied bool         `json:"applied"`
	Try     *int         `json:"try"`
	Note    *string      `json:"note"`
	Error   *failureView `json:"error"`
}

func viewMessage(m relay.Message) messageView {
	v := messageView{
		ID: m.ID, Status: m.Status, Units: m.Units, ChannelID: m.Channel, ChatID: m.ChatID, To: m.To(), Text: present(m.Text),
		CreatedAt: m.CreatedAt.UTC(), SendAt: instant(m.SendAt), ExpiresAt: m.ExpiresAt.UTC(), Tries: m.Tries,
		ProviderID: present(m.ProviderID), Error: viewFailure(m.Failure), PartOf: present(m.PartOf), Parts: m.Parts,
		ResendOf: present(m.ResendOf), History: mapped(m.History, viewChange),
	}
	if f := m.File; f != nil {
		v.File = &fileView{URL: f.URL, Name: f.Name, Kind: f.Kind, Type: present(f.Type), Size: present(f.Size)}
	}
	if t := m.Template; t != nil {
		v.Template = &templateView{Name: t.Name, Language: t.Language, Variables: t.Variables, Names: t.Names, Buttons: t.Buttons}
	}
	return v
}

func viewFailure(f *relay.Failure) *failureView {
	if f == nil {
		return nil
	}
	return &failureView{Code: f.Code, Message: f.Message}
}

func viewChange(c relay.Change) changeView {
	return changeView{At: c.At.UTC(), Status: c.Status, Applied: c.Applied, Try: present(c.Try), Note: present(c.Note), Error: viewFailure(c.Failure)}
}

func (s *server) listMessages(r *request) (answer, error) {
	page, err := r.pageIn()
	if err != nil {
		return answer{}, err
	}
	f := relay.MessageFilter{Workspace: r.workspace(), Channel: r.query("channel")}
	if f.Statuses, err = readStatuses(r.query("status")); err != nil {
		return answer{}, err
	}
	if f.From, f.To, err = r.period(); err != nil {
		return answer{}, err
	}
	if id := r.query("chat"); id != "" {
		chat, err := s.chat(r, id)
		if err != nil {
			return answer{}, err
		}
		f.Chat = chat.ID
	}
	found, next, err := s.relay.Store.Messages(r.ctx, f, page)
	return pageOf(mapped(found, viewMessage), next), err
}

// readStatuses reads statuses with commas between them.
func readStatuses(s string) ([]relay.Status, error) {
	var all []relay.Status
	for part := range strings.SplitSeq(s, ",") {
		status := relay.Status(strings.TrimSpace(part))
		if status == "" {
			continue
		}
		if !status.Valid() {
			return nil, relay.RefuseField(relay.CodeInvalidField, "status", "There is no such status.",
				"The statuses are queued, sending, sent, delivered, read, failed, unknown, unconfirmed, canceled, expired; several with commas between them.")
		}
		all = append(all, status)
	}
	return all, nil
}

// period reads from (inclusive) and to (exclusive).
func (r *request) period() (from, to time.Time, err error) {
	if from, err = r.time("from"); err != nil {
		return from, to, err
	}
	if to, err = r.time("to"); err != nil {
		return from, to, err
	}
	if !to.IsZero() && to.Before(from) {
		err = relay.RefuseField(relay.CodeInvalidField, "to", "to is before from.", "")
	}
	return from, to, err
}

// messageID is the id in the path, in full or without what is in front of 3EB0.
func (r *request) messageID() string {
	id := r.param("id")
	if strings.HasPrefix(id, "3EB0") {
		return "wa_backend:" + id
	}
	return id
}

// mayExist refuses a message that cannot be there: of a deleted workspace,
// or with an id that no message has.
func (s *server) mayExist(r *request) error {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return err
	}
	if !relay.ValidMessageID(r.messageID()) {
		return noMessage(relay.ErrNotFound)
	}
	return nil
}

// noMessage is what a caller reads where a message was not found.
func noMessage(err error) error {
	if !errors.Is(err, relay.ErrNotFound) {
		return err
	}
	return &relay.Error{Code: relay.CodeNotFound, Message: "There is no message of this id in this workspace.", Err: err}
}

func (s *server) showMessage(r *request) (answer, error) {
	m, err := s.findMessage(r)
	return ok(viewMessage(m)), err
}

func (s *server) findMessage(r *request) (m relay.Message, err error) {
	if err := s.mayExist(r); err != nil {
		return m, err
	}
	err = s.relay.Store.View(r.ctx, func(tx relay.Tx) (err error) {
		m, err = tx.Message(r.ctx, r.workspace(), r.messageID())
		return err
	})
	return m, noMessage(err)
}

func (s *server) cancelMessage(r *request) (answer, error) {
	if err := s.mayExist(r); err != nil {
		return answer{}, err
	}
	m, err := s.relay.Cancel(r.ctx, r.workspace(), r.messageID())
	return ok(viewMessage(m)), err
}

func (s *server) confirmMessage(r *request) (answer, error) {
	if err := s.mayExist(r); err != nil {
		return answer{}, err
	}
	m, err := s.relay.Confirm(r.ctx, r.workspace(), r.messageID())
	return ok(viewMessage(m)), err
}

func (s *server) resendMessage(r *request) (answer, error) {
	if err := s.mayExist(r); err != nil {
		return answer{}, err
	}
	m, err := s.relay.Resend(r.ctx, r.workspace(), r.messageID())
	return created("/workspaces/"+r.workspace()+"/messages/"+m.ID, viewMessage(m)), err
}
