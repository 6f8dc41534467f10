package twilio

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/twilio/twiliotest"
)

// mailbox takes callbacks over HTTP as the relay does.
type mailbox struct {
	*httptest.Server
	mu  sync.Mutex
	got []relay.Received
}

func newMailbox(t *testing.T, d *Driver) *mailbox {
	m := &mailbox{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, err := d.Receive(channel(t, settings()), relay.Callback{Method: r.Method, URL: m.URL + r.RequestURI, Header: r.Header, Body: body, At: at})
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, got)
		w.Header().Set("Content-Type", got.Type)
		w.Write(got.Reply)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mailbox) reports() (all []relay.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.got {
		all = append(all, g.Reports...)
	}
	return all
}

func TestReportsFindTheWayBackTwiceAndOutOfOrder(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	box := newMailbox(t, d)
	out := text(t, "x")
	out.Callbacks.Status = box.URL + "/callback/ch_1/key/status"
	f.Next(twiliotest.Answer{Cut: true, Taken: true}) // the answer is lost, the message is not
	if _, err := d.Send(t.Context(), out); sendError(t, err).Verdict != relay.Unsure {
		t.Fatal(err)
	}
	statuses, err := f.DeliverStatus(t.Context(), f.Messages()[0].SID, "read", "sent", "sent", "delivered")
	if err != nil || !slices.Equal(statuses, []int{200, 200, 200, 200}) {
		t.Fatalf("%v, %v", statuses, err)
	}
	want := []relay.Status{relay.Read, relay.Sent, relay.Sent, relay.Delivered}
	for i, r := range box.reports() {
		if r.Status != want[i] || r.MessageID != ours || r.ProviderID != f.Messages()[0].SID {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	if n := len(box.reports()); n != len(want) {
		t.Errorf("%d reports, want %d", n, len(want))
	}
}

func TestWhatTwilioFindsOutLaterIsReported(t *testing.T) {
	pdf, nowhere := serveFile(t, "application/pdf"), "http://127.0.0.1:1/a.png"
	cases := []struct {
		name   string
		change func(*twiliotest.Fake, *relay.Outgoing)
		want   relay.Code
	}{
		{"the window is closed", func(f *twiliotest.Fake, o *relay.Outgoing) { f.CloseWindow(ana) }, relay.CodeWindowClosed},
		{"the file cannot be fetched", func(f *twiliotest.Fake, o *relay.Outgoing) { o.File = picture(nowhere) }, relay.CodeFileUnreachable},
		{"the file is another", func(f *twiliotest.Fake, o *relay.Outgoing) { o.File = picture(serveFile(t, "application/zip")) }, relay.CodeFileTypeMismatch},
		{"a file that fits", func(f *twiliotest.Fake, o *relay.Outgoing) { o.File = picture(pdf) }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, f := open(t, twiliotest.Options{})
			box := newMailbox(t, d)
			out := text(t, "x")
			out.Callbacks.Status = box.URL + "/status"
			c.change(f, &out)
			id, err := d.Send(t.Context(), out)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.DeliverStatus(t.Context(), id, "delivered"); err != nil {
				t.Fatal(err)
			}
			r := box.reports()
			if len(r) != 1 || c.want == "" && r[0].Status != relay.Delivered || c.want != "" && (r[0].Failure == nil || r[0].Failure.Code != c.want) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestInboundMessagesArriveOverHTTP(t *testing.T) {
	d, f := open(t, twiliotest.Options{})
	box := newMailbox(t, d)
	if got, err := f.DeliverInbound(t.Context(), box.URL+"/inbound#rc=5&rp=all", ana, "oi"); err != nil || !slices.Equal(got, []int{200}) {
		t.Fatalf("%v, %v", got, err)
	}
	again := f.Inbound(box.URL+"/inbound", ana, "oi", nil)
	if got, err := f.Deliver(t.Context(), again, again, f.JSON(box.URL+"/inbound", "[]")); err != nil || !slices.Equal(got, []int{200, 200, 200}) {
		t.Fatalf("%v, %v", got, err)
	}
	if a, b := box.got[1].Inbound[0].ID, box.got[2].Inbound[0].ID; a != b || a == box.got[0].Inbound[0].ID {
		t.Errorf("ids %s, %s and %s", box.got[0].Inbound[0].ID, a, b)
	}
	forged := again
	forged.Body += "x"
	if got, _ := f.Deliver(t.Context(), forged); !slices.Equal(got, []int{403}) {
		t.Errorf("a forged one was answered %v", got)
	}
}
