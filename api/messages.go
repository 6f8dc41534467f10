package api

import (
	"errors"
	"strings"
	"time"

	"relevo/relay"
)

// messageView is a message as the API shows it: as events tell it, and its
// history.
type messageView struct {
	relay.MessageBody
	History []changeView `json:"history"`
}

// changeView is one line of a message's history.
type changeView struct {
	At     time.Time    `json:"at"`
	Status relay.Status `json:"status"`
	// Applied is false for what was reported and changed nothing.
	Applied bool           `json:"applied"`
	Try     *int           `json:"try"`
	Note    *string        `json:"note"`
	Error   *relay.Failure `json:"error"`
}

func viewMessage(m relay.Message) messageView {
	return messageView{relay.MessageBodyOf(m), mapped(m.History, viewChange)}
}

func viewChange(c relay.Change) changeView {
	return changeView{At: c.At.UTC(), Status: c.Status, Applied: c.Applied, Try: present(c.Try), Note: present(c.Note), Error: c.Failure}
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
