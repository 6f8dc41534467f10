package relay

import (
	"context"
	"strings"
	"time"
)

// foldFrom is how many equal refusals in a row stay lines of their own: the
// next ones are counted on the last of them.
const foldFrom = 3

// attempt writes one line of the webhook's log. Refusals in a row with the
// same code, field and sender fold from the fourth on, so that a tool gone
// wild does not push everything else out of the last 100.
func (t *acceptance) attempt(ctx context.Context, tx Tx, a Attempt) error {
	a.ID, a.Workspace = t.attemptID, t.call.Workspace
	a.At, a.RemoteIP, a.Sender = t.call.At.UTC(), t.call.RemoteIP.String(), t.call.UserAgent
	a.Body, a.RequestID, a.Count = t.call.Body, t.call.RequestID, 1
	a.Tool, a.PreviousURL, a.Recipient = t.call.Tool, t.previous, t.to
	if !t.call.RemoteIP.IsValid() {
		a.RemoteIP = ""
	}
	if a.ErrorCode != "" {
		last, err := tx.LastAttempts(ctx, a.Workspace, foldFrom)
		if err != nil {
			return err
		}
		if folds(last, a) {
			line := last[0]
			line.Count++
			line.LastAt, line.Body, line.RequestID, line.RemoteIP, line.Message = a.At, a.Body, a.RequestID, a.RemoteIP, a.Message
			line.Recipient = a.Recipient
			line.Warnings, line.Excerpt, line.Line, line.Column, line.PreviousURL = a.Warnings, a.Excerpt, a.Line, a.Column, a.PreviousURL
			return tx.PutAttempt(ctx, line)
		}
	}
	return tx.AppendAttempt(ctx, a)
}

func folds(last []Attempt, a Attempt) bool {
	for _, l := range last {
		if l.ErrorCode != a.ErrorCode || l.Field != a.Field || l.Sender != a.Sender {
			return false
		}
	}
	return len(last) == foldFrom
}

// attemptID is att_ and 18 hexadecimal digits that sort by time.
func (r *Relay) attemptID(now time.Time) string {
	return "att_" + strings.ToLower(r.attempts.New(now)[len(idPrefix):])
}
