package hook

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"relevo/relay"
)

func wide(s string, little, mark bool) string {
	var b strings.Builder
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if little {
			b.Write([]byte{byte(u), byte(u >> 8)})
		} else {
			b.Write([]byte{byte(u >> 8), byte(u)})
		}
	}
	return b.String()
}

func squeezed(s string, w func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	z := w(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

func gzipped(s string) string {
	return squeezed(s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func TestACallIsReadInWhateverFormItCame(t *testing.T) {
	const plain = sent + `café – “ok”"}`
	const old = sent + "caf\xe9 \x96 \x93ok\x94\"}"
	multi := "--b\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nsend\r\n--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n+14151231234\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\ncafé – “ok”\r\n--b--\r\n"
	for _, c := range []struct {
		name, body string
		in         Input
		told       string
	}{
		{"JSON", plain, Input{}, ""},
		{"JSON, whatever the type says", plain, Input{ContentType: "application/x-www-form-urlencoded"}, ""},
		{"a byte order mark", "\ufeff" + plain, Input{}, ""},
		{"two byte order marks", "\ufeff\ufeff" + plain, Input{}, ""},
		{"UTF-16, little end first", wide(plain, true, true), Input{}, "UTF-16"},
		{"UTF-16, big end first", wide(plain, false, true), Input{}, "UTF-16"},
		{"UTF-16 without a mark", wide(plain, true, false), Input{}, "UTF-16"},
		{"UTF-16 without a mark, big end first", wide(plain, false, false), Input{}, "UTF-16"},
		{"Windows-1252", old, Input{}, "line 1, column 52: the body is not UTF-8; it was read as Windows-1252"},
		{"Windows-1252, declared", old, Input{ContentType: "application/json; charset=windows-1252"}, "read as windows-1252"},
		{"UTF-8, declared as something else", plain, Input{ContentType: "application/json; charset=iso-8859-1"}, ""},
		{"gzip", gzipped(plain), Input{ContentEncoding: "gzip"}, ""},
		{"gzip with something behind it", gzipped(plain) + "\x00\x00", Input{}, ""},
		{"a form whose & was not encoded", "action=send&phone=14151231234&text=caf%C3%A9 %E2%80%93 %E2%80%9Cok%E2%80%9D", Input{}, ""},
		{"multipart in base64", strings.Replace(multi, "name=\"text\"\r\n\r\ncafé – “ok”", "name=\"text\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"+base64.StdEncoding.EncodeToString([]byte("café – “ok”")), 1), Input{}, ""},
		{"gzip, not declared", gzipped(plain), Input{}, ""},
		{"declared as gzip, and not", plain, Input{ContentEncoding: "gzip"}, ""},
		{"deflate", squeezed(plain, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), Input{ContentEncoding: "deflate"}, ""},
		{"a form", "action=send&phone=%2B14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D", Input{ContentType: "application/x-www-form-urlencoded"}, ""},
		{"a form whose plus was not encoded", "action=send&phone=+14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D", Input{}, ""},
		{"a form in Windows-1252", "action=send&phone=14151231234&text=caf%E9+%96+%93ok%94", Input{}, "Windows-1252"},
		{"a form that says a value twice", "action=send&action=send&phone=14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D", Input{}, ""},
		{"a form whose only name is JSON", "%7B%22action%22%3A%22send%22%2C%22phone%22%3A%22%2B14151231234%22%2C%22text%22%3A%22caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D%22%7D=", Input{}, "encoding of a form"},
		{"a form whose only value is JSON", "payload=" + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26").Replace(plain), Input{}, `The JSON in "payload" was unpacked`},
		{"a form whose only value is JSON, whatever its name", "order=" + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26").Replace(plain), Input{}, "was unpacked"},
		{"JSON in a form that writes spaces as %20", strings.NewReplacer("%", "%25", " ", "%20", "&", "%26", "{", "%7B").Replace(plain), Input{}, "encoding of a form"},
		{"a form as plain text", "action=send\r\nphone=+14151231234\r\ntext=café – “ok”\r\n", Input{ContentType: "text/plain"}, ""},
		{"odd spaces before it", "\u00a0\u2003" + plain, Input{}, "look like spaces"},
		{"inside body, beside data that is something else", `{"data":{"text":"meta"},"body":` + plain + `}`, Input{}, `taken from "body"`},
		{"inside payload, beside data that is something else", `{"data":{"foo":1},"payload":` + plain + `}`, Input{}, `taken from "payload"`},
		{"multipart", multi, Input{ContentType: "multipart/form-data; boundary=b"}, ""},
		{"multipart without a type", multi, Input{}, ""},
		{"an array of one", "[" + plain + "]", Input{}, "array of one"},
		{"inside body", `{"headers":{},"body":` + plain + `}`, Input{}, `taken from "body"; what stands beside`},
		{"inside data", `{"data":` + plain + `}`, Input{}, `taken from "data"`},
		{"text inside body", `{"body":` + quote(plain) + `}`, Input{}, `taken from "body"`},
		{"an array inside data", `{"data":[` + plain + `]}`, Input{}, `taken from "data"`},
		{"a string", quote(plain), Input{}, "inside a JSON string"},
		{"a string in a string", quote(quote(plain)), Input{}, ""},
		{"Power Automate's wrapper", `{"$content-type":"application/octet-stream","$content":"` + base64.StdEncoding.EncodeToString([]byte(plain)) + `"}`, Input{}, `taken from "$content"`},
		{"in the address, with a body that is none", "event=ONCRMLEADADD&data[FIELDS][ID]=5", Input{Query: "action=send&phone=%2B14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D"}, "what the body holds was ignored"},
		{"in the address, with a body that cannot be read", "<a/>", Input{Query: "action=send&phone=%2B14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D"}, "what the body holds was ignored"},
		{"in the body, with another call in the address", plain, Input{Query: "action=send&phone=%2B14151231235&text=other"}, ""},
		{"in the address, with a + that was not encoded", "", Input{Query: "action=send&phone=+14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D"}, "from the address"},
		{"in the address", "", Input{Query: "action=send&phone=14151231234&text=caf%C3%A9+%E2%80%93+%E2%80%9Cok%E2%80%9D"}, "from the address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Now = now
			done, err := NewReader().Read([]byte(c.body), c.in)
			if err != nil {
				t.Fatalf("refused: %s", err.(*relay.Error).Message)
			}
			a := done.Action
			if a.Text != "café – “ok”" || a.To.Phone != "+14151231234" {
				t.Errorf("read %q to %s", a.Text, a.To.Phone)
			}
			if told := strings.Join(done.Warnings, " "); !strings.Contains(told, c.told) || c.told == "" && len(done.Mended) > 0 && c.name != "a string in a string" {
				t.Errorf("told %q", told)
			}
			if kept := string(done.Text); kept != "" && !strings.Contains(kept, "send") {
				t.Errorf("kept %q", kept)
			}
		})
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func TestWhatCannotBeReadIsExplained(t *testing.T) {
	for _, c := range []struct {
		name, body string
		in         Input
		code       relay.Code
		says       string
	}{
		{"nothing", "", Input{}, relay.CodeInvalidJSON, "If this was a test of the connection, it has worked."},
		{"nothing but a key in the address", "", Input{Query: "idempotency_key=1"}, relay.CodeInvalidJSON, "The body is empty"},
		{"HTML", "<!doctype html><p>", Input{}, relay.CodeInvalidJSON, "HTML or XML"},
		{"XML", "<?xml version=\"1.0\"?><a/>", Input{}, relay.CodeInvalidJSON, "Choose JSON as the format"},
		{"HTML-escaped JSON", `{&quot;action&quot;:&quot;send&quot;}`, Input{}, relay.CodeInvalidJSON, "&quot;"},
		{"HTML-escaped JSON, by number", `{ &#34;action&#34;:1}`, Input{}, relay.CodeInvalidJSON, "HTML-escaped"},
		{"two objects in an array", "[{},{}]", Input{}, relay.CodeInvalidJSON, "an array of 2 values"},
		{"an empty array", "[]", Input{}, relay.CodeInvalidJSON, "an empty array"},
		{"an array of a number", "[1]", Input{}, relay.CodeInvalidJSON, "an array of a number"},
		{"a string of text", `"hello"`, Input{}, relay.CodeInvalidJSON, "a string, not an object"},
		{"a number", "17", Input{}, relay.CodeInvalidJSON, "a number, not an object"},
		{"true", "true", Input{}, relay.CodeInvalidJSON, "a boolean, not an object"},
		{"null", "null", Input{}, relay.CodeInvalidJSON, "null, not an object"},
		{"plain text", "hello there", Input{}, relay.CodeInvalidJSON, "The body is not JSON"},
		{"UTF-8 and something else", sent + "caf\xc3\xa9 it\x92s\"}", Input{}, relay.CodeInvalidEncoding, "Line 1, column 56: the byte 0x92"},
		{"bytes that are nobody's", sent + "\x81\x8d\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0x81"},
		{"half of a character of UTF-8", sent + "hi \xf0\x9f\x98\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0xF0"},
		{"Cyrillic of Windows-1251", sent + "\xcf\xf0\xe8\xe2\xe5\xf2\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0xCF"},
		{"Chinese in GBK", sent + "\xc4\xe3\xba\xc3\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0xC4"},
		{"Japanese in Shift_JIS", sent + "\x83e\x83X\x83g\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0x83"},
		{"Turkish of Windows-1254", sent + "ba\xfekan\"}", Input{}, relay.CodeInvalidEncoding, "the byte 0xFE"},
		{"two calls side by side", `{"payload":{"action":"send","phone":"+1415","text":"a"},"data":{"action":"send","text":"b"}}`, Input{}, relay.CodeInvalidJSON, `two calls, under "payload" and "data"`},
		{"two calls side by side, in whatever form", `{"data":{"action":"send","text":"a"},"body":"{\"action\":\"send\",\"text\":\"b\"}"}`, Input{}, relay.CodeInvalidJSON, `two calls, under "data" and "body"`},
		{"two calls side by side, one in base64", `{"$content":"` + base64.StdEncoding.EncodeToString([]byte(sent+`x"}`)) + `","body":` + sent + `y"}}`, Input{}, relay.CodeInvalidJSON, `two calls, under "$content" and "body"`},
		{"two calls side by side, one that needs mending", `{"data":` + sent + `x"},"body":"{'action':'send','text':'y'}"}`, Input{}, relay.CodeInvalidJSON, `two calls, under "data" and "body"`},
		{"two calls side by side, one of them several", `{"data":[` + sent + `x"},` + sent + `y"}],"body":` + sent + `z"}}`, Input{}, relay.CodeInvalidJSON, `two calls, under "data" and "body"`},
		{"two halves side by side", `{"data":{"phone":"+14151231234","text":"a"},"body":{"phone":"+14151231234","text":"b"}}`, Input{}, relay.CodeMissingField, ""},
		{"Windows-1252, read strictly", sent + "caf\xe9\"}", Input{Strict: true}, relay.CodeInvalidEncoding, "the byte 0xE9"},
		{"a form with bytes that are nobody's", "action=send&phone=14151231234&text=a%81b", Input{}, relay.CodeInvalidEncoding, "the byte 0x81 is in a field"},
		{"a form that is partly UTF-8", "action=send&phone=14151231234&text=%C3%A9+caf%92", Input{}, relay.CodeInvalidEncoding, "0x92"},
		{"a form in Windows-1252, read strictly", "action=send&phone=14151231234&text=caf%E9", Input{Strict: true}, relay.CodeInvalidEncoding, "0xE9"},
		{"an overlong form of UTF-8", sent + "\xc0\xaf\"}", Input{}, relay.CodeInvalidEncoding, "0xC0"},
		{"HTML escapes further on", `{ "action": &quot;send&quot;}`, Input{}, relay.CodeInvalidJSON, "HTML-escaped quote"},
		{"a text nobody sees", sent + `\u200b"}`, Input{}, relay.CodeNoContent, "nothing to send"},
		{"a file whose address is misspelt", callStart + `"text":"x","file_ulr":"https://example.com/a.pdf","file_name":"a.pdf"}`, Input{}, relay.CodeMissingField, `"file_url" where you wrote "file_ulr"`},
		{"a form with an & that may be meant", "action=send&phone=14151231234&text=AT&T", Input{}, relay.CodeInvalidJSON, `holds "T" without a value. An & inside a text is written %26`},
		{"half of UTF-16", "\xff\xfe{\x00\x00\xd8", Input{}, relay.CodeInvalidEncoding, "UTF-16"},
		{"gzip cut short", gzipped(sent + `x"}`)[:20], Input{}, relay.CodeInvalidEncoding, "ends too early"},
		{"gzip damaged", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xffgarbage!", Input{}, relay.CodeInvalidEncoding, "damaged"},
		{"gzip that grows too large", gzipped(sent + strings.Repeat("x", MaxBody) + `"}`), Input{}, relay.CodeBodyTooLarge, "once it is uncompressed"},
		{"another compression", "\x1b\x03", Input{ContentEncoding: "br"}, relay.CodeInvalidEncoding, "gzip"},
		{"a form that contradicts itself", "action=send&phone=1&phone=2", Input{}, relay.CodeDuplicateField, `"phone" is given twice`},
		{"a value and a name in it", "phone=1&phone[a]=2", Input{}, relay.CodeDuplicateField, "given twice"},
		{"a file in a form", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nx\r\n--b--\r\n", Input{}, relay.CodeInvalidField, `"file_url"`},
		{"a form cut short", "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx", Input{}, relay.CodeInvalidJSON, "cut short"},
		{"a form nested too deeply", "a" + strings.Repeat("[b]", 20) + "=1", Input{}, relay.CodeInvalidJSON, "nested deeper"},
		{"wrapped too often", `{"body":{"body":{"body":{"body":{"body":{"action":"send"}}}}}}`, Input{}, relay.CodeMissingField, `"action" is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Now = now
			_, err := NewReader().Read([]byte(c.body), c.in)
			if err == nil {
				t.Fatal("it was read")
			}
			if e := err.(*relay.Error); e.Code != c.code || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s: %s", e.Code, e.Message)
			}
		})
	}
}

func TestAnAmpersandThatWasNotEncodedIsPartOfItsText(t *testing.T) {
	for body, want := range map[string]string{
		"action=send&phone=14151231234&text=Tom & Jerry":        "Tom & Jerry",
		"action=send&phone=14151231234&text=Tom & Jerry & Ann&": "Tom & Jerry & Ann",
		"action=send&text=A%26B&phone=14151231234":              "A&B",
		"action=send&text=100% sure&phone=14151231234":          "100% sure",
	} {
		a, warnings, err := read(NewReader(), []byte(body), Input{Now: now})
		if err != nil || a.Text != want || a.To.Phone != "+14151231234" {
			t.Errorf("%s: %q to %s, %v, told %q", body, a.Text, a.To.Phone, err, warnings)
		}
	}
}
