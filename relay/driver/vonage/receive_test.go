package vonage

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
	"relevo/relay/driver/vonage/vonagetest"
)

func TestStatusesBecomeReports(t *testing.T) {
	r := newRig(t)
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	m := vonagetest.Message{UUID: "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", To: "447700900000", Ref: testID}
	for word, want := range map[string]relay.Status{"submitted": relay.Sent, "delivered": relay.Delivered, "read": relay.Read, "seen": relay.Read, "rejected": relay.Failed, "undeliverable": relay.Failed} {
		got, err := r.receive(r.fake.Status(m, word, "", at))
		if err != nil || len(got.Reports) != 1 {
			t.Fatalf("%s: %+v, %v", word, got, err)
		}
		rep := got.Reports[0]
		if rep.Status != want || rep.MessageID != testID || rep.ProviderID != m.UUID || !rep.At.Equal(at) || (rep.Failure != nil) != (want == relay.Failed) {
			t.Errorf("%s became %+v, want %s", word, rep, want)
		}
	}
}

func TestAStatusOfUnknownCodeSaysSo(t *testing.T) {
	r := newRig(t)
	got, err := r.receive(r.fake.Status(vonagetest.Message{UUID: "u", To: "447700900000"}, "rejected", "8888", time.Now()))
	if err != nil || len(got.Reports) != 1 || got.Reports[0].Failure.Code != relay.CodeProviderFailed || !strings.Contains(got.Reports[0].Failure.Message, "8888") {
		t.Errorf("got %+v, %v", got, err)
	}
	if got.Reports[0].MessageID != "" {
		t.Errorf("a message without our reference has the id %q", got.Reports[0].MessageID)
	}
}

// Shapes in which Vonage's own libraries have seen the same things.
func TestOddShapesOfStatuses(t *testing.T) {
	r := newRig(t)
	now := time.Now().UTC().Truncate(time.Second)
	stamp := now.Add(-time.Minute)
	for name, c := range map[string]struct {
		body string
		want relay.Report
	}{
		"ATitleThatIsANumber": {`{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":"` + stamp.Format("2006-01-02T15:04:05.000Z") + `","status":"rejected","error":{"title":1300}}`,
			relay.Report{ProviderID: "u", Status: relay.Failed, At: stamp, Failure: &relay.Failure{Code: relay.CodeNotOnWhatsApp, Message: told["1300"].reason}}},
		"ACodeInTheTypeAlone": {`{"message_uuid":"u","to":"447700900000","from":"+447700900001","channel":"whatsapp","timestamp":"` + stamp.Format(time.RFC3339) + `","status":"rejected","error":{"type":"https://developer.vonage.com/api-errors/messages#1340","title":"Outside"}}`,
			relay.Report{ProviderID: "u", Status: relay.Failed, At: stamp, Failure: &relay.Failure{Code: relay.CodeWindowClosed, Message: told["1340"].reason}}},
		"ARecipientWithoutANumber": {`{"message_uuid":"u","to":"US.13491208655302741918","from":"447700900001","channel":"whatsapp","timestamp":"` + stamp.Format(time.RFC3339) + `","status":"delivered","client_ref":"crm-77","workflow":{"id":"x","item_number":"1"}}`,
			relay.Report{ProviderID: "u", Status: relay.Delivered, At: stamp}},
		"ATimeOfNoSense": {`{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":"yesterday","status":"read"}`,
			relay.Report{ProviderID: "u", Status: relay.Read, At: now}},
		"ATimeOfTheFuture": {`{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":"2999-01-01T00:00:00Z","status":"read"}`,
			relay.Report{ProviderID: "u", Status: relay.Read, At: now}},
		"ATimeInMilliseconds": {`{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","timestamp":1700000000000,"status":"read"}`,
			relay.Report{ProviderID: "u", Status: relay.Read, At: time.Unix(1700000000, 0).UTC()}},
		"VersionZeroOne": {`{"message_uuid":"u","to":{"type":"whatsapp","number":"447700900000"},"from":{"type":"whatsapp","number":"447700900001"},"timestamp":"` + stamp.Format(time.RFC3339) + `","status":"undeliverable","error":{"code":1300,"reason":"x"},"client_ref":"` + testID + `"}`,
			relay.Report{MessageID: testID, ProviderID: "u", Status: relay.Failed, At: stamp, Failure: &relay.Failure{Code: relay.CodeNotOnWhatsApp, Message: told["1300"].reason}}},
	} {
		body := []byte(c.body)
		got, err := r.Receive(r.channel, relay.Callback{Body: body, At: now, Header: header(r.fake.Sign(body, now))})
		if err != nil || len(got.Reports) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Reports[0]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestInboundMessagesOfEveryType(t *testing.T) {
	r := newRig(t)
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	const link = "https://api-us.nexmo.com/v3/media/1b456509-974c-458b-aafa-45fc48a4d976"
	files := func(f relay.InboundFile) []relay.InboundFile {
		f.URL, f.Auth = link, true
		return []relay.InboundFile{f}
	}
	type obj = map[string]any
	for _, c := range []struct {
		kind   string
		fields obj
		text   string
		files  []relay.InboundFile
	}{
		{"text", obj{"text": "Hi"}, "Hi", nil},
		{"image", obj{"image": obj{"url": link, "caption": "us", "name": "a.jpg"}}, "", files(relay.InboundFile{Name: "a.jpg", Caption: "us"})},
		{"video", obj{"video": obj{"url": link}}, "", files(relay.InboundFile{})},
		{"audio", obj{"audio": obj{"url": link}}, "", files(relay.InboundFile{})},
		{"file", obj{"file": obj{"url": link, "name": "a.pdf"}}, "", files(relay.InboundFile{Name: "a.pdf"})},
		{"sticker", obj{"sticker": obj{"url": link}}, "", files(relay.InboundFile{})},
		{"location", obj{"location": obj{"lat": 40.34772, "long": -74.18847, "name": "Vonage", "address": "23 Main St", "url": "https://www.vonage.com/"}}, "Vonage, 23 Main St (40.34772, -74.18847) https://www.vonage.com/", nil},
		{"location", obj{"location": obj{"lat": 1, "long": 2}}, "(1, 2)", nil},
		{"contacts", obj{"contacts": []obj{{"name": obj{"formatted_name": "Bob Smith"}, "phones": []obj{{"phone": "+441234"}}}, {"name": obj{"first_name": "Al", "last_name": "B"}, "emails": []obj{{"email": "a@b.c"}}}}}, "Bob Smith: +441234\nAl B: a@b.c", nil},
		{"reply", obj{"reply": obj{"id": "1", "title": "9am", "description": "Morning"}}, "9am: Morning", nil},
		{"button", obj{"button": obj{"payload": "button_1", "text": "Agree"}}, "Agree", nil},
		{"button", obj{"button": obj{"payload": obj{"flow_token": "x"}, "subtype": "flow"}}, `{"flow_token":"x"}`, nil},
		{"order", obj{"order": obj{"catalog_id": "1", "product_items": []obj{{"product_retailer_id": "pk1", "quantity": "2", "item_price": "9.99", "currency": "USD"}}}}, "2 × pk1 (9.99 USD)", nil},
		{"reaction", obj{"reaction": obj{"action": "react", "emoji": "😀"}}, "😀", nil},
		{"reaction", obj{"reaction": obj{"action": "unreact"}}, "", nil},
		{"unsupported", nil, "", nil},
		{"hologram", obj{"text": "new", "hologram": []int{1}}, "new", nil},
		{"image", obj{"image": "not an object"}, "", nil},
	} {
		got, err := r.receive(r.fake.Inbound("447700900002", c.kind, c.fields, at))
		if err != nil || len(got.Inbound) != 1 {
			t.Errorf("%s: %+v, %v", c.kind, got, err)
			continue
		}
		in := got.Inbound[0]
		want := relay.Inbound{ID: in.ID, From: "+447700900002", User: "GB.13491208655302741918", Name: "Jane Smith", Text: c.text, Files: c.files, Kind: c.kind, At: at}
		if diff := cmp.Diff(want, in); diff != "" || in.ID == "" {
			t.Errorf("%s: -want +got\n%s", c.kind, diff)
		}
	}
}

func TestWhoWrote(t *testing.T) {
	r := newRig(t)
	one := func(from string, fields map[string]any) relay.Inbound {
		t.Helper()
		got, err := r.receive(r.fake.Inbound(from, "text", fields, time.Now()))
		if err != nil || len(got.Inbound) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		return got.Inbound[0]
	}
	if in := one("US.134912086553", map[string]any{"whatsapp": map[string]any{}}); in.From != "" || in.User != "US.134912086553" {
		t.Errorf("a user without a number: %+v", in)
	}
	if in := one("US.134912086553", nil); in.From != "" || in.User != "GB.13491208655302741918" {
		t.Errorf("a user with a bad wa_id: %+v", in)
	}
	if in := one("US.134912086553", map[string]any{"whatsapp": map[string]any{"sender": map[string]any{"wa_id": "447700900002", "user_id": "US.134912086553"}}}); in.From != "+447700900002" || in.User != "US.134912086553" {
		t.Errorf("a user with a wa_id: %+v", in)
	}
	if in := one("447700900002", map[string]any{"profile": map[string]any{"username": "jane"}}); in.Name != "jane" {
		t.Errorf("a username: %+v", in)
	}
}

func TestAnInboundMessageOfVersionZeroOne(t *testing.T) {
	r := newRig(t)
	body := []byte(`{"message_uuid":"u1","to":{"type":"whatsapp","number":"447700900001"},"from":{"type":"whatsapp","number":"447700900002"},"timestamp":"2020-01-01T14:00:00.000Z","direction":"inbound","message":{"content":{"type":"text","text":"Hello"}}}`)
	got, err := r.receive(body)
	want := relay.Inbound{ID: "u1", From: "+447700900002", Kind: "text", Text: "Hello", At: time.Date(2020, 1, 1, 14, 0, 0, 0, time.UTC)}
	if err != nil || len(got.Inbound) != 1 || cmp.Diff(want, got.Inbound[0]) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEventsOfOthersTellNothing(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{
		`{}`, `[]`, `[null]`, `{"message_uuid":"u","to":"447700900000","from":"447700900001","channel":"whatsapp","status":"pondering"}`,
		`{"message_uuid":"u","to":"x","from":"12345","channel":"sms","status":"delivered"}`, `{"message_uuid":"u","to":"x","from":"y","channel":"viber_service","message_type":"text","text":"hi"}`,
		`{"conversation_uuid":"x","status":"ringing"}`, `{"message_uuid":"u","channel":"whatsapp"}`,
	} {
		got, err := r.receive([]byte(body))
		if err != nil || len(got.Reports)+len(got.Inbound)+len(got.Templates) != 0 || got.Fault != "" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{``, `null`, `"x"`, `7`, `{"a"`, `[1]`} {
		if _, err := r.receive([]byte(body)); err == nil || errors.Is(err, relay.ErrForged) && body != `` {
			t.Errorf("%s: %v, want an error of reading", body, err)
		}
	}
}

func TestEventsOfAnotherNumberAreForged(t *testing.T) {
	r := newRig(t)
	ours := r.fake.Status(vonagetest.Message{UUID: "u", To: "447700900000"}, "read", "", time.Now())
	for _, body := range [][]byte{
		bytes.ReplaceAll(ours, []byte("447700900001"), []byte("447700900099")),
		bytes.ReplaceAll(r.fake.Inbound("447700900002", "text", map[string]any{"text": "hi"}, time.Now()), []byte("447700900001"), []byte("447700900099")),
		[]byte(`{"message_uuid":"u","channel":"whatsapp","status":"read"}`),
		vonagetest.Batch(ours, []byte(`{"message_uuid":"u","channel":"whatsapp","status":"read"}`)),
	} {
		if got, err := r.receive(body); !errors.Is(err, relay.ErrForged) || len(got.Reports) != 0 {
			t.Errorf("%s: %+v, %v, want forged", body, got, err)
		}
	}
}

func TestBatchesAndRepetitions(t *testing.T) {
	r := newRig(t)
	read := r.fake.Status(vonagetest.Message{UUID: "u", To: "447700900000", Ref: testID}, "read", "", time.Now())
	got, err := r.receive(vonagetest.Batch(read, read, r.fake.Inbound("447700900002", "text", map[string]any{"text": "hi"}, time.Now())))
	if err != nil || len(got.Reports) != 2 || len(got.Inbound) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTemplatePushes(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	got, err := r.receive(r.fake.Notice("1689", "order_ready", "en_US", "REJECTED", "INVALID_FORMAT", now))
	want := []relay.TemplateChange{{ID: "1689", Name: "order_ready", Language: "en_US", Status: relay.TemplateRejected, Reason: "INVALID_FORMAT"}}
	if err != nil || cmp.Diff(want, got.Templates) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = r.receive(r.fake.Notice("1689", "order_ready", "en_US", "APPROVED", "NONE", now))
	if err != nil || len(got.Templates) != 1 || got.Templates[0].Status != relay.TemplateApproved || got.Templates[0].Reason != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	var nested map[string]any
	if err := json.Unmarshal(r.fake.Notice("1689", "a", "en", "PAUSED", "", now), &nested); err != nil {
		t.Fatal(err)
	}
	w := nested["whatsapp"].(map[string]any)
	nested["whatsapp"] = map[string]any{"notification_type": "message_template_status_paused", "waba_info": w["waba_info"], "value": w}
	if got, err = r.receive(mustJSON(t, nested)); err != nil || len(got.Templates) != 1 || got.Templates[0].Status != relay.TemplatePaused {
		t.Errorf("nested: %+v, %v", got, err)
	}
	other := bytes.ReplaceAll(r.fake.Notice("1689", "a", "en", "PAUSED", "", now), []byte("a1b2c3d4"), []byte("ffffffff"))
	if _, err = r.receive(other); !errors.Is(err, relay.ErrForged) {
		t.Errorf("a notice of another account: %v", err)
	}
	if got, err = r.receive([]byte(`{"notification_id":"x","whatsapp":{"notification_type":"phone_number_quality_update"}}`)); err != nil || len(got.Templates) != 0 {
		t.Errorf("another notice: %+v, %v", got, err)
	}
}

// The callbacks of the fake over a socket: late, twice, out of order.
func TestCallbacksOverASocket(t *testing.T) {
	var statuses []relay.Status
	r := newRig(t)
	hook := newHook(t, func(c relay.Callback) int {
		got, err := r.Receive(r.channel, c)
		if err != nil {
			return http.StatusForbidden
		}
		for _, rep := range got.Reports {
			statuses = append(statuses, rep.Status)
		}
		return http.StatusOK
	})
	r.fake.Change(func(o *vonagetest.Options) {
		o.StatusURL, o.Reports = hook, []string{"submitted", "delivered", "read"}
	})
	if _, err := r.Send(t.Context(), r.text("+14155550100", "hi")); err != nil {
		t.Fatal(err)
	}
	r.fake.Close()
	m := r.last(t)
	read, delivered := r.fake.Status(m, "read", "", time.Now()), r.fake.Status(m, "delivered", "", time.Now())
	if err := r.fake.Deliver(t.Context(), hook, read, delivered, delivered); err != nil {
		t.Fatal(err)
	}
	if err := r.fake.DeliverBatch(t.Context(), hook, delivered, read); err != nil {
		t.Fatal(err)
	}
	if status, err := r.fake.DeliverLate(t.Context(), hook, 24*time.Hour, read); err != nil || status != 200 {
		t.Errorf("late: %d, %v", status, err)
	}
	if status, err := r.fake.DeliverLate(t.Context(), hook, 26*time.Hour, read); err != nil || status != 403 {
		t.Errorf("too late: %d, %v", status, err)
	}
	want := []relay.Status{relay.Sent, relay.Delivered, relay.Read, relay.Read, relay.Delivered, relay.Delivered, relay.Delivered, relay.Read, relay.Read}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
