package api

import (
	"cmp"
	"strconv"

	"relevo/relay"
)

// listInbound shows what people wrote: to a workspace, a channel, or in one
// chat.
func (s *server) listInbound(r *request) (answer, error) {
	page, err := r.page()
	if err != nil {
		return answer{}, err
	}
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	channel, recipient := r.query("channel"), ""
	if id := r.query("chat"); id != "" {
		chat, err := s.chat(r, id)
		if err != nil {
			return answer{}, err
		}
		channel, recipient = chat.Channel, chat.Recipient
	}
	found, next, err := s.relay.Store.Inbounds(r.ctx, r.workspace(), channel, recipient, page)
	return pageOf(mapped(found, relay.InboundBodyOf), next), err
}

// inboundFile gives one file of what somebody wrote.
func (s *server) inboundFile(r *request) (answer, error) {
	n, err := strconv.Atoi(r.param("n"))
	if err != nil {
		n = -1
	}
	file, body, err := s.relay.OpenReceived(r.ctx, r.workspace(), r.param("id"), n)
	if err != nil {
		return answer{}, err
	}
	return answer{download: &download{mediaType: file.Type, name: cmp.Or(file.Name, "file"), size: file.Size, body: body}}, nil
}
