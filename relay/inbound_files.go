package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"relevo/queue"
)

// A file of what somebody wrote gets more time than one that is to be sent:
// nobody waits, and its provider keeps it for days.
const (
	maxInboundTries = 8
	maxInboundFile  = maxFileLimit
)

// receivedKey is where a file of an inbound message is kept, n from 0.
func receivedKey(f Fetch, n int) string { return fmt.Sprintf("%s-%d", fileKey(f), n) }

// fetchReceived fetches the next file of an inbound message. The job ends with
// the last one.
func (r *Relay) fetchReceived(ctx context.Context, f Fetch) {
	var m InboundMessage
	var ch Channel
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		if m, err = tx.InboundMessage(ctx, f.Workspace, f.MessageID); err != nil {
			return err
		}
		ch, err = tx.Channel(ctx, m.Workspace, m.Channel)
		return err
	})
	if errors.Is(err, ErrNotFound) { // pruned meanwhile
		err = r.update(ctx, f.Workspace, func(tx Tx) error { return tx.DeleteFetch(ctx, f) })
	}
	if err != nil || m.ID == "" {
		return // the store is closing
	}
	if r.Store.Free() < 0 { // what room is left is for calls in flight
		r.returnFetch(ctx, f, time.Now().Add(time.Minute))
		return
	}
	n := m.toFetch()
	if n < 0 {
		n = len(m.Files)
	}
	var got ReceivedFile
	if n < len(m.Files) {
		started := time.Now()
		got, err = r.receive(ctx, ch, m.Files[n], receivedKey(f, n))
		if err != nil && ctx.Err() != nil {
			r.returnFetch(context.WithoutCancel(ctx), f, time.Now())
			return
		}
		r.Log.Info("fetch inbound file", "message", f.MessageID, "workspace", f.Workspace, "try", f.Tries, "bytes", got.Size, "ok", err == nil, "error", loggable(err), "duration", time.Since(started).Round(time.Microsecond).String())
	}
	failed := err
	err = r.update(ctx, f.Workspace, func(tx Tx) error { return settleReceived(ctx, tx, f, n, got, failed) })
	switch {
	case errors.Is(err, ErrNotFound) && got.Key != "":
		r.removeStray(ctx, f, got.Key)
	case err != nil && !errors.Is(err, ErrNotFound):
		r.Log.Error("settle fetch", "message", f.MessageID, "error", err)
	}
}

// toFetch is the first file that is not here and may be had; -1 for none.
func (m InboundMessage) toFetch() int {
	for i, f := range m.Files {
		if f.Key == "" && f.Missing == "" {
			return i
		}
	}
	return -1
}

// receive fetches one file and keeps it. A panic of a driver counts as a try:
// what was written to one channel must not end the process for all, again at
// each start.
func (r *Relay) receive(ctx context.Context, ch Channel, f ReceivedFile, key string) (_ ReceivedFile, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("driver panicked", "kind", ch.Kind, "channel", ch.ID, "stack", string(debug.Stack()))
			err = errors.New("the driver failed while it fetched the file")
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.Set.FetchTimeout)
	defer cancel()
	d, ok := r.Drivers[ch.Kind].(MediaSource)
	if !ok {
		return f, &SendError{Verdict: Refused, Reason: "Files of what people write cannot be fetched from this provider."}
	}
	if ch, err = r.opened(ch); err != nil {
		return f, err
	}
	body, mediaType, err := d.Media(ctx, ch, f.InboundFile)
	if err != nil {
		return f, err
	}
	defer body.Close()
	sniffed, size, err := r.Files.Keep(ctx, key, body, maxInboundFile)
	if err != nil {
		return f, err
	}
	f.Key, f.Size = key, size
	f.Type = cmp.Or(f.Type, mediaType, sniffed)
	return f, nil
}

// settleReceived notes what came of one file. With the last one the message is
// whole, and told.
func settleReceived(ctx context.Context, tx Tx, f Fetch, n int, got ReceivedFile, failed error) error {
	job, err := tx.Fetch(ctx, f.Workspace, f.MessageID)
	if err != nil {
		return err
	}
	m, err := tx.InboundMessage(ctx, f.Workspace, f.MessageID)
	if err != nil {
		return err
	}
	if n < len(m.Files) {
		gone, final := missing(failed)
		switch {
		case failed == nil:
			m.Files[n] = got
		case final || job.Tries >= maxInboundTries:
			m.Files[n].Missing = gone
		default:
			job.Next = time.Now().Add(queue.Backoff(job.Tries))
			return tx.PutFetch(ctx, job)
		}
		if err := tx.PutInbound(ctx, m); err != nil {
			return err
		}
	}
	if m.toFetch() < 0 {
		w, err := tx.Workspace(ctx, m.Workspace)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := emitReceived(ctx, tx, w, m, time.Now()); err != nil {
			return err
		}
		return tx.DeleteFetch(ctx, job)
	}
	job.Tries, job.Next = 0, time.Now()
	return tx.PutFetch(ctx, job)
}

// loggable is why a file was not fetched, without the address that it was to
// come from: that may be a secret.
func loggable(err error) string {
	if err == nil {
		return ""
	}
	if fe, ok := errors.AsType[*FetchError](err); ok {
		return string(fe.Code)
	}
	for strings.Contains(err.Error(), "://") {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
	return err.Error()
}

// missing is why a file could not be had, and whether that is for good.
func missing(err error) (reason string, final bool) {
	if fe, ok := errors.AsType[*FetchError](err); ok {
		return fe.Message, !fe.Again
	}
	if se, ok := errors.AsType[*SendError](err); ok && se.Reason != "" {
		return se.Reason, se.Verdict == Refused
	}
	return "The provider did not give the file.", false
}

// OpenReceived opens the n-th file of an inbound message, n from 0.
// CodeNotFound where there is none, or it was not fetched yet.
func (r *Relay) OpenReceived(ctx context.Context, workspace, id string, n int) (ReceivedFile, io.ReadCloser, error) {
	var m InboundMessage
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		m, err = tx.InboundMessage(ctx, workspace, id)
		return err
	})
	if errors.Is(err, ErrNotFound) || err == nil && (n < 0 || n >= len(m.Files) || m.Files[n].Key == "") {
		return ReceivedFile{}, nil, Refusef(CodeNotFound, "There is no such file, or it has not been fetched.")
	}
	if err != nil {
		return ReceivedFile{}, nil, err
	}
	body, err := r.Files.Open(m.Files[n].Key)
	if err != nil {
		return ReceivedFile{}, nil, &Error{Code: CodeNotFound, Message: "The file is kept no more.", Err: err}
	}
	return m.Files[n], body, nil
}
