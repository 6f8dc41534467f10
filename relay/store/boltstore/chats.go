package boltstore

import (
	"bytes"
	"context"

	bolt "go.etcd.io/bbolt"

	"relevo/relay"
)

// messageByKey leads from a chat to a message that was sent to it, and sorts as
// the message's id does; empty where the message is of no chat.
func messageByKey(m relay.Message, raw string) string {
	if m.ChatID == "" {
		return ""
	}
	return chatIDKey(m.Workspace, m.ChatID) + raw
}

// messagesOfChat are the messages of one chat, newest first.
func (s *Store) messagesOfChat(ctx context.Context, f relay.MessageFilter, p relay.Page) (out []relay.Message, next string, err error) {
	err = s.view(func(t *tx) error {
		if t.b.Bucket(bMessageBy.name()) == nil || len(f.Chat) > 20 {
			return nil // a file that is only read, and was made before; or no chat's number
		}
		next, err = t.walk(ctx, bMessageBy, chatIDKey(f.Workspace, f.Chat), p, func(key string, _ []byte) (bool, error) {
			raw := key[len(key)-rawLen:]
			if t.raw(bMessage, raw) == nil {
				return true, nil // forgotten by an earlier program, which does not know this index
			}
			m, err := get[relay.Message](t, bMessage, raw)
			if err != nil {
				return false, err
			}
			if m.Workspace == f.Workspace && passes(f, m) {
				out = append(out, m)
			}
			return len(out) < limit(p), nil
		})
		return err
	})
	return out, next, err
}

// indexStep is how many messages go into the index of chats in one transaction.
const indexStep = 5000

// indexChats puts into the index of chats what earlier programs wrote, which do
// not know it and may have had the file in between. Ids sort by time and one
// program has the file at a time, so what is missing are the newest: they are
// looked through from the newest on down to one that is there, and put in from
// the oldest on, in small transactions. Where that is interrupted the next
// start goes on.
func (s *Store) indexChats() error {
	var from []byte // the oldest that is missing
	err := s.db.View(func(b *bolt.Tx) error {
		index, c := b.Bucket(bMessageBy.name()), b.Bucket(bMessage.name()).Cursor()
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			m, err := decode[relay.Message](bMessage, string(k), v)
			if err != nil || m.ChatID == "" {
				continue // for Verify to find
			}
			if index.Get([]byte(messageByKey(m, string(k)))) != nil {
				return nil
			}
			from = bytes.Clone(k)
		}
		return nil
	})
	if err != nil || from == nil {
		return err
	}
	s.opt.Log.Info("the messages of each chat are being listed, once; this may take a moment")
	for from != nil {
		err := s.db.Update(func(b *bolt.Tx) error {
			from, err = indexSome(b, from)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// indexSome puts some messages in, from a key on, and returns where to go on.
func indexSome(b *bolt.Tx, from []byte) (next []byte, err error) {
	index, c := b.Bucket(bMessageBy.name()), b.Bucket(bMessage.name()).Cursor()
	n := 0
	for k, v := c.Seek(from); k != nil; k, v = c.Next() {
		if n++; n > indexStep {
			return bytes.Clone(k), nil
		}
		m, err := decode[relay.Message](bMessage, string(k), v)
		if err != nil || m.ChatID == "" {
			continue
		}
		at := messageByKey(m, string(k))
		if err := index.Put([]byte(at), seal(bMessageBy, at, nil)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// messagesBy checks that every message is in the index of its chat. One that
// is there and leads to nothing was forgotten by an earlier program.
func (v *verification) messagesBy() error {
	if v.t.b.Bucket(bMessageBy.name()) == nil {
		return nil
	}
	err := v.each(bMessage, func(key string, val []byte) error {
		m, err := decode[relay.Message](bMessage, key, val)
		if err != nil {
			return nil // told already
		}
		if at := messageByKey(m, key); at != "" && v.t.raw(bMessageBy, at) == nil {
			v.say("message %s is not in the index of its chat", m.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.each(bMessageBy, func(key string, _ []byte) error {
		raw := key[len(key)-rawLen:]
		if v.t.raw(bMessage, raw) == nil {
			return nil
		}
		if m, err := get[relay.Message](v.t, bMessage, raw); err == nil && messageByKey(m, raw) != key {
			v.say("the index of chats names message %s under another one", m.ID)
		}
		return nil
	})
}
