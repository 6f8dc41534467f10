package hook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"relevo/relay"
)

func TestEachLimitIsInclusive(t *testing.T) {
	const call = `{"action":"send","phone":"+14151231234","text":"x",`
	url := func(n int) string { return "https://example.com/" + strings.Repeat("a", n-len("https://example.com/")) }
	file := func(n int) string { return call + `"file_name":"a.pdf","file_url":"` + url(n) + `"}` }
	to := func(field, value string) string {
		return `{"action":"send","text":"x","` + field + `":"` + value + `"}`
	}
	at := func(d time.Duration) string { return call + `"send_at":"` + now.Add(d).Format(time.RFC3339) + `"}` }
	for _, c := range []struct {
		name, fits, over string
		code             relay.Code
	}{
		{"shortest phone", to("phone", "+1234567"), to("phone", "+123456"), relay.CodeInvalidPhone},
		{"longest phone", to("phone", "+123456789012345"), to("phone", "+1234567890123456"), relay.CodeInvalidPhone},
		{"longest chat id", to("chat_id", strings.Repeat("9", 19)), to("chat_id", strings.Repeat("9", 20)), relay.CodeInvalidField},
		{"longest chat name", to("chat_name", strings.Repeat("é", 256)), to("chat_name", strings.Repeat("é", 257)), relay.CodeInvalidField},
		{"shortest jid", to("jid", "12345@lid"), to("jid", "1234@lid"), relay.CodeInvalidJID},
		{"longest jid", to("jid", strings.Repeat("1", 20)+"@s.whatsapp.net"), to("jid", strings.Repeat("1", 21)+"@s.whatsapp.net"), relay.CodeInvalidJID},
		{"longest URL", file(2048), file(2049), relay.CodeInvalidFileURL},
		{"least expiry", call + `"expires_in":1}`, call + `"expires_in":0}`, relay.CodeInvalidField},
		{"most expiry", call + `"expires_in":31536000}`, call + `"expires_in":31536001}`, relay.CodeInvalidField},
		{"farthest time", at(365 * 24 * time.Hour), at(365*24*time.Hour + time.Second), relay.CodeInvalidField},
		{"longest key", call + `"idempotency_key":"` + strings.Repeat("~", 255) + `"}`, call + `"idempotency_key":"` + strings.Repeat("~", 256) + `"}`, relay.CodeInvalidIdempotencyKey},
		{"last printable character of a key", call + `"idempotency_key":"a b~"}`, call + `"idempotency_key":"a\u007f"}`, relay.CodeInvalidIdempotencyKey},
		{"longest template name",
			`{"action":"send","phone":"+14151231234","template":{"language":"en","name":"` + strings.Repeat("a", 512) + `"}}`,
			`{"action":"send","phone":"+14151231234","template":{"language":"en","name":"` + strings.Repeat("a", 513) + `"}}`, relay.CodeInvalidField},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := read(NewReader(), []byte(c.fits), Input{Now: now}); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if e := refusal(t, c.over); e.Code != c.code {
				t.Errorf("over the limit: got %s, want %s", e.Code, c.code)
			}
		})
	}
}

func TestAnExpiryTooLargeForAnIntegerIsRefused(t *testing.T) {
	e := refusal(t, `{"action":"send","phone":"+14151231234","text":"x","expires_in":99999999999999999999}`)
	if e.Code != relay.CodeInvalidField || e.Fields[0].Field != "expires_in" {
		t.Errorf("got %+v", e)
	}
}

func TestAReaderServesManyAtOnce(t *testing.T) {
	r := NewReader()
	done := make(chan error)
	for i := range 8 {
		go func() {
			text := strings.Repeat(string(rune('a'+i)), 50)
			for range 200 {
				a, _, err := read(r, []byte(`{"action":"send","phone":"+14151231234","text":"`+text+`"}`), Input{Now: now})
				if err == nil && a.Text != text {
					err = errors.New("got the text of another call")
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
