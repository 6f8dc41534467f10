package relay

import (
	"fmt"
	"log/slog"
	"time"
)

// New makes a relay over a store. latest is the newest message id that the
// store holds, empty for none: later ids sort after it.
func New(store Store, drivers map[string]Driver, secrets *Secrets, files Files, set Settings, latest string, log *slog.Logger) (*Relay, error) {
	if set.CallTimeout <= 0 || set.MaxCalls < 1 || set.MaxFetches < 1 {
		return nil, fmt.Errorf("call timeout %s, %d calls, %d fetches: each must be above zero", set.CallTimeout, set.MaxCalls, set.MaxFetches)
	}
	r := &Relay{Store: store, Drivers: drivers, Secrets: secrets, Files: files, Log: log, Set: set, fetchWake: make(chan struct{}, 1), eventWake: make(chan struct{}, 1)}
	if raw, ok := RawMessageID(latest); ok {
		r.ids.After(raw)
		r.attempts.After(raw)
		r.events.After(raw)
	}
	r.dispatcher.Source, r.dispatcher.Work = r, r.deliver
	r.dispatcher.Max, r.dispatcher.Log = set.MaxCalls, log
	return r, nil
}

// DefaultSettings are the times of a fresh installation.
func DefaultSettings() Settings {
	return Settings{
		Node: "relevo", CallTimeout: 30 * time.Second, UnconfirmedAfter: 2 * time.Hour, ExpireAfter: 24 * time.Hour,
		MaxCalls: 256, MaxFetches: 8, FetchTimeout: 15 * time.Second,
		KeepMessages: 30 * 24 * time.Hour, KeepKeys: 72 * time.Hour, KeepFiles: 72 * time.Hour,
	}
}
