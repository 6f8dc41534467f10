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
	"relevo/relay/driver/wire"
)

// maxMedia bounds what is fetched of one file, in bytes: WhatsApp itself takes
// no more. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
const maxMedia = whatsapp.MaxDocument

var errTooLong = errors.New("vonage: file over 100 MiB")

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
		return nil, "", fmt.Errorf("vonage: fetch a file: %w", wire.WithoutAddress(err))
	}
	switch {
	case res.StatusCode == http.StatusOK && res.ContentLength > maxMedia:
		err = gone("The file is larger than 100 MB.", errTooLong)
	case res.StatusCode == http.StatusOK:
		return wire.Bounded(res.Body, maxMedia, errTooLong), res.Header.Get("Content-Type"), nil
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
