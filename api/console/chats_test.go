package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/driver/sandbox"
)

// windowed is the pretend WhatsApp with a session window and templates.
type windowed struct{ *sandbox.Driver }

func (windowed) Window() time.Duration { return 24 * time.Hour }

func (windowed) Templates(context.Context, relay.Channel) ([]relay.Template, error) { return nil, nil }

func (windowed) Submit(context.Context, relay.Channel, relay.Template, *relay.OutgoingFile) (relay.Template, error) {
	return relay.Template{}, nil
}

func withWindow(_ *api.Config, drivers map[string]relay.Driver) {
	drivers["sandbox"] = windowed{drivers["sandbox"].(*sandbox.Driver)}
}

// pocket keeps received files in memory.
type pocket map[string]string

func (p pocket) Fetch(context.Context, string, string, string, relay.FileKind, int64) (string, int64, error) {
	return "", 0, io.EOF
}
func (p pocket) Keep(context.Context, string, io.Reader, int64) (string, int64, error) {
	return "", 0, io.EOF
}
func (p pocket) Open(key string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(p[key])), nil
}
func (p pocket) Remove(string) error                             { return nil }
func (p pocket) Keys(func(key string, at time.Time) error) error { return nil }

// wrote is a message of somebody to the house's channel.
func (h *house) wrote(from, name, text string) relay.Chat {
	h.t.Helper()
	c, err := h.relay.Inbound(h.t.Context(), h.ws.ID, h.channel.ID, relay.Inbound{ID: relay.NewID("in_"), From: from, Name: name, Text: text, Kind: "text", At: time.Now()})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// put writes something by hand.
func (h *house) put(fn func(tx relay.Tx) error) {
	h.t.Helper()
	if err := h.relay.Store.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// template puts an approved template on the channel's shelf.
func (h *house) template() {
	h.put(func(tx relay.Tx) error {
		t := relay.Template{Workspace: h.ws.ID, Channel: h.channel.ID, Name: "order", Language: "en", Status: relay.TemplateApproved,
			Header: &relay.TemplateHeader{Kind: "text", Text: "No {{1}}", Sample: "17"}, Body: "Hi {{1}}, it left on {{2}}.", Samples: []string{"Ann", "Monday"}, Footer: "Acme",
			Buttons: []relay.TemplateButton{{Type: "url", Text: "Track", URL: "https://acme.example/{{1}}", Sample: "abc"}}}
		if err := tx.PutTemplate(h.t.Context(), t); err != nil {
			return err
		}
		t.Name, t.Status = "news", relay.TemplateRejected
		return tx.PutTemplate(h.t.Context(), t)
	})
}

// hidden is the value of a hidden field.
func (s shown) hidden(name string) string {
	s.t.Helper()
	for _, n := range s.all("input", "name", name) {
		return attr(n, "value")
	}
	s.t.Fatalf("%s has no field %s", s.path, name)
	return ""
}

func (h *house) messages(f relay.MessageFilter) []relay.Message {
	h.t.Helper()
	f.Workspace = h.ws.ID
	list, _, err := h.relay.Store.Messages(h.t.Context(), f, relay.Page{Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// TestAnOwnerReadsAndAnswersAChat is the story from the first message to the
// receipts of the answer.
func TestAnOwnerReadsAndAnswersAChat(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get(h.path("chats")).is(200).has("No chats yet")
	h.accept("+14155550100", "Your order left.")
	chat := h.wrote("+14155550100", "Ann", "When will it come?")
	h.accept("+14155550102", "To somebody else")
	b.get(h.path("chats")).is(200).has("Ann", "+14155550100", "They: When will it come?", "Not answered", "You: To somebody else", "Sales")
	b.get(h.path("chats") + "?q=ann").has("When will it come?").hasNot("somebody else")
	b.get(h.path("chats") + "?q=555-0102").has("somebody else").hasNot("When will")
	b.get(h.path("chats") + "?q=nobody").has("No chat fits")
	b.get(h.path("chats") + "?channel=ch_other").has("No chat fits")

	page := b.get(h.path("chats", chat.ID)).is(200).has("Ann", "Your order left.", "When will it come?", "Queued", "Costs 1 unit.", "You have 98 units.")
	if strings.Index(page.body, "Your order left.") > strings.Index(page.body, "When will it come?") {
		t.Error("the newest message does not come last")
	}
	h.run()
	form := url.Values{"as": {"text"}, "text": {"Tomorrow."}, "key": {page.hidden("key")}}
	b.post(h.path("chats", chat.ID), form).is(200).has("The message is on its way.", "Tomorrow.")
	b.post(h.path("chats", chat.ID), form).is(200) // pressed twice
	if list := h.messages(relay.MessageFilter{Chat: chat.ID}); len(list) != 2 || list[0].Text != "Tomorrow." || list[0].Recipient != "+14155550100" {
		t.Errorf("sent: %+v", list)
	}
	eventually(t, "the answer is read", func() bool { return strings.Contains(b.get(h.path("chats", chat.ID)).text(), "Read") })
	b.get(h.path("chats")).has("You: Tomorrow.")
	b.get(h.path("audit")).is(200).has("Message sent by hand", chat.ID).hasNot("Tomorrow.")
	attempts, err := h.relay.Store.Attempts(t.Context(), h.ws.ID, 1)
	if err != nil || len(attempts) != 1 || attempts[0].Sender != "Relevo console" {
		t.Errorf("the log of calls: %+v (%v)", attempts, err)
	}
	b.get(h.path("chats", "99999")).is(404)
}

func TestAnAnswerThatCannotBeSentIsShownAgainWithWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	chat := h.wrote("+14155550100", "<script>alert(1)</script>", "<b>hello</b> "+strings.Repeat("x", 300))
	page := b.get(h.path("chats", chat.ID)).is(200).has("<b>hello</b>", "<script>alert(1)</script>").hasNot("<b>hello", "<script>alert")
	to := h.path("chats", chat.ID)
	send := func(v url.Values) shown { v.Set("key", page.hidden("key")); return b.post(to, v) }
	send(url.Values{"as": {"text"}, "text": {"  "}}).is(422).has("Write a text first.")
	send(url.Values{"as": {"text"}, "text": {strings.Repeat("y", 10_000)}}).is(422).has("10000 characters")
	send(url.Values{"as": {"text"}, "text": {"a\x00b"}}).is(422)
	send(url.Values{"as": {"file"}, "file_name": {"a.pdf"}}).is(422).has("Give the address of the file.")
	send(url.Values{"as": {"file"}, "file_url": {"javascript:alert(1)"}, "file_name": {"a.pdf"}, "text": {"keep me"}}).is(422).has("keep me")
	send(url.Values{"as": {"template"}}).is(422).has("Choose a template.")
	if n := len(h.messages(relay.MessageFilter{})); n != 0 {
		t.Errorf("%d messages were made", n)
	}
	send(url.Values{"as": {"file"}, "file_url": {"https://files.example.com/a.pdf"}, "file_name": {"a.pdf"}, "text": {"See"}}).is(200).has("a.pdf")
	if list := h.messages(relay.MessageFilter{}); len(list) == 0 || list[len(list)-1].Text != "See" {
		t.Errorf("sent %+v", list)
	}
	off := false
	if _, err := h.relay.UpdateWebhook(t.Context(), h.ws.ID, relay.WebhookPatch{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	send(url.Values{"as": {"text"}, "text": {"more"}, "key": {"another"}}).is(422).has("Webhook is disabled", "more", "The webhook is disabled: nothing can be sent from here.")
}

func TestOnceTheWindowIsClosedOnlyATemplateIsOffered(t *testing.T) {
	h := newHouse(t, withWindow)
	b := h.operator()
	h.template()
	chat := h.wrote("+14155550100", "Ann", "hello")
	open := b.get(h.path("chats", chat.ID)).is(200).has("Free text: ends", "in 24 hours")
	if len(open.all("textarea", "name", "text")) != 1 {
		t.Error("there is no place for a text while the window is open")
	}
	h.put(func(tx relay.Tx) error {
		c, err := tx.Chat(t.Context(), h.ws.ID, h.channel.ID, chat.Recipient)
		if err != nil {
			return err
		}
		c.LastInboundAt = time.Now().Add(-25 * time.Hour)
		ch, err := tx.Channel(t.Context(), h.ws.ID, h.channel.ID)
		if err != nil {
			return err
		}
		ch.CallbacksSince, ch.CallbackAt = time.Now().Add(-72*time.Hour), time.Now()
		if err := tx.PutChat(t.Context(), c); err != nil {
			return err
		}
		return tx.PutChannel(t.Context(), ch)
	})
	shut := b.get(h.path("chats", chat.ID)).is(200).has("Templates only", "Send template", "order (en)", "Header: Value 1", "Value 2", "Button: Track", "Hi ‹1›, it left on ‹2›.", "No ‹1›").hasNot("news (en)")
	if len(shut.all("textarea", "name", "text")) != 0 {
		t.Error("a text is offered")
	}
	form := url.Values{"as": {"template"}, "template": {"en/order"}, "key": {shut.hidden("key")}, "channel": {h.channel.ID}, "v0": {"17"}, "v1": {"Ann"}, "v2": {""}, "b0": {"abc"}}
	b.post(h.path("chats", "preview"), form).is(200).has("No 17", "Hi Ann, it left on ‹2›.", "Track")
	b.post(h.path("chats", chat.ID), form).is(422).has("Fill in all values of the template.")
	form.Set("v2", "Monday")
	b.post(h.path("chats", chat.ID), form).is(200).has("The message is on its way.", "Hi Ann, it left on Monday.", "Template order")
	list := h.messages(relay.MessageFilter{Chat: chat.ID})
	if len(list) != 1 || list[0].Template == nil || fmt.Sprint(list[0].Template.Variables, list[0].Template.Buttons) != "[17 Ann Monday] [abc]" {
		t.Errorf("sent %+v", list)
	}
	form.Set("as", "text")
	form.Set("text", "free")
	b.post(h.path("chats", chat.ID), form) // a page that was open before the window closed
	if n := len(h.messages(relay.MessageFilter{Chat: chat.ID})); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestANewChatBeginsWithANumberAsItIsWritten(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	country := "MX"
	if _, err := h.relay.UpdateWorkspace(t.Context(), h.ws.ID, relay.WorkspacePatch{Country: &country}); err != nil {
		t.Fatal(err)
	}
	page := b.get(h.path("chats", "new")).is(200).has("Sales (+15105566777)", "Without a country code it is a number of MX.")
	form := url.Values{"as": {"text"}, "text": {"Hola"}, "phone": {"nobody"}, "channel": {h.channel.ID}, "key": {page.hidden("key")}}
	b.post(h.path("chats", "new"), form).is(422).has("This is not a phone number.", "Hola")
	form.Set("phone", "55 1234 5678")
	got := b.post(h.path("chats", "new"), form).is(200).has("The message is on its way.", "Hola", "+52")
	if !strings.HasPrefix(got.path, h.path("chats", "10001")) {
		t.Errorf("it leads to %s", got.path)
	}
	if list := h.messages(relay.MessageFilter{}); len(list) != 1 || list[0].Recipient != "+525512345678" {
		t.Errorf("sent %+v", list)
	}
	empty := newHouse(t)
	o := empty.operator()
	if err := empty.relay.DeleteChannel(t.Context(), empty.ws.ID, empty.channel.ID); err != nil {
		t.Fatal(err)
	}
	o.get(empty.path("chats", "new")).is(200).has("No channel is connected yet")
	o.post(empty.path("chats", "new"), form).is(422)
}

func TestAPageThatIsOpenIsToldOnlyWhatIsNew(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	chat := h.wrote("+14155550100", "Ann", "one")
	page := b.get(h.path("chats", chat.ID))
	live := ""
	page.walk(func(n *html.Node) {
		if attr(n, "id") == "talk" {
			live = attr(n, "hx-get")
		}
	})
	b.headers = map[string]string{"HX-Request": "true"}
	if s := b.get(live); s.status != http.StatusNoContent {
		t.Errorf("nothing is new: %d %s", s.status, s.text())
	}
	h.wrote("+14155550100", "Ann", "two")
	s := b.get(live).is(200).has("one", "two", "1 new message")
	if strings.Contains(s.body, "<html") || strings.Contains(s.body, "<form") {
		t.Errorf("the part is more than the conversation: %s", s.body)
	}
}

func TestOlderMessagesAreOnPagesOfTheirOwn(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	var chat relay.Chat
	for n := range 45 {
		chat = h.wrote("+14155550100", "Ann", fmt.Sprintf("line %02d.", n))
	}
	page := b.get(h.path("chats", chat.ID)).has("line 44.", "line 05.").hasNot("line 04.")
	older := page.all("a", "rel", "next")
	if len(older) != 1 {
		t.Fatalf("%d links to older messages", len(older))
	}
	b.get(attr(older[0], "href")).is(200).has("line 04.", "line 00.", "To the newest messages").hasNot("line 05.", "name=\"text\"")
	b.get(h.path("chats", chat.ID) + "?before=nonsense").is(400)
}

func TestReceivedFilesAreShownOrSavedAndNeverRun(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	chat := h.wrote("+14155550100", "Ann", "see")
	list, _, err := h.relay.Store.Inbounds(t.Context(), h.ws.ID, "", "", relay.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := list[0]
	m.Files = []relay.ReceivedFile{
		{InboundFile: relay.InboundFile{Name: "cat.png", Type: "image/png"}, Key: "k0", Size: 3},
		{InboundFile: relay.InboundFile{Name: "x\"\r\n.svg", Type: "image/svg+xml"}, Key: "k1", Size: 3},
		{InboundFile: relay.InboundFile{Name: "gone.pdf"}, Missing: "The provider did not give the file."},
	}
	h.put(func(tx relay.Tx) error { return tx.PutInbound(t.Context(), m) })
	h.relay.Files = pocket{"k0": "png", "k1": "<svg onload=alert(1)>"}
	page := b.get(h.path("chats", chat.ID)).is(200).has("cat.png", "gone.pdf", "This file is not here.")
	if n := len(page.all("img", "loading", "lazy")); n != 1 {
		t.Errorf("%d pictures are shown, want 1", n)
	}
	for n, want := range []struct{ mediaType, disposition string }{{"image/png", ""}, {"application/octet-stream", "attachment"}} {
		f := b.get(h.path("chats", chat.ID, "files", m.ID, fmt.Sprint(n))).is(200)
		if f.header.Get("Content-Type") != want.mediaType || !strings.HasPrefix(f.header.Get("Content-Disposition"), want.disposition) ||
			f.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(f.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("file %d: %v", n, f.header)
		}
	}
	if f := b.get(h.path("chats", chat.ID, "files", m.ID, "0") + "?save=1"); !strings.HasPrefix(f.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("saved: %v", f.header)
	}
	b.get(h.path("chats", chat.ID, "files", m.ID, "2")).is(404)
	b.get(h.path("chats", chat.ID, "files", m.ID, "x")).is(404)
}

func TestAViewerReadsChatsAndSendsNothing(t *testing.T) {
	h := newHouse(t)
	h.operator()
	b := h.somebody(account.Viewer)
	chat := h.wrote("+14155550100", "Ann", "hello")
	b.get(h.path("chats")).is(200).has("Ann").hasNot("chats/new")
	b.get(h.path("chats", chat.ID)).is(200).has("hello").hasNot("<textarea")
	b.post(h.path("chats", chat.ID), url.Values{"as": {"text"}, "text": {"hi"}}).is(403)
	b.get(h.path("chats", "new")).is(403)
	b.post("/language", url.Values{"language": {"es"}, "to": {"/me"}})
	b.get(h.path("chats", chat.ID)).is(200).has("Contacto:", "chat_id 10001")
	if n := len(h.messages(relay.MessageFilter{})); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestSomebodyWhoOptedOutCannotBeAnsweredByHand(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	chat := h.wrote("+14155550100", "Ann", "STOP")
	b.get(h.path("chats")).has("Opted out")
	b.get(h.path("chats", chat.ID)).is(200).has("This person asked not to get messages.").hasNot("<textarea")
	b.post(h.path("chats", chat.ID), url.Values{"as": {"text"}, "text": {"but"}, "key": {"k"}}).is(422).has("This person has asked not to get messages, so nothing was sent.")
	b.post(h.path("chats", "new"), url.Values{"as": {"text"}, "text": {"but"}, "phone": {"14155550100"}, "channel": {h.channel.ID}}).is(422).has("asked not to get messages")
	b.post("/language", url.Values{"language": {"zh-Hans"}, "to": {"/me"}})
	b.post(h.path("chats", chat.ID), url.Values{"as": {"text"}, "text": {"but"}, "key": {"k"}}).is(422).has("此人已要求不再接收消息")
	if !bytes.Contains([]byte(h.log.String()), []byte("{")) || strings.Contains(h.log.String(), "4155550100") {
		t.Error("the log tells a number")
	}
}

func TestWhatIsSentFromAPageIsNotedAsFromWhoSentIt(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.headers = map[string]string{"X-Forwarded-For": "203.0.113.9"} // behind a trusted proxy
	b.post(h.path("chats", "new"), url.Values{"phone": {"+15105550001"}, "as": {"text"}, "text": {"hello"}, "key": {"k1"}}).is(200)
	list, err := h.relay.Store.Attempts(t.Context(), h.ws.ID, 10)
	if err != nil || len(list) != 1 || list[0].RemoteIP != "203.0.113.9" {
		t.Errorf("%+v %v", list, err)
	}
}
