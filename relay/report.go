package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"
)

// Notes of lines of a history that mean the same in every message.
const (
	// NoteReport: a provider said so.
	NoteReport = "report"
	// NoteConfirmed: the owner knew more than the provider had said.
	NoteConfirmed = "somebody of the workspace says that it arrived"
	// NoteFirstPart: the second part ended with the first.
	NoteFirstPart = "as the first part"
)

// Report takes what a provider says of messages of one channel. Repetitions,
// other orders and unknown ids are harmless. It returns after all of it is
// durable; on an error the caller may report everything again. A batch may hold
// a thousand, and its provider waits: many messages are reported on at once, of
// each one in order.
func (r *Relay) Report(ctx context.Context, channel string, reports []Report) error {
	var of [][]Report
	place := map[string]int{}
	for _, rep := range reports {
		id := cmp.Or(rep.MessageID, rep.ProviderID)
		n, ok := place[id]
		if !ok {
			n = len(of)
			place[id], of = n, append(of, nil)
		}
		of[n] = append(of[n], rep)
	}
	var g errgroup.Group
	g.SetLimit(reportsAtOnce)
	for _, some := range of {
		g.Go(func() error {
			for _, rep := range some {
				if err := r.report(ctx, channel, rep); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// reportsAtOnce share a commit of the store where it groups them.
const reportsAtOnce = 32

func (r *Relay) report(ctx context.Context, channel string, rep Report) error {
	id, workspace, err := r.findReported(ctx, channel, rep)
	if err == nil {
		err = r.applyReport(ctx, workspace, channel, id, rep)
	}
	if errors.Is(err, ErrNotFound) { // also where it was pruned just now
		r.Log.Info("report of an unknown message", "channel", channel, "status", string(rep.Status))
		return nil
	}
	if err == nil {
		r.dispatcher.Wake()
	}
	return err
}

func (r *Relay) applyReport(ctx context.Context, workspace, channel, id string, rep Report) error {
	return r.update(ctx, workspace, func(tx Tx) error {
		// The directory said whose channel it is; the workspace's own row counts.
		if _, err := tx.Channel(ctx, workspace, channel); err != nil {
			return err
		}
		m, err := tx.Message(ctx, workspace, id)
		if err != nil {
			return err
		}
		if m.ProviderID == "" {
			m.ProviderID = rep.ProviderID
		}
		c := Change{At: time.Now(), Status: rep.Status, Try: m.Tries, Note: NoteReport, Failure: rep.Failure}
		if m.Status == Queued && m.Doubted && positive(rep.Status) {
			return wentOut(ctx, tx, &m, c)
		}
		if m.Status == Queued || m.Status == Sending {
			// It is on its lane: only who holds it may move it. What was said
			// counts once the outcome of the call is in.
			remember(&m, c)
			return tx.PutMessage(ctx, m)
		}
		_, err = change(ctx, tx, &m, c)
		return err
	})
}

func (r *Relay) findReported(ctx context.Context, channel string, rep Report) (id, workspace string, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if workspace, err = tx.WorkspaceByCallback(ctx, channel); err != nil {
			return err
		}
		id = rep.MessageID
		if id == "" {
			if id, err = tx.MessageByProvider(ctx, workspace, channel, rep.ProviderID); err != nil {
				return err
			}
		}
		m, err := tx.Message(ctx, workspace, id)
		if err == nil && m.Channel != channel {
			return ErrNotFound
		}
		return err
	})
	return id, workspace, err
}

// maxChatName is how many characters of a profile's name are kept: as many as
// chat_name takes.
const maxChatName = 256

func clip(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i]
		}
		runes--
	}
	return s
}

// ChatName is the form in which names of chats are kept and compared: without
// space around it, in Unicode normal form C.
func ChatName(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// liveChannel is a channel that was not deleted, of a workspace that was not.
func liveChannel(ctx context.Context, tx Tx, workspace, channel string) (Workspace, Channel, error) {
	w, err := liveWorkspace(ctx, tx, workspace)
	if err != nil {
		return w, Channel{}, err
	}
	ch, err := tx.Channel(ctx, workspace, channel)
	if errors.Is(err, ErrNotFound) || err == nil && !ch.DeletedAt.IsZero() {
		return w, ch, Refusef(CodeNotFound, "There is no channel with the id %s in this workspace.", channel)
	}
	return w, ch, err
}

func liveWorkspace(ctx context.Context, tx Tx, id string) (Workspace, error) {
	w, err := tx.Workspace(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && !w.DeletedAt.IsZero() {
		return w, &Error{Code: CodeNotFound, Message: fmt.Sprintf("There is no workspace %s.", id), Err: ErrNotFound}
	}
	return w, err
}
