package console

import (
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"time"

	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// whole is any whole number.
func whole(n any) int64 {
	v := reflect.ValueOf(n)
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint()) // counts of ours are small
	}
	return 0
}

// Num writes a whole number as the language groups it.
func (p *call) Num(n any) string {
	return strings.Replace(message.NewPrinter(p.tag).Sprint(number.Decimal(whole(n))), "-", "−", 1)
}

// Seconds writes a time in seconds, to the millisecond, without its unit.
func (p *call) Seconds(d time.Duration) string {
	return message.NewPrinter(p.tag).Sprint(number.Decimal(d.Seconds(), number.MaxFractionDigits(3)))
}

// Zone is where the workspace keeps its clocks; UTC where it does not say.
func (p *call) Zone() *time.Location {
	if p.WS.TimeZone != "" {
		if z, err := time.LoadLocation(p.WS.TimeZone); err == nil {
			return z
		}
	}
	return time.UTC
}

// timeForms are how each language writes a time, to the second; and a day.
var timeForms = map[string][2]string{
	"en": {"2 Jan 2006, 15:04:05", "2 Jan 2006"}, "es": {"02/01/2006 15:04:05", "02/01/2006"},
	"pt-BR": {"02/01/2006 15:04:05", "02/01/2006"}, "zh-Hans": {"2006-01-02 15:04:05", "2006-01-02"},
}

// offset is how far a time's zone is from universal time: UTC, UTC+8 or
// UTC+05:30. What zones are called for short, such as CST, means several.
func offset(t time.Time) string {
	_, seconds := t.Zone()
	switch {
	case seconds == 0:
		return "UTC"
	case seconds%3600 == 0:
		return fmt.Sprintf("UTC%+d", seconds/3600)
	}
	return "UTC" + t.Format("-07:00")
}

// ZoneName is the workspace's zone with its present offset.
func (p *call) ZoneName() string {
	z := p.Zone()
	if z == time.UTC {
		return "UTC"
	}
	return z.String() + " (" + offset(time.Now().In(z)) + ")"
}

// Exact writes a time to the second, with the offset of its zone.
func (p *call) Exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(p.Zone())
	return t.Format(timeForms[p.Lang()][0]) + " " + offset(t)
}

// Day writes a time's day.
func (p *call) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.Zone()).Format(timeForms[p.Lang()][1])
}

// Minute writes a time to the minute, with the offset of its zone.
func (p *call) Minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(p.Zone())
	return strings.TrimSuffix(t.Format(timeForms[p.Lang()][0]), t.Format(":05")) + " " + offset(t)
}

// About writes a time that is only guessed: its day, or the minute where it is
// within two days of now.
func (p *call) About(t, now time.Time) string {
	if t.Sub(now).Abs() > 48*time.Hour {
		return p.Day(t)
	}
	return p.Minute(t)
}

// Clock writes hour and minute.
func (p *call) Clock(t time.Time) string { return t.In(p.Zone()).Format("15:04") }

// Ago is a <time> that says how long ago or ahead it is, and when exactly in
// its title. Whoever has the script sees it count.
func (p *call) Ago(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), template.HTMLEscapeString(p.Exact(t)), template.HTMLEscapeString(p.Relative(t, time.Now()))))
}

// Relative says how far a time is from now, in words, in whole units. What is
// ahead and lacks little of one has it: a week that began a moment ago is 7
// days. Not more than that: it may be all the time that is left.
func (p *call) Relative(t, now time.Time) string {
	d, key := now.Sub(t), "time.ago_"
	const (
		day    = 24 * time.Hour
		little = 48 // the part of a unit: half an hour of a day
	)
	in := func(unit time.Duration) int64 { return int64(d / unit) }
	if d < 0 {
		d, key = -d, "time.in_"
		in = func(unit time.Duration) int64 { return int64((d + unit/little) / unit) }
	}
	switch {
	case d < 5*time.Second:
		return p.T("time.now")
	case in(time.Second) < 60:
		return p.N(key+"seconds", in(time.Second))
	case in(time.Minute) < 60:
		return p.N(key+"minutes", in(time.Minute))
	case in(time.Hour) < 48:
		return p.N(key+"hours", in(time.Hour))
	case in(day) < 60:
		return p.N(key+"days", in(day))
	}
	return p.Day(t)
}

// Span says how long something takes.
func (p *call) Span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return p.N("time.seconds", int64(d.Seconds()))
	case d < time.Hour:
		return p.N("time.minutes", int64(d.Minutes()))
	case d < 48*time.Hour:
		return p.N("time.hours", int64(d.Hours()))
	}
	return p.N("time.days", int64(d.Hours()/24))
}

// Short cuts a text after n characters.
func (p *call) Short(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
