package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// hookPage is what a person sees who opens a webhook in a browser. It says
// nothing of the token.
const hookPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>This is a webhook</title>
<h1>This is a webhook</h1>
<p>It takes messages by <code>POST</code>, from the tool that you give this address to. Opening it in a browser sends nothing.</p>
<p>Keep the address secret: whoever has it can send messages through it.</p>
</html>
`

// sendPage answers with the page; without a method to run scripts or load
// anything.
func (s *server) sendPage(c echo.Context, status int) {
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'")
	s.send(c, status, "text/html; charset=utf-8", []byte(hookPage))
}

// home is the page at /.
func (s *server) home(c echo.Context) error {
	s.send(c, http.StatusOK, "text/plain; charset=utf-8", []byte("Relevo relays webhooks to WhatsApp. "+
		"POST a message to a workspace's webhook URL to send it; manage workspaces, channels and quotas with the command relevo or the API at "+apiBase+", which /reference describes.\n"+s.Version+"\n"))
	return nil
}

// prefersHTML reports whether a caller would rather read a page than JSON.
func prefersHTML(h http.Header) bool {
	accept := strings.Join(h["Accept"], ",")
	return quality(accept, "text/html") > quality(accept, jsonType)
}

// quality is how much a caller wants a media type, 0 to 1: the most specific
// range that covers it decides.
func quality(accept, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	best, q := 0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		rank := 0
		switch strings.ToLower(strings.TrimSpace(name)) {
		case mediaType:
			rank = 3
		case major + "/*":
			rank = 2
		case "*/*":
			rank = 1
		}
		if rank > best {
			best, q = rank, qualityOf(params)
		}
	}
	return q
}

func qualityOf(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}
