package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"relevo/relay"
)

func pauseQueue(p *call) error {
	ch, err := p.c.Relay.PauseChannel(p.ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	return p.done(p.At("queue", ch.ID), "queue.was_paused", "Name", ch.Name)
}

func resumeQueue(p *call) error {
	ch, err := p.c.Relay.ResumeChannel(p.ctx, p.WS.ID, p.r.PathValue("ch"))
	if err != nil {
		return err
	}
	return p.done(p.At("queue", ch.ID), "queue.was_resumed", "Name", ch.Name)
}

// cancelsAtOnce bounds what one request cancels of a line.
const cancelsAtOnce = 500

// cancelLine cancels what waits on a channel: all of it by its typed number, a
// bounded part with each request. What was begun goes on by the button that the
// page shows then.
func cancelLine(p *call) error {
	q, err := p.queueOf()
	if err != nil {
		return err
	}
	if p.field("on") == "" && onlyDigits(p.field("number")) != strconv.Itoa(q.Waiting) {
		l, err := p.lineOf(q)
		if err != nil {
			return err
		}
		p.Page, l.Typed = "queue", p.field("number")
		p.Problem = fieldProblem("number", p.T("queue.wrong_number", "N", strconv.Itoa(q.Waiting)))
		return p.showAs(http.StatusUnprocessableEntity, "queue_line", l)
	}
	sum, more, err := p.c.Relay.CancelChannel(p.ctx, p.WS.ID, q.ID, cancelsAtOnce)
	if err != nil {
		return err
	}
	done := relay.Cancellation{Messages: formCount(p.field("done")), Units: int64(formCount(p.field("units")))}
	done.Add(sum)
	p.noteMany("message_canceled", sum.Messages, q.ID)
	if more {
		return p.progress(cancelProgress{Channel: q.ID, Cancellation: done})
	}
	p.flashUnits(p.canceledText(done))
	return p.goTo(p.At("queue", q.ID))
}

// cancelProgress is how far the canceling of a line has come.
type cancelProgress struct {
	Channel string
	relay.Cancellation
	// Left is how many wait yet.
	Left int
}

// progress answers with how far it has come. Whoever has the script sees it go
// on by itself, others press the button.
func (p *call) progress(done cancelProgress) error {
	q, err := p.queueOf()
	if err != nil {
		return err
	}
	done.Left = q.Waiting
	if p.Htmx() {
		return p.part("queue_line", "progress", done)
	}
	l, err := p.lineOf(q)
	if err != nil {
		return err
	}
	p.Page, l.Progress = "queue", &done
	return p.showAs(http.StatusOK, "queue_line", l)
}

// formCount is a whole number of a form, 0 for anything else.
func formCount(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 1_000_000_000 {
		return 0
	}
	return n
}

// Pace is how long a channel rests between two messages, to a tenth of a
// second.
func (p *call) Pace(least, most time.Duration) string {
	tenth := func(d time.Duration) string {
		return message.NewPrinter(p.tag).Sprint(number.Decimal(d.Seconds(), number.MaxFractionDigits(1)))
	}
	if least == most {
		return tenth(least)
	}
	return tenth(least) + "–" + tenth(most)
}
