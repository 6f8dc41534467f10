package sandbox

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relevo/relay"
)

// board is a shared log in memory.
type board struct {
	mu    sync.Mutex
	lines map[string][][]byte // by workspace and channel, the newest first
	// fault is what Append answers; stuck makes it wait for its context.
	fault error
	stuck bool
}

func (b *board) Append(ctx context.Context, workspace, channelID string, line []byte) error {
	if b.stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	if b.fault != nil {
		return b.fault
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lines == nil {
		b.lines = map[string][][]byte{}
	}
	b.lines[workspace+channelID] = append([][]byte{line}, b.lines[workspace+channelID]...)
	return nil
}

func (b *board) Tail(_ context.Context, workspace, channelID string, n int) ([][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.lines[workspace+channelID]
	return all[:min(n, len(all))], nil
}

// outOf is a message of workspace ws_1.
func outOf(n int, recipient string) relay.Outgoing {
	out := toRecipient(recipient)
	out.Channel.Workspace, out.MessageID = "ws_1", messageID(n)
	return out
}

func TestEveryNodeShowsWhatAnyOfThemWasCalledWith(t *testing.T) {
	b := &board{}
	nodes := []*phone{openPhone(t, t.TempDir()), openPhone(t, t.TempDir())}
	for _, n := range nodes {
		n.Share(b)
	}
	for i := range 4 {
		if _, err := nodes[i%2].Send(t.Context(), outOf(i, "+14155550123")); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range nodes {
		got, err := n.SentAnywhere(t.Context(), "ws_1", channel, 3)
		if err != nil || len(got) != 3 || got[0].MessageID != messageID(3) || got[2].MessageID != messageID(1) {
			t.Errorf("node %d shows %v (%v), want messages 3, 2 and 1", i, got, err)
		}
		if other, err := n.SentAnywhere(t.Context(), "ws_2", channel, 3); err != nil || len(other) != 0 {
			t.Errorf("node %d shows %v (%v) to another workspace", i, other, err)
		}
		if own := n.lines(t, channel); len(own) != 2 {
			t.Errorf("node %d wrote %d lines into its own file, want 2", i, len(own))
		}
	}
}

// The line in the file is the hand-over; a log that fails takes nothing back.
func TestASharedLogThatFailsChangesNoOutcome(t *testing.T) {
	for name, b := range map[string]*board{"refused": {fault: errors.New("the database is away")}, "stuck": {stuck: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := openPhone(t, t.TempDir())
				p.Share(b)
				if _, err := p.Send(t.Context(), outOf(1, "+14155550123")); err != nil {
					t.Errorf("the message was not sent: %v", err)
				}
				if took := time.Since(p.began); took > shareFor {
					t.Errorf("the call took %s, want at most %s", took, shareFor)
				}
				if p.handedOver(t) != 1 || !strings.Contains(p.logged.String(), "share a line") {
					t.Errorf("%d lines; the log says:\n%s", p.handedOver(t), p.logged.String())
				}
				p.run(t, 5*time.Second)
				if len(p.reports) != 2 {
					t.Errorf("reports %v, want two", p.told(p.began))
				}
			})
		})
	}
}

func TestASecondTryOnAnotherNodeFindsTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		first, second := openPhone(t, t.TempDir()), openPhone(t, t.TempDir())
		first.Share(b)
		second.Share(b)
		out := outOf(1, "+14155559904") // unreachable for 30 s
		_, err := first.Send(t.Context(), out)
		if err == nil {
			t.Fatal("the first try was sent")
		}
		time.Sleep(10 * time.Second)
		out.Try = 2
		if _, again := second.Send(t.Context(), out); answer(again) != answer(err) {
			t.Errorf("10 s later another node answers %s, want %s", answer(again), answer(err))
		}
		time.Sleep(21 * time.Second)
		out.Try = 3
		if _, err := second.Send(t.Context(), out); err != nil {
			t.Errorf("after 31 s: %v", err)
		}
	})
}
