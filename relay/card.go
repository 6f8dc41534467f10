package relay

import (
	"context"
	"encoding/json"
	"time"
)

// Card is a small row of what is kept beside the story of messages: who may
// sign in, who asked to be left alone, where events go and which wait. A store
// knows its keys and its time, and nothing of its value.
type Card struct {
	// Kind is what it is: 1 to 32 of a–z and _.
	Kind string
	// Workspace is whose it is; empty for what belongs to none. It goes with
	// its workspace (PruneDeleted).
	Workspace string
	// Key tells it from others of its kind and workspace: 1 to 300 bytes of
	// UTF-8 without NUL. Lists are in the order of its bytes.
	Key string
	// Due is when somebody has to look at it, by the kind's own meaning: to do
	// it, or to forget it. Whole microseconds; the zero time for never.
	Due time.Time
	// Value is JSON of up to 1 MiB.
	Value json.RawMessage
}

// Cards are read and written by key within a transaction.
type Cards interface {
	// Card finds one. In an Update it is held: nobody else writes it until
	// the transaction ends. ErrNotFound; where somebody else writes it
	// meanwhile, a transaction that found nothing and then writes it runs
	// again.
	Card(ctx context.Context, kind, workspace, key string) (Card, error)
	// PutCard writes one, over another of the same key. One that was not
	// read before is written over whatever is there.
	PutCard(ctx context.Context, r Card) error
	// DeleteCard forgets one; one that is not there is no error.
	DeleteCard(ctx context.Context, kind, workspace, key string) error
}

// CardFilter says which cards are listed.
type CardFilter struct {
	Kind, Workspace string
	// Prefix is what their keys begin with.
	Prefix string
	// Newest lists from the last key to the first.
	Newest bool
}

// CardLists are lists of cards, and what becomes of them with time.
type CardLists interface {
	// Cards are those of one kind and workspace, in the order of their keys.
	// A cursor is empty for the first page, and comes back empty with the last.
	Cards(ctx context.Context, f CardFilter, p Page) ([]Card, string, error)
	// CardsDue are up to n of a kind, of all workspaces, whose time has come,
	// the most overdue first; and when the next one's comes (zero: none waits).
	CardsDue(ctx context.Context, kind string, now time.Time, n int) (due []Card, next time.Time, err error)
	// PruneCards forgets up to n of a kind that were due before t, and
	// returns how many.
	PruneCards(ctx context.Context, kind string, before time.Time, n int) (removed int, err error)
}
