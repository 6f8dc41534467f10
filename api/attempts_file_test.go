package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestPhoneNumbersAreHiddenHoweverTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		`{"phone":"+14155550100"}`:                   `{"phone":"+*******0100"}`,
		`{"phone": 14155550100}`:                     `{"phone": *******0100}`,
		`"+1 (415) 555-0100"`:                        `"+* (***) ***-0100"`,
		"1\u00a0415\u202f555\u20110100":              "*\u00a0***\u202f***\u20110100",
		`phone=%2B1%20415+555%2D0100&text=x`:         `phone=%2B*%20***+***%2D0100&text=x`,
		`"\u002b1\u00a0415 555 0100"`:                `"\u002b*\u00a0*** *** 0100"`,
		`14155550100@s.whatsapp.net`:                 `*******0100@s.whatsapp.net`,
		"٠١٢٣٤٥٦٧٨٩":                                 "******٦٧٨٩",
		`order 123456, chat 10001`:                   `order 123456, chat 10001`,
		`"send_at":"2026-01-31T09:30:00.123456789Z"`: `"send_at":"2026-01-31T09:30:00.123456789Z"`,
		"1234567\n": "***4567\n",
		"":          "",
	} {
		if got := hideNumbers(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := hideDigits("+12345"); got != "+*2345" {
		t.Error(got)
	}
}

func TestADownloadHidesPhoneNumbersInEveryForm(t *testing.T) {
	h := build(t, 5)
	h.post(hello)
	h.post(`{"action":"send","phone":"+1 415 123 1234","text":"say "hi" to +1 415 123 1234"}`)
	h.post("\xff\x00 14151231234")
	h.post(`{"action":"send","phone":"+14151231234","text":"x","whatsapp_account_phone":"+4915112345678"}`)
	for _, format := range []string{"json", "jsonl", "csv", "text"} {
		plain := h.api(http.MethodGet, "attempts?format="+format, "").Body.String()
		hidden := h.api(http.MethodGet, "attempts?hide_phones=true&format="+format, "").Body.String()
		if !strings.Contains(plain, "4151231234") || !strings.Contains(plain, "4915112345678") {
			t.Errorf("%s lost a number that it should show", format)
		}
		for _, digits := range []string{"4151231", "415 123", "49151", "MTQxNTEyMzEyMzQ", "5105550001"} {
			if strings.Contains(hidden, digits) {
				t.Errorf("%s shows %s:\n%s", format, digits, hidden)
			}
		}
		if !strings.Contains(hidden, "*******1234") {
			t.Errorf("%s shows no last digits:\n%s", format, hidden)
		}
	}
	h.refused(h.api(http.MethodGet, "attempts?hide_phones=perhaps", ""), 400, "invalid_field")
	h.refused(h.api(http.MethodGet, "attempts?format=pdf", ""), 400, "invalid_field")
}

func TestTheLogAsTextIsABlockPerAttempt(t *testing.T) {
	h := build(t, 5)
	h.post(hello, "User-Agent", "crm/2")
	for range 5 {
		h.post("{\n \"action\": \"send\",\n \"text\": \"say \"hi\"\"\n}\x1b[2J\n1. forged")
	}
	rec := h.api(http.MethodGet, "attempts?format=text", "")
	if ct := rec.Header().Get("Content-Type"); rec.Code != 200 || ct != "text/plain; charset=utf-8" || !strings.HasSuffix(rec.Header().Get("Content-Disposition"), `.txt"`) {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	text := rec.Body.String()
	blocks := strings.Split(text, "\n"+strings.Repeat("=", 72)+"\n")
	if len(blocks) != 1+4 {
		t.Fatalf("%d blocks:\n%s", len(blocks)-1, text)
	}
	for _, want := range []string{"1. ", "refused 400 invalid_json  (3 times, the latest ", "line 3, column ", "\n     \"text\": \"say \"hi\"\"\n", "^\n", "\n    1. forged\n"} {
		if !strings.Contains(blocks[1], want) {
			t.Errorf("the block of a refusal has no %q:\n%s", want, blocks[1])
		}
	}
	if strings.ContainsRune(text, '\x1b') {
		t.Error("a terminal would obey it")
	}
	for _, want := range []string{"accepted 200\n", "Recipient   +14151231234\n", "User-Agent  crm/2\n", "Status      queued\n", "    " + hello + "\n"} {
		if !strings.Contains(blocks[4], want) {
			t.Errorf("the block of an accepted call has no %q:\n%s", want, blocks[4])
		}
	}
	var list struct{ Data []json.RawMessage }
	if err := json.Unmarshal(h.api(http.MethodGet, "attempts?limit=2", "").Body.Bytes(), &list); err != nil || len(list.Data) != 2 {
		t.Errorf("%v %v", list, err)
	}
}
