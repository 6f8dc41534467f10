package console

import (
	"context"
	"strconv"
	"strings"
	"time"

	"relevo/quota"
)

// jobShown is a piece of upkeep.
type jobShown struct {
	// Name and Schedule are as the server's log and its settings have them;
	// What and Words say them. Either is empty where there are no words.
	Name, What, Schedule, Words string
	Last, Next                  time.Time
}

// jobs are the upkeep on the clock. copied is when the last nightly copy was
// made.
func (p *call) jobs(ctx context.Context, copied time.Time) (list []jobShown, err error) {
	for _, j := range p.c.Jobs {
		shown := jobShown{Name: j.Name, What: p.jobName(j.Name), Schedule: j.Schedule, Words: p.often(j.Schedule)}
		if shown.Last, err = p.c.Relay.Store.Job(ctx, j.Name); err != nil {
			return nil, err
		}
		from := shown.Last
		if from.IsZero() {
			from = time.Now()
		}
		if j.Name == "backup" { // its first start notes a time, and copies nothing
			shown.Last = copied
		}
		shown.Next, _ = quota.Plan{Schedule: j.Schedule}.Next(from) // checked at the start
		list = append(list, shown)
	}
	return list, nil
}

func (p *call) jobName(name string) string {
	key := "operator.jobs." + strings.ReplaceAll(name, "-", "_")
	if words := p.T(key); words != key {
		return words
	}
	return ""
}

// often says a schedule in words; empty for one that is too much its own.
func (p *call) often(schedule string) string {
	if name := presetOf(schedule); name != "custom" {
		key := "quota.every." + name
		return p.T(key)
	}
	if every, ok := strings.CutPrefix(schedule, "@every "); ok {
		d, err := time.ParseDuration(every)
		switch {
		case err != nil || d < time.Second:
			return ""
		case d%time.Hour == 0:
			return p.N("operator.every_hours", int64(d/time.Hour))
		case d%time.Minute == 0:
			return p.N("operator.every_minutes", int64(d/time.Minute))
		}
		return p.N("operator.every_seconds", int64(d/time.Second))
	}
	f := strings.Fields(schedule)
	if len(f) != 5 || f[2] != "*" || f[3] != "*" || f[4] != "*" {
		return ""
	}
	minute, err := strconv.Atoi(f[0])
	if err != nil {
		return ""
	}
	if f[1] == "*" {
		return p.T("operator.hourly", "Minute", strconv.Itoa(minute))
	}
	hour, err := strconv.Atoi(f[1])
	if err != nil {
		return ""
	}
	return p.T("operator.daily", "Time", time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("15:04"))
}

// Space writes how much room there is: in GiB where that is much.
func (p *call) Space(bytes int64) string {
	const mib, gib = 1 << 20, 1 << 30
	if bytes < 10*gib {
		return p.Num(max(0, bytes)/mib) + " MiB"
	}
	return p.Num(bytes/gib) + " GiB"
}
