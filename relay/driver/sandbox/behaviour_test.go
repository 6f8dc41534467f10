package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/relay"
)

func TestTheLastFourDigitsDecide(t *testing.T) {
	cases := []struct {
		digits, answer string
		took           time.Duration
		out            bool
		outcome        string
		reports        []string
	}{
		{"0123", "sent", 0, true, "sent", []string{"delivered 1s", "read 2s"}},
		{"9901", "refused not_on_whatsapp", 0, false, "refused", nil},
		{"9902", "refused refused", 0, false, "refused", nil},
		{"9903", "deferred rate_limited", 0, false, "deferred", nil},
		{"9904", "deferred unavailable", 0, false, "deferred", nil},
		{"9905", "sent", 10 * time.Second, true, "sent", []string{"delivered 11s", "read 12s"}},
		{"9906", "unsure unavailable", time.Second, true, "unsure", []string{"delivered 5s"}},
		{"9907", "sent", 0, true, "sent", []string{"failed 5s"}},
		{"9908", "refused provider_failed", 0, true, "refused", []string{"delivered 5s"}},
		{"9909", "unsure unavailable", time.Second, true, "unsure", nil},
		{"9910", "channel_fault provider_failed", 0, false, "channel_fault", nil},
		{"9911", "sent", 0, true, "sent", []string{"delivered 1s", "read 2s"}},
	}
	for _, c := range cases {
		t.Run(c.digits, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := openPhone(t, t.TempDir())
				id, err := p.Send(t.Context(), toRecipient("+1415555"+c.digits))
				if got := answer(err); got != c.answer {
					t.Errorf("answer %q, want %q", got, c.answer)
				}
				if (id != "") != (err == nil) {
					t.Errorf("id %q with error %v", id, err)
				}
				if took := time.Since(p.began); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				lines := p.lines(t, channel)
				if len(lines) != 1 {
					t.Fatalf("%d lines, want 1", len(lines))
				}
				if l := lines[0]; l.HandedOver != c.out || l.Outcome != c.outcome || (l.ProviderID != "") != c.out {
					t.Errorf("line %+v, want handed over %v with outcome %q", l, c.out, c.outcome)
				}
				p.run(t, time.Hour)
				if diff := cmp.Diff(c.reports, p.told(p.began), equateEmpty); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
				for _, r := range p.reports {
					if r.MessageID != messageID(1) || r.ProviderID != lines[0].ProviderID {
						t.Errorf("a report is for %q and %q, want %q and %q", r.MessageID, r.ProviderID, messageID(1), lines[0].ProviderID)
					}
					if (r.Failure != nil) != (r.Status == relay.Failed) {
						t.Errorf("a report of %s has the failure %v", r.Status, r.Failure)
					}
				}
			})
		})
	}
}

var equateEmpty = cmp.Transformer("empty", func(s []string) string { return strings.Join(s, ", ") })

func TestRecipientsAreReadByTheirDigits(t *testing.T) {
	cases := []struct{ recipient, want string }{
		{"+14155559902", "9902"},
		{"14155559902@s.whatsapp.net", "9902"},
		{"14155559902:12@s.whatsapp.net", "9902"},
		{"120363041234569902@g.us", "9902"},
		{"14155550123-1620009902@g.us", "9902"},
		{"99020000@lid", "0000"},
		{"902", "902"},
		{"a group@9902.example", ""},
		{"", ""},
	}
	for _, c := range cases {
		if got := lastFour(c.recipient); got != c.want {
			t.Errorf("lastFour(%q) = %q, want %q", c.recipient, got, c.want)
		}
	}
}

func TestA429ComesOnceAndAsksForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		out := toRecipient("+14155559903")
		_, err := openPhone(t, dir).Send(t.Context(), out)
		if e := sendError(t, err); e.Verdict != relay.Deferred || e.After != 5*time.Second {
			t.Fatalf("first try: %s after %s, want deferred after 5 s", e.Verdict, e.After)
		}
		out.Try = 2
		p := openPhone(t, dir) // a restart between the tries changes nothing
		if _, err := p.Send(t.Context(), out); err != nil {
			t.Fatalf("second try: %v", err)
		}
		if n := p.handedOver(t); n != 1 {
			t.Errorf("%d hand-overs, want 1", n)
		}
		other := toRecipient("+14155559903")
		other.MessageID = messageID(2)
		if _, err := p.Send(t.Context(), other); answer(err) != "deferred rate_limited" {
			t.Errorf("another message's first try: %s, want a 429 of its own", answer(err))
		}
	})
}

func TestAnUnreachableNumberComesBackThirtySecondsAfterTheFirstTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		out := toRecipient("+14155559904")
		p := openPhone(t, dir)
		tries := []struct {
			at   time.Duration
			want string
		}{
			{0, "deferred unavailable"}, {5 * time.Second, "deferred unavailable"},
			{15 * time.Second, "deferred unavailable"}, {30*time.Second - 1, "deferred unavailable"},
			{30 * time.Second, "sent"},
		}
		for i, try := range tries {
			time.Sleep(time.Until(p.began.Add(try.at)))
			out.Try = i + 1
			_, err := p.Send(t.Context(), out)
			if got := answer(err); got != try.want {
				t.Fatalf("try %d after %s: %s, want %s", out.Try, try.at, got, try.want)
			}
			if err != nil && sendError(t, err).After != 0 {
				t.Errorf("try %d asks for a time, want the relay's own", out.Try)
			}
			began := p.began
			p = openPhone(t, dir) // restarts do not begin it anew
			p.began = began
		}
		if n := p.handedOver(t); n != 1 {
			t.Errorf("%d hand-overs, want 1", n)
		}
	})
}

func TestEachMessageHasAFirstTryOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		first, second := toRecipient("+14155559904"), toRecipient("+14155559904")
		second.MessageID = messageID(2)
		for _, step := range []struct {
			out  relay.Outgoing
			try  int
			rest time.Duration
			want string
		}{
			{first, 1, 20 * time.Second, "deferred unavailable"},
			{second, 1, 10 * time.Second, "deferred unavailable"},
			{first, 2, 0, "sent"},
			{second, 2, 20 * time.Second, "deferred unavailable"},
			{second, 3, 0, "sent"},
		} {
			step.out.Try = step.try
			if _, err := p.Send(t.Context(), step.out); answer(err) != step.want {
				t.Errorf("%s, try %d: %s, want %s", step.out.MessageID, step.try, answer(err), step.want)
			}
			time.Sleep(step.rest)
		}
	})
}

func TestASlowCallThatIsLeftIsUnsureAndArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := p.Send(ctx, toRecipient("+14155559905"))
		if answer(err) != "unsure unavailable" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("answer %v, want unsure because of the deadline", err)
		}
		if took := time.Since(p.began); took != 3*time.Second {
			t.Errorf("took %s, want 3 s", took)
		}
		if n := p.handedOver(t); n != 1 {
			t.Errorf("%d hand-overs, want 1: it had gone out", n)
		}
		p.run(t, time.Minute)
		if diff := cmp.Diff([]string{"delivered 11s", "read 12s"}, p.told(p.began)); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

func TestTheSameMessageHandedOverTwiceIsSeenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPhone(t, t.TempDir())
		out := toRecipient("+14155559909")
		for out.Try = 1; out.Try <= 2; out.Try++ {
			if _, err := p.Send(t.Context(), out); answer(err) != "unsure unavailable" {
				t.Fatal(err)
			}
		}
		lines := p.lines(t, channel)
		if len(lines) != 2 || lines[0].ProviderID == lines[1].ProviderID {
			t.Errorf("lines %+v, want two with ids of their own", lines)
		}
	})
}

func TestLimitsAreTheCloudAPIs(t *testing.T) {
	var d relay.Limiter = &Driver{}
	for kind, want := range map[relay.FileKind]int64{
		relay.Image: 5 << 20, relay.Audio: 16 << 20, relay.Video: 16 << 20, relay.Document: 100 << 20,
	} {
		if got := d.MaxFileBytes(kind); got != want {
			t.Errorf("MaxFileBytes(%s) = %d, want %d", kind, got, want)
		}
	}
	if d.MaxTextRunes() != 4096 || d.MaxCaptionRunes() != 1024 {
		t.Errorf("texts %d and %d runes, want 4096 and 1024", d.MaxTextRunes(), d.MaxCaptionRunes())
	}
	var c relay.Captioner = &Driver{}
	for kind, want := range map[relay.FileKind]bool{
		relay.Image: true, relay.Audio: false, relay.Video: true, relay.Document: true,
	} {
		if got := c.Captions(kind); got != want {
			t.Errorf("Captions(%s) = %v, want %v", kind, got, want)
		}
	}
}

func sendError(t *testing.T, err error) *relay.SendError {
	t.Helper()
	var e *relay.SendError
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *relay.SendError", err)
	}
	return e
}
