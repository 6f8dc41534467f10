// Package sandbox is a pretend WhatsApp that outlives the process: a driver
// that hands messages over to a folder, where a person can look at them and a
// test can count them.
//
// Each channel has a file, FOLDER/ch_….jsonl, with one line for each call.
// A line whose handed_over is true is a message that went out: it is appended
// whole, in one write, before Send answers. It is there if the process is
// killed a moment later, and a message that goes out twice has two lines.
// Attachments lie beside it, in FOLDER/ch_…/files. A line is not synced to the
// disk: it survives the process, not a power cut.
//
// What becomes of a message is decided by the last four digits of its
// recipient (see behaviour.go), so that a test scripts the sandbox by choosing
// numbers. The files are its only memory of what it owes: a driver that starts
// reads their ends and goes on making the reports that are due.
//
// Of several nodes each has its own folder. They may share a log of their
// lines besides (see Shared), so that each shows what any of them was called
// with. Reports are not shared: those that a killed node still owed are made
// when that node starts again.
//
// It knows no store, no lane and no HTTP, and it imitates one provider that
// takes everything: it checks no limits of what it is given.
package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
)

// Driver serves all sandbox channels of a process. Its methods may be called
// concurrently.
type Driver struct {
	whatsapp.Limits
	dir    string
	report func(ctx context.Context, channelID string, reports []relay.Report) error
	log    *slog.Logger
	agenda *agenda
	shared Shared
}

// Shared is a log of all nodes' lines, so that each of them can show what any
// of them was called with. Its methods may be called concurrently.
type Shared interface {
	Append(ctx context.Context, workspace, channelID string, line []byte) error
	// Tail are the newest n lines of a channel, newest first.
	Tail(ctx context.Context, workspace, channelID string, n int) ([][]byte, error)
}

// Share writes lines into a shared log from now on, after the file, which stays
// the witness. Reports are owed by the node that handed a message over: one
// that was killed makes them when it starts again. Call it before anything
// else.
func (d *Driver) Share(log Shared) { d.shared = log }

// New makes a driver over a folder, which need not exist yet, and takes up the
// reports that an earlier process still owed. A file that cannot be read is
// logged and left alone.
//
// Run gives reports to the function report, a few hundred of one channel at
// a time, from one goroutine. The same report may come again after a restart.
// An error means that none of them was taken; they come again, a few times.
func New(dir string, report func(ctx context.Context, channelID string, reports []relay.Report) error, log *slog.Logger) *Driver {
	d := &Driver{dir: dir, report: report, log: log, agenda: newAgenda()}
	d.removeHalfFiles()
	d.recover(time.Now())
	return d
}

// Send hands a message over to the channel's file. It writes at most one line
// and starts nothing. A file of the message is copied first.
func (d *Driver) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	if !channelForm.MatchString(out.Channel.ID) {
		return "", &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeNoChannel,
			Reason: "This channel's id is not one that the sandbox can keep messages for. Make a new channel."}
	}
	if err := ctx.Err(); err != nil {
		return "", tooLate(err)
	}
	b := behaviourOf(out.Recipient)
	if fault := d.turnedAway(ctx, b, out); fault != nil {
		if err := d.write(ctx, out, newLine(out, fault)); err != nil {
			d.log.Warn("sandbox: note a message that was turned away", "channel", out.Channel.ID, "message", out.MessageID, "error", err)
		}
		return "", fault
	}
	return d.handOver(ctx, b, out)
}

// handOver writes the line that says that the message went out. What fails
// before it is no hand-over.
func (d *Driver) handOver(ctx context.Context, b behaviour, out relay.Outgoing) (string, error) {
	l := newLine(out, b.answer)
	l.HandedOver, l.ProviderID = true, providerID(out)
	if out.File != nil {
		var err error
		if l.File, err = d.keep(out); err != nil {
			return "", notKept(err)
		}
		l.At = now()
	}
	if err := ctx.Err(); err != nil {
		return "", tooLate(err)
	}
	if err := d.write(ctx, out, l); err != nil {
		return "", notWritten(err)
	}
	d.agenda.add(promised(out.Channel.ID, l)...)
	if err := wait(ctx, b.wait); err != nil {
		return "", &relay.SendError{Verdict: relay.Unsure, Code: relay.CodeUnavailable,
			Reason: "The sandbox had not answered when the time for the call was over. Wait for its report.", Err: err}
	}
	if b.answer != nil {
		return "", b.answer
	}
	return l.ProviderID, nil
}

// channelForm keeps a channel's files inside the folder.
var channelForm = regexp.MustCompile(`^ch_[0-9A-Za-z]{1,64}$`)

// now is the time without its monotonic part, as a line keeps it.
func now() time.Time { return time.Now().UTC().Round(0) }

// wait ends after a time, or earlier with the context's error.
func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// providerID tells apart two hand-overs of the same message.
func providerID(out relay.Outgoing) string {
	return fmt.Sprintf("sbx_%s_%d", nameOf(out.MessageID), out.Try)
}
