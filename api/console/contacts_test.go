package console_test

import (
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
)

// TestAnOwnerKeepsTheOptOutList is the story of the list: who wrote STOP, who
// was put on it by hand and taken off, and the list as a file.
func TestAnOwnerKeepsTheOptOutList(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get(h.path("contacts")).is(200).has("No contacts yet")
	b.get(h.path("contacts") + "?show=out").is(200).has("Nobody is on the list")
	h.wrote("+14155550100", "Ann", "hello")
	waiting := h.accept("+14155550100", "waits")
	h.wrote("+14155550101", "Bob", "STOP")
	b.get(h.path("contacts")).has("Ann", "Bob", "+14155550100", "Gets messages", "Opted out")
	b.get(h.path("contacts") + "?q=bob").has("Bob").hasNot("Ann")
	b.get(h.path("contacts")+"?show=out").has("Bob", "STOP").hasNot(">Ann<")
	b.get(h.path("contacts") + "?show=out&q=1415").has("Bob")
	b.get(h.path("contacts") + "?show=out&q=52").has("Nobody fits")

	ann := h.path("contacts", "+14155550100")
	b.get(ann).is(200).has("Ann", "Send nothing more", "chat_id 10001")
	b.post(ann+"/opt-out", url.Values{"reason": {"called us"}}).is(200).has("This person gets no more messages.", "called us", "op@example.com")
	if m := h.messages(relay.MessageFilter{Chat: "10001"}); m[0].ID != waiting || m[0].Status != relay.Canceled {
		t.Errorf("what waited: %+v", m)
	}
	b.post(ann+"/opt-out", url.Values{"reason": {strings.Repeat("x", 501)}}).is(422).has("at most 500 characters")
	b.post(ann+"/opt-in", url.Values{}).is(200).has("This person gets messages again.")
	b.get(h.path("audit")).is(200).has("Contact opted out", "Contact opted in again", "…0100").hasNot("14155550100")
	b.get(h.path("contacts", "+19998887777")).is(404)
	b.post(h.path("contacts", "+19998887777")+"/opt-out", url.Values{}).is(404)
}

func TestNumbersArePutOnTheListTogetherOrNotAtAll(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	to := h.path("contacts", "opt-outs")
	put := func(numbers string) shown { return b.post(to, url.Values{"numbers": {numbers}, "reason": {"=1+1"}}) }
	put("  \n").is(422).has("Write at least one number.")
	put("+14155550100\n<script>\n+1415").is(422).has("nobody was put on the list", "<script>").hasNot("<script>\n+1")
	put(strings.Repeat("+14155550100\n", 1001)).is(422).has("more than 1,000 numbers")
	if ws, err := h.relay.Workspace(t.Context(), h.ws.ID); err != nil || ws.OptedOut != 0 {
		t.Errorf("%d are on the list (%v)", ws.OptedOut, err)
	}
	put("+1 (415) 555-0100, 5215512345678;\"+525512345678\"\r\n").is(200).has("3 numbers are on the opt-out list now.", "+525512345678")
	f := b.get(h.path("contacts", "opt-outs.csv")).is(200)
	lines := strings.Split(f.body, "\r\n")
	if !strings.HasPrefix(f.body, "\uFEFFphone,since,by,") || len(lines) != 4 || !strings.HasPrefix(lines[1], "+14155550100,") || !strings.Contains(lines[1], ",op@example.com,'=1+1,,") {
		t.Errorf("the file: %q", f.body)
	}
	if !strings.HasPrefix(f.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("its headers: %v", f.header)
	}
}

func TestAMemberSeesContactsAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.operator()
	h.wrote("+14155550100", "Ann", "hello")
	b := h.somebody(account.Member)
	b.get(h.path("contacts")).is(200).has("Ann").hasNot("<textarea")
	b.get(h.path("contacts", "+14155550100")).is(200).has("Ann").hasNot("opt-out\"")
	b.post(h.path("contacts", "+14155550100")+"/opt-out", url.Values{}).is(403)
	b.post(h.path("contacts", "opt-outs"), url.Values{"numbers": {"+14155550100"}}).is(403)
	b.post("/language", url.Values{"language": {"pt-BR"}, "to": {"/me"}})
	b.get(h.path("contacts") + "?show=out").is(200).has("Ninguém está na lista")
	if ws, err := h.relay.Workspace(t.Context(), h.ws.ID); err != nil || ws.OptedOut != 0 {
		t.Errorf("%d are on the list (%v)", ws.OptedOut, err)
	}
}
