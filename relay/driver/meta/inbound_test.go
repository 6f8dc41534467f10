package meta

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/meta/metatest"
)

func TestEveryTypeOfMessageIsReadable(t *testing.T) {
	w := open(t)
	for _, c := range []struct{ kind, content, want string }{
		{"text", `{"body":"oi"}`, "oi"},
		{"location", `{"latitude":1.5,"longitude":-2,"name":"Plaza","address":"Calle 1"}`, "Plaza\nCalle 1\n1.5,-2"},
		{"contacts", `[{"name":{"formatted_name":"Jo"},"phones":[{"phone":"+1 415","wa_id":"1415"},{"wa_id":"1416"}]},{"name":{"formatted_name":"Bo"}}]`, "Jo +1 415 +1416\nBo"},
		{"reaction", `{"message_id":"wamid.OUT","emoji":"👍"}`, "👍"},
		{"reaction", `{"message_id":"wamid.OUT"}`, "(reaction taken back)"},
		{"button", `{"payload":"OK-1","text":"OK"}`, "OK"},
		{"interactive", `{"type":"button_reply","button_reply":{"id":"y","title":"Yes"}}`, "Yes"},
		{"interactive", `{"type":"list_reply","list_reply":{"id":"r1","title":"Red","description":"a colour"}}`, "Red\na colour"},
		{"interactive", `{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"a\":1}"}}`, "Sent\n{\"a\":1}"},
		{"order", `{"catalog_id":"1","text":"please","product_items":[{"product_retailer_id":"sku-1","quantity":2}]}`, "please\nOrder of 1 products:\nsku-1 × 2"},
		{"system", `{"body":"Ana changed her number","wa_id":"5511900000002","type":"user_changed_number"}`, "Ana changed her number"},
		{"unsupported", `null`, "(a message of a type that WhatsApp does not pass on)"},
		{"hologram", `{"depth":3}`, "(a message of type hologram)"},
		{"location", `{"latitude":"north"}`, "(a message of type location)"},
	} {
		got := w.receives(t, w.fake.Inbound(ana, c.kind, json.RawMessage(c.content), nil)).Inbound
		if len(got) != 1 || got[0].Text != c.want || got[0].Kind != c.kind || got[0].From != "+5511900000001" || got[0].User != "BR.134912" || got[0].ID == "" {
			t.Errorf("%s %s: %+v", c.kind, c.content, got)
		}
	}
	big := w.receives(t, w.fake.Inbound(ana, "unsupported", nil, map[string]any{"errors": []any{map[string]any{"code": 131052}}})).Inbound
	if len(big) != 1 || big[0].Text != "(a file that WhatsApp could not pass on; it may be over 100 MB)" {
		t.Errorf("%+v", big)
	}
}

func TestFilesAreKeptByTheirIDs(t *testing.T) {
	w := open(t)
	for _, kind := range []string{"image", "video", "audio", "document", "sticker"} {
		got := w.receives(t, w.fake.InboundFile(ana, kind, metatest.File{Name: "r.pdf", Type: "application/pdf", Content: []byte("x")}, "see")).Inbound
		if len(got) != 1 || got[0].Text != "see" || len(got[0].Files) != 1 {
			t.Fatalf("%s: %+v", kind, got)
		}
		f := got[0].Files[0]
		id := f.ID
		f.ID = ""
		if diff := cmp.Diff(relay.InboundFile{Auth: true, Name: "r.pdf", Type: "application/pdf", Caption: "see"}, f); diff != "" || id == "" {
			t.Errorf("%s: id %q, %s", kind, id, diff)
		}
	}
}

func TestPeopleAreKnownByNumberOrUserID(t *testing.T) {
	w := open(t)
	for name, c := range map[string]struct {
		who                metatest.Person
		more               map[string]any
		from, user, called string
	}{
		"both":              {ana, nil, "+5511900000001", "BR.134912", "Ana"},
		"number":            {metatest.Person{Number: "5511900000001"}, nil, "+5511900000001", "", ""},
		"user ID":           {metatest.Person{UserID: "US.13491208655302741918", Username: "jo"}, nil, "", "US.13491208655302741918", "@jo"},
		"user ID in from":   {metatest.Person{}, map[string]any{"from": "US.1349"}, "", "US.1349", ""},
		"number in contact": {metatest.Person{}, map[string]any{"from_user_id": "US.1349"}, "", "US.1349", ""},
	} {
		got := w.receives(t, w.fake.Inbound(c.who, "text", text1("oi"), c.more)).Inbound
		if len(got) != 1 || got[0].From != c.from || got[0].User != c.user || got[0].Name != c.called {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := w.receives(t, w.fake.Inbound(metatest.Person{}, "text", text1("oi"), nil)); len(got.Inbound) != 0 {
		t.Errorf("from nobody: %+v", got.Inbound)
	}
}

func TestAMessageToAGroupBelongsToTheGroupAndTellsWhoWroteIt(t *testing.T) {
	w := open(t)
	for _, c := range []struct {
		who          metatest.Person
		author, name string
	}{
		{metatest.Person{UserID: "US.1349", Username: "jo"}, "US.1349", "@jo"},
		{metatest.Person{Number: "5511900000001"}, "+5511900000001", ""},
		{ana, "+5511900000001", "Ana"},
	} {
		got := w.receives(t, w.fake.Inbound(c.who, "text", text1("oi"), map[string]any{"group_id": "Y2FwaV9ncm91cA"})).Inbound
		if len(got) != 1 {
			t.Fatalf("%s: %+v", c.author, got)
		}
		want := relay.Inbound{ID: got[0].ID, At: got[0].At, Kind: "text", Text: "oi", From: "Y2FwaV9ncm91cA@g.us", Group: true, Author: c.author, AuthorName: c.name}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("%s: %s", c.author, diff)
		}
	}
	if got := w.receives(t, w.fake.Inbound(ana, "text", text1("oi"), nil)).Inbound; len(got) != 1 || got[0].Author != "" || got[0].AuthorName != "" {
		t.Errorf("outside groups: %+v", got)
	}
	if m, fault := w.envelope(relay.Outgoing{Recipient: "Y2FwaV9ncm91cA@g.us", Group: true}); fault != nil || m.To != "Y2FwaV9ncm91cA" || m.RecipientType != "group" {
		t.Errorf("the answer: %+v, %v", m, fault)
	}
}

func TestABatchKeepsItsOrderAndItsNames(t *testing.T) {
	w := open(t)
	bo := metatest.Person{Number: "5511900000002", Name: "Bo"}
	one, two := w.fake.Inbound(ana, "text", text1("1"), nil), w.fake.Inbound(bo, "text", text1("2"), nil)
	both := one.Value
	both["messages"] = append(both["messages"].([]any), two.Value["messages"].([]any)...)
	both["contacts"] = append(both["contacts"].([]any), two.Value["contacts"].([]any)...)
	both["messages"] = append(both["messages"].([]any), "rubbish")
	got := w.receives(t, one).Inbound
	if len(got) != 2 || got[0].Name != "Ana" || got[1].Name != "Bo" || got[1].Text != "2" {
		t.Errorf("%+v", got)
	}
}
