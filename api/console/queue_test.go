package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

// second connects another channel, slow enough for a look at its line.
func (h *house) second() relay.Channel {
	h.t.Helper()
	pace := 2 * time.Second
	ch, err := h.relay.CreateChannel(h.t.Context(), h.ws.ID, relay.NewChannel{Kind: "sandbox", Name: "Support", Phone: "+15105566778", SpacingMin: &pace, SpacingMax: &pace})
	if err != nil {
		h.t.Fatal(err)
	}
	return ch
}

func TestTheQueueIsShownInItsOrder(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get(h.path("queue")).is(200).has("Queue of Sales", "Open", "Nothing waits")
	ch := h.second()
	for n := range 5 {
		h.accept(fmt.Sprintf("+1415555000%d", n), fmt.Sprintf("message %d", n))
	}
	due := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	if status, answer := h.hook(fmt.Sprintf(`{"action":"send","phone":"+14155559999","text":"for later","send_at":%q}`, due)); status != 200 {
		t.Fatal(answer)
	}
	b.get(h.path("queue")).is(200).has("Sales", "Support", "Waiting", "Last leaves about")
	s := b.get(h.path("queue", ch.ID)).is(200).has("Queue of Support", "no. 1 in the line", "no. 5 in the line", "1 of them waits for its time or its file", "2 seconds between two messages")
	if text := s.text(); strings.Index(text, "message 0") > strings.Index(text, "message 4") || strings.Index(text, "message 4") > strings.Index(text, "for later") {
		t.Errorf("not in their order: %s", text)
	}
	s.has("leaves in 3 hours")
	b.get(h.path("queue", "ch_none")).is(404)
	b.get(h.path("queue", "<script>")).is(404)
	b.headers = map[string]string{"HX-Request": "true"}
	for path, want := range map[string]string{
		h.path("queue", "live"): "Support", h.path("queue", ch.ID, "live") + "?part=figures": "On their way", h.path("queue", ch.ID, "live") + "?part=line": "message 3",
	} {
		if part := b.get(path).is(200).has(want); strings.Contains(part.body, "<header") {
			t.Errorf("%s is a whole page", path)
		}
	}
}

func TestAChannelIsPausedAndResumedFromItsQueue(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550001", "hello")
	b.get(h.path("queue", h.channel.ID)).has("Pause", "Nothing leaves this channel until you resume it.")
	b.post(h.path("queue", h.channel.ID, "pause"), url.Values{}).is(200).has("Sales is paused.", "Paused", "waits: the channel is paused", "Resume")
	b.get(h.path("messages", id)).has("waits: the channel is paused")
	b.get(h.path()).has("Sales is paused; 1 message waits.")
	b.post(h.path("queue", h.channel.ID, "resume"), url.Values{}).is(200).has("Sales goes on.", "Open", "no. 1 in the line")
	b.post(h.path("queue", "ch_none", "pause"), url.Values{}).is(404)
}

func TestAHeldChannelSaysWhyInItsQueue(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.run()
	id := h.accept("+14155559910", "hello")
	eventually(t, "held", func() bool {
		ch, err := h.relay.Channel(t.Context(), h.ws.ID, h.channel.ID)
		return err == nil && ch.State == relay.Held
	})
	ch, err := h.relay.Channel(t.Context(), h.ws.ID, h.channel.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.get(h.path("queue")).has("On hold", ch.Reason, "If the reason is still there", "waits until the channel works again")
	b.get(h.path()).has("Sales is on hold; 1 message waits.", ch.Reason)
	b.get(h.path("messages", id)).has("Queued", "waits until the channel works again")
	b.get(h.path("messages", "selected")).is(404)
}

func TestAWholeQueueIsCanceledByItsNumber(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	var ids []string
	for n := range 7 {
		ids = append(ids, h.accept(fmt.Sprintf("+1415555000%d", n), "hello"))
	}
	at := h.path("queue", h.channel.ID, "cancel")
	b.get(h.path("queue")).has("7 messages wait. None of them will be sent", "Type 7 to confirm")
	for _, wrong := range []string{"", "6", "seven", "<script>", strings.Repeat("7", 10_000), "7\x007"} {
		b.post(at, url.Values{"number": {wrong}}).is(422).has("It is 7; nothing was canceled.").hasNot("<script>alert")
	}
	if h.left() != 93 {
		t.Fatalf("%d units left", h.left())
	}
	b.post(at, url.Values{"number": {" 7 "}}).is(200).has("7 messages were canceled.", "7 units came back.", "Ledger", "Nothing waits")
	if h.left() != 100 || h.message(ids[3]).Status != relay.Canceled {
		t.Errorf("%d units left", h.left())
	}
}

func TestALongQueueIsCanceledInParts(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	if _, err := h.relay.Grant(t.Context(), h.ws.ID, "more", 1000); err != nil {
		t.Fatal(err)
	}
	const all = 620
	for n := range all {
		h.accept(fmt.Sprintf("+1415555%04d", n), "hello")
	}
	at := h.path("queue", h.channel.ID, "cancel")
	b.get(h.path("queue")).has("These are the first 100 of 620.")
	s := b.post(at, url.Values{"number": {"620"}}).is(200).has("500 messages were canceled.", "120 are left.", "Go on")
	rest := url.Values{"on": {"1"}, "done": {s.value(at, "done")}, "units": {s.value(at, "units")}}
	b.get(h.path("queue")).hasNot(`hx-trigger="load`) // only who confirmed goes on
	b.headers = map[string]string{"HX-Request": "true"}
	done := b.post(at, rest).is(200)
	if to := done.header.Get("HX-Redirect"); to != h.path("queue", h.channel.ID) {
		t.Fatalf("led to %q: %s", to, done.body)
	}
	b.headers = nil
	b.get(h.path("queue", h.channel.ID)).has("620 messages were canceled.", "620 units came back.", "Nothing waits")
	if h.left() != 1100 {
		t.Errorf("%d units left", h.left())
	}
}

func TestTheLanesOfAChannelAreOneQueue(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	var none time.Duration
	lanes := 4
	if _, err := h.relay.UpdateChannel(t.Context(), h.ws.ID, h.channel.ID, relay.ChannelPatch{SpacingMin: &none, SpacingMax: &none, Concurrency: &lanes}); err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		h.accept(fmt.Sprintf("+1415555%04d", n), "hello")
	}
	s := b.get(h.path("queue")).is(200).has("Waiting 12", "no rest between two messages, 4 at the same time", "Type 12 to confirm")
	if rows := len(s.all("input", "name", "id")); rows != 12 {
		t.Errorf("%d messages are listed", rows)
	}
	b.post(h.path("queue", h.channel.ID, "cancel"), url.Values{"number": {"12"}}).has("12 messages were canceled.", "12 units came back.")
}

func TestTheAuditLogTellsHowManyWereCanceled(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	ids := []string{h.accept("+14155550001", "x"), h.accept("+14155550002", "x")}
	b.post(h.path("messages", "cancel"), url.Values{"id": ids}).is(200)
	b.post(h.path("messages", "cancel"), url.Values{"id": ids}).is(200).has("2 could not be canceled any more.")
	h.accept("+14155550003", "x")
	b.post(h.path("queue", h.channel.ID, "cancel"), url.Values{"number": {"1"}}).is(200)
	b.post(h.path("messages", ids[0], "again"), url.Values{}).is(200)
	b.post(h.path("messages", ids[0], "again"), url.Values{}).is(200)
	var told []string
	notes, _, err := h.relay.Notes(t.Context(), h.ws.ID, nil, relay.Page{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		told = append(told, n.Action+" "+n.Subject)
	}
	want := []string{"message_resent " + ids[0], "message_canceled 1 " + h.channel.ID, "message_canceled 2"}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}
