package infobip

import (
	"slices"
	"strings"
	"testing"

	"relevo/relay"
	"relevo/relay/driver/infobip/infobiptest"
)

func TestEveryCodeOfTheRegistryHasARowAndEveryRowIsOfTheRegistry(t *testing.T) {
	for _, id := range infobiptest.ErrorIDs() {
		if _, ok := problems[id]; !ok {
			t.Errorf("error %d has no row", id)
		}
	}
	for id := range problems {
		if !slices.Contains(infobiptest.ErrorIDs(), id) {
			t.Errorf("row of error %d that the registry does not know", id)
		}
	}
	for _, id := range infobiptest.StatusIDs() {
		_, ok := statuses[id]
		if success := slices.Contains([]int{2, 3, 5, 7, 26}, id); ok == success {
			t.Errorf("status %d: row %v, success %v", id, ok, success)
		}
	}
	for id, r := range statuses {
		check(t, id, r)
	}
	for id, r := range problems {
		check(t, id, r)
	}
}

// check holds a row to what an owner can act on.
func check(t *testing.T, id int, r row) {
	t.Helper()
	if r.reason == "" || !strings.HasSuffix(r.reason, ".") || r.codeOf() == "" || r.stops && r.verdict != relay.ChannelFault {
		t.Errorf("code %d: %+v", id, r)
	}
}

// both are the two drivers, each with a channel.
func both(t *testing.T, a account) map[string]struct {
	receiver
	relay.Outgoing
} {
	return map[string]struct {
		receiver
		relay.Outgoing
	}{
		"WHATSAPP": {a.whatsapp(), outgoing(channel(t, settings{}))},
		"VIBER":    {a.viber(), outgoing(viberChannel(t, asLink))},
	}
}

func TestEachRowIsWhatAnAnswerWithItMeans(t *testing.T) {
	a := newAccount(t)
	for name, s := range both(t, a) {
		for id, r := range statuses {
			a.Next(infobiptest.Answer{Status: id})
			_, err := s.Send(t.Context(), s.Outgoing)
			matches(t, name, id, err, r)
		}
		for id, r := range problems {
			a.Next(infobiptest.Answer{Status: 4, Error: id})
			_, err := s.Send(t.Context(), s.Outgoing)
			matches(t, name, id, err, r)
		}
	}
}

func matches(t *testing.T, name string, id int, err error, r row) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: code %d: sent", name, id)
		return
	}
	e := sendError(t, err)
	if e.Verdict != r.verdict || e.Code != r.codeOf() || e.After != r.after || e.Outage != r.outage || e.Reason != r.reason {
		t.Errorf("%s: code %d: %+v, want %+v", name, id, e, r)
	}
}

func TestEachRowIsWhatAReportWithItMeans(t *testing.T) {
	a := newAccount(t)
	for name, s := range both(t, a) {
		m := infobiptest.Message{Channel: name, ID: ourID, To: person, CallbackData: ourID}
		if name == "VIBER" {
			m.From = viberSender
		}
		report := func(status, problem int, r row, want relay.Status) {
			got, err := s.Receive(s.Channel, post(infobiptest.Batch(infobiptest.Report(m, status, problem, noon)), nil))
			if err != nil || len(got.Reports) != 1 {
				t.Errorf("%s: %d/%d: %+v, %v", name, status, problem, got, err)
				return
			}
			rep := got.Reports[0]
			if rep.Status != want || rep.MessageID != ourID || rep.ProviderID != ourID || !rep.At.Equal(noon) {
				t.Errorf("%s: %d/%d: report %+v", name, status, problem, rep)
			}
			if want != relay.Failed {
				return
			}
			if rep.Failure == nil || rep.Failure.Code != r.codeOf() || rep.Failure.Message != r.said() || strings.Contains(rep.Failure.Message, "tried again") {
				t.Errorf("%s: %d/%d: failure %+v, want %+v", name, status, problem, rep.Failure, r)
			}
			if (got.Fault != "") != r.stops {
				t.Errorf("%s: %d/%d: fault %q", name, status, problem, got.Fault)
			}
		}
		for id, r := range statuses {
			want := relay.Failed
			if id == 29 { // nobody knows: what is known is that it went on
				want = relay.Sent
			}
			report(id, 0, r, want)
		}
		for id, r := range problems {
			report(9, id, r, relay.Failed)
		}
		for id, want := range map[int]relay.Status{2: relay.Sent, 3: relay.Sent, 7: relay.Sent, 26: relay.Sent, 5: relay.Delivered} {
			report(id, 0, row{}, want)
		}
	}
}

func TestALateReportDoesNotHoldTheChannelAgain(t *testing.T) {
	a := newAccount(t)
	m := infobiptest.Message{Channel: "WHATSAPP", ID: ourID, To: person}
	got, err := a.whatsapp().Receive(channel(t, settings{}), post(infobiptest.Batch(infobiptest.Report(m, 12, 0, noon.Add(-recent))), nil))
	if err != nil || got.Fault != "" || len(got.Reports) != 1 || got.Reports[0].Failure == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestACodeWithoutARowIsAsFinalAsItsFlagSays(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		st   state
		p    *problem
		want relay.Verdict
	}{
		{state{GroupID: 5, ID: 777}, nil, relay.Refused},
		{state{GroupID: 2, ID: 9}, &problem{ID: 7999, Name: "EC_NEW", Permanent: &yes}, relay.Refused},
		{state{GroupID: 2, ID: 9}, &problem{ID: 7999, Name: "EC_NEW", Permanent: &no}, relay.Deferred},
		{state{GroupID: 5, ID: 12}, &problem{ID: 7999, Name: "EC_NEW", Permanent: &no}, relay.ChannelFault},
		{state{GroupName: "REJECTED"}, nil, relay.Refused},
	} {
		e := turnedAway(c.st, c.p)
		if e == nil || e.Verdict != c.want || e.Code == "" || e.Reason == "" || c.p != nil && !strings.Contains(e.Reason, "(EC_NEW)") {
			t.Errorf("%+v %+v: %+v", c.st, c.p, e)
		}
	}
	if e := turnedAway(state{GroupID: 5, ID: 777, Name: "to +44 113"}, &problem{ID: 1234, Name: "text of a message"}); strings.Contains(e.Err.Error()+e.Reason, "message)") || strings.Contains(e.Err.Error(), "113") {
		t.Errorf("what is no name is shown: %v, %v", e, e.Err)
	}
}

func TestAnErrorBodyOfEitherFormIsRead(t *testing.T) {
	a := newAccount(t)
	for name, s := range both(t, a) {
		for status, want := range map[int]relay.Verdict{
			400: relay.Refused, 401: relay.ChannelFault, 403: relay.ChannelFault, 404: relay.Refused, 408: relay.Unsure, 409: relay.Unsure,
			429: relay.Deferred, 500: relay.Unsure, 502: relay.Unsure, 503: relay.Unsure,
		} {
			a.Next(infobiptest.Answer{HTTP: status, RetryAfter: 7e9})
			_, err := s.Send(t.Context(), s.Outgoing)
			e := sendError(t, err)
			if e.Verdict != want || e.Reason == "" || e.Outage != (status >= 500) || (e.After == 7e9) != (status == 429) {
				t.Errorf("%s: %d: %+v", name, status, e)
			}
		}
		a.Next(infobiptest.Answer{HTTP: 400, Plain: true, Body: "<html>no"}, infobiptest.Answer{Plain: true, Body: "<html>yes"}, infobiptest.Answer{Plain: true, Body: "{}"}, infobiptest.Answer{Cut: true, Taken: true})
		for range 4 {
			if _, err := s.Send(t.Context(), s.Outgoing); sendError(t, err).Verdict != relay.Unsure {
				t.Errorf("%s: an answer that nobody can read: %v", name, err)
			}
		}
		out := s.Outgoing
		out.MessageID = strings.Repeat("x", 201)
		if _, err := s.Send(t.Context(), out); sendError(t, err).Verdict != relay.Refused || !strings.Contains(sendError(t, err).Reason, "messageId") {
			t.Errorf("%s: a fault names its field: %v", name, err)
		}
	}
	wrongKey := outgoing(channel(t, settings{APIKey: "another key of 16"}))
	if _, err := a.whatsapp().Send(t.Context(), wrongKey); sendError(t, err).Verdict != relay.ChannelFault || sendError(t, err).Code != relay.CodeProviderFailed {
		t.Errorf("a wrong key: %v", err)
	}
	if n := len(a.Messages()); n == 0 || a.Messages()[0].NotifyURL != statusURL {
		t.Errorf("%d messages", n)
	}
}

func TestARepeatedIDIsUnsure(t *testing.T) {
	a := newAccount(t)
	for _, s := range both(t, a) {
		s.Outgoing.MessageID += s.Channel.Kind
		if id, err := s.Send(t.Context(), s.Outgoing); err != nil || id != s.Outgoing.MessageID {
			t.Fatalf("%q, %v", id, err)
		}
		if _, err := s.Send(t.Context(), s.Outgoing); sendError(t, err).Verdict != relay.Unsure {
			t.Errorf("the same id again: %v", err)
		}
	}
}
