package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"relevo/queue"
	"relevo/quota"
)

// leaseMargin is what a lease lasts beyond the call that it covers: for the
// commit before the call and the one after it.
const leaseMargin = 15 * time.Second

// Dispatch claims and delivers until ctx ends, then lets the calls in flight
// end and settle. Run it once per process, after Recover.
func (r *Relay) Dispatch(ctx context.Context) error {
	return r.dispatcher.Run(ctx)
}

// Recover puts in order what a predecessor of this node left out when it
// crashed: a message that was being sent becomes unknown, and every lane rests
// one full spacing, so that a restart is never a burst.
func (r *Relay) Recover(ctx context.Context) error {
	items, err := r.Store.Stranded(ctx, r.Set.Node)
	if err != nil {
		return fmt.Errorf("find stranded messages: %w", err)
	}
	for _, i := range items {
		err := r.update(ctx, WorkspaceOfLane(i.Lane), func(tx Tx) error { return strand(ctx, tx, i, time.Now()) })
		if errors.Is(err, ErrInDoubt) || errors.Is(err, ErrClosed) || ctx.Err() != nil {
			return fmt.Errorf("recover message %s: %w", i.ID, err)
		}
		if err != nil { // one damaged row must not keep everybody's messages
			r.Log.Error("ALARM: a message that was being sent cannot be put in order; its lane stands still until its lease ends", "message", i.ID, "error", err)
			continue
		}
		r.Log.Warn("message was being sent when the process ended; its outcome is unknown", "message", i.ID)
	}
	return r.Store.RestLanes(ctx, r.Set.Node, time.Now())
}

// strand ends the lease of a holder that is gone. Whether the message went out
// nobody knows, so it is never sent again by itself.
func strand(ctx context.Context, tx Tx, i queue.Item, now time.Time) error {
	if _, err := tx.Lane(ctx, i.Lane); err != nil {
		return err
	}
	i, err := tx.Item(ctx, i.Lane, i.ID)
	if errors.Is(err, queue.ErrNoItem) || err == nil && !i.Out {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := tx.Message(ctx, WorkspaceOfLane(i.Lane), i.ID)
	if err != nil {
		return err
	}
	if err := queue.Release(ctx, tx, i, now); err != nil {
		return err
	}
	_, err = change(ctx, tx, &m, Change{At: now, Status: Unknown, Try: i.Try, Note: "the process ended during the call"})
	if err != nil {
		return err
	}
	return applyReports(ctx, tx, &m, now)
}

// Claim leases what is due: T2. Only after it has returned may a byte go to a
// provider. It makes Relay a queue.Source.
func (r *Relay) Claim(ctx context.Context, n int) ([]queue.Lease, error) {
	var leases []queue.Lease
	var rests []time.Duration
	t := tally{ids: &r.events}
	now := time.Now()
	err := r.Store.Claim(ctx, r.Set.Node, n, now, func(tx Tx, i queue.Item) error {
		t.Tx = tx
		l, rest, err := r.take(ctx, &t, i, now)
		if err != nil {
			return &itemError{lane: i.Lane, err: err}
		}
		if l.Item != "" {
			leases, rests = append(leases, l), append(rests, rest)
		}
		return nil
	}, func() {
		leases, rests = leases[:0], rests[:0]
		t.begin(nil)
	})
	if err != nil {
		// an error of the store's own, also one that came in the middle of an
		// item, is no lane's fault
		if ie, ok := errors.AsType[*itemError](err); ok {
			r.setAside(ctx, ie.lane, err)
		}
		return nil, err
	}
	r.tell(&t)
	for _, rest := range rests {
		if rest > 0 && r.Watch.Spaced != nil {
			r.Watch.Spaced(rest)
		}
	}
	return leases, nil
}

// itemError is why the first item of a lane could not be taken.
type itemError struct {
	lane string
	err  error
}

func (e *itemError) Error() string {
	return fmt.Sprintf("take the first item of lane %s: %v", e.lane, e.err)
}

func (e *itemError) Unwrap() error { return e.err }

// aside is how long a lane waits whose first item cannot be taken.
const aside = time.Minute

// setAside lets a lane wait whose first item cannot be taken (its books do not
// balance, its record is damaged), so that it does not hold up all the others.
func (r *Relay) setAside(ctx context.Context, lane string, cause error) {
	var l queue.Lane
	err := r.Store.Update(ctx, func(tx Tx) (err error) {
		if l, err = tx.Lane(ctx, lane); err != nil {
			return err
		}
		l.NextFree = time.Now().Add(aside)
		return tx.PutLane(ctx, l)
	})
	if err != nil {
		r.Log.Error("set lane aside", "lane", lane, "error", err)
	}
	if errors.Is(cause, quota.ErrUnbalanced) {
		r.freeze(ctx, l.Workspace, cause)
	}
}

// NextDue is when Claim may have something.
func (r *Relay) NextDue(ctx context.Context) (time.Time, error) {
	return r.Store.NextDue(ctx, r.Set.Node, time.Now())
}

// take leases one message, or ends it where its time has passed, or the lease
// of a holder that is gone.
func (r *Relay) take(ctx context.Context, tx Tx, i queue.Item, now time.Time) (queue.Lease, time.Duration, error) {
	if i.Out {
		return queue.Lease{}, 0, strand(ctx, tx, i, now)
	}
	m, err := tx.Message(ctx, WorkspaceOfLane(i.Lane), i.ID)
	if err != nil {
		return queue.Lease{}, 0, fmt.Errorf("message of item %s: %w", i.ID, err)
	}
	if !now.Before(m.ExpiresAt) {
		return queue.Lease{}, 0, expire(ctx, tx, &m, now)
	}
	if shut, err := r.outOfOrder(ctx, tx, i.Lane, m.Channel, now); err != nil || shut {
		return queue.Lease{}, 0, err
	}
	switch late, err := r.late(ctx, tx, &m, now); {
	case err != nil:
		return queue.Lease{}, 0, err
	case late:
		return queue.Lease{}, 0, endQueued(ctx, tx, &m, Change{At: now, Status: Failed, Failure: &Failure{Code: CodeWindowClosed, Message: windowOver}})
	}
	lane, err := tx.Lane(ctx, i.Lane)
	if err != nil {
		return queue.Lease{}, 0, err
	}
	l, err := queue.Take(ctx, tx, i, r.Set.Node, now, r.Set.CallTimeout+leaseMargin)
	if errors.Is(err, queue.ErrBusy) || errors.Is(err, queue.ErrOut) {
		return queue.Lease{}, 0, nil
	}
	if err != nil {
		return queue.Lease{}, 0, err
	}
	m.Tries = l.Try
	if _, err := change(ctx, tx, &m, Change{At: now, Status: Sending, Try: l.Try}); err != nil {
		return queue.Lease{}, 0, err
	}
	var rest time.Duration
	if !lane.LastEnd.IsZero() {
		rest = now.Sub(lane.LastEnd)
	}
	return l, rest, nil
}

// deliver makes one try with what was leased, and settles it.
func (r *Relay) deliver(ctx context.Context, l queue.Lease) {
	is, err := r.load(ctx, WorkspaceOfLane(l.Lane), l.Item)
	var out Outgoing
	if err == nil {
		out, err = r.outgoing(is)
	}
	if err != nil {
		r.Log.Error("load leased message", "message", l.Item, "error", err)
		r.settle(ctx, l, outcome{verdict: Deferred, code: CodeInternal, note: "the message could not be loaded"})
		return
	}
	if is.unwanted {
		r.settle(ctx, l, outcome{verdict: Deferred, after: time.Microsecond, unwanted: true, note: "the person asked not to get messages before it was sent"})
		return
	}
	if left(l) < maxTurn+r.Set.CallTimeout {
		r.settle(ctx, l, outcome{verdict: Deferred, note: "too little of the lease was left to begin the call"})
		return
	}
	if o, ok := r.mayCall(ctx, out); !ok {
		r.settle(ctx, l, o)
		return
	}
	started := time.Now()
	o := r.call(ctx, out)
	o.end = time.Now()
	if r.breakers.end(out.Channel, o.outage, o.end) {
		r.Log.Warn("provider out of order; the account's messages wait", "channel", out.Channel.ID, "kind", out.Channel.Kind)
	}
	took := o.end.Sub(started)
	if r.Watch.Tried != nil {
		r.Watch.Tried(out.Channel.Kind, o.word(), took)
	}
	r.logTry(ctx, l, out.Channel, o, took)
	r.settle(ctx, l, o)
}

// mayCall waits for the channel's turn at its provider. Where that is too far,
// or the provider is out of order, it is the outcome of a try that was not
// made.
func (r *Relay) mayCall(ctx context.Context, out Outgoing) (outcome, bool) {
	if d, ok := r.Drivers[out.Channel.Kind].(Rated); ok {
		wait, why := r.rates.take(d, out.Channel, out.Recipient, time.Now())
		if why != "" {
			return outcome{verdict: Deferred, after: wait, note: why}, false
		}
		if wait > 0 {
			t := time.NewTimer(wait)
			defer t.Stop()
			select {
			case <-t.C:
			case <-ctx.Done():
				return outcome{verdict: Deferred, note: "the process stopped before the call"}, false
			}
		}
	}
	if !r.breakers.begin(out.Channel, time.Now(), r.Set.CallTimeout) {
		return outcome{verdict: Deferred, after: breakFor, note: "the provider is out of order; the call was not made"}, false
	}
	return outcome{}, true
}

// left is how much of a lease is left, by the clock that went on the most: the
// monotonic one stands still while a machine is suspended, the wall clock may
// be set back.
func left(l queue.Lease) time.Duration {
	return min(time.Until(l.Until), l.Until.Round(0).Sub(time.Now().Round(0)))
}

// logTry writes the one line of a try: ids, never a number or a text.
func (r *Relay) logTry(ctx context.Context, l queue.Lease, ch Channel, o outcome, took time.Duration) {
	line := []slog.Attr{
		slog.String("message", l.Item), slog.String("workspace", ch.Workspace), slog.String("channel", ch.ID), slog.String("kind", ch.Kind),
		slog.Int("try", l.Try), slog.String("verdict", o.word()), slog.String("duration", took.Round(time.Microsecond).String()),
	}
	if o.code != "" {
		line = append(line, slog.String("code", string(o.code)))
	}
	if o.err != nil {
		line = append(line, slog.Any("error", o.err))
	}
	r.Log.LogAttrs(ctx, slog.LevelInfo, "try", line...)
}

// loaded is a message with its channel and, where it calls for one that is
// known, its template.
type loaded struct {
	message  Message
	channel  Channel
	template Template
	// unwanted: its recipient has opted out since it was accepted. What waits
	// for them is canceled, but that takes its time.
	unwanted bool
}

func (r *Relay) load(ctx context.Context, workspace, id string) (is loaded, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		is = loaded{}
		m, err := tx.Message(ctx, workspace, id)
		if err != nil {
			return err
		}
		w, err := tx.Workspace(ctx, workspace)
		if err != nil {
			return err
		}
		if is.unwanted, err = toOptedOut(ctx, tx, w, m); err != nil {
			return err
		}
		is.message = m
		if is.channel, err = tx.Channel(ctx, m.Workspace, m.Channel); err != nil || m.Template == nil || is.channel.TemplatesAt.IsZero() {
			return err
		}
		is.template, err = templateOf(ctx, tx, Template{Workspace: workspace, Channel: is.channel.ID, Name: m.Template.Name, Language: m.Template.Language})
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	return is, err
}

// outgoing is what was loaded as its driver is given it.
func (r *Relay) outgoing(is loaded) (Outgoing, error) {
	m := is.message
	ch, err := r.opened(is.channel)
	if err != nil {
		return Outgoing{}, err
	}
	out := Outgoing{Channel: ch, MessageID: m.ID, Recipient: m.To(), Group: isGroup(m.Recipient), Try: m.Tries,
		Text: m.Text, File: r.outgoingFile(m.File), Callbacks: r.Addresses(ch)}
	if m.Template != nil {
		out.Template = outgoingTemplate(*m.Template, is.template)
	}
	if d, ok := r.Drivers[ch.Kind].(Linked); ok && m.File != nil && d.NeedsLink(m.File.Kind) {
		out.File.Link = r.FileLink(m, time.Now().Add(LinkLife))
	}
	return out, nil
}

// call runs the driver within its time. A panic of a driver leaves the outcome
// unsure and the process alive.
func (r *Relay) call(ctx context.Context, out Outgoing) (o outcome) {
	d, ok := r.Drivers[out.Channel.Kind]
	if !ok {
		return outcome{verdict: ChannelFault, code: CodeInternal, note: "this server has no driver of kind " + out.Channel.Kind}
	}
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("driver panicked", "kind", out.Channel.Kind, "message", out.MessageID, "stack", string(debug.Stack()))
			o = outcome{verdict: Unsure, code: CodeInternal, note: "the driver failed during the call"}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.Set.CallTimeout)
	defer cancel()
	id, err := d.Send(ctx, out)
	return outcomeOf(id, err)
}

// outcome is what came of one try.
type outcome struct {
	sent       bool
	providerID string
	verdict    Verdict
	after      time.Duration
	code       Code
	note       string
	outage     bool
	// unwanted: the recipient has opted out, so no call was made.
	unwanted bool
	end      time.Time
	err      error
}

func outcomeOf(id string, err error) outcome {
	if err == nil {
		return outcome{sent: true, providerID: id}
	}
	var se *SendError
	if !errors.As(err, &se) {
		return outcome{verdict: Unsure, note: "no clear answer from the provider", err: err}
	}
	o := outcome{verdict: se.Verdict, after: se.After, code: se.Code, note: se.Reason, outage: se.Outage, err: se.Err}
	if o.code == "" && o.verdict == Refused {
		o.code = CodeRefused
	}
	return o
}

func (o outcome) word() string {
	if o.sent {
		return "sent"
	}
	return o.verdict.String()
}

func (o outcome) failure() *Failure { return &Failure{Code: o.code, Message: o.note} }
