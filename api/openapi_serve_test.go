package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestTheDocumentIsServedAsItIs(t *testing.T) {
	h := build(t, 0)
	rec := h.call(http.MethodGet, "/openapi.yaml", nil)
	if rec.Code != 200 || !bytes.Equal(rec.Body.Bytes(), openapiYAML) || rec.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	tag := rec.Header().Get("ETag")
	if again := h.call(http.MethodGet, "/openapi.yaml", nil, "If-None-Match", `"x", W/`+tag); again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("with its ETag: %d, %d bytes", again.Code, again.Body.Len())
	}
	zipped := h.call(http.MethodGet, "/openapi.yaml", nil, "Accept-Encoding", "br, gzip;q=0.8")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("ETag") == tag || zipped.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("compressed: %v", zipped.Header())
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, openapiYAML) {
		t.Errorf("%d bytes came out (%v)", len(b), err)
	}
	head := h.call(http.MethodHead, "/openapi.yaml", nil)
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	for accept, want := range map[string]bool{"": false, "gzip": true, "*": true, "gzip;q=0": false, "identity": false, "deflate, GZIP": true} {
		if got := takesGzip(http.Header{"Accept-Encoding": {accept}}); got != want {
			t.Errorf("%q: compressed %t", accept, got)
		}
	}
}

func TestTheReferenceIsOnePageWithoutAScript(t *testing.T) {
	h := build(t, 0)
	rec := h.call(http.MethodGet, "/reference", nil)
	page := rec.Body.String()
	if rec.Code != 200 || rec.Header().Get("Content-Security-Policy") != pagePolicy || strings.Contains(pagePolicy, "unsafe") {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	if found := regexp.MustCompile(`<script|<style| style=| on[a-z]+=|src=|@import|url\(`).FindString(page + h.call(http.MethodGet, "/reference.css", nil).Body.String()); found != "" {
		t.Errorf("the page has %s", found)
	}
	zipped := h.call(http.MethodGet, "/reference", nil, "Accept-Encoding", "gzip")
	if n := zipped.Body.Len(); n > 60<<10 {
		t.Errorf("it has %d bytes compressed", n)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("a link leads to #%s, which is not there", m[1])
		}
	}
	for address, item := range theContract(t).doc.Paths.Map() {
		if !strings.Contains(page, "<code>"+address+"</code>") {
			t.Errorf("the page does not show %s", address)
		}
		for _, op := range item.Operations() {
			if !ids[op.OperationID] {
				t.Errorf("the page does not show %s", op.OperationID)
			}
		}
	}
	for _, want := range []string{"export RELEVO_URL=https://relay.example\n", "quota_exhausted", "page of "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	t.Logf("%d bytes, %d compressed", len(page), zipped.Body.Len())
}
