package twilio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
	"relevo/relay/driver/wire"
)

// errTooLong is of an inbound file. WhatsApp's largest are documents of 100 MB;
// Twilio passes on less.
var errTooLong = refused(relay.CodeFileTooLarge, "The file is larger than WhatsApp's largest.")

// hops is how many redirects are followed: from the API to where files lie is
// one, and that one may have moved.
const hops = 3

// Media opens a file of an inbound message. The API asks for the account's
// credentials and redirects to an address on another host, which never gets
// them. https://www.twilio.com/docs/messaging/api/media-resource
func (d *Driver) Media(ctx context.Context, ch relay.Channel, f relay.InboundFile) (io.ReadCloser, string, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return nil, "", err
	}
	at, err := url.Parse(f.URL)
	if err != nil || !d.ours(at) || !strings.HasPrefix(at.Path, "/2010-04-01/Accounts/"+s.AccountSID+"/Messages/") {
		return nil, "", refused(relay.CodeFileUnreachable, "The file's address is not one of this account at Twilio.")
	}
	client := *d.media
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	first := at
	for range hops + 1 {
		res, err := d.fetch(ctx, &client, s, at, at.Scheme == first.Scheme && at.Host == first.Host)
		if err != nil {
			return nil, "", err
		}
		if res.StatusCode == http.StatusOK {
			return wire.Bounded(res.Body, whatsapp.MaxDocument, errTooLong), res.Header.Get("Content-Type"), nil
		}
		res.Body.Close()
		if at, err = onward(at, res); err != nil {
			return nil, "", err
		}
	}
	return nil, "", errors.New("twilio: a file's address redirects too often")
}

// ours reports whether credentials may go to an address. MediaUrl names the
// host of the account's region, such as api.dublin.ie1.twilio.com.
func (d *Driver) ours(u *url.URL) bool {
	if u.Scheme+"://"+u.Host == d.api {
		return true
	}
	return d.api == apiHost && u.Scheme == "https" && u.Port() == "" && u.User == nil &&
		strings.HasPrefix(u.Host, "api.") && strings.HasSuffix(u.Host, ".twilio.com")
}

func (d *Driver) fetch(ctx context.Context, client *http.Client, s Settings, at *url.URL, known bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, errors.New("twilio: a file's address cannot be read")
	}
	if known {
		req.SetBasicAuth(s.login())
	}
	res, err := client.Do(req)
	return res, wire.WithoutAddress(err)
}

// onward is where a redirect leads, or the error that another answer is.
func onward(from *url.URL, res *http.Response) (*url.URL, error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	case http.StatusNotFound, http.StatusGone:
		return nil, refused(relay.CodeFileUnreachable, "Twilio no longer has the file.")
	default:
		return nil, wireError(0, res.StatusCode)
	}
	to, err := from.Parse(res.Header.Get("Location"))
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != from.Scheme || to.Scheme != "https" && to.Scheme != "http" {
		return nil, errors.New("twilio: a file's address redirects to what cannot be opened")
	}
	return to, nil
}
