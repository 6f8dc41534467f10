package infobip

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/infobip/infobiptest"
)

func TestWhatPeopleWriteIsReadWhateverItsType(t *testing.T) {
	a := newAccount(t)
	media := "https://xxxxx.api.infobip.com/whatsapp/1/senders/441134960000/media/1"
	d := New(Options{})
	file := func(caption string) []relay.InboundFile {
		return []relay.InboundFile{{URL: media, Auth: true, Caption: caption}}
	}
	for _, c := range []struct {
		message map[string]any
		text    string
		files   []relay.InboundFile
	}{
		{map[string]any{"type": "TEXT", "text": "Hello", "context": map[string]any{"id": "q"}}, "Hello", nil},
		{map[string]any{"type": "IMAGE", "url": media, "caption": "look"}, "look", file("look")},
		{map[string]any{"type": "VIDEO", "url": media}, "", file("")},
		{map[string]any{"type": "AUDIO", "url": media}, "", file("")},
		{map[string]any{"type": "VOICE", "url": media}, "", file("")},
		{map[string]any{"type": "STICKER", "url": media}, "", file("")},
		{map[string]any{"type": "DOCUMENT", "url": media, "caption": "bill.pdf"}, "bill.pdf", []relay.InboundFile{{URL: media, Auth: true, Caption: "bill.pdf", Name: "bill.pdf"}}},
		{map[string]any{"type": "IMAGE", "url": "https://elsewhere.example/1"}, "", []relay.InboundFile{{URL: "https://elsewhere.example/1"}}},
		{map[string]any{"type": "LOCATION", "latitude": 45.5, "longitude": -15, "name": "Home", "address": "Street 1"}, "Home, Street 1, 45.5,-15", nil},
		{map[string]any{"type": "CONTACT", "contacts": []any{map[string]any{"name": map[string]any{"formattedName": "Ann"}, "phones": []any{map[string]any{"phone": "+1"}, map[string]any{"phone": "+2"}}}, map[string]any{"name": map[string]any{"firstName": "B", "lastName": "C"}}}}, "Ann: +1, +2\nB C", nil},
		{map[string]any{"type": "BUTTON", "text": "Yes", "payload": "yes"}, "Yes", nil},
		{map[string]any{"type": "INTERACTIVE_BUTTON_REPLY", "id": "1", "title": "Yes"}, "Yes", nil},
		{map[string]any{"type": "INTERACTIVE_LIST_REPLY", "id": "1", "title": "Yes", "description": "please"}, "Yes: please", nil},
		{map[string]any{"type": "INTERACTIVE_FLOW_REPLY", "text": "Sent", "response": map[string]any{}}, "Sent", nil},
		{map[string]any{"type": "REACTION", "emoji": "👍", "action": "ADDED"}, "👍", nil},
		{map[string]any{"type": "ORDER", "text": "two"}, "An order: two", nil},
		{map[string]any{"type": "INFECTED_CONTENT", "url": media, "malware": "x"}, "A file with malware, which Infobip held back.", nil},
		{map[string]any{"type": "UNSUPPORTED"}, "", nil},
	} {
		got, err := d.Receive(channel(t, settings{}), post(infobiptest.Batch(a.Inbound("WHATSAPP", person, "wamid.1", c.message, noon.Add(-time.Minute))), nil))
		if err != nil || len(got.Inbound) != 1 {
			t.Errorf("%v: %+v, %v", c.message, got, err)
			continue
		}
		in := got.Inbound[0]
		if in.ID != "wamid.1" || in.From != "+"+person || in.Name != "Frank" || in.User != "HR.123" || !in.At.Equal(noon.Add(-time.Minute)) || in.Kind != strings.ToLower(c.message["type"].(string)) {
			t.Errorf("%v: %+v", c.message, in)
		}
		if in.Text != c.text || !slices.Equal(in.Files, c.files) {
			t.Errorf("%v: %q %+v, want %q %+v", c.message, in.Text, in.Files, c.text, c.files)
		}
	}
}

func TestWhatPeopleWriteToViber(t *testing.T) {
	a := newAccount(t)
	got, err := NewViber(Options{}).Receive(viberChannel(t, asLink), post(infobiptest.Batch(
		a.Inbound("VIBER", person, "1", map[string]any{"type": "TEXT", "text": "Hi", "trackingData": "x"}, noon),
		a.Inbound("VIBER", person, "2", map[string]any{"type": "FILE", "url": "https://media.viber.example/1", "fileName": "a.pdf", "text": "see"}, noon),
		map[string]any{"from": person, "to": "companyname", "messageId": "3", "message": map[string]any{"type": "TEXT", "text": "older"}},
	), nil))
	if err != nil || len(got.Inbound) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if f := got.Inbound[1]; f.Text != "see" || len(f.Files) != 1 || f.Files[0] != (relay.InboundFile{URL: "https://media.viber.example/1", Name: "a.pdf", Caption: "see"}) {
		t.Errorf("%+v", f)
	}
	for _, in := range got.Inbound {
		if in.From != "+"+person || !in.At.Equal(noon) {
			t.Errorf("%+v", in)
		}
	}
}

func TestAPersonWithoutANumberHasAnID(t *testing.T) {
	text := map[string]any{"type": "TEXT", "text": "Hi"}
	for _, r := range []map[string]any{
		{"from": "HR.123", "to": sender, "messageId": "1", "message": text},
		{"from": "HR.999", "to": sender, "messageId": "1", "message": text, "contact": map[string]any{"userId": "HR.123"}},
	} {
		got, err := New(Options{}).Receive(channel(t, settings{}), post(infobiptest.Batch(r), nil))
		if err != nil || len(got.Inbound) != 1 || got.Inbound[0].From != "" || got.Inbound[0].User != "HR.123" {
			t.Errorf("%v: %+v, %v", r, got, err)
		}
	}
}

func TestOneAddressTakesABatchOfEverything(t *testing.T) {
	a := newAccount(t)
	m := infobiptest.Message{Channel: "WHATSAPP", ID: ourID, From: sender, To: person, At: noon}
	strange := m
	strange.ID = "a28dd97c-1ffb-4fcf-99f1-0b557ed381da"
	results := []any{
		infobiptest.Report(m, 7, 0, noon), infobiptest.Report(m, 5, 0, noon), infobiptest.Report(m, 5, 0, noon), infobiptest.Seen(m, noon),
		infobiptest.Report(strange, 5, 0, noon),
		a.Inbound("WHATSAPP", person, "wamid.1", map[string]any{"type": "TEXT", "text": "Hello"}, noon),
		map[string]any{"event": "CLICK", "url": "https://x"}, map[string]any{}, map[string]any{"status": map[string]any{"groupId": 0}, "messageId": ourID},
		[]any{"what is no object"},
	}
	for _, batch := range [][]any{results, infobiptest.Reversed(slices.Clone(results)...)} {
		got, err := New(Options{}).Receive(channel(t, settings{}), post(infobiptest.Batch(batch...), nil))
		if err != nil || len(got.Reports) != 5 || len(got.Inbound) != 1 || got.Fault != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		count := map[relay.Status]int{}
		for _, r := range got.Reports {
			count[r.Status]++
			if !r.At.Equal(noon) || (r.MessageID == ourID) != (r.ProviderID == ourID) {
				t.Errorf("%+v", r)
			}
		}
		if count[relay.Sent] != 1 || count[relay.Delivered] != 3 || count[relay.Read] != 1 {
			t.Errorf("%v", count)
		}
	}
}

func TestResultsOfAnotherSenderDoNotCount(t *testing.T) {
	a := newAccount(t)
	other := infobiptest.New(infobiptest.Options{Sender: "441134960009", ViberSender: "Other"})
	text := map[string]any{"type": "TEXT", "text": "x"}
	viberReport := infobiptest.Report(infobiptest.Message{Channel: "VIBER", ID: ourID, From: "Other"}, 5, 0, noon)
	wa, vb := New(Options{}), NewViber(Options{})
	for name, c := range map[string]struct {
		d  relay.Receiver
		ch relay.Channel
		r  any
	}{
		"a message to another number":     {wa, channel(t, settings{}), other.Inbound("WHATSAPP", person, "1", text, noon)},
		"a message to nobody":             {wa, channel(t, settings{}), map[string]any{"from": person, "message": text}},
		"a message on another channel":    {wa, channel(t, settings{}), map[string]any{"from": person, "to": sender, "integrationType": "VIBER", "message": text}},
		"a message to another name":       {vb, viberChannel(t, asLink), other.Inbound("VIBER", person, "1", text, noon)},
		"a report of another name":        {vb, viberChannel(t, asLink), viberReport},
		"a seen report of another number": {wa, channel(t, settings{}), infobiptest.Seen(infobiptest.Message{ID: ourID, From: "441134960009", To: person, At: noon}, noon)},
	} {
		if got, err := c.d.Receive(c.ch, post(infobiptest.Batch(c.r), nil)); !errors.Is(err, relay.ErrForged) || len(got.Reports)+len(got.Inbound) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	got, err := wa.Receive(channel(t, settings{}), post(infobiptest.Batch(
		other.Inbound("WHATSAPP", person, "1", text, noon), a.Inbound("WHATSAPP", person, "2", text, noon)), nil))
	if err != nil || len(got.Inbound) != 1 || got.Inbound[0].ID != "2" {
		t.Errorf("a batch of two senders: %+v, %v", got, err)
	}
}

func TestCredentialsOfACallbackAreChecked(t *testing.T) {
	body := infobiptest.Batch(infobiptest.Report(infobiptest.Message{ID: ourID}, 5, 0, noon))
	basic := settings{CallbackUser: "u", CallbackPassword: "p"}
	signed := settings{CallbackSecret: "secret"}
	named := settings{CallbackSecret: "secret", CallbackHeader: "X-Mine"}
	mac := hmac.New(sha512.New384, []byte("secret"))
	mac.Write(body)
	in384 := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	right := infobiptest.Security{Secret: "secret"}.Headers(body)
	hexOnly := strings.TrimPrefix(right.Get("X-Hub-Signature-256"), "sha256=")
	for name, c := range map[string]struct {
		s    settings
		h    http.Header
		good bool
	}{
		"nothing asked":       {settings{}, http.Header{}, true},
		"user and password":   {basic, infobiptest.Security{User: "u", Password: "p"}.Headers(body), true},
		"another password":    {basic, infobiptest.Security{User: "u", Password: "q"}.Headers(body), false},
		"another user":        {basic, infobiptest.Security{User: "v", Password: "p"}.Headers(body), false},
		"no user":             {basic, http.Header{}, false},
		"a bearer":            {basic, http.Header{"Authorization": {"Bearer p"}}, false},
		"a signature":         {signed, right, true},
		"without its prefix":  {signed, http.Header{"X-Infobip-Signature": {hexOnly}}, true},
		"in another form":     {signed, http.Header{"X-Signature": {in384}}, true},
		"with another prefix": {signed, http.Header{"X-Hub-Signature": {"SHA384=" + in384}}, true},
		"in a header of ours": {named, infobiptest.Security{Secret: "secret", Header: "X-Mine"}.Headers(body), true},
		"in another header":   {named, right, false},
		"of another secret":   {signed, infobiptest.Security{Secret: "other"}.Headers(body), false},
		"of another body":     {signed, infobiptest.Security{Secret: "secret"}.Headers([]byte("{}")), false},
		"no signature":        {signed, http.Header{}, false},
		"an empty one":        {signed, http.Header{"X-Signature": {"sha256="}}, false},
		"MD5":                 {signed, http.Header{"X-Signature": {strings.Repeat("0", 32)}}, false},
	} {
		ch := channel(t, c.s)
		got, err := New(Options{}).Receive(ch, post(body, c.h))
		if c.good != (err == nil && len(got.Reports) == 1) || !c.good && !errors.Is(err, relay.ErrForged) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	got, err := New(Options{}).Receive(channel(t, signed), post([]byte("{"), http.Header{}))
	if !errors.Is(err, relay.ErrForged) {
		t.Errorf("read before it was verified: %+v, %v", got, err)
	}
}

func TestWhatIsNoCallbackIsAnErrorAndNotForged(t *testing.T) {
	for _, body := range []string{"", "{", "[]", `"x"`, `{"results":3}`, `{"results":[3,"x"]}`} {
		if got, err := New(Options{}).Receive(channel(t, settings{}), post([]byte(body), nil)); err == nil || errors.Is(err, relay.ErrForged) {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{"{}", "null", `{"results":[]}`, `{"results":[{"event":"CLICK"}]}`, `{"event":"ACCOUNT_UPDATE"}`} {
		if got, err := New(Options{}).Receive(channel(t, settings{}), post([]byte(body), nil)); err != nil || len(got.Reports)+len(got.Inbound)+len(got.Templates) != 0 {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
}

func TestOurIDComesBackInEitherField(t *testing.T) {
	m := infobiptest.Message{Channel: "VIBER", From: viberSender, ID: "theirs", CallbackData: ourID}
	got, err := NewViber(Options{}).Receive(viberChannel(t, asLink), post(infobiptest.Batch(infobiptest.Report(m, 5, 0, noon)), nil))
	if err != nil || len(got.Reports) != 1 || got.Reports[0].MessageID != ourID || got.Reports[0].ProviderID != "theirs" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range []string{"wa_backend:3EB0", "wa_backend:3EB00123456789abcdef01", "x" + ourID, ourID + "0"} {
		if isOurs(id) {
			t.Errorf("%q is taken for ours", id)
		}
	}
}

func TestTimesAreReadOrTakenFromTheCall(t *testing.T) {
	for v, want := range map[text]time.Time{
		"2025-01-01T10:10:00.000+0000": time.Date(2025, 1, 1, 10, 10, 0, 0, time.UTC),
		"2025-01-01T10:10:00.5+02:00":  time.Date(2025, 1, 1, 8, 10, 0, 500_000_000, time.UTC),
		"2025-01-01T10:10:00Z":         time.Date(2025, 1, 1, 10, 10, 0, 0, time.UTC),
		"2025-01-01T10:10:00+0100":     time.Date(2025, 1, 1, 9, 10, 0, 0, time.UTC),
		"1735726200":                   time.Date(2025, 1, 1, 10, 10, 0, 0, time.UTC),
		"1735726200000":                time.Date(2025, 1, 1, 10, 10, 0, 0, time.UTC),
		"":                             noon, "soon": noon, "0": noon, "2099-01-01T00:00:00Z": noon, "1970-01-01T00:00:00Z": noon, "9223372036854775807": noon,
	} {
		if got := timeOf(noon, v); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
	if got := timeOf(noon, "", "2025-01-01T10:10:00Z"); got.Year() != 2025 {
		t.Errorf("the second is not taken: %s", got)
	}
}

func FuzzReceive(f *testing.F) {
	raw, _ := json.Marshal(settings{BaseURL: "https://xxxxx.api.infobip.com", APIKey: key, Sender: sender, FilesAs: asLink})
	a := infobiptest.New(infobiptest.Options{Sender: sender, ViberSender: sender})
	for _, r := range []any{
		infobiptest.Report(infobiptest.Message{Channel: "VIBER", ID: ourID, From: sender}, 12, 7010, noon), infobiptest.Seen(infobiptest.Message{ID: ourID, From: sender}, noon),
		a.Inbound("WHATSAPP", person, "1", map[string]any{"type": "CONTACT", "contacts": []any{map[string]any{}}}, noon), a.Inbound("VIBER", person, "1", map[string]any{"type": "FILE", "url": "::"}, noon), nil,
	} {
		f.Add(infobiptest.Batch(r), "sha256=00")
	}
	f.Add([]byte(`{"messageTemplateId":"1","change":{"newStatus":"APPROVED"}}`), "")
	ch := relay.Channel{ID: "ch_1", Settings: raw}
	drivers := []relay.Receiver{New(Options{}), NewViber(Options{})}
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		for _, d := range drivers {
			got, err := d.Receive(ch, post(body, http.Header{"X-Signature": {signature}}))
			if err != nil && len(got.Reports)+len(got.Inbound)+len(got.Templates) != 0 {
				t.Errorf("an error comes with %+v", got)
			}
			for _, r := range got.Reports {
				if r.At.IsZero() || r.Status == "" || r.MessageID == "" && r.ProviderID == "" || (r.Status == relay.Failed) != (r.Failure != nil) {
					t.Errorf("%+v", r)
				}
			}
			s := settings{CallbackSecret: "secret"}
			if s.verify(post(body, http.Header{"X-Signature": {signature}})) == nil {
				t.Errorf("%q is a signature", signature)
			}
		}
	})
}
