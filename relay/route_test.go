package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestTheKindOfAFileIsItsNamesExtension(t *testing.T) {
	for name, want := range map[string]FileKind{
		"logo.png": Image, "LOGO.PNG": Image, "a.jpg": Image, "a.jpeg": Image, "a.b.jpg": Image,
		"a.mp4": Video, "a.3gp": Video, "a.3gpp": Video,
		"a.aac": Audio, "a.amr": Audio, "a.mp3": Audio, "a.m4a": Audio, "a.ogg": Audio, "a.opus": Audio,
		"a.pdf": Document, "a.webp": Document, "a.gif": Document, "png": Document, "": Document, "a.": Document, "a.png.exe": Document, "a.png ": Document,
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%q is a %s, want %s", name, got, want)
		}
	}
}

func TestARecipientKeepsItsLane(t *testing.T) {
	// The values hold the hash in place: a recipient whose lane changed could
	// be overtaken by itself.
	for _, c := range []struct {
		concurrency int
		recipient   string
		want        string
	}{
		{0, "+14151231234", "ws_1/ch_1"}, {1, "+14151231234", "ws_1/ch_1"},
		{4, "+14151231234", "ws_1/ch_1/3"}, {64, "+14151231234", "ws_1/ch_1/59"}, {4, "120363025246125486@g.us", "ws_1/ch_1/0"},
	} {
		ch := Channel{ID: "ch_1", Workspace: "ws_1", Concurrency: c.concurrency}
		for range 3 {
			if got := LaneFor(ch, c.recipient); got != c.want {
				t.Errorf("with %d lanes %s has lane %s, want %s", c.concurrency, c.recipient, got, c.want)
			}
		}
	}
}

func TestRecipientsSpreadOverAllLanesOfAChannelAndNoOthers(t *testing.T) {
	for _, n := range []int{2, 3, 7, 64} {
		ch := Channel{ID: "ch_1", Concurrency: n}
		var lanes []string
		for i := range n {
			lanes = append(lanes, SubLane(ch, i))
		}
		used := map[string]int{}
		for i := range 200 * n {
			lane := LaneFor(ch, fmt.Sprintf("+1415%07d", i))
			if !slices.Contains(lanes, lane) {
				t.Fatalf("with %d lanes there is a lane %s", n, lane)
			}
			used[lane]++
		}
		for _, l := range lanes {
			if used[l] < 100 {
				t.Errorf("with %d lanes, lane %s has %d recipients, want about 200", n, l, used[l])
			}
		}
	}
}

func TestAUsersIDIsTheNumberInIt(t *testing.T) {
	for to, want := range map[Address]string{
		{Phone: "+14151231234"}:                "+14151231234",
		{JID: "14151231234@s.whatsapp.net"}:    "+14151231234",
		{JID: "120363025246125486@g.us"}:       "120363025246125486@g.us",
		{JID: "98765432101234@lid"}:            "98765432101234@lid",
		{Phone: "+1", JID: "2@s.whatsapp.net"}: "+1",
	} {
		if got := to.recipient(); got != want {
			t.Errorf("%+v is %s, want %s", to, got, want)
		}
	}
	if !isGroup("120363025246125486@g.us") || isGroup("+14151231234") || isGroup("98765432101234@lid") {
		t.Error("a group is not told from a person")
	}
}

func TestTheLatestConnectedChannelIsPreferredToAnyThatIsHeld(t *testing.T) {
	old, young := noon, noon.Add(time.Hour)
	ref := func(s ChannelState, since time.Time) ChannelRef { return ChannelRef{State: s, ConnectedAt: since} }
	for _, c := range []struct {
		a, b ChannelRef
		want bool
	}{
		{ref(Connected, young), ref(Connected, old), true},
		{ref(Connected, old), ref(Connected, young), false},
		{ref(Connected, old), ref(Held, young), true},
		{ref(Held, young), ref(Connected, old), false},
		{ref(Held, young), ref(Held, old), true},
	} {
		if got := preferred(c.a, c.b); got != c.want {
			t.Errorf("%+v before %+v: %t, want %t", c.a, c.b, got, c.want)
		}
	}
}

func TestAMessageExpiresAsItsCallerSaysOrAfterTwiceItsWait(t *testing.T) {
	r := &Relay{Set: Settings{ExpireAfter: 24 * time.Hour}}
	for _, c := range []struct {
		name      string
		literal   time.Duration
		eta, want time.Duration
	}{
		{"the default", 0, 0, 24 * time.Hour},
		{"a short line", 0, time.Hour, 24 * time.Hour},
		{"a long line", 0, 20 * time.Hour, 40 * time.Hour},
		{"to the letter", time.Minute, 20 * time.Hour, time.Minute},
	} {
		got := r.expiry(Action{ExpiresIn: c.literal}, route{eta: noon.Add(c.eta)}, noon)
		if want := noon.Add(c.want); !got.Equal(want) {
			t.Errorf("%s: expires after %s, want %s", c.name, got.Sub(noon), c.want)
		}
	}
}

func TestAnOldURLOpensUntilItsGraceIsOver(t *testing.T) {
	current, previous, other := TokenHash{1}, TokenHash{2}, TokenHash{3}
	w := Webhook{Token: SealedToken{Hash: current}, Previous: &SealedToken{Hash: previous}, PreviousUntil: noon}
	for _, c := range []struct {
		h    TokenHash
		at   time.Time
		want bool
	}{
		{current, noon.Add(time.Hour), true}, {previous, noon.Add(-1), true}, {previous, noon, false}, {other, noon.Add(-1), false},
	} {
		if got := w.opens(c.h, c.at); got != c.want {
			t.Errorf("token %d at %s opens: %t, want %t", c.h[0], c.at, got, c.want)
		}
	}
	w.Previous = nil
	if w.opens(previous, noon.Add(-1)) || !w.opens(current, noon) {
		t.Error("without a previous URL another than the current one opens")
	}
}
