package media

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"relevo/relay/guard"
)

func lookAt(t *testing.T, g guard.Config, r Request) Finding {
	t.Helper()
	s, err := Look(t.Context(), g, r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantFault checks the failure, and that Fetch says the same: one must not
// promise what the other refuses.
func wantFault(t *testing.T, r Request, s Finding, code string, says ...string) {
	t.Helper()
	if s.Failure == nil || s.Failure.Code != code {
		t.Fatalf("got %v, want %s", s.Failure, code)
	}
	for _, part := range says {
		if !strings.Contains(s.Failure.Message, part) {
			t.Errorf("%q does not say %q", s.Failure.Message, part)
		}
	}
	_, err := openWith(t, loopback()).Fetch(t.Context(), r)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != code || e.Again != s.Failure.Again {
		t.Errorf("Look says %v, Fetch %v", s.Failure, err)
	}
	if s.Type != "" || s.Whole || s.Advice != "" {
		t.Errorf("%+v is not of a failure", s)
	}
}

func TestALookSaysWhatAFetchWouldKeep(t *testing.T) {
	content := png + strings.Repeat("x", 100_000)
	link := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-download")
		w.Header().Set("Content-Disposition", `attachment; filename*=UTF-8''..%2F%D1%81%D1%87%D1%91%D1%82.png`)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write([]byte(content))
	})
	r := request(link+"/a.png", "logo.png")
	s := lookAt(t, loopback(), r)
	if s.Failure != nil || s.Status != 200 || s.Type != "image/png" || s.Sniffed != "image/png" || s.Kind != Image {
		t.Errorf("got %+v", s)
	}
	if s.DeclaredType != "application/x-download" || s.DeclaredName != "счёт.png" || s.DeclaredSize != int64(len(content)) {
		t.Errorf("the server's words: %+v", s)
	}
	if s.Read != int64(len(content)) || !s.Whole || s.Limit != r.Limit || s.Took <= 0 || s.WebPage || s.Advice != "" {
		t.Errorf("got %+v", s)
	}
	if s.Name != "logo.png" || s.NameFrom != NameGiven {
		t.Errorf("the name is %q from %q", s.Name, s.NameFrom)
	}
	if fits, known := s.TypeFits(); !fits || !known {
		t.Errorf("the type fits: %t, known: %t", fits, known)
	}
	if fits, known := s.SizeFits(); !fits || !known {
		t.Errorf("the size fits: %t, known: %t", fits, known)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{{URL: link + "/a.png", Host: "127.0.0.1", Address: u.Host, Status: 200}}
	if !slices.Equal(s.Steps, want) {
		t.Errorf("got %+v, want %+v", s.Steps, want)
	}
	file, err := openWith(t, loopback()).Fetch(t.Context(), r)
	if err != nil || file.Type != s.Type || file.Size != s.Read {
		t.Errorf("a fetch gives %+v, %v", file, err)
	}
}

func TestALookReadsNoFurtherThanAFetch(t *testing.T) {
	long := strings.Repeat("x", 3*headBytes)
	for _, c := range []struct {
		name, content, file string
		flush               bool // no Content-Length
		limit               int64
		code, says          string
		read                int64
		typeFits, sizeFits  [2]bool
	}{
		{"a web page where a picture was promised", page + long, "logo.png", false, 1 << 20, WebPage, "web page, not a file. " + generic,
			headBytes, [2]bool{false, true}, [2]bool{true, false}},
		{"another type than the name says", "%PDF-1.7\n" + long, "logo.png", false, 1 << 20, TypeMismatch, "end file_name in .pdf",
			headBytes, [2]bool{false, true}, [2]bool{true, false}},
		{"too large, as declared", png + long, "logo.png", false, 1000, TooLarge, "12 KiB", 0, [2]bool{true, false}, [2]bool{false, true}},
		{"too large, not declared", png + long, "logo.png", true, 5000, TooLarge, "more than the limit", 5001, [2]bool{true, true}, [2]bool{false, true}},
		{"empty", "", "logo.png", false, 1000, Unreachable, "empty file", 0, [2]bool{true, false}, [2]bool{true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			link := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.flush {
					_ = http.NewResponseController(w).Flush()
				} else {
					w.Header().Set("Content-Length", fmt.Sprint(len(c.content)))
				}
				_, _ = w.Write([]byte(c.content))
			})
			r := request(link, c.file)
			r.Limit = c.limit
			s := lookAt(t, loopback(), r)
			wantFault(t, r, s, c.code, c.says)
			if s.Read != c.read || s.Status != 200 || s.WebPage != (c.code == WebPage) || (s.DeclaredSize == -1) != c.flush {
				t.Errorf("got %+v", s)
			}
			fits, known := s.TypeFits()
			if got := [2]bool{fits, known}; got != c.typeFits {
				t.Errorf("the type fits, and that is known: got %v, want %v", got, c.typeFits)
			}
			fits, known = s.SizeFits()
			if got := [2]bool{fits, known}; got != c.sizeFits {
				t.Errorf("the size fits, and that is known: got %v, want %v", got, c.sizeFits)
			}
		})
	}
}

func TestALookShowsEachRedirectAndWhereItWasStopped(t *testing.T) {
	for _, c := range []struct {
		name, to, says string
		statuses       []int
		lastTo, lastAt string // where the last step leads on to, and its address
	}{
		{"too many", "/again", "too many times", []int{302, 302, 302, 302}, "/again", "127.0.0.1"},
		{"to a private address", "http://127.0.0.2:8080/s3cret", "127.0.0.1 redirects to 127.0.0.2, which is not a public address", []int{302, 0}, "", "127.0.0.2:8080"},
		{"to nowhere", "http://127.0.0.1:1/x", "does not accept connections", []int{302, 0}, "", ""},
		{"to a file of the host", "file:///etc/passwd", "no http or https address", []int{302, 0}, "", ""},
		{"with a password", "http://ann:s3cret@127.0.0.1/", "a user name or a password", []int{302, 0}, "", ""},
		{"to no address", "http://bad host/", "broke", []int{302}, "something that is no address", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			link := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", c.to)
				w.WriteHeader(http.StatusFound)
			})
			r := request(link, "logo.png")
			s := lookAt(t, loopback(), r)
			wantFault(t, r, s, Unreachable, c.says)
			var statuses []int
			for _, step := range s.Steps {
				statuses = append(statuses, step.Status)
			}
			last := s.Steps[len(s.Steps)-1]
			if !slices.Equal(statuses, c.statuses) || !strings.HasSuffix(last.To, c.lastTo) || (last.To == "") != (c.lastTo == "") {
				t.Errorf("got %+v", s.Steps)
			}
			if !strings.HasPrefix(last.Address, c.lastAt) || (last.Address == "") != (c.lastAt == "") {
				t.Errorf("the last step is at %q, want %q", last.Address, c.lastAt)
			}
			if strings.Contains(last.URL, "ann:") || strings.Contains(s.Steps[0].To, "ann:") {
				t.Errorf("tells a password: %+v", s.Steps)
			}
		})
	}
}

func TestAStatusIsSeenByALookAsByAFetch(t *testing.T) {
	for status, says := range map[int]string{
		401: "not open to everyone", 403: "not open to everyone", 404: "no file at this address", 429: "too often", 500: "fault of its own",
	} {
		link := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		r := request(link, "logo.png")
		s := lookAt(t, loopback(), r)
		wantFault(t, r, s, Unreachable, says)
		if s.Status != status || len(s.Steps) != 1 || s.Steps[0].Status != status {
			t.Errorf("got %+v", s)
		}
	}
}

func TestALinkThatIsNoAddressIsNotCalled(t *testing.T) {
	for link, says := range map[string]string{
		"":                           "empty",
		"ftp://127.0.0.1/a.png":      "neither http:// nor https://",
		"logo.png":                   "does not begin with http:// or https://",
		"http:///a.png":              "no usable host",
		"http://ann:pw@127.0.0.1/":   "user name or a password",
		"http://127.0.0.1:port/a.gz": "not a web address",
	} {
		r := request(link, "logo.png")
		s := lookAt(t, loopback(), r)
		wantFault(t, r, s, Unreachable, says)
		if len(s.Steps) != 0 || s.Status != 0 || s.DeclaredSize != -1 {
			t.Errorf("%q: got %+v", link, s)
		}
	}
}

func TestAPromisedLengthThatIsALieIsFound(t *testing.T) {
	link := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%s", png+strings.Repeat("x", 2*headBytes))
		_, _ = out.Flush(), conn.Close()
	})
	r := request(link, "logo.png")
	s := lookAt(t, loopback(), r)
	wantFault(t, r, s, Unreachable, "broke before the whole file was there")
	if want := int64(len(png) + 2*headBytes); s.DeclaredSize != 100_000 || s.Read != want || s.Sniffed != "image/png" {
		t.Errorf("read %d, want %d: %+v", s.Read, want, s)
	}
}

func TestALookEndsWhenItsTimeIsOver(t *testing.T) {
	link := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(png))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := loopback()
	g.Timeout = 100 * time.Millisecond
	s := lookAt(t, g, request(link, "logo.png"))
	if s.Failure == nil || !s.Failure.Again || !strings.Contains(s.Failure.Message, "did not send the whole file in time") {
		t.Errorf("got %v", s.Failure)
	}
	if s.Took < g.Timeout || s.Took > 20*g.Timeout || s.Status != 200 {
		t.Errorf("got %+v", s)
	}
}

func TestALookThatWasCanceledSaysNothingAboutTheFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	link := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	s, err := Look(ctx, loopback(), request(link, "logo.png"))
	if !errors.Is(err, context.Canceled) || s.Failure != nil {
		t.Errorf("got %v, %v", err, s.Failure)
	}
	if _, err := Look(t.Context(), loopback(), Request{URL: link}); err == nil {
		t.Error("a limit of 0 bytes was taken")
	}
}

func TestWithoutANameTheServersOrTheLinksIsTaken(t *testing.T) {
	for _, c := range []struct {
		link, disposition, want string
		from                    NameSource
		kind, advice            string
	}{
		{"/link.png", `inline; filename="shown.jpeg"`, "shown.jpeg", NameDeclared, Image, ""},
		{"/link.png?x=1", "", "link.png", NameOfLink, Image, ""},
		{"/a%2F..%2Flink.png", "", "link.png", NameOfLink, Image, ""},
		{"/moved", "", "end.png", NameOfLink, Image, ""},
		{"/show.php", "", "show.php", NameOfLink, Document, "To send it as a picture and not as a document, end file_name in .png."},
		{"/view", "attachment", "", NameUnknown, Document, "To send it as a picture and not as a document, end file_name in .png."},
		{"/view", `;;"broken`, "", NameUnknown, Document, "To send it as a picture and not as a document, end file_name in .png."},
	} {
		link := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				http.Redirect(w, r, "/end.png", http.StatusMovedPermanently)
				return
			}
			w.Header().Set("Content-Disposition", c.disposition)
			_, _ = w.Write([]byte(png))
		})
		s := lookAt(t, loopback(), Request{URL: link + c.link, Limit: 1000})
		if s.Failure != nil || s.Name != c.want || s.NameFrom != c.from || s.Kind != c.kind || s.Advice != c.advice {
			t.Errorf("%s %q: got %+v", c.link, c.disposition, s)
		}
	}
}

func TestADocumentThatIsNothingElseNeedsNoAdvice(t *testing.T) {
	link := serve(t, body("%PDF-1.7\n"))
	for _, name := range []string{"report.pdf", "report", ""} {
		if s := lookAt(t, loopback(), Request{URL: link, Name: name, Limit: 1000}); s.Failure != nil || s.Kind != Document || s.Advice != "" {
			t.Errorf("%q: got %+v", name, s)
		}
	}
}

func TestALookKnowsTheHostsOfShares(t *testing.T) {
	store := anyHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "bit.ly" {
			http.Redirect(w, r, "http://www.dropbox.com/scl/report.pdf?rlkey=s3cret&dl=0", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(page))
	})
	s, err := look(t.Context(), store.client, request("http://bit.ly/abc", "report.pdf"))
	if err != nil || s.Failure == nil || !s.WebPage || !strings.Contains(s.Failure.Message, "dl=1 instead of dl=0") {
		t.Fatalf("got %+v, %v", s, err)
	}
	if len(s.Steps) != 2 || s.Steps[0].To != "http://www.dropbox.com/scl/report.pdf?rlkey=…&dl=0" || s.Steps[1].URL != s.Steps[0].To {
		t.Errorf("got %+v", s.Steps)
	}
}

func TestAnAddressIsShownWithoutWhatOpensIt(t *testing.T) {
	for given, want := range map[string]string{
		"https://example.com": "https://example.com",
		"https://example.com:8443/a/b.png?dl=0&export=download":      "https://example.com:8443/a/b.png?dl=0&export=download",
		"https://example.com/a?token=1&X-Amz-Signature=2&sig=3&key=": "https://example.com/a?token=…&X-Amz-Signature=…&sig=…&key=",
		"https://example.com/a?id=1A2b3C4d5E&x":                      "https://example.com/a?id=1A2b…&x",
		"https://example.com/a?" + strings.Repeat("k", 41):           "https://example.com/a?kkkkkkkk…",
		"https://example.com/" + strings.Repeat("k", 41) + "/b.png":  "https://example.com/kkkkkkkk…/b.png",
		"https://example.com/" + strings.Repeat("k", 41) + ".png":    "https://example.com/kkkkkkkk….png",
		"https://example.com/a%20b.png#part":                         "https://example.com/a%20b.png",
		"https://ann:s3cret@example.com/":                            "https://…@example.com/",
		"https://example.com/?q=яяяяяяяя":                            "https://example.com/?q=яя…",
		"mailto:ann@example.com":                                     "mailto:…",
		"file:///etc/passwd":                                         "file:…",
	} {
		u, err := url.Parse(given)
		if err != nil {
			t.Fatal(err)
		}
		if got := shorten(u); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}
