package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func TestANewWorkspaceIsShownItsFirstSteps(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	fresh, err := h.relay.CreateWorkspace(t.Context(), "Fresh")
	if err != nil {
		t.Fatal(err)
	}
	s := b.get("/w/"+fresh.ID).is(200).has("First steps", "Connect a channel", "Get units", "Give the webhook URL to your tool", "Send a first message", "To do", "Nothing was sent in this time.").hasNot("All is well", "What needs attention")
	if len(s.all("a", "href", "/w/"+fresh.ID+"/channels/new")) == 0 {
		t.Error("no link to connect a channel")
	}
	b.get(h.path()).has("First steps", "Done").hasNot("Get units")
	h.accept("+14155550001", "hello")
	b.get(h.path()).has("All is well", "99").hasNot("First steps")
}

func TestTheOverviewSaysWhatNeedsAttention(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.run()
	var last string
	for range 4 {
		last = h.accept("+14155559901", "x")
	}
	h.until(last, relay.Failed)
	good := h.accept("+14155550001", "x")
	h.until(good, relay.Read)
	b.get(h.path()).has("4 of 5 messages sent today failed.", "1 delivered so far, 4 failed.", "The last 14 days")

	off, on := false, true
	if _, err := h.relay.UpdateWebhook(t.Context(), h.ws.ID, relay.WebhookPatch{Enabled: &off, Test: &on}); err != nil {
		t.Fatal(err)
	}
	b.get(h.path()).has("What needs attention", "The webhook is switched off", "test mode").hasNot("All is well")
	soon := func(d time.Duration) {
		t.Helper()
		err := h.relay.Store.Update(t.Context(), func(tx relay.Tx) error {
			ch, err := tx.Channel(t.Context(), h.ws.ID, h.channel.ID)
			if err != nil {
				return err
			}
			ch.CredentialsUntil = time.Now().Add(d)
			return tx.PutChannel(t.Context(), ch)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	soon(5 * 24 * time.Hour)
	b.get(h.path()).has("The access token of Sales ends at")
	soon(-time.Hour)
	b.get(h.path()).has("The access token of Sales ended at")
	soon(300 * 24 * time.Hour)
	b.get(h.path()).hasNot("The access token")
}

func TestTheOverviewTellsOfRefusedCalls(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.accept("+14155550001", "x")
	b.get(h.path()).has("All is well").hasNot("refused")
	h.hookAs("Zapier", `{"action":"send","text":"to nobody"}`)
	b.get(h.path()).has("What needs attention", "1 call of your tools was refused in the last 24 hours", "The recipient is missing.", "Last call of this URL:", "Zapier").
		hasNot("All is well")
	h.hookAs("Zapier", `{"action":"send","phone":"1","text":"x"}`)
	s := b.get(h.path()).has("2 calls of your tools were refused", "The newest: This is not a phone number.")
	if len(s.all("a", "href", h.path("attempts")+"?outcome=refused")) != 1 {
		t.Error("no link to the refused calls")
	}
	h.accept("+14155550001", "x")
	off := false
	if _, err := h.relay.UpdateWebhook(t.Context(), h.ws.ID, relay.WebhookPatch{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	h.hookAs("Make", `{"action":"send","phone":"+14155550001","text":"x"}`)
	b.get(h.path()).has("2 calls of your tools were refused", "The webhook is switched off") // the call that was off is not counted again
}

func TestAForecastIsNoMorePreciseThanItCanBe(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.accept("+14155550001", "x")
	card := b.get(h.path()).has("they last until").text()
	_, after, _ := strings.Cut(card, "they last until ")
	said, _, _ := strings.Cut(after, ".")
	if strings.Count(said, ":") > 1 {
		t.Errorf("a guess is told to the second: %q", said)
	}
}

func TestTheOverviewTellsOfTheQuota(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	send := func(n int) {
		for range n {
			h.accept("+14155550001", "x")
		}
	}
	send(79)
	b.get(h.path()).hasNot("% of the units")
	send(1)
	b.get(h.path()).has("More than 80 % of the units since the last grant are used. 20 are left.", "they last until", "Worked out from the 80 units used since midnight")
	send(15)
	b.get(h.path()).has("More than 95 %")
	send(5)
	b.get(h.path()).has("No units are left")
	b.post("/language", url.Values{"language": {"zh-Hans"}, "to": {h.path()}}).has("单位已用完")
}

func TestThePictureAndTheTableTellTheSame(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	zone := "Asia/Tokyo"
	if _, err := h.relay.UpdateWorkspace(t.Context(), h.ws.ID, relay.WorkspacePatch{TimeZone: &zone}); err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := time.Now().In(tokyo).Date()
	err = h.relay.Store.Update(t.Context(), func(tx relay.Tx) error {
		for days, c := range map[int]relay.Counts{
			0: {Channel: "ch_a", Sent: 7, Delivered: 4, Failed: 2}, 1: {Channel: "ch_b", Sent: 3, Delivered: 3}, 13: {Channel: "ch_a", Sent: 1234, Delivered: 1000, Failed: 200}, 14: {Channel: "ch_a", Sent: 99_999},
		} {
			// just after midnight there, the day before elsewhere
			if err := tx.Count(t.Context(), h.ws.ID, time.Date(y, m, d-days, 0, 0, 30, 0, tokyo), c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := b.get(h.path()).is(200).has("1,234", "1,000", "7", "4 delivered so far, 2 failed.").hasNot("99,999")
	rects := len(s.all("rect", "", ""))
	if rects != 3+1+3 {
		t.Errorf("%d pieces, want 7", rects)
	}
	if svg := s.all("svg", "role", "img"); len(svg) != 1 {
		t.Errorf("%d pictures", len(svg))
	}
	b.post("/language", url.Values{"language": {"pt-BR"}, "to": {h.path()}}).has("1.234", "Os últimos 14 dias", "4 entregues até agora, 2 com falha.")
}

// edit changes a message in the store.
func (h *house) edit(id string, fn func(*relay.Message)) {
	h.t.Helper()
	err := h.relay.Store.Update(h.t.Context(), func(tx relay.Tx) error {
		m, err := tx.Message(h.t.Context(), h.ws.ID, id)
		if err != nil {
			return err
		}
		fn(&m)
		return tx.PutMessage(h.t.Context(), m)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestTheOverviewTellsOfWhatWaitsTooLong(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550001", "x")
	b.get(h.path()).hasNot("has been waiting")
	h.edit(id, func(m *relay.Message) { m.CreatedAt = m.CreatedAt.Add(-3 * time.Hour) })
	b.get(h.path()).has("The oldest message of Sales has been waiting for 3 hours.")
	h.edit(id, func(m *relay.Message) { m.SendAt = time.Now().Add(time.Hour) })
	b.get(h.path()).hasNot("has been waiting") // for its own time
	if err := h.relay.DeleteChannel(t.Context(), h.ws.ID, h.channel.ID); err != nil {
		t.Fatal(err)
	}
	b.get(h.path()).has("No channel is connected: calls of the webhook are refused.")
	b.get(h.path("messages", id)).is(200).has("Sales (deleted)", "Canceled")
}
