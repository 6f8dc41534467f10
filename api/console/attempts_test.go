package console_test

import (
	"net/url"
	"strings"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
)

func TestTheLogTeachesTheFirstCallAndListsEach(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	owner.get(h.path("attempts")).is(200).has("Nothing has called your webhook yet", "curl -sS", `"action":"send"`).hasNot(h.token)
	h.accept("+14155550177", "a text to find")
	for range 6 {
		h.hookAs("Zapier", "{\n \"action\": \"send\",\n \"text\": \"say \"hi\"\"}")
	}
	page := owner.get(h.path("attempts")).is(200).has("accepted 200", "+14155550177", "Sales", "refused 400 ×4", "The call is not valid JSON.", "Zapier")
	if rows := page.all("tr", "", ""); len(rows) != 1+4 {
		t.Errorf("%d rows", len(rows))
	}
	for _, c := range []struct {
		query     string
		has, not  string
		shownRows int
	}{
		{"?outcome=accepted", "+14155550177", "×4", 1}, {"?outcome=refused", "×4", "+14155550177", 3}, {"?tool=Zapier", "×4", "+14155550177", 3},
		{"?q=a+TEXT+to", "+14155550177", "×4", 1}, {"?q=%2B1+415-555-0177", "+14155550177", "×4", 1}, {"?q=say", "×4", "+14155550177", 3},
		{"?outcome=replayed", "No attempt fits", "×4", 0}, {"?q=%3Cscript%3E%00", "No attempt fits", "<script>%", 0}, {"?outcome=nonsense", "×4", "No attempt", 4},
	} {
		page := owner.get(h.path("attempts") + c.query).is(200).has(c.has)
		if n := len(page.all("td", "data-label", "Time")); n != c.shownRows {
			t.Errorf("%s: %d rows, want %d", c.query, n, c.shownRows)
		}
		if rows := strings.Join(strings.Fields(page.text()), " "); strings.Contains(rows[strings.Index(rows, "Tool"):], c.not) && c.not != "+14155550177" {
			t.Errorf("%s says %q", c.query, c.not)
		}
	}
}

func TestARefusedCallNamesItsRecipient(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	h.hook(`{"action":"send","phone":"+1 415 555 0133","text":"x","whatsapp_account_phone":"+4915112345678"}`)
	owner.get(h.path("attempts")+"?q=415-555-0133").is(200).has("refused 400", "+14155550133")
	owner.get(h.path("attempts", h.newest().ID)).is(200).has("Recipient +14155550133")
}

func TestTheLogIsDownloadedUnderItsName(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	h.accept("+14155550100", "=1+1")
	csv := owner.raw("GET", h.path("attempts", "log")+"?format=csv", nil)
	if !strings.HasPrefix(csv.header.Get("Content-Disposition"), `attachment; filename="attempts-`+h.ws.ID) || !strings.HasPrefix(csv.body, "\ufeffid,at,") {
		t.Errorf("%v %q", csv.header, csv.body)
	}
	if lines := owner.raw("GET", h.path("attempts", "log")+"?format=jsonl", nil); !strings.HasPrefix(lines.body, `{"id":"att_`) {
		t.Errorf("%q", lines.body)
	}
	owner.get(h.path("attempts")).is(200).has("Hide phone numbers", "Download as text", "Download as CSV", "Download as JSON Lines")
	text := owner.raw("GET", h.path("attempts", "log")+"?format=text&hide_phones=true", nil)
	if text.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(text.body, "Recipient   +*******0100\nAccount     +*******6777\n") || strings.Contains(text.body, "4155550100") {
		t.Errorf("%v %q", text.header, text.body)
	}
	h.visitor().get(h.path("attempts", "log")).is(200).has("Sign in")
}

// newest is the newest attempt.
func (h *house) newest() relay.Attempt {
	h.t.Helper()
	all, err := h.relay.Store.Attempts(h.t.Context(), h.ws.ID, 1)
	if err != nil || len(all) == 0 {
		h.t.Fatal(all, err)
	}
	return all[0]
}

func TestARefusedCallIsShownWithTheLineOfItsFault(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	h.hookAs("Zapier", "{\n \"action\": \"send\",\n \"text\": \"say \"hi\" <script>alert(1)</script>\u202e\"\n}")
	page := owner.get(h.path("attempts", h.newest().ID)).is(200).
		has("refused 400", "Line 3, column 16", "What to do in Zapier", "Custom Request", "<script>alert(1)</script>", "Nothing was sent, and no unit was taken.").
		hasNot("<script>alert")
	faults := page.all("span", "class", "line fault")
	if len(faults) != 1 || attr(faults[0], "data-n") != "3" || strings.Contains(faults[0].FirstChild.Data, "\u202e") {
		t.Errorf("the marked lines are %v", faults)
	}
	ghosts := page.all("span", "class", "ghost")
	if len(ghosts) != 1 || ghosts[0].FirstChild.Data != ` "text": "say "` {
		t.Errorf("the caret stands elsewhere: %v", ghosts)
	}
	body := owner.raw("GET", h.path("attempts", h.newest().ID, "body"), nil)
	if !strings.Contains(body.body, "\u202e") || !strings.HasPrefix(body.header.Get("Content-Disposition"), "attachment") || body.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("download %q %v", body.body, body.header)
	}
	owner.get(h.path("attempts", "att_nothing")).is(404)
	h.hook("\x00\xff<script>")
	owner.get(h.path("attempts", h.newest().ID)).is(200).has("This body is no text.").hasNot("\x00", "<script>\"")
	h.hook("")
	owner.get(h.path("attempts", h.newest().ID)).is(200).has("The call had no body.")
	h.hook("{" + strings.Repeat("\n", 5000) + "}")
	owner.get(h.path("attempts", h.newest().ID)).is(200).has("more lines are not shown.")
}

func TestAnAcceptedCallIsFollowedToItsReceiptAndItsUnits(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	id := h.accept("+14155559901", "to nobody")
	attempt := h.newest().ID
	owner.get(h.path("attempts", attempt)).is(200).has(id, "in the queue", "taken from the quota", "99").hasNot("given back")
	h.run()
	eventually(t, "it fails", func() bool { return h.status(id) == relay.Failed })
	owner.get(h.path("attempts", attempt)).is(200).has("failed", "This number is not on WhatsApp.", "given back", "100")
	owner.headers = map[string]string{"HX-Request": "true"}
	if part := owner.raw("GET", h.path("attempts", attempt, "story"), nil); !strings.Contains(part.body, `<div id="story">`) || !strings.Contains(part.body, "given back") {
		t.Errorf("part %d %s", part.status, part.body)
	}
	owner.headers = nil

	id = h.accept("+14155550100", "arrives")
	eventually(t, "it is read", func() bool { return h.status(id) == relay.Read })
	owner.get(h.path("attempts", h.newest().ID)).is(200).has("called", "sent (try 1)", "delivered", "read", "spent")
}

func TestABodyIsMendedAndSentAsANewCall(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	h.hook(`{"action":"send","phone":"+14155550100","text":"say "hi""}`)
	old := h.newest().ID
	owner.get(h.path("attempts", old)).has("Edit and send again", "This call would be refused (400).").hasNot("Send for 1 unit")
	mended := url.Values{"body": {"{\"action\":\"send\",\r\n\"phone\":\"+14155550100\",\"text\":\"say hi\"}"}, "nonce": {"n"}}
	owner.post(h.path("attempts", old, "check"), mended).is(200).has("This call would be accepted.", "Send for 1 unit")
	owner.headers = map[string]string{"HX-Request": "true"}
	owner.postPart(h.path("attempts", old, "check"), mended, "This call would be accepted.", "Send for 1 unit")
	owner.headers = nil
	still := url.Values{"body": {`{"action":"send","phone":"1","text":"say hi"}`}, "nonce": {"n"}}
	owner.post(h.path("attempts", old, "send"), still).is(422).has("The call was refused. Nothing was sent.", `"phone":"1"`)
	sent := owner.post(h.path("attempts", old, "send"), mended).is(200).has("The call was made.", "accepted 200", "Relevo console")
	if sent.path == h.path("attempts", old) || h.newest().Units != 1 {
		t.Errorf("led to %s, %+v", sent.path, h.newest())
	}
	viewer := h.somebody(account.Viewer)
	viewer.get(h.path("attempts", old)).is(200).has("Members and owners can send it.").hasNot("Send for")
	viewer.post(h.path("attempts", old, "send"), mended).is(403)
	other, err := h.relay.CreateWorkspace(t.Context(), "Other")
	if err != nil {
		t.Fatal(err)
	}
	viewer.get("/w/" + other.ID + "/attempts/" + old).is(404)
	owner.get("/w/" + other.ID + "/attempts/" + old).is(404)
}
