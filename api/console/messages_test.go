package console_test

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"relevo/api/console/account"
	"relevo/relay"
)

// message is one as the store has it.
func (h *house) message(id string) (m relay.Message) {
	h.t.Helper()
	err := h.relay.Store.View(h.t.Context(), func(tx relay.Tx) (err error) {
		m, err = tx.Message(h.t.Context(), h.ws.ID, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// until waits for a message's status.
func (h *house) until(id string, want relay.Status) {
	h.t.Helper()
	eventually(h.t, id+" is "+string(want), func() bool { return h.message(id).Status == want })
}

func (h *house) left() int64 {
	h.t.Helper()
	a, err := h.relay.Account(h.t.Context(), h.ws.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return a.Available
}

// value is that of the first field of a name in a form to a path.
func (s shown) value(path, name string) string {
	s.t.Helper()
	for _, f := range s.all("form", "action", path) {
		for n := range f.Descendants() {
			if n.Data == "input" && attr(n, "name") == name {
				return attr(n, "value")
			}
		}
	}
	s.t.Fatalf("%s has no field %s in a form to %s", s.path, name, path)
	return ""
}

func TestTheListOfMessagesIsNarrowedByItsAddress(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get(h.path("messages")).is(200).has("No messages yet", "Send a first message")
	one := h.accept("+14155550101", "first words")
	two := h.accept("+14155550202", "second words")
	if _, err := h.relay.Cancel(t.Context(), h.ws.ID, two); err != nil {
		t.Fatal(err)
	}
	b.get(h.path("messages")).is(200).has("+14155550101", "first words", "Queued", "no. 1 in the line", "+14155550202", "Canceled", "Sales")
	b.get(h.path("messages") + "?status=canceled").has("+14155550202").hasNot("first words")
	b.get(h.path("messages") + "?status=waiting").has("first words").hasNot("second words")
	b.get(h.path("messages") + "?status=nonsense").is(200).has("first words")
	b.get(h.path("messages") + "?channel=" + h.channel.ID).has("first words")
	b.get(h.path("messages") + "?channel=ch_other").has("No message fits").hasNot("first words")
	today := time.Now().UTC().Format(time.DateOnly)
	b.get(h.path("messages") + "?from=" + today + "&to=" + today).has("first words")
	b.get(h.path("messages") + "?to=2020-01-01").has("No message fits")
	b.get(h.path("messages") + "?from=yesterday").is(422).has("This is not a day.")
	b.get(h.path("messages") + "?from=2026-02-02&to=2026-02-01").is(422).has("The last day is before the first one.")

	b.get(h.path("messages") + "?q=" + url.QueryEscape("+1 415 555-0101")).has("first words").hasNot("second words")
	b.get(h.path("messages") + "?q=50202").has("second words").hasNot("first words")
	b.get(h.path("messages") + "?q=99887").has("No message fits")
	b.get(h.path("messages") + "?q=ab").is(422).has("Search for a message id")
	if s := b.get(h.path("messages") + "?q=" + url.QueryEscape(one)); s.path != h.path("messages", one) {
		t.Errorf("an id leads to %s", s.path)
	}
	if s := b.get(h.path("messages") + "?q=" + strings.TrimPrefix(one, "wa_backend:")); s.path != h.path("messages", one) {
		t.Errorf("a short id leads to %s", s.path)
	}
	b.get(h.path("messages") + "?q=wa_backend:3EB0000000000000000000").is(200).has("No message fits")
	b.get(h.path("messages") + "?cursor=forged").is(422)
	for _, hostile := range []string{"<script>alert(1)</script>", strings.Repeat("9", 5000), "\x00123", "%"} {
		s := b.get(h.path("messages") + "?q=" + url.QueryEscape(hostile) + "&status=" + url.QueryEscape(hostile) + "&channel=" + url.QueryEscape(hostile))
		s.hasNot("<script>alert")
		if s.status >= 500 {
			t.Errorf("%q: %d", hostile, s.status)
		}
	}
}

func TestTheListHasPagesAndKeepsItsFilter(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for n := range 60 {
		h.accept(fmt.Sprintf("+1415555%04d", n), "hello")
	}
	s := b.get(h.path("messages") + "?status=queued").is(200).has("+14155550059").hasNot("+14155550009")
	more := regexp.MustCompile(`href="([^"]*cursor=[^"]*)"`).FindStringSubmatch(s.body)
	if more == nil || !strings.Contains(more[1], "status=queued") {
		t.Fatalf("no way on, or without the filter: %v", more)
	}
	b.get(strings.ReplaceAll(more[1], "&amp;", "&")).is(200).has("+14155550009").hasNot("+14155550059", `rel="next"`)
}

func TestAMessageTellsItsStory(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550101", "hello <b>there</b>")
	s := b.get(h.path("messages", id)).is(200).has("Message to +14155550101", "Queued", "It waits for its turn", "no. 1 in the line", "hello <b>there</b>", "Reserved when it was accepted", id, "1 unit comes back", "Call that made it")
	for _, path := range []string{h.path("channels", h.channel.ID), h.path("chats", "10001"), h.path("quota")} {
		if len(s.all("a", "href", path)) == 0 {
			t.Errorf("no link to %s", path)
		}
	}
	h.run()
	h.until(id, relay.Read)
	b.get(h.path("messages", id)).has("Read", "The other side opened it", "Spent: it was sent", "try 1").hasNot("Cancel this message")
	b.get(h.path("messages", strings.TrimPrefix(id, "wa_backend:"))).is(200).has("Read")
	b.get(h.path("messages", "wa_backend:3EB0000000000000000000")).is(404)
	b.get(h.path("messages", "<script>")).is(404).hasNot("<script>")
	b.get(h.path("messages", id, "file")).is(404)

	failed := h.accept("+14155559901", "x")
	h.until(failed, relay.Failed)
	b.get(h.path("messages", failed)).has("Failed", "not_on_whatsapp", "Given back: it was not sent", "Send again")
	b.language = "es"
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	b.get(h.path("messages", failed)).has("Mensaje para +14155559901", "Fallido", "Devueltas: no se envió", "Reenviar")
}

func TestTheStoryOfAMessageIsSentOnlyWhenItChanges(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550101", "hello")
	s := b.get(h.path("messages", id))
	live := s.all("div", "id", "story")
	if len(live) != 1 {
		t.Fatal("no part that is live")
	}
	to := attr(live[0], "hx-get")
	b.headers = map[string]string{"HX-Request": "true"}
	b.get(to).is(204)
	if _, err := h.relay.Cancel(t.Context(), h.ws.ID, id); err != nil {
		t.Fatal(err)
	}
	part := b.get(to).is(200).has("Canceled", "Given back: it was not sent")
	if strings.Contains(part.body, "<header") || strings.Contains(part.body, "hx-get") {
		t.Error("it is a whole page, or goes on asking about what is settled")
	}
}

func TestCancelingShowsWhatCameBack(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550101", "hello")
	s := b.post(h.path("messages", id, "cancel"), url.Values{}).is(200).has("1 message was canceled.", "1 unit came back.", "Ledger", "Canceled")
	if s.path != h.path("messages", id) || h.left() != 100 {
		t.Errorf("led to %s with %d units left", s.path, h.left())
	}
	b.post(h.path("messages", id, "cancel"), url.Values{}).is(422).has("can no longer be canceled")
	b.get(h.path("messages", id)).hasNot("came back. <a") // told once

	var form = url.Values{"do": {"cancel"}, "to": {h.path("messages") + "?status=queued"}}
	var ids []string
	for n := range 3 {
		ids = append(ids, h.accept(fmt.Sprintf("+1415555020%d", n), "hello"))
	}
	form["id"] = append(append([]string{}, ids...), id, "nonsense")
	ask := b.post(h.path("messages", "selected"), form).is(200).has("Cancel these messages?", "3 messages will not be sent.", "3 units come back.", "1 that you chose is not queued any more")
	if h.left() != 97 {
		t.Fatal("asking canceled")
	}
	done := b.post(h.path("messages", "cancel"), url.Values{"id": ids, "to": {ask.value(h.path("messages", "cancel"), "to")}}).is(200).has("3 messages were canceled.", "3 units came back.")
	if done.path != h.path("messages")+"?status=queued" || h.left() != 100 {
		t.Errorf("led to %s with %d units", done.path, h.left())
	}
	b.post(h.path("messages", "selected"), form).is(200).has("None of them can be canceled")
	b.post(h.path("messages", "selected"), url.Values{"do": {"cancel"}, "to": {"//evil.example"}}).is(200).has("Choose messages first")
}

func TestSendingAgainCostsAndHappensOnce(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550101", "hello")
	if _, err := h.relay.Cancel(t.Context(), h.ws.ID, id); err != nil {
		t.Fatal(err)
	}
	page := b.get(h.path("messages", id)).has("It costs 1 unit.", "You have 100 units.")
	again := h.path("messages", id, "again")
	if len(page.all("form", "action", again)) != 1 {
		t.Error("it cannot be sent again")
	}
	s := b.post(again, url.Values{}).is(200).has("This is the new message.", "Queued", "Sends again", id)
	if s.path == h.path("messages", id) || h.left() != 99 {
		t.Errorf("led to %s with %d units", s.path, h.left())
	}
	if twice := b.post(again, url.Values{}).is(200).has("nothing happened a second time"); twice.path != s.path { // a second click
		t.Errorf("it led to %s, not to the new message", twice.path)
	}
	if old := b.get(h.path("messages", id)).is(200).has("Sent again as"); len(old.all("form", "action", again)) != 0 {
		t.Error("it can be sent again twice")
	}
	if h.left() != 99 {
		t.Errorf("%d units left: it was sent twice", h.left())
	}

	var ids []string
	for n := range 3 {
		ids = append(ids, h.accept(fmt.Sprintf("+1415555020%d", n), "hello"))
	}
	if _, err := h.relay.CancelMany(t.Context(), h.ws.ID, ids); err != nil {
		t.Fatal(err)
	}
	b.post(h.path("messages", "selected"), url.Values{"do": {"again"}, "id": ids}).is(200).has("Send these messages again?", "3 messages are made again", "It costs 3 units.", "You have 99 units.")
	many := url.Values{"id": ids}
	b.post(h.path("messages", "again"), many).is(200).has("3 messages are queued again.", "It cost 3 units.")
	b.post(h.path("messages", "again"), many).has("nothing happened a second time")
	if h.left() != 96 {
		t.Errorf("%d units left, want 96", h.left())
	}
}

func TestSendingManyAgainStopsWithTheQuota(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	var ids []string
	for n := range 3 {
		ids = append(ids, h.accept(fmt.Sprintf("+1415555020%d", n), "hello"))
	}
	if _, err := h.relay.CancelMany(t.Context(), h.ws.ID, ids); err != nil {
		t.Fatal(err)
	}
	for n := range 98 {
		h.accept(fmt.Sprintf("+1415555%04d", 1000+n), "hello")
	}
	b.post(h.path("messages", "selected"), url.Values{"do": {"again"}, "id": ids}).has("The quota does not cover all of them")
	b.post(h.path("messages", "again"), url.Values{"id": ids}).
		is(200).has("2 messages are queued again.", "1 was refused:", "quota")
	if h.left() != 0 {
		t.Errorf("%d units left", h.left())
	}
}

func TestAnOwnerSettlesWhatWasNeverConfirmed(t *testing.T) {
	h := newHouse(t)
	h.relay.Set.UnconfirmedAfter = 50 * time.Millisecond
	b := h.operator()
	h.run()
	id := h.accept("+14155559909", "hello")
	h.until(id, relay.Unknown)
	b.get(h.path("messages", id)).has("Unknown", "The provider did not say whether it took the message", "It arrived")
	eventually(t, "unconfirmed", func() bool {
		if err := h.relay.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
		return h.message(id).Status == relay.Unconfirmed
	})
	if h.left() != 100 {
		t.Fatalf("%d units", h.left())
	}
	b.get(h.path("messages", id)).has("Not confirmed", "It may have arrived or not", "Send again", "the other side gets it twice", "1 unit came back; it is taken again.")
	b.get(h.path()).has("1 of the latest messages was never confirmed")
	b.post(h.path("messages", id, "confirm"), url.Values{}).is(200).has("settled as delivered", "Delivered", "Somebody of the workspace says that it arrived.", "Taken again: it went out after all")
	if h.left() != 99 {
		t.Errorf("%d units left, want 99", h.left())
	}
	b.post(h.path("messages", id, "confirm"), url.Values{}).is(422)
}

func TestAViewerReadsMessagesAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.operator()
	id := h.accept("+14155550101", "hello")
	v := h.somebody(account.Viewer)
	v.get(h.path("messages")).is(200).has("hello").hasNot("Cancel selected", `type="checkbox"`)
	v.get(h.path("messages", id)).is(200).has("Queued").hasNot("Cancel this message", h.path("messages", id, "cancel"))
	v.get(h.path("queue")).is(200).has("Sales", "hello").hasNot("Cancel all", h.path("queue", h.channel.ID, "pause"))
	for _, path := range []string{h.path("messages", id, "cancel"), h.path("messages", id, "again"), h.path("messages", id, "confirm"), h.path("messages", "selected"),
		h.path("messages", "cancel"), h.path("messages", "again"), h.path("queue", h.channel.ID, "pause"), h.path("queue", h.channel.ID, "resume"), h.path("queue", h.channel.ID, "cancel")} {
		v.post(path, url.Values{"id": {id}, "number": {"1"}}).is(403)
	}
	if h.message(id).Status != relay.Queued {
		t.Error("a viewer changed it")
	}
	m := h.somebody(account.Member)
	m.post(h.path("messages", id, "cancel"), url.Values{}).is(200).has("1 unit came back.")
}

func TestWhatAnotherWorkspaceSentIsNotThere(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.accept("+14155550101", "hello")
	other, err := h.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.relay.Grant(t.Context(), other.ID, "x", 5); err != nil {
		t.Fatal(err)
	}
	at := "/w/" + other.ID
	b.get(at + "/messages/" + id).is(404)
	b.get(at + "/queue/" + h.channel.ID).is(404)
	b.post(at+"/messages/"+id+"/cancel", url.Values{}).is(404)
	b.post(at+"/messages/cancel", url.Values{"id": {id}}).is(200).has("1 could not be canceled any more.")
	b.post(at+"/queue/"+h.channel.ID+"/cancel", url.Values{"number": {"1"}}).is(404)
	if h.message(id).Status != relay.Queued {
		t.Error("canceled from elsewhere")
	}
}

func TestAMessageShowsItsFileTemplateAndParts(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	first, second := h.accept("+14155550101", "look"), h.accept("+14155550101", "at this")
	h.edit(first, func(m *relay.Message) { m.Parts = []string{first, second} })
	h.edit(second, func(m *relay.Message) {
		m.PartOf, m.Text = first, ""
		m.File = &relay.File{URL: "https://files.example/<b>.pdf", Name: "<b>.pdf", Kind: relay.Document}
		m.Template = &relay.TemplateCall{Name: "order_shipped", Language: "pt_BR", Variables: []string{"Ann", "<i>"}, Names: []string{"first_name"}, Buttons: []string{"", "x9"}}
	})
	b.get(h.path("messages", second)).is(200).has("<b>.pdf", "https://files.example/<b>.pdf", "The file was not fetched.", "order_shipped", "first_name", "Ann", "Value 2", "<i>", "Button 2", "x9", "Second part of", first)
	b.get(h.path("messages")).has("order_shipped", "<b>.pdf")
	b.get(h.path("messages", first)).has("Its second part", second, "Text and file are two messages; both are meant.", "2 units come back.")
	ask := b.post(h.path("messages", "selected"), url.Values{"do": {"cancel"}, "id": {first}}).is(200).has("2 messages will not be sent.", "2 units come back.")
	if len(ask.all("input", "name", "id")) != 2 {
		t.Error("the second part is not named")
	}
	b.post(h.path("messages", first, "cancel"), url.Values{}).is(200).has("2 messages were canceled.", "2 units came back.")
	b.get(h.path("messages", second)).has("It ended with its first part.")
	page := b.get(h.path("messages", first)).has("It costs 2 units.")
	again := h.path("messages", first, "again")
	if len(page.all("form", "action", again)) != 1 {
		t.Error("it cannot be sent again")
	}
	b.post(again, url.Values{}).is(200).has("This is the new message.", "Its second part")
	if h.left() != 98 {
		t.Errorf("%d units left, want 98", h.left())
	}
}
