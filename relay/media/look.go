package media

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"relevo/relay/guard"
)

// Finding is what Look saw of a link. What the other side sent is in it as it
// came: clean it before it is shown on a terminal.
type Finding struct {
	// Steps are the requests that were made, in order: one, and one more for
	// each redirect that was followed. None where the link is no address.
	Steps []Step
	// Status is the HTTP status of the answer that redirects ended at; 0
	// where there was none.
	Status int
	// DeclaredType and DeclaredName are the words of the server: its
	// Content-Type, and the cleaned file name of its Content-Disposition.
	// Neither decides anything. Empty where it says nothing.
	DeclaredType, DeclaredName string
	// DeclaredSize is the Content-Length in bytes; -1 where there is none.
	DeclaredSize int64

	// Name is the file name that the file was looked at as, NameFrom where it
	// is from, Kind how WhatsApp would show it.
	Name     string
	NameFrom NameSource
	Kind     string

	// Sniffed is the media type of the first bytes; empty where none came.
	Sniffed string
	// Type is the media type that the file would be sent as; empty where it
	// would not be sent.
	Type string
	// WebPage says that a web page came where none was announced.
	WebPage bool
	// Read is how many bytes of the file came (after unpacking), Whole says
	// that these are all. A file that is refused for its first bytes is read
	// no further than them, one that is too large no further than the limit.
	Read  int64
	Whole bool
	// Limit in bytes, as it was asked for.
	Limit int64

	// Took is the time from the look-up of the name to the last byte read.
	Took time.Duration
	// Failure is why the file could not be had, as Fetch says it; nil for a
	// file that Fetch would keep.
	Failure *Error
	// Advice is a sentence for a file that could be had and would be shown as
	// less than it is; mostly empty.
	Advice string
}

// Step is one request on the way to a file.
type Step struct {
	// URL is what was asked for, without what looks like a secret.
	URL string
	// Host is its host, without port.
	Host string
	// Address is the IP address and port behind it: the one that answered, or
	// the one that the guard refused. It may tell how a private network is
	// laid out: for the operator alone. Empty where it is not known.
	Address string
	// Status is the HTTP status; 0 where there was no answer.
	Status int
	// To is where the answer leads on to, without what looks like a secret;
	// empty for an answer that is no redirect. The last step may have one too,
	// where it was not followed.
	To string
}

// NameSource says where the name of a Finding is from.
type NameSource string

// The sources of a name, the first that has one is the one.
const (
	NameGiven    NameSource = "given"    // the Request
	NameDeclared NameSource = "declared" // the server's Content-Disposition
	NameOfLink   NameSource = "link"     // the end of the path that redirects led to
	NameUnknown  NameSource = ""
)

// TypeFits says whether the content passes for what its name announces; known
// is false where no content came.
func (s Finding) TypeFits() (fits, known bool) {
	bad := s.Failure != nil && (s.Failure.Code == WebPage || s.Failure.Code == TypeMismatch)
	return !bad, s.Sniffed != ""
}

// SizeFits says whether the file is within the limit; known is false where
// it was not read far enough to tell.
func (s Finding) SizeFits() (fits, known bool) {
	over := s.Failure != nil && s.Failure.Code == TooLarge
	return !over, over || s.Whole
}

// Look fetches a file as Fetch would (through the same guarded client, with
// the same limits and the same refusals) and keeps nothing: it says what
// came. r.Key is not used. Where r.Name is empty, the name is the server's or
// the link's own; where r.Kind is empty, it is KindOf the name.
//
// What is wrong with the link or the file is the Finding's Failure. The error
// is for a fault of ours: ctx was canceled, or the limit is below 1. It needs
// no Store, and may be called concurrently.
func Look(ctx context.Context, g guard.Config, r Request) (Finding, error) {
	return look(ctx, guard.New(g), r)
}

func look(ctx context.Context, guarded *http.Client, r Request) (Finding, error) {
	s := Finding{DeclaredSize: -1, Limit: r.Limit, Name: r.Name}
	client, trail := *guarded, trail{next: guarded.Transport}
	client.Transport = &trail
	f := &fetch{Request: r, keep: func(_ context.Context, _ string, src io.Reader, limit int64) (File, error) {
		file, err := pour(io.Discard, src, limit)
		s.Read = file.Size
		return file, err
	}}
	began := time.Now()
	err := s.fill(ctx, f, &client)
	s.Took, s.Steps = time.Since(began), trail.steps
	if failure, ok := errors.AsType[*Error](err); ok {
		s.Failure, err = failure, nil
		s.WebPage = failure.Code == WebPage
	}
	return s, err
}

// fill notes what an answer says and what it holds.
func (s *Finding) fill(ctx context.Context, f *fetch, client *http.Client) error {
	resp, err := f.ask(ctx, client)
	if err != nil {
		s.name(f, nil)
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	s.Status, s.DeclaredSize, s.DeclaredType = resp.StatusCode, resp.ContentLength, resp.Header.Get("Content-Type")
	s.DeclaredName = dispositionName(resp.Header.Get("Content-Disposition"))
	s.name(f, resp.Request.URL)
	file, err := f.take(ctx, resp)
	s.Read = max(s.Read, int64(f.head))
	if f.found != nil {
		s.Sniffed = plain(f.found)
	}
	if err != nil {
		return err
	}
	s.Type, s.Whole, s.Advice = file.Type, true, f.better()
	return nil
}

// name chooses the name that the file is looked at as; at is where redirects
// led to, nil where they led nowhere.
func (s *Finding) name(f *fetch, at *url.URL) {
	switch {
	case s.Name != "":
		s.NameFrom = NameGiven
	case s.DeclaredName != "":
		s.Name, s.NameFrom = s.DeclaredName, NameDeclared
	case at != nil && extension(path.Base(at.Path)) != "":
		if s.Name = CleanName(path.Base(at.Path)); s.Name != "" {
			s.NameFrom = NameOfLink
		}
	}
	s.Kind = f.Kind
	if s.Kind == "" {
		s.Kind = KindOf(s.Name)
	}
	f.Name, f.Kind = s.Name, s.Kind
}

// dispositionName is the file name in a Content-Disposition, cleaned; empty
// where there is none that can be read.
func dispositionName(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return CleanName(params["filename"])
}

// trail notes each request that goes through it. It is for one call.
type trail struct {
	next  http.RoundTripper
	steps []Step
}

func (t *trail) RoundTrip(r *http.Request) (*http.Response, error) {
	step := Step{URL: shorten(r.URL), Host: r.URL.Hostname()}
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		step.Address = c.Conn.RemoteAddr().String()
	}})
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if b, ok := errors.AsType[*guard.BlockedError](err); ok && b.Addr.IsValid() {
		step.Address = b.Addr.String()
	}
	if err == nil {
		step.Status, step.To = resp.StatusCode, leadsTo(resp)
	}
	t.steps = append(t.steps, step)
	return resp, err
}

// leadsTo is the target of a redirect that http.Client would follow.
func leadsTo(resp *http.Response) string {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return ""
	}
	to, err := resp.Location()
	switch {
	case errors.Is(err, http.ErrNoLocation):
		return ""
	case err != nil:
		return "something that is no address"
	}
	return shorten(to)
}

// What of an address is shown: longer parts of a path and longer values of a
// query are more often keys than words. The 40 bytes leave most file names.
const (
	longestPart  = 40
	longestValue = 8
)

// shorten shows an address so that its way can be followed and nobody can use
// it: without password and fragment, with long parts of the path and long or
// telling values of the query cut.
func shorten(u *url.URL) string {
	if u.Host == "" {
		return u.Scheme + ":…"
	}
	var b strings.Builder
	b.WriteString(u.Scheme + "://")
	if u.User != nil {
		b.WriteString("…@")
	}
	b.WriteString(u.Host)
	parts := strings.Split(u.EscapedPath(), "/")
	for i, part := range parts {
		if len(part) > longestPart {
			ending := path.Ext(part)
			if len(ending) > longestExtension {
				ending = ""
			}
			parts[i] = cut(part, longestValue) + "…" + ending
		}
	}
	b.WriteString(strings.Join(parts, "/"))
	if u.RawQuery != "" {
		b.WriteString("?" + shortenQuery(u.RawQuery))
	}
	return b.String()
}

func shortenQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok && len(pair) > longestPart:
			pairs[i] = cut(pair, longestValue) + "…" // no name: all of it may be a key
		case ok && value != "" && telling(name):
			pairs[i] = name + "=…"
		case len(value) > longestValue:
			pairs[i] = name + "=" + cut(value, longestValue/2) + "…"
		}
	}
	return strings.Join(pairs, "&")
}

// telling reports names of values that open something, however short.
func telling(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains([]string{"s", "k", "t", "p", "pw", "pin", "sig", "code"}, name) {
		return true
	}
	for _, word := range []string{"key", "token", "secret", "pass", "pwd", "auth", "sign", "cred", "session"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
