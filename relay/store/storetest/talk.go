package storetest

import (
	"fmt"
	"testing"
	"time"

	"relevo/relay"
)

func talking() []storyCase {
	return []storyCase{
		{"AConversationIsBothWaysNewestFirstAndWholeOverItsPages", conversation},
		{"ConversationsComeLatestFirstEachOnce", talks},
		{"ChatsAreFoundByNameAndNumberHoweverWritten", chatSearch},
	}
}

func conversation(t *testing.T, w *world) {
	var want []string
	chat := relay.Chat{}
	for n := range 12 {
		time.Sleep(time.Second)
		if n%3 == 1 {
			want = append([]string{w.accept(text("+14155550100", fmt.Sprint(n)))}, want...)
			continue
		}
		chat = w.writes(w.ch.ID, "+14155550100", fmt.Sprint(n))
		w.writes(w.ch.ID, "+14155550199", "somebody else")
		list, _, err := w.store.Inbounds(t.Context(), w.ws.ID, w.ch.ID, "+14155550100", relay.Page{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{list[0].ID}, want...)
	}
	for _, size := range []int{1, 3, 5, 12, 100} {
		var got []string
		for p := (relay.Page{Limit: size}); ; {
			lines, next, err := w.relay.Conversation(t.Context(), chat, p)
			if err != nil || len(lines) > size {
				t.Fatalf("a page of %d holds %d (%v)", size, len(lines), err)
			}
			for _, l := range lines {
				got = append(got, l.ID())
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
		equal(t, fmt.Sprintf("by %d", size), got, want)
	}
	_, _, err := w.relay.Conversation(t.Context(), chat, relay.Page{Limit: 1, Cursor: "no"})
	w.code(err, relay.CodeInvalidField)
}

// walkTalks are the numbers of all conversations, by pages of a size.
func (w *world) walkTalks(channel string, size int) (ids []string) {
	w.t.Helper()
	for p := (relay.Page{Limit: size}); ; {
		list, next, err := w.relay.Talks(w.t.Context(), w.ws.ID, channel, p)
		if err != nil || len(list) > size {
			w.t.Fatalf("a page of %d holds %d (%v)", size, len(list), err)
		}
		for _, c := range list {
			ids = append(ids, c.Chat.Recipient)
		}
		if p.Cursor = next; next == "" {
			return ids
		}
	}
}

func talks(t *testing.T, w *world) {
	other := w.channel("+15550002222", 0, 0)
	equal(t, "of none", w.walkTalks("", 5), nil)
	for n := range 4 {
		for range 3 { // many of one chat in a row
			time.Sleep(time.Second)
			w.accept(relay.Action{To: relay.Address{Phone: fmt.Sprint("+1415555010", n)}, Text: "x", AccountPhone: w.ch.Phone})
		}
	}
	time.Sleep(time.Second)
	w.writes(other.ID, "+14155550107", "hi")
	time.Sleep(time.Second)
	w.writes(w.ch.ID, "+14155550101", "yes?")
	for _, size := range []int{1, 2, 4, 50} {
		equal(t, fmt.Sprintf("by %d", size), w.walkTalks("", size), []string{"+14155550101", "+14155550107", "+14155550103", "+14155550102", "+14155550100"})
		equal(t, fmt.Sprintf("of a channel by %d", size), w.walkTalks(other.ID, size), []string{"+14155550107"})
	}
	list, _, err := w.relay.Talks(t.Context(), w.ws.ID, "", relay.Page{Limit: 3})
	if err != nil || list[0].Last.In == nil || list[0].Last.In.Text != "yes?" || list[2].Last.Out == nil {
		t.Errorf("the last lines: %+v (%v)", list, err)
	}
}

func chatSearch(t *testing.T, w *world) {
	for phone, name := range map[string]string{"+14155550100": "José Ñandú", "+5215512345678": "张伟", "+14155550102": ""} {
		if _, _, err := w.relay.CreateChat(t.Context(), w.ws.ID, relay.NewChat{Channel: w.ch.ID, Recipient: phone, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		"jose": 1, "ñandu": 1, "JOSÉ NANDÚ": 1, "张": 1, "(415) 555-01": 2, "55 1234": 1, "521551": 1, "": 3, " ": 3, "nobody": 0, "!!!": 0,
	} {
		n := 0
		for p := (relay.Page{Limit: 1}); ; {
			list, next, err := w.relay.SearchChats(t.Context(), w.ws.ID, "", query, nil, p)
			if err != nil {
				t.Fatal(err)
			}
			n += len(list)
			if p.Cursor = next; next == "" {
				break
			}
		}
		if n != want {
			t.Errorf("%q finds %d, want %d", query, n, want)
		}
	}
	if list, _, err := w.relay.SearchChats(t.Context(), w.ws.ID, "", "", func(c relay.Chat) bool { return c.Name == "" }, relay.Page{Limit: 10}); err != nil || len(list) != 1 {
		t.Errorf("without a name: %+v (%v)", list, err)
	}
}
