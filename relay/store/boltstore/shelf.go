package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"relevo/relay"
)

// kept is a text as a record gives it back: U+FFFD stands for what is not
// UTF-8. Keys are made of that form, so that a row that was read finds itself.
func kept(s string) string { return string([]rune(s)) }

func templateKey(workspace, channel, name string) string { return workspace + channel + kept(name) }

// inboundKey sorts as the id does, within its workspace.
func inboundKey(workspace, id string) (string, error) {
	raw, err := rawID(id)
	return workspace + raw, err
}

// writerKey stands before the ids of what one recipient wrote to a channel. It
// is a hash, because neither a channel's id nor a recipient says where it ends.
func writerKey(workspace, channel, recipient string) string {
	h := sha256.Sum256([]byte(channel + "\x00" + kept(recipient)))
	return workspace + string(h[:16])
}

// TemplatesByName are all languages of a template.
func (t *tx) TemplatesByName(_ context.Context, workspace, channel, name string) ([]relay.Template, error) {
	return orZero[[]relay.Template](t, bTemplate, templateKey(workspace, channel, name))
}

// PutTemplate writes one language of a template.
func (t *tx) PutTemplate(ctx context.Context, m relay.Template) error {
	list, err := t.TemplatesByName(ctx, m.Workspace, m.Channel, m.Name)
	if err != nil {
		return err
	}
	i, found := shelved(list, m.Language)
	if found {
		list[i] = m
	} else {
		list = slices.Insert(list, i, m)
	}
	return put(t, bTemplate, templateKey(m.Workspace, m.Channel, m.Name), list)
}

// shelved is where a language stands, or belongs, in a list of them.
func shelved(list []relay.Template, language string) (int, bool) {
	return slices.BinarySearchFunc(list, language, func(m relay.Template, l string) int { return strings.Compare(m.Language, l) })
}

// DeleteTemplate forgets one language of a template.
func (t *tx) DeleteTemplate(ctx context.Context, m relay.Template) error {
	list, err := t.TemplatesByName(ctx, m.Workspace, m.Channel, m.Name)
	if err != nil {
		return err
	}
	key := templateKey(m.Workspace, m.Channel, m.Name)
	i, found := shelved(list, m.Language)
	switch {
	case !found:
		return nil
	case len(list) == 1:
		return t.delete(bTemplate, key)
	}
	return put(t, bTemplate, key, slices.Delete(list, i, i+1))
}

// InboundMessage finds one by id.
func (t *tx) InboundMessage(_ context.Context, workspace, id string) (relay.InboundMessage, error) {
	key, err := inboundKey(workspace, id)
	if err != nil {
		return relay.InboundMessage{}, err
	}
	return get[relay.InboundMessage](t, bInbound, key)
}

// PutInbound writes one and keeps the index of who wrote it in step.
func (t *tx) PutInbound(_ context.Context, m relay.InboundMessage) error {
	key, err := inboundKey(m.Workspace, m.ID)
	if err != nil {
		return err
	}
	old, err := get[relay.InboundMessage](t, bInbound, key)
	if err != nil && !errors.Is(err, relay.ErrNotFound) {
		return err
	}
	at := inboundByKey(m, key)
	if was := inboundByKey(old, key); err == nil && was != at {
		if err := t.delete(bInboundBy, was); err != nil {
			return err
		}
	}
	if err := t.write(bInboundBy, at, seal(bInboundBy, at, nil)); err != nil {
		return err
	}
	return put(t, bInbound, key, m)
}

// DeleteInbound forgets one, and that they wrote it.
func (t *tx) DeleteInbound(_ context.Context, m relay.InboundMessage) error {
	key, err := inboundKey(m.Workspace, m.ID)
	if err != nil {
		return err
	}
	old, err := get[relay.InboundMessage](t, bInbound, key)
	if errors.Is(err, relay.ErrNotFound) {
		return nil
	}
	return errors.Join(err, t.delete(bInboundBy, inboundByKey(old, key)), t.delete(bInbound, key))
}

// inboundByKey leads from who wrote a message to its key.
func inboundByKey(m relay.InboundMessage, key string) string {
	return writerKey(m.Workspace, m.Channel, m.Recipient) + key[len(key)-rawLen:]
}

// Templates are all of a channel, by name, then language.
func (s *Store) Templates(ctx context.Context, workspace, channel string) (out []relay.Template, err error) {
	prefix := []byte(workspace + channel)
	err = s.view(func(t *tx) error {
		b := t.b.Bucket(bTemplate.name())
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			list, err := decode[[]relay.Template](bTemplate, string(k), v)
			if err != nil {
				return err
			}
			for _, m := range list {
				if m.Channel == channel {
					out = append(out, m)
				}
			}
		}
		return nil
	})
	return out, err
}

// Inbounds are what people wrote, newest first.
func (s *Store) Inbounds(ctx context.Context, workspace, channel, recipient string, p relay.Page) (out []relay.InboundMessage, next string, err error) {
	table, prefix := bInbound, workspace
	recipient = kept(recipient)
	if channel != "" && recipient != "" {
		table, prefix = bInboundBy, writerKey(workspace, channel, recipient)
	}
	err = s.view(func(t *tx) error {
		if t.b.Bucket(table.name()) == nil {
			return nil
		}
		next, err = t.walk(ctx, table, prefix, p, func(key string, _ []byte) (bool, error) {
			m, err := get[relay.InboundMessage](t, bInbound, workspace+key[len(key)-rawLen:])
			if err == nil && (channel == "" || m.Channel == channel) && (recipient == "" || m.Recipient == recipient) {
				out = append(out, m)
			}
			return len(out) < limit(p), err
		})
		return err
	})
	return out, next, err
}

// PruneInbounds forgets inbound messages of before a time. Each workspace's
// are looked through from its oldest on, and no further than its first that
// stays.
func (s *Store) PruneInbounds(ctx context.Context, before time.Time, n int) (int, error) {
	var old []string
	err := s.view(func(t *tx) error {
		return t.b.Bucket(bWS.name()).ForEach(func(ws, _ []byte) error {
			c := t.b.Bucket(bInbound.name()).Cursor()
			for k, _ := c.Seek(ws); bytes.HasPrefix(k, ws) && len(old) < n && inboundTime(k).UnixMilli() < before.UnixMilli(); k, _ = c.Next() {
				old = append(old, string(k))
			}
			return ctx.Err()
		})
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	removed := 0
	err = s.do(ctx, &request{fn: func(t *tx) error {
		removed = 0
		for _, key := range old {
			m, err := get[relay.InboundMessage](t, bInbound, key)
			if errors.Is(err, relay.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			removed++
			if err := errors.Join(t.delete(bInboundBy, inboundByKey(m, key)), t.delete(bInbound, key), t.delete(bFetch, key[len(key)-rawLen:])); err != nil {
				return err
			}
		}
		return nil
	}})
	return removed, err
}

// latestInbound is the newest id of what was written to a workspace; empty for
// none.
func (t *tx) latestInbound(workspace string) (id string, err error) {
	_, err = t.walk(context.Background(), bInbound, workspace, relay.Page{}, func(key string, _ []byte) (bool, error) {
		id = idOf(key[len(key)-rawLen:])
		return false, nil
	})
	return id, err
}

func inboundTime(key []byte) time.Time {
	return relay.MessageTime([9]byte(key[len(key)-rawLen:]))
}
