package api

import (
	"cmp"
	"strconv"
	"time"

	"relevo/relay"
)

// inboundView is a message that somebody wrote, as the API shows it.
type inboundView struct {
	ID        string `json:"id"`
	ChannelID string `json:"channel_id"`
	ChatID    string `json:"chat_id"`
	// Sender is the other side of the chat: a person, or the group in which
	// Author wrote.
	Sender     string         `json:"sender"`
	Author     *string        `json:"author"`
	AuthorName *string        `json:"author_name"`
	Kind       string         `json:"kind"`
	Text       *string        `json:"text"`
	Files      []receivedView `json:"files"`
	At         time.Time      `json:"at"`
}

// receivedView is one of its files. URL is null until it was fetched; Missing
// says why it never will be.
type receivedView struct {
	Name    *string `json:"name"`
	Type    *string `json:"type"`
	Caption *string `json:"caption"`
	Size    int64   `json:"size"`
	URL     *string `json:"url"`
	Missing *string `json:"missing"`
}

func viewInbound(m relay.InboundMessage) inboundView {
	v := inboundView{
		ID: m.ID, ChannelID: m.Channel, ChatID: m.ChatID, Sender: m.Recipient, Author: present(m.Author), AuthorName: present(m.AuthorName),
		Kind: m.Kind, Text: present(m.Text), Files: []receivedView{}, At: m.At.UTC(),
	}
	for i, f := range m.Files {
		file := receivedView{Name: present(f.Name), Type: present(f.Type), Caption: present(f.Caption), Size: f.Size, Missing: present(f.Missing)}
		if f.Key != "" {
			file.URL = present(apiBase + "/workspaces/" + m.Workspace + "/inbound/" + m.ID + "/files/" + strconv.Itoa(i))
		}
		v.Files = append(v.Files, file)
	}
	return v
}

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
	return pageOf(mapped(found, viewInbound), next), err
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
