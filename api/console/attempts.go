package console

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// attemptRoutes are the log of the webhook: the last calls, each of them, and
// the log as a file.
func (c *Console) attemptRoutes() []route {
	const at = " /w/{ws}/attempts"
	return []route{
		{pattern: "GET" + at, access: viewers, page: showAttempts},
		{pattern: "GET" + at + "/live", access: viewers, page: liveAttempts, stream: true},
		{pattern: "GET" + at + "/log", access: viewers, page: downloadAttempts},
		{pattern: "GET" + at + "/{id}", access: viewers, page: showAttempt},
		{pattern: "GET" + at + "/{id}/story", access: viewers, page: showStory},
		{pattern: "GET" + at + "/{id}/body", access: viewers, page: downloadBody},
		{pattern: "POST" + at + "/{id}/check", access: viewers, page: checkEdited},
		{pattern: "POST" + at + "/{id}/send", access: members, page: sendEdited},
	}
}

// newestAttempts is how many attempts of a workspace are kept.
const newestAttempts = 100

// The outcomes of an attempt, as filters and texts name them.
const (
	accepted = "accepted"
	refused  = "refused"
	replayed = "replayed"
	tested   = "test"
	captured = "captured"
)

// attemptRow is one call as the list shows it.
type attemptRow struct {
	relay.Attempt
	// Outcome is accepted, refused, replayed, test or captured; Status what it
	// was answered with.
	Outcome string
	Status  int
	// To and Channel are those of its message. Without one, To is whom the call
	// named; both may be empty.
	To, Channel string
}

// Latest is when it last came.
func (r attemptRow) Latest() time.Time {
	if r.LastAt.After(r.At) {
		return r.LastAt
	}
	return r.At
}

// Kind is the pill's.
func (r attemptRow) Kind() string {
	return map[string]string{accepted: "good", refused: "bad", replayed: "off", tested: "wait", captured: "wait"}[r.Outcome]
}

func outcomeOf(a relay.Attempt) string {
	switch {
	case a.ErrorCode != "":
		return refused
	case a.Captured:
		return captured
	case a.Test:
		return tested
	case a.Replayed:
		return replayed
	}
	return accepted
}

// attemptFilter narrows the list; it is in the address.
type attemptFilter struct{ Outcome, Tool, Search string }

// Query is the filter as an address has it.
func (f attemptFilter) Query() string {
	q := url.Values{}
	for name, v := range map[string]string{"outcome": f.Outcome, "tool": f.Tool, "q": f.Search} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q.Encode()
}

// Live is where the list tells of what is new.
func (l attemptList) Live(at string) string {
	q := "?after=" + strconv.FormatInt(l.After, 10)
	if narrowed := l.Filter.Query(); narrowed != "" {
		q += "&" + narrowed
	}
	return at + q
}

// Any reports whether something is left out.
func (f attemptFilter) Any() bool { return f != attemptFilter{} }

func (p *call) attemptFilter() attemptFilter {
	f := attemptFilter{Outcome: p.query("outcome"), Tool: p.query("tool"), Search: p.query("q")}
	if !slices.Contains([]string{accepted, refused, replayed, tested}, f.Outcome) {
		f.Outcome = ""
	}
	return f
}

func (f attemptFilter) passes(r attemptRow) bool {
	if f.Outcome != "" && f.Outcome != r.Outcome && !(f.Outcome == tested && r.Outcome == captured) {
		return false
	}
	if f.Tool != "" && f.Tool != r.Tool {
		return false
	}
	if f.Search == "" {
		return true
	}
	want := strings.ToLower(f.Search)
	for _, in := range []string{string(r.Body), r.Message, r.To, r.MessageID, r.Sender, r.Channel, r.RequestID} {
		if strings.Contains(strings.ToLower(in), want) {
			return true
		}
	}
	return digitsOf(want) != "" && strings.Contains(digitsOf(r.To), digitsOf(want))
}

// digitsOf is a number without what people write between its digits; empty for
// what is no number.
func digitsOf(s string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-()./ ", r) {
			return -1
		}
		return r
	}, s)
	if strings.Trim(digits, "0123456789") != "" || len(digits) < 3 {
		return ""
	}
	return digits
}

// attemptList is the list with what it is narrowed to.
type attemptList struct {
	Filter attemptFilter
	Rows   []attemptRow
	// Tools are those that have called.
	Tools []string
	// None: nobody has called yet. Command is a first call.
	None    bool
	Command string
	// After is what the page knows, for the stream.
	After int64
}

// attemptRows are the newest attempts with what became of them.
func (p *call) attemptRows(ctx context.Context) ([]attemptRow, error) {
	all, err := p.c.Relay.Store.Attempts(ctx, p.WS.ID, newestAttempts)
	if err != nil {
		return nil, err
	}
	rows := make([]attemptRow, len(all))
	names := map[string]string{}
	err = p.c.Relay.Store.View(ctx, func(tx relay.Tx) error {
		for i, a := range all {
			rows[i] = p.attemptRow(a)
			if a.MessageID == "" || a.Test || a.Captured {
				continue
			}
			m, err := tx.Message(ctx, p.WS.ID, a.MessageID)
			if errors.Is(err, relay.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			rows[i].To = m.To()
			if rows[i].Channel, err = channelName(ctx, tx, p.WS.ID, m.Channel, names); err != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}

// channelName finds a channel's name, once.
func channelName(ctx context.Context, tx relay.Tx, workspace, id string, names map[string]string) (string, error) {
	if name, ok := names[id]; ok {
		return name, nil
	}
	ch, err := tx.Channel(ctx, workspace, id)
	if err != nil && !errors.Is(err, relay.ErrNotFound) {
		return "", err
	}
	names[id] = ch.Name
	return ch.Name, nil
}

func (p *call) attemptList(ctx context.Context) (attemptList, error) {
	rows, err := p.attemptRows(ctx)
	if err != nil {
		return attemptList{}, err
	}
	l := attemptList{Filter: p.attemptFilter(), None: len(rows) == 0}
	for _, r := range rows {
		l.After = max(l.After, r.Latest().UnixMicro())
		if r.Tool != "" && !slices.Contains(l.Tools, r.Tool) {
			l.Tools = append(l.Tools, r.Tool)
		}
		if l.Filter.passes(r) {
			l.Rows = append(l.Rows, r)
		}
	}
	slices.SortFunc(l.Tools, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	if l.None {
		l.Command = p.c.Snippets(p.origin() + "/hook/" + mask)[0].Code
	}
	return l, nil
}

func showAttempts(p *call) error {
	l, err := p.attemptList(p.ctx)
	if err != nil {
		return err
	}
	return p.show("attempts", l)
}

func downloadAttempts(p *call) error {
	return p.c.Download(p.w, p.r, p.WS.ID, p.query("format"), p.query("hide_phones") != "")
}
