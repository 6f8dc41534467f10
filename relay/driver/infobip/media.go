package infobip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

const (
	// maxInbound is the longest file that is read, in bytes: Viber's limit,
	// which is above WhatsApp's.
	maxInbound = maxViberFile
	// maxMoves is how many redirects to a content network are followed.
	maxMoves = 3
)

var errTooLong = errors.New("the file is longer than 200 MB")

// Media opens a file that a person sent. Infobip keeps one for 7 days. The
// API key goes to the account's own host alone, never to where that redirects.
// https://www.infobip.com/docs/whatsapp/message-types-and-templates/inbound-messages
func (d *shared) Media(ctx context.Context, ch relay.Channel, f relay.InboundFile) (io.ReadCloser, string, error) {
	s, err := open(ch)
	if err != nil {
		return nil, "", err
	}
	gone := refused(relay.CodeFileUnreachable, "The file has no address from which it could be fetched.", nil)
	u, err := url.Parse(f.URL)
	if err != nil || !d.safe(u) {
		return nil, "", gone
	}
	client := *d.media
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range maxMoves + 1 {
		res, err := d.fetch(ctx, &client, s, u)
		if err != nil {
			return nil, "", err
		}
		if res.StatusCode == http.StatusOK {
			return wire.Bounded(res.Body, maxInbound, errTooLong), res.Header.Get("Content-Type"), nil
		}
		res.Body.Close()
		switch res.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			next, err := res.Location()
			if err != nil || !d.safe(next) {
				return nil, "", gone
			}
			u = next
		case http.StatusNotFound, http.StatusGone:
			return nil, "", refused(relay.CodeFileUnreachable, "Infobip no longer has the file; it keeps one for 7 days.", nil)
		default:
			return nil, "", fmt.Errorf("infobip: fetch media: status %d", res.StatusCode)
		}
	}
	return nil, "", errors.New("infobip: fetch media: too many redirects")
}

// fetch makes one request, with the API key where it is for Infobip.
func (d *shared) fetch(ctx context.Context, client *http.Client, s settings, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("infobip: fetch media: not an address")
	}
	if d.home(s, u) {
		req.Header.Set("Authorization", "App "+s.APIKey)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("infobip: fetch media: %w", wire.WithoutAddress(err))
	}
	return res, nil
}

// home reports whether an address is the account's own, scheme and port
// included.
func (d *shared) home(s settings, u *url.URL) bool {
	own, err := url.Parse(d.root(s))
	return err == nil && u.User == nil && u.Scheme == own.Scheme && u.Host != "" && u.Host == own.Host
}

// safe reports whether a file may be fetched from an address: https, without
// credentials; in tests as Options.Base says.
func (d *shared) safe(u *url.URL) bool {
	plain := u.Scheme == "http" && len(d.base) > 5 && d.base[:5] == "http:"
	return (u.Scheme == "https" || plain) && u.User == nil && u.Host != ""
}
