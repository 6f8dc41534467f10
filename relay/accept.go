package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"relevo/queue"
	"relevo/quota"
)

// Accept takes an action for its workspace. When it returns without an error,
// everything that the 200 promises is durable: the message is on its lane,
// paid for, its key remembered, its attempt written. An *Error is a refusal:
// it moved no unit, and its attempt is written unless the token had died in
// the meantime. ErrHookChanged: nothing was written, and the call has to be read
// again. It makes no call over the network.
func (r *Relay) Accept(ctx context.Context, call Call, a Action) (Accepted, error) {
	return r.answer(ctx, call, a, nil)
}

// Refused writes the attempt of a call that could not be understood, and
// returns its refusal; or captures it, where the webhook waits for a call to
// look at. Any other error is the store's.
func (r *Relay) Refused(ctx context.Context, call Call, refusal *Error) (Accepted, error) {
	return r.answer(ctx, call, Action{}, refusal)
}

func (r *Relay) answer(ctx context.Context, call Call, a Action, given *Error) (Accepted, error) {
	for {
		t := r.newAccept(call, a)
		t.given = given
		err := r.update(ctx, call.Workspace, func(tx Tx) error { return t.run(ctx, tx) })
		switch {
		case errors.Is(err, errDuplicateID):
			continue // taken by an earlier message: a new id, before any answer
		case err != nil:
			return Accepted{}, refusalOf(err)
		}
		r.after(t)
		if t.refusal != nil {
			return Accepted{}, t.refusal
		}
		return t.done, nil
	}
}

var errDuplicateID = errors.New("message id is taken")

// acceptance is one run of T1. Its inputs never change; reset puts its results
// back, because a transaction may run twice.
type acceptance struct {
	r         *Relay
	call      Call
	a         Action
	given     *Error // why the call was not understood; nil where it was
	ids       [2]string
	attemptID string
	nonce     uint64
	// a is what is done of what was asked: outside the session window a text
	// may become a template.
	asked  Action
	header FileKind // of the template, where it is known

	done    Accepted
	refusal *Error
	fetch   bool
	// previous: it came by the URL before the present one.
	previous bool
	// to is whom the call names, as far as that is known.
	to string
}

func (r *Relay) newAccept(call Call, a Action) *acceptance {
	var b [8]byte
	rand.Read(b[:])
	now := call.At
	return &acceptance{
		r: r, call: call, a: a, asked: a,
		ids:       [2]string{r.ids.New(now), r.ids.New(now)},
		attemptID: r.attemptID(now),
		nonce:     binary.BigEndian.Uint64(b[:]),
	}
}

func (t *acceptance) reset() {
	t.done, t.refusal, t.fetch, t.header, t.previous = Accepted{}, nil, false, "", false
	t.to = cmp.Or(t.asked.To.recipient(), t.call.Named.recipient())
}

// run is what our 200 promises, from top to bottom.
func (t *acceptance) run(ctx context.Context, tx Tx) error {
	t.reset()
	// whose webhook is it, and is it still on?
	w, refusal, err := t.webhook(ctx, tx)
	if err != nil || refusal != nil && refusal.Code == CodeNotFound {
		t.refusal = refusal
		return err
	}
	switch {
	case t.given != nil && t.given.atTheDoor():
		return t.refuse(ctx, tx, t.given)
	case refusal != nil:
		return t.refuse(ctx, tx, refusal)
	case t.call.challenge:
		t.done.Test = true
		return t.attempt(ctx, tx, Attempt{Test: true, Warnings: []string{"The tool asked whether this address is ready, and was answered. Nothing was sent."}})
	case w.Webhook.ListenUntil.After(t.call.At):
		return t.capture(ctx, tx, w)
	case t.given != nil:
		return t.refuse(ctx, tx, t.given)
	}
	// seen this key before? the first answer again
	known, err := t.known(ctx, tx, w)
	if err != nil || known {
		return err
	}
	// to whom, through which channel, as how many messages?
	rt, refusal, err := t.route(ctx, tx, w)
	if err != nil {
		return err
	}
	if refusal != nil {
		return t.refuse(ctx, tx, refusal)
	}
	parts := t.parts(rt)
	if w.Webhook.Test {
		return t.test(ctx, tx, rt)
	}
	// is it covered?
	refusal, err = covered(ctx, tx, rt.lane, w.ID, unitsOf(parts))
	if err != nil {
		return err
	}
	if refusal != nil {
		if err := tellMeterOf(ctx, tx, w, 0, t.call.At); err != nil {
			return err
		}
		return t.refuse(ctx, tx, refusal)
	}
	return t.write(ctx, tx, w, rt, parts)
}

func (t *acceptance) webhook(ctx context.Context, tx Tx) (Workspace, *Error, error) {
	hook, err := findHook(ctx, tx, t.call.Hook, t.call.At)
	if errors.Is(err, ErrNotFound) || err == nil && hook.Workspace != t.call.Workspace {
		return Workspace{}, Refusef(CodeNotFound, "Webhook not found"), nil
	}
	if err != nil {
		return Workspace{}, nil, err
	}
	w, err := tx.Workspace(ctx, hook.Workspace)
	if err != nil {
		return w, nil, err
	}
	if by := t.call.ReadBy; by != nil && !by.reads(&w.Webhook, w.Country) {
		return w, nil, ErrHookChanged
	}
	if t.previous = w.Webhook.byPrevious(t.call.Hook, t.call.At); t.previous {
		w.Webhook.PreviousUsedAt, w.Webhook.PreviousUsedBy = t.call.At, t.call.UserAgent
		if err := tx.PutWorkspace(ctx, w); err != nil {
			return w, nil, err
		}
	}
	if !w.Webhook.Enabled {
		return w, DisabledWebhook(), nil
	}
	return w, nil, nil
}

// DisabledWebhook is the refusal of a switched-off webhook.
func DisabledWebhook() *Error { return Refusef(CodeWebhookDisabled, "Webhook is disabled") }

// known answers a call that repeats an earlier one, or refuses a key that was
// used for something else.
func (t *acceptance) known(ctx context.Context, tx Tx, w Workspace) (bool, error) {
	use, refusal, err := t.use(ctx, tx, w)
	switch {
	case err != nil:
		return false, err
	case refusal != nil:
		return true, t.refuse(ctx, tx, refusal)
	case use.MessageID != "":
		return true, t.replay(ctx, tx, w, use)
	}
	return false, nil
}

// use is the earlier call that this one repeats; without one its MessageID is
// empty. A key that was used for something else is refused.
func (t *acceptance) use(ctx context.Context, tx Tx, w Workspace) (KeyUse, *Error, error) {
	if t.a.Key != "" {
		use, err := tx.Key(ctx, w.ID, t.a.Key)
		switch {
		case errors.Is(err, ErrNotFound):
			return KeyUse{}, nil, nil // a call with a key of its own is told apart by it, whatever it says
		case err != nil:
			return KeyUse{}, nil, err
		case use.Fingerprint == t.a.Fingerprint:
			return use, nil, nil
		}
		return KeyUse{}, Refusef(CodeIdempotencyConflict,
			"This idempotency key was used at %s for a call with another body; nothing was sent. Use a new key for a new message.",
			use.At.UTC().Format(time.RFC3339)), nil
	}
	if w.Webhook.DedupeSeconds == 0 {
		return KeyUse{}, nil, nil
	}
	use, err := tx.Key(ctx, w.ID, t.contentKey())
	if errors.Is(err, ErrNotFound) || err == nil && t.call.At.Sub(use.At) >= time.Duration(w.Webhook.DedupeSeconds)*time.Second {
		return KeyUse{}, nil, nil
	}
	return use, nil, err
}

// contentKey cannot be anybody's idempotency key: those are printable.
func (t *acceptance) contentKey() string { return fmt.Sprintf("\x00%x", t.a.Fingerprint) }

func (t *acceptance) replay(ctx context.Context, tx Tx, w Workspace, use KeyUse) error {
	acc, err := tx.Account(ctx, w.ID)
	if err != nil {
		return err
	}
	t.done = Accepted{MessageID: use.MessageID, Replayed: true, Available: acc.Available, Warnings: t.call.Warnings}
	return t.attempt(ctx, tx, Attempt{MessageID: use.MessageID, Replayed: true, Warnings: t.call.Warnings})
}

// covered loads the lane, then the account (in this order, everywhere), and
// refuses what the account does not cover.
func covered(ctx context.Context, tx Tx, lane, workspace string, units int64) (*Error, error) {
	if _, err := tx.Lane(ctx, lane); err != nil {
		return nil, err
	}
	acc, err := tx.Account(ctx, workspace)
	if err != nil {
		return nil, err
	}
	if acc.Frozen {
		return nil, quota.ErrFrozen
	}
	if acc.Available < units {
		e := Refusef(CodeQuotaExhausted, "The quota does not cover this message: it needs %s and %s left. Nothing was sent or queued.",
			countUnits(units), countAre(acc.Available))
		e.Err = &quota.ExhaustedError{Need: units, Have: acc.Available}
		return e, nil
	}
	return nil, nil
}

func countUnits(n int64) string {
	if n == 1 {
		return "1 unit"
	}
	return fmt.Sprintf("%d units", n)
}

func countAre(n int64) string {
	if n == 1 {
		return "1 unit is"
	}
	return fmt.Sprintf("%d units are", n)
}

// write puts the parts on their lane, pays for them, tells who listens,
// remembers the key and writes the attempt.
func (t *acceptance) write(ctx context.Context, tx Tx, w Workspace, rt route, parts []Message) error {
	if err := t.openChat(ctx, tx, w, &rt); err != nil {
		return err
	}
	for i := range parts {
		parts[i].ChatID = rt.chat.ID
		ahead, err := t.r.put(ctx, tx, rt, &parts[i])
		if err != nil {
			return err
		}
		if i == 0 {
			t.done.Position = ahead + 1
		}
		if err := emitMessage(ctx, tx, w, &parts[i]); err != nil {
			return err
		}
	}
	if err := tellMeterOf(ctx, tx, w, unitsOf(parts), t.call.At); err != nil {
		return err
	}
	t.fetch = rt.preparing
	if err := t.rememberKeys(ctx, tx, rt, parts[0].ID); err != nil {
		return err
	}
	acc, err := tx.Account(ctx, parts[0].Workspace)
	if err != nil {
		return err
	}
	t.done.MessageID, t.done.Available = parts[0].ID, acc.Available
	t.done.Warnings = append(t.call.Warnings[:len(t.call.Warnings):len(t.call.Warnings)], rt.warnings...)
	return t.attempt(ctx, tx, Attempt{MessageID: parts[0].ID, Units: unitsOf(parts), Warnings: t.done.Warnings})
}

// put writes one message: on its lane, then paid, then itself.
func (r *Relay) put(ctx context.Context, tx Tx, rt route, m *Message) (ahead int, err error) {
	if _, err := tx.Message(ctx, m.Workspace, m.ID); !errors.Is(err, ErrNotFound) {
		if err == nil {
			err = errDuplicateID
		}
		return 0, err
	}
	item := queue.Item{ID: m.ID, Lane: m.Lane, Recipient: m.Recipient, Expires: m.ExpiresAt, Unready: m.PartOf == "" && rt.preparing}
	if m.SendAt.After(m.CreatedAt) { // else it would return to the head of a line that it never left
		item.NotBefore = m.SendAt
	}
	ahead, err = queue.Push(ctx, tx, item)
	if err != nil {
		return 0, err
	}
	if err := quota.Debit(ctx, tx, m.Workspace, chargeRef(m), m.Units, m.CreatedAt); err != nil {
		return 0, err
	}
	if rt.preparing && m.PartOf == "" {
		if err := tx.PutFetch(ctx, Fetch{MessageID: m.ID, Workspace: m.Workspace, Next: m.CreatedAt}); err != nil {
			return 0, err
		}
	}
	return ahead, tx.PutMessage(ctx, *m)
}

func (t *acceptance) rememberKeys(ctx context.Context, tx Tx, rt route, id string) error {
	use := KeyUse{Fingerprint: t.a.Fingerprint, MessageID: id, At: t.call.At}
	if t.a.Key != "" {
		if err := tx.PutKey(ctx, t.call.Workspace, t.a.Key, use); err != nil {
			return err
		}
	}
	if rt.dedupe {
		return tx.PutKey(ctx, t.call.Workspace, t.contentKey(), use)
	}
	return nil
}

// after tells what the commit made true.
func (r *Relay) after(t *acceptance) {
	switch {
	case t.refusal != nil:
		r.answered(string(t.refusal.Code))
		return
	case t.done.Replayed:
		r.answered("replayed")
		return
	case t.done.Test:
		r.answered("test")
		return
	case t.done.Captured:
		r.answered("captured")
		return
	}
	r.answered("accepted")
	if t.fetch {
		r.wakeFetch()
		return
	}
	r.dispatcher.Wake()
}

func (r *Relay) answered(result string) {
	if r.Watch.Answered != nil {
		r.Watch.Answered(result)
	}
}

// refusalOf turns a fault of the store or the books into what a caller may
// see.
func refusalOf(err error) error {
	switch {
	case errors.Is(err, ErrDiskFull):
		return &Error{Code: CodeDiskFull, Message: "The server's disk is full; nothing was accepted. Its operator has to make room.", Err: err}
	case errors.Is(err, quota.ErrFrozen), errors.Is(err, quota.ErrUnbalanced):
		return &Error{Code: CodeUnavailable, Message: "The books of this workspace need a look by the operator; nothing was accepted until then.", Err: err}
	case errors.Is(err, ErrInDoubt), errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: CodeUnavailable, Message: "The server cannot promise to keep this message now. Try again in a moment.", Err: err}
	}
	return err
}

// refuse writes the attempt of a refusal and sets it as the result.
func (t *acceptance) refuse(ctx context.Context, tx Tx, refusal *Error) error {
	t.refusal = refusal
	at := Attempt{ErrorCode: refusal.Code, Message: refusal.Message, Warnings: t.call.Warnings}
	if len(refusal.Fields) > 0 {
		f := refusal.Fields[0]
		at.Field, at.Excerpt, at.Line, at.Column = f.Field, f.Excerpt, f.Line, f.Column
	}
	if t.call.Fix != nil {
		at.Fix = t.call.Fix(refusal)
	}
	return t.attempt(ctx, tx, at)
}
