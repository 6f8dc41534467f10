package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"relevo/api/reference"
)

// openapiYAML describes all of this package's addresses, for people and tools.
//
//go:embed openapi.yaml
var openapiYAML []byte

// The page may load the style sheet that is served with it, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// fixedPath is an address whose answer is the same as long as the program runs.
type fixedPath struct {
	path, mediaType, policy string
	content                 func() ([]byte, error)
}

func (s *server) fixedPaths() []fixedPath {
	return []fixedPath{
		{"/openapi.yaml", "application/yaml", "", func() ([]byte, error) { return openapiYAML, nil }},
		{"/reference", "text/html; charset=utf-8", pagePolicy, func() ([]byte, error) { return reference.Page(openapiYAML, s.base()) }},
		{"/reference.css", "text/css; charset=utf-8", "", func() ([]byte, error) { return reference.Style(), nil }},
	}
}

// base is what the addresses in examples begin with.
func (s *server) base() string {
	if s.PublicURL == "" {
		return "http://127.0.0.1:8080"
	}
	return s.PublicURL
}

// packed is a body, as it is and compressed, with what tells it from another.
type packed struct {
	plain, zipped []byte
	tag           string
}

func pack(b []byte) (packed, error) {
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return packed{}, err
	}
	if _, err := z.Write(b); err != nil {
		return packed{}, err
	}
	if err := z.Close(); err != nil {
		return packed{}, err
	}
	sum := sha256.Sum256(b)
	return packed{plain: b, zipped: zipped.Bytes(), tag: hex.EncodeToString(sum[:8])}, nil
}

// serveFixed answers a fixedPath. Its body is made at the first call.
func (s *server) serveFixed(f fixedPath) echo.HandlerFunc {
	made := sync.OnceValues(func() (packed, error) {
		b, err := f.content()
		if err != nil {
			return packed{}, fmt.Errorf("make %s: %w", f.path, err)
		}
		return pack(b)
	})
	return func(c echo.Context) error {
		p, err := made()
		if err != nil {
			return err
		}
		h := c.Response().Header()
		body, tag := p.plain, `"`+p.tag+`"`
		h.Set("Vary", "Accept-Encoding")
		h.Set("Cache-Control", "public, max-age=300")
		if zips := takesGzip(c.Request().Header); zips {
			body, tag = p.zipped, `"`+p.tag+`-gzip"`
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("ETag", tag)
		if strings.Contains(c.Request().Header.Get("If-None-Match"), tag) {
			h.Del("Content-Encoding")
			return c.NoContent(http.StatusNotModified)
		}
		if f.policy != "" {
			h.Set("Content-Security-Policy", f.policy)
		}
		s.send(c, http.StatusOK, f.mediaType, body)
		return nil
	}
}

// takesGzip reports whether a caller reads gzip.
func takesGzip(h http.Header) bool {
	for part := range strings.SplitSeq(strings.Join(h["Accept-Encoding"], ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "gzip" || name == "*" {
			return qualityOf(params) > 0
		}
	}
	return false
}
