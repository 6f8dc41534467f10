package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"relevo/api/console"
	"relevo/relay"
)

// attemptView is one call of a webhook as its owner sees it: a row of the
// list, a line of the JSONL, and (in the same order) a row of the CSV.
type attemptView struct {
	ID        string     `json:"id"`
	At        time.Time  `json:"at"`
	LastAt    *time.Time `json:"last_at"`
	RemoteIP  *string    `json:"remote_ip"`
	Sender    *string    `json:"sender"`
	Status    int        `json:"status"`
	ErrorCode *string    `json:"error_code"`
	Message   *string    `json:"message"`
	MessageID *string    `json:"message_id"`
	// MessageStatus is what became of the message; null where it was pruned.
	MessageStatus *string `json:"message_status"`
	Units         int64   `json:"units"`
	Replayed      bool    `json:"replayed"`
	// Count is how many equal refusals this row stands for, LastAt the time
	// of the latest; it and Body are of the latest.
	Count     int      `json:"count"`
	Warnings  []string `json:"warnings"`
	Body      string   `json:"body"`
	RequestID *string  `json:"request_id"`
	// BodyBase64 is set where the body is no text and shown in base64.
	BodyBase64 bool `json:"body_base64"`
	// Tool is what was recognised by the call's headers, Fix what to do there
	// about a refusal, Excerpt the line of the fault with a caret under it.
	Tool    *string `json:"tool"`
	Fix     *string `json:"fix"`
	Excerpt *string `json:"excerpt"`
	// Test and Captured calls were answered with an id, and not sent.
	Test     bool `json:"test"`
	Captured bool `json:"captured"`
	// Line and Column are the place of the fault; null where it has none.
	Line   *int `json:"line"`
	Column *int `json:"column"`
	// PreviousURL: it came by the URL before the present one.
	PreviousURL bool `json:"previous_url"`
	// Recipient is whom the call was for, as far as it could be read; Account
	// the number of the account that its message goes through.
	Recipient *string `json:"recipient"`
	Account   *string `json:"account"`
}

var attemptColumns = []string{
	"id", "at", "last_at", "remote_ip", "sender", "status", "error_code", "message", "message_id", "message_status",
	"units", "replayed", "count", "warnings", "body", "request_id", "body_base64",
	"tool", "fix", "excerpt", "test", "captured", "line", "column", "previous_url",
	"recipient", "account",
}

// cells are the row of an attempt under attemptColumns.
func (v attemptView) cells() []string {
	return []string{
		v.ID, cellTime(&v.At), cellTime(v.LastAt), cell(v.RemoteIP), cell(v.Sender), strconv.Itoa(v.Status),
		cell(v.ErrorCode), cell(v.Message), cell(v.MessageID), cell(v.MessageStatus),
		strconv.FormatInt(v.Units, 10), strconv.FormatBool(v.Replayed), strconv.Itoa(v.Count),
		harmless(strings.Join(v.Warnings, "; ")), harmless(v.Body), cell(v.RequestID), strconv.FormatBool(v.BodyBase64),
		cell(v.Tool), cell(v.Fix), cell(v.Excerpt), strconv.FormatBool(v.Test), strconv.FormatBool(v.Captured),
		cellInt(v.Line), cellInt(v.Column), strconv.FormatBool(v.PreviousURL),
		cell(v.Recipient), cell(v.Account),
	}
}

func cellTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func cellInt(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func cell(s *string) string {
	if s == nil {
		return ""
	}
	return harmless(*s)
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(s string) string {
	if console.IsFormula(s) {
		return "'" + s
	}
	return s
}

func viewAttempt(a relay.Attempt) attemptView {
	v := attemptView{
		ID: a.ID, At: a.At.UTC(), LastAt: instant(a.LastAt), RemoteIP: present(a.RemoteIP), Sender: present(a.Sender),
		Status: statusOf(a.ErrorCode), ErrorCode: present(string(a.ErrorCode)), Message: present(a.Message), MessageID: present(a.MessageID),
		Units: a.Units, Replayed: a.Replayed, Count: a.Count, Warnings: a.Warnings, Body: string(a.Body), RequestID: present(a.RequestID),
		Tool: present(a.Tool), Fix: present(a.Fix), Excerpt: present(a.Excerpt), Test: a.Test, Captured: a.Captured,
		Line: present(a.Line), Column: present(a.Column), PreviousURL: a.PreviousURL, Recipient: present(a.Recipient),
	}
	if !utf8.Valid(a.Body) {
		v.Body, v.BodyBase64 = base64.StdEncoding.EncodeToString(a.Body), true
	}
	return v
}

// newestAttempts is how many attempts of a workspace are kept.
const newestAttempts = 100

func (s *server) listAttempts(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	limit, err := r.limit(newestAttempts, 200)
	if err != nil {
		return answer{}, err
	}
	hide, err := r.flag("hide_phones")
	if err != nil {
		return answer{}, err
	}
	rows, err := s.attempts(r.ctx, r.workspace(), min(limit, newestAttempts))
	if err != nil {
		return answer{}, err
	}
	if hide {
		hideAll(rows)
	}
	format := r.query("format")
	if format == "" || format == "json" {
		return pageOf(rows, ""), nil
	}
	form, ok := attemptForms[format]
	if !ok {
		return answer{}, relay.RefuseField(relay.CodeInvalidField, "format", "format is json, jsonl, csv or text.", "")
	}
	b, err := form.write(rows)
	return file(form.name(r.workspace()), form.mediaType, b), err
}

// attemptForm is one form of the log as a file.
type attemptForm struct {
	ending, mediaType string
	write             func([]attemptView) ([]byte, error)
}

var attemptForms = map[string]attemptForm{
	"jsonl": {"jsonl", "application/jsonl; charset=utf-8", writeJSONL},
	"csv":   {"csv", "text/csv; charset=utf-8", writeCSV},
	"text":  {"txt", "text/plain; charset=utf-8", writeText},
}

func (f attemptForm) name(workspace string) string {
	return "attempts-" + workspace + "-" + time.Now().UTC().Format(time.DateOnly) + "." + f.ending
}

// attempts are the newest of a workspace with what became of their messages,
// looked up at one moment.
func (s *server) attempts(ctx context.Context, workspace string, n int) ([]attemptView, error) {
	found, err := s.relay.Store.Attempts(ctx, workspace, n)
	if err != nil {
		return nil, err
	}
	rows := mapped(found, viewAttempt)
	err = s.relay.Store.View(ctx, func(tx relay.Tx) error {
		accounts := map[string]string{}
		for i := range rows {
			if found[i].MessageID == "" {
				continue
			}
			m, err := tx.Message(ctx, workspace, found[i].MessageID)
			if errors.Is(err, relay.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := rows[i].tell(ctx, tx, m, accounts); err != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}

// tell says of an attempt what its message knows. accounts are the numbers of
// channels that were looked up before.
func (v *attemptView) tell(ctx context.Context, tx relay.Tx, m relay.Message, accounts map[string]string) error {
	v.MessageStatus = present(string(m.Status))
	if v.Recipient == nil && !m.Erased { // written before attempts named anybody
		v.Recipient = present(m.To())
	}
	phone, known := accounts[m.Channel]
	if !known {
		ch, err := tx.Channel(ctx, m.Workspace, m.Channel)
		if err != nil && !errors.Is(err, relay.ErrNotFound) {
			return err
		}
		phone = ch.Phone
		accounts[m.Channel] = phone
	}
	v.Account = present(phone)
	return nil
}

func file(name, mediaType string, b []byte) answer {
	return answer{download: &download{mediaType: mediaType, name: name, size: int64(len(b)), body: io.NopCloser(bytes.NewReader(b))}}
}

func writeJSONL(rows []attemptView) ([]byte, error) {
	var b bytes.Buffer
	for _, row := range rows {
		line, err := encode(row)
		if err != nil {
			return nil, err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// writeCSV begins with a byte order mark: without it, Excel reads UTF-8 as
// something else.
func writeCSV(rows []attemptView) ([]byte, error) {
	b := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(b)
	w.UseCRLF = true // RFC 4180
	if err := w.Write(attemptColumns); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := w.Write(row.cells()); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
