package hook

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"relevo/relay"
)

// read reads one body.
func read(r *Reader, body []byte, in Input) (relay.Action, []string, error) {
	done, err := r.Read(body, in)
	return done.Action, done.Warnings, err
}

func refusal(t *testing.T, body string) *relay.Error {
	t.Helper()
	_, _, err := read(NewReader(), []byte(body), Input{Now: now, Strict: true})
	var refused *relay.Error
	if !errors.As(err, &refused) {
		t.Fatalf("%q was not refused: %v", body, err)
	}
	return refused
}

func TestTheFirstFaultIsFoundAtItsLineAndColumn(t *testing.T) {
	for _, c := range []struct {
		name, body   string
		line, column int
		code         relay.Code
	}{
		{"missing comma at the end of a line", "{\n  \"text\": \"lorem ipsum\"\n  \"x\": 1}", 2, 24, relay.CodeInvalidJSON},
		{"missing comma before empty lines", "{\"a\":\"x\"  \r\n\r\n\t\"b\":1}", 1, 9, relay.CodeInvalidJSON},
		{"missing comma after a text with escapes", `{"a":"x\"\\" "b":1}`, 1, 13, relay.CodeInvalidJSON},
		{"missing comma after an empty text", `{"a":"" "b":1}`, 1, 8, relay.CodeInvalidJSON},
		{"columns count characters", `{"é😀":"ñ",}`, 1, 10, relay.CodeInvalidJSON},
		{"a tab is one character", "{\t\t\"a\":1,}", 1, 9, relay.CodeInvalidJSON},
		{"a byte order mark is no character", "\ufeff{\"a\":1,}", 1, 7, relay.CodeInvalidJSON},
		{"lines that end in CR LF", "{\r\n\"a\":1,\r\n}", 2, 6, relay.CodeInvalidJSON},
		{"truncated before a last line break", "{\"a\":1\n", 1, 7, relay.CodeInvalidJSON},
		{"a byte that is not UTF-8", "{\n\"é\":\"\xff\"}", 2, 6, relay.CodeInvalidEncoding},
		{"a byte that is not UTF-8 outside a string", "{\xff}", 1, 2, relay.CodeInvalidEncoding},
		{"half of a character at the end", "{\"a\":\"\xc3", 1, 7, relay.CodeInvalidEncoding},
		{"the second of a name twice", "{\"é\":1,\n  \"é\":2}", 2, 3, relay.CodeDuplicateField},
		{"the second of a name twice in a template", `{"template":{"name":"a", "name":"b"}}`, 1, 26, relay.CodeDuplicateField},
		{"the value of a field", "{\"action\":\"send\",\"text\":\"x\",\n\"phone\":  \"abc\"}", 2, 11, relay.CodeInvalidPhone},
		{"a third recipient", `{"action":"send","text":"x","jid":"1","phone":"1","chat_id":1}`, 1, 51, relay.CodeTooManyRecipients},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := refusal(t, c.body)
			if got := e.Fields[0]; e.Code != c.code || got.Line != c.line || got.Column != c.column {
				t.Errorf("got %s at %d:%d (%s), want %s at %d:%d", e.Code, got.Line, got.Column, e.Message, c.code, c.line, c.column)
			}
		})
	}
}

func TestABodyOverTheLimitIsNotRead(t *testing.T) {
	text := strings.Repeat("x", MaxBody)
	if e := refusal(t, `{"text":"`+text+`"}`); e.Code != relay.CodeBodyTooLarge {
		t.Errorf("got %s, want %s", e.Code, relay.CodeBodyTooLarge)
	}
	body := `{"action":"send","phone":"+14151231234","text":"`
	body += text[:MaxBody-len(body)-2] + `"}`
	if _, _, err := read(NewReader(), []byte(body), Input{Now: now}); err != nil {
		t.Errorf("a body of %d bytes was refused: %v", len(body), err)
	}
}

func TestOnlyWhatHasAPlaceInTheSentenceIsQuotedFromTheBody(t *testing.T) {
	secret := strings.Repeat("geheim", 20)
	for _, body := range []string{
		`{"text":"` + secret + `" "x":1}`, `{"text":"` + secret, `{"text":` + secret + `}`, `{"` + secret + `"}`,
		`{"action":"` + secret + `"}`, `{"phone":"` + secret + `"}`, `{"chat_id":1` + strings.Repeat("0", 90) + `.5}`,
		`{"text":"x" ` + secret + `}`, secret,
	} {
		e := refusal(t, body)
		if strings.Contains(e.Message, secret[:maxName+1]) || strings.Contains(e.Message, strings.Repeat("0", 30)) {
			t.Errorf("%.30s…: too much of the body is in %q", body, e.Message)
		}
		if strings.Contains(e.Error(), "geheim") {
			t.Errorf("%.30s…: what is logged quotes the body: %q", body, e.Error())
		}
	}
}

func TestNothingOfABodyIsLeftForTheNextOne(t *testing.T) {
	r := NewReader()
	const full = `{"action":"send","phone":"+14151231234","template":{"name":"a","language":"en","variables":["x"]},"send_at":"2026-03-02T00:00:00Z","expires_in":9999999,"idempotency_key":"k","txt":1,"whatsapp_account_phone":"15105566777"}`
	before, _, err := read(r, []byte(full), Input{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, warnings, err := read(r, []byte(`{"action":"send","phone":"+14151231235","text":"b"}`), Input{Now: now})
		if err != nil || len(warnings) != 0 {
			t.Fatalf("warnings %q, error %v", warnings, err)
		}
		if got.Template != nil || got.AccountPhone != "" || got.Key != "" || !got.SendAt.IsZero() || got.ExpiresIn != 0 {
			t.Fatalf("left from the body before: %+v", got)
		}
		_, _, _ = read(r, []byte(`{"text":"x`), Input{Now: now})
	}
	if before.Template == nil || before.Template.Variables[0] != "x" || before.To.Phone != "+14151231234" {
		t.Errorf("an action changed after it was answered: %+v", before)
	}
}

func TestAnActionDoesNotShareItsBody(t *testing.T) {
	body := []byte(`{"action":"send","phone":"+14151231234","text":"hello","file_url":"https://example.com/a","file_name":"a.pdf","ignored":1}`)
	a, warnings, err := read(NewReader(), body, Input{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	if a.Text != "hello" || a.FileURL != "https://example.com/a" || !strings.Contains(warnings[0], "ignored") {
		t.Errorf("the action changed with its body: %+v %q", a, warnings)
	}
}

func TestEqualDocumentsHaveEqualFingerprints(t *testing.T) {
	print := func(body string) [32]byte {
		t.Helper()
		a, _, err := read(NewReader(), []byte(body), Input{Now: now})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return a.Fingerprint
	}
	first := print(`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567890}}`)
	for _, equal := range []string{
		" {\n\"text\" : \"caf\\u00e9\\/\" , \"x\":{\"a\":12345678901234567890,\"b\":[ 1 , 2 ]},\"chat_id\":77234,\"action\":\"\\u0073end\"}\r\n",
		`{"action":"send","idempotency_key":"1","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567890}}`,
		`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567890},"Idempotency Key":"2","idempotency-key":null}`,
		"\ufeff" + `{"action":"send","chat_id":77234,"text":"café/","\u0078":{"b":[1,2],"a":12345678901234567890}}`,
	} {
		if print(equal) != first {
			t.Errorf("%s has another fingerprint", equal)
		}
	}
	for _, other := range []string{
		`{"action":"send","chat_id":"77234","text":"café/","x":{"b":[1,2],"a":12345678901234567890}}`,
		`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[2,1],"a":12345678901234567890}}`,
		`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567891}}`,
		`{"action":"send","chat_id":77234,"text":"café/ ","x":{"b":[1,2],"a":12345678901234567890}}`,
		`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567890},"y":null}`,
		`{"action":"send","chat_id":77234,"text":"café/","x":{"b":[1,2],"a":12345678901234567890,"idempotency_key":"1"}}`,
	} {
		if print(other) == first {
			t.Errorf("%s has the same fingerprint", other)
		}
	}
}

func TestANameIsGuessedFromNearMisses(t *testing.T) {
	for name, want := range map[string]string{
		"txt": "text", "texts": "text", "tetx": "text", "file_ulr": "file_url", "fileUri": "file_url", "filname": "file_name",
		"phne": "phone", "jdi": "jid", "chatid_": "chat_id", "Message": "text", "to": "phone", "media url": "file_url",
		"whatsapp_acount_phone": "whatsapp_account_phone", "templte": "template", "sent_at": "send_at", "expire_in": "expires_in",
		"id": "jid", "name": "", "contact": "", "kid2": "", "x": "", strings.Repeat("a", 1000): "", "": "",
	} {
		got := ""
		if f := guess([]byte(name)); f != unknown {
			got = f.canonical()
		}
		if got != want {
			t.Errorf("guess(%.30q) = %q, want %q", name, got, want)
		}
	}
}

func TestAnActionNeedsNoPlaceForManyUnknownNames(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"action":"send","phone":"+14151231234","text":"x"`)
	for i := 0; b.Len() < MaxBody-20; i++ {
		b.WriteString(`,"n` + strconv.Itoa(i) + `":1`)
	}
	b.WriteString("}")
	_, warnings, err := read(NewReader(), []byte(b.String()), Input{Now: now})
	if err != nil || len(warnings) != maxStrangers+1 {
		t.Errorf("%d warnings (%v), want %d", len(warnings), err, maxStrangers+1)
	}
}
