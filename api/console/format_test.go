package console

import (
	"testing"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

func speaker(lang string) *call {
	return &call{tag: language.Make(lang), localizer: i18n.NewLocalizer(printed().bundle, lang, "en")}
}

func TestWhatLacksLittleOfAUnitHasIt(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		7*day - time.Second: "in 7 days", 7*day - time.Hour: "in 6 days", 100 * time.Minute: "in 1 hour", -7*day + time.Second: "6 days ago",
		time.Hour - time.Second: "in 1 hour", 24*time.Hour - time.Second: "in 24 hours", 48*time.Hour - time.Second: "in 2 days", 59990 * time.Millisecond: "in 1 minute",
		-59900 * time.Millisecond: "59 seconds ago", -90 * time.Minute: "1 hour ago", 60 * day: "30 Apr 2026",
	} {
		if got := speaker("en").Relative(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestAScheduleIsSaidInWords(t *testing.T) {
	for schedule, want := range map[string][2]string{
		"@every 5s": {"every 5 seconds", "cada 5 segundos"}, "@every 1m": {"every minute", "cada minuto"}, "@every 1m0s": {"every minute", "cada minuto"},
		"@every 2h": {"every 2 hours", "cada 2 horas"}, "@every 90s": {"every 90 seconds", "cada 90 segundos"}, "@every 1ms": {"", ""},
		"7 * * * *": {"every hour, 7 minutes past", "cada hora, en el minuto 7"}, "23 6 * * *": {"every day at 06:23 (UTC)", "cada día a las 06:23 (UTC)"},
		"@daily":    {"every day at midnight (UTC)", "cada día a medianoche (UTC)"},
		"0 6 * * 1": {"", ""}, "*/5 * * * *": {"", ""}, "0 6,18 * * *": {"", ""}, "@yearly": {"", ""},
	} {
		for i, lang := range []string{"en", "es"} {
			if got := speaker(lang).often(schedule); got != want[i] {
				t.Errorf("%s in %s: %q, want %q", schedule, lang, got, want[i])
			}
		}
	}
}

func TestMuchSpaceIsInGiB(t *testing.T) {
	for bytes, want := range map[int64]string{-5: "0 MiB", 700 << 20: "700 MiB", 9 << 30: "9,216 MiB", 120<<30 + 5: "120 GiB"} {
		if got := speaker("en").Space(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}
