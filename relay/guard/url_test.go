package guard

import (
	"errors"
	"strings"
	"testing"
)

func TestAnAddressIsReadOrRefusedInASentence(t *testing.T) {
	long := "https://example.com/" + strings.Repeat("a", MaxURL)
	for _, c := range []struct {
		name, raw, want, says string
	}{
		{"https", "https://example.com/a.png?k=v", "https://example.com/a.png?k=v", ""},
		{"http with a port", "http://example.com:8080/a.png", "http://example.com:8080/a.png", ""},
		{"capitals in the scheme", "HTTPS://example.com/a", "https://example.com/a", ""},
		{"an IPv6 host", "http://[2606:4700::1]/a", "http://[2606:4700::1]/a", ""},
		{"the fragment is dropped", "https://example.com/a#page=2", "https://example.com/a", ""},
		{"a name in another script", "https://bücher.example/a", "https://b%C3%BCcher.example/a", ""},
		{"the longest one", long[:MaxURL], long[:MaxURL], ""},
		{"one byte longer", long[:MaxURL+1], "", "2049 bytes long, the limit is 2048"},
		{"empty", "", "", "empty"},
		{"a space before", " https://example.com/a", "", "space"},
		{"a line break after", "https://example.com/a\n", "", "line break"},
		{"a line break inside", "https://example.com/a\nb", "", "not a web address"},
		{"no scheme", "example.com/a.png", "", "does not begin with http://"},
		{"a path", "/etc/passwd", "", "does not begin with http://"},
		{"protocol-relative", "//example.com/a", "", "does not begin with http://"},
		{"ftp", "ftp://example.com/a", "", "neither http:// nor https://"},
		{"file", "file:///etc/passwd", "", "neither http:// nor https://"},
		{"data", "data:text/plain,x", "", "neither http:// nor https://"},
		{"a password", "https://ann:s3cret@example.com/a", "", "user name or a password"},
		{"a user", "https://ann@example.com/a", "", "user name or a password"},
		{"no host", "https:///a", "", "no usable host"},
		{"opaque", "https:example.com/a", "", "no usable host"},
		{"port 0", "https://example.com:0/a", "", "no usable host or port"},
		{"a port too high", "https://example.com:65536/a", "", "no usable host or port"},
		{"a host that turns the line around", "https://%E2%80%AEexample.com/a", "", "no usable host"},
		{"a host that is not UTF-8", "https://%FFexample.com/a", "", "no usable host"},
		{"a backslash in the host", `https://example.com\@evil.example/`, "", "not a web address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := CheckURL(c.raw)
			if c.says == "" {
				if err != nil || u.String() != c.want {
					t.Fatalf("got %v, %v, want %s", u, err, c.want)
				}
				return
			}
			refusal, ok := errors.AsType[*URLError](err)
			if !ok || !strings.Contains(refusal.Message, c.says) {
				t.Fatalf("got %v, want a sentence with %q", err, c.says)
			}
			for _, secret := range []string{"passwd", "s3cret", "evil"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the sentence repeats the address: %s", err)
				}
			}
		})
	}
}
