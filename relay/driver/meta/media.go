package meta

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

// maxMedia is the largest file that WhatsApp passes on, in bytes; a larger one
// arrives as error 131052.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
const maxMedia = whatsapp.MaxDocument

// Media opens a file that somebody sent. Meta keeps it for 7 days. Its address
// is asked for first and lives 5 minutes.
func (d *Driver) Media(ctx context.Context, ch relay.Channel, f relay.InboundFile) (io.ReadCloser, string, error) {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return nil, "", err
	}
	if !idForm.MatchString(f.ID) {
		return nil, "", refuse(relay.CodeFileUnreachable, "WhatsApp did not say where this file is.")
	}
	var a struct {
		URL  string `json:"url"`
		Type string `json:"mime_type"`
	}
	_, err = d.call(ctx, request{method: http.MethodGet, path: "/" + f.ID, query: url.Values{"phone_number_id": {s.PhoneNumberID}}, token: s.AccessToken}, &a)
	if err != nil {
		return nil, "", notKept(err)
	}
	return d.download(ctx, s, a.URL, a.Type)
}

// notKept turns "no such object" into words about the file.
func notKept(err error) error {
	if a := (*answered)(nil); errors.As(err, &a) && (a.Code == 100 || a.Code == 803) {
		return &relay.SendError{Verdict: relay.Refused, Code: relay.CodeFileUnreachable, Err: a,
			Reason: "WhatsApp does not keep this file any more; it keeps one for 7 days."}
	}
	return wire.Prepared(err)
}

// download fetches from the address that Meta named. The token goes to Meta's
// own hosts alone, and to no other host by a redirect.
func (d *Driver) download(ctx context.Context, s settings, address, mediaType string) (io.ReadCloser, string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, "", later("Meta named no address for this file.", errors.New("an address that is none"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", later("Meta named no address for this file.", errors.New("an address that is none"))
	}
	if !d.metas(u) {
		return nil, "", refuse(relay.CodeFileUnreachable, "The file lies at an address that is not Meta's, so it is not fetched.")
	}
	authorize(req, s.AccessToken)
	res, err := d.mediaClient(u.Host).Do(req)
	if err != nil {
		return nil, "", later("The file could not be fetched from Meta.", wire.WithoutAddress(err))
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, "", later("Meta did not hand the file out.", errors.New("media: status "+res.Status[:min(3, len(res.Status))]))
	}
	if mediaType == "" {
		mediaType = res.Header.Get("Content-Type")
	}
	return wire.Bounded(res.Body, maxMedia, errors.New("the file is longer than 100 MB")), mediaType, nil
}

// metas reports whether an address is the API's own, or one from which Meta
// hands files out.
func (d *Driver) metas(u *url.URL) bool {
	if own, err := url.Parse(d.host); err == nil && own.Host == u.Host && own.Scheme == u.Scheme {
		return true
	}
	host := "." + strings.ToLower(u.Hostname())
	for _, domain := range []string{".facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net"} {
		if u.Scheme == "https" && strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// mediaClient follows redirects as its guard lets it, without the token once
// they lead to another host.
func (d *Driver) mediaClient(host string) *http.Client {
	c := *d.media
	check := c.CheckRedirect
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Host != host || req.URL.Scheme != via[0].URL.Scheme {
			req.Header.Del("Authorization")
		}
		if check != nil {
			return check(req, via)
		}
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return nil
	}
	return &c
}

func later(reason string, err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeFileUnreachable, Reason: reason, Err: err}
}
