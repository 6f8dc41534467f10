package console

import (
	"math"
	"time"

	"relevo/relay"
)

// dayFigures are what was sent on one day of the workspace's calendar. The
// figures count by the moment of sending: a report that comes later counts on
// the day of its message.
type dayFigures struct {
	Day time.Time
	relay.Counts
}

// Open is how many were sent and are neither delivered nor failed as far as
// anybody has said.
func (d dayFigures) Open() int64 { return max(0, d.Sent-d.Delivered-d.Failed) }

// daysShown is how many days the picture has.
const daysShown = 14

// lastDays are the figures of the last days, today's last.
func (p *call) lastDays(now time.Time) ([]dayFigures, error) {
	y, m, d := now.In(p.Zone()).Date()
	days := make([]dayFigures, daysShown)
	for i := range days {
		from := time.Date(y, m, d-daysShown+1+i, 0, 0, 0, 0, p.Zone())
		to := time.Date(y, m, d-daysShown+2+i, 0, 0, 0, 0, p.Zone())
		counts, err := p.c.Relay.Store.Counts(p.ctx, p.WS.ID, from, to)
		if err != nil {
			return nil, err
		}
		days[i].Day = from
		for _, c := range counts {
			days[i].Add(c)
		}
	}
	return days, nil
}

// chart is a picture of days: one bar each.
type chart struct {
	Days []dayFigures
	Bars []bar
	// Width and Height are those of the picture, Ground where its bars stand.
	Width, Height, Ground int
	// Top is what the line at the top stands for; 0 for an empty picture.
	Top int64
}

// bar is a day's: pieces from the bottom to the top.
type bar struct {
	X, Middle, Width int
	Pieces           []piece
	// Label is the number of messages, at LabelY; Day below, which is Odd where
	// every second one is enough.
	Label, Day string
	LabelY     int
	Odd        bool
}

type piece struct {
	Class     string
	Y, Height int
}

const (
	barStep, barWidth      = 50, 34
	chartHeight, barsHigh  = 200, 150
	chartGround, chartLeft = 175, 20
)

// draw puts days into a picture.
func (p *call) draw(days []dayFigures) chart {
	c := chart{Days: days, Width: chartLeft*2 + barStep*len(days), Height: chartHeight, Ground: chartGround}
	for _, d := range days {
		c.Top = max(c.Top, d.Sent)
	}
	for i, d := range days {
		b := bar{X: chartLeft + barStep*i + (barStep-barWidth)/2, Width: barWidth, LabelY: chartGround - 6, Odd: (len(days)-1-i)%2 == 1}
		if p.Lang() == "en" {
			b.Day = d.Day.Format("2 Jan")
		} else if p.Lang() == "zh-Hans" {
			b.Day = d.Day.Format("1-2")
		} else {
			b.Day = d.Day.Format("02/01")
		}
		b.Middle = b.X + barWidth/2
		y := chartGround
		for _, s := range []struct {
			class string
			n     int64
		}{{"delivered", d.Delivered}, {"sent", d.Open()}, {"failed", d.Failed}} {
			if s.n <= 0 {
				continue
			}
			high := max(2, int(math.Round(float64(s.n)/float64(c.Top)*barsHigh)))
			y -= high
			b.Pieces = append(b.Pieces, piece{Class: s.class, Y: y, Height: high})
		}
		if d.Sent > 0 {
			b.Label, b.LabelY = p.Num(d.Sent), y-5
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}
