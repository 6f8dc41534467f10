package console

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"relevo/relay"
)

// maxForm is how large a form may be, in bytes: the longest list of numbers has
// a few hundred KiB.
const maxForm = 1 << 20

// readForm reads the form of a POST. One that cannot be read whole is refused:
// half of it, or nothing, must not pass for what somebody filled in. Files are
// not taken.
func (p *call) readForm() error {
	if p.r.Method != http.MethodPost {
		return nil
	}
	p.r.Body = http.MaxBytesReader(p.w, p.r.Body, maxForm)
	if t := p.r.Header.Get("Content-Type"); t != "" || p.r.ContentLength != 0 {
		if t, _, err := mime.ParseMediaType(t); err != nil || t != "application/x-www-form-urlencoded" {
			return errForm
		}
	}
	err := p.r.ParseForm()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &relay.Error{Code: relay.CodeBodyTooLarge, Message: "This form is larger than 1 MiB. Send less at once."}
	}
	if err != nil {
		return errForm
	}
	return nil
}

// errForm is answered 400.
var errForm = &relay.Error{Code: relay.CodeInvalidField, Message: "This form cannot be read, and nothing was done. Go back and send it again."}

// values are names and values of a query; empty ones are left out.
func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v.Encode()
}

// grace is how long something old lives on, as whole hours of a form: 0 to 24.
func (p *call) grace() (time.Duration, error) {
	v := p.field("grace")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 24 {
		return 0, relay.RefuseField(relay.CodeInvalidField, "grace", p.T("form.grace_hours"), "")
	}
	return time.Duration(n) * time.Hour, nil
}

// flashN is what a form came to, of a number of things.
func (p *call) flashN(key string, n int) {
	p.c.sessions.Put(p.ctx, sessionFlash, p.N(key, n))
}
