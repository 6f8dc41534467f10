package relay

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Erasure is what the erasure of a person came to.
type Erasure struct {
	// Messages, Inbound, Attempts and Events are how many of each were redacted
	// or forgotten by this run.
	Messages, Inbound, Attempts, Events int
	// Left are messages that are still on their way. Another run, once they are
	// settled, ends the erasure.
	Left int
}

// ErasePerson takes somebody out of a workspace, by any form of their number or
// a provider's id of them. What waits for them is canceled, and its units come
// back. Of messages the id, status, units and times stay, for the books. What
// they wrote, its files, and their chats are forgotten; so are events that name
// them. Attempts that name them lose what was sent. On the opt-out list their
// number stays, so that they are left alone.
//
// It works in many small transactions: one that was interrupted is ended by
// another run, and one after that finds nothing to do.
func (r *Relay) ErasePerson(ctx context.Context, workspace, who string) (Erasure, error) {
	e := erasure{r: r, workspace: workspace, who: Identity(who)}
	if _, err := r.Workspace(ctx, workspace); err != nil {
		return e.done, err
	}
	var err error
	if e.chats, err = r.ChatsAbout(ctx, workspace, who); err != nil {
		return e.done, err
	}
	e.names = names(who, e.chats)
	// chats go last: they are what another run finds the rest by
	for _, step := range []func(context.Context) error{e.attempts, e.messages, e.inbound, e.optOut, e.events, e.forgetChats} {
		if err := step(ctx); err != nil {
			return e.done, err
		}
	}
	return e.done, nil
}

// erasure is one run.
type erasure struct {
	r              *Relay
	workspace, who string
	chats          []Chat
	names          []string
	// wrote are the ids of what they wrote in groups.
	wrote map[string]bool
	// busy are the chats with messages that are on their way.
	busy map[string]bool
	done Erasure
}

// attempts empties those that name the person, or made a message to them.
func (e *erasure) attempts(ctx context.Context) error {
	about, err := e.r.AttemptsAbout(ctx, e.workspace, e.who, e.chats)
	if err != nil || len(about) == 0 {
		return err
	}
	n, err := e.r.Store.EditAttempts(ctx, e.workspace, func(a *Attempt) bool {
		mine := slices.ContainsFunc(about, func(m Attempt) bool { return m.ID == a.ID })
		return (mine || a.mentions(e.names) || a.namesChat(e.chats)) && a.erase(e.names)
	})
	e.done.Attempts += n
	return err
}

// erase leaves of an attempt when it was, and what came of it; false where
// nothing else was left.
func (a *Attempt) erase(names []string) bool {
	if len(a.Body) == 0 && a.Excerpt == "" && len(a.Warnings) == 0 && a.Recipient == "" && !mentions(a.Message, names) {
		return false
	}
	a.Body, a.Excerpt, a.Warnings, a.Recipient = nil, "", nil, ""
	if mentions(a.Message, names) {
		a.Message = ""
	}
	return true
}

func (e *erasure) messages(ctx context.Context) error {
	e.busy = map[string]bool{}
	for _, c := range e.chats {
		if err := e.messagesOf(ctx, c); err != nil {
			return err
		}
	}
	e.r.dispatcher.Wake()
	return nil
}

// messagesOf cancels what is queued in a chat and redacts what is settled.
func (e *erasure) messagesOf(ctx context.Context, c Chat) error {
	f := MessageFilter{Workspace: e.workspace, Chat: c.ID}
	for p := (Page{Limit: batch}); ; {
		list, next, err := e.r.Store.Messages(ctx, f, p)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.Erased {
				continue
			}
			if err := e.message(ctx, m); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if p.Cursor = next; next == "" {
			return nil
		}
	}
}

// message is one, in a transaction of its own. What was queued is canceled in
// one before: its lane comes before the books, and the books before its end.
func (e *erasure) message(ctx context.Context, m Message) error {
	if m.Status == Queued {
		err := e.r.update(ctx, m.Workspace, func(tx Tx) error {
			m, err := tx.Message(ctx, m.Workspace, m.ID)
			if err != nil || m.Status != Queued {
				return err
			}
			return endQueued(ctx, tx, &m, canceledChange(time.Now()))
		})
		if err != nil {
			return err
		}
	}
	var was Message
	err := e.r.update(ctx, m.Workspace, func(tx Tx) (err error) {
		if was, err = tx.Message(ctx, m.Workspace, m.ID); err != nil || was.Erased || !was.Status.Settled() {
			return err
		}
		return tx.PutMessage(ctx, was.erased(e.names))
	})
	switch {
	case err != nil || was.Erased:
		return err
	case !was.Status.Settled():
		e.done.Left++
		e.busy[was.ChatID] = true
		return nil
	}
	e.done.Messages++
	if was.File != nil {
		return e.removeFile(was.File.Key)
	}
	return nil
}

// ErasedRecipient is what stands in the place of a recipient who was erased: the
// same for all messages of what was one chat.
func ErasedRecipient(chat string) string { return "erased-" + chat }

// erased is a message without what it said, and to whom.
func (m Message) erased(names []string) Message {
	m.Erased = true
	m.Recipient, m.Address, m.Text, m.ProviderID = ErasedRecipient(m.ChatID), "", "", ""
	if m.File != nil {
		m.File = &File{Kind: m.File.Kind, Type: m.File.Type, Size: m.File.Size}
	}
	if m.Template != nil {
		m.Template = &TemplateCall{Name: m.Template.Name, Language: m.Template.Language}
	}
	m.Failure = m.Failure.erased(names)
	m.History = slices.Clone(m.History)
	for i := range m.History {
		m.History[i].Note = ""
		m.History[i].Failure = m.History[i].Failure.erased(names)
	}
	return m
}

// erased is a failure without a sentence that names somebody.
func (f *Failure) erased(names []string) *Failure {
	if f == nil || !mentions(f.Message, names) {
		return f
	}
	return &Failure{Code: f.Code}
}

func (e *erasure) removeFile(key string) error {
	if key == "" || e.r.Files == nil {
		return nil
	}
	return e.r.Files.Remove(key)
}

// inbound forgets what the person wrote, to a channel and in groups.
func (e *erasure) inbound(ctx context.Context) error {
	forget := func(m InboundMessage) error { return e.forgetInbound(ctx, m) }
	for _, c := range e.chats {
		if err := e.r.EachInbound(ctx, c, forget); err != nil {
			return err
		}
	}
	e.wrote = map[string]bool{}
	return e.r.WrittenInGroups(ctx, e.workspace, e.who, e.chats, func(m InboundMessage) error {
		e.wrote[m.ID] = true
		return forget(m)
	})
}

func (e *erasure) forgetInbound(ctx context.Context, listed InboundMessage) error {
	var m InboundMessage
	err := e.r.update(ctx, e.workspace, func(tx Tx) (err error) {
		// a transaction may run again: what it looks for is not what it found
		if m, err = tx.InboundMessage(ctx, e.workspace, listed.ID); err != nil {
			return err
		}
		f, err := tx.Fetch(ctx, m.Workspace, m.ID)
		if err == nil {
			err = tx.DeleteFetch(ctx, f)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		return tx.DeleteInbound(ctx, m)
	})
	if errors.Is(err, ErrNotFound) { // pruned meanwhile
		return nil
	}
	for _, f := range m.Files {
		if err == nil {
			err = e.removeFile(f.Key)
		}
	}
	if err == nil {
		e.done.Inbound++
	}
	return err
}

// optOut leaves of an entry on the list the person and since when.
func (e *erasure) optOut(ctx context.Context) error {
	return e.r.update(ctx, e.workspace, func(tx Tx) error {
		for _, name := range e.names {
			key := optOutKey(name)
			if key == "" {
				continue
			}
			c, err := tx.Card(ctx, kindOptOut, e.workspace, key)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			o, err := optOutOf(c)
			if err != nil || o.Reason == "" && o.Chat == "" && o.Channel == "" {
				return err
			}
			o.Reason, o.Chat, o.Channel = "", "", ""
			if err := putOptOutCard(ctx, tx, o, c.Due); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetChats forgets the chats in which nothing is on its way, and whom the
// provider's ids of the person led to. A call that was accepted meanwhile is
// found once more by the number of its chat, and so is what it told.
func (e *erasure) forgetChats(ctx context.Context) error {
	before := e.done
	for _, c := range e.chats {
		if e.busy[c.ID] {
			continue
		}
		err := e.r.update(ctx, c.Workspace, func(tx Tx) error {
			cur, err := tx.ChatByID(ctx, c.Workspace, c.ID)
			if err != nil {
				return err
			}
			if cur.User != "" {
				if err := tx.DeleteUser(ctx, cur.Workspace, cur.Channel, cur.User); err != nil {
					return err
				}
			}
			return tx.DeleteChat(ctx, cur)
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := e.messagesOf(ctx, c); err != nil {
			return err
		}
	}
	if e.done == before {
		return nil
	}
	return e.events(ctx)
}

// events forgets those that name the person, also those that wait to be
// delivered: whoever they go to would learn of them anew.
func (e *erasure) events(ctx context.Context) error {
	for _, kind := range []string{kindEvent, kindEventLog} {
		for p := (Page{Limit: batch}); ; {
			cards, next, err := e.r.Store.Cards(ctx, CardFilter{Kind: kind, Workspace: e.workspace}, p)
			if err != nil {
				return err
			}
			cards = slices.DeleteFunc(cards, func(c Card) bool {
				ev, err := eventOfCard(c)
				return err != nil || !e.toldBy(ev)
			})
			if err := e.forgetCards(ctx, cards); err != nil {
				return err
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
	}
	return nil
}

// toldBy reports whether an event tells of the person: by what they are called
// or, where a form has only their profile name, by their chat or by what they
// wrote.
func (e *erasure) toldBy(ev Event) bool {
	if mentions(ev.Body, e.names) || mentions(ev.Answer, e.names) || mentions(ev.Error, e.names) {
		return true
	}
	chat, message := ev.about()
	return e.wrote[message] || slices.ContainsFunc(e.chats, func(c Chat) bool { return c.ID == chat })
}

func (e *erasure) forgetCards(ctx context.Context, cards []Card) error {
	if len(cards) == 0 {
		return nil
	}
	err := e.r.update(ctx, e.workspace, func(tx Tx) error {
		for _, c := range cards {
			if err := tx.DeleteCard(ctx, c.Kind, c.Workspace, c.Key); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		e.done.Events += len(cards)
	}
	return err
}
