package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Scripts and the style sheet. htmx 2.0.11 and its sse extension 2.2.4 are as
// they were published (https://htmx.org, Zero-Clause BSD); app.js and *.css are
// ours.
//
//go:embed asset
var assetFiles embed.FS

// asset is a file under a name that changes with its content, so that browsers
// may keep it for ever.
type asset struct {
	name, mediaType string
	plain, zipped   []byte
}

type assets struct {
	byName map[string]asset  // hashed name
	named  map[string]string // name to path
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// loadAssets joins all style sheets into one, in the order of their names.
func loadAssets() assets {
	a := assets{byName: map[string]asset{}, named: map[string]string{}}
	files, err := fs.Glob(assetFiles, "asset/*")
	if err != nil {
		panic(err)
	}
	slices.Sort(files)
	var styles []byte
	for _, name := range files {
		b, err := assetFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		if path.Ext(name) == ".css" {
			styles = append(styles, b...)
			continue
		}
		a.add(path.Base(name), b)
	}
	a.add("console.css", styles)
	return a
}

func (a assets) add(name string, b []byte) {
	sum := sha256.Sum256(b)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
	a.byName[hashed] = asset{name: hashed, mediaType: mediaTypes[ext], plain: b, zipped: zip(b)}
	a.named[name] = "/assets/" + hashed
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one that there is
	_, _ = z.Write(b)                                       // into memory
	_ = z.Close()
	return out.Bytes()
}

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.byName[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if zips(r) {
		body = f.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away
	}
}

// zips reports whether a browser takes gzip; every one of today does.
func zips(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if name, q, _ := strings.Cut(strings.TrimSpace(part), ";"); name == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// writePacked answers with a page, compressed where that is taken.
func writePacked(w http.ResponseWriter, r *http.Request, status int, b []byte) error {
	if len(b) > 1<<10 && zips(r) {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := z.Write(b); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		b = out.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(b) // a client that went away
	return nil
}
