package console

import (
	"errors"
	"time"

	"relevo/relay"
)

// SentLine is one call of the sandbox.
type SentLine struct {
	At        time.Time `json:"at"`
	MessageID string    `json:"message_id"`
	Recipient string    `json:"recipient"`
	// Try counts from 1; Kind is text, template, or the kind of the file.
	Try  int    `json:"try"`
	Kind string `json:"kind"`
	Text string `json:"text"`
	File *struct {
		Name string `json:"name"`
		// Size is in bytes.
		Size int64 `json:"size"`
	} `json:"file"`
	Template *relay.TemplateRef `json:"template"`
	// Outcome is sent, refused, deferred, unsure or channel_fault.
	Outcome    string `json:"outcome"`
	HandedOver bool   `json:"handed_over"`
}

// sandboxNumbers are the last four digits at which the sandbox behaves in its
// own way, with a text channels.number_<name> each.
var sandboxNumbers = []struct{ Digits, Name string }{
	{"9901", "not_there"}, {"9902", "refused"}, {"9903", "slow_down"}, {"9904", "unreachable"}, {"9905", "slow"},
	{"9906", "timeout"}, {"9907", "fails_later"}, {"9908", "arrives_late"}, {"9909", "silence"}, {"9910", "fault"},
}

// Numbers are those of the sandbox's script.
func (channelPage) Numbers() any { return sandboxNumbers }

// sandboxPage is the channel of the path, where it is a sandbox.
func (p *call) sandboxPage() (channelPage, error) {
	v, err := p.thisChannel()
	if err == nil && (v.Kind != sandboxKind.Kind || p.c.Write == nil) {
		err = errNoPage
	}
	v.Form = map[string]string{"sender": p.field("sender"), "sender_name": p.field("sender_name"), "text": p.field("text"), "group": p.field("group")}
	return v, err
}

// writeAsPerson lets somebody write to the sandbox.
func writeAsPerson(p *call) error {
	v, err := p.sandboxPage()
	if err != nil {
		return err
	}
	_, err = p.c.Write(p.ctx, v.Channel, WrittenBy{From: v.Form["sender"], Name: v.Form["sender_name"], Text: v.Form["text"]})
	if err != nil {
		return p.againSandbox(err, v, "sender", "channels.sender_bad")
	}
	return p.done(p.At("channels", v.ID), "channels.written_now", "From", v.Form["sender"])
}

// makeGroup opens a chat with a pretend group.
func makeGroup(p *call) error {
	v, err := p.sandboxPage()
	if err != nil {
		return err
	}
	chat, err := p.c.Group(p.ctx, v.Channel, v.Form["group"])
	if err != nil {
		return p.againSandbox(err, v, "group", "channels.group_bad")
	}
	return p.done(p.At("channels", v.ID), "channels.group_now", "Name", chat.Name, "ID", chat.ID)
}

// againSandbox shows the page with what is wrong at the form's first field.
func (p *call) againSandbox(err error, v channelPage, field, key string) error {
	if e := new(relay.Error); !errors.As(err, &e) || len(e.Fields) == 0 {
		return p.again(err, "channel", v)
	}
	p.Problem = &Problem{Message: p.T(key), Fields: map[string]string{field: p.T(key)}}
	return p.showAs(422, "channel", v)
}

// WrittenBy is what somebody writes to the sandbox.
type WrittenBy struct {
	// From is a phone number, or the id of a person or group, as it was typed.
	From, Name, Text string
}
