package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"relevo/relay"
)

func people() []storyCase {
	return []storyCase{
		{"WhoIsKnownByNumberAndIDHasOneChatAlsoWhereTheIDAloneIsTold", numberThenID},
		{"WhoWasKnownByTheIDAloneHasOneWindowInBothChatsOnceTheNumberIsTold", idThenNumber},
		{"WhatWasWrittenUnderTheIDOpensTheWindowUnderTheNumberAlsoWhereItIsToldLate", toldLate},
		{"AnIDOfOneChannelIsNobodysOnAnother", idOfOneChannel},
		{"AMessageToAGroupTellsNothingOfThePersonsOwnChat", idInGroup},
		{"ANoticeOfAChangedNumberOpensNoWindow", systemNotice},
	}
}

func knownPeople(t *testing.T, b *bench) {
	ws, other, ctx := b.alone().ID, b.alone().ID, t.Context()
	odd := []string{sampleUser, "US.1", "US.13", "é 😀", "a\x00b"}
	const second = "ch_00000000000000000001"
	b.update(func(t *report, tx relay.Tx) error {
		for i, user := range odd {
			for _, c := range []struct{ ws, channel string }{{ws, sampleChannelID}, {ws, second}, {other, sampleChannelID}} {
				if err := tx.PutUser(ctx, c.ws, c.channel, user, user); err != nil {
					return err
				}
			}
			if err := tx.PutUser(ctx, ws, sampleChannelID, user, fmt.Sprint("+", i)); err != nil {
				return err
			}
			row(t, "its own write", fmt.Sprint("+", i))(tx.RecipientOfUser(ctx, ws, sampleChannelID, user))
		}
		return nil
	})
	b.update(func(t *report, tx relay.Tx) error { return tx.PutUser(ctx, ws, second, odd[0], "+9") })
	for range 2 {
		b.view(func(t *report, tx relay.Tx) error {
			row(t, "the one written last", "+9")(tx.RecipientOfUser(ctx, ws, second, odd[0]))
			for i, user := range odd {
				row(t, user, fmt.Sprint("+", i))(tx.RecipientOfUser(ctx, ws, sampleChannelID, user))
				row(t, user+" of another workspace", user)(tx.RecipientOfUser(ctx, other, sampleChannelID, user))
				if i > 0 {
					row(t, user+" of another channel", user)(tx.RecipientOfUser(ctx, ws, second, user))
				}
			}
			return nil
		})
		b.verify()
		b.reopen()
	}
}

func knownAtOnce(t *testing.T, b *bench) {
	ws, ctx := b.alone().ID, t.Context()
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range 24 {
		all.Go(func() {
			<-start
			err := b.store.Update(ctx, func(tx relay.Tx) error {
				return tx.PutUser(ctx, ws, sampleChannelID, sampleUser, fmt.Sprint("+", n))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
	b.view(func(t *report, tx relay.Tx) error {
		if to, err := tx.RecipientOfUser(ctx, ws, sampleChannelID, sampleUser); err != nil || to == "" {
			t.Errorf("known as %q (%v)", to, err)
		}
		return nil
	})
	b.verify()
}

// tell lets a channel's provider tell of a message, twice, and returns its chat.
func (w *world) tell(ch relay.Channel, in relay.Inbound) relay.Chat {
	w.t.Helper()
	w.calls++
	in.ID = fmt.Sprint("in-", w.calls)
	if in.Kind == "" {
		in.Kind = "text"
	}
	if in.At.IsZero() {
		in.At = time.Now()
	}
	first, err := w.relay.Inbound(w.t.Context(), w.ws.ID, ch.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	again, err := w.relay.Inbound(w.t.Context(), w.ws.ID, ch.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	equal(w.t, "the chat, told again", again, first)
	return again
}

// open checks that chats' windows end then, and that accept takes a text.
func (w *world) open(ch relay.Channel, end time.Time, chats ...relay.Chat) {
	w.t.Helper()
	for _, c := range chats {
		w.ends(ch, end, c)
		w.accept(relay.Action{To: relay.Address{ChatID: c.ID}, Text: "hi"})
	}
}

// shut checks that chats' windows have ended then, and that accept says so.
func (w *world) shut(ch relay.Channel, end time.Time, chats ...relay.Chat) {
	w.t.Helper()
	for _, c := range chats {
		w.ends(ch, end, c)
		w.refused(relay.Action{To: relay.Address{ChatID: c.ID}, Text: "hi"}, relay.CodeWindowClosed)
	}
}

func (w *world) ends(ch relay.Channel, end time.Time, c relay.Chat) {
	w.t.Helper()
	w.view(func(t *report, tx relay.Tx) error {
		cur, err := tx.Chat(t.Context(), c.Workspace, c.Channel, c.Recipient)
		if got, ok := w.relay.Window(ch, cur); err == nil && (!ok || !got.Equal(end)) {
			t.Errorf("the window of the chat with %s ends %v, want %v", c.Recipient, got, end)
		}
		return err
	})
}

// beats lets callbacks of somebody else come for so many hours, so that
// nothing else can have been missed.
func (w *world) beats(ch relay.Channel, hours int) {
	w.t.Helper()
	for range hours / 5 {
		time.Sleep(5 * time.Hour)
		w.wrote(ch, "+14159990000")
	}
}

func numberThenID(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.wrote(ch, "+14159990000")
	w.beats(ch, 30)
	both := w.tell(ch, relay.Inbound{From: "+5215512345678", User: "MX.1", Name: "Ann"})
	if both.Recipient != "+525512345678" || both.Address != "+5215512345678" || both.User != "MX.1" {
		t.Errorf("the chat is %+v", both)
	}
	w.beats(ch, 30)
	w.shut(ch, both.LastInboundAt.Add(day), both)
	alone := w.tell(ch, relay.Inbound{User: "MX.1"})
	if alone.ID != both.ID || alone.Address != both.Address || !alone.Confirmed || alone.Name != "Ann" {
		t.Errorf("the id alone leads to %+v, want %+v", alone, both)
	}
	w.open(ch, time.Now().Add(day), both)
	w.refused(via(ch, text("+14151110000", "hi")), relay.CodeWindowClosed) // it is known who wrote: nobody else
	number := w.tell(ch, relay.Inbound{From: "+525512345678"})
	if number.ID != both.ID || number.User != "MX.1" {
		t.Errorf("the number alone leads to %+v, want %+v", number, both)
	}
	if chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10}); err != nil || len(chats) != 2 {
		t.Errorf("%d chats (%v), want the one with somebody else and one", len(chats), err)
	}
}

func idThenNumber(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.wrote(ch, "+14159990000")
	w.beats(ch, 30)
	alone := w.tell(ch, relay.Inbound{User: "US.1", Name: "@ann"})
	w.accept(via(ch, text("+14151110000", "hi"))) // it may have been them
	w.beats(ch, 30)
	w.shut(ch, alone.LastInboundAt.Add(day), alone)
	w.refused(via(ch, text("+14151110000", "hi")), relay.CodeWindowClosed)
	again := w.tell(ch, relay.Inbound{User: "US.1"})
	if again.ID != alone.ID || again.Recipient != "US.1" {
		t.Errorf("the id leads to %+v, want %+v", again, alone)
	}
	w.accept(via(ch, text("+14151110000", "hi"))) // and again
	w.beats(ch, 5)
	number := w.tell(ch, relay.Inbound{From: "+14151231234", User: "US.1"})
	if number.ID == alone.ID || number.Recipient != "+14151231234" {
		t.Errorf("the number leads to %+v", number)
	}
	w.open(ch, time.Now().Add(day), alone, number)
	for _, in := range []relay.Inbound{{User: "US.1"}, {From: "+14151231234", User: "US.1"}, {From: "+14151231234"}} {
		w.beats(ch, 15)
		if got := w.tell(ch, in); got.ID != number.ID {
			t.Errorf("%+v leads to the chat with %s", in, got.Recipient)
		}
		w.open(ch, time.Now().Add(day), alone, number)
		w.crash()
	}
	end := time.Now().Add(day)
	w.beats(ch, 30)
	w.shut(ch, end, alone, number)
	if chats, _, err := w.store.Chats(t.Context(), w.ws.ID, "", relay.Page{Limit: 10}); err != nil || len(chats) != 4 {
		t.Errorf("%d chats (%v), want 4", len(chats), err)
	}
}

func toldLate(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	alone := w.tell(ch, relay.Inbound{User: "US.1"})
	number := w.tell(ch, relay.Inbound{From: "+14151231234", User: "US.1", At: time.Now().Add(-3 * time.Hour)})
	if number.ID == alone.ID || !number.LastInboundAt.Equal(alone.LastInboundAt) {
		t.Errorf("the chats are %+v and %+v", alone, number)
	}
	w.open(ch, alone.LastInboundAt.Add(day), alone, number)
	// the number goes to somebody else, with another id
	time.Sleep(time.Hour)
	w.tell(ch, relay.Inbound{From: "+14151231234", User: "US.2"})
	w.ends(ch, time.Now().Add(day), number)
	w.ends(ch, alone.LastInboundAt.Add(day), alone)
}

func idOfOneChannel(t *testing.T, w *world) {
	one, two := w.provided("+15550002222", "a", 1), w.provided("+15550003333", "b", 1)
	number := w.tell(one, relay.Inbound{From: "+14151231234", User: "US.1"})
	alone := w.tell(two, relay.Inbound{User: "US.1"})
	if alone.Recipient != "US.1" || alone.Channel != two.ID {
		t.Errorf("on the other channel the id leads to %+v", alone)
	}
	time.Sleep(time.Hour)
	if got := w.tell(one, relay.Inbound{User: "US.1"}); got.ID != number.ID {
		t.Errorf("on the first channel the id leads to %+v", got)
	}
	w.ends(two, alone.LastInboundAt.Add(day), alone)
	other := w.tell(two, relay.Inbound{From: "+14151231234", User: "US.1"})
	time.Sleep(time.Hour)
	if got := w.tell(two, relay.Inbound{User: "US.1"}); got.ID != other.ID || got.ID == number.ID {
		t.Errorf("on the second channel the id leads to %+v", got)
	}
	w.ends(two, time.Now().Add(day), alone)
	w.ends(one, time.Now().Add(day-time.Hour), number)
}

func idInGroup(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	ann := relay.Inbound{Author: "+14151231234", AuthorName: " Ann ", Name: "Friends"}
	for i, id := range []string{"123-456@g.us", "Y2FwaV9ncm91cA"} {
		in := ann
		in.From, in.Group, in.User = id, true, fmt.Sprint("US.", i+1)
		if group := w.tell(ch, in); group.Recipient != id || !group.Group || group.User != "" || group.Name != "" {
			t.Errorf("the group's chat is %+v", group)
		}
		list, _, err := w.store.Inbounds(t.Context(), w.ws.ID, ch.ID, id, relay.Page{Limit: 10})
		if err != nil || len(list) != 1 || list[0].Author != "+14151231234" || list[0].AuthorName != "Ann" {
			t.Errorf("kept %+v (%v)", list, err)
		}
		user := relay.Inbound{User: in.User, Author: "x", AuthorName: "x"}
		alone := w.tell(ch, user)
		if alone.Recipient != user.User || alone.Group {
			t.Errorf("the person's own chat is %+v", alone)
		}
		list, _, err = w.store.Inbounds(t.Context(), w.ws.ID, ch.ID, user.User, relay.Page{Limit: 10})
		if err != nil || len(list) != 1 || list[0].Author != "" || list[0].AuthorName != "" {
			t.Errorf("outside a group kept %+v (%v)", list, err)
		}
	}
}

func systemNotice(t *testing.T, w *world) {
	ch := w.provided("+15550002222", "a", 1)
	w.wrote(ch, "+14159990000")
	w.beats(ch, 30)
	wrote := w.tell(ch, relay.Inbound{From: "+14151231234", User: "US.1"})
	w.beats(ch, 30)
	notice := relay.Inbound{From: "+14151231234", Kind: relay.KindSystem, Text: "Ann changed her number"}
	for _, user := range []string{"", "US.1", "US.2"} { // the id may be the new one already
		notice.User = user
		if got := w.tell(ch, notice); got.ID != wrote.ID || got.User != "US.1" {
			t.Errorf("the notice of %q leads to %+v", user, got)
		}
	}
	w.shut(ch, wrote.LastInboundAt.Add(day), wrote)
	list, _, err := w.store.Inbounds(t.Context(), w.ws.ID, ch.ID, "+14151231234", relay.Page{Limit: 10})
	if err != nil || len(list) != 4 || list[0].Kind != relay.KindSystem {
		t.Errorf("kept %+v (%v), want the message and three notices", list, err)
	}
	stranger := w.tell(ch, relay.Inbound{User: "US.3", Kind: relay.KindSystem})
	w.refused(via(ch, text("+14151110000", "hi")), relay.CodeWindowClosed) // nobody wrote
	if !stranger.LastInboundAt.IsZero() {
		t.Errorf("somebody who never wrote has the chat %+v", stranger)
	}
	w.tell(ch, relay.Inbound{User: "US.2"})
	w.ends(ch, wrote.LastInboundAt.Add(day), wrote) // a notice maps nobody
	again := w.tell(ch, relay.Inbound{User: "US.3"})
	if again.ID != stranger.ID {
		t.Errorf("the id leads to %+v, want %+v", again, stranger)
	}
	w.open(ch, time.Now().Add(day), again)
	number := w.tell(ch, relay.Inbound{From: "+14153330000", User: "US.3"})
	w.open(ch, time.Now().Add(day), again, number)
}
