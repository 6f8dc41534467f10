package relay

import (
	"context"
	"errors"
	"time"

	"relevo/queue"
	"relevo/quota"
)

// Tx is one transaction: what the rules of quota, queue and relay read and
// write, by key. It sees its own writes. Values that it returns are the
// caller's to change. A Tx serves one goroutine and ends with its function.
//
// Lanes before accounts, everywhere: whoever needs both loads the lane first.
//
// Everything is found by its workspace first. A lane's id begins with its
// workspace's id and a slash.
type Tx interface {
	quota.Tx
	queue.Tx
	Roster
	Journal
	Messages
	Directory
	Preparing
	Shelf
	Cards
}

// Roster is who there is: workspaces, channels, chats. A find of nothing is
// ErrNotFound.
type Roster interface {
	Workspace(ctx context.Context, id string) (Workspace, error)
	PutWorkspace(ctx context.Context, w Workspace) error
	Channel(ctx context.Context, workspace, id string) (Channel, error)
	PutChannel(ctx context.Context, c Channel) error
	// Channels is a workspace's roster, in no order.
	Channels(ctx context.Context, workspace string) ([]ChannelRef, error)
	PutChannels(ctx context.Context, workspace string, refs []ChannelRef) error
	// Chat finds the conversation of a channel with a recipient, ChatByID the
	// one with that number.
	Chat(ctx context.Context, workspace, channel, recipient string) (Chat, error)
	ChatByID(ctx context.Context, workspace, id string) (Chat, error)
	// ChatsByName are the numbers of the chats with exactly that name.
	ChatsByName(ctx context.Context, workspace, name string) ([]string, error)
	// PutChat keeps the indexes by number and name in step. DeleteChat forgets
	// one, with what leads to it; one that is not there is no error.
	PutChat(ctx context.Context, c Chat) error
	DeleteChat(ctx context.Context, c Chat) error
}

// Directory leads from a secret's hash to a workspace. It holds nothing else;
// what it says is checked again against the workspace's own rows.
type Directory interface {
	WorkspaceByToken(ctx context.Context, h TokenHash) (workspace string, err error)
	PutToken(ctx context.Context, h TokenHash, workspace string) error
	DeleteToken(ctx context.Context, h TokenHash) error
	APIKey(ctx context.Context, h TokenHash) (APIKey, error)
	PutAPIKey(ctx context.Context, k APIKey) error
	DeleteAPIKey(ctx context.Context, k APIKey) error
	// WorkspaceByCallback leads from the id in a provider's callback address,
	// which is its channel's, to the workspace.
	WorkspaceByCallback(ctx context.Context, callback string) (workspace string, err error)
	PutCallback(ctx context.Context, callback, workspace string) error
	DeleteCallback(ctx context.Context, callback string) error
}

// Journal remembers calls: attempts and idempotency keys.
type Journal interface {
	// LastAttempts are the newest n attempts of a workspace, newest first,
	// n at most 3.
	LastAttempts(ctx context.Context, workspace string, n int) ([]Attempt, error)
	// AppendAttempt writes a new attempt, over the oldest where there are 100.
	AppendAttempt(ctx context.Context, a Attempt) error
	// PutAttempt writes one of LastAttempts again.
	PutAttempt(ctx context.Context, a Attempt) error
	// Key finds what a key was used for. ErrNotFound.
	Key(ctx context.Context, workspace, key string) (KeyUse, error)
	PutKey(ctx context.Context, workspace, key string, u KeyUse) error
}

// KeyUse is what an idempotency key stands for.
type KeyUse struct {
	Fingerprint [32]byte  `json:"fingerprint"`
	MessageID   string    `json:"message_id"`
	At          time.Time `json:"at"`
}

// Messages is the story of each message and what was counted of them.
type Messages interface {
	// Message finds one by id; ErrNotFound also where it is another
	// workspace's.
	Message(ctx context.Context, workspace, id string) (Message, error)
	// PutMessage writes one. One that is Erased is found no more by the
	// provider's id that it had.
	PutMessage(ctx context.Context, m Message) error
	// MessageByProvider finds one by its provider's id on a channel.
	MessageByProvider(ctx context.Context, workspace, channel, providerID string) (id string, err error)
	// Count adds to a channel's counters for the minute of at.
	Count(ctx context.Context, workspace string, at time.Time, c Counts) error
}

// Preparing is the files that are being fetched.
type Preparing interface {
	// Fetch finds the job that fetches the file of a message, or those of an
	// InboundMessage. ErrNotFound.
	Fetch(ctx context.Context, workspace, messageID string) (Fetch, error)
	PutFetch(ctx context.Context, f Fetch) error
	DeleteFetch(ctx context.Context, f Fetch) error
}

// Fetch is the work of fetching one message's file, or those of one
// InboundMessage. It is leased like a lane: Next is when it may be taken
// (again).
type Fetch struct {
	// MessageID is that of either: their ids are of one row.
	MessageID string    `json:"message_id"`
	Workspace string    `json:"workspace"`
	Next      time.Time `json:"next"`
	// Tries so far; Since is when the first one began.
	Tries int       `json:"tries"`
	Since time.Time `json:"since,omitzero"`
}

// Store keeps everything, durably.
//
// Update runs fn in a transaction and is durable before it returns nil. It may
// be grouped with others and may run fn again, so fn does nothing but use its
// Tx and set results that it resets first. A refusal found inside is a result,
// not an error: an error of fn means that nothing was written, and is returned
// as it is. A panic fails that fn alone and is raised again in the caller. A
// ctx that ends before fn starts withdraws it with ctx's error; once fn has
// started, the outcome is awaited. ErrDiskFull: nothing was written for want
// of room. ErrInDoubt: nobody knows whether it was.
//
// All methods may be called concurrently.
type Store interface {
	View(ctx context.Context, fn func(Tx) error) error
	Update(ctx context.Context, fn func(Tx) error) error
	Work
	Lists
	Upkeep
	Close() error
}

// Glancer is a store that remembers what it read a while ago. Glance runs fn
// over what is no older than a minute, and fails where it does not know. What
// fn finds decides nothing.
type Glancer interface {
	Glance(fn func(Tx) error) error
}

// Work is the range work of dispatching.
type Work interface {
	// Claim calls take, within one transaction, with the first item of up to
	// n lanes that are due for the node, most overdue lane first. What take
	// leaves unleased stays where it is. An item that is Out belongs to a
	// holder whose lease has ended. The store holds the lanes of all that it
	// offers before it offers the first: take may touch an account between
	// two of them. The transaction may run again; reset is called before each
	// run. An error of take, in a run that counts, ends it and is returned as
	// it is. Once it returns nil, all is durable.
	Claim(ctx context.Context, node string, n int, now time.Time, take func(Tx, queue.Item) error, reset func()) error
	// NextDue is when Claim may have something for the node; the zero time
	// where nothing waits.
	NextDue(ctx context.Context, node string, now time.Time) (time.Time, error)
	// Stranded are the items leased by a node; at its start, what a crash of
	// its predecessor left out.
	Stranded(ctx context.Context, node string) ([]queue.Item, error)
	// RestLanes lets every lane that a node held last, or that is at home with
	// it, wait one full spacing from now: no burst after a restart. A store
	// that only one node can have open lets all lanes rest.
	RestLanes(ctx context.Context, node string, now time.Time) error
	// Expired are up to n items, not out, whose time has passed.
	Expired(ctx context.Context, now time.Time, n int) ([]MessageRef, error)
	// Unknown are up to n messages that became unknown before t.
	Unknown(ctx context.Context, before time.Time, n int) ([]MessageRef, error)
	// Draining are up to n lanes that are on hold for this reason and have
	// items that are not out.
	Draining(ctx context.Context, hold string, n int) ([]queue.Lane, error)
	// FetchesDue are up to n fetch jobs that may be taken, and when the next
	// one may be (zero: none waits).
	FetchesDue(ctx context.Context, now time.Time, n int) (due []Fetch, next time.Time, err error)
}

// Lists are what people look at; newest first. A cursor is empty for the
// first page, and comes back empty with the last.
type Lists interface {
	Workspaces(ctx context.Context, p Page) ([]Workspace, string, error)
	Messages(ctx context.Context, f MessageFilter, p Page) ([]Message, string, error)
	// Attempts are the newest 100 of a workspace, at most n.
	Attempts(ctx context.Context, workspace string, n int) ([]Attempt, error)
	Entries(ctx context.Context, workspace string, p Page) ([]LedgerLine, string, error)
	Chats(ctx context.Context, workspace, channel string, p Page) ([]Chat, string, error)
	APIKeys(ctx context.Context, workspace string) ([]APIKey, error)
	// Tokens calls fn with the hash of every webhook token, in no order; with
	// some twice, maybe.
	Tokens(ctx context.Context, fn func(TokenHash)) error
	// Counts sums each channel's counters over whole minutes, from inclusive,
	// to exclusive; a zero time is no bound.
	Counts(ctx context.Context, workspace string, from, to time.Time) ([]Counts, error)
	// Queue tells of the lanes of a workspace; of all with an empty one.
	Queue(ctx context.Context, workspace string, now time.Time) ([]LaneView, error)
	// Backlog sums up all lanes.
	Backlog(ctx context.Context, now time.Time) (Backlog, error)
	// Items are ids of the first n queued items of a lane that are not out, in
	// the order in which they came in.
	Items(ctx context.Context, lane string, n int) ([]string, error)
	// Ahead counts, for each of some places in a lane (queue.Item's Seq), the
	// items before it that may leave before its turn: the one that is out, and
	// those that wait for no time after now and for no file.
	Ahead(ctx context.Context, lane string, places []int64, now time.Time) ([]int, error)
	Shelves
	CardLists
}

// Page asks for a part of a list.
type Page struct {
	Cursor string
	// Limit is 1 to 200.
	Limit int
}

// MessageFilter narrows a list of messages. Empty fields do not.
type MessageFilter struct {
	Workspace string
	Channel   string
	// Chat is a conversation, by its number.
	Chat     string
	Statuses []Status
	// From (inclusive) and To (exclusive) bound CreatedAt.
	From, To time.Time
}

// LedgerLine is an entry with the message it was for.
type LedgerLine struct {
	quota.Entry
	MessageID string
	// Folded counts the entries of pruned messages that this line stands
	// for; 0 on an entry of its own. AvailableAfter is unknown then.
	Folded int64
}

// MessageRef names a message.
type MessageRef struct{ Workspace, ID string }

// Backlog is how much waits, over all workspaces.
type Backlog struct {
	// Queued counts messages that are queued or being sent.
	Queued int64
	// Oldest is the id of about the oldest of them; empty for none.
	Oldest string
	// Open, Paused and Held count lanes by what they do.
	Open, Paused, Held int64
}

// LaneView is a lane with what only its store can tell.
type LaneView struct {
	queue.Lane
	// Waiting is how many items wait in line or for their time, Parked the
	// part of them that waits for a time or a file.
	Waiting, Parked int
	// NextSend is when the next item may leave; zero where none may, because
	// the lane is empty or stands still.
	NextSend time.Time
	// Oldest is the id of the oldest item; empty on an empty lane.
	Oldest string
}

// Upkeep is maintenance. Prune methods work in small batches and return how
// many they removed; call again until 0.
type Upkeep interface {
	// PruneMessages forgets settled messages created before t, folding their
	// ledger entries into one per workspace, day and kind.
	PruneMessages(ctx context.Context, before time.Time, n int) (removed int, err error)
	PruneKeys(ctx context.Context, before time.Time, n int) (removed int, err error)
	// PruneInbounds forgets inbound messages whose ids were made before t, with
	// the jobs that fetch their files. Chats stay.
	PruneInbounds(ctx context.Context, before time.Time, n int) (removed int, err error)
	// PruneCounts forgets counters of minutes before t, and PruneDeleted what
	// people wrote of workspaces that were deleted before t: attempts, chats,
	// keys, templates, inbound messages, ids of people, cards. Their books stay.
	PruneCounts(ctx context.Context, before time.Time, n int) (removed int, err error)
	PruneDeleted(ctx context.Context, before time.Time, n int) (removed int, err error)
	// EditAttempts calls edit, in one transaction, with each attempt that is
	// kept of a workspace, writes those again of which it returns true, and
	// returns how many. edit may be called again for the same one.
	EditAttempts(ctx context.Context, workspace string, edit func(*Attempt) bool) (changed int, err error)
	// Backup writes a consistent copy to a new local file.
	Backup(ctx context.Context, path string) error
	// Verify recomputes every ledger and checks every invariant and
	// checksum. Each violation is one sentence; none means all is well.
	Verify(ctx context.Context, report func(violation string)) (VerifyStats, error)
	// TakeJob lets a node run a cron job: false where another node has it, or
	// has run it since last. It is the node's until PutJob, or until the lease
	// ends; taking it again renews the lease. PutJob remembers when the run
	// began that has ended well, and Job tells it; the zero time for never. It
	// fails, and changes nothing, where another node took over what this store
	// had taken.
	TakeJob(ctx context.Context, name, node string, last time.Time, lease time.Duration) (bool, error)
	Job(ctx context.Context, name string) (last time.Time, err error)
	PutJob(ctx context.Context, name string, last time.Time) error
	// Free is how many bytes may still be written before the reserve is
	// touched; negative within the reserve.
	Free() int64
}

// VerifyStats is what a verification went through.
type VerifyStats struct {
	Workspaces, Messages, Entries, Items, Records int64
	// Templates counts each language, Inbounds what people wrote.
	Templates, Inbounds int64
	Cards               int64
}

var (
	// ErrNotFound means that there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrDiskFull means that nothing was written for want of room.
	ErrDiskFull = errors.New("no room on the disk")
	// ErrInDoubt means that a commit failed and may or may not be durable.
	// The store takes no more work; the process must end and start again.
	ErrInDoubt = errors.New("commit in doubt")
	// ErrUnavailable means that the store cannot be reached now, or cannot say
	// whether a commit happened. Nothing may be promised; it may be over in a
	// moment.
	ErrUnavailable = errors.New("the store cannot be reached")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("store is closed")
)
