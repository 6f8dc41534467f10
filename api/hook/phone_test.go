package hook

import (
	"strings"
	"testing"

	"relevo/relay"
)

func TestANumberIsReadAsItsWriterMeantIt(t *testing.T) {
	for _, c := range []struct {
		country, value string // value is JSON
		want           string
		told           string
	}{
		// what the product page says, and what tools send
		{"", `"+14151231234"`, "+14151231234", ""},
		{"", `14151231234`, "+14151231234", ""},
		{"", `"14151231234"`, "+14151231234", ""},
		{"", `"0014151231234"`, "+14151231234", ""},
		{"", `"+1 (415) 123-1234"`, "+14151231234", ""},
		{"", `"whatsapp:+14151231234"`, "+14151231234", ""},
		{"", `"tel:+1-415-123-1234"`, "+14151231234", ""},
		{"", `"+1\u00a0415\u200b123\u20111234"`, "+14151231234", ""},
		{"", `"\u202a+14151231234\u202c"`, "+14151231234", ""},
		{"", `"＋１４１５１２３１２３４"`, "+14151231234", ""},
		{"", `"+٩٧١٥٠١٢٣٤٥٦٧"`, "+971501234567", ""},
		{"", `"+1 415/1231234"`, "+14151231234", ""},
		{"DE", `"0151/12345678"`, "+4915112345678", "by the country"},
		{"", `["+14151231234"]`, "+14151231234", "the value in it was taken"},
		{"", `[{"label":"work","value":"+14151231234","primary":false},{"value":"+14151231235","primary":true}]`, "+14151231235", "the value in it"},
		{"", `{"value":14151231234}`, "+14151231234", "the value in it"},
		// numbers that went through floating point
		{"", `1.4151231234e10`, "+14151231234", "was written as 1.4151231234e10"},
		{"", `1.4151231234E+10`, "+14151231234", "read as 14151231234"},
		{"", `"1.4151231234E+10"`, "+14151231234", "read as 14151231234"},
		{"", `14151231234.0`, "+14151231234", "read as 14151231234"},
		{"", `"14151231234.0"`, "+14151231234", "read as 14151231234"},
		// a 0 that is dialled at home only
		{"", `"+44 (0)20 7946 0958"`, "+442079460958", ""},
		{"", `"+44 020 7946 0958"`, "+442079460958", "read as +442079460958"},
		{"", `"+49 0151 12345678"`, "+4915112345678", "read as +4915112345678"},
		{"", `"+39 06 1234 5678"`, "+390612345678", ""},
		{"", `"+225 01 23 45 67 89"`, "+2250123456789", ""},
		// numbers that no plan knows are nobody's to refuse
		{"", `"+99912345678"`, "+99912345678", ""},
		{"", `"+5215512345678"`, "+5215512345678", ""},
		{"", `"+551187654321"`, "+551187654321", ""},
		{"", `"4151231234"`, "+4151231234", "country code to be sure"},
		// at home
		{"US", `"(415) 123-1234"`, "+14151231234", "country"},
		{"US", `4155550132`, "+14155550132", "by the country"},
		{"US", `"14155550132"`, "+14155550132", ""},
		{"US", `"+525512345678"`, "+525512345678", ""},
		{"US", `"525512345678"`, "+525512345678", ""},
		{"US", `"011 44 20 7946 0958"`, "+442079460958", ""},
		{"GB", `"020 7946 0958"`, "+442079460958", "by the country"},
		{"GB", `"(0)20 7946 0958"`, "+442079460958", "by the country"},
		{"DE", `"0151 12345678"`, "+4915112345678", "by the country"},
		{"DE", `"4915112345678"`, "+4915112345678", ""},
		{"DE", `"0049 151 12345678"`, "+4915112345678", ""},
		{"MX", `"55 1234 5678"`, "+525512345678", "by the country"},
		{"MX", `"5215512345678"`, "+5215512345678", ""},
		{"MX", `"044 55 1234 5678"`, "+525512345678", "by the country"},
		{"MX", `"01 55 1234 5678"`, "+525512345678", "by the country"},
		{"MX", `5512345678`, "+525512345678", "by the country"},
		{"BR", `"(11) 98765-4321"`, "+5511987654321", "by the country"},
		{"BR", `"011 98765-4321"`, "+5511987654321", "by the country"},
		{"BR", `"5511987654321"`, "+5511987654321", ""},
		{"AR", `"11 2345-6789"`, "+541123456789", "by the country"},
		{"AR", `"+5491123456789"`, "+5491123456789", ""},
		{"IT", `"06 1234 5678"`, "+390612345678", "by the country"},
		{"RU", `"8 912 345-67-89"`, "+79123456789", "by the country"},
		{"RU", `"+79123456789"`, "+79123456789", ""},
		{"IN", `"98765 43210"`, "+919876543210", "by the country"},
		// a 0 or what else is dialled at home only, where it cannot belong
		{"MX", `"+52 044 55 1234 5678"`, "+525512345678", "read as +525512345678"},
		{"MX", `"52 045 55 1234 5678"`, "+525512345678", "by the country"},
		{"MX", `"045 55 1234 5678"`, "+525512345678", "by the country"},
		{"", `"52 01 55 1234 5678"`, "+525512345678", "read as +525512345678"},
		{"", `"00 44 (0)20 7946 0958"`, "+442079460958", ""},
		{"US", `"+44(0)20 7946 0958"`, "+442079460958", ""},
		// of another country than the workspace's
		{"US", `"34612345678"`, "+34612345678", ""},
		{"MX", `"14151231234"`, "+14151231234", "a number of another country than this workspace's (MX)"},
		{"US", `"376312345"`, "+376312345", "a number of another country than this workspace's (US)"},
		{"US", `"+612345678"`, "+612345678", ""},
		{"", `"612345678"`, "+612345678", ""},
		// a stroke after the area code
		{"DE", `"030/123456"`, "+4930123456", "by the country"},
		{"", `"+49 2408/12345"`, "+49240812345", ""},
		{"", `"0049 151/12345678"`, "+4915112345678", ""},
		{"FR", `"06.12.34.56.78"`, "+33612345678", "by the country"},
		{"", `"+44 20-79-46 0958"`, "+442079460958", ""},
	} {
		body := `{"action":"send","text":"x","phone":` + c.value + `}`
		a, warnings, err := read(NewReader(), []byte(body), Input{Now: now, Country: c.country})
		if err != nil {
			t.Errorf("%s %s: %s", c.country, c.value, err.(*relay.Error).Message)
			continue
		}
		if told := strings.Join(warnings, " "); a.To.Phone != c.want || !strings.Contains(told, c.told) || c.told == "" && told != "" {
			t.Errorf("%s %s: read as %s, told %q; want %s", c.country, c.value, a.To.Phone, told, c.want)
		}
	}
}

func TestWhatIsNoNumberIsRefusedWithWhatWasFound(t *testing.T) {
	for _, c := range []struct{ country, value, says string }{
		{"", `"0151 12345678"`, "set the workspace's country"},
		{"DE", `"+0151 12345678"`, "A country code does not start with 0"},
		{"", `"(415) 555-0100"`, "set the workspace's country"},
		{"DE", `"0"`, `"0" was found`},
		{"", `"1.41512E+10"`, "A spreadsheet has shortened it"},
		{"", `1.41512E+10`, "may have lost digits"},
		{"", `1.415123123E10`, "may have lost digits"},
		{"", `-14151231234`, "a negative number"},
		{"", `"call Ann"`, `"call Ann" was found`},
		{"US", `"1-800-FLOWERS"`, `"1-800-FLOWERS" was found`},
		{"", `"+14151231234, +14151231235"`, "is not a phone number"},
		{"", `"14151231234@s.whatsapp.net"`, `An id with @ belongs in "jid"`},
		{"", `true`, "must be a string, not a boolean"},
		{"", `["+14151231234","+14151231235"]`, "must be a string, not an array"},
		{"", `[{"value":"+14151231234"},{"value":"+14151231235"}]`, "must be a string, not an array"},
		{"", `{"number":"+14151231234"}`, "must be a string, not an object"},
		{"", `"+1 415 555 0100 / 0101"`, "is not a phone number"},
		{"", `"12/03/2026"`, "is not a phone number"},
		{"", `"2026-11-21"`, "is not a phone number"},
		{"", `"12.34.56.78"`, "is not a phone number"},
		{"", `"+49301234567/68"`, "is not a phone number"},
		{"", `"+1 415 555 0100/101"`, "It looks like more than one number, or like a date"},
		{"", `"+1 415 555 0100/0101"`, "is not a phone number"},
		{"DE", `"030 123456/12"`, "is not a phone number"},
		{"", `"+49 30 12 34 56/7"`, "is not a phone number"},
		{"US", `"555-0100/555-0101"`, "is not a phone number"},
		{"", `"555-0100 555-0101"`, "is not a phone number"},
		{"", `"+1 (415) 555-0100 2"`, "is not a phone number"},
		{"US", `"1 415 555 0100-2"`, "is not a phone number"},
		{"", `"/"`, "is not a phone number"},
		{"", `"+/5"`, "is not a phone number"},
		{"", `"31-01-2026"`, "It looks like more than one number, or like a date"},
		{"", `"31.01.2026"`, "is not a phone number"},
		{"MX", `"12-31-2026"`, "is not a phone number"},
		{"MX", `"2026.01.31"`, "is not a phone number"},
		{"", `"31‑01‑2026"`, "is not a phone number"},
		{"", `"31.1.2026 0930"`, "is not a phone number"},
		{"DE", `"31-01-26"`, "is not a phone number"},
		{"US", `"612345678"`, "A number of the workspace's country (US) has more or fewer digits"},
		{"US", `"415555010"`, "more or fewer digits"},
		{"US", `"20794609"`, "more or fewer digits"},
		{"US", `"6505551234 5"`, "more than one number"},
		{"US", `65055512345`, "more or fewer digits"},
		{"IT", `"(11) 91234-567890"`, "is not a phone number"},
		{"US", `"020 7946 0958"`, "is not a phone number"},
		{"", `"14155550100.5"`, "is not a phone number"},
		{"", `"+1415123123412345"`, "is not a phone number"},
		{"", `"12"`, "is not a phone number"},
	} {
		body := `{"action":"send","text":"x","phone":` + c.value + `}`
		_, _, err := read(NewReader(), []byte(body), Input{Now: now, Country: c.country})
		if err == nil {
			t.Errorf("%s %s was read", c.country, c.value)
			continue
		}
		if e := err.(*relay.Error); !strings.Contains(e.Message, c.says) || e.Fields[0].Field != "phone" || e.Fields[0].Excerpt == "" {
			t.Errorf("%s %s: %s", c.country, c.value, e.Message)
		}
	}
}

func TestIdsAreFreedOfWhatCannotBeSeen(t *testing.T) {
	for body, want := range map[string]relay.Address{
		`"chat_id":" 77\u00a0234\u200b"`:                           {ChatID: "77234"},
		`"chat_id":77234.0`:                                        {ChatID: "77234"},
		`"chat_id":7.7234e4`:                                       {ChatID: "77234"},
		`"chat_id":12345678901234567`:                              {ChatID: "12345678901234567"},
		`"jid":"\u200e14151231234@s.whatsapp.net\u00a0"`:           {JID: "14151231234@s.whatsapp.net"},
		`"jid":"14151231234@c.us"`:                                 {JID: "14151231234@s.whatsapp.net"},
		`"phone":"null","chat_id":"undefined","jid":"1234567@lid"`: {JID: "1234567@lid"},
	} {
		a, _, err := read(NewReader(), []byte(`{"action":"send","text":"x",`+body+`}`), Input{Now: now})
		if err != nil || a.To != want {
			t.Errorf("%s: %+v (%v)", body, a.To, err)
		}
	}
}

func TestMergeTagsAreFoundAndNothingElse(t *testing.T) {
	for _, tag := range []string{
		"{{contact.name}}", "{{ $json.phone }}", "{{{name}}}", "{{1.phone}}", "{{lead.First Name:default=x}}", "{{#if x}}", "%FIRSTNAME%", "%CONTACT_PHONE%",
		"[[first_name]]", "[[ Name ]]", "${Leads.First Name}", "{=Document:NAME}", "@{triggerBody()?['x']}", "*|FNAME|*", "{!Contact.FirstName}", "{{ticket.id | plain}}",
	} {
		for _, text := range []string{tag, "Hello " + tag + ", welcome", "x" + tag + "x", "a\\n" + tag} {
			e := refusalOf(t, sent+text+`"}`)
			if e == nil || e.Code != relay.CodeInvalidField || !IsMergeTag(e) || !strings.Contains(e.Message, "a merge tag that was not filled in") {
				t.Errorf("%s: %+v", text, e)
				continue
			}
			if want := 48 + strings.Index(text, tag) + 1; e.Fields[0].Column != want && !strings.HasPrefix(tag, "{{{") {
				t.Errorf("%s: column %d, want %d", text, e.Fields[0].Column, want)
			}
			if _, _, err := read(NewReader(), []byte(sent+text+`"}`), Input{Now: now, AllowTags: true}); err != nil {
				t.Errorf("%s is refused also where tags are allowed: %v", text, err)
			}
		}
	}
	for _, text := range []string{
		"Save 50% today, 100% sure", "20%OFF% now", "{}", "{{}}", "{ {a} }", "[[]]", "[[1]]", "[[1,2],[3,4]]", "if (a) {b}", "100%", "5 * 3 | 4 * 2", "{!}", "%A% and %B%", "50 %, 60 %",
		"$5", "${5}", "ann@example.com {x}", "{=}", "{{\\n}}", "a {{b", "b}} c",
	} {
		if e := refusalOf(t, sent+text+`"}`); e != nil {
			t.Errorf("%s: %s", text, e.Message)
		}
	}
	if e := refusalOf(t, callStart+`"file_name":"a.pdf","file_url":"https://example.com/%D0BF%ABC%20"}`); e != nil {
		t.Errorf("an address with codes: %s", e.Message)
	}
	if e := refusalOf(t, callStart+`"file_name":"a.pdf","file_url":"https://example.com/{{1.file}}"}`); e == nil || !IsMergeTag(e) {
		t.Errorf("an address with a tag: %+v", e)
	}
	if e := refusalOf(t, callStart+`"template":{"name":"a","language":"en","variables":["x","{{1}}"]}}`); e == nil || !IsMergeTag(e) {
		t.Errorf("a variable with a tag: %+v", e)
	}
}

func TestAMergeTagIsFoundWhereverAValueIsTakenFrom(t *testing.T) {
	for field, body := range map[string]string{
		"text":             callStart + `"text":["Hi {{name}}"]}`,
		"phone":            `{"action":"send","text":"x","phone":[{"value":"{{phone}}","primary":true},{"value":"+14151231234"}]}`,
		"idempotency_key":  sent + `x","idempotency_key":["{{id}}"]}`,
		"chat_name":        `{"action":"send","text":"x","chat_name":{"value":"[[ name ]]"}}`,
		"file_name":        callStart + `"file_url":"https://example.com/a","file_name":["%FILENAME%"]}`,
		"text, escaped":    sent + `\u007b\u007bname\u007d\u007d"}`,
		"text, é in it":    sent + `{{\u00e9tat}}"}`,
		"text, and a list": callStart + `"text":["a\\\"b","{{c}}"]}`,
	} {
		e := refusalOf(t, body)
		field, _, _ = strings.Cut(field, ",")
		if e == nil || !IsMergeTag(e) || e.Fields[0].Field != field || e.Fields[0].Excerpt == "" {
			t.Errorf("%s: %+v", body, e)
		}
		if _, err := NewReader().Read([]byte(body), Input{Now: now, AllowTags: true}); err != nil && IsMergeTag(err.(*relay.Error)) {
			t.Errorf("%s: refused although tags are allowed", body)
		}
	}
	for _, body := range []string{callStart + `"text":["a",[[true]]]}`, callStart + `"template":{"name":"a","language":"en","variables":[[ "a" ]]}}`} {
		if e := refusalOf(t, body); e == nil || IsMergeTag(e) {
			t.Errorf("%s: brackets of JSON were taken for a tag: %+v", body, e)
		}
	}
}

// refusalOf is the refusal of a body, nil where it is read.
func refusalOf(t *testing.T, body string) *relay.Error {
	t.Helper()
	_, _, err := read(NewReader(), []byte(body), Input{Now: now})
	if err == nil {
		return nil
	}
	return err.(*relay.Error)
}

func TestATextThatIsHardlyMeantIsSentWithAWarning(t *testing.T) {
	for text, told := range map[string]string{
		"Hello undefined, welcome": "the word undefined", "<p>Hello</p>": "holds HTML", "O&#39;Brien &amp; Co": "holds HTML", "a <b>x": "holds HTML",
		"1 < 2 & 3 > 2": "", "AT&T": "", "undefinedness": "", "a <3 b": "", "<name>": "",
	} {
		a, warnings, err := read(NewReader(), []byte(sent+text+`"}`), Input{Now: now})
		if got := strings.Join(warnings, " "); err != nil || a.Text != text || !strings.Contains(got, told) || told == "" && got != "" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if e := refusalOf(t, sent+`order [object Object]"}`); e == nil || !strings.Contains(e.Message, "an object was put where a text belongs") {
		t.Errorf("got %+v", e)
	}
}

func TestAPlusThatAFormDidNotEncodeStaysAPlus(t *testing.T) {
	for _, country := range []string{"", "DE", "US", "MX", "BR"} {
		for _, form := range []string{
			"action=send&phone=+15512345678&text=1+1", "action=send&phone=+1-551-234-5678&text=1+1", "action=send&phone=%2B15512345678&text=1+1",
			`%7B"action":"send","phone":"+15512345678","text":"1%201"%7D`, "%7B%22action%22%3A%22send%22%2C%22phone%22%3A%22+15512345678%22%2C%22text%22%3A%221+1%22%7D",
		} {
			a, _, err := read(NewReader(), []byte(form), Input{Now: now, Country: country})
			if err != nil || a.To.Phone != "+15512345678" || a.Text != "1 1" {
				t.Errorf("%s %s: %q to %s, %v", country, form, a.Text, a.To.Phone, err)
			}
		}
	}
}

func TestAKeyThatIsNoWordOfItsOwnIsNone(t *testing.T) {
	for _, v := range []string{"undefined", " null "} {
		a, warnings, err := read(NewReader(), []byte(sent+`x","idempotency_key":"mine"}`), Input{Now: now, Keys: []Key{{Name: "Idempotency-Key", Value: v}}})
		if err != nil || a.Key != "mine" || len(warnings) != 1 {
			t.Errorf("%q: key %q, told %q, %v", v, a.Key, warnings, err)
		}
		a, _, err = read(NewReader(), []byte(sent+`x"}`), Input{Now: now, Deliveries: []Key{{Name: "X-Id", Value: v}}})
		if err != nil || a.Key != "" {
			t.Errorf("%q as a delivery's id: key %q, %v", v, a.Key, err)
		}
		for _, body := range []string{`"` + v + `"`, `["` + v + `"]`, `{"value":"` + v + `"}`, `[" "]`} {
			a, warnings, err := read(NewReader(), []byte(sent+`x","idempotency_key":`+body+`}`), Input{Now: now})
			if err != nil || a.Key != "" || len(warnings) != 1 {
				t.Errorf("%s: key %q, told %q, %v", body, a.Key, warnings, err)
			}
		}
		done, err := mapped(t, `{"p":"+14151231234","id":["`+v+`"]}`, map[string]relay.MappedField{"phone": {Path: "p"}, "text": {Value: "x"}, "idempotency_key": {Value: "order {id}"}})
		if err != nil || done.Action.Key != "" {
			t.Errorf("%q by a mapping: key %q, %v", v, done.Action.Key, err)
		}
	}
	if e := refusalOf(t, callStart+`"text":["null"]}`); e == nil || e.Code != relay.CodeNoContent {
		t.Errorf("a text that is nothing: %+v", e)
	}
}
