package api

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"relevo/api/console"
	"relevo/relay"
)

// maxSent is the most lines of the sandbox's log that one call shows.
const maxSent = 200

type inboundBody struct {
	// From is a phone number, or the id of a person or group.
	From string `json:"from" validate:"required"`
	Name string `json:"name" validate:"max=256"`
	Text string `json:"text"`
}

type groupBody struct {
	Name string `json:"name" validate:"required,max=256"`
}

// sandboxChannel finds the channel in the path, and refuses what is no
// sandbox.
func (s *server) sandboxChannel(r *request) (relay.Channel, error) {
	c, err := s.relay.Channel(r.ctx, r.workspace(), r.param("ch"))
	if err == nil && (c.Kind != "sandbox" || s.Sent == nil) {
		err = relay.Refusef(relay.CodeNotFound, "This channel is no sandbox; what it sent is in the list of messages.")
	}
	return c, err
}

func (s *server) listSent(r *request) (answer, error) {
	limit, err := r.limit(50, maxSent)
	if err != nil {
		return answer{}, err
	}
	c, err := s.sandboxChannel(r)
	if err != nil {
		return answer{}, err
	}
	lines, err := s.Sent(r.ctx, c.Workspace, c.ID, limit)
	return ok(struct {
		Data any     `json:"data"`
		Next *string `json:"next_cursor"`
	}{Data: lines}), err
}

func (s *server) sandboxInbound(r *request) (answer, error) {
	var in inboundBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	if _, err := readRecipient("from", in.From); err != nil {
		return answer{}, err
	}
	c, err := s.sandboxChannel(r)
	if err != nil {
		return answer{}, err
	}
	chat, err := s.writeToSandbox(r.ctx, c, console.WrittenBy{From: in.From, Name: in.Name, Text: in.Text})
	if err != nil {
		return answer{}, err
	}
	v, err := s.viewChat(r.ctx, chat)
	return ok(v), err
}

// writeToSandbox lets somebody write to a channel of the sandbox.
func (s *server) writeToSandbox(ctx context.Context, c relay.Channel, in console.WrittenBy) (relay.Chat, error) {
	from, err := readRecipient("from", in.From)
	if err != nil {
		return relay.Chat{}, err
	}
	if user, ok := strings.CutSuffix(from, "@s.whatsapp.net"); ok {
		from = "+" + user
	}
	return s.relay.Inbound(ctx, c.Workspace, c.ID, relay.Inbound{
		From: from, Name: in.Name, Text: in.Text, At: time.Now(), Group: strings.HasSuffix(from, "@g.us"),
	})
}

// newSandboxGroup opens a chat with a pretend group.
func (s *server) newSandboxGroup(ctx context.Context, c relay.Channel, name string) (relay.Chat, error) {
	name = relay.ChatName(name)
	if name == "" || utf8.RuneCountInString(name) > 256 {
		return relay.Chat{}, relay.RefuseField(relay.CodeInvalidField, "name", "A group's name has 1 to 256 characters.", "")
	}
	chat, _, err := s.relay.CreateChat(ctx, c.Workspace, relay.NewChat{Channel: c.ID, Recipient: newGroupJID(), Name: name})
	return chat, err
}

func (s *server) createGroup(r *request) (answer, error) {
	var in groupBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	c, err := s.sandboxChannel(r)
	if err != nil {
		return answer{}, err
	}
	return s.openChat(r, relay.NewChat{Channel: c.ID, Recipient: newGroupJID(), Name: in.Name})
}

// newGroupJID makes an id as WhatsApp's own groups have: 120363 and twelve
// more digits.
func newGroupJID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
	if err != nil {
		panic(err) // the reader never fails: https://pkg.go.dev/crypto/rand#Read
	}
	return "120363" + n.Add(n, big.NewInt(100_000_000_000)).String() + "@g.us"
}
