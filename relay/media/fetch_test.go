package media

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relevo/relay/guard"
)

// png is the start of a picture; enough to be recognised.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"

const page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"

// loopback lets tests reach 127.0.0.1, and no other private address.
func loopback() guard.Config {
	return guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
}

func openWith(t *testing.T, g guard.Config) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func body(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
}

func request(url, name string) Request {
	return Request{Key: "key", URL: url, Name: name, Kind: KindOf(name), Limit: 2 << 20}
}

// wantFailure checks an error, and that it tells neither path nor query.
func wantFailure(t *testing.T, s *Store, err error, code string, again bool, says ...string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Again != again {
		t.Errorf("got %s, again %t; want %s, %t", e.Code, e.Again, code, again)
	}
	for _, part := range says {
		if !strings.Contains(e.Message, part) {
			t.Errorf("%q does not say %q", e.Message, part)
		}
	}
	for _, text := range []string{e.Message, e.Error()} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("tells path or query: %s", text)
		}
	}
	if got := keys(t, s); len(got) != 0 {
		t.Errorf("kept %v", got)
	}
	if left, err := os.ReadDir(filepath.Join(s.root.Name(), unfinished)); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestAFileIsFetchedAndKept(t *testing.T) {
	content := png + strings.Repeat("x", 100_000)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/a%20b.png?token=1" || r.Method != http.MethodGet {
			t.Errorf("asked for %s %s", r.Method, r.URL.RequestURI())
		}
		w.Header().Set("Content-Type", "text/html") // a server's word counts for nothing
		_, _ = w.Write([]byte(content))
	})
	s := openWith(t, loopback())
	got, err := s.Fetch(t.Context(), request(url+"/a%20b.png?token=1#part", "logo.png"))
	want := File{Type: "image/png", Size: int64(len(content)), SHA256: sha256.Sum256([]byte(content))}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if read(t, s, "key") != content {
		t.Error("another content was kept")
	}
}

func TestAFileAsLargeAsTheLimitPassesAndOneByteMoreDoesNot(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		for _, over := range []int{-1, 0, 1, 50_000} {
			t.Run(fmt.Sprintf("chunked %t, %+d", chunked, over), func(t *testing.T) {
				const limit = 10_000
				content := png + strings.Repeat("x", limit+over-len(png))
				url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if chunked {
						_ = http.NewResponseController(w).Flush()
					} else {
						w.Header().Set("Content-Length", fmt.Sprint(len(content)))
					}
					_, _ = w.Write([]byte(content))
				})
				s := openWith(t, loopback())
				r := request(url+"/s3cret", "logo.png")
				r.Limit = limit
				file, err := s.Fetch(t.Context(), r)
				if over <= 0 {
					if err != nil || file.Size != int64(limit+over) {
						t.Errorf("got %+v, %v", file, err)
					}
					return
				}
				says := []string{"127.0.0.1", "limit", "9.8 KiB (10,000 bytes)"}
				if !chunked && over == 1 {
					says = append(says, "9.8 KiB (10,001 bytes)")
				}
				wantFailure(t, s, err, TooLarge, false, says...)
			})
		}
	}
}

func TestABodyWithoutEndStopsAtTheLimit(t *testing.T) {
	ended := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		_, _ = w.Write([]byte(png))
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	s := openWith(t, loopback())
	_, err := s.Fetch(t.Context(), request(url, "logo.png"))
	wantFailure(t, s, err, TooLarge, false, "2 MiB (2,097,152 bytes)")
	<-ended
}

func TestABodyShorterThanPromisedIsNoFile(t *testing.T) {
	for _, content := range []string{"", png, png + strings.Repeat("x", 2*headBytes)} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, out, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(content)+1, content)
			_, _ = out.Flush(), conn.Close()
		})
		s := openWith(t, loopback())
		_, err := s.Fetch(t.Context(), request(url+"/s3cret", "logo.png"))
		wantFailure(t, s, err, Unreachable, false, "127.0.0.1", "broke")
	}
}

func TestABodyLongerThanPromisedIsCutThere(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(png), png+strings.Repeat("x", 100))
		_, _ = out.Flush(), conn.Close()
	})
	s := openWith(t, loopback())
	if file, err := s.Fetch(t.Context(), request(url, "logo.png")); err != nil || file.Size != int64(len(png)) {
		t.Errorf("got %+v, %v", file, err)
	}
}

func TestAnEmptyFileIsAFailure(t *testing.T) {
	s := openWith(t, loopback())
	_, err := s.Fetch(t.Context(), request(serve(t, body("")), "notes.txt"))
	wantFailure(t, s, err, Unreachable, false, "empty file (0 bytes)")
}

func TestGzipThatNobodyAskedForIsUndone(t *testing.T) {
	packed := pack(t, png+strings.Repeat("x", 9_000))
	encoded := func(encoding string, content []byte) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "identity" {
				t.Errorf("asked for %q", got)
			}
			w.Header().Set("Content-Encoding", encoding)
			_, _ = w.Write(content)
		})
	}
	for _, c := range []struct {
		name, url, file string
		want            int64
		code, says      string
	}{
		{"gzip", encoded("gzip", packed), "logo.png", int64(len(png) + 9_000), "", ""},
		{"a file that is meant to be packed", encoded("gzip", packed), "logo.tar.gz", int64(len(packed)), "", ""},
		{"a bomb", encoded("gzip", pack(t, png+strings.Repeat("x", 3<<20))), "logo.png", 0, TooLarge, "2 MiB"},
		{"broken off", encoded("gzip", packed[:len(packed)/2]), "logo.png", 0, Unreachable, "packed"},
		{"no gzip at all", encoded("gzip", []byte(png)), "logo.png", 0, Unreachable, "packed"},
		{"another encoding", encoded("br", []byte("\x0b")), "logo.png", 0, Unreachable, "packed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openWith(t, loopback())
			got, err := s.Fetch(t.Context(), request(c.url, c.file))
			if c.code != "" {
				wantFailure(t, s, err, c.code, false, c.says)
				return
			}
			if err != nil || got.Size != c.want {
				t.Errorf("got %+v, %v, want %d bytes", got, err, c.want)
			}
		})
	}
}

func pack(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
