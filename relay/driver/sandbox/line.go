package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"relevo/relay"
)

// Line is one call of the sandbox: one line of a channel's file.
type Line struct {
	// At is when it was handed over, or turned away.
	At        time.Time `json:"at"`
	MessageID string    `json:"message_id"`
	// ProviderID is sbx_, the message's id and the try; empty where it was
	// turned away.
	ProviderID string `json:"provider_id,omitzero"`
	// Recipient is + and digits, or a JID.
	Recipient string `json:"recipient"`
	// Try counts from 1.
	Try int `json:"try"`
	// Kind is text, template, or the kind of the file.
	Kind     string                  `json:"kind"`
	Text     string                  `json:"text,omitzero"`
	File     *LineFile               `json:"file,omitzero"`
	Template *relay.OutgoingTemplate `json:"template,omitzero"`
	// Outcome is what the sandbox answered: sent, refused, deferred, unsure
	// or channel_fault. Whoever did not wait for the answer knows less.
	Outcome string `json:"outcome"`
	// HandedOver: the message went out. False for a call that was turned away.
	HandedOver bool `json:"handed_over"`
}

// LineFile is the attachment of a message that went out.
type LineFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Size is the length in bytes of what was copied, SHA256 its sum in
	// hexadecimal.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Path is where the copy lies, from the sandbox's folder on.
	Path string `json:"path"`
}

const sent = "sent"

func newLine(out relay.Outgoing, answer *relay.SendError) Line {
	l := Line{
		At: now(), MessageID: out.MessageID, Recipient: out.Recipient, Try: out.Try,
		Kind: "text", Text: out.Text, Template: out.Template, Outcome: sent,
	}
	switch {
	case out.File != nil:
		l.Kind = string(out.File.Kind)
	case out.Template != nil:
		l.Kind = "template"
	}
	if answer != nil {
		l.Outcome = answer.Verdict.String()
	}
	return l
}

// write appends a line to the channel's file, the witness, and then to the
// shared log, where there is one. A fault of that log changes nothing.
func (d *Driver) write(ctx context.Context, out relay.Outgoing, l Line) error {
	if err := d.append(out.Channel.ID, l); err != nil || d.shared == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareFor)
	defer cancel()
	b, err := json.Marshal(l)
	if err == nil {
		err = d.shared.Append(ctx, out.Channel.Workspace, out.Channel.ID, b)
	}
	if err != nil {
		d.log.Warn("sandbox: share a line", "channel", out.Channel.ID, "message", out.MessageID, "error", err)
	}
	return nil
}

// shareFor bounds how long a call waits for the shared log.
const shareFor = 2 * time.Second

// append writes a line in one call at the end of a channel's file. A line that
// was torn by a full disk or a power cut is closed off first, so that it takes
// no other with it.
func (d *Driver) append(channelID string, l Line) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a person reads this
	if err := enc.Encode(l); err != nil {
		return err
	}
	f, err := openToAppend(d.path(channelID))
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(d.dir, 0o700); err == nil {
			f, err = openToAppend(d.path(channelID))
		}
	}
	if err != nil {
		return err
	}
	line := b.Bytes()
	if torn(f) {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.Write(line)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return lineError(n, len(line), err)
}

// lineError is the error of writing n bytes of a line. A piece of a line is no
// message to any reader, so nothing went out; but a line that lacks nothing
// except its end may count as one.
func lineError(n, size int, err error) error {
	if err != nil && n >= size-1 {
		return &mayCount{err}
	}
	return err
}

func openToAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
}

// torn reports whether a file ends in the middle of a line. A line that is
// being written at this moment may look torn; the empty line that comes of it
// is skipped by every reader.
func torn(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

func (d *Driver) path(channelID string) string {
	return filepath.Join(d.dir, channelID+suffix)
}

const suffix = ".jsonl"

// mayCount is a write that failed after a line was in the file.
type mayCount struct{ err error }

func (e *mayCount) Error() string { return "a line was written, but not its end: " + e.err.Error() }

func (e *mayCount) Unwrap() error { return e.err }

// notWritten says what a line that could not be written means: nothing went
// out, unless it may count as one.
func notWritten(err error) *relay.SendError {
	e := &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable,
		Reason: "The sandbox could not write to its folder; Relevo tries again. Its operator finds the cause in the log.",
		Err:    fmt.Errorf("write a line of the sandbox: %w", err)}
	if line := (*mayCount)(nil); errors.As(err, &line) {
		e.Verdict = relay.Unsure
		e.Reason = "The sandbox may or may not have written this message to its folder. Its operator finds the cause in the log."
	}
	return e
}

// tooLate says that the call's time was over before anything went out.
func tooLate(err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.Deferred, Code: relay.CodeUnavailable,
		Reason: "There was no time left to call the sandbox; Relevo tries again.", Err: err}
}
