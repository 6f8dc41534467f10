package vonage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// maxMedia bounds what is fetched of one file, in bytes: WhatsApp itself takes
// no more. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
const maxMedia = whatsapp.MaxDocument

// maxRedirects is how many redirects of a file's address are followed.
const maxRedirects = 5

// Media opens a file of what somebody wrote. Vonage keeps it for 48 hours, and
// asks for the application's token where "Secure inbound media" is on; the
// token goes to Vonage's own addresses alone, never along a redirect to
// another host. The body is read by the caller, who closes it; it ends with an
// error after 100 MB.
// https://developer.vonage.com/en/messages/concepts/secure-inbound-media
func (d *Driver) Media(ctx context.Context, ch relay.Channel, f relay.InboundFile) (io.ReadCloser, string, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, "", gone("The file has no address that can be opened.", errors.New("vonage: no http address"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, "", gone("The file has no address that can be opened.", errors.New("vonage: no http address"))
	}
	if f.Auth && d.ours(u) {
		b, err := d.bearers.of(s, time.Now())
		if err != nil {
			return nil, "", err
		}
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	c := *d.media
	c.CheckRedirect = sameHost
	res, err := c.Do(req)
	if err != nil {
		return nil, "", withoutAddress(err)
	}
	switch {
	case res.StatusCode == http.StatusOK && res.ContentLength > maxMedia:
		err = gone("The file is larger than 100 MB.", errors.New("vonage: file over 100 MiB"))
	case res.StatusCode == http.StatusOK:
		return &bounded{body: res.Body, left: maxMedia}, res.Header.Get("Content-Type"), nil
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		err = gone("Vonage no longer has the file. It keeps them for 48 hours.", fmt.Errorf("vonage: status %d", res.StatusCode))
	default:
		err = fmt.Errorf("vonage: fetch a file: status %d", res.StatusCode)
	}
	res.Body.Close()
	return nil, "", err
}

func gone(reason string, err error) error {
	return &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileUnreachable, Reason: reason, Err: err}
}

// sameHost follows redirects. Once one leads to another host, no credentials
// go along any more.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	first := via[0].URL
	for _, r := range slices.Concat(via, []*http.Request{req}) {
		if r.URL.Host != first.Host || r.URL.Scheme != first.Scheme {
			req.Header.Del("Authorization")
		}
	}
	return nil
}

// withoutAddress is an error of a call without the file's address, which may
// be enough to open it.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("vonage: fetch a file: %w", u.Err)
	}
	return errors.New("vonage: fetch a file")
}

// bounded ends a body that is too long with an error.
type bounded struct {
	body io.ReadCloser
	left int64
}

var errTooLong = errors.New("vonage: file over 100 MiB")

// Read reads what is left of the limit, and one byte more to see the end.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		return 0, errTooLong
	}
	b.left -= int64(n)
	return n, err
}

// Close closes the body.
func (b *bounded) Close() error { return b.body.Close() }
