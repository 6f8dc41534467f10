package meta

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// upload hands a file to Meta and returns its id there, which lives 30 days.
// No message goes out here, so that nothing of it is ever unsure.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
func (d *Driver) upload(ctx context.Context, s settings, f *relay.OutgoingFile, t string) (string, error) {
	head, tail, form, err := mediaForm(f.Name, t)
	if err != nil {
		return "", notRead(err)
	}
	var a struct {
		ID string `json:"id"`
	}
	err = d.stream(ctx, f, streamed{
		url: d.address("/"+s.PhoneNumberID+"/media", nil), token: s.AccessToken, mediaType: form, head: head, tail: tail,
	}, &a)
	if err == nil && a.ID == "" {
		err = unreadable()
	}
	return a.ID, asPreparation(err)
}

// asPreparation is wire.Prepared in this package's words.
func asPreparation(err error) error {
	prepared := wire.Prepared(err)
	if e := (*relay.SendError)(nil); prepared != err && errors.As(prepared, &e) {
		e.Reason = "The file could not be handed to Meta; Relevo tries again."
	}
	return prepared
}

// mediaForm is what stands before and after the file's bytes. The type is
// given twice: Meta's table asks for it as a field, its sample has it on the
// file alone.
func mediaForm(name, t string) (head, tail []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err = errors.Join(w.WriteField("messaging_product", "whatsapp"), w.WriteField("type", t))
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", multipart.FileContentDisposition("file", headerName(name)))
	h.Set("Content-Type", t)
	_, partErr := w.CreatePart(h)
	n := b.Len()
	err = errors.Join(err, partErr, w.Close())
	return b.Bytes()[:n], b.Bytes()[n:], w.FormDataContentType(), err
}

// headerName keeps line ends out of a header.
func headerName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
}

// streamed is a call whose body is a file between two texts.
type streamed struct {
	url, token, mediaType string
	head, tail            []byte
	header                http.Header
}

// stream makes a call with a file in its body, read once and closed before it
// returns.
func (d *Driver) stream(ctx context.Context, f *relay.OutgoingFile, c streamed, answer any) error {
	r, err := f.Open()
	if err != nil {
		return notRead(err)
	}
	body := &fileBody{file: r}
	defer body.Close()
	body.rest = io.MultiReader(bytes.NewReader(c.head), body.content(f.Size), bytes.NewReader(c.tail))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, body)
	if err != nil {
		return badAddress(errors.New("the provider's address cannot be read"))
	}
	for k, v := range c.header {
		req.Header[k] = v
	}
	if f.Size > 0 {
		req.ContentLength = int64(len(c.head)) + f.Size + int64(len(c.tail))
	}
	req.Header.Set("Content-Type", c.mediaType)
	req.Header.Set("Accept", "application/json")
	authorize(req, c.token)
	_, err = d.do(ctx, req, answer)
	if broken := body.broken(); err != nil && broken != nil {
		return notRead(broken)
	}
	return err
}

// notRead is a file of our own that could not be read. Nothing went out.
func notRead(err error) *relay.SendError {
	if errors.Is(err, fs.ErrNotExist) {
		return &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileUnreachable, Err: fs.ErrNotExist,
			Reason: "The file of this message is not kept any more. Send it again with its link."}
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err // a path may hold the file's name
	}
	return &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable, Err: err,
		Reason: "The file of this message could not be read here; Relevo tries again. Its operator finds the cause in the log."}
}

// fileBody is a request's body. The transport may go on reading for a moment
// after a call has ended; once closed it reads nothing more of the file.
type fileBody struct {
	mu     sync.Mutex
	file   io.ReadCloser
	rest   io.Reader
	closed bool
	err    error
}

func (b *fileBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, fs.ErrClosed
	}
	return b.rest.Read(p)
}

// Close may be called more than once.
func (b *fileBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.file.Close()
}

// broken is why the file could not be read to its end; nil where it could.
func (b *fileBody) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// content is the file's bytes, exactly as many as it has.
func (b *fileBody) content(size int64) io.Reader {
	return &exactly{body: b, left: size, any: size <= 0}
}

// exactly reads a file and notes what is wrong with it. Its caller holds the
// body's lock.
type exactly struct {
	body *fileBody
	left int64
	any  bool // the size is not known
}

var errSize = errors.New("the file does not have the size that it had")

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.body.file.Read(p)
	e.left -= int64(n)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		e.body.err = err
	case !e.any && (e.left < 0 || errors.Is(err, io.EOF) && e.left != 0):
		e.body.err = errSize
		err = errSize
	}
	return n, err
}
