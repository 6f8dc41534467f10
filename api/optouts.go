package api

import (
	"strings"
	"time"

	"relevo/api/hook"
	"relevo/relay"
)

// optOutView is somebody who gets no messages of a workspace.
type optOutView struct {
	Recipient string    `json:"recipient"`
	At        time.Time `json:"at"`
	// By is recipient where they wrote it themselves, else who put them on the
	// list: operator, the id of a key, the e-mail address of somebody who
	// signed in.
	By     string  `json:"by"`
	Reason *string `json:"reason"`
	// ChannelID and ChatID are where they wrote it.
	ChannelID *string `json:"channel_id"`
	ChatID    *string `json:"chat_id"`
}

type optOutBody struct {
	Reason string `json:"reason"`
}

func viewOptOut(o relay.OptOut) optOutView {
	return optOutView{
		Recipient: o.Recipient, At: o.At.UTC(), By: o.By, Reason: present(o.Reason),
		ChannelID: present(o.Channel), ChatID: present(o.Chat),
	}
}

// listOptOuts shows who is on the list, by number; from those whose number
// begins with a prefix.
func (s *server) listOptOuts(r *request) (answer, error) {
	page, err := r.page()
	if err != nil {
		return answer{}, err
	}
	prefix := r.c.QueryParam("prefix")
	if strings.HasPrefix(prefix, " ") { // a + that was not encoded
		prefix = "+" + prefix[1:]
	}
	found, next, err := s.relay.OptOuts(r.ctx, r.workspace(), prefix, page)
	return pageOf(mapped(found, viewOptOut), next), err
}

// person is who is named in the path: a number in any form, or the id under
// which a provider knows somebody.
func (r *request) person() string {
	raw := r.param("phone")
	if phone, ok := hook.Phone(raw); ok {
		return phone
	}
	return raw
}

func (s *server) showOptOut(r *request) (answer, error) {
	o, err := s.relay.OptOut(r.ctx, r.workspace(), r.person())
	return ok(viewOptOut(o)), err
}

func (s *server) putOptOut(r *request) (answer, error) {
	var in optOutBody
	if err := r.bodyIfAny(&in); err != nil {
		return answer{}, err
	}
	phone, err := readPhone("phone", r.param("phone"))
	if err != nil {
		return answer{}, err
	}
	by := "operator"
	if !r.who.operator {
		by = r.who.key
	}
	o, _, err := s.relay.PutOptOut(r.ctx, relay.OptOut{Workspace: r.workspace(), Recipient: phone, Reason: in.Reason, By: by})
	return ok(viewOptOut(o)), err
}

func (s *server) deleteOptOut(r *request) (answer, error) {
	return noContent(), s.relay.DeleteOptOut(r.ctx, r.workspace(), r.person())
}
