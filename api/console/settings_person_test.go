package console_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
)

// TestAnOwnerAnswersSomebodyWhoAsksWhatIsKept is the download, from Settings and
// from the person's page.
func TestAnOwnerAnswersSomebodyWhoAsksWhatIsKept(t *testing.T) {
	h := newHouse(t)
	h.operator()
	b := h.somebody(account.Owner)
	h.wrote("+14155550100", "Ann", "hello from Ann")
	h.accept("+14155550100", "hello to Ann")
	h.wrote("+14155550101", "Bob", "hello from Bob")
	b.get(h.path("settings")).is(200).has("Everything about a person", "Give it to that person only.")
	form := b.get(h.path("contacts", "+14155550100")).is(200).has("Everything about a person")
	who := form.hidden("phone")
	to := h.path("settings", "person")
	for _, number := range []string{who, "1 (415) 555-0100"} {
		f := b.post(to, url.Values{"phone": {number}}).is(200)
		var o map[string]any
		if err := json.Unmarshal([]byte(f.body), &o); err != nil || o["person"] != "+14155550100" {
			t.Fatalf("%q: %v %s", number, err, f.body)
		}
		if !strings.Contains(f.body, "hello from Ann") || !strings.Contains(f.body, "hello to Ann") || strings.Contains(f.body, "Bob") {
			t.Errorf("it holds %s", f.body)
		}
		if got := f.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") || strings.Contains(got, "0100") {
			t.Errorf("it is called %s", got)
		}
	}
	for _, wrong := range []string{"", "<script>alert(1)</script>", strings.Repeat("9", 10_000), "a\x00b"} {
		s := b.post(to, url.Values{"phone": {wrong}}).is(422).has("This is not a phone number.")
		if len(s.all("p", "id", "phone-wrong")) != 1 {
			t.Errorf("%.20q: nothing is said at the field", wrong)
		}
	}
	b.get(h.path("audit")).is(200).has("Everything about a person downloaded", "…0100").hasNot("4155550100")
	m := h.somebody(account.Member)
	m.post(to, url.Values{"phone": {who}}).is(403)
	m.get(h.path("contacts", "+14155550100")).is(200).hasNot("Everything about a person")
	if strings.Contains(h.log.String(), "4155550100") {
		t.Error("the number is in the log")
	}
}

func TestTheDownloadIsOfferedInEveryLanguage(t *testing.T) {
	for language, text := range map[string][2]string{
		"es": {"Todo sobre una persona", "Borrar a esta persona"}, "pt-BR": {"Tudo sobre uma pessoa", "Apagar esta pessoa"}, "zh-CN": {"某个人的全部数据", "删除此人的数据"},
	} {
		h := newHouse(t)
		b := h.operator()
		if err := h.forgetLanguage("op@example.com"); err != nil {
			t.Fatal(err)
		}
		b.language = language
		b.get(h.path("settings")).is(200).has(text[:]...)
	}
}

// TestAnOwnerErasesAPerson is the story of a request of erasure, from Settings
// and from the person's page.
func TestAnOwnerErasesAPerson(t *testing.T) {
	h := newHouse(t)
	h.operator()
	b := h.somebody(account.Owner)
	h.wrote("+5215512345678", "Ana", "hello from Ana")
	id := h.accept("+525512345678", "hello to Ana")
	h.wrote("+14155550101", "Bob", "hello from Bob")
	to := h.path("settings", "erase")
	b.get(h.path("settings")).is(200).has("Erase this person", "This cannot be undone.")
	b.post(to, url.Values{"erase": {"+525512345678"}, "again": {"+525512345679"}}).is(422).has("These are two different numbers.")
	b.post(to, url.Values{"erase": {"+525512345678"}, "again": {""}}).is(422)
	for _, wrong := range []string{"", "<script>alert(1)</script>", strings.Repeat("9", 10_000), "a\x00b"} {
		s := b.post(to, url.Values{"erase": {wrong}, "again": {wrong}}).is(422).has("This is not a phone number.")
		if len(s.all("p", "id", "erase-wrong")) != 1 {
			t.Errorf("%.20q: nothing is said at the field", wrong)
		}
	}
	page := b.get(h.path("contacts", "+525512345678")).is(200).has("Ana", "Type +5215512345678 to confirm")
	h.somebody(account.Member).post(to, url.Values{"erase": {"+525512345678"}, "again": {"+525512345678"}}).is(403)
	b.get(h.path("contacts")).has("Ana", "Bob")

	b.post(to, url.Values{"erase": {page.hidden("erase")}, "again": {"+52 1 55 1234 5678"}}).is(200).has("The person is erased. Messages to them: 1. Messages of theirs: 1.")
	b.get(h.path("contacts")).has("Bob").hasNot("Ana", "5512345678")
	b.get(h.path("contacts", "+525512345678")).is(404)
	b.get(h.path("chats")).is(200).has("Bob").hasNot("Ana")
	if links := b.get(h.path("messages", id)).is(200).has("Message to erased-10001").hasNot("hello to Ana", "Send again").all("a", "href", h.path("chats", "10001")); len(links) != 0 {
		t.Error("the page of the message leads to a chat that is gone")
	}
	b.get(h.path("audit")).is(200).has("Person erased", "…5678").hasNot("5512345678")
	if strings.Contains(h.log.String(), "5512345678") {
		t.Error("the number is in the log")
	}
}
