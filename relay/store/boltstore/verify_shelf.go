package boltstore

import (
	"errors"

	"relevo/relay"
)

// shelf checks templates, what people wrote and the ids of people: that each
// lies under its own key, and that the index of who wrote what is complete.
func (v *verification) shelf() error {
	for _, step := range []func() error{v.templates, v.inbounds, v.inboundsBy, v.people} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) templates() error {
	return v.each(bTemplate, func(key string, val []byte) error {
		list, err := decode[[]relay.Template](bTemplate, key, val)
		if err != nil || len(list) == 0 {
			v.say("templates of key %q cannot be read", key)
			return nil
		}
		v.stats.Templates += int64(len(list))
		for i, m := range list {
			if key != templateKey(m.Workspace, m.Channel, m.Name) {
				v.say("template %s (%s) of channel %s lies under another key", m.Name, m.Language, m.Channel)
			}
			if i > 0 && (list[i-1].Language >= m.Language) {
				v.say("template %s of channel %s: its languages are not in order", m.Name, m.Channel)
			}
		}
		return nil
	})
}

func (v *verification) inbounds() error {
	return v.each(bInbound, func(key string, val []byte) error {
		m, err := decode[relay.InboundMessage](bInbound, key, val)
		if err != nil {
			v.say("inbound message %s cannot be read", idOf(key[len(key)-rawLen:]))
			return nil
		}
		v.stats.Inbounds++
		if at, err := inboundKey(m.Workspace, m.ID); err != nil || at != key {
			v.say("inbound message %s lies under another key", m.ID)
		}
		if v.t.raw(bInboundBy, inboundByKey(m, key)) == nil {
			v.say("inbound message %s is not in the index of who wrote what", m.ID)
		}
		return nil
	})
}

func (v *verification) inboundsBy() error {
	return v.each(bInboundBy, func(key string, _ []byte) error {
		ws, raw := key[:len(key)-16-rawLen], key[len(key)-rawLen:]
		m, err := get[relay.InboundMessage](v.t, bInbound, ws+raw)
		switch {
		case errors.Is(err, relay.ErrNotFound):
			v.say("the index of who wrote what names inbound message %s, which does not exist", idOf(raw))
		case err == nil && inboundByKey(m, ws+raw) != key:
			v.say("the index of who wrote what names inbound message %s under somebody else", m.ID)
		}
		return nil
	})
}

func (v *verification) people() error {
	return v.each(bPerson, func(key string, val []byte) error {
		p, err := decode[relay.Person](bPerson, key, val)
		switch {
		case err != nil || p.Recipient == "":
			v.say("a person of key %x cannot be read", key)
		case personKey(p.Workspace, p.Channel, p.User) != key:
			v.say("person %s of channel %s lies under another key", p.User, p.Channel)
		}
		return nil
	})
}
