package media

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"relevo/relay/guard"
)

// Request is one file to fetch.
type Request struct {
	// Key is what the file is kept under: 1 to 128 of A-Z a-z 0-9 _ : -
	Key string
	// URL is what the user typed.
	URL string
	// Name is the file's name, cleaned: its ending says what is expected.
	Name string
	// Kind is how it is to be shown: KindOf its name.
	Kind string
	// Limit is the most bytes that it may have, at least 1.
	Limit int64
}

// File is what was fetched.
type File struct {
	// Type is its media type without parameters, from its content. Where
	// content alone cannot tell (a CSV is plain text, some .docx are a ZIP),
	// the name's ending decides.
	Type string
	// Size in bytes, at least 1.
	Size   int64
	SHA256 [sha256.Size]byte
}

// headBytes is what a type is recognised by; the mimetype module reads no more.
const headBytes = 4096

// Fetch loads a file once, and keeps it under its key, in place of one that
// was there. It does not retry. An error that is an *Error is about the link
// or the file; any other is a fault of ours, or ctx was canceled.
func (s *Store) Fetch(ctx context.Context, r Request) (File, error) {
	if _, err := place(r.Key); err != nil {
		return File{}, err
	}
	f := &fetch{Request: r, keep: s.keep}
	resp, err := f.ask(ctx, s.client)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	return f.take(ctx, resp)
}

// fetch is one call of Fetch or of Look, which differ in what becomes of the
// bytes alone.
type fetch struct {
	Request
	// keep is what becomes of a file that is in order: Store.keep, in form.
	keep func(ctx context.Context, key string, src io.Reader, limit int64) (File, error)
	// typed is the host of the URL, host the one that redirects led to.
	typed, host string
	start       time.Time
	// found is what the first bytes are, head how many those were; nil and 0
	// until they have come.
	found *mimetype.MIME
	head  int
}

// ask sends the request and follows redirects, up to the answer's header.
func (f *fetch) ask(ctx context.Context, client *http.Client) (*http.Response, error) {
	if f.Limit < 1 {
		return nil, fmt.Errorf("media: a limit of %d bytes", f.Limit)
	}
	u, err := guard.CheckURL(f.URL)
	if err != nil {
		return nil, &Error{Code: Unreachable, Message: err.Error()}
	}
	f.typed, f.host, f.start = u.Hostname(), u.Hostname(), time.Now()
	resp, err := get(ctx, client, u)
	if err != nil {
		return nil, f.broken(ctx, err)
	}
	f.host = resp.Request.URL.Hostname()
	return resp, nil
}

func get(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "identity")
	return client.Do(req)
}

// take reads an answer from its status line to its last byte.
func (f *fetch) take(ctx context.Context, resp *http.Response) (File, error) {
	if err := f.refused(resp.StatusCode); err != nil {
		return File{}, err
	}
	if resp.ContentLength > f.Limit {
		return File{}, f.tooLarge(resp.ContentLength)
	}
	body := &source{r: resp.Body}
	plain, err := f.unpack(body, resp.Header.Get("Content-Encoding"))
	if err != nil {
		return File{}, f.failedRead(ctx, body, err)
	}
	head := make([]byte, headBytes)
	f.head, err = io.ReadFull(plain, head)
	if err != nil && (body.err != nil || (err != io.EOF && err != io.ErrUnexpectedEOF)) {
		return File{}, f.failedRead(ctx, body, err)
	}
	if head = head[:f.head]; f.head == 0 {
		return File{}, failf(Unreachable, "%s answered with an empty file (0 bytes). Check that the link leads to the finished file.", f.who())
	}
	mediaType, fault := f.judge(head)
	if fault != nil {
		return File{}, fault
	}
	file, err := f.keep(ctx, f.Key, io.MultiReader(bytes.NewReader(head), plain), f.Limit)
	if errors.Is(err, errOverLimit) {
		return File{}, f.tooLarge(0)
	}
	if err != nil {
		return File{}, f.failedRead(ctx, body, err)
	}
	file.Type = mediaType
	return file, nil
}

// source remembers an error of reading, to tell it from one of writing.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// unpack undoes gzip, which some servers send unasked. The name of a file
// that is meant to be packed ends in that way; it is left alone.
func (f *fetch) unpack(body io.Reader, encoding string) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		switch extension(f.Name) {
		case "gz", "tgz", "svgz":
			return body, nil
		}
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, errPacking
		}
		return &unzipped{z}, nil
	}
	return nil, errPacking
}

// errPacking: the body is packed in a way that cannot be undone.
var errPacking = errors.New("content encoding that cannot be undone")

// unzipped gives broken gzip data its own error, so that it is not taken for
// a fault of the disk.
type unzipped struct{ z *gzip.Reader }

func (u *unzipped) Read(p []byte) (int, error) {
	n, err := u.z.Read(p)
	if err != nil && err != io.EOF {
		err = errPacking
	}
	return n, err
}
