package relay

import "slices"

// Status is where a message is in its life.
type Status string

// The statuses. Queued is the first; canceled, expired and read are the last;
// a report can still end or revive the others, as the table of move says.
const (
	Queued      Status = "queued"
	Sending     Status = "sending"
	Sent        Status = "sent"
	Delivered   Status = "delivered"
	Read        Status = "read"
	Failed      Status = "failed"
	Unknown     Status = "unknown"
	Unconfirmed Status = "unconfirmed"
	Canceled    Status = "canceled"
	Expired     Status = "expired"
)

// statuses lists every status.
var statuses = []Status{Queued, Sending, Sent, Delivered, Read, Failed, Unknown, Unconfirmed, Canceled, Expired}

// Statuses are all of them.
func Statuses() []Status { return slices.Clone(statuses) }

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool {
	for _, k := range statuses {
		if s == k {
			return true
		}
	}
	return false
}

// Settled reports whether nobody but a provider's report will change s.
func (s Status) Settled() bool { return s != Queued && s != Sending && s != Unknown }

// effect is what a change of status owes the ledger.
type effect int

const (
	none    effect = iota
	spend          // reserved becomes spent
	refund         // reserved or spent goes back
	redebit        // a refund is taken back
)

// moves is the whole table: what may follow what, and what it costs. What is
// not here goes into the history and changes nothing.
var moves = map[Status]map[Status]effect{
	Queued:      {Sending: none, Canceled: refund, Expired: refund, Failed: refund},
	Sending:     {Queued: none, Sent: spend, Failed: refund, Unknown: none},
	Unknown:     {Sent: spend, Delivered: spend, Read: spend, Failed: refund, Unconfirmed: refund},
	Unconfirmed: {Sent: redebit, Delivered: redebit, Read: redebit, Failed: none},
	Sent:        {Delivered: none, Read: none, Failed: refund},
	Delivered:   {Read: none},
	Failed:      {Delivered: redebit, Read: redebit},
}
