package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relevo/relay"
)

// MaxSent is the most lines that Sent returns.
const MaxSent = 1000

// Sent is what the sandbox was called with on a channel, newest first: at most
// limit lines, at least 1 and at most MaxSent. It reads the file from its end,
// no further than it must. A channel that never sent has none. Lines that were
// turned away are among them, with HandedOver false.
func (d *Driver) Sent(channelID string, limit int) ([]Line, error) {
	if !channelForm.MatchString(channelID) {
		return nil, fmt.Errorf("%w: no sandbox channel can have this id", fs.ErrInvalid)
	}
	limit = min(max(limit, 1), MaxSent)
	lines := []Line{}
	err := backwards(d.path(channelID), func(l Line) bool {
		lines = append(lines, l)
		return len(lines) < limit
	})
	return lines, err
}

// SentAnywhere is Sent over the lines of all nodes, where they share a log.
func (d *Driver) SentAnywhere(ctx context.Context, workspace, channelID string, limit int) ([]Line, error) {
	if d.shared == nil || !channelForm.MatchString(channelID) {
		return d.Sent(channelID, limit)
	}
	return d.tail(ctx, workspace, channelID, min(max(limit, 1), MaxSent))
}

func (d *Driver) tail(ctx context.Context, workspace, channelID string, n int) ([]Line, error) {
	raw, err := d.shared.Tail(ctx, workspace, channelID, n)
	lines := []Line{}
	for _, b := range raw {
		if l, ok := parse(b); ok {
			lines = append(lines, l)
		}
	}
	return lines, err
}

// recall calls fn with the last lines of a channel, of all nodes, the last one
// first, until it returns false.
func (d *Driver) recall(ctx context.Context, ch relay.Channel, fn func(Line) bool) error {
	if d.shared == nil {
		return backwards(d.path(ch.ID), fn)
	}
	lines, err := d.tail(ctx, ch.Workspace, ch.ID, MaxSent)
	for _, l := range lines {
		if !fn(l) {
			break
		}
	}
	return err
}

// recoverFor is how old a hand-over may be whose reports are made again. They
// are due within seconds; the rest is for a relay that could not take them.
// Where nothing happened for long, it counts back from a file's last line, as
// far as a day: the process may have been down since.
const (
	recoverFor   = 15 * time.Minute
	recoverAfter = 24 * time.Hour
	// recoverMost bounds what one busy channel costs at start.
	recoverMost = 20_000
)

// recover schedules the reports of the last hand-overs of every channel.
func (d *Driver) recover(now time.Time) {
	files, err := filepath.Glob(filepath.Join(glob(d.dir), "ch_*"+suffix))
	if err != nil {
		d.log.Warn("sandbox: list the channels' files", "error", err)
	}
	for _, file := range files {
		channelID := strings.TrimSuffix(filepath.Base(file), suffix)
		if !channelForm.MatchString(channelID) {
			continue
		}
		var since time.Time
		lines := 0
		err := backwards(file, func(l Line) bool {
			if lines == 0 {
				since = later(earlier(l.At, now).Add(-recoverFor), now.Add(-recoverAfter))
			}
			if l.At.Before(since) {
				return false
			}
			d.agenda.add(promised(channelID, l)...)
			lines++
			return lines < recoverMost
		})
		if err != nil {
			d.log.Warn("sandbox: take up what an earlier process owed", "channel", channelID, "error", err)
		}
	}
}

// turnedAway is the answer to a try that does not go out; nil where it does.
// A later try of a message finds its first one in the channel's file, so that
// a restart changes nothing. It is not remembered longer than it matters.
func (d *Driver) turnedAway(ctx context.Context, b behaviour, out relay.Outgoing) *relay.SendError {
	if b.away != nil || b.first == nil {
		return b.away
	}
	if out.Try <= 1 {
		return b.first
	}
	if b.firstFor == 0 {
		return nil
	}
	since := now().Add(-b.firstFor)
	found := false
	err := d.recall(ctx, out.Channel, func(l Line) bool {
		found = l.MessageID == out.MessageID && l.Try <= 1 && l.At.After(since)
		// Lines of concurrent calls may change places; a second is plenty.
		return !found && l.At.After(since.Add(-time.Second))
	})
	if err != nil {
		d.log.Warn("sandbox: look for the first try", "channel", out.Channel.ID, "message", out.MessageID, "error", err)
	}
	if found {
		return b.first
	}
	return nil
}

const (
	chunkBytes = 64 << 10
	// maxLineBytes is far above any message: a call's body has 64 KiB, and
	// JSON makes at most six bytes of one.
	maxLineBytes = 1 << 20
)

// backwards calls fn with the lines of a file, the last one first, until it
// returns false. What is no line is skipped; a file that is not there has
// none. It holds one line and one chunk in memory.
func backwards(path string, fn func(Line) bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var rest []byte // the end of a line whose start lies before pos
	for pos := end; pos > 0; {
		n := min(pos, chunkBytes)
		pos -= n
		chunk := make([]byte, n, int(n)+len(rest))
		if _, err := f.ReadAt(chunk, pos); err != nil {
			return err
		}
		rest = append(chunk, rest...)
		for {
			i := bytes.LastIndexByte(rest, '\n')
			if i < 0 && pos > 0 {
				break
			}
			if l, ok := parse(rest[i+1:]); ok && !fn(l) {
				return nil
			}
			if i < 0 {
				return nil
			}
			rest = rest[:i]
		}
		if len(rest) > maxLineBytes {
			return fmt.Errorf("a line before byte %d has more than %d bytes", pos+int64(len(rest)), maxLineBytes)
		}
	}
	return nil
}

func parse(b []byte) (l Line, ok bool) {
	if len(b) == 0 || len(b) > maxLineBytes {
		return l, false
	}
	return l, json.Unmarshal(b, &l) == nil && l.MessageID != ""
}

// glob keeps a folder's name from being read as a pattern.
func glob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
