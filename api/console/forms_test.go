package console_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// send posts a body of any type.
func (b *browser) send(path, mediaType string, body io.Reader) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.h.server.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Origin", b.h.server.URL)
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// What cannot be read whole is refused: half a form, or an empty one, must not
// pass for what somebody filled in.
func TestAFormThatCannotBeReadMovesNothing(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	name := func() string {
		t.Helper()
		all, err := h.accounts.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Name
	}
	for _, c := range []struct {
		what, mediaType, body string
		want                  int
	}{
		{"too large", "application/x-www-form-urlencoded", "name=Eve&x=" + strings.Repeat("x", 2<<20), 413},
		{"cut in the middle of a character", "application/x-www-form-urlencoded", "name=Eve&other=%z", 400},
		{"a semicolon between fields", "application/x-www-form-urlencoded", "name=Eve;role=owner", 400},
		{"a media type that is none", "application/x-www-form-urlencoded; =", "name=Eve", 400},
		{"too many fields", "application/x-www-form-urlencoded", "name=Eve" + strings.Repeat("&a=", 200_000), 400},
		{"of another type", "text/plain", "name=Eve", 400},
	} {
		if got := b.send("/me", c.mediaType, strings.NewReader(c.body)); got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, got, c.want)
		}
		if name() != "Op" {
			t.Fatalf("%s: the name is %q now", c.what, name())
		}
	}
}

// untold is a body whose length nobody says; it counts what was read of it.
type untold struct {
	r    io.Reader
	read int
}

func (u *untold) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.read += n
	return n, err
}

// Nobody fills memory or disk by a form, signed in or not.
func TestFilesAreNotTakenFromStrangers(t *testing.T) {
	h := newHouse(t)
	h.operator()
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	if err := w.WriteField("email", "op@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateFormFile("file", "big.bin"); err != nil {
		t.Fatal(err)
	}
	body := &untold{r: io.MultiReader(&head, io.LimitReader(zeros{}, 64<<20))}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, req)
	if rec.Code < 400 || rec.Code >= 500 || body.read > 2<<20 {
		t.Errorf("got %d after %d bytes were taken", rec.Code, body.read)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
