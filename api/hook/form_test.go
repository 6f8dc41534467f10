package hook

import (
	"strings"
	"testing"

	"relevo/relay"
)

func TestAFormThatMayMeanTwoThingsIsRefused(t *testing.T) {
	const to = "action=send&phone=%2B14151231234&"
	for _, c := range []struct{ body, says string }{
		{to + "text=Salt & Pepper = 5", `The & before "Pepper = 5" in the form may end a field or be part of a text. An & inside a text is written %26`},
		{to + "text=2 & 2=4", `The & before "2=4"`},
		{to + "text=2 &2=4", `The & before "2=4"`},
		{to + "text=Tom & phone=+14150000000", `The & before "phone=`},
		{to + "text=Tom && Jerry = fun", `The & before "Jerry = fun"`},
		{to + "text=Tom & Jerry &Ann = 3", `The & before "Ann = 3"`},
		{to + "text=Tom&Jerry Show=fun", `The & before "Jerry Show=fun"`},
		{to + "text={&quot;a&quot;:1}", "The body is HTML-escaped"},
	} {
		_, _, err := read(NewReader(), []byte(c.body), Input{Now: now})
		if e, ok := err.(*relay.Error); !ok || e.Code != relay.CodeInvalidJSON || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %+v", c.body, err)
		}
	}
}

func TestAFormThatIsNotEncodedKeepsItsText(t *testing.T) {
	for body, want := range map[string]string{
		"action=send&phone=+1 415 123 1234&text=1%2B1":                                "1+1",
		"action=send&phone=14151231234&text=1+1 = 2":                                  "1+1 = 2",
		"action=send&phone=14151231234&text=a && b":                                   "a && b",
		"action=send&whatsapp account phone=15105566777&phone=14151231234&text=hello": "hello",
		"action=send&phone=14151231234&text=Hello+&x=1":                               "Hello ",
		`payload={"action":"send","phone":"+14151231234","text":"1+1=2 & more"}`:      "1+1=2 & more",
	} {
		for _, country := range []string{"", "MX"} {
			a, warnings, err := read(NewReader(), []byte(body), Input{Now: now, Country: country})
			if err != nil || a.Text != want || a.To.Phone != "+14151231234" {
				t.Errorf("%s: %q to %s, %v, told %q", body, a.Text, a.To.Phone, err, warnings)
			}
		}
	}
}

func TestNothingInAFormIsMendedForAStrictWebhook(t *testing.T) {
	for body, says := range map[string]string{
		"action=send&phone=14151231234&text=Tom & Jerry":     `holds " Jerry" without a value. An & inside a text is written %26`,
		"action=send&phone=14151231234&text=100% sure":       "a % that begins no code",
		"action=send&phone=14151231234&text=100%":            "a % that begins no code",
		"action=send&phone=14151231234&text=5%a":             "a % that begins no code",
		"action=send&phone=14151231234&text=caf%E9":          "0xE9",
		"%7B%22action%22%3A%22send%22%2C%22text%22%3A%22%E9": "0xE9",
	} {
		_, _, err := read(NewReader(), []byte(body), Input{Now: now, Strict: true})
		if e, ok := err.(*relay.Error); !ok || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %+v", body, err)
		}
	}
	for body, want := range map[string]string{
		"action=send&phone=%2B14151231234&text=100%25+%26+caf%C3%A9":                                        "100% & café",
		"action=send&phone=%2B14151231234&text=1+1 = 2":                                                     "1 1 = 2",
		"%7B%22action%22%3A%22send%22%2C%22phone%22%3A%22%2B14151231234%22%2C%22text%22%3A%22a+b%20c%22%7D": "a b c",
		"action=send&phone=+14151231234&text=a":                                                             "a",
		"--b\r\nContent-Disposition: form-data; name=\"j\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nsend\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n+14151231234\r\n--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n100% & +\r\n--b--\r\n": "100% & +",
	} {
		done, err := NewReader().Read([]byte(body), Input{Now: now, Strict: true})
		if err != nil || done.Action.Text != want || done.Action.To.Phone != "+14151231234" || strings.Contains(strings.Join(done.Mended, " "), "Mended") {
			t.Errorf("%s: %+v, %v, told %q", body, done.Action, err, done.Warnings)
		}
	}
}

func TestBytesThatAreNobodysAreSentFromNoForm(t *testing.T) {
	for _, body := range []string{
		"action=send&phone=14151231234&text=a%81b", "action=send&phone=14151231234&te%81xt=ab&text=x",
		"%7B%22action%22%3A%22send%22%2C%22phone%22%3A%2214151231234%22%2C%22text%22%3A%22a%81b%22%7D",
		"payload=%7B%22action%22%3A%22send%22%2C%22phone%22%3A%2214151231234%22%2C%22text%22%3A%22a%81b%22%7D",
		"--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\x81b\r\n--b--\r\n",
	} {
		_, _, err := read(NewReader(), []byte(body), Input{Now: now})
		if e, ok := err.(*relay.Error); !ok || e.Code != relay.CodeInvalidEncoding || !strings.Contains(e.Message, "0x81") {
			t.Errorf("%s: %+v", body, err)
		}
	}
	a, _, err := read(NewReader(), []byte("%7B%22action%22%3A%22send%22%2C%22phone%22%3A%2214151231234%22%2C%22text%22%3A%22caf%E9%22%7D"), Input{Now: now})
	if err != nil || a.Text != "café" {
		t.Errorf("%q, %v", a.Text, err)
	}
}
