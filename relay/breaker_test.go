package relay

import (
	"testing"
	"time"
)

func failing5(b *breakers, ch Channel, now time.Time) {
	for range breakAfter {
		b.begin(ch, now, time.Minute)
		b.end(ch, true, now)
	}
}

func TestAnOutageOfOneWorkspaceShutsNobodyElsesAccount(t *testing.T) {
	var b breakers
	now := time.Now()
	mine := Channel{ID: "ch_1", Workspace: "ws_1", Kind: "k", Account: "a"}
	sibling := Channel{ID: "ch_2", Workspace: "ws_1", Kind: "k", Account: "a"}
	theirs := Channel{ID: "ch_3", Workspace: "ws_2", Kind: "k", Account: "a"}
	b.meet(sibling)
	b.meet(theirs)
	failing5(&b, mine, now)
	if b.shut(sibling.ID, now).IsZero() {
		t.Error("another channel of the account is not held")
	}
	if !b.shut(theirs.ID, now).IsZero() || !b.begin(theirs, now, time.Minute) {
		t.Error("whoever names somebody's account in settings of their own can hold it")
	}
}
