package console_test

import (
	"encoding/csv"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
)

// link is the path of a link of an invitation that a page shows.
var link = regexp.MustCompile(`/join/[A-Z2-7]+`)

func TestTheQuotaPageSaysWhereEveryUnitWent(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.run()
	for _, phone := range []string{"+14155550100", "+14155559901"} { // the latter is not on WhatsApp
		if status, answer := h.hook(`{"action":"send","phone":"` + phone + `","text":"hello"}`); status != 200 {
			t.Fatal(answer)
		}
	}
	eventually(t, "one unit spent, one given back", func() bool {
		a, err := h.relay.Account(t.Context(), h.ws.ID)
		return err == nil && a.Spent == 1 && a.Available == 99
	})
	page := b.get(h.path("quota")).is(200).has("99", "A message was accepted.", "The message was sent.", "Given back This number is not on WhatsApp.",
		"+14155559901", "Granted under the reference start.", "Granted under the reference start. +100 100", "+1 99", "−1 98", "Used today 1 unit", "Messages of the last 30 days")
	if n := strings.Count(page.body, h.path("messages")+"/wa_backend:3EB0"); n != 4 {
		t.Errorf("%d lines lead to their messages, want 4", n)
	}
	b.get(h.path("quota") + "?kind=refund").is(200).has("Given back This number is not on WhatsApp.").hasNot("A message was accepted.")
	b.get(h.path("quota") + "?kind=grant").has("Granted under the reference start.").hasNot("not on WhatsApp")
	b.get(h.path("quota") + "?kind=%3Cscript%3E&cursor=").is(200).hasNot("<script>")

	b.headers = map[string]string{"HX-Request": "true", "HX-Target": "ledger"}
	if s := b.get(h.path("quota")); strings.Contains(s.body, "<h1>") || !strings.Contains(s.body, `id="ledger"`) {
		t.Error("htmx gets the whole page")
	}
	b.headers = nil

	sheet := b.get(h.path("quota.csv"))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(sheet.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 6 || !strings.HasPrefix(sheet.body, "\ufeff") {
		t.Fatalf("%v %q", err, sheet.body)
	}
	if rows[5][1] != "grant" || rows[5][4] != "100" || !strings.Contains(sheet.body, "'+14155559901") || !strings.Contains(sheet.header.Get("Content-Disposition"), ".csv") {
		t.Errorf("%q %v", sheet.body, sheet.header)
	}
}

func TestTheLedgerGoesOnOverPages(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for i := range 60 {
		if _, err := h.relay.Grant(t.Context(), h.ws.ID, "order "+string(rune('a'+i%26))+string(rune('a'+i/26)), 1); err != nil {
			t.Fatal(err)
		}
	}
	page := b.get(h.path("quota")).has("More")
	next := page.all("a", "rel", "next")
	if len(next) != 1 {
		t.Fatal("there is no next page")
	}
	b.get(attr(next[0], "href")).is(200).has("Granted under the reference start.").hasNot(`rel="next"`)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(h.path("quota.csv")).body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 62 {
		t.Errorf("%d rows: %v", len(rows), err)
	}
}

func TestNotesWarnBeforeUnitsEnd(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	viewer := h.somebody(account.Viewer)
	for _, want := range []struct {
		sum  int
		note string
	}{{79, ""}, {80, "More than 80 % of the units are used"}, {95, "More than 95 %"}, {100, "All units are used"}} {
		for h.used(t) < want.sum {
			if status, answer := h.hook(`{"action":"send","phone":"+14155550100","text":"hello"}`); status != 200 {
				t.Fatal(answer)
			}
		}
		page := viewer.get(h.path("quota")).is(200)
		if want.note == "" {
			page.hasNot("% of the")
			continue
		}
		page.has(want.note, "of the 100 units that were there after the last grant", "Ask the operator")
	}
	b.post(h.path("quota", "plan"), url.Values{"plan_units": {"50"}, "preset": {"daily"}, "do": {"set"}}).is(200).has("The plan is set.", "50 units, every day at midnight (UTC).", "The next 50 units come on")
}

// used is how many of the workspace's units are reserved or spent.
func (h *house) used(t *testing.T) int {
	t.Helper()
	a, err := h.relay.Account(t.Context(), h.ws.ID)
	if err != nil {
		t.Fatal(err)
	}
	return int(a.Reserved + a.Spent)
}

func TestOperatorsGrantUnitsOnceAReference(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	to := h.path("quota", "grants")
	b.post(to, url.Values{"units": {"1 000"}, "reference": {"invoice 7"}}).is(200).has("1,000 units were granted.", "1,100")
	b.post(to, url.Values{"units": {"1000"}, "reference": {"invoice 7"}}).is(200).has("was used on", "Nothing more was granted.", "1,100")
	b.post(to, url.Values{"units": {"5"}, "reference": {"invoice 7"}}).is(422).has("nothing was granted")
	b.post(to, url.Values{"units": {"-5"}, "reference": {"<script>alert(1)</script>"}}).is(422).has("Units are a whole number").hasNot("<script>alert")
	b.post(to, url.Values{"units": {"5"}, "reference": {"a\x00b" + strings.Repeat("x", 10_000)}}).is(422)
	owner := h.somebody(account.Owner)
	owner.get(h.path("quota")).hasNot("Grant units")
	owner.post(to, url.Values{"units": {"5"}, "reference": {"mine"}}).is(403)
	owner.post(h.path("quota", "plan"), url.Values{"plan_units": {"5"}, "preset": {"daily"}}).is(403)
	b.get(h.path("audit")).has("Units granted", "invoice 7 (1000)", "op@example.com")
}

func TestAPlanIsLookedAtBeforeItIsSet(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	to := h.path("quota", "plan")
	b.post(to, url.Values{"plan_units": {"10"}, "preset": {"custom"}, "schedule": {"0 6 * * 1"}, "do": {"look"}}).is(200).has("Refills would come on:", "06:00:00 UTC", "None: units come by grants alone.")
	b.post(to, url.Values{"plan_units": {"10"}, "preset": {"custom"}, "schedule": {"every now and then"}, "do": {"look"}}).is(422).has("For example")
	b.post(to, url.Values{"plan_units": {"10"}, "preset": {"custom"}, "schedule": {"0 0 31 2 *"}, "do": {"set"}}).is(422)
	b.post(to, url.Values{"plan_units": {"none"}, "preset": {"monthly"}, "do": {"set"}}).is(422).has("Units are a whole number")
	b.post(to, url.Values{"plan_units": {"10"}, "preset": {"monthly"}, "do": {"set"}, "roll_over": {"on"}}).is(200).has("What is left is kept.")
	b.post(h.path("quota", "plan", "remove"), url.Values{}).is(200).has("The plan is removed.", "None: units come by grants alone.")
	b.get(h.path("audit")).has("Plan set", "10 @monthly", "Plan removed")
	b.language = "es"
	if err := h.forgetLanguage("op@example.com"); err != nil {
		t.Fatal(err)
	}
	b.get(h.path("quota")).has("Cuota", "Disponibles", "Concedidas con la referencia start.")
}

func TestARefundKeepsItsReasonWhenTheMessageArrivesAfterAll(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.run()
	id := h.accept("+14155559908", "failed, and delivered all the same")
	h.until(id, relay.Delivered)
	b.get(h.path("quota")).has("The provider had a fault.", "The message went out after all.").hasNot("never said whether it was sent")
}
