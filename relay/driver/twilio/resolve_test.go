package twilio

import (
	"fmt"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

// madeAt is an id of ours with its clock.
func madeAt(t time.Time) string { return fmt.Sprintf("wa_backend:3EB0%012X000001", t.UnixMilli()) }

func TestAMessageIsKnownOnlyWhereItIsTheOnlyOneLikeIt(t *testing.T) {
	cases := []struct {
		name   string
		change func(*relay.Outgoing)
		before func(t *testing.T, d *Driver, f *twiliotest.Fake, out relay.Outgoing)
		status string
		code   int
		want   relay.Status // empty: not known
	}{
		{"taken", nil, nil, "queued", 0, relay.Sent},
		{"delivered", nil, nil, "delivered", 0, relay.Delivered},
		{"failed", nil, nil, "undelivered", 63016, relay.Failed},
		{"strange status", nil, nil, "dreaming", 0, ""},
		{"not there", func(o *relay.Outgoing) { o.Text = "another" }, nil, "sent", 0, ""},
		{"to somebody else", func(o *relay.Outgoing) { o.Recipient = "+5511900000002" }, nil, "sent", 0, ""},
		{"a template", func(o *relay.Outgoing) { o.Template = &relay.OutgoingTemplate{} }, nil, "sent", 0, ""},
		{"without words", func(o *relay.Outgoing) { o.Text = " " }, nil, "sent", 0, ""},
		{"with a file", func(o *relay.Outgoing) { o.File = picture("https://x") }, nil, "sent", 0, ""},
		{"id of another kind", func(o *relay.Outgoing) { o.MessageID = "x" }, nil, "sent", 0, ""},
		{"before it was accepted", func(o *relay.Outgoing) { o.MessageID = madeAt(time.Now().Add(time.Hour)) }, nil, "sent", 0, ""},
		{"twice", nil, func(t *testing.T, d *Driver, f *twiliotest.Fake, out relay.Outgoing) {
			if _, err := d.Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}, "sent", 0, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, f := open(t, twiliotest.Options{})
			out := text(t, "lorem ipsum")
			out.MessageID = madeAt(time.Now())
			if c.before != nil {
				c.before(t, d, f, out)
			}
			f.Next(twiliotest.Answer{Cut: true, Taken: true})
			if _, err := d.Send(t.Context(), out); sendError(t, err).Verdict != relay.Unsure {
				t.Fatal(err)
			}
			m := f.Messages()[len(f.Messages())-1]
			f.Change(m.SID, c.status, c.code)
			if c.change != nil {
				c.change(&out)
			}
			r, known, err := d.Resolve(t.Context(), out)
			if err != nil || known != (c.want != "") || r.Status != c.want {
				t.Fatalf("%+v, known %t, %v; want %q", r, known, err, c.want)
			}
			if known && (r.ProviderID != m.SID || r.At.IsZero()) {
				t.Errorf("%+v, want id %s", r, m.SID)
			}
			if c.want == relay.Failed && (r.Failure == nil || r.Failure.Code != relay.CodeWindowClosed) {
				t.Errorf("failure %+v", r.Failure)
			}
		})
	}
}

func TestALookUpAsksForATimeWrittenWhole(t *testing.T) {
	at := accepted{time.Date(2026, 9, 11, 23, 30, 5, 0, time.FixedZone("", -2*3600))}
	if got := at.query(settings(), "whatsapp:+5511900000001").Get("DateSent>"); got != "2026-09-12T00:00:00Z" {
		t.Error(got)
	}
}

func TestALookUpThatFailsIsNoEvidence(t *testing.T) {
	d, _ := open(t, twiliotest.Options{AuthToken: "ffffffffffffffffffffffffffffffff"})
	out := text(t, "x")
	out.MessageID = madeAt(time.Now())
	if _, known, err := d.Resolve(t.Context(), out); known || err == nil {
		t.Errorf("known %t, %v", known, err)
	}
}
